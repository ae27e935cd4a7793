/* Mono mixes are encoded as mono, stereo ones as stereo, and nobody hears the change; mono packets
 * are decoded as mono until the first stereo one. */

#include <math.h>
#include <opus/opus.h>
#include <string.h>

#include "codecs/codec.h"

#define TONE_HZ   450.0 /* whole periods in a tick */
#define AMPLITUDE 0.3
#define TICKS     300
#define MAX_STEP  0.022 /* between two samples: the tone itself makes 0.018 */
#define MAX_ERROR 0.02  /* RMS of a tick against the tone: 0.005 is usual, a seam makes 0.04 */

static gboolean stereo_at(gint tick)
{
    return (tick >= 60 && tick < 100) || (tick >= 200 && tick < 210);
}

/* The right channel is the same as the left, or half of it. */
static void make_tick(float *samples, gint tick)
{
    for (gint i = 0; i < AUDIO_TICK_SAMPLES; i++) {
        double t = (double)(tick * AUDIO_TICK_SAMPLES + i) / AUDIO_RATE_HZ;
        samples[2 * i] = (float)(AMPLITUDE * sin(2 * G_PI * TONE_HZ * t));
        samples[2 * i + 1] = stereo_at(tick) ? samples[2 * i] / 2 : samples[2 * i];
    }
}

/* RMS distance of a tick's left channel from the tone, whatever its delay. */
static double distance(const float *samples)
{
    double re = 0, im = 0, power = 0;
    for (gint i = 0; i < AUDIO_TICK_SAMPLES; i++) {
        double phase = 2 * G_PI * TONE_HZ * i / AUDIO_RATE_HZ;
        re += samples[2 * i] * cos(phase);
        im += samples[2 * i] * sin(phase);
        power += (double)samples[2 * i] * samples[2 * i];
    }
    double tone = 2 * (re * re + im * im) / AUDIO_TICK_SAMPLES;
    return sqrt(MAX(power - tone, 0) / AUDIO_TICK_SAMPLES);
}

static void test_encoder(void)
{
    AudioEncoderConfig config = { .bitrate_bps = 64000, .complexity = 5 };
    g_autoptr(AudioEncoder) encoder = audio_encoder_new(&codec_opus, &config, NULL);
    OpusDecoder *decoder = opus_decoder_create(AUDIO_RATE_HZ, AUDIO_CHANNELS, NULL);
    AVPacket *packet = av_packet_alloc();
    float samples[AUDIO_TICK_SAMPLES * AUDIO_CHANNELS], last = 0;
    for (gint tick = 0; tick < TICKS; tick++) {
        make_tick(samples, tick);
        g_assert_true(audio_encoder_encode(encoder, samples, packet, NULL));
        gint channels = opus_packet_get_nb_channels(packet->data);
        /* Mono again a second after the last stereo. */
        gboolean stereo = (tick >= 60 && tick < 149) || (tick >= 200 && tick < 259);
        g_assert_cmpint(channels, ==, stereo ? 2 : 1);
        g_assert_cmpint(
            opus_decode_float(decoder, packet->data, packet->size, samples, AUDIO_TICK_SAMPLES, 0),
            ==, AUDIO_TICK_SAMPLES);
        for (gint i = 0; i < AUDIO_TICK_SAMPLES; i++) {
            g_assert_cmpfloat(fabsf(samples[2 * i] - last), <, MAX_STEP);
            last = samples[2 * i];
        }
        if (tick > 2)
            g_assert_cmpfloat(distance(samples), <, MAX_ERROR);
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    opus_decoder_destroy(decoder);
}

/* Both channels of what our decoder makes, of mono packets and of stereo ones. */
static void test_decoder(void)
{
    AudioEncoderConfig config = { .bitrate_bps = 64000, .complexity = 5 };
    g_autoptr(AudioEncoder) encoder = audio_encoder_new(&codec_opus, &config, NULL);
    g_autoptr(AudioDecoder) decoder = audio_decoder_new(&codec_opus, NULL);
    AVPacket *packet = av_packet_alloc();
    float samples[AUDIO_MAX_SAMPLES * AUDIO_CHANNELS];
    for (gint tick = 0; tick < 100; tick++) {
        double power[2] = { 0, 0 };
        make_tick(samples, tick);
        g_assert_true(audio_encoder_encode(encoder, samples, packet, NULL));
        g_assert_cmpint(audio_decoder_decode(decoder, packet->data, (gsize)packet->size, samples),
                        ==, AUDIO_TICK_SAMPLES);
        for (gint i = 0; i < 2 * AUDIO_TICK_SAMPLES; i++)
            power[i % 2] += (double)samples[i] * samples[i];
        av_packet_unref(packet);
        if (tick < 5 || (tick >= 60 && tick < 65))
            continue;
        g_assert_cmpfloat_with_epsilon(sqrt(power[0] / AUDIO_TICK_SAMPLES), AMPLITUDE / G_SQRT2,
                                       0.02);
        g_assert_cmpfloat_with_epsilon(sqrt(power[1] / power[0]), stereo_at(tick) ? 0.5 : 1, 0.05);
    }
    av_packet_free(&packet);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/opus/channels/encoder", test_encoder);
    g_test_add_func("/opus/channels/decoder", test_decoder);
    return g_test_run();
}
