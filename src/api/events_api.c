#include <string.h>

#include "api/api_private.h"
#include "api/json_text.h"

/* What happens in a room, as server-sent events (the text/event-stream of the HTML standard). The
 * first event holds the whole room, so that who comes back after a break needs no history. */

#define KEEP_ALIVE_SECONDS 15
#define RETRY_MS           2000 /* what a browser waits before it comes back */

typedef struct {
    struct Api *api;
    HttpExchange *exchange;
    Room *room; /* NULL after its end */
    guint listener, keep_alive;
    guint64 last_id;
    guint grants; /* of the token */
} EventStream;

/* (transfer full) */
static char *event_text(EventStream *stream, const char *name, const json_t *data)
{
    g_autofree char *text = json_text_dump(data);
    return g_strdup_printf("id: %" G_GUINT64_FORMAT "\nevent: %s\ndata: %s\n\n", ++stream->last_id,
                           name, text);
}

/* (transfer full) What somebody sees says here also who. */
static json_t *with_id(json_t *view, const Participant *participant)
{
    json_t *copy = json_copy(view);
    json_object_set_new(copy, "id", json_string(participant_id(participant)));
    return copy;
}

static void on_room_event(Room *room, RoomEventType type, Participant *participant, json_t *data,
                          gpointer user)
{
    EventStream *stream = user;
    g_autoptr(HttpExchange) exchange = http_exchange_ref(stream->exchange);
    thread_assert_control();
    (void)room;
    if (type == ROOM_EVENT_OPENED)
        return;
    json_t *told = type == ROOM_EVENT_VIEW && participant
                       ? with_id(data, participant)
                       : api_event_data(type, data, stream->grants);
    g_autofree char *text = event_text(stream, room_event_name(type), told);
    json_decref(told);
    if (type == ROOM_EVENT_CLOSED)
        stream->room = NULL;
    /* A reader that is too slow is sent away here, and the stream with it. */
    http_stream_send(exchange, text, strlen(text));
    if (type == ROOM_EVENT_CLOSED)
        http_stream_end(exchange);
}

static gboolean keep_alive(gpointer data)
{
    EventStream *stream = data;
    thread_assert_control();
    http_stream_send(stream->exchange, ":\n\n", 3);
    return G_SOURCE_CONTINUE;
}

static void on_gone(HttpExchange *exchange, gpointer user)
{
    EventStream *stream = user;
    thread_assert_control();
    (void)exchange;
    if (stream->room)
        room_unlisten(stream->room, stream->listener);
    g_source_remove(stream->keep_alive);
    stream->api->event_streams--;
    g_free(stream);
}

static HttpResponse *stream_response(void)
{
    HttpResponse *response = http_response_new(200);
    http_response_add(response, "Content-Type", "text/event-stream");
    http_response_add(response, "Cache-Control", "no-store");
    http_response_add(response, "X-Accel-Buffering", "no"); /* for a proxy between */
    return response;
}

static void open_stream(ApiCall *call, Room *room) ON_CONTROL_THREAD;
static void open_stream(ApiCall *call, Room *room)
{
    EventStream *stream = g_new0(EventStream, 1);
    json_t *now = room_to_json(room);
    g_autofree char *first = event_text(stream, room_event_name(ROOM_EVENT_SETTINGS), now);
    g_autofree char *text = g_strdup_printf("retry: %d\n%s", RETRY_MS, first);
    json_decref(now);
    call->api->event_streams++;
    stream->api = call->api;
    stream->exchange = call->exchange;
    stream->room = room;
    stream->grants = call->claims.grants;
    stream->listener = room_listen(room, on_room_event, stream);
    stream->keep_alive = g_timeout_add_seconds(KEEP_ALIVE_SECONDS, keep_alive, stream);
    http_respond_stream(call->exchange, stream_response(), on_gone, stream);
    http_stream_send(call->exchange, text, strlen(text));
}

void events_api_room(ApiCall *call)
{
    guint max = (guint)config_int(call->api->config, "http.max_event_streams");
    Room *room = api_call_room(call);
    if (!room)
        return;
    if (call->request->method == HTTP_HEAD)
        api_respond(call, stream_response());
    else if (call->api->event_streams >= max)
        api_respond_problem(call, 503,
                            "Too many clients follow events already (http.max_event_streams).");
    else
        open_stream(call, room);
}
