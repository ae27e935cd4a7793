#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/error.h"
#include "unit/io/player_support.h"

/* A player against servers on loopback. */

#define SECOND_US 1000000

/* --- a web server for one folder --------------------------------------------------------- */

typedef struct {
    GSocketService *service;
    guint16 port;
    char *dir;
    gboolean by_name; /* "/a/..." is a.test's, "/b/..." b.test's */
    gint requests;    /* atomic */
    gint misnamed;    /* atomic: those with another Host */
} Web;

static void answer(Web *web, GSocketConnection *connection, const char *name, gsize from)
{
    GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(connection));
    g_autofree char *path = g_build_filename(web->dir, name, NULL), *body = NULL;
    gsize size = 0;
    g_autofree char *header = NULL;
    if (g_str_has_prefix(name, "moved"))
        header = g_strdup("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.2:9/a.mp4\r\n"
                          "Content-Length: 0\r\nConnection: close\r\n\r\n");
    else if (!g_file_get_contents(path, &body, &size, NULL) || from >= size)
        header = g_strdup("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n"
                          "Connection: close\r\n\r\n");
    else if (g_str_has_prefix(name, "live"))
        header = g_strdup("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    else
        header = g_strdup_printf(
            "HTTP/1.1 206 Partial Content\r\nAccept-Ranges: bytes\r\n"
            "Content-Range: bytes %" G_GSIZE_FORMAT "-%" G_GSIZE_FORMAT "/%" G_GSIZE_FORMAT
            "\r\nContent-Length: %" G_GSIZE_FORMAT "\r\nConnection: %s\r\n\r\n",
            from, size - 1, size, size - from, web->by_name ? "keep-alive" : "close");
    g_output_stream_write_all(out, header, strlen(header), NULL, NULL, NULL);
    if (body && from < size)
        g_output_stream_write_all(out, body + from, size - from, NULL, NULL, NULL);
}

/* As a server with several names at one address does. */
static gboolean is_hosted(Web *web, const char *path, const char *host)
{
    g_autofree char *name = g_strdup_printf("%c.test:%u", path[1], web->port);
    gboolean hosted = !web->by_name || !g_strcmp0(host, name);
    if (!hosted) {
        g_test_message("%s: Host %s", path, host);
        g_atomic_int_inc(&web->misnamed);
    }
    return hosted;
}

static void serve_request(Web *web, GSocketConnection *connection, GDataInputStream *in,
                          const char *request)
{
    g_autofree char *host = NULL;
    gsize from = 0;
    char *line;
    g_atomic_int_inc(&web->requests);
    while ((line = g_data_input_stream_read_line(in, NULL, NULL, NULL)) && *line) {
        if (!g_ascii_strncasecmp(line, "Range: bytes=", 13))
            from = (gsize)g_ascii_strtoull(line + 13, NULL, 10);
        if (!g_ascii_strncasecmp(line, "Host: ", 6) && !host)
            host = g_strdup(line + 6);
        g_free(line);
    }
    g_free(line);
    g_auto(GStrv) words = g_strsplit(request, " ", 3);
    if (words[0] && words[1] && *words[1] == '/' && is_hosted(web, words[1], host))
        answer(web, connection, words[1] + 1, from);
}

static gboolean serve(GThreadedSocketService *service, GSocketConnection *connection,
                      GObject *source, gpointer user)
{
    Web *web = user;
    (void)service;
    (void)source;
    g_autoptr(GDataInputStream) in =
        g_data_input_stream_new(g_io_stream_get_input_stream(G_IO_STREAM(connection)));
    g_data_input_stream_set_newline_type(in, G_DATA_STREAM_NEWLINE_TYPE_CR_LF);
    char *request;
    gboolean again = TRUE;
    while (again && (request = g_data_input_stream_read_line(in, NULL, NULL, NULL))) {
        serve_request(web, connection, in, request);
        again = web->by_name && !g_atomic_int_get(&web->misnamed);
        g_free(request);
    }
    g_io_stream_close(G_IO_STREAM(connection), NULL, NULL);
    return TRUE;
}

