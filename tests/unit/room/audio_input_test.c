#include "room/audio_input.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "mixer/audio_stretch.h"

#define TICK_NS   (20 * NS_PER_MS)
#define PHASE_NS  (7 * NS_PER_MS) /* of the mixer's ticks against the sender's packets */
#define TONE_HZ   440.0
#define AMPLITUDE 0.3
#define MAX_STEP  0.03 /* between two samples: the tone itself makes 0.018 */
#define MAX_QUEUE 64

/* A sender of a tone, a line, and the input at its end, in simulated time. */
typedef struct {
    AudioEncoder *encoder;
    AVPacket *packet;
    AudioInput *input;
    gint sent;
    guint16 first_seq;
    guint32 first_timestamp;
    gdouble clock_rate; /* of the sender's clock */
    gboolean muted;     /* nothing is sent */
    gboolean syllables; /* the tone swells and ebbs four times a second, as speech does */

    /* What the newest tick was. */
    float out[MIXER_TICK_FLOATS];
    AudioPull result;
    float last;
    double worst_step;

    /* On the line, not in order. */
    struct {
        gint64 arrival_ns;
        gint number;
        GBytes *payload;
    } line[MAX_QUEUE];
    guint on_line;
} Call;

static void call_init(Call *call, gboolean fec)
{
    AudioEncoderConfig config = {
        .bitrate_bps = 64000, .complexity = 5, .inband_fec = fec, .expected_loss_pct = 20
    };
    g_autoptr(GError) error = NULL;
    memset(call, 0, sizeof *call);
    call->encoder = audio_encoder_new(&codec_opus, &config, &error);
    g_assert_no_error(error);
    call->input = audio_input_new(&codec_opus, &error);
    g_assert_no_error(error);
    call->packet = av_packet_alloc();
    call->first_seq = 65500;
    call->first_timestamp = 0xffff0000u;
    call->clock_rate = 1;
}

static void call_clear(Call *call)
{
    for (guint i = 0; i < call->on_line; i++)
        g_bytes_unref(call->line[i].payload);
    audio_encoder_free(call->encoder);
    av_packet_free(&call->packet);
    audio_input_unref(call->input);
}

/** The next packet of the tone, which takes delay_ns; negative: it is lost. */
static void send_packet(Call *call, gint64 now_ns, gint64 delay_ns)
{
    float samples[MIXER_TICK_FLOATS];
    gint number = call->sent++;
    for (gint i = 0; i < MIXER_TICK_SAMPLES; i++) {
        double t = (double)(number * MIXER_TICK_SAMPLES + i) / AUDIO_RATE_HZ;
        double swell = call->syllables ? 0.5 + 0.5 * sin(2 * G_PI * 4 * t) : 1;
        samples[2 * i] = samples[2 * i + 1] =
            (float)(AMPLITUDE * swell * sin(2 * G_PI * TONE_HZ * t));
    }
    g_assert_true(audio_encoder_encode(call->encoder, samples, call->packet, NULL));
    if (delay_ns < 0)
        return;
    g_assert_cmpuint(call->on_line, <, MAX_QUEUE);
    call->line[call->on_line].arrival_ns = now_ns + delay_ns;
    call->line[call->on_line].number = number;
    call->line[call->on_line++].payload =
        g_bytes_new(call->packet->data, (gsize)call->packet->size);
}

static void receive_until(Call *call, gint64 until_ns)
{
    thread_assert_net();
    for (;;) {
        guint first = call->on_line;
        for (guint i = 0; i < call->on_line; i++) {
            if (call->line[i].arrival_ns <= until_ns &&
                (first == call->on_line || call->line[i].arrival_ns < call->line[first].arrival_ns))
                first = i;
        }
        if (first == call->on_line)
            return;
        gsize size;
        const guint8 *data = g_bytes_get_data(call->line[first].payload, &size);
        gint number = call->line[first].number;
        audio_input_packet(call->input, (guint16)(call->first_seq + number),
                           call->first_timestamp + (guint32)number * MIXER_TICK_SAMPLES, data, size,
                           call->line[first].arrival_ns);
        g_bytes_unref(call->line[first].payload);
        call->line[first] = call->line[--call->on_line];
    }
}

