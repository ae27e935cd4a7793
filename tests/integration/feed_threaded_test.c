#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "room/room_media.h"
#include "support/sim_world.h"
#include "unit/io/media_file.h"

/* Files that are played into a room, with all threads. */

#define MAX_WAIT_S 20

typedef struct {
    char *dir;
    SimWorld *world;
    Room *room;
    guint left; /* sources */
    char reason[120];
} Theatre;

static void on_event(Room *room, RoomEventType type, Participant *participant, json_t *data,
                     gpointer user)
{
    Theatre *theatre = user;
    (void)room;
    (void)participant;
    if (type != ROOM_EVENT_LEFT)
        return;
    theatre->left++;
    g_strlcpy(theatre->reason, json_string_value(json_object_get(data, "reason")),
              sizeof theatre->reason);
}

static void theatre_open(Theatre *theatre)
{
    *theatre = (Theatre){ .dir = media_dir_new() };
    g_autofree char *setting = g_strdup_printf("source.media_dir=%s", theatre->dir);
    const char *const settings[] = { setting, "source.max=2", NULL };
    SimWorldOptions options = { .project_dir = PROJECT_DIR,
                                .threaded = TRUE,
                                .settings = settings };
    theatre->world = sim_world_new(&options);
    theatre->room = sim_world_room(theatre->world);
    thread_assert_control();
    room_listen(theatre->room, on_event, theatre);
}

static void theatre_close(Theatre *theatre)
{
    sim_world_free(theatre->world);
    media_dir_free(theatre->dir);
}

static Participant *play(Theatre *theatre, const char *file, gboolean loop, GError **error)
{
    thread_assert_control();
    json_t *options = json_pack("{s:s, s:b}", "file", file, "loop", loop);
    Participant *source = room_add_source(theatre->room, options, error);
    json_decref(options);
    return source;
}

static gboolean has_state(Participant *source, const char *state)
{
    thread_assert_control();
    json_t *json = room_source_to_json(source);
    gboolean has = strcmp(json_string_value(json_object_get(json, "state")), state) == 0;
    json_decref(json);
    return has;
}

static void write_film(const Theatre *theatre, const char *name, gint seconds)
{
    MediaFile film = {
        .format = "webm", .video = "libvpx", .audio = "libopus", .seconds = seconds
    };
    g_autofree char *path = g_build_filename(theatre->dir, name, NULL);
    media_file_write(path, &film);
}

/* It is seen, and at its end it goes. */
static void test_to_the_end(void)
{
    Theatre theatre;
    g_autoptr(GError) error = NULL;
    theatre_open(&theatre);
    write_film(&theatre, "film.webm", 3);
    SimPeerConfig config = { .name = "Watcher", .number = 2, .view_only = TRUE };
    SimPeer *watcher = sim_world_join(theatre.world, &config);
    sim_world_run(theatre.world, NS_PER_SEC);
    g_assert_nonnull(play(&theatre, "film.webm", FALSE, &error));
    g_assert_no_error(error);
    for (guint i = 0; i < MAX_WAIT_S * 10 && !theatre.left; i++)
        sim_world_run(theatre.world, NS_PER_SEC / 10);
    g_assert_cmpuint(theatre.left, ==, 1);
    g_assert_cmpstr(theatre.reason, ==, "it has been played to its end");
    g_assert_nonnull(sim_eye_picture(sim_peer_eye(watcher)));
    theatre_close(&theatre);
}

/* A broken file is that source's own trouble; a loop goes on until it is sent away. */
static void test_broken_and_loop(void)
{
    Theatre theatre;
    g_autoptr(GError) error = NULL;
    theatre_open(&theatre);
    write_film(&theatre, "film.webm", 1);
    g_autofree char *path = g_build_filename(theatre.dir, "broken.mp4", NULL);
    g_assert_true(g_file_set_contents(path, "this is no film", -1, NULL));
    thread_assert_control();
    Participant *broken = play(&theatre, "broken.mp4", FALSE, &error);
    g_assert_no_error(error);
    Participant *loop = play(&theatre, "film.webm", TRUE, &error);
    g_assert_no_error(error);
    g_assert_null(play(&theatre, "film.webm", TRUE, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE);
    g_clear_error(&error);
    for (guint i = 0; i < MAX_WAIT_S * 10 && !has_state(broken, "failed"); i++)
        sim_world_run(theatre.world, NS_PER_SEC / 10);
    g_assert_true(has_state(broken, "failed"));
    sim_world_run(theatre.world, 3 * NS_PER_SEC);
    g_assert_true(has_state(loop, "playing"));
    json_t *patch = json_pack("{s:b}", "paused", TRUE);
    g_assert_true(room_source_patch(loop, patch, &error));
    json_decref(patch);
    for (guint i = 0; i < MAX_WAIT_S * 10 && !has_state(loop, "paused"); i++)
        sim_world_run(theatre.world, NS_PER_SEC / 10);
    g_assert_true(has_state(loop, "paused"));
    participant_leave(loop, "kicked");
    g_assert_cmpuint(theatre.left, ==, 1);
    theatre_close(&theatre);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/feed_threaded/to_the_end", test_to_the_end);
    g_test_add_func("/feed_threaded/broken_and_loop", test_broken_and_loop);
    return g_test_run();
}
