#include <gio/gio.h>
#include <glib/gstdio.h>
#include <libavformat/avformat.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "codecs/media_decoder.h"
#include "room/room_media.h"
#include "support/sim_world.h"

/* What a recording hears: those who are asked for, also when they come later, and nobody else; and
 * one encode for all that hear the same. */

static const SimPeerConfig people[] = {
    { .name = "Ada", .number = 1, .tone_hz = 512.5 },
    { .name = "Bob", .number = 2, .tone_hz = 837.5 },
    { .name = "Eve", .number = 3, .tone_hz = 1312.5 },
    { .name = "Late", .number = 4, .tone_hz = 1812.5 },
};

#define AT_FIRST 3 /* of them are there as it begins */
#define RATE     48000
#define APART_DB 40.0
#define HEARD_DB (-23.0)

typedef struct {
    SimWorld *world;
    SimPeer *peers[G_N_ELEMENTS(people)];
    char *directory;
} Studio;

static const char *id_of(const Studio *studio, guint i)
{
    thread_assert_control();
    return participant_id(sim_world_participant(studio->world, studio->peers[i]));
}

static void join(Studio *studio, guint i)
{
    studio->peers[i] = sim_world_join(studio->world, &people[i]);
}

static Studio open_studio(void)
{
    Studio studio = { .directory = g_dir_make_tmp("tessera-hearing-XXXXXX", NULL) };
    g_autofree char *dir = g_strdup_printf("record.dir=%s", studio.directory);
    const char *const settings[] = { dir, "record.min_free_mb=0",
                                     "broadcast.allowed_networks=127.0.0.0/8", NULL };
    SimWorldOptions options = { .project_dir = PROJECT_DIR, .settings = settings };
    studio.world = sim_world_new(&options);
    for (guint i = 0; i < AT_FIRST; i++)
        join(&studio, i);
    sim_world_run(studio.world, 2 * NS_PER_SEC);
    return studio;
}

static void close_studio(Studio *studio)
{
    sim_world_free(studio->world);
    g_autoptr(GDir) dir = g_dir_open(studio->directory, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(studio->directory, name, NULL);
        g_unlink(path);
    }
    g_rmdir(studio->directory);
    g_free(studio->directory);
}

/* format: "mp4", "webm"; hears: as JSON. */
static RoomOutput *record(const Studio *studio, const char *format, const char *hears)
{
    g_autoptr(GError) error = NULL;
    thread_assert_control();
    g_autofree char *text = g_strdup_printf(
        "{\"format\": \"%s\", \"tracks\": \"audio\", \"hears\": %s}", format, hears);
    json_t *options = json_loads(text, 0, NULL);
    g_assert_nonnull(options);
    RoomOutput *output = room_start_recording(sim_world_room(studio->world), options, &error);
    g_assert_no_error(error);
    json_t *told = room_output_to_json(output);
    g_assert_true(json_equal(json_object_get(told, "hears"), json_object_get(options, "hears")));
    json_decref(told);
    json_decref(options);
    g_usleep(50000); /* its thread lives in real time, of which the room's takes little */
    return output;
}

static void set_role(const Studio *studio, guint i, const char *role)
{
    thread_assert_control();
    json_t *patch = json_pack("{s:s}", "role", role);
    g_assert_true(
        participant_patch(sim_world_participant(studio->world, studio->peers[i]), patch, NULL));
    json_decref(patch);
}

/* (transfer full) The path of its file, once that is whole. */
static char *finish(const Studio *studio, RoomOutput *output)
{
    thread_assert_control();
    room_output_stop(output);
    for (guint i = 0; i < 2000; i++) {
        sim_world_run(studio->world, 10 * NS_PER_MS);
        json_t *json = room_output_to_json(output);
        const char *state = json_string_value(json_object_get(json, "state"));
        const json_t *file = json_array_get(json_object_get(json, "files"), 0);
        g_assert_cmpstr(state, !=, "failed");
        char *path = strcmp(state, "finished") == 0
                         ? g_build_filename(studio->directory,
                                            json_string_value(json_object_get(file, "name")), NULL)
                         : NULL;
        json_decref(json);
        if (path)
            return path;
        g_usleep(5000);
    }
    g_error("the recording does not end");
}

