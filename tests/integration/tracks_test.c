#include <glib/gstdio.h>
#include <libavformat/avformat.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "codecs/media_decoder.h"
#include "room/room_media.h"
#include "support/sim_world.h"

/* Isolated tracks: everybody as sent, on the stage or not, all on one clock, with a sidecar that
 * says who was there. */

static const SimPeerConfig ada = { .name = "Ada",
                                   .number = 1,
                                   .tone_hz = 600,
                                   .amplitude = 0.3,
                                   .video = SIM_FLASH,
                                   .clock_offset_ns = 123 * NS_PER_SEC };
static const SimPeerConfig bob = { .name = "Bob",
                                   .number = 2,
                                   .tone_hz = 900,
                                   .amplitude = 0.3,
                                   .video = SIM_FLASH,
                                   .audio_late_ns = 60 * NS_PER_MS,
                                   .drift_ppm = 100 };

#define IN_STEP_MS 45
#define MAX_ONSETS 64

static const char stage_of_one[] =
    "{\"tracks\": [\"composite\", \"isolated\"], \"layout\": {\"name\": \"one\", \"gap\": 0, "
    "\"transition_ms\": 0, \"regions\": [{\"fill\": \"join:1\"}]}}";

typedef struct {
    SimWorld *world;
    char *directory;
} Studio;

static Studio open_studio(void)
{
    Studio studio = { .directory = g_dir_make_tmp("tessera-tracks-XXXXXX", NULL) };
    g_autofree char *dir = g_strdup_printf("record.dir=%s", studio.directory);
    const char *const settings[] = { dir, "record.min_free_mb=0", NULL };
    SimWorldOptions options = { .project_dir = PROJECT_DIR, .settings = settings };
    studio.world = sim_world_new(&options);
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
    g_assert_nonnull(options);
    RoomOutput *output = room_start_recording(sim_world_room(studio->world), options, &error);
    g_assert_no_error(error);
    json_decref(options);
    let_recorder_wake();
    return output;
}

/* (transfer full) The recorders write in their own time. */
static json_t *finish(Studio *studio, RoomOutput *output)
{
    thread_assert_control();
    room_output_stop(output);
    for (guint i = 0; i < 2000; i++) {
        sim_world_run(studio->world, 10 * NS_PER_MS);
        json_t *json = room_output_to_json(output);
        const char *state = json_string_value(json_object_get(json, "state"));
        if (strcmp(state, "finished") == 0)
            return json;
        g_assert_cmpstr(state, !=, "failed");
        json_decref(json);
        g_usleep(5000);
    }
    g_error("the recording does not end");
}

/* What stands in a file: when it flashes and beeps, in milliseconds. */
typedef struct {
    guint streams, pictures, sounds, begun_flashes, begun_beeps;
    guint of_360; /* pictures of this height */
    gdouble first_picture_ms, first_sound_ms, last_ms;
    gdouble flashes[MAX_ONSETS], beeps[MAX_ONSETS];
    gboolean lit, loud;
} Contents;

static void look(Contents *contents, const AVFrame *picture, gdouble at_ms)
{
    const guint8 *middle =
        picture->data[0] + picture->height / 2 * picture->linesize[0] + picture->width / 2;
    gboolean lit = *middle > 125;
    if (lit && !contents->lit && contents->pictures > 0)
        contents->flashes[contents->begun_flashes++ % MAX_ONSETS] = at_ms;
    if (contents->pictures++ == 0)
        contents->first_picture_ms = at_ms;
    contents->of_360 += picture->height == 360;
    contents->lit = lit;
    contents->last_ms = MAX(contents->last_ms, at_ms);
}

static void listen(Contents *contents, const float *samples, guint n, gdouble at_ms)
{
    if (contents->sounds++ == 0)
        contents->first_sound_ms = at_ms;
    for (guint i = 0; i + 48 <= n; i += 48) {
        float loudest = 0;
        for (guint k = 0; k < 2 * 48; k++)
            loudest = MAX(loudest, fabsf(samples[2 * i + k]));
        gboolean loud = loudest > 0.02f;
        if (loud && !contents->loud && contents->sounds > 3)
            contents->beeps[contents->begun_beeps++ % MAX_ONSETS] = at_ms + i / 48.0;
        contents->loud = loud;
    }
}

static gdouble frame_ms(const AVFrame *frame)
{
    return (gdouble)frame->pts / 1000;
}

