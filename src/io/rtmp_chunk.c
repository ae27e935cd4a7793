#include "io/rtmp_chunk.h"

#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"

#define EXTENDED   0xffffff
#define FIRST_ROOM 4096 /* bytes that a message's memory begins with */

/* One chunk stream: the header that the next one may refer to, and the message that is not
 * complete. */
typedef struct {
    guint csid;
    gboolean has_header;
    guint8 type;
    guint32 length, stream_id;
    guint32 timestamp, delta;
    gboolean extended;
    guint32 extended_value; /* as it stood in the last header */

    gboolean in_message;
    guint8 *data;
    gsize size, room;
} ChunkStream;

/* A header as it stands on the wire. */
typedef struct {
    guint fmt, csid;
    guint32 field; /* timestamp or delta */
    guint32 length, stream_id;
    guint8 type;
    gboolean extended;
} ChunkHeader;

struct RtmpChunkReader {
    RtmpChunkLimits limits;
    guint32 chunk_size;
    ChunkStream streams[RTMP_MAX_CHUNK_STREAMS];
    guint n_streams;

    ChunkStream *current; /* whose chunk is being read, or NULL: a header is next */
    gsize chunk_left;
    gsize pending;     /* room of all streams together */
    guint8 *delivered; /* the memory of the message that was returned last */

    /* The second that is being watched for tiny chunks. */
    gint64 second_ns;
    guint headers;
    gsize bytes;

    const char *error;
};

RtmpChunkReader *rtmp_chunk_reader_new(const RtmpChunkLimits *limits)
{
    RtmpChunkReader *reader = g_new0(RtmpChunkReader, 1);
    reader->limits = *limits;
    reader->chunk_size = RTMP_DEFAULT_CHUNK_SIZE;
    return reader;
}

void rtmp_chunk_reader_free(RtmpChunkReader *reader)
{
    if (!reader)
        return;
    for (guint i = 0; i < reader->n_streams; i++)
        g_free(reader->streams[i].data);
    g_free(reader->delivered);
    g_free(reader);
}

void rtmp_chunk_reader_set_limits(RtmpChunkReader *reader, const RtmpChunkLimits *limits)
{
    reader->limits = *limits;
}

const char *rtmp_chunk_reader_error(const RtmpChunkReader *reader)
{
    return reader->error;
}

gsize rtmp_chunk_reader_memory(const RtmpChunkReader *reader)
{
    return reader->pending;
}

static RtmpChunkResult chunk_fail(RtmpChunkReader *reader, const char *error)
{
    reader->error = error;
    return RTMP_CHUNK_ERROR;
}

static ChunkStream *chunk_find(RtmpChunkReader *reader, guint csid)
{
    for (guint i = 0; i < reader->n_streams; i++)
        if (reader->streams[i].csid == csid)
            return &reader->streams[i];
    return NULL;
}

static ChunkStream *chunk_find_or_add(RtmpChunkReader *reader, guint csid)
{
    ChunkStream *stream = chunk_find(reader, csid);
    if (!stream && reader->n_streams < RTMP_MAX_CHUNK_STREAMS) {
        stream = &reader->streams[reader->n_streams++];
        stream->csid = csid;
    }
    return stream;
}

static void chunk_drop_partial(RtmpChunkReader *reader, ChunkStream *stream)
{
    g_clear_pointer(&stream->data, g_free);
    reader->pending -= stream->room;
    stream->size = stream->room = 0;
    stream->in_message = FALSE;
}

/* --- Headers (5.3.1) --- */

static void chunk_parse_basic(ByteReader *bytes, ChunkHeader *header)
{
    guint8 first = byte_reader_u8(bytes);
    header->fmt = first >> 6;
    header->csid = first & 0x3f;
    if (header->csid == 0) {
        header->csid = 64 + byte_reader_u8(bytes);
    } else if (header->csid == 1) {
        guint low = byte_reader_u8(bytes);
        header->csid = 64 + low + 256u * byte_reader_u8(bytes);
    }
}

static void chunk_parse_header(ByteReader *bytes, ChunkHeader *header)
{
    chunk_parse_basic(bytes, header);
    if (header->fmt <= 2)
        header->field = byte_reader_u24(bytes);
    if (header->fmt <= 1) {
        header->length = byte_reader_u24(bytes);
        header->type = byte_reader_u8(bytes);
    }
    if (header->fmt == 0) {
        guint32 swapped = byte_reader_u32(bytes); /* the one little-endian number of RTMP */
        header->stream_id = GUINT32_SWAP_LE_BE(swapped);
    }
    header->extended = header->fmt <= 2 && header->field == EXTENDED;
    if (header->extended)
        header->field = byte_reader_u32(bytes);
}

