#include "room/peer.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "room/peer_stats.h"
#include "room/viewer_config.h"

#define REPORT_INTERVAL_NS  NS_PER_SEC
#define SOURCES_INTERVAL_NS (100 * NS_PER_MS)

struct Peer {
    gint refs; /* atomic */
    Engine *engine;
    Viewer *viewer;

    /* Control thread. */
    PeerEvents events;
    gpointer user;
    gboolean closed;

    /* Net thread. */
    IngressSinks sinks;
    Transport *transport;
    TransportState state;
    Ingress *ingress;
    PeerMedia *media;
    gboolean ticking;
    gint64 next_report_ns, next_sources_ns;
    guint active_sources;
    ViewerQuality quality;
};

/* --- references and messages ------------------------------------------------------------- */

static Peer *peer_ref(Peer *peer)
{
    g_atomic_int_inc(&peer->refs);
    return peer;
}

static void peer_unref(Peer *peer)
{
    if (!peer || !g_atomic_int_dec_and_test(&peer->refs))
        return;
    audio_input_unref(peer->sinks.audio);
    video_input_unref(peer->sinks.camera);
    video_input_unref(peer->sinks.screen);
    peer_media_free(peer->media);
    viewer_unref(peer->viewer);
    g_free(peer);
}

PeerMedia *peer_media_new(Negotiated *negotiated, Ladder *ladder)
{
    PeerMedia *media = g_new0(PeerMedia, 1);
    media->negotiated = negotiated;
    media->ladder = ladder ? ladder_ref(ladder) : NULL;
    return media;
}

void peer_media_free(PeerMedia *media)
{
    if (!media)
        return;
    negotiated_free(media->negotiated);
    ladder_unref(media->ladder);
    g_free(media);
}

/* What travels between the two threads. */
typedef struct {
    Peer *peer;
    PeerMedia *media;
    Ladder *ladder;
    gboolean restart;
    char *text[3];
    PeerLocal local;
    GError *error;
    TransportState state;
    guint active;
    ViewerQuality quality;
    json_t *stats;
    PeerStatsReady ready;
    gpointer user;
} Message;

static Message *message_new(Peer *peer)
{
    Message *message = g_new0(Message, 1);
    message->peer = peer_ref(peer);
    return message;
}

static void message_free(gpointer data)
{
    Message *message = data;
    peer_media_free(message->media);
    ladder_unref(message->ladder);
    for (guint i = 0; i < G_N_ELEMENTS(message->text); i++)
        g_free(message->text[i]);
    g_free(message->local.ice_ufrag);
    g_free(message->local.ice_pwd);
    g_free(message->local.fingerprint);
    g_strfreev(message->local.candidates);
    g_clear_error(&message->error);
    if (message->stats)
        json_decref(message->stats);
    peer_unref(message->peer);
    g_free(message);
}

static void to_net(Peer *peer, MailboxCommand command, Message *message)
{
    mailbox_post(engine_net_mailbox(peer->engine), command, message, message_free);
}

static void to_control(Peer *peer, MailboxCommand command, Message *message)
{
    mailbox_post(engine_control_mailbox(peer->engine), command, message, message_free);
}

/* --- net -> control ---------------------------------------------------------------------- */

static void local_on_control(gpointer data)
{
    Message *message = data;
    Peer *peer = message->peer;
    thread_assert_control();
    if (peer->closed)
        return;
    peer->events.local(message->error ? NULL : &message->local, message->error, peer->user);
}

static void report_error(Peer *peer, GError *error)
{
    Message *message = message_new(peer);
    message->error = error;
    to_control(peer, local_on_control, message);
}

ON_NET_THREAD static void report_local(Peer *peer)
{
    const TransportLocal *local = transport_local(peer->transport);
    Message *message = message_new(peer);
    message->local = (PeerLocal){ .ice_ufrag = g_strdup(local->ice_ufrag),
                                  .ice_pwd = g_strdup(local->ice_pwd),
                                  .fingerprint = g_strdup(local->fingerprint),
                                  .ice_lite = local->ice_lite,
                                  .candidates = g_strdupv((char **)local->candidates) };
    to_control(peer, local_on_control, message);
}

static void state_on_control(gpointer data)
{
    Message *message = data;
    thread_assert_control();
    if (!message->peer->closed)
        message->peer->events.state(message->state, message->peer->user);
}

static void sources_on_control(gpointer data)
{
    Message *message = data;
    thread_assert_control();
    if (!message->peer->closed)
        message->peer->events.sources(message->active, message->peer->user);
}

