/* The rooms' door for RTMP, with libavformat as client. */
#include <libavformat/avformat.h>

#include "api/api_private.h"
#include "unit/api/rest_client.h"

#define FRAME_SIZE  417 /* of an MPEG-1 layer 3 frame: 128 kbit/s, 44.1 kHz */
#define PATIENCE_US (15 * G_USEC_PER_SEC)

static guint port;

/* libavformat's RTMP client keeps what it read of a publication that was refused. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libavformat\n";
}

/* (transfer full) */
static char *url_of(const char *path)
{
    return g_strdup_printf("rtmp://127.0.0.1:%u/%s", port, path);
}

/* An encoder that publishes sound. NULL: it was refused. */
static AVFormatContext *publish(const char *path)
{
    g_autofree char *url = url_of(path);
    AVFormatContext *context = NULL;
    g_assert_cmpint(avformat_alloc_output_context2(&context, NULL, "flv", url), >=, 0);
    AVStream *stream = avformat_new_stream(context, NULL);
    stream->codecpar->codec_type = AVMEDIA_TYPE_AUDIO;
    stream->codecpar->codec_id = AV_CODEC_ID_MP3;
    stream->codecpar->sample_rate = 44100;
    av_channel_layout_default(&stream->codecpar->ch_layout, 2);
    if (avio_open(&context->pb, url, AVIO_FLAG_WRITE) >= 0) {
        g_assert_cmpint(avformat_write_header(context, NULL), >=, 0);
        return context;
    }
    avformat_free_context(context);
    return NULL;
}

/* FALSE: it was sent away. */
static gboolean send_frame(AVFormatContext *context, guint i)
{
    AVPacket *packet = av_packet_alloc();
    g_assert_cmpint(av_new_packet(packet, FRAME_SIZE), ==, 0);
    memset(packet->data, 0, FRAME_SIZE);
    memcpy(packet->data, "\xff\xfb\x90\x44", 4);
    packet->pts = packet->dts = (gint64)i * 26;
    int status = av_write_frame(context, packet);
    avio_flush(context->pb);
    av_packet_free(&packet);
    return status >= 0 && !context->pb->error;
}

static void end_publishing(AVFormatContext *context)
{
    av_write_trailer(context);
    avio_closep(&context->pb);
    avformat_free_context(context);
}

static gboolean can_play(const char *path)
{
    g_autofree char *url = url_of(path);
    AVIOContext *in = NULL;
    gboolean plays = avio_open(&in, url, AVIO_FLAG_READ) >= 0;
    if (plays)
        avio_closep(&in);
    return plays;
}

/* Runs on the client's thread: what the control thread owns is looked at by its API. */
static gsize people_as(const char *token)
{
    g_autofree char *headers =
        token ? g_strdup_printf("Authorization: Bearer %s\r\n", token) : g_strdup("");
    json_t *list = rest_json("GET", "/api/v1/rooms/team/participants", headers, NULL, 200);
    gsize n = json_array_size(json_object_get(list, "participants"));
    json_decref(list);
    return n;
}

static gsize people(void)
{
    return people_as(NULL);
}

static void await_people_as(const char *token, gsize wanted)
{
    gint64 end_us = g_get_monotonic_time() + PATIENCE_US;
    while (people_as(token) != wanted) {
        g_assert_cmpint(g_get_monotonic_time(), <, end_us);
        g_usleep(10000);
    }
}

static void await_people(gsize wanted)
{
    await_people_as(NULL, wanted);
}

static void await_count(gint *counter, gint wanted)
{
    gint64 end_us = g_get_monotonic_time() + PATIENCE_US;
    while (g_atomic_int_get(counter) < wanted) {
        g_assert_cmpint(g_get_monotonic_time(), <, end_us);
        g_usleep(10000);
    }
}

/* --- publishers -------------------------------------------------------------------------- */

