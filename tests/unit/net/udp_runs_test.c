/* Runs of datagrams over loopback sockets. */

#include "net/udp_runs.h"

#include <glib.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    int from, to;
    struct sockaddr_in address;
} Sockets;

static void sockets_open(Sockets *sockets)
{
    socklen_t size = sizeof sockets->address;
    sockets->address =
        (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    sockets->from = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockets->to = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(sockets->to, (struct sockaddr *)&sockets->address, size), ==, 0);
    g_assert_cmpint(getsockname(sockets->to, (struct sockaddr *)&sockets->address, &size), ==, 0);
}

static void sockets_close(Sockets *sockets)
{
    close(sockets->from);
    close(sockets->to);
}

static UdpRunsResult sockets_send(Sockets *sockets, struct iovec *datagrams, guint n, guint *sent)
{
    return udp_runs_send(sockets->from, (struct sockaddr *)&sockets->address,
                         sizeof sockets->address, datagrams, n, sent);
}

static guint8 content(guint i, gsize at)
{
    return (guint8)(i * 7 + at);
}

/* Datagram `i` has sizes[i] bytes. */
static void make_datagrams(struct iovec *datagrams, guint8 (*data)[1500], const guint *sizes,
                           guint n)
{
    for (guint i = 0; i < n; i++) {
        datagrams[i] = (struct iovec){ data[i], sizes[i] };
        for (gsize at = 0; at < sizes[i]; at++)
            data[i][at] = content(i, at);
    }
}

static void test_run_length(void)
{
    static const struct {
        guint n, sizes[6], expected;
    } cases[] = {
        { 1, { 100 }, 1 },
        { 4, { 100, 100, 100, 100 }, 4 },
        { 4, { 100, 100, 100, 40 }, 4 },
        { 5, { 100, 100, 40, 100, 100 }, 3 }, /* the shorter one ends it */
        { 5, { 100, 100, 40, 40, 40 }, 3 },
        { 3, { 40, 100, 100 }, 1 }, /* a longer one begins anew */
        { 2, { 40000, 40000 }, 1 }, /* one IP packet holds no more */
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct iovec datagrams[6];
        for (guint k = 0; k < cases[i].n; k++)
            datagrams[k] = (struct iovec){ NULL, cases[i].sizes[k] };
        g_assert_cmpuint(udp_run_length(datagrams, cases[i].n), ==, cases[i].expected);
    }
    struct iovec many[100];
    for (guint i = 0; i < G_N_ELEMENTS(many); i++)
        many[i] = (struct iovec){ NULL, 10 };
    g_assert_cmpuint(udp_run_length(many, G_N_ELEMENTS(many)), ==, UDP_RUN_MAX);
}

/* Each arrives as a datagram of its own, whole and in order. */
static void test_send(void)
{
    static const guint sizes[] = { 1000, 1200, 1200, 1200, 500, 1200, 1200, 30, 30 };
    enum { N = G_N_ELEMENTS(sizes) };
    guint8 data[N][1500], got[1500];
    struct iovec datagrams[N];
    Sockets sockets;
    guint sent = 0;
    sockets_open(&sockets);
    make_datagrams(datagrams, data, sizes, N);
    g_assert_cmpint(sockets_send(&sockets, datagrams, N, &sent), ==, UDP_RUNS_OK);
    g_assert_cmpuint(sent, ==, N);
    for (guint i = 0; i < N; i++) {
        ssize_t size = recv(sockets.to, got, sizeof got, 0);
        g_assert_cmpmem(got, size, data[i], sizes[i]);
    }
    g_assert_cmpint(recv(sockets.to, got, sizeof got, 0), <, 0);
    sockets_close(&sockets);
}

/* More than one run's worth of one size. */
static void test_many(void)
{
    enum { N = 150 };
    static guint8 data[N][1500];
    guint sizes[N], sent = 0;
    guint8 got[1500];
    struct iovec datagrams[N];
    Sockets sockets;
    sockets_open(&sockets);
    for (guint i = 0; i < N; i++)
        sizes[i] = 200;
    make_datagrams(datagrams, data, sizes, N);
    g_assert_cmpint(sockets_send(&sockets, datagrams, N, &sent), ==, UDP_RUNS_OK);
    g_assert_cmpuint(sent, ==, N);
    for (guint i = 0; i < N; i++)
        g_assert_cmpmem(got, recv(sockets.to, got, sizeof got, 0), data[i], sizes[i]);
    sockets_close(&sockets);
}

/* Runs need checksums: without them the kernel refuses, and nothing is lost. */
static void test_refused(void)
{
    static const guint sizes[] = { 1200, 1200, 1200 };
    guint8 data[3][1500];
    struct iovec datagrams[3];
    Sockets sockets;
    int yes = 1;
    guint sent = 99;
    sockets_open(&sockets);
    g_assert_cmpint(setsockopt(sockets.from, SOL_SOCKET, SO_NO_CHECK, &yes, sizeof yes), ==, 0);
    make_datagrams(datagrams, data, sizes, 3);
    g_assert_cmpint(sockets_send(&sockets, datagrams, 3, &sent), ==, UDP_RUNS_UNSUPPORTED);
    g_assert_cmpuint(sent, ==, 0);
    g_assert_cmpint(sockets_send(&sockets, datagrams, 1, &sent), ==, UDP_RUNS_OK);
    g_assert_cmpuint(sent, ==, 1);
    sockets_close(&sockets);
}

/* A socket that has no room drops, at once. */
static void test_full(void)
{
    enum { N = 64 };
    static guint8 data[N][1500];
    guint sizes[N], sent = 0;
    struct iovec datagrams[N];
    int pair[2], small = 4608;
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), ==, 0);
    g_assert_cmpint(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small), ==, 0);
    for (guint i = 0; i < N; i++)
        sizes[i] = 100 + i; /* each a run of its own */
    make_datagrams(datagrams, data, sizes, N);
    g_assert_cmpint(udp_runs_send(pair[0], NULL, 0, datagrams, N, &sent), ==, UDP_RUNS_OK);
    g_assert_cmpuint(sent, >, 0);
    g_assert_cmpuint(sent, <, N);
    close(pair[0]);
    close(pair[1]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/udp-runs/length", test_run_length);
    g_test_add_func("/udp-runs/send", test_send);
    g_test_add_func("/udp-runs/many", test_many);
    g_test_add_func("/udp-runs/refused", test_refused);
    g_test_add_func("/udp-runs/full", test_full);
    return g_test_run();
}
