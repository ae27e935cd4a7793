#include "io/rtmp_server.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <libavcodec/avcodec.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>

#include "base/error.h"
#include "unit/io/rtmp_client.h"

/* The server with real sockets: its thread on one side, a small blocking client on the other. */

#define PATIENCE_S 20

static const guint8 avcc[] = { 0x17, 0,    0,    0,    0,    1,    0x64, 0,    0x0a, 0xff,
                               0xe1, 0,    24,   0x67, 0x64, 0x00, 0x0a, 0xac, 0xd9, 0x42,
                               0x0d, 0xb0, 0x11, 0,    0,    3,    0,    1,    0,    0,
                               3,    0,    0x32, 0x0f, 0x12, 0x25, 0x96, 1,    0,    6,
                               0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0 };
static const guint8 picture[] = { 0x17, 1, 0, 0, 0, 0, 0, 0, 2, 0x65, 0x88 };
static const guint8 asc[] = { 0xaf, 0, 0x11, 0x90 };
static const guint8 sound[] = { 0xaf, 1, 0x21, 0x10 };

typedef struct {
    RtmpServer *server;
    char *directory, *certificate_file, *key_file;

    /* Guarded by lock; changed tells. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    GQueue requests; /* RtmpRequest */
    guint streams, packets, ended, freed;
    char *ended_error;
    guint keyframes_wanted;
    SinkState sink_state;
} Fixture;

/* --- The server's side --- */

static void on_request(RtmpRequest *request, gpointer user)
{
    Fixture *fixture = user;
    if (g_strcmp0(rtmp_request_name(request), "nobody") == 0)
        return;
    pthread_mutex_lock(&fixture->lock);
    g_queue_push_tail(&fixture->requests, rtmp_request_ref(request));
    pthread_cond_broadcast(&fixture->changed);
    pthread_mutex_unlock(&fixture->lock);
}

/* Until something changed; the lock is held. */
static void fixture_wait(Fixture *fixture)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE_S;
    g_assert_cmpint(pthread_cond_timedwait(&fixture->changed, &fixture->lock, &end), ==, 0);
}

static void fixture_count(Fixture *fixture, guint *count)
{
    pthread_mutex_lock(&fixture->lock);
    (*count)++;
    pthread_cond_broadcast(&fixture->changed);
    pthread_mutex_unlock(&fixture->lock);
}

static void on_stream(MediaKind kind, const AVCodecParameters *parameters, gpointer user)
{
    Fixture *fixture = user;
    g_assert_cmpint(parameters->codec_id, ==,
                    kind == MEDIA_VIDEO ? AV_CODEC_ID_H264 : AV_CODEC_ID_AAC);
    fixture_count(fixture, &fixture->streams);
}

static void on_packet(MediaKind kind, const AVPacket *packet, gint64 arrival_ns, gpointer user)
{
    Fixture *fixture = user;
    (void)kind;
    g_assert_cmpint(packet->size, >, 0);
    g_assert_cmpint(arrival_ns, >, 0);
    fixture_count(fixture, &fixture->packets);
}

static void on_ended(const GError *error, gpointer user)
{
    Fixture *fixture = user;
    g_free(fixture->ended_error);
    fixture->ended_error = error ? g_strdup(error->message) : NULL;
    fixture_count(fixture, &fixture->ended);
}

static void on_free(gpointer user)
{
    Fixture *fixture = user;
    fixture_count(fixture, &fixture->freed);
}

static const MediaEvents media_events = { on_stream, on_packet, on_ended };

static void on_changed(Sink *sink, gpointer user)
{
    Fixture *fixture = user;
    SinkStatus status;
    sink_status(sink, &status);
    pthread_mutex_lock(&fixture->lock);
    fixture->sink_state = status.state;
    pthread_cond_broadcast(&fixture->changed);
    pthread_mutex_unlock(&fixture->lock);
}

static void on_want_keyframe(Sink *sink, gpointer user)
{
    Fixture *fixture = user;
    (void)sink;
    fixture_count(fixture, &fixture->keyframes_wanted);
}

