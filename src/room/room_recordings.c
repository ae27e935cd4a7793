#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "io/recorder.h"
#include "io/recordings.h"
#include "room/json_patch.h"
#include "room/recording_log.h"
#include "room/room_outputs_private.h"
#include "room/room_tracks.h"

/* Recordings of a room: what is asked for, and where the files are. */

char *rooms_recording_dir(const Config *config)
{
    const char *configured = config_string(config, "record.dir");
    return *configured ? g_strdup(configured)
                       : g_build_filename(g_get_user_state_dir(), "tessera", "recordings", NULL);
}

typedef struct {
    RecorderFormat format;
    gboolean mix, video, isolated; /* video: of the mix */
    gint split_seconds;
    double split_bytes;
    json_t *hears;          /* (owned) or NULL: everybody */
    const CodecType *codec; /* of its pictures; NULL: none are recorded */
} RecordingWish;

static void recording_wish_clear(RecordingWish *wish)
{
    json_decref(wish->hears);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RecordingWish, recording_wish_clear)

static const char *const format_names[] = {
    [RECORDER_MP4] = "mp4",
    [RECORDER_WEBM] = "webm",
    [RECORDER_MKV] = "mkv",
};

static gboolean read_format(json_t *options, RecorderFormat *format, GError **error)
{
    json_t *asked = json_object_get(options, "format");
    *format = RECORDER_MP4;
    if (!asked)
        return TRUE;
    for (guint i = 0; i < G_N_ELEMENTS(format_names); i++) {
        if (g_strcmp0(json_string_value(asked), format_names[i]) == 0) {
            *format = (RecorderFormat)i;
            return TRUE;
        }
    }
    g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                        "format: write \"mp4\", \"webm\" or \"mkv\".");
    return FALSE;
}

/* One of "composite" (the mix in pictures and sound), "audio" (its sound) and "isolated". */
static gboolean read_track(const json_t *name, RecordingWish *wish, GError **error)
{
    const char *text = json_string_value(name);
    gboolean composite = g_strcmp0(text, "composite") == 0, sound = g_strcmp0(text, "audio") == 0;
    if (g_strcmp0(text, "isolated") == 0) {
        wish->isolated = TRUE;
        return TRUE;
    }
    if ((!composite && !sound) || wish->mix) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                            "tracks: write a list of \"composite\" or \"audio\", and "
                            "\"isolated\".");
        return FALSE;
    }
    wish->mix = TRUE;
    wish->video = composite && wish->video;
    return TRUE;
}

/* A list of tracks, or one. */
static gboolean read_tracks(json_t *options, RecordingWish *wish, GError **error)
{
    json_t *tracks = json_object_get(options, "tracks");
    gboolean is_list = json_is_array(tracks) && json_array_size(tracks) > 0;
    if (!tracks) {
        wish->mix = TRUE;
        return TRUE;
    }
    if (!is_list)
        return read_track(tracks, wish, error);
    for (gsize i = 0; i < json_array_size(tracks); i++) {
        if (!read_track(json_array_get(tracks, i), wish, error))
            return FALSE;
    }
    return TRUE;
}

/* Isolated tracks are of everybody as sent. */
static gboolean read_hears(json_t *options, RecordingWish *wish, GError **error)
{
    if (!room_hears_read(options, &wish->hears, error))
        return FALSE;
    if (!wish->hears || wish->mix)
        return TRUE;
    g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                        "hears: isolated tracks hold everybody as sent; leave it out, or record "
                        "\"composite\" or \"audio\" too (tracks).");
    return FALSE;
}

/* "h264", "vp8" or "vp9": what the format holds and we encode. Without it that which everybody
 * plays: in WebM VP8, else H.264. */
static gboolean read_codec(json_t *options, RecordingWish *wish, GError **error)
{
    const json_t *asked = json_object_get(options, "codec");
    const char *name = json_string_value(asked);
    if (!wish->mix || !wish->video) {
        if (asked)
            g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                                "codec: no picture of the mix is recorded; leave it out.");
        return !asked;
    }
    wish->codec = wish->format == RECORDER_WEBM ? &codec_vp8 : &codec_h264;
    if (asked)
        wish->codec = name ? codec_find(AVMEDIA_TYPE_VIDEO, name) : NULL;
    gboolean fits = !(wish->format == RECORDER_MP4 && wish->codec == &codec_vp8) &&
                    !(wish->format == RECORDER_WEBM && wish->codec == &codec_h264);
    if (wish->codec && wish->codec->video_encoder_new && fits)
        return TRUE;
    g_set_error_literal(
        error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
        "codec: write \"h264\" or \"vp9\" for mp4, \"vp8\" or \"vp9\" for webm, any of "
        "the three for mkv.");
    return FALSE;
}

