#include <glib.h>
#include <libavcodec/packet.h>
#include <math.h>
#include <string.h>

#include "codecs/codec.h"

#define FRAME (AUDIO_TICK_SAMPLES * AUDIO_CHANNELS)

static void tone(float *out, gint tick, double hz)
{
    for (gint i = 0; i < AUDIO_TICK_SAMPLES; i++) {
        double t = (double)(tick * AUDIO_TICK_SAMPLES + i) / AUDIO_RATE_HZ;
        out[2 * i] = out[2 * i + 1] = (float)(0.3 * sin(2 * G_PI * hz * t));
    }
}

/** Amplitude of one frequency in the left channel (Goertzel's sum). */
static double amplitude(const float *samples, gint n, double hz)
{
    double re = 0, im = 0;
    for (gint i = 0; i < n; i++) {
        double phase = 2 * G_PI * hz * i / AUDIO_RATE_HZ;
        re += samples[2 * i] * cos(phase);
        im += samples[2 * i] * sin(phase);
    }
    return 2 * sqrt(re * re + im * im) / n;
}

static AudioEncoder *encoder_new(gboolean fec)
{
    AudioEncoderConfig config = {
        .bitrate_bps = 64000, .complexity = 5, .inband_fec = fec, .expected_loss_pct = 20
    };
    g_autoptr(GError) error = NULL;
    AudioEncoder *encoder = audio_encoder_new(&codec_opus, &config, &error);
    g_assert_no_error(error);
    return encoder;
}

static void test_tone(void)
{
    g_autoptr(AudioEncoder) encoder = encoder_new(FALSE);
    g_autoptr(AudioDecoder) decoder = audio_decoder_new(&codec_opus, NULL);
    AVPacket *packet = av_packet_alloc();
    float in[FRAME], out[AUDIO_MAX_SAMPLES * AUDIO_CHANNELS];
    for (gint i = 0; i < 50; i++) {
        tone(in, i, 1000);
        g_assert_true(audio_encoder_encode(encoder, in, packet, NULL));
        g_assert_cmpint(packet->duration, ==, AUDIO_TICK_SAMPLES);
        gsize size = (gsize)packet->size;
        g_assert_cmpint(audio_packet_duration(&codec_opus, packet->data, size), ==,
                        AUDIO_TICK_SAMPLES);
        g_assert_false(audio_packet_has_fec(&codec_opus, packet->data, size));
        g_assert_cmpint(audio_decoder_decode(decoder, packet->data, size, out), ==,
                        AUDIO_TICK_SAMPLES);
        g_assert_cmpint(
            audio_decoder_decode_fec(decoder, packet->data, size, out + FRAME, AUDIO_TICK_SAMPLES),
            ==, -1);
        if (i < 5)
            continue;
        g_assert_cmpfloat(amplitude(out, AUDIO_TICK_SAMPLES, 1000), >, 0.27);
        g_assert_cmpfloat(amplitude(out, AUDIO_TICK_SAMPLES, 1000), <, 0.33);
        g_assert_cmpfloat(amplitude(out, AUDIO_TICK_SAMPLES, 3000), <, 0.02);
    }
    av_packet_free(&packet);
}

static void test_fec(void)
{
    g_autoptr(AudioEncoder) encoder = encoder_new(TRUE);
    g_autoptr(AudioDecoder) decoder = audio_decoder_new(&codec_opus, NULL);
    AVPacket *packet = av_packet_alloc();
    float in[FRAME], out[AUDIO_MAX_SAMPLES * AUDIO_CHANNELS];
    gint recovered = 0;
    for (gint i = 0; i < 100; i++) {
        /* The tone changes while a packet is lost: only its FEC can know. */
        gint hz = i % 10 < 5 ? 500 : 1000;
        tone(in, i, hz);
        g_assert_true(audio_encoder_encode(encoder, in, packet, NULL));
        gsize size = (gsize)packet->size;
        gboolean after_loss = i > 10 && i % 10 == 6;
        if (i % 10 == 5)
            continue; /* lost */
        if (after_loss && audio_packet_has_fec(&codec_opus, packet->data, size)) {
            gint samples =
                audio_decoder_decode_fec(decoder, packet->data, size, out, AUDIO_TICK_SAMPLES);
            g_assert_cmpint(samples, ==, AUDIO_TICK_SAMPLES);
            recovered += amplitude(out, AUDIO_TICK_SAMPLES, 1000) > 0.1;
        }
        g_assert_cmpint(audio_decoder_decode(decoder, packet->data, size, out), ==,
                        AUDIO_TICK_SAMPLES);
    }
    g_assert_cmpint(recovered, >=, 8);
    av_packet_free(&packet);
}

