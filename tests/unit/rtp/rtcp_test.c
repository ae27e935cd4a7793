#include "rtp/rtcp.h"

#include <string.h>

static const RtcpReportBlock block = { .ssrc = 0x11,
                                       .fraction_lost = 12,
                                       .cumulative_lost = -5,
                                       .highest_seq = 0x20003,
                                       .jitter = 44,
                                       .last_sr = 0xaabbccdd,
                                       .delay_since_last_sr = 65536 };

static void assert_blocks_equal(const RtcpReportBlock *a, const RtcpReportBlock *b)
{
    g_assert_cmpuint(a->ssrc, ==, b->ssrc);
    g_assert_cmpuint(a->fraction_lost, ==, b->fraction_lost);
    g_assert_cmpint(a->cumulative_lost, ==, b->cumulative_lost);
    g_assert_cmpuint(a->highest_seq, ==, b->highest_seq);
    g_assert_cmpuint(a->jitter, ==, b->jitter);
    g_assert_cmphex(a->last_sr, ==, b->last_sr);
    g_assert_cmpuint(a->delay_since_last_sr, ==, b->delay_since_last_sr);
}

static void expect(RtcpReader *reader, RtcpType type, RtcpPacket *packet)
{
    g_assert_true(rtcp_reader_next(reader, packet));
    g_assert_cmpint(packet->type, ==, type);
}

static void write_compound(RtcpWriter *writer)
{
    static const guint32 ssrcs[] = { 1, 2 };
    RtcpPacket sr = { .sender_ssrc = 0xcafe,
                      .ntp = 0x0123456789abcdef,
                      .rtp_timestamp = 3,
                      .packet_count = 4,
                      .octet_count = 5,
                      .report_count = 1 };
    sr.reports[0] = block;
    rtcp_writer_init(writer);
    g_assert_true(rtcp_write_sr(writer, &sr));
    g_assert_true(rtcp_write_rr(writer, 8, &block, 1));
    g_assert_true(rtcp_write_sdes(writer, 9, "someone"));
    g_assert_true(rtcp_write_pli(writer, 10, 11));
    g_assert_true(rtcp_write_fir(writer, 12, 13, 200));
    g_assert_true(rtcp_write_remb(writer, 14, ssrcs, 2, 1500000));
    g_assert_true(rtcp_write_bye(writer, 15));
}

static void test_compound(void)
{
    RtcpWriter writer;
    RtcpPacket packet;
    write_compound(&writer);
    RtcpReader reader = rtcp_reader(writer.data, writer.size);
    expect(&reader, RTCP_SENDER_REPORT, &packet);
    g_assert_cmphex(packet.sender_ssrc, ==, 0xcafe);
    g_assert_cmphex(packet.ntp, ==, 0x0123456789abcdef);
    g_assert_cmpuint(packet.rtp_timestamp, ==, 3);
    g_assert_cmpuint(packet.packet_count, ==, 4);
    g_assert_cmpuint(packet.octet_count, ==, 5);
    g_assert_cmpuint(packet.report_count, ==, 1);
    assert_blocks_equal(&packet.reports[0], &block);
    expect(&reader, RTCP_RECEIVER_REPORT, &packet);
    g_assert_cmpuint(packet.sender_ssrc, ==, 8);
    assert_blocks_equal(&packet.reports[0], &block);
    expect(&reader, RTCP_SDES, &packet);
    g_assert_cmpuint(packet.sender_ssrc, ==, 9);
    expect(&reader, RTCP_PLI, &packet);
    g_assert_cmpuint(packet.media_ssrc, ==, 11);
    expect(&reader, RTCP_FIR, &packet);
    g_assert_cmpuint(packet.fir_count, ==, 1);
    g_assert_cmpuint(packet.fir[0].ssrc, ==, 13);
    g_assert_cmpuint(packet.fir[0].seq, ==, 200);
    expect(&reader, RTCP_REMB, &packet);
    g_assert_cmpuint(packet.remb_bps, ==, 1500000);
    expect(&reader, RTCP_BYE, &packet);
    g_assert_cmpuint(packet.bye_count, ==, 1);
    g_assert_cmpuint(packet.bye[0], ==, 15);
    g_assert_false(rtcp_reader_next(&reader, &packet));
}

