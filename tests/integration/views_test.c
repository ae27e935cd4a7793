#include <glib/gstdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "support/sim_world.h"

/* Everyone may have a layout of their own: who sees what, who shares an encode, and what a change
 * looks like. */

static const SimPeerConfig people[] = {
    { .name = "Ada", .number = 1, .tone_hz = 512.5, .video = SIM_MOVING, .paint = { 82, 90, 240 } },
    { .name = "Bob", .number = 2, .video = SIM_MOVING, .paint = { 145, 54, 34 } },
    { .name = "Eve", .number = 3, .video = SIM_MOVING, .paint = { 41, 240, 110 } },
};

#define PEOPLE    G_N_ELEMENTS(people)
#define TOLERANCE 22
#define CUT       ", \"transition_ms\": 0, \"gap\": 0, \"regions\": "

static const char left_right[] =
    "{\"name\": \"left-right\"" CUT
    "[{\"fill\": \"join:1\", \"width\": \"1/2\", \"aspect\": \"8/9\"}, "
    "{\"fill\": \"join:2\", \"x\": \"1/2\", \"width\": \"1/2\", \"aspect\": \"8/9\"}]}";
static const char only_third[] = "{\"name\": \"third\"" CUT "[{\"fill\": \"join:3\"}]}";
static const char tall[] =
    "{\"name\": \"tall\", \"aspect\": \"9/16\"" CUT "[{\"fill\": \"rest\"}]}";
static const char stage[] = "{\"name\": \"stage\"" CUT "[{\"fill\": \"speaker\"}]}";

typedef struct {
    SimWorld *world;
    SimPeer *peers[PEOPLE];
} Meeting;

static Meeting meet_with(const char *const *settings)
{
    SimWorldOptions options = { .project_dir = PROJECT_DIR, .settings = settings };
    Meeting meeting = { .world = sim_world_new(&options) };
    for (guint i = 0; i < PEOPLE; i++)
        meeting.peers[i] = sim_world_join(meeting.world, &people[i]);
    sim_world_run(meeting.world, 2 * NS_PER_SEC);
    return meeting;
}

static Meeting meet(void)
{
    return meet_with(NULL);
}

static Participant *participant(const Meeting *meeting, guint i)
{
    thread_assert_control();
    return sim_world_participant(meeting->world, meeting->peers[i]);
}

static gboolean choose(const Meeting *meeting, Participant *who, const char *document,
                       gboolean without_self, GError **error)
{
    (void)meeting;
    thread_assert_control();
    g_autoptr(Layout) layout = document ? layout_parse(document, strlen(document), error) : NULL;
    if (document && !layout)
        return FALSE;
    return participant_set_view(who, layout, without_self, error);
}

static guint scene_count(const Meeting *meeting)
{
    json_t *graph = sim_world_graph(meeting->world);
    guint n = (guint)json_array_size(json_object_get(graph, "scenes"));
    json_decref(graph);
    return n;
}

static gint member(const json_t *tile, const char *name)
{
    return (gint)json_integer_value(json_object_get(tile, name));
}

/* The person whose tile this is. */
static const SimPeerConfig *person_of(const Meeting *meeting, const json_t *tile)
{
    const char *id = json_string_value(json_object_get(tile, "id"));
    for (guint i = 0; i < PEOPLE; i++) {
        if (g_strcmp0(participant_id(participant(meeting, i)), id) == 0)
            return &people[i];
    }
    return NULL;
}

static gboolean is_painted(SimColour seen, SimPaint paint)
{
    return ABS(seen.y - paint.y) <= TOLERANCE && ABS(seen.u - paint.u) <= TOLERANCE &&
           ABS(seen.v - paint.v) <= TOLERANCE;
}

