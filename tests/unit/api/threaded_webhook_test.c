#include "api/webhook.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/webhook_post.h"
#include "base/error.h"
#include "base/log.h"
#include "base/thread.h"

#if defined(__clang__)
#pragma clang diagnostic ignored "-Wthread-safety-analysis" /* one thread plays every role */
#endif

/* --- what webhook.c needs of room.h ------------------------------------------------------ */

struct Rooms {
    RoomListener listener;
    gpointer user;
};

struct Room {
    const char *id;
};

void rooms_listen(Rooms *rooms, RoomListener listener, gpointer user)
{
    rooms->listener = listener;
    rooms->user = user;
}

const char *room_id(const Room *room)
{
    return room->id;
}

const char *room_event_name(RoomEventType type)
{
    static const char *const names[] = { "joined",  "updated",  "left",      "speaking", "layout",
                                         "state",   "draining", "closed",    "opened",   "room",
                                         "speaker", "view",     "recording", "broadcast" };
    return names[type];
}

/* --- a server that answers what it is told to -------------------------------------------- */

typedef struct {
    gint fd;
    guint port;
    GThread *thread;
    const char *const *answers; /* status lines with headers; the last one for ever. "": hang up.
                                   "silence": say nothing until the client goes */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    GPtrArray *requests; /* head and body of each */
} Sink;

/* (transfer full) One request, or NULL. */
static char *read_request(gint fd)
{
    g_autoptr(GString) in = g_string_new(NULL);
    gsize need = G_MAXSIZE;
    char chunk[4096];
    while (in->len < need) {
        gssize n = recv(fd, chunk, sizeof chunk, 0);
        if (n <= 0)
            return NULL;
        g_string_append_len(in, chunk, n);
        const char *end = strstr(in->str, "\r\n\r\n");
        const char *length = strstr(in->str, "Content-Length: ");
        if (end && length)
            need = (gsize)(end + 4 - in->str) + (gsize)g_ascii_strtoull(length + 16, NULL, 10);
    }
    return g_string_free(g_steal_pointer(&in), FALSE);
}

static const char *next_answer(Sink *sink, char *request)
{
    pthread_mutex_lock(&sink->lock);
    const char *const *answer = sink->answers;
    for (guint i = 0; i < sink->requests->len && answer[1]; i++)
        answer++;
    g_ptr_array_add(sink->requests, request);
    pthread_cond_signal(&sink->changed);
    pthread_mutex_unlock(&sink->lock);
    return *answer;
}

static gpointer serve(gpointer data)
{
    Sink *sink = data;
    gint fd;
    while ((fd = accept(sink->fd, NULL, NULL)) >= 0) {
        char *request = read_request(fd);
        const char *answer = request ? next_answer(sink, request) : "";
        g_autofree char *text = g_strconcat(
            "HTTP/1.1 ", answer, "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", NULL);
        char byte;
        if (strcmp(answer, "silence") == 0)
            while (recv(fd, &byte, 1, 0) > 0) {
            }
        else if (*answer)
            send(fd, text, strlen(text), MSG_NOSIGNAL);
        close(fd);
    }
    return NULL;
}

static void sink_start(Sink *sink, const char *const *answers)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof address;
    sink->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(sink->fd, (struct sockaddr *)&address, size), ==, 0);
    g_assert_cmpint(listen(sink->fd, 10), ==, 0);
    g_assert_cmpint(getsockname(sink->fd, (struct sockaddr *)&address, &size), ==, 0);
    sink->port = ntohs(address.sin_port);
    sink->answers = answers;
    sink->requests = g_ptr_array_new_with_free_func(g_free);
    pthread_mutex_init(&sink->lock, NULL);
    pthread_cond_init(&sink->changed, NULL);
    sink->thread = g_thread_new("sink", serve, sink);
}

static void sink_stop(Sink *sink)
{
    shutdown(sink->fd, SHUT_RDWR);
    g_thread_join(sink->thread);
    close(sink->fd);
    g_ptr_array_unref(sink->requests);
    pthread_mutex_destroy(&sink->lock);
    pthread_cond_destroy(&sink->changed);
}