static void quality_on_control(gpointer data)
{
    Message *message = data;
    thread_assert_control();
    if (!message->peer->closed)
        message->peer->events.quality(message->quality, message->peer->user);
}

/* --- net thread: what was negotiated ----------------------------------------------------- */

static guint32 feedback_ssrc(const ViewerConfig *config)
{
    if (config->audio.active)
        return config->audio.ssrc;
    return config->video.active ? config->video.ssrc : 1;
}

ON_NET_THREAD static void apply_media(Peer *peer, PeerMedia *media)
{
    peer_media_free(peer->media);
    peer->media = media;
    ViewerConfig config = viewer_config_of(media);
    if (!peer->ingress)
        peer->ingress = ingress_new(peer->engine, &peer->sinks, feedback_ssrc(&config));
    ingress_configure(peer->ingress, media->negotiated);
    viewer_configure(peer->viewer, &config);
    /* What is sent must be of the payload type that goes with it, also while the peer is silent. */
    if (peer->state == TRANSPORT_CONNECTED || peer->state == TRANSPORT_DISCONNECTED)
        viewer_set_ladder(peer->viewer, config.video.active ? media->ladder : NULL);
}

ON_NET_THREAD static gboolean apply_remote(Peer *peer, GError **error)
{
    const Negotiated *negotiated = peer->media->negotiated;
    DtlsRole role = DTLS_ROLE_AUTO;
    if (negotiated->remote_setup == SDP_SETUP_ACTIVE)
        role = DTLS_ROLE_CLIENT;
    else if (negotiated->remote_setup == SDP_SETUP_PASSIVE)
        role = DTLS_ROLE_SERVER;
    TransportRemote remote = { .ice_ufrag = negotiated->ice_ufrag,
                               .ice_pwd = negotiated->ice_pwd,
                               .ice_lite = negotiated->remote_ice_lite,
                               .fingerprint = negotiated->fingerprint,
                               .peer_role = role };
    if (!transport_set_remote(peer->transport, &remote, error))
        return FALSE;
    for (guint i = 0; i < negotiated->candidates->len; i++) {
        if (!transport_add_candidate(peer->transport, negotiated->candidates->pdata[i], error))
            return FALSE;
    }
    return TRUE;
}

/* --- net thread: the transport's events -------------------------------------------------- */

static void on_gathered(gpointer user)
{
    Peer *peer = user;
    thread_assert_net();
    GError *error = NULL;
    if (!peer->media || apply_remote(peer, &error))
        report_local(peer);
    else
        report_error(peer, error);
}

static void on_state(TransportState state, gpointer user)
{
    Peer *peer = user;
    thread_assert_net();
    peer->state = state;
    if (state == TRANSPORT_CONNECTED) {
        viewer_attach(peer->viewer, peer->transport);
        if (viewer_sends_video(peer->viewer))
            viewer_set_ladder(peer->viewer, peer->media->ladder);
    } else if (state == TRANSPORT_FAILED || state == TRANSPORT_CLOSED) {
        viewer_detach(peer->viewer);
    }
    Message *message = message_new(peer);
    message->state = state;
    to_control(peer, state_on_control, message);
}

static void on_rtp(guint8 *packet, gsize size, gint64 arrival_ns, gpointer user)
{
    Peer *peer = user;
    thread_assert_net();
    if (peer->ingress)
        ingress_rtp(peer->ingress, packet, size, arrival_ns);
}

static void on_rtcp(guint8 *data, gsize size, gint64 arrival_ns, gpointer user)
{
    Peer *peer = user;
    RtcpReader reader = rtcp_reader(data, size);
    RtcpPacket packet;
    thread_assert_net();
    while (rtcp_reader_next(&reader, &packet)) {
        if (peer->ingress)
            ingress_rtcp(peer->ingress, &packet, arrival_ns);
        viewer_rtcp(peer->viewer, &packet, arrival_ns);
    }
}

static const TransportEvents transport_events = {
    .state = on_state, .gathered = on_gathered, .rtp = on_rtp, .rtcp = on_rtcp
};

/* --- net thread: the tick ---------------------------------------------------------------- */

