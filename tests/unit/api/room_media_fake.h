/* A fake of room/room_media.h: recordings of files that a test wrote, broadcasts and players
 * without pictures, publishers whose packets are counted. Included by room_fake.h. */
#pragma once

#include <fcntl.h>
#include <libavcodec/avcodec.h>
#include <string.h>

#include "base/error.h"
#include "room/room_media.h"

struct RoomOutput {
    Room *room;
    RoomOutputKind kind;
    char *id;
    const char *state;
    gboolean paused, pictures;
};

/* What a test looks at, and says. */
static struct {
    GPtrArray *outputs;    /* RoomOutput */
    guint next;            /* of their ids */
    const char *directory; /* of the files of recordings; NULL: none */
    const char *file;      /* of every recording */
    gboolean hls_ready;    /* there is a first segment */
    gboolean play_is_full;
    char *hls_layout;                    /* what was asked for last */
    Sink *sink;                          /* of the last player */
    gint streams, packets, ended, freed; /* atomic: of publishers */
} fake_media;

static void fake_media_refuse(GError **error, TesseraError code, const char *message)
{
    g_set_error_literal(error, TESSERA_ERROR, (gint)code, message);
}

/* --- outputs ----------------------------------------------------------------------------- */

static void fake_output_free(gpointer data)
{
    RoomOutput *output = data;
    g_free(output->id);
    g_free(output);
}

/* The room is gone. */
static void fake_media_forget(Room *room)
{
    for (guint i = fake_media.outputs ? fake_media.outputs->len : 0; i-- > 0;) {
        if (((RoomOutput *)fake_media.outputs->pdata[i])->room == room)
            g_ptr_array_remove_index(fake_media.outputs, i);
    }
    if (fake_media.outputs && !fake_media.outputs->len)
        g_clear_pointer(&fake_media.outputs, g_ptr_array_unref);
    g_clear_pointer(&fake_media.hls_layout, g_free);
    if (fake_media.sink)
        sink_finish(fake_media.sink);
    g_clear_pointer(&fake_media.sink, sink_unref);
}

static RoomOutput *fake_output_new(Room *room, RoomOutputKind kind)
{
    RoomOutput *output = g_new0(RoomOutput, 1);
    output->room = room;
    output->kind = kind;
    output->id = g_strdup_printf("o%u", ++fake_media.next);
    output->state = "running";
    output->pictures = TRUE;
    if (!fake_media.outputs)
        fake_media.outputs = g_ptr_array_new_with_free_func(fake_output_free);
    g_ptr_array_add(fake_media.outputs, output);
    return output;
}

RoomOutput *room_start_recording(Room *room, json_t *options, GError **error)
{
    json_t *format = json_object_get(options, "format");
    if (!format || g_strcmp0(json_string_value(format), "mp4") == 0) {
        RoomOutput *output = fake_output_new(room, ROOM_RECORDING);
        output->pictures = !json_is_false(json_object_get(options, "video"));
        return output;
    }
    fake_media_refuse(error, TESSERA_ERROR_INVALID, "\"format\" must be mp4.");
    return NULL;
}

RoomOutput *room_start_broadcast(Room *room, json_t *options, GError **error)
{
    const char *url = json_string_value(json_object_get(options, "url"));
    if (url && g_str_has_prefix(url, "rtmp://"))
        return fake_output_new(room, ROOM_BROADCAST);
    fake_media_refuse(error, TESSERA_ERROR_UNSUPPORTED, "\"url\" must begin with rtmp://.");
    return NULL;
}

RoomOutput *room_find_output(Room *room, RoomOutputKind kind, const char *id)
{
    for (guint i = 0; fake_media.outputs && i < fake_media.outputs->len; i++) {
        RoomOutput *output = fake_media.outputs->pdata[i];
        if (output->room == room && output->kind == kind && strcmp(output->id, id) == 0)
            return output;
    }
    return NULL;
}

json_t *room_recording_timeline(RoomOutput *output)
{
    (void)output;
    return json_array();
}

json_t *room_output_to_json(RoomOutput *output)
{
    json_t *json = json_pack("{s:s, s:s, s:b, s:[]}", "id", output->id, "state", output->state,
                             "paused", output->paused, "files");
    if (fake_media.file && output->kind == ROOM_RECORDING)
        json_array_append_new(json_object_get(json, "files"),
                              json_pack("{s:s}", "name", fake_media.file));
    return json;
}

