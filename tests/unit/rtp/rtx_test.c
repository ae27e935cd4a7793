#include "rtp/rtx.h"

static void test_round_trip(void)
{
    guint8 data[64];
    RtpExtMap map = { 0 };
    rtp_ext_map_set(&map, RTP_EXT_MID, 3);
    RtpExtValues values = { .mid = "1" };
    RtpPacket out = { .payload_type = 97, .marker = TRUE, .seq = 9, .timestamp = 5, .ssrc = 77 };
    out.payload = (const guint8 *)"frame";
    out.payload_size = 5;
    gsize size = rtx_write(data, sizeof(data), &out, 0xfedc, &map, &values);
    g_assert_cmpuint(size, ==, 12 + 8 + 2 + 5);
    for (gsize room = 0; room < size; room++)
        g_assert_cmpuint(rtx_write(data, room, &out, 0xfedc, &map, &values), ==, 0);
    g_assert_cmpuint(rtx_write(data, size, &out, 0xfedc, &map, &values), ==, size);

    RtpPacket rtx, original;
    RtpExtensions ext;
    g_assert_true(rtp_parse(data, size, &rtx));
    g_assert_true(rtx_unwrap(&rtx, 96, 66, &original));
    g_assert_cmphex(original.seq, ==, 0xfedc);
    g_assert_cmpuint(original.payload_type, ==, 96);
    g_assert_cmpuint(original.ssrc, ==, 66);
    g_assert_cmpuint(original.timestamp, ==, 5);
    g_assert_true(original.marker);
    g_assert_cmpmem(original.payload, original.payload_size, "frame", 5);
    rtp_ext_parse(&original, &map, &ext);
    g_assert_cmpstr(ext.mid, ==, "1");
}

/* Chromium probes with RTX packets of padding alone before its first picture. */
static void test_probe(void)
{
    static const guint8 payload[] = { 1, 2 };
    RtpPacket rtx = { .payload = payload, .payload_size = 0, .padding_size = 200 }, original;
    g_assert_false(rtx_unwrap(&rtx, 96, 1, &original));
    rtx.payload_size = 1;
    g_assert_false(rtx_unwrap(&rtx, 96, 1, &original));
    rtx.payload_size = 2; /* the original was of padding alone */
    g_assert_true(rtx_unwrap(&rtx, 96, 1, &original));
    g_assert_cmpuint(original.payload_size, ==, 0);
    g_assert_cmphex(original.seq, ==, 0x0102);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rtx/round-trip", test_round_trip);
    g_test_add_func("/rtx/probe", test_probe);
    return g_test_run();
}
