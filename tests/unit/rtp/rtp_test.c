#include "rtp/rtp.h"

#include <string.h>

#include "base/clock.h"

/* An exact copy on the heap, so that a sanitizer sees a read past the end. */
static gboolean parse_copy(const guint8 *data, gsize size, RtpPacket *packet, guint8 **copy)
{
    g_free(*copy);
    *copy = g_memdup2(data, size);
    return rtp_parse(*copy, size, packet);
}

static const guint8 plain[] = { 0x80, 0xe0, 0x12, 0x34, 0, 0, 0x10, 0,
                                0xde, 0xad, 0xbe, 0xef, 1, 2, 3 };

static void test_plain(void)
{
    RtpPacket packet;
    g_assert_true(rtp_parse(plain, sizeof(plain), &packet));
    g_assert_cmpuint(packet.payload_type, ==, 96);
    g_assert_true(packet.marker);
    g_assert_cmphex(packet.seq, ==, 0x1234);
    g_assert_cmphex(packet.timestamp, ==, 0x1000);
    g_assert_cmphex(packet.ssrc, ==, 0xdeadbeef);
    g_assert_cmpuint(packet.csrc_count, ==, 0);
    g_assert_null(packet.extension);
    g_assert_cmpmem(packet.payload, packet.payload_size, "\1\2\3", 3);
    g_assert_cmpuint(packet.padding_size, ==, 0);
}

static void test_every_cut(void)
{
    /* One CSRC, one extension word, two bytes of payload, two of padding. */
    static const guint8 full[] = { 0xb1, 96, 0,    1,    0, 0, 0,    1,    0, 0, 0, 2, 0, 0,
                                   0,    3,  0xbe, 0xde, 0, 1, 0x10, 0x55, 0, 0, 7, 8, 0, 2 };
    g_autofree guint8 *copy = NULL;
    RtpPacket packet;
    g_assert_true(parse_copy(full, sizeof(full), &packet, &copy));
    g_assert_cmpuint(packet.csrc[0], ==, 3);
    g_assert_cmphex(packet.extension_profile, ==, 0xbede);
    g_assert_cmpuint(packet.extension_size, ==, 4);
    g_assert_cmpmem(packet.payload, packet.payload_size, "\7\10", 2);
    g_assert_cmpuint(packet.padding_size, ==, 2);
    for (gsize size = 0; size < 24; size++)
        g_assert_false(parse_copy(full, size, &packet, &copy));
}

static void test_padding(void)
{
    guint8 data[] = { 0xa0, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 4 };
    RtpPacket packet;
    g_assert_true(rtp_parse(data, sizeof(data), &packet));
    g_assert_cmpuint(packet.payload_size, ==, 0);
    g_assert_cmpuint(packet.padding_size, ==, 4);
    data[15] = 5; /* longer than the payload */
    g_assert_false(rtp_parse(data, sizeof(data), &packet));
    data[15] = 0;
    g_assert_false(rtp_parse(data, sizeof(data), &packet));
    g_assert_false(rtp_parse(data, 12, &packet)); /* nothing to hold the length */
}

static void test_version(void)
{
    guint8 data[sizeof(plain)];
    RtpPacket packet;
    memcpy(data, plain, sizeof(plain));
    for (guint version = 0; version < 4; version++) {
        data[0] = (guint8)(version << 6);
        g_assert_cmpint(rtp_parse(data, sizeof(data), &packet), ==, version == 2);
    }
}

static void test_is_rtcp(void)
{
    guint8 data[] = { 0x80, 200, 0, 0 };
    for (guint type = 0; type < 256; type++) {
        data[1] = (guint8)type;
        g_assert_cmpint(rtp_is_rtcp(data, 4), ==, type >= 192 && type <= 223);
    }
    data[1] = 200;
    g_assert_false(rtp_is_rtcp(data, 3));
    data[0] = 22; /* DTLS */
    g_assert_false(rtp_is_rtcp(data, 4));
}

static void test_uris(void)
{
    for (guint type = RTP_EXT_NONE + 1; type < RTP_EXT_COUNT; type++)
        g_assert_cmpint(rtp_ext_find(rtp_ext_uri((RtpExtType)type)), ==, type);
    g_assert_cmpint(rtp_ext_find("urn:nonsense"), ==, RTP_EXT_NONE);
    g_assert_cmpint(rtp_ext_find(NULL), ==, RTP_EXT_NONE);
    g_assert_null(rtp_ext_uri(RTP_EXT_NONE));
}

