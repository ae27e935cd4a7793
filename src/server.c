#include "server.h"

#include <glib-unix.h>
#include <libavutil/log.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "base/error.h"
#include "base/install_dir.h"
#include "base/log.h"
#include "base/thread.h"
#include "io/recorder_recover.h"
#include "io/recordings.h"
#include "mixer/label.h"
#include "net/webrtc.h"
#include "room/demo.h"
#include "room/engine.h"
#include "room/room_media.h"

#define DRAIN_LOOK_MS 100 /* how often a draining server looks whether everyone has left */
/* What recordings and broadcasts may take beyond that to write their end; and when a second signal
 * has said that it shall be now. */
#define OUTPUTS_END_S 20
#define NOW_END_S     3

typedef struct {
    const Config *config;
    GMainLoop *loop;
    GMainContext *net_context;
    Engine *engine;
    WebrtcFactory *webrtc;
    Rooms *rooms;
    Api *api;
    GThread *recovery; /* of recordings, or NULL */
    guint signals[2];
    guint drain_timer;
    gint64 drain_end_us;
} Server;

/* --- the WebRTC factory's configuration -------------------------------------------------- */

static char **split_list(const Config *config, const char *key)
{
    char **list = g_strsplit(config_string(config, key), ",", 0);
    guint n = 0;
    for (guint i = 0; list[i]; i++) {
        if (*g_strstrip(list[i]))
            list[n++] = list[i];
        else
            g_free(list[i]);
    }
    list[n] = NULL;
    return list;
}

static gboolean offers_loopback(const Config *config)
{
    const char *wanted = config_string(config, "ice.loopback");
    static const char *const keys[] = { "http.listen", "https.listen" };
    if (strcmp(wanted, "auto") != 0)
        return strcmp(wanted, "yes") == 0;
    for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autofree char *host = NULL;
        guint port = 0;
        if (config_split_address(config_string(config, keys[i]), &host, &port) &&
            config_is_loopback(host))
            return TRUE;
    }
    return FALSE;
}

/* "turn:host:port?transport=udp", "turns:host:port" or "host:port". *host is the owner of text. */
static gboolean parse_turn(const Config *config, WebrtcTurnServer *turn, char **host,
                           GError **error)
{
    const char *text = config_string(config, "ice.turn_server");
    gboolean tls = g_str_has_prefix(text, "turns:");
    const char *start = tls ? text + 6 : g_str_has_prefix(text, "turn:") ? text + 5 : text;
    const char *query = strchr(start, '?');
    g_autofree char *address = query ? g_strndup(start, (gsize)(query - start)) : g_strdup(start);
    if (!config_split_address(address, host, &turn->port) || !**host || !turn->port) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "ice.turn_server must look like turn:host:3478?transport=udp, not \"%s\".",
                    text);
        return FALSE;
    }
    turn->host = *host;
    turn->user = config_string(config, "ice.turn_user");
    turn->password = config_string(config, "ice.turn_password");
    gboolean tcp = query && strcmp(query, "?transport=tcp") == 0;
    turn->transport = tls ? "tls" : tcp ? "tcp" : "udp";
    return TRUE;
}

static gboolean start_webrtc(Server *server, GError **error)
{
    const Config *config = server->config;
    g_auto(GStrv) public_ips = split_list(config, "ice.public_ip");
    g_auto(GStrv) interfaces = split_list(config, "ice.interfaces");
    g_autofree char *turn_host = NULL;
    WebrtcTurnServer turn = { 0 };
    WebrtcConfig webrtc = {
        .public_ips = (const char *const *)(*public_ips ? public_ips : NULL),
        .bind_addresses = (const char *const *)(*interfaces ? interfaces : NULL),
        .include_loopback = offers_loopback(config),
        .ipv6 = config_bool(config, "ice.ipv6"),
        .tcp = config_bool(config, "ice.tcp"),
    };
    config_ports(config, &webrtc.port_min, &webrtc.port_max);
    if (*config_string(config, "ice.stun_server"))
        webrtc.stun_server = config_string(config, "ice.stun_server");
    if (*config_string(config, "ice.turn_server")) {
        if (!parse_turn(config, &turn, &turn_host, error))
            return FALSE;
        webrtc.turn_servers = &turn;
        webrtc.n_turn_servers = 1;
    }
    server->webrtc = webrtc_factory_new(&webrtc, server->net_context, error);
    if (!server->webrtc)
        return FALSE;
    engine_set_transports(server->engine, webrtc_factory_transports(server->webrtc));
    return TRUE;
}

