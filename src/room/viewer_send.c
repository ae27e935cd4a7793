#include <string.h>

#include "base/clock.h"
#include "room/viewer_private.h"
#include "rtp/rtx.h"

/* RTP: what is sent now, what is sent again, and what only measures the line. */

#define MAX_BATCH         64
#define HISTORY_PACKETS   512
#define HISTORY_NS        (1500 * NS_PER_MS)
#define MIN_RESEND_GAP_NS (40 * NS_PER_MS)
/* Nobody gets more again than was sent in the first place, but for the last packets. */
#define MAX_RESEND_CREDIT 256
/* With 0 libwebrtc shows each picture as soon as it is decoded, whatever the sound needs. */
#define PLAYOUT_MIN_10MS 1
#define MAX_PADDING      255 /* bytes of one packet (RFC 3550 section 5.1) */

/* Packets built side by side and sent with one call. */
typedef struct {
    guint8 data[MAX_BATCH][TRANSPORT_MAX_RTP + TRANSPORT_TAG];
    TransportPacket packets[MAX_BATCH];
    guint count;
} Batch;

/* A packet that waits for its turn. */
typedef struct {
    RtpHistoryPacket packet; /* its payload is a reference */
    gboolean again;          /* it was sent before */
} Queued;

static void queued_free(gpointer data)
{
    Queued *queued = data;
    g_bytes_unref(queued->packet.payload);
    g_free(queued);
}

/* --- one packet -------------------------------------------------------------------------- */

static gboolean tells_arrival(const Viewer *viewer, const RtpExtMap *map)
{
    return viewer->rate.transport_cc && map->id_of[RTP_EXT_TRANSPORT_CC];
}

static RtpExtValues ext_values(const Viewer *viewer, const RtpExtMap *map, gint64 now_ns)
{
    return (RtpExtValues){ .has_abs_send_time = TRUE,
                           .abs_send_time = rtp_abs_send_time(now_ns),
                           .has_transport_seq = map->id_of[RTP_EXT_TRANSPORT_CC] != 0,
                           .transport_seq = viewer->transport_seq };
}

/* Where the next packet of the batch is to be written. */
static guint8 *batch_next(Batch *batch)
{
    return batch->data[batch->count];
}

/* A packet of this size was written there; 0: it did not fit. probe: the cluster that it measures
 * for, or BWE_PROBE_NONE. */
ON_NET_THREAD static void batch_commit(Viewer *viewer, Batch *batch, gsize size,
                                       const RtpExtMap *map, gint probe, gint64 now_ns)
{
    if (!size)
        return;
    batch->packets[batch->count].data = batch_next(batch);
    batch->packets[batch->count].size = size;
    viewer->stats.bytes += size;
    batch->count++;
    if (tells_arrival(viewer, map))
        bwe_sent(viewer->rate.bwe, viewer->transport_seq, size, probe, now_ns);
    else if (viewer->rate.bwe)
        bwe_sent_unnumbered(viewer->rate.bwe, size, now_ns);
    if (map->id_of[RTP_EXT_TRANSPORT_CC])
        viewer->transport_seq++;
}

ON_NET_THREAD static void batch_add(Viewer *viewer, Batch *batch, const RtpPacket *header,
                                    const RtpExtValues *values, gint probe, gint64 now_ns)
{
    const RtpExtMap *map = header->ssrc == viewer->audio.config.ssrc
                               ? &viewer->audio.config.extensions
                               : &viewer->video.config.extensions;
    guint8 *out = batch_next(batch);
    gsize header_size = rtp_write_header(out, TRANSPORT_MAX_RTP, header, map, values);
    if (!header_size || header_size + header->payload_size > TRANSPORT_MAX_RTP)
        return;
    memcpy(out + header_size, header->payload, header->payload_size);
    batch_commit(viewer, batch, header_size + header->payload_size, map, probe, now_ns);
}

ON_NET_THREAD static void batch_send(Viewer *viewer, Batch *batch)
{
    if (batch->count > 0)
        transport_send_rtp(viewer->transport, batch->packets, batch->count);
    batch->count = 0;
}

/* --- sound: never waits ------------------------------------------------------------------ */

