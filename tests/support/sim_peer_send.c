#include <string.h>

#include "base/clock.h"
#include "codecs/codec.h"
#include "rtp/rtx.h"
#include "support/sim_peer_private.h"

#define MAX_PAYLOAD  1100
#define TOLD_PACKETS 50 /* by then the receiver knows the stream's layer */

/* --- sound and pictures ------------------------------------------------------------------ */

static void send_packet(SimPeer *peer, SimOutStream *stream, const RtpPacket *header,
                        const guint8 *payload, gsize size, gint64 now_ns)
{
    guint8 data[RTP_MAX_PACKET];
    gboolean told = stream->rid && (peer->config.tells_no_rid || stream->packets >= TOLD_PACKETS);
    RtpExtValues values = { .mid = told ? NULL : stream->mid,
                            .rid = told ? NULL : stream->rid,
                            .has_transport_seq = TRUE,
                            .transport_seq = peer->transport_seq++,
                            .has_abs_send_time = TRUE,
                            .abs_send_time = rtp_abs_send_time(now_ns) };
    gsize used = rtp_write_header(data, sizeof data, header, &stream->extensions, &values);
    g_assert_cmpuint(used, >, 0);
    g_assert_cmpuint(used + size, <=, sizeof data);
    memcpy(data + used, payload, size);
    memory_port_send(peer->port, data, used + size, now_ns);
    stream->packets++;
    stream->octets += (guint32)size;
}

guint32 sim_peer_ts_at(const SimOutStream *stream, gint64 media_ns)
{
    gint64 seconds = media_ns / NS_PER_SEC, rest_ns = media_ns % NS_PER_SEC;
    return stream->ts_base + (guint32)(seconds * stream->clock_hz) +
           (guint32)(rest_ns * stream->clock_hz / NS_PER_SEC);
}

static void send_sound(SimPeer *peer, gint64 now_ns)
{
    float pcm[AUDIO_TICK_SAMPLES * AUDIO_CHANNELS] = { 0 };
    SimOutStream *stream = &peer->audio;
    gint64 sample = stream->count * AUDIO_TICK_SAMPLES;
    AVPacket *packet = av_packet_alloc();
    if (!peer->silent)
        sim_microphone(pcm, sample, peer->config.tone_hz, peer->config.amplitude,
                       peer->config.video == SIM_FLASH || peer->config.video == SIM_STEPS);
    if (peer->config.speaks)
        sim_speech(pcm, sample);
    if (!audio_encoder_encode(peer->microphone, pcm, packet, NULL))
        g_error("Opus failed");
    RtpPacket header = { .payload_type = stream->id.payload_type,
                         .marker = stream->count == 0,
                         .seq = stream->seq++,
                         .timestamp = stream->ts_base + (guint32)sample,
                         .ssrc = stream->id.ssrc };
    send_packet(peer, stream, &header, packet->data, (gsize)packet->size, now_ns);
    av_packet_free(&packet);
}

static void send_payload(SimPeer *peer, SimLayer *layer, const guint8 *data, gsize size,
                         const RtpPacket *frame, gint64 now_ns)
{
    SimOutStream *stream = &layer->stream;
    g_autoptr(GBytes) payload = g_bytes_new(data, size);
    RtpPacket header = *frame;
    header.payload_type = stream->id.payload_type;
    header.seq = stream->seq++;
    header.ssrc = stream->id.ssrc;
    RtpHistoryPacket kept = { .seq = header.seq,
                              .timestamp = frame->timestamp,
                              .marker = frame->marker,
                              .payload = payload };
    rtp_history_add(layer->history, &kept, now_ns);
    send_packet(peer, stream, &header, data, size, now_ns);
}

static void send_encoded(SimPeer *peer, SimLayer *layer, const AVPacket *packet, guint32 timestamp,
                         gint64 now_ns)
{
    g_autoptr(GArray) fragments = g_array_new(FALSE, FALSE, sizeof(PayloadFragment));
    guint8 payload[RTP_MAX_PACKET];
    layer->picture_id = (layer->picture_id + 1) & 0x7fff;
    PayloadTags tags = { .picture_id = layer->picture_id, .tl0_pic_idx = -1 };
    if (!payload_vp8.packetize(packet, &tags, MAX_PAYLOAD, fragments))
        g_error("a picture could not be cut into packets");
    for (guint i = 0; i < fragments->len; i++) {
        const PayloadFragment *fragment = &g_array_index(fragments, PayloadFragment, i);
        RtpPacket frame = { .marker = i + 1 == fragments->len, .timestamp = timestamp };
        memcpy(payload, fragment->header, fragment->header_size);
        memcpy(payload + fragment->header_size, fragment->data, fragment->size);
        send_payload(peer, layer, payload, fragment->header_size + fragment->size, &frame, now_ns);
    }
    layer->pictures_sent++;
}

