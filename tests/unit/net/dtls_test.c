/* Two ends over queues in memory. OpenSSL's retransmission timer is a real one: where a test loses
 * datagrams, it waits for that timer and for nothing else. */

#include "base/bytes.h"
#include "net/dtls.h"

#include <string.h>

#define RECORD_HEADER    13
#define HANDSHAKE_HEADER 12

typedef struct {
    Dtls *dtls;
    GQueue out; /* of GBytes */
    guint n_sent;
    int lose; /* the number of the datagram that gets lost, or -1 */
} End;

static DtlsContext *context_new(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Certificate) certificate = certificate_new(&error);
    g_assert_no_error(error);
    DtlsContext *context = dtls_context_new(certificate, &error);
    g_assert_no_error(error);
    return context;
}

static Fingerprint context_fingerprint(const DtlsContext *context)
{
    Fingerprint fingerprint;
    const char *text = certificate_fingerprint(dtls_context_certificate(context));
    g_assert_true(fingerprint_parse(text, &fingerprint, NULL));
    return fingerprint;
}

static void end_send(const guint8 *data, gsize size, gpointer user)
{
    End *end = user;
    g_assert_cmpuint(size, <=, DTLS_MTU);
    if ((int)end->n_sent++ != end->lose)
        g_queue_push_tail(&end->out, g_bytes_new(data, size));
}

static void end_open(End *end, DtlsContext *own, const DtlsContext *peer, gboolean is_client)
{
    Fingerprint fingerprint = context_fingerprint(peer);
    end->lose = -1;
    end->dtls = dtls_new(own, is_client, &fingerprint, end_send, end);
}

static void end_close(End *end)
{
    g_queue_clear_full(&end->out, (GDestroyNotify)g_bytes_unref);
    dtls_free(end->dtls);
}

static void deliver(GBytes *datagram, End *to)
{
    gsize size;
    const guint8 *data = g_bytes_get_data(datagram, &size);
    dtls_receive(to->dtls, data, size);
    g_bytes_unref(datagram);
}

static void exchange(End *a, End *b)
{
    while (!g_queue_is_empty(&a->out) || !g_queue_is_empty(&b->out)) {
        GBytes *datagram = g_queue_pop_head(&a->out);
        if (datagram)
            deliver(datagram, b);
        datagram = g_queue_pop_head(&b->out);
        if (datagram)
            deliver(datagram, a);
    }
}

static gboolean both_are(const End *a, const End *b, DtlsState state)
{
    return dtls_state(a->dtls) == state && dtls_state(b->dtls) == state;
}

static void wait_for_timers(End *a, End *b)
{
    int a_ms = dtls_timeout_ms(a->dtls), b_ms = dtls_timeout_ms(b->dtls);
    int wait_ms = a_ms < 0 ? b_ms : b_ms < 0 ? a_ms : MIN(a_ms, b_ms);
    g_assert_cmpint(wait_ms, >=, 0); /* somebody must be trying */
    g_assert_cmpint(wait_ms, <=, 800);
    g_usleep((gulong)(wait_ms + 1) * 1000);
    dtls_timeout(a->dtls);
    dtls_timeout(b->dtls);
}

static void run(End *a, End *b)
{
    exchange(a, b);
    for (guint i = 0; i < 20 && !both_are(a, b, DTLS_ESTABLISHED); i++) {
        wait_for_timers(a, b);
        exchange(a, b);
    }
    g_assert_true(both_are(a, b, DTLS_ESTABLISHED));
}

static void check_keys(End *client, End *server)
{
    SrtpKeys ours = { 0 }, theirs = { 0 };
    g_assert_true(dtls_keys(client->dtls, &ours));
    g_assert_true(dtls_keys(server->dtls, &theirs));
    g_assert_cmpint(ours.profile, ==, SRTP_PROFILE_GCM_128);
    g_assert_cmpint(theirs.profile, ==, SRTP_PROFILE_GCM_128);
    g_assert_cmpmem(ours.local, sizeof ours.local, theirs.remote, sizeof theirs.remote);
    g_assert_cmpmem(ours.remote, sizeof ours.remote, theirs.local, sizeof theirs.local);
    g_assert_cmpint(memcmp(ours.local, ours.remote, ours.key_size), !=, 0);
}

