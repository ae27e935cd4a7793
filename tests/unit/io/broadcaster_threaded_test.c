#include "io/broadcaster.h"

#include <string.h>

#include "base/error.h"
#include "unit/io/rtmp_stub.h"
#include "unit/io/sample_stream.h"

/* Broadcasts against a small RTMP server in this program. */

static SampleStream *sample;

typedef struct {
    Sink *sink;
    MediaUrlPolicy *policy;
    guint fed;
    gint only;                  /* of the sample's streams, or -1: both */
    gint asked;                 /* atomic */
    gint seen[SINK_FAILED + 1]; /* atomic: how often each state was told */
} Cast;

static void note_change(Sink *sink, gpointer user)
{
    SinkStatus status;
    sink_status(sink, &status);
    g_atomic_int_inc(&((Cast *)user)->seen[status.state]);
}

static void note_keyframe(Sink *sink, gpointer user)
{
    (void)sink;
    g_atomic_int_inc(&((Cast *)user)->asked);
}

static Cast *cast_of(gint only, const char *host, guint port, BroadcasterOptions options)
{
    Cast *cast = g_new0(Cast, 1);
    cast->only = only;
    SinkEvents events = { note_change, note_keyframe, cast, NULL };
    g_autofree char *url = g_strdup_printf("rtmp://%s:%u/live/" KEY "?token=t0ken", host, port);
    g_autoptr(GError) error = NULL;
    cast->sink = broadcaster_new(url, &options, &events, &error);
    g_assert_no_error(error);
    SinkStream streams[2] = { { sample->parameters[0], NULL }, { sample->parameters[1], NULL } };
    sink_start(cast->sink, streams + MAX(only, 0), only < 0 ? 2 : 1);
    return cast;
}

static Cast *cast_new(const char *host, guint port, BroadcasterOptions options)
{
    return cast_of(-1, host, port, options);
}

static Cast *cast_to(const Stub *stub, guint timeout_ms, gboolean keep_trying)
{
    g_autoptr(MediaUrlPolicy) policy = media_url_policy_new(TRUE, NULL, NULL);
    return cast_new("127.0.0.1", stub->port,
                    (BroadcasterOptions){ policy, NULL, timeout_ms, keep_trying });
}

static void cast_free(Cast *cast)
{
    sink_unref(cast->sink);
    g_free(cast);
}

/** The sample again and again, its times going on. */
static void cast_feed(Cast *cast)
{
    const AVPacket *packet = sample->packets->pdata[cast->fed % sample->packets->len];
    gint64 offset_us = (gint64)(cast->fed++ / sample->packets->len) * 2 * G_USEC_PER_SEC;
    if (cast->only >= 0 && packet->stream_index != cast->only)
        return;
    AVPacket *shifted = av_packet_clone(packet);
    shifted->dts += offset_us;
    shifted->pts += offset_us;
    sink_write(cast->sink, cast->only < 0 ? (guint)packet->stream_index : 0, shifted);
    av_packet_free(&shifted);
}

static SinkStatus status_of(Cast *cast)
{
    SinkStatus status;
    sink_status(cast->sink, &status);
    return status;
}

#define DEADLINE_US (20 * G_USEC_PER_SEC)

static void await_state(Cast *cast, SinkState state)
{
    gint64 until_us = g_get_monotonic_time() + DEADLINE_US;
    while (status_of(cast).state != state && g_get_monotonic_time() < until_us)
        g_usleep(1000);
    g_assert_cmpstr(sink_state_name(status_of(cast).state), ==, sink_state_name(state));
}

static void feed_until(Cast *cast, Stub *stub, guint connection, guint n)
{
    gint64 until_us = g_get_monotonic_time() + DEADLINE_US;
    while (stub_count(stub, connection) < n && g_get_monotonic_time() < until_us) {
        cast_feed(cast);
        g_usleep(1000);
    }
    g_assert_cmpuint(stub_count(stub, connection), >=, n);
}

