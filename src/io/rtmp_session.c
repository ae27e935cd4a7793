#include "io/rtmp_session.h"

#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "io/amf.h"
#include "io/rtmp_chunk.h"
#include "io/rtmp_handshake.h"
#include "io/rtmp_reply.h"

#define WINDOW         2500000 /* bytes between acknowledgements */
#define MIN_WINDOW     65536   /* a smaller one would be answered with as much as came */
#define CHUNK_SIZE_OUT 65536
#define MAX_STREAMS    16 /* createStream on one connection */
#define MAX_REPLIES    (256 * 1024)
#define MAX_PLAY_BYTES (8 * 1024 * 1024)

/* Chunk streams of what we send, besides those of rtmp_reply.c. */
enum { CSID_DATA = 4, CSID_AUDIO = 6, CSID_VIDEO = 7 };

/* Who is not accepted yet has no reason to send much. */
static const RtmpChunkLimits limits_stranger = { 65536, 65536, 131072 };
static const RtmpChunkLimits limits_publisher = { 8 << 20, 65536, 12 << 20 };

typedef enum {
    STATE_HANDSHAKE,
    STATE_CONNECTING, /* wants connect */
    STATE_CONNECTED,  /* wants publish or play */
    STATE_PENDING,    /* the request waits for its answer */
    STATE_PUBLISHING,
    STATE_PLAYING,
    STATE_CLOSED,
} SessionState;

struct RtmpSession {
    RtmpSessionEvents events;
    gpointer user;

    SessionState state;
    const char *fault;
    gboolean left;      /* the peer ended its stream */
    gint64 deadline_ns; /* of the state, G_MAXINT64: none */

    /* In. */
    RtmpHandshake *handshake;
    RtmpChunkReader *reader;
    GByteArray *input;   /* what was not parsed yet */
    gboolean processing; /* an answer may come from within an event */
    guint32 received, acknowledged, window;
    gint64 heard_ns; /* the last byte */

    /* Out. */
    GByteArray *output;
    RtmpChunkWriter *writer;
    RtmpReply reply;
    gint64 pinged_ns;

    /* The request. */
    char *app;
    guint streams_created;
    RtmpRequestKind kind;
    guint32 stream_id; /* that the peer named it by */
    RtmpTarget *target;
    gboolean paused;
};

RtmpSession *rtmp_session_new(const RtmpSessionEvents *events, gpointer user, gint64 now_ns)
{
    RtmpSession *session = g_new0(RtmpSession, 1);
    session->events = *events;
    session->user = user;
    session->deadline_ns = now_ns + RTMP_HANDSHAKE_TIMEOUT_NS;
    session->handshake = rtmp_handshake_new(g_random_int());
    session->reader = rtmp_chunk_reader_new(&limits_stranger);
    session->input = g_byte_array_new();
    session->window = WINDOW;
    session->heard_ns = now_ns;
    session->output = g_byte_array_new();
    session->writer = rtmp_chunk_writer_new();
    session->reply = (RtmpReply){ session->writer, session->output };
    return session;
}

void rtmp_session_free(RtmpSession *session)
{
    if (!session)
        return;
    rtmp_handshake_free(session->handshake);
    rtmp_chunk_reader_free(session->reader);
    g_byte_array_unref(session->input);
    g_byte_array_unref(session->output);
    rtmp_chunk_writer_free(session->writer);
    g_free(session->app);
    rtmp_target_unref(session->target);
    g_free(session);
}

static void session_close(RtmpSession *session, const char *fault)
{
    if (session->state == STATE_CLOSED)
        return;
    session->state = STATE_CLOSED;
    session->fault = fault;
    g_byte_array_set_size(session->input, 0);
}

GByteArray *rtmp_session_output(RtmpSession *session)
{
    return session->output;
}

gboolean rtmp_session_is_closed(const RtmpSession *session)
{
    return session->state == STATE_CLOSED;
}

const char *rtmp_session_fault(const RtmpSession *session)
{
    return session->fault;
}

gboolean rtmp_session_is_left(const RtmpSession *session)
{
    return session->left;
}