static void wait_count(Fixture *fixture, const guint *count, guint value)
{
    pthread_mutex_lock(&fixture->lock);
    while (*count < value)
        fixture_wait(fixture);
    pthread_mutex_unlock(&fixture->lock);
}

static void wait_sink(Fixture *fixture, SinkState state)
{
    pthread_mutex_lock(&fixture->lock);
    while (fixture->sink_state != state)
        fixture_wait(fixture);
    pthread_mutex_unlock(&fixture->lock);
}

static RtmpRequest *take_request(Fixture *fixture)
{
    pthread_mutex_lock(&fixture->lock);
    while (g_queue_is_empty(&fixture->requests))
        fixture_wait(fixture);
    RtmpRequest *request = g_queue_pop_head(&fixture->requests);
    pthread_mutex_unlock(&fixture->lock);
    return request;
}

static void write_pem_files(Fixture *fixture)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x509 = X509_new();
    X509_NAME *name = X509_get_subject_name(x509);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const guint8 *)"localhost", -1, -1, 0);
    X509_set_issuer_name(x509, name);
    X509_gmtime_adj(X509_getm_notBefore(x509), 0);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_set_pubkey(x509, key);
    g_assert_cmpint(X509_sign(x509, key, EVP_sha256()), >, 0);
    BIO *file = BIO_new_file(fixture->certificate_file, "w");
    g_assert_cmpint(PEM_write_bio_X509(file, x509), ==, 1);
    BIO_free(file);
    file = BIO_new_file(fixture->key_file, "w");
    g_assert_cmpint(PEM_write_bio_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), ==, 1);
    BIO_free(file);
    X509_free(x509);
    EVP_PKEY_free(key);
}

static void set_up(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    pthread_mutex_init(&fixture->lock, NULL);
    pthread_cond_init(&fixture->changed, NULL);
    fixture->directory = g_dir_make_tmp("tessera-rtmp-XXXXXX", NULL);
    fixture->certificate_file = g_build_filename(fixture->directory, "cert.pem", NULL);
    fixture->key_file = g_build_filename(fixture->directory, "key.pem", NULL);
    write_pem_files(fixture);
    const RtmpServerConfig *limits = data;
    const RtmpServerConfig config = { .listen = "127.0.0.1:0",
                                      .tls_listen = "localhost:0",
                                      .certificate_file = fixture->certificate_file,
                                      .key_file = fixture->key_file,
                                      .max_per_address = limits ? limits->max_per_address : 0,
                                      .max_bytes = limits ? limits->max_bytes : 0,
                                      .may_accept = limits ? limits->may_accept : NULL };
    fixture->server = rtmp_server_new(&config, on_request, fixture, &error);
    g_assert_no_error(error);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    rtmp_server_free(fixture->server);
    g_queue_clear_full(&fixture->requests, (GDestroyNotify)rtmp_request_unref);
    g_unlink(fixture->certificate_file);
    g_unlink(fixture->key_file);
    g_rmdir(fixture->directory);
    g_free(fixture->certificate_file);
    g_free(fixture->key_file);
    g_free(fixture->directory);
    g_free(fixture->ended_error);
    pthread_mutex_destroy(&fixture->lock);
    pthread_cond_destroy(&fixture->changed);
}

/* --- The client's side --- */

typedef struct {
    RtmpClient rtmp;
    GSocket *socket;
    SSL_CTX *ctx;
    SSL *ssl;
} Client;

