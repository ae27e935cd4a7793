#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "support/sim_world.h"

/* A room under control: who is heard how loud and by whom, who is seen, who may come in. */

static const SimPeerConfig people[] = {
    { .name = "Ada", .number = 1, .tone_hz = 512.5, .video = SIM_MOVING, .paint = { 82, 90, 240 } },
    { .name = "Bob", .number = 2, .tone_hz = 837.5, .video = SIM_MOVING, .paint = { 145, 54, 34 } },
    { .name = "Eve",
      .number = 3,
      .tone_hz = 1312.5,
      .video = SIM_MOVING,
      .paint = { 41, 240, 110 } },
};

#define PEOPLE  G_N_ELEMENTS(people)
#define SILENCE (-50.0)

typedef struct {
    SimWorld *world;
    SimPeer *peers[PEOPLE];
} Meeting;

static Meeting meet(void)
{
    SimWorldOptions options = { .project_dir = PROJECT_DIR };
    Meeting meeting = { .world = sim_world_new(&options) };
    for (guint i = 0; i < PEOPLE; i++)
        meeting.peers[i] = sim_world_join(meeting.world, &people[i]);
    sim_world_run(meeting.world, 2 * NS_PER_SEC);
    return meeting;
}

static Participant *participant(const Meeting *meeting, guint i)
{
    thread_assert_control();
    return sim_world_participant(meeting->world, meeting->peers[i]);
}

static gboolean patch(const Meeting *meeting, guint i, const char *text, GError **error)
{
    thread_assert_control();
    json_t *json = json_loads(text, 0, NULL);
    g_assert_nonnull(json);
    gboolean good = participant_patch(participant(meeting, i), json, error);
    json_decref(json);
    return good;
}

static void decide(const Meeting *meeting, guint i, const char *text)
{
    g_autoptr(GError) error = NULL;
    gboolean good = patch(meeting, i, text, &error);
    g_assert_no_error(error);
    g_assert_true(good);
}

/* How loud one hears the other in the second before now, once a change has settled. */
static gdouble level(const Meeting *meeting, guint listener, guint speaker)
{
    gint64 now_ns = sim_world_now_ns(meeting->world);
    return sim_ear_tone_db(sim_peer_ear(meeting->peers[listener]), people[speaker].tone_hz,
                           now_ns - NS_PER_SEC, now_ns);
}

static void settle(const Meeting *meeting)
{
    sim_world_run(meeting->world, 2 * NS_PER_SEC);
}

static void assert_hears(const Meeting *meeting, guint listener, guint speaker, gdouble db)
{
    gdouble heard = level(meeting, listener, speaker);
    g_test_message("%s hears %s at %.1f dB, expected %.1f", people[listener].name,
                   people[speaker].name, heard, db);
    if (db <= SILENCE)
        g_assert_cmpfloat(heard, <, SILENCE);
    else
        g_assert_cmpfloat(ABS(heard - db), <, 3);
}

static void test_mute_and_volume(void)
{
    Meeting meeting = meet();
    assert_hears(&meeting, 0, 1, -20);
    decide(&meeting, 1, "{\"muted\": true}");
    settle(&meeting);
    assert_hears(&meeting, 0, 1, SILENCE);
    assert_hears(&meeting, 0, 2, -20);
    decide(&meeting, 1, "{\"muted\": false, \"volume\": -12}");
    settle(&meeting);
    assert_hears(&meeting, 0, 1, -32);
    decide(&meeting, 1, "{\"volume\": 6}");
    settle(&meeting);
    assert_hears(&meeting, 0, 1, -14);
    sim_world_free(meeting.world);
}