ON_NET_THREAD static void send_reports(Peer *peer, gint64 now_ns)
{
    RtcpReportBlock blocks[INGRESS_MAX_REPORTS];
    RtcpWriter writer;
    rtcp_writer_init(&writer);
    gboolean any = viewer_write_reports(peer->viewer, &writer, now_ns);
    if (now_ns >= peer->next_report_ns) {
        guint n = ingress_reports(peer->ingress, now_ns, blocks, G_N_ELEMENTS(blocks));
        ViewerConfig config = viewer_config_of(peer->media);
        peer->next_report_ns = now_ns + REPORT_INTERVAL_NS;
        rtcp_write_rr(&writer, feedback_ssrc(&config), blocks, n);
        rtcp_write_sdes(&writer, feedback_ssrc(&config), peer->media->cname);
        any = TRUE;
    }
    if (!any)
        return;
    TransportPacket packet = { writer.data, writer.size };
    transport_send_rtcp(peer->transport, &packet);
}

ON_NET_THREAD static void watch_sources(Peer *peer, gint64 now_ns)
{
    guint active = 0;
    for (guint kind = 0; kind < SOURCE_KINDS; kind++) {
        if (ingress_active(peer->ingress, (SourceKind)kind, now_ns))
            active |= 1u << kind;
    }
    if (active == peer->active_sources)
        return;
    peer->active_sources = active;
    Message *message = message_new(peer);
    message->active = active;
    to_control(peer, sources_on_control, message);
}

ON_NET_THREAD static void watch_quality(Peer *peer)
{
    ViewerQuality quality = viewer_quality(peer->viewer);
    if (quality == peer->quality)
        return;
    peer->quality = quality;
    Message *message = message_new(peer);
    message->quality = quality;
    to_control(peer, quality_on_control, message);
}

static void peer_tick(gint64 now_ns, gpointer user)
{
    Peer *peer = user;
    thread_assert_net();
    /* Whoever is silent is still asked whether it hears us. */
    if (peer->state == TRANSPORT_CONNECTED || peer->state == TRANSPORT_DISCONNECTED)
        viewer_tick(peer->viewer, now_ns);
    if (peer->state == TRANSPORT_CONNECTED) {
        ingress_tick(peer->ingress, peer->transport, now_ns, viewer_rtt_ns(peer->viewer));
        send_reports(peer, now_ns);
    }
    if (now_ns >= peer->next_sources_ns) {
        peer->next_sources_ns = now_ns + SOURCES_INTERVAL_NS;
        watch_sources(peer, now_ns);
        watch_quality(peer);
    }
}

/* --- control -> net ---------------------------------------------------------------------- */

ON_NET_THREAD static void start_ticking(Peer *peer)
{
    engine_add_net_tick(peer->engine, peer_tick, peer);
    peer->ticking = TRUE;
}

static void connect_on_net(gpointer data)
{
    Message *message = data;
    Peer *peer = message->peer;
    const TransportFactory *factory = engine_transports(peer->engine);
    GError *error = NULL;
    thread_assert_net();
    if (message->media)
        apply_media(peer, g_steal_pointer(&message->media));
    peer->transport =
        factory->transport_new(factory->factory_data, &transport_events, peer, &error);
    if (!peer->transport || !transport_start(peer->transport, &error)) {
        report_error(peer, error);
        return;
    }
    if (peer->media)
        start_ticking(peer);
}

static void accept_on_net(gpointer data)
{
    Message *message = data;
    Peer *peer = message->peer;
    GError *error = NULL;
    thread_assert_net();
    if (!peer->transport || peer->media)
        return;
    apply_media(peer, g_steal_pointer(&message->media));
    start_ticking(peer);
    if (!apply_remote(peer, &error))
        report_error(peer, error);
}

/* Whoever waits for an answer gets one. */
static GError *no_connection(void)
{
    return g_error_new_literal(TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                               "There is no connection to change; offer again.");
}

static void renegotiate_on_net(gpointer data)
{
    Message *message = data;
    Peer *peer = message->peer;
    GError *error = NULL;
    thread_assert_net();
    if (!peer->transport || !peer->media) {
        report_error(peer, no_connection());
        return;
    }
    apply_media(peer, g_steal_pointer(&message->media));
    if (!message->restart)
        report_local(peer);
    else if (!transport_restart(peer->transport, &error))
        report_error(peer, error);
}

static void restart_on_net(gpointer data)
{
    Message *message = data;
    Peer *peer = message->peer;
    GError *error = NULL;
    thread_assert_net();
    if (!peer->transport || !peer->media) {
        report_error(peer, no_connection());
        return;
    }
    Negotiated *negotiated = peer->media->negotiated;
    g_free(negotiated->ice_ufrag);
    g_free(negotiated->ice_pwd);
    negotiated->ice_ufrag = g_steal_pointer(&message->text[0]);
    negotiated->ice_pwd = g_steal_pointer(&message->text[1]);
    g_ptr_array_set_size(negotiated->candidates, 0);
    if (!transport_restart(peer->transport, &error))
        report_error(peer, error);
}