static Client *client_new(Fixture *fixture, gboolean secure)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GSocketAddress) address = g_inet_socket_address_new_from_string(
        "127.0.0.1", rtmp_server_port(fixture->server, secure));
    Client *client = g_new0(Client, 1);
    rtmp_client_init(&client->rtmp);
    client->socket =
        g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, &error);
    g_assert_no_error(error);
    g_socket_set_timeout(client->socket, PATIENCE_S);
    g_assert_true(g_socket_connect(client->socket, address, NULL, &error));
    if (!secure)
        return client;
    client->ctx = SSL_CTX_new(TLS_client_method());
    g_assert_cmpint(SSL_CTX_load_verify_locations(client->ctx, fixture->certificate_file, NULL), ==,
                    1);
    SSL_CTX_set_verify(client->ctx, SSL_VERIFY_PEER, NULL);
    client->ssl = SSL_new(client->ctx);
    int flags = fcntl(g_socket_get_fd(client->socket), F_GETFL);
    fcntl(g_socket_get_fd(client->socket), F_SETFL, flags & ~O_NONBLOCK);
    SSL_set_fd(client->ssl, g_socket_get_fd(client->socket));
    g_assert_cmpint(SSL_connect(client->ssl), ==, 1);
    return client;
}

static void client_free(Client *client)
{
    SSL_free(client->ssl);
    SSL_CTX_free(client->ctx);
    g_socket_close(client->socket, NULL);
    g_object_unref(client->socket);
    rtmp_client_clear(&client->rtmp);
    g_free(client);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Client, client_free)

static void client_flush(Client *client)
{
    GByteArray *out = client->rtmp.out;
    gsize pos = 0;
    while (pos < out->len) {
        gssize n = client->ssl ? SSL_write(client->ssl, out->data + pos, (int)(out->len - pos))
                               : g_socket_send(client->socket, (const char *)out->data + pos,
                                               out->len - pos, NULL, NULL);
        if (n <= 0)
            break;
        pos += (gsize)n;
    }
    g_byte_array_set_size(out, 0);
}

/* The next message; FALSE: the server closed. */
static gboolean client_next(Client *client, RtmpMessage *message)
{
    while (!rtmp_client_next(&client->rtmp, message)) {
        guint8 data[4096];
        gssize n = client->ssl
                       ? SSL_read(client->ssl, data, sizeof data)
                       : g_socket_receive(client->socket, (char *)data, sizeof data, NULL, NULL);
        if (n <= 0)
            return FALSE;
        g_byte_array_append(client->rtmp.in, data, (guint)n);
    }
    return TRUE;
}

static gboolean client_wait_type(Client *client, guint8 type, RtmpMessage *message)
{
    while (client_next(client, message))
        if (message->type == type)
            return TRUE;
    return FALSE;
}

/* (transfer full) The text of the status with this code. */
static char *client_wait_status(Client *client, const char *wanted)
{
    RtmpMessage message;
    while (client_next(client, &message)) {
        g_autofree char *code = rtmp_client_info(&message, "code");
        if (g_strcmp0(code, wanted) == 0)
            return rtmp_client_info(&message, "description");
    }
    return NULL;
}

static void client_wait_close(Client *client)
{
    RtmpMessage message;
    while (client_next(client, &message))
        ;
}

static Client *client_ask(Fixture *fixture, gboolean secure, const char *command, const char *name)
{
    Client *client = client_new(fixture, secure);
    rtmp_client_shake_hands(&client->rtmp);
    rtmp_client_connect(&client->rtmp, "room");
    rtmp_client_call(&client->rtmp, 0, "createStream", 2, NULL);
    rtmp_client_call(&client->rtmp, 1, command, 3, name);
    client_flush(client);
    return client;
}

static void client_send_media(Client *client, guint32 ms)
{
    rtmp_client_send(&client->rtmp, 6, RTMP_VIDEO, 1, ms, picture, sizeof picture);
    rtmp_client_send(&client->rtmp, 4, RTMP_AUDIO, 1, ms, sound, sizeof sound);
    client_flush(client);
}

