/* A fake of room/room.h: people come and go, every offer is answered with FAKE_ANSWER from an idle
 * callback, nothing has media. Include it in one test program. */
#pragma once

#include <string.h>

#include "base/error.h"
#include "room/room.h"

#define FAKE_ANSWER "v=0\r\ns=fake answer\r\n"
#define FAKE_OFFER  "v=0\r\ns=offer of the server\r\n"

struct Rooms {
    const Config *config;
    GHashTable *by_id;
    gboolean draining;
    guint last_session;
    gboolean never_answers; /* offers and graph requests wait for fake_answer_all() */
    GPtrArray *waiting;
};

struct Room {
    Rooms *rooms;
    char *id;
    GPtrArray *participants;
    GArray *listeners;
    guint last_listener, last_participant;
};

struct Participant {
    Room *room;
    char *id, *name, *client, *session;
    gboolean publish, view, visible, detached;
    gint audio_muted, video_muted;
    GPtrArray *candidates;
};

typedef struct {
    guint id;
    RoomListener listener;
    gpointer user;
} FakeListener;

typedef struct {
    char *session; /* of the participant, or NULL: a graph */
    Room *room;
    ParticipantAnswer answer;
    RoomJsonReady ready;
    gpointer user;
    char *text;
    GError *error;
} FakeAnswer;

static void fake_answer_now(FakeAnswer *answer)
{
    if (answer->ready) {
        json_t *json = json_pack("{s:[], s:{}}", "inputs", "mixer");
        answer->ready(json, answer->user);
        json_decref(json);
    } else {
        answer->answer(answer->error ? NULL : answer->text, answer->error, answer->user);
    }
    g_clear_error(&answer->error);
    g_free(answer->text);
    g_free(answer->session);
    g_free(answer);
}

static gboolean fake_answer_idle(gpointer data)
{
    fake_answer_now(data);
    return G_SOURCE_REMOVE;
}

static void fake_answer_later(Rooms *rooms, FakeAnswer *answer)
{
    if (rooms->never_answers)
        g_ptr_array_add(rooms->waiting, answer);
    else
        g_idle_add_full(G_PRIORITY_DEFAULT, fake_answer_idle, answer, NULL);
}

static void fake_answer_all(Rooms *rooms)
{
    while (rooms->waiting->len)
        fake_answer_now(g_ptr_array_steal_index(rooms->waiting, 0));
}

static void fake_emit(Room *room, RoomEventType type, Participant *participant, json_t *data)
{
    guint count = room->listeners->len;
    g_autofree FakeListener *copy = g_memdup2(room->listeners->data, count * sizeof(FakeListener));
    for (guint i = 0; i < count; i++)
        copy[i].listener(room, type, participant, data, copy[i].user);
    json_decref(data);
}

Rooms *rooms_new(Engine *engine, const Config *config)
{
    Rooms *rooms = g_new0(Rooms, 1);
    (void)engine;
    rooms->config = config;
    rooms->by_id = g_hash_table_new(g_str_hash, g_str_equal);
    rooms->waiting = g_ptr_array_new();
    return rooms;
}

void rooms_free(Rooms *rooms)
{
    fake_answer_all(rooms);
    GList *all = g_hash_table_get_values(rooms->by_id);
    for (GList *at = all; at; at = at->next)
        room_close(at->data, "end");
    g_list_free(all);
    g_hash_table_destroy(rooms->by_id);
    g_ptr_array_unref(rooms->waiting);
    g_free(rooms);
}

gboolean room_id_valid(const char *id)
{
    gsize n = strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    return n >= 1 && n <= 64 && !id[n];
}

Room *rooms_find(Rooms *rooms, const char *id)
{
    return g_hash_table_lookup(rooms->by_id, id);
}

Room *rooms_open(Rooms *rooms, const char *id, GError **error)
{
    Room *room = rooms_find(rooms, id);
    if (!room_id_valid(id)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID, "\"%s\" is no room name.", id);
        return NULL;
    }
    if (rooms->draining) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE, "draining");
        return NULL;
    }
    if (room)
        return room;
    room = g_new0(Room, 1);
    room->rooms = rooms;
    room->id = g_strdup(id);
    room->participants = g_ptr_array_new();
    room->listeners = g_array_new(FALSE, FALSE, sizeof(FakeListener));
    g_hash_table_insert(rooms->by_id, room->id, room);
    return room;
}

