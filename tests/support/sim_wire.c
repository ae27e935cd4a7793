#include "support/sim_wire.h"

#include "base/seq.h"
#include "codecs/payload.h"

static void check_frame(SimWire *wire, const RtpPacket *packet, const PayloadInfo *info)
{
    SimWireStats *stats = &wire->stats;
    gint next_id = (wire->picture_id + 1) & 0x7fff;
    gint next_tl0 = (wire->tl0_pic_idx + (info->temporal_id == 0)) & 0xff;
    stats->lame_holes += wire->hole && !info->keyframe;
    stats->picture_jumps += !wire->hole && info->picture_id != next_id;
    stats->tl0_jumps += !wire->hole && info->tl0_pic_idx != next_tl0;
    stats->torn += !wire->hole && !wire->ended;
    stats->backwards += rtp_ts_diff(packet->timestamp, wire->timestamp) <= 0;
}

static void begin_frame(SimWire *wire, const RtpPacket *packet, const PayloadInfo *info)
{
    if (wire->started)
        check_frame(wire, packet, info);
    wire->stats.frames++;
    wire->stats.keyframes += info->keyframe;
    wire->stats.upper_frames += info->non_reference;
    wire->started = TRUE;
    wire->hole = FALSE;
    wire->timestamp = packet->timestamp;
    wire->picture_id = info->picture_id;
    wire->tl0_pic_idx = info->tl0_pic_idx;
}

void sim_wire_packet(SimWire *wire, const RtpPacket *packet)
{
    SimWireStats *stats = &wire->stats;
    PayloadInfo info;
    if (wire->stats.packets++ && packet->seq != (guint16)(wire->seq + 1)) {
        stats->holes++;
        wire->hole = TRUE;
    }
    wire->seq = packet->seq;
    if (!packet->payload_size)
        return;
    if (!payload_vp8.parse(packet->payload, packet->payload_size, &info))
        g_error("the server sent VP8 that cannot be parsed");
    stats->untagged += info.picture_id_bits != 15 || info.tl0_pic_idx < 0;
    if (info.start)
        begin_frame(wire, packet, &info);
    else
        stats->torn += !wire->hole && (packet->timestamp != wire->timestamp || wire->ended ||
                                       info.picture_id != wire->picture_id ||
                                       info.tl0_pic_idx != wire->tl0_pic_idx);
    wire->ended = packet->marker;
}
