#include <gio/gio.h>
#include <string.h>

#include "base/error.h"
#include "io/player_connect.h"
#include "unit/io/player_support.h"

#define PATIENCE_US (30 * G_USEC_PER_SEC)

/* SRT as a source: this server calls, and of the query it tells libsrt what it knows. */

static guint16 free_port(void)
{
    g_autoptr(GSocketAddress) any = g_inet_socket_address_new_from_string("127.0.0.1", 0);
    g_autoptr(GSocket) udp =
        g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, NULL);
    g_assert_true(g_socket_bind(udp, any, FALSE, NULL));
    g_autoptr(GSocketAddress) bound = g_socket_get_local_address(udp, NULL);
    return g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound));
}

static MediaUrlPolicy *loopback(void)
{
    return media_url_policy_new(FALSE, "127.0.0.1/32", NULL);
}

static const char *told(AVDictionary *options, const char *name)
{
    const AVDictionaryEntry *entry = av_dict_get(options, name, NULL, 0);
    return entry ? entry->value : NULL;
}

static void test_options(void)
{
    g_autoptr(MediaUrlPolicy) policy = loopback();
    g_autoptr(PlayerConnect) connect = player_connect_new(policy);
    g_autoptr(GError) error = NULL;
    AVDictionary *options = NULL;
    g_autofree char *leads = player_connect_url(
        connect, "srt://127.0.0.1:9?streamid=a%2Fb&latency=300&sndbuf=1&mode=caller", &options,
        &error);
    g_assert_no_error(error);
    g_assert_cmpstr(leads, ==, "srt://127.0.0.1:9");
    g_assert_cmpstr(told(options, "mode"), ==, "caller");
    g_assert_cmpstr(told(options, "streamid"), ==, "a/b");
    g_assert_cmpstr(told(options, "latency"), ==, "300000");
    g_assert_null(told(options, "sndbuf"));
    av_dict_free(&options);
}

static void test_listener(void)
{
    static const MediaEvents events = { on_stream, on_packet, on_ended };
    PlayerOptions options = { .url = "srt://127.0.0.1:9?mode=listener" };
    g_autoptr(GError) error = NULL;
    g_assert_null(player_new(&options, &events, NULL, NULL, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
    g_assert_nonnull(strstr(error->message, "mode=caller"));
}

typedef struct {
    guint16 port;
    char *path;
    gint done; /* atomic */
} Sender;

static int sender_is_done(void *opaque)
{
    return g_atomic_int_get(&((Sender *)opaque)->done);
}

/* Sends a file, slowly and again and again, to whoever calls with this passphrase. */
static gpointer send_file(gpointer data)
{
    Sender *sender = data;
    AVIOInterruptCB interrupt = { sender_is_done, sender };
    AVIOContext *io = NULL;
    g_autofree char *bytes = NULL;
    gsize size = 0;
    g_autofree char *url = g_strdup_printf(
        "srt://127.0.0.1:%u?mode=listener&passphrase=longenough&transtype=live", sender->port);
    g_assert_true(g_file_get_contents(sender->path, &bytes, &size, NULL));
    if (avio_open2(&io, url, AVIO_FLAG_WRITE, &interrupt, NULL) < 0)
        return NULL;
    gint64 end_us = g_get_monotonic_time() + PATIENCE_US;
    for (gsize at = 0; !sender_is_done(sender) && !io->error;
         at = at + 1316 < size ? at + 1316 : 0) {
        g_assert_cmpint(g_get_monotonic_time(), <, end_us);
        avio_write(io, (const guint8 *)bytes + at, (int)MIN(1316, size - at));
        avio_flush(io);
        g_usleep(2000);
    }
    avio_close(io);
    return NULL;
}

static void test_pull(void)
{
    static const MediaFile ts = {
        .format = "mpegts", .video = "libx264", .audio = "aac", .seconds = 6
    };
    g_autofree char *dir = media_dir_new();
    g_autofree char *path = g_build_filename(dir, "a.ts", NULL);
    Sender sender = { .port = free_port(), .path = path };
    g_autofree char *url =
        g_strdup_printf("srt://127.0.0.1:%u?passphrase=longenough&latency=200", sender.port);
    g_autoptr(MediaUrlPolicy) policy = loopback();
    PlayerOptions options = { .url = url, .policy = policy };
    Listener listener;
    PlayerClock clock;
    media_file_write(path, &ts);
    listener_init(&listener);
    GThread *thread = g_thread_new("sender", send_file, &sender);
    Player *player = listener_play(&listener, options, FALSE, &clock);
    listener_wait_packets(&listener, 30);
    player_stop(player);
    g_atomic_int_set(&sender.done, 1);
    g_thread_join(thread);
    listener_clear(&listener);
    media_dir_free(g_steal_pointer(&dir));
}

int main(int argc, char **argv)
{
    av_log_set_level(AV_LOG_QUIET);
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/player/srt/options", test_options);
    g_test_add_func("/player/srt/listener", test_listener);
    g_test_add_func("/player/srt/pull", test_pull);
    return g_test_run();
}
