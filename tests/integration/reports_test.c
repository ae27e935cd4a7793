#include "base/clock.h"
#include "room/rung_choice.h"
#include "support/sim_world.h"

/* Viewers whose clients are simple: they tell how much is lost (receiver reports) or what they take
 * (REMB), not when each packet came; or they take sound alone. Their lines are followed too. */

static const char *const settings[] = { "video.width=1280",    "video.height=720",
                                        "video.fps=30",        "video.bitrate=1200000",
                                        "audio.bitrate=64000", NULL };

static SimWorld *open_world(void)
{
    SimWorldOptions options = { .project_dir = PROJECT_DIR, .settings = settings };
    SimPeerConfig ada = { .name = "Ada",
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
    SimWorld *world = sim_world_new(&options);
    sim_world_join(world, &ada);
    return world;
}

static SimLinkConfig line(gint64 bps)
{
    return (
        SimLinkConfig){ .rate_bps = bps, .delay_ns = 25 * NS_PER_MS, .queue_ns = 300 * NS_PER_MS };
}

static SimPeerConfig simple_viewer(gint64 bps)
{
    return (SimPeerConfig){ .name = "Bob",
                            .number = 2,
                            .view_only = TRUE,
                            .blind = TRUE,
                            .no_transport_cc = TRUE,
                            .up = { .delay_ns = 25 * NS_PER_MS },
                            .down = line(bps) };
}

static gint rung_of(SimWorld *world, SimPeer *peer)
{
    return (gint)sim_world_peer_number(world, peer, "sent.line.rung");
}

/* kbit/s that were sent to it in that time. */
static gint sent_kbps(SimWorld *world, SimPeer *peer, guint seconds)
{
    gdouble before = sim_world_peer_number(world, peer, "sent.bytes");
    sim_world_run(world, seconds * NS_PER_SEC);
    return (gint)((sim_world_peer_number(world, peer, "sent.bytes") - before) * 8 / 1000 / seconds);
}

static void run_and_tell(SimWorld *world, SimPeer *peer, guint seconds, const char *when)
{
    gint kbps = sent_kbps(world, peer, seconds);
    g_test_message("%s: rung %d, %d kbit/s are sent", when, rung_of(world, peer), kbps);
}

/* Down with the line, and up again although nothing can be measured beforehand. */
static void test_line_changes(void)
{
    SimWorld *world = open_world();
    SimPeerConfig config = simple_viewer(5000000);
    SimPeer *bob = sim_world_join(world, &config);
    SimLinkConfig up = config.up, thin = line(200000), wide = line(5000000);
    run_and_tell(world, bob, 10, "wide");
    g_assert_cmpint(rung_of(world, bob), ==, 0);
    sim_peer_set_links(bob, &up, &thin);
    run_and_tell(world, bob, 10, "10 s of 200 kbit/s");
    g_assert_cmpint(rung_of(world, bob), !=, 0);
    g_assert_cmpint(sent_kbps(world, bob, 10), <, 300);
    sim_peer_set_links(bob, &up, &wide);
    run_and_tell(world, bob, 50, "50 s after it came back");
    g_assert_cmpint(rung_of(world, bob), ==, 0);
    sim_world_free(world);
}

/* On a thin line from the beginning. */
static void test_thin_line(void)
{
    SimWorld *world = open_world();
    SimPeerConfig config = simple_viewer(200000);
    SimPeer *bob = sim_world_join(world, &config);
    run_and_tell(world, bob, 5, "200 kbit/s");
    g_assert_cmpint(rung_of(world, bob), !=, 0);
    gint64 from_ns = sim_world_now_ns(world);
    g_assert_cmpint(sent_kbps(world, bob, 20), <, 260);
    SimCadence cadence = sim_eye_cadence(sim_peer_eye(bob), from_ns, sim_world_now_ns(world));
    g_test_message("%u pictures in 20 s, longest gap %d ms", cadence.frames,
                   (gint)(cadence.longest_gap_ns / NS_PER_MS));
    g_assert_cmpuint(cadence.frames, >, 150);
    sim_world_free(world);
}

/* Alone with its REMB: the encoder follows it. */
static void test_remb(void)
{
    SimWorld *world = open_world();
    SimPeerConfig config = simple_viewer(5000000);
    config.remb_bps = 900000;
    SimPeer *bob = sim_world_join(world, &config);
    sim_world_run(world, 10 * NS_PER_SEC);
    gint kbps = sent_kbps(world, bob, 10);
    g_test_message("rung %d, %d of 900 kbit/s are sent", rung_of(world, bob), kbps);
    g_assert_cmpint(kbps, <, 900);
    gdouble target = sim_world_graph_number(world, "scenes.0.renditions.0.target");
    g_assert_cmpfloat(target, <=, 800000);
    sim_world_free(world);
}

/* The sound alone on 40 kbit/s: in a lower rate, and without anything missing. */
static void check_sound_alone(gboolean transport_cc)
{
    SimWorld *world = open_world();
    SimPeerConfig config = simple_viewer(40000);
    config.blind = config.deaf = FALSE;
    config.sound_only = TRUE;
    config.no_transport_cc = !transport_cc;
    SimPeer *bob = sim_world_join(world, &config);
    sim_world_run(world, 10 * NS_PER_SEC);
    sim_ear_mark(sim_peer_ear(bob));
    gint kbps = sent_kbps(world, bob, 20);
    SimEarStats heard;
    sim_ear_stats(sim_peer_ear(bob), &heard);
    g_test_message("%d kbit/s, %" G_GUINT64_FORMAT " packets, %" G_GUINT64_FORMAT " missing", kbps,
                   (guint64)heard.packets, (guint64)heard.missing);
    g_assert_cmpint(kbps, <, 45);
    g_assert_cmpuint(heard.packets, >, 900);
    sim_world_free(world);
}

static void test_sound_alone(void)
{
    check_sound_alone(TRUE);
    check_sound_alone(FALSE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/reports/line_changes", test_line_changes);
    g_test_add_func("/reports/thin_line", test_thin_line);
    g_test_add_func("/reports/remb", test_remb);
    g_test_add_func("/reports/sound_alone", test_sound_alone);
    return g_test_run();
}
