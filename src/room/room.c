#include "room/room.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "room/room_private.h"

typedef struct {
    guint id;
    RoomListener listener;
    gpointer user;
} Listener;

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

Room *room_new(Rooms *rooms, const char *id)
{
    const Config *config = rooms->config;
    Room *room = g_new0(Room, 1);
    GraphSpec spec = { .width = (gint)config_int(config, "video.width"),
                       .height = (gint)config_int(config, "video.height"),
                       .fps = (gint)config_int(config, "video.fps"),
                       .background_rgb = rooms->layout ? layout_background(rooms->layout) : 0,
                       .audio_bitrate_bps = (gint)config_int(config, "audio.bitrate"),
                       .audio_complexity = (gint)config_int(config, "audio.complexity"),
                       .speaking = on_speaking,
                       .user = room };
    room->rooms = rooms;
    room->id = g_strdup(id);
    room->created_ns = engine_now_ns(rooms->engine);
    room->participants = g_ptr_array_new();
    room->listeners = g_array_new(FALSE, FALSE, sizeof(Listener));
    room->graph = graph_new(rooms->engine, &spec);
    room_update_layout(room);
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
    graph_close(room->graph);
    g_ptr_array_unref(room->participants);
    g_array_unref(room->listeners);
    json_decref(room->layout_json);
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
    static const char *const names[] = { "joined", "updated", "left",     "speaking",
                                         "layout", "state",   "draining", "closed" };
    return names[type];
}

guint room_listen(Room *room, RoomListener listener, gpointer user)
{
    Listener entry = { ++room->next_listener, listener, user };
    g_array_append_val(room->listeners, entry);
    return entry.id;
}

void room_unlisten(Room *room, guint id)
{
    for (guint i = 0; i < room->listeners->len; i++) {
        if (g_array_index(room->listeners, Listener, i).id == id) {
            g_array_remove_index(room->listeners, i);
            return;
        }
    }
}

static gboolean still_listens(const Room *room, guint id)
{
    for (guint i = 0; i < room->listeners->len; i++) {
        if (g_array_index(room->listeners, Listener, i).id == id)
            return TRUE;
    }
    return FALSE;
}

void room_emit(Room *room, RoomEventType type, Participant *participant, json_t *data)
{
    /* A listener may remove itself or others while it is called. */
    guint count = room->listeners->len;
    g_autofree Listener *copy = g_memdup2(room->listeners->data, count * sizeof(Listener));
    for (guint i = 0; i < count; i++) {
        if (still_listens(room, copy[i].id))
            copy[i].listener(room, type, participant, data, copy[i].user);
    }
    json_decref(data);
}

/* --- who is here ------------------------------------------------------------------------- */

const char *room_id(const Room *room)
{
    return room->id;
}

static gboolean may_join(Room *room, GError **error)
{
    gint64 max = config_int(room->rooms->config, "room.max_participants");
    if (room->rooms->draining) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                            "The server is shutting down; try again in a minute.");
        return FALSE;
    }
    if (room->participants->len >= max) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                    "Room %s is full: it holds %d participants (room.max_participants).", room->id,
                    (int)max);
        return FALSE;
    }
    return TRUE;
}

Participant *room_join(Room *room, const ParticipantOptions *options, GError **error)
{
    if (!may_join(room, error))
        return NULL;
    Participant *participant = participant_new(room, options, error);
    if (!participant)
        return NULL;
    g_ptr_array_add(room->participants, participant);
    room_watch_empty(room);
    log_info("room", "%s joined room %s as %s (%s)", participant->name, room->id, participant->id,
             participant->client);
    room_emit(room, ROOM_EVENT_JOINED, participant, participant_to_json(participant));
    if (participant->visible)
        room_update_layout(room);
    return participant;
}

void room_forget(Room *room, Participant *participant)
{
    g_ptr_array_remove(room->participants, participant);
    participant_free(participant);
    room_watch_empty(room);
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

json_t *room_to_json(Room *room)
{
    const SceneSpec *video = scene_spec(graph_scene(room->graph));
    json_t *people = json_array();
    for (guint i = 0; i < room->participants->len; i++) {
        Participant *participant = room->participants->pdata[i];
        json_array_append_new(people, participant_to_json(participant));
    }
    gint64 created_s = clock_wall_ns(room->created_ns) / NS_PER_SEC;
    return json_pack(
        "{s:s, s:I, s:s, s:o, s:{s:i, s:i, s:i}}", "id", room->id, "created", (json_int_t)created_s,
        "layout", room->rooms->layout ? layout_name(room->rooms->layout) : "", "participants",
        people, "video", "width", video->width, "height", video->height, "fps", video->fps);
}

json_t *room_layout_json(Room *room)
{
    return json_incref(room->layout_json);
}