/** What has come over one connection: description, headers, then a key frame at 0. */
static void check_beginning(Stub *stub, guint connection)
{
    guint headers = 0, data = 0;
    gint64 last[2] = { -1, -1 };
    pthread_mutex_lock(&stub->lock);
    for (guint i = 0; i < stub->notes->len; i++) {
        const Note *note = &g_array_index(stub->notes, Note, i);
        if (note->connection != connection)
            continue;
        gboolean is_video = note->type == RTMP_VIDEO;
        data += note->type == RTMP_DATA;
        if (note->type == RTMP_DATA || note->type < RTMP_AUDIO)
            continue;
        if (note->begin[1] == 0) {
            headers++;
            g_assert_cmpint(last[0], ==, -1);
            continue;
        }
        if (last[0] < 0) { /* the first packet is a key frame */
            g_assert_true(is_video);
            g_assert_cmpint(note->begin[0], ==, 0x17);
            g_assert_cmpuint(note->timestamp_ms, ==, 0);
        }
        g_assert_cmpint(note->timestamp_ms, >, last[!is_video] - !is_video);
        last[!is_video] = note->timestamp_ms;
    }
    pthread_mutex_unlock(&stub->lock);
    g_assert_cmpuint(data, ==, 1);
    g_assert_cmpuint(headers, ==, 2);
}

static void test_publishes(void)
{
    Stub *stub = stub_new(STUB_TAKES);
    Cast *cast = cast_to(stub, 0, FALSE);
    g_assert_cmpstr(strstr(broadcaster_shown_url(cast->sink), "/live/"), ==, "/live/****");
    feed_until(cast, stub, 1, 60);
    g_assert_cmpint(status_of(cast).state, ==, SINK_RUNNING);
    sink_finish(cast->sink);
    await_state(cast, SINK_FINISHED);
    check_beginning(stub, 1);
    SinkStatus status = status_of(cast);
    g_assert_cmpuint(status.packets, >=, 50);
    g_assert_cmpuint(status.bytes, >, 5000);
    g_assert_cmpuint(status.reconnects, ==, 0);
    g_assert_cmpint(status.duration_us, >, 0);
    g_assert_cmpint(g_atomic_int_get(&cast->asked), >=, 1);
    cast_free(cast);
    stub_free(stub);
}

static gboolean tells(const Stub *stub, const char *name)
{
    return memmem(stub->metadata->str, stub->metadata->len, name, strlen(name)) != NULL;
}

/* One stream alone: its header, its packets from 0, and a description that promises no other. */
static void check_alone(Stub *stub, guint8 type)
{
    gboolean is_video = type == RTMP_VIDEO;
    guint headers = 0, packets = 0;
    pthread_mutex_lock(&stub->lock);
    for (guint i = 0; i < stub->notes->len; i++) {
        const Note *note = &g_array_index(stub->notes, Note, i);
        if (note->type == RTMP_DATA || note->type < RTMP_AUDIO)
            continue;
        g_assert_cmpuint(note->type, ==, type);
        headers += note->begin[1] == 0;
        if (note->begin[1] != 0 && packets++ == 0)
            g_assert_cmpuint(note->timestamp_ms, ==, 0);
    }
    g_assert_true(tells(stub, "videocodecid") == is_video);
    g_assert_true(tells(stub, "width") == is_video);
    g_assert_true(tells(stub, "audiocodecid") == !is_video);
    pthread_mutex_unlock(&stub->lock);
    g_assert_cmpuint(headers, ==, 1);
    g_assert_cmpuint(packets, >=, 30);
}

