#include "base/clock.h"
#include "base/seq.h"
#include "support/sim_world.h"

/* Key frames cost everybody who watches: those who change their rung share them, and so do those
 * who join. */

#define PHONES   20
#define CYCLE_NS (20 * NS_PER_SEC)
#define THIN_NS  (4 * NS_PER_SEC)
#define PHASE_NS (200 * NS_PER_MS)

static const char *const settings[] = { "video.width=640",
                                        "video.height=360",
                                        "video.fps=30",
                                        "video.bitrate=1200000",
                                        "video.ladder=180p30=400000,90p15=120000",
                                        NULL };

static const SimPeerConfig speaker = { .name = "Ada",
                                       .number = 1,
                                       .tone_hz = 500,
                                       .video = SIM_MOVING,
                                       .width = 320,
                                       .height = 180,
                                       .fps = 30,
                                       .bitrate_bps = 300000,
                                       .deaf = TRUE,
                                       .blind = TRUE,
                                       .publish_only = TRUE };

typedef struct {
    SimPeer *phones[PHONES];
    gboolean thin[PHONES];
    gint64 begin_ns;
} Crowd;

static SimLinkConfig line(gint64 bps)
{
    return (SimLinkConfig){ .rate_bps = bps, .delay_ns = 25 * NS_PER_MS };
}

static SimPeer *watch(SimWorld *world, guint number)
{
    g_autofree char *name = g_strdup_printf("viewer %u", number);
    SimPeerConfig config = { .name = g_intern_string(name),
                             .number = number,
                             .view_only = TRUE,
                             .blind = TRUE,
                             .deaf = TRUE,
                             .up = { .delay_ns = 25 * NS_PER_MS },
                             .down = line(5000000) };
    return sim_world_join(world, &config);
}

/* Each phone's line is thin for some seconds of each cycle, one after the other. */
static void move_phones(SimWorld *world, gint64 now_ns, gpointer user)
{
    Crowd *crowd = user;
    (void)world;
    for (guint i = 0; i < PHONES; i++) {
        gint64 since_ns = now_ns - crowd->begin_ns - i * PHASE_NS;
        gboolean thin = since_ns >= 0 && since_ns % CYCLE_NS < THIN_NS;
        if (thin == crowd->thin[i])
            continue;
        SimLinkConfig down = line(thin ? 150000 : 5000000);
        crowd->thin[i] = thin;
        sim_peer_set_down(crowd->phones[i], &down);
    }
}

/* The most key frames that one of its viewers got within any second. */
static guint most_in_a_second(SimPeer *peer, gint64 from_ns)
{
    const GArray *frames = sim_eye_frames(sim_peer_eye(peer));
    guint most = 0;
    for (guint i = 0; i < frames->len; i++) {
        const SimFrame *first = &g_array_index(frames, SimFrame, i);
        guint n = 0;
        for (guint k = i; k < frames->len; k++) {
            const SimFrame *frame = &g_array_index(frames, SimFrame, k);
            if (rtp_ts_diff(frame->rtp_timestamp, first->rtp_timestamp) >= 90000)
                break;
            n += frame->keyframe;
        }
        if (first->arrival_ns >= from_ns)
            most = MAX(most, n);
    }
    return most;
}

static void check_cadence(const SimCadence *cadence, gint64 duration_ns)
{
    g_test_message("%u pictures, longest gap %d ms, %u key frames", cadence->frames,
                   (gint)(cadence->longest_gap_ns / NS_PER_MS), cadence->keyframes);
    g_assert_cmpint(cadence->frames, >=, duration_ns * 30 / NS_PER_SEC - 2);
    g_assert_cmpint(cadence->longest_gap_ns, <, 100 * NS_PER_MS);
    g_assert_cmpuint(cadence->backwards, ==, 0);
}

static void test_rungs_change(void)
{
    SimWorldOptions options = { .project_dir = PROJECT_DIR, .settings = settings };
    SimWorld *world = sim_world_new(&options);
    Crowd crowd = { 0 };
    sim_world_join(world, &speaker);
    SimPeer *good[] = { watch(world, 2), watch(world, 3) };
    for (guint i = 0; i < PHONES; i++)
        crowd.phones[i] = watch(world, i + 4);
    sim_world_run(world, 5 * NS_PER_SEC);
    gint64 from_ns = crowd.begin_ns = sim_world_now_ns(world);
    sim_world_set_step(world, move_phones, &crowd);
    sim_world_run(world, 2 * CYCLE_NS);
    sim_world_set_step(world, NULL, NULL);
    gdouble switches = 0;
    for (guint i = 0; i < PHONES; i++)
        switches += sim_world_peer_number(world, crowd.phones[i], "sent.line.switches");
    g_test_message("%.0f switches", switches);
    g_assert_cmpfloat(switches, >=, 3 * PHONES);
    for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
        SimCadence cadence =
            sim_eye_cadence(sim_peer_eye(good[i]), from_ns, sim_world_now_ns(world));
        check_cadence(&cadence, 2 * CYCLE_NS);
        g_test_message("at most %u key frames in a second", most_in_a_second(good[i], from_ns));
        g_assert_cmpint(cadence.keyframes, <=, 2 * CYCLE_NS / NS_PER_SEC);
        g_assert_cmpuint(most_in_a_second(good[i], from_ns), <=, 1);
    }
    sim_world_free(world);
}

static gint64 first_picture_ns(SimPeer *peer)
{
    SimPeerStats stats;
    sim_peer_stats(peer, &stats);
    const GArray *frames = sim_eye_frames(sim_peer_eye(peer));
    g_assert_cmpuint(frames->len, >, 0);
    return g_array_index(frames, SimFrame, 0).whole_ns - stats.connected_ns;
}

/* A single one has its picture at once; of a crowd everybody has it soon. */
static void test_joins(void)
{
    SimWorldOptions options = { .project_dir = PROJECT_DIR, .settings = settings };
    SimWorld *world = sim_world_new(&options);
    SimPeer *phones[PHONES];
    gint64 longest_ns = 0;
    sim_world_join(world, &speaker);
    SimPeer *good = watch(world, 2);
    sim_world_run(world, 5 * NS_PER_SEC);
    gint64 from_ns = sim_world_now_ns(world);
    SimPeer *single = watch(world, 3);
    sim_world_run(world, 3 * NS_PER_SEC);
    for (guint i = 0; i < PHONES; i++) {
        phones[i] = watch(world, i + 4);
        sim_world_run(world, PHASE_NS);
    }
    sim_world_run(world, 3 * NS_PER_SEC);
    for (guint i = 0; i < PHONES; i++)
        longest_ns = MAX(longest_ns, first_picture_ns(phones[i]));
    SimCadence cadence = sim_eye_cadence(sim_peer_eye(good), from_ns, sim_world_now_ns(world));
    check_cadence(&cadence, sim_world_now_ns(world) - from_ns);
    g_test_message("first picture of one after %d ms, of many after at most %d ms; at most %u key "
                   "frames in a second",
                   (gint)(first_picture_ns(single) / NS_PER_MS), (gint)(longest_ns / NS_PER_MS),
                   most_in_a_second(good, from_ns));
    g_assert_cmpint(first_picture_ns(single), <, 350 * NS_PER_MS);
    g_assert_cmpint(longest_ns, <, 850 * NS_PER_MS);
    g_assert_cmpuint(most_in_a_second(good, from_ns), <=, 3);
    g_assert_cmpuint(cadence.keyframes, <=, 12);
    sim_world_free(world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/keyframe_share/rungs_change", test_rungs_change);
    g_test_add_func("/keyframe_share/joins", test_joins);
    return g_test_run();
}
