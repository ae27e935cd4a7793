/* A fake of room/room.h: people come and go, settings are kept, every offer is answered with
 * FAKE_ANSWER from an idle callback, nothing has media. Include it in one test program. */
#pragma once

#include <string.h>

#include "base/error.h"
#include "room/room.h"
#include "unit/api/layout_store_fake.h"

#define FAKE_ANSWER "v=0\r\ns=fake answer\r\n"
#define FAKE_OFFER  "v=0\r\ns=offer of the server\r\n"

struct Rooms {
    const Config *config;
    GHashTable *by_id;
    LayoutStore *layouts;
    GArray *listeners;
    gboolean draining;
    guint last_session, last_listener, last_room;
    gboolean never_answers; /* offers and graph requests wait for fake_answer_all() */
    GPtrArray *waiting;
};

struct Room {
    Rooms *rooms;
    char *id;
    GPtrArray *participants;
    GArray *listeners;
    guint last_listener, last_participant;
    guint64 version;
    Layout *layout;
    guint layouts_set;
    gboolean locked;
    gint64 max_participants;
};

struct Participant {
    Room *room;
    char *id, *name, *client, *session, *role;
    gboolean publish, view, visible, detached, without_self, muted, overrides_lock;
    guint64 version;
    Layout *layout; /* or NULL */
    gint audio_muted, video_muted;
    GPtrArray *candidates;
    void (*feed_gone)(const char *reason, gpointer user); /* room_media_fake.h */
    gpointer feed_user;
};

