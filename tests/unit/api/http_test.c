#include <sys/resource.h>

#include "unit/api/api_fixture.h"

static void expect_page(guint port, const char *path, const char *type, const char *body)
{
    Client client;
    g_auto(Reply) reply = { 0 };
    client_open(&client, port);
    g_assert_true(client_request(&client, "GET", path, "", NULL, &reply));
    client_close(&client);
    g_autofree char *got = reply_header(&reply, "Content-Type");
    g_autofree char *sniff = reply_header(&reply, "X-Content-Type-Options");
    g_assert_cmpuint(reply.status, ==, 200);
    g_assert_true(g_str_has_prefix(got, type));
    g_assert_cmpstr(sniff, ==, "nosniff");
    g_assert_cmpstr(reply.body, ==, body);
    g_autofree char *policy = reply_header(&reply, "Content-Security-Policy");
    g_assert_cmpint(policy != NULL, ==, g_str_has_prefix(type, "text/html"));
}

static void pages(gpointer data)
{
    guint port = *(guint *)data;
    expect_page(port, "/", "text/html", "<p>lobby");
    expect_page(port, "/r/team-1", "text/html", "<p>room");
    expect_page(port, "/r/team-1?token=x", "text/html", "<p>room");
    expect_page(port, "/js/app.js", "text/javascript", "export {}");
    expect_page(port, "/healthz", "application/json", "{\"status\":\"ok\"}");
    g_assert_cmpuint(client_status(port, "GET", "/admin", "", NULL), ==, 404);
    g_assert_cmpuint(client_status(port, "GET", "/r/bad.name", "", NULL), ==, 404);
    g_assert_cmpuint(client_status(port, "GET", "/js/none.js", "", NULL), ==, 404);
    g_assert_cmpuint(client_status(port, "GET", "/ws", "", NULL), ==, 426);
}

static void traversal(gpointer data)
{
    static const char *const paths[] = { "/js/../../etc/passwd",
                                         "/js/..%2f..%2fetc%2fpasswd",
                                         "/js/%2e%2e/%2e%2e/x",
                                         "/../../../../etc/passwd",
                                         "/assets/../.hidden.txt",
                                         "/js/%2fetc%2fpasswd",
                                         "/js/..\\..\\x",
                                         "/js//etc/passwd",
                                         "/.hidden.txt",
                                         "/js/.hidden.txt",
                                         "/js/a%00.js",
                                         "/js/%zz",
                                         "/assets/..%252f.hidden.txt" };
    guint port = *(guint *)data;
    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        guint status = client_status(port, "GET", paths[i], "", NULL);
        if (status == 200)
            g_test_message("%s", paths[i]);
        g_assert_true(status == 404 || status == 403 || status == 400 || status == 0);
    }
}

static void problems(gpointer data)
{
    guint port = *(guint *)data;
    Client client;
    g_auto(Reply) missing = { 0 }, method = { 0 };
    client_open(&client, port);
    g_assert_true(client_request(&client, "GET", "/nowhere", "", NULL, &missing));
    g_autofree char *type = reply_header(&missing, "Content-Type");
    g_assert_cmpuint(missing.status, ==, 404);
    g_assert_cmpstr(type, ==, "application/problem+json");
    g_assert_nonnull(strstr(missing.body, "\"status\":404"));
    g_assert_true(client_request(&client, "POST", "/api/v1/layouts", "", "{}", &method));
    g_autofree char *allow = reply_header(&method, "Allow");
    g_assert_cmpuint(method.status, ==, 405);
    g_assert_cmpstr(allow, ==, "GET, HEAD, OPTIONS");
    client_close(&client);
    g_assert_cmpuint(client_status(port, "PUT", "/", "", "x"), ==, 405);
    g_assert_cmpuint(client_status(port, "DELETE", "/healthz", "", NULL), ==, 405);
    g_assert_cmpuint(client_status(port, "GET", "/api/v1/rooms/none", "", NULL), ==, 404);
}

/* Twenty requests of all kinds on one connection. */
static void keep_alive(gpointer data)
{
    Client client;
    client_open(&client, *(guint *)data);
    for (guint i = 0; i < 5; i++) {
        g_auto(Reply) get = { 0 }, head = { 0 }, post = { 0 }, zero = { 0 };
        g_assert_true(client_request(&client, "GET", "/", "", NULL, &get));
        g_assert_cmpuint(get.status, ==, 200);
        g_assert_true(client_request(&client, "HEAD", "/", "", NULL, &head));
        g_assert_cmpuint(head.status, ==, 200);
        g_autofree char *length = reply_header(&head, "Content-Length");
        g_assert_cmpstr(length, ==, "8");
        g_assert_true(client_request(&client, "POST", "/healthz", "", "body", &post));
        g_assert_cmpuint(post.status, ==, 405);
        g_assert_true(client_request(&client, "POST", "/healthz", "", "", &zero));
        g_assert_cmpuint(zero.status, ==, 405);
    }
    client_close(&client);
}

