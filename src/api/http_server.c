#include <unistd.h>

#include "api/http_listener.h"
#include "api/http_private.h"
#include "base/error.h"
#include "base/log.h"
#include "net/descriptors.h"

#define HEADER_BYTES  8192  /* of one request's header */
#define READ_BYTES    65536 /* at once, of a body */
#define LWS_SEND_SIZE (1 << 22)

typedef struct {
    HttpServer *server;
    HttpListener *listener;
    gboolean secure;
} Address;

static const struct lws_protocols protocols[] = {
    { .name = "tessera",
      .callback = http_connection_on_lws,
      .rx_buffer_size = 4096,
      .tx_packet_size = LWS_SEND_SIZE },
    { 0 },
};

/* NULL: it may come in. */
static const char *refusal(const HttpServer *server)
{
    if (g_hash_table_size(server->connections) >= server->options.max_connections)
        return "http.max_connections";
    return descriptors_for_strangers(NULL) ? NULL : "raise the limit of open files (ulimit -n)";
}

static void on_accept(gint fd, const char *peer, gpointer user)
{
    Address *address = user;
    HttpServer *server = address->server;
    const char *reason = refusal(server);
    if (reason) {
        server->stats.refused++;
        log_limited(LOG_WARNING, "http", "connection from %s refused: %s", peer, reason);
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
        http_connection_free(connection);
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
        .pt_serv_buf_size = READ_BYTES,
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
