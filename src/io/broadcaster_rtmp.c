#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "io/amf.h"
#include "io/broadcaster_flv.h"
#include "io/broadcaster_link.h"
#include "io/rtmp_chunk.h"

/* The publishing side of RTMP (Adobe RTMP 1.0):
 *
 *   C0 C1 C2, connect -> _result, releaseStream, FCPublish, createStream -> _result,
 *   publish -> onStatus(NetStream.Publish.Start), @setDataFrame onMetaData, headers, media
 *
 * libavformat has one too; it knows no address but the name it resolves itself, sends no SNI to a
 * numeric address, and does not tell why a destination refuses. */

#define HANDSHAKE_SIZE       1536
#define CHUNK_SIZE           4096
#define READ_SIZE            4096
#define MAX_PENDING_BYTES    (128 * 1024) /* a destination has little to say */
#define CSID_CONTROL         2
#define CSID_COMMAND         3
#define CSID_AUDIO           4
#define CSID_VIDEO           6
#define CSID_STREAM          8
#define USER_CONTROL_PING    6
#define USER_CONTROL_PONG    7
#define MAX_DESCRIPTION_SIZE 120
#define SHORT_STAY_US        (3 * G_USEC_PER_SEC)

enum { TX_CONNECT = 1, TX_RELEASE, TX_FC_PUBLISH, TX_CREATE, TX_PUBLISH, TX_FC_UNPUBLISH };

typedef enum {
    STAGE_GREETING,
    STAGE_CONNECTING,
    STAGE_CONNECTED,
    STAGE_CREATED,
    STAGE_PUBLISHED
} Stage;

typedef struct {
    const BroadcasterTarget *target; /* during open */
    BroadcasterLink *link;
    BroadcasterFlv *flv;
    char *app, *name;
    RtmpChunkReader *reader;
    RtmpChunkWriter *writer;
    GByteArray *in, *out;

    Stage stage;
    guint32 stream_id;
    GError *refused; /* what the destination said */
    gboolean closed;
    gint64 published_us; /* when the destination took the stream */
    guint32 window, received, acknowledged;
    guint64 sent;
} RtmpPush;

/* ---- out ---- */

static void queue_message(RtmpPush *push, guint csid, guint8 type, const GByteArray *body)
{
    RtmpMessage message = { .csid = csid, .type = type, .data = body->data, .size = body->len };
    message.stream_id = csid == CSID_STREAM ? push->stream_id : 0;
    rtmp_chunk_writer_write(push->writer, &message, push->out);
}

static void queue_control(RtmpPush *push, guint8 type, guint32 value)
{
    guint8 data[4];
    ByteWriter writer = byte_writer(data, sizeof data);
    byte_writer_u32(&writer, value);
    RtmpMessage message = { .csid = CSID_CONTROL, .type = type, .data = data, .size = sizeof data };
    rtmp_chunk_writer_write(push->writer, &message, push->out);
}

static gboolean flush_out(RtmpPush *push, GError **error)
{
    push->closed = !broadcaster_link_write(push->link, push->out->data, push->out->len, error);
    if (push->closed)
        return FALSE;
    push->sent += push->out->len;
    g_byte_array_set_size(push->out, 0);
    return TRUE;
}

static GByteArray *command_new(const char *name, gdouble transaction)
{
    GByteArray *body = g_byte_array_new();
    amf_write_string(body, name);
    amf_write_number(body, transaction);
    return body;
}

static void write_property(GByteArray *body, const char *name, const char *value)
{
    amf_write_name(body, name);
    amf_write_string(body, value);
}

static char *make_tc_url(const MediaUrl *url, const char *app)
{
    gboolean usual = url->port == (url->is_tls ? 443 : 1935);
    gboolean is_v6 = strchr(url->host, ':') != NULL;
    g_autofree char *port = usual ? g_strdup("") : g_strdup_printf(":%u", url->port);
    return g_strdup_printf(is_v6 ? "%s://[%s]%s/%s" : "%s://%s%s/%s", url->scheme, url->host, port,
                           app);
}

