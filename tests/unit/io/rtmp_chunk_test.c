#include "io/rtmp_chunk.h"

#include <string.h>

#include "base/clock.h"

static const RtmpChunkLimits limits = { 8 << 20, 65536, 16 << 20 };

typedef struct {
    RtmpMessage message; /* data: of `body` */
    GByteArray *body;
} Got;

static void got_free(gpointer data)
{
    Got *got = data;
    g_byte_array_unref(got->body);
    g_free(got);
}

/* Offers the bytes in pieces, as a socket would, keeping what the reader does not take. */
static RtmpChunkResult read_pieces(RtmpChunkReader *reader, const guint8 *data, gsize size,
                                   gsize piece, GPtrArray *into)
{
    g_autoptr(GByteArray) kept = g_byte_array_new();
    RtmpChunkResult result = RTMP_CHUNK_MORE;
    for (gsize pos = 0; pos < size && result != RTMP_CHUNK_ERROR; pos += piece) {
        g_byte_array_append(kept, data + pos, (guint)MIN(piece, size - pos));
        do {
            RtmpMessage message;
            gsize used;
            g_autofree guint8 *exact = g_memdup2(kept->data, kept->len);
            result = rtmp_chunk_reader_next(reader, exact, kept->len, NS_PER_SEC, &used, &message);
            g_byte_array_remove_range(kept, 0, (guint)used);
            if (result == RTMP_CHUNK_MESSAGE) {
                Got *got = g_new0(Got, 1);
                got->message = message;
                got->body = g_byte_array_new();
                g_byte_array_append(got->body, message.data, (guint)message.size);
                g_ptr_array_add(into, got);
            }
        } while (result == RTMP_CHUNK_MESSAGE && kept->len > 0);
        g_assert_cmpuint(result == RTMP_CHUNK_ERROR ? 0 : kept->len, <, 22);
    }
    return result;
}

static GPtrArray *read_bytes(const GByteArray *bytes, gsize piece)
{
    g_autoptr(RtmpChunkReader) reader = rtmp_chunk_reader_new(&limits);
    GPtrArray *got = g_ptr_array_new_with_free_func(got_free);
    g_assert_cmpint(read_pieces(reader, bytes->data, bytes->len, piece, got), !=, RTMP_CHUNK_ERROR);
    g_assert_cmpuint(rtmp_chunk_reader_memory(reader), ==, 0);
    return got;
}

static const char *read_error(const GByteArray *bytes, const RtmpChunkLimits *with)
{
    static char text[128];
    g_autoptr(RtmpChunkReader) reader = rtmp_chunk_reader_new(with);
    g_autoptr(GPtrArray) got = g_ptr_array_new_with_free_func(got_free);
    RtmpChunkResult result = read_pieces(reader, bytes->data, bytes->len, 65536, got);
    g_assert_cmpuint(rtmp_chunk_reader_memory(reader), <=, with->pending);
    g_strlcpy(text, result == RTMP_CHUNK_ERROR ? rtmp_chunk_reader_error(reader) : "", sizeof text);
    return text;
}

static void assert_got(GPtrArray *got, guint index, const RtmpMessage *expected)
{
    g_assert_cmpuint(index, <, got->len);
    const Got *one = g_ptr_array_index(got, index);
    g_assert_cmpuint(one->message.csid, ==, expected->csid);
    g_assert_cmpuint(one->message.type, ==, expected->type);
    g_assert_cmpuint(one->message.timestamp_ms, ==, expected->timestamp_ms);
    g_assert_cmpuint(one->message.stream_id, ==, expected->stream_id);
    g_assert_cmpmem(one->body->data, one->body->len, expected->data, expected->size);
}

static guint8 pattern[200000];

static RtmpMessage a_message(guint csid, guint32 timestamp, gsize size)
{
    return (RtmpMessage){ .csid = csid,
                          .type = csid % 2 ? RTMP_AUDIO : RTMP_VIDEO,
                          .timestamp_ms = timestamp,
                          .stream_id = 1,
                          .data = pattern + csid % 13,
                          .size = size };
}

