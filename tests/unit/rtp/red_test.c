#include "rtp/red.h"

#include <string.h>

static guint parse_copy(const guint8 *data, gsize size, RedBlock *blocks, guint8 **copy)
{
    g_free(*copy);
    *copy = g_memdup2(data, size);
    return red_parse(*copy, size, blocks);
}

static void test_blocks(void)
{
    /* Two redundant blocks, 1920 and 960 back, of 2 and 3 bytes; a primary of 2. */
    static const guint8 data[] = { 0x80 | 111,
                                   1920 >> 6,
                                   (1920 & 63) << 2,
                                   2,
                                   0x80 | 111,
                                   960 >> 6,
                                   (960 & 63) << 2,
                                   3,
                                   111,
                                   'a',
                                   'b',
                                   'c',
                                   'd',
                                   'e',
                                   'f',
                                   'g' };
    g_autofree guint8 *copy = NULL;
    RedBlock blocks[RED_MAX_BLOCKS];
    g_assert_cmpuint(parse_copy(data, sizeof(data), blocks, &copy), ==, 3);
    g_assert_cmpuint(blocks[0].timestamp_offset, ==, 1920);
    g_assert_cmpmem(blocks[0].data, blocks[0].size, "ab", 2);
    g_assert_cmpuint(blocks[1].timestamp_offset, ==, 960);
    g_assert_cmpmem(blocks[1].data, blocks[1].size, "cde", 3);
    g_assert_cmpuint(blocks[2].timestamp_offset, ==, 0);
    g_assert_cmpuint(blocks[2].payload_type, ==, 111);
    g_assert_cmpmem(blocks[2].data, blocks[2].size, "fg", 2);

    for (gsize size = 0; size < 14; size++) /* from 14 bytes on the primary is only shorter */
        g_assert_cmpuint(parse_copy(data, size, blocks, &copy), ==, 0);
    g_assert_cmpuint(parse_copy(data, 14, blocks, &copy), ==, 3);
    g_assert_cmpuint(blocks[2].size, ==, 0);
}

static void test_largest(void)
{
    g_autofree guint8 *data = g_malloc0(4 + 1 + 1023);
    RedBlock blocks[RED_MAX_BLOCKS];
    data[0] = 0xff;
    data[1] = data[2] = data[3] = 0xff;
    data[4] = 0x7f;
    g_assert_cmpuint(red_parse(data, 4 + 1 + 1023, blocks), ==, 2);
    g_assert_cmpuint(blocks[0].timestamp_offset, ==, 16383);
    g_assert_cmpuint(blocks[0].size, ==, 1023);
    g_assert_cmpuint(blocks[0].payload_type, ==, 127);
    g_assert_cmpuint(red_parse(data, 4 + 1 + 1022, blocks), ==, 0);
}

static void test_limit(void)
{
    guint8 data[4 * RED_MAX_BLOCKS + 2] = { 0 };
    RedBlock blocks[RED_MAX_BLOCKS];
    for (guint n = 1; n <= RED_MAX_BLOCKS + 1; n++) {
        gsize redundant = 4 * (gsize)(n - 1);
        for (gsize i = 0; i < redundant; i += 4)
            data[i] = 0x80 | 111;
        data[redundant] = 111;
        guint expected = n <= RED_MAX_BLOCKS ? n : 0;
        g_assert_cmpuint(red_parse(data, redundant + 2, blocks), ==, expected);
    }
}

static void test_written(void)
{
    static const RedBlock blocks[] = { { 111, 960, (const guint8 *)"before", 6 },
                                       { 111, 0, (const guint8 *)"now", 3 } };
    RedBlock read[RED_MAX_BLOCKS], old[2], longest[2];
    guint8 payload[2000];
    g_autofree guint8 *many = g_malloc0(1024);
    g_assert_cmpuint(red_write(payload, sizeof payload, blocks, 2), ==, 5 + 6 + 3);
    g_assert_cmpuint(red_parse(payload, 14, read), ==, 2);
    for (guint i = 0; i < 2; i++) {
        g_assert_cmpuint(read[i].payload_type, ==, 111);
        g_assert_cmpuint(read[i].timestamp_offset, ==, blocks[i].timestamp_offset);
        g_assert_cmpmem(read[i].data, read[i].size, blocks[i].data, blocks[i].size);
    }
    g_assert_cmpuint(red_write(payload, 13, blocks, 2), ==, 0);
    memcpy(old, blocks, sizeof old);
    memcpy(longest, blocks, sizeof longest);
    old[0].timestamp_offset = 16384;
    g_assert_cmpuint(red_write(payload, sizeof payload, old, 2), ==, 0);
    longest[0].data = many;
    longest[0].size = 1023;
    g_assert_cmpuint(red_write(payload, sizeof payload, longest, 2), ==, 5 + 1023 + 3);
    longest[0].size = 1024;
    g_assert_cmpuint(red_write(payload, sizeof payload, longest, 2), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/red/blocks", test_blocks);
    g_test_add_func("/red/largest", test_largest);
    g_test_add_func("/red/limit", test_limit);
    g_test_add_func("/red/written", test_written);
    return g_test_run();
}
