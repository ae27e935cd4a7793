#include "unit/api/token_fixture.h"

#define JOIN "{\"type\":\"join\",\"room\":\"team\",\"name\":\"%s\",\"id\":1}"

static Fixture fixture;

static void run(const char *settings, void (*function)(gpointer data))
{
    fixture = (Fixture){ 0 };
    fixture_start(&fixture, settings);
    client_run(function, NULL);
    client_settle();
    fixture_stop(&fixture);
}

static void open_socket(Client *client)
{
    client_open(client, fixture.port);
    g_assert_cmpuint(client_upgrade(client, "/ws", ""), ==, 101);
}

static json_t *join(Client *client, const char *name)
{
    g_autofree char *text = g_strdup_printf(JOIN, name);
    g_assert_true(client_ws_send(client, text));
    g_autofree char *reply = client_ws_expect(client, "\"type\":\"joined\"");
    return json_loads(reply, 0, NULL);
}

static const char *text_of(json_t *json, const char *key)
{
    return json_string_value(json_object_get(json, key));
}

static void expect_end(Client *client, guint expected)
{
    guint code = 0;
    char *text;
    while ((text = client_ws_read(client, &code)))
        g_free(text);
    g_assert_cmpuint(code, ==, expected);
}

static void expect_reply(Client *client, const char *message, const char *part)
{
    g_assert_true(client_ws_send(client, message));
    client_ws_await(client, part);
}

static void joins(gpointer data)
{
    Client client;
    (void)data;
    open_socket(&client);
    json_t *joined = join(&client, "Ada");
    g_assert_cmpstr(text_of(joined, "room"), ==, "team");
    g_assert_nonnull(text_of(joined, "id"));
    g_assert_cmpuint(strlen(text_of(joined, "session")), ==, 32);
    g_assert_cmpint(json_integer_value(json_object_get(joined, "re")), ==, 1);
    g_assert_true(json_is_false(json_object_get(joined, "resumed")));
    g_assert_cmpuint(json_array_size(json_object_get(joined, "participants")), ==, 1);
    g_assert_cmpint(json_integer_value(json_object_get(json_object_get(joined, "video"), "width")),
                    ==, 1280);
    g_assert_cmpstr(text_of(json_object_get(joined, "layout"), "layout"), ==, "grid");
    g_assert_cmpuint(json_array_size(json_object_get(joined, "iceServers")), ==, 2);
    json_decref(joined);

    expect_reply(&client, "{\"type\":\"ping\",\"id\":\"x\"}", "{\"type\":\"pong\",\"re\":\"x\"}");
    expect_reply(&client, "{\"type\":\"offer\",\"sdp\":\"v=0\\r\\n\",\"id\":2}",
                 "{\"type\":\"answer\",\"sdp\":\"v=0\\r\\ns=fake answer\\r\\n\",\"re\":2}");
    expect_reply(&client, "{\"type\":\"offer\",\"sdp\":\"junk\"}", "\"code\":\"invalid\"");
    expect_reply(&client, "{\"type\":\"offer-request\",\"id\":4}",
                 "{\"type\":\"offer\",\"sdp\":\"v=0\\r\\ns=offer of the server\\r\\n\",\"re\":4}");
    expect_reply(&client, "{\"type\":\"answer\",\"sdp\":\"junk\",\"id\":5}", "\"re\":5");
    expect_reply(&client, "{\"type\":\"candidate\",\"candidate\":{\"candidate\":\"x\"},\"id\":3}",
                 "\"re\":3");
    expect_reply(&client, "{\"type\":\"update\",\"name\":\"Bea\"}", "\"event\":\"updated\"");
    expect_reply(&client, "{\"type\":\"join\",\"room\":\"team\"}", "\"code\":\"conflict\"");
    expect_reply(&client, "nonsense", "\"code\":\"invalid\"");
    g_assert_true(client_ws_send(&client, "{\"type\":\"leave\"}"));
    expect_end(&client, 1000);
    client_close(&client);
}

static void events(gpointer data)
{
    Client first, second;
    (void)data;
    open_socket(&first);
    json_decref(join(&first, "Ada"));
    open_socket(&second);
    json_decref(join(&second, "Bob"));
    g_autofree char *joined = client_ws_expect(&first, "\"event\":\"joined\"");
    g_assert_nonnull(strstr(joined, "\"name\":\"Bob\""));
    client_ws_frame(&second, 8, "\x03\xe9", 2); /* 1001: the page is closed */
    g_autofree char *left = client_ws_expect(&first, "\"event\":\"left\"");
    g_assert_nonnull(strstr(left, "\"name\":\"Bob\""));
    client_close(&second);
    client_close(&first);
}

