#include "net/webrtc.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "net/ice_nice.h"
#include "net/liveness.h"
#include "net/net_timer.h"
#include "net/packet_limit.h"
#include "net/webrtc_factory.h"
#include "rtp/rtp.h"

#include <string.h>

#define MIN_DATAGRAM 12
#define MAX_DATAGRAM 1500

/* DTLS that comes before a pair is nominated or the peer's fingerprint is known. A ClientHello of
 * today's browsers is two datagrams; more than their first retransmissions need not be kept. */
#define MAX_HELD 8

#define TICK_MS  1000

/* Packets that are protected and sent with one call. */
#define MAX_TOGETHER 64u

typedef struct {
    Transport base;
    WebrtcFactory *factory;
    NestedLoop *loop; /* its sockets and timers */
    TransportState state;
    gboolean closed;
    NetTimer *tick_timer;

    /* ICE. */
    IceNice *ice;
    IceState ice_state;
    gboolean has_remote; /* the peer's credentials of this ICE generation */
    TransportLocal local;
    Liveness liveness;

    /* DTLS. */
    DtlsContext *dtls_context;
    Dtls *dtls;
    NetTimer *dtls_timer;
    Fingerprint peer_fingerprint;
    gboolean has_fingerprint, is_client, holds_slot, dtls_failed;
    GQueue held; /* of GBytes */

    SrtpLink *srtp;
    PacketLimit limit; /* of what comes */

    TransportStats stats;
    gint64 started_ns, remote_ns, handshake_ns; /* when each began; 0: not yet */
} Webrtc;

static void webrtc_try_dtls(Webrtc *webrtc) ON_NET_THREAD;

/* --- State --- */

static const char *const state_names[] = { "new",          "connecting", "connected",
                                           "disconnected", "failed",     "closed" };

ON_NET_THREAD static void webrtc_set_state(Webrtc *webrtc, TransportState state)
{
    if (webrtc->closed || webrtc->state == state)
        return;
    webrtc->state = state;
    log_debug("net", "transport %p is %s", (void *)webrtc, state_names[state]);
    webrtc->base.events->state(state, webrtc->base.user);
}

ON_NET_THREAD static void webrtc_fail(Webrtc *webrtc, const char *why)
{
    log_limited(LOG_INFO, "net", "a connection failed: %s", why);
    webrtc_set_state(webrtc, TRANSPORT_FAILED);
}

/** The handshake's place among WEBRTC_MAX_HANDSHAKES. */
static gboolean webrtc_take_slot(Webrtc *webrtc)
{
    if (!webrtc->holds_slot && webrtc->factory->handshakes < WEBRTC_MAX_HANDSHAKES) {
        webrtc->factory->handshakes++;
        webrtc->holds_slot = TRUE;
    }
    return webrtc->holds_slot;
}

static void webrtc_give_slot(Webrtc *webrtc)
{
    if (webrtc->holds_slot)
        webrtc->factory->handshakes--;
    webrtc->holds_slot = FALSE;
}

static gboolean webrtc_is_up(const Webrtc *webrtc)
{
    return webrtc->srtp && !webrtc->dtls_failed && webrtc->state != TRANSPORT_FAILED &&
           webrtc->state != TRANSPORT_CLOSED;
}

ON_NET_THREAD static void webrtc_path_works(Webrtc *webrtc)
{
    if (!webrtc_is_up(webrtc))
        return;
    gint64 now_ns = clock_now_ns();
    liveness_reset(&webrtc->liveness, now_ns);
    if (!webrtc->stats.connect_ns)
        webrtc->stats.connect_ns = now_ns - webrtc->started_ns;
    webrtc_set_state(webrtc, TRANSPORT_CONNECTED);
}

/* --- DTLS --- */

ON_NET_THREAD static void webrtc_dtls_failed(Webrtc *webrtc, const char *why)
{
    webrtc_give_slot(webrtc);
    webrtc->dtls_failed = TRUE;
    net_timer_stop(webrtc->dtls_timer);
    webrtc_fail(webrtc, why);
}

ON_NET_THREAD static void webrtc_dtls_established(Webrtc *webrtc)
{
    SrtpKeys keys = { 0 };
    g_autoptr(GError) error = NULL;
    webrtc_give_slot(webrtc);
    if (!dtls_keys(webrtc->dtls, &keys)) {
        webrtc_dtls_failed(webrtc, "DTLS agreed on no SRTP profile");
        return;
    }
    webrtc->srtp = srtp_link_new(&keys, &error);
    webrtc->stats.srtp_profile = srtp_profile_name(keys.profile);
    memset(&keys, 0, sizeof keys);
    if (!webrtc->srtp) {
        webrtc_dtls_failed(webrtc, error->message);
        return;
    }
    webrtc_path_works(webrtc);
}