static void test_who_hears_whom(void)
{
    Meeting meeting = meet();
    g_autofree char *only_eve = g_strdup_printf("{\"hears\": {\"include\": [\"%s\"]}}",
                                                participant_id(participant(&meeting, 2)));
    decide(&meeting, 0, only_eve);
    decide(&meeting, 1, "{\"role\": \"band\"}");
    decide(&meeting, 2, "{\"hears\": {\"exclude\": [\"role:band\"]}}");
    settle(&meeting);
    assert_hears(&meeting, 0, 1, SILENCE);
    assert_hears(&meeting, 0, 2, -20);
    assert_hears(&meeting, 2, 0, -20);
    assert_hears(&meeting, 2, 1, SILENCE);
    assert_hears(&meeting, 1, 0, -20);
    assert_hears(&meeting, 1, 2, -20);
    for (guint i = 0; i < PEOPLE; i++)
        assert_hears(&meeting, i, i, SILENCE);
    g_assert_cmpfloat(sim_world_graph_number(meeting.world, "mixer.submixes.0.listeners"), ==, 1);

    decide(&meeting, 0, "{\"hears\": null}");
    decide(&meeting, 1, "{\"role\": null}");
    settle(&meeting);
    for (guint i = 0; i < PEOPLE; i++) {
        for (guint k = 0; k < PEOPLE; k++)
            assert_hears(&meeting, i, k, i == k ? SILENCE : -20);
    }
    sim_world_free(meeting.world);
}

/* Listeners who are to hear the same share one encode. */
static void test_equal_submixes_are_shared(void)
{
    Meeting meeting = meet();
    SimPeer *viewers[3];
    /* By exclusion: the viewers themselves, who say nothing, make no difference. */
    g_autofree char *some = g_strdup_printf("{\"hears\": {\"exclude\": [\"%s\", \"%s\"]}}",
                                            participant_id(participant(&meeting, 0)),
                                            participant_id(participant(&meeting, 2)));
    thread_assert_control();
    for (guint i = 0; i < G_N_ELEMENTS(viewers); i++) {
        SimPeerConfig config = { .name = "Viewer", .number = 20 + i, .view_only = TRUE };
        viewers[i] = sim_world_join(meeting.world, &config);
        json_t *json = json_loads(some, 0, NULL);
        Participant *viewer = sim_world_participant(meeting.world, viewers[i]);
        g_assert_true(participant_patch(viewer, json, NULL));
        json_decref(json);
    }
    sim_world_run(meeting.world, 3 * NS_PER_SEC);
    json_t *graph = sim_world_graph(meeting.world);
    json_t *submixes = json_object_get(json_object_get(graph, "mixer"), "submixes");
    g_assert_cmpuint(json_array_size(submixes), ==, 1);
    g_assert_cmpfloat(sim_json_number(graph, "mixer.submixes.0.listeners"), ==, 3);
    json_decref(graph);
    gint64 now_ns = sim_world_now_ns(meeting.world);
    for (guint i = 0; i < G_N_ELEMENTS(viewers); i++) {
        const SimEar *ear = sim_peer_ear(viewers[i]);
        g_assert_cmpfloat(sim_ear_tone_db(ear, 837.5, now_ns - NS_PER_SEC, now_ns), >, -23);
        g_assert_cmpfloat(sim_ear_tone_db(ear, 512.5, now_ns - NS_PER_SEC, now_ns), <, SILENCE);
    }
    sim_world_free(meeting.world);
}

static gsize tile_count(const Meeting *meeting)
{
    thread_assert_control();
    json_t *layout = room_layout_json(sim_world_room(meeting->world));
    gsize n = json_array_size(json_object_get(layout, "tiles"));
    json_decref(layout);
    return n;
}

