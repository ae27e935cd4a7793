#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "io/recorder.h"
#include "room/json_patch.h"
#include "room/recording_log.h"
#include "room/room_outputs_private.h"
#include "room/room_tracks.h"

/* What a room gives to files, other servers and players: for each a view, a tap and a sink.
 *
 *   view (layout) -> scene -> rendition -> tap -> sink        mix -> AAC or Opus -> tap -> sink
 *
 * The mix is everybody's, or that of the people whom the output hears (room_hearing.h). */

#define MAX_ENDED 20 /* of each kind that stay listed */

/* --- events of the sinks ----------------------------------------------------------------- */

static void link_unref(gpointer data)
{
    OutputLink *link = data;
    if (!g_atomic_int_dec_and_test(&link->refs))
        return;
    pthread_mutex_destroy(&link->lock);
    g_free(link);
}

static OutputLink *link_ref(OutputLink *link)
{
    g_atomic_int_inc(&link->refs);
    return link;
}

static gboolean has_ended(SinkState state)
{
    return state == SINK_FINISHED || state == SINK_FAILED;
}

gboolean room_sink_is_running(Sink *sink)
{
    SinkStatus status;
    sink_status(sink, &status);
    return !has_ended(status.state);
}

/* Isolated tracks end after everything else. */
static SinkState state_with_tracks(const RoomOutput *output, const SinkStatus *status)
{
    gboolean running = room_tracks_running(output->tracks) > 0;
    if (output->sink)
        return running && has_ended(status->state) ? SINK_FINISHING : status->state;
    if (!output->ended)
        return output->paused ? SINK_PAUSED : SINK_RUNNING;
    if (running)
        return SINK_FINISHING;
    return *status->error ? SINK_FAILED : SINK_FINISHED;
}

void room_output_status(const RoomOutput *output, SinkStatus *status)
{
    memset(status, 0, sizeof *status);
    if (output->sink)
        sink_status(output->sink, status);
    else
        status->duration_us = room_output_time_us(output);
    if (!output->tracks)
        return;
    room_tracks_add_status(output->tracks, status, output->sink == NULL);
    status->state = state_with_tracks(output, status);
}

static gboolean is_unfinished(const RoomOutput *output) ON_CONTROL_THREAD;
static gboolean is_unfinished(const RoomOutput *output)
{
    SinkStatus status;
    room_output_status(output, &status);
    return !has_ended(status.state);
}

gboolean room_output_is_running(const RoomOutput *output)
{
    return is_unfinished(output) || (output->log && recording_log_is_busy(output->log));
}

static void close_tap(RoomOutput *output) ON_CONTROL_THREAD;
static void close_tap(RoomOutput *output)
{
    pthread_mutex_lock(&output->link->lock);
    output->link->tap = NULL;
    pthread_mutex_unlock(&output->link->lock);
    tap_close(g_steal_pointer(&output->tap));
}

/* What it took from the room is given back; the sink writes its end. */
static void disconnect(RoomOutput *output) ON_CONTROL_THREAD;
static void disconnect(RoomOutput *output)
{
    gboolean had_view = output->view != NULL;
    if (!output->ended && output->kind == OUTPUT_RECORDING)
        room_recording_end(output);
    output->ended = TRUE;
    close_tap(output);
    room_mix_drop(g_steal_pointer(&output->mix));
    view_free(g_steal_pointer(&output->view));
    if (output->hls_timer)
        g_source_remove(output->hls_timer);
    output->hls_timer = 0;
    if (output->end_timer)
        g_source_remove(output->end_timer);
    output->end_timer = 0;
    if (had_view)
        room_views_update(output->room->views);
}

void room_output_free(RoomOutput *output)
{
    disconnect(output);
    room_output_count_end(output);
    room_recording_free(output);
    output->link->output = NULL;
    link_unref(output->link);
    sink_unref(output->sink);
    json_decref(output->hears);
    g_free(output->room_id);
    g_free(output->id);
    g_free(output->base);
    g_free(output->url);
    g_free(output);
}

