#include "support/sim_peer.h"

#include <string.h>

#include "base/clock.h"
#include "codecs/codec.h"
#include "rtp/history.h"
#include "rtp/rtcp.h"
#include "rtp/rtp_stats.h"
#include "rtp/rtx.h"
#include "support/sim_offer.h"

#define MAX_PAYLOAD        1100
#define REPORT_INTERVAL_NS NS_PER_SEC
#define FEEDBACK_NS        (10 * NS_PER_MS)
#define HISTORY_PACKETS    512
#define HISTORY_NS         (2 * NS_PER_SEC)

/* One stream that is sent. */
typedef struct {
    SimStreamId id;
    RtpExtMap extensions;
    const char *mid;
    guint16 seq;
    guint32 ts_base;
    gint clock_hz;
    gint64 count; /* packets of sound, pictures */
    guint32 packets, octets;
} OutStream;

/* One stream that comes. */
typedef struct {
    RtpReceiveStats stats;
    guint64 sr_ntp;
    guint32 sr_ts;
    gboolean has_sr;
} InStream;

struct SimPeer {
    SimPeerConfig config;
    char *ufrag;
    MemoryPort *port;
    SimAnswer answer;
    gboolean answered;

    gint64 created_ns; /* where its own clock and ours are only `clock_offset_ns` apart */
    gint64 begin_ns;   /* on its own clock: media time zero; 0: not yet */
    gboolean silent, no_sound, no_pictures;
    AudioEncoder *microphone;
    VideoEncoder *camera;
    gboolean keyframe_wanted;
    gint picture_id;
    OutStream audio, video;
    guint16 rtx_seq, transport_seq;
    RtpHistory *history;
    gint64 resend_now_ns;
    guint32 resend_timestamp;
    gboolean resend_marker;

    SimEar *ear;
    SimEye *eye;
    InStream audio_in, video_in;
    gint64 next_report_ns, next_feedback_ns;
    SimPeerStats stats;
};

/* --- life -------------------------------------------------------------------------------- */

static void set_defaults(SimPeerConfig *config)
{
    config->amplitude = config->amplitude > 0 ? config->amplitude : 0.1;
    config->width = config->width ? config->width : 160;
    config->height = config->height ? config->height : 90;
    config->fps = config->fps ? config->fps : 15;
    config->bitrate_bps = config->bitrate_bps ? config->bitrate_bps : 150000;
}

SimPeer *sim_peer_new(MemoryNetwork *network, const SimPeerConfig *config, gint64 now_ns)
{
    SimPeer *peer = g_new0(SimPeer, 1);
    AudioEncoderConfig sound = { .bitrate_bps = 48000, .complexity = 2 };
    peer->config = *config;
    set_defaults(&peer->config);
    peer->ufrag = sim_offer_ufrag(config->number);
    peer->port = memory_port_new(network, peer->ufrag);
    memory_port_configure(peer->port, &config->up, &config->down);
    peer->created_ns = now_ns;
    /* Near the end, so that every test sees them wrap. */
    peer->audio.seq = peer->video.seq = (guint16)(65500 - config->number);
    peer->audio.ts_base = 0xffff0000u + config->number;
    peer->video.ts_base = 0xfffe0000u + config->number;
    peer->audio.clock_hz = AUDIO_RATE_HZ;
    peer->video.clock_hz = 90000;
    peer->microphone = config->tone_hz > 0 ? audio_encoder_new(&codec_opus, &sound, NULL) : NULL;
    peer->history = rtp_history_new(HISTORY_PACKETS, HISTORY_NS);
    peer->ear = sim_ear_new(!config->deaf);
    peer->eye = sim_eye_new(!config->blind);
    return peer;
}

void sim_peer_free(SimPeer *peer)
{
    if (!peer)
        return;
    memory_port_free(peer->port);
    audio_encoder_free(peer->microphone);
    video_encoder_free(peer->camera);
    rtp_history_free(peer->history);
    sim_ear_free(peer->ear);
    sim_eye_free(peer->eye);
    g_free(peer->ufrag);
    g_free(peer);
}

char *sim_peer_offer(const SimPeer *peer)
{
    return sim_offer_text(peer->config.number, !peer->config.view_only);
}

