#include "io/rtmp_server.h"

#include <gio/gio.h>
#include <string.h>

#include "base/address_block.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "io/rtmp_connection.h"

#define TICK_NS          (250 * NS_PER_MS)
#define ACCEPTS_AT_ONCE  16
#define DEFAULT_PORT     1935
#define DEFAULT_TLS_PORT 443
#define STOP_NS          (2 * NS_PER_SEC)

/* A port that is listened on. */
typedef struct {
    GSource base;
    RtmpServer *server;
    GSocket *socket;
    gpointer tag;
    gboolean secure;
    gboolean resting; /* it could not accept: not before the next tick */
} Listener;

struct RtmpServer {
    RtmpHub *hub;
    GThread *thread;
    GMainLoop *loop;
    Listener *listeners[2]; /* by `secure`; or NULL */
    guint16 ports[2];

    /* The rtmp thread's. */
    GSource *ticker;
    gint64 stop_ns; /* when it stops waiting for goodbyes; 0: it runs */
};

/* --- Accepting --- */

static guint server_count_address(const RtmpHub *hub, const char *peer)
{
    guint n = 0;
    g_autofree char *block = address_block(peer);
    for (guint i = 0; i < hub->connections->len; i++)
        n += strcmp(rtmp_connection_block(g_ptr_array_index(hub->connections, i)), block) == 0;
    return n;
}

/* IPv4 on a socket of IPv6 is told as what it is. */
static char *server_peer_of(GSocket *socket)
{
    static const char mapped[] = "::ffff:";
    g_autoptr(GSocketAddress) address = g_socket_get_remote_address(socket, NULL);
    if (!G_IS_INET_SOCKET_ADDRESS(address))
        return NULL;
    g_autofree char *text =
        g_inet_address_to_string(g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(address)));
    gboolean is_mapped = g_str_has_prefix(text, mapped) && strchr(text, '.');
    return is_mapped ? g_strdup(text + strlen(mapped)) : g_steal_pointer(&text);
}

static void server_admit(RtmpServer *server, GSocket *socket, gboolean secure)
{
    RtmpHub *hub = server->hub;
    g_autofree char *peer = server_peer_of(socket);
    g_autoptr(GError) error = NULL;
    const char *limit = NULL;
    if (!peer || hub->draining)
        limit = "the server stops";
    else if (hub->connections->len >= hub->config.max_connections)
        limit = "too many connections";
    else if (server_count_address(hub, peer) >= hub->config.max_per_address)
        limit = "too many connections from its address";
    else if (hub->config.may_accept && !hub->config.may_accept(&error))
        limit = error->message;
    if (!limit) {
        rtmp_connection_open(hub, socket, secure, peer, clock_now_ns());
        return;
    }
    log_limited(LOG_WARNING, "rtmp", "connection from %s refused: %s", peer ? peer : "nowhere",
                limit);
    pthread_mutex_lock(&hub->lock);
    hub->stats.refused++;
    pthread_mutex_unlock(&hub->lock);
    g_socket_close(socket, NULL);
}

static gboolean listener_dispatch(GSource *base, GSourceFunc callback, gpointer user)
{
    Listener *listener = (Listener *)base;
    g_autoptr(GError) error = NULL;
    (void)callback;
    (void)user;
    for (guint i = 0; i < ACCEPTS_AT_ONCE && !error; i++) {
        g_autoptr(GSocket) socket = g_socket_accept(listener->socket, NULL, &error);
        if (socket)
            server_admit(listener->server, socket, listener->secure);
    }
    if (error && !g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
        log_limited(LOG_WARNING, "rtmp", "a connection cannot be accepted: %s", error->message);
        listener->resting = TRUE;
        g_source_modify_unix_fd(base, listener->tag, 0);
    }
    return G_SOURCE_CONTINUE;
}

static void listener_finalize(GSource *base)
{
    g_clear_object(&((Listener *)base)->socket);
}