static void candidate_on_net(gpointer data)
{
    Message *message = data;
    g_autoptr(GError) error = NULL;
    thread_assert_net();
    if (message->peer->transport &&
        !transport_add_candidate(message->peer->transport, message->text[0], &error))
        log_limited(LOG_DEBUG, "ice", "a candidate was refused: %s", error->message);
}

static void close_on_net(gpointer data)
{
    Peer *peer = ((Message *)data)->peer;
    thread_assert_net();
    if (peer->ticking)
        engine_remove_net_tick(peer->engine, peer_tick, peer);
    peer->ticking = FALSE;
    viewer_detach(peer->viewer);
    if (peer->transport)
        transport_close(peer->transport);
    peer->transport = NULL;
    g_clear_pointer(&peer->ingress, ingress_free);
}

static void stats_on_control(gpointer data)
{
    Message *message = data;
    message->ready(g_steal_pointer(&message->stats), message->user);
}

static void stats_on_net(gpointer data)
{
    Message *message = data;
    Peer *peer = message->peer;
    thread_assert_net();
    Message *reply = message_new(peer);
    reply->stats = peer_stats_to_json(peer->transport, peer->ingress, peer->viewer, &peer->sinks);
    reply->ready = message->ready;
    reply->user = message->user;
    to_control(peer, stats_on_control, reply);
}

/* --- control thread ---------------------------------------------------------------------- */

Peer *peer_new(Engine *engine, const IngressSinks *sinks, const PeerEvents *events, gpointer user)
{
    Peer *peer = g_new0(Peer, 1);
    peer->refs = 1;
    peer->engine = engine;
    peer->events = *events;
    peer->user = user;
    peer->sinks = *sinks;
    if (sinks->audio)
        audio_input_ref(sinks->audio);
    if (sinks->camera)
        video_input_ref(sinks->camera);
    if (sinks->screen)
        video_input_ref(sinks->screen);
    peer->viewer = viewer_new(engine);
    return peer;
}

void peer_close(Peer *peer)
{
    if (!peer)
        return;
    peer->closed = TRUE;
    to_net(peer, close_on_net, message_new(peer));
    peer_unref(peer);
}

void peer_connect(Peer *peer, PeerMedia *media)
{
    Message *message = message_new(peer);
    message->media = media;
    to_net(peer, connect_on_net, message);
}

void peer_prepare(Peer *peer)
{
    to_net(peer, connect_on_net, message_new(peer));
}

void peer_accept(Peer *peer, PeerMedia *media)
{
    Message *message = message_new(peer);
    message->media = media;
    to_net(peer, accept_on_net, message);
}

void peer_renegotiate(Peer *peer, PeerMedia *media, gboolean restart)
{
    Message *message = message_new(peer);
    message->media = media;
    message->restart = restart;
    to_net(peer, renegotiate_on_net, message);
}

void peer_restart_ice(Peer *peer, const char *ice_ufrag, const char *ice_pwd)
{
    Message *message = message_new(peer);
    message->text[0] = g_strdup(ice_ufrag);
    message->text[1] = g_strdup(ice_pwd);
    to_net(peer, restart_on_net, message);
}

void peer_add_candidate(Peer *peer, const char *candidate)
{
    Message *message = message_new(peer);
    message->text[0] = g_strdup(candidate);
    to_net(peer, candidate_on_net, message);
}

static void set_ladder_on_net(gpointer data)
{
    Message *message = data;
    Peer *peer = message->peer;
    thread_assert_net();
    if (!peer->media || !peer->media->ladder ||
        ladder_codec(peer->media->ladder) != ladder_codec(message->ladder))
        return;
    ladder_unref(peer->media->ladder);
    peer->media->ladder = ladder_ref(message->ladder);
    gboolean sending = peer->state == TRANSPORT_CONNECTED || peer->state == TRANSPORT_DISCONNECTED;
    if (sending && viewer_sends_video(peer->viewer))
        viewer_set_ladder(peer->viewer, peer->media->ladder);
}

void peer_set_ladder(Peer *peer, Ladder *ladder)
{
    Message *message = message_new(peer);
    message->ladder = ladder_ref(ladder);
    to_net(peer, set_ladder_on_net, message);
}

Viewer *peer_viewer(Peer *peer)
{
    return peer->viewer;
}

void peer_stats(Peer *peer, PeerStatsReady ready, gpointer user)
{
    Message *message = message_new(peer);
    message->ready = ready;
    message->user = user;
    to_net(peer, stats_on_net, message);
}
