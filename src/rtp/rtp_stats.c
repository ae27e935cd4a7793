#include "rtp/rtp_stats.h"

#include "base/clock.h"
#include "base/seq.h"

/* RFC 3550 appendix A.1 */
#define SEQ_MOD      (1u << 16)
#define MAX_DROPOUT  3000
#define MAX_MISORDER 1500
#define NO_BAD_SEQ   (SEQ_MOD + 1)

#define MAX_JUMP_SEC 5 /* a transit time that changed by more is a new timestamp, not jitter */
#define MAX_RTT_NS   (60 * NS_PER_SEC)

/* Nanoseconds in other units per second, without an overflow on the way. */
static gint64 ns_to_units(gint64 ns, gint64 per_second)
{
    return ns / NS_PER_SEC * per_second + ns % NS_PER_SEC * per_second / NS_PER_SEC;
}

void rtp_receive_stats_init(RtpReceiveStats *stats, guint32 ssrc, gint clock_hz)
{
    *stats = (RtpReceiveStats){ .ssrc = ssrc, .clock_hz = clock_hz, .bad_seq = NO_BAD_SEQ };
}

static void start_sequence(RtpReceiveStats *stats, guint16 seq)
{
    stats->base_seq = stats->max_seq = seq;
    stats->bad_seq = NO_BAD_SEQ;
    stats->cycles = 0;
    stats->received = 0;
    stats->expected_prior = stats->received_prior = 0;
    stats->started = FALSE; /* the next transit time has nothing to be compared with */
}

/* Appendix A.1, without probation at the start: SRTP has vouched for the packet. */
static gboolean update_sequence(RtpReceiveStats *stats, guint16 seq, gboolean *restarted)
{
    guint16 ahead = (guint16)(seq - stats->max_seq);
    if (!stats->started) {
        start_sequence(stats, seq);
    } else if (ahead < MAX_DROPOUT) {
        if (seq < stats->max_seq)
            stats->cycles += SEQ_MOD;
        stats->duplicates += ahead == 0;
        stats->max_seq = seq;
        stats->bad_seq = NO_BAD_SEQ;
    } else if (ahead <= SEQ_MOD - MAX_MISORDER) {
        if (seq != stats->bad_seq) {
            stats->bad_seq = (seq + 1) & (SEQ_MOD - 1);
            return FALSE;
        }
        start_sequence(stats, seq);
        *restarted = TRUE;
    }
    return TRUE;
}

/* Appendix A.8 */
static void update_jitter(RtpReceiveStats *stats, guint32 timestamp, gint64 arrival_ns)
{
    guint32 transit = (guint32)ns_to_units(arrival_ns, stats->clock_hz) - timestamp;
    gdouble change = ABS((gdouble)rtp_ts_diff(transit, stats->last_transit));
    if (stats->started && change <= (gdouble)MAX_JUMP_SEC * stats->clock_hz)
        stats->jitter += (change - stats->jitter) / 16;
    stats->last_transit = transit;
}

gboolean rtp_receive_stats_packet(RtpReceiveStats *stats, guint16 seq, guint32 timestamp,
                                  gsize size, gint64 arrival_ns, gboolean *restarted)
{
    *restarted = FALSE;
    if (!update_sequence(stats, seq, restarted))
        return FALSE;
    update_jitter(stats, timestamp, arrival_ns);
    stats->started = TRUE;
    stats->received++;
    stats->packets++;
    stats->bytes += size;
    return TRUE;
}

void rtp_receive_stats_sr(RtpReceiveStats *stats, guint64 ntp, gint64 arrival_ns)
{
    stats->last_sr = (guint32)(ntp >> 16);
    stats->last_sr_ns = arrival_ns;
}

/* Appendix A.3 */
static guint8 fraction_lost(RtpReceiveStats *stats, guint32 expected)
{
    gint64 expected_now = (gint32)(expected - stats->expected_prior);
    gint64 received_now = (gint32)(stats->received - stats->received_prior);
    gint64 lost_now = expected_now - received_now;
    stats->expected_prior = expected;
    stats->received_prior = stats->received;
    return expected_now <= 0 || lost_now <= 0 ? 0
                                              : (guint8)MIN((lost_now << 8) / expected_now, 255);
}

void rtp_receive_stats_report(RtpReceiveStats *stats, gint64 now_ns, RtcpReportBlock *block)
{
    *block = (RtcpReportBlock){ .ssrc = stats->ssrc };
    if (stats->last_sr != 0) {
        block->last_sr = stats->last_sr;
        block->delay_since_last_sr = (guint32)ns_to_units(now_ns - stats->last_sr_ns, 65536);
    }
    if (!stats->started)
        return;
    block->highest_seq = stats->cycles + stats->max_seq;
    block->jitter = (guint32)stats->jitter;
    guint32 expected = block->highest_seq - stats->base_seq + 1;
    gint32 lost = (gint32)(expected - stats->received);
    block->cumulative_lost = CLAMP(lost, -0x800000, 0x7fffff);
    block->fraction_lost = fraction_lost(stats, expected);
}

gint64 rtp_rtt_ns(const RtcpReportBlock *block, guint64 now_ntp)
{
    if (block->last_sr == 0)
        return -1;
    /* 16.16 seconds; a little below zero is the clocks' rounding. */
    gint32 rtt = (gint32)((guint32)(now_ntp >> 16) - block->last_sr - block->delay_since_last_sr);
    gint64 rtt_ns = rtt * NS_PER_SEC / 65536;
    if (rtt_ns < -NS_PER_SEC || rtt_ns > MAX_RTT_NS)
        return -1;
    return MAX(rtt_ns, 0);
}

void rtp_send_stats_init(RtpSendStats *stats, guint32 ssrc, gint clock_hz)
{
    *stats = (RtpSendStats){ .ssrc = ssrc, .clock_hz = clock_hz };
}

void rtp_send_stats_packet(RtpSendStats *stats, guint32 timestamp, gsize payload_size,
                           gint64 media_ns)
{
    stats->started = TRUE;
    stats->packets++;
    stats->octets += (guint32)payload_size;
    stats->timestamp = timestamp;
    stats->media_ns = media_ns;
}

gboolean rtp_send_stats_report(const RtpSendStats *stats, gint64 now_ns, guint64 now_ntp,
                               RtcpPacket *sr)
{
    *sr = (RtcpPacket){ .type = RTCP_SENDER_REPORT, .sender_ssrc = stats->ssrc };
    if (!stats->started)
        return FALSE;
    sr->ntp = now_ntp;
    sr->rtp_timestamp =
        stats->timestamp + (guint32)ns_to_units(now_ns - stats->media_ns, stats->clock_hz);
    sr->packet_count = stats->packets;
    sr->octet_count = stats->octets;
    return TRUE;
}