void viewer_send_audio(Viewer *viewer, GBytes *packet, gint64 mix_samples, gint64 now_ns)
{
    OutStream *stream = &viewer->audio;
    const RtpExtMap *map = &stream->config.extensions;
    guint8 red[TRANSPORT_MAX_RTP];
    Batch batch;
    if (!viewer->transport || !stream->config.active)
        return;
    RtpPacket header = { .payload_type = stream->config.payload_type,
                         .seq = stream->next_seq++,
                         .timestamp = (guint32)mix_samples + stream->ts_offset,
                         .ssrc = stream->config.ssrc };
    header.payload = g_bytes_get_data(packet, &header.payload_size);
    gsize red_size =
        viewer_sound_packet(&viewer->sound, packet, header.timestamp, now_ns, red, sizeof red);
    if (red_size) {
        header.payload_type = (guint8)viewer->config.red_payload_type;
        header.payload = red;
        header.payload_size = red_size;
        viewer->stats.audio_red_packets++;
    }
    viewer_publish_voice_wish(viewer);
    RtpExtValues values = ext_values(viewer, map, now_ns);
    batch.count = 0;
    batch_add(viewer, &batch, &header, &values, BWE_PROBE_NONE, now_ns);
    batch_send(viewer, &batch);
    pacer_account(viewer->pacer, header.payload_size, now_ns);
    gint64 media_ns = viewer->config.mix_epoch_ns + mix_samples * 125000 / 6;
    rtp_send_stats_packet(&stream->sent, header.timestamp, header.payload_size, media_ns);
    viewer->stats.audio_packets++;
}

/* --- pictures ---------------------------------------------------------------------------- */

void viewer_queue_video(Viewer *viewer, GBytes *payload, gboolean marker, gint64 now_ns)
{
    Queued *queued = g_new(Queued, 1);
    *queued = (Queued){
        .packet = { .seq = viewer->video.next_seq++,
                    .timestamp = viewer->numbers.last_timestamp + viewer->video.ts_offset,
                    .marker = marker,
                    .payload = g_bytes_ref(payload),
                    .format = rendition_spec(viewer->rendition)->codec->payload,
                    .picture_id = viewer->numbers.last_picture_id,
                    .tl0_pic_idx = viewer->numbers.last_tl0 },
    };
    gsize size = g_bytes_get_size(payload);
    if (!viewer->history && viewer->config.nack)
        viewer->history = rtp_history_new(HISTORY_PACKETS, HISTORY_NS);
    if (viewer->history)
        rtp_history_add(viewer->history, &queued->packet, now_ns);
    rtp_send_stats_packet(&viewer->video.sent, queued->packet.timestamp, size,
                          viewer->numbers.last_captured_ns);
    pacer_push(viewer->pacer, PACER_VIDEO, size, queued, now_ns);
    viewer->stats.video_packets++;
    viewer->since_keyframe++;
    viewer->resend_credit = MIN(viewer->resend_credit + 1, MAX_RESEND_CREDIT);
}

/* The payload starts at the end of the packet that was just added. */
static void retag(const Batch *batch, const PayloadFormat *format, gsize payload_size,
                  gint picture_id, gint tl0_pic_idx)
{
    const TransportPacket *packet = &batch->packets[batch->count - 1];
    if (format->retag)
        format->retag(packet->data + packet->size - payload_size, payload_size, picture_id,
                      tl0_pic_idx);
}

/* As it is, or as a retransmission (RFC 4588). */
ON_NET_THREAD static void add_queued(Viewer *viewer, Batch *batch, const Queued *queued, gint probe,
                                     gint64 now_ns)
{
    const RtpHistoryPacket *packet = &queued->packet;
    const RtpExtMap *map = &viewer->video.config.extensions;
    RtpExtValues values = ext_values(viewer, map, now_ns);
    RtpPacket header = { .payload_type = viewer->video.config.payload_type,
                         .seq = packet->seq,
                         .marker = packet->marker,
                         .timestamp = packet->timestamp,
                         .ssrc = viewer->video.config.ssrc };
    guint before = batch->count;
    header.payload = g_bytes_get_data(packet->payload, &header.payload_size);
    gsize payload_size = header.payload_size;
    if (viewer->config.playout_max_10ms && !queued->again) {
        values.has_playout_delay = TRUE;
        values.playout_min_10ms = (guint16)CLAMP(viewer->playout_min_ns / (10 * NS_PER_MS),
                                                 PLAYOUT_MIN_10MS, viewer->config.playout_max_10ms);
        values.playout_max_10ms = viewer->config.playout_max_10ms;
    }
    if (queued->again && viewer->config.rtx_payload_type >= 0 && viewer->config.rtx_ssrc) {
        header.payload_type = (guint8)viewer->config.rtx_payload_type;
        header.ssrc = viewer->config.rtx_ssrc;
        header.seq = viewer->rtx_seq++;
        gsize size =
            rtx_write(batch_next(batch), TRANSPORT_MAX_RTP, &header, packet->seq, map, &values);
        batch_commit(viewer, batch, size, map, probe, now_ns);
    } else {
        batch_add(viewer, batch, &header, &values, probe, now_ns);
    }
    if (batch->count > before)
        retag(batch, packet->format, payload_size, packet->picture_id, packet->tl0_pic_idx);
}

/* --- what measures the line -------------------------------------------------------------- */

