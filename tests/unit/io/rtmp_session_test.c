#include "io/rtmp_session.h"

#include "base/clock.h"
#include "io/rtmp_chunk.h"
#include "unit/io/rtmp_client.h"

typedef struct {
    RtmpSession *session;
    RtmpClient client;
    gint64 now_ns;

    guint requests;
    RtmpRequestKind kind;
    char *room, *name, *token;
    gboolean accept_at_once;

    guint media;
    MediaKind media_kind;
    guint32 media_ms[8];
    gsize media_size;
} Fixture;

static void on_request(RtmpRequestKind kind, RtmpTarget *target, gpointer user)
{
    Fixture *fixture = user;
    fixture->requests++;
    fixture->kind = kind;
    fixture->room = g_strdup(rtmp_target_room(target));
    fixture->name = g_strdup(rtmp_target_name(target));
    fixture->token = g_strdup(rtmp_target_arg(target, "token"));
    if (fixture->accept_at_once)
        rtmp_session_accept(fixture->session, fixture->now_ns);
}

static void on_media(MediaKind kind, guint32 timestamp_ms, const guint8 *data, gsize size,
                     gint64 now_ns, gpointer user)
{
    Fixture *fixture = user;
    (void)data;
    g_assert_cmpint(now_ns, ==, fixture->now_ns);
    fixture->media_kind = kind;
    fixture->media_size = size;
    fixture->media_ms[fixture->media++ % G_N_ELEMENTS(fixture->media_ms)] = timestamp_ms;
}

static void set_up(Fixture *fixture, gconstpointer data)
{
    static const RtmpSessionEvents events = { .request = on_request, .media = on_media };
    (void)data;
    fixture->now_ns = 100 * NS_PER_SEC;
    fixture->session = rtmp_session_new(&events, fixture, fixture->now_ns);
    rtmp_client_init(&fixture->client);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    rtmp_session_free(fixture->session);
    rtmp_client_clear(&fixture->client);
    g_free(fixture->room);
    g_free(fixture->name);
    g_free(fixture->token);
}

/* What the client wants to say, in pieces; and back. */
static void exchange(Fixture *fixture, gsize piece)
{
    GByteArray *out = fixture->client.out, *answer = rtmp_session_output(fixture->session);
    for (gsize pos = 0; pos < out->len; pos += piece)
        rtmp_session_feed(fixture->session, out->data + pos, MIN(piece, out->len - pos),
                          fixture->now_ns);
    g_byte_array_set_size(out, 0);
    g_byte_array_append(fixture->client.in, answer->data, answer->len);
    g_byte_array_set_size(answer, 0);
}

static void expect(Fixture *fixture, guint8 type, RtmpMessage *message)
{
    g_assert_true(rtmp_client_next(&fixture->client, message));
    g_assert_cmpuint(message->type, ==, type);
}

static void expect_command(Fixture *fixture, const char *name, RtmpMessage *message)
{
    expect(fixture, RTMP_COMMAND, message);
    g_autofree char *got = rtmp_client_command_name(message);
    g_assert_cmpstr(got, ==, name);
}

static void expect_status(Fixture *fixture, guint32 stream_id, const char *level, const char *code)
{
    RtmpMessage message;
    expect_command(fixture, "onStatus", &message);
    g_autofree char *got_level = rtmp_client_info(&message, "level");
    g_autofree char *got_code = rtmp_client_info(&message, "code");
    g_assert_cmpstr(got_level, ==, level);
    g_assert_cmpstr(got_code, ==, code);
    g_assert_cmpuint(message.stream_id, ==, stream_id);
}

static void expect_silence(Fixture *fixture)
{
    RtmpMessage message;
    exchange(fixture, 65536);
    g_assert_false(rtmp_client_next(&fixture->client, &message));
}

static void expect_connected(Fixture *fixture)
{
    RtmpMessage message;
    expect(fixture, RTMP_WINDOW_ACK_SIZE, &message);
    expect(fixture, RTMP_SET_PEER_BANDWIDTH, &message); /* the chunk size is obeyed on the way */
    expect_command(fixture, "_result", &message);
    g_autofree char *code = rtmp_client_info(&message, "code");
    g_assert_cmpstr(code, ==, "NetConnection.Connect.Success");
}

