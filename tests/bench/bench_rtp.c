/* Plays Opus clips to a mixer over plain RTP, one UDP socket per participant, and counts what
 * comes back.
 *   bench_rtp SECONDS LOCAL_PORT:REMOTE_PORT:CLIP.ogg ...
 * Prints "ready" when everything is bound, and one line of JSON at the end. */

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "rtp/rtp.h"
#include "support/media_file.h"

#define TICK_NS      (20 * NS_PER_MS)
#define PAYLOAD_TYPE 111
#define TICK_SAMPLES 960

typedef struct {
    int fd;
    MediaFile *clip;
    guint position;
    guint16 seq;
    guint32 timestamp, ssrc;
    guint64 received, bytes;
} Caller;

static gboolean caller_open(Caller *caller, const char *spec, guint number)
{
    g_auto(GStrv) parts = g_strsplit(spec, ":", 3);
    g_autoptr(GError) error = NULL;
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    if (g_strv_length(parts) != 3)
        return FALSE;
    caller->clip = media_file_load(parts[2], &error);
    if (!caller->clip) {
        fprintf(stderr, "bench_rtp: %s\n", error->message);
        return FALSE;
    }
    caller->position = number * 37 % caller->clip->payloads->len;
    caller->ssrc = 5000 + number;
    caller->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    address.sin_port = htons((guint16)atoi(parts[0]));
    if (caller->fd < 0 || bind(caller->fd, (struct sockaddr *)&address, sizeof address) != 0)
        return FALSE;
    address.sin_port = htons((guint16)atoi(parts[1]));
    return connect(caller->fd, (struct sockaddr *)&address, sizeof address) == 0;
}

static void caller_tick(Caller *caller)
{
    guint8 data[RTP_MAX_PACKET];
    const MediaPayload *payload = &g_array_index(caller->clip->payloads, MediaPayload,
                                                 caller->position++ % caller->clip->payloads->len);
    gsize size = 0;
    gconstpointer bytes = g_bytes_get_data(payload->payload, &size);
    RtpPacket header = { .payload_type = PAYLOAD_TYPE,
                         .seq = caller->seq++,
                         .timestamp = caller->timestamp,
                         .ssrc = caller->ssrc };
    RtpExtMap map = { 0 };
    RtpExtValues values = { 0 };
    gsize head = rtp_write_header(data, sizeof data, &header, &map, &values);
    memcpy(data + head, bytes, size);
    caller->timestamp += TICK_SAMPLES;
    if (send(caller->fd, data, head + size, 0) < 0 && errno != ECONNREFUSED)
        perror("bench_rtp: send");
    gssize got;
    while ((got = recv(caller->fd, data, sizeof data, 0)) > 0) {
        caller->received++;
        caller->bytes += (guint64)got;
    }
}

static void play(Caller *callers, guint n, gint64 duration_ns)
{
    gint64 due_ns = clock_now_ns(), end_ns = due_ns + duration_ns;
    while (due_ns < end_ns) {
        struct timespec due = { due_ns / NS_PER_SEC, due_ns % NS_PER_SEC };
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
        for (guint i = 0; i < n; i++)
            caller_tick(&callers[i]);
        due_ns += TICK_NS;
    }
}

int main(int argc, char **argv)
{
    guint n = argc > 2 ? (guint)argc - 2 : 0;
    g_autofree Caller *callers = g_new0(Caller, n + 1);
    for (guint i = 0; i < n; i++) {
        if (!caller_open(&callers[i], argv[i + 2], i)) {
            fprintf(stderr, "bench_rtp: cannot use %s\n", argv[i + 2]);
            return 1;
        }
    }
    printf("ready\n");
    fflush(stdout);
    play(callers, n, argc > 1 ? atoi(argv[1]) * NS_PER_SEC : 0);
    guint64 least = G_MAXUINT64, bytes = 0;
    for (guint i = 0; i < n; i++) {
        least = MIN(least, callers[i].received);
        bytes += callers[i].bytes;
        media_file_free(callers[i].clip);
        close(callers[i].fd);
    }
    printf("{\"participants\": %u, \"least_received\": %" G_GUINT64_FORMAT
           ", \"bytes\": %" G_GUINT64_FORMAT "}\n",
           n, least, bytes);
    return 0;
}
