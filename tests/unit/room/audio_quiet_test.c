/* A sender that says for long that it is silent is not decoded, and is heard again at once. */

#include "room/audio_input.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"

#define TICK_NS   (20 * NS_PER_MS)
#define TONE_HZ   440.0
#define AMPLITUDE 0.3
#define MAX_STEP  0.03 /* between two samples: the tone itself makes 0.018 */
#define LOUD      20   /* -dBov */
#define SILENT    127

typedef struct {
    AudioEncoder *encoder;
    AVPacket *packet;
    AudioInput *input;
    gint n;
    float out[MIXER_TICK_FLOATS];
    float last;
    double worst_step, peak;
} Call;

static void call_init(Call *call)
{
    AudioEncoderConfig config = { .bitrate_bps = 64000, .complexity = 5 };
    memset(call, 0, sizeof *call);
    call->encoder = audio_encoder_new(&codec_opus, &config, NULL);
    call->input = audio_input_new(&codec_opus, NULL);
    call->packet = av_packet_alloc();
    g_assert_true(call->encoder && call->input && call->packet);
}

static void call_clear(Call *call)
{
    audio_encoder_free(call->encoder);
    audio_input_unref(call->input);
    av_packet_free(&call->packet);
}

static void send_packet(Call *call, guint8 level_dbov, gint64 now_ns)
{
    float samples[MIXER_TICK_FLOATS];
    thread_assert_net();
    for (gint i = 0; i < MIXER_TICK_SAMPLES; i++) {
        double t = (double)(call->n * MIXER_TICK_SAMPLES + i) / AUDIO_RATE_HZ;
        samples[2 * i] = samples[2 * i + 1] = (float)(AMPLITUDE * sin(2 * G_PI * TONE_HZ * t));
    }
    g_assert_true(audio_encoder_encode(call->encoder, samples, call->packet, NULL));
    audio_input_level(call->input, level_dbov);
    audio_input_packet(call->input, (guint16)call->n, (guint32)call->n * MIXER_TICK_SAMPLES,
                       call->packet->data, (gsize)call->packet->size, now_ns);
    av_packet_unref(call->packet);
}

/* One tick: a packet arrives (or is lost), and what is heard. */
static void tick(Call *call, guint8 level_dbov, gboolean lost)
{
    gint64 now_ns = NS_PER_SEC + call->n * TICK_NS;
    thread_assert_audio();
    if (!lost)
        send_packet(call, level_dbov, now_ns);
    call->n++;
    if (audio_input_pull(call->input, now_ns + TICK_NS / 3, call->out) == AUDIO_PULL_SILENT)
        memset(call->out, 0, sizeof call->out);
    call->worst_step = call->peak = 0;
    for (gint i = 0; i < MIXER_TICK_SAMPLES; i++) {
        call->worst_step = MAX(call->worst_step, fabs(call->out[2 * i] - call->last));
        call->peak = MAX(call->peak, fabs(call->out[2 * i]));
        call->last = call->out[2 * i];
    }
    g_assert_cmpfloat(call->worst_step, <, MAX_STEP);
}

static void test_passed_over(void)
{
    Call call;
    call_init(&call);
    for (gint i = 0; i < 60; i++) /* a second and more of silence is still decoded */
        tick(&call, SILENT, FALSE);
    g_assert_cmpfloat(call.peak, >, 0.9 * AMPLITUDE);
    for (gint i = 0; i < 60; i++)
        tick(&call, SILENT, FALSE);
    g_assert_cmpfloat(call.peak, ==, 0);
    tick(&call, SILENT, TRUE); /* nothing is made up for what would not have been decoded */
    g_assert_cmpfloat(call.peak, ==, 0);
    call_clear(&call);
}

/* The decoder is where the encoder is when sound comes back: the tone has its full loudness, and
 * not more, from its first tick on. */
static void test_back_at_once(void)
{
    Call call;
    gint waited = 0;
    call_init(&call);
    for (gint i = 0; i < 200; i++)
        tick(&call, SILENT, FALSE);
    for (; call.peak == 0 && waited < 10; waited++)
        tick(&call, LOUD, FALSE);
    g_assert_cmpint(waited, <=, 4); /* the jitter buffer's delay */
    for (gint i = 0; i < 50; i++) {
        tick(&call, LOUD, FALSE);
        g_assert_cmpfloat(call.peak, >, 0.9 * AMPLITUDE);
        g_assert_cmpfloat(call.peak, <, 1.15 * AMPLITUDE);
    }
    call_clear(&call);
}

/* Who says nothing of its loudness is always decoded. */
static void test_unknown(void)
{
    Call call;
    call_init(&call);
    for (gint i = 0; i < 200; i++)
        tick(&call, 0, FALSE);
    g_assert_cmpfloat(call.peak, >, 0.9 * AMPLITUDE);
    call_clear(&call);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    thread_set_roles(THREAD_ALL);
    g_test_add_func("/room/audio_quiet/passed_over", test_passed_over);
    g_test_add_func("/room/audio_quiet/back_at_once", test_back_at_once);
    g_test_add_func("/room/audio_quiet/unknown", test_unknown);
    return g_test_run();
}
