#include "base/clock.h"
#include "support/sim_world.h"

/* Whichever rung a viewer has: what it is sent is one stream, whose sequence numbers, picture ids,
 * TL0PICIDX and timestamps go on. */

static const char *const settings[] = { "video.width=1280", "video.height=720", "video.fps=30",
                                        "video.bitrate=1200000", NULL };

static const SimPeerConfig speaker = { .name = "Ada",
                                       .number = 1,
                                       .tone_hz = 500,
                                       .video = SIM_MOVING,
                                       .width = 640,
                                       .height = 360,
                                       .fps = 30,
                                       .bitrate_bps = 600000,
                                       .deaf = TRUE,
                                       .blind = TRUE,
                                       .publish_only = TRUE };

/* Nothing is lost on it: what is missing was not sent. */
static SimLinkConfig line(gint64 bps)
{
    return (
        SimLinkConfig){ .rate_bps = bps, .delay_ns = 25 * NS_PER_MS, .queue_ns = 60 * NS_PER_SEC };
}

static SimPeer *watch(SimWorld *world)
{
    SimPeerConfig config = { .name = "Bob",
                             .number = 2,
                             .view_only = TRUE,
                             .deaf = TRUE,
                             .up = { .delay_ns = 25 * NS_PER_MS },
                             .down = line(5000000) };
    return sim_world_join(world, &config);
}

static gint rung_of(SimWorld *world, SimPeer *peer)
{
    return (gint)sim_world_peer_number(world, peer, "sent.line.rung");
}

static void set_line(SimWorld *world, SimPeer *peer, gint64 bps, gint64 duration_ns)
{
    SimLinkConfig down = line(bps);
    sim_peer_set_down(peer, &down);
    sim_world_run(world, duration_ns);
    const SimWireStats *wire = sim_peer_wire(peer);
    g_test_message("%.0f kbit/s: rung %d, %" G_GUINT64_FORMAT " frames, %" G_GUINT64_FORMAT
                   " of the upper layer, %.0f left out, %.0f dropped, %" G_GUINT64_FORMAT " holes",
                   (gdouble)bps / 1000, rung_of(world, peer), wire->frames, wire->upper_frames,
                   sim_world_peer_number(world, peer, "sent.line.frames_left_out"),
                   sim_world_peer_number(world, peer, "sent.line.frames_dropped"), wire->holes);
}

static void check_numbers(SimPeer *peer)
{
    const SimWireStats *wire = sim_peer_wire(peer);
    SimEyeStats seen;
    sim_eye_stats(sim_peer_eye(peer), &seen);
    g_assert_cmpuint(wire->untagged, ==, 0);
    g_assert_cmpuint(wire->picture_jumps, ==, 0);
    g_assert_cmpuint(wire->tl0_jumps, ==, 0);
    g_assert_cmpuint(wire->torn, ==, 0);
    g_assert_cmpuint(wire->backwards, ==, 0);
    g_assert_cmpuint(wire->lame_holes, ==, 0);
    g_assert_cmpuint(seen.decode_errors, ==, 0);
}

/* Step by step: frames are left out, rungs change, and nothing is missing. */
static void test_rungs_change(void)
{
    static const gint64 steps[] = { 1500000, 1000000, 700000, 450000, 300000, 200000, 150000 };
    SimWorldOptions options = { .project_dir = PROJECT_DIR, .settings = settings };
    SimWorld *world = sim_world_new(&options);
    sim_world_join(world, &speaker);
    SimPeer *bob = watch(world);
    set_line(world, bob, 5000000, 5 * NS_PER_SEC);
    g_assert_cmpint(rung_of(world, bob), ==, 0);
    for (guint i = 0; i < G_N_ELEMENTS(steps); i++)
        set_line(world, bob, steps[i], 6 * NS_PER_SEC);
    g_assert_cmpint(rung_of(world, bob), ==, 2);
    set_line(world, bob, 5000000, 30 * NS_PER_SEC);
    g_assert_cmpint(rung_of(world, bob), ==, 0);
    g_assert_cmpfloat(sim_world_peer_number(world, bob, "sent.line.switches"), >=, 3);
    g_assert_cmpfloat(sim_world_peer_number(world, bob, "sent.line.frames_left_out"), >, 30);
    g_assert_cmpuint(sim_peer_wire(bob)->upper_frames, >, 300);
    g_assert_cmpuint(sim_peer_wire(bob)->holes, ==, 0);
    check_numbers(bob);
    sim_world_free(world);
}

/* All at once, down to where there are no pictures at all. */
static void test_line_breaks_down(void)
{
    static const gint64 thin[] = { 100000, 60000, 40000 };
    SimWorldOptions options = { .project_dir = PROJECT_DIR, .settings = settings };
    SimWorld *world = sim_world_new(&options);
    sim_world_join(world, &speaker);
    SimPeer *bob = watch(world);
    set_line(world, bob, 5000000, 5 * NS_PER_SEC);
    for (guint i = 0; i < G_N_ELEMENTS(thin); i++) {
        set_line(world, bob, thin[i], 20 * NS_PER_SEC);
        g_assert_cmpint(rung_of(world, bob), !=, 0);
        set_line(world, bob, 5000000, 40 * NS_PER_SEC);
        g_assert_cmpint(rung_of(world, bob), ==, 0);
    }
    check_numbers(bob);
    sim_world_free(world);
}

/* Nobody answers: what waits is thrown away, and the stream goes on with a key frame. */
static void test_network_away(void)
{
    SimWorldOptions options = { .project_dir = PROJECT_DIR, .settings = settings };
    SimWorld *world = sim_world_new(&options);
    sim_world_join(world, &speaker);
    SimPeer *bob = watch(world);
    SimLinkConfig cut = { .loss = 1 }, whole = { .delay_ns = 25 * NS_PER_MS };
    set_line(world, bob, 5000000, 5 * NS_PER_SEC);
    for (guint i = 0; i < 3; i++) {
        guint64 frames = sim_peer_wire(bob)->frames;
        sim_peer_set_up(bob, &cut);
        set_line(world, bob, 200000, 8 * NS_PER_SEC);
        sim_peer_set_up(bob, &whole);
        set_line(world, bob, 5000000, 8 * NS_PER_SEC);
        g_assert_cmpuint(sim_peer_wire(bob)->frames, >, frames + 60);
    }
    check_numbers(bob);
    sim_world_free(world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/wire_numbers/rungs_change", test_rungs_change);
    g_test_add_func("/wire_numbers/line_breaks_down", test_line_breaks_down);
    g_test_add_func("/wire_numbers/network_away", test_network_away);
    return g_test_run();
}