static void test_alone(void)
{
    static const guint8 types[] = { RTMP_VIDEO, RTMP_AUDIO };
    g_autoptr(MediaUrlPolicy) policy = media_url_policy_new(TRUE, NULL, NULL);
    for (gint only = 0; only < 2; only++) {
        Stub *stub = stub_new(STUB_TAKES);
        Cast *cast =
            cast_of(only, "127.0.0.1", stub->port, (BroadcasterOptions){ .policy = policy });
        feed_until(cast, stub, 1, 40);
        g_assert_cmpint(status_of(cast).state, ==, SINK_RUNNING);
        sink_finish(cast->sink);
        await_state(cast, SINK_FINISHED);
        check_alone(stub, types[only]);
        g_assert_true((g_atomic_int_get(&cast->asked) > 0) == (only == 0));
        cast_free(cast);
        stub_free(stub);
    }
}

static void test_commands(void)
{
    Stub *stub = stub_new(STUB_TAKES);
    Cast *cast = cast_to(stub, 0, FALSE);
    await_state(cast, SINK_RUNNING);
    sink_finish(cast->sink);
    await_state(cast, SINK_FINISHED);
    gint64 until_us = g_get_monotonic_time() + DEADLINE_US;
    gboolean all = FALSE;
    while (!all && g_get_monotonic_time() < until_us) {
        pthread_mutex_lock(&stub->lock);
        all = !strcmp(stub->commands->str, "connect releaseStream FCPublish createStream publish "
                                           "FCUnpublish deleteStream ");
        pthread_mutex_unlock(&stub->lock);
    }
    g_assert_true(all);
    g_assert_cmpstr(stub->app, ==, "live");
    g_assert_cmpstr(stub->name, ==, KEY "?token=t0ken");
    cast_free(cast);
    stub_free(stub);
}

static void test_refused(void)
{
    Stub *stub = stub_new(STUB_REFUSES);
    Cast *cast = cast_to(stub, 0, TRUE);
    await_state(cast, SINK_FAILED);
    SinkStatus status = status_of(cast);
    g_assert_cmpstr(status.error, ==,
                    "The destination refuses the stream (no such key: ****\?\?sorry).");
    g_assert_cmpint(g_atomic_int_get(&cast->seen[SINK_RUNNING]), ==, 0);
    cast_free(cast);
    stub_free(stub);
}

/* As some do with a wrong key: they take it, and close after a moment. */
static void test_dropped(void)
{
    Stub *stub = stub_new(STUB_LEAVES);
    Cast *cast = cast_to(stub, 0, FALSE);
    gint64 until_us = g_get_monotonic_time() + DEADLINE_US;
    while (status_of(cast).state != SINK_FAILED && g_get_monotonic_time() < until_us) {
        cast_feed(cast);
        g_usleep(1000);
    }
    await_state(cast, SINK_FAILED);
    g_assert_cmpstr(status_of(cast).error, ==,
                    "The destination took the stream and closed the connection at once; check the "
                    "stream key.");
    cast_free(cast);
    stub_free(stub);
}

static void test_reconnects(void)
{
    Stub *stub = stub_new(STUB_LEAVES);
    Cast *cast = cast_to(stub, 0, TRUE);
    feed_until(cast, stub, 2, 40);
    check_beginning(stub, 1);
    check_beginning(stub, 2);
    SinkStatus status = status_of(cast);
    g_assert_cmpuint(status.reconnects, ==, 1);
    g_assert_cmpint(g_atomic_int_get(&cast->seen[SINK_RETRYING]), ==, 1);
    g_assert_cmpint(g_atomic_int_get(&cast->seen[SINK_RUNNING]), ==, 2);
    g_assert_cmpint(g_atomic_int_get(&cast->asked), >=, 2);
    cast_free(cast);
    stub_free(stub);
}

static void test_silent(void)
{
    Stub *stub = stub_new(STUB_SILENT);
    Cast *cast = cast_to(stub, 200, FALSE);
    await_state(cast, SINK_FAILED);
    g_assert_nonnull(strstr(status_of(cast).error, "does not answer"));
    cast_free(cast);
    stub_free(stub);
}