static void web_init(Web *web)
{
    *web = (Web){ .dir = media_dir_new() };
    web->service = g_threaded_socket_service_new(8);
    web->port = g_socket_listener_add_any_inet_port(G_SOCKET_LISTENER(web->service), NULL, NULL);
    g_signal_connect(web->service, "run", G_CALLBACK(serve), web);
    g_socket_service_start(web->service);
}

static void web_clear(Web *web)
{
    g_socket_service_stop(web->service);
    g_socket_listener_close(G_SOCKET_LISTENER(web->service));
    g_object_unref(web->service);
    media_dir_free(web->dir);
}

static void web_put(Web *web, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(web->dir, name, NULL);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* The service accepts in the main context. */
static void run_until(gboolean (*done)(gpointer), gpointer data)
{
    while (!done(data))
        g_main_context_iteration(NULL, FALSE);
}

static gboolean has_ended(gpointer data)
{
    Listener *listener = data;
    pthread_mutex_lock(&listener->lock);
    gboolean ended = listener->ended;
    pthread_mutex_unlock(&listener->lock);
    return ended;
}

static Player *play_url(Listener *listener, PlayerClock *clock, const char *url, gboolean simulated)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MediaUrlPolicy) policy = media_url_policy_new(FALSE, "127.0.0.1/32", &error);
    g_assert_no_error(error);
    PlayerOptions options = { .url = url, .policy = policy };
    return listener_play(listener, options, simulated, clock);
}

/* --- pulling ----------------------------------------------------------------------------- */

/* An MP4 over HTTP is paced and ends as a file does. */
static void test_http_file(void)
{
    static const MediaFile mp4 = {
        .format = "mp4", .video = "libx264", .audio = "aac", .seconds = 5, .b_frames = 2
    };
    Web web;
    Listener listener;
    PlayerClock clock;
    PlayerStatus status;
    web_init(&web);
    listener_init(&listener);
    g_autofree char *path = g_build_filename(web.dir, "a.mp4", NULL);
    g_autofree char *url = g_strdup_printf("http://127.0.0.1:%u/a.mp4", web.port);
    media_file_write(path, &mp4);
    gint64 start_ns = listener.now_ns;
    Player *player = play_url(&listener, &clock, url, TRUE);
    run_until(has_ended, &listener);
    g_assert_no_error(listener.error);
    g_assert_cmpuint(listener_count(&listener, MEDIA_VIDEO), ==, 5 * MEDIA_FILE_FPS);
    g_assert_cmpint(ABS(listener.now_ns - start_ns - 5 * NS_PER_SEC), <, 200 * NS_PER_MS);
    player_status(player, &status);
    g_assert_true(status.seekable && !status.live);
    g_assert_cmpuint(status.reconnects, ==, 0);
    player_stop(player);
    listener_clear(&listener);
    web_clear(&web);
}

static gboolean has_waited_seven_times(gpointer data)
{
    Listener *listener = data;
    pthread_mutex_lock(&listener->lock);
    guint n = listener->waits->len;
    pthread_mutex_unlock(&listener->lock);
    return n >= 7;
}

static gboolean has_packets(gpointer data)
{
    Listener *listener = data;
    pthread_mutex_lock(&listener->lock);
    guint n = listener->handed->len;
    pthread_mutex_unlock(&listener->lock);
    return n >= 300;
}

