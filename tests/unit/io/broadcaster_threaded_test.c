#include "io/broadcaster.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "io/amf.h"
#include "io/rtmp_chunk.h"
#include "io/rtmp_handshake.h"
#include "unit/io/sample_stream.h"

/* Broadcasts against a small RTMP server in this program, on a thread of its own: it takes what is
 * published and keeps notes, refuses, goes away, or says nothing. */

typedef enum { STUB_TAKES, STUB_REFUSES, STUB_LEAVES, STUB_SILENT } StubManner;

#define LEAVES_AFTER 20 /* media messages of the first connection */
#define KEY          "s3cretKey"

typedef struct {
    guint8 type;
    guint32 timestamp_ms;
    guint8 begin[2];
    guint connection;
} Note;

typedef struct {
    StubManner manner;
    GSocket *listening;
    gint stopping; /* atomic */
    GThread *thread;
    guint16 port;

    /* The stub's thread only. */
    RtmpChunkReader *reader;
    RtmpChunkWriter *writer;
    GByteArray *in, *out;
    guint connection, media;

    /* Guarded by lock. */
    pthread_mutex_t lock;
    GArray *notes;     /* Note */
    GString *commands; /* "connect releaseStream ..." */
    char *app, *name;
} Stub;

static void stub_send(Stub *stub, guint stream_id, const GByteArray *body)
{
    RtmpMessage message = { 3, RTMP_COMMAND, 0, stream_id, body->data, body->len };
    rtmp_chunk_writer_write(stub->writer, &message, stub->out);
}

static void stub_result(Stub *stub, gdouble transaction, gdouble value)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    amf_write_string(body, "_result");
    amf_write_number(body, transaction);
    amf_write_null(body);
    amf_write_number(body, value);
    stub_send(stub, 0, body);
}

static void stub_status(Stub *stub, const char *level, const char *code, const char *description)
{
    const char *const members[][2] = { { "level", level },
                                       { "code", code },
                                       { "description", description } };
    g_autoptr(GByteArray) body = g_byte_array_new();
    amf_write_string(body, "onStatus");
    amf_write_number(body, 0);
    amf_write_null(body);
    amf_write_object(body);
    for (gsize i = 0; i < G_N_ELEMENTS(members); i++) {
        amf_write_name(body, members[i][0]);
        amf_write_string(body, members[i][1]);
    }
    amf_write_end(body);
    stub_send(stub, 1, body);
}

static void stub_publish(Stub *stub)
{
    if (stub->manner == STUB_REFUSES)
        stub_status(stub, "error", "NetStream.Publish.BadName", "no such key: " KEY "\r\nsorry");
    else
        stub_status(stub, "status", "NetStream.Publish.Start", "go on");
}

static void stub_remember(Stub *stub, const char *command, const AmfValue *object,
                          const AmfValue *value)
{
    pthread_mutex_lock(&stub->lock);
    g_string_append_printf(stub->commands, "%s ", command);
    if (!strcmp(command, "connect") && !stub->app)
        stub->app = g_strdup(amf_string(amf_get(object, "app")));
    if (!strcmp(command, "publish") && !stub->name)
        stub->name = g_strdup(amf_string(value));
    pthread_mutex_unlock(&stub->lock);
}

static void stub_command(Stub *stub, const RtmpMessage *message)
{
    ByteReader reader = byte_reader(message->data, message->size);
    g_autoptr(AmfValue) name = amf_read(&reader);
    g_autoptr(AmfValue) transaction = amf_read(&reader);
    g_autoptr(AmfValue) object = amf_read(&reader);
    g_autoptr(AmfValue) value = amf_read(&reader);
    const char *command = amf_string(name);
    stub_remember(stub, command, object, value);
    if (!strcmp(command, "connect") || !strcmp(command, "createStream"))
        stub_result(stub, amf_number(transaction, 0), 1);
    if (!strcmp(command, "publish"))
        stub_publish(stub);
}

static void stub_note(Stub *stub, const RtmpMessage *message)
{
    Note note = { message->type, message->timestamp_ms, { 0 }, stub->connection };
    memcpy(note.begin, message->data, MIN(message->size, sizeof note.begin));
    pthread_mutex_lock(&stub->lock);
    g_array_append_val(stub->notes, note);
    pthread_mutex_unlock(&stub->lock);
    stub->media++;
}

/** Until there is something to read, or a connection to take. FALSE: the stub is to stop. */
static gboolean stub_wait(Stub *stub, GSocket *socket)
{
    while (!g_atomic_int_get(&stub->stopping))
        if (g_socket_condition_timed_wait(socket, G_IO_IN, G_USEC_PER_SEC / 50, NULL, NULL))
            return TRUE;
    return FALSE;
}

static gboolean stub_flush(Stub *stub, GSocket *peer)
{
    gsize at = 0;
    while (at < stub->out->len) {
        gssize n =
            g_socket_send(peer, (char *)stub->out->data + at, stub->out->len - at, NULL, NULL);
        if (n <= 0)
            return FALSE;
        at += (gsize)n;
    }
    g_byte_array_set_size(stub->out, 0);
    return TRUE;
}

static gboolean stub_fill(Stub *stub, GSocket *peer)
{
    char data[4096];
    if (!stub_wait(stub, peer))
        return FALSE;
    gssize n = g_socket_receive(peer, data, sizeof data, NULL, NULL);
    if (n > 0)
        g_byte_array_append(stub->in, (guint8 *)data, (guint)n);
    return n > 0;
}