json_t *rooms_to_json(Rooms *rooms)
{
    json_t *json = json_array();
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, rooms->by_id);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        json_array_append_new(json, room_to_json(value));
    return json;
}

guint rooms_count(Rooms *rooms)
{
    return g_hash_table_size(rooms->by_id);
}

void rooms_drain(Rooms *rooms)
{
    GHashTableIter iter;
    gpointer value;
    rooms->draining = TRUE;
    g_hash_table_iter_init(&iter, rooms->by_id);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        fake_emit(value, ROOM_EVENT_DRAINING, NULL, json_object());
}

gboolean rooms_draining(Rooms *rooms)
{
    return rooms->draining;
}

guint rooms_participants(Rooms *rooms)
{
    guint n = 0;
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, rooms->by_id);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        n += ((Room *)value)->participants->len;
    return n;
}

const char *room_id(const Room *room)
{
    return room->id;
}

json_t *room_to_json(Room *room)
{
    json_t *people = json_array();
    for (guint i = 0; i < room->participants->len; i++)
        json_array_append_new(people, participant_to_json(room->participants->pdata[i]));
    return json_pack("{s:s, s:o, s:{s:i, s:i, s:i}}", "id", room->id, "participants", people,
                     "video", "width", 1280, "height", 720, "fps", 30);
}

void room_close(Room *room, const char *reason)
{
    while (room->participants->len)
        participant_leave(room->participants->pdata[0], reason);
    fake_emit(room, ROOM_EVENT_CLOSED, NULL, json_pack("{s:s}", "reason", reason));
    g_hash_table_remove(room->rooms->by_id, room->id);
    g_ptr_array_unref(room->participants);
    g_array_unref(room->listeners);
    g_free(room->id);
    g_free(room);
}

void room_graph(Room *room, RoomJsonReady ready, gpointer user)
{
    FakeAnswer *answer = g_new0(FakeAnswer, 1);
    answer->ready = ready;
    answer->user = user;
    fake_answer_later(room->rooms, answer);
}

void room_stats(Room *room, RoomJsonReady ready, gpointer user)
{
    room_graph(room, ready, user);
}

const char *room_event_name(RoomEventType type)
{
    static const char *const names[] = { "joined", "updated", "left",     "speaking",
                                         "layout", "state",   "draining", "closed" };
    return names[type];
}

guint room_listen(Room *room, RoomListener listener, gpointer user)
{
    FakeListener entry = { ++room->last_listener, listener, user };
    g_array_append_val(room->listeners, entry);
    return entry.id;
}

void room_unlisten(Room *room, guint id)
{
    for (guint i = 0; i < room->listeners->len; i++) {
        if (g_array_index(room->listeners, FakeListener, i).id == id)
            g_array_remove_index(room->listeners, i--);
    }
}

json_t *room_layout_json(Room *room)
{
    (void)room;
    return json_pack("{s:s, s:[]}", "layout", "grid", "tiles");
}

Participant *room_join(Room *room, const ParticipantOptions *options, GError **error)
{
    Participant *participant = g_new0(Participant, 1);
    (void)error;
    participant->room = room;
    participant->id = g_strdup_printf("p%u", ++room->last_participant);
    participant->session = g_strdup_printf("%032x", ++room->rooms->last_session);
    participant->name = g_strdup(options->name && *options->name ? options->name : "Guest");
    participant->client = g_strdup(options->client);
    participant->publish = options->publish;
    participant->view = options->view;
    participant->visible = options->visible;
    participant->candidates = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(room->participants, participant);
    fake_emit(room, ROOM_EVENT_JOINED, participant, participant_to_json(participant));
    return participant;
}

