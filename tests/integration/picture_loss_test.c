#include <math.h>

#include "base/clock.h"
#include "support/sim_world.h"

/* Pictures on lines that lose packets, both ways: they play on, and lips and voices stay together.
 * Who sends shows another grey in each picture and beeps at each second, so that the mix tells
 * which moment it shows and which one it lets hear. */

#define BEEP_HZ      1000
#define WARM_UP_S    15
#define FREEZE_NS    (200 * NS_PER_MS)
#define TURN_NS      (SIM_STEPS_COUNT * SIM_STEP_NS)
#define IN_STEP_MS   60
#define MEDIAN_MS    45
#define NEAR_BEEP_NS (300 * NS_PER_MS)
/* A receiver that waits for what it asks for again: 30 ms of jitter, 10 ms to draw, and nine tenths
 * of a round trip. */
#define RECEIVER_HOLDS_NS (160 * NS_PER_MS)

typedef struct {
    const char *name;
    gdouble loss;
    gint seconds;
    gdouble freezes; /* at most, each minute; 0: only looked at */
    gdouble in_step; /* least share of the pictures */
} Gate;

static const Gate gates[] = { { "0", 0, 30, 0.1, 1 },
                              { "1", 0.01, 60, 2, 0.98 },
                              { "5", 0.05, 120, 2, 0.97 },
                              { "10", 0.1, 60, 0, 0.93 },
                              { "20", 0.2, 60, 0, 0.7 } };

/* --- pictures that stand still ----------------------------------------------------------- */

typedef struct {
    gint64 before_ns, longest_ns;
    guint pictures, freezes;
} Motion;

static void picture_at(Motion *motion, gint64 now_ns)
{
    gint64 gap_ns = motion->pictures++ ? now_ns - motion->before_ns : 0;
    motion->before_ns = now_ns;
    motion->longest_ns = MAX(motion->longest_ns, gap_ns);
    motion->freezes += gap_ns > FREEZE_NS;
}

/* FALSE: it came before the time that is looked at. */
static gboolean mixed_at(SimPeer *watcher, const SimFrame *frame, gint64 from_ns, gint64 *at_ns)
{
    return frame->arrival_ns >= from_ns &&
           sim_peer_mix_time(watcher, TRUE, frame->rtp_timestamp, at_ns);
}

/* In the mix: until another picture of that person is shown. */
static Motion motion_in_mix(SimPeer *watcher, gint64 from_ns)
{
    const GArray *frames = sim_eye_frames(sim_peer_eye(watcher));
    Motion motion = { 0 };
    gint shown = -1;
    for (guint i = 0; i < frames->len; i++) {
        const SimFrame *frame = &g_array_index(frames, SimFrame, i);
        gint64 at_ns;
        gint step = SIM_STEP_OF(frame->probe_luma);
        if (!mixed_at(watcher, frame, from_ns, &at_ns) || step == shown)
            continue;
        picture_at(&motion, at_ns);
        shown = step;
    }
    return motion;
}

/* On the watcher's screen: each picture is shown when it is due there, or when it is whole. */
static Motion motion_on_screen(SimPeer *watcher, gint64 from_ns)
{
    const GArray *frames = sim_eye_frames(sim_peer_eye(watcher));
    gint64 least_ns = G_MAXINT64, at_ns;
    Motion motion = { 0 };
    for (guint i = 0; i < frames->len; i++) {
        const SimFrame *frame = &g_array_index(frames, SimFrame, i);
        if (mixed_at(watcher, frame, from_ns, &at_ns))
            least_ns = MIN(least_ns, frame->whole_ns - at_ns);
    }
    for (guint i = 0; i < frames->len; i++) {
        const SimFrame *frame = &g_array_index(frames, SimFrame, i);
        if (mixed_at(watcher, frame, from_ns, &at_ns))
            picture_at(&motion, MAX(frame->whole_ns, at_ns + least_ns + RECEIVER_HOLDS_NS));
    }
    return motion;
}

/* --- pictures and sound ------------------------------------------------------------------ */

typedef struct {
    guint pictures;
    gdouble in_step; /* the share that is within 60 ms of its sound */
    gdouble median_ms, worst_ms;
} Sync;

static gint compare(gconstpointer a, gconstpointer b)
{
    gdouble x = *(const gdouble *)a, y = *(const gdouble *)b;
    return (x > y) - (x < y);
}

