#include "base/bytes.h"

static void test_round_trip(void)
{
    guint8 buffer[21];
    ByteWriter writer = byte_writer(buffer, sizeof buffer);
    byte_writer_u8(&writer, 0x12);
    byte_writer_u16(&writer, 0x3456);
    byte_writer_u24(&writer, 0x789abc);
    byte_writer_u32(&writer, 0xdef01234u);
    byte_writer_u64(&writer, G_GUINT64_CONSTANT(0x56789abcdef01234));
    byte_writer_bytes(&writer, "abc", 3);
    g_assert_false(writer.failed);
    g_assert_cmpuint(writer.pos, ==, sizeof buffer);

    ByteReader reader = byte_reader(buffer, sizeof buffer);
    g_assert_cmpuint(byte_reader_u8(&reader), ==, 0x12);
    g_assert_cmpuint(byte_reader_u16(&reader), ==, 0x3456);
    g_assert_cmpuint(byte_reader_u24(&reader), ==, 0x789abc);
    g_assert_cmpuint(byte_reader_u32(&reader), ==, 0xdef01234u);
    g_assert_cmpuint(byte_reader_u64(&reader), ==, G_GUINT64_CONSTANT(0x56789abcdef01234));
    g_assert_cmpuint(byte_reader_left(&reader), ==, 3);
    g_assert_cmpmem(byte_reader_bytes(&reader, 3), 3, "abc", 3);
    g_assert_cmpuint(byte_reader_left(&reader), ==, 0);
    g_assert_false(reader.failed);
}

static void test_big_endian(void)
{
    static const guint8 data[] = { 0x01, 0x02, 0x03, 0x04 };
    ByteReader reader = byte_reader(data, sizeof data);
    g_assert_cmpuint(byte_reader_u32(&reader), ==, 0x01020304);
}

static void test_reader_past_end(void)
{
    static const guint8 data[] = { 1, 2, 3 };
    ByteReader reader = byte_reader(data, sizeof data);
    g_assert_cmpuint(byte_reader_u16(&reader), ==, 0x0102);
    g_assert_cmpuint(byte_reader_u16(&reader), ==, 0);
    g_assert_true(reader.failed);
    /* Failed once, failed for good: even what would fit reads as nothing. */
    g_assert_cmpuint(byte_reader_u8(&reader), ==, 0);
    g_assert_null(byte_reader_bytes(&reader, 1));
    g_assert_cmpuint(byte_reader_left(&reader), ==, 0);
}

static void test_reader_huge_length(void)
{
    static const guint8 data[] = { 1, 2, 3 };
    ByteReader reader = byte_reader(data, sizeof data);
    byte_reader_u8(&reader);
    g_assert_null(byte_reader_bytes(&reader, G_MAXSIZE));
    g_assert_true(reader.failed);
    ByteReader empty = byte_reader(NULL, 0);
    g_assert_false(empty.failed);
    g_assert_cmpuint(byte_reader_u8(&empty), ==, 0);
    g_assert_true(empty.failed);
}

static void test_writer_full(void)
{
    guint8 buffer[4] = { 9, 9, 9, 9 };
    ByteWriter writer = byte_writer(buffer, 3);
    byte_writer_u16(&writer, 0x0102);
    byte_writer_u16(&writer, 0x0304);
    g_assert_true(writer.failed);
    byte_writer_u8(&writer, 5);
    g_assert_null(byte_writer_room(&writer, 0));
    g_assert_cmpuint(writer.pos, ==, 2);
    g_assert_cmpuint(buffer[2], ==, 9);
    g_assert_cmpuint(buffer[3], ==, 9);
    ByteWriter huge = byte_writer(buffer, 3);
    byte_writer_u8(&huge, 1);
    g_assert_null(byte_writer_room(&huge, G_MAXSIZE));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/bytes/round_trip", test_round_trip);
    g_test_add_func("/base/bytes/big_endian", test_big_endian);
    g_test_add_func("/base/bytes/past_end", test_reader_past_end);
    g_test_add_func("/base/bytes/huge_length", test_reader_huge_length);
    g_test_add_func("/base/bytes/writer_full", test_writer_full);
    return g_test_run();
}