/* After every call of dtls_*: its state, its timer. */
ON_NET_THREAD static void webrtc_after_dtls(Webrtc *webrtc)
{
    int timeout_ms = dtls_timeout_ms(webrtc->dtls);
    if (timeout_ms >= 0)
        net_timer_set(webrtc->dtls_timer, (guint)MAX(timeout_ms, 1));
    else
        net_timer_stop(webrtc->dtls_timer);
    switch (dtls_state(webrtc->dtls)) {
    case DTLS_ESTABLISHED:
        if (!webrtc->srtp && !webrtc->dtls_failed)
            webrtc_dtls_established(webrtc);
        break;
    case DTLS_CLOSED:
        webrtc_set_state(webrtc, TRANSPORT_CLOSED);
        break;
    case DTLS_FAILED:
        if (!webrtc->dtls_failed)
            webrtc_dtls_failed(webrtc, dtls_failure(webrtc->dtls));
        break;
    case DTLS_HANDSHAKING:
        break;
    }
}

static void webrtc_dtls_timer(gpointer data)
{
    thread_assert_net();
    Webrtc *webrtc = data;
    if (webrtc->closed || !webrtc->dtls)
        return;
    dtls_timeout(webrtc->dtls);
    webrtc_after_dtls(webrtc);
}

static void webrtc_dtls_send(const guint8 *data, gsize size, gpointer user)
{
    thread_assert_net();
    Webrtc *webrtc = user;
    ice_nice_send(webrtc->ice, data, size); /* DTLS retransmits what was lost */
}

static void webrtc_hold(Webrtc *webrtc, const guint8 *data, gsize size)
{
    if (webrtc->held.length < MAX_HELD)
        g_queue_push_tail(&webrtc->held, g_bytes_new(data, size));
    else
        webrtc->stats.dropped_early++;
}

/* Begins when a pair is nominated and the fingerprint is known; a server's when something came. */
static void webrtc_try_dtls(Webrtc *webrtc)
{
    gboolean ready = webrtc->ice_state == ICE_CONNECTED && webrtc->has_fingerprint &&
                     !webrtc->dtls && !webrtc->dtls_failed &&
                     (webrtc->is_client || webrtc->held.length > 0);
    if (!ready || !webrtc_take_slot(webrtc))
        return;
    webrtc->handshake_ns = clock_now_ns();
    webrtc->dtls = dtls_new(webrtc->dtls_context, webrtc->is_client, &webrtc->peer_fingerprint,
                            webrtc_dtls_send, webrtc);
    dtls_start(webrtc->dtls);
    GBytes *datagram;
    while ((datagram = g_queue_pop_head(&webrtc->held))) {
        gsize size;
        const guint8 *data = g_bytes_get_data(datagram, &size);
        dtls_receive(webrtc->dtls, data, size);
        g_bytes_unref(datagram);
    }
    webrtc_after_dtls(webrtc);
}

ON_NET_THREAD static void webrtc_receive_dtls(Webrtc *webrtc, const guint8 *data, gsize size)
{
    if (webrtc->dtls_failed)
        return;
    if (!webrtc->dtls) {
        webrtc_hold(webrtc, data, size);
        webrtc_try_dtls(webrtc);
        return;
    }
    dtls_receive(webrtc->dtls, data, size);
    webrtc_after_dtls(webrtc);
}

/* --- SRTP --- */

static void webrtc_count_refused(Webrtc *webrtc, SrtpLinkResult result)
{
    if (result == SRTP_LINK_REPLAYED) {
        webrtc->stats.replays++;
        return;
    }
    webrtc->stats.auth_failures++;
    log_limited(LOG_DEBUG, "srtp", "%s",
                result == SRTP_LINK_TOO_MANY ? "a peer sends more SSRCs than allowed"
                                             : "a packet failed authentication");
}

/* Silence ended. The tick would notice up to a second later. */
ON_NET_THREAD static void webrtc_came_back(Webrtc *webrtc, gint64 now_ns)
{
    if (webrtc->state == TRANSPORT_DISCONNECTED &&
        liveness_check(&webrtc->liveness, now_ns) == LIVENESS_ALIVE)
        webrtc_set_state(webrtc, TRANSPORT_CONNECTED);
}