static gboolean read_recording(json_t *options, RecordingWish *wish, GError **error)
{
    static const char *const keys[] = { "layout",      "format", "codec", "video", "split_seconds",
                                        "split_bytes", "tracks", "hears", NULL };
    wish->video = TRUE;
    return json_patch_check(options, keys, error) && read_format(options, &wish->format, error) &&
           json_patch_bool(options, "video", &wish->video, error) &&
           read_tracks(options, wish, error) && read_codec(options, wish, error) &&
           read_hears(options, wish, error) &&
           json_patch_int(options, "split_seconds", 10, 86400, &wish->split_seconds, error) &&
           json_patch_number(options, "split_bytes", 1 << 20, 1e13, &wish->split_bytes, error);
}

/* What the files of this room begin with: its name, a digest in place of a long one, and a dot,
 * which no room's name has. */
char *room_recording_prefix(const char *room_id)
{
    if (strlen(room_id) <= 40)
        return g_strconcat(room_id, ".", NULL);
    g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, room_id, -1);
    return g_strdup_printf("%.16s_%.32s.", room_id, sum);
}

json_t *rooms_closed_recordings_json(Rooms *rooms, const char *room_id)
{
    g_autofree char *prefix = room_recording_prefix(room_id);
    json_t *list = json_array();
    for (guint i = 0; i < rooms->ending->len; i++) {
        RoomOutput *output = rooms->ending->pdata[i];
        if (output->kind == OUTPUT_RECORDING && g_str_has_prefix(output->base, prefix))
            json_array_append_new(list, room_output_to_json(output));
    }
    return list;
}

static char *recording_base(Room *room, const char *id) ON_CONTROL_THREAD;
static char *recording_base(Room *room, const char *id)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *prefix = room_recording_prefix(room->id);
    g_autofree char *time = g_date_time_format(now, "%Y%m%dT%H%M%SZ");
    return g_strdup_printf("%s%s-%s", prefix, time, id);
}

static Sink *make_recorder(RoomOutput *output, const RecordingWish *wish,
                           GError **error) ON_CONTROL_THREAD;
static Sink *make_recorder(RoomOutput *output, const RecordingWish *wish, GError **error)
{
    const Config *config = output->room->rooms->config;
    g_autofree char *directory = rooms_recording_dir(config);
    SinkEvents events = room_output_events(output);
    RecorderOptions options = {
        .directory = directory,
        .name = output->base,
        .format = wish->format,
        .split_seconds = (guint)wish->split_seconds,
        .split_bytes = (guint64)wish->split_bytes,
        .min_free_bytes = (guint64)config_int(config, "record.min_free_mb") << 20,
        .clock = output->clock,
    };
    Sink *sink = recorder_new(&options, &events, error);
    if (!sink)
        room_output_unused(&events);
    return sink;
}

/* AAC beside H.264 in MP4, which everything plays; else what WebRTC has anyway. */
static GraphTapCodec sound_codec(const RecordingWish *wish)
{
    gboolean aac = wish->format == RECORDER_MP4 && wish->codec != &codec_vp9;
    return aac ? GRAPH_TAP_AAC : GRAPH_TAP_OPUS;
}

static gboolean is_long_enough(gpointer data)
{
    RoomOutput *output = data;
    thread_assert_control();
    output->end_timer = 0;
    log_warning("room", "room %s: recording %s ends, it has run for record.max_hours",
                output->room->id, output->base);
    room_output_stop(output);
    return G_SOURCE_REMOVE;
}

/* What the mix is recorded with. */
static gboolean open_mix(RoomOutput *output, const RecordingWish *wish, Layout *layout,
                         GError **error) ON_CONTROL_THREAD;
static gboolean open_mix(RoomOutput *output, const RecordingWish *wish, Layout *layout,
                         GError **error)
{
    if (!wish->mix)
        return TRUE;
    if (wish->video && !room_output_open_view(output, layout, error))
        return FALSE;
    output->sink = make_recorder(output, wish, error);
    return output->sink != NULL;
}