/* A type 3 repeats the extended timestamp, but not everybody writes it: it is there if the bytes
 * are the same. As few as decide are looked at, for a chunk may be shorter than the timestamp.
 * Reader failed: more bytes are needed. */
static void chunk_skip_repeated_timestamp(ByteReader *bytes, guint32 value)
{
    guint8 wire[4];
    ByteWriter writer = byte_writer(wire, sizeof wire);
    byte_writer_u32(&writer, value);
    gsize n = MIN(byte_reader_left(bytes), sizeof wire);
    if (memcmp(bytes->data + bytes->pos, wire, n) == 0)
        byte_reader_bytes(bytes, sizeof wire);
}

static gboolean chunk_is_media(guint8 type)
{
    return type == RTMP_AUDIO || type == RTMP_VIDEO || type == RTMP_AGGREGATE;
}

static const char *chunk_header_fault(const RtmpChunkReader *reader, const ChunkHeader *header,
                                      const ChunkStream *stream)
{
    gsize max = chunk_is_media(header->type) ? reader->limits.media : reader->limits.other;
    if (!stream)
        return "it used too many chunk streams";
    if (header->fmt >= 2 && !stream->has_header)
        return "a chunk refers to a header that never came";
    if (header->fmt <= 2 && stream->in_message)
        return "a message begins inside another of its chunk stream";
    if (header->fmt <= 1 && header->length > max)
        return "a message is too long";
    return NULL;
}

/* A type 3 that begins a message repeats the last delta, and after a type 0 that is the timestamp
 * itself (5.3.1.2.4). */
static void chunk_begin_message(ChunkStream *stream, const ChunkHeader *header)
{
    if (header->fmt <= 2) {
        stream->delta = header->field;
        stream->extended = header->extended;
        stream->extended_value = header->field;
    }
    if (header->fmt <= 1) {
        stream->length = header->length;
        stream->type = header->type;
    }
    if (header->fmt == 0) {
        stream->stream_id = header->stream_id;
        stream->timestamp = header->field;
    } else {
        stream->timestamp += stream->delta;
    }
    stream->has_header = TRUE;
    stream->in_message = TRUE;
}

/* A chunk of one byte is legal, and costs as much as one of thousands. */
static gboolean chunk_header_budget(RtmpChunkReader *reader, gint64 now_ns)
{
    if (now_ns - reader->second_ns >= NS_PER_SEC) {
        reader->second_ns = now_ns;
        reader->headers = 0;
        reader->bytes = 0;
    }
    return ++reader->headers <= RTMP_MAX_HEADERS_PER_SEC ||
           reader->bytes / reader->headers >= RTMP_MIN_BYTES_PER_HEADER;
}

/* One header. RTMP_CHUNK_MESSAGE: the chunk's bytes may be read. */
static RtmpChunkResult chunk_read_header(RtmpChunkReader *reader, ByteReader *bytes, gint64 now_ns)
{
    ByteReader ahead = *bytes;
    ChunkHeader header = { 0 };
    chunk_parse_header(&ahead, &header);
    if (ahead.failed)
        return RTMP_CHUNK_MORE;
    ChunkStream *stream = chunk_find(reader, header.csid);
    if (header.fmt == 3 && stream && stream->extended)
        chunk_skip_repeated_timestamp(&ahead, stream->extended_value);
    if (ahead.failed)
        return RTMP_CHUNK_MORE;

    stream = chunk_find_or_add(reader, header.csid);
    const char *fault = chunk_header_fault(reader, &header, stream);
    if (fault)
        return chunk_fail(reader, fault);
    if (!chunk_header_budget(reader, now_ns))
        return chunk_fail(reader, "its chunks are too small");
    if (!stream->in_message)
        chunk_begin_message(stream, &header);
    *bytes = ahead;
    reader->current = stream;
    reader->chunk_left = MIN(stream->length - stream->size, reader->chunk_size);
    return RTMP_CHUNK_MESSAGE;
}

/* --- Payload --- */