static void sink_wait(Sink *sink, guint requests)
{
    pthread_mutex_lock(&sink->lock);
    while (sink->requests->len < requests)
        pthread_cond_wait(&sink->changed, &sink->lock);
    pthread_mutex_unlock(&sink->lock);
}

/* What came so far. */
static GPtrArray *sink_requests(Sink *sink)
{
    pthread_mutex_lock(&sink->lock);
    GPtrArray *requests = sink->requests;
    pthread_mutex_unlock(&sink->lock);
    return requests;
}

/* --- the fixture ------------------------------------------------------------------------- */

typedef struct {
    Sink sink;
    Rooms rooms;
    Config *config;
    Webhooks *webhooks;
} Fixture;

static void set(Config *config, const char *assignment)
{
    g_autoptr(GError) error = NULL;
    config_set(config, assignment, &error);
    g_assert_no_error(error);
}

static void fixture_start(Fixture *fixture, const char *const *answers, const char *settings)
{
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) list = g_strsplit(settings, " ", 0);
    sink_start(&fixture->sink, answers);
    g_autofree char *url =
        g_strdup_printf("webhook.url=http://me:hidden@127.0.0.1:%u/hook?a=b", fixture->sink.port);
    fixture->config = config_new();
    set(fixture->config, url);
    set(fixture->config, "webhook.secret=whsec");
    for (guint i = 0; list[i] && *list[i]; i++)
        set(fixture->config, list[i]);
    fixture->webhooks = webhooks_new(fixture->config, &fixture->rooms, &error);
    g_assert_no_error(error);
    webhooks_set_first_delay_ms(fixture->webhooks, 1);
}

static void fixture_stop(Fixture *fixture)
{
    webhooks_free(fixture->webhooks);
    sink_stop(&fixture->sink);
    config_free(fixture->config);
}

static void emit(Fixture *fixture, RoomEventType type, int number)
{
    Room room = { "demo" };
    json_t *data = json_pack("{s:i}", "number", number);
    fixture->rooms.listener(&room, type, NULL, data, fixture->rooms.user);
    json_decref(data);
}

/* Until all are delivered or dropped. */
static void settle(Fixture *fixture, WebhookStats *stats, guint64 finished)
{
    do {
        g_thread_yield();
        webhooks_stats(fixture->webhooks, stats);
    } while (stats->delivered + stats->dropped < finished);
}

static const char *body_of(Sink *sink, guint i)
{
    return strstr(sink_requests(sink)->pdata[i], "\r\n\r\n") + 4;
}

static int number_of(Sink *sink, guint i)
{
    return atoi(strstr(body_of(sink, i), "\"number\":") + 9);
}

/* --- tests ------------------------------------------------------------------------------- */

static void test_post(void)
{
    static const char *const answers[] = { "200 OK", NULL };
    Fixture fixture = { 0 };
    WebhookStats stats;
    fixture_start(&fixture, answers, "");
    emit(&fixture, ROOM_EVENT_JOINED, 1);
    emit(&fixture, ROOM_EVENT_STATE, 2); /* not among webhook.events */
    emit(&fixture, ROOM_EVENT_LEFT, 3);
    settle(&fixture, &stats, 2);
    g_assert_cmpuint(stats.delivered, ==, 2);
    g_assert_cmpuint(stats.waiting, ==, 0);
    const char *request = sink_requests(&fixture.sink)->pdata[0];
    g_assert_true(g_str_has_prefix(request, "POST /hook?a=b HTTP/1.1\r\n"));
    g_assert_nonnull(strstr(request, "\r\nContent-Type: application/json\r\n"));
    g_assert_null(strstr(request, "Expect:"));

    json_t *json = json_loads(body_of(&fixture.sink, 0), 0, NULL);
    const char *time = json_string_value(json_object_get(json, "time"));
    g_autoptr(GDateTime) parsed = g_date_time_new_from_iso8601(time, NULL);
    g_assert_true(g_uuid_string_is_valid(json_string_value(json_object_get(json, "id"))));
    g_assert_cmpstr(json_string_value(json_object_get(json, "event")), ==, "joined");
    g_assert_cmpstr(json_string_value(json_object_get(json, "room")), ==, "demo");
    g_assert_cmpuint(strlen(time), ==, strlen("2026-01-01T00:00:00.000Z"));
    g_assert_nonnull(parsed);
    g_assert_cmpint(number_of(&fixture.sink, 0), ==, 1);
    g_assert_cmpint(number_of(&fixture.sink, 1), ==, 3);
    json_decref(json);

    const char *header = strstr(request, "\r\nTessera-Signature: t=") + 21;
    gint64 then = g_ascii_strtoll(header + 2, NULL, 10);
    g_autofree char *expected = webhook_signature("whsec", then, body_of(&fixture.sink, 0));
    g_assert_true(g_str_has_prefix(header, expected));
    g_assert_cmpint(ABS(then - g_get_real_time() / G_USEC_PER_SEC), <, 60);
    fixture_stop(&fixture);
}

