#include <glib/gstdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "codecs/aac_encoder.h"
#include "codecs/codec.h"
#include "room/room_media.h"
#include "support/sim_world.h"

/* Encoders that cannot start: what waits for them fails, with the reason, and can be tried again.
 * The linker puts the functions of this file where encoders are made (--wrap). */

#define NO_PICTURES "The pictures cannot be encoded: there is no encoder to be had."
#define NO_SOUND    "The sound cannot be encoded: there is no AAC to be had."

static gint no_pictures, no_sound; /* atomic */

VideoEncoder *__real_video_encoder_new(const CodecType *type, const VideoEncoderConfig *config,
                                       GError **error);
VideoEncoder *__wrap_video_encoder_new(const CodecType *type, const VideoEncoderConfig *config,
                                       GError **error);
AacEncoder *__real_aac_encoder_new(gint bitrate_bps, GError **error);
AacEncoder *__wrap_aac_encoder_new(gint bitrate_bps, GError **error);

VideoEncoder *__wrap_video_encoder_new(const CodecType *type, const VideoEncoderConfig *config,
                                       GError **error)
{
    if (!g_atomic_int_get(&no_pictures))
        return __real_video_encoder_new(type, config, error);
    g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                        "there is no encoder to be had");
    return NULL;
}

AacEncoder *__wrap_aac_encoder_new(gint bitrate_bps, GError **error)
{
    if (!g_atomic_int_get(&no_sound))
        return __real_aac_encoder_new(bitrate_bps, error);
    g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                        "there is no AAC to be had");
    return NULL;
}

static const SimPeerConfig ada = {
    .name = "Ada", .number = 1, .tone_hz = 512.5, .video = SIM_MOVING, .paint = { 82, 90, 240 }
};

typedef struct {
    SimWorld *world;
    char *directory;
} Studio;

static Studio open_studio(void)
{
    Studio studio = { .directory = g_dir_make_tmp("tessera-no-encoder-XXXXXX", NULL) };
    g_autofree char *dir = g_strdup_printf("record.dir=%s", studio.directory);
    const char *const settings[] = { dir, "record.min_free_mb=0",
                                     "broadcast.allowed_networks=127.0.0.0/8", NULL };
    SimWorldOptions options = { .project_dir = PROJECT_DIR, .settings = settings };
    g_atomic_int_set(&no_pictures, FALSE);
    g_atomic_int_set(&no_sound, FALSE);
    studio.world = sim_world_new(&options);
    sim_world_join(studio.world, &ada);
    sim_world_run(studio.world, NS_PER_SEC);
    return studio;
}

static void close_studio(Studio *studio)
{
    sim_world_free(studio->world);
    GDir *dir = g_dir_open(studio->directory, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(studio->directory, name, NULL);
        g_unlink(path);
    }
    g_dir_close(dir);
    g_rmdir(studio->directory);
    g_free(studio->directory);
}

static RoomOutput *start_output(const Studio *studio, RoomOutputKind kind, const char *text)
{
    g_autoptr(GError) error = NULL;
    thread_assert_control();
    Room *room = sim_world_room(studio->world);
    json_t *options = json_loads(text, 0, NULL);
    RoomOutput *output = kind == ROOM_RECORDING ? room_start_recording(room, options, &error)
                                                : room_start_broadcast(room, options, &error);
    g_assert_no_error(error);
    json_decref(options);
    return output;
}

static gboolean has_state(RoomOutput *output, const char *state)
{
    thread_assert_control();
    json_t *json = room_output_to_json(output);
    gboolean has = strcmp(json_string_value(json_object_get(json, "state")), state) == 0;
    json_decref(json);
    return has;
}

/* Its own thread may have to write an end. */
static void await_state(const Studio *studio, RoomOutput *output, const char *state)
{
    for (guint i = 0; i < 2000 && !has_state(output, state); i++) {
        sim_world_run(studio->world, 10 * NS_PER_MS);
        g_usleep(1000);
    }
    g_assert_true(has_state(output, state));
}