static gint64 picture_time_ns(const SimPeer *peer)
{
    return peer->layers[0].stream.count * NS_PER_SEC / peer->config.fps;
}

static void send_picture(SimPeer *peer, gint64 now_ns)
{
    const SimPeerConfig *config = &peer->config;
    gint64 media_ns = picture_time_ns(peer);
    for (guint i = 0; i < peer->layer_count; i++) {
        SimLayer *layer = &peer->layers[i];
        if (layer->starved)
            continue;
        AVPacket *packet = sim_layer_encode(layer, config->video, config->paint, media_ns);
        if (packet)
            send_encoded(peer, layer, packet, sim_peer_ts_at(&layer->stream, media_ns), now_ns);
        av_packet_free(&packet);
    }
}

void sim_peer_send_media(SimPeer *peer, gint64 now_ns)
{
    gint64 media_ns = sim_peer_own_clock(peer, now_ns) - peer->begin_ns;
    gint64 sound_ns = media_ns - peer->config.audio_late_ns;
    gint64 pictures_ns = media_ns - peer->config.video_late_ns;
    if (peer->config.view_only)
        return;
    for (; peer->microphone && peer->audio.count * 20 * NS_PER_MS <= sound_ns;
         peer->audio.count++) {
        if (!peer->no_sound)
            send_sound(peer, now_ns);
    }
    for (; peer->config.video && picture_time_ns(peer) <= pictures_ns;
         peer->layers[0].stream.count++) {
        if (!peer->no_pictures)
            send_picture(peer, now_ns);
    }
}

void sim_peer_send_raw(SimPeer *peer, const guint8 *data, gsize size, gint64 now_ns)
{
    memory_port_send(peer->port, data, size, now_ns);
}

void sim_peer_send_frame(SimPeer *peer, const guint8 *data, gsize size, gboolean keyframe,
                         gint64 now_ns)
{
    AVPacket packet = { .data = (guint8 *)(gpointer)data, .size = (int)size };
    gint64 media_ns = sim_peer_own_clock(peer, now_ns) - peer->begin_ns;
    packet.flags = keyframe ? AV_PKT_FLAG_KEY : 0;
    send_encoded(peer, &peer->layers[0], &packet, sim_peer_ts_at(&peer->layers[0].stream, media_ns),
                 now_ns);
}

/* --- again ------------------------------------------------------------------------------- */

static void send_again(SimPeer *peer, SimLayer *layer, const RtpHistoryPacket *kept, gint64 now_ns)
{
    guint8 data[RTP_MAX_PACKET];
    RtpPacket packet = { .payload_type = (guint8)peer->answer.video.rtx_payload_type,
                         .marker = kept->marker,
                         .seq = layer->rtx_seq++,
                         .timestamp = kept->timestamp,
                         .ssrc = layer->rtx_ssrc,
                         .payload = g_bytes_get_data(kept->payload, NULL),
                         .payload_size = g_bytes_get_size(kept->payload) };
    RtpExtValues values = { .mid = layer->stream.mid,
                            .repaired_rid = layer->stream.rid,
                            .has_transport_seq = TRUE,
                            .transport_seq = peer->transport_seq++ };
    gsize used =
        rtx_write(data, sizeof data, &packet, kept->seq, &layer->stream.extensions, &values);
    if (used)
        memory_port_send(peer->port, data, used, now_ns);
}

void sim_peer_send_rtx(SimPeer *peer, guint16 original_seq, const guint8 *payload, gsize size,
                       gint64 now_ns)
{
    g_autoptr(GBytes) bytes = g_bytes_new(payload, size);
    RtpHistoryPacket made = { .seq = original_seq, .payload = bytes };
    send_again(peer, &peer->layers[0], &made, now_ns);
}

static void resend_one(guint16 seq, gpointer user)
{
    SimPeer *peer = user;
    SimLayer *layer = peer->resend_layer;
    layer->nacked++;
    gint64 rtt_ns = peer->config.answers_each ? 0 : peer->rtt_ns;
    const RtpHistoryPacket *kept =
        rtp_history_resend(layer->history, seq, peer->resend_now_ns, rtt_ns);
    if (!kept || peer->answer.video.rtx_payload_type < 0)
        return;
    send_again(peer, layer, kept, peer->resend_now_ns);
    layer->resent++;
}

void sim_peer_resend(SimPeer *peer, SimLayer *layer, const RtcpPacket *nack, gint64 now_ns)
{
    peer->resend_layer = layer;
    peer->resend_now_ns = now_ns;
    rtcp_nack_each(nack, resend_one, peer);
}