static guint team_size(void)
{
    return rooms_participants(fixture.rooms);
}

/* A connection that breaks keeps its participant; the session gets it back. */
static void resumes(gpointer data)
{
    Client first, second, third;
    (void)data;
    open_socket(&first);
    json_t *joined = join(&first, "Ada");
    g_autofree char *text = g_strdup_printf(
        "{\"type\":\"join\",\"room\":\"team\",\"resume\":\"%s\"}", text_of(joined, "session"));
    client_close(&first);
    open_socket(&second);
    g_assert_true(client_ws_send(&second, text));
    g_autofree char *reply = client_ws_expect(&second, "\"type\":\"joined\"");
    json_t *resumed = json_loads(reply, 0, NULL);
    g_assert_true(json_is_true(json_object_get(resumed, "resumed")));
    g_assert_cmpstr(text_of(resumed, "id"), ==, text_of(joined, "id"));
    g_assert_cmpuint(json_array_size(json_object_get(resumed, "participants")), ==, 1);

    /* While the old connection still stands, the new one takes over. */
    open_socket(&third);
    g_assert_true(client_ws_send(&third, text));
    client_ws_await(&third, "\"resumed\":true");
    expect_end(&second, 4001);
    expect_reply(&third, "{\"type\":\"ping\"}", "pong");
    json_decref(joined);
    json_decref(resumed);
    client_close(&second);
    g_assert_cmpuint(team_size(), ==, 1);
    client_ws_send(&third, "{\"type\":\"leave\"}");
    expect_end(&third, 1000);
    g_assert_cmpuint(team_size(), ==, 0);
    client_close(&third);
}

static void unknown_session(gpointer data)
{
    Client client;
    (void)data;
    open_socket(&client);
    expect_reply(&client, "{\"type\":\"join\",\"room\":\"team\",\"resume\":\"00\"}",
                 "\"resumed\":false");
    client_close(&client);
}

static void kicked(gpointer data)
{
    Client client;
    (void)data;
    open_socket(&client);
    json_t *joined = join(&client, "Ada");
    g_autofree char *path =
        g_strconcat("/api/v1/rooms/team/participants/", text_of(joined, "id"), NULL);
    json_decref(joined);
    g_assert_cmpuint(client_status(fixture.port, "GET", path, "", NULL), ==, 200);
    g_assert_cmpuint(client_status(fixture.port, "DELETE", path, "", NULL), ==, 204);
    g_autofree char *left = client_ws_expect(&client, "\"event\":\"left\"");
    g_assert_nonnull(strstr(left, "removed"));
    expect_end(&client, 4002);
    client_close(&client);
}

static void closed_room(gpointer data)
{
    Client client;
    (void)data;
    open_socket(&client);
    json_decref(join(&client, "Ada"));
    g_assert_cmpuint(client_status(fixture.port, "DELETE", "/api/v1/rooms/team", "", NULL), ==,
                     204);
    expect_end(&client, 4002);
    client_close(&client);
}

/* --- who may come in --------------------------------------------------------------------- */

static guint upgrade_status(const char *path, const char *headers)
{
    Client client;
    client_open(&client, fixture.port);
    guint status = client_upgrade(&client, path, headers);
    client_close(&client);
    return status;
}

static void origins(gpointer data)
{
    (void)data;
    g_assert_cmpuint(upgrade_status("/ws", ""), ==, 101);
    g_assert_cmpuint(upgrade_status("/ws", "Origin: http://localhost:1\r\n"), ==, 101);
    g_assert_cmpuint(upgrade_status("/ws", "Origin: https://ok.example\r\n"), ==, 101);
    g_assert_cmpuint(upgrade_status("/ws", "Origin: https://evil.example\r\n"), ==, 403);
    g_assert_cmpuint(upgrade_status("/ws", "Origin: null\r\n"), ==, 403);
    g_assert_cmpuint(upgrade_status("/other", ""), ==, 404);
    g_assert_cmpuint(upgrade_status("/", ""), ==, 404);
}

/* (transfer full) A join with a token and further members (",...", or ""). */
static char *join_with(const char *room, guint grants, const char *role, const char *name,
                       const char *more)
{
    g_autofree char *made = fixture_token(&fixture, room, grants, role, name);
    return g_strdup_printf("{\"type\":\"join\",\"room\":\"team\",\"token\":\"%s\"%s}", made, more);
}