/* Every tile that this watcher is said to see has the right person's colour in its middle. */
static guint check_view(const Meeting *meeting, guint watcher)
{
    thread_assert_control();
    json_t *view = participant_view_json(participant(meeting, watcher));
    const json_t *tiles = json_object_get(view, "tiles");
    const AVFrame *picture = sim_eye_picture(sim_peer_eye(meeting->peers[watcher]));
    const json_t *canvas = json_object_get(view, "canvas");
    guint n = (guint)json_array_size(tiles);
    g_assert_cmpint(picture->width, ==, member(canvas, "width"));
    g_assert_cmpint(picture->height, ==, member(canvas, "height"));
    for (guint i = 0; i < n; i++) {
        const json_t *tile = json_array_get(tiles, i);
        VideoRect middle = { member(tile, "x") + member(tile, "width") / 2 - 8,
                             member(tile, "y") + member(tile, "height") / 2 - 8, 16, 16 };
        SimColour seen = sim_picture_colour(picture, &middle);
        g_test_message("%s sees %d %d %d where %s is", people[watcher].name, seen.y, seen.u, seen.v,
                       person_of(meeting, tile)->name);
        g_assert_true(is_painted(seen, person_of(meeting, tile)->paint));
    }
    json_decref(view);
    return n;
}

static void test_three_layouts_at_once(void)
{
    Meeting meeting = meet();
    g_assert_cmpuint(scene_count(&meeting), ==, 1);
    g_assert_true(choose(&meeting, participant(&meeting, 1), left_right, FALSE, NULL));
    g_assert_true(choose(&meeting, participant(&meeting, 2), tall, FALSE, NULL));
    sim_world_run(meeting.world, 2 * NS_PER_SEC);
    g_assert_cmpuint(scene_count(&meeting), ==, 3);
    g_assert_cmpuint(check_view(&meeting, 0), ==, 3);
    g_assert_cmpuint(check_view(&meeting, 1), ==, 2);
    g_assert_cmpuint(check_view(&meeting, 2), ==, 3);
    sim_world_free(meeting.world);
}

/* The same rectangles are composed and encoded once, whatever the documents are called. */
static void test_equal_pictures_are_shared(void)
{
    Meeting meeting = meet();
    g_autofree char *renamed = g_strdup(left_right);
    memcpy(strstr(renamed, "left-right"), "right-left", 10);
    g_assert_true(choose(&meeting, participant(&meeting, 0), left_right, FALSE, NULL));
    g_assert_true(choose(&meeting, participant(&meeting, 1), renamed, FALSE, NULL));
    sim_world_run(meeting.world, 2 * NS_PER_SEC);
    g_assert_cmpuint(scene_count(&meeting), ==, 2);
    json_t *graph = sim_world_graph(meeting.world);
    g_assert_cmpfloat(sim_json_number(graph, "scenes.1.viewers"), ==, 2);
    g_assert_cmpfloat(sim_json_number(graph, "scenes.1.renditions.0.viewers"), ==, 2);
    json_t *scene = json_array_get(json_object_get(graph, "scenes"), 1);
    g_assert_cmpuint(json_array_size(json_object_get(scene, "renditions")), ==, 1);
    g_assert_cmpuint(json_array_size(json_object_get(scene, "layouts")), ==, 2);
    json_decref(graph);
    g_assert_cmpuint(check_view(&meeting, 0), ==, 2);
    g_assert_cmpuint(check_view(&meeting, 1), ==, 2);

    /* Back to the room's: its scene goes, and one encode serves all. */
    g_assert_true(choose(&meeting, participant(&meeting, 0), NULL, FALSE, NULL));
    g_assert_true(choose(&meeting, participant(&meeting, 1), NULL, FALSE, NULL));
    sim_world_run(meeting.world, 2 * NS_PER_SEC);
    g_assert_cmpuint(scene_count(&meeting), ==, 1);
    g_assert_cmpfloat(sim_world_graph_number(meeting.world, "scenes.0.viewers"), ==, 3);
    for (guint i = 0; i < PEOPLE; i++)
        g_assert_cmpuint(check_view(&meeting, i), ==, 3);
    sim_world_free(meeting.world);
}