gboolean rtmp_session_wants_input(const RtmpSession *session)
{
    return session->state != STATE_PENDING && session->state != STATE_CLOSED;
}

gboolean rtmp_session_is_paused(const RtmpSession *session)
{
    return session->paused;
}

gsize rtmp_session_memory(const RtmpSession *session)
{
    return sizeof *session + rtmp_chunk_reader_memory(session->reader) + session->input->len +
           session->output->len;
}

/* --- Commands --- */

static void session_connect(RtmpSession *session, gdouble transaction, const AmfValue *object,
                            gint64 now_ns)
{
    const char *app = amf_string(amf_get(object, "app"));
    gboolean extended = amf_get(object, "fourCcList") || amf_get(object, "videoFourCcInfoMap") ||
                        amf_get(object, "capsEx");
    if (session->state != STATE_CONNECTING) {
        session_close(session, "it connected twice");
        return;
    }
    if (!amf_is(object, AMF_OBJECT)) {
        rtmp_reply_connect_refused(&session->reply, transaction,
                                   "connect must carry an object with the app.");
        session_close(session, "its connect carried no object");
        return;
    }
    session->app = g_strdup(app ? app : "");
    session->state = STATE_CONNECTED;
    session->deadline_ns = now_ns + RTMP_REQUEST_TIMEOUT_NS;
    rtmp_reply_control(&session->reply, RTMP_WINDOW_ACK_SIZE, WINDOW);
    rtmp_reply_peer_bandwidth(&session->reply, WINDOW);
    rtmp_chunk_writer_set_chunk_size(session->writer, CHUNK_SIZE_OUT, session->output);
    rtmp_reply_connected(&session->reply, transaction, extended);
}

static void session_create_stream(RtmpSession *session, gdouble transaction)
{
    if (++session->streams_created > MAX_STREAMS)
        session_close(session, "it created too many streams");
    else
        rtmp_reply_stream_created(&session->reply, transaction, session->streams_created);
}

static const char *session_refusal_code(const RtmpSession *session)
{
    return session->kind == RTMP_PUBLISH ? "NetStream.Publish.Denied" : "NetStream.Play.Failed";
}

static void session_request(RtmpSession *session, RtmpRequestKind kind, const char *name,
                            guint32 stream_id, gint64 now_ns)
{
    if (session->state != STATE_CONNECTED) {
        rtmp_reply_status(&session->reply, stream_id, TRUE, session_refusal_code(session),
                          "A connection carries one stream: open another connection.");
        session_close(session, "it asked for a second stream");
        return;
    }
    session->kind = kind;
    session->stream_id = stream_id;
    session->target = rtmp_target_new(session->app, name ? name : "");
    session->state = STATE_PENDING;
    session->deadline_ns = now_ns + RTMP_ANSWER_TIMEOUT_NS;
    if (session->target)
        session->events.request(kind, session->target, session->user);
    else
        rtmp_session_refuse(session, kind == RTMP_PUBLISH
                                         ? "The URL must name a room and a participant: "
                                           "rtmp://host/room/name."
                                         : "The URL must name a room and a layout: "
                                           "rtmp://host/room/layout.");
}

static void session_pause(RtmpSession *session, gboolean paused)
{
    if (session->state != STATE_PLAYING)
        return;
    session->paused = paused;
    rtmp_reply_status(&session->reply, session->stream_id, FALSE,
                      paused ? "NetStream.Pause.Notify" : "NetStream.Unpause.Notify",
                      paused ? "Paused." : "Playing.");
}

/* Some name the stream by its number, some by its name, some after FCUnpublish: whichever it is,
 * there is only one. */
static void session_end_of_stream(RtmpSession *session)
{
    if (session->state != STATE_PUBLISHING && session->state != STATE_PLAYING)
        return;
    session->left = TRUE;
    session_close(session, NULL);
}

/* What needs no answer has none: releaseStream, FCPublish, FCUnpublish, FCSubscribe,
 * getStreamLength, _checkbw, results of calls that were never made. */