static void token(gpointer data)
{
    Client client;
    (void)data;
    g_autofree char *elsewhere = join_with("other", AUTH_PUBLISH | AUTH_VIEW, NULL, NULL, "");
    g_autofree char *watcher = join_with("team", AUTH_VIEW, NULL, NULL, "");
    g_autofree char *watches = join_with("team", AUTH_VIEW, NULL, NULL, ",\"publish\":false");
    g_autofree char *sender = join_with("team", AUTH_PUBLISH, NULL, NULL, "");
    g_autofree char *sends = join_with("team", AUTH_PUBLISH, NULL, NULL, ",\"view\":false");
    open_socket(&client);
    expect_reply(&client, "{\"type\":\"join\",\"room\":\"team\",\"token\":\"wrong\"}",
                 "\"code\":\"unauthorized\"");
    expect_end(&client, 1008);
    client_close(&client);
    open_socket(&client);
    expect_reply(&client, elsewhere, "\"code\":\"forbidden\"");
    expect_reply(&client, watcher, "does not allow to publish");
    expect_reply(&client, sender, "does not allow to see");
    expect_reply(&client, watches, "\"grants\":[\"view\"]");
    client_close(&client);
    open_socket(&client);
    expect_reply(&client, sends, "\"view\":null");
    client_close(&client);
}

/* The token says who somebody is, whatever the join says. */
static void role_and_name(gpointer data)
{
    Client client;
    g_autofree char *text = join_with("*", AUTH_ADMIN, "teacher", "Ms. Frizzle", ",\"name\":\"X\"");
    (void)data;
    Room *room = rooms_open(fixture.rooms, "team", NULL);
    room->locked = TRUE;
    open_socket(&client);
    expect_reply(&client, text, "\"role\":\"teacher\"");
    Participant *participant = room->participants->pdata[0];
    g_assert_cmpstr(participant->name, ==, "Ms. Frizzle");
    g_assert_cmpstr(participant->role, ==, "teacher");
    g_assert_true(participant->overrides_lock);
    expect_reply(&client, "{\"type\":\"update\",\"name\":\"Y\"}", "\"code\":\"forbidden\"");
    client_close(&client);
    g_autofree char *student = join_with("team", AUTH_PUBLISH | AUTH_VIEW, NULL, NULL, "");
    open_socket(&client);
    expect_reply(&client, student, "\"code\":\"forbidden\"");
    client_close(&client);
}

/* Without auth.secret everybody may do everything, but a lock is a lock. */
static void no_token(gpointer data)
{
    Client client;
    (void)data;
    open_socket(&client);
    expect_reply(&client, "{\"type\":\"join\",\"room\":\"team\",\"token\":\"any\"}",
                 "\"grants\":[\"publish\",\"view\",\"control\",\"record\",\"admin\"]");
    ((Room *)rooms_find(fixture.rooms, "team"))->locked = TRUE;
    client_close(&client);
    open_socket(&client);
    expect_reply(&client, "{\"type\":\"join\",\"room\":\"team\"}", "\"code\":\"forbidden\"");
    client_close(&client);
}

/* After ten wrong tokens in a minute the right one is not let in either. */
static void guessing(gpointer data)
{
    g_autofree char *right = fixture_bearer(&fixture, "*", AUTH_ADMIN);
    (void)data;
    g_assert_cmpuint(client_status(fixture.port, "GET", "/api/v1/rooms", right, NULL), ==, 200);
    for (guint i = 0; i < 12; i++)
        client_status(fixture.port, "GET", "/api/v1/rooms", "Authorization: Bearer x\r\n", NULL);
    g_assert_cmpuint(client_status(fixture.port, "GET", "/api/v1/rooms", right, NULL), ==, 401);
}

/* --- what a client sees ------------------------------------------------------------------ */

static void own_view(gpointer data)
{
    Client client;
    (void)data;
    open_socket(&client);
    expect_reply(&client, "{\"type\":\"join\",\"room\":\"team\",\"layout\":\"none\"}",
                 "\"code\":\"not-found\"");
    expect_reply(&client,
                 "{\"type\":\"join\",\"room\":\"team\",\"layout\":\"1+5\",\"withoutSelf\":true}",
                 "\"choice\":\"1+5\",\"without_self\":true");
    expect_reply(&client, "{\"type\":\"update\",\"layout\":\"speaker\"}",
                 "\"choice\":\"speaker\",\"without_self\":true");
    expect_reply(&client, "{\"type\":\"update\",\"withoutSelf\":false}",
                 "\"choice\":\"speaker\",\"without_self\":false");
    expect_reply(&client, "{\"type\":\"update\",\"layout\":null}",
                 "\"choice\":null,\"without_self\":false");
    expect_reply(&client, "{\"type\":\"update\",\"layout\":\"none\",\"id\":9}", "\"re\":9");
    client_close(&client);
}

