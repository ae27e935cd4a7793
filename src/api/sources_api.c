#include "api/api_private.h"
#include "api/json_body.h"
#include "room/room_media.h"

/* Files, URLs, pictures and test patterns that a room plays as if they were people. */

void sources_api_list(ApiCall *call)
{
    Room *room = api_call_room(call);
    if (room)
        api_respond_json(call, 200, json_pack("{s:o}", "sources", room_sources_json(room)));
}

void sources_api_add(ApiCall *call)
{
    g_autoptr(GError) error = NULL;
    Room *room = api_call_room(call);
    json_t *options = room ? json_body_read_object(call) : NULL;
    if (!options)
        return;
    Participant *source = room_add_source(room, options, &error);
    json_decref(options);
    if (!source) {
        api_respond_error(call, error);
        return;
    }
    g_autofree char *location =
        g_strdup_printf("/api/v1/rooms/%s/sources/%s", call->params[0], participant_id(source));
    HttpResponse *response = api_json_response(201, room_source_to_json(source));
    http_response_add(response, "Location", location);
    api_respond(call, response);
}

/* The source of the second parameter, and what it is (transfer full); NULL: 404 was answered. */
static Participant *call_source(ApiCall *call, json_t **json) ON_CONTROL_THREAD;
static Participant *call_source(ApiCall *call, json_t **json)
{
    Room *room = api_call_room(call);
    Participant *participant = room ? room_find(room, call->params[1]) : NULL;
    *json = participant ? room_source_to_json(participant) : NULL;
    if (*json)
        return participant;
    if (room)
        api_respond_problem(call, 404, "There is no such source in this room.");
    return NULL;
}

void sources_api_get(ApiCall *call)
{
    json_t *json;
    if (call_source(call, &json))
        api_respond_json(call, 200, json);
}

void sources_api_patch(ApiCall *call)
{
    g_autoptr(GError) error = NULL;
    json_t *json;
    Participant *source = call_source(call, &json);
    json_t *changes = source ? json_body_read_object(call) : NULL;
    json_decref(json);
    if (!changes)
        return;
    gboolean ok = room_source_patch(source, changes, &error);
    json_decref(changes);
    if (ok)
        api_respond_json(call, 200, room_source_to_json(source));
    else
        api_respond_error(call, error);
}

void sources_api_remove(ApiCall *call)
{
    json_t *json;
    Participant *source = call_source(call, &json);
    if (!source)
        return;
    json_decref(json);
    participant_leave(source, "removed");
    api_respond(call, http_response_new(204));
}
