#include <string.h>

#include "base/clock.h"
#include "room/rung_choice.h"
#include "support/sim_world.h"

/* Viewers behind lines of all kinds: each has the rung of the ladder that its line carries, and
 * nobody notices the others. */

static const char *const settings[] = { "video.width=1280",    "video.height=720",
                                        "video.fps=30",        "video.bitrate=1200000",
                                        "audio.bitrate=64000", NULL };

static const SimPeerConfig speaker = { .name = "Ada",
                                       .number = 1,
                                       .tone_hz = 500,
                                       .video = SIM_MOVING,
                                       .paint = { 82, 90, 240 },
                                       .width = 640,
                                       .height = 360,
                                       .fps = 30,
                                       .bitrate_bps = 600000,
                                       .deaf = TRUE,
                                       .blind = TRUE,
                                       .publish_only = TRUE };

static const char other_layout[] = "{\"name\": \"first\", \"regions\": [{\"fill\": \"join:1\"}]}";

static SimWorld *open_world(void)
{
    SimWorldOptions options = { .project_dir = PROJECT_DIR, .settings = settings };
    return sim_world_new(&options);
}

static SimLinkConfig line(gint64 bps)
{
    return (SimLinkConfig){ .rate_bps = bps, .delay_ns = 25 * NS_PER_MS };
}

static SimPeer *watch(SimWorld *world, guint number, gint64 bps)
{
    static const char *const names[] = { "0",   "1",   "Bob", "Cyd", "Dan", "Eve",
                                         "Fay", "Gus", "Hal", "Ida", "Jan", "Kim" };
    SimPeerConfig config = { .name = names[number],
                             .number = number,
                             .view_only = TRUE,
                             .blind = TRUE,
                             .up = { .delay_ns = 25 * NS_PER_MS },
                             .down = line(bps) };
    return sim_world_join(world, &config);
}

static gint rung_of(SimWorld *world, SimPeer *peer)
{
    return (gint)sim_world_peer_number(world, peer, "sent.line.rung");
}

static void tell(SimWorld *world, SimPeer *peer, const char *when)
{
    g_test_message("%s: %s has rung %d, %.0f kbit/s of %.0f", when, sim_peer_config(peer)->name,
                   rung_of(world, peer),
                   sim_world_peer_number(world, peer, "sent.line.estimate") / 1000,
                   (gdouble)sim_peer_config(peer)->down.rate_bps / 1000);
}

static SimCadence cadence_since(SimWorld *world, SimPeer *peer, gint64 from_ns)
{
    return sim_eye_cadence(sim_peer_eye(peer), from_ns, sim_world_now_ns(world));
}

static guint encoded_rungs(SimWorld *world)
{
    json_t *graph = sim_world_graph(world);
    guint taken = 0;
    json_t *scene, *rendition;
    size_t i, k;
    json_array_foreach(json_object_get(graph, "scenes"), i, scene)
    {
        json_array_foreach(json_object_get(scene, "renditions"), k, rendition)
        {
            taken += json_integer_value(json_object_get(rendition, "viewers")) > 0;
        }
    }
    json_decref(graph);
    return taken;
}