static void pull(Call *call, gint64 now_ns)
{
    thread_assert_audio();
    call->result = audio_input_pull(call->input, now_ns, call->out);
    if (call->result == AUDIO_PULL_SILENT)
        memset(call->out, 0, sizeof call->out);
    call->worst_step = 0;
    for (gint i = 0; i < MIXER_TICK_SAMPLES; i++) {
        g_assert_true(isfinite(call->out[2 * i]) && isfinite(call->out[2 * i + 1]));
        call->worst_step = MAX(call->worst_step, fabs(call->out[2 * i] - call->last));
        call->last = call->out[2 * i];
    }
}

/** One tick: what the sender sends in it, what arrives, what is heard. */
static void tick(Call *call, gint n, gint64 delay_ns)
{
    gint64 now_ns = NS_PER_SEC + n * TICK_NS;
    while (!call->muted && (double)call->sent * MIXER_TICK_SAMPLES <
                               (double)(n + 1) * MIXER_TICK_SAMPLES * call->clock_rate)
        send_packet(call, now_ns, delay_ns);
    receive_until(call, now_ns + PHASE_NS);
    pull(call, now_ns + PHASE_NS);
}

/** Amplitude of the tone in the newest tick (Goertzel's sum). */
static double loudness(const Call *call)
{
    double re = 0, im = 0;
    for (gint i = 0; i < MIXER_TICK_SAMPLES; i++) {
        double phase = 2 * G_PI * TONE_HZ * i / AUDIO_RATE_HZ;
        re += call->out[2 * i] * cos(phase);
        im += call->out[2 * i] * sin(phase);
    }
    return 2 * sqrt(re * re + im * im) / MIXER_TICK_SAMPLES;
}

static void test_tone(void)
{
    Call call;
    call_init(&call, FALSE);
    for (gint n = 0; n < 250; n++) {
        tick(&call, n, NS_PER_MS);
        g_assert_cmpfloat(call.worst_step, <, MAX_STEP);
        if (n < 10)
            continue;
        g_assert_cmpint(call.result, ==, AUDIO_PULL_SOUND);
        g_assert_cmpfloat(loudness(&call), >, 0.27);
        g_assert_cmpfloat(loudness(&call), <, 0.33);
    }
    AudioJitterStats stats;
    audio_input_stats(call.input, &stats);
    g_assert_cmpuint(stats.packets, ==, 250);
    g_assert_cmpuint(stats.lost + stats.late + stats.skipped, ==, 0);
    call_clear(&call);
}

/** Packets overtake each other and come up to 60 ms late: once the delay is found, nothing is
 *  heard of it. */
static void test_jitter(void)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(2);
    Call call;
    gint quiet = 0;
    call_init(&call, FALSE);
    for (gint n = 0; n < 1000; n++) {
        tick(&call, n, g_rand_int_range(random, 0, 60) * NS_PER_MS);
        g_assert_cmpfloat(call.worst_step, <, 3 * MAX_STEP);
        quiet += n >= 100 && loudness(&call) < 0.2;
    }
    AudioJitterStats stats;
    audio_input_stats(call.input, &stats);
    g_test_message("%d of 900 ticks quiet, target %.0f ms", quiet, stats.target_ns / 1e6);
    g_assert_cmpint(quiet, <=, 9);
    g_assert_cmpint(stats.target_ns, <=, 100 * NS_PER_MS);
    call_clear(&call);
}

/** A lost packet is concealed: the tick says so, and the tone goes on without a click. */
static void test_loss(void)
{
    Call call;
    guint lost = 0, concealed = 0;
    call_init(&call, FALSE);
    for (gint n = 0; n < 500; n++) {
        gboolean lose = n > 50 && n % 20 == 0;
        lost += lose;
        tick(&call, n, lose ? -1 : NS_PER_MS);
        concealed += call.result == AUDIO_PULL_CONCEALED;
        g_assert_cmpfloat(call.worst_step, <, 2 * MAX_STEP);
        if (n >= 10)
            g_assert_cmpfloat(loudness(&call), >, 0.1);
    }
    AudioJitterStats stats;
    audio_input_stats(call.input, &stats);
    g_assert_cmpuint(stats.lost, ==, lost);
    g_assert_cmpuint(concealed, >=, lost);
    g_assert_cmpuint(concealed, <=, 2 * lost);
    call_clear(&call);
}

/** What the next packet carries about the lost one is used instead. (Opus carries it for what it
 *  takes for speech.) */
