#include <string.h>

#include "base/clock.h"
#include "support/sim_world.h"

/* Senders of several layers: which of them is taken, when it changes, and what is asked for of the
 * others. */

/* 640x360 of which 320x180 and 160x90 are sent too; the canvas has 640x360. */
static const SimPeerConfig camera = { .name = "Ada",
                                      .number = 1,
                                      .tone_hz = 500,
                                      .video = SIM_MOVING,
                                      .paint = { 82, 90, 240 },
                                      .width = 640,
                                      .height = 360,
                                      .bitrate_bps = 500000,
                                      .simulcast = SIM_BY_RID,
                                      .publish_only = TRUE };
static const SimPeerConfig watcher_config = { .name = "Bob", .number = 2, .view_only = TRUE };

static const char whole[] = "{\"name\": \"whole\", \"transition_ms\": 0, \"gap\": 0, \"regions\": "
                            "[{\"fill\": \"rest\"}]}";
static const char half[] = "{\"name\": \"half\", \"transition_ms\": 0, \"gap\": 0, \"regions\": "
                           "[{\"fill\": \"rest\", \"width\": \"1/2\", \"height\": \"1/2\"}]}";
static const char quarter[] = "{\"name\": \"quarter\", \"transition_ms\": 0, \"gap\": 0, "
                              "\"regions\": [{\"fill\": \"rest\", \"width\": \"1/4\", "
                              "\"height\": \"1/4\"}]}";
static const char nobody[] = "{\"name\": \"nobody\", \"transition_ms\": 0, \"gap\": 0, "
                             "\"regions\": [{\"fill\": \"join:9\"}]}";

typedef struct {
    SimWorld *world;
    SimPeer *ada, *bob;
} Meeting;

static Meeting meet(const SimPeerConfig *sender, const char *document)
{
    static const char *const settings[] = { "video.width=640", "video.height=360", NULL };
    SimWorldOptions options = { .project_dir = PROJECT_DIR, .settings = settings };
    Meeting meeting = { .world = sim_world_new(&options) };
    thread_assert_control();
    g_autoptr(GError) error = NULL;
    meeting.ada = sim_world_join(meeting.world, sender);
    meeting.bob = sim_world_join(meeting.world, &watcher_config);
    g_autoptr(Layout) layout = layout_parse(document, strlen(document), &error);
    g_assert_no_error(error);
    participant_set_view(sim_world_participant(meeting.world, meeting.bob), layout, FALSE, &error);
    g_assert_no_error(error);
    return meeting;
}

static void show(const Meeting *meeting, const char *document)
{
    g_autoptr(GError) error = NULL;
    thread_assert_control();
    g_autoptr(Layout) layout = layout_parse(document, strlen(document), &error);
    g_assert_no_error(error);
    participant_set_view(sim_world_participant(meeting->world, meeting->bob), layout, FALSE,
                         &error);
    g_assert_no_error(error);
}

static gdouble number(const Meeting *meeting, const char *path)
{
    return sim_world_peer_number(meeting->world, meeting->ada, path);
}

static gint decoded_height(const Meeting *meeting)
{
    return (gint)number(meeting, "received.camera.height");
}

static guint plis(const Meeting *meeting, guint layer)
{
    return (guint)sim_peer_layer(meeting->ada, layer)->plis;
}

/* The layer follows the tile: up at once, down after 2 s, and nothing is lost on the way. */
static void test_follows_the_tile(void)
{
    Meeting meeting = meet(&camera, quarter);
    sim_world_run(meeting.world, 6 * NS_PER_SEC);
    g_assert_cmpint(decoded_height(&meeting), ==, 90);
    show(&meeting, whole);
    sim_world_run(meeting.world, 400 * NS_PER_MS);
    g_assert_cmpint(decoded_height(&meeting), ==, 360);
    show(&meeting, half);
    gint64 from_ns = sim_world_now_ns(meeting.world);
    sim_world_run(meeting.world, 1500 * NS_PER_MS);
    g_assert_cmpint(decoded_height(&meeting), ==, 360);
    sim_world_run(meeting.world, 1500 * NS_PER_MS);
    g_assert_cmpint(decoded_height(&meeting), ==, 180);
    SimCadence cadence =
        sim_eye_cadence(sim_peer_eye(meeting.bob), from_ns, sim_world_now_ns(meeting.world));
    g_assert_cmpint(cadence.longest_gap_ns, <=, 210 * NS_PER_MS);
    g_assert_cmpfloat(number(&meeting, "received.camera.decode_errors"), ==, 0);
    g_assert_cmpfloat(number(&meeting, "received.unknown_ssrc"), ==, 0);
    sim_world_free(meeting.world);
}