static void test_finish_while_it_waits(void)
{
    Stub *stub = stub_new(STUB_SILENT);
    Cast *cast = cast_to(stub, 60000, FALSE);
    gint64 began_us = g_get_monotonic_time();
    sink_finish(cast->sink);
    await_state(cast, SINK_FINISHED);
    g_assert_cmpint(g_get_monotonic_time() - began_us, <, 6 * G_USEC_PER_SEC);
    cast_free(cast);
    stub_free(stub);
}

static void test_nobody_there(void)
{
    Stub *stub = stub_new(STUB_TAKES);
    guint16 port = stub->port;
    stub_free(stub);
    g_autoptr(MediaUrlPolicy) policy = media_url_policy_new(TRUE, NULL, NULL);
    Cast *cast = cast_new("127.0.0.1", port, (BroadcasterOptions){ .policy = policy });
    await_state(cast, SINK_FAILED);
    g_assert_nonnull(strstr(status_of(cast).error, "does not take connections"));
    cast_free(cast);
}

/* A name that leads to a private address is found out when it is resolved. */
static void test_private_name(void)
{
    Stub *stub = stub_new(STUB_TAKES);
    Cast *cast = cast_new("localhost", stub->port, (BroadcasterOptions){ .keep_trying = TRUE });
    await_state(cast, SINK_FAILED);
    g_assert_nonnull(strstr(status_of(cast).error, "private or reserved"));
    g_assert_cmpuint(stub_count(stub, 1), ==, 0);
    cast_free(cast);
    stub_free(stub);
}

static void test_urls(void)
{
    static const struct {
        const char *url;
        gint code;
    } cases[] = {
        { "http://192.0.2.1/a/b", TESSERA_ERROR_INVALID },
        { "rtmp://a.example/a", TESSERA_ERROR_INVALID },
        { "rtmp://u:p@a.example/a/b", TESSERA_ERROR_UNSUPPORTED },
        { "rtmp://10.0.0.1/a/b", TESSERA_ERROR_FORBIDDEN },
        { "srt://[::1]:9000", TESSERA_ERROR_FORBIDDEN },
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(broadcaster_new(cases[i].url, NULL, NULL, &error));
        g_assert_error(error, TESSERA_ERROR, cases[i].code);
    }
}

static void test_wrong_codec(void)
{
    g_autoptr(MediaUrlPolicy) policy = media_url_policy_new(TRUE, NULL, NULL);
    BroadcasterOptions options = { .policy = policy };
    Cast cast = { .sink = broadcaster_new("rtmp://127.0.0.1:1/a/b", &options, NULL, NULL) };
    AVCodecParameters *vp8 = avcodec_parameters_alloc();
    vp8->codec_type = AVMEDIA_TYPE_VIDEO;
    vp8->codec_id = AV_CODEC_ID_VP8;
    SinkStream stream = { vp8, NULL };
    sink_start(cast.sink, &stream, 1);
    await_state(&cast, SINK_FAILED);
    g_assert_nonnull(strstr(status_of(&cast).error, "H.264"));
    avcodec_parameters_free(&vp8);
    sink_unref(cast.sink);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    av_log_set_level(AV_LOG_QUIET);
    sample = sample_stream_new("libx264", "aac", 2, SAMPLE_FPS);
    g_test_add_func("/broadcaster/publishes", test_publishes);
    g_test_add_func("/broadcaster/alone", test_alone);
    g_test_add_func("/broadcaster/commands", test_commands);
    g_test_add_func("/broadcaster/refused", test_refused);
    g_test_add_func("/broadcaster/dropped", test_dropped);
    g_test_add_func("/broadcaster/reconnects", test_reconnects);
    g_test_add_func("/broadcaster/silent", test_silent);
    g_test_add_func("/broadcaster/finish_while_it_waits", test_finish_while_it_waits);
    g_test_add_func("/broadcaster/nobody_there", test_nobody_there);
    g_test_add_func("/broadcaster/private_name", test_private_name);
    g_test_add_func("/broadcaster/urls", test_urls);
    g_test_add_func("/broadcaster/wrong_codec", test_wrong_codec);
    int result = g_test_run();
    sample_stream_free(sample);
    return result;
}