static GArray *beeps_in_mix(SimPeer *watcher, gint64 from_ns, gint64 to_ns)
{
    GArray *beeps = g_array_new(FALSE, FALSE, sizeof(gint64));
    g_autoptr(GArray) onsets = sim_ear_onsets(sim_peer_ear(watcher), BEEP_HZ, from_ns, to_ns);
    for (guint i = 0; i < onsets->len; i++) {
        gint64 at_ns;
        g_assert_true(sim_peer_mix_time(watcher, FALSE, g_array_index(onsets, guint32, i), &at_ns));
        g_array_append_val(beeps, at_ns);
    }
    return beeps;
}

/* FALSE: no beep tells what is heard at this moment. Steps come round each third of a second. */
static gboolean behind_sound(const GArray *beeps, gint64 at_ns, gint step, gdouble *ms)
{
    gint64 since_ns = -1;
    for (guint i = 0; i < beeps->len && g_array_index(beeps, gint64, i) <= at_ns; i++)
        since_ns = at_ns - g_array_index(beeps, gint64, i);
    if (since_ns < 0 || since_ns > NEAR_BEEP_NS)
        return FALSE;
    gint64 behind_ns = since_ns - step * SIM_STEP_NS;
    gint64 folded_ns = (behind_ns + TURN_NS + TURN_NS / 2) % TURN_NS - TURN_NS / 2;
    *ms = (gdouble)folded_ns / NS_PER_MS;
    return TRUE;
}

static Sync sync_in_mix(SimPeer *watcher, gint64 from_ns, gint64 to_ns)
{
    const GArray *frames = sim_eye_frames(sim_peer_eye(watcher));
    g_autoptr(GArray) beeps = beeps_in_mix(watcher, from_ns, to_ns);
    g_autoptr(GArray) all_ms = g_array_new(FALSE, FALSE, sizeof(gdouble));
    Sync sync = { 0 };
    for (guint i = 0; i < frames->len; i++) {
        const SimFrame *frame = &g_array_index(frames, SimFrame, i);
        gint64 at_ns;
        gdouble ms;
        if (!mixed_at(watcher, frame, from_ns, &at_ns) ||
            !behind_sound(beeps, at_ns, SIM_STEP_OF(frame->probe_luma), &ms))
            continue;
        g_array_append_val(all_ms, ms);
        sync.in_step += fabs(ms) <= IN_STEP_MS;
        sync.worst_ms = fabs(ms) > fabs(sync.worst_ms) ? ms : sync.worst_ms;
    }
    g_array_sort(all_ms, compare);
    sync.pictures = all_ms->len;
    sync.in_step /= MAX(all_ms->len, 1);
    sync.median_ms = all_ms->len ? g_array_index(all_ms, gdouble, all_ms->len / 2) : 0;
    return sync;
}

/* --- lines ------------------------------------------------------------------------------- */

/* 100 ms there and back, and 30 ms of jitter each way. */
static SimLinkConfig lossy_line(const Gate *gate)
{
    return (SimLinkConfig){ .delay_ns = 50 * NS_PER_MS,
                            .jitter_ns = 30 * NS_PER_MS,
                            .loss = gate->loss };
}

static SimWorld *open_world(const SimLinkConfig *sender_line, const SimLinkConfig *watcher_line,
                            SimPeer **sender, SimPeer **watcher)
{
    static const char *const fine[] = { "video.fps=30", "video.ladder=", NULL };
    SimWorldOptions options = { .project_dir = PROJECT_DIR, .settings = fine };
    SimWorld *world = sim_world_new(&options);
    SimPeerConfig clapper = { .name = "Clapper",
                              .number = 1,
                              .tone_hz = BEEP_HZ,
                              .amplitude = 0.5,
                              .video = SIM_STEPS,
                              .fps = 30,
                              .fec_loss_pct = (gint)(sender_line->loss * 100 + 0.5),
                              .up = *sender_line,
                              .down = *sender_line };
    SimPeerConfig looks = { .name = "Watcher",
                            .number = 2,
                            .view_only = TRUE,
                            .up = *watcher_line,
                            .down = *watcher_line };
    VideoRect middle = { 152, 82, 16, 16 };
    *sender = sim_world_join(world, &clapper);
    *watcher = sim_world_join(world, &looks);
    sim_eye_probe(sim_peer_eye(*watcher), &middle);
    sim_world_run(world, WARM_UP_S * NS_PER_SEC);
    return world;
}