ON_NET_THREAD static void webrtc_receive_srtp(Webrtc *webrtc, guint8 *data, gsize size)
{
    if (!webrtc_is_up(webrtc)) { /* browsers send before our keys are there */
        webrtc->stats.dropped_early++;
        return;
    }
    gint64 arrival_ns = clock_now_ns();
    gboolean is_rtcp = rtp_is_rtcp(data, size);
    if (!packet_limit_take(&webrtc->limit, is_rtcp, arrival_ns)) {
        webrtc->stats.dropped_over_limit++;
        log_limited(LOG_INFO, "net", "transport %p: more %s than a peer may send, dropped",
                    (void *)webrtc, is_rtcp ? "RTCP" : "packets");
        return;
    }
    SrtpLinkResult result = is_rtcp ? srtp_link_unprotect_rtcp(webrtc->srtp, data, &size)
                                    : srtp_link_unprotect(webrtc->srtp, data, &size);
    if (result != SRTP_LINK_OK) {
        webrtc_count_refused(webrtc, result);
        return;
    }
    webrtc->stats.received_packets++;
    webrtc->stats.received_bytes += size;
    liveness_media(&webrtc->liveness, arrival_ns);
    webrtc_came_back(webrtc, arrival_ns);
    if (webrtc->closed) /* by who heard of it */
        return;
    const TransportEvents *events = webrtc->base.events;
    (is_rtcp ? events->rtcp : events->rtp)(data, size, arrival_ns, webrtc->base.user);
}

/* RFC 7983 section 7; libnice has taken STUN out. */
static void webrtc_on_received(guint8 *data, gsize size, gpointer user)
{
    thread_assert_net();
    Webrtc *webrtc = user;
    if (size < MIN_DATAGRAM || size > MAX_DATAGRAM)
        webrtc->stats.dropped_malformed++;
    else if (data[0] >= 128 && data[0] <= 191)
        webrtc_receive_srtp(webrtc, data, size);
    else if (data[0] >= 20 && data[0] <= 63)
        webrtc_receive_dtls(webrtc, data, size);
    else
        webrtc->stats.dropped_malformed++;
}

/* --- ICE --- */

ON_NET_THREAD static void webrtc_update_local(Webrtc *webrtc)
{
    webrtc->local = (TransportLocal){
        .ice_ufrag = ice_nice_ufrag(webrtc->ice),
        .ice_pwd = ice_nice_pwd(webrtc->ice),
        .fingerprint = certificate_fingerprint(dtls_context_certificate(webrtc->dtls_context)),
        .candidates = ice_nice_candidates(webrtc->ice),
    };
}

static void webrtc_on_gathered(gpointer user)
{
    thread_assert_net();
    Webrtc *webrtc = user;
    webrtc_update_local(webrtc);
    webrtc->base.events->gathered(webrtc->base.user);
}

static void webrtc_on_ice_state(IceState state, gpointer user)
{
    thread_assert_net();
    Webrtc *webrtc = user;
    webrtc->ice_state = state;
    if (state == ICE_CONNECTED) {
        webrtc_path_works(webrtc);
        webrtc_try_dtls(webrtc);
    } else if (state == ICE_FAILED) {
        liveness_path_lost(&webrtc->liveness, clock_now_ns());
        net_timer_set(webrtc->tick_timer, 0);
    }
}

static const IceEvents webrtc_ice_events = {
    .gathered = webrtc_on_gathered,
    .state = webrtc_on_ice_state,
    .received = webrtc_on_received,
};

/* --- The tick: deadlines and liveness --- */

ON_NET_THREAD static void webrtc_tick_connecting(Webrtc *webrtc, gint64 now_ns)
{
    const WebrtcConfig *config = &webrtc->factory->config;
    gboolean shaking = webrtc->dtls && !webrtc->srtp;
    if (shaking && now_ns - webrtc->handshake_ns >= config->handshake_ms * NS_PER_MS)
        webrtc_dtls_failed(webrtc, "the DTLS handshake took too long");
    else if (now_ns - webrtc->remote_ns >= config->connect_ms * NS_PER_MS)
        webrtc_fail(webrtc, webrtc->ice_state == ICE_CONNECTED
                                ? "no DTLS came"
                                : "no ICE candidate pair works (check ice.port_range in the "
                                  "firewall, and ice.public_ip)");
    else
        webrtc_try_dtls(webrtc); /* a handshake that waited for its slot */
}

ON_NET_THREAD static void webrtc_tick_connected(Webrtc *webrtc, gint64 now_ns)
{
    if (ice_nice_heard(webrtc->ice))
        liveness_heard(&webrtc->liveness, now_ns);
    switch (liveness_check(&webrtc->liveness, now_ns)) {
    case LIVENESS_ALIVE:
        webrtc_set_state(webrtc, TRANSPORT_CONNECTED);
        break;
    case LIVENESS_SILENT:
        webrtc_set_state(webrtc, TRANSPORT_DISCONNECTED);
        break;
    case LIVENESS_DEAD:
        webrtc_fail(webrtc, "the peer is silent");
        break;
    }
}

