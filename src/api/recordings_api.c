#include <string.h>

#include "api/api_private.h"
#include "api/json_body.h"
#include "room/room_media.h"

/* Recordings and broadcasts of a room. */

typedef struct {
    RoomOutputKind kind;
    const char *plural;  /* in paths and lists */
    const char *unknown; /* 404 */
    RoomOutput *(*start)(Room *room, json_t *options, GError **error);
} OutputApi;

static const OutputApi recordings = { ROOM_RECORDING, "recordings",
                                      "This room has no such recording.", room_start_recording };
static const OutputApi broadcasts = { ROOM_BROADCAST, "broadcasts",
                                      "This room has no such broadcast.", room_start_broadcast };

static void list(ApiCall *call, const OutputApi *api) ON_CONTROL_THREAD;
static void list(ApiCall *call, const OutputApi *api)
{
    Room *room = api_call_room(call);
    if (room)
        api_respond_json(call, 200,
                         json_pack("{s:o}", api->plural, room_outputs_json(room, api->kind)));
}

static void respond_started(ApiCall *call, const OutputApi *api,
                            RoomOutput *output) ON_CONTROL_THREAD;
static void respond_started(ApiCall *call, const OutputApi *api, RoomOutput *output)
{
    json_t *json = room_output_to_json(output);
    const char *id = json_string_value(json_object_get(json, "id"));
    g_autofree char *location =
        g_strdup_printf("/api/v1/rooms/%s/%s/%s", call->params[0], api->plural, id);
    HttpResponse *response = api_json_response(201, json);
    http_response_add(response, "Location", location);
    api_respond(call, response);
}

static void start(ApiCall *call, const OutputApi *api) ON_CONTROL_THREAD;
static void start(ApiCall *call, const OutputApi *api)
{
    g_autoptr(GError) error = NULL;
    Room *room = api_call_room(call);
    if (!room)
        return;
    json_t *options = call->request->body->len ? json_body_read_object(call) : json_object();
    if (!options)
        return;
    RoomOutput *output = api->start(room, options, &error);
    json_decref(options);
    if (output)
        respond_started(call, api, output);
    else
        api_respond_error(call, error);
}

/* The output of the second parameter; NULL: 404 was answered. */
static RoomOutput *call_output(ApiCall *call, const OutputApi *api) ON_CONTROL_THREAD;
static RoomOutput *call_output(ApiCall *call, const OutputApi *api)
{
    Room *room = api_call_room(call);
    RoomOutput *output = room ? room_find_output(room, api->kind, call->params[1]) : NULL;
    if (room && !output)
        api_respond_problem(call, 404, api->unknown);
    return output;
}

static void get(ApiCall *call, const OutputApi *api) ON_CONTROL_THREAD;
static void get(ApiCall *call, const OutputApi *api)
{
    RoomOutput *output = call_output(call, api);
    json_t *json = output ? room_output_to_json(output) : NULL;
    if (json && api == &recordings)
        json_object_set_new(json, "timeline", room_recording_timeline(output));
    if (json)
        api_respond_json(call, 200, json);
}

static void patch(ApiCall *call, const OutputApi *api) ON_CONTROL_THREAD;
static void patch(ApiCall *call, const OutputApi *api)
{
    g_autoptr(GError) error = NULL;
    RoomOutput *output = call_output(call, api);
    json_t *changes = output ? json_body_read_object(call) : NULL;
    if (!changes)
        return;
    gboolean ok = room_output_patch(output, changes, &error);
    json_decref(changes);
    if (ok)
        api_respond_json(call, 200, room_output_to_json(output));
    else
        api_respond_error(call, error);
}

/* Its end takes a while; it stays listed, and says when it is done. */
static void stop(ApiCall *call, const OutputApi *api) ON_CONTROL_THREAD;
static void stop(ApiCall *call, const OutputApi *api)
{
    RoomOutput *output = call_output(call, api);
    if (!output)
        return;
    room_output_stop(output);
    api_respond_json(call, 202, room_output_to_json(output));
}

void recordings_api_start(ApiCall *call)
{
    start(call, &recordings);
}

void recordings_api_get(ApiCall *call)
{
    get(call, &recordings);
}

void recordings_api_patch(ApiCall *call)
{
    patch(call, &recordings);
}

void recordings_api_stop(ApiCall *call)
{
    stop(call, &recordings);
}

void broadcasts_api_list(ApiCall *call)
{
    list(call, &broadcasts);
}

void broadcasts_api_start(ApiCall *call)
{
    start(call, &broadcasts);
}

void broadcasts_api_get(ApiCall *call)
{
    get(call, &broadcasts);
}

void broadcasts_api_patch(ApiCall *call)
{
    patch(call, &broadcasts);
}

void broadcasts_api_stop(ApiCall *call)
{
    stop(call, &broadcasts);
}