void sim_peer_accept_answer(SimPeer *peer, const char *answer)
{
    sim_answer_read(answer, &peer->answer);
    const SimAnswer *read = &peer->answer;
    peer->audio.id =
        (SimStreamId){ sim_offer_ssrc(peer->config.number, 0), read->audio.payload_type };
    peer->video.id =
        (SimStreamId){ sim_offer_ssrc(peer->config.number, 1), read->video.payload_type };
    peer->audio.extensions = read->audio.extensions;
    peer->video.extensions = read->video.extensions;
    peer->audio.mid = read->audio.mid;
    peer->video.mid = read->video.mid;
    rtp_receive_stats_init(&peer->audio_in.stats, read->audio.ssrc, AUDIO_RATE_HZ);
    rtp_receive_stats_init(&peer->video_in.stats, read->video.ssrc, 90000);
    peer->answered = TRUE;
}

/* Its own clock, in ns; 1900 and ours are the offset apart. */
static gint64 own_clock(const SimPeer *peer, gint64 now_ns)
{
    gdouble drift = (gdouble)(now_ns - peer->created_ns) * peer->config.drift_ppm / 1e6;
    return now_ns + (gint64)drift + peer->config.clock_offset_ns;
}

/* --- sending ----------------------------------------------------------------------------- */