static void webrtc_tick(gpointer data)
{
    thread_assert_net();
    Webrtc *webrtc = data;
    if (webrtc->closed)
        return;
    net_timer_set(webrtc->tick_timer, MIN(TICK_MS, webrtc->factory->config.disconnected_ms / 4));
    if (webrtc->state == TRANSPORT_NEW && webrtc->has_remote)
        webrtc_set_state(webrtc, TRANSPORT_CONNECTING);
    if (webrtc->closed)
        return;
    gint64 now_ns = clock_now_ns();
    if (webrtc->state == TRANSPORT_CONNECTING)
        webrtc_tick_connecting(webrtc, now_ns);
    else if (webrtc->state == TRANSPORT_CONNECTED || webrtc->state == TRANSPORT_DISCONNECTED)
        webrtc_tick_connected(webrtc, now_ns);
}

/* --- The vtable --- */

ON_NET_THREAD static gboolean webrtc_start(Transport *transport, GError **error)
{
    Webrtc *webrtc = (Webrtc *)transport;
    g_return_val_if_fail(!webrtc->started_ns, FALSE);
    if (!ice_nice_gather(webrtc->ice, error))
        return FALSE;
    webrtc->started_ns = clock_now_ns();
    webrtc_update_local(webrtc);
    return TRUE;
}

ON_NET_THREAD static const TransportLocal *webrtc_local(Transport *transport)
{
    Webrtc *webrtc = (Webrtc *)transport;
    webrtc_update_local(webrtc);
    return &webrtc->local;
}

static gboolean webrtc_refuse(GError **error, const char *why)
{
    g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID, why);
    return FALSE;
}

ON_NET_THREAD static gboolean webrtc_set_remote(Transport *transport, const TransportRemote *remote,
                                                GError **error)
{
    Webrtc *webrtc = (Webrtc *)transport;
    Fingerprint fingerprint;
    if (!webrtc->started_ns || webrtc->has_remote)
        return webrtc_refuse(error, webrtc->has_remote
                                        ? "The peer's ICE credentials may change only with an ICE "
                                          "restart; restart ICE first."
                                        : "The transport is not started.");
    if (!fingerprint_parse(remote->fingerprint, &fingerprint, error))
        return FALSE;
    if (webrtc->has_fingerprint && !fingerprint_equal(&fingerprint, &webrtc->peer_fingerprint))
        return webrtc_refuse(error, "An ICE restart keeps the DTLS certificate; leave and join "
                                    "again to use another one.");
    if (!ice_nice_set_remote(webrtc->ice, remote->ice_ufrag, remote->ice_pwd, remote->ice_lite,
                             error))
        return FALSE;
    if (!webrtc->has_fingerprint)
        webrtc->is_client = remote->peer_role == DTLS_ROLE_SERVER;
    webrtc->peer_fingerprint = fingerprint;
    webrtc->has_fingerprint = webrtc->has_remote = TRUE;
    webrtc->remote_ns = clock_now_ns();
    net_timer_set(webrtc->tick_timer, 0);
    return TRUE;
}

ON_NET_THREAD static gboolean webrtc_add_candidate(Transport *transport, const char *candidate,
                                                   GError **error)
{
    return ice_nice_add_candidate(((Webrtc *)transport)->ice, candidate, error);
}

ON_NET_THREAD static gboolean webrtc_restart(Transport *transport, GError **error)
{
    Webrtc *webrtc = (Webrtc *)transport;
    if (!webrtc->started_ns || webrtc->dtls_failed || webrtc->state == TRANSPORT_CLOSED)
        return webrtc_refuse(error, "This connection cannot be restarted; leave and join again.");
    if (!ice_nice_restart(webrtc->ice, error))
        return FALSE;
    webrtc->has_remote = FALSE;
    webrtc->ice_state = ICE_WAITING;
    /* What was lost is being looked for again: from here on the deadline of connecting holds. */
    if (webrtc->state == TRANSPORT_DISCONNECTED || webrtc->state == TRANSPORT_FAILED)
        webrtc->state = TRANSPORT_NEW;
    webrtc_update_local(webrtc);
    return TRUE;
}

ON_NET_THREAD static void webrtc_count_sent(Webrtc *webrtc, guint sent, guint failed, gsize bytes)
{
    webrtc->stats.sent_packets += sent;
    webrtc->stats.sent_bytes += bytes;
    webrtc->stats.send_failures += failed;
}