/* --- layouts ----------------------------------------------------------------------------- */

ON_CONTROL_THREAD static gboolean load_layouts(Server *server, GError **error)
{
    const char *configured = config_string(server->config, "layout.dir");
    g_autofree char *found = *configured ? g_strdup(configured) : install_dir_find("layouts");
    if (found)
        return rooms_load_layouts(server->rooms, found, error);
    g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND,
                        "The layouts were not found beside the program; name their directory with "
                        "--set layout.dir=DIRECTORY.");
    return FALSE;
}

/* --- recordings -------------------------------------------------------------------------- */

/* What a server that died left behind becomes whole, however long the disk takes. */
static gpointer recover(gpointer data)
{
    g_autofree char *directory = data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) recovered = recorder_recover(directory, &error);
    if (error)
        log_warning("server", "recordings cannot be recovered: %s", error->message);
    for (guint i = 0; recovered && i < recovered->len; i++)
        log_info("server", "recovered the recording %s",
                 ((const Recording *)recovered->pdata[i])->name);
    return NULL;
}

static void start_recovery(Server *server)
{
    char *directory = rooms_recording_dir(server->config);
    if (g_file_test(directory, G_FILE_TEST_IS_DIR))
        server->recovery = g_thread_new("recover", recover, directory);
    else
        g_free(directory);
}

/* --- start and stop ---------------------------------------------------------------------- */

static void announce_rtmp(Server *server, gboolean demo)
{
    gboolean first = TRUE;
    for (guint secure = 0; secure < 2; secure++) {
        g_autofree char *url = api_rtmp_url(server->api, secure == 1);
        if (!url)
            continue;
        printf("listening %s\n", url);
        if (demo && first)
            printf("demo play ffplay %sdemo/room\n"
                   "demo publish ffmpeg -re -f lavfi -i testsrc2=size=1280x720:rate=30 -f lavfi -i "
                   "sine=frequency=440 -c:v libx264 -preset veryfast -tune zerolatency -pix_fmt "
                   "yuv420p -g 60 -c:a aac -f flv %sdemo/ffmpeg\n",
                   url, url);
        first = FALSE;
    }
}

static void announce(Server *server, gboolean demo)
{
    for (guint i = 0;; i++) {
        g_autofree char *url = api_url(server->api, i);
        if (!url)
            break;
        printf("listening %s\n", url);
        if (demo && i == 0)
            printf("demo room %sr/demo\n", url);
    }
    announce_rtmp(server, demo);
    fflush(stdout);
    if (api_made_certificate(server->api))
        log_info("server", "made a self-signed certificate for HTTPS; browsers will ask once");
}

static gboolean server_start(Server *server, gboolean demo, GError **error) ON_CONTROL_THREAD;
static gboolean server_start(Server *server, gboolean demo, GError **error)
{
    server->engine = engine_new(server->config);
    server->net_context = g_main_context_ref(engine_net_context(server->engine));
    if (!start_webrtc(server, error))
        return FALSE;
    server->rooms = rooms_new(server->engine, server->config);
    label_warm_up();
    if (!load_layouts(server, error))
        return FALSE;
    server->api = api_new(server->config, server->rooms, server->engine, error);
    if (!server->api || !api_listen(server->api, error))
        return FALSE;
    start_recovery(server);
    if (demo && !demo_start(server->rooms, error))
        return FALSE;
    announce(server, demo);
    return TRUE;
}

/* What was asked to stop at once still gets a moment for the end of its files. */
static void wait_for_recordings(Server *server) ON_CONTROL_THREAD;
static void wait_for_recordings(Server *server)
{
    gint64 end_us = g_get_monotonic_time() + NOW_END_S * G_USEC_PER_SEC;
    rooms_finish_outputs(server->rooms);
    gboolean running = TRUE;
    /* What ended tells it once more: its sidecar is written then. */
    while ((g_main_context_iteration(NULL, FALSE) || running) && g_get_monotonic_time() < end_us) {
        running = rooms_outputs_running(server->rooms) > 0;
        g_usleep(1000);
    }
}

