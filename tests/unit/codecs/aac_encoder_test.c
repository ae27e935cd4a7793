#include "codecs/aac_encoder.h"

#include "codecs/media_decoder.h"
#include "unit/codecs/media_support.h"

#define TICK_US   20000
#define SECOND_US 1000000

static void tick(AacEncoder *encoder, gint64 pts_us, double hz, gboolean expected)
{
    float samples[AUDIO_TICK_SAMPLES * 2];
    for (gint i = 0; i < AUDIO_TICK_SAMPLES; i++) {
        double t = (double)pts_us / 1e6 + i / 48000.0;
        samples[2 * i] = (float)(0.4 * sin(2 * G_PI * hz * t));
        samples[2 * i + 1] = -samples[2 * i];
    }
    g_assert_cmpint(aac_encoder_send(encoder, samples, pts_us), ==, expected);
}

static AacEncoder *encoder_new(void)
{
    g_autoptr(GError) error = NULL;
    AacEncoder *encoder = aac_encoder_new(0, &error);
    g_assert_no_error(error);
    return encoder;
}

static MediaDecoder *decoder_of(const AacEncoder *encoder)
{
    g_autoptr(GError) error = NULL;
    AVCodecParameters *parameters = avcodec_parameters_alloc();
    g_assert_true(aac_encoder_parameters(encoder, parameters));
    g_assert_cmpint(parameters->codec_id, ==, AV_CODEC_ID_AAC);
    g_assert_cmpint(parameters->extradata_size, >=, 2);
    g_assert_cmpint(parameters->extradata[0], ==, 0x11); /* AAC-LC, 48 kHz, stereo */
    g_assert_cmpint(parameters->extradata[1] & 0xf8, ==, 0x90);
    MediaDecoder *decoder = media_decoder_new(parameters, NULL, &error);
    g_assert_no_error(error);
    avcodec_parameters_free(&parameters);
    return decoder;
}

/* 20 ms ticks become 1024-sample packets with exact times, from the run-in on. */
static void test_times(void)
{
    g_autoptr(AacEncoder) encoder = encoder_new();
    AVPacket *packet = av_packet_alloc();
    gint64 base_us = 7 * SECOND_US, n = 0;
    for (gint t = 0; t < 3000; t++) {
        tick(encoder, base_us + (gint64)t * TICK_US, 440, TRUE);
        while (aac_encoder_receive(encoder, packet)) {
            double exact_us = (double)(n - 1) * 1024 / 48000 * 1e6;
            g_assert_cmpfloat(ABS((double)(packet->pts - base_us) - exact_us), <, 1);
            g_assert_cmpint(packet->dts, ==, packet->pts);
            g_assert_true(packet->flags & AV_PKT_FLAG_KEY);
            n++;
        }
    }
    g_assert_cmpint(n, ==, 3000 * 960 / 1024 - 1);
    aac_encoder_drain(encoder);
    while (aac_encoder_receive(encoder, packet))
        n++;
    g_assert_cmpint(n, >=, 3000 * 960 / 1024 + 1);
    av_packet_free(&packet);
}

/* What a decoder makes of the packets stands where the pts say, whichever it begins with. */
static void test_in_step(gconstpointer data)
{
    gint first = GPOINTER_TO_INT(data);
    g_autoptr(AacEncoder) encoder = encoder_new();
    g_autoptr(MediaDecoder) decoder = decoder_of(encoder);
    g_autoptr(GArray) samples = g_array_new(FALSE, FALSE, sizeof(float));
    AVPacket *packet = av_packet_alloc();
    gint64 start_us = G_MININT64, pts_us = 0;
    gint n = 0;
    for (gint t = 0; t < 100; t++) {
        tick(encoder, (gint64)t * TICK_US, 1000, TRUE);
        while (aac_encoder_receive(encoder, packet)) {
            if (n++ < first)
                continue;
            g_assert_true(media_decoder_send(decoder, packet));
            while (media_decoder_receive_audio(decoder, samples, &pts_us))
                start_us = start_us == G_MININT64 ? pts_us : start_us;
        }
    }
    gsize skip = (gsize)av_rescale(SECOND_US - start_us, 48000, SECOND_US);
    double re = 0, im = 0;
    for (gsize i = 0; i < 4800; i++) {
        float left = g_array_index(samples, float, 2 * (skip + i));
        g_assert_cmpfloat(ABS(left + g_array_index(samples, float, 2 * (skip + i) + 1)), <, 0.01);
        re += left * sin(2 * G_PI * 1000 * (double)i / 48000);
        im += left * cos(2 * G_PI * 1000 * (double)i / 48000);
    }
    double off_us = atan2(im, re) / (2 * G_PI * 1000) * 1e6;
    g_test_message("off by %.1f us", off_us);
    g_assert_cmpfloat(ABS(off_us), <, 25);
    g_assert_cmpfloat(ABS(2 * sqrt(re * re + im * im) / 4800 - 0.4), <, 0.02);
    av_packet_free(&packet);
}

/* A missing tick is silence, a long gap a new count, a tick from the past nothing; times rise. */
static void test_gaps(void)
{
    g_autoptr(AacEncoder) encoder = encoder_new();
    AVPacket *packet = av_packet_alloc();
    gint64 last_us = G_MININT64, biggest_us = 0;
    for (gint t = 0; t < 500; t++) {
        gint64 at_us = (gint64)t * TICK_US + (t >= 300 ? 20 * SECOND_US + 777 : 0);
        if (t % 50 == 7)
            continue;
        tick(encoder, at_us, 300, TRUE);
        if (t % 50 == 20)
            tick(encoder, at_us - 5 * TICK_US, 300, FALSE);
        while (aac_encoder_receive(encoder, packet)) {
            if (last_us != G_MININT64) {
                g_assert_cmpint(packet->pts, >, last_us);
                biggest_us = MAX(biggest_us, packet->pts - last_us);
            }
            last_us = packet->pts;
        }
    }
    g_assert_cmpint(biggest_us, >, 19 * SECOND_US);
    g_assert_cmpint(ABS(last_us - (30 * SECOND_US - 2 * 21333)), <, 40000);
    av_packet_free(&packet);
}

static void test_not_a_number(void)
{
    g_autoptr(AacEncoder) encoder = encoder_new();
    AVPacket *packet = av_packet_alloc();
    float samples[AUDIO_TICK_SAMPLES * 2];
    guint n = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(samples); i++)
        samples[i] = i % 3 ? NAN : INFINITY;
    for (gint t = 0; t < 50; t++) {
        g_assert_true(aac_encoder_send(encoder, samples, (gint64)t * TICK_US));
        while (aac_encoder_receive(encoder, packet))
            n++;
    }
    g_assert_cmpuint(n, >=, 45);
    av_packet_free(&packet);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/aac-encoder/times", test_times);
    g_test_add_data_func("/aac-encoder/in-step", GINT_TO_POINTER(0), test_in_step);
    g_test_add_data_func("/aac-encoder/in-step-from-the-middle", GINT_TO_POINTER(17), test_in_step);
    g_test_add_func("/aac-encoder/gaps", test_gaps);
    g_test_add_func("/aac-encoder/not-a-number", test_not_a_number);
    return g_test_run();
}
