#pragma once

#include "base/thread.h"
#include "net/nested_loop.h"

#include <gio/gio.h>
#include <netinet/in.h>
#include <nice/agent.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* The nominated pair of a libnice agent as a way for datagrams. Where the pair is direct (UDP, not
 * relayed) SRTP goes straight to its socket, a frame with one system call, and is read from there
 * before libnice sees it; all else, STUN and DTLS always, goes through libnice. */

typedef void (*IcePathReceived)(guint8 *data, gsize size, gpointer user);

typedef union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} IcePathAddress;

typedef struct {
    NiceAgent *agent;
    guint stream;
    GSocket *socket; /* the pair's, or NULL: not direct */
    IcePathAddress remote;
    socklen_t remote_size;
    struct timespec heard_at; /* of the last datagram that was read, by the kernel's clock */
    gint64 asked_us;          /* when a TCP connection was asked last */
    NestedLoop *loop;         /* that watches the socket */
    IcePathReceived srtp;     /* told what libnice does not see */
    gpointer user;
    gboolean received; /* libnice handed something over since the last question */
} IcePath;

/** srtp() is called from the loop, for what libnice does not see. */
void ice_path_init(IcePath *path, NestedLoop *loop, IcePathReceived srtp, gpointer user);

/** Look up the pair that libnice has nominated; `agent` NULL: none. The agent is not referenced. */
void ice_path_update(IcePath *path, NiceAgent *agent, guint stream) ON_NET_THREAD;

/** Returns how many left. `direct`: libnice has not given the pair up. The iovecs are scribbled on;
 *  what the socket has no room for is dropped. */
guint ice_path_send(IcePath *path, gboolean direct, struct iovec *datagrams, guint n) ON_NET_THREAD;

/** libnice handed a datagram over. */
void ice_path_received(IcePath *path) ON_NET_THREAD;

/** TRUE if anything, STUN too, arrived since the last call; through a TURN relay STUN does not
 * count. `connected` where that cannot be told: what is not lost to libnice counts as heard. */
gboolean ice_path_heard(IcePath *path, gboolean connected) ON_NET_THREAD;

/** "ip:port" of the pair, or "". */
void ice_path_addresses(const IcePath *path, char *local, char *remote, gsize size) ON_NET_THREAD;