/* Each known URI stands in what the browsers really offer. */
static void test_uris_of_browsers(void)
{
    static const char *const files[] = { "chromium-simulcast.txt", "firefox-simulcast.txt",
                                         "firefox-sendrecv-dc.txt", "chromium-sendrecv-dc.txt",
                                         "firefox-recvonly.txt" };
    g_autoptr(GString) all = g_string_new(NULL);
    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(TEST_DATA_DIR, "browser-sdp", files[i], NULL);
        g_autofree char *text = NULL;
        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        g_string_append(all, text);
    }
    for (guint type = RTP_EXT_NONE + 1; type < RTP_EXT_COUNT; type++)
        g_assert_nonnull(strstr(all->str, rtp_ext_uri((RtpExtType)type)));
}

static void test_map(void)
{
    RtpExtMap map = { 0 };
    rtp_ext_map_set(&map, RTP_EXT_MID, 4);
    rtp_ext_map_set(&map, RTP_EXT_MID, 5);
    g_assert_cmpint(map.type_of[4], ==, RTP_EXT_NONE);
    g_assert_cmpint(map.type_of[5], ==, RTP_EXT_MID);
    rtp_ext_map_set(&map, RTP_EXT_RID, 5);
    g_assert_cmpint(map.id_of[RTP_EXT_MID], ==, 0);
    g_assert_cmpint(map.id_of[RTP_EXT_RID], ==, 5);
    rtp_ext_map_set(&map, RTP_EXT_RID, 256);
    rtp_ext_map_set(&map, RTP_EXT_NONE, 5);
    rtp_ext_map_set(&map, RTP_EXT_COUNT, 5);
    g_assert_cmpint(map.id_of[RTP_EXT_RID], ==, 5);
    rtp_ext_map_set(&map, RTP_EXT_RID, 0);
    g_assert_cmpint(map.type_of[5], ==, RTP_EXT_NONE);
    g_assert_cmpint(map.id_of[RTP_EXT_RID], ==, 0);
}

static RtpExtMap full_map(guint first_id)
{
    RtpExtMap map = { 0 };
    for (guint type = RTP_EXT_NONE + 1; type < RTP_EXT_COUNT; type++)
        rtp_ext_map_set(&map, (RtpExtType)type, first_id + type - 1);
    return map;
}

static void parse_words(guint16 profile, const guint8 *words, gsize size, RtpExtensions *out)
{
    g_autofree guint8 *copy = g_memdup2(words, size);
    RtpPacket packet = { .extension = copy, .extension_size = size, .extension_profile = profile };
    RtpExtMap map = full_map(1);
    rtp_ext_parse(&packet, &map, out);
}

static void test_one_byte_form(void)
{
    RtpExtensions ext;
    static const guint8 words[] = { 0x10, 0x85, 0,    0, 0x32, 1,   2,    3,
                                    0x41, 0xab, 0xcd, 0, 0x51, 'a', '1',  0x60,
                                    'h',  0x80, 0x06, 0, 0xe0, 99,  0xf0, 0x10 };
    parse_words(0xbede, words, sizeof(words), &ext);
    g_assert_true(ext.voice_activity);
    g_assert_cmpuint(ext.audio_level_dbov, ==, 5);
    g_assert_cmphex(ext.abs_send_time, ==, 0x010203);
    g_assert_cmphex(ext.transport_seq, ==, 0xabcd);
    g_assert_cmpstr(ext.mid, ==, "a1");
    g_assert_cmpstr(ext.rid, ==, "h");
    g_assert_cmpstr(ext.repaired_rid, ==, "");
    g_assert_cmpuint(ext.rotation, ==, 2);
    g_assert_true(ext.flipped);
    g_assert_cmphex(ext.present, ==,
                    1u << RTP_EXT_AUDIO_LEVEL | 1u << RTP_EXT_ABS_SEND_TIME |
                        1u << RTP_EXT_TRANSPORT_CC | 1u << RTP_EXT_MID | 1u << RTP_EXT_RID |
                        1u << RTP_EXT_VIDEO_ORIENTATION);
}