Participant *room_find(Room *room, const char *participant_id)
{
    for (guint i = 0; i < room->participants->len; i++) {
        if (strcmp(((Participant *)room->participants->pdata[i])->id, participant_id) == 0)
            return room->participants->pdata[i];
    }
    return NULL;
}

Participant *room_resume(Room *room, const char *session)
{
    for (guint i = 0; i < room->participants->len; i++) {
        if (strcmp(((Participant *)room->participants->pdata[i])->session, session) == 0)
            return room->participants->pdata[i];
    }
    return NULL;
}

const char *participant_id(const Participant *participant)
{
    return participant->id;
}

Room *participant_room(const Participant *participant)
{
    return participant->room;
}

gboolean participant_visible(const Participant *participant)
{
    return participant->visible;
}

const char *participant_session(const Participant *participant)
{
    return participant->session;
}

json_t *participant_to_json(Participant *participant)
{
    return json_pack("{s:s, s:s, s:s}", "id", participant->id, "name", participant->name, "client",
                     participant->client);
}

void participant_leave(Participant *participant, const char *reason)
{
    Room *room = participant->room;
    fake_emit(room, ROOM_EVENT_LEFT, participant,
              json_pack("{s:s, s:s, s:s}", "id", participant->id, "name", participant->name,
                        "reason", reason));
    g_ptr_array_remove(room->participants, participant);
    g_ptr_array_unref(participant->candidates);
    g_free(participant->id);
    g_free(participant->name);
    g_free(participant->client);
    g_free(participant->session);
    g_free(participant);
}

void participant_set_detached(Participant *participant, gboolean detached)
{
    participant->detached = detached;
}

void participant_offer(Participant *participant, const char *sdp, gsize size,
                       ParticipantAnswer answer, gpointer user)
{
    FakeAnswer *later = g_new0(FakeAnswer, 1);
    later->answer = answer;
    later->user = user;
    later->text = g_strdup(FAKE_ANSWER);
    if (size < 3 || strncmp(sdp, "v=0", 3) != 0)
        later->error = g_error_new_literal(TESSERA_ERROR, TESSERA_ERROR_INVALID, "This is no SDP.");
    fake_answer_later(participant->room->rooms, later);
}

void participant_make_offer(Participant *participant, ParticipantAnswer offer, gpointer user)
{
    FakeAnswer *later = g_new0(FakeAnswer, 1);
    later->answer = offer;
    later->user = user;
    later->text = g_strdup(FAKE_OFFER);
    fake_answer_later(participant->room->rooms, later);
}

gboolean participant_accept_answer(Participant *participant, const char *sdp, gsize size,
                                   GError **error)
{
    (void)participant;
    if (size >= 3 && strncmp(sdp, "v=0", 3) == 0)
        return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID, "This is no SDP.");
    return FALSE;
}

gboolean participant_add_candidate(Participant *participant, const char *candidate, GError **error)
{
    if (candidate && !g_str_has_prefix(candidate, "candidate:")) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID, "This is no candidate.");
        return FALSE;
    }
    g_ptr_array_add(participant->candidates, g_strdup(candidate ? candidate : ""));
    return TRUE;
}

void participant_ice_fragment(Participant *participant, const char *fragment, gsize size,
                              ParticipantAnswer answer, gpointer user)
{
    FakeAnswer *later = g_new0(FakeAnswer, 1);
    gboolean restart = g_strstr_len(fragment, (gssize)size, "a=ice-ufrag") != NULL;
    later->answer = answer;
    later->user = user;
    later->text = g_strdup(restart ? "a=ice-ufrag:new\r\n" : "");
    fake_answer_later(participant->room->rooms, later);
}

gboolean participant_update(Participant *participant, const ParticipantUpdate *update,
                            GError **error)
{
    (void)error;
    if (update->name) {
        g_free(participant->name);
        participant->name = g_strdup(update->name);
    }
    if (update->audio_muted >= 0)
        participant->audio_muted = update->audio_muted;
    if (update->video_muted >= 0)
        participant->video_muted = update->video_muted;
    fake_emit(participant->room, ROOM_EVENT_UPDATED, participant, participant_to_json(participant));
    return TRUE;
}