static void test_hold(void)
{
    Meeting meeting = meet();
    thread_assert_control();
    decide(&meeting, 1, "{\"hold\": true}");
    settle(&meeting);
    assert_hears(&meeting, 0, 1, SILENCE);
    assert_hears(&meeting, 1, 0, SILENCE);
    assert_hears(&meeting, 0, 2, -20);
    g_assert_cmpuint(tile_count(&meeting), ==, 2);
    json_t *view = participant_view_json(participant(&meeting, 1));
    g_assert_cmpuint(json_array_size(json_object_get(view, "tiles")), ==, 0);
    g_assert_cmpuint(json_array_size(json_object_get(view, "overlays")), ==, 1);
    json_decref(view);
    decide(&meeting, 1, "{\"hold\": false}");
    settle(&meeting);
    assert_hears(&meeting, 0, 1, -20);
    assert_hears(&meeting, 1, 0, -20);
    g_assert_cmpuint(tile_count(&meeting), ==, 3);
    sim_world_free(meeting.world);
}

static void test_hidden_is_heard(void)
{
    Meeting meeting = meet();
    decide(&meeting, 1, "{\"hidden\": true}");
    settle(&meeting);
    g_assert_cmpuint(tile_count(&meeting), ==, 2);
    assert_hears(&meeting, 0, 1, -20);
    sim_world_free(meeting.world);
}

static void test_video_off_is_not_decoded(void)
{
    Meeting meeting = meet();
    decide(&meeting, 2, "{\"video_off\": true}");
    settle(&meeting);
    g_assert_false(
        sim_world_shows(meeting.world, meeting.peers[0], meeting.peers[2], people[2].paint));
    decide(&meeting, 2, "{\"video_off\": false}");
    settle(&meeting);
    g_assert_true(
        sim_world_shows(meeting.world, meeting.peers[0], meeting.peers[2], people[2].paint));
    sim_world_free(meeting.world);
}

static void first_tile_is(const Meeting *meeting, guint i)
{
    thread_assert_control();
    json_t *layout = room_layout_json(sim_world_room(meeting->world));
    const json_t *tile = json_array_get(json_object_get(layout, "tiles"), 0);
    g_assert_cmpstr(json_string_value(json_object_get(tile, "id")), ==,
                    participant_id(participant(meeting, i)));
    json_decref(layout);
}

static void test_order(void)
{
    Meeting meeting = meet();
    first_tile_is(&meeting, 0);
    decide(&meeting, 2, "{\"order\": -1}");
    first_tile_is(&meeting, 2);
    decide(&meeting, 2, "{\"order\": 0}");
    first_tile_is(&meeting, 0);
    sim_world_free(meeting.world);
}

/* A pinned person takes the stage from whoever speaks. */
static void test_pin(void)
{
    Meeting meeting = meet();
    const char text[] = "{\"name\": \"stage\", \"regions\": [{\"fill\": \"speaker\"}]}";
    thread_assert_control();
    g_autoptr(Layout) stage = layout_parse(text, strlen(text), NULL);
    room_set_layout(sim_world_room(meeting.world), stage);
    decide(&meeting, 2, "{\"pinned\": true}");
    first_tile_is(&meeting, 2);
    decide(&meeting, 1, "{\"pinned\": true}"); /* later: after the first */
    first_tile_is(&meeting, 2);
    decide(&meeting, 2, "{\"pinned\": false}");
    first_tile_is(&meeting, 1);
    sim_world_free(meeting.world);
}

static void test_wrong_patches_change_nothing(void)
{
    static const char *const wrong[] = {
        "{\"muted\": 1}",
        "{\"volume\": 13}",
        "{\"volume\": \"loud\"}",
        "{\"order\": 2000}",
        "{\"role\": \"a b\"}",
        "{\"name\": 5}",
        "{\"hears\": {\"include\": [1]}}",
        "{\"hears\": []}",
        "{\"layout\": 7}",
        "{\"layout\": \"no-such-layout\"}",
        "{\"layout\": {\"name\": \"x\"}}",
        "{\"colour\": \"red\"}",
        "[]",
        "{\"muted\": true, \"pinned\": \"yes\"}",
    };
    Meeting meeting = meet();
    thread_assert_control();
    json_t *before = participant_to_json(participant(&meeting, 0));
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(patch(&meeting, 0, wrong[i], &error));
        g_test_message("%s: %s", wrong[i], error->message);
        g_assert_true(error->domain == TESSERA_ERROR);
        json_t *after = participant_to_json(participant(&meeting, 0));
        g_assert_true(json_equal(before, after));
        json_decref(after);
    }
    json_decref(before);
    sim_world_free(meeting.world);
}