static void test_without_myself(void)
{
    Meeting meeting = meet();
    for (guint i = 0; i < PEOPLE; i++)
        g_assert_true(choose(&meeting, participant(&meeting, i), NULL, TRUE, NULL));
    sim_world_run(meeting.world, 2 * NS_PER_SEC);
    for (guint i = 0; i < PEOPLE; i++)
        g_assert_cmpuint(check_view(&meeting, i), ==, 2);
    g_assert_cmpuint(scene_count(&meeting), ==, 4); /* the room's own has no viewer */
    /* With only the third on stage, the other two see the same without themselves. */
    for (guint i = 0; i < PEOPLE; i++)
        g_assert_true(choose(&meeting, participant(&meeting, i), only_third, TRUE, NULL));
    sim_world_run(meeting.world, 2 * NS_PER_SEC);
    g_assert_cmpuint(scene_count(&meeting), ==, 3);
    g_assert_cmpuint(check_view(&meeting, 0), ==, 1);
    g_assert_cmpuint(check_view(&meeting, 1), ==, 1);
    g_assert_cmpuint(check_view(&meeting, 2), ==, 0);
    sim_world_free(meeting.world);
}

/* When the first picture after `from_ns` shows this paint in its middle; G_MAXINT64: never. */
typedef struct {
    Meeting *meeting;
    guint watcher;
    SimPaint paint;
    gint64 seen_ns;
} Lookout;

static void look_out(SimWorld *world, gint64 now_ns, gpointer user)
{
    Lookout *lookout = user;
    const AVFrame *picture =
        sim_eye_picture(sim_peer_eye(lookout->meeting->peers[lookout->watcher]));
    (void)world;
    if (!picture || lookout->seen_ns != G_MAXINT64)
        return;
    VideoRect middle = { picture->width / 2 - 8, picture->height / 2 - 8, 16, 16 };
    if (is_painted(sim_picture_colour(picture, &middle), lookout->paint))
        lookout->seen_ns = now_ns;
}

/* A change of layout shows within 200 ms, and no picture of the stream is missing meanwhile. */
static void test_change_loses_no_frame(void)
{
    Meeting meeting = meet();
    Lookout lookout = { &meeting, 0, people[2].paint, G_MAXINT64 };
    sim_world_run(meeting.world, 2 * NS_PER_SEC);
    gint64 from_ns = sim_world_now_ns(meeting.world);
    g_assert_true(choose(&meeting, participant(&meeting, 0), only_third, FALSE, NULL));
    sim_world_set_step(meeting.world, look_out, &lookout);
    sim_world_run(meeting.world, 2 * NS_PER_SEC);
    sim_world_set_step(meeting.world, NULL, NULL);
    SimCadence cadence =
        sim_eye_cadence(sim_peer_eye(meeting.peers[0]), from_ns, sim_world_now_ns(meeting.world));
    g_test_message("seen after %.0f ms, longest step %u, longest gap %.0f ms",
                   (double)(lookout.seen_ns - from_ns) / NS_PER_MS, cadence.longest_step,
                   (double)cadence.longest_gap_ns / NS_PER_MS);
    g_assert_cmpint(lookout.seen_ns - from_ns, <=, 200 * NS_PER_MS);
    g_assert_cmpuint(cadence.longest_step, <=, 6001 + 2);
    g_assert_cmpuint(cadence.backwards, ==, 0);
    g_assert_cmpuint(cadence.keyframes, ==, 1);
    SimEyeStats stats;
    sim_eye_stats(sim_peer_eye(meeting.peers[0]), &stats);
    g_assert_cmpuint(stats.decode_errors, ==, 0);
    /* Nobody else noticed. */
    for (guint i = 1; i < PEOPLE; i++) {
        cadence = sim_eye_cadence(sim_peer_eye(meeting.peers[i]), from_ns,
                                  sim_world_now_ns(meeting.world));
        g_assert_cmpuint(cadence.keyframes, ==, 0);
        g_assert_cmpuint(cadence.longest_step, <=, 6001);
    }
    sim_world_free(meeting.world);
}