/* All are protected first and leave together. Those that did not leave are the last ones. */
ON_NET_THREAD static guint webrtc_send_some(Webrtc *webrtc, TransportPacket *packets, guint n)
{
    struct iovec datagrams[MAX_TOGETHER];
    guint ready = 0;
    gsize bytes = 0;
    for (guint i = 0; i < n && webrtc_is_up(webrtc); i++) {
        gsize size = packets[i].size;
        if (srtp_link_protect(webrtc->srtp, packets[i].data, &size))
            datagrams[ready++] = (struct iovec){ packets[i].data, size };
    }
    guint sent = ready ? ice_nice_send_all(webrtc->ice, datagrams, ready) : 0;
    for (guint i = 0; i < sent; i++)
        bytes += datagrams[i].iov_len;
    webrtc_count_sent(webrtc, sent, n - sent, bytes);
    return sent;
}

ON_NET_THREAD static guint webrtc_send_rtp(Transport *transport, TransportPacket *packets, guint n)
{
    guint sent = 0;
    for (guint i = 0; i < n; i += MAX_TOGETHER)
        sent += webrtc_send_some((Webrtc *)transport, packets + i, MIN(n - i, MAX_TOGETHER));
    return sent;
}

ON_NET_THREAD static gboolean webrtc_send_rtcp(Transport *transport, TransportPacket *packet)
{
    Webrtc *webrtc = (Webrtc *)transport;
    gsize size = packet->size;
    gboolean sent = webrtc_is_up(webrtc) &&
                    srtp_link_protect_rtcp(webrtc->srtp, packet->data, &size) &&
                    ice_nice_send(webrtc->ice, packet->data, size);
    webrtc_count_sent(webrtc, sent, !sent, sent ? size : 0);
    return sent;
}

ON_NET_THREAD static void webrtc_stats(Transport *transport, TransportStats *stats)
{
    Webrtc *webrtc = (Webrtc *)transport;
    *stats = webrtc->stats;
    ice_nice_addresses(webrtc->ice, stats->local_address, stats->remote_address,
                       sizeof stats->local_address);
}

/* The sockets are closed: the last that happens to a transport. */
static void webrtc_free(gpointer data)
{
    thread_assert_net();
    Webrtc *webrtc = data;
    dtls_free(webrtc->dtls);
    dtls_context_unref(webrtc->dtls_context);
    srtp_link_free(webrtc->srtp);
    webrtc->factory->live--;
    nested_loop_free(webrtc->loop);
    g_free(webrtc);
}

ON_NET_THREAD static void webrtc_close(Transport *transport)
{
    Webrtc *webrtc = (Webrtc *)transport;
    if (webrtc->dtls)
        dtls_close(webrtc->dtls);
    webrtc->closed = TRUE;
    webrtc->state = TRANSPORT_CLOSED;
    webrtc_give_slot(webrtc);
    g_queue_clear_full(&webrtc->held, (GDestroyNotify)g_bytes_unref);
    net_timer_free(webrtc->tick_timer);
    net_timer_free(webrtc->dtls_timer);
    ice_nice_close(webrtc->ice, webrtc_free, webrtc);
}

static const TransportType webrtc_transport = {
    .name = "webrtc",
    .start = webrtc_start,
    .local = webrtc_local,
    .set_remote = webrtc_set_remote,
    .add_candidate = webrtc_add_candidate,
    .restart = webrtc_restart,
    .send_rtp = webrtc_send_rtp,
    .send_rtcp = webrtc_send_rtcp,
    .stats = webrtc_stats,
    .close = webrtc_close,
};

Transport *webrtc_transport_new(WebrtcFactory *factory, const TransportEvents *events,
                                gpointer user)
{
    Webrtc *webrtc = g_new0(Webrtc, 1);
    webrtc->base = (Transport){ &webrtc_transport, events, user };
    webrtc->factory = factory;
    factory->live++;
    g_queue_init(&webrtc->held);
    webrtc->liveness.silent_after_ns = factory->config.disconnected_ms * NS_PER_MS;
    webrtc->liveness.dead_after_ns = factory->config.failed_ms * NS_PER_MS;
    webrtc->dtls_context = webrtc_factory_dtls(factory);
    webrtc->loop = nested_loop_new(factory->loops);
    GMainContext *context = nested_loop_context(webrtc->loop);
    webrtc->tick_timer = net_timer_new(context, webrtc_tick, webrtc);
    webrtc->dtls_timer = net_timer_new(context, webrtc_dtls_timer, webrtc);
    webrtc->ice = ice_nice_new(&factory->config, webrtc->loop, &webrtc_ice_events, webrtc);
    return &webrtc->base;
}