static void session_obey(RtmpSession *session, const char *command, const RtmpMessage *message,
                         ByteReader *bytes, gint64 now_ns)
{
    g_autoptr(AmfValue) transaction = amf_read(bytes);
    g_autoptr(AmfValue) object = transaction ? amf_read(bytes) : NULL;
    g_autoptr(AmfValue) argument = object ? amf_read(bytes) : NULL;
    gdouble number = amf_number(transaction, 0);
    if (strcmp(command, "connect") == 0)
        session_connect(session, number, object, now_ns);
    else if (session->state == STATE_CONNECTING)
        session_close(session, "its first command was not connect");
    else if (strcmp(command, "createStream") == 0)
        session_create_stream(session, number);
    else if (strcmp(command, "publish") == 0)
        session_request(session, RTMP_PUBLISH, amf_string(argument), message->stream_id, now_ns);
    else if (strcmp(command, "play") == 0)
        session_request(session, RTMP_PLAY, amf_string(argument), message->stream_id, now_ns);
    else if (strcmp(command, "pause") == 0)
        session_pause(session, amf_boolean(argument));
    else if (strcmp(command, "deleteStream") == 0 || strcmp(command, "closeStream") == 0)
        session_end_of_stream(session);
}

static void session_command(RtmpSession *session, const RtmpMessage *message, gint64 now_ns)
{
    ByteReader bytes = byte_reader(message->data, message->size);
    if (message->type == RTMP_COMMAND_AMF3)
        byte_reader_u8(&bytes); /* the values are AMF0 all the same */
    g_autoptr(AmfValue) command = amf_read(&bytes);
    if (amf_string(command))
        session_obey(session, amf_string(command), message, &bytes, now_ns);
    else
        session_close(session, "a command of it cannot be read");
}

/* --- Other messages --- */

static void session_control(RtmpSession *session, const RtmpMessage *message)
{
    ByteReader bytes = byte_reader(message->data, message->size);
    if (message->type == RTMP_WINDOW_ACK_SIZE) {
        guint32 window = byte_reader_u32(&bytes);
        session->window = bytes.failed ? WINDOW : MAX(window, MIN_WINDOW);
    } else if (byte_reader_u16(&bytes) == RTMP_PING_REQUEST) {
        guint32 time = byte_reader_u32(&bytes);
        if (!bytes.failed)
            rtmp_reply_user_control(&session->reply, RTMP_PING_RESPONSE, time);
    }
}

static void session_tag(RtmpSession *session, const RtmpMessage *tag, gint64 now_ns)
{
    if (session->state != STATE_PUBLISHING || (tag->type != RTMP_AUDIO && tag->type != RTMP_VIDEO))
        return;
    session->deadline_ns = now_ns + RTMP_IDLE_TIMEOUT_NS;
    session->events.media(tag->type == RTMP_VIDEO ? MEDIA_VIDEO : MEDIA_AUDIO, tag->timestamp_ms,
                          tag->data, tag->size, now_ns, session->user);
}

/* FLV tags in a row (Adobe RTMP 1.0, 7.1.6): the first one has the message's time. */
static void session_aggregate(RtmpSession *session, const RtmpMessage *message, gint64 now_ns)
{
    ByteReader bytes = byte_reader(message->data, message->size);
    gboolean is_first = TRUE;
    guint32 first_ms = 0;
    while (byte_reader_left(&bytes) > 0) {
        RtmpMessage tag = { .type = byte_reader_u8(&bytes) & 0x1f };
        tag.size = byte_reader_u24(&bytes);
        guint32 time_ms = byte_reader_u24(&bytes);
        time_ms |= (guint32)byte_reader_u8(&bytes) << 24;
        byte_reader_u24(&bytes); /* stream id */
        tag.data = byte_reader_bytes(&bytes, tag.size);
        byte_reader_u32(&bytes); /* back pointer */
        if (!tag.data)
            break;
        first_ms = is_first ? time_ms : first_ms;
        is_first = FALSE;
        tag.timestamp_ms = message->timestamp_ms + time_ms - first_ms;
        session_tag(session, &tag, now_ns);
    }
}

