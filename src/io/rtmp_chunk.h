#pragma once

#include <glib.h>

/* RTMP's chunk layer (Adobe RTMP 1.0, section 5.3): bytes to messages and messages to bytes. Pure.
 *
 * The reader takes what real peers send: messages of many chunk streams interleaved, extended
 * timestamps with and without their repetition on continuations (OBS leaves it out), deltas that
 * wrap, a first message with a short header. What an outsider sends is bounded: a message's memory
 * grows as its bytes arrive, all half messages together and the number of chunk streams are
 * limited, and so is the number of headers that carry next to nothing. */

enum {
    RTMP_SET_CHUNK_SIZE = 1,
    RTMP_ABORT = 2,
    RTMP_ACKNOWLEDGEMENT = 3,
    RTMP_USER_CONTROL = 4,
    RTMP_WINDOW_ACK_SIZE = 5,
    RTMP_SET_PEER_BANDWIDTH = 6,
    RTMP_AUDIO = 8,
    RTMP_VIDEO = 9,
    RTMP_DATA_AMF3 = 15,
    RTMP_COMMAND_AMF3 = 17,
    RTMP_DATA = 18,
    RTMP_COMMAND = 20,
    RTMP_AGGREGATE = 22,
};

#define RTMP_MAX_CHUNK_STREAMS    64
#define RTMP_DEFAULT_CHUNK_SIZE   128
#define RTMP_MAX_CHUNK_SIZE       0xffffff /* of a message: more means the same */
#define RTMP_MAX_HEADERS_PER_SEC  20000    /* of chunks that carry less than the next on average */
#define RTMP_MIN_BYTES_PER_HEADER 64

typedef struct {
    guint csid;
    guint8 type;
    guint32 timestamp_ms; /* wraps at 2^32 */
    guint32 stream_id;
    const guint8 *data; /* transfer none: valid until the reader's next call */
    gsize size;
} RtmpMessage;

typedef struct RtmpChunkReader RtmpChunkReader;

typedef enum {
    RTMP_CHUNK_MORE,    /* wants more bytes */
    RTMP_CHUNK_MESSAGE, /* *message is complete */
    RTMP_CHUNK_ERROR,   /* rtmp_chunk_reader_error(): close */
} RtmpChunkResult;

/** Bytes of one audio, video or aggregate message, of one message of another kind, and of all
 *  messages together that are not complete. */
typedef struct {
    gsize media, other, pending;
} RtmpChunkLimits;

RtmpChunkReader *rtmp_chunk_reader_new(const RtmpChunkLimits *limits);
void rtmp_chunk_reader_free(RtmpChunkReader *reader);
void rtmp_chunk_reader_set_limits(RtmpChunkReader *reader, const RtmpChunkLimits *limits);

/** Read on, up to the end of the next message: *used bytes were taken; a header that is not
 *  complete is left to the caller, who offers it again with what follows. Set Chunk Size and Abort
 *  are obeyed here, and not returned. */
RtmpChunkResult rtmp_chunk_reader_next(RtmpChunkReader *reader, const guint8 *data, gsize size,
                                       gint64 now_ns, gsize *used, RtmpMessage *message);

/** What the peer did wrong, in words (transfer none). */
const char *rtmp_chunk_reader_error(const RtmpChunkReader *reader);

/** Bytes allocated for half messages. */
gsize rtmp_chunk_reader_memory(const RtmpChunkReader *reader);

typedef struct RtmpChunkWriter RtmpChunkWriter;

/** Writes with the default chunk size at first. */
RtmpChunkWriter *rtmp_chunk_writer_new(void);
void rtmp_chunk_writer_free(RtmpChunkWriter *writer);

/** Announce (append Set Chunk Size) and use another chunk size, 1..RTMP_MAX_CHUNK_SIZE. */
void rtmp_chunk_writer_set_chunk_size(RtmpChunkWriter *writer, guint32 chunk_size, GByteArray *out);

/** Append a message of at most 0xffffff bytes, csid 2..65599. It starts with a full header (type 0)
 *  or one without the stream id (type 1): readers disagree about what a type 3 repeats. */
void rtmp_chunk_writer_write(RtmpChunkWriter *writer, const RtmpMessage *message, GByteArray *out);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RtmpChunkReader, rtmp_chunk_reader_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RtmpChunkWriter, rtmp_chunk_writer_free)