/* openssl dgst -sha256 -hmac whsec of "1700000000.{}" */
static void test_signature(void)
{
    g_autofree char *text = webhook_signature("whsec", 1700000000, "{}");
    g_assert_cmpstr(
        text, ==,
        "t=1700000000,v1=7d44587dddbaf4c7f70fef20f48cd594834ffea1641e3ac227b84408298738af");
}

static void test_retry(void)
{
    static const char *const answers[] = { "500 Oops", "", "429 Wait\r\nRetry-After: 0", "204 OK",
                                           NULL };
    Fixture fixture = { 0 };
    WebhookStats stats;
    fixture_start(&fixture, answers, "");
    emit(&fixture, ROOM_EVENT_OPENED, 1);
    emit(&fixture, ROOM_EVENT_CLOSED, 2);
    settle(&fixture, &stats, 2);
    g_assert_cmpuint(stats.delivered, ==, 2);
    g_assert_cmpuint(stats.retried, ==, 3);
    g_assert_cmpuint(sink_requests(&fixture.sink)->len, ==, 5);
    for (guint i = 0; i < 4; i++)
        g_assert_cmpstr(body_of(&fixture.sink, i), ==, body_of(&fixture.sink, 0));
    g_assert_cmpint(number_of(&fixture.sink, 4), ==, 2);
    fixture_stop(&fixture);
}

static void expect_given_up(const char *answer, guint attempts)
{
    const char *answers[] = { answer, NULL };
    Fixture fixture = { 0 };
    WebhookStats stats;
    fixture_start(&fixture, answers, "webhook.attempts=3");
    emit(&fixture, ROOM_EVENT_OPENED, 1);
    settle(&fixture, &stats, 1);
    g_assert_cmpuint(stats.dropped, ==, 1);
    g_assert_cmpuint(sink_requests(&fixture.sink)->len, ==, attempts);
    fixture_stop(&fixture);
}

static void test_given_up(void)
{
    expect_given_up("503 Busy", 3);
    expect_given_up("", 3);
    expect_given_up("400 No", 1);
    expect_given_up("410 Gone", 1);
    expect_given_up("302 Found\r\nLocation: http://127.0.0.1:1/", 1);
}

/* The oldest go; what is being posted stays. */
static void test_queue_is_bounded(void)
{
    static const char *const answers[] = { "silence", NULL };
    Fixture fixture = { 0 };
    WebhookStats stats;
    fixture_start(&fixture, answers, "webhook.queue=3");
    emit(&fixture, ROOM_EVENT_OPENED, 0);
    sink_wait(&fixture.sink, 1);
    for (int i = 1; i <= 10; i++)
        emit(&fixture, ROOM_EVENT_JOINED, i);
    webhooks_stats(fixture.webhooks, &stats);
    g_assert_cmpuint(stats.waiting, ==, 3);
    g_assert_cmpuint(stats.dropped, ==, 7);
    fixture_stop(&fixture);
}

