#include "api/api_private.h"
#include "api/problem.h"

/* What a room looks like now, as a file. */

static void on_file(GBytes *file, const GError *error, const char *type,
                    HttpExchange *exchange) ON_CONTROL_THREAD;
static void on_file(GBytes *file, const GError *error, const char *type, HttpExchange *exchange)
{
    HttpResponse *response;
    if (file) {
        gsize size;
        const void *data = g_bytes_get_data(file, &size);
        response = http_response_new(200);
        http_response_set_body(response, type, data, size);
        http_response_add(response, "Cache-Control", "private, max-age=1");
    } else {
        response = problem_from_error(error);
    }
    http_respond(exchange, response);
}

/* The client may be gone when they come. */
static void on_png(GBytes *file, const GError *error, gpointer user)
{
    g_autoptr(HttpExchange) exchange = user;
    thread_assert_control();
    on_file(file, error, "image/png", exchange);
}

static void on_jpeg(GBytes *file, const GError *error, gpointer user)
{
    g_autoptr(HttpExchange) exchange = user;
    thread_assert_control();
    on_file(file, error, "image/jpeg", exchange);
}

static void snapshot(ApiCall *call, ImageFormat format, RoomSnapshotReady ready) ON_CONTROL_THREAD;
static void snapshot(ApiCall *call, ImageFormat format, RoomSnapshotReady ready)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Layout) layout = NULL;
    const char *name = http_request_arg(call->request, "layout");
    Room *room = api_call_room(call);
    if (!room)
        return;
    if (name && *name) {
        json_t *choice = json_string(name);
        layout = rooms_layout_from_json(call->api->rooms, choice, &error);
        json_decref(choice);
    }
    if (error)
        api_respond_error(call, error);
    else
        room_snapshot(room, layout, format, ready, http_exchange_ref(call->exchange));
}

void snapshot_api_png(ApiCall *call)
{
    snapshot(call, IMAGE_PNG, on_png);
}

void snapshot_api_jpeg(ApiCall *call)
{
    snapshot(call, IMAGE_JPEG, on_jpeg);
}
