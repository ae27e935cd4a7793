#include "unit/api/token_fixture.h"

#define SDP      "Content-Type: application/sdp\r\n"
#define FRAGMENT "Content-Type: application/trickle-ice-sdpfrag\r\n"
#define OFFER    "v=0\r\ns=offer\r\n"

static Fixture fixture;

static void run(const char *settings, void (*function)(gpointer data))
{
    fixture = (Fixture){ 0 };
    fixture_start(&fixture, settings);
    client_run(function, NULL);
    client_settle();
    fixture_stop(&fixture);
}

static guint status(const char *method, const char *path, const char *headers, const char *body)
{
    return client_status(fixture.port, method, path, headers, body);
}

static void post(Client *client, const char *path, char **location, char **etag)
{
    g_auto(Reply) reply = { 0 };
    g_assert_true(client_request(client, "POST", path, SDP, OFFER, &reply));
    g_autofree char *type = reply_header(&reply, "Content-Type");
    g_assert_cmpuint(reply.status, ==, 201);
    g_assert_cmpstr(type, ==, "application/sdp");
    g_assert_cmpstr(reply.body, ==, FAKE_ANSWER);
    *location = reply_header(&reply, "Location");
    *etag = reply_header(&reply, "ETag");
    g_assert_nonnull(*location);
    g_assert_nonnull(*etag);
}

static guint patch(Client *client, const char *path, const char *match, const char *body,
                   char **etag)
{
    g_auto(Reply) reply = { 0 };
    g_autofree char *headers =
        match ? g_strdup_printf(FRAGMENT "If-Match: %s\r\n", match) : g_strdup(FRAGMENT);
    g_assert_true(client_request(client, "PATCH", path, headers, body, &reply));
    if (etag)
        *etag = reply_header(&reply, "ETag");
    return reply.status;
}

static void session(gpointer data)
{
    Client client;
    g_autofree char *location = NULL, *etag = NULL, *new_etag = NULL;
    (void)data;
    client_open(&client, fixture.port);
    post(&client, "/whip/studio?name=Camera%201", &location, &etag);
    g_assert_true(g_str_has_prefix(location, "/whip/studio/"));
    g_assert_cmpuint(strlen(location), ==, strlen("/whip/studio/") + 32);
    Room *room = rooms_find(fixture.rooms, "studio");
    Participant *participant = room->participants->pdata[0];
    g_assert_cmpstr(participant->name, ==, "Camera 1");
    g_assert_true(participant->publish && !participant->view && participant->visible);

    g_assert_cmpuint(patch(&client, location, etag, "a=candidate:1\r\n", NULL), ==, 204);
    g_assert_cmpuint(patch(&client, location, etag, "", NULL), ==, 204);
    g_assert_cmpuint(patch(&client, location, NULL, "a=candidate:1\r\n", NULL), ==, 428);
    g_assert_cmpuint(patch(&client, location, "\"other\"", "a=candidate:1\r\n", NULL), ==, 412);
    g_assert_cmpuint(patch(&client, location, "*", "a=ice-ufrag:x\r\n", &new_etag), ==, 200);
    g_assert_cmpstr(new_etag, !=, etag);
    g_assert_cmpuint(patch(&client, location, etag, "a=candidate:1\r\n", NULL), ==, 412);
    g_assert_cmpuint(patch(&client, location, new_etag, "a=candidate:1\r\n", NULL), ==, 204);
    client_close(&client);

    g_assert_cmpuint(status("PATCH", location, SDP "If-Match: *\r\n", "x"), ==, 415);
    g_assert_cmpuint(status("GET", location, "", NULL), ==, 405);
    g_assert_cmpuint(status("DELETE", location, "", NULL), ==, 200);
    g_assert_cmpuint(rooms_participants(fixture.rooms), ==, 0);
    g_assert_cmpuint(status("DELETE", location, "", NULL), ==, 404);
}

static void refusals(gpointer data)
{
    (void)data;
    g_assert_cmpuint(status("POST", "/whip/r", "Content-Type: text/plain\r\n", OFFER), ==, 415);
    g_assert_cmpuint(status("POST", "/whip/r", "", OFFER), ==, 415);
    g_assert_cmpuint(status("POST", "/whip/r", SDP, ""), ==, 400);
    g_assert_cmpuint(status("POST", "/whip/r", SDP, "junk"), ==, 400);
    g_assert_cmpuint(status("POST", "/whep/r?mode=forward", SDP, OFFER), ==, 422);
    g_assert_cmpuint(status("POST", "/whep/r?layout=none", SDP, OFFER), ==, 422);
    g_assert_cmpuint(status("GET", "/whip/r", "", NULL), ==, 405);
    g_assert_cmpuint(status("PUT", "/whip/r", SDP, OFFER), ==, 405);
    g_assert_cmpuint(status("DELETE", "/whip/r/00000000000000000000000000000001", "", NULL), ==,
                     404);
    g_assert_cmpuint(rooms_participants(fixture.rooms), ==, 0); /* also not who sent junk */
}