static void test_fec(void)
{
    Call call;
    guint lost = 0, concealed = 0;
    call_init(&call, TRUE);
    call.syllables = TRUE;
    for (gint n = 0; n < 500; n++) {
        gboolean lose = n > 100 && n % 20 == 0;
        lost += lose;
        tick(&call, n, lose ? -1 : NS_PER_MS);
        concealed += n > 100 && call.result == AUDIO_PULL_CONCEALED;
        g_assert_cmpfloat(call.worst_step, <, 2 * MAX_STEP);
    }
    AudioJitterStats stats;
    audio_input_stats(call.input, &stats);
    g_test_message("%u lost, %d by FEC, %u ticks concealed", lost, (gint)stats.fec, concealed);
    g_assert_cmpuint(stats.lost, ==, lost);
    g_assert_cmpuint(stats.fec, >=, lost - 3);
    g_assert_cmpuint(concealed, <=, 6);
    call_clear(&call);
}

static void test_nothing_sent(void)
{
    Call call;
    guint32 timestamp;
    gint64 mixed_ns;
    call_init(&call, FALSE);
    for (gint n = 0; n < 50; n++) {
        thread_assert_audio();
        call.out[0] = 77;
        g_assert_cmpint(audio_input_pull(call.input, n * TICK_NS, call.out), ==, AUDIO_PULL_SILENT);
        g_assert_cmpfloat(call.out[0], ==, 77); /* counts as zeros, not written */
    }
    g_assert_false(audio_input_position(call.input, &timestamp, &mixed_ns));
    call_clear(&call);
}

/** The sender vanishes: its last sound fades, there is silence, and it can come back. */
static void test_sender_stops(void)
{
    Call call;
    gint silent_after = -1;
    call_init(&call, FALSE);
    for (gint n = 0; n < 300; n++) {
        call.muted = n >= 100 && n < 200;
        if (n == 200)
            call.sent = 200; /* its clock went on */
        tick(&call, n, NS_PER_MS);
        g_assert_cmpfloat(call.worst_step, <, 2 * MAX_STEP);
        if (n >= 100 && n < 200 && silent_after < 0 && call.result == AUDIO_PULL_SILENT)
            silent_after = n - 100;
        if (n == 199)
            g_assert_cmpint(call.result, ==, AUDIO_PULL_SILENT);
        if (n >= 225)
            g_assert_cmpfloat(loudness(&call), >, 0.27);
    }
    g_assert_cmpint(silent_after, >, 3);
    g_assert_cmpint(silent_after, <=, 30);
    call_clear(&call);
}

/** A sender whose clock is off by 0.3 %, either way: sound neither runs out nor piles up. */
static void test_drift(gconstpointer data)
{
    Call call;
    AudioJitterStats stats;
    gint quiet = 0;
    call_init(&call, FALSE);
    call.clock_rate = 1 + GPOINTER_TO_INT(data) / 1000.0;
    for (gint n = 0; n < 3000; n++) { /* 60 s */
        tick(&call, n, NS_PER_MS);
        audio_input_stats(call.input, &stats);
        g_assert_cmpint(stats.level_ns, <, 150 * NS_PER_MS);
        g_assert_cmpfloat(call.worst_step, <, MAX_STEP);
        quiet += n >= 50 && loudness(&call) < 0.2;
    }
    g_test_message("%d ticks quiet, %d faster, %d slower, concealed %d samples, delay %.0f ms",
                   quiet, (gint)stats.faster, (gint)stats.slower, (gint)stats.concealed_samples,
                   (gdouble)stats.level_ns / NS_PER_MS);
    g_assert_cmpint(quiet, <=, 6);
    g_assert_cmpuint(stats.skipped, ==, 0);
    call_clear(&call);
}

/** Which sample was mixed when: what lip-sync counts on. */
static void test_position(void)
{
    Call call;
    guint32 before = 0, timestamp;
    gint64 mixed_ns;
    call_init(&call, FALSE);
    for (gint n = 0; n < 200; n++) {
        tick(&call, n, NS_PER_MS);
        if (n < 100)
            continue;
        g_assert_true(audio_input_position(call.input, &timestamp, &mixed_ns));
        g_assert_cmpint(mixed_ns, ==, NS_PER_SEC + n * TICK_NS + PHASE_NS);
        /* At most 100 ms of delay, and never a sample that was not captured yet. */
        gint behind = (gint)(call.first_timestamp + (guint32)(n + 1) * 960 - timestamp);
        g_assert_cmpint(behind, >=, 960);
        g_assert_cmpint(behind, <=, 4800);
        if (n > 100)
            g_assert_cmpint(ABS((gint)(timestamp - before) - 960), <=, AUDIO_STRETCH_MAX_LAG);
        before = timestamp;
    }
    call_clear(&call);
}