/* The sound of a file. */
typedef struct {
    GArray *samples;    /* float, stereo */
    GPtrArray *packets; /* of GBytes */
    gint64 longest_step_us;
} Sound;

static void sound_clear(Sound *sound)
{
    g_array_unref(sound->samples);
    g_ptr_array_unref(sound->packets);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Sound, sound_clear)

static void take_packet(Sound *sound, MediaDecoder *decoder, const AVPacket *packet,
                        gint64 *last_us)
{
    gint64 pts_us;
    g_ptr_array_add(sound->packets, g_bytes_new(packet->data, (gsize)packet->size));
    if (sound->packets->len > 1)
        sound->longest_step_us = MAX(sound->longest_step_us, packet->pts - *last_us);
    *last_us = packet->pts;
    media_decoder_send(decoder, packet);
    while (media_decoder_receive_audio(decoder, sound->samples, &pts_us)) {
    }
}

/* path: freed. */
static Sound listen(char *path)
{
    Sound sound = { g_array_new(FALSE, FALSE, sizeof(float)),
                    g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref), 0 };
    AVFormatContext *format = NULL;
    g_assert_cmpint(avformat_open_input(&format, path, NULL, NULL), ==, 0);
    g_assert_cmpint(avformat_find_stream_info(format, NULL), >=, 0);
    g_assert_cmpuint(format->nb_streams, ==, 1);
    const AVStream *stream = format->streams[0];
    g_autoptr(MediaDecoder) decoder = media_decoder_new(stream->codecpar, NULL, NULL);
    AVPacket *packet = av_packet_alloc();
    gint64 last_us = 0;
    while (av_read_frame(format, packet) == 0) {
        av_packet_rescale_ts(packet, stream->time_base, (AVRational){ 1, G_USEC_PER_SEC });
        take_packet(&sound, decoder, packet, &last_us);
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    avformat_close_input(&format);
    g_free(path);
    return sound;
}

/* In dBFS, over one second (whose share of a tone of 12.5 Hz steps is whole) that begins so many
 * seconds after the beginning of the file. */
static gdouble tone_db(const Sound *sound, gdouble hz, guint from_s)
{
    const float *samples = (const float *)sound->samples->data + 2 * from_s * RATE;
    gdouble re = 0, im = 0, weight = 0;
    g_assert_cmpuint(sound->samples->len, >=, 2 * (from_s + 1) * RATE);
    for (guint i = 0; i < RATE; i++) {
        gdouble window = 0.5 - 0.5 * cos(2 * G_PI * i / RATE), phase = 2 * G_PI * hz * i / RATE;
        re += window * (gdouble)samples[2 * i] * cos(phase);
        im += window * (gdouble)samples[2 * i] * sin(phase);
        weight += window;
    }
    return 20 * log10(2 * hypot(re, im) / weight + 1e-9);
}

/* heard: the names' first letters. */
static void assert_heard(const Sound *sound, guint from_s, const char *heard)
{
    for (guint i = 0; i < G_N_ELEMENTS(people); i++) {
        gdouble db = tone_db(sound, people[i].tone_hz, from_s);
        g_test_message("in second %u: %s at %.1f dB", from_s, people[i].name, db);
        if (strchr(heard, people[i].name[0]))
            g_assert_cmpfloat(db, >, HEARD_DB);
        else
            g_assert_cmpfloat(db, <, HEARD_DB - APART_DB);
    }
}

static void include_and_exclude(const char *format)
{
    Studio studio = open_studio();
    g_autofree char *no_bob = g_strdup_printf("{\"exclude\": [\"%s\"]}", id_of(&studio, 1));
    g_autofree char *only_eve = g_strdup_printf("{\"include\": [\"%s\"]}", id_of(&studio, 2));
    RoomOutput *outputs[] = { record(&studio, format, no_bob), record(&studio, format, only_eve),
                              record(&studio, format, "null") };
    sim_world_run(studio.world, 4 * NS_PER_SEC);
    static const char *const heard[] = { "AE", "E", "ABE" };
    for (guint i = 0; i < G_N_ELEMENTS(outputs); i++) {
        g_auto(Sound) sound = listen(finish(&studio, outputs[i]));
        assert_heard(&sound, 2, heard[i]);
    }
    close_studio(&studio);
}

