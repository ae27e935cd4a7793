#include "room/voices.h"

#include <math.h>
#include <opus/opus.h>

#include "mixer/audio_mixer.h"

#define TONE_HZ   450.0 /* whole periods in a tick */
#define AMPLITUDE 0.3
/* Between two samples: the tone itself makes 0.018. A change to another rate makes it steeper at
 * one place, by less than -36 dBFS. */
#define MAX_STEP         0.022
#define MAX_STEP_CHANGED 0.034

static const VoicesConfig config = { .bitrate_bps = 64000, .complexity = 5 };

/* One listener, and what it hears. */
typedef struct {
    OpusDecoder *decoder;
    VoiceWish wish;
    gboolean heard, to_speech;
    float last, worst_step, worst_dip_db;
    guint64 bytes;
    guint packets, with_fec;
} Listener;

/* `syllables`: the tone swells and ebbs four times a second, as speech does. */
static void make_tick(float *samples, gint tick, gboolean syllables)
{
    for (gint i = 0; i < MIXER_TICK_SAMPLES; i++) {
        double t = (double)(tick * MIXER_TICK_SAMPLES + i) / AUDIO_RATE_HZ;
        double swell = syllables ? 0.5 + 0.5 * sin(2 * G_PI * 4 * t) : 1;
        samples[2 * i] = samples[2 * i + 1] =
            (float)(AMPLITUDE * swell * sin(2 * G_PI * TONE_HZ * t));
    }
}

static Listener *listener_new(void)
{
    Listener *listener = g_new0(Listener, 1);
    listener->decoder = opus_decoder_create(AUDIO_RATE_HZ, AUDIO_CHANNELS, NULL);
    listener->wish.rate = VOICE_FULL;
    return listener;
}

static void listener_free(Listener *listener)
{
    opus_decoder_destroy(listener->decoder);
    g_free(listener);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Listener, listener_free)

static void listen(Listener *listener, GBytes *packet)
{
    float samples[MIXER_TICK_FLOATS];
    double power = 0;
    gsize size = 0;
    const guint8 *data = g_bytes_get_data(packet, &size);
    g_assert_cmpint(opus_decode_float(listener->decoder, data, (opus_int32)size, samples,
                                      MIXER_TICK_SAMPLES, 0),
                    ==, MIXER_TICK_SAMPLES);
    for (gint i = 0; i < MIXER_TICK_SAMPLES; i++) {
        listener->worst_step = MAX(listener->worst_step, fabsf(samples[2 * i] - listener->last));
        listener->last = samples[2 * i];
        power += (double)samples[2 * i] * samples[2 * i];
    }
    double level_db = 10 * log10(2 * power / MIXER_TICK_SAMPLES / (AMPLITUDE * AMPLITUDE) + 1e-9);
    if (listener->packets > 2)
        listener->worst_dip_db = (float)MIN(listener->worst_dip_db, level_db);
    listener->packets++;
    listener->bytes += size;
    listener->with_fec += audio_packet_has_fec(&codec_opus, data, size);
}

ON_AUDIO_THREAD static void run_tick(Voices *voices, gint tick, Listener *const *listeners,
                                     const VoiceWish *wishes, guint n)
{
    float mix[MIXER_TICK_FLOATS];
    make_tick(mix, tick, n > 0 && listeners[0]->to_speech);
    for (guint i = 0; i < n; i++) {
        Listener *listener = listeners[i];
        gboolean other =
            listener->wish.rate != wishes[i].rate || listener->wish.fec != wishes[i].fec;
        voices_take(voices, wishes[i], listener->heard && other);
        listener->wish = wishes[i];
        listener->heard = TRUE;
    }
    for (guint i = 0; i < n; i++) {
        g_autoptr(GBytes) packet = voices_packet(voices, wishes[i], mix);
        listen(listeners[i], packet);
    }
    voices_end_tick(voices, mix);
}

/* Whoever goes from one encode to another hears nothing of it, nor does whoever stays. */
static void test_seamless(void)
{
    static const VoiceWish kinds[] = { { VOICE_FULL, FALSE },   { VOICE_LOW, FALSE },
                                       { VOICE_MIDDLE, FALSE }, { VOICE_FULL, TRUE },
                                       { VOICE_LOW, TRUE },     { VOICE_MIDDLE, TRUE } };
    thread_set_roles(THREAD_AUDIO);
    thread_assert_audio();
    Voices *voices = voices_new(&config);
    g_autoptr(Listener) stays = listener_new();
    g_autoptr(Listener) wanders = listener_new();
    Listener *listeners[] = { stays, wanders };
    guint switches = 0;
    for (gint tick = 0; tick < 50 * 36; tick++) {
        guint kind = (guint)(tick / 50) * 7 % 36; /* every change from one to another */
        VoiceWish wishes[] = { kinds[0], kinds[tick / 50 % 2 ? kind / 6 : kind % 6] };
        switches += wanders->wish.rate != wishes[1].rate || wanders->wish.fec != wishes[1].fec;
        run_tick(voices, tick, listeners, wishes, 2);
    }
    g_test_message("%u changes: steps %.4f and %.4f, dips %.2f and %.2f dB", switches,
                   (double)wanders->worst_step, (double)stays->worst_step,
                   (double)wanders->worst_dip_db, (double)stays->worst_dip_db);
    g_assert_cmpuint(switches, >=, 20);
    g_assert_cmpfloat(wanders->worst_step, <, MAX_STEP_CHANGED);
    g_assert_cmpfloat(stays->worst_step, <, MAX_STEP);
    g_assert_cmpfloat(wanders->worst_dip_db, >, -1);
    g_assert_cmpfloat(stays->worst_dip_db, >, -1);
    voices_free(voices);
}

