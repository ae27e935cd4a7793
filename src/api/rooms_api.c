#include "api/api_private.h"
#include "api/etag.h"
#include "api/json_body.h"
#include "base/error.h"

/* Rooms and the people in them. */

static void respond_with_etag(ApiCall *call, json_t *json, guint64 version) ON_CONTROL_THREAD;
static void respond_with_etag(ApiCall *call, json_t *json, guint64 version)
{
    g_autofree char *etag = etag_of_version(version);
    HttpResponse *response = api_json_response(200, json);
    http_response_add(response, "ETag", etag);
    api_respond(call, response);
}

static gboolean may_change(ApiCall *call, guint64 version) ON_CONTROL_THREAD;
static gboolean may_change(ApiCall *call, guint64 version)
{
    g_autofree char *etag = etag_of_version(version);
    return etag_allows_change(call, etag);
}

/* --- rooms ------------------------------------------------------------------------------- */

void rooms_api_list(ApiCall *call)
{
    api_respond_json(call, 200, json_pack("{s:o}", "rooms", rooms_to_json(call->api->rooms)));
}

void rooms_api_get(ApiCall *call)
{
    Room *room = api_call_room(call);
    if (room)
        respond_with_etag(call, room_to_json(room), room_version(room));
}

/* The new room, with all settings of the body or not at all. */
static Room *create(ApiCall *call, json_t *settings, GError **error) ON_CONTROL_THREAD;
static Room *create(ApiCall *call, json_t *settings, GError **error)
{
    const json_t *id = json_object_get(settings, "id");
    if (id && !json_is_string(id)) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                            "\"id\" must be a string.");
        return NULL;
    }
    Room *room = rooms_create(call->api->rooms, json_string_value(id), error);
    json_object_del(settings, "id");
    if (room && json_object_size(settings) && !room_patch(room, settings, error)) {
        room_close(room, "closed");
        room = NULL;
    }
    return room;
}

void rooms_api_create(ApiCall *call)
{
    g_autoptr(GError) error = NULL;
    json_t *settings = call->request->body->len ? json_body_read_object(call) : json_object();
    if (!settings)
        return;
    Room *room = create(call, settings, &error);
    json_decref(settings);
    if (!room) {
        api_respond_error(call, error);
        return;
    }
    g_autofree char *location = g_strconcat("/api/v1/rooms/", room_id(room), NULL);
    g_autofree char *etag = etag_of_version(room_version(room));
    HttpResponse *response = api_json_response(201, room_to_json(room));
    http_response_add(response, "Location", location);
    http_response_add(response, "ETag", etag);
    api_respond(call, response);
}

void rooms_api_patch(ApiCall *call)
{
    g_autoptr(GError) error = NULL;
    Room *room = api_call_room(call);
    if (!room || !may_change(call, room_version(room)))
        return;
    json_t *patch = json_body_read_object(call);
    if (!patch)
        return;
    gboolean ok = room_patch(room, patch, &error);
    json_decref(patch);
    if (ok)
        respond_with_etag(call, room_to_json(room), room_version(room));
    else
        api_respond_error(call, error);
}

void rooms_api_delete(ApiCall *call)
{
    Room *room = api_call_room(call);
    if (!room || !may_change(call, room_version(room)))
        return;
    room_close(room, "closed");
    api_respond(call, http_response_new(204));
}

/* The media threads answer later; the client may be gone then. */
static void on_json(json_t *json, gpointer user)
{
    g_autoptr(HttpExchange) exchange = user;
    thread_assert_control();
    http_respond(exchange, api_json_response(200, json_incref(json)));
}

void rooms_api_stats(ApiCall *call)
{
    Room *room = api_call_room(call);
    if (room)
        room_stats(room, on_json, http_exchange_ref(call->exchange));
}

void rooms_api_graph(ApiCall *call)
{
    Room *room = api_call_room(call);
    if (room)
        room_graph(room, on_json, http_exchange_ref(call->exchange));
}

/* --- participants ------------------------------------------------------------------------ */

void rooms_api_participants(ApiCall *call)
{
    Room *room = api_call_room(call);
    if (!room)
        return;
    json_t *json = room_to_json(room);
    json_t *participants = json_incref(json_object_get(json, "participants"));
    json_decref(json);
    respond_with_etag(call, json_pack("{s:o}", "participants", participants), room_version(room));
}

static Participant *call_participant(ApiCall *call) ON_CONTROL_THREAD;
static Participant *call_participant(ApiCall *call)
{
    Room *room = api_call_room(call);
    Participant *participant = room ? room_find(room, call->params[1]) : NULL;
    if (room && !participant)
        api_respond_problem(call, 404, "There is no such participant in this room.");
    return participant;
}

void rooms_api_participant(ApiCall *call)
{
    Participant *participant = call_participant(call);
    if (participant)
        respond_with_etag(call, participant_to_json(participant), participant_version(participant));
}

void rooms_api_participant_patch(ApiCall *call)
{
    g_autoptr(GError) error = NULL;
    Participant *participant = call_participant(call);
    if (!participant || !may_change(call, participant_version(participant)))
        return;
    json_t *patch = json_body_read_object(call);
    if (!patch)
        return;
    gboolean ok = participant_patch(participant, patch, &error);
    json_decref(patch);
    if (ok)
        respond_with_etag(call, participant_to_json(participant), participant_version(participant));
    else
        api_respond_error(call, error);
}

void rooms_api_kick(ApiCall *call)
{
    Participant *participant = call_participant(call);
    if (!participant)
        return;
    participant_leave(participant, "removed");
    api_respond(call, http_response_new(204));
}
