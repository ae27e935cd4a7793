#include "unit/api/rest_client.h"

#define EVENTS "/api/v1/rooms/team/events"

static void open_events(Client *client)
{
    const char *request = "GET " EVENTS " HTTP/1.1\r\nHost: localhost:1\r\n\r\n";
    client_open(client, fixture.port);
    g_assert_true(client_send(client, request, strlen(request)));
}

/* Read on until the stream has said this. */
static void await(Client *client, const char *part)
{
    while (!strstr(client->in->str, part)) {
        if (!client_more(client))
            g_error("the stream ended before \"%s\": %s", part, client->in->str);
    }
}

static void await_end(Client *client)
{
    while (client_more(client)) {
    }
}

static gboolean emit_all(gpointer data)
{
    Room *room = rooms_find(fixture.rooms, "team");
    ParticipantOptions options = { .name = "Ada", .client = "web", .view = TRUE, .visible = TRUE };
    (void)data;
    Participant *ada = room_join(room, &options, NULL);
    fake_emit(room, ROOM_EVENT_SPEAKER, NULL, json_pack("{s:n}", "id"));
    participant_set_view(ada, NULL, TRUE, NULL);
    fake_emit(room, ROOM_EVENT_OPENED, NULL, json_pack("{s:s}", "x", "never told"));
    participant_leave(ada, "left");
    return G_SOURCE_REMOVE;
}

static void follows(gpointer data)
{
    Client client;
    (void)data;
    rooms_open(fixture.rooms, "team", NULL);
    open_events(&client);
    await(&client, "\r\n\r\n");
    g_assert_true(g_str_has_prefix(client.in->str, "HTTP/1.1 200"));
    g_assert_nonnull(strstr(client.in->str, "text/event-stream"));
    await(&client, "id: 1\nevent: room\ndata: {");
    await(&client, "\"participants\":[]");
    g_idle_add(emit_all, NULL);
    await(&client, "id: 2\nevent: joined\ndata: {\"id\":\"p1\"");
    await(&client, "id: 3\nevent: speaker\ndata: {\"id\":null}\n\n");
    await(&client, "id: 4\nevent: view\n");
    await(&client, "\"without_self\":true");
    await(&client, "id: 5\nevent: left\n");
    g_assert_null(strstr(client.in->str, "never told"));
    client_close(&client);
}

static gboolean close_room(gpointer data)
{
    (void)data;
    room_close(rooms_find(fixture.rooms, "team"), "closed");
    return G_SOURCE_REMOVE;
}

static void ends_with_the_room(gpointer data)
{
    Client client;
    (void)data;
    rooms_open(fixture.rooms, "team", NULL);
    open_events(&client);
    await(&client, "event: room");
    g_idle_add(close_room, NULL);
    await(&client, "event: closed\ndata: {\"reason\":\"closed\"}");
    await_end(&client);
    client_close(&client);
    g_assert_cmpuint(rest_status("GET", EVENTS, "", NULL), ==, 404);
}

static void bounded(gpointer data)
{
    Client first, second;
    guint status = 0;
    (void)data;
    rooms_open(fixture.rooms, "team", NULL);
    open_events(&first);
    await(&first, "event: room");
    open_events(&second);
    await(&second, "event: room");
    rest_refused("GET", EVENTS, "", NULL, 503, "http.max_event_streams");
    g_assert_cmpuint(rest_status("HEAD", EVENTS, "", NULL), ==, 200);
    client_close(&second);
    /* The place is free as soon as the server sees that somebody went. */
    while (status != 200) {
        open_events(&second);
        await(&second, "\r\n\r\n");
        status = (guint)g_ascii_strtoull(second.in->str + 9, NULL, 10);
        client_close(&second);
    }
    client_close(&first);
}

/* Who does not read is sent away instead of filling the memory. */
static gboolean tell_much(gpointer data)
{
    Room *room = rooms_find(fixture.rooms, "team");
    g_autofree char *text = g_strnfill(60000, 'e');
    (void)data;
    for (guint i = 0; i < 200; i++)
        fake_emit(room, ROOM_EVENT_LAYOUT, NULL, json_pack("{s:s}", "layout", text));
    return G_SOURCE_REMOVE;
}

static void slow_reader(gpointer data)
{
    Client client;
    gint small = 4096;
    (void)data;
    rooms_open(fixture.rooms, "team", NULL);
    client_open(&client, fixture.port);
    setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    const char *request = "GET " EVENTS " HTTP/1.1\r\nHost: localhost:1\r\n\r\n";
    g_assert_true(client_send(&client, request, strlen(request)));
    await(&client, "event: room");
    g_idle_add(tell_much, NULL);
    await_end(&client);
    g_assert_cmpuint(client.in->len, <, 200 * 60000);
    client_close(&client);
    g_assert_cmpuint(rest_status("GET", "/healthz", "", NULL), ==, 200);
}

/* EventSource cannot send headers. */
static void token_in_the_query(gpointer data)
{
    Client client;
    (void)data;
    rooms_open(fixture.rooms, "team", NULL);
    g_autofree char *token = fixture_token(&fixture, "team", AUTH_VIEW, NULL, NULL);
    g_autofree char *request = g_strdup_printf(
        "GET " EVENTS "?access_token=%s HTTP/1.1\r\nHost: localhost:1\r\n\r\n", token);
    g_assert_cmpuint(rest_status("GET", EVENTS, "", NULL), ==, 401);
    client_open(&client, fixture.port);
    g_assert_true(client_send(&client, request, strlen(request)));
    await(&client, "event: room");
    client_close(&client);
}

/* A stream that still stands when the server goes. */
static void left_open(gpointer data)
{
    Client *client = data;
    rooms_open(fixture.rooms, "team", NULL);
    open_events(client);
    await(client, "event: room");
}

static void test_left_open(void)
{
    Client client;
    fixture = (Fixture){ 0 };
    fixture_start(&fixture, "");
    client_run(left_open, &client);
    fixture_stop(&fixture);
    await_end(&client);
    client_close(&client);
}

#define TEST(name, settings)      \
    static void test_##name(void) \
    {                             \
        rest_run(settings, name); \
    }

TEST(follows, "")
TEST(ends_with_the_room, "")
TEST(bounded, "http.max_event_streams=2 http.requests_per_second=1000")
TEST(slow_reader, "")
TEST(token_in_the_query, FIXTURE_SECRET_SET)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/events/follows", test_follows);
    g_test_add_func("/events/ends_with_the_room", test_ends_with_the_room);
    g_test_add_func("/events/bounded", test_bounded);
    g_test_add_func("/events/slow_reader", test_slow_reader);
    g_test_add_func("/events/token_in_the_query", test_token_in_the_query);
    g_test_add_func("/events/left_open", test_left_open);
    return g_test_run();
}