/* Messages of all sorts, written and read with every kind of chunk size and piece. */
static void test_round_trip(void)
{
    const guint32 chunk_sizes[] = { 1, 2, 7, 64, 127, 128, 129, 4096, 65536, 0xffffff };
    const gsize pieces[] = { 1, 3, 1000, G_MAXUINT16 };
    const RtmpMessage messages[] = {
        a_message(4, 0, 1000),           a_message(5, 10, 0),
        a_message(4, 40, 128),           a_message(64, 50, 1),
        a_message(319, 60, 300),         a_message(320, 60, 129),
        a_message(65599, 70, 70),        a_message(4, 0xfffffe, 257),
        a_message(4, 0xffffff, 400),     a_message(4, 0x1000000, 400),
        a_message(5, 0xfffffff0, 200),   a_message(5, 5, 200),   /* wraps */
        a_message(4, 0x0fffff00, 300),   a_message(4, 100, 300), /* goes back */
        a_message(4, 100 + 0x1000000, 5)
    };
    for (guint c = 0; c < G_N_ELEMENTS(chunk_sizes); c++) {
        g_autoptr(RtmpChunkWriter) writer = rtmp_chunk_writer_new();
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        rtmp_chunk_writer_set_chunk_size(writer, chunk_sizes[c], bytes);
        for (guint i = 0; i < G_N_ELEMENTS(messages); i++)
            rtmp_chunk_writer_write(writer, &messages[i], bytes);
        for (guint p = 0; p < G_N_ELEMENTS(pieces); p++) {
            g_autoptr(GPtrArray) got = read_bytes(bytes, pieces[p]);
            g_assert_cmpuint(got->len, ==, G_N_ELEMENTS(messages));
            for (guint i = 0; i < got->len; i++)
                assert_got(got, i, &messages[i]);
        }
    }
}

static GByteArray *bytes_of(const guint8 *data, gsize size)
{
    GByteArray *bytes = g_byte_array_new();
    g_byte_array_append(bytes, data, (guint)size);
    return bytes;
}

static guint32 timestamp_of(GPtrArray *got, guint index)
{
    return ((const Got *)g_ptr_array_index(got, index))->message.timestamp_ms;
}

/* A type 3 that begins a message repeats the delta, which after a type 0 is its timestamp. */
static void test_type_3_starts(void)
{
    const guint8 data[] = {
        0x04, 0,   0, 26, 0,   0, 1, 9, 1,   0, 0, 0, 'a', /* type 0 at 26 */
        0xc4, 'b',                                         /* so 52 */
        0x44, 0,   0, 5,  0,   0, 1, 9, 'c',               /* type 1: 57 */
        0xc4, 'd',                                         /* 62 */
        0x84, 0,   0, 3,  'e',                             /* type 2: 65 */
        0xc4, 'f',                                         /* 68 */
    };
    const guint32 expected[] = { 26, 52, 57, 62, 65, 68 };
    g_autoptr(GByteArray) bytes = bytes_of(data, sizeof data);
    g_autoptr(GPtrArray) got = read_bytes(bytes, 1);
    g_assert_cmpuint(got->len, ==, G_N_ELEMENTS(expected));
    for (guint i = 0; i < got->len; i++)
        g_assert_cmpuint(timestamp_of(got, i), ==, expected[i]);
}

/* librtmp's first ping has a short header on a chunk stream that nobody used before. */
static void test_type_1_first(void)
{
    const guint8 data[] = { 0x42, 0, 0, 7, 0, 0, 2, 4, 0, 6 };
    g_autoptr(GByteArray) bytes = bytes_of(data, sizeof data);
    g_autoptr(GPtrArray) got = read_bytes(bytes, 2);
    g_assert_cmpuint(got->len, ==, 1);
    g_assert_cmpuint(timestamp_of(got, 0), ==, 7);
}

/* GStreamer counts deltas in 32 bits: going back is a large delta. FFmpeg's first message with an
 * offset is a delta beyond 24 bits. */
static void test_extended_deltas(void)
{
    const guint8 data[] = { 0x04, 0,    0,    100,  0,    0,    1,    9,    1,
                            0,    0,    0,    'a',  0x44, 0xff, 0xff, 0xff, 0,
                            0,    1,    9,    0xff, 0xff, 0xff, 0xf6, 'b', /* -10 */
                            0x44, 0xff, 0xff, 0xff, 0,    0,    1,    9,    0x01,
                            0x31, 0x2d, 0x00, 'c', /* + 20000000 */
                            0x44, 0,    0,    1,    0,    0,    1,    9,    'd' };
    const guint32 expected[] = { 100, 90, 20000090, 20000091 };
    g_autoptr(GByteArray) bytes = bytes_of(data, sizeof data);
    g_autoptr(GPtrArray) got = read_bytes(bytes, 1);
    g_assert_cmpuint(got->len, ==, 4);
    for (guint i = 0; i < 4; i++)
        g_assert_cmpuint(timestamp_of(got, i), ==, expected[i]);
}