static void expect_stream(Fixture *fixture, gdouble transaction, gdouble stream_id)
{
    RtmpMessage message;
    expect_command(fixture, "_result", &message);
    ByteReader bytes = byte_reader(message.data, message.size);
    g_autoptr(AmfValue) name G_GNUC_UNUSED = amf_read(&bytes);
    g_autoptr(AmfValue) number = amf_read(&bytes);
    g_autoptr(AmfValue) null = amf_read(&bytes);
    g_autoptr(AmfValue) stream = amf_read(&bytes);
    g_assert_cmpfloat(amf_number(number, 0), ==, transaction);
    g_assert_true(amf_is(null, AMF_NULL));
    g_assert_cmpfloat(amf_number(stream, 0), ==, stream_id);
}

static void reach_connected(Fixture *fixture, const char *app)
{
    rtmp_client_shake_hands(&fixture->client);
    rtmp_client_connect(&fixture->client, app);
    exchange(fixture, 65536);
    expect_connected(fixture);
}

static void reach_publishing(Fixture *fixture)
{
    reach_connected(fixture, "room");
    rtmp_client_publish(&fixture->client, 1, "alice");
    exchange(fixture, 65536);
    rtmp_session_accept(fixture->session, fixture->now_ns);
    exchange(fixture, 65536);
    expect_status(fixture, 1, "status", "NetStream.Publish.Start");
}

static void reach_playing(Fixture *fixture)
{
    RtmpMessage message;
    reach_connected(fixture, "room");
    rtmp_client_call(&fixture->client, 1, "play", 4, "grid?token=t");
    exchange(fixture, 65536);
    rtmp_session_accept(fixture->session, fixture->now_ns);
    exchange(fixture, 65536);
    expect(fixture, RTMP_USER_CONTROL, &message);
    expect_status(fixture, 1, "status", "NetStream.Play.Reset");
    expect_status(fixture, 1, "status", "NetStream.Play.Start");
}

/* FFmpeg as a publisher, in pieces of several sizes. */
static void test_ffmpeg_publishes(Fixture *fixture, gconstpointer data)
{
    static const guint8 audio[] = { 0xaf, 1, 0x21 };
    gsize piece = GPOINTER_TO_SIZE(data);
    rtmp_client_shake_hands(&fixture->client);
    rtmp_client_connect(&fixture->client, "room");
    exchange(fixture, piece);
    expect_connected(fixture);
    rtmp_chunk_writer_set_chunk_size(fixture->client.writer, 65536, fixture->client.out);
    rtmp_client_call(&fixture->client, 0, "releaseStream", 2, "alice?token=abc");
    rtmp_client_call(&fixture->client, 0, "FCPublish", 3, "alice?token=abc");
    rtmp_client_call(&fixture->client, 0, "createStream", 4, NULL);
    exchange(fixture, piece);
    expect_stream(fixture, 4, 1);
    rtmp_client_publish(&fixture->client, 1, "alice?token=abc");
    exchange(fixture, piece);
    g_assert_cmpuint(fixture->requests, ==, 1);
    g_assert_cmpint(fixture->kind, ==, RTMP_PUBLISH);
    g_assert_cmpstr(fixture->room, ==, "room");
    g_assert_cmpstr(fixture->name, ==, "alice");
    g_assert_cmpstr(fixture->token, ==, "abc");
    g_assert_false(rtmp_session_wants_input(fixture->session));

    /* What it sends before it is accepted waits. */
    rtmp_client_send(&fixture->client, 4, RTMP_AUDIO, 1, 110, audio, sizeof audio);
    exchange(fixture, piece);
    g_assert_cmpuint(fixture->media, ==, 0);
    rtmp_session_accept(fixture->session, fixture->now_ns);
    exchange(fixture, piece);
    expect_status(fixture, 1, "status", "NetStream.Publish.Start");
    g_assert_cmpuint(fixture->media, ==, 1);
    g_assert_cmpuint(fixture->media_ms[0], ==, 110);
    g_assert_cmpuint(fixture->media_size, ==, sizeof audio);

    rtmp_client_call(&fixture->client, 0, "FCUnpublish", 6, "alice?token=abc");
    exchange(fixture, piece);
    g_assert_false(rtmp_session_is_closed(fixture->session));
    GByteArray *body = rtmp_client_command("deleteStream", 7);
    amf_write_null(body);
    amf_write_number(body, 1);
    rtmp_client_send_command(&fixture->client, 3, 0, body);
    exchange(fixture, piece);
    g_assert_true(rtmp_session_is_closed(fixture->session));
    g_assert_true(rtmp_session_is_left(fixture->session));
    g_assert_null(rtmp_session_fault(fixture->session));
}