static void queue_connect(RtmpPush *push)
{
    g_autofree char *tc_url = make_tc_url(push->target->url, push->app);
    g_autoptr(GByteArray) body = command_new("connect", TX_CONNECT);
    amf_write_object(body);
    write_property(body, "app", push->app);
    write_property(body, "type", "nonprivate");
    write_property(body, "flashVer", "FMLE/3.0 (compatible; Tessera)");
    write_property(body, "tcUrl", tc_url);
    amf_write_end(body);
    rtmp_chunk_writer_set_chunk_size(push->writer, CHUNK_SIZE, push->out);
    queue_message(push, CSID_COMMAND, RTMP_COMMAND, body);
}

static void queue_stream_command(RtmpPush *push, const char *name, gdouble transaction)
{
    g_autoptr(GByteArray) body = command_new(name, transaction);
    amf_write_null(body);
    amf_write_string(body, push->name);
    queue_message(push, CSID_COMMAND, RTMP_COMMAND, body);
}

static void queue_create(RtmpPush *push)
{
    queue_stream_command(push, "releaseStream", TX_RELEASE);
    queue_stream_command(push, "FCPublish", TX_FC_PUBLISH);
    g_autoptr(GByteArray) body = command_new("createStream", TX_CREATE);
    amf_write_null(body);
    queue_message(push, CSID_COMMAND, RTMP_COMMAND, body);
}

static void queue_publish(RtmpPush *push)
{
    g_autoptr(GByteArray) body = command_new("publish", TX_PUBLISH);
    amf_write_null(body);
    amf_write_string(body, push->name);
    amf_write_string(body, "live");
    queue_message(push, CSID_STREAM, RTMP_COMMAND, body);
}

static void queue_goodbye(RtmpPush *push)
{
    queue_stream_command(push, "FCUnpublish", TX_FC_UNPUBLISH);
    g_autoptr(GByteArray) body = command_new("deleteStream", TX_FC_UNPUBLISH + 1);
    amf_write_null(body);
    amf_write_number(body, push->stream_id);
    queue_message(push, CSID_COMMAND, RTMP_COMMAND, body);
}

static void queue_tag(RtmpPush *push, RtmpMessage *tag)
{
    g_autoptr(GByteArray) body = NULL;
    tag->stream_id = push->stream_id;
    tag->csid = tag->type == RTMP_VIDEO ? CSID_VIDEO : CSID_AUDIO;
    if (tag->type == RTMP_DATA) {
        tag->csid = CSID_STREAM;
        body = g_byte_array_new();
        amf_write_string(body, "@setDataFrame");
        g_byte_array_append(body, tag->data, (guint)tag->size);
        tag->data = body->data;
        tag->size = body->len;
    }
    rtmp_chunk_writer_write(push->writer, tag, push->out);
}

static gboolean send_tags(RtmpPush *push, GError **error)
{
    RtmpMessage tag = { 0 };
    while (broadcaster_flv_next(push->flv, &tag))
        queue_tag(push, &tag);
    return flush_out(push, error);
}

/* ---- in ---- */

/** What the peer wrote, fit to be shown: printable, short, and without the key. */
static char *clean_description(const RtmpPush *push, const char *text)
{
    GString *clean = g_string_new(text);
    g_autofree char *key = g_strndup(push->name, strcspn(push->name, "?"));
    g_string_replace(clean, push->name, "****", 0);
    if (*key)
        g_string_replace(clean, key, "****", 0);
    g_auto(GStrv) items = g_strsplit_set(push->name + strlen(key), "?&", -1);
    for (char **item = items; *item; item++) {
        const char *value = strchr(*item, '=');
        if (value && value[1])
            g_string_replace(clean, value + 1, "****", 0);
    }
    g_string_truncate(clean, MIN(clean->len, MAX_DESCRIPTION_SIZE));
    for (gsize i = 0; i < clean->len; i++)
        if (!g_ascii_isprint(clean->str[i]))
            clean->str[i] = '?';
    return g_string_free(clean, FALSE);
}

static void set_refused(RtmpPush *push, gint code, const AmfValue *info)
{
    if (push->refused)
        return;
    const char *description = amf_string(amf_get(info, "description"));
    const char *name = amf_string(amf_get(info, "code"));
    if (!description || !*description)
        description = name ? name : "no reason given";
    g_autofree char *clean = clean_description(push, description);
    push->refused =
        g_error_new(TESSERA_ERROR, code, "The destination refuses the stream (%s).", clean);
}