static void check_failed(const Studio *studio, RoomOutput *output, const char *reason, guint files)
{
    thread_assert_control();
    await_state(studio, output, "failed");
    json_t *json = room_output_to_json(output);
    g_assert_cmpstr(json_string_value(json_object_get(json, "error")), ==, reason);
    g_assert_cmpuint(json_array_size(json_object_get(json, "files")), ==, files);
    json_decref(json);
}

static char *ask_for_hls(const Studio *studio)
{
    g_autoptr(GError) error = NULL;
    const char *type;
    guint cache_seconds;
    thread_assert_control();
    g_assert_null(
        room_hls(sim_world_room(studio->world), NULL, "index.m3u8", &type, &cache_seconds, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE);
    return g_strdup(error->message);
}

static void test_pictures(void)
{
    Studio studio = open_studio();
    g_atomic_int_set(&no_pictures, TRUE);
    RoomOutput *mp4 = start_output(&studio, ROOM_RECORDING, "{}");
    RoomOutput *mkv = start_output(&studio, ROOM_RECORDING, "{\"format\": \"mkv\"}");
    RoomOutput *cast =
        start_output(&studio, ROOM_BROADCAST, "{\"url\": \"rtmp://127.0.0.1:9/live/key\"}");
    RoomOutput *sound = start_output(&studio, ROOM_RECORDING, "{\"video\": false}");
    g_autofree char *first = ask_for_hls(&studio);
    g_assert_nonnull(strstr(first, "ask again"));
    sim_world_run(studio.world, NS_PER_SEC);
    check_failed(&studio, mp4, NO_PICTURES, 0);
    check_failed(&studio, mkv, NO_PICTURES, 0);
    check_failed(&studio, cast, NO_PICTURES, 0);
    for (guint i = 0; i < 2; i++) {
        g_autofree char *told = ask_for_hls(&studio);
        g_assert_cmpstr(told, ==, NO_PICTURES);
    }
    g_assert_true(has_state(sound, "running"));
    close_studio(&studio);
}

/* An encoder that was given up may be had later. */
static void test_again(void)
{
    Studio studio = open_studio();
    thread_assert_control();
    g_atomic_int_set(&no_pictures, TRUE);
    check_failed(&studio, start_output(&studio, ROOM_RECORDING, "{}"), NO_PICTURES, 0);
    g_atomic_int_set(&no_pictures, FALSE);
    sim_world_run(studio.world, 15 * NS_PER_SEC);
    RoomOutput *later = start_output(&studio, ROOM_RECORDING, "{}");
    await_state(&studio, later, "running");
    sim_world_run(studio.world, NS_PER_SEC);
    room_output_stop(later);
    await_state(&studio, later, "finished");
    close_studio(&studio);
}

static void test_sound(void)
{
    Studio studio = open_studio();
    g_atomic_int_set(&no_sound, TRUE);
    RoomOutput *both = start_output(&studio, ROOM_RECORDING, "{}");
    RoomOutput *sound = start_output(&studio, ROOM_RECORDING, "{\"video\": false}");
    check_failed(&studio, both, NO_SOUND, 0);
    check_failed(&studio, sound, NO_SOUND, 0);
    close_studio(&studio);
}

/* In its new layout it gets no pictures: it ends, and what it has is kept. */
static void test_while_it_runs(void)
{
    static const char other[] = "{\"layout\": {\"name\": \"other\", \"regions\": [{\"fill\": "
                                "\"rest\", \"width\": \"1/2\"}]}}";
    Studio studio = open_studio();
    thread_assert_control();
    RoomOutput *output = start_output(&studio, ROOM_RECORDING, "{}");
    await_state(&studio, output, "running");
    sim_world_run(studio.world, NS_PER_SEC);
    g_atomic_int_set(&no_pictures, TRUE);
    json_t *patch = json_loads(other, 0, NULL);
    g_assert_true(room_output_patch(output, patch, NULL));
    json_decref(patch);
    check_failed(&studio, output, NO_PICTURES, 1);
    close_studio(&studio);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    thread_set_roles(THREAD_ALL);
    g_test_add_func("/no_encoder/pictures", test_pictures);
    g_test_add_func("/no_encoder/again", test_again);
    g_test_add_func("/no_encoder/sound", test_sound);
    g_test_add_func("/no_encoder/while_it_runs", test_while_it_runs);
    return g_test_run();
}