json_t *room_outputs_json(Room *room, RoomOutputKind kind)
{
    json_t *json = json_array();
    for (guint i = 0; fake_media.outputs && i < fake_media.outputs->len; i++) {
        RoomOutput *output = fake_media.outputs->pdata[i];
        if (output->room == room && output->kind == kind)
            json_array_append_new(json, room_output_to_json(output));
    }
    return json;
}

gboolean room_output_patch(RoomOutput *output, json_t *patch, GError **error)
{
    const json_t *paused = json_object_get(patch, "paused");
    if (paused && !json_is_boolean(paused)) {
        fake_media_refuse(error, TESSERA_ERROR_INVALID, "\"paused\" must be true or false.");
        return FALSE;
    }
    if (json_object_get(patch, "layout") && !output->pictures) {
        fake_media_refuse(error, TESSERA_ERROR_CONFLICT, "layout: there is no picture.");
        return FALSE;
    }
    output->paused = paused ? json_is_true(paused) : output->paused;
    return TRUE;
}

void room_output_stop(RoomOutput *output)
{
    output->state = "finished";
}

char *rooms_recording_dir(const Config *config)
{
    (void)config;
    return g_strdup(fake_media.directory ? fake_media.directory : "/nowhere");
}

json_t *rooms_closed_recordings_json(Rooms *rooms, const char *room_id)
{
    (void)rooms, (void)room_id;
    return json_array();
}

char *room_recording_prefix(const char *room_id)
{
    return g_strconcat(room_id, ".", NULL);
}