static void test_conceal(void)
{
    static const gint lengths[] = { 960, 1, 119, 120, 121, 480, 5760, 961 };
    g_autoptr(AudioEncoder) encoder = encoder_new(FALSE);
    g_autoptr(AudioDecoder) decoder = audio_decoder_new(&codec_opus, NULL);
    AVPacket *packet = av_packet_alloc();
    float in[FRAME], out[AUDIO_MAX_SAMPLES * AUDIO_CHANNELS + 1];
    for (gint round = 0; round < 20; round++) {
        for (gsize i = 0; i < G_N_ELEMENTS(lengths); i++) {
            gint n = lengths[i] * AUDIO_CHANNELS;
            for (gint k = 0; k <= n; k++)
                out[k] = 77;
            audio_decoder_conceal(decoder, out, lengths[i]);
            for (gint k = 0; k < n; k++)
                g_assert_cmpfloat(fabsf(out[k]), <=, 8);
            g_assert_cmpfloat(out[n], ==, 77);
        }
        tone(in, round, 700);
        g_assert_true(audio_encoder_encode(encoder, in, packet, NULL));
        audio_decoder_decode(decoder, packet->data, (gsize)packet->size, out);
    }
    audio_decoder_conceal(decoder, out, AUDIO_TICK_SAMPLES);
    g_assert_cmpfloat(amplitude(out, AUDIO_TICK_SAMPLES, 700), >, 0.03);
    av_packet_free(&packet);
}

static void test_malformed(void)
{
    static const guint8 too_long[] = { 0x1b, 0x04, 0, 0, 0, 0 }; /* 4 frames of 60 ms */
    static const guint8 no_count[] = { 0x03 };                   /* code 3 without its count */
    static const guint8 odd[] = { 0x01, 0, 0, 0 };               /* two frames in three bytes */
    g_autoptr(AudioDecoder) decoder = audio_decoder_new(&codec_opus, NULL);
    float out[AUDIO_MAX_SAMPLES * AUDIO_CHANNELS];
    g_assert_cmpint(audio_decoder_decode(decoder, too_long, 0, out), ==, -1);
    g_assert_cmpint(audio_decoder_decode(decoder, too_long, sizeof too_long, out), ==, -1);
    g_assert_cmpint(audio_decoder_decode(decoder, no_count, sizeof no_count, out), ==, -1);
    g_assert_cmpint(audio_decoder_decode(decoder, odd, sizeof odd, out), ==, -1);
    g_assert_cmpint(audio_packet_duration(&codec_opus, no_count, sizeof no_count), ==, -1);
    g_assert_cmpint(audio_packet_duration(&codec_vp8, odd, sizeof odd), ==, -1);
}

static void test_garbage(void)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(4);
    g_autoptr(AudioDecoder) decoder = audio_decoder_new(&codec_opus, NULL);
    float out[AUDIO_MAX_SAMPLES * AUDIO_CHANNELS];
    for (gint i = 0; i < 3000; i++) {
        gsize size = (gsize)g_rand_int_range(random, 1, 200);
        g_autofree guint8 *data = g_malloc(size);
        for (gsize k = 0; k < size; k++)
            data[k] = (guint8)g_rand_int(random);
        gint duration = audio_packet_duration(&codec_opus, data, size);
        gint samples = audio_decoder_decode(decoder, data, size, out);
        g_assert_cmpint(duration, <=, AUDIO_MAX_SAMPLES);
        g_assert_cmpint(samples, <=, duration);
        audio_decoder_decode_fec(decoder, data, size, out, AUDIO_TICK_SAMPLES);
        for (gint k = 0; k < samples * AUDIO_CHANNELS; k++)
            g_assert_true(fabsf(out[k]) <= 8);
    }
}

static void test_bitrate(void)
{
    g_autoptr(AudioEncoder) encoder = encoder_new(FALSE);
    g_autoptr(GRand) random = g_rand_new_with_seed(5);
    AVPacket *packet = av_packet_alloc();
    for (gint bitrate = 32000; bitrate <= 128000; bitrate *= 2) {
        gint bytes = 0;
        audio_encoder_set_bitrate(encoder, bitrate);
        for (gint i = 0; i < 100; i++) {
            float in[FRAME];
            tone(in, i, 440);
            for (gint k = 0; k < FRAME; k++)
                in[k] += (float)g_rand_double_range(random, -0.1, 0.1);
            g_assert_true(audio_encoder_encode(encoder, in, packet, NULL));
            bytes += packet->size;
        }
        g_assert_cmpint(bytes * 4, >, bitrate * 7 / 10);
        g_assert_cmpint(bytes * 4, <, bitrate * 13 / 10);
    }
    av_packet_free(&packet);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/opus/tone", test_tone);
    g_test_add_func("/opus/fec", test_fec);
    g_test_add_func("/opus/conceal", test_conceal);
    g_test_add_func("/opus/malformed", test_malformed);
    g_test_add_func("/opus/garbage", test_garbage);
    g_test_add_func("/opus/bitrate", test_bitrate);
    return g_test_run();
}
