/* Who may do what through the HTTP API: tokens, grants, origins, body limits. */
#include "unit/api/api_fixture.h"

#define SECRET "0123456789abcdef0123456789abcdef"

typedef struct {
    guint port;
    const char *room;
    guint grants;
    char *bearer; /* "Authorization: Bearer ...\r\n" */
    char *token;
} Visitor;

static Visitor visitor_new(guint port, const char *room, guint grants)
{
    g_autoptr(Config) config = config_new();
    g_assert_true(config_set(config, "auth.secret=" SECRET, NULL));
    g_autoptr(Auth) auth = auth_new(config, NULL);
    gint64 now_s = g_get_real_time() / G_USEC_PER_SEC;
    AuthClaims claims = { .room = (char *)room, .grants = grants, .expires_s = now_s + 600 };
    Visitor visitor = { port, room, grants, NULL, auth_sign(auth, &claims, now_s) };
    visitor.bearer = g_strdup_printf("Authorization: Bearer %s\r\n", visitor.token);
    return visitor;
}

static void visitor_clear(Visitor *visitor)
{
    g_free(visitor->bearer);
    g_free(visitor->token);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Visitor, visitor_clear)

/* The status of a request without a body, or with "{}". */
static guint ask(const Visitor *visitor, const char *method, const char *path)
{
    gboolean body = strcmp(method, "GET") != 0 && strcmp(method, "DELETE") != 0;
    return client_status(visitor->port, method, path, visitor->bearer, body ? "{}" : NULL);
}

/* What each grant opens; the room is not there, so who is let in gets 404. */
static void grants(gpointer data)
{
    guint port = *(guint *)data;
    static const struct {
        const char *method, *path;
        guint needed;
    } routes[] = {
        { "GET", "/api/v1/rooms/demo", AUTH_VIEW },
        { "GET", "/api/v1/rooms/demo/participants", AUTH_VIEW },
        { "GET", "/api/v1/rooms/demo/participants/p1", AUTH_VIEW },
        { "GET", "/api/v1/rooms/demo/layout", AUTH_VIEW },
        { "GET", "/api/v1/rooms/demo/events", AUTH_VIEW },
        { "GET", "/api/v1/rooms/demo/snapshot.png", AUTH_VIEW },
        { "GET", "/api/v1/rooms/demo/stats", AUTH_CONTROL },
        { "GET", "/api/v1/rooms/demo/graph", AUTH_CONTROL },
        { "DELETE", "/api/v1/rooms/demo", AUTH_CONTROL },
        { "DELETE", "/api/v1/rooms/demo/participants/p1", AUTH_CONTROL },
    };
    static const guint held[] = { AUTH_PUBLISH, AUTH_VIEW, AUTH_CONTROL, AUTH_RECORD, AUTH_ADMIN };
    for (guint i = 0; i < G_N_ELEMENTS(routes); i++) {
        for (guint k = 0; k < G_N_ELEMENTS(held); k++) {
            g_auto(Visitor) here = visitor_new(port, "demo", held[k]);
            g_auto(Visitor) elsewhere = visitor_new(port, "demo2", held[k]);
            gboolean may = held[k] == routes[i].needed || held[k] == AUTH_ADMIN;
            g_test_message("%s %s %u", routes[i].method, routes[i].path, held[k]);
            g_assert_cmpuint(ask(&here, routes[i].method, routes[i].path), ==, may ? 404 : 403);
            g_assert_cmpuint(ask(&elsewhere, routes[i].method, routes[i].path), ==, 403);
        }
    }
}

static void everywhere(gpointer data)
{
    guint port = *(guint *)data;
    g_auto(Visitor) chief = visitor_new(port, "*", AUTH_ADMIN);
    g_auto(Visitor) local_chief = visitor_new(port, "demo", AUTH_ADMIN);
    g_auto(Visitor) watcher = visitor_new(port, "*", AUTH_VIEW);
    g_assert_cmpuint(ask(&chief, "GET", "/api/v1/rooms"), ==, 200);
    g_assert_cmpuint(ask(&chief, "GET", "/metrics"), ==, 200);
    g_assert_cmpuint(ask(&chief, "GET", "/api/v1/rooms/any"), ==, 404);
    g_assert_cmpuint(ask(&local_chief, "GET", "/api/v1/rooms"), ==, 403);
    g_assert_cmpuint(ask(&local_chief, "GET", "/metrics"), ==, 403);
    g_assert_cmpuint(ask(&watcher, "GET", "/api/v1/rooms"), ==, 403);
    g_assert_cmpuint(ask(&watcher, "GET", "/api/v1/rooms/any"), ==, 404);
}

/* (transfer full) The whole answer. */
static Reply fetch(guint port, const char *method, const char *path, const char *headers,
                   const char *body)
{
    Client client;
    Reply reply = { 0 };
    client_open(&client, port);
    g_assert_true(client_request(&client, method, path, headers, body, &reply));
    client_close(&client);
    return reply;
}