static void pipelined(gpointer data)
{
    Client client;
    const char *text = "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /js/app.js HTTP/1.1\r\nHost: a\r\n\r\n"
                       "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    client_open(&client, *(guint *)data);
    g_assert_true(client_send(&client, text, strlen(text)));
    for (guint i = 0; i < 3; i++) {
        g_auto(Reply) reply = { 0 };
        g_assert_true(client_read(&client, FALSE, &reply));
        g_assert_cmpuint(reply.status, ==, 200);
    }
    client_close(&client);
}

static void etag(gpointer data)
{
    Client client;
    g_auto(Reply) first = { 0 }, second = { 0 };
    client_open(&client, *(guint *)data);
    g_assert_true(client_request(&client, "GET", "/js/app.js", "", NULL, &first));
    g_autofree char *tag = reply_header(&first, "ETag");
    g_autofree char *header = g_strdup_printf("If-None-Match: %s\r\n", tag);
    g_assert_true(client_request(&client, "GET", "/js/app.js", header, NULL, &second));
    g_assert_cmpuint(second.status, ==, 304);
    g_assert_cmpuint(second.size, ==, 0);
    client_close(&client);
}

static guint raw_status(guint port, const char *text)
{
    Client client;
    g_auto(Reply) reply = { 0 };
    client_open(&client, port);
    client_send(&client, text, strlen(text));
    gboolean ok = client_read(&client, FALSE, &reply);
    client_close(&client);
    return ok ? reply.status : 0;
}

static void large_body(gpointer data)
{
    guint port = *(guint *)data;
    Client client;
    g_autofree char *body = g_strnfill(70000, 'x');
    g_auto(Reply) large = { 0 };
    client_open(&client, port);
    g_assert_true(client_request(&client, "POST", "/whip/r", "", body, &large));
    g_autofree char *connection = reply_header(&large, "Connection");
    g_assert_cmpuint(large.status, ==, 413);
    g_assert_cmpstr(connection, ==, "close");
    client_close(&client);
    g_assert_cmpuint(raw_status(port, "POST /whip/r HTTP/1.1\r\nHost: a\r\n"
                                      "Content-Length: 2000000000\r\n\r\nabc"),
                     ==, 413);
}

/* Framing that two parsers could read differently. */
static void framing(gpointer data)
{
    guint port = *(guint *)data;
    static const struct {
        const char *headers;
        guint status;
    } cases[] = {
        { "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411 },
        { "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400 },
        { "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", 400 },
        { "Content-Length: -5\r\n\r\nabc", 400 },
        { "Content-Length: 5x\r\n\r\nabcde", 400 },
        { "Content-Length: 99999999999999999999\r\n\r\nabc", 400 },
        { "\r\n", 415 }, /* no length: an empty body */
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text =
            g_strconcat("POST /whip/r HTTP/1.1\r\nHost: a\r\n", cases[i].headers, NULL);
        g_test_message("case %u", i);
        g_assert_cmpuint(raw_status(port, text), ==, cases[i].status);
    }
}

static void garbage(gpointer data)
{
    guint port = *(guint *)data;
    g_autofree char *long_path = g_strnfill(20000, 'a');
    g_autofree char *long_get = g_strconcat("GET /", long_path, " HTTP/1.1\r\n\r\n", NULL);
    g_autofree char *long_header =
        g_strconcat("GET / HTTP/1.1\r\nX-A: ", long_path, "\r\n\r\n", NULL);
    const char *texts[] = {
        "\r\n\r\n\r\n",
        "NONSENSE\r\n\r\n",
        "BREW / HTTP/1.1\r\n\r\n",
        "CONNECT example.com:80 HTTP/1.1\r\nHost: a\r\n\r\nraw bytes",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: chocolate\r\nConnection: Upgrade\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: chocolate\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        "GET http://evil/ HTTP/1.1\r\n\r\n",
        "\x16\x03\x01\x02",
        long_get,
        long_header,
    };
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_test_message("case %u", i);
        g_assert_cmpuint(raw_status(port, texts[i]), !=, 101);
        g_assert_cmpuint(client_status(port, "GET", "/healthz", "", NULL), ==, 200);
    }
}

static void run(const char *settings, void (*function)(gpointer data))
{
    Fixture fixture = { 0 };
    fixture_start(&fixture, settings);
    client_run(function, &fixture.port);
    fixture_stop(&fixture);
}

static void test_pages(void)
{
    run("", pages);
}

static void test_traversal(void)
{
    run("", traversal);
}

static void test_problems(void)
{
    run("", problems);
}

static void test_keep_alive(void)
{
    run("", keep_alive);
    run("", pipelined);
}

static void test_etag(void)
{
    run("", etag);
}

static void test_large_body(void)
{
    run("", large_body);
}

static void test_framing(void)
{
    run("", framing);
}

static void test_garbage(void)
{
    run("", garbage);
}

/* --- deadlines --------------------------------------------------------------------------- */

/* The server, not we, ends a connection that sends nothing more. */
static void unfinished_header(gpointer data)
{
    Client client;
    const char *text = "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ";
    gint64 start = g_get_monotonic_time();
    client_open(&client, *(guint *)data);
    client_send(&client, text, strlen(text));
    while (client_more(&client)) {
    }
    g_assert_cmpint(g_get_monotonic_time() - start, <, 10 * G_USEC_PER_SEC);
    client_close(&client);
}

static void unfinished_body(gpointer data)
{
    Client client;
    const char *text = "POST /whip/r HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc";
    gint64 start = g_get_monotonic_time();
    client_open(&client, *(guint *)data);
    client_send(&client, text, strlen(text));
    while (client_more(&client)) {
    }
    g_assert_cmpint(g_get_monotonic_time() - start, <, 10 * G_USEC_PER_SEC);
    client_close(&client);
}

static void idle_connection(gpointer data)
{
    Client client;
    g_auto(Reply) reply = { 0 };
    client_open(&client, *(guint *)data);
    g_assert_true(client_request(&client, "GET", "/", "", NULL, &reply));
    while (client_more(&client)) {
    }
    client_close(&client);
}

static void test_deadlines(void)
{
    run("http.header_seconds=1", unfinished_header);
    run("http.request_seconds=1", unfinished_body);
    run("http.idle_seconds=1", idle_connection);
}

/* --- limits ------------------------------------------------------------------------------ */

static void too_many_connections(gpointer data)
{
    guint port = *(guint *)data;
    Client held[8], more;
    for (guint i = 0; i < G_N_ELEMENTS(held); i++) {
        g_auto(Reply) reply = { 0 };
        client_open(&held[i], port);
        g_assert_true(client_request(&held[i], "GET", "/healthz", "", NULL, &reply));
    }
    client_open(&more, port);
    g_assert_false(client_more(&more));
    client_close(&more);
    for (guint i = 0; i < G_N_ELEMENTS(held); i++)
        client_close(&held[i]);
}

/* Each descriptor that is left belongs to those who are there. */
static void too_many_descriptors(gpointer data)
{
    struct rlimit limit;
    Client client;
    int next = dup(0);
    close(next);
    g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    struct rlimit tight = { (rlim_t)next + 20, limit.rlim_max };
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &tight), ==, 0);
    client_open(&client, *(guint *)data);
    g_assert_false(client_more(&client));
    client_close(&client);
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    g_auto(Reply) reply = { 0 };
    client_open(&client, *(guint *)data);
    g_assert_true(client_request(&client, "GET", "/healthz", "", NULL, &reply));
    client_close(&client);
}