RoomOutput *room_start_recording(Room *room, json_t *options, GError **error)
{
    g_auto(RecordingWish) wish = { 0 };
    GError *problem = NULL;
    if (!read_recording(options, &wish, error) ||
        !room_output_may_start(room, OUTPUT_RECORDING, "record.max", error))
        return NULL;
    g_autoptr(Layout) layout = room_output_layout(room, options, &problem);
    if (problem) {
        g_propagate_error(error, problem);
        return NULL;
    }
    RoomOutput *output = room_output_new(room, OUTPUT_RECORDING);
    output->base = recording_base(room, output->id);
    output->format = wish.format;
    output->clock = recorder_clock_new();
    output->codec = wish.codec;
    output->video = wish.codec != NULL;
    output->audio = wish.mix;
    output->hears = g_steal_pointer(&wish.hears);
    if (!open_mix(output, &wish, layout, error)) {
        room_output_free(output);
        return NULL;
    }
    room_output_connect(output, wish.codec, sound_codec(&wish));
    room_recording_begin(output, wish.isolated);
    output->end_timer = g_timeout_add_seconds(
        3600 * (guint)config_int(room->rooms->config, "record.max_hours"), is_long_enough, output);
    log_info("room", "room %s: recording %s", room->id, output->base);
    return output;
}

/* --- its course -------------------------------------------------------------------------- */

static gint64 mix_us(const RoomOutput *output)
{
    return (engine_now_ns(output->room->rooms->engine) - graph_mix_epoch_ns(output->room->graph)) /
           NS_PER_US;
}

gint64 room_output_time_us(const RoomOutput *output)
{
    gint64 begin_us, at_us;
    if (output->paused || output->ended ||
        !recorder_clock_find(output->clock, output->pauses, &begin_us, &at_us))
        return output->paused_at_us;
    return at_us + MAX(mix_us(output) - begin_us, 0);
}

static void on_room_event(Room *room, RoomEventType type, Participant *participant, json_t *data,
                          gpointer user)
{
    RoomOutput *output = user;
    (void)room;
    thread_assert_control();
    if (output->tracks && participant && (type == ROOM_EVENT_JOINED || type == ROOM_EVENT_UPDATED))
        room_tracks_join(output->tracks, participant);
    if (output->tracks && type == ROOM_EVENT_LEFT)
        room_tracks_leave(output->tracks, json_string_value(json_object_get(data, "id")));
    recording_log_room_event(output->log, type, participant, data);
}

void room_recording_begin(RoomOutput *output, gboolean isolated)
{
    /* Where the mix is recorded, its first packet says when the recording begins. */
    if (!output->sink)
        recorder_clock_open(output->clock, 0, mix_us(output), 0);
    if (isolated)
        output->tracks = room_tracks_new(output);
    output->log = recording_log_new(output);
    output->listener = room_listen(output->room, on_room_event, output);
    recording_log_write(output->log);
    if (!output->sink)
        room_output_changed(output);
}

void room_recording_end(RoomOutput *output)
{
    output->paused_at_us = room_output_time_us(output);
    if (output->listener)
        room_unlisten(output->room, output->listener);
    output->listener = 0;
    if (output->tracks)
        room_tracks_finish(output->tracks);
    if (output->log)
        recording_log_note(output->log, "end");
}

void room_recording_pause(RoomOutput *output)
{
    gboolean paused = !output->paused;
    if (paused)
        output->paused_at_us = room_output_time_us(output);
    else
        output->pauses++;
    output->paused = paused;
    if (!paused && !output->sink)
        recorder_clock_open(output->clock, output->pauses, mix_us(output), output->paused_at_us);
    if (output->sink)
        sink_pause(output->sink, paused);
    if (output->tracks)
        room_tracks_pause(output->tracks, paused);
    recording_log_note(output->log, paused ? "pause" : "resume");
    if (!output->sink)
        room_output_changed(output);
}

void room_recording_free(RoomOutput *output)
{
    room_tracks_free(output->tracks);
    recording_log_free(output->log);
    recorder_clock_unref(output->clock);
}

void room_recording_add_json(const RoomOutput *output, json_t *json)
{
    json_t *tracks = json_array();
    g_autofree char *sidecar = g_strconcat(output->base, ".json", NULL);
    g_autofree char *codec = output->codec ? g_ascii_strdown(output->codec->name, -1) : NULL;
    json_object_set_new(json, "format", json_string(format_names[output->format]));
    json_object_set_new(json, "codec", codec ? json_string(codec) : json_null());
    if (output->sink)
        json_array_append_new(tracks, json_string(output->video ? "composite" : "audio"));
    if (output->tracks)
        json_array_append_new(tracks, json_string("isolated"));
    json_object_set_new(json, "tracks", tracks);
    json_object_set_new(json, "sidecar", json_string(sidecar));
    json_object_set_new(json, "isolated",
                        output->tracks ? room_tracks_json(output->tracks) : json_array());
    if (output->tracks)
        room_tracks_add_files(output->tracks, json_object_get(json, "files"));
}

json_t *room_recording_timeline(RoomOutput *output)
{
    return recording_log_timeline(output->log);
}