static void handle_status(RtmpPush *push, const AmfValue *info)
{
    const char *code = amf_string(amf_get(info, "code"));
    const char *level = amf_string(amf_get(info, "level"));
    if (!g_strcmp0(code, "NetStream.Publish.Start") && push->stage == STAGE_CREATED) {
        push->stage = STAGE_PUBLISHED;
        push->published_us = g_get_monotonic_time();
    } else if (!g_strcmp0(code, "NetConnection.Connect.ReconnectRequest")) {
        set_refused(push, TESSERA_ERROR_UNAVAILABLE, info);
    } else if (!g_strcmp0(level, "error")) {
        set_refused(push, TESSERA_ERROR_UNAUTHORIZED, info);
    }
}

static void handle_result(RtmpPush *push, gdouble transaction, const AmfValue *value)
{
    if (transaction == TX_CONNECT && push->stage == STAGE_CONNECTING) {
        push->stage = STAGE_CONNECTED;
    } else if (transaction == TX_CREATE && push->stage == STAGE_CONNECTED) {
        push->stream_id = (guint32)CLAMP(amf_number(value, 1), 0, G_MAXUINT32);
        push->stage = STAGE_CREATED;
    }
}

/** name, transaction, command object or null, and one more. */
static void handle_command(RtmpPush *push, const guint8 *data, gsize size)
{
    ByteReader reader = byte_reader(data, size);
    g_autoptr(AmfValue) name = amf_read(&reader);
    g_autoptr(AmfValue) transaction = amf_read(&reader);
    amf_value_free(amf_read(&reader));
    g_autoptr(AmfValue) value = amf_read(&reader);
    const char *command = amf_string(name);
    gdouble number = amf_number(transaction, 0);
    if (!g_strcmp0(command, "_result"))
        handle_result(push, number, value);
    else if (!g_strcmp0(command, "_error") && number != TX_RELEASE && number != TX_FC_PUBLISH)
        set_refused(push, TESSERA_ERROR_UNAUTHORIZED, value);
    else if (!g_strcmp0(command, "onStatus"))
        handle_status(push, value);
    else if (!g_strcmp0(command, "close"))
        set_refused(push, TESSERA_ERROR_UNAVAILABLE, NULL);
}

static void handle_user_control(RtmpPush *push, const RtmpMessage *message)
{
    ByteReader reader = byte_reader(message->data, message->size);
    if (byte_reader_u16(&reader) != USER_CONTROL_PING)
        return;
    guint8 data[6];
    ByteWriter writer = byte_writer(data, sizeof data);
    byte_writer_u16(&writer, USER_CONTROL_PONG);
    byte_writer_u32(&writer, byte_reader_u32(&reader));
    RtmpMessage answer = {
        .csid = CSID_CONTROL, .type = RTMP_USER_CONTROL, .data = data, .size = sizeof data
    };
    rtmp_chunk_writer_write(push->writer, &answer, push->out);
}

static void handle_message(RtmpPush *push, const RtmpMessage *message)
{
    ByteReader reader = byte_reader(message->data, message->size);
    switch (message->type) {
    case RTMP_COMMAND:
        handle_command(push, message->data, message->size);
        break;
    case RTMP_COMMAND_AMF3:
        if (message->size)
            handle_command(push, message->data + 1, message->size - 1);
        break;
    case RTMP_USER_CONTROL:
        handle_user_control(push, message);
        break;
    case RTMP_WINDOW_ACK_SIZE:
        push->window = byte_reader_u32(&reader);
        break;
    case RTMP_SET_PEER_BANDWIDTH:
        queue_control(push, RTMP_WINDOW_ACK_SIZE, byte_reader_u32(&reader));
        break;
    default:
        break;
    }
}