static gboolean stub_shake_hands(Stub *stub, GSocket *peer)
{
    g_autoptr(RtmpHandshake) handshake = rtmp_handshake_new(1);
    RtmpHandshakeState state = RTMP_HANDSHAKE_MORE;
    while (state == RTMP_HANDSHAKE_MORE && stub_fill(stub, peer)) {
        gsize used = 0;
        state = rtmp_handshake_feed(handshake, stub->in->data, stub->in->len, &used, stub->out);
        g_byte_array_remove_range(stub->in, 0, (guint)used);
        stub_flush(stub, peer);
    }
    return state == RTMP_HANDSHAKE_DONE;
}

static void stub_read_messages(Stub *stub)
{
    RtmpMessage message;
    RtmpChunkResult result = RTMP_CHUNK_MESSAGE;
    while (result == RTMP_CHUNK_MESSAGE) {
        gsize used = 0;
        result = rtmp_chunk_reader_next(stub->reader, stub->in->data, stub->in->len, clock_now_ns(),
                                        &used, &message);
        if (result == RTMP_CHUNK_MESSAGE && message.type == RTMP_COMMAND)
            stub_command(stub, &message);
        else if (result == RTMP_CHUNK_MESSAGE)
            stub_note(stub, &message);
        g_byte_array_remove_range(stub->in, 0, (guint)used);
    }
    g_assert_cmpint(result, ==, RTMP_CHUNK_MORE);
}

static void stub_serve(Stub *stub, GSocket *peer)
{
    static const RtmpChunkLimits limits = { 1 << 20, 65536, 1 << 21 };
    stub->reader = rtmp_chunk_reader_new(&limits);
    stub->writer = rtmp_chunk_writer_new();
    stub->media = 0;
    stub->connection++;
    g_byte_array_set_size(stub->in, 0);
    g_byte_array_set_size(stub->out, 0);
    gboolean going_on = stub_shake_hands(stub, peer);
    while (going_on) {
        stub_read_messages(stub);
        going_on = stub_flush(stub, peer) && stub_fill(stub, peer);
        if (stub->manner == STUB_LEAVES && stub->connection == 1 && stub->media >= LEAVES_AFTER)
            going_on = FALSE;
    }
    g_clear_pointer(&stub->reader, rtmp_chunk_reader_free);
    g_clear_pointer(&stub->writer, rtmp_chunk_writer_free);
}

static gpointer stub_run(gpointer data)
{
    Stub *stub = data;
    while (stub_wait(stub, stub->listening)) {
        g_autoptr(GSocket) peer = g_socket_accept(stub->listening, NULL, NULL);
        if (peer && stub->manner != STUB_SILENT)
            stub_serve(stub, peer);
        while (stub->manner == STUB_SILENT && !g_atomic_int_get(&stub->stopping))
            stub_wait(stub, stub->listening);
    }
    return NULL;
}

static Stub *stub_new(StubManner manner)
{
    Stub *stub = g_new0(Stub, 1);
    stub->manner = manner;
    stub->in = g_byte_array_new();
    stub->out = g_byte_array_new();
    stub->notes = g_array_new(FALSE, FALSE, sizeof(Note));
    stub->commands = g_string_new(NULL);
    pthread_mutex_init(&stub->lock, NULL);
    g_autoptr(GSocketAddress) any = g_inet_socket_address_new_from_string("127.0.0.1", 0);
    stub->listening =
        g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL);
    g_assert_true(g_socket_bind(stub->listening, any, TRUE, NULL));
    g_assert_true(g_socket_listen(stub->listening, NULL));
    g_autoptr(GSocketAddress) own = g_socket_get_local_address(stub->listening, NULL);
    stub->port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(own));
    stub->thread = g_thread_new("stub", stub_run, stub);
    return stub;
}

static void stub_free(Stub *stub)
{
    g_atomic_int_set(&stub->stopping, 1);
    g_thread_join(stub->thread);
    g_object_unref(stub->listening);
    g_byte_array_unref(stub->in);
    g_byte_array_unref(stub->out);
    g_array_unref(stub->notes);
    g_string_free(stub->commands, TRUE);
    pthread_mutex_destroy(&stub->lock);
    g_free(stub->app);
    g_free(stub->name);
    g_free(stub);
}

static guint stub_count(Stub *stub, guint connection)
{
    guint n = 0;
    pthread_mutex_lock(&stub->lock);
    for (guint i = 0; i < stub->notes->len; i++)
        n += g_array_index(stub->notes, Note, i).connection == connection;
    pthread_mutex_unlock(&stub->lock);
    return n;
}

/* ---- the broadcast's side ---- */

static SampleStream *sample;

typedef struct {
    Sink *sink;
    MediaUrlPolicy *policy;
    guint fed;
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

static Cast *cast_new(const char *host, guint port, BroadcasterOptions options)
{
    Cast *cast = g_new0(Cast, 1);
    SinkEvents events = { note_change, note_keyframe, cast, NULL };
    g_autofree char *url = g_strdup_printf("rtmp://%s:%u/live/" KEY "?token=t0ken", host, port);
    g_autoptr(GError) error = NULL;
    cast->sink = broadcaster_new(url, &options, &events, &error);
    g_assert_no_error(error);
    SinkStream streams[2] = { { sample->parameters[0], NULL }, { sample->parameters[1], NULL } };
    sink_start(cast->sink, streams, 2);
    return cast;
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
    gint64 offset_us = (gint64)(cast->fed / sample->packets->len) * 2 * G_USEC_PER_SEC;
    AVPacket *shifted = av_packet_clone(packet);
    shifted->dts += offset_us;
    shifted->pts += offset_us;
    sink_write(cast->sink, (guint)packet->stream_index, shifted);
    av_packet_free(&shifted);
    cast->fed++;
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
    g_assert_cmpint(g_get_monotonic_time() - began_us, <, 2 * G_USEC_PER_SEC);
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
