#include "room/room.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "room/room_outputs_private.h"
#include "room/room_private.h"

/* --- life -------------------------------------------------------------------------------- */

static void on_speaking(const char *id, gboolean speaking, gpointer user)
{
    Room *room = user;
    thread_assert_control();
    Participant *participant = room_find(room, id);
    if (!participant)
        return;
    participant->speaking = speaking;
    room_emit(room, ROOM_EVENT_SPEAKING, participant,
              json_pack("{s:s, s:b}", "id", id, "speaking", speaking));
}

static void on_speaker(const char *id, gpointer user)
{
    Room *room = user;
    thread_assert_control();
    Participant *participant = room_find(room, id);
    if (!participant || g_strcmp0(room->speaker, id) == 0)
        return;
    g_free(room->speaker);
    room->speaker = g_strdup(id);
    participant->spoken = ++room->next_spoken;
    room_emit(room, ROOM_EVENT_SPEAKER, participant, json_pack("{s:s}", "id", id));
    room_views_update(room->views);
}

ON_CONTROL_THREAD static void open_own_view(Room *room)
{
    const char *name = config_string(room->rooms->config, "layout.default");
    Layout *layout = layout_store_get(room->rooms->layouts, name, NULL);
    /* It may have been deleted since the start. */
    ViewChoice choice = { .layout = layout ? layout : room->rooms->default_layout };
    ViewOwner owner = { NULL, NULL, NULL };
    room->views = room_views_new(room);
    room->own_view = view_new(room->views, &choice, &owner);
    room_views_update(room->views);
}

Room *room_new(Rooms *rooms, const char *id)
{
    const Config *config = rooms->config;
    Room *room = g_new0(Room, 1);
    GraphSpec spec = { .audio_bitrate_bps = (gint)config_int(config, "audio.bitrate"),
                       .audio_complexity = (gint)config_int(config, "audio.complexity"),
                       .aac_bitrate_bps = (gint)config_int(config, "output.audio_bitrate"),
                       .speaker_hold_ns = config_int(config, "room.speaker_hold_ms") * NS_PER_MS,
                       .speaking = on_speaking,
                       .speaker = on_speaker,
                       .user = room };
    room->rooms = rooms;
    room->id = g_strdup(id);
    room->created_ns = engine_now_ns(rooms->engine);
    room->width = (gint)config_int(config, "video.width") & ~1;
    room->height = (gint)config_int(config, "video.height") & ~1;
    room->background = -1;
    room->version = g_random_int(); /* not that of a room of this name that was here before */
    room->max_participants = (guint)config_int(config, "room.max_participants");
    room->participants = g_ptr_array_new();
    room->snapshots = g_ptr_array_new();
    room->outputs = g_ptr_array_new();
    room->mixes = g_ptr_array_new();
    room->listeners = g_array_new(FALSE, FALSE, sizeof(RoomListenerEntry));
    room->graph = graph_new(rooms->engine, &spec);
    open_own_view(room);
    room_watch_empty(room);
    return room;
}

void room_close(Room *room, const char *reason)
{
    while (room->participants->len > 0)
        participant_leave(room->participants->pdata[room->participants->len - 1], reason);
    room_emit(room, ROOM_EVENT_CLOSED, NULL, json_pack("{s:s}", "reason", reason));
    log_info("room", "room %s is closed: %s", room->id, reason);
    g_hash_table_remove(room->rooms->by_id, room->id);
    if (room->empty_timer)
        g_source_remove(room->empty_timer);
    room_drop_snapshots(room);
    room_close_outputs(room);
    view_free(room->own_view);
    room_views_free(room->views);
    graph_close(room->graph);
    g_ptr_array_unref(room->participants);
    g_ptr_array_unref(room->snapshots);
    g_ptr_array_unref(room->outputs);
    g_ptr_array_unref(room->mixes);
    g_array_unref(room->listeners);
    g_free(room->speaker);
    g_free(room->id);
    g_free(room);
}

static gboolean empty_for_long(gpointer data)
{
    Room *room = data;
    thread_assert_control();
    room->empty_timer = 0;
    room_close(room, "nobody was in it");
    return G_SOURCE_REMOVE;
}

void room_watch_empty(Room *room)
{
    if (room->empty_timer) {
        g_source_remove(room->empty_timer);
        room->empty_timer = 0;
    }
    if (room->participants->len == 0 && !room->keep)
        room->empty_timer = g_timeout_add_seconds(
            (guint)config_int(room->rooms->config, "room.empty_seconds"), empty_for_long, room);
}

/* --- events ------------------------------------------------------------------------------ */

const char *room_event_name(RoomEventType type)
{
    static const char *const names[] = { "joined",  "updated",  "left",      "speaking", "layout",
                                         "state",   "draining", "closed",    "opened",   "room",
                                         "speaker", "view",     "recording", "broadcast" };
    return names[type];
}

guint room_listen_as(Room *room, const Participant *self, RoomListener listener, gpointer user)
{
    RoomListenerEntry entry = { ++room->next_listener, self, listener, user };
    g_array_append_val(room->listeners, entry);
    return entry.id;
}

guint room_listen(Room *room, RoomListener listener, gpointer user)
{
    return room_listen_as(room, NULL, listener, user);
}

void room_unlisten(Room *room, guint id)
{
    for (guint i = 0; i < room->listeners->len; i++) {
        if (g_array_index(room->listeners, RoomListenerEntry, i).id == id) {
            g_array_remove_index(room->listeners, i);
            return;
        }
    }
}

static gint compare_listeners(gconstpointer a, gconstpointer b)
{
    guint first = ((const RoomListenerEntry *)a)->id, second = ((const RoomListenerEntry *)b)->id;
    return (first > second) - (first < second);
}