/* Nothing tells a wrong room from a missing grant, or a room that exists from one that does not. */
static void constant_shape(gpointer data)
{
    guint port = *(guint *)data;
    g_auto(Visitor) other = visitor_new(port, "other", AUTH_VIEW);
    g_auto(Visitor) weak = visitor_new(port, "demo", AUTH_PUBLISH);
    g_auto(Reply) a = fetch(port, "GET", "/api/v1/rooms/demo", other.bearer, NULL);
    g_auto(Reply) b = fetch(port, "GET", "/api/v1/rooms/demo", weak.bearer, NULL);
    g_auto(Reply) c = fetch(port, "GET", "/api/v1/rooms/none", weak.bearer, NULL);
    g_assert_cmpuint(a.status, ==, 403);
    g_assert_cmpstr(a.body, ==, b.body);
    g_assert_cmpstr(a.body, ==, c.body);
    g_assert_cmpstr(a.head, ==, b.head);
    g_assert_null(strstr(a.body, other.token));
}

static void no_token(gpointer data)
{
    guint port = *(guint *)data;
    g_auto(Visitor) good = visitor_new(port, "demo", AUTH_VIEW);
    g_autofree char *query = g_strconcat("/api/v1/rooms/demo?access_token=", good.token, NULL);
    g_auto(Reply) reply = fetch(port, "GET", "/api/v1/rooms/demo", "", NULL);
    g_autofree char *challenge = reply_header(&reply, "WWW-Authenticate");
    g_assert_cmpuint(reply.status, ==, 401);
    g_assert_true(g_str_has_prefix(challenge, "Bearer"));
    g_assert_cmpuint(client_status(port, "GET", query, "", NULL), ==, 404);
    g_assert_cmpuint(client_status(port, "DELETE", query, "", NULL), ==, 401);
    /* Pages are open, and who sends none is not made to wait. */
    for (guint i = 0; i < 20; i++)
        g_assert_cmpuint(client_status(port, "GET", "/api/v1/layouts", "", NULL), ==, 401);
    g_assert_cmpuint(client_status(port, "GET", "/", "", NULL), ==, 200);
    g_assert_cmpuint(ask(&good, "GET", "/api/v1/rooms/demo"), ==, 404);
}

/* A token of the longest size fits in a header and in a query. */
static void long_token(gpointer data)
{
    guint port = *(guint *)data;
    g_autofree char *token = g_strnfill(4096, 'x');
    g_autofree char *query = g_strconcat("/api/v1/layouts?access_token=", token, NULL);
    g_auto(Reply) reply = fetch(port, "GET", query, "", NULL);
    g_assert_cmpuint(reply.status, ==, 401);
    g_assert_nonnull(strstr(reply.body, "three parts"));
}

static void guessing(gpointer data)
{
    guint port = *(guint *)data;
    g_auto(Visitor) good = visitor_new(port, "demo", AUTH_VIEW);
    const char *wrong = "Authorization: Bearer e30.e30.e30\r\n";
    for (guint i = 0; i < 10; i++)
        g_assert_cmpuint(client_status(port, "GET", "/api/v1/layouts", wrong, NULL), ==, 401);
    g_assert_cmpuint(ask(&good, "GET", "/api/v1/rooms/demo"), ==, 401);
}

static void body_limits(gpointer data)
{
    guint port = *(guint *)data;
    static const char path[] = "/api/v1/images/logo";
    g_auto(Visitor) chief = visitor_new(port, "*", AUTH_ADMIN);
    g_auto(Visitor) weak = visitor_new(port, "*", AUTH_VIEW);
    g_autofree char *body = g_strnfill(200000, 'x');
    g_autofree char *huge = g_strdup_printf("PUT %s HTTP/1.1\r\nHost: a\r\n%s"
                                            "Content-Length: 900000000\r\n\r\nx",
                                            path, chief.bearer);
    Client client;
    g_auto(Reply) reply = { 0 };
    g_assert_cmpuint(client_status(port, "PUT", path, "", body), ==, 401);
    g_assert_cmpuint(client_status(port, "PUT", path, weak.bearer, body), ==, 403);
    g_assert_cmpuint(client_status(port, "PUT", path, chief.bearer, body), !=, 413);
    g_assert_cmpuint(client_status(port, "PUT", "/nowhere", chief.bearer, body), ==, 404);
    g_assert_cmpuint(client_status(port, "POST", "/api/v1/rooms", chief.bearer, body), ==, 413);
    client_open(&client, port);
    client_send(&client, huge, strlen(huge));
    g_assert_true(client_read(&client, FALSE, &reply));
    g_assert_cmpuint(reply.status, ==, 413);
    client_close(&client);
}

