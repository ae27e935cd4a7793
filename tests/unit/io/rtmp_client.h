#pragma once

#include <glib.h>
#include <string.h>

#include "io/amf.h"
#include "io/rtmp_chunk.h"
#include "io/rtmp_handshake.h"

/* A tiny RTMP client: what it sends is appended to `out`, what the server says is read from bytes
 * in any pieces. */

typedef struct {
    GByteArray *out, *in;
    gsize handshake_left;
    RtmpChunkWriter *writer;
    RtmpChunkReader *reader;
} RtmpClient;

static inline void rtmp_client_init(RtmpClient *client)
{
    static const RtmpChunkLimits limits = { 8 << 20, 1 << 20, 16 << 20 };
    client->out = g_byte_array_new();
    client->in = g_byte_array_new();
    client->handshake_left = 1 + 2 * RTMP_HANDSHAKE_SIZE;
    client->writer = rtmp_chunk_writer_new();
    client->reader = rtmp_chunk_reader_new(&limits);
}

static inline void rtmp_client_clear(RtmpClient *client)
{
    g_byte_array_unref(client->out);
    g_byte_array_unref(client->in);
    rtmp_chunk_writer_free(client->writer);
    rtmp_chunk_reader_free(client->reader);
}

/* C0, C1 and C2, without waiting for anything. */
static inline void rtmp_client_shake_hands(RtmpClient *client)
{
    guint8 bytes[1 + 2 * RTMP_HANDSHAKE_SIZE] = { 3 };
    g_byte_array_append(client->out, bytes, sizeof bytes);
}

static inline void rtmp_client_send(RtmpClient *client, guint csid, guint8 type, guint32 stream_id,
                                    guint32 timestamp_ms, const guint8 *data, gsize size)
{
    RtmpMessage message = { .csid = csid,
                            .type = type,
                            .stream_id = stream_id,
                            .timestamp_ms = timestamp_ms,
                            .data = data,
                            .size = size };
    rtmp_chunk_writer_write(client->writer, &message, client->out);
}

static inline GByteArray *rtmp_client_command(const char *name, gdouble transaction)
{
    GByteArray *body = g_byte_array_new();
    amf_write_string(body, name);
    amf_write_number(body, transaction);
    return body;
}

/* body: transfer full */
static inline void rtmp_client_send_command(RtmpClient *client, guint csid, guint32 stream_id,
                                            GByteArray *body)
{
    rtmp_client_send(client, csid, RTMP_COMMAND, stream_id, 0, body->data, body->len);
    g_byte_array_unref(body);
}

static inline void rtmp_client_connect(RtmpClient *client, const char *app)
{
    GByteArray *body = rtmp_client_command("connect", 1);
    amf_write_object(body);
    amf_write_name(body, "app");
    amf_write_string(body, app);
    amf_write_name(body, "flashVer");
    amf_write_string(body, "FMLE/3.0 (compatible; Lavf59.27.100)");
    amf_write_end(body);
    rtmp_client_send_command(client, 3, 0, body);
}

/* name(transaction, null, argument): argument NULL for none */
static inline void rtmp_client_call(RtmpClient *client, guint32 stream_id, const char *name,
                                    gdouble transaction, const char *argument)
{
    GByteArray *body = rtmp_client_command(name, transaction);
    amf_write_null(body);
    if (argument)
        amf_write_string(body, argument);
    rtmp_client_send_command(client, stream_id ? 8 : 3, stream_id, body);
}

static inline void rtmp_client_publish(RtmpClient *client, guint32 stream_id, const char *name)
{
    GByteArray *body = rtmp_client_command("publish", 5);
    amf_write_null(body);
    amf_write_string(body, name);
    amf_write_string(body, "live");
    rtmp_client_send_command(client, 8, stream_id, body);
}

static inline void rtmp_client_control(RtmpClient *client, guint8 type, guint32 value)
{
    guint32 wire = GUINT32_TO_BE(value);
    rtmp_client_send(client, 2, type, 0, 0, (const guint8 *)&wire, sizeof wire);
}

/* The next message in what was appended to client->in; FALSE: not complete yet. */
static inline gboolean rtmp_client_next(RtmpClient *client, RtmpMessage *message)
{
    gsize n = MIN(client->handshake_left, client->in->len), used = 0;
    client->handshake_left -= n;
    g_byte_array_remove_range(client->in, 0, (guint)n);
    if (client->handshake_left > 0 || client->in->len == 0)
        return FALSE;
    RtmpChunkResult result = rtmp_chunk_reader_next(client->reader, client->in->data,
                                                    client->in->len, 0, &used, message);
    g_byte_array_remove_range(client->in, 0, (guint)used);
    g_assert_cmpint(result, !=, RTMP_CHUNK_ERROR);
    return result == RTMP_CHUNK_MESSAGE;
}

/* (transfer full) The name of a command, or NULL. */
static inline char *rtmp_client_command_name(const RtmpMessage *message)
{
    ByteReader bytes = byte_reader(message->data, message->size);
    g_autoptr(AmfValue) name = message->type == RTMP_COMMAND ? amf_read(&bytes) : NULL;
    return g_strdup(amf_string(name));
}

/* (transfer full) A text of the last object of a command (onStatus, _result), or NULL. */
static inline char *rtmp_client_info(const RtmpMessage *message, const char *member)
{
    ByteReader bytes = byte_reader(message->data, message->size);
    char *text = NULL;
    while (message->type == RTMP_COMMAND && byte_reader_left(&bytes) > 0) {
        g_autoptr(AmfValue) value = amf_read(&bytes);
        if (amf_string(amf_get(value, member))) {
            g_free(text);
            text = g_strdup(amf_string(amf_get(value, member)));
        }
    }
    return text;
}