/* Entries stand in the order of their ids. */
static gboolean still_listens(const GArray *listeners, const RoomListenerEntry *entry)
{
    return bsearch(entry, listeners->data, listeners->len, sizeof *entry, compare_listeners) !=
           NULL;
}

/* One event on its way to those who listen. */
typedef struct {
    Room *room;
    RoomEventType type;
    Participant *participant;
    json_t *data;
    guint leavings; /* as it began */
} RoomEvent;

/* TRUE if whom it is about is gone: a listener made it leave. */
static gboolean is_outdated(const RoomEvent *event)
{
    return event->participant && event->room->leavings != event->leavings &&
           !g_ptr_array_find(event->room->participants, event->participant, NULL);
}

static gboolean concerns(const RoomListenerEntry *entry, const RoomEvent *event)
{
    return event->type != ROOM_EVENT_VIEW || !entry->self || entry->self == event->participant;
}

/* A listener may remove itself or others while it is called. */
static void tell_all(const GArray *listeners, const RoomEvent *event)
{
    guint count = listeners->len;
    g_autofree RoomListenerEntry *copy =
        g_memdup2(listeners->data, count * sizeof(RoomListenerEntry));
    for (guint i = 0; i < count && !is_outdated(event); i++) {
        if (concerns(&copy[i], event) && still_listens(listeners, &copy[i]))
            copy[i].listener(event->room, event->type, event->participant, event->data,
                             copy[i].user);
    }
}

void room_emit(Room *room, RoomEventType type, Participant *participant, json_t *data)
{
    RoomEvent event = { room, type, participant, data, room->leavings };
    tell_all(room->rooms->listeners, &event);
    tell_all(room->listeners, &event);
    json_decref(data);
}

/* --- who is here ------------------------------------------------------------------------- */

const char *room_id(const Room *room)
{
    return room->id;
}

static gboolean may_join(Room *room, const ParticipantOptions *options, GError **error)
{
    if (room->rooms->draining) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                            "The server is shutting down; try again in a minute.");
        return FALSE;
    }
    if (room->locked && !options->overrides_lock) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_FORBIDDEN,
                    "Room %s is locked; ask its moderator to let you in.", room->id);
        return FALSE;
    }
    if (room->participants->len >= room->max_participants) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                    "Room %s is full: it holds %u participants (room.max_participants).", room->id,
                    room->max_participants);
        return FALSE;
    }
    return TRUE;
}

Participant *room_join(Room *room, const ParticipantOptions *options, GError **error)
{
    if (!may_join(room, options, error))
        return NULL;
    Participant *participant = participant_new(room, options, error);
    if (!participant)
        return NULL;
    g_ptr_array_add(room->participants, participant);
    room_watch_empty(room);
    log_info("room", "%s joined room %s as %s (%s)", participant->name, room->id, participant->id,
             participant->client);
    room_touch(room);
    room_update_hearing(room);
    room_emit(room, ROOM_EVENT_JOINED, participant, participant_to_json(participant));
    room_views_update(room->views);
    return participant;
}

void room_forget(Room *room, Participant *participant)
{
    room->leavings++;
    g_ptr_array_remove(room->participants, participant);
    room_take_floor(room, participant);
    participant_free(participant);
    room_update_hearing(room);
    room_watch_empty(room);
    room_views_update(room->views);
}

void room_take_floor(Room *room, const Participant *participant)
{
    if (g_strcmp0(room->speaker, participant->id) != 0)
        return;
    g_clear_pointer(&room->speaker, g_free);
    room_emit(room, ROOM_EVENT_SPEAKER, NULL, json_pack("{s:n}", "id"));
}

Participant *room_find(Room *room, const char *participant_id)
{
    for (guint i = 0; i < room->participants->len; i++) {
        Participant *participant = room->participants->pdata[i];
        if (strcmp(participant->id, participant_id) == 0)
            return participant;
    }
    return NULL;
}

Participant *room_resume(Room *room, const char *session)
{
    for (guint i = 0; i < room->participants->len; i++) {
        Participant *participant = room->participants->pdata[i];
        if (strcmp(participant->session, session) == 0)
            return participant;
    }
    return NULL;
}

static json_t *colour_json(gint64 rgb)
{
    char text[8];
    if (rgb < 0)
        return json_null();
    g_snprintf(text, sizeof text, "#%06x", (guint)rgb);
    return json_string(text);
}

json_t *room_to_json(Room *room)
{
    const SceneSpec *video = scene_spec(room_own_scene(room));
    json_t *people = json_array();
    for (guint i = 0; i < room->participants->len; i++) {
        Participant *participant = room->participants->pdata[i];
        json_array_append_new(people, participant_to_json(participant));
    }
    gint64 created_s = clock_wall_ns(room->created_ns) / NS_PER_SEC;
    return json_pack(
        "{s:s, s:I, s:s, s:b, s:i, s:o, s:b, s:{s:i, s:i, s:i}, s:s?, s:i, s:b, s:b, s:o}", "id",
        room->id, "created", (json_int_t)created_s, "layout",
        layout_name(view_layout(room->own_view)), "locked", room->locked, "max_participants",
        (int)room->max_participants, "background", colour_json(room->background), "ducking",
        room->ducking, "video", "width", room->width, "height", room->height, "fps", video->fps,
        "speaker", room->speaker, "scenes", (int)room_views_scenes(room->views), "recording",
        room_outputs_count(room, OUTPUT_RECORDING) > 0, "broadcast",
        room_outputs_count(room, OUTPUT_BROADCAST) > 0, "participants", people);
}

guint64 room_version(const Room *room)
{
    return room->version;
}

void room_touch(Room *room)
{
    room->version++;
}

Scene *room_own_scene(Room *room)
{
    return view_scene(room->own_view);
}
