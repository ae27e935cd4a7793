#include <glib/gstdio.h>
#include <libavformat/avformat.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "codecs/media_decoder.h"
#include "room/room_media.h"
#include "support/sim_world.h"

/* What a room gives to files: the right people in the right places, sound and pictures in step, the
 * right length, one encode for all who take the same. */

static const SimPeerConfig people[] = {
    { .name = "Ada", .number = 1, .tone_hz = 512.5, .video = SIM_MOVING, .paint = { 82, 90, 240 } },
    { .name = "Bob", .number = 2, .tone_hz = 837.5, .video = SIM_MOVING, .paint = { 145, 54, 34 } },
};

#define PEOPLE    G_N_ELEMENTS(people)
#define TOLERANCE 22

static const char left_right[] =
    "{\"layout\": {\"name\": \"left-right\", \"transition_ms\": 0, \"gap\": 0, \"regions\": "
    "[{\"fill\": \"join:1\", \"width\": \"1/2\", \"aspect\": \"8/9\"}, "
    "{\"fill\": \"join:2\", \"x\": \"1/2\", \"width\": \"1/2\", \"aspect\": \"8/9\"}]}}";

typedef struct {
    SimWorld *world;
    char *directory;
} Studio;

static Studio open_studio(void)
{
    Studio studio = { .directory = g_dir_make_tmp("tessera-record-XXXXXX", NULL) };
    g_autofree char *dir = g_strdup_printf("record.dir=%s", studio.directory);
    const char *const settings[] = { dir, "record.min_free_mb=0", NULL };
    SimWorldOptions options = { .project_dir = PROJECT_DIR, .settings = settings };
    studio.world = sim_world_new(&options);
    for (guint i = 0; i < PEOPLE; i++)
        sim_world_join(studio.world, &people[i]);
    sim_world_run(studio.world, 2 * NS_PER_SEC);
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

/* Its thread lives in real time, of which the room's takes little. */
static void let_recorder_wake(void)
{
    g_usleep(50000);
}

static RoomOutput *record(Studio *studio, const char *text)
{
    g_autoptr(GError) error = NULL;
    thread_assert_control();
    json_t *options = json_loads(text, 0, NULL);
    RoomOutput *output = room_start_recording(sim_world_room(studio->world), options, &error);
    g_assert_no_error(error);
    json_decref(options);
    let_recorder_wake();
    return output;
}

static void pause_recording(RoomOutput *output, gboolean paused)
{
    thread_assert_control();
    json_t *patch = json_pack("{s:b}", "paused", paused);
    g_assert_true(room_output_patch(output, patch, NULL));
    json_decref(patch);
    let_recorder_wake();
}

/* (transfer full) The end of it: the recorder writes in its own time. */
static json_t *finish(Studio *studio, RoomOutput *output)
{
    thread_assert_control();
    room_output_stop(output);
    for (guint i = 0; i < 2000; i++) {
        sim_world_run(studio->world, 10 * NS_PER_MS);
        json_t *json = room_output_to_json(output);
        const char *state = json_string_value(json_object_get(json, "state"));
        if (strcmp(state, "finished") == 0 || strcmp(state, "failed") == 0)
            return json;
        json_decref(json);
        g_usleep(5000);
    }
    g_error("the recording does not end");
}

/* What stands in a file. */
typedef struct {
    gint64 duration_us;
    guint streams, pictures, keyframes;
    gint64 first_video_us, first_audio_us, longest_step_us;
    AVFrame *last; /* the newest picture */
} Contents;

static void keep_newest(Contents *contents, MediaDecoder *decoder)
{
    AVFrame *frame = av_frame_alloc();
    while (media_decoder_receive_video(decoder, frame)) {
        av_frame_unref(contents->last);
        av_frame_move_ref(contents->last, frame);
    }
    av_frame_free(&frame);
}

static void note_video(Contents *contents, MediaDecoder *decoder, const AVPacket *packet,
                       gint64 *last_us)
{
    if (contents->pictures++ == 0)
        contents->first_video_us = packet->pts;
    else
        contents->longest_step_us = MAX(contents->longest_step_us, packet->pts - *last_us);
    *last_us = packet->pts;
    contents->keyframes += (packet->flags & AV_PKT_FLAG_KEY) != 0;
    media_decoder_send(decoder, packet);
    keep_newest(contents, decoder);
}

static Contents read_file(const Studio *studio, const json_t *json)
{
    const json_t *file = json_array_get(json_object_get(json, "files"), 0);
    g_autofree char *path =
        g_build_filename(studio->directory, json_string_value(json_object_get(file, "name")), NULL);
    AVFormatContext *format = NULL;
    Contents contents = { .first_audio_us = -1, .last = av_frame_alloc() };
    g_assert_cmpint(avformat_open_input(&format, path, NULL, NULL), ==, 0);
    g_assert_cmpint(avformat_find_stream_info(format, NULL), >=, 0);
    contents.streams = format->nb_streams;
    contents.duration_us = format->duration;
    g_autoptr(MediaDecoder) decoder = media_decoder_new(format->streams[0]->codecpar, NULL, NULL);
    AVPacket *packet = av_packet_alloc();
    gint64 last_us = 0;
    while (av_read_frame(format, packet) == 0) {
        const AVStream *stream = format->streams[packet->stream_index];
        av_packet_rescale_ts(packet, stream->time_base, (AVRational){ 1, G_USEC_PER_SEC });
        if (stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO)
            note_video(&contents, decoder, packet, &last_us);
        else if (contents.first_audio_us < 0)
            contents.first_audio_us = packet->pts;
        av_packet_unref(packet);
    }
    media_decoder_drain(decoder);
    keep_newest(&contents, decoder);
    av_packet_free(&packet);
    avformat_close_input(&format);
    return contents;
}

static void assert_painted(const AVFrame *picture, gint x, gint y, SimPaint paint)
{
    VideoRect middle = { x - 8, y - 8, 16, 16 };
    SimColour seen = sim_picture_colour(picture, &middle);
    g_test_message("%d %d %d at %d,%d", seen.y, seen.u, seen.v, x, y);
    g_assert_cmpint(ABS(seen.y - paint.y), <=, TOLERANCE);
    g_assert_cmpint(ABS(seen.u - paint.u), <=, TOLERANCE);
    g_assert_cmpint(ABS(seen.v - paint.v), <=, TOLERANCE);
}

static void check_file(const Studio *studio, const json_t *json, gint64 expected_us)
{
    Contents contents = read_file(studio, json);
    g_test_message("%.3f s, %u pictures, first %.0f and %.0f ms, longest step %.0f ms",
                   (double)contents.duration_us / G_USEC_PER_SEC, contents.pictures,
                   (double)contents.first_video_us / 1000, (double)contents.first_audio_us / 1000,
                   (double)contents.longest_step_us / 1000);
    g_assert_cmpuint(contents.streams, ==, 2);
    g_assert_cmpint(ABS(contents.duration_us - expected_us), <=, 200000);
    g_assert_cmpint(ABS(contents.first_video_us - contents.first_audio_us), <=, 45000);
    g_assert_cmpint(contents.longest_step_us, <=, 2 * G_USEC_PER_SEC / 15);
    assert_painted(contents.last, 80, 90, people[0].paint);
    assert_painted(contents.last, 240, 90, people[1].paint);
    av_frame_free(&contents.last);
}

static void test_mp4(void)
{
    Studio studio = open_studio();
    RoomOutput *output = record(&studio, left_right);
    sim_world_run(studio.world, 5 * NS_PER_SEC);
    json_t *json = finish(&studio, output);
    g_assert_cmpstr(json_string_value(json_object_get(json, "state")), ==, "finished");
    check_file(&studio, json, 5 * G_USEC_PER_SEC);
    json_decref(json);
    close_studio(&studio);
}

static void test_pause(void)
{
    Studio studio = open_studio();
    RoomOutput *output = record(&studio, left_right);
    sim_world_run(studio.world, 3 * NS_PER_SEC);
    pause_recording(output, TRUE);
    sim_world_run(studio.world, 4 * NS_PER_SEC);
    pause_recording(output, FALSE);
    sim_world_run(studio.world, 3 * NS_PER_SEC);
    json_t *json = finish(&studio, output);
    check_file(&studio, json, 6 * G_USEC_PER_SEC);
    json_decref(json);
    close_studio(&studio);
}

/* Every format with every codec that it may have; all of the same room side by side. */
static void test_codecs(void)
{
    static const struct {
        const char *wish, *codec;
    } cases[] = {
        { "\"format\": \"webm\"", "vp8" },
        { "\"format\": \"webm\", \"codec\": \"vp9\"", "vp9" },
        { "\"format\": \"mp4\", \"codec\": \"vp9\"", "vp9" },
        { "\"format\": \"mkv\"", "h264" },
        { "\"format\": \"mkv\", \"codec\": \"vp8\"", "vp8" },
    };
    Studio studio = open_studio();
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strdup_printf("{%s, %s", cases[i].wish, left_right + 1);
        RoomOutput *output = record(&studio, text);
        sim_world_run(studio.world, 3 * NS_PER_SEC);
        json_t *json = finish(&studio, output);
        g_assert_cmpstr(json_string_value(json_object_get(json, "codec")), ==, cases[i].codec);
        g_test_message("%s", cases[i].wish);
        check_file(&studio, json, 3 * G_USEC_PER_SEC);
        json_decref(json);
    }
    close_studio(&studio);
}