void room_output_unused(const SinkEvents *events)
{
    link_unref(events->user);
}

static gboolean is_listed_kind(OutputKind kind)
{
    return kind == OUTPUT_RECORDING || kind == OUTPUT_BROADCAST;
}

/* Those that ended long ago make room for new ones. */
static void forget_old(Room *room) ON_CONTROL_THREAD;
static void forget_old(Room *room)
{
    guint ended = 0;
    for (guint i = room->outputs->len; i > 0; i--) {
        RoomOutput *output = room->outputs->pdata[i - 1];
        if (room_output_is_running(output) || ++ended <= MAX_ENDED)
            continue;
        g_ptr_array_remove_index(room->outputs, i - 1);
        room_output_free(output);
    }
}

static void log_failure(const RoomOutput *output, const char *error)
{
    static const char *const kinds[] = { "recording", "broadcast", "player", "HLS" };
    const char *room = output->room_id, *kind = kinds[output->kind];
    if (is_listed_kind(output->kind))
        log_warning("room", "room %s, %s %s: %s", room, kind, output->id, error);
    else
        log_limited(LOG_WARNING, "room", "room %s, %s %s: %s", room, kind, output->id, error);
}

/* What the mix is recorded in has ended, or without it the last track has failed: all ends. */
static gboolean ends_with_part(const RoomOutput *output, const SinkStatus *status)
{
    if (output->sink)
        return !room_sink_is_running(output->sink);
    return *status->error && room_tracks_running(output->tracks) == 0;
}

static void emit(RoomOutput *output) ON_CONTROL_THREAD;
static void emit(RoomOutput *output)
{
    gboolean recording = output->kind == OUTPUT_RECORDING;
    if (output->room && is_listed_kind(output->kind))
        room_emit(output->room, recording ? ROOM_EVENT_RECORDING : ROOM_EVENT_BROADCAST, NULL,
                  room_output_to_json(output));
}

/* It has ended, and says so once. */
static void end(RoomOutput *output, const SinkStatus *status) ON_CONTROL_THREAD;
static void end(RoomOutput *output, const SinkStatus *status)
{
    Room *room = output->room;
    if (status->state == SINK_FAILED)
        log_failure(output, status->error);
    if (!room)
        return;
    if (status->state == SINK_FAILED && output->hls_timer) {
        close_tap(output); /* whoever asks is told why, until its timer ends */
        return;
    }
    disconnect(output);
    if (!is_listed_kind(output->kind)) {
        g_ptr_array_remove(room->outputs, output);
        room_output_free(output);
    }
    forget_old(room);
}

static void changed_on_control(gpointer data)
{
    OutputLink *link = data;
    RoomOutput *output = link->output;
    SinkStatus status;
    thread_assert_control();
    g_atomic_int_set(&link->told, 0);
    if (!output)
        return;
    room_output_status(output, &status);
    if (output->tracks)
        room_tracks_let_go(output->tracks);
    if (output->tracks && ends_with_part(output, &status)) {
        disconnect(output);
        room_output_status(output, &status);
    }
    emit(output);
    if (!link->output) /* whoever was told closed it */
        return;
    if (output->log && has_ended(status.state))
        recording_log_write(output->log);
    else if (output->log)
        recording_log_write_soon(output->log);
    if (has_ended(status.state))
        end(output, &status);
}

/* However often it changes, it is told once at a time. */
static void tell(OutputLink *link)
{
    if (g_atomic_int_compare_and_exchange(&link->told, 0, 1))
        mailbox_post(engine_control_mailbox(link->engine), changed_on_control, link_ref(link),
                     link_unref);
}

static void on_changed(Sink *sink, gpointer user)
{
    (void)sink;
    tell(user);
}

void room_output_changed(RoomOutput *output)
{
    tell(output->link);
}

static void on_want_keyframe(Sink *sink, gpointer user)
{
    OutputLink *link = user;
    (void)sink;
    pthread_mutex_lock(&link->lock);
    if (link->tap)
        tap_want_keyframe(link->tap);
    pthread_mutex_unlock(&link->lock);
}