/* A thread that hangs in a disk can be neither ended nor waited for: the process ends without it,
 * and leaves the rest to the next start. */
static void leave_what_hangs(Server *server) ON_CONTROL_THREAD;
static void leave_what_hangs(Server *server)
{
    g_autoptr(GPtrArray) names = rooms_recordings_unfinished(server->rooms);
    if (names->len == 0)
        return;
    for (guint i = 0; i < names->len; i++)
        log_warning("server",
                    "The recording %s stays unfinished, for its disk does not answer; the next "
                    "start makes whole what is left of it (.part).",
                    (const char *)names->pdata[i]);
    fflush(NULL);
    _exit(EXIT_FAILURE);
}

/* The reverse of server_start(); copes with a start that stopped half-way. */
static void server_stop(Server *server) ON_CONTROL_THREAD;
static void server_stop(Server *server)
{
    if (server->api)
        api_stop(server->api);
    /* What it has not come to stays as it is for the next start. */
    if (server->recovery)
        g_thread_unref(server->recovery);
    if (server->rooms)
        rooms_free(server->rooms);
    api_free(server->api);
    if (server->engine)
        engine_free(server->engine);
    if (server->webrtc) {
        thread_set_roles(THREAD_ALL); /* the net thread has ended */
        thread_assert_net();
        webrtc_factory_free(server->webrtc);
    }
    if (server->net_context)
        g_main_context_unref(server->net_context);
}

/* --- the end ----------------------------------------------------------------------------- */

static gboolean look_whether_drained(gpointer data)
{
    Server *server = data;
    thread_assert_control();
    gint64 now_us = g_get_monotonic_time();
    gboolean clients = api_clients(server->api) && now_us < server->drain_end_us;
    gboolean outputs = rooms_outputs_running(server->rooms) &&
                       now_us < server->drain_end_us + OUTPUTS_END_S * G_USEC_PER_SEC;
    if (clients || outputs)
        return G_SOURCE_CONTINUE;
    server->drain_timer = 0;
    g_main_loop_quit(server->loop);
    return G_SOURCE_REMOVE;
}

static gboolean on_signal(gpointer data)
{
    Server *server = data;
    thread_assert_control();
    if (server->drain_timer) {
        log_warning("server", "asked to stop a second time: stops now");
        g_main_loop_quit(server->loop);
        return G_SOURCE_CONTINUE;
    }
    gint64 seconds = config_int(server->config, "server.drain_seconds");
    log_info("server", "stops; clients have %" G_GINT64_FORMAT " s to leave", seconds);
    rooms_drain(server->rooms);
    rooms_finish_outputs(server->rooms);
    server->drain_end_us = g_get_monotonic_time() + seconds * G_USEC_PER_SEC;
    server->drain_timer = g_timeout_add(DRAIN_LOOK_MS, look_whether_drained, server);
    return G_SOURCE_CONTINUE;
}

static void watch_signals(Server *server)
{
    signal(SIGPIPE, SIG_IGN);
    server->signals[0] = g_unix_signal_add(SIGTERM, on_signal, server);
    server->signals[1] = g_unix_signal_add(SIGINT, on_signal, server);
}

gboolean server_run(const Config *config, gboolean demo, GError **error)
{
    Server server = { .config = config };
    LogLevel level;
    if (log_level_from_string(config_string(config, "log.level"), &level))
        log_set_level(level);
    av_log_set_level(AV_LOG_QUIET); /* what libraries think of strangers' media is no news */
    thread_set_roles(THREAD_CONTROL);
    thread_assert_control();
    server.loop = g_main_loop_new(NULL, FALSE);
    gboolean started = server_start(&server, demo, error);
    if (started) {
        watch_signals(&server);
        g_main_loop_run(server.loop);
        g_source_remove(server.signals[0]);
        g_source_remove(server.signals[1]);
        if (server.drain_timer) {
            g_source_remove(server.drain_timer);
            wait_for_recordings(&server);
        }
        leave_what_hangs(&server);
    }
    server_stop(&server);
    if (started)
        log_info("server", "stopped");
    g_main_loop_unref(server.loop);
    return started;
}
