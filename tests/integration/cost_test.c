#include <string.h>

#include "base/clock.h"
#include "support/sim_world.h"

/* Encode once, serve many; and nothing for nobody. */

static SimWorld *open_world(void)
{
    SimWorldOptions options = { .project_dir = PROJECT_DIR };
    return sim_world_new(&options);
}

static SimPeer *add_speaker(SimWorld *world, guint number)
{
    SimPeerConfig config = { .name = "Speaker",
                             .number = number,
                             .tone_hz = 400 + 100 * number,
                             .video = SIM_MOVING,
                             .paint = { 82, 90, 240 },
                             .deaf = TRUE,
                             .blind = TRUE };
    return sim_world_join(world, &config);
}

static SimPeer *add_viewer(SimWorld *world, guint number)
{
    SimPeerConfig config = {
        .name = "Viewer", .number = number, .view_only = TRUE, .deaf = TRUE, .blind = TRUE
    };
    return sim_world_join(world, &config);
}

#define ENCODED "scenes.0.renditions.0.encoded"

static gdouble growth(SimWorld *world, const char *path, gint64 duration_ns)
{
    gdouble before = sim_world_graph_number(world, path);
    sim_world_run(world, duration_ns);
    return sim_world_graph_number(world, path) - before;
}

static gsize count(SimWorld *world, const char *list)
{
    json_t *graph = sim_world_graph(world);
    const json_t *scene = json_array_get(json_object_get(graph, "scenes"), 0);
    gsize n = json_array_size(json_object_get(scene, list));
    json_decref(graph);
    return n;
}

static void test_viewers_share_one_encode(void)
{
    SimWorld *world = open_world();
    SimPeer *viewers[6];
    add_speaker(world, 1);
    viewers[0] = add_viewer(world, 10);
    sim_world_run(world, 2 * NS_PER_SEC);
    gdouble with_two = growth(world, ENCODED, 2 * NS_PER_SEC);
    for (guint i = 1; i < G_N_ELEMENTS(viewers); i++)
        viewers[i] = add_viewer(world, 10 + i);
    sim_world_run(world, 2 * NS_PER_SEC);
    gdouble with_seven = growth(world, ENCODED, 2 * NS_PER_SEC);
    g_test_message("encoded in 2 s: %.0f for two, %.0f for seven", with_two, with_seven);
    g_assert_cmpuint(count(world, "renditions"), ==, 1);
    g_assert_cmpfloat(sim_world_graph_number(world, "scenes.0.renditions.0.viewers"), ==, 7);
    g_assert_cmpfloat(with_two, >=, 29);
    g_assert_cmpfloat(with_two, <=, 32);
    g_assert_cmpfloat(with_seven, >=, 29);
    g_assert_cmpfloat(with_seven, <=, 32);
    for (guint i = 0; i < G_N_ELEMENTS(viewers); i++)
        g_assert_cmpuint(sim_eye_frames(sim_peer_eye(viewers[i]))->len, >, 45);
    sim_world_free(world);
}

static void test_nothing_is_encoded_for_nobody(void)
{
    SimWorld *world = open_world();
    SimPeer *speaker = add_speaker(world, 1);
    sim_world_run(world, 2 * NS_PER_SEC);
    g_assert_cmpfloat(growth(world, ENCODED, NS_PER_SEC), >, 10);
    sim_world_leave(world, speaker);
    sim_world_run(world, 200 * NS_PER_MS);
    g_assert_cmpfloat(growth(world, ENCODED, 2 * NS_PER_SEC), ==, 0);
    g_assert_cmpfloat(growth(world, "mixer.shared_encodes", 2 * NS_PER_SEC), ==, 0);
    g_assert_cmpfloat(growth(world, "scenes.0.idle_ticks", 2 * NS_PER_SEC), >=, 29);
    add_viewer(world, 2);
    sim_world_run(world, NS_PER_SEC);
    g_assert_cmpfloat(growth(world, ENCODED, 2 * NS_PER_SEC), >, 5);
    sim_world_free(world);
}

/* Those who say nothing hear the same encode of the full mix. */
static void test_listeners_share_one_voice(void)
{
    SimWorld *world = open_world();
    SimPeer *speakers[3];
    for (guint i = 0; i < 3; i++)
        speakers[i] = add_speaker(world, 1 + i);
    for (guint i = 0; i < 4; i++)
        add_viewer(world, 10 + i);
    sim_world_run(world, 2 * NS_PER_SEC);
    g_assert_cmpfloat(sim_world_graph_number(world, "mixer.own_voices"), ==, 3);
    g_assert_cmpfloat(sim_world_graph_number(world, "mixer.shared_listeners"), ==, 4);
    sim_peer_set_talking(speakers[1], FALSE);
    sim_peer_set_sending(speakers[2], FALSE, TRUE);
    sim_world_run(world, 2 * NS_PER_SEC);
    g_assert_cmpfloat(sim_world_graph_number(world, "mixer.own_voices"), ==, 1);
    g_assert_cmpfloat(sim_world_graph_number(world, "mixer.shared_listeners"), ==, 6);
    gdouble shared = growth(world, "mixer.shared_encodes", 2 * NS_PER_SEC);
    g_test_message("%.0f shared encodes in 2 s", shared);
    g_assert_cmpfloat(shared, <=, 101);
    sim_world_free(world);
}

/* A room in which nothing moves costs next to nothing. */
static void test_still_picture_is_hardly_encoded(void)
{
    SimWorld *world = open_world();
    add_viewer(world, 1);
    sim_world_run(world, 8 * NS_PER_SEC); /* the first picture is refined for a while */
    gdouble encoded = growth(world, ENCODED, 2 * NS_PER_SEC);
    g_test_message("encoded in 2 s of nothing: %.0f", encoded);
    g_assert_cmpfloat(encoded, >=, 8);
    g_assert_cmpfloat(encoded, <=, 12);
    sim_world_free(world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/cost/viewers_share_one_encode", test_viewers_share_one_encode);
    g_test_add_func("/cost/nothing_for_nobody", test_nothing_is_encoded_for_nobody);
    g_test_add_func("/cost/listeners_share_one_voice", test_listeners_share_one_voice);
    g_test_add_func("/cost/still_picture", test_still_picture_is_hardly_encoded);
    return g_test_run();
}
