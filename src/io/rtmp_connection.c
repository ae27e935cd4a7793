#include "io/rtmp_connection.h"

#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/address_block.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "io/flv.h"
#include "io/rtmp_request.h"

#define SEND_BUFFER   (512 * 1024)  /* the kernel's: what it holds is late already */
#define HIGH_WATER    (256 * 1024)  /* of our own bytes on their way */
#define MAX_DISCARDED (1024 * 1024) /* of a peer that talks on after the end */

typedef struct {
    GSource base;
    RtmpConnection *connection;
    gpointer tag;
} ConnectionSource;

struct RtmpConnection {
    gint refs; /* atomic */

    /* Set once. */
    RtmpHub *hub;
    gboolean secure;
    char *peer;
    char *block; /* that its address counts to */

    /* The rtmp thread's; while open. */
    gboolean open;
    GSocket *socket;
    ConnectionSource *source;
    RtmpTls *tls;
    GByteArray *plain, *wire; /* TLS: what was decrypted just now, what is to be sent */
    RtmpSession *session;
    gsize discarded;    /* bytes that came after the end */
    gsize memory;       /* as counted in the hub */
    gint64 progress_ns; /* when bytes left last, or none waited */
    gint64 linger_ns;   /* all is sent: until when the peer may read it; 0: not yet */

    /* Of an accepted publisher, until it was told the end. */
    FlvReader *flv;
    gboolean told_unsupported;
    MediaEvents events;
    gpointer user;
    GDestroyNotify user_free;

    /* Of an accepted player. */
    RtmpPlay *play;
    guint64 dropped; /* as counted in the hub */
};

static void connection_update(RtmpConnection *connection, gint64 now_ns);

/* --- Counting --- */

RtmpConnection *rtmp_connection_ref(RtmpConnection *connection)
{
    g_atomic_int_inc(&connection->refs);
    return connection;
}

void rtmp_connection_unref(RtmpConnection *connection)
{
    if (!connection || !g_atomic_int_dec_and_test(&connection->refs))
        return;
    rtmp_hub_unref(connection->hub);
    g_free(connection->peer);
    g_free(connection->block);
    g_free(connection);
}

RtmpHub *rtmp_connection_hub(const RtmpConnection *connection)
{
    return connection->hub;
}

const char *rtmp_connection_peer(const RtmpConnection *connection)
{
    return connection->peer;
}

const char *rtmp_connection_block(const RtmpConnection *connection)
{
    return connection->block;
}

gboolean rtmp_connection_is_secure(const RtmpConnection *connection)
{
    return connection->secure;
}

/* --- The session's events --- */

static void connection_request(RtmpRequestKind kind, RtmpTarget *target, gpointer user)
{
    RtmpConnection *connection = user;
    g_autoptr(RtmpRequest) request = rtmp_request_new(connection, kind, target);
    connection->hub->request(request, connection->hub->user);
}

static void connection_media(MediaKind kind, guint32 timestamp_ms, const guint8 *data, gsize size,
                             gint64 now_ns, gpointer user)
{
    RtmpConnection *connection = user;
    if (!connection->flv)
        return;
    flv_reader_tag(connection->flv, kind, timestamp_ms, data, size, now_ns);
    const char *unsupported = flv_reader_unsupported(connection->flv);
    if (unsupported && !connection->told_unsupported)
        log_limited(LOG_WARNING, "rtmp", "publisher from %s: %s", connection->peer, unsupported);
    connection->told_unsupported = unsupported != NULL;
}

static const RtmpSessionEvents session_events = {
    .request = connection_request,
    .media = connection_media,
};

/* --- The end --- */

static void connection_count_dropped(RtmpConnection *connection)
{
    guint64 dropped = connection->play ? rtmp_play_dropped(connection->play) : connection->dropped;
    rtmp_hub_count_traffic(connection->hub, 0, 0, dropped - connection->dropped);
    connection->dropped = dropped;
}

/* Those who take from it or give to it learn that it is over. */
static void connection_tell_end(RtmpConnection *connection, const char *fault)
{
    if (connection->flv) {
        g_autoptr(GError) error = NULL;
        if (fault)
            error = g_error_new(TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                                "The RTMP publisher from %s was disconnected: %s.",
                                connection->peer, fault);
        g_clear_pointer(&connection->flv, flv_reader_free);
        rtmp_hub_count(connection->hub, 0, -1, 0); /* before those learn it who look at the count */
        connection->events.ended(error, connection->user);
        if (connection->user_free)
            connection->user_free(connection->user);
    }
    if (connection->play) {
        connection_count_dropped(connection);
        g_autoptr(RtmpPlay) play = g_steal_pointer(&connection->play);
        rtmp_hub_count(connection->hub, 0, 0, -1);
        rtmp_play_ended(play, NULL);
    }
}