/* Many changes in a row: the decoder refuses none of them. */
static void test_many_changes(void)
{
    Meeting meeting = meet(&camera, quarter);
    sim_world_run(meeting.world, 3 * NS_PER_SEC);
    for (guint i = 0; i < 24; i++) {
        show(&meeting, i % 2 ? quarter : whole);
        sim_world_run(meeting.world, (i % 2 ? 2400 : 500) * NS_PER_MS);
        g_assert_cmpint(decoded_height(&meeting), ==, i % 2 ? 90 : 360);
    }
    g_assert_cmpfloat(number(&meeting, "received.camera.decode_errors"), ==, 0);
    sim_world_free(meeting.world);
}

/* Nothing is asked for of layers that nobody shows, and the sender is told to starve them. */
static void test_others_are_left_alone(void)
{
    SimPeerConfig lossy = camera;
    lossy.up = (SimLinkConfig){ .delay_ns = 20 * NS_PER_MS, .loss = 0.05 };
    lossy.down = (SimLinkConfig){ .delay_ns = 20 * NS_PER_MS };
    Meeting meeting = meet(&lossy, quarter);
    SimPeerStats stats;
    sim_world_run(meeting.world, 3 * NS_PER_SEC);
    guint top = plis(&meeting, 0), middle = plis(&meeting, 1);
    guint64 nacked = sim_peer_layer(meeting.ada, 0)->nacked;
    sim_world_run(meeting.world, 10 * NS_PER_SEC);
    g_assert_cmpint(decoded_height(&meeting), ==, 90);
    g_assert_cmpuint(plis(&meeting, 0), ==, top);
    g_assert_cmpuint(plis(&meeting, 1), ==, middle);
    g_assert_cmpuint(sim_peer_layer(meeting.ada, 0)->nacked, ==, nacked);
    g_assert_cmpuint(sim_peer_layer(meeting.ada, 2)->resent, >, 0);
    sim_peer_stats(meeting.ada, &stats);
    g_test_message("granted %u bit/s", (guint)stats.granted_bps);
    g_assert_cmpuint(stats.granted_bps, >=, 200000);
    g_assert_cmpuint(stats.granted_bps, <=, 400000);
    sim_world_free(meeting.world);
}

/* Packets that are sent again find their layer: by the repaired RID, or as announced. */
static void test_lossy_layers(gconstpointer simulcast)
{
    SimPeerConfig lossy = camera;
    lossy.simulcast = (SimSimulcast)GPOINTER_TO_INT(simulcast);
    lossy.up = (SimLinkConfig){ .delay_ns = 20 * NS_PER_MS, .loss = 0.05 };
    lossy.down = (SimLinkConfig){ .delay_ns = 20 * NS_PER_MS };
    Meeting meeting = meet(&lossy, whole);
    sim_world_run(meeting.world, 2 * NS_PER_SEC);
    gdouble before = number(&meeting, "received.camera.decoded");
    sim_world_run(meeting.world, 10 * NS_PER_SEC);
    gdouble decoded = number(&meeting, "received.camera.decoded") - before;
    g_test_message("decoded %.0f of 150", decoded);
    g_assert_cmpfloat(decoded, >=, 0.97 * 150);
    g_assert_cmpint(decoded_height(&meeting), ==, 360);
    g_assert_cmpuint(sim_peer_layer(meeting.ada, 0)->resent, >, 0);
    g_assert_cmpuint(plis(&meeting, 0), <=, 4);
    sim_world_free(meeting.world);
}

