#include "base/clock.h"
#include "support/process_usage.h"
#include "support/sim_world.h"

/* People come and go, with sound and pictures: nothing of them stays behind. */

#define ROUNDS   200
#define WARM_UP  80
#define STAY_NS  (300 * NS_PER_MS)
#define MAX_GROW (48 * 1024) /* bytes over 120 joins: 400 each would be a leak that matters */

static SimPeerConfig somebody(guint number)
{
    return (SimPeerConfig){ .name = "Somebody",
                            .number = number,
                            .tone_hz = 400 + 50 * (number % 20),
                            .video = SIM_SOLID,
                            .paint = { 82, 90, 240 },
                            .width = 16,
                            .height = 16,
                            .fps = 10,
                            .deaf = TRUE,
                            .blind = TRUE };
}

static SimWorld *open_world(void)
{
    static const char *const tiny[] = { "video.width=64", "video.height=64", "video.fps=10", NULL };
    SimWorldOptions options = { .project_dir = PROJECT_DIR, .settings = tiny };
    return sim_world_new(&options);
}

static void test_memory_stays(void)
{
    SimWorld *world = open_world();
    SimPeerConfig host = somebody(1);
    sim_world_join(world, &host);
    gsize before = 0;
    for (guint i = 0; i < ROUNDS; i++) {
        SimPeerConfig config = somebody(10 + i);
        config.view_only = i % 7 == 3;
        SimPeer *peer = sim_world_join(world, &config);
        sim_world_run(world, STAY_NS);
        g_assert_true(memory_port_connected(sim_peer_port(peer)));
        sim_world_leave(world, peer);
        sim_world_run(world, 60 * NS_PER_MS);
        if (i + 1 == WARM_UP)
            before = process_heap_bytes();
    }
    gsize after = process_heap_bytes();
    g_test_message("heap: %u KB after %d, %u KB after %d", (guint)(before / 1024), WARM_UP,
                   (guint)(after / 1024), ROUNDS);
    g_assert_cmpuint(after, <=, before + MAX_GROW);
    g_assert_cmpuint(memory_network_transports(sim_world_network(world)), ==, 1);
    sim_world_free(world);
}

/* Leaving at every moment of a connection's beginning. */
static void test_leaving_at_any_moment(void)
{
    SimWorld *world = open_world();
    for (guint i = 0; i < 120; i++) {
        SimPeerConfig config = somebody(10 + i);
        SimPeer *peer = sim_world_join(world, &config);
        sim_world_run(world, i * NS_PER_MS);
        sim_world_leave(world, peer);
        sim_world_run(world, (i % 5) * 20 * NS_PER_MS);
    }
    sim_world_run(world, 100 * NS_PER_MS);
    g_assert_cmpuint(memory_network_transports(sim_world_network(world)), ==, 0);
    sim_world_free(world);
}

/* Whole rooms, too. */
static void test_worlds_end(void)
{
    gsize before = 0;
    for (guint i = 0; i < 20; i++) {
        SimWorld *world = open_world();
        SimPeerConfig first = somebody(1), second = somebody(2);
        sim_world_join(world, &first);
        sim_world_join(world, &second);
        sim_world_run(world, STAY_NS);
        sim_world_free(world);
        if (i == 9)
            before = process_heap_bytes();
    }
    gsize after = process_heap_bytes();
    g_test_message("heap: %u KB, %u KB ten worlds later", (guint)(before / 1024),
                   (guint)(after / 1024));
    g_assert_cmpuint(after, <=, before + MAX_GROW);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/churn/memory", test_memory_stays);
    g_test_add_func("/churn/leaving_at_any_moment", test_leaving_at_any_moment);
    g_test_add_func("/churn/worlds", test_worlds_end);
    return g_test_run();
}