void rtmp_connection_close(RtmpConnection *connection, const char *reason)
{
    if (!connection->open)
        return;
    connection->open = FALSE;
    if (rtmp_session_is_closed(connection->session))
        reason = rtmp_session_fault(connection->session);
    if (reason)
        log_limited(LOG_INFO, "rtmp", "connection from %s closed: %s", connection->peer, reason);
    connection_tell_end(connection, reason);
    g_source_destroy(&connection->source->base);
    g_source_unref(&g_steal_pointer(&connection->source)->base);
    g_socket_close(connection->socket, NULL);
    g_clear_object(&connection->socket);
    g_clear_pointer(&connection->tls, rtmp_tls_free);
    g_clear_pointer(&connection->plain, g_byte_array_unref);
    g_clear_pointer(&connection->wire, g_byte_array_unref);
    g_clear_pointer(&connection->session, rtmp_session_free);
    connection->hub->memory -= connection->memory;
    rtmp_hub_count(connection->hub, -1, 0, 0);
    g_ptr_array_remove_fast(connection->hub->connections, connection);
    rtmp_connection_unref(connection);
}

/* --- Sending --- */

static GByteArray *connection_outgoing(RtmpConnection *connection)
{
    return connection->tls ? connection->wire : rtmp_session_output(connection->session);
}

/* FALSE: the connection is broken. */
static gboolean connection_encrypt(RtmpConnection *connection)
{
    GByteArray *output = rtmp_session_output(connection->session);
    if (!connection->tls || connection->wire->len >= HIGH_WATER)
        return TRUE;
    gboolean ok = rtmp_tls_write(connection->tls, output->data, output->len);
    g_byte_array_set_size(output, 0);
    rtmp_tls_take(connection->tls, connection->wire);
    return ok;
}

static gboolean connection_send(RtmpConnection *connection, gint64 now_ns)
{
    GByteArray *out = connection_outgoing(connection);
    g_autoptr(GError) error = NULL;
    gsize sent = 0;
    while (sent < out->len) {
        gssize n = g_socket_send(connection->socket, (const char *)out->data + sent,
                                 out->len - sent, NULL, &error);
        if (n <= 0)
            break;
        sent += (gsize)n;
    }
    g_byte_array_remove_range(out, 0, (guint)sent);
    rtmp_hub_count_traffic(connection->hub, 0, sent, 0);
    if (sent > 0 || out->len == 0)
        connection->progress_ns = now_ns;
    return !error || g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
}

/* Packets to the session, its bytes to the socket, as far as that takes them. */
static gboolean connection_flush(RtmpConnection *connection, gint64 now_ns)
{
    gboolean ok = TRUE, more = TRUE;
    while (ok && more) {
        gsize waiting = connection->tls ? connection->wire->len : 0;
        if (connection->play && waiting < HIGH_WATER)
            rtmp_play_pump(connection->play, connection->session, HIGH_WATER - waiting);
        gboolean was_full = rtmp_session_output(connection->session)->len >= HIGH_WATER / 2;
        ok = connection_encrypt(connection) && connection_send(connection, now_ns);
        more = was_full && connection_outgoing(connection)->len == 0;
    }
    return ok;
}

/* The session is over: nothing more is said once all is sent. The socket stays open for a while,
 * since closing it at once could take the last words away from the peer. */
static void connection_say_goodbye(RtmpConnection *connection, gint64 now_ns)
{
    connection_tell_end(connection, rtmp_session_fault(connection->session));
    if (connection_outgoing(connection)->len > 0 || connection->linger_ns)
        return;
    connection->linger_ns = now_ns + RTMP_LINGER_NS;
    if (rtmp_session_is_left(connection->session))
        return;
    if (connection->tls) {
        rtmp_tls_close(connection->tls);
        rtmp_tls_take(connection->tls, connection->wire);
        connection_send(connection, now_ns);
    }
    g_socket_shutdown(connection->socket, FALSE, TRUE, NULL);
}

/* --- Memory --- */

static gsize connection_memory(const RtmpConnection *connection)
{
    return sizeof *connection + rtmp_session_memory(connection->session) +
           (connection->tls ? RTMP_TLS_MEMORY + connection->wire->len : 0);
}