typedef struct {
    DtlsContext *client_context, *server_context;
    End client, server;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data)
{
    (void)data;
    fixture->client_context = context_new();
    fixture->server_context = context_new();
    end_open(&fixture->client, fixture->client_context, fixture->server_context, TRUE);
    end_open(&fixture->server, fixture->server_context, fixture->client_context, FALSE);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    end_close(&fixture->client);
    end_close(&fixture->server);
    dtls_context_unref(fixture->client_context);
    dtls_context_unref(fixture->server_context);
}

static void test_handshake(Fixture *fixture, gconstpointer data)
{
    (void)data;
    SrtpKeys keys;
    g_assert_false(dtls_keys(fixture->server.dtls, &keys));
    dtls_start(fixture->server.dtls);
    dtls_start(fixture->client.dtls);
    g_assert_cmpuint(fixture->client.n_sent, ==, 1);
    g_assert_cmpuint(fixture->server.n_sent, ==, 0);
    exchange(&fixture->client, &fixture->server);
    g_assert_true(both_are(&fixture->client, &fixture->server, DTLS_ESTABLISHED));
    g_assert_cmpuint(fixture->server.n_sent, <=, 3); /* whole flights, not crumbs */
    g_assert_cmpint(dtls_timeout_ms(fixture->client.dtls), ==, -1);
    check_keys(&fixture->client, &fixture->server);

    dtls_close(fixture->client.dtls);
    exchange(&fixture->client, &fixture->server);
    g_assert_cmpint(dtls_state(fixture->server.dtls), ==, DTLS_CLOSED);
}

static void test_first_timer(Fixture *fixture, gconstpointer data)
{
    (void)data;
    dtls_start(fixture->client.dtls);
    g_assert_cmpint(dtls_timeout_ms(fixture->client.dtls), <=, DTLS_FIRST_TIMER_MS);
    g_assert_cmpint(dtls_timeout_ms(fixture->client.dtls), >=, 0);
    g_assert_cmpint(dtls_timeout_ms(fixture->server.dtls), ==, -1);
}

/* Whichever datagram is lost, the handshake completes. */
static void test_loss(Fixture *fixture, gconstpointer data)
{
    int lose = GPOINTER_TO_INT(data);
    if (lose >= 0)
        fixture->client.lose = lose;
    else
        fixture->server.lose = -lose - 1;
    dtls_start(fixture->client.dtls);
    run(&fixture->client, &fixture->server);
    check_keys(&fixture->client, &fixture->server);
}

/* --- A ClientHello of a browser: two datagrams --- */

static GBytes *handshake_fragment(const guint8 *body, gsize size, gsize from, gsize to, guint8 seq)
{
    guint8 buffer[1500];
    ByteWriter writer = byte_writer(buffer, sizeof buffer);
    byte_writer_u8(&writer, 22); /* handshake record, DTLS 1.0 as in every first ClientHello */
    byte_writer_u16(&writer, 0xfeff);
    byte_writer_uint(&writer, seq, 8);
    byte_writer_u16(&writer, (guint16)(HANDSHAKE_HEADER + to - from));
    byte_writer_u8(&writer, 1); /* client_hello */
    byte_writer_u24(&writer, (guint32)size);
    byte_writer_u16(&writer, 0);
    byte_writer_u24(&writer, (guint32)from);
    byte_writer_u24(&writer, (guint32)(to - from));
    byte_writer_bytes(&writer, body + from, to - from);
    g_assert_false(writer.failed);
    return g_bytes_new(buffer, writer.pos);
}

static void check_server_flight(End *server)
{
    g_assert_cmpint(dtls_state(server->dtls), ==, DTLS_HANDSHAKING);
    g_assert_cmpuint(server->n_sent, >=, 1);
    g_assert_cmpuint(server->n_sent, <=, 3);
    gsize size;
    const guint8 *data = g_bytes_get_data(g_queue_peek_head(&server->out), &size);
    g_assert_cmpuint(data[0], ==, 22);
    g_assert_cmpuint(data[RECORD_HEADER], ==, 2); /* server_hello */
}

