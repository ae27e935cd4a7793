#include <math.h>

#include "base/clock.h"
#include "support/sim_world.h"

/* A flash and a beep that were captured at the same moment come out of the mix at the same moment,
 * whatever the sender's clock and its network do. */

#define BEEP_HZ   1000
#define LIMIT_MS  45
#define WARM_UP_S 5

typedef struct {
    guint pairs;
    gdouble worst_ms, mean_ms; /* positive: the beep comes after the flash */
} Skew;

/* When the flashes of the second half come, on the mix's clock. */
static GArray *flashes(SimPeer *watcher, gint64 from_ns)
{
    const GArray *frames = sim_eye_frames(sim_peer_eye(watcher));
    GArray *times = g_array_new(FALSE, FALSE, sizeof(gint64));
    gint before = 255;
    for (guint i = 0; i < frames->len; i++) {
        const SimFrame *frame = &g_array_index(frames, SimFrame, i);
        gint64 at_ns;
        if (frame->arrival_ns >= from_ns && frame->probe_luma > 120 && before <= 120 &&
            sim_peer_mix_time(watcher, TRUE, frame->rtp_timestamp, &at_ns))
            g_array_append_val(times, at_ns);
        before = frame->probe_luma;
    }
    return times;
}

static Skew measure(SimPeer *watcher, gint64 from_ns, gint64 to_ns)
{
    g_autoptr(GArray) lights = flashes(watcher, from_ns);
    g_autoptr(GArray) beeps = sim_ear_onsets(sim_peer_ear(watcher), BEEP_HZ, from_ns, to_ns);
    Skew skew = { 0 };
    for (guint i = 0; i < beeps->len; i++) {
        gint64 beep_ns, nearest_ns = G_MAXINT64;
        g_assert_true(
            sim_peer_mix_time(watcher, FALSE, g_array_index(beeps, guint32, i), &beep_ns));
        for (guint j = 0; j < lights->len; j++) {
            gint64 apart_ns = beep_ns - g_array_index(lights, gint64, j);
            nearest_ns = ABS(apart_ns) < ABS(nearest_ns) ? apart_ns : nearest_ns;
        }
        if (ABS(nearest_ns) > 500 * NS_PER_MS)
            continue; /* its flash lies outside the time that is looked at */
        gdouble apart_ms = (gdouble)nearest_ns / NS_PER_MS;
        skew.pairs++;
        skew.mean_ms += apart_ms;
        if (fabs(apart_ms) > fabs(skew.worst_ms))
            skew.worst_ms = apart_ms;
    }
    skew.mean_ms /= MAX(skew.pairs, 1);
    return skew;
}

static void run_case(const SimPeerConfig *settings)
{
    static const char *const fine[] = { "video.fps=30", "video.ladder=", NULL };
    SimWorldOptions options = { .project_dir = PROJECT_DIR, .settings = fine };
    SimWorld *world = sim_world_new(&options);
    SimPeerConfig sender = *settings;
    sender.name = "Clapper";
    sender.number = 1;
    sender.tone_hz = BEEP_HZ;
    sender.amplitude = 0.5;
    sender.video = SIM_FLASH;
    sender.fps = 30;
    SimPeerConfig receiver = { .name = "Watcher", .number = 2, .view_only = TRUE };
    sim_world_join(world, &sender);
    SimPeer *watcher = sim_world_join(world, &receiver);
    VideoRect middle = { 152, 82, 16, 16 };
    sim_eye_probe(sim_peer_eye(watcher), &middle);
    sim_world_run(world, WARM_UP_S * NS_PER_SEC);
    gint64 from_ns = sim_world_now_ns(world);
    sim_world_run(world, 15 * NS_PER_SEC);
    Skew skew = measure(watcher, from_ns, sim_world_now_ns(world));
    g_test_message("%u pairs, mean %.1f ms, worst %.1f ms", skew.pairs, skew.mean_ms,
                   skew.worst_ms);
    sim_world_free(world);
    g_assert_cmpuint(skew.pairs, >=, 13);
    g_assert_cmpfloat(fabs(skew.worst_ms), <=, LIMIT_MS);
}

static void test_calm(void)
{
    SimPeerConfig config = { .up = { .delay_ns = 20 * NS_PER_MS } };
    run_case(&config);
}

static void test_strange_clock_and_jitter(void)
{
    SimPeerConfig config = { .clock_offset_ns = -7 * 3600 * NS_PER_SEC,
                             .drift_ppm = 200,
                             .up = { .delay_ns = 40 * NS_PER_MS, .jitter_ns = 30 * NS_PER_MS } };
    run_case(&config);
}

static void test_slow_clock_ahead(void)
{
    SimPeerConfig config = { .clock_offset_ns = 30 * 3600 * NS_PER_SEC,
                             .drift_ppm = -200,
                             .up = { .delay_ns = 40 * NS_PER_MS, .jitter_ns = 50 * NS_PER_MS } };
    run_case(&config);
}

/* Pictures are held until their sound comes. */
static void test_sound_comes_late(void)
{
    SimPeerConfig config = { .audio_late_ns = 200 * NS_PER_MS,
                             .up = { .delay_ns = 30 * NS_PER_MS, .jitter_ns = 10 * NS_PER_MS } };
    run_case(&config);
}

/* Sound waits for its pictures. */
static void test_pictures_come_late(void)
{
    SimPeerConfig config = { .video_late_ns = 120 * NS_PER_MS,
                             .up = { .delay_ns = 30 * NS_PER_MS, .jitter_ns = 10 * NS_PER_MS } };
    run_case(&config);
}

static void test_very_wrong_clock(gconstpointer data)
{
    SimPeerConfig config = { .drift_ppm = GPOINTER_TO_INT(data),
                             .up = { .delay_ns = 20 * NS_PER_MS, .jitter_ns = 10 * NS_PER_MS } };
    run_case(&config);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/lip_sync/calm", test_calm);
    g_test_add_func("/lip_sync/strange_clock_and_jitter", test_strange_clock_and_jitter);
    g_test_add_func("/lip_sync/slow_clock_ahead", test_slow_clock_ahead);
    g_test_add_func("/lip_sync/sound_comes_late", test_sound_comes_late);
    g_test_add_func("/lip_sync/pictures_come_late", test_pictures_come_late);
    g_test_add_data_func("/lip_sync/clock/fast", GINT_TO_POINTER(25000), test_very_wrong_clock);
    g_test_add_data_func("/lip_sync/clock/slow", GINT_TO_POINTER(-25000), test_very_wrong_clock);
    return g_test_run();
}