static Client *client_publishing(Fixture *fixture, gboolean secure, RtmpRequest **request)
{
    Client *client = client_ask(fixture, secure, "publish", "alice?token=abc");
    *request = take_request(fixture);
    g_assert_cmpint(rtmp_request_kind(*request), ==, RTMP_PUBLISH);
    g_assert_cmpstr(rtmp_request_room(*request), ==, "room");
    g_assert_cmpstr(rtmp_request_name(*request), ==, "alice");
    g_assert_cmpstr(rtmp_request_token(*request), ==, "abc");
    g_assert_cmpstr(rtmp_request_arg(*request, "token"), ==, "abc");
    g_assert_cmpstr(rtmp_request_peer(*request), ==, "127.0.0.1");
    g_assert_cmpint(rtmp_request_is_secure(*request), ==, secure);
    rtmp_request_accept_publish(*request, &media_events, fixture, on_free);
    g_autofree char *text = client_wait_status(client, "NetStream.Publish.Start");
    g_assert_nonnull(text);
    rtmp_client_send(&client->rtmp, 6, RTMP_VIDEO, 1, 0, avcc, sizeof avcc);
    rtmp_client_send(&client->rtmp, 4, RTMP_AUDIO, 1, 0, asc, sizeof asc);
    client_send_media(client, 0);
    return client;
}

/* --- Publishing --- */

static void check_publish(Fixture *fixture, gboolean secure)
{
    RtmpRequest *request;
    RtmpServerStats stats;
    g_autoptr(Client) client = client_publishing(fixture, secure, &request);
    for (guint i = 1; i <= 50; i++)
        client_send_media(client, i * 20);
    wait_count(fixture, &fixture->packets, 102);
    g_assert_cmpuint(fixture->streams, ==, 2);
    rtmp_server_stats(fixture->server, &stats);
    g_assert_cmpuint(stats.connections, ==, 1);
    g_assert_cmpuint(stats.publishers, ==, 1);
    rtmp_client_call(&client->rtmp, 0, "deleteStream", 5, "alice");
    client_flush(client);
    wait_count(fixture, &fixture->freed, 1);
    g_assert_cmpuint(fixture->ended, ==, 1);
    g_assert_null(fixture->ended_error);
    rtmp_request_unref(request);
}

static void test_publish(Fixture *fixture, gconstpointer data)
{
    (void)data;
    check_publish(fixture, FALSE);
}

static void test_publish_secure(Fixture *fixture, gconstpointer data)
{
    (void)data;
    check_publish(fixture, TRUE);
}

/* A connection that breaks is an error of its publisher; it ends at once. */
static void test_publisher_lost(Fixture *fixture, gconstpointer data)
{
    RtmpRequest *request;
    (void)data;
    client_free(client_publishing(fixture, FALSE, &request));
    wait_count(fixture, &fixture->ended, 1);
    g_assert_nonnull(strstr(fixture->ended_error, "the connection was lost"));
    rtmp_request_unref(request);
}

static void test_takeover(Fixture *fixture, gconstpointer data)
{
    RtmpRequest *first, *second;
    (void)data;
    g_autoptr(Client) old = client_publishing(fixture, FALSE, &first);
    rtmp_publisher_close(first, "Another encoder took over.");
    g_autoptr(Client) new G_GNUC_UNUSED = client_publishing(fixture, FALSE, &second);
    g_autofree char *text = client_wait_status(old, "NetStream.Publish.BadName");
    g_assert_cmpstr(text, ==, "Another encoder took over.");
    client_wait_close(old);
    wait_count(fixture, &fixture->ended, 1);
    g_assert_null(fixture->ended_error);
    rtmp_request_unref(first);
    rtmp_request_unref(second);
}

static void test_refused(Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_autoptr(Client) client = client_ask(fixture, FALSE, "publish", "alice?token=old");
    g_autoptr(RtmpRequest) request = take_request(fixture);
    rtmp_request_refuse(request, "The token has expired.");
    rtmp_request_accept_publish(request, &media_events, fixture, on_free); /* too late */
    wait_count(fixture, &fixture->freed, 1);
    g_autofree char *text = client_wait_status(client, "NetStream.Publish.Denied");
    g_assert_cmpstr(text, ==, "The token has expired.");
    client_wait_close(client);

    /* A request that nobody keeps is refused as well. */
    g_autoptr(Client) lonely = client_ask(fixture, FALSE, "play", "nobody");
    g_autofree char *other = client_wait_status(lonely, "NetStream.Play.Failed");
    g_assert_nonnull(other);
}

