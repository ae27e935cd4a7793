#pragma once

#include <glib.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Many datagrams to one address with few system calls: a run of datagrams of one size, of which
 * the last may be shorter, is handed to the kernel at once (UDP_SEGMENT, "UDP GSO"). It never
 * waits: what finds no room in the socket is dropped. No allocation. */

/** The kernel's UDP_MAX_SEGMENTS, and what fits into one IP packet. */
#define UDP_RUN_MAX       64
#define UDP_RUN_MAX_BYTES 65000

typedef enum {
    UDP_RUNS_OK,          /* all have left, or the socket was full */
    UDP_RUNS_UNSUPPORTED, /* not this way on this path: kernel, interface or MTU refuse it */
} UdpRunsResult;

/** How many of the `n` datagrams the first run takes. */
guint udp_run_length(const struct iovec *datagrams, guint n);

/** Send all `n` datagrams. *sent: how many left; after UDP_RUNS_UNSUPPORTED the others, from
 *  datagrams[*sent] on, can be sent in another way. `to` may be NULL for a connected socket. */
UdpRunsResult udp_runs_send(int fd, const struct sockaddr *to, socklen_t to_size,
                            struct iovec *datagrams, guint n, guint *sent);
