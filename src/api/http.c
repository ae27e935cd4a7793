#include <string.h>

#include "api/http_lws.h"
#include "api/http_private.h"
#include "api/problem.h"

#define MAX_DISCARD      1048576 /* body bytes read and thrown away to keep a connection */
#define MAX_EARLY_LOOKS  64
#define LARGE_BODY       65536      /* bodies above this are large; */
#define MAX_LARGE_BODIES (64 << 20) /* this much of them is read at the same time */

/* --- exchanges --------------------------------------------------------------------------- */

static HttpExchange *exchange_new(HttpConnection *connection, HttpRequest *request)
{
    HttpExchange *exchange = g_new0(HttpExchange, 1);
    g_atomic_ref_count_init(&exchange->refs);
    exchange->connection = connection;
    exchange->request = request;
    return exchange;
}

HttpExchange *http_exchange_ref(HttpExchange *exchange)
{
    g_atomic_ref_count_inc(&exchange->refs);
    return exchange;
}

void http_exchange_unref(HttpExchange *exchange)
{
    if (!exchange || !g_atomic_ref_count_dec(&exchange->refs))
        return;
    http_request_free(exchange->request);
    g_free(exchange);
}

const HttpRequest *http_exchange_request(const HttpExchange *exchange)
{
    return exchange->request;
}

gboolean http_exchange_is_gone(const HttpExchange *exchange)
{
    return !exchange->connection;
}

void http_exchange_set_finish(HttpExchange *exchange, HttpFinish finish, gpointer user)
{
    exchange->finish = finish;
    exchange->finish_user = user;
}

/* --- connections ------------------------------------------------------------------------- */

void http_connection_stop_timer(HttpConnection *connection)
{
    if (connection->timer)
        g_source_remove(connection->timer);
    connection->timer = 0;
}

static void forget_exchange(HttpConnection *connection)
{
    g_autoptr(HttpExchange) exchange = g_steal_pointer(&connection->exchange);
    connection->server->large_bodies -= connection->large;
    connection->large = 0;
    if (!exchange)
        return;
    exchange->connection = NULL;
    http_stream_tell_gone(exchange);
}

void http_connection_free(HttpConnection *connection)
{
    if (!connection)
        return;
    g_hash_table_remove(connection->server->connections, connection);
    connection->server->stats.connections = g_hash_table_size(connection->server->connections);
    http_connection_stop_timer(connection);
    if (connection->watch)
        g_source_remove(connection->watch);
    forget_exchange(connection);
    http_stream_forget_read(connection);
    g_clear_pointer(&connection->out, g_byte_array_unref);
    http_response_free(connection->file);
    g_free(connection->peer);
    g_free(connection);
}

/* A client that sends its body too slowly or does not read is closed; a handler that does not
 * answer is answered for. */
static gboolean too_late(gpointer data)
{
    HttpConnection *connection = data;
    thread_assert_control();
    connection->timer = 0;
    if (connection->state == CONNECTION_WAITING)
        http_respond(connection->exchange, problem_response(503, "The answer took too long."));
    else
        lws_set_timeout(connection->wsi, PENDING_TIMEOUT_HTTP_CONTENT, LWS_TO_KILL_SYNC);
    return G_SOURCE_REMOVE;
}

void http_connection_start_timer(HttpConnection *connection, guint seconds)
{
    http_connection_stop_timer(connection);
    connection->timer = g_timeout_add_seconds(seconds, too_late, connection);
}

static void enter_writing(HttpConnection *connection, HttpResponse *response)
{
    connection->close |= response->close;
    response->close |= connection->last;
    connection->out =
        http_response_serialize(response, connection->exchange->request->method, LWS_PRE);
    connection->state = CONNECTION_WRITING;
    http_connection_start_timer(connection, connection->server->options.request_seconds);
}

void http_respond(HttpExchange *exchange, HttpResponse *response)
{
    HttpConnection *connection = exchange->connection;
    if (!exchange->answered && connection && exchange->finish)
        exchange->finish(exchange, response, exchange->finish_user);
    if (!exchange->answered && connection && response->fd >= 0 &&
        exchange->request->method != HTTP_HEAD) {
        http_stream_file(connection, g_steal_pointer(&response));
    } else if (!exchange->answered && connection) {
        response->close |= connection->close;
        enter_writing(connection, response);
        if (connection->paused)
            lws_rx_flow_control(connection->wsi, 1);
        connection->paused = FALSE;
        lws_callback_on_writable(connection->wsi);
    }
    exchange->answered = TRUE;
    http_response_free(response);
}

void http_connection_pause(HttpConnection *connection)
{
    if (!connection->paused)
        lws_rx_flow_control(connection->wsi, 0);
    connection->paused = TRUE;
}