/* What a player waits for before it believes in the stream: its header and a first packet. */
static void fake_play_sound(Sink *sink)
{
    static const guint8 stereo_48k[] = { 0x11, 0x90 }; /* AudioSpecificConfig */
    AVCodecParameters *parameters = avcodec_parameters_alloc();
    AVPacket *packet = av_packet_alloc();
    parameters->codec_type = AVMEDIA_TYPE_AUDIO;
    parameters->codec_id = AV_CODEC_ID_AAC;
    parameters->sample_rate = 48000;
    av_channel_layout_default(&parameters->ch_layout, 2);
    parameters->extradata = av_mallocz(sizeof stereo_48k + AV_INPUT_BUFFER_PADDING_SIZE);
    parameters->extradata_size = sizeof stereo_48k;
    memcpy(parameters->extradata, stereo_48k, sizeof stereo_48k);
    SinkStream stream = { .parameters = parameters };
    sink_start(sink, &stream, 1);
    for (guint i = 0; i < 50; i++) {
        g_assert_cmpint(av_new_packet(packet, 100), ==, 0);
        memset(packet->data, 0, 100);
        packet->pts = packet->dts = (gint64)i * 21333;
        packet->flags = AV_PKT_FLAG_KEY;
        sink_write(sink, 0, packet);
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    avcodec_parameters_free(&parameters);
}

gboolean room_play(Room *room, Layout *layout, RoomSinkMake make, gpointer user, GError **error)
{
    SinkEvents events = { 0 };
    (void)room;
    (void)layout;
    if (fake_media.play_is_full) {
        fake_media_refuse(error, TESSERA_ERROR_UNAVAILABLE, "The room has no place for a player.");
        return FALSE;
    }
    g_clear_pointer(&fake_media.sink, sink_unref);
    fake_media.sink = make(&events, user);
    if (fake_media.sink)
        fake_play_sound(fake_media.sink);
    return TRUE;
}

GBytes *room_hls(Room *room, Layout *layout, const char *file, const char **content_type,
                 guint *cache_seconds, GError **error)
{
    static const char playlist[] =
        "#EXTM3U\n#EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:2.0,\nseg-1.m4s\n";
    (void)room;
    g_free(fake_media.hls_layout);
    fake_media.hls_layout = g_strdup(layout ? layout_name(layout) : "");
    if (!fake_media.hls_ready) {
        fake_media_refuse(error, TESSERA_ERROR_UNAVAILABLE, "It begins; ask again in a second.");
        return NULL;
    }
    gboolean is_playlist = strcmp(file, "index.m3u8") == 0;
    if (!is_playlist && strcmp(file, "seg-1.m4s") != 0) {
        fake_media_refuse(error, TESSERA_ERROR_NOT_FOUND, "There is no such file.");
        return NULL;
    }
    *content_type = is_playlist ? "application/vnd.apple.mpegurl" : "video/iso.segment";
    *cache_seconds = is_playlist ? 0 : 60;
    return is_playlist ? g_bytes_new_static(playlist, strlen(playlist))
                       : g_bytes_new_static("segment", 7);
}

/* --- sources ----------------------------------------------------------------------------- */

Participant *room_add_source(Room *room, json_t *options, GError **error)
{
    const char *file = json_string_value(json_object_get(options, "file"));
    ParticipantOptions join = { .name = file, .client = "file", .publish = TRUE, .visible = TRUE };
    if (file)
        return room_join(room, &join, error);
    fake_media_refuse(error, TESSERA_ERROR_INVALID,
                      "Say \"file\", \"url\", \"pattern\" or \"image\".");
    return NULL;
}

json_t *room_source_to_json(Participant *participant)
{
    if (strcmp(participant->client, "file") != 0)
        return NULL;
    return json_pack("{s:s, s:s, s:b}", "id", participant->id, "file", participant->name, "paused",
                     participant->muted);
}

json_t *room_sources_json(Room *room)
{
    json_t *json = json_array();
    for (guint i = 0; i < room->participants->len; i++) {
        json_t *source = room_source_to_json(room->participants->pdata[i]);
        if (source)
            json_array_append_new(json, source);
    }
    return json;
}

gboolean room_source_patch(Participant *participant, json_t *patch, GError **error)
{
    const json_t *paused = json_object_get(patch, "paused");
    if (!json_is_boolean(paused)) {
        fake_media_refuse(error, TESSERA_ERROR_INVALID, "\"paused\" must be true or false.");
        return FALSE;
    }
    participant->muted = json_is_true(paused);
    return TRUE;
}

/* --- publishers -------------------------------------------------------------------------- */

static void fake_feed_stream(MediaKind kind, const AVCodecParameters *parameters, gpointer user)
{
    (void)kind;
    (void)parameters;
    (void)user;
    g_atomic_int_inc(&fake_media.streams);
}

static void fake_feed_packet(MediaKind kind, const AVPacket *packet, gint64 arrival_ns,
                             gpointer user)
{
    (void)kind;
    (void)packet;
    (void)arrival_ns;
    (void)user;
    g_atomic_int_inc(&fake_media.packets);
}

static void fake_feed_ended(const GError *error, gpointer user)
{
    (void)error;
    (void)user;
    g_atomic_int_inc(&fake_media.ended);
}

static void fake_feed_free(gpointer user)
{
    (void)user;
    g_atomic_int_inc(&fake_media.freed);
}

Participant *room_join_feed(Room *room, const RoomFeedOptions *options, const MediaEvents **events,
                            gpointer *events_user, GDestroyNotify *events_free, GError **error)
{
    static const MediaEvents fake_events = { fake_feed_stream, fake_feed_packet, fake_feed_ended };
    ParticipantOptions join = { .name = options->name,
                                .client = options->client,
                                .role = options->role,
                                .publish = TRUE,
                                .visible = TRUE,
                                .overrides_lock = options->overrides_lock };
    Participant *participant = room_join(room, &join, error);
    if (!participant)
        return NULL;
    participant->feed_gone = options->gone;
    participant->feed_user = options->user;
    *events = &fake_events;
    *events_user = NULL;
    *events_free = fake_feed_free;
    return participant;
}

void room_end_feed(Participant *participant, const char *reason)
{
    participant->feed_gone = NULL;
    participant_leave(participant, reason);
}

/* As many broadcasts that retry, and so on, as its place in the list. */
void rooms_output_totals(Rooms *rooms, RoomOutputTotals *totals)
{
    static const char *const kinds[ROOM_OUTPUT_TOTALS] = { "recording", "broadcast", "rtmp",
                                                           "hls" };
    (void)rooms;
    memset(totals, 0, ROOM_OUTPUT_TOTALS * sizeof *totals);
    for (guint i = 0; i < ROOM_OUTPUT_TOTALS; i++) {
        totals[i].kind = kinds[i];
        totals[i].states[SINK_RETRYING] = i;
        totals[i].bytes = 1000 * i;
    }
}