static void test_min_delay(void)
{
    Call call;
    AudioJitterStats stats;
    call_init(&call, FALSE);
    for (gint n = 0; n < 700; n++) {
        if (n == 100)
            audio_input_set_min_delay(call.input, 150 * NS_PER_MS);
        if (n == 400)
            audio_input_set_min_delay(call.input, 0);
        tick(&call, n, NS_PER_MS);
        audio_input_stats(call.input, &stats);
        if (n == 399)
            g_assert_cmpint(stats.level_ns, >=, 135 * NS_PER_MS);
        if (n >= 10)
            g_assert_cmpfloat(loudness(&call), >, 0.1);
    }
    g_assert_cmpint(stats.level_ns, <, 80 * NS_PER_MS);
    call_clear(&call);
}

/** Another sender takes the place: its numbers have nothing to do with the ones before. */
static void test_restart(void)
{
    Call call;
    call_init(&call, FALSE);
    for (gint n = 0; n < 200; n++) {
        if (n == 100) {
            thread_assert_net();
            audio_input_restart(call.input);
            call.first_seq = 1234;
            call.first_timestamp = 0x7fff0000u;
        }
        tick(&call, n, NS_PER_MS);
        if ((n >= 10 && n < 100) || n >= 110)
            g_assert_cmpfloat(loudness(&call), >, 0.27);
    }
    call_clear(&call);
}

/** Garbage from an authenticated sender: nothing but its own sound suffers, and that recovers. */
static void test_garbage(void)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(3);
    Call call;
    call_init(&call, FALSE);
    for (gint n = 0; n < 300; n++) {
        thread_assert_net();
        for (gint i = 0; n < 200 && i < 5; i++) {
            guint8 bytes[100];
            gsize size = (gsize)g_rand_int_range(random, 0, sizeof bytes);
            for (gsize k = 0; k < size; k++)
                bytes[k] = (guint8)g_rand_int(random);
            audio_input_packet(call.input, (guint16)g_rand_int(random), g_rand_int(random), bytes,
                               size, NS_PER_SEC + n * TICK_NS);
        }
        tick(&call, n, NS_PER_MS);
        for (gint i = 0; i < MIXER_TICK_FLOATS; i++)
            g_assert_cmpfloat(fabsf(call.out[i]), <=, 8);
        if (n >= 260)
            g_assert_cmpfloat(loudness(&call), >, 0.27);
    }
    call_clear(&call);
}

/** Nobody pulls for a long time: what waits is bounded, and the sound comes back at once. */
static void test_standstill(void)
{
    Call call;
    AudioJitterStats stats;
    call_init(&call, FALSE);
    for (gint n = 0; n < 50; n++)
        tick(&call, n, NS_PER_MS);
    for (gint n = 50; n < 1050; n++) {
        send_packet(&call, NS_PER_SEC + n * TICK_NS, NS_PER_MS);
        receive_until(&call, NS_PER_SEC + (n + 1) * TICK_NS);
    }
    for (gint n = 1050; n < 1150; n++) {
        tick(&call, n, NS_PER_MS);
        if (n >= 1080)
            g_assert_cmpfloat(loudness(&call), >, 0.27);
    }
    audio_input_stats(call.input, &stats);
    g_assert_cmpint(stats.level_ns, <, 150 * NS_PER_MS);
    call_clear(&call);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/room/audio_input/tone", test_tone);
    g_test_add_func("/room/audio_input/jitter", test_jitter);
    g_test_add_func("/room/audio_input/loss", test_loss);
    g_test_add_func("/room/audio_input/fec", test_fec);
    g_test_add_func("/room/audio_input/nothing_sent", test_nothing_sent);
    g_test_add_func("/room/audio_input/sender_stops", test_sender_stops);
    g_test_add_data_func("/room/audio_input/drift/fast", GINT_TO_POINTER(3), test_drift);
    g_test_add_data_func("/room/audio_input/drift/slow", GINT_TO_POINTER(-3), test_drift);
    g_test_add_data_func("/room/audio_input/drift/fastest", GINT_TO_POINTER(25), test_drift);
    g_test_add_data_func("/room/audio_input/drift/slowest", GINT_TO_POINTER(-25), test_drift);
    g_test_add_func("/room/audio_input/position", test_position);
    g_test_add_func("/room/audio_input/min_delay", test_min_delay);
    g_test_add_func("/room/audio_input/restart", test_restart);
    g_test_add_func("/room/audio_input/garbage", test_garbage);
    g_test_add_func("/room/audio_input/standstill", test_standstill);
    return g_test_run();
}