/* The end posts what waits, does not wait for retries, and does not wait for long. */
static void test_stop_drains(void)
{
    static const char *const answers[] = { "500 Oops", "200 OK", NULL };
    Fixture fixture = { 0 };
    fixture_start(&fixture, answers, "");
    webhooks_set_first_delay_ms(fixture.webhooks, 60000);
    for (int i = 1; i <= 3; i++)
        emit(&fixture, ROOM_EVENT_CLOSED, i);
    sink_wait(&fixture.sink, 1);
    gint64 start = g_get_monotonic_time();
    webhooks_free(fixture.webhooks);
    g_assert_cmpint(g_get_monotonic_time() - start, <, 5 * G_USEC_PER_SEC);
    g_assert_cmpuint(sink_requests(&fixture.sink)->len, ==, 4);
    g_assert_cmpint(number_of(&fixture.sink, 3), ==, 3);
    sink_stop(&fixture.sink);
    config_free(fixture.config);
}

static void test_stop_is_bounded(void)
{
    static const char *const answers[] = { "silence", NULL };
    Fixture fixture = { 0 };
    fixture_start(&fixture, answers, "webhook.timeout_seconds=60");
    emit(&fixture, ROOM_EVENT_CLOSED, 1);
    emit(&fixture, ROOM_EVENT_CLOSED, 2);
    sink_wait(&fixture.sink, 1);
    gint64 start = g_get_monotonic_time();
    fixture_stop(&fixture);
    g_assert_cmpint(g_get_monotonic_time() - start, <, 10 * G_USEC_PER_SEC);
}

static void test_delay(void)
{
    g_assert_cmpuint(webhook_delay_ms(1, 1000, 0.5, 0), ==, 1000);
    g_assert_cmpuint(webhook_delay_ms(2, 1000, 0.5, 0), ==, 2000);
    g_assert_cmpuint(webhook_delay_ms(3, 1000, 0.5, 0), ==, 4000);
    g_assert_cmpuint(webhook_delay_ms(3, 1000, 0, 0), ==, 3000);
    g_assert_cmpuint(webhook_delay_ms(3, 1000, 1, 0), ==, 5000);
    g_assert_cmpuint(webhook_delay_ms(50, 1000, 0.5, 0), ==, 60000);
    g_assert_cmpuint(webhook_delay_ms(1, 1000, 0.5, 7), ==, 7000);
    g_assert_cmpuint(webhook_delay_ms(1, 1000, 0.5, 86400), ==, 60000);
    g_assert_cmpuint(webhook_delay_ms(5, 1000, 0.5, 2), ==, 16000);
}

static void expect_problem(const char *assignment, const char *words)
{
    g_autoptr(Config) config = config_new();
    g_autoptr(GError) error = NULL;
    Rooms rooms = { 0 };
    set(config, "webhook.url=http://127.0.0.1:1/");
    set(config, assignment);
    g_assert_null(webhooks_new(config, &rooms, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
    g_assert_nonnull(strstr(error->message, words));
    g_assert_null(strstr(error->message, "hidden"));
}

static void test_problems(void)
{
    g_autoptr(Config) config = config_new();
    g_autoptr(GError) error = NULL;
    Rooms rooms = { 0 };
    g_assert_null(webhooks_new(config, &rooms, &error));
    g_assert_no_error(error);
    expect_problem("webhook.url=ftp://me:hidden@example.com/", "http or https");
    expect_problem("webhook.url=file:///etc/hidden", "http or https");
    expect_problem("webhook.url=example.com/hidden hook", "http or https");
    expect_problem("webhook.url=hidden", "http or https");
    expect_problem("webhook.events=joined,parted", "no event \"parted\"; there are joined, ");
    WebhookPost *post = webhook_post_new("https://me:hidden@example.com/a?hidden=1", "", 1, &error);
    g_assert_cmpstr(webhook_post_target(post), ==, "https://example.com:443");
    webhook_post_free(post);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    thread_set_roles(THREAD_ALL);
    log_set_level(LOG_ERROR);
    g_test_add_func("/webhook/post", test_post);
    g_test_add_func("/webhook/signature", test_signature);
    g_test_add_func("/webhook/retry", test_retry);
    g_test_add_func("/webhook/given_up", test_given_up);
    g_test_add_func("/webhook/queue_is_bounded", test_queue_is_bounded);
    g_test_add_func("/webhook/stop_drains", test_stop_drains);
    g_test_add_func("/webhook/stop_is_bounded", test_stop_is_bounded);
    g_test_add_func("/webhook/delay", test_delay);
    g_test_add_func("/webhook/problems", test_problems);
    return g_test_run();
}