/* All recordings of one layout share one rendition beside that of the viewers. */
static void test_one_encode_for_all(void)
{
    Studio studio = open_studio();
    RoomOutput *outputs[3];
    for (guint i = 0; i < G_N_ELEMENTS(outputs); i++)
        outputs[i] = record(&studio, "{}");
    sim_world_run(studio.world, 3 * NS_PER_SEC);
    json_t *graph = sim_world_graph(studio.world);
    json_t *scenes = json_object_get(graph, "scenes");
    g_assert_cmpuint(json_array_size(scenes), ==, 1);
    json_t *renditions = json_object_get(json_array_get(scenes, 0), "renditions");
    guint h264 = 0;
    for (gsize i = 0; i < json_array_size(renditions); i++)
        h264 +=
            g_strcmp0(json_string_value(json_object_get(json_array_get(renditions, i), "codec")),
                      "H264") == 0;
    g_assert_cmpuint(h264, ==, 1);
    json_decref(graph);
    for (guint i = 0; i < G_N_ELEMENTS(outputs); i++)
        json_decref(finish(&studio, outputs[i]));
    close_studio(&studio);
}

/* A recording whose room closes has its end. */
static void test_room_closes(void)
{
    Studio studio = open_studio();
    thread_assert_control();
    Rooms *rooms = sim_world_rooms(studio.world);
    record(&studio, "{}");
    sim_world_run(studio.world, 3 * NS_PER_SEC);
    rooms_finish_outputs(rooms);
    for (guint i = 0; i < 2000 && rooms_outputs_running(rooms); i++) {
        sim_world_run(studio.world, NS_PER_MS);
        g_usleep(5000);
    }
    g_assert_cmpuint(rooms_outputs_running(rooms), ==, 0);
    json_t *list = room_outputs_json(sim_world_room(studio.world), ROOM_RECORDING);
    g_assert_cmpuint(json_array_size(list), ==, 1);
    json_decref(list);
    close_studio(&studio);
}