/* Each where its line lets it be; sound everywhere; three encodes for all of them. */
static void test_each_its_rung(void)
{
    static const struct {
        gint64 bps;
        gint rung;
        gint64 longest_gap_ms;
    } lines[] = {
        { 5000000, 0, 100 },     { 5000000, 0, 100 },     { 600000, 1, 250 }, { 600000, 1, 250 },
        { 200000, 2, 400 },      { 200000, 2, 400 },      { 100000, 2, 500 }, { 100000, 2, 500 },
        { 40000, RUNG_NONE, 0 }, { 40000, RUNG_NONE, 0 },
    };
    SimWorld *world = open_world();
    SimPeer *viewers[G_N_ELEMENTS(lines)];
    sim_world_join(world, &speaker);
    for (guint i = 0; i < G_N_ELEMENTS(lines); i++)
        viewers[i] = watch(world, i + 2, lines[i].bps);
    sim_world_run(world, 5 * NS_PER_SEC);
    gint64 from_ns = sim_world_now_ns(world);
    sim_world_run(world, 20 * NS_PER_SEC);
    for (guint i = 0; i < G_N_ELEMENTS(lines); i++) {
        SimCadence cadence = cadence_since(world, viewers[i], from_ns);
        tell(world, viewers[i], "after 25 s");
        g_test_message("  %u pictures, longest gap %d ms", cadence.frames,
                       (gint)(cadence.longest_gap_ns / NS_PER_MS));
    }
    for (guint i = 0; i < G_N_ELEMENTS(lines); i++) {
        SimCadence cadence = cadence_since(world, viewers[i], from_ns);
        g_assert_cmpint(rung_of(world, viewers[i]), ==, lines[i].rung);
        if (lines[i].longest_gap_ms)
            g_assert_cmpint(cadence.longest_gap_ns, <=, lines[i].longest_gap_ms * NS_PER_MS);
        g_assert_cmpuint(cadence.backwards, ==, 0);
    }
    g_assert_cmpuint(encoded_rungs(world), <=, 3);
    sim_world_free(world);
}

/* The line of one shrinks and comes back: it follows, and stays where it is then. */
static void test_line_changes(void)
{
    SimWorld *world = open_world();
    sim_world_join(world, &speaker);
    SimPeer *bob = watch(world, 2, 5000000);
    SimLinkConfig up = { .delay_ns = 25 * NS_PER_MS };
    SimLinkConfig thin = line(150000), wide = line(5000000);
    sim_world_run(world, 5 * NS_PER_SEC);
    tell(world, bob, "wide");
    g_assert_cmpint(rung_of(world, bob), ==, 0);
    sim_peer_set_links(bob, &up, &thin);
    sim_world_run(world, 4 * NS_PER_SEC);
    tell(world, bob, "4 s of 150 kbit/s");
    g_assert_cmpint(rung_of(world, bob), ==, 2);
    gint64 from_ns = sim_world_now_ns(world);
    sim_world_run(world, 10 * NS_PER_SEC);
    SimCadence cadence = cadence_since(world, bob, from_ns);
    g_test_message("longest gap %d ms, queue %.0f ms", (gint)(cadence.longest_gap_ns / NS_PER_MS),
                   sim_world_peer_number(world, bob, "sent.line.queue_ms"));
    g_assert_cmpint(cadence.longest_gap_ns, <, 500 * NS_PER_MS);
    sim_peer_set_links(bob, &up, &wide);
    sim_world_run(world, 15 * NS_PER_SEC);
    tell(world, bob, "15 s after it came back");
    g_assert_cmpint(rung_of(world, bob), ==, 0);
    sim_world_free(world);
}

/* What one stretch of time made of the full picture. */
typedef struct {
    const char *when;
    gdouble bytes; /* a second */
    gdouble least_target, most_target;
} Stretch;

/* Once in 100 ms: nobody may lower the full picture's rate, be it for a moment. */
static Stretch observe(SimWorld *world, const char *when, gint64 duration_ns)
{
    static const char target[] = "scenes.0.renditions.0.target";
    static const char bytes[] = "scenes.0.renditions.0.bytes";
    Stretch stretch = { when, sim_world_graph_number(world, bytes), G_MAXDOUBLE, 0 };
    gint64 from_ns = sim_world_now_ns(world);
    while (sim_world_now_ns(world) - from_ns < duration_ns) {
        sim_world_run(world, 100 * NS_PER_MS);
        gdouble now = sim_world_graph_number(world, target);
        stretch.least_target = MIN(stretch.least_target, now);
        stretch.most_target = MAX(stretch.most_target, now);
    }
    gdouble seconds = (gdouble)(sim_world_now_ns(world) - from_ns) / NS_PER_SEC;
    stretch.bytes = (sim_world_graph_number(world, bytes) - stretch.bytes) / seconds;
    return stretch;
}