/* OBS tells its chunk size before it connects, and offers what it can; GStreamer wants no answers
 * to transaction 0, repeats its metadata, and ends with the stream's name. */
static void test_obs_and_gstreamer(Fixture *fixture, gconstpointer data)
{
    static const guint8 metadata[] = { 2, 0, 10, 'o', 'n', 'M', 'e', 't', 'a', 'D', 'a', 't', 'a' };
    RtmpMessage message;
    (void)data;
    fixture->accept_at_once = TRUE;
    rtmp_client_shake_hands(&fixture->client);
    rtmp_chunk_writer_set_chunk_size(fixture->client.writer, 4096, fixture->client.out);
    GByteArray *body = rtmp_client_command("connect", 1);
    amf_write_object(body);
    amf_write_name(body, "app");
    amf_write_string(body, "room");
    amf_write_name(body, "capsEx");
    amf_write_number(body, 15);
    amf_write_end(body);
    rtmp_client_send_command(&fixture->client, 3, 0, body);
    exchange(fixture, 1000);
    expect(fixture, RTMP_WINDOW_ACK_SIZE, &message);
    expect(fixture, RTMP_SET_PEER_BANDWIDTH, &message);
    expect_command(fixture, "_result", &message);
    g_assert_nonnull(memmem(message.data, message.size, "videoFourCcInfoMap", 18));
    rtmp_client_call(&fixture->client, 0, "releaseStream", 0, "alice");
    rtmp_client_call(&fixture->client, 0, "FCPublish", 0, "alice");
    rtmp_client_call(&fixture->client, 0, "createStream", 2, NULL);
    rtmp_client_publish(&fixture->client, 1, "alice");
    for (guint i = 0; i < 18; i++)
        rtmp_client_send(&fixture->client, 4, RTMP_DATA, 1, 0, metadata, sizeof metadata);
    rtmp_client_send(&fixture->client, 6, RTMP_VIDEO, 1, 5, metadata, sizeof metadata);
    exchange(fixture, 1000);
    expect_stream(fixture, 2, 1);
    expect_status(fixture, 1, "status", "NetStream.Publish.Start");
    expect_silence(fixture);
    g_assert_cmpuint(fixture->media, ==, 1);
    rtmp_client_call(&fixture->client, 0, "deleteStream", 0, "alice");
    exchange(fixture, 1000);
    g_assert_true(rtmp_session_is_left(fixture->session));
}

/* FFmpeg as a player: answers on the stream that it used, whatever its number. */
static void test_plays(Fixture *fixture, gconstpointer data)
{
    RtmpMessage message;
    g_autoptr(GByteArray) body = g_byte_array_new();
    (void)data;
    reach_connected(fixture, "room");
    rtmp_client_control(&fixture->client, RTMP_WINDOW_ACK_SIZE, 2500000);
    rtmp_client_call(&fixture->client, 0, "createStream", 2, NULL);
    rtmp_client_call(&fixture->client, 0, "getStreamLength", 3, "grid");
    rtmp_client_call(&fixture->client, 7, "play", 4, "grid?token=t");
    exchange(fixture, 65536);
    expect_stream(fixture, 2, 1);
    g_assert_cmpint(fixture->kind, ==, RTMP_PLAY);
    g_assert_cmpstr(fixture->name, ==, "grid");
    g_byte_array_append(body, (const guint8 *)"body", 4);
    g_assert_false(rtmp_session_send_media(fixture->session, MEDIA_VIDEO, 0, body));
    rtmp_session_accept(fixture->session, fixture->now_ns);
    exchange(fixture, 65536);
    expect(fixture, RTMP_USER_CONTROL, &message);
    g_assert_cmpmem(message.data, message.size, "\0\0\0\0\0\7", 6);
    expect_status(fixture, 7, "status", "NetStream.Play.Reset");
    expect_status(fixture, 7, "status", "NetStream.Play.Start");

    g_assert_true(rtmp_session_send_metadata(fixture->session, body));
    g_assert_true(rtmp_session_send_media(fixture->session, MEDIA_VIDEO, 40, body));
    exchange(fixture, 65536);
    expect(fixture, RTMP_DATA, &message);
    expect(fixture, RTMP_VIDEO, &message);
    g_assert_cmpuint(message.timestamp_ms, ==, 40);
    g_assert_cmpuint(message.stream_id, ==, 7);

    rtmp_session_end(fixture->session, NULL);
    exchange(fixture, 65536);
    expect_status(fixture, 7, "status", "NetStream.Play.UnpublishNotify");
    expect(fixture, RTMP_USER_CONTROL, &message);
    g_assert_cmpmem(message.data, message.size, "\0\1\0\0\0\7", 6);
    g_assert_true(rtmp_session_is_closed(fixture->session));
    g_assert_false(rtmp_session_is_left(fixture->session));
}