static gboolean change_things(gpointer data)
{
    Room *room = rooms_find(fixture.rooms, "team");
    (void)data;
    participant_set_view(room->participants->pdata[1], NULL, TRUE, NULL);
    fake_emit(room, ROOM_EVENT_OPENED, NULL, json_pack("{s:s}", "x", "never told"));
    fake_emit(room, ROOM_EVENT_SPEAKER, NULL, json_pack("{s:s}", "id", "p2"));
    json_t *locked = json_pack("{s:b}", "locked", TRUE);
    room_patch(room, locked, NULL);
    json_decref(locked);
    return G_SOURCE_REMOVE;
}

/* What others see is their own business. */
static void new_events(gpointer data)
{
    Client first, second;
    guint code;
    (void)data;
    open_socket(&first);
    json_decref(join(&first, "Ada"));
    open_socket(&second);
    json_decref(join(&second, "Bob"));
    client_ws_await(&first, "\"event\":\"joined\"");
    g_idle_add(change_things, NULL);
    g_autofree char *speaker = client_ws_read(&first, &code);
    g_autofree char *settings = client_ws_read(&first, &code);
    g_assert_nonnull(strstr(speaker, "\"event\":\"speaker\",\"data\":{\"id\":\"p2\"}"));
    g_assert_nonnull(strstr(settings, "\"event\":\"room\""));
    g_assert_nonnull(strstr(settings, "\"locked\":true"));
    client_ws_await(&second, "\"event\":\"view\"");
    client_close(&first);
    client_close(&second);
}

static void no_join(gpointer data)
{
    Client client;
    (void)data;
    open_socket(&client);
    expect_end(&client, 1008);
    client_close(&client);
}

static void not_joined(gpointer data)
{
    Client client;
    (void)data;
    open_socket(&client);
    expect_reply(&client, "{\"type\":\"offer\",\"sdp\":\"v=0\"}", "\"code\":\"conflict\"");
    expect_reply(&client, "{\"type\":\"join\",\"room\":\"bad name\"}", "\"code\":\"invalid\"");
    expect_reply(&client, "{\"type\":\"join\",\"room\":\"good\"}", "\"type\":\"joined\"");
    client_close(&client);
}

/* --- limits ------------------------------------------------------------------------------ */

static void flood(gpointer data)
{
    Client client;
    (void)data;
    open_socket(&client);
    for (guint i = 0; i < 40; i++)
        client_ws_send(&client, "{\"type\":\"ping\"}");
    expect_end(&client, 1008);
    client_close(&client);
}

static void large(gpointer data)
{
    Client client;
    g_autofree char *text = g_strnfill(70000, 'x');
    (void)data;
    open_socket(&client);
    json_decref(join(&client, "Ada"));
    client_ws_send(&client, text);
    expect_end(&client, 1009);
    client_close(&client);
}

/* The largest message that is allowed comes through, and in pieces too. */
static void fragments(gpointer data)
{
    Client client;
    g_autofree char *filler = g_strnfill(60000, ' ');
    g_autofree char *text = g_strconcat("{\"type\":\"ping\",\"id\":5", filler, "}", NULL);
    (void)data;
    open_socket(&client);
    expect_reply(&client, text, "{\"type\":\"pong\",\"re\":5}");
    static const guint8 first[] = { 0x01, 0x84, 1, 2, 3, 4, '{' ^ 1, '"' ^ 2, 't' ^ 3, 'y' ^ 4 };
    const char *rest = "pe\":\"ping\"}";
    g_assert_true(client_send(&client, first, sizeof first));
    g_assert_true(client_ws_frame(&client, 0, rest, strlen(rest)));
    client_ws_await(&client, "pong");
    client_close(&client);
}

static void silent(gpointer data)
{
    Client client;
    (void)data;
    open_socket(&client);
    client_ws_frame(&client, 2, "binary", 6);
    expect_end(&client, 1003);
    client_close(&client);
}

/* Events for one who does not read do not pile up without end. */
static gboolean tell_much(gpointer data)
{
    Room *room = rooms_find(fixture.rooms, "team");
    g_autofree char *text = g_strnfill(60000, 'e');
    (void)data;
    for (guint i = 0; room && i < 40; i++)
        fake_emit(room, ROOM_EVENT_LAYOUT, NULL, json_pack("{s:s}", "layout", text));
    return G_SOURCE_REMOVE;
}

static void slow_reader(gpointer data)
{
    Client client;
    gint small = 4096;
    guint code;
    char *text;
    (void)data;
    open_socket(&client);
    setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    json_decref(join(&client, "Ada"));
    g_idle_add(tell_much, NULL);
    g_idle_add(tell_much, NULL);
    while ((text = client_ws_read(&client, &code)))
        g_free(text);
    client_close(&client);
}