/* Memory follows what has come, not what was announced. */
static gboolean chunk_reserve(RtmpChunkReader *reader, ChunkStream *stream, gsize more)
{
    gsize wanted = stream->size + more;
    if (wanted <= stream->room)
        return TRUE;
    gsize room = MIN(MAX(MAX(wanted, stream->room * 2), FIRST_ROOM), stream->length);
    if (reader->pending - stream->room + room > reader->limits.pending)
        return FALSE;
    stream->data = g_realloc(stream->data, room);
    reader->pending += room - stream->room;
    stream->room = room;
    return TRUE;
}

static RtmpChunkResult chunk_read_payload(RtmpChunkReader *reader, ByteReader *bytes)
{
    ChunkStream *stream = reader->current;
    gsize n = MIN(reader->chunk_left, byte_reader_left(bytes));
    if (!chunk_reserve(reader, stream, n))
        return chunk_fail(reader, "it left too many messages half sent");
    const guint8 *data = byte_reader_bytes(bytes, n);
    if (n > 0)
        memcpy(stream->data + stream->size, data, n);
    stream->size += n;
    reader->bytes += n;
    reader->chunk_left -= n;
    if (reader->chunk_left > 0)
        return RTMP_CHUNK_MORE;
    reader->current = NULL;
    return RTMP_CHUNK_MESSAGE;
}

static void chunk_deliver(RtmpChunkReader *reader, ChunkStream *stream, RtmpMessage *message)
{
    *message = (RtmpMessage){ .csid = stream->csid,
                              .type = stream->type,
                              .timestamp_ms = stream->timestamp,
                              .stream_id = stream->stream_id,
                              .data = stream->data,
                              .size = stream->size };
    reader->delivered = g_steal_pointer(&stream->data);
    chunk_drop_partial(reader, stream);
}

/* Set Chunk Size and Abort (5.4.1, 5.4.2). *is_ours: the message was one of them. */
static RtmpChunkResult chunk_obey(RtmpChunkReader *reader, const RtmpMessage *message,
                                  gboolean *is_ours)
{
    ByteReader bytes = byte_reader(message->data, message->size);
    *is_ours = message->type == RTMP_SET_CHUNK_SIZE || message->type == RTMP_ABORT;
    if (!*is_ours)
        return RTMP_CHUNK_MESSAGE;
    guint32 value = byte_reader_u32(&bytes);
    if (bytes.failed)
        return chunk_fail(reader, "a protocol control message is too short");
    if (message->type == RTMP_SET_CHUNK_SIZE) {
        reader->chunk_size = MIN(value, RTMP_MAX_CHUNK_SIZE);
        return value ? RTMP_CHUNK_MESSAGE : chunk_fail(reader, "it announced a chunk size of 0");
    }
    ChunkStream *stream = chunk_find(reader, value);
    if (stream)
        chunk_drop_partial(reader, stream);
    return RTMP_CHUNK_MESSAGE;
}

/* One header or one piece of payload. *done: *message is the caller's. */
static RtmpChunkResult chunk_step(RtmpChunkReader *reader, ByteReader *bytes, gint64 now_ns,
                                  RtmpMessage *message, gboolean *done)
{
    if (!reader->current) {
        RtmpChunkResult result = chunk_read_header(reader, bytes, now_ns);
        if (result != RTMP_CHUNK_MESSAGE)
            return result;
    }
    ChunkStream *stream = reader->current;
    RtmpChunkResult result = chunk_read_payload(reader, bytes);
    if (result != RTMP_CHUNK_MESSAGE || stream->size < stream->length)
        return result;
    gboolean is_ours;
    g_clear_pointer(&reader->delivered, g_free);
    chunk_deliver(reader, stream, message);
    result = chunk_obey(reader, message, &is_ours);
    *done = !is_ours;
    return result;
}

RtmpChunkResult rtmp_chunk_reader_next(RtmpChunkReader *reader, const guint8 *data, gsize size,
                                       gint64 now_ns, gsize *used, RtmpMessage *message)
{
    ByteReader bytes = byte_reader(data, size);
    RtmpChunkResult result = reader->error ? RTMP_CHUNK_ERROR : RTMP_CHUNK_MESSAGE;
    gboolean done = FALSE;
    g_clear_pointer(&reader->delivered, g_free);
    while (result == RTMP_CHUNK_MESSAGE && !done)
        result = chunk_step(reader, &bytes, now_ns, message, &done);
    *used = bytes.pos;
    return result;
}

/* --- Writing --- */

/* What the last message of a chunk stream said. */
typedef struct {
    guint csid;
    guint32 timestamp, stream_id;
} WrittenStream;