/* Cut anywhere, the reader delivers the whole sub-packets and then ends. */
static void test_every_cut(void)
{
    RtcpWriter writer;
    RtcpPacket packet;
    write_compound(&writer);
    guint most = 0;
    for (gsize size = 0; size <= writer.size; size++) {
        g_autofree guint8 *copy = g_memdup2(writer.data, size);
        RtcpReader reader = rtcp_reader(copy, size);
        guint n = 0;
        while (rtcp_reader_next(&reader, &packet))
            n++;
        g_assert_cmpuint(n, >=, most);
        g_assert_cmpuint(n, <=, most + 1);
        most = n;
    }
    g_assert_cmpuint(most, ==, 7);
}

static void test_malformed_bodies(void)
{
    static const struct {
        guint8 data[20];
        gsize size;
    } bad[] = {
        { { 0x81, 200, 0, 1, 0, 0, 0, 1 }, 8 },              /* SR without its fields */
        { { 0x81, 201, 0, 1, 0, 0, 0, 1 }, 8 },              /* RR without its block */
        { { 0x82, 203, 0, 1, 0, 0, 0, 1 }, 8 },              /* BYE of two with one */
        { { 0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2 }, 12 }, /* NACK without FCI */
        { { 0x81, 206, 0, 1, 0, 0, 0, 1 }, 8 },              /* PLI without media SSRC */
        { { 0x8f, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0 }, 16 }, /* short transport-cc */
        { { 0x41, 203, 0, 1, 0, 0, 0, 1 }, 8 },                          /* version 1 */
        { { 0xa1, 203, 0, 1, 0, 0, 0, 9 }, 8 }, /* padding longer than the body */
        { { 0xa0, 203, 0, 0 }, 4 },             /* padding in no body */
        { { 0x81, 203, 0, 2, 0, 0, 0, 1 }, 8 }, /* longer than the datagram */
    };
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree guint8 *copy = g_memdup2(bad[i].data, bad[i].size);
        RtcpReader reader = rtcp_reader(copy, bad[i].size);
        RtcpPacket packet;
        g_assert_false(rtcp_reader_next(&reader, &packet));
        g_assert_false(rtcp_reader_next(&reader, &packet));
    }
}

/* A REMB that counts more SSRCs than it has. */
static void test_remb_hostile(void)
{
    guint8 data[] = { 0x8f, 206, 0,   5,   0, 0,    0,    1,    0, 0, 0, 0,
                      'R',  'E', 'M', 'B', 1, 0xff, 0xff, 0xff, 0, 0, 0, 7 };
    RtcpPacket packet;
    RtcpReader reader = rtcp_reader(data, sizeof(data));
    expect(&reader, RTCP_REMB, &packet);
    g_assert_cmpuint(packet.remb_bps, ==, G_MAXUINT64); /* exponent 63: saturated */
    data[16] = 2;
    reader = rtcp_reader(data, sizeof(data));
    g_assert_false(rtcp_reader_next(&reader, &packet));
    data[12] = 'X'; /* another application's */
    reader = rtcp_reader(data, sizeof(data));
    expect(&reader, RTCP_OTHER, &packet);
}

static void test_fir_limit(void)
{
    guint8 data[12 + 8 * 20] = { 0x84, 206, 0, 42, 0, 0, 0, 1 };
    RtcpPacket packet;
    RtcpReader reader = rtcp_reader(data, sizeof(data));
    expect(&reader, RTCP_FIR, &packet);
    g_assert_cmpuint(packet.fir_count, ==, RTCP_MAX_FIR);
    g_assert_false(rtcp_reader_next(&reader, &packet));
}

