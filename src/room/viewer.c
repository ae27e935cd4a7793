#include "room/viewer.h"

#include <string.h>

#include "base/clock.h"
#include "rtp/history.h"
#include "rtp/rtp_stats.h"
#include "rtp/rtx.h"

#define HISTORY_PACKETS   512
#define HISTORY_NS        (1500 * NS_PER_MS)
#define MIN_RESEND_GAP_NS (40 * NS_PER_MS)
/* Nobody gets more again than was sent in the first place, but for the last packets. */
#define MAX_RESEND_CREDIT 256
#define MAX_BATCH         64

typedef struct {
    ViewerStream config;
    guint16 next_seq;
    guint32 ts_offset;
    RtpSendStats sent;
    guint32 reported; /* packets that the last sender report counted */
} OutStream;

struct Viewer {
    gint refs; /* atomic */
    Engine *engine;

    /* Net thread. */
    Transport *transport; /* NULL: detached */
    ViewerConfig config;
    OutStream audio, video;
    guint16 rtx_seq, transport_seq;
    RtpHistory *history;
    Rendition *rendition;
    gboolean had_keyframe;
    guint resend_credit; /* packets */
    gint64 next_report_ns;
    ViewerStats stats;
};

/* One outgoing frame's packets, built side by side and sent with one call. */
typedef struct {
    guint8 data[MAX_BATCH][TRANSPORT_MAX_RTP + TRANSPORT_TAG];
    TransportPacket packets[MAX_BATCH];
    guint count;
} Batch;

Viewer *viewer_new(Engine *engine)
{
    Viewer *viewer = g_new0(Viewer, 1);
    viewer->refs = 1;
    viewer->engine = engine;
    viewer->stats.rtt_ns = -1;
    viewer->audio.next_seq = (guint16)g_random_int_range(0, 32768);
    viewer->video.next_seq = (guint16)g_random_int_range(0, 32768);
    viewer->rtx_seq = (guint16)g_random_int_range(0, 32768);
    viewer->audio.ts_offset = g_random_int();
    viewer->video.ts_offset = g_random_int();
    return viewer;
}

Viewer *viewer_ref(Viewer *viewer)
{
    g_atomic_int_inc(&viewer->refs);
    return viewer;
}

void viewer_unref(Viewer *viewer)
{
    if (!viewer || !g_atomic_int_dec_and_test(&viewer->refs))
        return;
    g_clear_pointer(&viewer->history, rtp_history_free);
    g_free(viewer);
}

/* A stream that keeps its SSRC keeps its counts. */
static void configure_stream(OutStream *stream, const ViewerStream *config, gint clock_hz)
{
    if (config->ssrc != stream->config.ssrc) {
        rtp_send_stats_init(&stream->sent, config->ssrc, clock_hz);
        stream->reported = 0;
    }
    stream->config = *config;
}

void viewer_configure(Viewer *viewer, const ViewerConfig *config)
{
    viewer->config = *config;
    configure_stream(&viewer->audio, &config->audio, 48000);
    configure_stream(&viewer->video, &config->video, 90000);
    if (config->video.active && config->nack && !viewer->history)
        viewer->history = rtp_history_new(HISTORY_PACKETS, HISTORY_NS);
}

void viewer_attach(Viewer *viewer, Transport *transport)
{
    viewer->transport = transport;
    if (viewer->rendition)
        rendition_request_keyframe(viewer->rendition, TRUE);
}

void viewer_detach(Viewer *viewer)
{
    viewer->transport = NULL;
    viewer_set_rendition(viewer, NULL);
}

gboolean viewer_sends_video(const Viewer *viewer)
{
    return viewer->video.config.active;
}

void viewer_set_rendition(Viewer *viewer, Rendition *rendition)
{
    if (viewer->rendition == rendition)
        return;
    Rendition *before = viewer->rendition;
    viewer->rendition = rendition ? rendition_ref(rendition) : NULL;
    viewer->had_keyframe = FALSE;
    if (rendition)
        rendition_add_viewer(rendition, viewer);
    if (before) {
        rendition_remove_viewer(before, viewer);
        rendition_unref(before);
    }
}

/* --- sending ----------------------------------------------------------------------------- */

static RtpExtValues ext_values(Viewer *viewer, const RtpExtMap *map, gint64 now_ns)
{
    RtpExtValues values = { .has_abs_send_time = TRUE, .abs_send_time = rtp_abs_send_time(now_ns) };
    if (map->id_of[RTP_EXT_TRANSPORT_CC]) {
        values.has_transport_seq = TRUE;
        values.transport_seq = viewer->transport_seq++;
    }
    return values;
}

/* Where the next packet of the batch is to be written. */
static guint8 *batch_next(Batch *batch)
{
    return batch->data[batch->count];
}