static void test_pause(Fixture *fixture, gconstpointer data)
{
    (void)data;
    reach_playing(fixture);
    for (gint paused = 1; paused >= 0; paused--) {
        GByteArray *body = rtmp_client_command("pause", 0);
        amf_write_null(body);
        amf_write_boolean(body, paused);
        rtmp_client_send_command(&fixture->client, 8, 1, body);
        exchange(fixture, 65536);
        expect_status(fixture, 1, "status",
                      paused ? "NetStream.Pause.Notify" : "NetStream.Unpause.Notify");
        g_assert_cmpint(rtmp_session_is_paused(fixture->session), ==, paused);
    }
}

static void test_refused(Fixture *fixture, gconstpointer data)
{
    RtmpMessage message;
    (void)data;
    reach_connected(fixture, "room");
    rtmp_client_publish(&fixture->client, 1, "alice");
    exchange(fixture, 65536);
    rtmp_session_refuse(fixture->session, "The token has expired: ask for a new one.");
    exchange(fixture, 65536);
    expect_command(fixture, "onStatus", &message);
    g_autofree char *code = rtmp_client_info(&message, "code");
    g_autofree char *description = rtmp_client_info(&message, "description");
    g_assert_cmpstr(code, ==, "NetStream.Publish.Denied");
    g_assert_cmpstr(description, ==, "The token has expired: ask for a new one.");
    g_assert_true(rtmp_session_is_closed(fixture->session));
}

static void test_url_without_name(Fixture *fixture, gconstpointer data)
{
    (void)data;
    reach_connected(fixture, "room");
    rtmp_client_publish(&fixture->client, 1, "");
    exchange(fixture, 65536);
    expect_status(fixture, 1, "error", "NetStream.Publish.Denied");
    g_assert_cmpuint(fixture->requests, ==, 0);
    g_assert_true(rtmp_session_is_closed(fixture->session));
}

static void test_second_stream(Fixture *fixture, gconstpointer data)
{
    (void)data;
    reach_publishing(fixture);
    rtmp_client_publish(&fixture->client, 2, "bob");
    exchange(fixture, 65536);
    expect_status(fixture, 2, "error", "NetStream.Publish.Denied");
    g_assert_true(rtmp_session_is_closed(fixture->session));
}

static void test_taken_over(Fixture *fixture, gconstpointer data)
{
    (void)data;
    reach_publishing(fixture);
    rtmp_session_end(fixture->session, "Another encoder took over.");
    exchange(fixture, 65536);
    expect_status(fixture, 1, "error", "NetStream.Publish.BadName");
    g_assert_true(rtmp_session_is_closed(fixture->session));
}

static void test_pings_and_acknowledgements(Fixture *fixture, gconstpointer data)
{
    static const guint8 ping[] = { 0, 6, 1, 2, 3, 4 };
    g_autofree guint8 *media = g_malloc0(100000);
    RtmpMessage message;
    (void)data;
    reach_publishing(fixture);
    rtmp_client_send(&fixture->client, 2, RTMP_USER_CONTROL, 0, 0, ping, sizeof ping);
    exchange(fixture, 65536);
    expect(fixture, RTMP_USER_CONTROL, &message);
    g_assert_cmpmem(message.data, message.size, "\0\7\1\2\3\4", 6);
    rtmp_client_control(&fixture->client, RTMP_WINDOW_ACK_SIZE, 1);
    expect_silence(fixture);
    rtmp_client_send(&fixture->client, 6, RTMP_VIDEO, 1, 0, media, 100000);
    exchange(fixture, G_MAXUINT16);
    expect(fixture, RTMP_ACKNOWLEDGEMENT, &message);
    g_assert_cmpuint(message.size, ==, 4);
}

