#include "api/http.h"

#include <libwebsockets.h>
#include <string.h>
#include <unistd.h>

#include "api/http_listener.h"
#include "api/http_lws.h"
#include "api/problem.h"
#include "api/websocket_private.h"
#include "base/error.h"
#include "base/log.h"

#define HEADER_BYTES    8192    /* of one request's header */
#define MAX_DISCARD     1048576 /* body bytes read and thrown away to keep a connection */
#define MAX_EARLY_LOOKS 64
#define LWS_SEND_SIZE   (1 << 22)

typedef struct HttpConnection HttpConnection;

typedef struct {
    HttpServer *server;
    HttpListener *listener;
    gboolean secure;
} Address;

struct HttpServer {
    HttpOptions options;
    HttpHandlers handlers;
    gpointer user;
    GMainLoop *loop; /* lws wants one; nobody runs it */
    struct lws_context *context;
    struct lws_vhost *vhost;
    lws_retry_bo_t keepalive;
    GPtrArray *addresses;
    GHashTable *connections; /* a set */
    HttpStats stats;
};

typedef enum {
    CONNECTION_IDLE,    /* reads a header, or waits for one */
    CONNECTION_BODY,    /* reads a body */
    CONNECTION_WAITING, /* the handler has the request */
    CONNECTION_WRITING, /* has an answer for lws */
} ConnectionState;

struct HttpConnection {
    HttpServer *server;
    struct lws *wsi;
    char *peer;
    gboolean secure;
    ConnectionState state;
    gboolean paused;        /* lws reads nothing until the answer is there */
    gboolean close;         /* after the answer */
    HttpExchange *exchange; /* BODY to WRITING */
    guint64 expected;       /* body bytes */
    guint early_looks;      /* at bytes behind the body, before it is answered */
    GByteArray *out;        /* LWS_PRE bytes, then the answer */
    WebSocket *socket;
    guint timer;
};

struct HttpExchange {
    gatomicrefcount refs;
    HttpConnection *connection; /* NULL: gone */
    HttpRequest *request;
    gboolean answered;
    HttpFinish finish;
    gpointer finish_user;
};

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

static void stop_timer(HttpConnection *connection)
{
    if (connection->timer)
        g_source_remove(connection->timer);
    connection->timer = 0;
}

static void forget_exchange(HttpConnection *connection)
{
    if (connection->exchange)
        connection->exchange->connection = NULL;
    g_clear_pointer(&connection->exchange, http_exchange_unref);
}