/* --- starting ---------------------------------------------------------------------------- */

RoomOutput *room_output_new(Room *room, OutputKind kind)
{
    static const char *const prefixes[] = { "r", "b", "play", "hls" };
    RoomOutput *output = g_new0(RoomOutput, 1);
    gboolean recording = kind == OUTPUT_RECORDING;
    output->rooms = room->rooms;
    output->room = room;
    output->room_id = g_strdup(room->id);
    output->kind = kind;
    output->id = g_strdup_printf("%s%u", prefixes[kind],
                                 recording ? ++room->rooms->next_recording : ++room->next_output);
    output->created_ns = engine_now_ns(room->rooms->engine);
    output->video = output->audio = TRUE;
    output->link = g_new0(OutputLink, 1);
    output->link->refs = 1;
    output->link->engine = room->rooms->engine;
    output->link->output = output;
    pthread_mutex_init(&output->link->lock, NULL);
    return output;
}

SinkEvents room_output_events(RoomOutput *output)
{
    return (SinkEvents){ .changed = on_changed,
                         .want_keyframe = on_want_keyframe,
                         .user = link_ref(output->link),
                         .user_free = link_unref };
}

static void on_view_moved(gpointer user)
{
    RoomOutput *output = user;
    thread_assert_control();
    if (output->tap)
        tap_follow(output->tap, view_scene(output->view));
}

/* What it shows. layout NULL: the room's own. */
gboolean room_output_open_view(RoomOutput *output, Layout *layout, GError **error)
{
    Room *room = output->room;
    ViewChoice choice = { .layout = layout };
    ViewOwner owner = { NULL, on_view_moved, output };
    room_release_snapshots(room);
    if (!room_views_have_room(room->views, &choice, NULL, error))
        return FALSE;
    output->view = view_new(room->views, &choice, &owner);
    room_views_update(room->views);
    return TRUE;
}

void room_output_connect(RoomOutput *output, const CodecType *codec, GraphTapCodec audio)
{
    const Config *config = output->room->rooms->config;
    Scene *scene = output->view ? view_scene(output->view) : NULL;
    const SceneSpec *canvas = scene ? scene_spec(scene) : NULL;
    gboolean shared = codec == codec_find(AVMEDIA_TYPE_VIDEO, config_string(config, "video.codec"));
    if (output->audio && output->hears)
        output->mix = room_mix_take(output->room, output->hears);
    TapSpec spec = { .video = output->video ? codec : NULL,
                     .width = canvas ? canvas->width : 0,
                     .height = canvas ? canvas->height : 0,
                     .bitrate_bps = (gint)config_int(config, shared ? "video.bitrate"
                                                                    : "output.video_bitrate"),
                     .audio = output->audio ? audio : GRAPH_TAP_NONE,
                     .mix = output->mix ? room_mix_graph(output->mix) : NULL,
                     .audio_bitrate_bps = (gint)config_int(config, "output.audio_bitrate") };
    if (output->sink)
        output->tap =
            tap_new(output->room->rooms->engine, output->room->graph, scene, &spec, output->sink);
    pthread_mutex_lock(&output->link->lock);
    output->link->tap = output->tap;
    pthread_mutex_unlock(&output->link->lock);
    g_ptr_array_add(output->room->outputs, output);
    room_output_count_start(output);
}

guint room_outputs_count(const Room *room, OutputKind kind)
{
    guint n = 0;
    for (guint i = 0; i < room->outputs->len; i++) {
        const RoomOutput *output = room->outputs->pdata[i];
        n += output->kind == kind && is_unfinished(output);
    }
    return n;
}

gboolean room_output_may_start(Room *room, OutputKind kind, const char *key, GError **error)
{
    if (room->rooms->draining) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                            "The server is shutting down; try again in a minute.");
        return FALSE;
    }
    gint64 most = config_int(room->rooms->config, key);
    if (room_outputs_count(room, kind) < most)
        return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                "Room %s has %d of these already (%s): stop one first.", room->id, (int)most, key);
    return FALSE;
}

