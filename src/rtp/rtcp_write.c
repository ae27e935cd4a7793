#include <string.h>

#include "base/bytes.h"
#include "base/seq.h"
#include "rtp/rtcp.h"
#include "rtp/rtcp_wire.h"

void rtcp_writer_init(RtcpWriter *writer)
{
    writer->size = 0;
}

/* A sub-packet is written behind what stands, and counts only once finish() has accepted it. */
static ByteWriter begin(RtcpWriter *writer, guint count, guint8 type)
{
    ByteWriter out = byte_writer(writer->data + writer->size, RTCP_MAX_PACKET - writer->size);
    byte_writer_u8(&out, (guint8)(RTCP_VERSION_BITS | count));
    byte_writer_u8(&out, type);
    byte_writer_u16(&out, 0); /* the length: finish() knows it */
    return out;
}

static gboolean finish(RtcpWriter *writer, ByteWriter *out)
{
    if (out->failed)
        return FALSE;
    gsize words = out->pos / 4 - 1;
    out->data[2] = (guint8)(words >> 8);
    out->data[3] = (guint8)words;
    writer->size += out->pos;
    return TRUE;
}

static void write_reports(ByteWriter *out, const RtcpReportBlock *reports, guint n)
{
    for (guint i = 0; i < n; i++) {
        gint32 lost = CLAMP(reports[i].cumulative_lost, -0x800000, 0x7fffff);
        byte_writer_u32(out, reports[i].ssrc);
        byte_writer_u8(out, reports[i].fraction_lost);
        byte_writer_u24(out, (guint32)lost & 0xffffff);
        byte_writer_u32(out, reports[i].highest_seq);
        byte_writer_u32(out, reports[i].jitter);
        byte_writer_u32(out, reports[i].last_sr);
        byte_writer_u32(out, reports[i].delay_since_last_sr);
    }
}

gboolean rtcp_write_sr(RtcpWriter *writer, const RtcpPacket *sr)
{
    if (sr->report_count > RTCP_MAX_BLOCKS)
        return FALSE;
    ByteWriter out = begin(writer, sr->report_count, RTCP_PT_SR);
    byte_writer_u32(&out, sr->sender_ssrc);
    byte_writer_u64(&out, sr->ntp);
    byte_writer_u32(&out, sr->rtp_timestamp);
    byte_writer_u32(&out, sr->packet_count);
    byte_writer_u32(&out, sr->octet_count);
    write_reports(&out, sr->reports, sr->report_count);
    return finish(writer, &out);
}

gboolean rtcp_write_rr(RtcpWriter *writer, guint32 sender_ssrc, const RtcpReportBlock *reports,
                       guint n)
{
    if (n > RTCP_MAX_BLOCKS)
        return FALSE;
    ByteWriter out = begin(writer, n, RTCP_PT_RR);
    byte_writer_u32(&out, sender_ssrc);
    write_reports(&out, reports, n);
    return finish(writer, &out);
}

/* RFC 3550 section 6.5: the items end with at least one zero byte, and on a word. */
gboolean rtcp_write_sdes(RtcpWriter *writer, guint32 ssrc, const char *cname)
{
    gsize size = strlen(cname);
    if (size > 255)
        return FALSE;
    ByteWriter out = begin(writer, 1, RTCP_PT_SDES);
    byte_writer_u32(&out, ssrc);
    byte_writer_u8(&out, RTCP_SDES_CNAME);
    byte_writer_u8(&out, (guint8)size);
    byte_writer_bytes(&out, cname, size);
    byte_writer_uint(&out, 0, 4 - out.pos % 4);
    return finish(writer, &out);
}

gboolean rtcp_write_bye(RtcpWriter *writer, guint32 ssrc)
{
    ByteWriter out = begin(writer, 1, RTCP_PT_BYE);
    byte_writer_u32(&out, ssrc);
    return finish(writer, &out);
}

static ByteWriter begin_feedback(RtcpWriter *writer, guint8 type, guint format, guint32 sender_ssrc,
                                 guint32 media_ssrc)
{
    ByteWriter out = begin(writer, format, type);
    byte_writer_u32(&out, sender_ssrc);
    byte_writer_u32(&out, media_ssrc);
    return out;
}

gboolean rtcp_write_nack(RtcpWriter *writer, guint32 sender_ssrc, guint32 media_ssrc,
                         const guint16 *seqs, guint n)
{
    if (n == 0)
        return FALSE;
    ByteWriter out = begin_feedback(writer, RTCP_PT_RTPFB, RTCP_FMT_NACK, sender_ssrc, media_ssrc);
    for (guint i = 0; i < n;) {
        guint16 first = seqs[i];
        guint16 following = 0;
        for (i++; i < n && (guint16)(seqs[i] - first) <= 16; i++) {
            if (seqs[i] != first)
                following |= (guint16)(1u << ((guint16)(seqs[i] - first) - 1));
        }
        byte_writer_u16(&out, first);
        byte_writer_u16(&out, following);
    }
    return finish(writer, &out);
}

gboolean rtcp_write_pli(RtcpWriter *writer, guint32 sender_ssrc, guint32 media_ssrc)
{
    ByteWriter out = begin_feedback(writer, RTCP_PT_PSFB, RTCP_FMT_PLI, sender_ssrc, media_ssrc);
    return finish(writer, &out);
}

/* RFC 5104 section 4.3.1.2: the media source of the header is zero, the entry names the stream. */
gboolean rtcp_write_fir(RtcpWriter *writer, guint32 sender_ssrc, guint32 media_ssrc, guint8 seq)
{
    ByteWriter out = begin_feedback(writer, RTCP_PT_PSFB, RTCP_FMT_FIR, sender_ssrc, 0);
    byte_writer_u32(&out, media_ssrc);
    byte_writer_u8(&out, seq);
    byte_writer_u24(&out, 0);
    return finish(writer, &out);
}

gboolean rtcp_write_remb(RtcpWriter *writer, guint32 sender_ssrc, const guint32 *ssrcs, guint n,
                         guint64 bps)
{
    if (n > 255)
        return FALSE;
    guint exponent = 0;
    while (bps >> exponent > 0x3ffff)
        exponent++;
    ByteWriter out = begin_feedback(writer, RTCP_PT_PSFB, RTCP_FMT_AFB, sender_ssrc, 0);
    byte_writer_u32(&out, RTCP_REMB_NAME);
    byte_writer_u8(&out, (guint8)n);
    byte_writer_u24(&out, exponent << 18 | (guint32)(bps >> exponent));
    for (guint i = 0; i < n; i++)
        byte_writer_u32(&out, ssrcs[i]);
    return finish(writer, &out);
}

gboolean rtcp_write_transport_cc(RtcpWriter *writer, guint32 sender_ssrc, guint32 media_ssrc,
                                 const guint8 *fci, gsize fci_size)
{
    ByteWriter out =
        begin_feedback(writer, RTCP_PT_RTPFB, RTCP_FMT_TRANSPORT_CC, sender_ssrc, media_ssrc);
    byte_writer_bytes(&out, fci, fci_size);
    gsize padding = (4 - fci_size % 4) % 4;
    byte_writer_uint(&out, padding, padding); /* zeros, and their number in the last byte */
    if (padding > 0 && !out.failed)
        out.data[0] |= 0x20;
    return finish(writer, &out);
}