/* Whoever waits for an answer may leave before it: its publisher ends at once. */
static void test_left_before_answer(Fixture *fixture, gconstpointer data)
{
    (void)data;
    client_free(client_ask(fixture, FALSE, "publish", "alice"));
    g_autoptr(RtmpRequest) request = take_request(fixture);
    rtmp_request_accept_publish(request, &media_events, fixture, on_free);
    wait_count(fixture, &fixture->freed, 1);
    g_assert_cmpuint(fixture->ended, ==, 1);
}

/* --- Playing --- */

static const guint8 sps_pps_idr[] = { 0,    0,    0,    1,    0x67, 0x64, 0x00, 0x0a, 0xac,
                                      0xd9, 0x42, 0x0d, 0xb0, 0x11, 0,    0,    3,    0,
                                      1,    0,    0,    3,    0,    0x32, 0x0f, 0x12, 0x25,
                                      0x96, 0,    0,    0,    1,    0x68, 0xeb, 0xe3, 0xcb,
                                      0x22, 0xc0, 0,    0,    1,    0x65, 0x88, 0x84 };

static void start_sink(Sink *sink)
{
    AVCodecParameters *video = avcodec_parameters_alloc(), *audio = avcodec_parameters_alloc();
    video->codec_type = AVMEDIA_TYPE_VIDEO;
    video->codec_id = AV_CODEC_ID_H264;
    video->width = 128;
    video->height = 96;
    audio->codec_type = AVMEDIA_TYPE_AUDIO;
    audio->codec_id = AV_CODEC_ID_AAC;
    audio->sample_rate = 48000;
    av_channel_layout_default(&audio->ch_layout, 2);
    audio->extradata = av_mallocz(2 + AV_INPUT_BUFFER_PADDING_SIZE);
    memcpy(audio->extradata, asc + 2, 2);
    audio->extradata_size = 2;
    const SinkStream streams[] = { { .parameters = video }, { .parameters = audio } };
    sink_start(sink, streams, 2);
    avcodec_parameters_free(&video);
    avcodec_parameters_free(&audio);
}

/* size: the picture is filled up to it. */
static void write_sink(Sink *sink, guint stream, gint64 time_us, gboolean is_key, gsize size)
{
    AVPacket *packet = av_packet_alloc();
    gsize n = MAX(size, sizeof sps_pps_idr);
    g_assert_cmpint(av_new_packet(packet, (int)n), ==, 0);
    memset(packet->data, 0x55, n);
    memcpy(packet->data, sps_pps_idr, sizeof sps_pps_idr);
    packet->pts = packet->dts = time_us;
    packet->flags = is_key ? AV_PKT_FLAG_KEY : 0;
    sink_write(sink, stream, packet);
    av_packet_free(&packet);
}

static Sink *accept_play(Fixture *fixture)
{
    const SinkEvents events = { .changed = on_changed,
                                .want_keyframe = on_want_keyframe,
                                .user = fixture };
    g_autoptr(RtmpRequest) request = take_request(fixture);
    g_assert_cmpint(rtmp_request_kind(request), ==, RTMP_PLAY);
    Sink *sink = rtmp_request_accept_play(request, &events);
    g_assert_null(rtmp_request_accept_play(request, &events));
    return sink;
}

static Sink *accept_player(Fixture *fixture)
{
    Sink *sink = accept_play(fixture);
    start_sink(sink);
    return sink;
}

