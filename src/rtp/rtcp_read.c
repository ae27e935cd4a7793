#include "base/bytes.h"
#include "rtp/rtcp.h"
#include "rtp/rtcp_wire.h"

static gint32 sign_extend_24(guint32 value)
{
    return value & 0x800000 ? (gint32)value - 0x1000000 : (gint32)value;
}

static void read_reports(ByteReader *body, guint count, RtcpPacket *packet)
{
    packet->report_count = count;
    for (guint i = 0; i < count; i++) {
        RtcpReportBlock *block = &packet->reports[i];
        block->ssrc = byte_reader_u32(body);
        block->fraction_lost = byte_reader_u8(body);
        block->cumulative_lost = sign_extend_24(byte_reader_u24(body));
        block->highest_seq = byte_reader_u32(body);
        block->jitter = byte_reader_u32(body);
        block->last_sr = byte_reader_u32(body);
        block->delay_since_last_sr = byte_reader_u32(body);
    }
}

static void read_sender_report(ByteReader *body, guint count, RtcpPacket *packet)
{
    packet->type = RTCP_SENDER_REPORT;
    packet->sender_ssrc = byte_reader_u32(body);
    packet->ntp = byte_reader_u64(body);
    packet->rtp_timestamp = byte_reader_u32(body);
    packet->packet_count = byte_reader_u32(body);
    packet->octet_count = byte_reader_u32(body);
    read_reports(body, count, packet);
}

static void read_receiver_report(ByteReader *body, guint count, RtcpPacket *packet)
{
    packet->type = RTCP_RECEIVER_REPORT;
    packet->sender_ssrc = byte_reader_u32(body);
    read_reports(body, count, packet);
}

static void read_bye(ByteReader *body, guint count, RtcpPacket *packet)
{
    packet->type = RTCP_BYE;
    packet->bye_count = count;
    for (guint i = 0; i < count; i++)
        packet->bye[i] = byte_reader_u32(body);
    packet->sender_ssrc = packet->bye[0];
}

static void read_sdes(ByteReader *body, guint count, RtcpPacket *packet)
{
    packet->type = RTCP_SDES;
    if (count > 0)
        packet->sender_ssrc = byte_reader_u32(body);
}

static void read_other(ByteReader *body, RtcpPacket *packet)
{
    packet->type = RTCP_OTHER;
    if (byte_reader_left(body) >= 4)
        packet->sender_ssrc = byte_reader_u32(body);
}

/* RFC 5104 section 4.3.1.1; entries beyond what we keep are another stream's affair. */
static void read_fir(ByteReader *body, RtcpPacket *packet)
{
    packet->type = RTCP_FIR;
    while (byte_reader_left(body) >= 8 && packet->fir_count < RTCP_MAX_FIR) {
        packet->fir[packet->fir_count].ssrc = byte_reader_u32(body);
        packet->fir[packet->fir_count].seq = byte_reader_u8(body);
        byte_reader_u24(body);
        packet->fir_count++;
    }
}

/* draft-alvestrand-rmcat-remb-03 section 2.2 */
static void read_remb(ByteReader *body, RtcpPacket *packet)
{
    if (byte_reader_left(body) < 4 || byte_reader_u32(body) != RTCP_REMB_NAME)
        return; /* another application's feedback */
    guint8 ssrcs = byte_reader_u8(body);
    guint32 rate = byte_reader_u24(body);
    guint exponent = rate >> 18;
    guint64 mantissa = rate & 0x3ffff;
    gboolean fits = mantissa <= G_MAXUINT64 >> exponent;
    packet->type = RTCP_REMB;
    packet->remb_bps = fits ? mantissa << exponent : G_MAXUINT64;
    byte_reader_bytes(body, (gsize)ssrcs * 4);
}

static void take_fci(ByteReader *body, gsize min_size, RtcpType type, RtcpPacket *packet)
{
    packet->type = type;
    packet->fci_size = byte_reader_left(body);
    if (packet->fci_size < min_size)
        body->failed = TRUE;
    packet->fci = byte_reader_bytes(body, packet->fci_size);
}