static void test_browser_hello(Fixture *fixture, gconstpointer data)
{
    g_autofree char *path = g_build_filename(TEST_DATA_DIR, "browser-sdp", data, NULL);
    g_autofree char *text = NULL;
    gsize size = 0;
    g_assert_true(g_file_get_contents(path, &text, &size, NULL));
    const guint8 *body = (const guint8 *)text;
    gsize first = 1175;
    const char *const orders[] = { "12", "21", "2_12", "1_12", "1122", "1_2_1_2", "212" };
    for (gsize i = 0; i < G_N_ELEMENTS(orders); i++) {
        End server = { 0 };
        end_open(&server, fixture->server_context, fixture->client_context, FALSE);
        guint8 seq = 0;
        for (const char *step = orders[i]; *step; step++, seq++) {
            if (*step == '1')
                deliver(handshake_fragment(body, size, 0, first, seq), &server);
            else if (*step == '2')
                deliver(handshake_fragment(body, size, first, size, seq), &server);
        }
        check_server_flight(&server);
        end_close(&server);
    }
}

/* Our client's hello cut in two and put the wrong way round, and then the whole handshake. Epoch 0
 * is neither encrypted nor authenticated, so its records can be numbered anew. */
static GBytes *renumber(GBytes *datagram, guint8 *seq)
{
    gsize size;
    const guint8 *data = g_bytes_get_data(datagram, &size);
    guint8 *copy = g_memdup2(data, size);
    for (gsize at = 0; at + RECORD_HEADER <= size;) {
        if (copy[at + 3] == 0 && copy[at + 4] == 0)
            copy[at + 10] = (*seq)++;
        at += RECORD_HEADER + (gsize)(copy[at + 11] << 8 | copy[at + 12]);
    }
    g_bytes_unref(datagram);
    return g_bytes_new_take(copy, size);
}

static void test_swapped_fragments(Fixture *fixture, gconstpointer data)
{
    (void)data;
    guint8 seq = 0;
    dtls_start(fixture->client.dtls);
    GBytes *hello = g_queue_pop_head(&fixture->client.out);
    gsize size;
    const guint8 *bytes = g_bytes_get_data(hello, &size);
    const guint8 *body = bytes + RECORD_HEADER + HANDSHAKE_HEADER;
    gsize body_size = size - RECORD_HEADER - HANDSHAKE_HEADER;
    deliver(handshake_fragment(body, body_size, body_size / 2, body_size, seq++), &fixture->server);
    g_assert_cmpuint(fixture->server.n_sent, ==, 0);
    deliver(handshake_fragment(body, body_size, 0, body_size / 2, seq++), &fixture->server);
    g_assert_cmpuint(fixture->server.n_sent, >=, 1);
    g_bytes_unref(hello);
    while (!both_are(&fixture->client, &fixture->server, DTLS_ESTABLISHED)) {
        GBytes *datagram = g_queue_pop_head(&fixture->server.out);
        if (datagram)
            deliver(datagram, &fixture->client);
        datagram = g_queue_pop_head(&fixture->client.out);
        if (datagram)
            deliver(renumber(datagram, &seq), &fixture->server);
    }
    check_keys(&fixture->client, &fixture->server);
}

/* --- Who it is --- */

static void test_server_refuses(Fixture *fixture, gconstpointer data)
{
    (void)data;
    End server = { 0 };
    end_open(&server, fixture->server_context, fixture->server_context, FALSE); /* expects itself */
    dtls_start(fixture->client.dtls);
    exchange(&fixture->client, &server);
    SrtpKeys keys;
    g_assert_cmpint(dtls_state(server.dtls), ==, DTLS_FAILED);
    g_assert_nonnull(strstr(dtls_failure(server.dtls), "certificate"));
    g_assert_false(dtls_keys(server.dtls, &keys));
    g_assert_cmpint(dtls_state(fixture->client.dtls), !=, DTLS_ESTABLISHED);
    end_close(&server);
}

