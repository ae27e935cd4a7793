#pragma once

#include "base/thread.h"

#include <gio/gio.h>
#include <nice/agent.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* The nominated pair of a libnice agent as a way for datagrams. Where the pair is direct (UDP, not
 * relayed) they go straight to its socket, a frame with one system call; else through libnice. */

typedef struct {
    NiceAgent *agent;
    guint stream;
    GSocket *socket; /* the pair's, or NULL: not direct */
    struct sockaddr_storage remote;
    socklen_t remote_size;
    struct timespec heard_at; /* of the last datagram that was read, by the kernel's clock */
    gint64 asked_us;          /* when a TCP connection was asked last */
} IcePath;

/** Look up the pair that libnice has nominated; `agent` NULL: none. The agent is not referenced. */
void ice_path_update(IcePath *path, NiceAgent *agent, guint stream) ON_NET_THREAD;

/** Returns how many left. `direct`: libnice has not given the pair up. The iovecs are scribbled on;
 *  what the socket has no room for is dropped. */
guint ice_path_send(IcePath *path, gboolean direct, struct iovec *datagrams, guint n) ON_NET_THREAD;

/** TRUE if anything, STUN too, arrived since the last call; `connected` where that cannot be told:
 *  what is not lost to libnice counts as heard. */
gboolean ice_path_heard(IcePath *path, gboolean connected) ON_NET_THREAD;

/** "ip:port" of the pair, or "". */
void ice_path_addresses(const IcePath *path, char *local, char *remote, gsize size) ON_NET_THREAD;
