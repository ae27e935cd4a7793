#include "base/clock.h"
#include "codecs/codec.h"
#include "support/sim_offer.h"
#include "support/sim_peer_private.h"

/* --- life -------------------------------------------------------------------------------- */

static void set_defaults(SimPeerConfig *config)
{
    config->amplitude = config->amplitude > 0 ? config->amplitude : 0.1;
    config->width = config->width ? config->width : 160;
    config->height = config->height ? config->height : 90;
    config->fps = config->fps ? config->fps : 15;
    config->bitrate_bps = config->bitrate_bps ? config->bitrate_bps : 150000;
}

static void init_layers(SimPeer *peer)
{
    const SimPeerConfig *config = &peer->config;
    VideoEncoderConfig whole = { .width = config->width,
                                 .height = config->height,
                                 .fps = config->fps,
                                 .bitrate_bps = config->bitrate_bps,
                                 .temporal_layers = 1 };
    peer->layer_count = config->simulcast ? SIM_LAYERS : 1;
    for (guint i = 0; i < peer->layer_count; i++)
        sim_layer_init(&peer->layers[i], &whole, i, config->number);
}

SimPeer *sim_peer_new(MemoryNetwork *network, const SimPeerConfig *config, gint64 now_ns)
{
    SimPeer *peer = g_new0(SimPeer, 1);
    AudioEncoderConfig sound = { .bitrate_bps = 48000,
                                 .complexity = 2,
                                 .inband_fec = config->fec_loss_pct > 0,
                                 .expected_loss_pct = config->fec_loss_pct };
    peer->config = *config;
    set_defaults(&peer->config);
    peer->ufrag = sim_offer_ufrag(config->number);
    peer->port = memory_port_new(network, peer->ufrag);
    memory_port_configure(peer->port, &config->up, &config->down);
    peer->created_ns = now_ns;
    /* Near the end, so that every test sees them wrap. */
    peer->audio.seq = (guint16)(65500 - config->number);
    peer->audio.ts_base = 0xffff0000u + config->number;
    peer->audio.clock_hz = AUDIO_RATE_HZ;
    init_layers(peer);
    peer->microphone = config->tone_hz > 0 ? audio_encoder_new(&codec_opus, &sound, NULL) : NULL;
    peer->ear = sim_ear_new(!config->deaf);
    peer->eye = sim_eye_new(!config->blind);
    peer->arrivals = twcc_receiver_new();
    return peer;
}

void sim_peer_free(SimPeer *peer)
{
    if (!peer)
        return;
    memory_port_free(peer->port);
    audio_encoder_free(peer->microphone);
    for (guint i = 0; i < peer->layer_count; i++)
        sim_layer_clear(&peer->layers[i]);
    sim_ear_free(peer->ear);
    sim_eye_free(peer->eye);
    twcc_receiver_free(peer->arrivals);
    g_free(peer->ufrag);
    g_free(peer);
}

static char *known_offer(const SimPeer *peer)
{
    g_autofree char *offer =
        sim_offer_text(peer->config.number, !peer->config.view_only, peer->config.simulcast);
    return peer->config.no_red ? sim_offer_without_red(offer) : g_steal_pointer(&offer);
}

char *sim_peer_offer(const SimPeer *peer)
{
    g_autofree char *known = known_offer(peer);
    g_autofree char *told =
        peer->config.no_transport_cc ? sim_offer_without_transport_cc(known) : g_strdup(known);
    g_autofree char *wanted =
        peer->config.sound_only ? sim_offer_without_pictures(told) : g_strdup(told);
    return peer->config.no_rtx ? sim_offer_without_rtx(wanted) : g_steal_pointer(&wanted);
}