static void test_client_refuses(Fixture *fixture, gconstpointer data)
{
    (void)data;
    End client = { 0 };
    end_open(&client, fixture->client_context, fixture->client_context, TRUE);
    dtls_start(client.dtls);
    exchange(&client, &fixture->server);
    SrtpKeys keys;
    g_assert_cmpint(dtls_state(client.dtls), ==, DTLS_FAILED);
    g_assert_false(dtls_keys(client.dtls, &keys));
    g_assert_cmpint(dtls_state(fixture->server.dtls), !=, DTLS_ESTABLISHED);
    end_close(&client);
}

/* --- Garbage --- */

static void send_garbage(End *to, GRand *rand, gboolean plausible)
{
    guint8 data[600];
    gsize size = (gsize)g_rand_int_range(rand, 1, sizeof data);
    for (gsize i = 0; i < size; i++)
        data[i] = (guint8)g_rand_int(rand);
    if (plausible && size > RECORD_HEADER) { /* a well-formed record header, nonsense inside */
        guint8 header[] = { (guint8)g_rand_int_range(rand, 20, 25), 0xfe, 0xfd, 0,
                            (guint8)g_rand_int_range(rand, 0, 2) };
        memcpy(data, header, sizeof header);
        data[11] = (guint8)((size - RECORD_HEADER) >> 8);
        data[12] = (guint8)((size - RECORD_HEADER) & 0xff);
    }
    dtls_receive(to->dtls, data, size);
}

static void test_garbage_when_established(Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_autoptr(GRand) rand = g_rand_new_with_seed(5);
    dtls_start(fixture->client.dtls);
    run(&fixture->client, &fixture->server);
    for (guint i = 0; i < 2000; i++) {
        send_garbage(&fixture->server, rand, i % 2);
        send_garbage(&fixture->client, rand, i % 2);
    }
    g_assert_true(both_are(&fixture->client, &fixture->server, DTLS_ESTABLISHED));
    check_keys(&fixture->client, &fixture->server);
}

static void test_garbage_before_hello(Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_autoptr(GRand) rand = g_rand_new_with_seed(6);
    for (guint i = 0; i < 500; i++)
        send_garbage(&fixture->server, rand, FALSE);
    /* What looks like a handshake may spoil one attempt, not the next. */
    guint8 bad_hello[] = { 22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 14, 1,
                           0,  0,    2,    0, 0, 0, 0, 0, 0, 0, 2, 1, 2 };
    dtls_receive(fixture->server.dtls, bad_hello, sizeof bad_hello);
    g_assert_cmpint(dtls_state(fixture->server.dtls), ==, DTLS_HANDSHAKING);
    g_queue_clear_full(&fixture->server.out, (GDestroyNotify)g_bytes_unref);
    dtls_start(fixture->client.dtls);
    run(&fixture->client, &fixture->server);
    check_keys(&fixture->client, &fixture->server);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, data, func) g_test_add(name, Fixture, data, set_up, func, tear_down)
    ADD("/dtls/handshake", NULL, test_handshake);
    ADD("/dtls/first-timer", NULL, test_first_timer);
    for (int i = -3; i < 3; i++) {
        g_autofree char *name =
            g_strdup_printf("/dtls/loss/%s-%d", i < 0 ? "server" : "client", i < 0 ? -i - 1 : i);
        ADD(name, GINT_TO_POINTER(i), test_loss);
    }
    ADD("/dtls/browser-hello/chromium", "ch-chromium.bin", test_browser_hello);
    ADD("/dtls/browser-hello/firefox", "ch-firefox.bin", test_browser_hello);
    ADD("/dtls/swapped-fragments", NULL, test_swapped_fragments);
    ADD("/dtls/server-refuses", NULL, test_server_refuses);
    ADD("/dtls/client-refuses", NULL, test_client_refuses);
    ADD("/dtls/garbage-established", NULL, test_garbage_when_established);
    ADD("/dtls/garbage-before-hello", NULL, test_garbage_before_hello);
    return g_test_run();
}