static void test_other_types(void)
{
    static const guint8 data[] = { 0x80, 207, 0, 1, 0, 0, 0, 5, 0x80, 204, 0, 0,
                                   0x87, 205, 0, 2, 0, 0, 0, 6, 0,    0,   0, 7 };
    RtcpPacket packet;
    RtcpReader reader = rtcp_reader(data, sizeof(data));
    expect(&reader, RTCP_OTHER, &packet);
    g_assert_cmpuint(packet.sender_ssrc, ==, 5);
    expect(&reader, RTCP_OTHER, &packet);
    expect(&reader, RTCP_OTHER, &packet);
    g_assert_cmpuint(packet.media_ssrc, ==, 7);
    g_assert_false(rtcp_reader_next(&reader, &packet));
}

static void collect_seq(guint16 seq, gpointer user)
{
    g_array_append_val((GArray *)user, seq);
}

static void check_nack(const guint16 *seqs, guint n, gsize expected_size)
{
    RtcpWriter writer;
    RtcpPacket packet;
    g_autoptr(GArray) got = g_array_new(FALSE, FALSE, sizeof(guint16));
    rtcp_writer_init(&writer);
    g_assert_true(rtcp_write_nack(&writer, 1, 2, seqs, n));
    g_assert_cmpuint(writer.size, ==, expected_size);
    RtcpReader reader = rtcp_reader(writer.data, writer.size);
    expect(&reader, RTCP_NACK, &packet);
    g_assert_cmpuint(packet.media_ssrc, ==, 2);
    rtcp_nack_each(&packet, collect_seq, got);
    g_assert_cmpmem(got->data, got->len * sizeof(guint16), seqs, n * sizeof(guint16));
}

static void test_nack(void)
{
    static const guint16 wrap[] = { 65530, 65535, 0, 10, 11, 500 };
    static const guint16 backwards[] = { 10, 9, 8 };
    guint16 many[RTCP_MAX_NACKS];
    RtcpWriter writer;
    check_nack(wrap, G_N_ELEMENTS(wrap), 12 + 3 * 4); /* 65530..10 is 16 further: one entry */
    check_nack(backwards, 3, 12 + 3 * 4);
    for (guint i = 0; i < RTCP_MAX_NACKS; i++)
        many[i] = (guint16)(i * 17);
    check_nack(many, RTCP_MAX_NACKS, 12 + 4 * RTCP_MAX_NACKS);
    for (guint i = 0; i < RTCP_MAX_NACKS; i++)
        many[i] = (guint16)(65500 + i);
    check_nack(many, 17 * 17, 12 + 4 * 17);
    rtcp_writer_init(&writer);
    g_assert_false(rtcp_write_nack(&writer, 1, 2, many, 0));
    g_assert_cmpuint(writer.size, ==, 0);
}

static void test_full(void)
{
    RtcpWriter writer;
    RtcpPacket packet;
    RtcpReportBlock blocks[RTCP_MAX_BLOCKS] = { 0 };
    g_autofree char *cname = g_strnfill(256, 'c');
    guint written = 0, read = 0;
    rtcp_writer_init(&writer);
    g_assert_false(rtcp_write_rr(&writer, 1, blocks, RTCP_MAX_BLOCKS + 1));
    g_assert_false(rtcp_write_sdes(&writer, 1, cname));
    g_assert_cmpuint(writer.size, ==, 0);
    while (rtcp_write_rr(&writer, 1, blocks, RTCP_MAX_BLOCKS))
        written++;
    g_assert_cmpuint(written, ==, 1);
    gsize size = writer.size;
    g_assert_false(rtcp_write_rr(&writer, 1, blocks, RTCP_MAX_BLOCKS));
    g_assert_cmpuint(writer.size, ==, size);
    g_assert_true(rtcp_write_pli(&writer, 1, 2)); /* something smaller still fits */
    while (rtcp_write_bye(&writer, 1))
        written++;
    g_assert_cmpuint(writer.size, <=, RTCP_MAX_PACKET);
    g_assert_cmpuint(writer.size, >, RTCP_MAX_PACKET - 8);
    RtcpReader reader = rtcp_reader(writer.data, writer.size);
    while (rtcp_reader_next(&reader, &packet))
        read++;
    g_assert_cmpuint(read, ==, written + 1);
}