static gboolean parse_in(RtmpPush *push, GError **error)
{
    gsize at = 0;
    for (;;) {
        gsize used = 0;
        RtmpMessage message;
        gint64 now_ns = g_get_monotonic_time() * 1000;
        RtmpChunkResult result = rtmp_chunk_reader_next(
            push->reader, push->in->data + at, push->in->len - at, now_ns, &used, &message);
        at += used;
        if (result == RTMP_CHUNK_ERROR) {
            g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                        "The destination does not speak RTMP (%s).",
                        rtmp_chunk_reader_error(push->reader));
            return FALSE;
        }
        if (result == RTMP_CHUNK_MORE)
            break;
        handle_message(push, &message);
    }
    g_byte_array_remove_range(push->in, 0, (guint)at);
    if (push->window && push->received - push->acknowledged >= push->window) {
        push->acknowledged = push->received;
        queue_control(push, RTMP_ACKNOWLEDGEMENT, push->received);
    }
    return TRUE;
}

/** Read what is there, waiting at most timeout_ms for it; *n tells how much. */
static gboolean read_in(RtmpPush *push, guint timeout_ms, gssize *n, GError **error)
{
    guint8 data[READ_SIZE];
    *n = broadcaster_link_read(push->link, data, sizeof data, timeout_ms, error);
    push->closed = *n < 0;
    if (*n <= 0)
        return *n == 0;
    push->received += (guint32)*n;
    g_byte_array_append(push->in, data, (guint)*n);
    return TRUE;
}

static gboolean take_refusal(RtmpPush *push, GError **error)
{
    if (!push->refused)
        return FALSE;
    g_clear_error(error);
    g_propagate_error(error, g_steal_pointer(&push->refused));
    return TRUE;
}

static gboolean is_over(const RtmpPush *push, gint64 deadline_us)
{
    const AVIOInterruptCB *interrupt = &push->target->interrupt;
    return g_get_monotonic_time() >= deadline_us ||
           (interrupt->callback && interrupt->callback(interrupt->opaque));
}

static void set_silent(GError **error)
{
    g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                        "The destination does not answer; is it an RTMP server?");
}

static gint64 open_deadline(const RtmpPush *push)
{
    return g_get_monotonic_time() + push->target->timeout_ms * G_TIME_SPAN_MILLISECOND;
}