static void publishing(gpointer data)
{
    (void)data;
    AVFormatContext *encoder = publish("team/Cam");
    g_assert_nonnull(encoder);
    await_people(1);
    json_t *person = rest_json("GET", "/api/v1/rooms/team/participants/p1", "", NULL, 200);
    g_assert_cmpstr(json_text_of(person, "name"), ==, "Cam");
    g_assert_cmpstr(json_text_of(person, "client"), ==, "rtmp");
    json_decref(person);
    for (guint i = 0; i < 20; i++)
        g_assert_true(send_frame(encoder, i));
    await_count(&fake_media.packets, 20);
    g_assert_cmpint(g_atomic_int_get(&fake_media.streams), >=, 1);
    end_publishing(encoder);
    await_people(0);
    await_count(&fake_media.freed, 1);
    g_assert_cmpint(g_atomic_int_get(&fake_media.ended), ==, 1);
}

/* --- figures ----------------------------------------------------------------------------- */

static void expect_metric(const char *line)
{
    g_auto(Reply) reply = { 0 };
    g_autofree char *whole = g_strdup_printf("\n%s\n", line);
    rest("GET", "/metrics", "", NULL, &reply);
    g_assert_cmpuint(reply.status, ==, 200);
    if (!strstr(reply.body, whole))
        g_error("\"%s\" is not in %s", line, reply.body);
}

static void figures(gpointer data)
{
    (void)data;
    AVFormatContext *encoder = publish("team/Cam");
    await_people(1);
    expect_metric("tessera_rtmp_connections 1");
    expect_metric("tessera_rtmp_publishers 1");
    expect_metric("tessera_rtmp_players 0");
    expect_metric("tessera_rtmp_connections_accepted_total 1");
    expect_metric("tessera_rtmp_dropped_packets_total 0");
    expect_metric("tessera_outputs{kind=\"broadcast\",state=\"retrying\"} 1");
    expect_metric("tessera_output_bytes_total{kind=\"hls\"} 3000");
    expect_metric("tessera_hls_responses_total{file=\"segment\"} 0");
    end_publishing(encoder);
    await_people(0);
    expect_metric("tessera_rtmp_publishers 0");
}

static void await_sent_away(AVFormatContext *encoder)
{
    gint64 end_us = g_get_monotonic_time() + PATIENCE_US;
    for (guint i = 0; send_frame(encoder, i); i++) {
        g_assert_cmpint(g_get_monotonic_time(), <, end_us);
        g_usleep(10000);
    }
    end_publishing(encoder);
}

/* Who comes back under the same name, with the room locked meanwhile, replaces the one before. */
static void take_over(gpointer data)
{
    (void)data;
    AVFormatContext *first = publish("team/Cam"), *other = publish("team/Other");
    g_assert_nonnull(first);
    await_people(2);
    g_assert_cmpuint(rest_status("PATCH", "/api/v1/rooms/team", REST_PATCH, "{\"locked\":true}"),
                     ==, 200);
    AVFormatContext *second = publish("team/Cam");
    g_assert_nonnull(second);
    g_assert_null(publish("team/New"));
    await_people(2);
    await_sent_away(first);
    g_assert_true(send_frame(second, 1));
    g_assert_true(send_frame(other, 1));
    end_publishing(second);
    end_publishing(other);
    await_people(0);
    await_count(&fake_media.freed, 3);
}

/* The same stream takes over from itself, also after somebody gave it another name in the room.
 * Another stream of the same person is another one, and so is anybody else's of this name. */
