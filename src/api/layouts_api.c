#include <string.h>

#include "api/api_private.h"
#include "api/etag.h"
#include "api/json_body.h"
#include "base/error.h"

/* Layouts: the one of a room, and the documents that rooms choose from. */

#define MAX_PEOPLE     100 /* of a preview */
#define DEFAULT_PEOPLE 5

/* --- of a room --------------------------------------------------------------------------- */

static HttpResponse *room_layout_response(json_t *choice, json_t *plan)
{
    json_t *json = json_pack("{s:o}", "choice", choice);
    json_object_update(json, plan);
    json_decref(plan);
    return api_json_response(200, json);
}

static void respond_room_layout(ApiCall *call, Room *room) ON_CONTROL_THREAD;
static void respond_room_layout(ApiCall *call, Room *room)
{
    g_autofree char *etag = room_layout_etag(room);
    HttpResponse *response = room_layout_response(room_layout_choice(room), room_layout_json(room));
    http_response_add(response, "ETag", etag);
    api_respond(call, response);
}

void layouts_api_room_get(ApiCall *call)
{
    Room *room = api_call_room(call);
    if (room)
        respond_room_layout(call, room);
}

/* (transfer none) What the body chooses: a name, or a document; NULL: neither. */
static json_t *choice_of_body(json_t *body)
{
    gboolean is_document = json_object_get(body, "regions") || json_object_get(body, "variants");
    if (json_is_string(body) || is_document)
        return body;
    return json_object_get(body, "layout");
}

/* (transfer full) A document is parsed as it was written, so that errors tell where it is wrong. */
ON_CONTROL_THREAD static Layout *layout_of_body(ApiCall *call, json_t *body, GError **error)
{
    json_t *choice = choice_of_body(body);
    if (!choice) {
        g_set_error_literal(
            error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
            "Send the name of a layout, as {\"layout\":\"grid\"}, or a document with "
            "\"regions\" or \"variants\".");
        return NULL;
    }
    if (choice != body || json_is_string(body))
        return rooms_layout_from_json(call->api->rooms, choice, error);
    return layout_parse((const char *)call->request->body->data, call->request->body->len, error);
}

static void dry_run(ApiCall *call, Room *room, Layout *layout, json_t *body) ON_CONTROL_THREAD;
static void dry_run(ApiCall *call, Room *room, Layout *layout, json_t *body)
{
    json_t *choice = json_incref(choice_of_body(body));
    api_respond(call, room_layout_response(choice, room_dry_run(room, layout)));
}

static void put_room_layout(ApiCall *call, Room *room, json_t *body) ON_CONTROL_THREAD;
static void put_room_layout(ApiCall *call, Room *room, json_t *body)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *etag = room_layout_etag(room);
    gboolean dry = json_body_arg_flag(call, "dry_run");
    if (!dry && !etag_allows_change(call, etag))
        return;
    g_autoptr(Layout) layout = layout_of_body(call, body, &error);
    if (!layout) {
        api_respond_error(call, error);
    } else if (dry) {
        dry_run(call, room, layout, body);
    } else {
        room_set_layout(room, layout);
        respond_room_layout(call, room);
    }
}

void layouts_api_room_put(ApiCall *call)
{
    Room *room = api_call_room(call);
    json_t *body = room ? json_body_read(call) : NULL;
    if (body)
        put_room_layout(call, room, body);
    json_decref(body);
}

/* --- the documents ----------------------------------------------------------------------- */

void layouts_api_list(ApiCall *call)
{
    LayoutStore *store = rooms_layouts(call->api->rooms);
    api_respond_json(call, 200, json_pack("{s:o}", "layouts", layout_store_to_json(store)));
}

/* (transfer full) The layout of the first parameter; NULL: 404 was answered. Any later question to
 * the store may replace the store's own one. */
