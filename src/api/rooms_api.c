#include "api/api_private.h"

/* GET and DELETE of rooms and the people in them. */

void rooms_api_list(ApiCall *call)
{
    api_respond_json(call, 200, json_pack("{s:o}", "rooms", rooms_to_json(call->api->rooms)));
}

void rooms_api_get(ApiCall *call)
{
    Room *room = api_call_room(call);
    if (room)
        api_respond_json(call, 200, room_to_json(room));
}

void rooms_api_delete(ApiCall *call)
{
    Room *room = api_call_room(call);
    if (!room)
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

void rooms_api_participants(ApiCall *call)
{
    Room *room = api_call_room(call);
    if (!room)
        return;
    json_t *json = room_to_json(room);
    json_t *participants = json_incref(json_object_get(json, "participants"));
    json_decref(json);
    api_respond_json(call, 200, json_pack("{s:o}", "participants", participants));
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
        api_respond_json(call, 200, participant_to_json(participant));
}

void rooms_api_kick(ApiCall *call)
{
    Participant *participant = call_participant(call);
    if (!participant)
        return;
    participant_leave(participant, "removed");
    api_respond(call, http_response_new(204));
}
