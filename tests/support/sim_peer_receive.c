#include "base/clock.h"
#include "rtp/red.h"
#include "rtp/rtcp.h"
#include "rtp/rtx.h"
#include "support/sim_peer_private.h"

#define REPORT_INTERVAL_NS NS_PER_SEC
#define REMB_NS            (500 * NS_PER_MS)
#define FEEDBACK_NS        (10 * NS_PER_MS)
#define ARRIVALS_NS        (100 * NS_PER_MS)

/* --- reports and feedback ---------------------------------------------------------------- */

static void send_writer(SimPeer *peer, const RtcpWriter *writer, gint64 now_ns)
{
    if (writer->size > 0 && !peer->config.silent_rtcp)
        memory_port_send(peer->port, writer->data, writer->size, now_ns);
}

static void write_sr(SimPeer *peer, const SimOutStream *stream, RtcpWriter *writer, gint64 now_ns)
{
    if (!stream->packets)
        return;
    gint64 own_ns = sim_peer_own_clock(peer, now_ns);
    RtcpPacket report = { .sender_ssrc = stream->id.ssrc,
                          .ntp = clock_ns_to_ntp(sim_peer_ntp_clock(peer, now_ns)),
                          .rtp_timestamp = sim_peer_ts_at(stream, own_ns - peer->begin_ns),
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
    for (guint i = 0; i < peer->layer_count; i++)
        write_sr(peer, &peer->layers[i].stream, &writer, now_ns);
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
        rtcp_write_nack(&writer, peer->layers[0].stream.id.ssrc, peer->answer.video.ssrc, seqs, n);
    if (pli)
        rtcp_write_pli(&writer, peer->layers[0].stream.id.ssrc, peer->answer.video.ssrc);
    send_writer(peer, &writer, now_ns);
}

/* What arrived when, every 100 ms as libwebrtc does. */
static void send_arrivals(SimPeer *peer, gint64 now_ns)
{
    guint8 fci[900];
    gsize size;
    if (now_ns < peer->next_arrivals_ns)
        return;
    peer->next_arrivals_ns = now_ns + ARRIVALS_NS;
    while ((size = twcc_receiver_feedback(peer->arrivals, fci, sizeof fci))) {
        RtcpWriter writer;
        rtcp_writer_init(&writer);
        rtcp_write_rr(&writer, peer->audio.id.ssrc, NULL, 0);
        rtcp_write_transport_cc(&writer, peer->audio.id.ssrc, peer->arrivals_ssrc, fci, size);
        send_writer(peer, &writer, now_ns);
    }
}

static void send_remb(SimPeer *peer, gint64 now_ns)
{
    RtcpWriter writer;
    if (!peer->config.remb_bps || now_ns < peer->next_remb_ns)
        return;
    peer->next_remb_ns = now_ns + REMB_NS;
    rtcp_writer_init(&writer);
    rtcp_write_rr(&writer, peer->audio.id.ssrc, NULL, 0);
    rtcp_write_remb(&writer, peer->audio.id.ssrc, &peer->answer.video.ssrc, 1,
                    peer->config.remb_bps);
    send_writer(peer, &writer, now_ns);
}

void sim_peer_send_pli(SimPeer *peer, gint64 now_ns)
{
    RtcpWriter writer;
    rtcp_writer_init(&writer);
    rtcp_write_pli(&writer, peer->layers[0].stream.id.ssrc, peer->answer.video.ssrc);
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
    rtcp_write_nack(&writer, peer->layers[0].stream.id.ssrc, peer->answer.video.ssrc, seqs, count);
    send_writer(peer, &writer, now_ns);
}

void sim_peer_send_rtcp(SimPeer *peer, gint64 now_ns)
{
    send_feedback(peer, now_ns);
    send_arrivals(peer, now_ns);
    send_remb(peer, now_ns);
    send_reports(peer, now_ns);
}

/* --- receiving --------------------------------------------------------------------------- */

static void take_sr(SimInStream *stream, const RtcpPacket *packet, gint64 arrival_ns)
{
    rtp_receive_stats_sr(&stream->stats, packet->ntp, arrival_ns);
    stream->sr_ntp = packet->ntp;
    stream->sr_ts = packet->rtp_timestamp;
    stream->has_sr = TRUE;
}

/* What the receiver asks for of one of the layers. */
static void take_request(SimPeer *peer, const RtcpPacket *packet, gint64 arrival_ns)
{
    SimLayer *layer = sim_layers_find(peer->layers, peer->layer_count, packet);
    if (!layer)
        return;
    if (packet->type == RTCP_NACK) {
        sim_peer_resend(peer, layer, packet, arrival_ns);
        return;
    }
    layer->plis++;
    layer->keyframe_wanted = TRUE;
}

static void take_reports(SimPeer *peer, const RtcpPacket *packet, gint64 arrival_ns)
{
    guint64 ntp = clock_ns_to_ntp(sim_peer_ntp_clock(peer, arrival_ns));
    for (guint i = 0; i < packet->report_count; i++) {
        gint64 rtt_ns = rtp_rtt_ns(&packet->reports[i], ntp);
        if (rtt_ns >= 0)
            peer->rtt_ns += (rtt_ns - peer->rtt_ns) / (peer->rtt_ns ? 8 : 1);
    }
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
        take_reports(peer, packet, arrival_ns);
        break;
    case RTCP_PLI:
    case RTCP_FIR:
    case RTCP_NACK:
        take_request(peer, packet, arrival_ns);
        break;
    case RTCP_REMB:
        peer->stats.granted_bps = packet->remb_bps;
        sim_layers_starve(peer->layers, peer->layer_count, packet->remb_bps, peer->link_bps);
        break;
    case RTCP_TRANSPORT_CC:
        peer->stats.transport_feedback++;
        break;
    default:
        break;
    }
}