static Layout *call_layout(ApiCall *call) ON_CONTROL_THREAD;
static Layout *call_layout(ApiCall *call)
{
    g_autoptr(GError) error = NULL;
    Layout *layout = layout_store_get(rooms_layouts(call->api->rooms), call->params[0], &error);
    if (layout)
        return layout_ref(layout);
    api_respond_error(call, error);
    return NULL;
}

void layouts_api_get(ApiCall *call)
{
    g_autoptr(Layout) layout = call_layout(call);
    if (!layout)
        return;
    const char *document = layout_json(layout);
    g_autofree char *etag = layout_store_etag(rooms_layouts(call->api->rooms), call->params[0]);
    if (etag && etag_not_modified(call, etag))
        return;
    HttpResponse *response = http_response_new(200);
    http_response_set_body(response, "application/json", document, strlen(document));
    http_response_add(response, "Cache-Control", "no-cache");
    if (etag)
        http_response_add(response, "ETag", etag);
    api_respond(call, response);
}

static void respond_preview(ApiCall *call, Layout *layout) ON_CONTROL_THREAD;
static void respond_preview(ApiCall *call, Layout *layout)
{
    guint people = DEFAULT_PEOPLE, screens = 0;
    if (!json_body_arg_uint(call, "people", MAX_PEOPLE, &people) ||
        !json_body_arg_uint(call, "screens", MAX_PEOPLE, &screens))
        return;
    api_respond_json(call, 200,
                     layout_store_preview(rooms_layouts(call->api->rooms), layout, people,
                                          MIN(screens, people)));
}

void layouts_api_preview(ApiCall *call)
{
    g_autoptr(Layout) layout = call_layout(call);
    if (layout)
        respond_preview(call, layout);
}

static void try_layout(ApiCall *call, const char *document, gsize size) ON_CONTROL_THREAD;
static void try_layout(ApiCall *call, const char *document, gsize size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Layout) layout = layout_parse(document, size, &error);
    if (layout)
        respond_preview(call, layout);
    else
        api_respond_error(call, error);
}

static void keep_layout(ApiCall *call, const char *document, gsize size) ON_CONTROL_THREAD;
static void keep_layout(ApiCall *call, const char *document, gsize size)
{
    g_autoptr(GError) error = NULL;
    LayoutStore *store = rooms_layouts(call->api->rooms);
    const char *name = call->params[0];
    g_autofree char *before = layout_store_etag(store, name);
    gboolean made = FALSE;
    if (!etag_allows_change(call, before))
        return;
    if (!layout_store_put(store, name, document, size, &made, &error)) {
        api_respond_error(call, error);
        return;
    }
    g_autofree char *etag = layout_store_etag(store, name);
    g_autofree char *location = g_strconcat("/api/v1/layouts/", name, NULL);
    HttpResponse *response = http_response_new(made ? 201 : 200);
    http_response_set_body(response, "application/json", document, size);
    if (etag)
        http_response_add(response, "ETag", etag);
    if (made)
        http_response_add(response, "Location", location);
    api_respond(call, response);
}

void layouts_api_put(ApiCall *call)
{
    const char *document = (const char *)call->request->body->data;
    gsize size = call->request->body->len;
    if (!http_request_has_type(call->request, "application/json"))
        api_respond_problem(call, 415, "A layout document is of type application/json.");
    else if (!size)
        api_respond_problem(call, 400, "The body must be a layout document; it is empty.");
    else if (json_body_arg_flag(call, "dry_run"))
        try_layout(call, document, size);
    else
        keep_layout(call, document, size);
}

void layouts_api_delete(ApiCall *call)
{
    g_autoptr(GError) error = NULL;
    LayoutStore *store = rooms_layouts(call->api->rooms);
    g_autofree char *etag = layout_store_etag(store, call->params[0]);
    if (etag && !etag_allows_change(call, etag))
        return;
    if (layout_store_delete(store, call->params[0], &error))
        api_respond(call, http_response_new(204));
    else
        api_respond_error(call, error);
}