/* (transfer full) The layout that the options ask for; NULL without an error: the room's own. */
Layout *room_output_layout(Room *room, json_t *options, GError **error)
{
    json_t *choice = json_object_get(options, "layout");
    if (!choice || json_is_null(choice))
        return NULL;
    return rooms_layout_from_json(room->rooms, choice, error);
}

/* --- what there is ----------------------------------------------------------------------- */

static gboolean is_kind(const RoomOutput *output, RoomOutputKind kind)
{
    return output->kind == (kind == ROOM_RECORDING ? OUTPUT_RECORDING : OUTPUT_BROADCAST);
}

RoomOutput *room_find_output(Room *room, RoomOutputKind kind, const char *id)
{
    for (guint i = 0; i < room->outputs->len; i++) {
        RoomOutput *output = room->outputs->pdata[i];
        if (is_kind(output, kind) && strcmp(output->id, id) == 0)
            return output;
    }
    return NULL;
}

static json_t *files_json(Sink *sink)
{
    json_t *list = json_array();
    g_autoptr(GPtrArray) files = sink ? recorder_files(sink) : g_ptr_array_new();
    for (guint i = 0; i < files->len; i++)
        json_array_append_new(list, json_pack("{s:s}", "name", (const char *)files->pdata[i]));
    return list;
}

json_t *room_output_to_json(RoomOutput *output)
{
    SinkStatus status;
    room_output_status(output, &status);
    Layout *layout = output->view ? view_layout(output->view) : NULL;
    gint64 created_s = clock_wall_ns(output->created_ns) / NS_PER_SEC;
    json_t *json = json_pack(
        "{s:s, s:s, s:s?, s:I, s:f, s:I, s:I, s:I, s:i, s:s?, s:b, s:O?}", "id", output->id,
        "state", sink_state_name(status.state), "error", *status.error ? status.error : NULL,
        "created", (json_int_t)created_s, "duration", (double)status.duration_us / G_USEC_PER_SEC,
        "packets", (json_int_t)status.packets, "bytes", (json_int_t)status.bytes, "dropped",
        (json_int_t)status.dropped, "reconnects", (int)status.reconnects, "layout",
        layout ? layout_name(layout) : NULL, "paused", output->paused, "hears", output->hears);
    if (output->kind == OUTPUT_BROADCAST) {
        json_object_set_new(json, "url", json_string(output->url ? output->url : ""));
        json_object_set_new(json, "video", json_boolean(output->video));
        json_object_set_new(json, "audio", json_boolean(output->audio));
    }
    if (output->kind == OUTPUT_RECORDING) {
        json_object_set_new(json, "files", files_json(output->sink));
        room_recording_add_json(output, json);
    }
    return json;
}

json_t *room_outputs_json(Room *room, RoomOutputKind kind)
{
    json_t *list = json_array();
    for (guint i = 0; i < room->outputs->len; i++) {
        RoomOutput *output = room->outputs->pdata[i];
        if (is_kind(output, kind))
            json_array_append_new(list, room_output_to_json(output));
    }
    return list;
}

/* FALSE with CONFLICT for what cannot be changed as it is now, or ever. */
static gboolean may_change(const RoomOutput *output, gboolean pauses, gboolean layout,
                           GError **error)
{
    if (output->ended) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_CONFLICT, "%s has ended already.",
                    output->id);
        return FALSE;
    }
    if (pauses && output->kind != OUTPUT_RECORDING) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                            "paused: only recordings can be paused.");
        return FALSE;
    }
    if (layout && !output->view) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_CONFLICT,
                    "layout: %s has no picture of the mix, so it has no layout; start another one "
                    "with a picture.",
                    output->id);
        return FALSE;
    }
    return TRUE;
}