/* Who publishes or plays pays for strangers only when there are none left. */
static gboolean connection_goes_before(const RtmpConnection *connection,
                                       const RtmpConnection *other)
{
    gboolean accepted = connection->flv || connection->play;
    gboolean other_accepted = other->flv || other->play;
    if (accepted != other_accepted)
        return other_accepted;
    return connection->memory > other->memory;
}

static void connection_count_memory(RtmpConnection *connection)
{
    RtmpHub *hub = connection->hub;
    gsize memory = connection_memory(connection);
    hub->memory = hub->memory - connection->memory + memory;
    connection->memory = memory;
    if (memory > hub->config.max_connection_bytes)
        rtmp_connection_close(connection, "it used too much memory");
    while (hub->memory > hub->config.max_bytes && hub->connections->len > 0) {
        RtmpConnection *first = g_ptr_array_index(hub->connections, 0);
        for (guint i = 1; i < hub->connections->len; i++) {
            RtmpConnection *other = g_ptr_array_index(hub->connections, i);
            first = connection_goes_before(other, first) ? other : first;
        }
        rtmp_connection_close(first, "memory ran out, and it used much of it");
    }
}

/* --- Reading --- */

/* FALSE: the peer is gone. */
static gboolean connection_take(RtmpConnection *connection, gsize size, gint64 now_ns)
{
    const guint8 *data = connection->hub->buffer;
    if (!connection->tls) {
        rtmp_session_feed(connection->session, data, size, now_ns);
        return TRUE;
    }
    g_byte_array_set_size(connection->plain, 0);
    gboolean open = rtmp_tls_feed(connection->tls, data, size, connection->plain);
    rtmp_tls_take(connection->tls, connection->wire);
    rtmp_session_feed(connection->session, connection->plain->data, connection->plain->len, now_ns);
    return open;
}

static gboolean connection_read(RtmpConnection *connection, gint64 now_ns)
{
    g_autoptr(GError) error = NULL;
    gssize n = g_socket_receive(connection->socket, (char *)connection->hub->buffer, RTMP_READ_SIZE,
                                NULL, &error);
    if (n < 0)
        return g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
    rtmp_hub_count_traffic(connection->hub, n > 0 ? (gsize)n : 0, 0, 0);
    if (n > 0 && rtmp_session_is_closed(connection->session)) {
        connection->discarded += (gsize)n;
        return connection->discarded <= MAX_DISCARDED;
    }
    return n > 0 && connection_take(connection, (gsize)n, now_ns);
}

/* --- The socket --- */

static void connection_watch(RtmpConnection *connection)
{
    gboolean reads = rtmp_session_wants_input(connection->session) || connection->linger_ns;
    GIOCondition condition =
        (reads ? G_IO_IN : 0) | (connection_outgoing(connection)->len > 0 ? G_IO_OUT : 0);
    g_source_modify_unix_fd(&connection->source->base, connection->source->tag, condition);
}

/* After anything that happened. */
static void connection_update(RtmpConnection *connection, gint64 now_ns)
{
    if (!connection_flush(connection, now_ns)) {
        rtmp_connection_close(connection, "the connection was lost");
        return;
    }
    if (rtmp_session_is_closed(connection->session))
        connection_say_goodbye(connection, now_ns);
    connection_watch(connection);
    connection_count_memory(connection);
}