/* FLV tags in one message: their times count from the first. */
static void test_aggregate(Fixture *fixture, gconstpointer data)
{
    static const guint8 tags[] = {
        8, 0, 0, 2, 0, 0, 100, 0, 0, 0, 0, 0xaf, 1, 0, 0, 0,  13, /* at 100 */
        9, 0, 0, 1, 0, 0, 140, 0, 0, 0, 0, 0x27, 0, 0, 0, 12,     /* at 140 */
        8, 0, 9, 2, 0, 0,                                         /* cut off */
    };
    (void)data;
    reach_publishing(fixture);
    rtmp_client_send(&fixture->client, 6, RTMP_AGGREGATE, 1, 5000, tags, sizeof tags);
    exchange(fixture, 65536);
    g_assert_cmpuint(fixture->media, ==, 2);
    g_assert_cmpuint(fixture->media_ms[0], ==, 5000);
    g_assert_cmpuint(fixture->media_ms[1], ==, 5040);
}

static gboolean closes_at(Fixture *fixture, gint64 after_ns)
{
    rtmp_session_tick(fixture->session, fixture->now_ns + after_ns - 1);
    gboolean early = rtmp_session_is_closed(fixture->session);
    rtmp_session_tick(fixture->session, fixture->now_ns + after_ns);
    return !early && rtmp_session_is_closed(fixture->session);
}

static void test_timeout_handshake(Fixture *fixture, gconstpointer data)
{
    (void)data;
    rtmp_client_shake_hands(&fixture->client);
    rtmp_session_feed(fixture->session, fixture->client.out->data, 2000,
                      fixture->now_ns + 3 * NS_PER_SEC); /* a slow loris */
    g_assert_true(closes_at(fixture, RTMP_HANDSHAKE_TIMEOUT_NS));
}

static void test_timeout_request(Fixture *fixture, gconstpointer data)
{
    (void)data;
    reach_connected(fixture, "room");
    g_assert_true(closes_at(fixture, RTMP_REQUEST_TIMEOUT_NS));
}

static void test_timeout_answer(Fixture *fixture, gconstpointer data)
{
    (void)data;
    reach_connected(fixture, "room");
    rtmp_client_publish(&fixture->client, 1, "alice");
    exchange(fixture, 65536);
    g_assert_true(closes_at(fixture, RTMP_ANSWER_TIMEOUT_NS));
    exchange(fixture, 65536);
    expect_status(fixture, 1, "error", "NetStream.Publish.Denied");
}

static void test_timeout_idle(Fixture *fixture, gconstpointer data)
{
    static const guint8 audio[] = { 0xaf, 1, 0x21 };
    (void)data;
    reach_publishing(fixture);
    fixture->now_ns += 9 * NS_PER_SEC;
    rtmp_client_send(&fixture->client, 4, RTMP_AUDIO, 1, 0, audio, sizeof audio);
    exchange(fixture, 65536);
    g_assert_true(closes_at(fixture, RTMP_IDLE_TIMEOUT_NS));
}

static void test_timeout_player(Fixture *fixture, gconstpointer data)
{
    RtmpMessage message;
    (void)data;
    reach_playing(fixture);
    rtmp_session_tick(fixture->session, fixture->now_ns + RTMP_PING_INTERVAL_NS);
    exchange(fixture, 65536);
    expect(fixture, RTMP_USER_CONTROL, &message);
    g_assert_cmpmem(message.data, 2, "\0\6", 2);
    g_assert_true(closes_at(fixture, RTMP_PLAYER_TIMEOUT_NS));
}

static void test_not_rtmp(Fixture *fixture, gconstpointer data)
{
    (void)data;
    rtmp_session_feed(fixture->session, (const guint8 *)"GET / HTTP/1.1\r\n", 16, fixture->now_ns);
    g_assert_true(rtmp_session_is_closed(fixture->session));
    g_assert_cmpstr(rtmp_session_fault(fixture->session), ==, "what it sent is not RTMP");
}

/* Neither commands before connect, nor deep or endless values, nor many streams or large messages
 * of a stranger, nor questions whose answers are not read. */