/* A layer that its sender stops is replaced by what still comes, and taken again later. */
static void test_layer_stops(void)
{
    Meeting meeting = meet(&camera, whole);
    sim_world_run(meeting.world, 4 * NS_PER_SEC);
    g_assert_cmpint(decoded_height(&meeting), ==, 360);
    sim_peer_set_link_bps(meeting.ada, 200000);
    sim_world_run(meeting.world, 900 * NS_PER_MS);
    g_assert_cmpint(decoded_height(&meeting), ==, 180);
    sim_peer_set_link_bps(meeting.ada, 0);
    sim_world_run(meeting.world, 4 * NS_PER_SEC);
    g_assert_cmpint(decoded_height(&meeting), ==, 360);
    sim_world_free(meeting.world);
}

/* A new offer of the same layers, whose packets no longer tell RID and MID. */
static void test_offer_again(void)
{
    Meeting meeting = meet(&camera, whole);
    sim_world_run(meeting.world, 8 * NS_PER_SEC);
    gdouble before = number(&meeting, "received.camera.decoded");
    guint asked = plis(&meeting, 0);
    sim_world_offer_again(meeting.world, meeting.ada);
    sim_world_run(meeting.world, 2 * NS_PER_SEC);
    g_assert_cmpfloat(number(&meeting, "received.camera.decoded") - before, >=, 28);
    g_assert_cmpuint(plis(&meeting, 0), ==, asked);
    g_assert_cmpfloat(number(&meeting, "received.unknown_ssrc"), ==, 0);
    sim_world_free(meeting.world);
}

/* Two pictures show the same camera: the larger tile decides, for as long as somebody takes it. */
static void test_largest_tile_counts(void)
{
    SimPeerConfig second = watcher_config;
    g_autoptr(GError) error = NULL;
    thread_assert_control();
    second.name = "Cyd";
    second.number = 3;
    Meeting meeting = meet(&camera, quarter);
    SimPeer *cyd = sim_world_join(meeting.world, &second);
    g_autoptr(Layout) layout = layout_parse(whole, strlen(whole), &error);
    participant_set_view(sim_world_participant(meeting.world, cyd), layout, FALSE, &error);
    g_assert_no_error(error);
    sim_world_run(meeting.world, 3 * NS_PER_SEC);
    g_assert_cmpint(decoded_height(&meeting), ==, 360);
    g_assert_cmpfloat(number(&meeting, "received.camera.wanted_height"), ==, 360);
    sim_world_leave(meeting.world, cyd);
    sim_world_run(meeting.world, 6 * NS_PER_SEC);
    g_assert_cmpint(decoded_height(&meeting), ==, 90);
    g_assert_cmpfloat(number(&meeting, "received.camera.wanted_height"), ==, 90);
    g_assert_cmpfloat(sim_world_graph_number(meeting.world, "pictures.0.wanted_height"), ==, 90);
    sim_world_free(meeting.world);
}

/* A sender of one size is granted what its tile needs, and always enough for its sound: less after
 * 3 s, more at once. */
static void test_one_layer_is_capped(void)
{
    static const struct {
        const char *document;
        guint64 granted_bps;
        gint64 wait_ns;
    } steps[] = {
        { whole, 700000, 4 * NS_PER_SEC },   { quarter, 700000, 2 * NS_PER_SEC },
        { quarter, 250000, 3 * NS_PER_SEC }, { half, 350000, 200 * NS_PER_MS },
        { nobody, 200000, 8 * NS_PER_SEC },  { whole, 700000, 200 * NS_PER_MS },
    };
    SimPeerConfig single = camera;
    single.simulcast = SIM_ONE_LAYER;
    Meeting meeting = meet(&single, whole);
    for (guint i = 0; i < G_N_ELEMENTS(steps); i++) {
        SimPeerStats stats;
        show(&meeting, steps[i].document);
        sim_world_run(meeting.world, steps[i].wait_ns);
        sim_peer_stats(meeting.ada, &stats);
        g_test_message("step %u: granted %u bit/s", i, (guint)stats.granted_bps);
        g_assert_cmpuint(stats.granted_bps, ==, steps[i].granted_bps);
    }
    sim_world_free(meeting.world);
}