static gboolean connection_dispatch(GSource *base, GSourceFunc callback, gpointer user)
{
    ConnectionSource *source = (ConnectionSource *)base;
    g_autoptr(RtmpConnection) connection = rtmp_connection_ref(source->connection);
    GIOCondition condition = g_source_query_unix_fd(base, source->tag);
    gint64 now_ns = clock_now_ns();
    gboolean ok = TRUE;
    (void)callback;
    (void)user;
    if (condition & G_IO_IN)
        ok = connection_read(connection, now_ns);
    else if (condition & (G_IO_HUP | G_IO_ERR))
        ok = FALSE;
    if (ok)
        connection_update(connection, now_ns);
    else
        rtmp_connection_close(connection, "the connection was lost");
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = { .dispatch = connection_dispatch };

static void connection_attach(RtmpConnection *connection)
{
    GSource *base = g_source_new(&source_funcs, sizeof(ConnectionSource));
    connection->source = (ConnectionSource *)base;
    connection->source->connection = connection;
    connection->source->tag =
        g_source_add_unix_fd(base, g_socket_get_fd(connection->socket), G_IO_IN);
    g_source_set_name(base, "rtmp connection");
    g_source_attach(base, connection->hub->context);
}

void rtmp_connection_open(RtmpHub *hub, GSocket *socket, gboolean secure, const char *peer,
                          gint64 now_ns)
{
    RtmpConnection *connection = g_new0(RtmpConnection, 1);
    connection->refs = 1;
    connection->hub = rtmp_hub_ref(hub);
    connection->secure = secure;
    connection->peer = g_strdup(peer);
    connection->block = address_block(peer);
    connection->open = TRUE;
    connection->socket = g_object_ref(socket);
    g_socket_set_blocking(socket, FALSE);
    g_socket_set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
    g_socket_set_option(socket, SOL_SOCKET, SO_SNDBUF, SEND_BUFFER, NULL);
    g_socket_set_keepalive(socket, TRUE);
    if (secure) {
        connection->tls = rtmp_tls_new(hub->tls);
        connection->plain = g_byte_array_new();
        connection->wire = g_byte_array_new();
    }
    connection->session = rtmp_session_new(&session_events, connection, now_ns);
    connection->progress_ns = now_ns;
    g_ptr_array_add(hub->connections, connection);
    rtmp_hub_count(hub, 1, 0, 0);
    connection_attach(connection);
    connection_count_memory(connection);
}

void rtmp_connection_tick(RtmpConnection *connection, gint64 now_ns)
{
    if (!connection->open)
        return;
    rtmp_session_tick(connection->session, now_ns);
    connection_count_dropped(connection);
    gint64 stalled_ns = now_ns - connection->progress_ns;
    gboolean last_words = rtmp_session_is_closed(connection->session);
    if (connection->linger_ns && now_ns >= connection->linger_ns)
        rtmp_connection_close(connection, NULL);
    else if (stalled_ns >= (last_words ? RTMP_LINGER_NS : RTMP_STALL_NS))
        rtmp_connection_close(connection, "it does not read what it is sent");
    else
        connection_update(connection, now_ns);
}

/* --- From other threads --- */

static void connection_do_wake(gpointer data)
{
    RtmpConnection *connection = data;
    if (connection->open)
        connection_update(connection, clock_now_ns());
}

void rtmp_connection_wake(RtmpConnection *connection)
{
    rtmp_hub_post(connection->hub, connection_do_wake, rtmp_connection_ref(connection),
                  (GDestroyNotify)rtmp_connection_unref);
}

static void connection_do_end(gpointer data)
{
    rtmp_connection_finish(data, NULL);
}

void rtmp_connection_end(RtmpConnection *connection)
{
    rtmp_hub_post(connection->hub, connection_do_end, rtmp_connection_ref(connection),
                  (GDestroyNotify)rtmp_connection_unref);
}

/* --- Answers --- */

void rtmp_connection_accept_publish(RtmpConnection *connection, const MediaEvents *events,
                                    gpointer user, GDestroyNotify user_free)
{
    gint64 now_ns = clock_now_ns();
    if (!connection->open || rtmp_session_is_closed(connection->session)) {
        events->ended(NULL, user);
        if (user_free)
            user_free(user);
        return;
    }
    connection->events = *events;
    connection->user = user;
    connection->user_free = user_free;
    connection->flv = flv_reader_new(events, user);
    rtmp_hub_count(connection->hub, 0, 1, 0);
    rtmp_session_accept(connection->session, now_ns);
    connection_update(connection, now_ns);
}

void rtmp_connection_accept_play(RtmpConnection *connection, RtmpPlay *play)
{
    gint64 now_ns = clock_now_ns();
    if (!connection->open || rtmp_session_is_closed(connection->session)) {
        rtmp_play_ended(play, NULL);
        return;
    }
    connection->play = rtmp_play_ref(play);
    rtmp_hub_count(connection->hub, 0, 0, 1);
    rtmp_session_accept(connection->session, now_ns);
    connection_update(connection, now_ns);
}

void rtmp_connection_refuse(RtmpConnection *connection, const char *reason)
{
    if (!connection->open)
        return;
    rtmp_session_refuse(connection->session, reason);
    connection_update(connection, clock_now_ns());
}

void rtmp_connection_finish(RtmpConnection *connection, const char *reason)
{
    if (!connection->open)
        return;
    rtmp_session_end(connection->session, reason);
    connection_update(connection, clock_now_ns());
}