gboolean room_output_patch(RoomOutput *output, json_t *patch, GError **error)
{
    static const char *const keys[] = { "paused", "layout", NULL };
    gboolean paused = output->paused;
    GError *problem = NULL;
    if (!json_patch_check(patch, keys, error) || !json_patch_bool(patch, "paused", &paused, error))
        return FALSE;
    g_autoptr(Layout) layout = room_output_layout(output->room, patch, &problem);
    if (problem) {
        g_propagate_error(error, problem);
        return FALSE;
    }
    ViewChoice choice = { .layout = layout };
    gboolean chooses = json_object_get(patch, "layout") != NULL;
    if (!may_change(output, paused != output->paused, chooses, error))
        return FALSE;
    if (chooses) {
        if (!view_choose(output->view, &choice, error))
            return FALSE;
        room_views_update(output->room->views);
        if (output->log)
            recording_log_note(output->log, "layout");
    }
    if (paused != output->paused)
        room_recording_pause(output);
    return TRUE;
}

void room_output_stop(RoomOutput *output)
{
    Sink *sink = output->sink ? sink_ref(output->sink) : NULL;
    disconnect(output);
    if (sink)
        sink_finish(sink);
    sink_unref(sink);
    if (!output->sink)
        room_output_changed(output); /* no sink tells it */
}

/* --- the end ----------------------------------------------------------------------------- */

void room_ending_free(gpointer data)
{
    RoomOutput *output = data;
    thread_assert_control();
    room_output_free(output);
}

/* Its room is gone; it stays until it has written its end. */
static void keep_ending(RoomOutput *output) ON_CONTROL_THREAD;
static void keep_ending(RoomOutput *output)
{
    GPtrArray *all = output->rooms->ending;
    for (guint i = all->len; i > 0; i--) {
        if (!room_output_is_running(all->pdata[i - 1]))
            g_ptr_array_remove_index_fast(all, i - 1);
    }
    output->room = NULL;
    g_ptr_array_add(all, output);
}

typedef void (*VisitRunning)(const char *recording, gpointer user);

/* Those that have not written their end yet. */
ON_CONTROL_THREAD static void foreach_running(Rooms *rooms, VisitRunning visit, gpointer user)
{
    GHashTableIter iter;
    gpointer value;
    for (guint i = 0; i < rooms->ending->len; i++) {
        const RoomOutput *output = rooms->ending->pdata[i];
        if (room_output_is_running(output))
            visit(output->base, user);
    }
    g_hash_table_iter_init(&iter, rooms->by_id);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Room *room = value;
        for (guint i = 0; i < room->outputs->len; i++) {
            const RoomOutput *output = room->outputs->pdata[i];
            if (is_listed_kind(output->kind) && room_output_is_running(output))
                visit(output->base, user);
        }
    }
}

static void count_running(const char *recording, gpointer user)
{
    (void)recording;
    ++*(guint *)user;
}

guint rooms_outputs_running(Rooms *rooms)
{
    guint running = 0;
    foreach_running(rooms, count_running, &running);
    return running;
}

static void add_recording(const char *recording, gpointer user)
{
    GPtrArray *names = user;
    if (recording && !g_ptr_array_find_with_equal_func(names, recording, g_str_equal, NULL))
        g_ptr_array_add(names, g_strdup(recording));
}

GPtrArray *rooms_recordings_unfinished(Rooms *rooms)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    foreach_running(rooms, add_recording, names);
    return names;
}

void rooms_finish_outputs(Rooms *rooms)
{
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, rooms->by_id);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const Room *room = value;
        for (guint i = 0; i < room->outputs->len; i++) {
            RoomOutput *output = room->outputs->pdata[i];
            if (is_listed_kind(output->kind))
                room_output_stop(output);
        }
    }
}

void room_close_outputs(Room *room)
{
    while (room->outputs->len > 0) {
        RoomOutput *output = room->outputs->pdata[room->outputs->len - 1];
        g_ptr_array_set_size(room->outputs, (gint)room->outputs->len - 1);
        room_output_stop(output);
        if (is_listed_kind(output->kind))
            keep_ending(output);
        else
            room_output_free(output);
    }
}
