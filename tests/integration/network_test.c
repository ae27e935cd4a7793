#include "base/clock.h"
#include "support/sim_world.h"

/* Lines that lose, reorder, repeat and delay packets. */

static SimWorld *open_world(void)
{
    SimWorldOptions options = { .project_dir = PROJECT_DIR };
    return sim_world_new(&options);
}

static const SimPeerConfig speaker = {
    .name = "Ada", .number = 1, .tone_hz = 500, .video = SIM_MOVING, .paint = { 82, 90, 240 }
};

/* Pictures go on although one in twenty packets is lost on the way to the server. */
static void test_lost_on_the_way_up(void)
{
    SimWorld *world = open_world();
    SimPeerConfig lossy = speaker;
    SimPeerConfig watcher = { .name = "Bob", .number = 2, .view_only = TRUE };
    SimPeerStats stats;
    lossy.up = (SimLinkConfig){ .delay_ns = 20 * NS_PER_MS, .loss = 0.05 };
    lossy.down = (SimLinkConfig){ .delay_ns = 20 * NS_PER_MS };
    SimPeer *ada = sim_world_join(world, &lossy);
    SimPeer *bob = sim_world_join(world, &watcher);
    sim_world_run(world, 10 * NS_PER_SEC);
    sim_peer_stats(ada, &stats);
    gdouble decoded = sim_world_peer_number(world, ada, "received.camera.decoded");
    g_test_message("sent %u, decoded %.0f; asked again for %u packets, %u key frames asked for",
                   (guint)stats.pictures_sent, decoded, (guint)stats.nacked, (guint)stats.plis);
    g_assert_cmpfloat(decoded, >=, 0.98 * (gdouble)stats.pictures_sent - 3);
    g_assert_cmpuint(stats.resent, >, 0);
    g_assert_cmpuint(stats.plis, <=, 2);
    g_assert_true(sim_world_shows(world, bob, ada, sim_red));
    sim_world_free(world);
}

/* Who only publishes (WHIP), far away: nothing is sent to it that could tell the round trip, and
 * yet it is not asked for the same thing all the time, and its answers are waited for. */
static void test_far_publisher(void)
{
    SimWorld *world = open_world();
    SimPeerConfig far = speaker;
    SimPeerConfig watcher = { .name = "Bob", .number = 2, .view_only = TRUE };
    SimPeerStats stats;
    far.publish_only = far.answers_each = TRUE;
    far.fps = 30;
    far.up = (SimLinkConfig){ .delay_ns = 250 * NS_PER_MS, .loss = 0.03 };
    far.down = (SimLinkConfig){ .delay_ns = 250 * NS_PER_MS };
    SimPeer *ada = sim_world_join(world, &far);
    SimPeer *bob = sim_world_join(world, &watcher);
    sim_world_run(world, 60 * NS_PER_SEC);
    sim_peer_stats(ada, &stats);
    gdouble decoded = sim_world_peer_number(world, ada, "received.camera.decoded");
    gdouble asked = sim_world_peer_number(world, ada, "received.camera.nacks");
    gdouble packets = sim_world_peer_number(world, ada, "received.camera.packets");
    gdouble lost = packets / 0.97 * 0.03;
    g_test_message("sent %u, decoded %.0f; about %.0f of %.0f packets lost, asked for %.0f, sent "
                   "again %u, %u key frames asked for",
                   (guint)stats.pictures_sent, decoded, lost, packets, asked, (guint)stats.resent,
                   (guint)stats.plis);
    g_assert_cmpfloat((gdouble)stats.resent, <=, 1.5 * lost);
    g_assert_cmpfloat(decoded, >=, 0.98 * (gdouble)stats.pictures_sent - 15);
    g_assert_cmpuint(stats.plis, <=, 3);
    g_assert_true(sim_world_shows(world, bob, ada, sim_red));
    sim_world_free(world);
}