/* Data messages (onMetaData, again and again from some) are hints, and nothing here needs any. */
static void session_message(RtmpSession *session, const RtmpMessage *message, gint64 now_ns)
{
    switch (message->type) {
    case RTMP_USER_CONTROL:
    case RTMP_WINDOW_ACK_SIZE:
        session_control(session, message);
        break;
    case RTMP_AUDIO:
    case RTMP_VIDEO:
        session_tag(session, message, now_ns);
        break;
    case RTMP_AGGREGATE:
        session_aggregate(session, message, now_ns);
        break;
    case RTMP_COMMAND:
    case RTMP_COMMAND_AMF3:
        session_command(session, message, now_ns);
        break;
    default:
        break;
    }
}

/* --- Bytes --- */

/* FALSE: more bytes are needed, or it closed. */
static gboolean session_shake_hands(RtmpSession *session, gsize *pos, gint64 now_ns)
{
    gsize used;
    RtmpHandshakeState state =
        rtmp_handshake_feed(session->handshake, session->input->data + *pos,
                            session->input->len - *pos, &used, session->output);
    *pos += used;
    if (state == RTMP_HANDSHAKE_FAILED)
        session_close(session, "what it sent is not RTMP");
    if (state != RTMP_HANDSHAKE_DONE)
        return FALSE;
    session->state = STATE_CONNECTING;
    session->deadline_ns = now_ns + RTMP_REQUEST_TIMEOUT_NS;
    return TRUE;
}

static gboolean session_next_message(RtmpSession *session, gsize *pos, gint64 now_ns)
{
    gsize used;
    RtmpMessage message;
    if (*pos == session->input->len)
        return FALSE;
    RtmpChunkResult result =
        rtmp_chunk_reader_next(session->reader, session->input->data + *pos,
                               session->input->len - *pos, now_ns, &used, &message);
    *pos += used;
    if (result == RTMP_CHUNK_ERROR)
        session_close(session, rtmp_chunk_reader_error(session->reader));
    if (result == RTMP_CHUNK_MESSAGE)
        session_message(session, &message, now_ns);
    return result == RTMP_CHUNK_MESSAGE;
}

static void session_process(RtmpSession *session, gint64 now_ns)
{
    gsize pos = 0;
    gboolean more = TRUE;
    if (session->processing)
        return;
    session->processing = TRUE;
    while (more && rtmp_session_wants_input(session))
        more = session->state == STATE_HANDSHAKE ? session_shake_hands(session, &pos, now_ns)
                                                 : session_next_message(session, &pos, now_ns);
    if (session->state != STATE_CLOSED)
        g_byte_array_remove_range(session->input, 0, (guint)pos);
    session->processing = FALSE;
    gsize max = session->state == STATE_PLAYING ? MAX_PLAY_BYTES : MAX_REPLIES;
    if (session->output->len > max)
        session_close(session, "it does not read what it is answered");
}

void rtmp_session_feed(RtmpSession *session, const guint8 *data, gsize size, gint64 now_ns)
{
    if (session->state == STATE_CLOSED || size == 0)
        return;
    session->heard_ns = now_ns;
    session->received += (guint32)size;
    g_byte_array_append(session->input, data, (guint)size);
    session_process(session, now_ns);
    if (session->state > STATE_CONNECTING && session->state != STATE_CLOSED &&
        session->received - session->acknowledged >= session->window) {
        session->acknowledged = session->received;
        rtmp_reply_control(&session->reply, RTMP_ACKNOWLEDGEMENT, session->received);
    }
}

static const char *session_timeout_fault(const RtmpSession *session)
{
    switch (session->state) {
    case STATE_HANDSHAKE:
        return "it did not finish the handshake in time";
    case STATE_CONNECTING:
    case STATE_CONNECTED:
        return "it asked neither to publish nor to play in time";
    default:
        return "it sent no sound and no pictures for too long";
    }
}

