#include "net/udp_runs.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

guint udp_run_length(const struct iovec *datagrams, guint n)
{
    gsize size = datagrams[0].iov_len, total = size;
    guint length = 1;
    while (length < MIN(n, UDP_RUN_MAX) && datagrams[length].iov_len <= size &&
           total + datagrams[length].iov_len <= UDP_RUN_MAX_BYTES) {
        total += datagrams[length].iov_len;
        if (datagrams[length++].iov_len < size)
            break;
    }
    return length;
}

static gboolean udp_run_send(int fd, const struct msghdr *to, struct iovec *run, guint length)
{
    struct msghdr message = *to;
    union {
        struct cmsghdr header;
        guint8 room[CMSG_SPACE(sizeof(guint16))];
    } control = { .room = { 0 } };
    guint16 segment = (guint16)run[0].iov_len;
    message.msg_iov = run;
    message.msg_iovlen = length;
    if (length > 1) {
        message.msg_control = control.room;
        message.msg_controllen = sizeof control.room;
        control.header.cmsg_level = SOL_UDP;
        control.header.cmsg_type = UDP_SEGMENT;
        control.header.cmsg_len = CMSG_LEN(sizeof segment);
        memcpy(CMSG_DATA(&control.header), &segment, sizeof segment);
    }
    ssize_t size;
    do
        size = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (size < 0 && errno == EINTR);
    return size >= 0;
}

static gboolean udp_run_refused(int error)
{
    return error == EIO || error == EINVAL || error == ENOPROTOOPT || error == EOPNOTSUPP ||
           error == EMSGSIZE;
}

UdpRunsResult udp_runs_send(int fd, const struct sockaddr *to, socklen_t to_size,
                            struct iovec *datagrams, guint n, guint *sent)
{
    struct msghdr address = { .msg_name = (gpointer)to, .msg_namelen = to ? to_size : 0 };
    *sent = 0;
    while (*sent < n) {
        struct iovec *run = datagrams + *sent;
        guint length = udp_run_length(run, n - *sent);
        if (!udp_run_send(fd, &address, run, length))
            return udp_run_refused(errno) ? UDP_RUNS_UNSUPPORTED : UDP_RUNS_OK;
        *sent += length;
    }
    return UDP_RUNS_OK;
}