/* A packet of this size was written there; 0: it did not fit. */
static void batch_commit(Viewer *viewer, Batch *batch, gsize size)
{
    if (!size)
        return;
    batch->packets[batch->count].data = batch_next(batch);
    batch->packets[batch->count].size = size;
    viewer->stats.bytes += size;
    batch->count++;
}

static void batch_add(Viewer *viewer, Batch *batch, const RtpPacket *header, const RtpExtMap *map,
                      gint64 now_ns)
{
    guint8 *out = batch_next(batch);
    RtpExtValues values = ext_values(viewer, map, now_ns);
    gsize header_size = rtp_write_header(out, TRANSPORT_MAX_RTP, header, map, &values);
    if (!header_size || header_size + header->payload_size > TRANSPORT_MAX_RTP)
        return;
    memcpy(out + header_size, header->payload, header->payload_size);
    batch_commit(viewer, batch, header_size + header->payload_size);
}

ON_NET_THREAD static void batch_send(Viewer *viewer, Batch *batch)
{
    if (batch->count > 0)
        transport_send_rtp(viewer->transport, batch->packets, batch->count);
    batch->count = 0;
}

void viewer_send_audio(Viewer *viewer, const guint8 *payload, gsize size, gint64 mix_samples,
                       gint64 now_ns)
{
    OutStream *stream = &viewer->audio;
    Batch batch;
    if (!viewer->transport || !stream->config.active)
        return;
    RtpPacket header = { .payload_type = stream->config.payload_type,
                         .seq = stream->next_seq++,
                         .timestamp = (guint32)mix_samples + stream->ts_offset,
                         .ssrc = stream->config.ssrc,
                         .payload = payload,
                         .payload_size = size };
    batch.count = 0;
    batch_add(viewer, &batch, &header, &stream->config.extensions, now_ns);
    batch_send(viewer, &batch);
    gint64 media_ns = viewer->config.mix_epoch_ns + mix_samples * 125000 / 6;
    rtp_send_stats_packet(&stream->sent, header.timestamp, size, media_ns);
    viewer->stats.audio_packets++;
}

static void remember(Viewer *viewer, const RtpPacket *header, GBytes *payload, gint64 now_ns)
{
    if (!viewer->history)
        return;
    RtpHistoryPacket packet = { .seq = header->seq,
                                .timestamp = header->timestamp,
                                .marker = header->marker,
                                .payload = payload };
    rtp_history_add(viewer->history, &packet, now_ns);
}

static void send_video_payload(Viewer *viewer, Batch *batch, const RenditionFrame *frame, guint i,
                               gint64 now_ns)
{
    OutStream *stream = &viewer->video;
    GBytes *payload = frame->payloads->pdata[i];
    gsize size = 0;
    gconstpointer data = g_bytes_get_data(payload, &size);
    RtpPacket header = { .payload_type = stream->config.payload_type,
                         .marker = i + 1 == frame->payloads->len,
                         .seq = stream->next_seq++,
                         .timestamp = frame->rtp_timestamp + stream->ts_offset,
                         .ssrc = stream->config.ssrc,
                         .payload = data,
                         .payload_size = size };
    batch_add(viewer, batch, &header, &stream->config.extensions, now_ns);
    remember(viewer, &header, payload, now_ns);
    rtp_send_stats_packet(&stream->sent, header.timestamp, size, frame->captured_ns);
    viewer->stats.video_packets++;
    viewer->resend_credit = MIN(viewer->resend_credit + 1, MAX_RESEND_CREDIT);
}

void viewer_send_video(Viewer *viewer, const RenditionFrame *frame, gint64 now_ns)
{
    Batch batch;
    if (!viewer->transport || !viewer->video.config.active)
        return;
    if (!viewer->had_keyframe && !frame->keyframe)
        return;
    viewer->had_keyframe = TRUE;
    batch.count = 0;
    for (guint i = 0; i < frame->payloads->len; i++) {
        send_video_payload(viewer, &batch, frame, i, now_ns);
        if (batch.count == MAX_BATCH)
            batch_send(viewer, &batch);
    }
    batch_send(viewer, &batch);
    viewer->stats.frames++;
    viewer->stats.keyframes += frame->keyframe;
}

/* --- feedback ---------------------------------------------------------------------------- */

typedef struct {
    Viewer *viewer;
    gint64 now_ns;
    guint budget;
} Resend;