static void whep(gpointer data)
{
    Client client;
    g_autofree char *location = NULL, *etag = NULL;
    (void)data;
    client_open(&client, fixture.port);
    post(&client, "/whep/studio?mode=mix&layout=grid", &location, &etag);
    client_close(&client);
    Room *room = rooms_find(fixture.rooms, "studio");
    Participant *participant = room->participants->pdata[0];
    g_assert_true(!participant->publish && participant->view && !participant->visible);
    /* A WHEP session is none of WHIP's, nor of another room's. */
    g_autofree char *as_whip = g_strconcat("/whip", location + 5, NULL);
    g_autofree char *elsewhere = g_strconcat("/whep/other", strrchr(location, '/'), NULL);
    g_assert_cmpuint(status("DELETE", as_whip, "", NULL), ==, 404);
    g_assert_cmpuint(status("DELETE", elsewhere, "", NULL), ==, 404);
    g_assert_cmpuint(status("DELETE", location, "", NULL), ==, 200);
}

static void many_patches(gpointer data)
{
    Client client;
    guint limited = 0;
    g_autofree char *location = NULL, *etag = NULL;
    (void)data;
    client_open(&client, fixture.port);
    post(&client, "/whip/studio", &location, &etag);
    for (guint i = 0; i < 22; i++)
        limited += patch(&client, location, etag, "a=candidate:1\r\n", NULL) == 429;
    g_assert_cmpuint(limited, ==, 2);
    client_close(&client);
}

static void options(gpointer data)
{
    Client client;
    g_auto(Reply) allowed = { 0 }, other = { 0 };
    (void)data;
    client_open(&client, fixture.port);
    g_assert_true(client_request(&client, "OPTIONS", "/whip/r", "Origin: https://ok.example\r\n",
                                 NULL, &allowed));
    g_autofree char *accept = reply_header(&allowed, "Accept-Post");
    g_autofree char *origin = reply_header(&allowed, "Access-Control-Allow-Origin");
    g_autofree char *methods = reply_header(&allowed, "Access-Control-Allow-Methods");
    g_assert_cmpuint(allowed.status, ==, 204);
    g_assert_cmpstr(accept, ==, "application/sdp");
    g_assert_cmpstr(origin, ==, "https://ok.example");
    g_assert_cmpstr(methods, ==, "POST, OPTIONS");
    g_assert_true(client_request(&client, "OPTIONS", "/whip/r", "Origin: https://evil.example\r\n",
                                 NULL, &other));
    g_assert_cmpuint(other.status, ==, 204);
    g_autofree char *none = reply_header(&other, "Access-Control-Allow-Origin");
    g_assert_null(none);
    client_close(&client);
}

static guint post_as(const char *path, const char *room, guint grants, const char *role,
                     const char *name)
{
    g_autofree char *made = fixture_token(&fixture, room, grants, role, name);
    g_autofree char *headers = g_strdup_printf(SDP "Authorization: Bearer %s\r\n", made);
    return status("POST", path, headers, OFFER);
}

static void token(gpointer data)
{
    (void)data;
    g_assert_cmpuint(status("POST", "/whip/r", SDP, OFFER), ==, 401);
    g_assert_cmpuint(status("POST", "/whip/r?access_token=x", SDP, OFFER), ==, 401);
    g_assert_cmpuint(post_as("/whip/r", "r", AUTH_VIEW, NULL, NULL), ==, 403);
    g_assert_cmpuint(post_as("/whep/r", "r", AUTH_PUBLISH, NULL, NULL), ==, 403);
    g_assert_cmpuint(post_as("/whip/r", "other", AUTH_PUBLISH, NULL, NULL), ==, 403);
    g_assert_cmpuint(post_as("/whip/r?name=X", "r", AUTH_PUBLISH, "camera", "Stage"), ==, 201);
    Room *room = rooms_find(fixture.rooms, "r");
    Participant *participant = room->participants->pdata[0];
    g_assert_cmpstr(participant->name, ==, "Stage");
    g_assert_cmpstr(participant->role, ==, "camera");
    g_assert_false(participant->overrides_lock);
    g_autofree char *path = g_strconcat("/whip/r/", participant->session, NULL);
    g_assert_cmpuint(status("DELETE", path, "", NULL), ==, 401);
    g_assert_cmpuint(status("OPTIONS", path, "", NULL), ==, 204);
}

/* Who has control, and no role by the token, may name one. */
static void role(gpointer data)
{
    (void)data;
    guint both = AUTH_PUBLISH | AUTH_CONTROL;
    g_assert_cmpuint(post_as("/whip/r?role=a", "r", AUTH_PUBLISH, NULL, NULL), ==, 403);
    g_assert_cmpuint(post_as("/whip/r?role=a", "r", both, "b", NULL), ==, 403);
    g_assert_cmpuint(post_as("/whip/r?role=a", "r", both, NULL, NULL), ==, 201);
    Participant *participant = rooms_find(fixture.rooms, "r")->participants->pdata[0];
    g_assert_cmpstr(participant->role, ==, "a");
    g_assert_true(participant->overrides_lock);
}