static void test_sdes_padding(void)
{
    for (guint size = 0; size < 256; size++) {
        RtcpWriter writer;
        RtcpPacket packet;
        g_autofree char *cname = g_strnfill(size, 'c');
        rtcp_writer_init(&writer);
        g_assert_true(rtcp_write_sdes(&writer, 1, cname));
        g_assert_cmpuint(writer.size % 4, ==, 0);
        g_assert_cmpuint(writer.data[writer.size - 1], ==, 0);
        RtcpReader reader = rtcp_reader(writer.data, writer.size);
        expect(&reader, RTCP_SDES, &packet);
        g_assert_false(rtcp_reader_next(&reader, &packet));
    }
}

static void test_transport_cc_padding(void)
{
    guint8 fci[16];
    for (guint i = 0; i < sizeof(fci); i++)
        fci[i] = (guint8)(i + 1);
    for (gsize size = 8; size <= sizeof(fci); size++) {
        RtcpWriter writer;
        RtcpPacket packet;
        rtcp_writer_init(&writer);
        g_assert_true(rtcp_write_transport_cc(&writer, 1, 2, fci, size));
        g_assert_cmpuint(writer.size % 4, ==, 0);
        g_assert_cmpint(!!(writer.data[0] & 0x20), ==, size % 4 != 0);
        RtcpReader reader = rtcp_reader(writer.data, writer.size);
        expect(&reader, RTCP_TRANSPORT_CC, &packet);
        g_assert_cmpmem(packet.fci, packet.fci_size, fci, size);
    }
}

static void test_clamps(void)
{
    static const gint32 lost[][2] = { { 0x7fffff, 0x7fffff },
                                      { 0x800000, 0x7fffff },
                                      { -0x800000, -0x800000 },
                                      { -0x800001, -0x800000 },
                                      { -1, -1 } };
    static const guint64 rates[] = { 0, 0x3ffff, 0x40000, 1ull << 40, G_MAXUINT64 };
    RtcpWriter writer;
    RtcpPacket packet;
    for (guint i = 0; i < G_N_ELEMENTS(lost); i++) {
        RtcpReportBlock report = { .cumulative_lost = lost[i][0] };
        rtcp_writer_init(&writer);
        g_assert_true(rtcp_write_rr(&writer, 1, &report, 1));
        RtcpReader reader = rtcp_reader(writer.data, writer.size);
        expect(&reader, RTCP_RECEIVER_REPORT, &packet);
        g_assert_cmpint(packet.reports[0].cumulative_lost, ==, lost[i][1]);
    }
    for (guint i = 0; i < G_N_ELEMENTS(rates); i++) {
        rtcp_writer_init(&writer);
        g_assert_true(rtcp_write_remb(&writer, 1, NULL, 0, rates[i]));
        RtcpReader reader = rtcp_reader(writer.data, writer.size);
        expect(&reader, RTCP_REMB, &packet);
        g_assert_cmpuint(packet.remb_bps, <=, rates[i]);
        g_assert_cmpuint(rates[i] - packet.remb_bps, <=, rates[i] >> 17);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rtcp/compound", test_compound);
    g_test_add_func("/rtcp/every-cut", test_every_cut);
    g_test_add_func("/rtcp/malformed-bodies", test_malformed_bodies);
    g_test_add_func("/rtcp/remb-hostile", test_remb_hostile);
    g_test_add_func("/rtcp/fir-limit", test_fir_limit);
    g_test_add_func("/rtcp/other-types", test_other_types);
    g_test_add_func("/rtcp/nack", test_nack);
    g_test_add_func("/rtcp/full", test_full);
    g_test_add_func("/rtcp/sdes-padding", test_sdes_padding);
    g_test_add_func("/rtcp/transport-cc-padding", test_transport_cc_padding);
    g_test_add_func("/rtcp/clamps", test_clamps);
    return g_test_run();
}
