/* RTP as it comes from a peer: header, extensions under several maps, RTX and RED inside. What was
 * read is written again and must read the same. */
#include <glib.h>
#include <stdint.h>

#include "rtp/red.h"
#include "rtp/rtp.h"
#include "rtp/rtx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const RtpExtMap *maps(void)
{
    static const guint first_ids[] = { 1, 5, 15, 246 };
    static RtpExtMap all[G_N_ELEMENTS(first_ids) + 1]; /* the last one is empty */
    for (guint m = 0; m < G_N_ELEMENTS(first_ids) && all[m].id_of[1] == 0; m++) {
        for (guint type = RTP_EXT_NONE + 1; type < RTP_EXT_COUNT; type++)
            rtp_ext_map_set(&all[m], (RtpExtType)type, first_ids[m] + type - 1);
    }
    return all;
}

#define MAP_COUNT 5

static volatile guint8 sink;

/* Every byte that a result points at must be readable. */
static void touch(const guint8 *data, gsize size)
{
    for (gsize i = 0; i < size; i++)
        sink = (guint8)(sink ^ data[i]);
}

static void check_written(const RtpPacket *packet, const RtpExtMap *map, const RtpExtensions *ext)
{
    guint8 data[RTP_MAX_PACKET];
    RtpPacket again;
    RtpExtensions ext_again;
    RtpExtValues values = {
        .mid = ext->present & 1u << RTP_EXT_MID ? ext->mid : NULL,
        .has_transport_seq = !!(ext->present & 1u << RTP_EXT_TRANSPORT_CC),
        .transport_seq = ext->transport_seq,
        .has_audio_level = !!(ext->present & 1u << RTP_EXT_AUDIO_LEVEL),
        .audio_level_dbov = ext->audio_level_dbov,
        .voice_activity = ext->voice_activity,
    };
    gsize size = rtp_write_header(data, sizeof(data), packet, map, &values);
    g_assert_true(size >= RTP_MIN_HEADER && rtp_parse(data, size, &again));
    g_assert_true(again.seq == packet->seq && again.ssrc == packet->ssrc);
    g_assert_true(again.timestamp == packet->timestamp && again.marker == packet->marker);
    g_assert_true(again.payload_type == packet->payload_type);
    g_assert_true(again.csrc_count == packet->csrc_count && again.payload_size == 0);
    rtp_ext_parse(&again, map, &ext_again);
    g_assert_cmpstr(ext_again.mid, ==, ext->mid);
    g_assert_true(ext_again.transport_seq == ext->transport_seq || !values.has_transport_seq);
    g_assert_true(ext_again.audio_level_dbov == ext->audio_level_dbov || !values.has_audio_level);
}

static void check_rtx(const RtpPacket *packet, gsize size)
{
    RtpPacket original, again;
    g_autofree guint8 *data = g_malloc(size + 64);
    if (rtx_unwrap(packet, 96, 1, &original))
        touch(original.payload, original.payload_size);
    gsize written = rtx_write(data, size + 64, packet, 0xabcd, NULL, NULL);
    g_assert_true(written > 0 && rtp_parse(data, written, &again));
    g_assert_true(rtx_unwrap(&again, packet->payload_type, packet->ssrc, &original));
    g_assert_cmpmem(original.payload, original.payload_size, packet->payload, packet->payload_size);
}

static void check_red(const guint8 *payload, gsize size)
{
    RedBlock blocks[RED_MAX_BLOCKS];
    guint n = red_parse(payload, size, blocks);
    g_assert_cmpuint(n, <=, RED_MAX_BLOCKS);
    for (guint i = 0; i < n; i++)
        touch(blocks[i].data, blocks[i].size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    RtpPacket packet;
    rtp_is_rtcp(data, size);
    check_red(data, size);
    if (!rtp_parse(data, size, &packet))
        return 0;
    g_assert_cmpuint(packet.payload_size + packet.padding_size + RTP_MIN_HEADER, <=, size);
    touch(packet.payload, packet.payload_size + packet.padding_size);
    touch(packet.extension, packet.extension_size);
    for (guint m = 0; m < MAP_COUNT; m++) {
        RtpExtensions ext;
        rtp_ext_parse(&packet, &maps()[m], &ext);
        check_written(&packet, &maps()[m], &ext);
    }
    check_rtx(&packet, size);
    check_red(packet.payload, packet.payload_size);
    return 0;
}
