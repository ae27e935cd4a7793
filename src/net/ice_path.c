#include "net/ice_path.h"

#include "base/log.h"
#include "net/udp_runs.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>

#define COMPONENT NICE_COMPONENT_TYPE_RTP

#define READ_MAX  64 /* datagrams, then the others have their turn */

/* A TURN relay and a TCP connection have their own framing, which is libnice's. */
static gboolean ice_path_is_direct(const NiceCandidate *ours)
{
    return ours->transport == NICE_CANDIDATE_TRANSPORT_UDP &&
           ours->type != NICE_CANDIDATE_TYPE_RELAYED;
}

void ice_path_init(IcePath *path, NestedLoop *loop, IcePathReceived srtp, gpointer user)
{
    *path = (IcePath){ .loop = loop, .srtp = srtp, .user = user };
}

/* --- What comes -------------------------------------------------------------------------- */

static gboolean ice_path_is_from_peer(const IcePath *path, const IcePathAddress *from)
{
    const IcePathAddress *peer = &path->remote;
    if (from->any.sa_family != peer->any.sa_family)
        return FALSE;
    if (from->any.sa_family == AF_INET)
        return from->v4.sin_port == peer->v4.sin_port &&
               from->v4.sin_addr.s_addr == peer->v4.sin_addr.s_addr;
    return from->v6.sin6_port == peer->v6.sin6_port &&
           memcmp(&from->v6.sin6_addr, &peer->v6.sin6_addr, sizeof peer->v6.sin6_addr) == 0;
}

/* SRTP and SRTCP (RFC 7983 section 7) of the nominated peer. Anything else stays in the socket with
 * all that came after it, for libnice. */
static gboolean ice_path_read(gpointer user)
{
    thread_assert_net();
    IcePath *path = user;
    guint8 data[2048];
    for (guint i = 0; i < READ_MAX; i++) {
        IcePathAddress from;
        socklen_t from_size = sizeof from;
        memset(&from, 0, sizeof from);
        if (!path->socket || g_socket_is_closed(path->socket))
            return FALSE;
        int fd = g_socket_get_fd(path->socket);
        ssize_t size =
            recvfrom(fd, data, sizeof data, MSG_PEEK | MSG_DONTWAIT, &from.any, &from_size);
        if (size < 0)
            return errno == EAGAIN || errno == EINTR;
        if (size == 0 || data[0] < 128 || data[0] > 191 || !ice_path_is_from_peer(path, &from))
            return FALSE;
        if (recv(fd, NULL, 0, MSG_DONTWAIT) < 0)
            return FALSE;
        path->srtp(data, (gsize)size, path->user);
    }
    return TRUE;
}

/* --- Which pair -------------------------------------------------------------------------- */

ON_NET_THREAD static void ice_path_forget_socket(IcePath *path)
{
    if (path->socket)
        nested_loop_read_first(path->loop, -1, NULL, NULL);
    g_clear_object(&path->socket);
}

void ice_path_update(IcePath *path, NiceAgent *agent, guint stream)
{
    NiceCandidate *ours = NULL, *theirs = NULL;
    ice_path_forget_socket(path);
    path->agent = agent;
    path->stream = stream;
    if (!agent || !nice_agent_get_selected_pair(agent, stream, COMPONENT, &ours, &theirs) ||
        !ice_path_is_direct(ours))
        return;
    g_autoptr(GSocket) socket = nice_agent_get_selected_socket(agent, stream, COMPONENT);
    if (!socket || g_socket_get_socket_type(socket) != G_SOCKET_TYPE_DATAGRAM)
        return;
    nice_address_copy_to_sockaddr(&theirs->addr, &path->remote.any);
    path->remote_size = nice_address_ip_version(&theirs->addr) == 6 ? sizeof(struct sockaddr_in6)
                                                                    : sizeof(struct sockaddr_in);
    path->socket = g_steal_pointer(&socket);
    nested_loop_read_first(path->loop, g_socket_get_fd(path->socket), ice_path_read, path);
}

/* --- What goes --------------------------------------------------------------------------- */

/* The kernel or the interface refuses runs: this pair is libnice's from now on. */
ON_NET_THREAD static void ice_path_give_up(IcePath *path)
{
    log_limited(LOG_INFO, "ice", "this path takes no runs of datagrams (%s): one by one",
                g_strerror(errno));
    ice_path_forget_socket(path);
}

