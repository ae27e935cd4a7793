/* http.h by itself: streams and bodies, with a handler that does what the path says. */
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wthread-safety-analysis" /* one thread plays every role */
#endif

#include "api/http.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <openssl/ssl.h>

#include "api/tls_certificate.h"
#include "base/log.h"
#include "base/thread.h"
#include "unit/api/http_client.h"

#define PIECE 30000

typedef struct {
    HttpServer *server;
    guint port;
    guint opened, gone; /* streams */
    gsize sent;
    HttpExchange *held; /* of the last stream */
    guint timer;
    gsize body; /* of the last request; G_MAXSIZE: it was too large */
} Fixture;

static void on_gone(HttpExchange *exchange, gpointer user)
{
    Fixture *fixture = user;
    g_assert_true(fixture->held == exchange);
    http_stream_send(exchange, "nobody", 6);
    http_stream_end(exchange);
    fixture->gone++;
    fixture->held = NULL;
    if (fixture->timer)
        g_source_remove(fixture->timer);
    fixture->timer = 0;
}

static void open_stream(Fixture *fixture, HttpExchange *exchange)
{
    HttpResponse *response = http_response_new(200);
    http_response_add(response, "Content-Type", "text/event-stream");
    fixture->opened++;
    fixture->held = exchange;
    http_respond_stream(exchange, response, on_gone, fixture);
}

static gboolean send_piece(gpointer data)
{
    Fixture *fixture = data;
    g_autofree char *piece = g_strnfill(PIECE, 'x');
    http_stream_send(fixture->held, piece, PIECE);
    fixture->sent += PIECE;
    return G_SOURCE_CONTINUE;
}

static gboolean open_late(gpointer data)
{
    Fixture *fixture = data;
    g_autoptr(HttpExchange) exchange = fixture->held;
    open_stream(fixture, exchange);
    if (fixture->held)
        http_stream_end(exchange);
    return G_SOURCE_REMOVE;
}

static void on_request(HttpExchange *exchange, gpointer user)
{
    Fixture *fixture = user;
    const HttpRequest *request = http_exchange_request(exchange);
    fixture->body = request->too_large ? G_MAXSIZE : request->body->len;
    if (strcmp(request->path, "/late") == 0) {
        fixture->held = http_exchange_ref(exchange);
        g_idle_add_full(G_PRIORITY_DEFAULT, open_late, fixture, NULL);
        return;
    }
    if (strcmp(request->path, "/plain") == 0 || request->too_large) {
        http_respond(exchange, http_response_new(request->too_large ? 413 : 204));
        return;
    }
    open_stream(fixture, exchange);
    http_stream_send(exchange, "one\n", 4);
    if (strcmp(request->path, "/flood") == 0)
        fixture->timer = g_idle_add(send_piece, fixture);
    http_stream_send(exchange, "", 0);
    if (strcmp(request->path, "/two") == 0) {
        http_stream_send(exchange, "two two two two\n", 16);
        http_stream_end(exchange);
        http_stream_send(exchange, "too late", 8);
    }
    if (strcmp(request->path, "/huge") == 0) {
        g_autofree char *text = g_strnfill(HTTP_STREAM_MAX, 'x');
        http_stream_send(exchange, text, HTTP_STREAM_MAX);
    }
}

static gsize body_limit(const HttpRequest *request, gpointer user)
{
    (void)user;
    return strcmp(request->path, "/plain") == 0 ? 8 << 20 : 100;
}

/* `tls`: NULL, or its certificate. */
static void fixture_start(Fixture *fixture, const TlsFiles *tls)
{
    static const HttpHandlers handlers = { on_request, body_limit, NULL, NULL };
    HttpOptions options = { .max_message = 4096,
                            .max_connections = 50,
                            .header_seconds = 1,
                            .request_seconds = 1,
                            .idle_seconds = 1,
                            .answer_seconds = 1,
                            .ping_seconds = 1,
                            .hangup_seconds = 2 };
    g_autoptr(GError) error = NULL;
    if (tls) {
        options.certificate = tls->certificate;
        options.private_key = tls->private_key;
    }
    *fixture = (Fixture){ 0 };
    fixture->server = http_server_new(&options, &handlers, fixture, &error);
    g_assert_no_error(error);
    http_server_listen(fixture->server, "http.listen", "127.0.0.1:0", tls != NULL, &error);
    g_assert_no_error(error);
    g_autofree char *url = http_server_url(fixture->server, 0);
    fixture->port = (guint)g_ascii_strtoull(strrchr(url, ':') + 1, NULL, 10);
}

