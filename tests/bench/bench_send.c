/* The least that one more viewer can cost: protect (AEAD_AES_128_GCM) and send, nothing else. Many
 * contexts and sockets in turn, as a server has them. TOGETHER packets of a viewer leave with one
 * system call (UDP GSO).
 * Between two rounds it sleeps for PAUSE_US, as a server does between two pictures, while others
 * have the caches; without, everything is as warm as it can be. bench_send VIEWERS PACKETS SIZE
 * [TOGETHER [PAUSE_US]]      prints {"us_per_packet": ...} */

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/srtp_link.h"
#include "net/transport.h"
#include "net/udp_runs.h"
#include "rtp/rtp.h"

typedef struct {
    SrtpLink *link;
    int from, to;
    guint16 seq;
} Viewer;

static gint64 cpu_ns(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * NS_PER_SEC +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * NS_PER_US;
}

static gboolean viewer_open(Viewer *viewer, guint number)
{
    g_autoptr(GError) error = NULL;
    SrtpKeys keys = { .profile = SRTP_PROFILE_GCM_128 };
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    srtp_keys_set_sizes(&keys);
    memset(keys.local, (int)(number + 1), sizeof keys.local);
    memset(keys.remote, (int)(number + 2), sizeof keys.remote);
    viewer->link = srtp_link_new(&keys, &error);
    viewer->to = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    viewer->from = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return viewer->link && bind(viewer->to, (struct sockaddr *)&address, sizeof address) == 0 &&
           getsockname(viewer->to, (struct sockaddr *)&address, &size) == 0 &&
           connect(viewer->from, (struct sockaddr *)&address, size) == 0;
}

static void viewer_close(Viewer *viewer)
{
    srtp_link_free(viewer->link);
    close(viewer->from);
    close(viewer->to);
}

static gboolean viewer_send(Viewer *viewer, const guint8 *payload, gsize size, guint together)
{
    guint8 data[UDP_RUN_MAX][RTP_MAX_PACKET + TRANSPORT_TAG];
    struct iovec datagrams[UDP_RUN_MAX];
    guint sent = 0;
    for (guint i = 0; i < together; i++) {
        RtpPacket header = { .payload_type = 96, .seq = viewer->seq++, .ssrc = 1 };
        RtpExtMap map = { 0 };
        RtpExtValues values = { 0 };
        gsize protected_size = size;
        gsize head = rtp_write_header(data[i], sizeof data[i], &header, &map, &values);
        memcpy(data[i] + head, payload, size - head);
        if (!srtp_link_protect(viewer->link, data[i], &protected_size))
            return FALSE;
        datagrams[i] = (struct iovec){ data[i], protected_size };
    }
    return udp_runs_send(viewer->from, NULL, 0, datagrams, together, &sent) == UDP_RUNS_OK &&
           sent == together;
}

static void drain(const Viewer *viewer)
{
    guint8 data[RTP_MAX_PACKET + TRANSPORT_TAG];
    while (recv(viewer->to, data, sizeof data, 0) > 0)
        ;
}

int main(int argc, char **argv)
{
    guint count = argc > 1 ? (guint)atoi(argv[1]) : 20;
    guint packets = argc > 2 ? (guint)atoi(argv[2]) : 2000;
    gsize size = argc > 3 ? (gsize)atoi(argv[3]) : 1100;
    guint together = argc > 4 ? (guint)atoi(argv[4]) : 1;
    gulong pause_us = argc > 5 ? (gulong)atol(argv[5]) : 0;
    guint8 payload[RTP_MAX_PACKET] = { 0 };
    gint64 used_ns = 0;
    gboolean good = size >= RTP_MIN_HEADER && size <= TRANSPORT_MAX_RTP && together >= 1 &&
                    together <= UDP_RUN_MAX;
    g_autofree Viewer *viewers = g_new0(Viewer, count + 1);
    for (guint i = 0; i < count; i++)
        good = viewer_open(&viewers[i], i) && good;
    for (guint n = 0; good && n < packets; n += together) {
        gint64 before_ns = cpu_ns();
        for (guint i = 0; i < count; i++)
            good = viewer_send(&viewers[i], payload, size, together) && good;
        used_ns += cpu_ns() - before_ns;
        for (guint i = 0; i < count; i++)
            drain(&viewers[i]);
        g_usleep(pause_us);
    }
    for (guint i = 0; i < count; i++)
        viewer_close(&viewers[i]);
    if (!good) {
        fprintf(stderr, "bench_send: it could not open its sockets or send\n");
        return 1;
    }
    printf("{\"us_per_packet\": %.3f}\n", (double)used_ns / 1000 / packets / MAX(count, 1));
    return 0;
}