static GSourceFuncs listener_funcs = { .dispatch = listener_dispatch,
                                       .finalize = listener_finalize };

static void listener_wake(Listener *listener)
{
    if (!listener || !listener->resting)
        return;
    listener->resting = FALSE;
    g_source_modify_unix_fd(&listener->base, listener->tag, G_IO_IN);
}

/* --- Listening --- */

static GSocketAddress *server_parse_address(const char *text, guint16 default_port, GError **error)
{
    g_autoptr(GSocketConnectable) parsed = g_network_address_parse(text, default_port, NULL);
    GNetworkAddress *address = parsed ? G_NETWORK_ADDRESS(parsed) : NULL;
    const char *host = address ? g_network_address_get_hostname(address) : "";
    GSocketAddress *result = NULL;
    if (strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    if (*host)
        result = g_inet_socket_address_new_from_string(host, g_network_address_get_port(address));
    if (!result)
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "\"%s\" is not an address that RTMP can listen on; write it as "
                    "\"127.0.0.1:1935\" or \"[::]:1935\".",
                    text);
    return result;
}

static GSocket *server_listen_socket(const char *text, guint16 default_port, GError **error)
{
    g_autoptr(GError) cause = NULL;
    g_autoptr(GSocketAddress) address = server_parse_address(text, default_port, error);
    if (!address)
        return NULL;
    g_autoptr(GSocket) socket = g_socket_new(g_socket_address_get_family(address),
                                             G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &cause);
    if (socket) {
        g_socket_set_blocking(socket, FALSE);
        g_socket_set_listen_backlog(socket, 128);
        if (g_socket_bind(socket, address, TRUE, &cause) && g_socket_listen(socket, &cause))
            return g_steal_pointer(&socket);
    }
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                "RTMP cannot listen on %s (%s); choose another address or end the program that "
                "uses it.",
                text, cause->message);
    return NULL;
}

static gboolean server_listen(RtmpServer *server, const char *text, gboolean secure, GError **error)
{
    if (!text)
        return TRUE;
    g_autoptr(GSocket) socket =
        server_listen_socket(text, secure ? DEFAULT_TLS_PORT : DEFAULT_PORT, error);
    if (!socket)
        return FALSE;
    g_autoptr(GSocketAddress) bound = g_socket_get_local_address(socket, NULL);
    server->ports[secure] =
        bound ? g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound)) : 0;
    GSource *base = g_source_new(&listener_funcs, sizeof(Listener));
    Listener *listener = (Listener *)base;
    listener->server = server;
    listener->secure = secure;
    listener->tag = g_source_add_unix_fd(base, g_socket_get_fd(socket), G_IO_IN);
    listener->socket = g_steal_pointer(&socket);
    g_source_set_name(base, "rtmp listener");
    g_source_attach(base, server->hub->context);
    server->listeners[secure] = listener;
    return TRUE;
}

static void server_stop_listening(RtmpServer *server)
{
    for (guint i = 0; i < G_N_ELEMENTS(server->listeners); i++) {
        GSource *base = (GSource *)g_steal_pointer(&server->listeners[i]);
        if (base) {
            g_source_destroy(base);
            g_source_unref(base);
        }
    }
}

/* --- The thread --- */

/* (transfer full) The connections now: they come and go while they are visited. */
static GPtrArray *server_snapshot(const RtmpServer *server)
{
    const GPtrArray *connections = server->hub->connections;
    GPtrArray *copy = g_ptr_array_new_with_free_func((GDestroyNotify)rtmp_connection_unref);
    for (guint i = 0; i < connections->len; i++)
        g_ptr_array_add(copy, rtmp_connection_ref(g_ptr_array_index(connections, i)));
    return copy;
}