/* The same on the way down: the viewer asks, and gets what it lost. */
static void test_lost_on_the_way_down(void)
{
    SimWorld *world = open_world();
    SimPeerConfig watcher = { .name = "Bob", .number = 2, .view_only = TRUE };
    watcher.up = (SimLinkConfig){ .delay_ns = 20 * NS_PER_MS };
    watcher.down = (SimLinkConfig){ .delay_ns = 20 * NS_PER_MS, .loss = 0.05 };
    SimPeer *ada = sim_world_join(world, &speaker);
    SimPeer *bob = sim_world_join(world, &watcher);
    sim_world_run(world, 2 * NS_PER_SEC);
    gint64 from_ns = sim_world_now_ns(world);
    sim_world_run(world, 8 * NS_PER_SEC);
    SimCadence cadence = sim_eye_cadence(sim_peer_eye(bob), from_ns, sim_world_now_ns(world));
    SimEyeStats stats;
    sim_eye_stats(sim_peer_eye(bob), &stats);
    g_test_message("%u pictures of 120, %u packets by RTX, longest gap %d ms, %u key frames",
                   cadence.frames, (guint)stats.recovered,
                   (int)(cadence.longest_gap_ns / NS_PER_MS), cadence.keyframes);
    g_assert_cmpuint(cadence.frames, >=, 117);
    g_assert_cmpuint(stats.recovered, >, 3);
    g_assert_cmpuint(stats.decode_errors, ==, 0);
    g_assert_cmpint(cadence.longest_gap_ns, <, 350 * NS_PER_MS);
    g_assert_true(sim_world_shows(world, bob, ada, sim_red));
    gdouble rtt_ms = sim_world_peer_number(world, bob, "sent.rtt_ms");
    g_test_message("round trip %.1f ms", rtt_ms);
    g_assert_cmpfloat(rtt_ms, >, 35);
    g_assert_cmpfloat(rtt_ms, <, 60);
    sim_world_free(world);
}

/* Everything at once: speech stays, pictures come back. */
static void test_bad_line(void)
{
    SimWorld *world = open_world();
    SimPeerConfig bad = speaker;
    SimPeerConfig watcher = { .name = "Bob", .number = 2, .view_only = TRUE };
    bad.up = (SimLinkConfig){ .delay_ns = 60 * NS_PER_MS,
                              .jitter_ns = 40 * NS_PER_MS,
                              .loss = 0.02,
                              .burst = 0.003,
                              .burst_len = 6,
                              .reorder = 0.02,
                              .duplicate = 0.02,
                              .rate_bps = 1000000 };
    bad.down = (SimLinkConfig){ .delay_ns = 60 * NS_PER_MS, .loss = 0.02 };
    SimPeer *ada = sim_world_join(world, &bad);
    SimPeer *bob = sim_world_join(world, &watcher);
    sim_world_run(world, 2 * NS_PER_SEC);
    gint64 from_ns = sim_world_now_ns(world);
    sim_world_run(world, 10 * NS_PER_SEC);
    gint64 to_ns = sim_world_now_ns(world);
    gdouble level = sim_ear_tone_db(sim_peer_ear(bob), 500, from_ns, to_ns);
    SimCadence cadence = sim_eye_cadence(sim_peer_eye(bob), from_ns, to_ns);
    SimPeerStats stats;
    sim_peer_stats(ada, &stats);
    gdouble decoded = sim_world_peer_number(world, ada, "received.camera.decoded");
    g_test_message("tone %.1f dB, decoded %.0f of %u", level, decoded, (guint)stats.pictures_sent);
    g_assert_cmpfloat(level, >, -24);
    g_assert_cmpuint(cadence.longest_step, <=, 6001); /* the mix never waits */
    g_assert_cmpfloat(decoded, >=, 0.9 * (gdouble)stats.pictures_sent);
    g_assert_true(sim_world_shows(world, bob, ada, sim_red));
    sim_world_free(world);
}

/* Reports, transport-wide feedback and sender reports flow both ways. */
static void test_feedback_flows(void)
{
    SimWorld *world = open_world();
    SimPeer *ada = sim_world_join(world, &speaker);
    SimPeerStats stats;
    sim_world_run(world, 5 * NS_PER_SEC);
    sim_peer_stats(ada, &stats);
    g_assert_cmpuint(stats.sender_reports, >=, 8);
    g_assert_cmpuint(stats.receiver_reports, >=, 4);
    g_assert_cmpuint(stats.transport_feedback, >=, 30);
    g_assert_cmpuint(stats.plis, <=, 2);
    sim_world_free(world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/network/lost_on_the_way_up", test_lost_on_the_way_up);
    g_test_add_func("/network/far_publisher", test_far_publisher);
    g_test_add_func("/network/lost_on_the_way_down", test_lost_on_the_way_down);
    g_test_add_func("/network/bad_line", test_bad_line);
    g_test_add_func("/network/feedback_flows", test_feedback_flows);
    return g_test_run();
}