/* Streams that nothing tells apart but their pictures. */
static void test_no_rids(void)
{
    SimPeerConfig untold = camera;
    untold.tells_no_rid = TRUE;
    Meeting meeting = meet(&untold, quarter);
    sim_world_run(meeting.world, 4 * NS_PER_SEC);
    g_assert_cmpint(decoded_height(&meeting), ==, 90);
    show(&meeting, whole);
    sim_world_run(meeting.world, NS_PER_SEC);
    g_assert_cmpint(decoded_height(&meeting), ==, 360);
    sim_world_free(meeting.world);
}

typedef struct {
    gint64 seen_ns;
    Meeting *meeting;
} Watch;

static void look(SimWorld *world, gint64 now_ns, gpointer user)
{
    Watch *watch = user;
    const AVFrame *picture = sim_eye_picture(sim_peer_eye(watch->meeting->bob));
    VideoRect middle = { 312, 200, 16, 16 };
    (void)world;
    if (watch->seen_ns || !picture)
        return;
    SimColour seen = sim_picture_colour(picture, &middle);
    if (ABS(seen.y - 82) < 22 && ABS(seen.v - 240) < 22)
        watch->seen_ns = now_ns;
}

/* From the change of the layout to the picture in the viewer's eye, each way 50 ms. */
static gint64 promote(SimSimulcast simulcast, gint fps, gint64 phase_ns)
{
    SimPeerConfig far = camera;
    far.simulcast = simulcast;
    far.fps = fps;
    far.up = far.down = (SimLinkConfig){ .delay_ns = 50 * NS_PER_MS };
    Meeting meeting = meet(&far, nobody);
    sim_world_run(meeting.world, 8 * NS_PER_SEC + phase_ns);
    gdouble decoded = number(&meeting, "received.camera.decoded");
    sim_world_run(meeting.world, 2 * NS_PER_SEC);
    g_assert_cmpfloat(number(&meeting, "received.camera.decoded"), ==, decoded);
    Watch watch = { .meeting = &meeting };
    gint64 from_ns = sim_world_now_ns(meeting.world);
    show(&meeting, whole);
    sim_world_set_step(meeting.world, look, &watch);
    sim_world_run(meeting.world, NS_PER_SEC);
    sim_world_set_step(meeting.world, NULL, NULL);
    g_assert_cmpint(watch.seen_ns, >, 0);
    sim_world_free(meeting.world);
    return watch.seen_ns - from_ns;
}

static void test_promotion(void)
{
    for (guint i = 0; i < 16; i++) {
        gint fps = i / 8 ? 30 : 15;
        gint64 ns = promote(i % 2 ? SIM_BY_RID : SIM_ONE_LAYER, fps, i / 2 % 4 * 17 * NS_PER_MS);
        g_test_message("%s, %d pictures/s: seen after %d ms", i % 2 ? "simulcast" : "one layer",
                       fps, (int)(ns / NS_PER_MS));
        g_assert_cmpint(ns, <=, 300 * NS_PER_MS);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/simulcast/follows-the-tile", test_follows_the_tile);
    g_test_add_func("/simulcast/many-changes", test_many_changes);
    g_test_add_func("/simulcast/others-are-left-alone", test_others_are_left_alone);
    g_test_add_data_func("/simulcast/lossy-layers", GINT_TO_POINTER(SIM_BY_RID), test_lossy_layers);
    g_test_add_data_func("/simulcast/lossy-sim-group", GINT_TO_POINTER(SIM_BY_SSRC),
                         test_lossy_layers);
    g_test_add_func("/simulcast/layer-stops", test_layer_stops);
    g_test_add_func("/simulcast/offer-again", test_offer_again);
    g_test_add_func("/simulcast/largest-tile-counts", test_largest_tile_counts);
    g_test_add_func("/simulcast/one-layer-is-capped", test_one_layer_is_capped);
    g_test_add_func("/simulcast/no-rids", test_no_rids);
    g_test_add_func("/simulcast/promotion", test_promotion);
    return g_test_run();
}
