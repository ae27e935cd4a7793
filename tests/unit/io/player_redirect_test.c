#include <gio/gio.h>
#include <string.h>

#include "base/error.h"
#include "unit/io/player_support.h"

/* RTSP servers that redirect. */

typedef struct {
    const char *method; /* which request is redirected */
    gboolean to_itself;
} Redirect;

typedef struct {
    GSocketService *service, *secret;
    char *url, *location;
    const char *method;
    gint requests, secret_bytes; /* atomic */
} RtspServer;

static gboolean serve_rtsp(GThreadedSocketService *service, GSocketConnection *connection,
                           GObject *source, gpointer user)
{
    RtspServer *server = user;
    (void)service;
    (void)source;
    GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(connection));
    g_autoptr(GDataInputStream) in =
        g_data_input_stream_new(g_io_stream_get_input_stream(G_IO_STREAM(connection)));
    g_data_input_stream_set_newline_type(in, G_DATA_STREAM_NEWLINE_TYPE_CR_LF);
    gboolean redirects = FALSE;
    guint sequence = 0;
    char *line;
    while ((line = g_data_input_stream_read_line(in, NULL, NULL, NULL))) {
        if (g_str_has_suffix(line, " RTSP/1.0"))
            redirects = g_str_has_prefix(line, server->method);
        if (g_str_has_prefix(line, "CSeq: "))
            sequence = (guint)g_ascii_strtoull(line + 6, NULL, 10);
        if (!*line) {
            g_autofree char *where = g_strdup_printf("Location: %s\r\n", server->location);
            g_autofree char *reply = g_strdup_printf("RTSP/1.0 %s\r\nCSeq: %u\r\n%s\r\n",
                                                     redirects ? "302 Found" : "200 OK", sequence,
                                                     redirects ? where : "");
            g_atomic_int_inc(&server->requests);
            g_output_stream_write_all(out, reply, strlen(reply), NULL, NULL, NULL);
        }
        g_free(line);
    }
    return TRUE;
}

/* What nobody may write to. */
static gboolean serve_secret(GThreadedSocketService *service, GSocketConnection *connection,
                             GObject *source, gpointer user)
{
    RtspServer *server = user;
    (void)service;
    (void)source;
    char bytes[64];
    GInputStream *in = g_io_stream_get_input_stream(G_IO_STREAM(connection));
    while (g_input_stream_read(in, bytes, sizeof bytes, NULL, NULL) > 0)
        g_atomic_int_inc(&server->secret_bytes);
    return TRUE;
}

static GSocketService *listen_at(const char *host, GCallback run, gpointer user, guint *port)
{
    g_autoptr(GSocketAddress) any = g_inet_socket_address_new_from_string(host, 0);
    g_autoptr(GSocketAddress) bound = NULL;
    GSocketService *service = g_threaded_socket_service_new(4);
    g_assert_true(g_socket_listener_add_address(G_SOCKET_LISTENER(service), any,
                                                G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL,
                                                &bound, NULL));
    *port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound));
    g_signal_connect(service, "run", run, user);
    g_socket_service_start(service);
    return service;
}

static void close_service(GSocketService *service)
{
    g_socket_service_stop(service);
    g_socket_listener_close(G_SOCKET_LISTENER(service));
    g_object_unref(service);
}

/* The services accept in the main context. */
static void run_for(gint64 time_ns)
{
    gint64 end_ns = clock_now_ns() + time_ns;
    while (clock_now_ns() < end_ns) {
        g_main_context_iteration(NULL, FALSE);
        g_usleep(1000);
    }
}

static gboolean has_ended(Listener *listener)
{
    pthread_mutex_lock(&listener->lock);
    gboolean ended = listener->ended;
    pthread_mutex_unlock(&listener->lock);
    return ended;
}

static Player *play_url(Listener *listener, PlayerClock *clock, const char *url)
{
    g_autoptr(MediaUrlPolicy) policy = media_url_policy_new(FALSE, "127.0.0.1/32", NULL);
    PlayerOptions options = { .url = url, .policy = policy };
    return listener_play(listener, options, TRUE, clock);
}

/* Nothing is said at the place that an RTSP server redirects to, whichever request it answers so.
 */
static void test_rtsp_redirect(gconstpointer data)
{
    const Redirect *redirect = data;
    RtspServer server = { .method = redirect->method };
    guint port, secret_port;
    Listener listener;
    PlayerClock clock;
    server.service = listen_at("127.0.0.1", G_CALLBACK(serve_rtsp), &server, &port);
    server.secret = listen_at("127.0.0.2", G_CALLBACK(serve_secret), &server, &secret_port);
    server.url = g_strdup_printf("rtsp://127.0.0.1:%u/live", port);
    server.location = redirect->to_itself
                          ? g_strdup(server.url)
                          : g_strdup_printf("rtsp://127.0.0.2:%u/live", secret_port);
    listener_init(&listener);
    Player *player = play_url(&listener, &clock, server.url);
    for (guint i = 0; i < 5000 && !has_ended(&listener); i++)
        run_for(NS_PER_MS);
    g_assert_true(has_ended(&listener));
    run_for(100 * NS_PER_MS); /* for what is under way on loopback */
    g_test_message("%s", listener.error->message);
    g_assert_error(listener.error, TESSERA_ERROR, TESSERA_ERROR_UNSUPPORTED);
    g_assert_nonnull(strstr(listener.error->message, "RTSP redirects are not followed"));
    g_assert_nonnull(strstr(listener.error->message, "final URL"));
    player_stop(player);
    close_service(server.service);
    close_service(server.secret);
    g_assert_cmpint(g_atomic_int_get(&server.secret_bytes), ==, 0);
    g_assert_cmpint(g_atomic_int_get(&server.requests), ==,
                    g_str_equal(server.method, "OPTIONS") ? 1 : 2);
    g_free(server.url);
    g_free(server.location);
    listener_clear(&listener);
}

int main(int argc, char **argv)
{
    static const Redirect at_once = { "OPTIONS", FALSE }, later = { "DESCRIBE", FALSE },
                          around = { "OPTIONS", TRUE };
    av_log_set_level(AV_LOG_QUIET);
    g_test_init(&argc, &argv, NULL);
    g_test_add_data_func("/player/redirect/rtsp", &at_once, test_rtsp_redirect);
    g_test_add_data_func("/player/redirect/rtsp-later", &later, test_rtsp_redirect);
    g_test_add_data_func("/player/redirect/rtsp-to-itself", &around, test_rtsp_redirect);
    return g_test_run();
}