static void whep_view(gpointer data)
{
    (void)data;
    const char *path = "/whep/r?layout=1%2B5&without_self=1";
    g_assert_cmpuint(status("POST", path, SDP, OFFER), ==, 201);
    Participant *participant = rooms_find(fixture.rooms, "r")->participants->pdata[0];
    g_assert_cmpstr(layout_name(participant->layout), ==, "1+5");
    g_assert_true(participant->without_self);
}

/* A client that resets its connection before the answer came leaves no participant behind. */
static void gone_before_answer(gpointer data)
{
    Client client;
    const char *text = "POST /whip/r HTTP/1.1\r\nHost: a\r\n" SDP "Content-Length: 3\r\n\r\nv=0";
    struct linger hard = { 1, 0 };
    (void)data;
    client_open(&client, fixture.port);
    client_send(&client, text, strlen(text));
    while (!rooms_participants(fixture.rooms))
        client_status(fixture.port, "GET", "/healthz", "", NULL);
    setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    client_close(&client);
    client_status(fixture.port, "GET", "/healthz", "", NULL);
}

/* Bytes that come between a request and its late answer wait. */
static void pipelined(gpointer data)
{
    Client client;
    const char *text = "POST /whip/r HTTP/1.1\r\nHost: a\r\n" SDP "Content-Length: 3\r\n\r\nv=0"
                       "GET /api/v1/rooms/r/graph HTTP/1.1\r\nHost: a\r\n\r\n"
                       "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    static const guint expected[] = { 201, 200, 200 };
    (void)data;
    client_open(&client, fixture.port);
    g_assert_true(client_send(&client, text, strlen(text)));
    for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
        g_auto(Reply) reply = { 0 };
        g_assert_true(client_read(&client, FALSE, &reply));
        g_assert_cmpuint(reply.status, ==, expected[i]);
    }
    client_close(&client);
}

static void graph(gpointer data)
{
    Client client;
    g_auto(Reply) whip = { 0 }, graph_reply = { 0 }, list = { 0 }, metrics = { 0 };
    (void)data;
    client_open(&client, fixture.port);
    g_assert_true(client_request(&client, "POST", "/whip/r", SDP, OFFER, &whip));
    g_assert_true(client_request(&client, "GET", "/api/v1/rooms/r/graph", "", NULL, &graph_reply));
    g_assert_cmpuint(graph_reply.status, ==, 200);
    g_assert_nonnull(strstr(graph_reply.body, "\"inputs\""));
    g_assert_true(client_request(&client, "GET", "/api/v1/rooms", "", NULL, &list));
    g_assert_true(g_str_has_prefix(list.body, "{\"rooms\":[{\"id\":\"r\""));
    g_assert_true(client_request(&client, "GET", "/metrics", "", NULL, &metrics));
    g_assert_nonnull(strstr(metrics.body, "\ntessera_participants 1\n"));
    g_assert_nonnull(strstr(metrics.body, "\ntessera_http_requests_total{status=\"201\"} 1\n"));
    g_assert_nonnull(strstr(metrics.body, "\nprocess_open_fds "));
    client_close(&client);
}

static void test_session(void)
{
    run("", session);
}

static void test_refusals(void)
{
    run("", refusals);
}

static void test_whep(void)
{
    run("", whep);
}

static void test_many_patches(void)
{
    run("", many_patches);
}

static void test_options(void)
{
    run("http.cors_origins=https://ok.example", options);
}

static void test_token(void)
{
    run(FIXTURE_SECRET_SET " http.cors_origins=*", token);
}

static void test_role(void)
{
    run(FIXTURE_SECRET_SET, role);
}

static void test_whep_view(void)
{
    run("", whep_view);
}

static void test_pipelined(void)
{
    run("", pipelined);
}

static void test_gone(void)
{
    fixture = (Fixture){ 0 };
    fixture_start(&fixture, "");
    fixture.rooms->never_answers = TRUE;
    client_run(gone_before_answer, NULL);
    client_settle();
    g_assert_cmpuint(rooms_participants(fixture.rooms), ==, 1);
    fake_answer_all(fixture.rooms);
    g_assert_cmpuint(rooms_participants(fixture.rooms), ==, 0);
    fixture_stop(&fixture);
}

static void test_graph(void)
{
    run("", graph);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/whip/session", test_session);
    g_test_add_func("/whip/refusals", test_refusals);
    g_test_add_func("/whip/whep", test_whep);
    g_test_add_func("/whip/many_patches", test_many_patches);
    g_test_add_func("/whip/options", test_options);
    g_test_add_func("/whip/token", test_token);
    g_test_add_func("/whip/role", test_role);
    g_test_add_func("/whip/whep_view", test_whep_view);
    g_test_add_func("/whip/pipelined", test_pipelined);
    g_test_add_func("/whip/gone_before_answer", test_gone);
    g_test_add_func("/api/graph", test_graph);
    return g_test_run();
}