static void read_feedback(ByteReader *body, guint type, guint format, RtcpPacket *packet)
{
    packet->type = RTCP_OTHER;
    packet->sender_ssrc = byte_reader_u32(body);
    packet->media_ssrc = byte_reader_u32(body);
    switch (type << 8 | format) {
    case RTCP_PT_RTPFB << 8 | RTCP_FMT_NACK:
        take_fci(body, 4, RTCP_NACK, packet);
        break;
    case RTCP_PT_RTPFB << 8 | RTCP_FMT_TRANSPORT_CC:
        take_fci(body, 8, RTCP_TRANSPORT_CC, packet);
        break;
    case RTCP_PT_PSFB << 8 | RTCP_FMT_PLI:
        packet->type = RTCP_PLI;
        break;
    case RTCP_PT_PSFB << 8 | RTCP_FMT_FIR:
        read_fir(body, packet);
        break;
    case RTCP_PT_PSFB << 8 | RTCP_FMT_AFB:
        read_remb(body, packet);
        break;
    default:
        break;
    }
}

static void read_body(ByteReader *body, guint type, guint count, RtcpPacket *packet)
{
    switch (type) {
    case RTCP_PT_SR:
        read_sender_report(body, count, packet);
        break;
    case RTCP_PT_RR:
        read_receiver_report(body, count, packet);
        break;
    case RTCP_PT_SDES:
        read_sdes(body, count, packet);
        break;
    case RTCP_PT_BYE:
        read_bye(body, count, packet);
        break;
    case RTCP_PT_RTPFB:
    case RTCP_PT_PSFB:
        read_feedback(body, type, count, packet);
        break;
    default:
        read_other(body, packet);
        break;
    }
}

/* The body of the sub-packet without its padding, whose length is its last byte (RFC 3550 section
 * 6.4.1). Only the last sub-packet should have any; it does no harm elsewhere. */
static ByteReader open_body(ByteReader *left, gboolean padded, gsize size)
{
    const guint8 *data = byte_reader_bytes(left, size);
    if (data && padded) {
        gsize padding = size > 0 ? data[size - 1] : 0;
        if (padding == 0 || padding > size)
            left->failed = TRUE;
        else
            size -= padding;
    }
    return byte_reader(data, data ? size : 0);
}

RtcpReader rtcp_reader(const guint8 *data, gsize size)
{
    return (RtcpReader){ data, size, 0 };
}

gboolean rtcp_reader_next(RtcpReader *reader, RtcpPacket *packet)
{
    *packet = (RtcpPacket){ .type = RTCP_OTHER };
    if (reader->pos >= reader->size)
        return FALSE;
    ByteReader left = byte_reader(reader->data + reader->pos, reader->size - reader->pos);
    guint8 first = byte_reader_u8(&left);
    guint8 type = byte_reader_u8(&left);
    gsize size = (gsize)byte_reader_u16(&left) * 4;
    ByteReader body = open_body(&left, first & 0x20, size);
    if (!left.failed && (first & 0xc0) == RTCP_VERSION_BITS) {
        read_body(&body, type, first & 0x1f, packet);
        if (!body.failed) {
            reader->pos += left.pos;
            return TRUE;
        }
    }
    reader->pos = reader->size;
    return FALSE;
}

void rtcp_nack_each(const RtcpPacket *nack, void (*each)(guint16 seq, gpointer user), gpointer user)
{
    ByteReader reader = byte_reader(nack->fci, nack->fci_size);
    while (byte_reader_left(&reader) >= 4) {
        guint16 seq = byte_reader_u16(&reader);
        guint16 following = byte_reader_u16(&reader);
        each(seq, user);
        for (guint i = 0; i < 16; i++) {
            if (following >> i & 1)
                each((guint16)(seq + i + 1), user);
        }
    }
}
