#pragma once

#include <glib.h>

#include "io/media_source.h"
#include "io/rtmp_session.h"
#include "io/sink.h"

/* Our RTMP server: many publishers and players, on one thread of its own ("rtmp") that never waits
 * for any of them; RTMPS besides, where a certificate is given.
 *
 *   a client asks -> request() -> accept_publish: its media come as MediaEvents
 *                              -> accept_play:    packets go to it by a Sink
 *                              -> refuse:         it is told why */

typedef struct RtmpServer RtmpServer;
typedef struct RtmpRequest RtmpRequest;

/** A number that is 0 stands for its default. */
typedef struct {
    const char *listen;     /* "address:port", port 0: any; or NULL */
    const char *tls_listen; /* likewise, for RTMPS */
    const char *certificate_file, *key_file;
    guint max_connections;      /* 500 */
    guint max_per_address;      /* 100 of one IPv4 address, or IPv6 /64 */
    gsize max_connection_bytes; /* 16 MiB held for one connection */
    /* 48 MiB for all: beyond, who holds most of those that neither publish nor play is
     * disconnected; where there are none, who holds most of all. */
    gsize max_bytes;
    /* FALSE: no connection is taken now, of whatever the process has too little. On the rtmp
     * thread; NULL: always. */
    gboolean (*may_accept)(GError **error);
} RtmpServerConfig;

/** Somebody wants to publish or play. On the rtmp thread; must not block. request: transfer none;
 *  who answers later takes a reference. One that nobody holds any more is refused. */
typedef void (*RtmpRequestFunc)(RtmpRequest *request, gpointer user);

/** Listens and starts the thread. TESSERA_ERROR_INVALID, TESSERA_ERROR_UNAVAILABLE (the address).
 */
RtmpServer *rtmp_server_new(const RtmpServerConfig *config, RtmpRequestFunc request, gpointer user,
                            GError **error);

/** Take no more connections and end all: publishers are told, players play their end. Returns at
 *  once. Any thread. */
void rtmp_server_drain(RtmpServer *server);

/** Drains, waits up to 2 s until everybody has been told, and stops the thread. Requests and sinks
 *  may outlive it. */
void rtmp_server_free(RtmpServer *server);

/** The port that is listened on, or 0. */
guint16 rtmp_server_port(const RtmpServer *server, gboolean secure);

typedef struct {
    guint connections, publishers, players;
    guint64 accepted, refused; /* connections taken, and not taken because of a limit */
    guint64 received, sent;    /* bytes of all connections, TLS included */
    guint64 dropped;           /* packets that players could not take in time */
} RtmpServerStats;

/** Any thread. */
void rtmp_server_stats(RtmpServer *server, RtmpServerStats *stats);

/** A request is counted; all functions: any thread. */
RtmpRequest *rtmp_request_ref(RtmpRequest *request);
void rtmp_request_unref(RtmpRequest *request);

RtmpRequestKind rtmp_request_kind(const RtmpRequest *request);
const char *rtmp_request_room(const RtmpRequest *request);
const char *rtmp_request_name(const RtmpRequest *request);  /* of the publisher, or the layout */
const char *rtmp_request_token(const RtmpRequest *request); /* the argument "token", or NULL */
const char *rtmp_request_arg(const RtmpRequest *request, const char *key);
const char *rtmp_request_peer(const RtmpRequest *request); /* IP address */
gboolean rtmp_request_is_secure(const RtmpRequest *request);

/** Exactly one answer counts, the first.
 *
 *  Take the publisher. events (copied) are called on the rtmp thread: stream and packet, then ended
 *  once, also when the peer has gone meanwhile (then perhaps on the calling thread). After it
 *  user_free(user). */
void rtmp_request_accept_publish(RtmpRequest *request, const MediaEvents *events, gpointer user,
                                 GDestroyNotify user_free);

/** (transfer full) Take the player; NULL if it was answered already. To be started with H.264 and
 * AAC, or one of them; its events come on the rtmp thread. FINISHED when the player leaves.
 * sink_finish() ends the play in order; so does dropping the last reference. */
Sink *rtmp_request_accept_play(RtmpRequest *request, const SinkEvents *events);

/** reason: one sentence, shown to the person at the other end. */
void rtmp_request_refuse(RtmpRequest *request, const char *reason);

/** Disconnect an accepted publisher, whose stream ends: another takes its place, or it was removed.
 *  reason: for its user; NULL: the room ended. */
void rtmp_publisher_close(RtmpRequest *publisher, const char *reason);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RtmpServer, rtmp_server_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RtmpRequest, rtmp_request_unref)