static void send_packet(SimPeer *peer, OutStream *stream, const RtpPacket *header,
                        const guint8 *payload, gsize size, gint64 now_ns)
{
    guint8 data[RTP_MAX_PACKET];
    RtpExtValues values = { .mid = stream->mid,
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

static guint32 ts_at(const OutStream *stream, gint64 media_ns)
{
    gint64 seconds = media_ns / NS_PER_SEC, rest_ns = media_ns % NS_PER_SEC;
    return stream->ts_base + (guint32)(seconds * stream->clock_hz) +
           (guint32)(rest_ns * stream->clock_hz / NS_PER_SEC);
}

static void send_sound(SimPeer *peer, gint64 now_ns)
{
    float pcm[AUDIO_TICK_SAMPLES * AUDIO_CHANNELS] = { 0 };
    OutStream *stream = &peer->audio;
    gint64 sample = stream->count * AUDIO_TICK_SAMPLES;
    AVPacket *packet = av_packet_alloc();
    if (!peer->silent)
        sim_microphone(pcm, sample, peer->config.tone_hz, peer->config.amplitude,
                       peer->config.video == SIM_FLASH);
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

static void send_payload(SimPeer *peer, const guint8 *data, gsize size, gboolean marker,
                         guint32 timestamp, gint64 now_ns)
{
    OutStream *stream = &peer->video;
    g_autoptr(GBytes) payload = g_bytes_new(data, size);
    RtpPacket header = { .payload_type = stream->id.payload_type,
                         .marker = marker,
                         .seq = stream->seq++,
                         .timestamp = timestamp,
                         .ssrc = stream->id.ssrc };
    RtpHistoryPacket kept = {
        .seq = header.seq, .timestamp = timestamp, .marker = marker, .payload = payload
    };
    rtp_history_add(peer->history, &kept, now_ns);
    send_packet(peer, stream, &header, data, size, now_ns);
}

static void send_encoded(SimPeer *peer, const AVPacket *packet, guint32 timestamp, gint64 now_ns)
{
    g_autoptr(GArray) fragments = g_array_new(FALSE, FALSE, sizeof(PayloadFragment));
    guint8 payload[RTP_MAX_PACKET];
    peer->picture_id = (peer->picture_id + 1) & 0x7fff;
    PayloadTags tags = { .picture_id = peer->picture_id, .tl0_pic_idx = -1 };
    if (!payload_vp8.packetize(packet, &tags, MAX_PAYLOAD, fragments))
        g_error("a picture could not be cut into packets");
    for (guint i = 0; i < fragments->len; i++) {
        const PayloadFragment *fragment = &g_array_index(fragments, PayloadFragment, i);
        memcpy(payload, fragment->header, fragment->header_size);
        memcpy(payload + fragment->header_size, fragment->data, fragment->size);
        send_payload(peer, payload, fragment->header_size + fragment->size, i + 1 == fragments->len,
                     timestamp, now_ns);
    }
    peer->stats.pictures_sent++;
}

static gint64 picture_time_ns(const SimPeer *peer)
{
    return peer->video.count * NS_PER_SEC / peer->config.fps;
}

static void send_picture(SimPeer *peer, gint64 now_ns)
{
    const SimPeerConfig *config = &peer->config;
    VideoEncodeHints hints = { .force_keyframe = peer->keyframe_wanted };
    VideoEncodeInfo info;
    gint64 media_ns = picture_time_ns(peer);
    guint32 timestamp = ts_at(&peer->video, media_ns);
    AVFrame *picture =
        sim_camera_picture(config->video, config->paint, config->width, config->height, media_ns);
    AVPacket *packet = av_packet_alloc();
    if (!peer->camera) {
        VideoEncoderConfig settings = { .width = config->width,
                                        .height = config->height,
                                        .fps = config->fps,
                                        .bitrate_bps = config->bitrate_bps,
                                        .temporal_layers = 1 };
        peer->camera = video_encoder_new(&codec_vp8, &settings, NULL);
    }
    if (video_encoder_encode(peer->camera, picture, media_ns / 1000 * 9 / 100, &hints, packet,
                             &info, NULL)) {
        peer->keyframe_wanted = FALSE;
        send_encoded(peer, packet, timestamp, now_ns);
    }
    av_packet_free(&packet);
    av_frame_free(&picture);
}

static void send_media(SimPeer *peer, gint64 now_ns)
{
    gint64 media_ns = own_clock(peer, now_ns) - peer->begin_ns;
    gint64 sound_ns = media_ns - peer->config.audio_late_ns;
    gint64 pictures_ns = media_ns - peer->config.video_late_ns;
    if (peer->config.view_only)
        return;
    for (; peer->microphone && peer->audio.count * 20 * NS_PER_MS <= sound_ns;
         peer->audio.count++) {
        if (!peer->no_sound)
            send_sound(peer, now_ns);
    }
    for (; peer->config.video && picture_time_ns(peer) <= pictures_ns; peer->video.count++) {
        if (!peer->no_pictures)
            send_picture(peer, now_ns);
    }
}

/* --- reports and feedback ---------------------------------------------------------------- */

static void send_writer(SimPeer *peer, const RtcpWriter *writer, gint64 now_ns)
{
    if (writer->size > 0)
        memory_port_send(peer->port, writer->data, writer->size, now_ns);
}

static void write_sr(SimPeer *peer, const OutStream *stream, RtcpWriter *writer, gint64 now_ns)
{
    if (!stream->packets)
        return;
    gint64 own_ns = own_clock(peer, now_ns);
    RtcpPacket report = { .sender_ssrc = stream->id.ssrc,
                          .ntp = clock_ns_to_ntp(own_ns + 3900000000 * NS_PER_SEC),
                          .rtp_timestamp = ts_at(stream, own_ns - peer->begin_ns),
                          .packet_count = stream->packets,
                          .octet_count = stream->octets };
    rtcp_write_sr(writer, &report);
}

static void send_reports(SimPeer *peer, gint64 now_ns)
{
    RtcpWriter writer;
    RtcpReportBlock blocks[2];
    if (now_ns < peer->next_report_ns)
        return;
    peer->next_report_ns = now_ns + REPORT_INTERVAL_NS;
    rtcp_writer_init(&writer);
    write_sr(peer, &peer->audio, &writer, now_ns);
    write_sr(peer, &peer->video, &writer, now_ns);
    rtp_receive_stats_report(&peer->audio_in.stats, now_ns, &blocks[0]);
    rtp_receive_stats_report(&peer->video_in.stats, now_ns, &blocks[1]);
    rtcp_write_rr(&writer, peer->audio.id.ssrc, blocks, 2);
    rtcp_write_sdes(&writer, peer->audio.id.ssrc, "sim");
    send_writer(peer, &writer, now_ns);
}

static void send_feedback(SimPeer *peer, gint64 now_ns)
{
    guint16 seqs[128];
    gboolean pli = FALSE;
    RtcpWriter writer;
    if (now_ns < peer->next_feedback_ns)
        return;
    peer->next_feedback_ns = now_ns + FEEDBACK_NS;
    guint n = sim_eye_tick(peer->eye, now_ns, seqs, G_N_ELEMENTS(seqs), &pli);
    rtcp_writer_init(&writer);
    if (n)
        rtcp_write_nack(&writer, peer->video.id.ssrc, peer->answer.video.ssrc, seqs, n);
    if (pli)
        rtcp_write_pli(&writer, peer->video.id.ssrc, peer->answer.video.ssrc);
    send_writer(peer, &writer, now_ns);
}

void sim_peer_send_pli(SimPeer *peer, gint64 now_ns)
{
    RtcpWriter writer;
    rtcp_writer_init(&writer);
    rtcp_write_pli(&writer, peer->video.id.ssrc, peer->answer.video.ssrc);
    send_writer(peer, &writer, now_ns);
}

void sim_peer_send_nack(SimPeer *peer, guint count, gint64 now_ns)
{
    guint16 seqs[RTCP_MAX_NACKS];
    RtcpWriter writer;
    count = MIN(count, RTCP_MAX_NACKS);
    for (guint i = 0; i < count; i++)
        seqs[i] = (guint16)(peer->video_in.stats.max_seq - count + 1 + i);
    rtcp_writer_init(&writer);
    rtcp_write_nack(&writer, peer->video.id.ssrc, peer->answer.video.ssrc, seqs, count);
    send_writer(peer, &writer, now_ns);
}

void sim_peer_send_rtx(SimPeer *peer, guint16 original_seq, const guint8 *payload, gsize size,
                       gint64 now_ns)
{
    guint8 data[RTP_MAX_PACKET];
    RtpPacket packet = { .payload_type = (guint8)peer->answer.video.rtx_payload_type,
                         .marker = peer->resend_marker,
                         .seq = peer->rtx_seq++,
                         .timestamp = peer->resend_timestamp,
                         .ssrc = sim_offer_ssrc(peer->config.number, 2),
                         .payload = payload,
                         .payload_size = size };
    RtpExtValues values = { .mid = peer->video.mid,
                            .has_transport_seq = TRUE,
                            .transport_seq = peer->transport_seq++ };
    gsize used =
        rtx_write(data, sizeof data, &packet, original_seq, &peer->video.extensions, &values);
    if (used)
        memory_port_send(peer->port, data, used, now_ns);
}

static void resend(guint16 seq, gpointer user)
{
    SimPeer *peer = user;
    gsize size = 0;
    peer->stats.nacked++;
    const RtpHistoryPacket *kept =
        rtp_history_resend(peer->history, seq, peer->resend_now_ns, 10 * NS_PER_MS);
    if (!kept || peer->answer.video.rtx_payload_type < 0)
        return;
    const guint8 *payload = g_bytes_get_data(kept->payload, &size);
    peer->resend_marker = kept->marker;
    peer->resend_timestamp = kept->timestamp;
    sim_peer_send_rtx(peer, seq, payload, size, peer->resend_now_ns);
    peer->stats.resent++;
}

/* --- receiving --------------------------------------------------------------------------- */

static void take_sr(InStream *stream, const RtcpPacket *packet, gint64 arrival_ns)
{
    rtp_receive_stats_sr(&stream->stats, packet->ntp, arrival_ns);
    stream->sr_ntp = packet->ntp;
    stream->sr_ts = packet->rtp_timestamp;
    stream->has_sr = TRUE;
}

static void take_control(SimPeer *peer, const RtcpPacket *packet, gint64 arrival_ns)
{
    switch (packet->type) {
    case RTCP_SENDER_REPORT:
        peer->stats.sender_reports++;
        if (packet->sender_ssrc == peer->answer.audio.ssrc)
            take_sr(&peer->audio_in, packet, arrival_ns);
        else if (packet->sender_ssrc == peer->answer.video.ssrc)
            take_sr(&peer->video_in, packet, arrival_ns);
        break;
    case RTCP_RECEIVER_REPORT:
        peer->stats.receiver_reports += packet->report_count > 0;
        break;
    case RTCP_PLI:
    case RTCP_FIR:
        peer->stats.plis++;
        peer->keyframe_wanted = TRUE;
        break;
    case RTCP_NACK:
        peer->resend_now_ns = arrival_ns;
        rtcp_nack_each(packet, resend, peer);
        break;
    case RTCP_TRANSPORT_CC:
        peer->stats.transport_feedback++;
        break;
    default:
        break;
    }
}

static void take_rtp(SimPeer *peer, const guint8 *data, gsize size, gint64 arrival_ns)
{
    const SimAnswer *answer = &peer->answer;
    RtpPacket packet, original;
    gboolean restarted;
    if (!rtp_parse(data, size, &packet))
        g_error("the server sent something that is not RTP");
    if (packet.ssrc == answer->audio.ssrc) {
        rtp_receive_stats_packet(&peer->audio_in.stats, packet.seq, packet.timestamp,
                                 packet.payload_size, arrival_ns, &restarted);
        sim_ear_packet(peer->ear, &packet, arrival_ns);
    } else if (packet.ssrc == answer->video.ssrc) {
        rtp_receive_stats_packet(&peer->video_in.stats, packet.seq, packet.timestamp,
                                 packet.payload_size, arrival_ns, &restarted);
        sim_eye_packet(peer->eye, &packet, FALSE, arrival_ns);
    } else if (packet.ssrc == answer->video.rtx_ssrc &&
               rtx_unwrap(&packet, answer->video.payload_type, answer->video.ssrc, &original)) {
        sim_eye_packet(peer->eye, &original, TRUE, arrival_ns);
    }
}

static void receive(SimPeer *peer, gint64 now_ns)
{
    gint64 arrival_ns;
    GBytes *bytes;
    while ((bytes = memory_port_receive(peer->port, now_ns, &arrival_ns))) {
        gsize size = 0;
        const guint8 *data = g_bytes_get_data(bytes, &size);
        if (rtp_is_rtcp(data, size)) {
            RtcpReader reader = rtcp_reader(data, size);
            RtcpPacket packet;
            while (rtcp_reader_next(&reader, &packet))
                take_control(peer, &packet, arrival_ns);
        } else {
            take_rtp(peer, data, size, arrival_ns);
        }
        g_bytes_unref(bytes);
    }
}

void sim_peer_tick(SimPeer *peer, gint64 now_ns)
{
    if (!peer->answered || !memory_port_connected(peer->port))
        return;
    if (!peer->begin_ns) {
        peer->begin_ns = own_clock(peer, now_ns);
        peer->stats.connected_ns = now_ns;
    }
    receive(peer, now_ns);
    send_media(peer, now_ns);
    send_feedback(peer, now_ns);
    send_reports(peer, now_ns);
}

/* --- what it does ------------------------------------------------------------------------ */

void sim_peer_set_talking(SimPeer *peer, gboolean talking)
{
    peer->silent = !talking;
}

void sim_peer_set_sending(SimPeer *peer, gboolean sound, gboolean pictures)
{
    peer->no_sound = !sound;
    peer->no_pictures = !pictures;
}

void sim_peer_set_paint(SimPeer *peer, SimPaint paint)
{
    peer->config.paint = paint;
}

void sim_peer_change_ssrcs(SimPeer *peer)
{
    peer->audio.id.ssrc += 8;
    peer->video.id.ssrc += 8;
    peer->keyframe_wanted = TRUE;
}

void sim_peer_send_raw(SimPeer *peer, const guint8 *data, gsize size, gint64 now_ns)
{
    memory_port_send(peer->port, data, size, now_ns);
}

void sim_peer_send_frame(SimPeer *peer, const guint8 *data, gsize size, gboolean keyframe,
                         gint64 now_ns)
{
    AVPacket packet = { .data = (guint8 *)(gpointer)data, .size = (int)size };
    gint64 media_ns = own_clock(peer, now_ns) - peer->begin_ns;
    packet.flags = keyframe ? AV_PKT_FLAG_KEY : 0;
    send_encoded(peer, &packet, ts_at(&peer->video, media_ns), now_ns);
}

/* --- what is known of it ----------------------------------------------------------------- */

const SimPeerConfig *sim_peer_config(const SimPeer *peer)
{
    return &peer->config;
}

SimEar *sim_peer_ear(SimPeer *peer)
{
    return peer->ear;
}

SimEye *sim_peer_eye(SimPeer *peer)
{
    return peer->eye;
}

MemoryPort *sim_peer_port(SimPeer *peer)
{
    return peer->port;
}

SimStreamId sim_peer_audio_id(const SimPeer *peer)
{
    return peer->audio.id;
}

SimStreamId sim_peer_video_id(const SimPeer *peer)
{
    return peer->video.id;
}

gboolean sim_peer_mix_time(const SimPeer *peer, gboolean video, guint32 rtp_timestamp, gint64 *ns)
{
    const InStream *stream = video ? &peer->video_in : &peer->audio_in;
    gint clock_hz = video ? 90000 : AUDIO_RATE_HZ;
    gint32 since = (gint32)(rtp_timestamp - stream->sr_ts);
    *ns = clock_ntp_to_ns(stream->sr_ntp) + since * NS_PER_SEC / clock_hz;
    return stream->has_sr;
}

void sim_peer_stats(const SimPeer *peer, SimPeerStats *stats)
{
    *stats = peer->stats;
}
