#include "rtp/rtp_stats.h"

#include "base/clock.h"

#define MS NS_PER_MS

static gboolean feed(RtpReceiveStats *stats, guint16 seq, gboolean *restarted)
{
    return rtp_receive_stats_packet(stats, seq, 0, 100, 0, restarted);
}

static void test_loss(void)
{
    RtpReceiveStats stats;
    RtcpReportBlock block;
    gboolean restarted;
    rtp_receive_stats_init(&stats, 7, 90000);
    rtp_receive_stats_report(&stats, 0, &block);
    g_assert_cmpuint(block.ssrc, ==, 7);
    g_assert_cmpuint(block.highest_seq, ==, 0);
    for (guint i = 0; i < 100; i++) {
        if (i % 4 != 1)
            g_assert_true(feed(&stats, (guint16)(65500 + i), &restarted));
    }
    rtp_receive_stats_report(&stats, 0, &block);
    g_assert_cmpint(block.cumulative_lost, ==, 25);
    g_assert_cmpuint(block.fraction_lost, ==, 64);
    g_assert_cmphex(block.highest_seq, ==, 65536 + 63);
    rtp_receive_stats_report(&stats, 0, &block);
    g_assert_cmpuint(block.fraction_lost, ==, 0);
    g_assert_cmpint(block.cumulative_lost, ==, 25);
    for (guint i = 100; i < 110; i++) /* one of these does not come; then all is well again */
        if (i != 105)
            feed(&stats, (guint16)(65500 + i), &restarted);
    rtp_receive_stats_report(&stats, 0, &block);
    g_assert_cmpuint(block.fraction_lost, ==, 25); /* 256 / 10 */
    g_assert_cmpuint(stats.packets, ==, 84);
    g_assert_cmpuint(stats.bytes, ==, 8400);
}

/* Late and repeated packets count as received (section 6.4.1). */
static void test_duplicates(void)
{
    RtpReceiveStats stats;
    RtcpReportBlock block;
    gboolean restarted;
    rtp_receive_stats_init(&stats, 7, 90000);
    feed(&stats, 10, &restarted);
    feed(&stats, 10, &restarted);
    feed(&stats, 9, &restarted);
    rtp_receive_stats_report(&stats, 0, &block);
    g_assert_cmpint(block.cumulative_lost, ==, -2);
    g_assert_cmpuint(block.fraction_lost, ==, 0);
    g_assert_cmpuint(stats.duplicates, ==, 1);
}

static void test_jumps(void)
{
    RtpReceiveStats stats;
    RtcpReportBlock block;
    gboolean restarted;
    rtp_receive_stats_init(&stats, 7, 90000);
    g_assert_true(feed(&stats, 1000, &restarted));
    g_assert_true(feed(&stats, 3999, &restarted)); /* below MAX_DROPOUT */
    g_assert_false(feed(&stats, 6999, &restarted));
    g_assert_false(feed(&stats, 9000, &restarted)); /* not the one that would confirm it */
    g_assert_true(feed(&stats, 4000, &restarted));  /* the old stream goes on */
    g_assert_false(feed(&stats, 9001, &restarted)); /* so that does not count any more */
    g_assert_false(restarted);
    g_assert_true(feed(&stats, 9002, &restarted));
    g_assert_true(restarted);
    rtp_receive_stats_report(&stats, 0, &block);
    g_assert_cmpuint(block.highest_seq, ==, 9002);
    g_assert_cmpint(block.cumulative_lost, ==, 0);
    g_assert_cmpuint(stats.packets, ==, 4);
    g_assert_true(feed(&stats, 9002 - 1400, &restarted)); /* late, within MAX_MISORDER */
    g_assert_false(restarted);
    g_assert_false(feed(&stats, 9002 - 1600, &restarted));
}

static void test_jump_over_wrap(void)
{
    RtpReceiveStats stats;
    gboolean restarted;
    rtp_receive_stats_init(&stats, 7, 90000);
    feed(&stats, 30000, &restarted);
    g_assert_false(feed(&stats, 65535, &restarted));
    g_assert_true(feed(&stats, 0, &restarted));
    g_assert_true(restarted);
}