/* As a retransmission (RFC 4588); without RTX the packet as it was. */
ON_NET_THREAD static void resend_packet(Viewer *viewer, const RtpHistoryPacket *packet,
                                        gint64 now_ns)
{
    const RtpExtMap *map = &viewer->video.config.extensions;
    gboolean rtx = viewer->config.rtx_payload_type >= 0 && viewer->config.rtx_ssrc;
    Batch batch;
    RtpPacket header = { .payload_type = viewer->video.config.payload_type,
                         .seq = packet->seq,
                         .marker = packet->marker,
                         .timestamp = packet->timestamp,
                         .ssrc = viewer->video.config.ssrc };
    header.payload = g_bytes_get_data(packet->payload, &header.payload_size);
    batch.count = 0;
    if (rtx) {
        RtpExtValues values = ext_values(viewer, map, now_ns);
        header.payload_type = (guint8)viewer->config.rtx_payload_type;
        header.ssrc = viewer->config.rtx_ssrc;
        header.seq = viewer->rtx_seq++;
        batch_commit(
            viewer, &batch,
            rtx_write(batch_next(&batch), TRANSPORT_MAX_RTP, &header, packet->seq, map, &values));
    } else {
        batch_add(viewer, &batch, &header, map, now_ns);
    }
    batch_send(viewer, &batch);
    viewer->stats.resent++;
}

static void resend_one(guint16 seq, gpointer user)
{
    Resend *resend = user;
    Viewer *viewer = resend->viewer;
    thread_assert_net();
    gint64 gap_ns = MAX(viewer->stats.rtt_ns, MIN_RESEND_GAP_NS);
    viewer->stats.nacked++;
    if (!resend->budget || !viewer->resend_credit || !viewer->history)
        return;
    const RtpHistoryPacket *packet =
        rtp_history_resend(viewer->history, seq, resend->now_ns, gap_ns);
    if (!packet)
        return;
    resend->budget--;
    viewer->resend_credit--;
    resend_packet(viewer, packet, resend->now_ns);
}

static void on_reports(Viewer *viewer, const RtcpPacket *packet, gint64 now_ns)
{
    for (guint i = 0; i < packet->report_count; i++) {
        const RtcpReportBlock *block = &packet->reports[i];
        gboolean video = block->ssrc == viewer->video.config.ssrc;
        if (!video && block->ssrc != viewer->audio.config.ssrc)
            continue;
        gint64 rtt_ns = rtp_rtt_ns(block, clock_ntp(now_ns));
        if (rtt_ns >= 0)
            viewer->stats.rtt_ns = rtt_ns;
        if (video)
            viewer->stats.fraction_lost = block->fraction_lost;
    }
}

static gboolean fir_is_ours(const Viewer *viewer, const RtcpPacket *packet)
{
    for (guint i = 0; i < packet->fir_count; i++) {
        if (packet->fir[i].ssrc == viewer->video.config.ssrc)
            return TRUE;
    }
    return FALSE;
}

void viewer_rtcp(Viewer *viewer, const RtcpPacket *packet, gint64 now_ns)
{
    if (!viewer->transport)
        return;
    gboolean about_video = packet->media_ssrc == viewer->video.config.ssrc;
    gboolean keyframe = (packet->type == RTCP_PLI && about_video) ||
                        (packet->type == RTCP_FIR && fir_is_ours(viewer, packet));
    if (keyframe) {
        viewer->stats.plis++;
        if (viewer->rendition)
            rendition_request_keyframe(viewer->rendition, FALSE);
    } else if (packet->type == RTCP_NACK && about_video) {
        Resend resend = { viewer, now_ns, 64 };
        rtcp_nack_each(packet, resend_one, &resend);
    } else if (packet->type == RTCP_RECEIVER_REPORT || packet->type == RTCP_SENDER_REPORT) {
        on_reports(viewer, packet, now_ns);
    }
}

/* --- reports ----------------------------------------------------------------------------- */

static gboolean write_report(Viewer *viewer, OutStream *stream, RtcpWriter *writer, gint64 now_ns)
{
    RtcpPacket report;
    if (!stream->config.active || stream->sent.packets == stream->reported ||
        !rtp_send_stats_report(&stream->sent, now_ns, clock_ntp(now_ns), &report))
        return FALSE;
    stream->reported = stream->sent.packets;
    return rtcp_write_sr(writer, &report) &&
           rtcp_write_sdes(writer, stream->config.ssrc, viewer->config.cname);
}

gboolean viewer_write_reports(Viewer *viewer, RtcpWriter *writer, gint64 now_ns)
{
    if (!viewer->transport || now_ns < viewer->next_report_ns)
        return FALSE;
    /* Early ones at first: the receiver needs both clocks before it can bring them together. */
    const OutStream *first = viewer->audio.config.active ? &viewer->audio : &viewer->video;
    gboolean early = first->sent.packets < 100;
    viewer->next_report_ns = now_ns + (early ? 200 * NS_PER_MS : NS_PER_SEC);
    gboolean wrote = write_report(viewer, &viewer->audio, writer, now_ns);
    return write_report(viewer, &viewer->video, writer, now_ns) || wrote;
}

void viewer_stats(const Viewer *viewer, ViewerStats *stats)
{
    *stats = viewer->stats;
}

gint64 viewer_rtt_ns(const Viewer *viewer)
{
    return viewer->stats.rtt_ns;
}