static void connection_free(HttpConnection *connection)
{
    if (!connection)
        return;
    g_hash_table_remove(connection->server->connections, connection);
    connection->server->stats.connections = g_hash_table_size(connection->server->connections);
    stop_timer(connection);
    forget_exchange(connection);
    g_clear_pointer(&connection->out, g_byte_array_unref);
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

static void start_timer(HttpConnection *connection, guint seconds)
{
    stop_timer(connection);
    connection->timer = g_timeout_add_seconds(seconds, too_late, connection);
}

static void enter_writing(HttpConnection *connection, const HttpResponse *response)
{
    connection->close |= response->close;
    connection->out =
        http_response_serialize(response, connection->exchange->request->method, LWS_PRE);
    connection->state = CONNECTION_WRITING;
    start_timer(connection, connection->server->options.request_seconds);
}

void http_respond(HttpExchange *exchange, HttpResponse *response)
{
    HttpConnection *connection = exchange->connection;
    if (!exchange->answered && connection && exchange->finish)
        exchange->finish(exchange, response, exchange->finish_user);
    if (!exchange->answered && connection) {
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
    start_timer(connection, connection->server->options.answer_seconds);
    connection->server->handlers.request(exchange, connection->server->user);
    if (connection->state == CONNECTION_WAITING) {
        connection->paused = TRUE;
        lws_rx_flow_control(connection->wsi, 0);
    }
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
    stop_timer(connection);
    forget_exchange(connection);
    connection->state = CONNECTION_IDLE;
    if (!written || close)
        return -1;
    return lws_http_transaction_completed(connection->wsi) ? -1 : 0;
}

/* Answer before the handler sees anything. The body is read and dropped if it is short, so that
 * the client can read the answer. */
static int refuse(HttpConnection *connection, guint64 body,
                  HttpResponse *response) ON_CONTROL_THREAD;
static int refuse(HttpConnection *connection, guint64 body, HttpResponse *response)
{
    g_autoptr(HttpResponse) owned = response;
    owned->close |= body > MAX_DISCARD || owned->status == 400 || owned->status == 411;
    enter_writing(connection, owned);
    return on_writable(connection);
}

static int on_request(HttpConnection *connection) ON_CONTROL_THREAD;
static int on_request(HttpConnection *connection)
{
    const HttpOptions *options = &connection->server->options;
    HttpHead head = { .request = http_request_new() };
    g_autoptr(HttpResponse) refusal = http_lws_read_head(connection->wsi, &head);
    if (connection->state != CONNECTION_IDLE || connection->exchange) {
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
    if (head.content_length > options->max_body)
        return refuse(connection, head.content_length,
                      problem_response(413, "The request's body is larger than http.max_body."));
    if (!head.content_length && (!head.has_length || head.request->method != HTTP_POST))
        return dispatch(connection);
    connection->state = CONNECTION_BODY;
    start_timer(connection, options->request_seconds);
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

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
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
        connection_free(connection);
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    { .name = "tessera",
      .callback = on_lws,
      .rx_buffer_size = 4096,
      .tx_packet_size = LWS_SEND_SIZE },
    { 0 },
};

static void on_accept(gint fd, const char *peer, gpointer user)
{
    Address *address = user;
    HttpServer *server = address->server;
    if (g_hash_table_size(server->connections) >= server->options.max_connections) {
        server->stats.refused++;
        log_limited(LOG_WARNING, "http", "connection from %s refused: http.max_connections", peer);
        close(fd);
        return;
    }
    HttpConnection *connection = g_new0(HttpConnection, 1);
    connection->server = server;
    connection->peer = g_strdup(peer);
    connection->secure = address->secure;
    g_hash_table_add(server->connections, connection);
    server->stats.accepted++;
    server->stats.connections = g_hash_table_size(server->connections);
    lws_adopt_desc_t adopt = { .vh = server->vhost,
                               .type = LWS_ADOPT_HTTP | LWS_ADOPT_SOCKET,
                               .fd = { .sockfd = fd },
                               .opaque = connection };
    if (address->secure)
        adopt.type |= LWS_ADOPT_ALLOW_SSL;
    /* A failure closes fd, and frees the connection if it came so far. */
    if (!lws_adopt_descriptor_vhost_via_info(&adopt) &&
        g_hash_table_contains(server->connections, connection))
        connection_free(connection);
}

/* What lws says is for its developers; most of it any client can provoke. */
static void on_lws_log(int level, const char *line)
{
    (void)level;
    log_limited(LOG_DEBUG, "http", "lws: %s", line);
}

/* --- the server -------------------------------------------------------------------------- */

static guint or_default(guint value, guint fallback)
{
    return value ? value : fallback;
}

static gboolean start_context(HttpServer *server, GError **error)
{
    const HttpOptions *options = &server->options;
    void *loops[] = { server->loop };
    server->keepalive.secs_since_valid_ping = (uint16_t)or_default(options->ping_seconds, 10);
    server->keepalive.secs_since_valid_hangup = (uint16_t)or_default(options->hangup_seconds, 20);
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_GLIB | LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .foreign_loops = loops,
        .max_http_header_data = HEADER_BYTES,
        .timeout_secs = or_default(options->request_seconds, 10),
        .timeout_secs_ah_idle = or_default(options->header_seconds, 5),
        .keepalive_timeout = (int)or_default(options->idle_seconds, 30),
        .retry_and_idle_policy = &server->keepalive,
        .vhost_name = "tessera",
        .gid = (gid_t)-1,
        .uid = (uid_t)-1,
    };
    if (options->certificate) {
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.ssl_cert_filepath = options->certificate;
        info.ssl_private_key_filepath = options->private_key;
        info.alpn = "http/1.1";
    }
    lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_log);
    server->context = lws_create_context(&info);
    server->vhost = server->context ? lws_create_vhost(server->context, &info) : NULL;
    if (server->vhost)
        return TRUE;
    g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INTERNAL,
                        "The HTTP server could not be started: libwebsockets refuses (is the "
                        "package libwebsockets-evlib-glib installed?); log.level=debug says more.");
    return FALSE;
}

static void address_free(gpointer data)
{
    Address *address = data;
    http_listener_free(address->listener);
    g_free(address);
}

HttpServer *http_server_new(const HttpOptions *options, const HttpHandlers *handlers, gpointer user,
                            GError **error)
{
    HttpServer *server = g_new0(HttpServer, 1);
    server->options = *options;
    server->options.request_seconds = or_default(options->request_seconds, 10);
    server->options.answer_seconds = or_default(options->answer_seconds, 30);
    server->handlers = *handlers;
    server->user = user;
    server->loop = g_main_loop_new(NULL, FALSE);
    server->addresses = g_ptr_array_new_with_free_func(address_free);
    server->connections = g_hash_table_new(NULL, NULL);
    if (!start_context(server, error))
        g_clear_pointer(&server, http_server_free);
    return server;
}

void http_server_free(HttpServer *server)
{
    if (!server)
        return;
    g_ptr_array_set_size(server->addresses, 0);
    if (server->context)
        lws_context_destroy(server->context);
    g_ptr_array_unref(server->addresses);
    g_hash_table_destroy(server->connections);
    g_main_loop_unref(server->loop);
    g_free(server);
}

gboolean http_server_listen(HttpServer *server, const char *key, const char *address,
                            gboolean secure, GError **error)
{
    g_autofree Address *entry = g_new0(Address, 1);
    entry->server = server;
    entry->secure = secure;
    entry->listener = http_listener_new(key, address, on_accept, entry, error);
    if (!entry->listener)
        return FALSE;
    g_ptr_array_add(server->addresses, g_steal_pointer(&entry));
    return TRUE;
}

char *http_server_url(HttpServer *server, guint i)
{
    if (i >= server->addresses->len)
        return NULL;
    const Address *address = server->addresses->pdata[i];
    g_autofree char *authority = http_listener_authority(address->listener);
    return g_strdup_printf("%s://%s/", address->secure ? "https" : "http", authority);
}

void http_server_stop_listening(HttpServer *server)
{
    g_ptr_array_set_size(server->addresses, 0);
}

void http_server_stats(const HttpServer *server, HttpStats *stats)
{
    *stats = server->stats;
}