static void test_jitter(void)
{
    RtpReceiveStats stats;
    RtcpReportBlock block;
    gboolean restarted;
    rtp_receive_stats_init(&stats, 7, 48000);
    /* The monotonic clock of a machine that is up for years; a timestamp that wraps. */
    gint64 start_ns = 100000000 * NS_PER_SEC;
    guint32 start = 0xffffff00;
    for (guint i = 0; i < 200; i++)
        rtp_receive_stats_packet(&stats, (guint16)i, start + i * 960, 1, start_ns + i * 20 * MS,
                                 &restarted);
    rtp_receive_stats_report(&stats, 0, &block);
    g_assert_cmpuint(block.jitter, ==, 0);
    for (guint i = 200; i < 600; i++) /* every second packet is 5 ms late: |D| = 240 */
        rtp_receive_stats_packet(&stats, (guint16)i, start + i * 960, 1,
                                 start_ns + (i * 20 + i % 2 * 5) * MS, &restarted);
    rtp_receive_stats_report(&stats, 0, &block);
    g_assert_cmpuint(block.jitter, >=, 238);
    g_assert_cmpuint(block.jitter, <=, 240);
    /* A new timestamp base is not jitter. */
    rtp_receive_stats_packet(&stats, 600, start + 0x40000000, 1, start_ns + 12000 * MS, &restarted);
    rtp_receive_stats_report(&stats, 0, &block);
    g_assert_cmpuint(block.jitter, <=, 240);
}

static void test_round_trip(void)
{
    RtpReceiveStats stats;
    RtcpReportBlock block;
    rtp_receive_stats_init(&stats, 7, 90000);
    rtp_receive_stats_report(&stats, 0, &block);
    g_assert_cmpint(rtp_rtt_ns(&block, clock_ns_to_ntp(NS_PER_SEC)), ==, -1);
    /* Sent at 70000 s of the sender's clock, here 40 ms later, answered after 250 ms. */
    guint64 sent = clock_ns_to_ntp(70000 * NS_PER_SEC);
    rtp_receive_stats_sr(&stats, sent, 500 * MS);
    rtp_receive_stats_report(&stats, 750 * MS, &block);
    g_assert_cmpuint(block.delay_since_last_sr, ==, 65536 / 4);
    gint64 rtt_ns = rtp_rtt_ns(&block, clock_ns_to_ntp(70000 * NS_PER_SEC + 330 * MS));
    g_assert_cmpint(ABS(rtt_ns - 80 * MS), <, MS / 10);
    g_assert_cmpint(rtp_rtt_ns(&block, clock_ns_to_ntp(70000 * NS_PER_SEC + 249 * MS)), ==, 0);
    g_assert_cmpint(rtp_rtt_ns(&block, clock_ns_to_ntp(70100 * NS_PER_SEC)), ==, -1);
    block.delay_since_last_sr = G_MAXUINT32 / 4;
    g_assert_cmpint(rtp_rtt_ns(&block, sent), ==, -1);
}

static void test_send(void)
{
    RtpSendStats stats;
    RtcpPacket sr;
    rtp_send_stats_init(&stats, 9, 48000);
    g_assert_false(rtp_send_stats_report(&stats, 0, 1, &sr));
    rtp_send_stats_packet(&stats, 0xffffff00, 80, 1000 * MS);
    rtp_send_stats_packet(&stats, 0xffffff00 + 960, 20, 1020 * MS);
    g_assert_true(rtp_send_stats_report(&stats, 1030 * MS, 77, &sr));
    g_assert_cmpint(sr.type, ==, RTCP_SENDER_REPORT);
    g_assert_cmpuint(sr.sender_ssrc, ==, 9);
    g_assert_cmpuint(sr.ntp, ==, 77);
    g_assert_cmpuint(sr.packet_count, ==, 2);
    g_assert_cmpuint(sr.octet_count, ==, 100);
    g_assert_cmpuint(sr.rtp_timestamp, ==, (guint32)(0xffffff00 + 960 + 480));
    /* The moment may lie before the newest packet's. */
    g_assert_true(rtp_send_stats_report(&stats, 1010 * MS, 77, &sr));
    g_assert_cmpuint(sr.rtp_timestamp, ==, (guint32)(0xffffff00 + 480));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rtp-stats/loss", test_loss);
    g_test_add_func("/rtp-stats/duplicates", test_duplicates);
    g_test_add_func("/rtp-stats/jumps", test_jumps);
    g_test_add_func("/rtp-stats/jump-over-wrap", test_jump_over_wrap);
    g_test_add_func("/rtp-stats/jitter", test_jitter);
    g_test_add_func("/rtp-stats/round-trip", test_round_trip);
    g_test_add_func("/rtp-stats/send", test_send);
    return g_test_run();
}