static void test_one_byte_ends(void)
{
    RtpExtensions ext;
    static const guint8 fifteen[] = { 0x10, 1, 0xf0, 0, 0x41, 1, 2, 0 };
    parse_words(0xbede, fifteen, sizeof(fifteen), &ext);
    g_assert_cmphex(ext.present, ==, 1u << RTP_EXT_AUDIO_LEVEL);
    static const guint8 zero_with_length[] = { 0x10, 1, 0x02, 0x41, 0x41, 1, 2, 0 };
    parse_words(0xbede, zero_with_length, sizeof(zero_with_length), &ext);
    g_assert_cmphex(ext.present, ==, 1u << RTP_EXT_AUDIO_LEVEL);
    static const guint8 past_the_end[] = { 0x10, 1, 0x5f, 'm' };
    parse_words(0xbede, past_the_end, sizeof(past_the_end), &ext);
    g_assert_cmphex(ext.present, ==, 1u << RTP_EXT_AUDIO_LEVEL);
    static const guint8 other_profile[] = { 0x10, 1, 0, 0 };
    parse_words(0xbed0, other_profile, sizeof(other_profile), &ext);
    g_assert_cmphex(ext.present, ==, 0);
}

static void test_two_byte_form(void)
{
    RtpExtensions ext;
    static const guint8 words[] = { 1, 1, 0x7f, 0, 0, 15, 2, 1,   2,   4, 4, 0,
                                    9, 0, 0,    5, 0, 6,  1, 'q', 200, 0, 5, 9 };
    parse_words(0x1003, words, sizeof(words), &ext);
    g_assert_cmpuint(ext.audio_level_dbov, ==, 127);
    g_assert_cmpuint(ext.transport_seq, ==, 9);
    g_assert_cmpstr(ext.rid, ==, "q");
    g_assert_cmphex(ext.present, ==,
                    1u << RTP_EXT_AUDIO_LEVEL | 1u << RTP_EXT_TRANSPORT_CC | 1u << RTP_EXT_RID);
}

static void test_bad_values(void)
{
    RtpExtensions ext;
    static const guint8 bad_mid[] = { 0x51, 'a', 0, 0x61, 'b', ' ', 0x40, 1 };
    parse_words(0xbede, bad_mid, sizeof(bad_mid), &ext);
    g_assert_cmphex(ext.present, ==, 0);
    g_assert_cmpstr(ext.mid, ==, "");
    guint8 long_mid[20] = { 5, 17 };
    memset(long_mid + 2, 'x', 17);
    parse_words(0x1000, long_mid, sizeof(long_mid), &ext);
    g_assert_cmphex(ext.present, ==, 0);
    long_mid[1] = 16;
    long_mid[18] = 0;
    parse_words(0x1000, long_mid, sizeof(long_mid), &ext);
    g_assert_cmpuint(strlen(ext.mid), ==, 16);
}

static void test_element_limit(void)
{
    guint8 words[2 * RTP_EXT_MAX_COUNT + 4];
    RtpExtensions ext;
    for (guint i = 0; i < sizeof(words); i += 2) {
        words[i] = 0xe0; /* unknown */
        words[i + 1] = 0;
    }
    words[2 * RTP_EXT_MAX_COUNT - 2] = 0x10;
    words[2 * RTP_EXT_MAX_COUNT] = 0x60;
    words[2 * RTP_EXT_MAX_COUNT + 1] = 'r';
    parse_words(0xbede, words, sizeof(words), &ext);
    g_assert_cmphex(ext.present, ==, 1u << RTP_EXT_AUDIO_LEVEL);
}

static const RtpExtValues all_values = {
    .mid = "video0",
    .rid = "q",
    .repaired_rid = "hi",
    .has_transport_seq = TRUE,
    .transport_seq = 0xfffe,
    .has_abs_send_time = TRUE,
    .abs_send_time = 0xabcdef,
    .has_audio_level = TRUE,
    .audio_level_dbov = 31,
    .voice_activity = TRUE,
    .csrc_levels_count = 2,
    .csrc_levels = { 10, 127 },
    .has_playout_delay = TRUE,
    .playout_min_10ms = 1,
    .playout_max_10ms = 40,
};