static void decode_sound(Contents *contents, AudioDecoder *decoder, const AVPacket *packet)
{
    float samples[AUDIO_MAX_SAMPLES * AUDIO_CHANNELS];
    gint n = audio_decoder_decode(decoder, packet->data, (gsize)packet->size, samples);
    g_assert_cmpint(n, >, 0);
    listen(contents, samples, (guint)n, (gdouble)packet->pts / 1000);
}

static void decode_picture(Contents *contents, MediaDecoder *decoder, const AVPacket *packet)
{
    AVFrame *frame = av_frame_alloc();
    if (contents->pictures == 0)
        g_assert_true(packet->flags & AV_PKT_FLAG_KEY);
    media_decoder_send(decoder, packet);
    while (media_decoder_receive_video(decoder, frame)) {
        look(contents, frame, frame_ms(frame));
        av_frame_unref(frame);
    }
    av_frame_free(&frame);
}

static Contents read_file(const Studio *studio, const char *name)
{
    Contents contents = { .first_picture_ms = -1, .first_sound_ms = -1 };
    g_autofree char *path = g_build_filename(studio->directory, name, NULL);
    AVFormatContext *format = NULL;
    g_autoptr(MediaDecoder) pictures = NULL;
    g_autoptr(AudioDecoder) sound = audio_decoder_new(&codec_opus, NULL);
    g_assert_cmpint(avformat_open_input(&format, path, NULL, NULL), ==, 0);
    g_assert_cmpint(avformat_find_stream_info(format, NULL), >=, 0);
    contents.streams = format->nb_streams;
    AVPacket *packet = av_packet_alloc();
    while (av_read_frame(format, packet) == 0) {
        const AVStream *stream = format->streams[packet->stream_index];
        av_packet_rescale_ts(packet, stream->time_base, (AVRational){ 1, G_USEC_PER_SEC });
        if (stream->codecpar->codec_id == AV_CODEC_ID_OPUS) {
            decode_sound(&contents, sound, packet);
        } else if (stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO) {
            if (!pictures)
                pictures = media_decoder_new(stream->codecpar, NULL, NULL);
            decode_picture(&contents, pictures, packet);
        }
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    avformat_close_input(&format);
    g_test_message("%s: %u streams, %u pictures from %.0f ms, %u sounds from %.0f ms, %u flashes, "
                   "%u beeps",
                   name, contents.streams, contents.pictures, contents.first_picture_ms,
                   contents.sounds, contents.first_sound_ms, contents.begun_flashes,
                   contents.begun_beeps);
    return contents;
}

/* The n-th file of this participant's part, or NULL. */
static const json_t *find_file(const json_t *recording, const char *id, const char *part, guint n)
{
    size_t i;
    const json_t *file;
    json_array_foreach(json_object_get(recording, "files"), i, file)
    {
        const char *whose = json_string_value(json_object_get(file, "participant"));
        const char *what = json_string_value(json_object_get(file, "part"));
        if (g_strcmp0(whose, id) == 0 && g_strcmp0(what, part) == 0 && n-- == 0)
            return file;
    }
    return NULL;
}

static const char *file_name(const json_t *file)
{
    g_assert_nonnull(file);
    return json_string_value(json_object_get(file, "name"));
}

static gdouble number_of(const json_t *json, const char *key)
{
    return json_number_value(json_object_get(json, key));
}

static gdouble nearest(const gdouble *list, guint n, gdouble at)
{
    gdouble best = G_MAXDOUBLE;
    for (guint i = 0; i < MIN(n, MAX_ONSETS); i++) {
        if (fabs(list[i] - at) < fabs(best - at))
            best = list[i];
    }
    return best;
}

/* Until the sender's reports have come, its sound and pictures are laid side by side as they come.
 */
static void assert_in_step(const Contents *contents, gdouble from_ms, guint at_least)
{
    guint counted = 0;
    g_assert_cmpuint(contents->begun_flashes, >=, at_least);
    for (guint i = 0; i < contents->begun_flashes; i++) {
        gdouble flash = contents->flashes[i];
        gdouble off = flash - nearest(contents->beeps, contents->begun_beeps, flash);
        if (fabs(off) > 400 || flash < from_ms)
            continue; /* at the edge of the file */
        g_test_message("the flash of %.0f ms is %.1f ms after its beep", flash, off);
        g_assert_cmpfloat(fabs(off), <=, IN_STEP_MS);
        counted++;
    }
    g_assert_cmpuint(counted, >=, at_least);
}

static const char *id_of(Studio *studio, SimPeer *peer) ON_CONTROL_THREAD;
static const char *id_of(Studio *studio, SimPeer *peer)
{
    return participant_id(sim_world_participant(studio->world, peer));
}

/* Who is off the stage is recorded too; who comes later begins later, by the recording's clock. */
static void test_line_up(void)
{
    thread_assert_control();
    Studio studio = open_studio();
    SimPeer *first = sim_world_join(studio.world, &ada);
    sim_world_run(studio.world, 2 * NS_PER_SEC);
    RoomOutput *output = record(&studio, stage_of_one);
    sim_world_run(studio.world, 3 * NS_PER_SEC);
    SimPeer *second = sim_world_join(studio.world, &bob);
    sim_world_run(studio.world, 6 * NS_PER_SEC);
    g_autofree char *ada_id = g_strdup(id_of(&studio, first));
    g_autofree char *bob_id = g_strdup(id_of(&studio, second));
    json_t *json = finish(&studio, output);
    const json_t *of_ada = find_file(json, ada_id, "person", 0);
    const json_t *of_bob = find_file(json, bob_id, "person", 0);
    const json_t *mix = json_array_get(json_object_get(json, "files"), 0);
    Contents composite = read_file(&studio, file_name(mix));
    Contents one = read_file(&studio, file_name(of_ada));
    Contents two = read_file(&studio, file_name(of_bob));
    g_assert_cmpuint(one.streams, ==, 2);
    g_assert_cmpuint(two.streams, ==, 2);
    g_assert_null(find_file(json, ada_id, "person", 1));
    g_assert_null(find_file(json, ada_id, "screen", 0));
    assert_in_step(&one, 0, 7);
    assert_in_step(&two, 5000, 3);
    /* The composite shows Ada alone: its flashes are hers. */
    for (guint i = 1; i + 1 < composite.begun_flashes; i++) {
        gdouble off =
            composite.flashes[i] - nearest(one.flashes, one.begun_flashes, composite.flashes[i]);
        g_test_message("the mix flashes %.1f ms after the track", off);
        g_assert_cmpfloat(fabs(off), <=, 100);
    }
    g_assert_cmpuint(composite.begun_flashes, >=, 6);
    g_assert_cmpfloat(one.first_sound_ms, <, 500);
    g_assert_cmpfloat(fabs(number_of(of_bob, "start") - 3), <, 1);
    g_assert_cmpfloat(
        fabs(number_of(of_bob, "start") * 1000 - MIN(two.first_picture_ms, two.first_sound_ms)), <,
        5);
    g_assert_cmpfloat(fabs(number_of(of_ada, "duration") - number_of(json, "duration")), <, 1);
    json_decref(json);
    close_studio(&studio);
}

static void pause_recording(RoomOutput *output, gboolean paused)
{
    thread_assert_control();
    json_t *patch = json_pack("{s:b}", "paused", paused);
    g_assert_true(room_output_patch(output, patch, NULL));
    json_decref(patch);
}

/* Without the mix the clock begins at once; a pause is left out of all; who leaves has a file. */
static void test_pause_and_leave(void)
{
    thread_assert_control();
    Studio studio = open_studio();
    SimPeer *first = sim_world_join(studio.world, &ada);
    SimPeer *second = sim_world_join(studio.world, &bob);
    sim_world_run(studio.world, 2 * NS_PER_SEC);
    g_autofree char *ada_id = g_strdup(id_of(&studio, first));
    g_autofree char *bob_id = g_strdup(id_of(&studio, second));
    RoomOutput *output = record(&studio, "{\"tracks\": \"isolated\"}");
    sim_world_run(studio.world, 3 * NS_PER_SEC);
    pause_recording(output, TRUE);
    sim_world_run(studio.world, 5 * NS_PER_SEC);
    pause_recording(output, FALSE);
    let_recorder_wake();
    sim_world_run(studio.world, 2 * NS_PER_SEC);
    sim_world_leave(studio.world, second);
    sim_world_run(studio.world, 2 * NS_PER_SEC);
    json_t *json = finish(&studio, output);
    g_assert_cmpfloat(fabs(number_of(json, "duration") - 7), <, 0.2);
    Contents one = read_file(&studio, file_name(find_file(json, ada_id, "person", 0)));
    Contents two = read_file(&studio, file_name(find_file(json, bob_id, "person", 0)));
    assert_in_step(&one, 0, 5);
    g_assert_cmpfloat(fabs(one.last_ms - 7000), <, 300);
    g_assert_cmpfloat(fabs(two.last_ms - 5000), <, 300);
    json_decref(json);
    close_studio(&studio);
}

/* Stacks of threads, also of those that have ended and wait to be joined. */
static guint count_stacks(void)
{
    g_autofree char *maps = NULL;
    pthread_attr_t attributes;
    gsize stack, guard;
    guint n = 0;
    g_assert_cmpint(pthread_getattr_default_np(&attributes), ==, 0);
    pthread_attr_getstacksize(&attributes, &stack);
    pthread_attr_getguardsize(&attributes, &guard);
    pthread_attr_destroy(&attributes);
    g_assert_true(g_file_get_contents("/proc/self/maps", &maps, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(maps, "\n", -1);
    for (guint i = 0; lines[i]; i++) {
        guint64 begin, end;
        if (sscanf(lines[i], "%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x rw-p", &begin,
                   &end) == 2)
            n += end - begin == stack || end - begin == stack - guard;
    }
    return n;
}

/* Who comes and goes while a recording runs leaves files behind, but no threads. */
static void test_come_and_go(void)
{
    thread_assert_control();
    Studio studio = open_studio();
    SimPeer *first = sim_world_join(studio.world, &ada);
    RoomOutput *output = record(&studio, "{\"tracks\": \"isolated\"}");
    guint before = 0;
    for (guint i = 0; i < 20; i++) {
        SimPeer *second = sim_world_join(studio.world, &bob);
        sim_world_run(studio.world, 1500 * NS_PER_MS);
        sim_world_leave(studio.world, second);
        for (guint wait = 0; wait < 10; wait++) {
            sim_world_run(studio.world, 10 * NS_PER_MS);
            g_usleep(10000);
        }
        before = i == 1 ? count_stacks() : before;
    }
    g_assert_cmpuint(count_stacks(), <, before + 8); /* glibc keeps some for others */
    g_autofree char *ada_id = g_strdup(id_of(&studio, first));
    json_t *json = finish(&studio, output);
    g_assert_cmpuint(json_array_size(json_object_get(json, "isolated")), ==, 21);
    g_assert_cmpuint(json_array_size(json_object_get(json, "files")), >=, 21);
    g_assert_nonnull(file_name(find_file(json, ada_id, "person", 0)));
    json_decref(json);
    close_studio(&studio);
}

/* Whose sound begins when the camera is recorded already goes on in another file with both. */
static void test_sound_joins(void)
{
    thread_assert_control();
    Studio studio = open_studio();
    SimPeer *peer = sim_world_join(studio.world, &ada);
    sim_world_run(studio.world, 2 * NS_PER_SEC);
    g_autofree char *id = g_strdup(id_of(&studio, peer));
    sim_peer_set_sending(peer, TRUE, FALSE);
    sim_world_run(studio.world, NS_PER_SEC);
    RoomOutput *output = record(&studio, "{\"tracks\": [\"isolated\"]}");
    sim_world_run(studio.world, 4 * NS_PER_SEC);
    sim_peer_set_sending(peer, TRUE, TRUE);
    sim_world_run(studio.world, 4 * NS_PER_SEC);
    json_t *json = finish(&studio, output);
    Contents before = read_file(&studio, file_name(find_file(json, id, "person", 0)));
    Contents after = read_file(&studio, file_name(find_file(json, id, "person", 1)));
    g_assert_cmpuint(before.streams, ==, 1);
    g_assert_cmpuint(after.streams, ==, 2);
    g_assert_null(find_file(json, id, "person", 2));
    assert_in_step(&after, 0, 2);
    json_decref(json);
    close_studio(&studio);
}

/* Nobody looks at her, her line loses packets, and she has three layers: the largest one is
 * recorded as soon as she sends it, and what is lost is asked for again. */
static void test_unseen_layers(void)
{
    static const char off_stage[] = "{\"tracks\": \"isolated\"}";
    const SimPeerConfig camera = { .name = "Eve",
                                   .number = 3,
                                   .video = SIM_MOVING,
                                   .paint = { 82, 90, 240 },
                                   .width = 640,
                                   .height = 360,
                                   .bitrate_bps = 500000,
                                   .simulcast = SIM_BY_RID,
                                   .up = { .delay_ns = 20 * NS_PER_MS, .loss = 0.03 } };
    thread_assert_control();
    Studio studio = open_studio();
    SimPeer *peer = sim_world_join(studio.world, &camera);
    sim_world_run(studio.world, 6 * NS_PER_SEC);
    g_autofree char *id = g_strdup(id_of(&studio, peer));
    RoomOutput *output = record(&studio, off_stage);
    sim_world_run(studio.world, 8 * NS_PER_SEC);
    json_t *json = finish(&studio, output);
    Contents film = read_file(&studio, file_name(find_file(json, id, "person", 0)));
    g_assert_null(find_file(json, id, "person", 1));
    g_assert_cmpuint(film.of_360, >=, 6 * 15);
    g_assert_cmpfloat(film.first_picture_ms, <, 1000);
    g_assert_cmpuint(film.pictures, >=, 7 * 15 - 10);
    json_decref(json);
    close_studio(&studio);
}

static void expect_event(const json_t *timeline, guint i, const char *event, const char *name,
                         gdouble time)
{
    const json_t *entry = json_array_get(timeline, i);
    g_assert_cmpstr(json_string_value(json_object_get(entry, "event")), ==, event);
    if (name)
        g_assert_cmpstr(json_string_value(json_object_get(entry, "name")), ==, name);
    g_test_message("%s at %.2f s", event, number_of(entry, "time"));
    g_assert_cmpfloat(fabs(number_of(entry, "time") - time), <, 0.3);
}

/* The sidecar tells who was there and which layout, in the recording's time. */
static void test_sidecar(void)
{
    thread_assert_control();
    Studio studio = open_studio();
    SimPeer *first = sim_world_join(studio.world, &ada);
    sim_world_run(studio.world, 2 * NS_PER_SEC);
    RoomOutput *output = record(&studio, "{\"layout\": \"grid\"}");
    sim_world_run(studio.world, 2 * NS_PER_SEC);
    SimPeer *second = sim_world_join(studio.world, &bob);
    sim_world_run(studio.world, NS_PER_SEC);
    ParticipantUpdate update = { .name = "Robert", .audio_muted = -1, .video_muted = -1 };
    participant_update(sim_world_participant(studio.world, second), &update, NULL);
    pause_recording(output, TRUE);
    sim_world_run(studio.world, 3 * NS_PER_SEC);
    pause_recording(output, FALSE);
    let_recorder_wake();
    sim_world_run(studio.world, NS_PER_SEC);
    json_t *patch = json_pack("{s:s}", "layout", "speaker");
    g_assert_true(room_output_patch(output, patch, NULL));
    json_decref(patch);
    sim_world_leave(studio.world, first);
    json_decref(finish(&studio, output));
    json_t *told = room_output_to_json(output);
    g_autofree char *path = g_build_filename(
        studio.directory, json_string_value(json_object_get(told, "sidecar")), NULL);
    json_t *sidecar = json_load_file(path, 0, NULL);
    g_assert_nonnull(sidecar);
    g_assert_cmpstr(json_string_value(json_object_get(sidecar, "state")), ==, "finished");
    g_assert_cmpuint(json_array_size(json_object_get(sidecar, "files")), ==, 1);
    const json_t *timeline = json_object_get(sidecar, "timeline");
    expect_event(timeline, 0, "begin", NULL, 0);
    expect_event(timeline, 1, "layout", NULL, 0);
    expect_event(timeline, 2, "join", "Ada", 0);
    expect_event(timeline, 3, "join", "Bob", 2);
    expect_event(timeline, 4, "name", "Robert", 3);
    expect_event(timeline, 5, "pause", NULL, 3);
    expect_event(timeline, 6, "resume", NULL, 3);
    expect_event(timeline, 7, "layout", NULL, 4);
    expect_event(timeline, 8, "leave", "Ada", 4);
    expect_event(timeline, 9, "end", NULL, 4);
    g_assert_cmpuint(json_array_size(timeline), ==, 10);
    json_decref(sidecar);
    json_decref(told);
    close_studio(&studio);
}

static char *sidecar_path(const Studio *studio, RoomOutput *output)
{
    thread_assert_control();
    json_t *told = room_output_to_json(output);
    const char *name = json_string_value(json_object_get(told, "sidecar"));
    char *path = g_build_filename(studio->directory, name, NULL);
    json_decref(told);
    return path;
}

static json_t *read_timeline(const char *path)
{
    json_t *sidecar = json_load_file(path, 0, NULL);
    g_assert_nonnull(sidecar);
    json_t *timeline = json_incref(json_object_get(sidecar, "timeline"));
    json_decref(sidecar);
    return timeline;
}

/* The recording's log has a timer of real time. */
ON_CONTROL_THREAD static void run_a_little(Studio *studio)
{
    sim_world_run(studio->world, 10 * NS_PER_MS);
    while (g_main_context_iteration(NULL, FALSE))
        continue;
    g_usleep(10000);
}

ON_CONTROL_THREAD static void run_really(Studio *studio, guint ms)
{
    gint64 end_us = g_get_monotonic_time() + (gint64)ms * 1000;
    while (g_get_monotonic_time() < end_us)
        run_a_little(studio);
}

/* Until the sidecar has so many events; TRUE within `ms` of real time. */
ON_CONTROL_THREAD static gboolean wait_for_events(Studio *studio, const char *path, gsize events,
                                                  guint ms)
{
    gint64 end_us = g_get_monotonic_time() + (gint64)ms * 1000;
    while (g_get_monotonic_time() < end_us) {
        g_autofree char *text = NULL;
        run_a_little(studio);
        if (g_file_get_contents(path, &text, NULL, NULL)) {
            json_t *timeline = read_timeline(path);
            gsize n = json_array_size(timeline);
            json_decref(timeline);
            if (n >= events)
                return TRUE;
        }
    }
    return FALSE;
}

/* However often somebody pauses and resumes, the timeline has an end, and it is not written for
 * each of them, but within two seconds, and the more seldom the longer it is. */
static void test_many_events(void)
{
    thread_assert_control();
    Studio studio = open_studio();
    RoomOutput *output = record(&studio, "{\"video\": false, \"tracks\": [\"isolated\"]}");
    g_autofree char *path = sidecar_path(&studio, output);
    g_assert_true(wait_for_events(&studio, path, 1, 15000));
    run_really(&studio, 1500); /* nothing is left to be written */
    gint64 asked_us = g_get_monotonic_time();
    pause_recording(output, TRUE);
    pause_recording(output, FALSE);
    gboolean at_once = wait_for_events(&studio, path, 3, 500);
    if (g_get_monotonic_time() - asked_us < 800000)
        g_assert_false(at_once);
    g_assert_true(wait_for_events(&studio, path, 3, 15000));
    for (guint i = 0; i < 750; i++) {
        pause_recording(output, TRUE);
        pause_recording(output, FALSE);
    }
    g_assert_true(wait_for_events(&studio, path, 1503, 15000));
    asked_us = g_get_monotonic_time();
    pause_recording(output, TRUE);
    pause_recording(output, FALSE);
    at_once = wait_for_events(&studio, path, 1505, 2000);
    if (g_get_monotonic_time() - asked_us < 2500000) /* it takes 3 s to come */
        g_assert_false(at_once);
    g_assert_true(wait_for_events(&studio, path, 1505, 15000));
    for (guint i = 0; i < 6000; i++) {
        pause_recording(output, TRUE);
        pause_recording(output, FALSE);
    }
    json_decref(finish(&studio, output));
    json_t *timeline = read_timeline(path);
    g_assert_cmpuint(json_array_size(timeline), ==, 10002);
    g_assert_cmpstr(json_string_value(json_object_get(json_array_get(timeline, 10000), "event")),
                    ==, "truncated");
    g_assert_cmpstr(json_string_value(json_object_get(json_array_get(timeline, 10001), "event")),
                    ==, "end");
    json_decref(timeline);
    close_studio(&studio);
}

static void test_wrong_tracks(void)
{
    static const char *const wrong[] = { "{\"tracks\": 1}", "{\"tracks\": []}",
                                         "{\"tracks\": \"mine\"}",
                                         "{\"tracks\": [\"audio\", \"composite\"]}" };
    thread_assert_control();
    Studio studio = open_studio();
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        json_t *options = json_loads(wrong[i], 0, NULL);
        g_assert_null(room_start_recording(sim_world_room(studio.world), options, &error));
        g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
        json_decref(options);
    }
    close_studio(&studio);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    thread_set_roles(THREAD_ALL);
    g_test_add_func("/tracks/line-up", test_line_up);
    g_test_add_func("/tracks/come-and-go", test_come_and_go);
    g_test_add_func("/tracks/pause-and-leave", test_pause_and_leave);
    g_test_add_func("/tracks/sound-joins", test_sound_joins);
    g_test_add_func("/tracks/unseen-layers", test_unseen_layers);
    g_test_add_func("/tracks/sidecar", test_sidecar);
    g_test_add_func("/tracks/many-events", test_many_events);
    g_test_add_func("/tracks/wrong", test_wrong_tracks);
    return g_test_run();
}