static gboolean patch_room(const Meeting *meeting, const char *text, GError **error)
{
    thread_assert_control();
    json_t *json = json_loads(text, 0, NULL);
    gboolean good = room_patch(sim_world_room(meeting->world), json, error);
    json_decref(json);
    return good;
}

static void test_room_settings(void)
{
    Meeting meeting = meet();
    g_autoptr(GError) error = NULL;
    thread_assert_control();
    Room *room = sim_world_room(meeting.world);
    ParticipantOptions options = { .name = "Late", .view = TRUE };
    guint64 version = room_version(room);
    g_assert_true(patch_room(&meeting, "{\"locked\": true, \"max_participants\": 3}", &error));
    g_assert_cmpuint(room_version(room), >, version);
    g_assert_null(room_join(room, &options, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_FORBIDDEN);
    g_clear_error(&error);
    options.overrides_lock = TRUE;
    g_assert_null(room_join(room, &options, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE);
    g_clear_error(&error);
    g_assert_true(patch_room(&meeting, "{\"max_participants\": 4}", &error));
    g_assert_nonnull(room_join(room, &options, &error));

    g_assert_false(patch_room(&meeting, "{\"video\": {\"width\": 5000}}", &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
    g_assert_true(patch_room(&meeting,
                             "{\"video\": {\"width\": 180, \"height\": 320}, \"layout\": \"grid\", "
                             "\"background\": \"#ff0000\"}",
                             NULL));
    settle(&meeting);
    const AVFrame *picture = sim_eye_picture(sim_peer_eye(meeting.peers[0]));
    g_assert_cmpint(picture->width, ==, 180);
    g_assert_cmpint(picture->height, ==, 320);
    sim_world_free(meeting.world);
}

/* Off by default; on: who has the floor stays, the others are 9 dB quieter while it speaks. */
static void test_ducking(void)
{
    Meeting meeting = meet();
    SimPeerConfig config = { .name = "Viewer", .number = 20, .view_only = TRUE };
    SimPeer *viewer = sim_world_join(meeting.world, &config);
    settle(&meeting);
    g_assert_true(patch_room(&meeting, "{\"ducking\": true}", NULL));
    settle(&meeting);
    gint64 now_ns = sim_world_now_ns(meeting.world);
    guint full = 0, ducked = 0;
    for (guint i = 0; i < PEOPLE; i++) {
        gdouble heard =
            sim_ear_tone_db(sim_peer_ear(viewer), people[i].tone_hz, now_ns - NS_PER_SEC, now_ns);
        full += ABS(heard + 20) < 3;
        ducked += ABS(heard + 29) < 3;
    }
    g_assert_cmpuint(full, ==, 1);
    g_assert_cmpuint(ducked, ==, 2);
    sim_world_free(meeting.world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    thread_set_roles(THREAD_ALL);
    g_test_add_func("/control/mute", test_mute_and_volume);
    g_test_add_func("/control/hears", test_who_hears_whom);
    g_test_add_func("/control/submix", test_equal_submixes_are_shared);
    g_test_add_func("/control/hold", test_hold);
    g_test_add_func("/control/hidden", test_hidden_is_heard);
    g_test_add_func("/control/video-off", test_video_off_is_not_decoded);
    g_test_add_func("/control/order", test_order);
    g_test_add_func("/control/pin", test_pin);
    g_test_add_func("/control/wrong", test_wrong_patches_change_nothing);
    g_test_add_func("/control/room", test_room_settings);
    g_test_add_func("/control/ducking", test_ducking);
    return g_test_run();
}