static gboolean await_stage(RtmpPush *push, Stage stage, GError **error)
{
    gint64 deadline_us = open_deadline(push);
    if (!flush_out(push, error))
        return FALSE;
    while (push->stage < stage) {
        gssize n = 0;
        if (!read_in(push, 100, &n, error) || !parse_in(push, error))
            return FALSE;
        if (take_refusal(push, error) || !flush_out(push, error))
            return FALSE;
        if (push->stage < stage && is_over(push, deadline_us)) {
            set_silent(error);
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean await_bytes(RtmpPush *push, gsize size, GError **error)
{
    gint64 deadline_us = open_deadline(push);
    while (push->in->len < size) {
        gssize n = 0;
        if (!read_in(push, 100, &n, error))
            return FALSE;
        if (n == 0 && is_over(push, deadline_us)) {
            set_silent(error);
            return FALSE;
        }
    }
    return TRUE;
}

/** Section 5.2; version 0 and an echo: nobody wants a digest from a publisher. */
static gboolean shake_hands(RtmpPush *push, GError **error)
{
    g_byte_array_set_size(push->out, 1 + HANDSHAKE_SIZE);
    memset(push->out->data, 0, push->out->len);
    push->out->data[0] = 3;
    for (gsize i = 9; i < push->out->len; i++)
        push->out->data[i] = (guint8)g_random_int();
    if (!flush_out(push, error) || !await_bytes(push, 1 + 2 * HANDSHAKE_SIZE, error))
        return FALSE;
    if (push->in->data[0] != 3) {
        set_silent(error);
        return FALSE;
    }
    g_byte_array_append(push->out, push->in->data + 1, HANDSHAKE_SIZE);
    g_byte_array_remove_range(push->in, 0, 1 + 2 * HANDSHAKE_SIZE);
    return TRUE;
}

/* ---- what the broadcaster calls ---- */

static void rtmp_push_close(gpointer output, gboolean polite)
{
    RtmpPush *push = output;
    if (push->link && polite) {
        queue_goodbye(push);
        if (flush_out(push, NULL))
            broadcaster_link_finish(push->link);
    }
    broadcaster_link_close(push->link);
    broadcaster_flv_free(push->flv);
    rtmp_chunk_reader_free(push->reader);
    rtmp_chunk_writer_free(push->writer);
    g_byte_array_unref(push->in);
    g_byte_array_unref(push->out);
    g_clear_error(&push->refused);
    g_free(push->app);
    g_free(push->name);
    g_free(push);
}

static RtmpPush *rtmp_push_new(const BroadcasterTarget *target)
{
    static const RtmpChunkLimits limits = { 1024, MAX_PENDING_BYTES, MAX_PENDING_BYTES };
    RtmpPush *push = g_new0(RtmpPush, 1);
    push->target = target;
    push->reader = rtmp_chunk_reader_new(&limits);
    push->writer = rtmp_chunk_writer_new();
    push->in = g_byte_array_new();
    push->out = g_byte_array_new();
    return push;
}

static gboolean publish(RtmpPush *push, GError **error)
{
    if (!shake_hands(push, error))
        return FALSE;
    push->stage = STAGE_CONNECTING;
    queue_connect(push);
    if (!await_stage(push, STAGE_CONNECTED, error))
        return FALSE;
    queue_create(push);
    if (!await_stage(push, STAGE_CREATED, error))
        return FALSE;
    queue_publish(push);
    if (await_stage(push, STAGE_PUBLISHED, error))
        return send_tags(push, error);
    return FALSE;
}

/** Others look at the key only after they have said that they take the stream. FALSE, for all that
 * goes wrong. */
static gboolean explain_short_stay(const RtmpPush *push, GError **error)
{
    if (push->closed && push->stage == STAGE_PUBLISHED &&
        g_get_monotonic_time() - push->published_us < SHORT_STAY_US) {
        g_clear_error(error);
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                            "The destination took the stream and closed the connection at once; "
                            "check the stream key.");
    }
    return FALSE;
}

/** nginx and others close without a word; at which step tells what they do not like. */
static void explain_closing(const RtmpPush *push, GError **error)
{
    static const char *const reasons[] = {
        [STAGE_GREETING] = "The destination closes the connection; is it an RTMP server?",
        [STAGE_CONNECTING] = "The destination closed the connection instead of accepting the "
                             "application; check the address.",
        [STAGE_CONNECTED] = "The destination closed the connection instead of accepting a stream.",
        [STAGE_CREATED] = "The destination closed the connection instead of accepting the stream; "
                          "check the stream key.",
    };
    if (push->stage >= STAGE_PUBLISHED)
        explain_short_stay(push, error);
    if (!push->closed || push->stage >= STAGE_PUBLISHED)
        return;
    gint code =
        push->stage == STAGE_CREATED ? TESSERA_ERROR_UNAUTHORIZED : TESSERA_ERROR_UNAVAILABLE;
    g_clear_error(error);
    g_set_error_literal(error, TESSERA_ERROR, code, reasons[push->stage]);
}

static gpointer rtmp_push_open(const BroadcasterTarget *target, const BroadcasterStreams *streams,
                               GError **error)
{
    RtmpPush *push = rtmp_push_new(target);
    push->flv = broadcaster_flv_new(streams, error);
    if (push->flv && media_url_split_rtmp(target->url, &push->app, &push->name, error))
        push->link = broadcaster_link_open(target, error);
    if (push->link && publish(push, error))
        return push;
    explain_closing(push, error);
    rtmp_push_close(push, FALSE);
    return NULL;
}

static gboolean rtmp_push_write(gpointer output, guint stream, AVPacket *packet, GError **error)
{
    RtmpPush *push = output;
    return (broadcaster_flv_write(push->flv, stream, packet, error) && send_tags(push, error)) ||
           explain_short_stay(push, error);
}

static gboolean rtmp_push_poll(gpointer output, GError **error)
{
    RtmpPush *push = output;
    gssize n = 0;
    gboolean going_on = read_in(push, 0, &n, error);
    if (n > 0)
        going_on = parse_in(push, error);
    if (take_refusal(push, error))
        return FALSE;
    return (going_on && (push->out->len == 0 || flush_out(push, error))) ||
           explain_short_stay(push, error);
}

static guint64 rtmp_push_bytes(gpointer output)
{
    return ((RtmpPush *)output)->sent;
}

const BroadcasterOutput broadcaster_rtmp = {
    .open = rtmp_push_open,
    .write = rtmp_push_write,
    .poll = rtmp_push_poll,
    .bytes = rtmp_push_bytes,
    .close = rtmp_push_close,
};