static void test_aac(void)
{
    include_and_exclude("mp4");
}

static void test_opus(void)
{
    include_and_exclude("webm");
}

/* Who comes or gets a role is heard or not, and the encode goes on. */
static void test_changes(const void *format)
{
    Studio studio = open_studio();
    RoomOutput *output = record(&studio, format, "{\"exclude\": [\"role:band\"]}");
    sim_world_run(studio.world, 4 * NS_PER_SEC);
    set_role(&studio, 0, "band");
    join(&studio, 3);
    sim_world_run(studio.world, 4 * NS_PER_SEC);
    g_auto(Sound) sound = listen(finish(&studio, output));
    assert_heard(&sound, 2, "ABE");
    assert_heard(&sound, 6, "BEL");
    g_assert_cmpint(sound.longest_step_us, <, 22000);
    close_studio(&studio);
}

static gboolean has_packet(const Sound *sound, const GBytes *packet)
{
    for (guint i = 0; i < sound->packets->len; i++) {
        if (g_bytes_equal(sound->packets->pdata[i], packet))
            return TRUE;
    }
    return FALSE;
}

/* The later one has what the earlier one has: an encode of its own would begin otherwise. */
static void test_one_encode(const void *format)
{
    Studio studio = open_studio();
    g_autofree char *one =
        g_strdup_printf("{\"exclude\": [\"%s\", \"%s\"]}", id_of(&studio, 0), id_of(&studio, 1));
    g_autofree char *same =
        g_strdup_printf("{\"exclude\": [\"%s\", \"%s\"]}", id_of(&studio, 1), id_of(&studio, 0));
    RoomOutput *first = record(&studio, format, one);
    sim_world_run(studio.world, 1010 * NS_PER_MS);
    RoomOutput *second = record(&studio, format, same);
    sim_world_run(studio.world, 2 * NS_PER_SEC);
    g_assert_cmpfloat(sim_world_graph_number(studio.world, "mixer.submixes.0.listeners"), ==, 2);
    json_t *graph = sim_world_graph(studio.world);
    json_t *submixes = json_object_get(json_object_get(graph, "mixer"), "submixes");
    g_assert_cmpuint(json_array_size(submixes), ==, 1);
    json_decref(graph);
    g_auto(Sound) later = listen(finish(&studio, second));
    g_auto(Sound) earlier = listen(finish(&studio, first));
    g_assert_cmpuint(later.packets->len, >, 80);
    for (guint i = 0; i < later.packets->len; i++)
        g_assert_true(has_packet(&earlier, later.packets->pdata[i]));
    graph = sim_world_graph(studio.world);
    submixes = json_object_get(json_object_get(graph, "mixer"), "submixes");
    g_assert_cmpuint(json_array_size(submixes), ==, 0); /* nobody takes it any more */
    json_decref(graph);
    close_studio(&studio);
}

static void expect_refusal(const Studio *studio, gboolean broadcast, const char *text,
                           const char *named)
{
    g_autoptr(GError) error = NULL;
    thread_assert_control();
    Room *room = sim_world_room(studio->world);
    json_t *options = json_loads(text, 0, NULL);
    g_assert_nonnull(options);
    RoomOutput *output = broadcast ? room_start_broadcast(room, options, &error)
                                   : room_start_recording(room, options, &error);
    g_assert_null(output);
    g_test_message("%s: %s", text, error->message);
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
    g_assert_nonnull(strstr(error->message, named));
    json_decref(options);
}

static void test_wrong_wishes(void)
{
    static const char url[] = "\"url\": \"rtmp://192.0.2.1/live/key\"";
    static const char *const broadcasts[][2] = {
        { "\"hears\": []", "hears" },
        { "\"video\": 1", "video" },
        { "\"video\": false, \"audio\": false", "nothing to send" },
        { "\"audio\": false, \"hears\": {\"include\": []}", "no sound" },
    };
    Studio studio = open_studio();
    expect_refusal(&studio, FALSE, "{\"hears\": {\"include\": [1]}}", "hears");
    expect_refusal(&studio, FALSE, "{\"tracks\": \"isolated\", \"hears\": {\"exclude\": []}}",
                   "isolated");
    for (guint i = 0; i < G_N_ELEMENTS(broadcasts); i++) {
        g_autofree char *text = g_strdup_printf("{%s, %s}", url, broadcasts[i][0]);
        expect_refusal(&studio, TRUE, text, broadcasts[i][1]);
    }
    close_studio(&studio);
}