#include "unit/api/room_media_fake.h" /* knows the structs above */

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
    RoomSnapshotReady snapshot;
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
    } else if (answer->snapshot) {
        g_autoptr(GBytes) file = g_bytes_new(answer->text, strlen(answer->text));
        answer->snapshot(answer->error ? NULL : file, answer->error, answer->user);
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

static void fake_emit_to(GArray *listeners, Room *room, RoomEventType type,
                         Participant *participant, json_t *data)
{
    guint count = listeners->len;
    g_autofree FakeListener *copy = g_memdup2(listeners->data, count * sizeof(FakeListener));
    for (guint i = 0; i < count; i++)
        copy[i].listener(room, type, participant, data, copy[i].user);
}

static void fake_emit(Room *room, RoomEventType type, Participant *participant, json_t *data)
{
    fake_emit_to(room->listeners, room, type, participant, data);
    fake_emit_to(room->rooms->listeners, room, type, participant, data);
    json_decref(data);
}

static guint fake_listen(GArray *listeners, guint id, RoomListener listener, gpointer user)
{
    FakeListener entry = { id, listener, user };
    g_array_append_val(listeners, entry);
    return id;
}

static void fake_unlisten(GArray *listeners, guint id)
{
    for (guint i = 0; i < listeners->len; i++) {
        if (g_array_index(listeners, FakeListener, i).id == id)
            g_array_remove_index(listeners, i--);
    }
}

static void fake_refuse(GError **error, TesseraError code, const char *message)
{
    g_set_error_literal(error, TESSERA_ERROR, (gint)code, message);
}

Rooms *rooms_new(Engine *engine, const Config *config)
{
    Rooms *rooms = g_new0(Rooms, 1);
    (void)engine;
    rooms->config = config;
    rooms->by_id = g_hash_table_new(g_str_hash, g_str_equal);
    rooms->waiting = g_ptr_array_new();
    rooms->listeners = g_array_new(FALSE, FALSE, sizeof(FakeListener));
    rooms->layouts = layout_store_new(config, NULL, NULL);
    return rooms;
}

LayoutStore *rooms_layouts(Rooms *rooms)
{
    return rooms->layouts;
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
    g_array_unref(rooms->listeners);
    layout_store_free(rooms->layouts);
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
    room->version = 1;
    room->max_participants = 50;
    room->layout = layout_ref(layout_store_get(rooms->layouts, "grid", NULL));
    room->participants = g_ptr_array_new();
    room->listeners = g_array_new(FALSE, FALSE, sizeof(FakeListener));
    g_hash_table_insert(rooms->by_id, room->id, room);
    fake_emit(room, ROOM_EVENT_OPENED, NULL, room_to_json(room));
    return room;
}

Room *rooms_create(Rooms *rooms, const char *id, GError **error)
{
    g_autofree char *made_up = g_strdup_printf("room%u", ++rooms->last_room);
    if (!id || !rooms_find(rooms, id))
        return rooms_open(rooms, id ? id : made_up, error);
    fake_refuse(error, TESSERA_ERROR_CONFLICT, "There is such a room.");
    return NULL;
}

void rooms_listen(Rooms *rooms, RoomListener listener, gpointer user)
{
    fake_listen(rooms->listeners, ++rooms->last_listener, listener, user);
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
    return json_pack("{s:s, s:o, s:s, s:b, s:I, s:{s:i, s:i, s:i}}", "id", room->id, "participants",
                     people, "layout", layout_name(room->layout), "locked", room->locked,
                     "max_participants", (json_int_t)room->max_participants, "video", "width", 1280,
                     "height", 720, "fps", 30);
}

guint64 room_version(const Room *room)
{
    return room->version;
}

static void fake_tell_settings(Room *room)
{
    json_t *json = room_to_json(room);
    room->version++;
    json_object_del(json, "participants");
    fake_emit(room, ROOM_EVENT_SETTINGS, NULL, json);
}

gboolean room_patch(Room *room, json_t *patch, GError **error)
{
    const json_t *locked = json_object_get(patch, "locked");
    const json_t *max = json_object_get(patch, "max_participants");
    json_t *choice = json_object_get(patch, "layout");
    g_autoptr(Layout) layout = choice ? rooms_layout_from_json(room->rooms, choice, error) : NULL;
    if (choice && !layout)
        return FALSE;
    if ((locked && !json_is_boolean(locked)) || (max && !json_is_integer(max))) {
        fake_refuse(error, TESSERA_ERROR_INVALID, "\"locked\" must be true or false.");
        return FALSE;
    }
    if (locked)
        room->locked = json_is_true(locked);
    if (max)
        room->max_participants = json_integer_value(max);
    if (layout)
        room_set_layout(room, layout);
    fake_tell_settings(room);
    return TRUE;
}

void room_close(Room *room, const char *reason)
{
    while (room->participants->len)
        participant_leave(room->participants->pdata[0], reason);
    fake_media_forget(room);
    fake_emit(room, ROOM_EVENT_CLOSED, NULL, json_pack("{s:s}", "reason", reason));
    g_hash_table_remove(room->rooms->by_id, room->id);
    g_ptr_array_unref(room->participants);
    g_array_unref(room->listeners);
    layout_unref(room->layout);
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
    static const char *const names[] = { "joined",  "updated",  "left",      "speaking", "layout",
                                         "state",   "draining", "closed",    "opened",   "room",
                                         "speaker", "view",     "recording", "broadcast" };
    return names[type];
}

gboolean participant_role_valid(const char *role)
{
    return *role && strspn(role, "abcdefghijklmnopqrstuvwxyz") == strlen(role);
}

guint room_listen_as(Room *room, const Participant *self, RoomListener listener, gpointer user)
{
    (void)self;
    return fake_listen(room->listeners, ++room->last_listener, listener, user);
}

guint room_listen(Room *room, RoomListener listener, gpointer user)
{
    return fake_listen(room->listeners, ++room->last_listener, listener, user);
}

void room_unlisten(Room *room, guint id)
{
    fake_unlisten(room->listeners, id);
}

/* --- layouts ----------------------------------------------------------------------------- */

json_t *room_layout_json(Room *room)
{
    return fake_plan(layout_name(room->layout), room->participants->len, 0);
}

json_t *room_layout_choice(Room *room)
{
    return json_string(layout_name(room->layout));
}

char *room_layout_etag(Room *room)
{
    return g_strdup_printf("\"l%u\"", room->layouts_set);
}

Layout *rooms_layout_from_json(Rooms *rooms, json_t *choice, GError **error)
{
    if (json_is_string(choice)) {
        Layout *layout = layout_store_get(rooms->layouts, json_string_value(choice), error);
        return layout ? layout_ref(layout) : NULL;
    }
    char *text = json_dumps(choice, JSON_COMPACT);
    Layout *layout = text ? layout_parse(text, strlen(text), error) : NULL;
    if (!text)
        fake_refuse(error, TESSERA_ERROR_INVALID, "\"layout\" must be a name or a document.");
    free(text);
    return layout;
}

void room_set_layout(Room *room, Layout *layout)
{
    layout_ref(layout);
    layout_unref(room->layout);
    room->layout = layout;
    room->layouts_set++;
    room->version++;
    fake_emit(room, ROOM_EVENT_LAYOUT, NULL, room_layout_json(room));
}

json_t *room_dry_run(Room *room, Layout *layout)
{
    return fake_plan(layout_name(layout), room->participants->len, 0);
}

/* The file is the name of the layout; the layout "speaker" finds no free scene. */
void room_snapshot(Room *room, Layout *layout, ImageFormat format, RoomSnapshotReady ready,
                   gpointer user)
{
    FakeAnswer *answer = g_new0(FakeAnswer, 1);
    const char *name = layout_name(layout ? layout : room->layout);
    answer->snapshot = ready;
    answer->user = user;
    answer->text = g_strconcat(format == IMAGE_PNG ? "png of " : "jpg of ", name, NULL);
    if (strcmp(name, "speaker") == 0)
        fake_refuse(&answer->error, TESSERA_ERROR_UNAVAILABLE, "room.max_scenes is reached.");
    fake_answer_later(room->rooms, answer);
}

/* --- participants ------------------------------------------------------------------------ */

Participant *room_join(Room *room, const ParticipantOptions *options, GError **error)
{
    if (room->locked && !options->overrides_lock) {
        fake_refuse(error, TESSERA_ERROR_FORBIDDEN, "This room is locked.");
        return NULL;
    }
    Participant *participant = g_new0(Participant, 1);
    participant->room = room;
    participant->version = 1;
    participant->role = g_strdup(options->role);
    participant->layout = options->layout ? layout_ref(options->layout) : NULL;
    participant->without_self = options->without_self;
    participant->overrides_lock = options->overrides_lock;
    room->version++;
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
    return json_pack("{s:s, s:s, s:s, s:b, s:b, s:b, s:s?, s:s?, s:b}", "id", participant->id,
                     "name", participant->name, "client", participant->client, "publish",
                     participant->publish, "view", participant->view, "muted", participant->muted,
                     "role", participant->role, "layout",
                     participant->layout ? layout_name(participant->layout) : NULL, "without_self",
                     participant->without_self);
}

guint64 participant_version(const Participant *participant)
{
    return participant->version;
}

json_t *participant_view_json(Participant *participant)
{
    Layout *layout = participant->layout ? participant->layout : participant->room->layout;
    json_t *json = fake_plan(layout_name(layout), participant->room->participants->len, 0);
    json_object_set_new(json, "choice",
                        participant->layout ? json_string(layout_name(layout)) : json_null());
    json_object_set_new(json, "without_self", json_boolean(participant->without_self));
    json_object_set_new(json, "fallback", json_false());
    return json;
}

gboolean participant_set_view(Participant *participant, Layout *layout, gboolean without_self,
                              GError **error)
{
    (void)error;
    if (layout)
        layout_ref(layout);
    g_clear_pointer(&participant->layout, layout_unref);
    participant->layout = layout;
    participant->without_self = without_self;
    participant->version++;
    fake_emit(participant->room, ROOM_EVENT_VIEW, participant, participant_view_json(participant));
    return TRUE;
}

/* Members "name", "muted", "layout" and "without_self". */
gboolean participant_patch(Participant *participant, json_t *patch, GError **error)
{
    json_t *choice = json_object_get(patch, "layout");
    const json_t *muted = json_object_get(patch, "muted");
    const json_t *self = json_object_get(patch, "without_self");
    const char *name = json_string_value(json_object_get(patch, "name"));
    g_autoptr(Layout) layout = participant->layout ? layout_ref(participant->layout) : NULL;
    if (muted && !json_is_boolean(muted)) {
        fake_refuse(error, TESSERA_ERROR_INVALID, "\"muted\" must be true or false.");
        return FALSE;
    }
    if (choice) {
        g_clear_pointer(&layout, layout_unref);
        if (!json_is_null(choice))
            layout = rooms_layout_from_json(participant->room->rooms, choice, error);
        if (!layout && !json_is_null(choice))
            return FALSE;
    }
    if (choice || self)
        participant_set_view(participant, layout,
                             self ? json_is_true(self) : participant->without_self, NULL);
    participant->muted = muted ? json_is_true(muted) : participant->muted;
    ParticipantUpdate update = { -1, -1, name };
    return participant_update(participant, &update, error);
}

void participant_leave(Participant *participant, const char *reason)
{
    Room *room = participant->room;
    if (participant->feed_gone)
        participant->feed_gone(reason, participant->feed_user);
    fake_emit(room, ROOM_EVENT_LEFT, participant,
              json_pack("{s:s, s:s, s:s}", "id", participant->id, "name", participant->name,
                        "reason", reason));
    g_ptr_array_remove(room->participants, participant);
    g_ptr_array_unref(participant->candidates);
    g_clear_pointer(&participant->layout, layout_unref);
    g_free(participant->role);
    room->version++;
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
    participant->version++;
    participant->room->version++;
    fake_emit(participant->room, ROOM_EVENT_UPDATED, participant, participant_to_json(participant));
    return TRUE;
}