/* HLS: the variant and its segments, through a playlist that names them. */
static void test_hls(void)
{
    static const MediaFile hls = { .format = "hls",
                                   .video = "libx264",
                                   .audio = "aac",
                                   .seconds = 8,
                                   .options = "hls_time=2:hls_list_size=0" };
    Web web;
    Listener listener;
    PlayerClock clock;
    web_init(&web);
    listener_init(&listener);
    g_autofree char *path = g_build_filename(web.dir, "low.m3u8", NULL);
    g_autofree char *url = g_strdup_printf("http://127.0.0.1:%u/master.m3u8", web.port);
    media_file_write(path, &hls);
    web_put(&web, "master.m3u8",
            "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=99000000\nmissing.m3u8\n"
            "#EXT-X-STREAM-INF:BANDWIDTH=200000\nlow.m3u8\n");
    gint64 start_ns = listener.now_ns;
    Player *player = play_url(&listener, &clock, url, TRUE);
    run_until(has_ended, &listener);
    g_assert_no_error(listener.error);
    g_assert_cmpuint(listener_count(&listener, MEDIA_VIDEO), ==, 8 * MEDIA_FILE_FPS);
    g_assert_cmpint(ABS(listener.now_ns - start_ns - 8 * NS_PER_SEC), <, 300 * NS_PER_MS);
    player_stop(player);
    listener_clear(&listener);
    web_clear(&web);
}

/* --- names ------------------------------------------------------------------------------- */

/* Every name is 127.0.0.1. */
typedef GResolver TestResolver;
typedef GResolverClass TestResolverClass;
static GType test_resolver_get_type(void);
G_DEFINE_TYPE(TestResolver, test_resolver, G_TYPE_RESOLVER)

static GList *resolve_here(GResolver *resolver, const char *name, GCancellable *cancellable,
                           GError **error)
{
    (void)resolver;
    (void)name;
    (void)cancellable;
    (void)error;
    return g_list_append(NULL, g_inet_address_new_from_string("127.0.0.1"));
}

static void test_resolver_class_init(TestResolverClass *class)
{
    class->lookup_by_name = resolve_here;
}

static void test_resolver_init(TestResolver *resolver)
{
    (void)resolver;
}

typedef struct {
    Web *web;
    Listener *listener;
} Hosted;

static gboolean has_ended_or_misnamed(gpointer data)
{
    Hosted *hosted = data;
    return has_ended(hosted->listener) || g_atomic_int_get(&hosted->web->misnamed);
}

/* Playlists and segments at a server with several names: each is asked for under its own, also
 * where a playlist names it relative to itself. */
static void test_hls_names(gconstpointer data)
{
    static const MediaFile hls = { .format = "hls",
                                   .video = "libx264",
                                   .audio = "aac",
                                   .seconds = 6,
                                   .options = "hls_time=2:hls_list_size=0" };
    Web web;
    Listener listener;
    PlayerClock clock;
    g_autoptr(GResolver) usual = g_resolver_get_default();
    g_autoptr(GResolver) here = g_object_new(test_resolver_get_type(), NULL);
    g_resolver_set_default(here);
    web_init(&web);
    web.by_name = TRUE;
    listener_init(&listener);
    const char *folder = data;
    g_autofree char *folder_a = g_build_filename(web.dir, "a", NULL);
    g_autofree char *folder_b = g_build_filename(web.dir, "b", NULL);
    g_assert_cmpint(g_mkdir(folder_a, 0700) | g_mkdir(folder_b, 0700), ==, 0);
    g_autofree char *path = g_build_filename(web.dir, folder, "low.m3u8", NULL);
    g_autofree char *url = g_strdup_printf("http://a.test:%u/a/master.m3u8", web.port);
    g_autofree char *base = g_str_equal(folder, "a") ? g_strdup("")
                                                     : g_strdup_printf("http://%s.test:%u/%s/",
                                                                       folder, web.port, folder);
    g_autofree char *master =
        g_strdup_printf("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=200000\n%slow.m3u8\n", base);
    media_file_write(path, &hls);
    web_put(&web, "a/master.m3u8", master);
    Player *player = play_url(&listener, &clock, url, TRUE);
    Hosted hosted = { &web, &listener };
    run_until(has_ended_or_misnamed, &hosted);
    g_assert_cmpint(g_atomic_int_get(&web.misnamed), ==, 0);
    g_assert_no_error(listener.error);
    g_assert_cmpuint(listener_count(&listener, MEDIA_VIDEO), ==, 6 * MEDIA_FILE_FPS);
    player_stop(player);
    listener_clear(&listener);
    media_dir_free(g_steal_pointer(&folder_a));
    media_dir_free(g_steal_pointer(&folder_b));
    web_clear(&web);
    g_resolver_set_default(usual);
}