/* Metadata and headers, then from a key frame on; times from 0; the end in order. */
static void check_play(Fixture *fixture, gboolean secure)
{
    RtmpMessage message;
    SinkStatus status;
    g_autoptr(Client) client = client_ask(fixture, secure, "play", "grid");
    g_autoptr(Sink) sink = accept_player(fixture);
    wait_count(fixture, &fixture->keyframes_wanted, 1);
    write_sink(sink, 1, 1000000, TRUE, 100);
    write_sink(sink, 0, 1010000, FALSE, 5000);
    write_sink(sink, 0, 1050000, TRUE, 100000);
    write_sink(sink, 1, 1070000, TRUE, 100);
    write_sink(sink, 0, 1090000, FALSE, 100);
    g_assert_true(client_wait_type(client, RTMP_DATA, &message));
    g_assert_nonnull(memmem(message.data, message.size, "onMetaData", 10));
    g_assert_true(client_next(client, &message));
    g_assert_cmpmem(message.data, message.size, asc, sizeof asc);
    g_assert_true(client_next(client, &message)); /* the parameter sets came in band */
    g_assert_cmpmem(message.data, message.size, avcc, sizeof avcc);
    g_assert_true(client_next(client, &message));
    g_assert_cmpuint(message.type, ==, RTMP_VIDEO);
    g_assert_cmpuint(message.timestamp_ms, ==, 0);
    g_assert_cmpmem(message.data, 2, picture, 2);
    g_assert_true(client_next(client, &message));
    g_assert_cmpuint(message.type, ==, RTMP_AUDIO);
    g_assert_cmpuint(message.timestamp_ms, ==, 20);
    sink_finish(sink);
    g_autofree char *text = client_wait_status(client, "NetStream.Play.UnpublishNotify");
    g_assert_nonnull(text);
    client_wait_close(client);
    wait_sink(fixture, SINK_FINISHED);
    sink_status(sink, &status);
    g_assert_cmpuint(status.packets, ==, 3);
    g_assert_cmpint(status.duration_us, ==, 40000);
}

static void test_play(Fixture *fixture, gconstpointer data)
{
    (void)data;
    check_play(fixture, FALSE);
}

static void test_play_secure(Fixture *fixture, gconstpointer data)
{
    (void)data;
    check_play(fixture, TRUE);
}

static void test_player_leaves(Fixture *fixture, gconstpointer data)
{
    (void)data;
    Client *client = client_ask(fixture, FALSE, "play", "grid");
    g_autoptr(Sink) sink = accept_player(fixture);
    wait_sink(fixture, SINK_RUNNING);
    client_free(client);
    wait_sink(fixture, SINK_FINISHED);
    write_sink(sink, 0, 0, TRUE, 100);
    sink_finish(sink);
}

static void client_pause(Client *client, gboolean paused)
{
    GByteArray *body = rtmp_client_command("pause", 0);
    amf_write_null(body);
    amf_write_boolean(body, paused);
    amf_write_number(body, 0);
    rtmp_client_send_command(&client->rtmp, 8, 1, body);
    client_flush(client);
    g_autofree char *text =
        client_wait_status(client, paused ? "NetStream.Pause.Notify" : "NetStream.Unpause.Notify");
    g_assert_nonnull(text);
}

/* Who pauses and goes on all the time gets a key frame every two seconds, and no more. */
static void test_player_pauses(Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_autoptr(Client) client = client_ask(fixture, FALSE, "play", "grid");
    g_autoptr(Sink) sink = accept_player(fixture);
    wait_count(fixture, &fixture->keyframes_wanted, 1);
    gint64 first_us = g_get_monotonic_time();
    for (guint i = 0; i < 10; i++) {
        client_pause(client, TRUE);
        client_pause(client, FALSE);
    }
    wait_count(fixture, &fixture->keyframes_wanted, 2);
    g_assert_cmpint(g_get_monotonic_time() - first_us, >, 1500000);
    sink_finish(sink);
    wait_sink(fixture, SINK_FINISHED);
}

/* What was to be played cannot be: the player is told why. */
static void test_nothing_to_play(Fixture *fixture, gconstpointer data)
{
    SinkStatus status;
    (void)data;
    g_autoptr(Client) client = client_ask(fixture, FALSE, "play", "grid");
    g_autoptr(Sink) sink = accept_play(fixture);
    sink_fail(sink, "There is no encoder.");
    g_autofree char *text = client_wait_status(client, "NetStream.Play.UnpublishNotify");
    g_assert_cmpstr(text, ==, "There is no encoder.");
    client_wait_close(client);
    wait_sink(fixture, SINK_FAILED);
    sink_status(sink, &status);
    g_assert_cmpstr(status.error, ==, "There is no encoder.");
}