static void check_round_trip(guint first_id, guint16 profile)
{
    guint8 data[200];
    RtpExtMap map = full_map(first_id);
    RtpPacket in = { .payload_type = 111, .seq = 65535, .timestamp = 0xfffffff0, .ssrc = 7 };
    in.csrc_count = 2;
    in.csrc[0] = 100;
    in.csrc[1] = 200;
    gsize size = rtp_write_header(data, sizeof(data), &in, &map, &all_values);
    g_assert_cmpuint(size, >, RTP_MIN_HEADER + 8);
    g_assert_cmpuint(size % 4, ==, 0);
    for (gsize room = 0; room < size; room++)
        g_assert_cmpuint(rtp_write_header(data, room, &in, &map, &all_values), ==, 0);
    g_assert_cmpuint(rtp_write_header(data, size, &in, &map, &all_values), ==, size);

    RtpPacket packet;
    RtpExtensions ext;
    g_assert_true(rtp_parse(data, size, &packet));
    g_assert_cmphex(packet.extension_profile, ==, profile);
    g_assert_cmpuint(packet.csrc[1], ==, 200);
    g_assert_cmpuint(packet.seq, ==, 65535);
    g_assert_cmpuint(packet.payload_size, ==, 0);
    rtp_ext_parse(&packet, &map, &ext);
    g_assert_cmpstr(ext.mid, ==, "video0");
    g_assert_cmpstr(ext.rid, ==, "q");
    g_assert_cmpstr(ext.repaired_rid, ==, "hi");
    g_assert_cmphex(ext.transport_seq, ==, 0xfffe);
    g_assert_cmphex(ext.abs_send_time, ==, 0xabcdef);
    g_assert_cmpuint(ext.audio_level_dbov, ==, 31);
    g_assert_true(ext.voice_activity);
    g_assert_true(ext.present & 1u << RTP_EXT_CSRC_AUDIO_LEVEL);
    g_assert_true(ext.present & 1u << RTP_EXT_PLAYOUT_DELAY);
}

static void test_write(void)
{
    check_round_trip(1, 0xbede);
    check_round_trip(10, 0x1000); /* some ids above 14 */
    check_round_trip(200, 0x1000);
}

static void test_write_plain(void)
{
    guint8 data[64];
    RtpExtMap map = { 0 };
    RtpPacket in = { .payload_type = 96, .marker = TRUE, .seq = 1, .csrc_count = 16 };
    g_assert_cmpuint(rtp_write_header(data, sizeof(data), &in, NULL, NULL), ==, 0);
    in.csrc_count = 0;
    g_assert_cmpuint(rtp_write_header(data, sizeof(data), &in, NULL, NULL), ==, 12);
    /* Nothing negotiated: nothing written. */
    g_assert_cmpuint(rtp_write_header(data, sizeof(data), &in, &map, &all_values), ==, 12);
    g_assert_cmphex(data[0], ==, 0x80);
    g_assert_cmphex(data[1], ==, 0xe0);
}

static void test_write_long_mid(void)
{
    guint8 data[400];
    g_autofree char *mid = g_strnfill(100, 'm');
    RtpExtMap map = full_map(1);
    RtpExtValues values = { .mid = mid, .has_transport_seq = TRUE, .transport_seq = 5 };
    RtpPacket in = { .payload_type = 96 }, packet;
    RtpExtensions ext;
    gsize size = rtp_write_header(data, sizeof(data), &in, &map, &values);
    g_assert_true(rtp_parse(data, size, &packet));
    g_assert_cmphex(packet.extension_profile, ==, 0x1000);
    g_assert_cmpmem(packet.extension + 2, 100, mid, 100);
    rtp_ext_parse(&packet, &map, &ext);
    g_assert_cmpuint(ext.transport_seq, ==, 5);
}

static void test_abs_send_time(void)
{
    g_assert_cmphex(rtp_abs_send_time(NS_PER_SEC), ==, 1 << 18);
    g_assert_cmphex(rtp_abs_send_time(64 * NS_PER_SEC + NS_PER_SEC / 2), ==, 1 << 17);
    g_assert_cmphex(rtp_abs_send_time(G_MAXINT64), <, 1 << 24);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rtp/plain", test_plain);
    g_test_add_func("/rtp/every-cut", test_every_cut);
    g_test_add_func("/rtp/padding", test_padding);
    g_test_add_func("/rtp/version", test_version);
    g_test_add_func("/rtp/is-rtcp", test_is_rtcp);
    g_test_add_func("/rtp/ext/uris", test_uris);
    g_test_add_func("/rtp/ext/uris-of-browsers", test_uris_of_browsers);
    g_test_add_func("/rtp/ext/map", test_map);
    g_test_add_func("/rtp/ext/one-byte", test_one_byte_form);
    g_test_add_func("/rtp/ext/one-byte-ends", test_one_byte_ends);
    g_test_add_func("/rtp/ext/two-byte", test_two_byte_form);
    g_test_add_func("/rtp/ext/bad-values", test_bad_values);
    g_test_add_func("/rtp/ext/limit", test_element_limit);
    g_test_add_func("/rtp/write", test_write);
    g_test_add_func("/rtp/write-plain", test_write_plain);
    g_test_add_func("/rtp/write-long-mid", test_write_long_mid);
    g_test_add_func("/rtp/abs-send-time", test_abs_send_time);
    return g_test_run();
}