/* --- what may not be reached ------------------------------------------------------------- */

static void assert_refused(const char *name, const char *text, GQuark domain, gint code)
{
    Web web;
    Listener listener;
    PlayerClock clock;
    web_init(&web);
    listener_init(&listener);
    g_autofree char *url = g_strdup_printf("http://127.0.0.1:%u/%s", web.port, name);
    if (text)
        web_put(&web, name, text);
    Player *player = play_url(&listener, &clock, url, TRUE);
    run_until(has_ended, &listener);
    g_test_message("%s", listener.error->message);
    g_assert_error(listener.error, domain, code);
    g_assert_cmpint(g_atomic_int_get(&web.requests), >, 0);
    player_stop(player);
    listener_clear(&listener);
    web_clear(&web);
}

static void test_forbidden_segment(void)
{
    assert_refused("list.m3u8",
                   "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://127.0.0.2:9/a.ts\n"
                   "#EXT-X-ENDLIST\n",
                   TESSERA_ERROR, TESSERA_ERROR_FORBIDDEN);
}

static void test_local_segment(void)
{
    assert_refused("list.m3u8",
                   "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile:///etc/passwd\n"
                   "#EXT-X-ENDLIST\n",
                   TESSERA_ERROR, TESSERA_ERROR_INVALID);
}

static void test_forbidden_url(void)
{
    Listener listener;
    PlayerClock clock;
    listener_init(&listener);
    Player *player = play_url(&listener, &clock, "http://127.0.0.2:9/a.mp4", TRUE);
    listener_wait_ended(&listener);
    g_assert_error(listener.error, TESSERA_ERROR, TESSERA_ERROR_FORBIDDEN);
    player_stop(player);
    listener_clear(&listener);
}

/* A redirect is not followed: nobody has checked where it leads. */
static void test_redirect(void)
{
    Web web;
    Listener listener;
    PlayerClock clock;
    PlayerStatus status;
    web_init(&web);
    listener_init(&listener);
    g_autofree char *url = g_strdup_printf("http://127.0.0.1:%u/moved.mp4", web.port);
    Player *player = play_url(&listener, &clock, url, TRUE);
    run_until(has_waited_seven_times, &listener);
    player_status(player, &status);
    g_test_message("%s", status.error);
    g_assert_cmpint(status.state, ==, PLAYER_RETRYING);
    player_stop(player);
    listener_clear(&listener);
    web_clear(&web);
}

/* --- again and again --------------------------------------------------------------------- */

/* Nobody answers: 1, 2, 4, 8, 16, 30, 30 s, with the reason to be seen. */
static void test_backoff(gconstpointer data)
{
    static const gint64 expected_s[] = { 1, 2, 4, 8, 16, 30, 30 };
    Listener listener;
    PlayerClock clock;
    PlayerStatus status;
    listener_init(&listener);
    Player *player = play_url(&listener, &clock, data, TRUE);
    run_until(has_waited_seven_times, &listener);
    player_status(player, &status);
    g_test_message("%s", status.error);
    g_assert_cmpint(status.state, ==, PLAYER_RETRYING);
    g_assert_cmpuint(status.reconnects, >=, 7);
    g_assert_cmpstr(status.error, !=, "");
    g_assert_null(strstr(status.error, "secret"));
    g_assert_false(listener.ended);
    player_stop(player);
    for (guint i = 0; i < G_N_ELEMENTS(expected_s); i++)
        g_assert_cmpint(g_array_index(listener.waits, gint64, i), ==, expected_s[i] * NS_PER_SEC);
    listener_clear(&listener);
}