/* A player that does not read holds up nobody, and costs no more than its queue. */
static void test_slow_player(Fixture *fixture, gconstpointer data)
{
    RtmpMessage message;
    SinkStatus status;
    guint32 last_ms = 0;
    (void)data;
    g_autoptr(Client) client = client_ask(fixture, FALSE, "play", "grid");
    g_autoptr(Sink) sink = accept_player(fixture);
    wait_sink(fixture, SINK_RUNNING);
    for (guint i = 0; i < 1000; i++)
        write_sink(sink, 0, i * 40000, i % 50 == 0, 100000);
    sink_status(sink, &status);
    g_assert_cmpuint(status.dropped, >, 500);
    sink_finish(sink);
    while (client_wait_type(client, RTMP_VIDEO, &message)) {
        /* After each gap it goes on with a key frame. */
        if (message.size > 100 && message.timestamp_ms > last_ms + 40)
            g_assert_cmpuint(message.data[0] >> 4, ==, 1);
        last_ms = MAX(last_ms, message.timestamp_ms);
    }
    wait_sink(fixture, SINK_FINISHED);
}

/* --- Limits and the end --- */

static const RtmpServerConfig two_per_address = { .max_per_address = 2 };
static const RtmpServerConfig little_memory = { .max_bytes = 1 << 20 };

/* Send all but the last byte of a message, which is returned. */
static guint8 client_send_unfinished(Client *client, guint8 type, gsize size)
{
    g_autofree guint8 *data = g_malloc0(size);
    rtmp_client_send(&client->rtmp, 4, type, 1, 0, data, (guint32)size);
    GByteArray *out = client->rtmp.out;
    guint8 last = out->data[out->len - 1];
    g_byte_array_set_size(out, out->len - 1);
    client_flush(client);
    return last;
}

/* Where memory runs out, strangers are sent away, however much a publisher holds. */
static void test_memory_of_strangers(Fixture *fixture, gconstpointer data)
{
    Client *strangers[16];
    RtmpServerStats stats = { 0 };
    RtmpRequest *request;
    (void)data;
    g_autoptr(Client) publisher = client_publishing(fixture, FALSE, &request);
    wait_count(fixture, &fixture->packets, 2);
    guint8 last = client_send_unfinished(publisher, RTMP_AUDIO, 600000);
    for (guint i = 0; i < G_N_ELEMENTS(strangers); i++) {
        strangers[i] = client_new(fixture, FALSE);
        rtmp_client_shake_hands(&strangers[i]->rtmp);
        client_send_unfinished(strangers[i], RTMP_DATA, 60000);
    }
    for (guint i = 0; i < PATIENCE_S * 1000; i++) {
        rtmp_server_stats(fixture->server, &stats);
        if (stats.accepted > G_N_ELEMENTS(strangers) && stats.connections <= 10)
            break;
        g_usleep(1000);
    }
    g_assert_cmpuint(stats.connections, <=, 10);
    g_assert_cmpuint(stats.publishers, ==, 1);
    g_byte_array_append(publisher->rtmp.out, &last, 1);
    client_send_media(publisher, 40);
    wait_count(fixture, &fixture->packets, 4);
    for (guint i = 0; i < G_N_ELEMENTS(strangers); i++)
        client_free(strangers[i]);
    rtmp_request_unref(request);
}

static void test_limit_per_address(Fixture *fixture, gconstpointer data)
{
    RtmpServerStats stats;
    RtmpRequest *request;
    (void)data;
    g_autoptr(Client) first G_GNUC_UNUSED = client_publishing(fixture, FALSE, &request);
    g_autoptr(Client) second G_GNUC_UNUSED = client_ask(fixture, FALSE, "publish", "bob");
    g_autoptr(RtmpRequest) other G_GNUC_UNUSED = take_request(fixture);
    g_autoptr(Client) third = client_new(fixture, FALSE);
    client_wait_close(third);
    rtmp_server_stats(fixture->server, &stats);
    g_assert_cmpuint(stats.connections, ==, 2);
    g_assert_cmpuint(stats.accepted, ==, 2);
    g_assert_cmpuint(stats.refused, ==, 1);
    rtmp_request_unref(request);
}