static void run_with(const TlsFiles *tls, void (*function)(gpointer data), guint opened)
{
    Fixture fixture;
    fixture_start(&fixture, tls);
    client_run(function, &fixture);
    /* What the client's end left to do comes with the next looks at the sockets. */
    while (fixture.gone < opened)
        g_main_context_iteration(NULL, TRUE);
    http_server_free(fixture.server);
    g_assert_cmpuint(fixture.opened, ==, opened);
    g_assert_cmpuint(fixture.gone, ==, opened);
}

static void run(void (*function)(gpointer data), guint opened)
{
    run_with(NULL, function, opened);
}

/* (transfer full) Everything that one request brings. */
static char *fetch(guint port, const char *request)
{
    Client client;
    client_open(&client, port);
    client_send(&client, request, strlen(request));
    while (client_more(&client)) {
    }
    char *text = g_strdup(client.in->str);
    client_close(&client);
    return text;
}

static void two(gpointer data)
{
    Fixture *fixture = data;
    g_autofree char *text = fetch(fixture->port, "GET /two HTTP/1.1\r\nHost: a\r\n\r\n");
    g_assert_true(g_str_has_prefix(text, "HTTP/1.1 200 OK\r\n"));
    g_assert_nonnull(strstr(text, "\r\nTransfer-Encoding: chunked\r\n"));
    g_assert_nonnull(strstr(text, "\r\nConnection: close\r\n"));
    g_assert_null(strstr(text, "Content-Length"));
    g_assert_true(
        g_str_has_suffix(text, "\r\n\r\n4\r\none\n\r\n10\r\ntwo two two two\n\r\n0\r\n\r\n"));
}

static void test_two(void)
{
    run(two, 1);
}

static void late(gpointer data)
{
    Fixture *fixture = data;
    g_autofree char *text = fetch(fixture->port, "GET /late HTTP/1.1\r\nHost: a\r\n\r\n");
    g_assert_true(g_str_has_suffix(text, "\r\n\r\n0\r\n\r\n"));
}

static void test_late(void)
{
    run(late, 1);
}

/* Answered without a body; the connection goes on. */
static void head(gpointer data)
{
    Fixture *fixture = data;
    Client client;
    g_auto(Reply) first = { 0 }, second = { 0 };
    client_open(&client, fixture->port);
    g_assert_true(client_request(&client, "HEAD", "/hold", "", NULL, &first));
    g_assert_true(client_request(&client, "HEAD", "/hold", "", NULL, &second));
    g_assert_cmpuint(second.status, ==, 200);
    g_assert_cmpuint(client.in->len, ==, 0);
    client_close(&client);
}

static void test_head(void)
{
    run(head, 2);
}

/* A client that goes is noticed though nothing is sent. */
static void leave(gpointer data)
{
    Fixture *fixture = data;
    static const char text[] = "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n";
    for (guint i = 0; i < 3; i++) {
        Client client;
        guint gone = fixture->gone;
        client_open(&client, fixture->port);
        client_send(&client, text, strlen(text));
        while (!strstr(client.in->str, "one"))
            g_assert_true(client_more(&client));
        client_close(&client);
        while (*(volatile guint *)&fixture->gone == gone)
            g_thread_yield();
    }
}

static void test_leave(void)
{
    run(leave, 3);
}

/* Gone before the server has answered. */
static void leave_at_once(gpointer data)
{
    Fixture *fixture = data;
    static const char text[] = "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n";
    Client client;
    client_open(&client, fixture->port);
    client_send(&client, text, strlen(text));
    client_close(&client);
}

static void test_leave_at_once(void)
{
    run(leave_at_once, 1);
}