/* However many listen, what is taken is encoded once, and what is not taken is not. */
static void test_encoded_once(void)
{
    Listener *listeners[30];
    VoiceWish wishes[30];
    VoicesStats stats;
    thread_set_roles(THREAD_AUDIO);
    thread_assert_audio();
    Voices *voices = voices_new(&config);
    for (guint i = 0; i < 30; i++) {
        listeners[i] = listener_new();
        wishes[i] = (VoiceWish){ (VoiceRate)(i % 3), i % 2 };
    }
    run_tick(voices, 0, listeners, wishes, 30);
    voices_stats(voices, &stats);
    g_assert_cmpuint(stats.encoded, ==, VOICES_MAX);
    g_assert_cmpuint(stats.running, ==, VOICES_MAX);
    for (guint i = 0; i < VOICES_MAX; i++)
        g_assert_cmpuint(stats.info[i].listeners, ==, 5);
    run_tick(voices, 1, listeners, wishes, 1);
    voices_stats(voices, &stats);
    g_assert_cmpuint(stats.encoded, ==, VOICES_MAX + 1);
    g_assert_cmpuint(stats.running, ==, 1);
    g_assert_cmpint(stats.info[0].bitrate_bps, ==, 24000);
    g_assert_false(stats.info[0].fec);
    run_tick(voices, 2, listeners, wishes, 0);
    voices_stats(voices, &stats);
    g_assert_cmpuint(stats.encoded, ==, VOICES_MAX + 1);
    g_assert_cmpuint(stats.running, ==, 0);
    for (guint i = 0; i < 30; i++)
        listener_free(listeners[i]);
    voices_free(voices);
}

static void test_rates(void)
{
    static const gint rates[] = { 24000, 40000, 64000 };
    thread_set_roles(THREAD_AUDIO);
    thread_assert_audio();
    for (guint kind = 0; kind < VOICES_MAX; kind++) {
        Voices *voices = voices_new(&config);
        g_autoptr(Listener) listener = listener_new();
        VoiceWish wish = { (VoiceRate)(kind / 2), kind % 2 };
        listener->to_speech = TRUE;
        for (gint tick = 0; tick < 250; tick++)
            run_tick(voices, tick, &listener, &wish, 1);
        gdouble bps = (gdouble)listener->bytes * 8 / 5;
        g_test_message("%d bit/s%s: %.0f, FEC in %u of %u", rates[kind / 2],
                       wish.fec ? " with FEC" : "", bps, listener->with_fec, listener->packets);
        g_assert_cmpfloat(bps, <, 1.1 * rates[kind / 2]);
        g_assert_cmpuint(listener->with_fec, >=, wish.fec ? listener->packets * 3 / 4 : 0);
        g_assert_cmpuint(listener->with_fec, <=, wish.fec ? listener->packets : 0);
        voices_free(voices);
    }
}

/* Where little is configured, the rates that would exceed it are one. */
static void test_small(void)
{
    static const VoicesConfig small = { .bitrate_bps = 20000, .complexity = 0 };
    Listener *listeners[3];
    VoiceWish wishes[3];
    VoicesStats stats;
    thread_set_roles(THREAD_AUDIO);
    thread_assert_audio();
    Voices *voices = voices_new(&small);
    for (guint i = 0; i < 3; i++) {
        listeners[i] = listener_new();
        wishes[i] = (VoiceWish){ (VoiceRate)i, FALSE };
    }
    run_tick(voices, 0, listeners, wishes, 3);
    voices_stats(voices, &stats);
    g_assert_cmpuint(stats.encoded, ==, 1);
    g_assert_cmpuint(stats.info[0].listeners, ==, 3);
    g_assert_cmpint(stats.info[0].bitrate_bps, ==, 20000);
    for (guint i = 0; i < 3; i++)
        listener_free(listeners[i]);
    voices_free(voices);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/voices/seamless", test_seamless);
    g_test_add_func("/voices/encoded_once", test_encoded_once);
    g_test_add_func("/voices/rates", test_rates);
    g_test_add_func("/voices/small", test_small);
    return g_test_run();
}