static void note_arrival(SimPeer *peer, const RtpPacket *packet, gint64 arrival_ns)
{
    gboolean audio = packet->ssrc == peer->answer.audio.ssrc;
    RtpExtensions extensions;
    rtp_ext_parse(packet, audio ? &peer->answer.audio.extensions : &peer->answer.video.extensions,
                  &extensions);
    if (peer->config.no_transport_cc || !(extensions.present & (1u << RTP_EXT_TRANSPORT_CC)))
        return;
    peer->arrivals_ssrc = packet->ssrc;
    twcc_receiver_arrived(peer->arrivals, extensions.transport_seq, arrival_ns);
}

/* The packet before comes first, for it may have been lost. */
static void take_sound(SimPeer *peer, const RtpPacket *packet, gint64 arrival_ns)
{
    RedBlock blocks[RED_MAX_BLOCKS];
    RtpPacket one = *packet;
    if (packet->payload_type != peer->answer.audio.red_payload_type) {
        sim_ear_packet(peer->ear, packet, arrival_ns);
        return;
    }
    guint n = red_parse(packet->payload, packet->payload_size, blocks);
    if (n != 2)
        g_error("the server sent RED with %u blocks", n);
    one.payload = blocks[0].data;
    one.payload_size = blocks[0].size;
    one.timestamp = packet->timestamp - blocks[0].timestamp_offset;
    sim_ear_again(peer->ear, &one);
    one = *packet;
    one.payload = blocks[1].data;
    one.payload_size = blocks[1].size;
    sim_ear_packet(peer->ear, &one, arrival_ns);
}

static void take_rtp(SimPeer *peer, const guint8 *data, gsize size, gint64 arrival_ns)
{
    const SimAnswer *answer = &peer->answer;
    RtpPacket packet, original;
    gboolean restarted;
    if (!rtp_parse(data, size, &packet))
        g_error("the server sent something that is not RTP");
    note_arrival(peer, &packet, arrival_ns);
    peer->stats.padding += packet.payload_size == 0;
    if (packet.ssrc == answer->audio.ssrc) {
        rtp_receive_stats_packet(&peer->audio_in.stats, packet.seq, packet.timestamp,
                                 packet.payload_size, arrival_ns, &restarted);
        if (packet.payload_size)
            take_sound(peer, &packet, arrival_ns);
    } else if (packet.ssrc == answer->video.ssrc) {
        rtp_receive_stats_packet(&peer->video_in.stats, packet.seq, packet.timestamp,
                                 packet.payload_size, arrival_ns, &restarted);
        sim_wire_packet(&peer->wire, &packet);
        sim_eye_packet(peer->eye, &packet, FALSE, arrival_ns);
    } else if (packet.ssrc == answer->video.rtx_ssrc &&
               rtx_unwrap(&packet, answer->video.payload_type, answer->video.ssrc, &original)) {
        sim_eye_packet(peer->eye, &original, TRUE, arrival_ns);
    }
}

void sim_peer_receive(SimPeer *peer, gint64 now_ns)
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