guint ice_path_send(IcePath *path, gboolean direct, struct iovec *datagrams, guint n)
{
    guint sent = 0;
    if (!path->agent)
        return 0;
    if (path->socket && direct && !g_socket_is_closed(path->socket)) {
        if (udp_runs_send(g_socket_get_fd(path->socket), &path->remote.any, path->remote_size,
                          datagrams, n, &sent) == UDP_RUNS_OK)
            return sent;
        ice_path_give_up(path);
    }
    for (guint i = sent; i < n; i++)
        if (nice_agent_send(path->agent, path->stream, COMPONENT, (guint)datagrams[i].iov_len,
                            datagrams[i].iov_base) == (gint)datagrams[i].iov_len)
            sent++;
    return sent;
}

/* Of datagrams the kernel tells when the last one was read. */
static gboolean heard_by_udp(IcePath *path, int fd, gboolean otherwise)
{
    struct timespec at;
    if (ioctl(fd, SIOCGSTAMPNS, &at) != 0)
        return errno == ENOENT ? FALSE : otherwise;
    gboolean heard = at.tv_sec != path->heard_at.tv_sec || at.tv_nsec != path->heard_at.tv_nsec;
    path->heard_at = at;
    return heard;
}

/* Of a TCP connection it tells how long ago something came. Which one is the pair's libnice does
 * not say. */
static gboolean heard_by_tcp(IcePath *path, gboolean otherwise)
{
    g_autoptr(GPtrArray) sockets = nice_agent_get_sockets(path->agent, path->stream, COMPONENT);
    gint64 now_us = g_get_monotonic_time(), since_us = now_us - path->asked_us;
    gboolean found = FALSE, heard = FALSE;
    for (guint i = 0; sockets && i < sockets->len; i++) {
        struct tcp_info info;
        socklen_t size = sizeof info;
        int fd = g_socket_get_fd(sockets->pdata[i]);
        if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
            info.tcpi_state != TCP_ESTABLISHED)
            continue;
        found = TRUE;
        heard |= info.tcpi_last_data_recv * G_GINT64_CONSTANT(1000) <= since_us;
    }
    path->asked_us = now_us;
    return found ? heard : otherwise;
}

static gboolean is_relayed(const IcePath *path)
{
    NiceCandidate *ours = NULL, *theirs = NULL;
    return nice_agent_get_selected_pair(path->agent, path->stream, COMPONENT, &ours, &theirs) &&
           ours->type == NICE_CANDIDATE_TYPE_RELAYED;
}

void ice_path_received(IcePath *path)
{
    path->received = TRUE;
}

/* libnice keeps STUN to itself; but the kernel tells when something arrived. It costs one system
 * call per question and nothing per packet. A stranger's datagrams count too: against those stands
 * libnice, which gives the pair up 50 s after the peer's last authenticated answer. What arrives at
 * the socket to a TURN server may be the server's own: there only what is handed to us counts, and
 * every peer sends RTCP. */
gboolean ice_path_heard(IcePath *path, gboolean connected)
{
    if (!path->agent)
        return FALSE;
    gboolean received = path->received;
    path->received = FALSE;
    if (is_relayed(path))
        return received;
    g_autoptr(GSocket) socket =
        nice_agent_get_selected_socket(path->agent, path->stream, COMPONENT);
    if (socket && g_socket_get_socket_type(socket) == G_SOCKET_TYPE_DATAGRAM)
        return heard_by_udp(path, g_socket_get_fd(socket), connected);
    return heard_by_tcp(path, connected);
}

static void ice_address_text(const NiceAddress *address, char *text, gsize size)
{
    char ip[NICE_ADDRESS_STRING_LEN];
    nice_address_to_string(address, ip);
    gboolean v6 = nice_address_ip_version(address) == 6;
    g_snprintf(text, size, "%s%s%s:%u", v6 ? "[" : "", ip, v6 ? "]" : "",
               nice_address_get_port(address));
}

void ice_path_addresses(const IcePath *path, char *local, char *remote, gsize size)
{
    NiceCandidate *ours = NULL, *theirs = NULL;
    local[0] = remote[0] = '\0';
    if (!path->agent ||
        !nice_agent_get_selected_pair(path->agent, path->stream, COMPONENT, &ours, &theirs))
        return;
    ice_address_text(&ours->addr, local, size);
    ice_address_text(&theirs->addr, remote, size);
}