/* Who does not read is sent away with a bounded amount waiting. */
static void slow(gpointer data)
{
    Fixture *fixture = data;
    static const char text[] = "GET /flood HTTP/1.1\r\nHost: a\r\n\r\n";
    Client client;
    client_open(&client, fixture->port);
    client_send(&client, text, strlen(text));
    while (!*(volatile guint *)&fixture->gone)
        g_thread_yield();
    while (client_more(&client)) {
    }
    g_assert_cmpuint(client.in->len, <=, fixture->sent);
    client_close(&client);
}

static void test_slow(void)
{
    run(slow, 1);
}

static void huge(gpointer data)
{
    Fixture *fixture = data;
    g_autofree char *text = fetch(fixture->port, "GET /huge HTTP/1.1\r\nHost: a\r\n\r\n");
    g_assert_cmpuint(strlen(text), <, 1000);
}

static void test_huge(void)
{
    run(huge, 1);
}

/* No deadline of requests ends a stream. What comes behind its request is not read. */
static void quiet(gpointer data)
{
    Fixture *fixture = data;
    static const char text[] =
        "GET /hold HTTP/1.1\r\nHost: a\r\n\r\nGET /plain HTTP/1.1\r\nHost: a\r\n\r\n";
    struct timeval limit = { .tv_sec = 3 };
    Client client;
    client_open(&client, fixture->port);
    setsockopt(client.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    client_send(&client, text, strlen(text));
    while (!strstr(client.in->str, "one"))
        g_assert_true(client_more(&client));
    g_assert_false(client_more(&client));
    g_assert_true(errno == EAGAIN); /* nothing happened: the limit above */
    g_assert_cmpuint(fixture->gone, ==, 0);
    g_assert_true(g_str_has_suffix(client.in->str, "4\r\none\n\r\n"));
    client_close(&client);
}

static void test_quiet(void)
{
    run(quiet, 1);
}

static void hold(gpointer data)
{
    Fixture *fixture = data;
    static const char text[] = "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n";
    Client client;
    client_open(&client, fixture->port);
    client_send(&client, text, strlen(text));
    while (!strstr(client.in->str, "one"))
        g_assert_true(client_more(&client));
    g_string_free(client.in, TRUE); /* the socket stays open */
}

static void test_server_stop(void)
{
    Fixture fixture;
    fixture_start(&fixture, NULL);
    client_run(hold, &fixture);
    http_server_free(fixture.server);
    g_assert_cmpuint(fixture.gone, ==, 1);
}

/* --- the same over TLS ------------------------------------------------------------------- */

typedef struct {
    Client client;
    SSL_CTX *context;
    SSL *ssl;
} TlsClient;

static void tls_open(TlsClient *tls, guint port, const char *request)
{
    client_open(&tls->client, port);
    tls->context = SSL_CTX_new(TLS_client_method());
    tls->ssl = SSL_new(tls->context);
    SSL_set_fd(tls->ssl, tls->client.fd);
    g_assert_cmpint(SSL_connect(tls->ssl), ==, 1);
    g_assert_cmpint(SSL_write(tls->ssl, request, (int)strlen(request)), >, 0);
}

static gboolean tls_more(TlsClient *tls)
{
    char chunk[4096];
    int n = SSL_read(tls->ssl, chunk, sizeof chunk);
    if (n > 0)
        g_string_append_len(tls->client.in, chunk, n);
    return n > 0;
}

static void tls_close(TlsClient *tls)
{
    SSL_free(tls->ssl);
    SSL_CTX_free(tls->context);
    client_close(&tls->client);
}

static void secure(gpointer data)
{
    Fixture *fixture = data;
    TlsClient whole, slow_one, leaver;
    tls_open(&whole, fixture->port, "GET /two HTTP/1.1\r\nHost: a\r\n\r\n");
    while (tls_more(&whole)) {
    }
    g_assert_true(g_str_has_suffix(whole.client.in->str,
                                   "4\r\none\n\r\n10\r\ntwo two two two\n\r\n0\r\n\r\n"));
    tls_close(&whole);

    tls_open(&leaver, fixture->port, "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    while (!strstr(leaver.client.in->str, "one"))
        g_assert_true(tls_more(&leaver));
    tls_close(&leaver);
    while (*(volatile guint *)&fixture->gone < 2)
        g_thread_yield();

    /* What arrives of a flood is in order, and whole as far as it goes. */
    tls_open(&slow_one, fixture->port, "GET /flood HTTP/1.1\r\nHost: a\r\n\r\n");
    while (*(volatile guint *)&fixture->gone < 3)
        g_thread_yield();
    while (tls_more(&slow_one)) {
    }
    const char *text = strstr(slow_one.client.in->str, "one\n\r\n") + 6;
    g_autofree char *piece = g_strnfill(PIECE, 'x');
    g_autofree char *chunk = g_strdup_printf("%x\r\n%s\r\n", PIECE, piece);
    for (; strlen(text) >= strlen(chunk); text += strlen(chunk))
        g_assert_true(g_str_has_prefix(text, chunk));
    tls_close(&slow_one);
}

static void test_secure(void)
{
    g_autoptr(Config) config = config_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *state = g_dir_make_tmp("tessera-state-XXXXXX", NULL);
    g_autofree char *setting = g_strconcat("https.state_dir=", state, NULL);
    TlsFiles tls = { 0 };
    g_assert_true(config_set(config, setting, NULL));
    tls_certificate_files(config, &tls, &error);
    g_assert_no_error(error);
    run_with(&tls, secure, 3);
    g_unlink(tls.certificate);
    g_unlink(tls.private_key);
    g_rmdir(state);
    tls_files_clear(&tls);
}

/* --- bodies ------------------------------------------------------------------------------ */

static void bodies(gpointer data)
{
    Fixture *fixture = data;
    g_autofree char *body = g_strnfill(1000000, 'x');
    for (guint i = 0; i < 3; i++) {
        Client client;
        g_auto(Reply) good = { 0 }, large = { 0 };
        client_open(&client, fixture->port);
        g_assert_true(client_request(&client, "PUT", "/plain", "", body, &good));
        g_assert_cmpuint(good.status, ==, 204);
        g_assert_cmpuint(fixture->body, ==, 1000000);
        g_assert_true(client_request(&client, "PUT", "/else", "", body, &large));
        g_autofree char *connection = reply_header(&large, "Connection");
        g_assert_cmpuint(large.status, ==, 413);
        g_assert_cmpstr(connection, ==, "close");
        g_assert_true(fixture->body == G_MAXSIZE);
        client_close(&client);
    }
}

static void test_bodies(void)
{
    run(bodies, 0);
}

/* Eight large bodies are being read; the ninth has to wait, a small one has not. */
static void many_bodies(gpointer data)
{
    Fixture *fixture = data;
    static const char text[] = "PUT /plain HTTP/1.1\r\nHost: a\r\nContent-Length: 8388608\r\n\r\nx";
    Client held[8];
    for (guint i = 0; i < G_N_ELEMENTS(held); i++) {
        client_open(&held[i], fixture->port);
        client_send(&held[i], text, strlen(text));
    }
    /* A whole request later the server has seen them all. */
    g_assert_cmpuint(client_status(fixture->port, "PUT", "/plain", "", "small"), ==, 204);
    Client more;
    g_auto(Reply) reply = { 0 };
    client_open(&more, fixture->port);
    client_send(&more, text, strlen(text));
    g_assert_true(client_read(&more, FALSE, &reply));
    g_assert_cmpuint(reply.status, ==, 503);
    client_close(&more);
    for (guint i = 0; i < G_N_ELEMENTS(held); i++)
        client_close(&held[i]);
}

static void test_many_bodies(void)
{
    run(many_bodies, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    thread_set_roles(THREAD_ALL);
    log_set_level(LOG_ERROR);
    g_test_add_func("/http_stream/two", test_two);
    g_test_add_func("/http_stream/late", test_late);
    g_test_add_func("/http_stream/head", test_head);
    g_test_add_func("/http_stream/leave", test_leave);
    g_test_add_func("/http_stream/leave_at_once", test_leave_at_once);
    g_test_add_func("/http_stream/slow", test_slow);
    g_test_add_func("/http_stream/huge", test_huge);
    g_test_add_func("/http_stream/quiet", test_quiet);
    g_test_add_func("/http_stream/server_stop", test_server_stop);
    g_test_add_func("/http_stream/secure", test_secure);
    g_test_add_func("/http/bodies", test_bodies);
    g_test_add_func("/http/many_bodies", test_many_bodies);
    return g_test_run();
}