static void check_same(const Stretch *stretch, const Stretch *before)
{
    g_test_message("%s: %.0f kbit/s, target %.0f to %.0f kbit/s", stretch->when,
                   stretch->bytes * 8 / 1000, stretch->least_target / 1000,
                   stretch->most_target / 1000);
    g_assert_cmpfloat(stretch->least_target, ==, 1200000);
    g_assert_cmpfloat(stretch->most_target, ==, 1200000);
    g_assert_cmpfloat(ABS(stretch->bytes - before->bytes), <, 0.15 * before->bytes);
}

static void ask_for_key_frames(SimWorld *world, gint64 now_ns, gpointer flood)
{
    (void)world;
    sim_peer_send_pli(flood, now_ns);
}

/* Those with good lines see the same pictures, as good as before, at the same moments, whoever else
 * comes and goes. */
static void test_nobody_notices(void)
{
    SimWorld *world = open_world();
    SimLinkConfig dead = { .loss = 1 };
    SimPeerConfig busy = speaker;
    busy.video = SIM_BUSY;
    sim_world_join(world, &busy);
    SimPeer *good[2];
    for (guint i = 0; i < G_N_ELEMENTS(good); i++)
        good[i] = watch(world, i + 2, 5000000);
    sim_world_run(world, 5 * NS_PER_SEC);
    Stretch stretches[5];
    stretches[0] = observe(world, "before", 5 * NS_PER_SEC);
    gint64 from_ns = sim_world_now_ns(world);
    SimPeer *slow = watch(world, 8, 100000), *flood = watch(world, 9, 300000);
    SimPeer *nearly = watch(world, 10, 1150000);
    stretches[1] = observe(world, "slow ones join", 5 * NS_PER_SEC);
    tell(world, nearly, "nearly enough");
    sim_peer_set_links(slow, &dead, &dead); /* it vanished */
    sim_world_set_step(world, ask_for_key_frames, flood);
    stretches[2] = observe(world, "one vanishes, one floods", 3 * NS_PER_SEC);
    sim_world_set_step(world, NULL, NULL);
    sim_world_leave(world, flood);
    sim_world_leave(world, nearly);
    stretches[3] = observe(world, "two left", 5 * NS_PER_SEC);
    sim_world_leave(world, slow);
    stretches[4] = observe(world, "all left", 5 * NS_PER_SEC);
    for (guint i = 0; i < G_N_ELEMENTS(stretches); i++)
        check_same(&stretches[i], &stretches[0]);
    for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
        SimCadence cadence = cadence_since(world, good[i], from_ns);
        g_test_message("%u pictures in 18 s, longest gap %d ms, %u key frames", cadence.frames,
                       (gint)(cadence.longest_gap_ns / NS_PER_MS), cadence.keyframes);
        g_assert_cmpuint(cadence.frames, >=, 538);
        g_assert_cmpint(cadence.longest_gap_ns, <, 100 * NS_PER_MS);
        g_assert_cmpuint(cadence.keyframes, <=, 4);
        g_assert_cmpint(rung_of(world, good[i]), ==, 0);
    }
    sim_world_free(world);
}

/* Who negotiated to tell what arrives, and does not, is not believed to get much. */
static void test_without_feedback(void)
{
    SimWorld *world = open_world();
    sim_world_join(world, &speaker);
    SimPeerConfig silent = { .name = "Bob",
                             .number = 2,
                             .view_only = TRUE,
                             .blind = TRUE,
                             .silent_rtcp = TRUE,
                             .down = line(5000000) };
    SimPeer *bob = sim_world_join(world, &silent);
    SimPeer *cyd = watch(world, 3, 5000000);
    sim_world_run(world, 10 * NS_PER_SEC);
    tell(world, bob, "says nothing");
    g_assert_cmpint(rung_of(world, bob), !=, 0);
    g_assert_cmpint(rung_of(world, cyd), ==, 0);
    sim_world_free(world);
}

