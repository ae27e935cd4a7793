#include "api/api_private.h"

/* Logos and backgrounds that layouts name. */

void images_api_list(ApiCall *call)
{
    LayoutStore *store = rooms_layouts(call->api->rooms);
    api_respond_json(call, 200, json_pack("{s:o}", "images", layout_store_images_json(store)));
}

void images_api_get(ApiCall *call)
{
    const char *type = NULL;
    g_autoptr(GBytes) file =
        layout_store_image_file(rooms_layouts(call->api->rooms), call->params[0], &type);
    if (!file) {
        api_respond_problem(call, 404, "There is no image of this name.");
        return;
    }
    gsize size;
    const void *data = g_bytes_get_data(file, &size);
    HttpResponse *response = http_response_new(200);
    http_response_set_body(response, type, data, size);
    http_response_add(response, "Cache-Control", "private, max-age=1");
    api_respond(call, response);
}

static gboolean check_put(ApiCall *call) ON_CONTROL_THREAD;
static gboolean check_put(ApiCall *call)
{
    gsize max = (gsize)config_int(call->api->config, "layout.max_image_bytes");
    g_autofree char *too_large = g_strdup_printf(
        "An image may have %" G_GSIZE_FORMAT " bytes (layout.max_image_bytes).", max);
    if (!http_request_has_type(call->request, "image/png") &&
        !http_request_has_type(call->request, "image/jpeg"))
        api_respond_problem(call, 415, "An image is of type image/png or image/jpeg.");
    else if (!room_id_valid(call->params[0]))
        api_respond_problem(call, 400,
                            "An image's name has 1 to 64 letters, digits, \"_\" and \"-\".");
    else if (!call->request->body->len)
        api_respond_problem(call, 400, "The body must be an image; it is empty.");
    else if (call->request->body->len > max)
        api_respond_problem(call, 413, too_large);
    else
        return TRUE;
    return FALSE;
}

void images_api_put(ApiCall *call)
{
    g_autoptr(GError) error = NULL;
    LayoutStore *store = rooms_layouts(call->api->rooms);
    const char *name = call->params[0];
    gboolean made = FALSE;
    if (!check_put(call))
        return;
    g_autoptr(GBytes) file = g_bytes_new(call->request->body->data, call->request->body->len);
    if (!layout_store_put_image(store, name, file, &made, &error)) {
        api_respond_error(call, error);
        return;
    }
    json_t *image = layout_store_image_json(store, name);
    HttpResponse *response = api_json_response(made ? 201 : 200, image ? image : json_object());
    g_autofree char *location = g_strconcat("/api/v1/images/", name, NULL);
    if (made)
        http_response_add(response, "Location", location);
    api_respond(call, response);
}

void images_api_delete(ApiCall *call)
{
    g_autoptr(GError) error = NULL;
    if (layout_store_delete_image(rooms_layouts(call->api->rooms), call->params[0], &error))
        api_respond(call, http_response_new(204));
    else
        api_respond_error(call, error);
}