static void assert_moves(const Gate *gate, const Motion *motion)
{
    gdouble a_minute = motion->freezes * 60.0 / gate->seconds;
    g_test_message("%s %% lost: %.1f freezes a minute, the longest gap is %d ms, %u pictures",
                   gate->name, a_minute, (gint)(motion->longest_ns / NS_PER_MS), motion->pictures);
    g_assert_cmpuint(motion->pictures, >=, (guint)gate->seconds * 10);
    if (gate->freezes > 0)
        g_assert_cmpfloat(a_minute, <=, gate->freezes);
}

static void test_lossy_sender(gconstpointer data)
{
    const Gate *gate = data;
    SimLinkConfig bad = lossy_line(gate), good = { 0 };
    SimPeer *sender, *watcher;
    SimWorld *world = open_world(&bad, &good, &sender, &watcher);
    gint64 from_ns = sim_world_now_ns(world);
    sim_world_run(world, gate->seconds * NS_PER_SEC);
    Motion motion = motion_in_mix(watcher, from_ns);
    Sync sync = sync_in_mix(watcher, from_ns, sim_world_now_ns(world));
    gdouble delay_ms = sim_world_peer_number(world, sender, "received.audio.level_ms");
    g_test_message("%.2f %% of the pictures are in step, median %.0f ms, worst %.0f ms; the sound "
                   "waits %.0f ms",
                   100 * sync.in_step, sync.median_ms, sync.worst_ms, delay_ms);
    assert_moves(gate, &motion);
    g_assert_cmpuint(sync.pictures, >=, (guint)gate->seconds * 6);
    g_assert_cmpfloat(sync.in_step, >=, gate->in_step);
    g_assert_cmpfloat(fabs(sync.median_ms), <=, MEDIAN_MS);
    if (gate->loss <= 0)
        g_assert_cmpfloat(delay_ms, <, 60);
    sim_world_free(world);
}

static void test_lossy_viewer(gconstpointer data)
{
    const Gate *gate = data;
    SimLinkConfig bad = lossy_line(gate), good = { 0 };
    SimPeer *sender, *watcher;
    SimWorld *world = open_world(&good, &bad, &sender, &watcher);
    gint64 from_ns = sim_world_now_ns(world);
    sim_world_run(world, gate->seconds * NS_PER_SEC);
    Motion motion = motion_on_screen(watcher, from_ns);
    gdouble playout_ms = sim_world_peer_number(world, watcher, "sent.line.playout_ms");
    g_test_message("its pictures are told to wait %.0f ms", playout_ms);
    assert_moves(gate, &motion);
    if (gate->loss >= 0.05)
        g_assert_cmpfloat(playout_ms, >, 150);
    else if (gate->loss <= 0)
        g_assert_cmpfloat(playout_ms, ==, 0);
    sim_world_free(world);
}

/* When the line is good again, so is the delay. */
static void test_recovers(void)
{
    const Gate *gate = &gates[3];
    SimLinkConfig bad = lossy_line(gate), good = lossy_line(&gates[0]);
    SimPeer *sender, *watcher;
    SimWorld *world = open_world(&bad, &good, &sender, &watcher);
    gdouble before_ms = sim_world_peer_number(world, sender, "received.audio.level_ms");
    sim_peer_set_links(sender, &good, &good);
    sim_world_run(world, 60 * NS_PER_SEC);
    gdouble after_ms = sim_world_peer_number(world, sender, "received.audio.level_ms");
    g_test_message("the sound waits %.0f ms, then %.0f ms", before_ms, after_ms);
    g_assert_cmpfloat(before_ms, >, 150);
    g_assert_cmpfloat(after_ms, <, 80);
    sim_world_free(world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(gates); i++) {
        g_autofree char *sender = g_strdup_printf("/picture_loss/sender/%s", gates[i].name);
        g_autofree char *viewer = g_strdup_printf("/picture_loss/viewer/%s", gates[i].name);
        g_test_add_data_func(sender, &gates[i], test_lossy_sender);
        g_test_add_data_func(viewer, &gates[i], test_lossy_viewer);
    }
    g_test_add_func("/picture_loss/recovers", test_recovers);
    return g_test_run();
}
