#include "base/clock.h"
#include "mixer/drawings.h"
#include "mixer/label.h"
#include "support/process_usage.h"
#include "support/sim_world.h"

/* The same with the real threads, in real time: under ThreadSanitizer it also finds races. */

#define BATCHES  20
#define WARM_UP  8
#define BATCH    10
#define MAX_GROW (192 * 1024)

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
    static const char *const tiny[] = { "video.width=64", "video.height=64", "video.fps=10",
                                        "video.threads=2", NULL };
    SimWorldOptions options = { .project_dir = PROJECT_DIR, .threaded = TRUE, .settings = tiny };
    return sim_world_new(&options);
}

typedef struct {
    gsize heap;
    guint threads, files;
} Usage;

/* The drawings of names and initials are kept for whoever comes next, within bounds of their own.
 */
static Usage measure(void)
{
    guint drawings;
    gsize drawn_bytes;
    drawings_usage(&drawings, &drawn_bytes);
    return (Usage){ process_heap_bytes() - drawn_bytes, process_threads(), process_open_files() };
}

static void run_batch(SimWorld *world, guint batch)
{
    SimPeer *peers[BATCH];
    guint connected = 0;
    for (guint i = 0; i < BATCH; i++) {
        SimPeerConfig config = somebody(10 + batch * BATCH + i);
        config.view_only = i % 5 == 4;
        peers[i] = sim_world_join(world, &config);
    }
    /* Some leave in the middle of connecting. */
    sim_world_run(world, 30 * NS_PER_MS);
    sim_world_leave(world, peers[0]);
    gint64 until_ns = sim_world_now_ns(world) + 20 * NS_PER_SEC;
    do {
        sim_world_run(world, 20 * NS_PER_MS);
        connected = 0;
        for (guint i = 1; i < BATCH; i++)
            connected += memory_port_connected(sim_peer_port(peers[i]));
    } while (connected < BATCH - 1 && sim_world_now_ns(world) < until_ns);
    g_assert_cmpuint(connected, ==, BATCH - 1);
    sim_world_run(world, 200 * NS_PER_MS);
    if (batch % 4 == 0) {
        json_t *stats = sim_world_stats(world);
        json_decref(stats);
    }
    for (guint i = 1; i < BATCH; i++)
        sim_world_leave(world, peers[i]);
    sim_world_run(world, 40 * NS_PER_MS);
}

static void wait_until_alone(SimWorld *world)
{
    gint64 until_ns = sim_world_now_ns(world) + 20 * NS_PER_SEC;
    while (memory_network_transports(sim_world_network(world)) > 1 &&
           sim_world_now_ns(world) < until_ns)
        sim_world_run(world, 20 * NS_PER_MS);
    g_assert_cmpuint(memory_network_transports(sim_world_network(world)), ==, 1);
    sim_world_run(world, 300 * NS_PER_MS);
}

static void test_nothing_stays(void)
{
    SimWorld *world = open_world();
    SimPeerConfig host = somebody(1);
    Usage before = { 0 };
    label_warm_up(); /* the fonts are loaded once */
    sim_world_join(world, &host);
    for (guint batch = 0; batch < BATCHES; batch++) {
        run_batch(world, batch);
        if (batch + 1 != WARM_UP)
            continue;
        wait_until_alone(world);
        before = measure();
    }
    wait_until_alone(world);
    Usage after = measure();
    g_test_message("heap %u KB -> %u KB, threads %u -> %u, files %u -> %u",
                   (guint)(before.heap / 1024), (guint)(after.heap / 1024), before.threads,
                   after.threads, before.files, after.files);
    g_assert_cmpuint(after.threads, <=, before.threads);
    g_assert_cmpuint(after.files, <=, before.files);
    g_assert_cmpuint(after.heap, <=, before.heap + MAX_GROW);
    sim_world_free(world);
}

/* Engines begin and end; their threads and descriptors end with them. */
static void test_engines_end(void)
{
    Usage before = { 0 };
    for (guint i = 0; i < 6; i++) {
        SimWorld *world = open_world();
        SimPeerConfig first = somebody(1), second = somebody(2);
        sim_world_join(world, &first);
        sim_world_join(world, &second);
        sim_world_run(world, (100 + 30 * i) * NS_PER_MS);
        sim_world_free(world);
        if (i == 1)
            before = measure();
    }
    Usage after = measure();
    g_test_message("threads %u -> %u, files %u -> %u", before.threads, after.threads, before.files,
                   after.files);
    g_assert_cmpuint(after.threads, <=, before.threads);
    g_assert_cmpuint(after.files, <=, before.files);
}

/* What people do while media runs: names, mute signs, offers, statistics, all at once. */
static void test_commands_under_way(void)
{
    SimWorld *world = open_world();
    SimPeer *peers[3];
    thread_assert_control();
    for (guint i = 0; i < G_N_ELEMENTS(peers); i++) {
        SimPeerConfig config = somebody(1 + i);
        config.video = SIM_MOVING;
        peers[i] = sim_world_join(world, &config);
    }
    sim_world_run(world, 500 * NS_PER_MS);
    for (guint round = 0; round < 30; round++) {
        SimPeer *peer = peers[round % G_N_ELEMENTS(peers)];
        ParticipantUpdate update = { .audio_muted = round & 1,
                                     .video_muted = round >> 1 & 1,
                                     .name = round & 1 ? "One name" : "Another name" };
        g_assert_true(participant_update(sim_world_participant(world, peer), &update, NULL));
        sim_peer_set_talking(peer, round & 2);
        sim_peer_send_pli(peer, sim_world_now_ns(world));
        sim_peer_send_nack(peer, 40, sim_world_now_ns(world));
        if (round % 6 == 5)
            sim_world_offer_again(world, peer);
        json_t *graph = sim_world_graph(world);
        json_decref(graph);
        sim_world_run(world, 40 * NS_PER_MS);
    }
    for (guint i = 0; i < G_N_ELEMENTS(peers); i++)
        g_assert_cmpuint(sim_eye_frames(sim_peer_eye(peers[i]))->len, >, 5);
    sim_world_free(world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/threaded/churn", test_nothing_stays);
    g_test_add_func("/threaded/engines", test_engines_end);
    g_test_add_func("/threaded/commands", test_commands_under_way);
    return g_test_run();
}