static gboolean server_tick(gpointer user)
{
    RtmpServer *server = user;
    gint64 now_ns = clock_now_ns();
    g_autoptr(GPtrArray) connections = server_snapshot(server);
    for (guint i = 0; i < connections->len; i++)
        rtmp_connection_tick(g_ptr_array_index(connections, i), now_ns);
    for (guint i = 0; i < G_N_ELEMENTS(server->listeners); i++)
        listener_wake(server->listeners[i]);
    if (server->stop_ns && (server->hub->connections->len == 0 || now_ns >= server->stop_ns))
        g_main_loop_quit(server->loop);
    return G_SOURCE_CONTINUE;
}

static gpointer server_run(gpointer user)
{
    RtmpServer *server = user;
    g_main_context_push_thread_default(server->hub->context);
    g_main_loop_run(server->loop);
    g_autoptr(GPtrArray) connections = server_snapshot(server);
    for (guint i = 0; i < connections->len; i++)
        rtmp_connection_close(g_ptr_array_index(connections, i), "the server stopped");
    rtmp_hub_stop(server->hub);
    g_main_context_pop_thread_default(server->hub->context);
    return NULL;
}

static guint or_default(guint value, guint otherwise)
{
    return value ? value : otherwise;
}

RtmpServer *rtmp_server_new(const RtmpServerConfig *config, RtmpRequestFunc request, gpointer user,
                            GError **error)
{
    g_autoptr(RtmpServer) server = g_new0(RtmpServer, 1);
    RtmpServerConfig limits = *config;
    limits.max_connections = or_default(config->max_connections, 500);
    limits.max_per_address = or_default(config->max_per_address, 100);
    limits.max_connection_bytes =
        config->max_connection_bytes ? config->max_connection_bytes : 16 << 20;
    limits.max_bytes = config->max_bytes ? config->max_bytes : 48 << 20;
    server->hub = rtmp_hub_new(&limits, request, user);
    if (config->tls_listen) {
        server->hub->tls = rtmp_tls_context_new(config->certificate_file, config->key_file, error);
        if (!server->hub->tls)
            return NULL;
    }
    if (!server_listen(server, config->listen, FALSE, error) ||
        !server_listen(server, config->tls_listen, TRUE, error))
        return NULL;
    server->loop = g_main_loop_new(server->hub->context, FALSE);
    server->ticker = g_timeout_source_new(TICK_NS / NS_PER_MS);
    g_source_set_callback(server->ticker, server_tick, server, NULL);
    g_source_attach(server->ticker, server->hub->context);
    server->thread = g_thread_new("rtmp", server_run, server);
    return g_steal_pointer(&server);
}

/* --- The end --- */

static void server_do_drain(gpointer user)
{
    RtmpServer *server = user;
    if (server->hub->draining)
        return;
    server->hub->draining = TRUE;
    server_stop_listening(server);
    g_autoptr(GPtrArray) connections = server_snapshot(server);
    for (guint i = 0; i < connections->len; i++)
        rtmp_connection_finish(g_ptr_array_index(connections, i), NULL);
}

void rtmp_server_drain(RtmpServer *server)
{
    rtmp_hub_post(server->hub, server_do_drain, server, NULL);
}

static void server_do_stop(gpointer user)
{
    RtmpServer *server = user;
    server_do_drain(server);
    server->stop_ns = clock_now_ns() + STOP_NS;
    server_tick(server);
}

void rtmp_server_free(RtmpServer *server)
{
    if (!server)
        return;
    if (server->thread) {
        rtmp_hub_post(server->hub, server_do_stop, server, NULL);
        g_thread_join(server->thread);
    }
    server_stop_listening(server);
    if (server->ticker) {
        g_source_destroy(server->ticker);
        g_source_unref(server->ticker);
    }
    g_clear_pointer(&server->loop, g_main_loop_unref);
    rtmp_hub_unref(server->hub);
    g_free(server);
}

guint16 rtmp_server_port(const RtmpServer *server, gboolean secure)
{
    return server->ports[secure ? 1 : 0];
}

void rtmp_server_stats(RtmpServer *server, RtmpServerStats *stats)
{
    pthread_mutex_lock(&server->hub->lock);
    *stats = server->hub->stats;
    pthread_mutex_unlock(&server->hub->lock);
}