/* --- the end ----------------------------------------------------------------------------- */

static gboolean drain(gpointer data)
{
    (void)data;
    rooms_drain(fixture.rooms);
    return G_SOURCE_REMOVE;
}

static void draining(gpointer data)
{
    Client client;
    (void)data;
    open_socket(&client);
    json_decref(join(&client, "Ada"));
    g_idle_add(drain, NULL);
    client_ws_await(&client, "\"event\":\"draining\"");
    g_assert_cmpuint(client_status(fixture.port, "GET", "/healthz", "", NULL), ==, 503);
    g_assert_cmpuint(upgrade_status("/ws", ""), ==, 503);
    client_close(&client);
}

static gboolean stop_api(gpointer data)
{
    (void)data;
    api_stop(fixture.api);
    return G_SOURCE_REMOVE;
}

static void stopping(gpointer data)
{
    Client client;
    (void)data;
    open_socket(&client);
    json_decref(join(&client, "Ada"));
    g_idle_add(stop_api, NULL);
    expect_end(&client, 1001);
    client_close(&client);
}

/* The answer to an offer whose sender has gone goes nowhere. */
static void gone_before_answer(gpointer data)
{
    Client client;
    (void)data;
    open_socket(&client);
    json_decref(join(&client, "Ada"));
    client_ws_send(&client, "{\"type\":\"offer\",\"sdp\":\"v=0\"}");
    expect_reply(&client, "{\"type\":\"ping\"}", "pong");
    client_close(&client);
}

#define TEST(name, settings, function) \
    static void test_##name(void)      \
    {                                  \
        run(settings, function);       \
    }

TEST(joins, "ice.stun_server=stun.example:3478 ice.turn_server=turn:turn.example:3478", joins)
TEST(events, "", events)
TEST(resumes, "", resumes)
TEST(unknown_session, "", unknown_session)
TEST(kicked, "", kicked)
TEST(closed_room, "", closed_room)
TEST(origins, "http.cors_origins=https://ok.example", origins)
TEST(token, FIXTURE_SECRET_SET, token)
TEST(role_and_name, FIXTURE_SECRET_SET, role_and_name)
TEST(no_token, "", no_token)
TEST(guessing, FIXTURE_SECRET_SET, guessing)
TEST(own_view, "", own_view)
TEST(new_events, "", new_events)
TEST(no_join, "http.join_seconds=1", no_join)
TEST(not_joined, "", not_joined)
TEST(flood, "http.ws_messages_per_second=5", flood)
TEST(large, "", large)
TEST(fragments, "", fragments)
TEST(binary, "", silent)
TEST(slow_reader, "", slow_reader)
TEST(draining, "", draining)
TEST(stopping, "", stopping)

static void test_gone_before_answer(void)
{
    fixture = (Fixture){ 0 };
    fixture_start(&fixture, "");
    fixture.rooms->never_answers = TRUE;
    client_run(gone_before_answer, NULL);
    client_settle();
    fake_answer_all(fixture.rooms);
    fixture_stop(&fixture);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/signalling/joins", test_joins);
    g_test_add_func("/signalling/events", test_events);
    g_test_add_func("/signalling/resumes", test_resumes);
    g_test_add_func("/signalling/unknown_session", test_unknown_session);
    g_test_add_func("/signalling/kicked", test_kicked);
    g_test_add_func("/signalling/closed_room", test_closed_room);
    g_test_add_func("/signalling/origins", test_origins);
    g_test_add_func("/signalling/token", test_token);
    g_test_add_func("/signalling/role_and_name", test_role_and_name);
    g_test_add_func("/signalling/no_token", test_no_token);
    g_test_add_func("/signalling/guessing", test_guessing);
    g_test_add_func("/signalling/own_view", test_own_view);
    g_test_add_func("/signalling/new_events", test_new_events);
    g_test_add_func("/signalling/no_join", test_no_join);
    g_test_add_func("/signalling/not_joined", test_not_joined);
    g_test_add_func("/signalling/flood", test_flood);
    g_test_add_func("/signalling/large", test_large);
    g_test_add_func("/signalling/fragments", test_fragments);
    g_test_add_func("/signalling/binary", test_binary);
    g_test_add_func("/signalling/slow_reader", test_slow_reader);
    g_test_add_func("/signalling/draining", test_draining);
    g_test_add_func("/signalling/stopping", test_stopping);
    g_test_add_func("/signalling/gone_before_answer", test_gone_before_answer);
    return g_test_run();
}