struct RtmpChunkWriter {
    guint32 chunk_size;
    GArray *streams; /* WrittenStream */
};

RtmpChunkWriter *rtmp_chunk_writer_new(void)
{
    RtmpChunkWriter *writer = g_new0(RtmpChunkWriter, 1);
    writer->chunk_size = RTMP_DEFAULT_CHUNK_SIZE;
    writer->streams = g_array_new(FALSE, FALSE, sizeof(WrittenStream));
    return writer;
}

void rtmp_chunk_writer_free(RtmpChunkWriter *writer)
{
    if (!writer)
        return;
    g_array_unref(writer->streams);
    g_free(writer);
}

static WrittenStream *chunk_written(RtmpChunkWriter *writer, guint csid)
{
    for (guint i = 0; i < writer->streams->len; i++) {
        WrittenStream *stream = &g_array_index(writer->streams, WrittenStream, i);
        if (stream->csid == csid)
            return stream;
    }
    return NULL;
}

static void chunk_write_basic(ByteWriter *bytes, guint fmt, guint csid)
{
    guint8 high = (guint8)(fmt << 6);
    if (csid < 64) {
        byte_writer_u8(bytes, high | (guint8)csid);
    } else if (csid < 320) {
        byte_writer_u8(bytes, high);
        byte_writer_u8(bytes, (guint8)(csid - 64));
    } else {
        byte_writer_u8(bytes, high | 1);
        byte_writer_u8(bytes, (guint8)(csid - 64));
        byte_writer_u8(bytes, (guint8)((csid - 64) >> 8));
    }
}

static void chunk_write_start(ByteWriter *bytes, guint fmt, guint32 field,
                              const RtmpMessage *message)
{
    chunk_write_basic(bytes, fmt, message->csid);
    byte_writer_u24(bytes, MIN(field, EXTENDED));
    byte_writer_u24(bytes, (guint32)message->size);
    byte_writer_u8(bytes, message->type);
    if (fmt == 0)
        byte_writer_u32(bytes, GUINT32_SWAP_LE_BE(message->stream_id));
}

/* A type 1 needs a time that does not go back. */
static guint32 chunk_choose_start(RtmpChunkWriter *writer, const RtmpMessage *message, guint *fmt)
{
    WrittenStream *last = chunk_written(writer, message->csid);
    guint32 delta = last ? message->timestamp_ms - last->timestamp : 0;
    *fmt = last && last->stream_id == message->stream_id && delta <= G_MAXINT32 ? 1 : 0;
    if (!last) {
        WrittenStream fresh = { .csid = message->csid };
        g_array_append_val(writer->streams, fresh);
        last = &g_array_index(writer->streams, WrittenStream, writer->streams->len - 1);
    }
    last->timestamp = message->timestamp_ms;
    last->stream_id = message->stream_id;
    return *fmt == 1 ? delta : message->timestamp_ms;
}

void rtmp_chunk_writer_write(RtmpChunkWriter *writer, const RtmpMessage *message, GByteArray *out)
{
    guint fmt;
    guint32 field = chunk_choose_start(writer, message, &fmt);
    gsize done = 0;
    g_return_if_fail(message->size <= RTMP_MAX_CHUNK_SIZE);
    do {
        guint8 header[18];
        ByteWriter bytes = byte_writer(header, sizeof header);
        if (done == 0)
            chunk_write_start(&bytes, fmt, field, message);
        else
            chunk_write_basic(&bytes, 3, message->csid);
        if (field >= EXTENDED)
            byte_writer_u32(&bytes, field);
        gsize n = MIN(message->size - done, writer->chunk_size);
        g_byte_array_append(out, header, (guint)bytes.pos);
        if (n > 0)
            g_byte_array_append(out, message->data + done, (guint)n);
        done += n;
    } while (done < message->size);
}

void rtmp_chunk_writer_set_chunk_size(RtmpChunkWriter *writer, guint32 chunk_size, GByteArray *out)
{
    guint8 value[4];
    ByteWriter bytes = byte_writer(value, sizeof value);
    byte_writer_u32(&bytes, chunk_size);
    RtmpMessage message = {
        .csid = 2, .type = RTMP_SET_CHUNK_SIZE, .data = value, .size = sizeof value
    };
    rtmp_chunk_writer_write(writer, &message, out);
    writer->chunk_size = CLAMP(chunk_size, 1, RTMP_MAX_CHUNK_SIZE);
}
