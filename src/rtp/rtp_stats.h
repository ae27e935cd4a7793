#pragma once

#include "rtp/rtcp.h"

/* What RFC 3550 section 6.4 and appendix A want to know of one incoming stream (for receiver
 * reports), and of one outgoing stream (for sender reports and the round-trip time). */

typedef struct {
    guint32 ssrc;
    gint clock_hz;
    gboolean started;
    guint16 base_seq, max_seq;
    guint32 bad_seq; /* what would confirm a jump; above 16 bits: nothing */
    guint32 cycles;
    guint64 packets, bytes; /* all; `received` counts since base_seq */
    guint64 duplicates;     /* repetitions of the newest packet */
    guint32 received;
    guint32 expected_prior, received_prior;
    gdouble jitter; /* timestamp units */
    guint32 last_transit;
    guint32 last_sr; /* middle 32 bits of the newest SR's NTP time */
    gint64 last_sr_ns;
} RtpReceiveStats;

void rtp_receive_stats_init(RtpReceiveStats *stats, guint32 ssrc, gint clock_hz);

/** FALSE: a jump that is not yet believed (appendix A.1: MAX_DROPOUT 3000, MAX_MISORDER 1500, two
 *  packets in sequence): drop the packet. *restarted tells that the sender began anew. */
gboolean rtp_receive_stats_packet(RtpReceiveStats *stats, guint16 seq, guint32 timestamp,
                                  gsize size, gint64 arrival_ns, gboolean *restarted);
void rtp_receive_stats_sr(RtpReceiveStats *stats, guint64 ntp, gint64 arrival_ns);

/** Fill a report block and start the next interval. */
void rtp_receive_stats_report(RtpReceiveStats *stats, gint64 now_ns, RtcpReportBlock *block);

/** Round-trip time from a report block about our stream (section 6.4.1), or -1 if it has none or
 *  an impossible one (above 60 s). */
gint64 rtp_rtt_ns(const RtcpReportBlock *block, guint64 now_ntp);

/** What a sender report says of one outgoing stream. */
typedef struct {
    guint32 ssrc;
    gint clock_hz;
    gboolean started;
    guint32 packets, octets; /* octets: payload only; both wrap, as on the wire */
    guint32 timestamp;       /* of the newest packet ... */
    gint64 media_ns;         /* ... and the moment that it stands for */
} RtpSendStats;

void rtp_send_stats_init(RtpSendStats *stats, guint32 ssrc, gint clock_hz);

/** A packet was sent (RTX not counted). media_ns: the monotonic time that its timestamp stands for,
 *  the same clock for all streams that are to be played in step. */
void rtp_send_stats_packet(RtpSendStats *stats, guint32 timestamp, gsize payload_size,
                           gint64 media_ns);

/** Fill the sender's part of a report (no report blocks) for this moment, given on both clocks.
 *  FALSE: nothing was sent yet. */
gboolean rtp_send_stats_report(const RtpSendStats *stats, gint64 now_ns, guint64 now_ntp,
                               RtcpPacket *sr);
