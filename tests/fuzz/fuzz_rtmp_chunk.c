/* Chunks to messages, in pieces whose size is the first byte; whatever comes out is written with
 * several chunk sizes and read again: it must be the same. */
#include <glib.h>
#include <stdint.h>

#include "io/rtmp_chunk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const RtmpChunkLimits limits = { 1 << 20, 65536, 2 << 20 };

static void check_again(RtmpChunkWriter *writer, RtmpChunkReader *reader,
                        const RtmpMessage *message)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    RtmpMessage again;
    gsize used;
    rtmp_chunk_writer_write(writer, message, bytes);
    g_assert_cmpint(rtmp_chunk_reader_next(reader, bytes->data, bytes->len, 0, &used, &again), ==,
                    RTMP_CHUNK_MESSAGE);
    g_assert_cmpuint(used, ==, bytes->len);
    g_assert_cmpuint(again.csid, ==, message->csid);
    g_assert_cmpuint(again.type, ==, message->type);
    g_assert_cmpuint(again.timestamp_ms, ==, message->timestamp_ms);
    g_assert_cmpuint(again.stream_id, ==, message->stream_id);
    g_assert_cmpmem(again.data, again.size, message->data, message->size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    g_autoptr(RtmpChunkReader) reader = rtmp_chunk_reader_new(&limits);
    g_autoptr(RtmpChunkReader) second = rtmp_chunk_reader_new(&limits);
    g_autoptr(RtmpChunkWriter) writer = rtmp_chunk_writer_new();
    g_autoptr(GByteArray) kept = g_byte_array_new();
    RtmpChunkResult result = RTMP_CHUNK_MORE;
    gsize piece = 1 + data[0];
    for (gsize pos = 1; pos < size && result != RTMP_CHUNK_ERROR; pos += piece) {
        g_byte_array_append(kept, data + pos, (guint)MIN(piece, size - pos));
        do {
            RtmpMessage message;
            gsize used;
            g_autofree guint8 *exact = g_memdup2(kept->data, kept->len);
            result = rtmp_chunk_reader_next(reader, exact, kept->len, 0, &used, &message);
            g_byte_array_remove_range(kept, 0, (guint)used);
            if (result == RTMP_CHUNK_MESSAGE)
                check_again(writer, second, &message);
        } while (result == RTMP_CHUNK_MESSAGE && kept->len > 0);
        g_assert_cmpuint(rtmp_chunk_reader_memory(reader), <=, limits.pending);
    }
    return 0;
}
