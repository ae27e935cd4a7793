#include "api/http_listener.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "config.h"

#define ACCEPTS_PER_EVENT 32
#define BACKLOG           128
#define PAUSE_MS          200       /* after running out of file descriptors */
#define SEND_BUFFER       (1 << 18) /* a whole answer fits: lws need not keep a rest */

typedef struct {
    HttpListener *listener;
    GSocket *socket;
    guint source; /* 0 while paused */
    guint pause;
} Door;

struct HttpListener {
    char *host;
    guint port;
    GPtrArray *doors;
    HttpAccept accept;
    gpointer user;
};

static gboolean on_connection(gint fd, GIOCondition condition, gpointer data);

static gboolean end_pause(gpointer data)
{
    Door *door = data;
    door->pause = 0;
    door->source = g_unix_fd_add(g_socket_get_fd(door->socket), G_IO_IN, on_connection, door);
    return G_SOURCE_REMOVE;
}

static char *peer_address(const struct sockaddr *address, socklen_t size)
{
    g_autoptr(GSocketAddress) native =
        g_socket_address_new_from_native((gpointer)address, (gsize)size);
    if (!native || !G_IS_INET_SOCKET_ADDRESS(native))
        return g_strdup("?");
    return g_inet_address_to_string(
        g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(native)));
}

static gboolean on_connection(gint fd, GIOCondition condition, gpointer data)
{
    Door *door = data;
    (void)condition;
    for (guint i = 0; i < ACCEPTS_PER_EVENT; i++) {
        struct sockaddr_storage address;
        socklen_t size = sizeof address;
        gint client = accept4(fd, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
            log_limited(LOG_ERROR, "http", "no connection accepted: %s", g_strerror(errno));
            door->source = 0;
            door->pause = g_timeout_add(PAUSE_MS, end_pause, door);
            return G_SOURCE_REMOVE;
        }
        if (client < 0)
            return G_SOURCE_CONTINUE;
        gint buffer = SEND_BUFFER;
        setsockopt(client, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
        g_autofree char *peer = peer_address((struct sockaddr *)&address, size);
        door->listener->accept(client, peer, door->listener->user);
    }
    return G_SOURCE_CONTINUE;
}

static void door_free(gpointer data)
{
    Door *door = data;
    if (door->source)
        g_source_remove(door->source);
    if (door->pause)
        g_source_remove(door->pause);
    g_clear_object(&door->socket);
    g_free(door);
}

static gboolean explain(const char *key, const char *address, const GError *problem, GError **error)
{
    const char *reason = problem->message, *remedy = "choose another address";
    if (g_error_matches(problem, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE)) {
        reason = "is in use by another program";
        remedy = "stop that program or choose another port";
    } else if (g_error_matches(problem, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED)) {
        reason = "may not be used by this user";
        remedy = "choose a port above 1023";
    } else if (g_error_matches(problem, G_IO_ERROR, G_IO_ERROR_NOT_FOUND)) {
        reason = "is not an address of this machine";
    }
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE, "%s: %s %s; %s (--set %s=...).",
                key, address, reason, remedy, key);
    return FALSE;
}

/* An IPv6 socket for every address takes IPv4 too. */
static GSocket *listen_on(GInetAddress *host, guint port, GError **error)
{
    g_autoptr(GSocketAddress) address = g_inet_socket_address_new(host, (guint16)port);
    g_autoptr(GSocket) socket = g_socket_new(g_inet_address_get_family(host), G_SOCKET_TYPE_STREAM,
                                             G_SOCKET_PROTOCOL_TCP, error);
    if (!socket)
        return NULL;
    g_socket_set_blocking(socket, FALSE);
    g_socket_set_listen_backlog(socket, BACKLOG);
    if (!g_socket_bind(socket, address, TRUE, error))
        return NULL;
    return g_socket_listen(socket, error) ? g_steal_pointer(&socket) : NULL;
}

static gboolean open_door(HttpListener *listener, GInetAddress *host, GError **error)
{
    g_autoptr(GSocket) socket = listen_on(host, listener->port, error);
    if (!socket)
        return FALSE;
    g_autoptr(GSocketAddress) local = g_socket_get_local_address(socket, error);
    if (!local)
        return FALSE;
    listener->port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(local));
    Door *door = g_new0(Door, 1);
    door->listener = listener;
    door->socket = g_steal_pointer(&socket);
    door->source = g_unix_fd_add(g_socket_get_fd(door->socket), G_IO_IN, on_connection, door);
    g_ptr_array_add(listener->doors, door);
    return TRUE;
}

static gboolean open_any(HttpListener *listener, GError **error)
{
    g_autoptr(GInetAddress) v6 = g_inet_address_new_any(G_SOCKET_FAMILY_IPV6);
    g_autoptr(GInetAddress) v4 = g_inet_address_new_any(G_SOCKET_FAMILY_IPV4);
    g_autoptr(GError) problem = NULL;
    if (open_door(listener, v6, &problem))
        return TRUE;
    if (g_error_matches(problem, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE)) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return FALSE;
    }
    return open_door(listener, v4, error);
}

/* A name may have several addresses (localhost: 127.0.0.1 and ::1); one that works is enough,
 * but a port in use on any of them is an error. */
static gboolean open_name(HttpListener *listener, GError **error)
{
    g_autoptr(GResolver) resolver = g_resolver_get_default();
    GList *found = g_resolver_lookup_by_name(resolver, listener->host, NULL, error);
    if (!found)
        return FALSE;
    g_autoptr(GError) problem = NULL;
    for (GList *at = found; at; at = at->next) {
        g_autoptr(GError) one = NULL;
        if (!open_door(listener, at->data, &one) &&
            (!problem || g_error_matches(one, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE))) {
            g_clear_error(&problem);
            problem = g_steal_pointer(&one);
        }
    }
    g_resolver_free_addresses(found);
    gboolean in_use = problem && g_error_matches(problem, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
    if (listener->doors->len && !in_use)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

static gboolean open_all(HttpListener *listener, GError **error)
{
    g_autoptr(GInetAddress) numeric = g_inet_address_new_from_string(listener->host);
    if (!*listener->host)
        return open_any(listener, error);
    return numeric ? open_door(listener, numeric, error) : open_name(listener, error);
}

HttpListener *http_listener_new(const char *key, const char *address, HttpAccept accept,
                                gpointer user, GError **error)
{
    g_autoptr(HttpListener) listener = g_new0(HttpListener, 1);
    g_autoptr(GError) problem = NULL;
    listener->doors = g_ptr_array_new_with_free_func(door_free);
    listener->accept = accept;
    listener->user = user;
    if (!config_split_address(address, &listener->host, &listener->port)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "%s must be an address and a port such as 127.0.0.1:8080, not \"%s\".", key,
                    address);
        return NULL;
    }
    if (!open_all(listener, &problem)) {
        explain(key, address, problem, error);
        return NULL;
    }
    return g_steal_pointer(&listener);
}

void http_listener_free(HttpListener *listener)
{
    if (!listener)
        return;
    g_ptr_array_unref(listener->doors);
    g_free(listener->host);
    g_free(listener);
}

char *http_listener_authority(const HttpListener *listener)
{
    gboolean any = !*listener->host || g_strcmp0(listener->host, "0.0.0.0") == 0 ||
                   g_strcmp0(listener->host, "::") == 0;
    const char *host = any ? "localhost" : listener->host;
    gboolean v6 = g_strstr_len(host, -1, ":") != NULL;
    return g_strdup_printf("%s%s%s:%u", v6 ? "[" : "", host, v6 ? "]" : "", listener->port);
}