static void expect_header(const Reply *reply, const char *name, const char *value)
{
    g_autofree char *got = reply_header(reply, name);
    g_assert_cmpstr(got, ==, value);
}

static void preflight(gpointer data)
{
    guint port = *(guint *)data;
    const char *origin = "Origin: https://a.example\r\n";
    g_auto(Reply) api = fetch(port, "OPTIONS", "/api/v1/rooms/demo", origin, NULL);
    g_auto(Reply) whip = fetch(port, "OPTIONS", "/whip/demo/s1", origin, NULL);
    g_auto(Reply) post = fetch(port, "OPTIONS", "/whep/demo", origin, NULL);
    g_auto(Reply) foreign =
        fetch(port, "OPTIONS", "/whip/demo", "Origin: https://b.example\r\n", NULL);
    g_auto(Reply) refused = fetch(port, "GET", "/api/v1/rooms/demo", origin, NULL);
    g_assert_cmpuint(api.status, ==, 204);
    expect_header(&api, "Access-Control-Allow-Origin", "https://a.example");
    expect_header(&api, "Access-Control-Allow-Methods", "GET, HEAD, PATCH, DELETE, OPTIONS");
    expect_header(&api, "Access-Control-Allow-Headers",
                  "Authorization, Content-Type, If-Match, If-None-Match, Last-Event-ID, Range, "
                  "If-Range");
    expect_header(&api, "Accept-Patch", "application/merge-patch+json, application/json");
    expect_header(&whip, "Accept-Patch", "application/trickle-ice-sdpfrag");
    expect_header(&post, "Accept-Post", "application/sdp");
    expect_header(&foreign, "Access-Control-Allow-Origin", NULL);
    expect_header(&foreign, "Access-Control-Allow-Methods", NULL);
    g_assert_cmpuint(refused.status, ==, 401); /* and the page may read why */
    expect_header(&refused, "Access-Control-Allow-Origin", "https://a.example");
}

/* Names of layouts hold a plus, in a path as such and as %2B. */
static void plus(gpointer data)
{
    guint port = *(guint *)data;
    guint plain = client_status(port, "GET", "/api/v1/layouts/no+such", "", NULL);
    guint escaped = client_status(port, "GET", "/api/v1/layouts/no%2Bsuch", "", NULL);
    g_assert_cmpuint(plain, ==, 404);
    g_assert_cmpuint(escaped, ==, 404);
    g_auto(Reply) reply = fetch(port, "OPTIONS", "/api/v1/layouts/1+5", "", NULL);
    g_auto(Reply) other = fetch(port, "OPTIONS", "/api/v1/layouts/1%2B5", "", NULL);
    expect_header(&reply, "Allow", "GET, HEAD, PUT, DELETE, OPTIONS");
    expect_header(&other, "Allow", "GET, HEAD, PUT, DELETE, OPTIONS");
}

static void run(const char *settings, void (*function)(gpointer data))
{
    Fixture fixture = { 0 };
    fixture_start(&fixture, settings);
    client_run(function, &fixture.port);
    fixture_stop(&fixture);
}

#define TEST(name, settings)      \
    static void test_##name(void) \
    {                             \
        run((settings), (name));  \
    }

#define SECURE "auth.secret=" SECRET " http.requests_per_second=10000"

TEST(grants, SECURE)
TEST(everywhere, SECURE)
TEST(constant_shape, SECURE)
TEST(no_token, SECURE)
TEST(long_token, SECURE)
TEST(guessing, SECURE)
TEST(body_limits, SECURE)
TEST(preflight, SECURE " http.cors_origins=https://a.example")
TEST(plus, "")

static void test_bad_secret(void)
{
    g_autoptr(Config) config = config_new();
    g_autoptr(GError) error = NULL;
    Rooms *rooms = rooms_new(NULL, config);
    g_assert_true(config_set(config, "auth.secret=short", NULL));
    g_assert_true(config_set(config, "http.web_dir=" PROJECT_DIR "/web", NULL));
    g_assert_null(api_new(config, rooms, NULL, &error));
    g_assert_nonnull(strstr(error->message, "auth.secret must have at least 32 characters"));
    rooms_free(rooms);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/access/grants", test_grants);
    g_test_add_func("/access/everywhere", test_everywhere);
    g_test_add_func("/access/constant_shape", test_constant_shape);
    g_test_add_func("/access/no_token", test_no_token);
    g_test_add_func("/access/long_token", test_long_token);
    g_test_add_func("/access/guessing", test_guessing);
    g_test_add_func("/access/body_limits", test_body_limits);
    g_test_add_func("/access/preflight", test_preflight);
    g_test_add_func("/access/plus", test_plus);
    g_test_add_func("/access/bad_secret", test_bad_secret);
    return g_test_run();
}
