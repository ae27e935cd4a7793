#pragma once

#include <glib.h>

#include "io/rtmp_chunk.h"

/* The messages that an RTMP server sends (Adobe RTMP 1.0, sections 5.4, 7.1 and 7.2), appended to
 * an output as chunks. Pure. */

typedef struct {
    RtmpChunkWriter *writer;
    GByteArray *out;
} RtmpReply;

/** Protocol control: a message with one number. */
void rtmp_reply_control(RtmpReply *reply, guint8 type, guint32 value);
void rtmp_reply_peer_bandwidth(RtmpReply *reply, guint32 window);

enum {
    RTMP_STREAM_BEGIN = 0,
    RTMP_STREAM_EOF = 1,
    RTMP_PING_REQUEST = 6,
    RTMP_PING_RESPONSE = 7,
};
void rtmp_reply_user_control(RtmpReply *reply, guint16 event, guint32 value);

/** _result of connect. extended: tell what we take by Enhanced RTMP. */
void rtmp_reply_connected(RtmpReply *reply, gdouble transaction, gboolean extended);
void rtmp_reply_connect_refused(RtmpReply *reply, gdouble transaction, const char *description);

void rtmp_reply_stream_created(RtmpReply *reply, gdouble transaction, guint32 stream_id);

/** onStatus, on the stream that the peer used: players wait forever for one on another. */
void rtmp_reply_status(RtmpReply *reply, guint32 stream_id, gboolean is_error, const char *code,
                       const char *description);