/* A message beyond 0xffffff ms whose continuations repeat the timestamp, or (OBS) do not; its last
 * chunk is shorter than that, with nothing behind it. */
static void write_extended(GByteArray *bytes, gboolean repeats, gsize size)
{
    static const guint8 extended[] = { 0x01, 0x02, 0x03, 0x04 };
    const guint8 head[] = { 0x06,         0xff,       0xff, 0xff, 0, (guint8)(size >> 8),
                            (guint8)size, RTMP_VIDEO, 1,    0,    0, 0 };
    const guint8 next = 0xc6;
    g_byte_array_append(bytes, head, sizeof head);
    g_byte_array_append(bytes, extended, sizeof extended);
    for (gsize pos = 0; pos < size; pos += 128) {
        if (pos > 0)
            g_byte_array_append(bytes, &next, 1);
        if (pos > 0 && repeats)
            g_byte_array_append(bytes, extended, sizeof extended);
        g_byte_array_append(bytes, pattern + pos, (guint)MIN(128, size - pos));
    }
}

static void test_extended_on_type_3(void)
{
    for (guint repeats = 0; repeats < 2; repeats++) {
        for (gsize size = 128; size < 400; size++) {
            g_autoptr(GByteArray) bytes = g_byte_array_new();
            write_extended(bytes, repeats, size);
            RtmpMessage expected = { .csid = 6,
                                     .type = RTMP_VIDEO,
                                     .timestamp_ms = 0x01020304,
                                     .stream_id = 1,
                                     .data = pattern,
                                     .size = size };
            g_autoptr(GPtrArray) got = read_bytes(bytes, size % 5 + 1);
            assert_got(got, 0, &expected);
        }
    }
}

static void write_partial(GByteArray *bytes, guint8 csid, guint32 length, gsize n)
{
    const guint8 head[] = {
        csid, 0, 0, 0, (guint8)(length >> 16), (guint8)(length >> 8), (guint8)length, RTMP_VIDEO,
        1,    0, 0, 0
    };
    g_byte_array_append(bytes, head, sizeof head);
    g_byte_array_append(bytes, pattern, (guint)n);
}

static void write_control(GByteArray *bytes, guint8 type, guint32 value)
{
    const guint8 data[] = { 0x02,
                            0,
                            0,
                            0,
                            0,
                            0,
                            4,
                            type,
                            0,
                            0,
                            0,
                            0,
                            (guint8)(value >> 24),
                            (guint8)(value >> 16),
                            (guint8)(value >> 8),
                            (guint8)value };
    g_byte_array_append(bytes, data, sizeof data);
}

/* Two messages interleaved; one of them aborted, and another begun in its place. */
static void test_interleaved_and_abort(void)
{
    static const guint8 last_of_5[] = { 0xc5, 'x' };
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    write_partial(bytes, 4, 1000, 128);
    write_partial(bytes, 5, 129, 128);
    write_control(bytes, RTMP_ABORT, 4);
    write_control(bytes, RTMP_ABORT, 63); /* nobody's */
    g_byte_array_append(bytes, last_of_5, sizeof last_of_5);
    write_partial(bytes, 4, 10, 10);
    g_autoptr(GPtrArray) got = read_bytes(bytes, 7);
    g_assert_cmpuint(got->len, ==, 2);
    g_assert_cmpuint(((Got *)g_ptr_array_index(got, 0))->body->len, ==, 129);
    g_assert_cmpuint(((Got *)g_ptr_array_index(got, 1))->body->len, ==, 10);
}

static void test_faults(void)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    write_control(bytes, RTMP_SET_CHUNK_SIZE, 0);
    g_assert_cmpstr(read_error(bytes, &limits), ==, "it announced a chunk size of 0");

    const guint8 unknown_header[] = { 0xc9 };
    g_autoptr(GByteArray) type_3 = bytes_of(unknown_header, 1);
    g_assert_cmpstr(read_error(type_3, &limits), ==, "a chunk refers to a header that never came");

    g_byte_array_set_size(bytes, 0);
    write_partial(bytes, 4, 1000, 128);
    write_partial(bytes, 4, 1000, 128);
    g_assert_cmpstr(read_error(bytes, &limits), ==,
                    "a message begins inside another of its chunk stream");

    g_byte_array_set_size(bytes, 0);
    write_partial(bytes, 4, 0xffffff, 0);
    g_assert_cmpstr(read_error(bytes, &limits), ==, "a message is too long");
}