/* Hand the request to the handler. If it answers later, lws must not read on: it has no state for
 * bytes between a request and its answer. (Where it has read bytes of a next request already, it
 * looks at them again and again until the answer is there; so answers must not come from sources
 * of a lower priority than sockets.) */
static int dispatch(HttpConnection *connection) ON_CONTROL_THREAD;
static int dispatch(HttpConnection *connection)
{
    g_autoptr(HttpExchange) exchange = http_exchange_ref(connection->exchange);
    connection->state = CONNECTION_WAITING;
    lws_set_timeout(connection->wsi, NO_PENDING_TIMEOUT, 0);
    http_connection_start_timer(connection, connection->server->options.answer_seconds);
    connection->server->handlers.request(exchange, connection->server->user);
    if (connection->state == CONNECTION_WAITING)
        http_connection_pause(connection);
    return 0;
}

static gboolean write_out(HttpConnection *connection)
{
    g_autoptr(GByteArray) out = g_steal_pointer(&connection->out);
    int size = (int)(out->len - LWS_PRE);
    connection->server->stats.bytes_out += (guint64)size;
    return lws_write(connection->wsi, out->data + LWS_PRE, (size_t)size, LWS_WRITE_HTTP_FINAL) ==
           size;
}

static int on_writable(HttpConnection *connection)
{
    if (connection->state != CONNECTION_WRITING || !connection->out)
        return 0;
    gboolean close = connection->close;
    gboolean written = write_out(connection);
    http_connection_stop_timer(connection);
    forget_exchange(connection);
    connection->state = CONNECTION_IDLE;
    if (!written || close)
        return -1;
    return lws_http_transaction_completed(connection->wsi) ? -1 : 0;
}

/* Answer before the handler sees anything. The body is read and dropped if it is short, so that
 * the client can read the answer; lws may mix up what comes behind such a body, so nothing may. */
static int refuse(HttpConnection *connection, guint64 body,
                  HttpResponse *response) ON_CONTROL_THREAD;
static int refuse(HttpConnection *connection, guint64 body, HttpResponse *response)
{
    g_autoptr(HttpResponse) owned = response;
    owned->close |= body > MAX_DISCARD || owned->status == 400 || owned->status == 411;
    connection->last = TRUE;
    enter_writing(connection, owned);
    return on_writable(connection);
}

/* The handler says why it does not take it: perhaps the body is the least of it. */
static int dispatch_too_large(HttpConnection *connection) ON_CONTROL_THREAD;
static int dispatch_too_large(HttpConnection *connection)
{
    HttpServer *server = connection->server;
    g_autoptr(HttpExchange) exchange = http_exchange_ref(connection->exchange);
    exchange->request->too_large = TRUE;
    connection->close |= connection->expected > MAX_DISCARD;
    connection->last = TRUE;
    server->handlers.request(exchange, server->user);
    if (!exchange->answered)
        http_respond(exchange, problem_response(413, "The request's body is too large."));
    return on_writable(connection);
}

static gboolean count_large_body(HttpConnection *connection)
{
    HttpServer *server = connection->server;
    if (connection->expected <= LARGE_BODY)
        return TRUE;
    if (server->large_bodies + connection->expected > MAX_LARGE_BODIES)
        return FALSE;
    connection->large = connection->expected;
    server->large_bodies += connection->large;
    return TRUE;
}

static int on_request(HttpConnection *connection) ON_CONTROL_THREAD;
static int on_request(HttpConnection *connection)
{
    HttpServer *server = connection->server;
    HttpHead head = { .request = http_request_new() };
    g_autoptr(HttpResponse) refusal = http_lws_read_head(connection->wsi, &head);
    if (connection->state != CONNECTION_IDLE || connection->exchange || connection->last) {
        http_request_free(head.request);
        return -1;
    }
    head.request->peer = g_strdup(connection->peer);
    head.request->secure = connection->secure;
    connection->exchange = exchange_new(connection, head.request);
    connection->expected = head.content_length;
    connection->early_looks = 0;
    gboolean takes_body = head.request->method == HTTP_POST || head.request->method == HTTP_PUT ||
                          head.request->method == HTTP_PATCH;
    /* Without a length lws waits for a body of any size; there is none. */
    connection->close = takes_body && !head.has_length;

    if (refusal)
        return refuse(connection, G_MAXUINT64, g_steal_pointer(&refusal));
    if (head.content_length > server->handlers.body_limit(head.request, server->user))
        return dispatch_too_large(connection);
    if (!count_large_body(connection))
        return refuse(connection, head.content_length,
                      problem_response(503, "Too many large requests at the same time."));
    if (!head.content_length && (!head.has_length || head.request->method != HTTP_POST))
        return dispatch(connection);
    connection->state = CONNECTION_BODY;
    http_connection_start_timer(connection, server->options.request_seconds);
    return 0;
}

