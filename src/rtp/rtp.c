#include "rtp/rtp.h"

#include <string.h>

#include "base/clock.h"

#define RTP_VERSION_BITS 0x80 /* version 2 in the two highest bits */

/* The length of the padding is the packet's last byte, itself included (RFC 3550 section 5.1). */
static gboolean take_padding_off(const guint8 *data, gsize size, RtpPacket *packet)
{
    gsize padding = packet->payload_size ? data[size - 1] : 0;
    if (padding == 0 || padding > packet->payload_size)
        return FALSE;
    packet->padding_size = padding;
    packet->payload_size -= padding;
    return TRUE;
}

gboolean rtp_parse(const guint8 *data, gsize size, RtpPacket *packet)
{
    *packet = (RtpPacket){ 0 };
    ByteReader reader = byte_reader(data, size);
    guint8 first = byte_reader_u8(&reader);
    guint8 second = byte_reader_u8(&reader);
    packet->payload_type = second & 0x7f;
    packet->marker = second >> 7;
    packet->seq = byte_reader_u16(&reader);
    packet->timestamp = byte_reader_u32(&reader);
    packet->ssrc = byte_reader_u32(&reader);
    packet->csrc_count = first & 0x0f;
    for (guint i = 0; i < packet->csrc_count; i++)
        packet->csrc[i] = byte_reader_u32(&reader);
    if (first & 0x10) {
        packet->extension_profile = byte_reader_u16(&reader);
        packet->extension_size = (gsize)byte_reader_u16(&reader) * 4;
        packet->extension = byte_reader_bytes(&reader, packet->extension_size);
    }
    if (reader.failed || (first & 0xc0) != RTP_VERSION_BITS)
        return FALSE;
    packet->payload_size = byte_reader_left(&reader);
    packet->payload = data + reader.pos;
    return !(first & 0x20) || take_padding_off(data, size, packet);
}

gboolean rtp_is_rtcp(const guint8 *data, gsize size)
{
    return size >= 4 && (data[0] & 0xc0) == RTP_VERSION_BITS && data[1] >= 192 && data[1] <= 223;
}

gsize rtp_write_header(guint8 *data, gsize size, const RtpPacket *packet, const RtpExtMap *map,
                       const RtpExtValues *values)
{
    if (packet->csrc_count > RTP_MAX_CSRC)
        return 0;
    ByteWriter writer = byte_writer(data, size);
    byte_writer_u8(&writer, RTP_VERSION_BITS | packet->csrc_count);
    byte_writer_u8(&writer, (guint8)((packet->marker ? 0x80 : 0) | (packet->payload_type & 0x7f)));
    byte_writer_u16(&writer, packet->seq);
    byte_writer_u32(&writer, packet->timestamp);
    byte_writer_u32(&writer, packet->ssrc);
    for (guint i = 0; i < packet->csrc_count; i++)
        byte_writer_u32(&writer, packet->csrc[i]);
    gboolean extended = map && values && rtp_ext_write(&writer, map, values);
    if (writer.failed)
        return 0;
    if (extended)
        data[0] |= 0x10;
    return writer.pos;
}

gsize rtp_write_padding(guint8 *data, gsize size, const RtpPacket *packet, const RtpExtMap *map,
                        const RtpExtValues *values, guint8 padding)
{
    gsize header = rtp_write_header(data, size, packet, map, values);
    if (header == 0 || padding == 0 || padding > size - header)
        return 0;
    data[0] |= 0x20;
    memset(data + header, 0, padding);
    data[header + padding - 1] = padding;
    return header + padding;
}

guint32 rtp_abs_send_time(gint64 now_ns)
{
    guint64 seconds = (guint64)(now_ns / NS_PER_SEC);
    guint64 rest_ns = (guint64)(now_ns % NS_PER_SEC);
    return (guint32)((seconds << 18 | (rest_ns << 18) / NS_PER_SEC) & 0xffffff);
}