/* 64 messages of 8 MiB, each begun only: memory follows what came. Then all of it is sent. */
static void test_half_messages(void)
{
    const RtmpChunkLimits tight = { 8 << 20, 65536, 1 << 20 };
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(RtmpChunkReader) reader = rtmp_chunk_reader_new(&limits);
    g_autoptr(GPtrArray) got = g_ptr_array_new_with_free_func(got_free);
    write_control(bytes, RTMP_SET_CHUNK_SIZE, 0x80000000);
    for (guint8 csid = 3; csid < 63; csid++)
        write_partial(bytes, csid, 8 << 20, 0);
    g_byte_array_set_size(bytes, 0);
    for (guint8 csid = 3; csid < 63; csid++)
        write_partial(bytes, csid, 8 << 20, 128);
    g_assert_cmpint(read_pieces(reader, bytes->data, bytes->len, 4096, got), ==, RTMP_CHUNK_MORE);
    g_assert_cmpuint(rtmp_chunk_reader_memory(reader), <=, 64 * 4096);

    g_byte_array_set_size(bytes, 0);
    write_control(bytes, RTMP_SET_CHUNK_SIZE, 100000);
    for (guint8 csid = 3; csid < 63; csid++)
        write_partial(bytes, csid, 8 << 20, 100000);
    g_assert_cmpstr(read_error(bytes, &tight), ==, "it left too many messages half sent");
}

static void test_many_streams(void)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(RtmpChunkWriter) writer = rtmp_chunk_writer_new();
    for (guint csid = 100; csid < 100 + RTMP_MAX_CHUNK_STREAMS; csid++) {
        RtmpMessage message = a_message(csid, 0, 5);
        rtmp_chunk_writer_write(writer, &message, bytes);
    }
    g_autoptr(GPtrArray) got = read_bytes(bytes, 100);
    g_assert_cmpuint(got->len, ==, RTMP_MAX_CHUNK_STREAMS);
    RtmpMessage message = a_message(1000, 0, 5);
    rtmp_chunk_writer_write(writer, &message, bytes);
    g_assert_cmpstr(read_error(bytes, &limits), ==, "it used too many chunk streams");
}

/* Chunks of one byte cost a header each: a few are taken, a flood is not. */
static void test_tiny_chunks(void)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(RtmpChunkWriter) writer = rtmp_chunk_writer_new();
    rtmp_chunk_writer_set_chunk_size(writer, 1, bytes);
    RtmpMessage message = a_message(4, 0, 15000);
    rtmp_chunk_writer_write(writer, &message, bytes);
    g_autoptr(GPtrArray) got = read_bytes(bytes, 60000);
    g_assert_cmpuint(got->len, ==, 1);
    rtmp_chunk_writer_write(writer, &message, bytes);
    g_assert_cmpstr(read_error(bytes, &limits), ==, "its chunks are too small");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < sizeof pattern; i++)
        pattern[i] = (guint8)(i * 31 + (i >> 8)) | 0x40; /* unlike any timestamp here */
    g_test_add_func("/rtmp_chunk/round_trip", test_round_trip);
    g_test_add_func("/rtmp_chunk/type_3_starts", test_type_3_starts);
    g_test_add_func("/rtmp_chunk/type_1_first", test_type_1_first);
    g_test_add_func("/rtmp_chunk/extended_deltas", test_extended_deltas);
    g_test_add_func("/rtmp_chunk/extended_on_type_3", test_extended_on_type_3);
    g_test_add_func("/rtmp_chunk/interleaved_and_abort", test_interleaved_and_abort);
    g_test_add_func("/rtmp_chunk/faults", test_faults);
    g_test_add_func("/rtmp_chunk/half_messages", test_half_messages);
    g_test_add_func("/rtmp_chunk/many_streams", test_many_streams);
    g_test_add_func("/rtmp_chunk/tiny_chunks", test_tiny_chunks);
    return g_test_run();
}