static void too_many_requests(gpointer data)
{
    Client client;
    client_open(&client, *(guint *)data);
    guint limited = 0;
    for (guint i = 0; i < 10; i++) {
        g_auto(Reply) reply = { 0 };
        g_assert_true(client_request(&client, "GET", "/healthz", "", NULL, &reply));
        limited += reply.status == 429;
    }
    g_assert_cmpuint(limited, >=, 1);
    client_close(&client);
}

static void test_limits(void)
{
    run("http.max_connections=8", too_many_connections);
    run("", too_many_descriptors);
    run("http.requests_per_second=1", too_many_requests);
}

static void test_port_in_use(void)
{
    Fixture fixture = { 0 };
    fixture_start(&fixture, "");
    g_autoptr(Config) config = config_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *listen = g_strdup_printf("http.listen=127.0.0.1:%u", fixture.port);
    g_autofree char *web = g_strconcat("http.web_dir=", fixture.web, NULL);
    g_autofree char *words = g_strdup_printf("http.listen: 127.0.0.1:%u is in use by another "
                                             "program",
                                             fixture.port);
    g_assert_true(config_set(config, listen, NULL));
    g_assert_true(config_set(config, web, NULL));
    g_assert_true(config_set(config, "https.listen=", NULL));
    g_assert_true(config_set(config, "rtmp.listen=", NULL));
    Api *second = api_new(config, fixture.rooms, NULL, &error);
    g_assert_no_error(error);
    g_assert_false(api_listen(second, &error));
    g_assert_true(g_str_has_prefix(error->message, words));
    api_free(second);
    fixture_stop(&fixture);
}

static void test_no_such_address(void)
{
    Fixture fixture = { 0 };
    fixture_start(&fixture, "");
    g_autoptr(GError) error = NULL;
    fixture_set(&fixture, "http.listen=192.0.2.1:8080");
    g_assert_false(api_listen(fixture.api, &error));
    g_assert_nonnull(strstr(error->message, "http.listen: 192.0.2.1:8080"));
    fixture_stop(&fixture);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http/pages", test_pages);
    g_test_add_func("/http/traversal", test_traversal);
    g_test_add_func("/http/problems", test_problems);
    g_test_add_func("/http/keep_alive", test_keep_alive);
    g_test_add_func("/http/etag", test_etag);
    g_test_add_func("/http/large_body", test_large_body);
    g_test_add_func("/http/framing", test_framing);
    g_test_add_func("/http/garbage", test_garbage);
    g_test_add_func("/http/deadlines", test_deadlines);
    g_test_add_func("/http/limits", test_limits);
    g_test_add_func("/http/port_in_use", test_port_in_use);
    g_test_add_func("/http/no_such_address", test_no_such_address);
    return g_test_run();
}