/* A stream without an end that stops is asked for again; the times go on rising. */
static void test_reconnect(void)
{
    static const MediaFile flv = { .format = "flv",
                                   .video = "libx264",
                                   .audio = "aac",
                                   .seconds = 3,
                                   .options = "flvflags=+no_duration_filesize" };
    Web web;
    Listener listener;
    PlayerClock clock;
    gint64 last_us[2] = { G_MININT64, G_MININT64 };
    web_init(&web);
    listener_init(&listener);
    g_autofree char *path = g_build_filename(web.dir, "live.flv", NULL);
    g_autofree char *url = g_strdup_printf("http://127.0.0.1:%u/live.flv", web.port);
    media_file_write(path, &flv);
    Player *player = play_url(&listener, &clock, url, TRUE);
    run_until(has_packets, &listener);
    player_stop(player);
    g_assert_cmpuint(listener.waits->len, >=, 1);
    for (guint i = 0; i < listener.handed->len; i++) {
        const Handed *handed = &g_array_index(listener.handed, Handed, i);
        g_assert_cmpint(handed->dts_us, >, last_us[handed->kind]);
        last_us[handed->kind] = handed->dts_us;
    }
    listener_clear(&listener);
    web_clear(&web);
}

/* A server that accepts and says nothing does not hold up whoever stops. */
static void test_silent_server(gconstpointer data)
{
    g_autoptr(GSocketListener) silent = g_socket_listener_new();
    guint16 port = g_socket_listener_add_any_inet_port(silent, NULL, NULL);
    g_autofree char *url =
        g_strdup_printf("%s://127.0.0.1:%u/live/secret", (const char *)data, port);
    Listener listener;
    PlayerClock clock;
    PlayerStatus status;
    listener_init(&listener);
    Player *player = play_url(&listener, &clock, url, FALSE);
    g_usleep(300000); /* let it hang */
    player_status(player, &status);
    g_assert_cmpint(status.state, ==, PLAYER_OPENING);
    gint64 begun_ns = clock_now_ns();
    player_stop(player);
    g_test_message("stopped in %" G_GINT64_FORMAT " ms", (clock_now_ns() - begun_ns) / NS_PER_MS);
    g_assert_cmpint(clock_now_ns() - begun_ns, <, 5 * NS_PER_SEC);
    g_assert_false(listener.ended);
    g_assert_cmpint(g_atomic_int_get(&listener.freed), ==, 1);
    listener_clear(&listener);
}

int main(int argc, char **argv)
{
    av_log_set_level(AV_LOG_QUIET);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/player/url/http-file", test_http_file);
    g_test_add_func("/player/url/hls", test_hls);
    g_test_add_data_func("/player/url/hls-name", "a", test_hls_names);
    g_test_add_data_func("/player/url/hls-names", "b", test_hls_names);
    g_test_add_func("/player/url/forbidden-segment", test_forbidden_segment);
    g_test_add_func("/player/url/local-segment", test_local_segment);
    g_test_add_func("/player/url/forbidden", test_forbidden_url);
    g_test_add_func("/player/url/redirect", test_redirect);
    g_test_add_data_func("/player/url/backoff-rtmp", "rtmp://127.0.0.1:9/live/secret",
                         test_backoff);
    g_test_add_data_func("/player/url/backoff-http", "http://127.0.0.1:9/a?key=secret",
                         test_backoff);
    g_test_add_data_func("/player/url/backoff-rtsp", "rtsp://me:secret@127.0.0.1:9/live",
                         test_backoff);
    g_test_add_func("/player/url/reconnect", test_reconnect);
    g_test_add_data_func("/player/url/silent-rtmp", "rtmp", test_silent_server);
    g_test_add_data_func("/player/url/silent-http", "http", test_silent_server);
    g_test_add_data_func("/player/url/silent-rtsp", "rtsp", test_silent_server);
    g_test_add_data_func("/player/url/silent-https", "https", test_silent_server);
    return g_test_run();
}
