#include <math.h>

#include "base/clock.h"
#include "support/sim_sound_loss.h"
#include "support/sim_world.h"

/* Sound on lines that lose packets: little is concealed, either way; and it comes back after a line
 * has hung. */

typedef struct {
    const char *name;
    gdouble loss, most; /* shares: of the packets, and of the time that may be concealed */
} Gate;

static const Gate gates[] = {
    { "1", 0.01, 0.001 }, { "5", 0.05, 0.005 }, { "10", 0.1, 0.015 }, { "20", 0.2, 0.05 }
};

/* 100 ms there and back, 30 ms of jitter. */
static void test_loss(gconstpointer data)
{
    const Gate *gate = data;
    SimLinkConfig line = { .delay_ns = 50 * NS_PER_MS,
                           .jitter_ns = 30 * NS_PER_MS,
                           .loss = gate->loss };
    SimSoundLoss found = sim_sound_loss(PROJECT_DIR, &line, 60);
    g_test_message("%s %% lost: concealed %.3f %% up; missed %.3f %% with RED, %.3f %% with FEC; "
                   "%.1f %% reported",
                   gate->name, 100 * found.up, 100 * found.down_red, 100 * found.down_fec,
                   100 * found.reported);
    g_assert_cmpfloat(found.up, <=, gate->most);
    g_assert_cmpfloat(found.down_red, <=, gate->most);
    g_assert_cmpfloat(found.down_fec, <=, gate->most);
    g_assert_cmpfloat(fabs(found.reported - gate->loss), <=, 0.01 + gate->loss / 4);
    g_assert_cmpint(found.rate_bps, ==, 2 * 64000);
}

static const SimPeerConfig speaker = {
    .name = "Ada", .number = 1, .tone_hz = 500, .speaks = TRUE, .blind = TRUE
};

static SimWorld *open_world(void)
{
    SimWorldOptions options = { .project_dir = PROJECT_DIR };
    return sim_world_new(&options);
}

/* RED costs no encode; FEC costs one for all who need it, as long as they do; nobody else's sound
 * changes. */
static void test_fec_only_while_needed(void)
{
    SimLinkConfig bad = { .loss = 0.1 }, good = { 0 };
    SimWorld *world = open_world();
    SimPeerConfig config = { .view_only = TRUE, .blind = TRUE };
    SimPeer *listeners[5];
    SimEarStats well;
    sim_world_join(world, &speaker);
    for (guint i = 0; i < G_N_ELEMENTS(listeners); i++) {
        config.name = "Listener";
        config.number = 2 + i;
        config.no_red = i != 1;
        config.down = i < 4 ? bad : good; /* one with RED, three without, one on a good line */
        listeners[i] = sim_world_join(world, &config);
    }
    sim_world_run(world, 10 * NS_PER_SEC);
    json_t *graph = sim_world_graph(world);
    const json_t *voices = json_object_get(json_object_get(graph, "mixer"), "voices");
    g_assert_cmpuint(json_array_size(voices), ==, 2);
    g_assert_false(json_is_true(json_object_get(json_array_get(voices, 0), "fec")));
    g_assert_true(json_is_true(json_object_get(json_array_get(voices, 1), "fec")));
    g_assert_cmpfloat(sim_json_number(graph, "mixer.voices.0.listeners"), ==, 2);
    g_assert_cmpfloat(sim_json_number(graph, "mixer.voices.1.listeners"), ==, 3);
    json_decref(graph);
    for (guint i = 0; i < 4; i++)
        memory_port_configure(sim_peer_port(listeners[i]), &good, &good);
    sim_world_run(world, 30 * NS_PER_SEC);
    g_assert_cmpfloat(sim_world_graph_number(world, "mixer.voices.0.listeners"), ==, 5);
    gint64 from_ns = sim_world_now_ns(world);
    gdouble red_before = sim_world_peer_number(world, listeners[1], "sent.audio.red_packets");
    sim_world_run(world, 2 * NS_PER_SEC);
    gdouble red_after = sim_world_peer_number(world, listeners[1], "sent.audio.red_packets");
    g_assert_cmpfloat(red_before, >, 200);
    g_assert_cmpfloat(red_before, ==, red_after);
    sim_ear_stats(sim_peer_ear(listeners[4]), &well);
    g_assert_cmpuint(well.missing + well.bad_steps + well.undecoded, ==, 0);
    g_assert_cmpuint(well.by_red + well.by_fec, ==, 0);
    g_assert_cmpfloat(sim_ear_missed(sim_peer_ear(listeners[0]), from_ns, from_ns + NS_PER_SEC), ==,
                      0);
    sim_world_free(world);
}

/* Who contributes has a voice of its own, and that one gets FEC, too. */
static void test_contributors_get_fec(void)
{
    SimWorld *world = open_world();
    SimPeerConfig other = speaker;
    other.name = "Bob";
    other.number = 2;
    other.tone_hz = 700;
    other.no_red = TRUE;
    other.down = (SimLinkConfig){ .loss = 0.1 };
    sim_world_join(world, &speaker);
    SimPeer *bob = sim_world_join(world, &other);
    /* Opus takes its time until it believes that such a tone is speech. */
    sim_world_run(world, 22 * NS_PER_SEC);
    gint64 from_ns = sim_world_now_ns(world);
    sim_world_run(world, 20 * NS_PER_SEC);
    SimEarStats stats;
    sim_ear_stats(sim_peer_ear(bob), &stats);
    gdouble missed = sim_ear_missed(sim_peer_ear(bob), from_ns, sim_world_now_ns(world));
    g_test_message("%u missing, %u by FEC, missed %.2f %%", (guint)stats.missing,
                   (guint)stats.by_fec, 100 * missed);
    g_assert_cmpfloat(missed, <=, 0.02);
    g_assert_cmpfloat(sim_world_graph_number(world, "mixer.own_voices"), ==, 2);
    sim_world_free(world);
}

/* The sender's line hangs for a second and gives everything at once: three seconds later its sound
 * is as quick as before. */
static void test_hung_line(void)
{
    SimWorld *world = open_world();
    SimPeerConfig config = speaker;
    config.up = (SimLinkConfig){ .delay_ns = 40 * NS_PER_MS, .jitter_ns = 10 * NS_PER_MS };
    SimPeer *ada = sim_world_join(world, &config);
    sim_world_run(world, 4 * NS_PER_SEC);
    gdouble before = sim_world_peer_number(world, ada, "received.audio.level_ms");
    memory_port_hold_up(sim_peer_port(ada), sim_world_now_ns(world) + NS_PER_SEC);
    sim_world_run(world, 4 * NS_PER_SEC);
    gdouble after = sim_world_peer_number(world, ada, "received.audio.level_ms");
    g_test_message("delay %.0f ms before, %.0f ms after", before, after);
    g_assert_cmpfloat(after, <=, before + 25);
    sim_world_free(world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(gates); i++) {
        g_autofree char *path = g_strdup_printf("/sound_loss/%s_percent", gates[i].name);
        g_test_add_data_func(path, &gates[i], test_loss);
    }
    g_test_add_func("/sound_loss/fec_only_while_needed", test_fec_only_while_needed);
    g_test_add_func("/sound_loss/contributors_get_fec", test_contributors_get_fec);
    g_test_add_func("/sound_loss/hung_line", test_hung_line);
    return g_test_run();
}