/* (transfer full) Where a recording of a new room would be. */
static char *sidecar_in_new_room(const Studio *studio)
{
    thread_assert_control();
    Rooms *rooms = sim_world_rooms(studio->world);
    json_t *options = json_pack("{s:s}", "tracks", "isolated");
    Room *room = rooms_open(rooms, "again", NULL);
    RoomOutput *output = room_start_recording(room, options, NULL);
    json_t *json = room_output_to_json(output);
    char *name = g_strdup(json_string_value(json_object_get(json, "sidecar")));
    room_close(room, "test");
    json_decref(json);
    json_decref(options);
    return name;
}

/* A room that is closed and made again within a second records into other files. */
static void test_room_made_again(void)
{
    Studio studio = open_studio();
    g_autofree char *first = sidecar_in_new_room(&studio);
    g_autofree char *second = sidecar_in_new_room(&studio);
    g_assert_cmpstr(first, !=, second);
    sim_world_run(studio.world, NS_PER_SEC);
    close_studio(&studio);
}

static void test_wrong_wishes(void)
{
    static const char *const wrong[] = {
        "{\"format\": \"avi\"}",
        "{\"codec\": \"vp8\"}",
        "{\"codec\": \"av1\"}",
        "{\"codec\": 9}",
        "{\"format\": \"webm\", \"codec\": \"h264\"}",
        "{\"video\": false, \"codec\": \"h264\"}",
        "{\"layout\": \"none-such\"}",
        "{\"split_seconds\": -1}",
        "{\"colour\": 1}",
        "[]",
    };
    Studio studio = open_studio();
    thread_assert_control();
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        json_t *options = json_loads(wrong[i], 0, NULL);
        g_assert_null(room_start_recording(sim_world_room(studio.world), options, &error));
        g_test_message("%s", error->message);
        g_assert_true(error->domain == TESSERA_ERROR);
        json_decref(options);
    }
    g_autoptr(GError) error = NULL;
    json_t *options = json_pack("{s:s}", "url", "rtmp://127.0.0.1/live/key");
    g_assert_null(room_start_broadcast(sim_world_room(studio.world), options, &error));
    g_test_message("%s", error->message);
    json_decref(options);
    close_studio(&studio);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    thread_set_roles(THREAD_ALL);
    g_test_add_func("/outputs/mp4", test_mp4);
    g_test_add_func("/outputs/pause", test_pause);
    g_test_add_func("/outputs/codecs", test_codecs);
    g_test_add_func("/outputs/one-encode", test_one_encode_for_all);
    g_test_add_func("/outputs/closes", test_room_closes);
    g_test_add_func("/outputs/made-again", test_room_made_again);
    g_test_add_func("/outputs/wrong", test_wrong_wishes);
    return g_test_run();
}
