#pragma once

#include "base/thread.h"
#include "net/nested_loop.h"
#include "net/webrtc_config.h"

#include <sys/uio.h>

/* Full ICE (RFC 8445) over libnice 0.1.21: one stream, one component, UDP and, where
 * that is wanted, TCP that the peer opens (RFC 6544). Nothing above this file
 * knows libnice. Events are made by the loop of the context, never from inside a call, and none
 * follows ice_nice_close(). */

typedef struct IceNice IceNice;

typedef enum {
    ICE_WAITING,
    ICE_CONNECTED, /* a pair is nominated: datagrams can be sent */
    ICE_FAILED,    /* libnice gave up; a hint, since late checks may still succeed */
} IceState;

typedef struct {
    void (*gathered)(gpointer user);
    void (*state)(IceState state, gpointer user);
    /** A datagram that is not STUN, from an address that passed a check. */
    void (*received)(guint8 *data, gsize size, gpointer user);
} IceEvents;

#define ICE_MAX_REMOTE_CANDIDATES 25 /* NICE_AGENT_MAX_REMOTE_CANDIDATES */

/** `config`, `loop` and `events` must outlive it. */
IceNice *ice_nice_new(const WebrtcConfig *config, NestedLoop *loop, const IceEvents *events,
                      gpointer user) ON_NET_THREAD;

/** Open the sockets; host candidates are known when it returns. Errors name the port range or the
 *  address (TESSERA_ERROR_UNAVAILABLE). */
gboolean ice_nice_gather(IceNice *ice, GError **error) ON_NET_THREAD;

/** Ours, valid until the next restart or gathered event. */
const char *ice_nice_ufrag(const IceNice *ice) ON_NET_THREAD;
const char *ice_nice_pwd(const IceNice *ice) ON_NET_THREAD;
const char *const *ice_nice_candidates(const IceNice *ice) ON_NET_THREAD;

/** Set the peer's credentials, once, and once more after each restart. Against an ICE-lite peer
 *  we are controlling (RFC 8445 section 6.1.1). TESSERA_ERROR_INVALID. */
gboolean ice_nice_set_remote(IceNice *ice, const char *ufrag, const char *pwd,
                             gboolean peer_is_lite, GError **error) ON_NET_THREAD;

/** Add a remote candidate, also before ice_nice_set_remote(). What cannot be used is ignored. */
gboolean ice_nice_add_candidate(IceNice *ice, const char *text, GError **error) ON_NET_THREAD;

/** New local credentials on the same sockets; the nominated pair stays until a new one is. */
gboolean ice_nice_restart(IceNice *ice, GError **error) ON_NET_THREAD;

/** Send over the nominated pair. FALSE: there is none, or the socket is full. */
gboolean ice_nice_send(IceNice *ice, const guint8 *data, gsize size) ON_NET_THREAD;

/** Send datagrams in order, with few system calls. Returns how many left: what the socket has no
 *  room for is dropped. The iovecs are scribbled on. */
guint ice_nice_send_all(IceNice *ice, struct iovec *datagrams, guint n) ON_NET_THREAD;

/** TRUE if anything, STUN too, arrived over the nominated pair's socket since the last call. */
gboolean ice_nice_heard(IceNice *ice) ON_NET_THREAD;

/** "ip:port" of the nominated pair, or "". */
void ice_nice_addresses(IceNice *ice, char *local, char *remote, gsize size) ON_NET_THREAD;

/** Close the sockets at the loop's next turn, give relays back, free; then call done(data). */
void ice_nice_close(IceNice *ice, GDestroyNotify done, gpointer data) ON_NET_THREAD;
