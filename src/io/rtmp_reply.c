#include "io/rtmp_reply.h"

#include "base/bytes.h"
#include "io/amf.h"

enum { CSID_CONTROL = 2, CSID_COMMAND = 3, CSID_STATUS = 5 };

static void reply_send(RtmpReply *reply, guint csid, guint8 type, guint32 stream_id,
                       const GByteArray *body)
{
    RtmpMessage message = {
        .csid = csid, .type = type, .stream_id = stream_id, .data = body->data, .size = body->len
    };
    rtmp_chunk_writer_write(reply->writer, &message, reply->out);
}

static void reply_send_bytes(RtmpReply *reply, guint8 type, const ByteWriter *bytes)
{
    RtmpMessage message = {
        .csid = CSID_CONTROL, .type = type, .data = bytes->data, .size = bytes->pos
    };
    rtmp_chunk_writer_write(reply->writer, &message, reply->out);
}

void rtmp_reply_control(RtmpReply *reply, guint8 type, guint32 value)
{
    guint8 data[4];
    ByteWriter bytes = byte_writer(data, sizeof data);
    byte_writer_u32(&bytes, value);
    reply_send_bytes(reply, type, &bytes);
}

void rtmp_reply_peer_bandwidth(RtmpReply *reply, guint32 window)
{
    enum { DYNAMIC = 2 };
    guint8 data[5];
    ByteWriter bytes = byte_writer(data, sizeof data);
    byte_writer_u32(&bytes, window);
    byte_writer_u8(&bytes, DYNAMIC);
    reply_send_bytes(reply, RTMP_SET_PEER_BANDWIDTH, &bytes);
}

void rtmp_reply_user_control(RtmpReply *reply, guint16 event, guint32 value)
{
    guint8 data[6];
    ByteWriter bytes = byte_writer(data, sizeof data);
    byte_writer_u16(&bytes, event);
    byte_writer_u32(&bytes, value);
    reply_send_bytes(reply, RTMP_USER_CONTROL, &bytes);
}

/* --- Commands --- */

static void reply_text(GByteArray *body, const char *name, const char *text)
{
    amf_write_name(body, name);
    amf_write_string(body, text);
}

static void reply_number(GByteArray *body, const char *name, gdouble number)
{
    amf_write_name(body, name);
    amf_write_number(body, number);
}

static GByteArray *reply_command(const char *name, gdouble transaction)
{
    GByteArray *body = g_byte_array_new();
    amf_write_string(body, name);
    amf_write_number(body, transaction);
    return body;
}

static void reply_info(GByteArray *body, const char *level, const char *code,
                       const char *description)
{
    amf_write_object(body);
    reply_text(body, "level", level);
    reply_text(body, "code", code);
    reply_text(body, "description", description);
}

static void reply_fourccs(GByteArray *body, const char *name, const char *const *fourccs)
{
    enum { CAN_DECODE = 1 };
    amf_write_name(body, name);
    amf_write_object(body);
    for (guint i = 0; fourccs[i]; i++)
        reply_number(body, fourccs[i], CAN_DECODE);
    amf_write_end(body);
}

/* Enhanced RTMP v2, "Enhancing NetConnection connect Command". */
static void reply_extended(GByteArray *body)
{
    static const char *const video[] = { "avc1", "hvc1", "av01", "vp09", "vp08", NULL };
    static const char *const audio[] = { "mp4a", "Opus", ".mp3", NULL };
    enum { MOD_EX = 4 };
    amf_write_name(body, "fourCcList");
    amf_write_strict_array(body, G_N_ELEMENTS(video) - 1 + G_N_ELEMENTS(audio) - 1);
    for (guint i = 0; video[i]; i++)
        amf_write_string(body, video[i]);
    for (guint i = 0; audio[i]; i++)
        amf_write_string(body, audio[i]);
    reply_fourccs(body, "videoFourCcInfoMap", video);
    reply_fourccs(body, "audioFourCcInfoMap", audio);
    reply_number(body, "capsEx", MOD_EX);
}

void rtmp_reply_connected(RtmpReply *reply, gdouble transaction, gboolean extended)
{
    g_autoptr(GByteArray) body = reply_command("_result", transaction);
    amf_write_object(body);
    reply_text(body, "fmsVer", "FMS/3,5,7,7009");
    reply_number(body, "capabilities", 31);
    if (extended)
        reply_extended(body);
    amf_write_end(body);
    reply_info(body, "status", "NetConnection.Connect.Success", "Connection succeeded.");
    reply_number(body, "objectEncoding", 0);
    amf_write_end(body);
    reply_send(reply, CSID_COMMAND, RTMP_COMMAND, 0, body);
}

void rtmp_reply_connect_refused(RtmpReply *reply, gdouble transaction, const char *description)
{
    g_autoptr(GByteArray) body = reply_command("_error", transaction);
    amf_write_null(body);
    reply_info(body, "error", "NetConnection.Connect.Rejected", description);
    amf_write_end(body);
    reply_send(reply, CSID_COMMAND, RTMP_COMMAND, 0, body);
}

void rtmp_reply_stream_created(RtmpReply *reply, gdouble transaction, guint32 stream_id)
{
    g_autoptr(GByteArray) body = reply_command("_result", transaction);
    amf_write_null(body);
    amf_write_number(body, stream_id);
    reply_send(reply, CSID_COMMAND, RTMP_COMMAND, 0, body);
}

void rtmp_reply_status(RtmpReply *reply, guint32 stream_id, gboolean is_error, const char *code,
                       const char *description)
{
    g_autoptr(GByteArray) body = reply_command("onStatus", 0);
    amf_write_null(body);
    reply_info(body, is_error ? "error" : "status", code, description);
    amf_write_end(body);
    reply_send(reply, CSID_STATUS, RTMP_COMMAND, stream_id, body);
}