void rtmp_session_tick(RtmpSession *session, gint64 now_ns)
{
    if (session->state == STATE_CLOSED)
        return;
    if (session->state == STATE_PENDING && now_ns >= session->deadline_ns)
        rtmp_session_refuse(session, "The server did not answer in time; try again.");
    else if (now_ns >= session->deadline_ns)
        session_close(session, session_timeout_fault(session));
    if (session->state != STATE_PLAYING)
        return;
    if (now_ns - session->heard_ns >= RTMP_PLAYER_TIMEOUT_NS) {
        session_close(session, "it was silent for too long");
    } else if (now_ns - session->pinged_ns >= RTMP_PING_INTERVAL_NS) {
        session->pinged_ns = now_ns;
        rtmp_reply_user_control(&session->reply, RTMP_PING_REQUEST, (guint32)(now_ns / NS_PER_MS));
    }
}

/* --- Answers --- */

void rtmp_session_accept(RtmpSession *session, gint64 now_ns)
{
    if (session->state != STATE_PENDING)
        return;
    if (session->kind == RTMP_PUBLISH) {
        session->state = STATE_PUBLISHING;
        session->deadline_ns = now_ns + RTMP_IDLE_TIMEOUT_NS;
        rtmp_chunk_reader_set_limits(session->reader, &limits_publisher);
        rtmp_reply_status(&session->reply, session->stream_id, FALSE, "NetStream.Publish.Start",
                          "Publishing.");
    } else {
        session->state = STATE_PLAYING;
        session->deadline_ns = G_MAXINT64;
        session->heard_ns = session->pinged_ns = now_ns;
        rtmp_reply_user_control(&session->reply, RTMP_STREAM_BEGIN, session->stream_id);
        rtmp_reply_status(&session->reply, session->stream_id, FALSE, "NetStream.Play.Reset",
                          "Playing from its present.");
        rtmp_reply_status(&session->reply, session->stream_id, FALSE, "NetStream.Play.Start",
                          "Playing.");
    }
    session_process(session, now_ns);
}

void rtmp_session_refuse(RtmpSession *session, const char *reason)
{
    if (session->state != STATE_PENDING)
        return;
    rtmp_reply_status(&session->reply, session->stream_id, TRUE, session_refusal_code(session),
                      reason);
    session_close(session, "its request was refused");
}

static gboolean session_send(RtmpSession *session, const RtmpMessage *message)
{
    if (session->state != STATE_PLAYING || session->paused)
        return FALSE;
    rtmp_chunk_writer_write(session->writer, message, session->output);
    return TRUE;
}

gboolean rtmp_session_send_media(RtmpSession *session, MediaKind kind, guint32 timestamp_ms,
                                 const GByteArray *body)
{
    RtmpMessage message = { .csid = kind == MEDIA_VIDEO ? CSID_VIDEO : CSID_AUDIO,
                            .type = kind == MEDIA_VIDEO ? RTMP_VIDEO : RTMP_AUDIO,
                            .timestamp_ms = timestamp_ms,
                            .stream_id = session->stream_id,
                            .data = body->data,
                            .size = body->len };
    return session_send(session, &message);
}

gboolean rtmp_session_send_metadata(RtmpSession *session, const GByteArray *body)
{
    RtmpMessage message = { .csid = CSID_DATA,
                            .type = RTMP_DATA,
                            .stream_id = session->stream_id,
                            .data = body->data,
                            .size = body->len };
    return session_send(session, &message);
}

void rtmp_session_end(RtmpSession *session, const char *reason)
{
    if (session->state == STATE_PUBLISHING) {
        rtmp_reply_status(&session->reply, session->stream_id, reason != NULL,
                          reason ? "NetStream.Publish.BadName" : "NetStream.Unpublish.Success",
                          reason ? reason : "The server ends this stream.");
    } else if (session->state == STATE_PLAYING) {
        rtmp_reply_status(&session->reply, session->stream_id, FALSE,
                          "NetStream.Play.UnpublishNotify", reason ? reason : "The stream ended.");
        rtmp_reply_user_control(&session->reply, RTMP_STREAM_EOF, session->stream_id);
    }
    session_close(session, NULL);
}
