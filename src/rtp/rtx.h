#pragma once

#include "rtp/rtp.h"

/* Retransmission (RFC 4588 section 4): a packet that is sent again, in a stream of its own, with
 * the original sequence number in front of its payload. Pure. */

#define RTX_OVERHEAD 2 /* bytes more than the original's payload */

/** The original packet inside `rtx`, with the payload type and SSRC that the caller knows it by;
 *  it points into the same data. FALSE: no original in it (a padding probe): drop it. */
gboolean rtx_unwrap(const RtpPacket *rtx, guint8 payload_type, guint32 ssrc, RtpPacket *original);

/** Write a whole retransmission: header fields and the original's payload from `packet` (its seq,
 *  ssrc and payload_type are the RTX stream's), extensions as rtp_write_header() does. Returns the
 *  packet's size, 0 if `size` is too small. */
gsize rtx_write(guint8 *data, gsize size, const RtpPacket *packet, guint16 original_seq,
                const RtpExtMap *map, const RtpExtValues *values);
