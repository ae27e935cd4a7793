#include "rtp/rtx.h"

gboolean rtx_unwrap(const RtpPacket *rtx, guint8 payload_type, guint32 ssrc, RtpPacket *original)
{
    if (rtx->payload_size < RTX_OVERHEAD)
        return FALSE;
    *original = *rtx;
    original->payload_type = payload_type;
    original->ssrc = ssrc;
    original->seq = (guint16)(rtx->payload[0] << 8 | rtx->payload[1]);
    original->payload += RTX_OVERHEAD;
    original->payload_size -= RTX_OVERHEAD;
    return TRUE;
}

gsize rtx_write(guint8 *data, gsize size, const RtpPacket *packet, guint16 original_seq,
                const RtpExtMap *map, const RtpExtValues *values)
{
    gsize header = rtp_write_header(data, size, packet, map, values);
    if (header == 0)
        return 0;
    ByteWriter writer = byte_writer(data + header, size - header);
    byte_writer_u16(&writer, original_seq);
    byte_writer_bytes(&writer, packet->payload, packet->payload_size);
    return writer.failed ? 0 : header + writer.pos;
}
