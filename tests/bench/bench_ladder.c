#include <stdio.h>

#include "base/clock.h"
#include "support/sim_world.h"

/* Prints what one viewer gets while its line falls from 5 Mbit/s to 150 kbit/s and comes back, as
 * CSV for scripts/networks. Simulated time: the same on every machine. */

#define STEP_NS (250 * NS_PER_MS)

static const char *const settings[] = { "video.width=1280",    "video.height=720",
                                        "video.fps=30",        "video.bitrate=1200000",
                                        "audio.bitrate=64000", NULL };

static gint64 capacity_bps(gdouble seconds)
{
    return seconds < 10 || seconds >= 25 ? 5000000 : 150000;
}

static gdouble line_number(SimWorld *world, SimPeer *peer, const char *name)
{
    g_autofree char *path = g_strconcat("sent.line.", name, NULL);
    return sim_world_peer_number(world, peer, path);
}

static void print_row(SimWorld *world, SimPeer *peer, gdouble seconds)
{
    static const gint rung_kbps[] = { 0, 1200, 400, 120 };
    gint rung = (gint)line_number(world, peer, "rung");
    printf("%.2f,%.0f,%.0f,%d\n", seconds, MIN((gdouble)capacity_bps(seconds) / 1000, 3500.0),
           line_number(world, peer, "estimate") / 1000, rung_kbps[rung + 1]);
}

int main(void)
{
    SimWorldOptions options = { .project_dir = PROJECT_DIR, .settings = settings };
    SimPeerConfig ada = { .name = "Ada",
                          .number = 1,
                          .tone_hz = 500,
                          .video = SIM_MOVING,
                          .paint = { 82, 90, 240 },
                          .fps = 30,
                          .publish_only = TRUE };
    SimPeerConfig bob = { .name = "Bob", .number = 2, .view_only = TRUE, .blind = TRUE };
    SimWorld *world = sim_world_new(&options);
    sim_world_join(world, &ada);
    SimPeer *viewer = sim_world_join(world, &bob);
    puts("seconds,capacity,estimate,rung");
    for (guint step = 0; step < 50 * 4; step++) {
        gdouble seconds = step / 4.0;
        SimLinkConfig up = { .delay_ns = 25 * NS_PER_MS };
        SimLinkConfig down = { .delay_ns = 25 * NS_PER_MS, .rate_bps = capacity_bps(seconds) };
        sim_peer_set_links(viewer, &up, &down);
        sim_world_run(world, STEP_NS);
        print_row(world, viewer, seconds);
    }
    sim_world_free(world);
    return 0;
}
