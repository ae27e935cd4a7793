#pragma once

#include <glib.h>

/* RTCP (RFC 3550 section 6, RFC 4585, 5104, 5506; transport-cc and REMB drafts). */

#define RTCP_MAX_PACKET 1200
#define RTCP_MAX_BLOCKS 31
#define RTCP_MAX_FIR    8   /* entries that are read of one FIR */
#define RTCP_MAX_NACKS  290 /* sequence numbers that fit an empty packet, however they lie */

typedef enum {
    RTCP_SENDER_REPORT,
    RTCP_RECEIVER_REPORT,
    RTCP_SDES,
    RTCP_BYE,
    RTCP_NACK,
    RTCP_PLI,
    RTCP_FIR,
    RTCP_REMB,
    RTCP_TRANSPORT_CC,
    RTCP_OTHER,
} RtcpType;

typedef struct {
    guint32 ssrc;         /* of the stream that is reported on */
    guint8 fraction_lost; /* 1/256 */
    gint32 cumulative_lost;
    guint32 highest_seq;                  /* extended */
    guint32 jitter;                       /* timestamp units */
    guint32 last_sr, delay_since_last_sr; /* 1/65536 s */
} RtcpReportBlock;

typedef struct {
    RtcpType type;
    guint32 sender_ssrc;
    guint32 media_ssrc; /* feedback: the stream it is about */

    guint64 ntp;                                      /* SR */
    guint32 rtp_timestamp, packet_count, octet_count; /* SR */
    guint report_count;                               /* SR, RR */
    RtcpReportBlock reports[RTCP_MAX_BLOCKS];

    guint fir_count; /* FIR: entries */
    struct {
        guint32 ssrc;
        guint8 seq;
    } fir[RTCP_MAX_FIR];

    guint bye_count; /* BYE: who leaves; sender_ssrc is the first of them */
    guint32 bye[RTCP_MAX_BLOCKS];

    guint64 remb_bps; /* saturated */

    const guint8 *fci; /* (transfer none) NACK, TRANSPORT_CC: the feedback control information */
    gsize fci_size;
} RtcpPacket;

/** Walks a compound (or reduced-size) packet. Start with pos = 0. */
typedef struct {
    const guint8 *data;
    gsize size, pos;
} RtcpReader;

RtcpReader rtcp_reader(const guint8 *data, gsize size);

/** The next sub-packet; its padding is taken off. FALSE: the end, or the rest is malformed. Types
 *  and formats that we do not know are RTCP_OTHER. */
gboolean rtcp_reader_next(RtcpReader *reader, RtcpPacket *packet);

/** Calls `each` for every sequence number that a NACK asks for (RFC 4585 section 6.2.1): up to 17
 *  times for each 4 bytes, repetitions included. */
void rtcp_nack_each(const RtcpPacket *nack, void (*each)(guint16 seq, gpointer user),
                    gpointer user);

/** Writes one compound packet of at most RTCP_MAX_PACKET bytes; sub-packets that do not fit (or
 *  that the wire has no form for: 32 blocks, no sequence number, a CNAME above 255 bytes) are left
 *  out and return FALSE. */
typedef struct {
    guint8 data[RTCP_MAX_PACKET + 64]; /* room behind it for SRTCP's trailer, in place */
    gsize size;
} RtcpWriter;

void rtcp_writer_init(RtcpWriter *writer);
gboolean rtcp_write_sr(RtcpWriter *writer, const RtcpPacket *sr);
gboolean rtcp_write_rr(RtcpWriter *writer, guint32 sender_ssrc, const RtcpReportBlock *reports,
                       guint n);
gboolean rtcp_write_sdes(RtcpWriter *writer, guint32 ssrc, const char *cname);
gboolean rtcp_write_bye(RtcpWriter *writer, guint32 ssrc);
/** Shortest where `seqs` ascend; any order is right. */
gboolean rtcp_write_nack(RtcpWriter *writer, guint32 sender_ssrc, guint32 media_ssrc,
                         const guint16 *seqs, guint n);
gboolean rtcp_write_pli(RtcpWriter *writer, guint32 sender_ssrc, guint32 media_ssrc);
gboolean rtcp_write_fir(RtcpWriter *writer, guint32 sender_ssrc, guint32 media_ssrc, guint8 seq);
gboolean rtcp_write_remb(RtcpWriter *writer, guint32 sender_ssrc, const guint32 *ssrcs, guint n,
                         guint64 bps);
/** `fci` is a whole transport-cc feedback body, as twcc.h makes it. Padded (RFC 3550 section 6.4.1)
 *  where its size asks for it, so write it as the last sub-packet. */
gboolean rtcp_write_transport_cc(RtcpWriter *writer, guint32 sender_ssrc, guint32 media_ssrc,
                                 const guint8 *fci, gsize fci_size);
