#include "net/ice_path.h"

#include "base/log.h"
#include "net/udp_runs.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#define COMPONENT NICE_COMPONENT_TYPE_RTP

/* A TURN relay and a TCP connection have their own framing, which is libnice's. */
static gboolean ice_path_is_direct(const NiceCandidate *ours)
{
    return ours->transport == NICE_CANDIDATE_TRANSPORT_UDP &&
           ours->type != NICE_CANDIDATE_TYPE_RELAYED;
}

void ice_path_update(IcePath *path, NiceAgent *agent, guint stream)
{
    NiceCandidate *ours = NULL, *theirs = NULL;
    g_clear_object(&path->socket);
    path->agent = agent;
    path->stream = stream;
    if (!agent || !nice_agent_get_selected_pair(agent, stream, COMPONENT, &ours, &theirs) ||
        !ice_path_is_direct(ours))
        return;
    g_autoptr(GSocket) socket = nice_agent_get_selected_socket(agent, stream, COMPONENT);
    if (!socket || g_socket_get_socket_type(socket) != G_SOCKET_TYPE_DATAGRAM)
        return;
    nice_address_copy_to_sockaddr(&theirs->addr, (struct sockaddr *)&path->remote);
    path->remote_size = nice_address_ip_version(&theirs->addr) == 6 ? sizeof(struct sockaddr_in6)
                                                                    : sizeof(struct sockaddr_in);
    path->socket = g_steal_pointer(&socket);
}

/* The kernel or the interface refuses runs: this pair is libnice's from now on. */
static void ice_path_give_up(IcePath *path)
{
    log_limited(LOG_INFO, "ice", "this path takes no runs of datagrams (%s): one by one",
                g_strerror(errno));
    g_clear_object(&path->socket);
}

guint ice_path_send(IcePath *path, gboolean direct, struct iovec *datagrams, guint n)
{
    guint sent = 0;
    if (!path->agent)
        return 0;
    if (path->socket && direct && !g_socket_is_closed(path->socket)) {
        if (udp_runs_send(g_socket_get_fd(path->socket), (const struct sockaddr *)&path->remote,
                          path->remote_size, datagrams, n, &sent) == UDP_RUNS_OK)
            return sent;
        ice_path_give_up(path);
    }
    for (guint i = sent; i < n; i++)
        if (nice_agent_send(path->agent, path->stream, COMPONENT, (guint)datagrams[i].iov_len,
                            datagrams[i].iov_base) == (gint)datagrams[i].iov_len)
            sent++;
    return sent;
}

/* libnice keeps STUN to itself; but the kernel tells when the last datagram was read. It costs one
 * system call per question and nothing per packet. A stranger's datagrams count too: against those
 * stands libnice, which gives the pair up 50 s after the peer's last authenticated answer. */
gboolean ice_path_heard(IcePath *path, gboolean connected)
{
    struct timespec at;
    if (!path->agent)
        return FALSE;
    g_autoptr(GSocket) socket =
        nice_agent_get_selected_socket(path->agent, path->stream, COMPONENT);
    if (!socket || g_socket_get_socket_type(socket) != G_SOCKET_TYPE_DATAGRAM)
        return connected;
    if (ioctl(g_socket_get_fd(socket), SIOCGSTAMPNS, &at) != 0)
        return errno == ENOENT ? FALSE : connected;
    gboolean heard = at.tv_sec != path->heard_at.tv_sec || at.tv_nsec != path->heard_at.tv_nsec;
    path->heard_at = at;
    return heard;
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