/* About so many bytes of padding, in the stream of what is sent again where there is one. */
ON_NET_THREAD static void add_padding(Viewer *viewer, Batch *batch, gsize bytes, gint probe,
                                      gint64 now_ns)
{
    const RtpExtMap *map = &viewer->video.config.extensions;
    gboolean rtx = viewer->config.rtx_payload_type >= 0 && viewer->config.rtx_ssrc;
    RtpExtValues values = ext_values(viewer, map, now_ns);
    RtpPacket header = { .payload_type = rtx ? (guint8)viewer->config.rtx_payload_type
                                             : viewer->video.config.payload_type,
                         .seq = rtx ? viewer->rtx_seq++ : viewer->video.next_seq++,
                         .timestamp = viewer->numbers.last_timestamp + viewer->video.ts_offset,
                         .ssrc = rtx ? viewer->config.rtx_ssrc : viewer->video.config.ssrc };
    gsize size = rtp_write_padding(batch_next(batch), TRANSPORT_MAX_RTP, &header, map, &values,
                                   (guint8)MIN(bytes, MAX_PADDING));
    batch_commit(viewer, batch, size, map, probe, now_ns);
    viewer->since_keyframe += !rtx;
    viewer->stats.padding++;
}

void viewer_send_ask(Viewer *viewer, gint64 now_ns)
{
    Batch batch;
    batch.count = 0;
    if (!viewer->video.config.active)
        return; /* the sound asks by itself */
    add_padding(viewer, &batch, 1, BWE_PROBE_NONE, now_ns);
    batch_send(viewer, &batch);
}

/* --- when -------------------------------------------------------------------------------- */

ON_NET_THREAD static void add_item(Viewer *viewer, Batch *batch, const PacerItem *item,
                                   gint64 now_ns)
{
    if (item->kind != PACER_PADDING) {
        add_queued(viewer, batch, item->payload, item->probe_cluster, now_ns);
        queued_free(item->payload);
        return;
    }
    for (gsize done = 0; done < item->size; done += MAX_PADDING) {
        if (batch->count == MAX_BATCH)
            batch_send(viewer, batch);
        add_padding(viewer, batch, item->size - done, item->probe_cluster, now_ns);
    }
}

ON_NET_THREAD static void begin_probe(Viewer *viewer, gint64 now_ns)
{
    BweProbe probe;
    if (viewer->rate.transport_cc && viewer->video.config.active && !pacer_probing(viewer->pacer) &&
        bwe_probe(viewer->rate.bwe, now_ns, &probe))
        pacer_probe(viewer->pacer, &probe, now_ns);
}

void viewer_pump(Viewer *viewer, gint64 now_ns)
{
    Batch batch;
    PacerItem item;
    batch.count = 0;
    begin_probe(viewer, now_ns);
    while (pacer_pop(viewer->pacer, now_ns, &item)) {
        add_item(viewer, &batch, &item, now_ns);
        if (batch.count == MAX_BATCH)
            batch_send(viewer, &batch);
    }
    batch_send(viewer, &batch);
}

void viewer_send_clear(Viewer *viewer)
{
    pacer_free(viewer->pacer);
    viewer->pacer = pacer_new(queued_free);
    if (viewer->rate.bwe)
        pacer_set_rate(viewer->pacer, bwe_estimate_bps(viewer->rate.bwe));
    g_clear_pointer(&viewer->history, rtp_history_free);
}

/* --- what is asked for again ------------------------------------------------------------- */

typedef struct {
    Viewer *viewer;
    gint64 now_ns;
    guint budget;
    gboolean gone; /* something that later pictures need is not there any more */
} Resend;

static void resend_one(guint16 seq, gpointer user)
{
    Resend *resend = user;
    Viewer *viewer = resend->viewer;
    thread_assert_net();
    /* Who asks again asks a round trip later, give or take the jitter. */
    gint64 gap_ns = MAX(viewer->least_rtt_ns * 3 / 4, MIN_RESEND_GAP_NS);
    viewer->stats.nacked++;
    if (!resend->budget || !viewer->resend_credit || !viewer->history)
        return;
    const RtpHistoryPacket *packet =
        rtp_history_resend(viewer->history, seq, resend->now_ns, gap_ns);
    if (!packet) {
        guint16 ago = (guint16)(viewer->video.next_seq - seq);
        resend->gone |= ago <= viewer->since_keyframe &&
                        rtp_history_is_gone(viewer->history, seq, resend->now_ns);
        return;
    }
    resend->budget--;
    viewer->resend_credit--;
    Queued *queued = g_new(Queued, 1);
    *queued = (Queued){ .packet = *packet, .again = TRUE };
    g_bytes_ref(queued->packet.payload);
    pacer_push(viewer->pacer, PACER_RETRANSMISSION, g_bytes_get_size(packet->payload), queued,
               resend->now_ns);
    viewer->stats.resent++;
}

void viewer_nack(Viewer *viewer, const RtcpPacket *packet, gint64 now_ns)
{
    Resend resend = { viewer, now_ns, 64, FALSE };
    rtcp_nack_each(packet, resend_one, &resend);
    if (resend.gone) /* as after a network that was away: it would wait in vain for seconds */
        viewer_want_keyframe(viewer, now_ns);
    viewer_pump(viewer, now_ns);
}