static void take_over_with_tokens(gpointer data)
{
    g_autofree char *ann = fixture_token(&fixture, "team", AUTH_PUBLISH, NULL, "Ann");
    g_autofree char *bob = fixture_token(&fixture, "team", AUTH_PUBLISH, NULL, "Bob");
    g_autofree char *boss = fixture_token(&fixture, "team", AUTH_VIEW | AUTH_CONTROL, NULL, NULL);
    g_autofree char *headers = g_strdup_printf("Authorization: Bearer %s\r\n" REST_PATCH, boss);
    g_autofree char *cam = g_strconcat("team/Cam?token=", ann, NULL);
    g_autofree char *cam_of_bob = g_strconcat("team/Cam?token=", bob, NULL);
    g_autofree char *slides = g_strconcat("team/Slides?token=", ann, NULL);
    (void)data;
    AVFormatContext *first = publish(cam), *second = publish(slides), *third = publish(cam_of_bob);
    await_people_as(boss, 3);
    g_assert_true(send_frame(first, 1));
    g_assert_cmpuint(rest_status("PATCH", "/api/v1/rooms/team/participants/p1", headers,
                                 "{\"name\":\"Studio\"}"),
                     ==, 200);
    AVFormatContext *again = publish(cam);
    g_assert_nonnull(again);
    await_sent_away(first);
    await_people_as(boss, 3);
    g_assert_true(send_frame(second, 1));
    g_assert_true(send_frame(third, 1));
    end_publishing(again);
    end_publishing(second);
    end_publishing(third);
    await_people_as(boss, 0);
}

static void removed(gpointer data)
{
    (void)data;
    AVFormatContext *encoder = publish("team/Cam");
    await_people(1);
    g_assert_cmpuint(rest_status("DELETE", "/api/v1/rooms/team/participants/p1", "", NULL), ==,
                     204);
    await_sent_away(encoder);
    await_count(&fake_media.freed, 1);
    g_assert_cmpuint(people(), ==, 0);
    encoder = publish("team/Cam");
    await_people(1);
    g_assert_cmpuint(rest_status("DELETE", "/api/v1/rooms/team", "", NULL), ==, 204);
    await_sent_away(encoder);
    await_count(&fake_media.freed, 2);
}

static AVFormatContext *staying;

static void stay(gpointer data)
{
    (void)data;
    staying = publish("team/Cam");
    await_people(1);
}

/* --- players ----------------------------------------------------------------------------- */

static void playing(gpointer data)
{
    (void)data;
    g_assert_false(can_play("team/room")); /* no such room */
    AVFormatContext *encoder = publish("team/Cam");
    await_people(1);
    g_assert_false(can_play("team/none")); /* no such layout */
    g_assert_true(can_play("team/room"));
    g_assert_true(can_play("team/1+5"));
    fake_media.play_is_full = TRUE;
    g_assert_false(can_play("team/room"));
    end_publishing(encoder);
}

/* --- tokens ------------------------------------------------------------------------------ */

static gboolean may_publish(const char *path, const char *token)
{
    g_autofree char *whole = token ? g_strconcat(path, "?token=", token, NULL) : g_strdup(path);
    AVFormatContext *encoder = publish(whole);
    if (encoder)
        end_publishing(encoder);
    return encoder != NULL;
}

static gboolean may_play(const char *path, const char *token)
{
    g_autofree char *whole = g_strconcat(path, "?token=", token, NULL);
    return can_play(whole);
}

static void tokens(gpointer data)
{
    g_autofree char *publisher = fixture_token(&fixture, "team", AUTH_PUBLISH, NULL, "Ann");
    g_autofree char *viewer = fixture_token(&fixture, "team", AUTH_VIEW, NULL, NULL);
    (void)data;
    g_assert_false(may_publish("team/Cam", NULL));
    g_assert_false(may_publish("team/Cam", "wrong"));
    g_assert_false(may_publish("team/Cam", viewer));
    g_assert_false(may_publish("other/Cam", publisher));
    g_assert_true(may_publish("team/Cam", publisher));
    g_assert_false(may_play("team/room", publisher));
    g_assert_true(may_play("team/room", viewer));
    g_assert_cmpuint(fixture.api->metrics.auth_failures, ==, 2);
}

/* --- addresses --------------------------------------------------------------------------- */

static void expect_url(const char *listen, const char *begin)
{
    fixture = (Fixture){ 0 };
    fixture_start(&fixture, listen);
    g_autofree char *url = api_rtmp_url(fixture.api, FALSE);
    if (begin)
        g_assert_true(g_str_has_prefix(url, begin));
    else
        g_assert_null(url);
    fixture_stop(&fixture);
}