static int on_body(HttpConnection *connection, const guint8 *data, gsize size)
{
    if (connection->state != CONNECTION_BODY)
        return connection->state == CONNECTION_IDLE ? 0 : -1;
    GByteArray *body = connection->exchange->request->body;
    if (body->len + size > connection->expected)
        return -1;
    if (size)
        g_byte_array_append(body, data, (guint)size);
    return 0;
}

/* lws says so again for every look at bytes that came behind the body, before it lets us answer. */
static int on_body_complete(HttpConnection *connection) ON_CONTROL_THREAD;
static int on_body_complete(HttpConnection *connection)
{
    if (connection->state == CONNECTION_BODY)
        return dispatch(connection);
    return ++connection->early_looks > MAX_EARLY_LOOKS ? -1 : 0;
}

/* --- WebSocket --------------------------------------------------------------------------- */

/* lws asks before it upgrades. Only a plain "websocket" may pass: "h2c" would switch to HTTP/2, and
 * after any other value the header is gone already. The answer is 0 or -1, never "handled". */
static int confirm_upgrade(HttpConnection *connection) ON_CONTROL_THREAD;
static int confirm_upgrade(HttpConnection *connection)
{
    char upgrade[16] = "";
    struct lws *wsi = connection->wsi;
    if (lws_hdr_copy(wsi, upgrade, sizeof upgrade, WSI_TOKEN_UPGRADE) <= 0 ||
        g_ascii_strcasecmp(upgrade, "websocket") != 0 || connection->exchange)
        return -1;
    HttpHead head = { .request = http_request_new() };
    g_autoptr(HttpResponse) refusal = http_lws_read_head(wsi, &head);
    head.request->peer = g_strdup(connection->peer);
    head.request->secure = connection->secure;
    connection->exchange = exchange_new(connection, head.request);
    if (!refusal && (head.request->method != HTTP_GET || head.content_length))
        refusal = problem_response(405, "A WebSocket begins with a GET request.");
    if (!refusal)
        refusal = connection->server->handlers.upgrade(head.request, connection->server->user);
    if (!refusal)
        return 0;
    refusal->close = TRUE;
    enter_writing(connection, refusal);
    on_writable(connection);
    return -1;
}

static int on_established(HttpConnection *connection) ON_CONTROL_THREAD;
static int on_established(HttpConnection *connection)
{
    HttpServer *server = connection->server;
    if (!connection->exchange)
        return -1;
    connection->socket =
        websocket_new(connection->wsi, connection->peer, server->options.max_message);
    server->stats.websockets++;
    server->handlers.opened(connection->socket, connection->exchange->request, server->user);
    forget_exchange(connection);
    return 0;
}

static void on_websocket_gone(HttpConnection *connection) ON_CONTROL_THREAD;
static void on_websocket_gone(HttpConnection *connection)
{
    WebSocket *socket = g_steal_pointer(&connection->socket);
    if (!socket)
        return;
    connection->server->stats.websockets--;
    websocket_free(socket);
}

static int on_websocket(HttpConnection *connection, enum lws_callback_reasons reason, void *in,
                        size_t size) ON_CONTROL_THREAD;
static int on_websocket(HttpConnection *connection, enum lws_callback_reasons reason, void *in,
                        size_t size)
{
    WebSocket *socket = connection->socket;
    if (reason == LWS_CALLBACK_ESTABLISHED)
        return on_established(connection);
    if (!socket)
        return -1;
    if (reason == LWS_CALLBACK_SERVER_WRITEABLE)
        return websocket_writable(socket);
    if (reason == LWS_CALLBACK_WS_PEER_INITIATED_CLOSE) {
        websocket_peer_closes(socket, in, size);
        return 0;
    }
    connection->server->stats.messages_in++;
    return websocket_receive(socket, in, size);
}

/* --- lws --------------------------------------------------------------------------------- */

int http_connection_on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                           size_t size)
{
    HttpConnection *connection = wsi ? lws_get_opaque_user_data(wsi) : NULL;
    (void)user;
    thread_assert_control();
    if (!connection)
        return 0;
    connection->wsi = wsi;
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        return on_request(connection);
    case LWS_CALLBACK_HTTP_BODY:
        return on_body(connection, in, size);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return on_body_complete(connection);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return on_writable(connection);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return confirm_upgrade(connection);
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        return on_websocket(connection, reason, in, size);
    case LWS_CALLBACK_RAW_ADOPT: /* a CONNECT request */
    case LWS_CALLBACK_RAW_RX:
        return -1;
    case LWS_CALLBACK_CLOSED:
        on_websocket_gone(connection);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        on_websocket_gone(connection);
        lws_set_opaque_user_data(wsi, NULL);
        http_connection_free(connection);
        return 0;
    default:
        return 0;
    }
}