void sim_peer_accept_answer(SimPeer *peer, const char *answer)
{
    sim_answer_read(answer, &peer->answer);
    const SimAnswer *read = &peer->answer;
    peer->audio.id =
        (SimStreamId){ sim_offer_ssrc(peer->config.number, 0), read->audio.payload_type };
    peer->audio.extensions = read->audio.extensions;
    peer->audio.mid = read->audio.mid;
    g_assert_cmpint(read->video.simulcast, ==, peer->config.simulcast == SIM_BY_RID);
    for (guint i = 0; i < peer->layer_count; i++) {
        SimLayer *layer = &peer->layers[i];
        layer->stream.id = (SimStreamId){ sim_offer_ssrc(peer->config.number, 1 + 2 * i),
                                          read->video.payload_type };
        layer->rtx_ssrc = sim_offer_ssrc(peer->config.number, 2 + 2 * i);
        layer->stream.extensions = read->video.extensions;
        layer->stream.mid = read->video.mid;
        layer->stream.rid = read->video.simulcast ? sim_layer_rid(i) : NULL;
    }
    rtp_receive_stats_init(&peer->audio_in.stats, read->audio.ssrc, AUDIO_RATE_HZ);
    rtp_receive_stats_init(&peer->video_in.stats, read->video.ssrc, 90000);
    peer->answered = TRUE;
}

const SimAnswer *sim_peer_answer(const SimPeer *peer)
{
    return &peer->answer;
}

/* --- time -------------------------------------------------------------------------------- */

gint64 sim_peer_own_clock(const SimPeer *peer, gint64 now_ns)
{
    gdouble drift = (gdouble)(now_ns - peer->created_ns) * peer->config.drift_ppm / 1e6;
    return now_ns + (gint64)drift + peer->config.clock_offset_ns;
}

gint64 sim_peer_ntp_clock(const SimPeer *peer, gint64 now_ns)
{
    return sim_peer_own_clock(peer, now_ns) + 3900000000 * NS_PER_SEC;
}

void sim_peer_tick(SimPeer *peer, gint64 now_ns)
{
    if (!peer->answered || !memory_port_connected(peer->port))
        return;
    if (!peer->begin_ns) {
        peer->begin_ns = sim_peer_own_clock(peer, now_ns);
        peer->stats.connected_ns = now_ns;
    }
    sim_peer_receive(peer, now_ns);
    sim_peer_send_media(peer, now_ns);
    sim_peer_send_rtcp(peer, now_ns);
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

void sim_peer_set_link_bps(SimPeer *peer, guint64 bps)
{
    peer->link_bps = bps;
    sim_layers_starve(peer->layers, peer->layer_count, peer->stats.granted_bps, bps);
}

void sim_peer_change_ssrcs(SimPeer *peer)
{
    peer->audio.id.ssrc += 8;
    for (guint i = 0; i < peer->layer_count; i++) {
        peer->layers[i].stream.id.ssrc += 8;
        peer->layers[i].keyframe_wanted = TRUE;
    }
}

void sim_peer_set_links(SimPeer *peer, const SimLinkConfig *up, const SimLinkConfig *down)
{
    peer->config.up = *up;
    peer->config.down = *down;
    memory_port_configure(peer->port, up, down);
}

void sim_peer_set_up(SimPeer *peer, const SimLinkConfig *up)
{
    sim_peer_set_links(peer, up, &peer->config.down);
}

void sim_peer_set_down(SimPeer *peer, const SimLinkConfig *down)
{
    sim_peer_set_links(peer, &peer->config.up, down);
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

const SimWireStats *sim_peer_wire(const SimPeer *peer)
{
    return &peer->wire.stats;
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
    return peer->layers[0].stream.id;
}

gboolean sim_peer_mix_time(const SimPeer *peer, gboolean video, guint32 rtp_timestamp, gint64 *ns)
{
    const SimInStream *stream = video ? &peer->video_in : &peer->audio_in;
    gint clock_hz = video ? 90000 : AUDIO_RATE_HZ;
    gint32 since = (gint32)(rtp_timestamp - stream->sr_ts);
    *ns = clock_ntp_to_ns(stream->sr_ntp) + since * NS_PER_SEC / clock_hz;
    return stream->has_sr;
}

void sim_peer_stats(const SimPeer *peer, SimPeerStats *stats)
{
    *stats = peer->stats;
    stats->pictures_sent = peer->layers[0].pictures_sent;
    for (guint i = 0; i < peer->layer_count; i++) {
        stats->plis += peer->layers[i].plis;
        stats->nacked += peer->layers[i].nacked;
        stats->resent += peer->layers[i].resent;
    }
}

const SimLayer *sim_peer_layer(const SimPeer *peer, guint index)
{
    return &peer->layers[index];
}