static void assert_plays(SimWorld *world, SimPeer *peer, gint64 duration_ns)
{
    gint64 from_ns = sim_world_now_ns(world);
    sim_world_run(world, duration_ns);
    SimCadence cadence = cadence_since(world, peer, from_ns);
    g_assert_cmpint(cadence.longest_gap_ns, <, 400 * NS_PER_MS);
}

/* While the machine is busy nothing is begun, whoever needs it: what others have can be had, or
 * sound. Afterwards it is begun, and goes on when the machine is busy again. */
static void test_busy_machine(void)
{
    SimWorld *world = open_world();
    Engine *engine = sim_world_engine(world);
    sim_world_join(world, &speaker);
    SimPeer *bob = watch(world, 2, 5000000);
    sim_world_run(world, 5 * NS_PER_SEC);
    engine_simulate_load(engine, 86);
    SimPeer *cyd = watch(world, 3, 200000);
    sim_world_run(world, 2 * NS_PER_SEC);
    sim_ear_mark(sim_peer_ear(cyd));
    sim_world_run(world, 6 * NS_PER_SEC);
    SimEarStats heard;
    sim_ear_stats(sim_peer_ear(cyd), &heard);
    g_assert_cmpint(rung_of(world, cyd), ==, RUNG_NONE);
    g_assert_cmpuint(encoded_rungs(world), ==, 1);
    g_assert_cmpuint(heard.missing, ==, 0);
    g_assert_cmpint(heard.longest_gap_ns, <, 60 * NS_PER_MS);

    engine_simulate_load(engine, 85);
    sim_world_run(world, 2 * NS_PER_SEC);
    g_assert_cmpint(rung_of(world, cyd), ==, 2);
    assert_plays(world, cyd, 2 * NS_PER_SEC);

    engine_simulate_load(engine, 100);
    SimPeer *dan = watch(world, 4, 600000);
    sim_world_run(world, 8 * NS_PER_SEC);
    tell(world, dan, "busy again");
    g_assert_cmpint(rung_of(world, dan), ==, 2); /* not 1, which nobody has */
    g_assert_cmpint(rung_of(world, cyd), ==, 2);
    g_assert_cmpint(rung_of(world, bob), ==, 0);
    g_assert_cmpuint(encoded_rungs(world), ==, 2);
    assert_plays(world, dan, 2 * NS_PER_SEC);

    engine_simulate_load(engine, 20);
    sim_world_run(world, 8 * NS_PER_SEC);
    g_assert_cmpint(rung_of(world, dan), ==, 1);
    g_assert_cmpuint(encoded_rungs(world), ==, 3);
    sim_world_free(world);
}