static gboolean refuse_all(GError **error)
{
    g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE, "nothing is left");
    return FALSE;
}

static const RtmpServerConfig exhausted = { .may_accept = refuse_all };

/* A process that has hardly a descriptor left sends away who comes. */
static void test_exhausted(Fixture *fixture, gconstpointer data)
{
    RtmpServerStats stats;
    (void)data;
    g_autoptr(Client) client = client_new(fixture, FALSE);
    client_wait_close(client);
    rtmp_server_stats(fixture->server, &stats);
    g_assert_cmpuint(stats.accepted, ==, 0);
    g_assert_cmpuint(stats.refused, ==, 1);
}

/* Publishers and players are told; handles outlive the server. */
static void test_drain(Fixture *fixture, gconstpointer data)
{
    RtmpRequest *request;
    (void)data;
    g_autoptr(Client) publisher = client_publishing(fixture, FALSE, &request);
    g_autoptr(Client) waiting G_GNUC_UNUSED = client_ask(fixture, FALSE, "publish", "bob");
    g_autoptr(RtmpRequest) unanswered = take_request(fixture);
    g_autoptr(Client) player = client_ask(fixture, FALSE, "play", "grid");
    g_autoptr(Sink) sink = accept_player(fixture);
    wait_sink(fixture, SINK_RUNNING);
    rtmp_server_drain(fixture->server);
    g_autofree char *one = client_wait_status(publisher, "NetStream.Unpublish.Success");
    g_autofree char *two = client_wait_status(player, "NetStream.Play.UnpublishNotify");
    g_assert_nonnull(one);
    g_assert_nonnull(two);
    wait_count(fixture, &fixture->ended, 1);
    wait_sink(fixture, SINK_FINISHED);
    g_clear_pointer(&fixture->server, rtmp_server_free);
    rtmp_request_accept_publish(unanswered, &media_events, fixture, on_free);
    g_assert_cmpuint(fixture->ended, ==, 2);
    write_sink(sink, 0, 0, TRUE, 100);
    rtmp_publisher_close(request, NULL);
    rtmp_request_unref(request);
}

static void test_bad_config(void)
{
    const RtmpServerConfig configs[] = {
        { .listen = "nowhere" },
        { .listen = "127.0.0.1:99999" },
        { .tls_listen = "127.0.0.1:0", .certificate_file = "/none", .key_file = "/none" },
        { .listen = "192.0.2.1:1935" },
    };
    for (guint i = 0; i < G_N_ELEMENTS(configs); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(rtmp_server_new(&configs[i], on_request, NULL, &error));
        g_assert_nonnull(error);
    }
}

#define ADD(name, data, function) \
    g_test_add("/rtmp_server/" name, Fixture, data, set_up, function, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("publish", NULL, test_publish);
    ADD("publish_secure", NULL, test_publish_secure);
    ADD("publisher_lost", NULL, test_publisher_lost);
    ADD("takeover", NULL, test_takeover);
    ADD("refused", NULL, test_refused);
    ADD("left_before_answer", NULL, test_left_before_answer);
    ADD("play", NULL, test_play);
    ADD("play_secure", NULL, test_play_secure);
    ADD("player_leaves", NULL, test_player_leaves);
    ADD("player_pauses", NULL, test_player_pauses);
    ADD("nothing_to_play", NULL, test_nothing_to_play);
    ADD("slow_player", NULL, test_slow_player);
    ADD("limit_per_address", &two_per_address, test_limit_per_address);
    ADD("memory_of_strangers", &little_memory, test_memory_of_strangers);
    ADD("exhausted", &exhausted, test_exhausted);
    ADD("drain", NULL, test_drain);
    g_test_add_func("/rtmp_server/bad_config", test_bad_config);
    return g_test_run();
}
