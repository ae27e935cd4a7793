#include "base/seq.h"

static void test_seq16(void)
{
    g_assert_cmpint(seq16_diff(5, 3), ==, 2);
    g_assert_cmpint(seq16_diff(3, 5), ==, -2);
    g_assert_cmpint(seq16_diff(0, 65535), ==, 1);
    g_assert_cmpint(seq16_diff(65535, 0), ==, -1);
    g_assert_cmpint(seq16_diff(32767, 0), ==, 32767);
    g_assert_cmpint(seq16_diff(32768, 0), ==, -32768);
    g_assert_true(seq16_before(65535, 0));
    g_assert_false(seq16_before(0, 65535));
    g_assert_false(seq16_before(7, 7));
}

static void test_rtp_ts(void)
{
    g_assert_cmpint(rtp_ts_diff(960, 0), ==, 960);
    g_assert_cmpint(rtp_ts_diff(0x10, 0xfffffff0u), ==, 0x20);
    g_assert_cmpint(rtp_ts_diff(0xfffffff0u, 0x10), ==, -0x20);
    g_assert_cmpint(rtp_ts_diff(0x80000000u, 0), ==, G_MININT32);
}

static void test_unwrap_counts_on(void)
{
    SeqUnwrap unwrap = { 0 };
    gint64 first = seq_unwrap(&unwrap, 65530);
    for (gint i = 1; i < 200000; i++)
        g_assert_cmpint(seq_unwrap(&unwrap, (guint16)(65530 + i)) - first, ==, i);
}

static void test_unwrap_reordered(void)
{
    SeqUnwrap unwrap = { 0 };
    /* The first packet was overtaken by the one after a wrap: its number stays positive. */
    gint64 zero = seq_unwrap(&unwrap, 0);
    g_assert_cmpint(seq_unwrap(&unwrap, 65535), ==, zero - 1);
    g_assert_cmpint(seq_unwrap(&unwrap, 32768), >=, 0);
    g_assert_cmpint(seq_unwrap(&unwrap, 3), ==, zero + 3);
    /* A late packet does not move what the next one is compared with. */
    g_assert_cmpint(seq_unwrap(&unwrap, 65534), ==, zero - 2);
    g_assert_cmpint(seq_unwrap(&unwrap, 4), ==, zero + 4);
}

static void test_ts_unwrap(void)
{
    TsUnwrap unwrap = { 0 };
    gint64 first = ts_unwrap(&unwrap, 0xffffff00u);
    for (gint64 i = 1; i < 20000; i++)
        g_assert_cmpint(ts_unwrap(&unwrap, (guint32)(0xffffff00u + i * 1000000)) - first, ==,
                        i * 1000000);
    gint64 now = ts_unwrap(&unwrap, (guint32)(0xffffff00u + 20000 * G_GINT64_CONSTANT(1000000)));
    g_assert_cmpint(
        ts_unwrap(&unwrap, (guint32)(0xffffff00u + 20000 * G_GINT64_CONSTANT(1000000) - 90000)), ==,
        now - 90000);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/seq/seq16", test_seq16);
    g_test_add_func("/base/seq/rtp_ts", test_rtp_ts);
    g_test_add_func("/base/seq/unwrap", test_unwrap_counts_on);
    g_test_add_func("/base/seq/reordered", test_unwrap_reordered);
    g_test_add_func("/base/seq/ts_unwrap", test_ts_unwrap);
    return g_test_run();
}