/* What has no picture has no layout that could be changed. */
static void test_no_picture(void)
{
    static const char *const wishes[] = { "{\"tracks\": \"audio\"}", "{\"video\": false}",
                                          "{\"tracks\": \"isolated\"}" };
    Studio studio = open_studio();
    thread_assert_control();
    json_t *patch = json_pack("{s:s}", "layout", "grid");
    for (guint i = 0; i < G_N_ELEMENTS(wishes); i++) {
        g_autoptr(GError) error = NULL;
        json_t *options = json_loads(wishes[i], 0, NULL);
        RoomOutput *output = room_start_recording(sim_world_room(studio.world), options, NULL);
        g_assert_false(room_output_patch(output, patch, &error));
        g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_CONFLICT);
        g_assert_nonnull(strstr(error->message, "no picture"));
        json_decref(options);
        room_output_stop(output);
    }
    json_decref(patch);
    close_studio(&studio);
}

static guint count_h264(const Studio *studio)
{
    guint n = 0;
    size_t i, k;
    json_t *scene, *rendition, *graph = sim_world_graph(studio->world);
    json_array_foreach(json_object_get(graph, "scenes"), i, scene)
    {
        json_array_foreach(json_object_get(scene, "renditions"), k, rendition) n +=
            g_strcmp0(json_string_value(json_object_get(rendition, "codec")), "H264") == 0;
    }
    json_decref(graph);
    return n;
}

/* Connections wait in its queue: a destination that says nothing. Returns its URL (transfer full).
 */
static char *open_destination(GSocket **listening)
{
    g_autoptr(GSocketAddress) any = g_inet_socket_address_new_from_string("127.0.0.1", 0);
    *listening =
        g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);
    g_assert_true(g_socket_bind(*listening, any, TRUE, NULL));
    g_assert_true(g_socket_listen(*listening, NULL));
    g_autoptr(GSocketAddress) own = g_socket_get_local_address(*listening, NULL);
    return g_strdup_printf("rtmp://127.0.0.1:%u/live/key",
                           g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(own)));
}

/* A broadcast of sound takes no picture of the room. */
static void test_sound_alone(void)
{
    g_autoptr(GSocket) listening = NULL;
    g_autofree char *url = open_destination(&listening);
    static const gboolean wishes[] = { FALSE, TRUE };
    for (guint i = 0; i < G_N_ELEMENTS(wishes); i++) {
        Studio studio = open_studio();
        g_autoptr(GError) error = NULL;
        thread_assert_control();
        json_t *options =
            json_pack("{s:s, s:b, s:{s:[]}}", "url", url, "video", wishes[i], "hears", "include");
        RoomOutput *output = room_start_broadcast(sim_world_room(studio.world), options, &error);
        g_assert_no_error(error);
        json_t *told = room_output_to_json(output);
        g_assert_true(json_is_true(json_object_get(told, "video")) == wishes[i]);
        g_assert_true(json_is_true(json_object_get(told, "audio")));
        g_assert_true(
            json_equal(json_object_get(told, "hears"), json_object_get(options, "hears")));
        g_assert_cmpuint(count_h264(&studio), ==, wishes[i] ? 1 : 0);
        json_decref(told);
        json_decref(options);
        close_studio(&studio);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    thread_set_roles(THREAD_ALL);
    g_test_add_func("/output_hearing/aac", test_aac);
    g_test_add_func("/output_hearing/opus", test_opus);
    g_test_add_data_func("/output_hearing/changes/aac", "mp4", test_changes);
    g_test_add_data_func("/output_hearing/changes/opus", "webm", test_changes);
    g_test_add_data_func("/output_hearing/one_encode/aac", "mp4", test_one_encode);
    g_test_add_data_func("/output_hearing/one_encode/opus", "webm", test_one_encode);
    g_test_add_func("/output_hearing/wrong", test_wrong_wishes);
    g_test_add_func("/output_hearing/no_picture", test_no_picture);
    g_test_add_func("/output_hearing/sound_alone", test_sound_alone);
    return g_test_run();
}