static void test_urls(void)
{
    expect_url("rtmp.listen=127.0.0.1:0", "rtmp://127.0.0.1:");
    expect_url("rtmp.listen=:0", "rtmp://localhost:");
    expect_url("rtmp.listen=", NULL);
}

static void test_in_use(void)
{
    g_autoptr(GError) error = NULL;
    fixture = (Fixture){ 0 };
    fixture_start(&fixture, "");
    g_autoptr(Config) config = config_new();
    g_autofree char *own = g_strdup_printf("rtmp.listen=127.0.0.1:%u", fixture.port);
    g_autofree char *web = g_strconcat("http.web_dir=", fixture.web, NULL);
    g_assert_true(config_set(config, "http.listen=127.0.0.1:0", NULL));
    g_assert_true(config_set(config, "https.listen=", NULL));
    g_assert_true(config_set(config, own, NULL));
    g_assert_true(config_set(config, web, NULL));
    Api *second = api_new(config, fixture.rooms, NULL, &error);
    g_assert_no_error(error);
    g_assert_false(api_listen(second, &error));
    g_assert_true(g_str_has_prefix(error->message, "rtmp.listen: "));
    g_assert_nonnull(strstr(error->message, "in use"));
    api_free(second);
    fixture_stop(&fixture);
}

/* ----------------------------------------------------------------------------------------- */

static void run_with(const char *settings, void (*function)(gpointer data))
{
    memset(&fake_media, 0, sizeof fake_media);
    fixture = (Fixture){ 0 };
    fixture_start(&fixture, settings);
    g_autofree char *url = api_rtmp_url(fixture.api, FALSE);
    port = (guint)g_ascii_strtoull(strrchr(url, ':') + 1, NULL, 10);
    client_run(function, NULL);
    client_settle();
    fixture_stop(&fixture);
}

static void test_publishing(void)
{
    run_with("rtmp.listen=127.0.0.1:0", publishing);
}

static void test_figures(void)
{
    run_with("rtmp.listen=127.0.0.1:0", figures);
}

static void test_take_over(void)
{
    run_with("rtmp.listen=127.0.0.1:0", take_over);
}

static void test_removed(void)
{
    run_with("rtmp.listen=127.0.0.1:0", removed);
}

static void test_playing(void)
{
    run_with("rtmp.listen=127.0.0.1:0", playing);
}

static void test_take_over_with_tokens(void)
{
    run_with("rtmp.listen=127.0.0.1:0 " FIXTURE_SECRET_SET, take_over_with_tokens);
}

static void test_tokens(void)
{
    run_with("rtmp.listen=127.0.0.1:0 " FIXTURE_SECRET_SET, tokens);
}

/* The server ends while somebody publishes. */
static void test_stop(void)
{
    run_with("rtmp.listen=127.0.0.1:0", stay);
    g_assert_cmpint(fake_media.ended, ==, 1);
    g_assert_cmpint(fake_media.freed, ==, 1);
    end_publishing(staying);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    av_log_set_level(AV_LOG_QUIET);
    g_test_add_func("/rtmp_door/publishing", test_publishing);
    g_test_add_func("/rtmp_door/figures", test_figures);
    g_test_add_func("/rtmp_door/take_over", test_take_over);
    g_test_add_func("/rtmp_door/take_over_with_tokens", test_take_over_with_tokens);
    g_test_add_func("/rtmp_door/removed", test_removed);
    g_test_add_func("/rtmp_door/stop", test_stop);
    g_test_add_func("/rtmp_door/playing", test_playing);
    g_test_add_func("/rtmp_door/tokens", test_tokens);
    g_test_add_func("/rtmp_door/urls", test_urls);
    g_test_add_func("/rtmp_door/in_use", test_in_use);
    return g_test_run();
}