/* The room's own layout changes inside its scene: no key frame, no other encode. */
static void test_room_layout_changes_in_place(void)
{
    Meeting meeting = meet();
    thread_assert_control();
    gint64 from_ns = sim_world_now_ns(meeting.world);
    g_autoptr(Layout) layout = layout_parse(left_right, strlen(left_right), NULL);
    room_set_layout(sim_world_room(meeting.world), layout);
    sim_world_run(meeting.world, 2 * NS_PER_SEC);
    for (guint i = 0; i < PEOPLE; i++) {
        SimCadence cadence = sim_eye_cadence(sim_peer_eye(meeting.peers[i]), from_ns,
                                             sim_world_now_ns(meeting.world));
        g_assert_cmpuint(cadence.keyframes, ==, 0);
        g_assert_cmpuint(check_view(&meeting, i), ==, 2);
    }
    g_assert_cmpuint(scene_count(&meeting), ==, 1);
    sim_world_free(meeting.world);
}

static void test_max_scenes(void)
{
    const char *const settings[] = { "room.max_scenes=2", NULL };
    Meeting meeting = meet_with(settings);
    g_autoptr(GError) error = NULL;
    g_assert_true(choose(&meeting, participant(&meeting, 0), left_right, FALSE, NULL));
    g_assert_false(choose(&meeting, participant(&meeting, 1), only_third, FALSE, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE);
    g_test_message("%s", error->message);
    g_assert_true(choose(&meeting, participant(&meeting, 1), left_right, FALSE, NULL));
    sim_world_run(meeting.world, NS_PER_SEC);
    g_assert_cmpuint(scene_count(&meeting), ==, 2);
    g_assert_cmpuint(check_view(&meeting, 0), ==, 2);

    /* What becomes one picture too many by itself shows the room's, and says so. */
    g_assert_true(choose(&meeting, participant(&meeting, 2), only_third, FALSE, NULL) == FALSE);
    g_autoptr(Layout) third = layout_parse(only_third, strlen(only_third), NULL);
    thread_assert_control();
    room_set_layout(sim_world_room(meeting.world), third);
    g_assert_true(choose(&meeting, participant(&meeting, 2), only_third, FALSE, NULL));
    g_autoptr(Layout) two = layout_parse(stage, strlen(stage), NULL);
    room_set_layout(sim_world_room(meeting.world), two);
    sim_world_run(meeting.world, NS_PER_SEC);
    json_t *view = participant_view_json(participant(&meeting, 2));
    g_assert_true(json_is_true(json_object_get(view, "fallback")));
    json_decref(view);
    g_assert_cmpuint(scene_count(&meeting), ==, 2);
    sim_world_free(meeting.world);
}

static gboolean patch(Participant *who, const char *text, GError **error)
{
    thread_assert_control();
    json_t *json = json_loads(text, 0, NULL);
    gboolean good = participant_patch(who, json, error);
    json_decref(json);
    return good;
}

/* What has nothing to do with pictures never fails for want of scenes; hold neither, and whoever is
 * on hold sees nothing of the room. */
static void test_control_when_there_are_too_many_pictures(void)
{
    const char *const settings[] = { "room.max_scenes=1", NULL };
    Meeting meeting = meet_with(settings);
    thread_assert_control();
    g_autoptr(Layout) nobody_left = layout_parse(only_third, strlen(only_third), NULL);
    room_set_layout(sim_world_room(meeting.world), nobody_left);
    /* The first two are not in it: the same picture without themselves. */
    for (guint i = 0; i < 2; i++)
        g_assert_true(choose(&meeting, participant(&meeting, i), NULL, TRUE, NULL));
    g_autoptr(Layout) both = layout_parse(left_right, strlen(left_right), NULL);
    room_set_layout(sim_world_room(meeting.world), both);
    for (guint i = 0; i < PEOPLE; i++) {
        g_assert_true(patch(participant(&meeting, i), "{\"muted\": true}", NULL));
        g_assert_true(patch(participant(&meeting, i), "{\"hold\": true}", NULL));
        json_t *view = participant_view_json(participant(&meeting, i));
        g_assert_cmpuint(json_array_size(json_object_get(view, "tiles")), ==, 0);
        g_assert_false(json_is_true(json_object_get(view, "fallback")));
        json_decref(view);
    }
    sim_world_run(meeting.world, NS_PER_SEC);
    for (guint i = 0; i < PEOPLE; i++)
        g_assert_true(patch(participant(&meeting, i), "{\"hold\": false}", NULL));
    sim_world_free(meeting.world);
}

/* The server's default layout may be deleted: rooms are opened all the same. */
static void test_default_layout_is_deleted(void)
{
    g_autofree char *dir = g_dir_make_tmp("tessera-default-XXXXXX", NULL);
    g_autofree char *state = g_strdup_printf("layout.state_dir=%s", dir);
    g_autofree char *path = g_build_filename(dir, "mine.json", NULL);
    const char document[] = "{\"name\": \"mine\", \"regions\": [{\"fill\": \"rest\"}]}";
    const char *const settings[] = { state, "layout.default=mine", NULL };
    SimWorldOptions options = { .project_dir = PROJECT_DIR, .settings = settings };
    g_assert_true(g_file_set_contents(path, document, -1, NULL));
    SimWorld *world = sim_world_new(&options);
    thread_assert_control();
    Rooms *rooms = sim_world_rooms(world);
    g_assert_true(layout_store_delete(rooms_layouts(rooms), "mine", NULL));
    Room *other = rooms_open(rooms, "other", NULL);
    json_t *json = room_to_json(other);
    g_assert_cmpstr(json_string_value(json_object_get(json, "layout")), ==, "mine");
    json_decref(json);
    json_t *choice = room_layout_choice(sim_world_room(world)); /* nobody else has it any more */
    g_assert_true(json_is_object(choice));
    json_decref(choice);
    sim_world_free(world);
    g_rmdir(dir);
}

/* Whoever talks is on stage. */
static void test_speaker_takes_the_stage(void)
{
    Meeting meeting = meet();
    thread_assert_control();
    g_autoptr(Layout) layout = layout_parse(stage, strlen(stage), NULL);
    SimPeerConfig loud = people[2];
    loud.number = 9;
    loud.name = "Max";
    loud.tone_hz = 837.5;
    loud.amplitude = 0.4;
    loud.paint = (SimPaint){ 170, 166, 16 };
    room_set_layout(sim_world_room(meeting.world), layout);
    sim_world_run(meeting.world, 2 * NS_PER_SEC);
    g_assert_cmpuint(check_view(&meeting, 1), ==, 1);
    json_t *before = room_layout_json(sim_world_room(meeting.world));
    SimPeer *max = sim_world_join(meeting.world, &loud);
    sim_world_run(meeting.world, 4 * NS_PER_SEC);
    json_t *after = room_layout_json(sim_world_room(meeting.world));
    const json_t *tile = json_array_get(json_object_get(after, "tiles"), 0);
    g_assert_false(json_equal(before, after));
    g_assert_cmpstr(json_string_value(json_object_get(tile, "id")), ==,
                    participant_id(sim_world_participant(meeting.world, max)));
    VideoRect middle = { 150, 80, 16, 16 };
    g_assert_true(is_painted(sim_eye_colour(sim_peer_eye(meeting.peers[1]), &middle), loud.paint));
    /* When it leaves, the one who spoke before comes back. */
    sim_world_leave(meeting.world, max);
    sim_world_run(meeting.world, NS_PER_SEC);
    json_t *again = room_layout_json(sim_world_room(meeting.world));
    g_assert_true(json_equal(before, again));
    json_decref(before);
    json_decref(after);
    json_decref(again);
    sim_world_free(meeting.world);
}

/* --- snapshots --------------------------------------------------------------------------- */

typedef struct {
    guint answers;
    GBytes *file;
    GError *error;
} Answer;

static void on_snapshot(GBytes *file, const GError *error, gpointer user)
{
    Answer *answer = user;
    answer->answers++;
    g_clear_pointer(&answer->file, g_bytes_unref);
    g_clear_error(&answer->error);
    answer->file = file ? g_bytes_ref(file) : NULL;
    answer->error = error ? g_error_copy(error) : NULL;
}

static void answer_clear(Answer *answer)
{
    g_clear_pointer(&answer->file, g_bytes_unref);
    g_clear_error(&answer->error);
}

/* Two who only send, and nobody who watches. */
static SimWorld *open_unwatched(void)
{
    SimWorldOptions options = { .project_dir = PROJECT_DIR };
    SimWorld *world = sim_world_new(&options);
    for (guint i = 0; i < 2; i++) {
        SimPeerConfig config = people[i];
        config.publish_only = TRUE;
        sim_world_join(world, &config);
    }
    sim_world_run(world, 2 * NS_PER_SEC);
    return world;
}

static void test_snapshot_of_an_unwatched_room(void)
{
    SimWorld *world = open_unwatched();
    Answer answer = { 0 };
    thread_assert_control();
    g_autoptr(Layout) layout = layout_parse(left_right, strlen(left_right), NULL);
    room_snapshot(sim_world_room(world), layout, IMAGE_PNG, on_snapshot, &answer);
    room_snapshot(sim_world_room(world), layout, IMAGE_PNG, on_snapshot, &answer);
    gint64 from_ns = sim_world_now_ns(world);
    while (answer.answers < 2 && sim_world_now_ns(world) - from_ns < 1500 * NS_PER_MS)
        sim_world_run(world, 10 * NS_PER_MS);
    g_test_message("a picture after %.0f ms",
                   (double)(sim_world_now_ns(world) - from_ns) / NS_PER_MS);
    g_assert_cmpuint(answer.answers, ==, 2);
    g_assert_no_error(answer.error);
    gsize size = 0;
    const guint8 *data = g_bytes_get_data(answer.file, &size);
    g_autoptr(Image) image = image_decode(data, size, NULL);
    g_assert_cmpint(image_width(image), ==, 320);
    VideoRect left = { 72, 82, 16, 16 }, right = { 232, 82, 16, 16 };
    g_assert_true(is_painted(sim_picture_colour(image_frame(image), &left), people[0].paint));
    g_assert_true(is_painted(sim_picture_colour(image_frame(image), &right), people[1].paint));

    /* Within a second the same picture. */
    g_autoptr(GBytes) first = g_bytes_ref(answer.file);
    room_snapshot(sim_world_room(world), layout, IMAGE_PNG, on_snapshot, &answer);
    sim_world_run(world, 10 * NS_PER_MS);
    g_assert_cmpuint(answer.answers, ==, 3);
    g_assert_true(answer.file == first);
    sim_world_run(world, 1100 * NS_PER_MS);
    room_snapshot(sim_world_room(world), layout, IMAGE_JPEG, on_snapshot, &answer);
    room_snapshot(sim_world_room(world), NULL, IMAGE_PNG, on_snapshot, &answer);
    sim_world_run(world, NS_PER_SEC);
    g_assert_cmpuint(answer.answers, ==, 5);
    g_assert_no_error(answer.error);
    answer_clear(&answer);
    sim_world_free(world);
}

/* A room that closes answers whoever waits. */
static void test_snapshot_of_a_room_that_closes(void)
{
    SimWorld *world = open_unwatched();
    Answer answer = { 0 };
    thread_assert_control();
    room_snapshot(sim_world_room(world), NULL, IMAGE_PNG, on_snapshot, &answer);
    sim_world_free(world);
    g_assert_cmpuint(answer.answers, ==, 1);
    g_assert_error(answer.error, TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND);
    answer_clear(&answer);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    thread_set_roles(THREAD_ALL);
    g_test_add_func("/views/three-layouts", test_three_layouts_at_once);
    g_test_add_func("/views/shared", test_equal_pictures_are_shared);
    g_test_add_func("/views/without-myself", test_without_myself);
    g_test_add_func("/views/change", test_change_loses_no_frame);
    g_test_add_func("/views/room-layout", test_room_layout_changes_in_place);
    g_test_add_func("/views/max-scenes", test_max_scenes);
    g_test_add_func("/views/control", test_control_when_there_are_too_many_pictures);
    g_test_add_func("/views/default-deleted", test_default_layout_is_deleted);
    g_test_add_func("/views/speaker", test_speaker_takes_the_stage);
    g_test_add_func("/views/snapshot", test_snapshot_of_an_unwatched_room);
    g_test_add_func("/views/snapshot-closed", test_snapshot_of_a_room_that_closes);
    return g_test_run();
}