static void test_hostile_first_command(Fixture *fixture, gconstpointer data)
{
    (void)data;
    rtmp_client_shake_hands(&fixture->client);
    rtmp_client_call(&fixture->client, 0, "createStream", 2, NULL);
    exchange(fixture, 65536);
    g_assert_true(rtmp_session_is_closed(fixture->session));
}

static void test_hostile_depth(Fixture *fixture, gconstpointer data)
{
    (void)data;
    rtmp_client_shake_hands(&fixture->client);
    GByteArray *body = rtmp_client_command("connect", 1);
    for (guint i = 0; i < 10000; i++) {
        amf_write_object(body);
        amf_write_name(body, "a");
    }
    rtmp_client_send_command(&fixture->client, 3, 0, body);
    exchange(fixture, 65536);
    g_assert_true(rtmp_session_is_closed(fixture->session));
}

static void test_hostile_streams(Fixture *fixture, gconstpointer data)
{
    (void)data;
    reach_connected(fixture, "room");
    for (guint i = 0; i < 20; i++)
        rtmp_client_call(&fixture->client, 0, "createStream", 2, NULL);
    exchange(fixture, 65536);
    g_assert_true(rtmp_session_is_closed(fixture->session));
}

static void test_hostile_stranger(Fixture *fixture, gconstpointer data)
{
    g_autofree guint8 *media = g_malloc0(100000);
    (void)data;
    reach_connected(fixture, "room");
    rtmp_client_send(&fixture->client, 6, RTMP_VIDEO, 1, 0, media, 100000);
    exchange(fixture, 65536);
    g_assert_cmpstr(rtmp_session_fault(fixture->session), ==, "a message is too long");
}

static void test_hostile_pings(Fixture *fixture, gconstpointer data)
{
    static const guint8 ping[] = { 0, 6, 1, 2, 3, 4 };
    (void)data;
    reach_publishing(fixture);
    for (guint i = 0; i < 19000; i++)
        rtmp_client_send(&fixture->client, 2, RTMP_USER_CONTROL, 0, 0, ping, sizeof ping);
    GByteArray *out = fixture->client.out;
    for (gsize pos = 0; pos < out->len; pos += 4096)
        rtmp_session_feed(fixture->session, out->data + pos, MIN(4096, out->len - pos),
                          fixture->now_ns);
    g_assert_true(rtmp_session_is_closed(fixture->session));
    g_assert_cmpuint(rtmp_session_memory(fixture->session), <, 512 * 1024);
}

#define ADD(name, data, function) \
    g_test_add("/rtmp_session/" name, Fixture, data, set_up, function, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("ffmpeg_publishes/1", GSIZE_TO_POINTER(1), test_ffmpeg_publishes);
    ADD("ffmpeg_publishes/100", GSIZE_TO_POINTER(100), test_ffmpeg_publishes);
    ADD("ffmpeg_publishes/all", GSIZE_TO_POINTER(1 << 20), test_ffmpeg_publishes);
    ADD("obs_and_gstreamer", NULL, test_obs_and_gstreamer);
    ADD("plays", NULL, test_plays);
    ADD("pause", NULL, test_pause);
    ADD("refused", NULL, test_refused);
    ADD("url_without_name", NULL, test_url_without_name);
    ADD("second_stream", NULL, test_second_stream);
    ADD("taken_over", NULL, test_taken_over);
    ADD("pings_and_acknowledgements", NULL, test_pings_and_acknowledgements);
    ADD("aggregate", NULL, test_aggregate);
    ADD("timeout/handshake", NULL, test_timeout_handshake);
    ADD("timeout/request", NULL, test_timeout_request);
    ADD("timeout/answer", NULL, test_timeout_answer);
    ADD("timeout/idle", NULL, test_timeout_idle);
    ADD("timeout/player", NULL, test_timeout_player);
    ADD("not_rtmp", NULL, test_not_rtmp);
    ADD("hostile/first_command", NULL, test_hostile_first_command);
    ADD("hostile/depth", NULL, test_hostile_depth);
    ADD("hostile/streams", NULL, test_hostile_streams);
    ADD("hostile/stranger", NULL, test_hostile_stranger);
    ADD("hostile/pings", NULL, test_hostile_pings);
    return g_test_run();
}