/* Nor is the full picture, where nobody has it: a line that widens waits for the machine. */
static void test_busy_machine_full_picture(void)
{
    SimWorld *world = open_world();
    sim_world_join(world, &speaker);
    SimPeer *bob = watch(world, 2, 200000), *cyd = watch(world, 3, 200000);
    sim_world_run(world, 5 * NS_PER_SEC);
    g_assert_cmpint(rung_of(world, bob), ==, 2);
    engine_simulate_load(sim_world_engine(world), 95);
    SimLinkConfig wide = line(5000000);
    sim_peer_set_down(bob, &wide);
    SimPeer *dan = watch(world, 4, 5000000);
    sim_world_run(world, 25 * NS_PER_SEC);
    tell(world, bob, "wide, while the machine is busy");
    g_assert_cmpfloat(sim_world_peer_number(world, dan, "sent.line.budget"), >, 1500000);
    g_assert_cmpint(rung_of(world, bob), ==, 2);
    g_assert_cmpint(rung_of(world, cyd), ==, 2);
    g_assert_cmpint(rung_of(world, dan), ==, 2);
    g_assert_cmpuint(encoded_rungs(world), ==, 1);
    assert_plays(world, dan, 2 * NS_PER_SEC);

    engine_simulate_load(sim_world_engine(world), 20);
    sim_world_run(world, 20 * NS_PER_SEC);
    tell(world, bob, "when it is not any more");
    g_assert_cmpint(rung_of(world, bob), ==, 0);
    g_assert_cmpint(rung_of(world, dan), ==, 0);
    g_assert_cmpint(rung_of(world, cyd), ==, 2);

    /* Where nobody has anything, somebody gets something. */
    sim_world_leave(world, bob);
    sim_world_leave(world, cyd);
    sim_world_leave(world, dan);
    sim_world_run(world, NS_PER_SEC);
    engine_simulate_load(sim_world_engine(world), 95);
    SimPeer *eve = watch(world, 5, 5000000);
    sim_world_run(world, 3 * NS_PER_SEC);
    g_assert_cmpint(rung_of(world, eve), ==, 0);
    assert_plays(world, eve, 2 * NS_PER_SEC);
    sim_world_free(world);
}

/* A load that wavers around the limit moves nobody to and fro. */
static void test_wavering_load(void)
{
    SimWorld *world = open_world();
    sim_world_join(world, &speaker);
    SimPeer *viewers[] = { watch(world, 2, 5000000), watch(world, 3, 600000),
                           watch(world, 4, 200000) };
    static const gdouble most_switches[] = { 1, 3, 2 };
    for (guint i = 0; i < 40; i++) {
        engine_simulate_load(sim_world_engine(world), i % 2 ? 80 : 90);
        sim_world_run(world, NS_PER_SEC);
    }
    for (guint i = 0; i < G_N_ELEMENTS(viewers); i++) {
        gdouble switches = sim_world_peer_number(world, viewers[i], "sent.line.switches");
        tell(world, viewers[i], "wavering");
        g_test_message("  %.0f switches", switches);
        g_assert_cmpint(rung_of(world, viewers[i]), ==, (gint)i);
        g_assert_cmpfloat(switches, <=, most_switches[i]);
    }
    sim_world_free(world);
}

/* Who chooses another picture of the room on a busy machine has it at the size it had before. */
static void test_busy_machine_other_scene(void)
{
    thread_assert_control();
    SimWorld *world = open_world();
    sim_world_join(world, &speaker);
    SimPeer *bob = watch(world, 2, 200000);
    sim_world_run(world, 5 * NS_PER_SEC);
    g_assert_cmpint(rung_of(world, bob), ==, 2);
    engine_simulate_load(sim_world_engine(world), 100);
    g_autoptr(GError) error = NULL;
    g_autoptr(Layout) layout = layout_parse(other_layout, strlen(other_layout), &error);
    g_assert_no_error(error);
    g_assert_true(participant_set_view(sim_world_participant(world, bob), layout, FALSE, &error));
    sim_world_run(world, 5 * NS_PER_SEC);
    tell(world, bob, "in another scene");
    g_assert_cmpint(rung_of(world, bob), ==, 2);
    assert_plays(world, bob, 2 * NS_PER_SEC);
    sim_world_free(world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ladder/each_its_rung", test_each_its_rung);
    g_test_add_func("/ladder/line_changes", test_line_changes);
    g_test_add_func("/ladder/nobody_notices", test_nobody_notices);
    g_test_add_func("/ladder/without_feedback", test_without_feedback);
    g_test_add_func("/ladder/busy_machine", test_busy_machine);
    g_test_add_func("/ladder/busy_machine_full_picture", test_busy_machine_full_picture);
    g_test_add_func("/ladder/wavering_load", test_wavering_load);
    g_test_add_func("/ladder/busy_machine_other_scene", test_busy_machine_other_scene);
    return g_test_run();
}
