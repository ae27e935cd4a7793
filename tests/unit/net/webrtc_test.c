/* Two real transports over loopback sockets. Every wait is for an event, with a deadline. */

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "net/packet_limit.h"
#include "net/webrtc.h"
#include "net/webrtc_factory.h"

#include <gio/gio.h>
#include <glib.h>
#include <netinet/in.h>
#include <nice/agent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define DEADLINE_MS 10000
#define MAX_STATES  16

typedef struct {
    Transport *transport;
    TransportState state, history[MAX_STATES];
    guint n_states, n_gathered, n_rtp, n_rtcp;
    guint8 last[1500];
    gsize last_size;
    gint64 connected_ns;
    gboolean close_on_rtp, close_on_connected;
} Peer;

static GMainContext *context;

static const char *const loopback[] = { "127.0.0.1", NULL };

static WebrtcConfig test_config(void)
{
    return (WebrtcConfig){ .bind_addresses = loopback, .include_loopback = TRUE };
}

static void on_state(TransportState state, gpointer user)
{
    thread_assert_net();
    Peer *peer = user;
    peer->state = state;
    if (peer->n_states < MAX_STATES)
        peer->history[peer->n_states++] = state;
    if (state == TRANSPORT_CONNECTED && !peer->connected_ns)
        peer->connected_ns = clock_now_ns();
    if (state == TRANSPORT_CONNECTED && peer->close_on_connected)
        transport_close(g_steal_pointer(&peer->transport));
}

static void on_gathered(gpointer user)
{
    ((Peer *)user)->n_gathered++;
}

static void keep(Peer *peer, const guint8 *packet, gsize size)
{
    memcpy(peer->last, packet, size);
    peer->last_size = size;
}

static void on_rtp(guint8 *packet, gsize size, gint64 arrival_ns, gpointer user)
{
    thread_assert_net();
    Peer *peer = user;
    g_assert_cmpint(arrival_ns, >, 0);
    keep(peer, packet, size);
    peer->n_rtp++;
    memset(packet, 0xff, size); /* allowed */
    if (peer->close_on_rtp)
        transport_close(g_steal_pointer(&peer->transport));
}

static void on_rtcp(guint8 *packet, gsize size, gint64 arrival_ns, gpointer user)
{
    g_assert_cmpint(arrival_ns, >, 0);
    keep(user, packet, size);
    ((Peer *)user)->n_rtcp++;
}

static const TransportEvents events = {
    .state = on_state,
    .gathered = on_gathered,
    .rtp = on_rtp,
    .rtcp = on_rtcp,
};

static gboolean out_of_time(gpointer data)
{
    *(gboolean *)data = TRUE;
    return G_SOURCE_REMOVE;
}

#define RUN_UNTIL(condition)                                    \
    do {                                                        \
        gboolean late = FALSE;                                  \
        GSource *limit = g_timeout_source_new(DEADLINE_MS);     \
        g_source_set_callback(limit, out_of_time, &late, NULL); \
        g_source_attach(limit, context);                        \
        while (!(condition) && !late)                           \
            g_main_context_iteration(context, TRUE);            \
        g_source_destroy(limit);                                \
        g_source_unref(limit);                                  \
        g_assert_true(condition);                               \
    } while (0)

ON_NET_THREAD static void peer_open(Peer *peer, WebrtcFactory *factory)
{
    g_autoptr(GError) error = NULL;
    const TransportFactory *transports = webrtc_factory_transports(factory);
    peer->transport = transports->transport_new(transports->factory_data, &events, peer, &error);
    g_assert_no_error(error);
    transport_start(peer->transport, &error);
    g_assert_no_error(error);
}

ON_NET_THREAD static void peer_hear(Peer *peer, const Peer *other, DtlsRole other_role)
{
    g_autoptr(GError) error = NULL;
    const TransportLocal *local = transport_local(other->transport);
    TransportRemote remote = {
        .ice_ufrag = local->ice_ufrag,
        .ice_pwd = local->ice_pwd,
        .fingerprint = local->fingerprint,
        .peer_role = other_role,
    };
    transport_set_remote(peer->transport, &remote, &error);
    g_assert_no_error(error);
    for (const char *const *candidate = local->candidates; *candidate; candidate++)
        transport_add_candidate(peer->transport, *candidate, &error);
    g_assert_no_error(error);
}

/* `a` offers (actpass), `b` answers (passive). Returns how long it took, in nanoseconds. */
ON_NET_THREAD static gint64 connect_peers(Peer *a, Peer *b)
{
    RUN_UNTIL(a->n_gathered == 1 && b->n_gathered == 1);
    gint64 before_ns = clock_now_ns();
    peer_hear(b, a, DTLS_ROLE_AUTO);
    peer_hear(a, b, DTLS_ROLE_SERVER);
    RUN_UNTIL(a->state == TRANSPORT_CONNECTED && b->state == TRANSPORT_CONNECTED);
    return MAX(a->connected_ns, b->connected_ns) - before_ns;
}

static gsize make_rtp(guint8 *packet, guint16 seq, gsize payload)
{
    ByteWriter writer = byte_writer(packet, TRANSPORT_MAX_RTP);
    byte_writer_u8(&writer, 0x80);
    byte_writer_u8(&writer, 96);
    byte_writer_u16(&writer, seq);
    byte_writer_u32(&writer, 3000);
    byte_writer_u32(&writer, 0x11223344);
    for (gsize i = 0; i < payload; i++)
        byte_writer_u8(&writer, (guint8)i);
    return writer.pos;
}

ON_NET_THREAD static guint send_rtp(Peer *peer, guint16 seq)
{
    guint8 data[TRANSPORT_MAX_RTP + TRANSPORT_TAG];
    TransportPacket packet = { data, make_rtp(data, seq, 100) };
    return transport_send_rtp(peer->transport, &packet, 1);
}

ON_NET_THREAD static gboolean send_rtcp(Peer *peer)
{
    guint8 data[8 + TRANSPORT_TAG] = { 0x80, 201, 0, 1, 0x11, 0x22, 0x33, 0x44 };
    TransportPacket packet = { data, 8 };
    return transport_send_rtcp(peer->transport, &packet);
}

ON_NET_THREAD static void check_media(Peer *from, Peer *to, guint16 seq)
{
    guint rtp = to->n_rtp, rtcp = to->n_rtcp;
    guint8 expected[TRANSPORT_MAX_RTP];
    gsize size = make_rtp(expected, seq, 100);
    g_assert_cmpuint(send_rtp(from, seq), ==, 1);
    RUN_UNTIL(to->n_rtp == rtp + 1);
    g_assert_cmpmem(to->last, to->last_size, expected, size);
    g_assert_true(send_rtcp(from));
    RUN_UNTIL(to->n_rtcp == rtcp + 1);
    g_assert_cmpuint(to->last_size, ==, 8);
}

static guint count_fds(void)
{
    guint n = 0;
    g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
    while (g_dir_read_name(dir))
        n++;
    return n;
}

static WebrtcFactory *factory_new(const WebrtcConfig *config)
{
    g_autoptr(GError) error = NULL;
    WebrtcFactory *factory = webrtc_factory_new(config, context, &error);
    g_assert_no_error(error);
    return factory;
}

static void test_connect(void)
{
    thread_assert_net();
    WebrtcConfig config = test_config();
    WebrtcFactory *factory = factory_new(&config);
    gint64 worst_ns = 0, sum_ns = 0;
    const guint rounds = 5;
    for (guint round = 0; round < rounds; round++) {
        Peer a = { 0 }, b = { 0 };
        peer_open(&a, factory);
        peer_open(&b, factory);
        gint64 took_ns = connect_peers(&a, &b);
        worst_ns = MAX(worst_ns, took_ns);
        sum_ns += took_ns;
        g_assert_cmpint(a.history[0], ==, TRANSPORT_CONNECTING);
        g_assert_cmpint(a.history[1], ==, TRANSPORT_CONNECTED);
        check_media(&a, &b, 1);
        check_media(&b, &a, 1);
        TransportStats stats;
        transport_stats(a.transport, &stats);
        g_assert_cmpstr(stats.srtp_profile, ==, "AEAD_AES_128_GCM");
        g_assert_cmpuint(stats.sent_packets, ==, 2);
        g_assert_cmpuint(stats.received_packets, ==, 2);
        g_assert_true(g_str_has_prefix(stats.remote_address, "127.0.0.1:"));
        g_assert_cmpint(stats.connect_ns, >, 0);
        transport_close(a.transport);
        RUN_UNTIL(b.state == TRANSPORT_CLOSED); /* close_notify */
        transport_close(b.transport);
    }
    g_test_message("set_remote to CONNECTED on loopback: mean %.1f ms, worst %.1f ms",
                   (double)sum_ns / rounds / NS_PER_MS, (double)worst_ns / NS_PER_MS);
    webrtc_factory_free(factory);
}

static void test_answerer_first_datagrams(void)
{
    thread_assert_net();
    /* The offerer's DTLS and checks come before the answerer knows the offerer's credentials. */
    WebrtcConfig config = test_config();
    WebrtcFactory *factory = factory_new(&config);
    Peer a = { 0 }, b = { 0 };
    peer_open(&a, factory);
    peer_open(&b, factory);
    RUN_UNTIL(a.n_gathered == 1 && b.n_gathered == 1);
    peer_hear(&a, &b, DTLS_ROLE_SERVER);
    for (guint i = 0; i < 20; i++)
        g_main_context_iteration(context, TRUE);
    gint64 before_ns = clock_now_ns();
    peer_hear(&b, &a, DTLS_ROLE_AUTO);
    RUN_UNTIL(a.state == TRANSPORT_CONNECTED && b.state == TRANSPORT_CONNECTED);
    g_test_message("late answerer connected after %.1f ms",
                   (double)(clock_now_ns() - before_ns) / NS_PER_MS);
    transport_close(a.transport);
    transport_close(b.transport);
    webrtc_factory_free(factory);
}

static void test_wrong_fingerprint(void)
{
    thread_assert_net();
    WebrtcConfig config = test_config();
    WebrtcFactory *factory = factory_new(&config);
    WebrtcFactory *other = factory_new(&config);
    Peer a = { 0 }, b = { 0 };
    peer_open(&a, factory);
    peer_open(&b, other);
    RUN_UNTIL(a.n_gathered == 1 && b.n_gathered == 1);
    g_autoptr(GError) error = NULL;
    const TransportLocal *local = transport_local(a.transport);
    TransportRemote lie = { local->ice_ufrag, local->ice_pwd, FALSE,
                            webrtc_factory_fingerprint(other), DTLS_ROLE_AUTO };
    transport_set_remote(b.transport, &lie, &error);
    g_assert_no_error(error);
    peer_hear(&a, &b, DTLS_ROLE_SERVER);
    RUN_UNTIL(b.state == TRANSPORT_FAILED);
    g_assert_cmpuint(send_rtp(&b, 1), ==, 0);
    g_assert_false(transport_restart(b.transport, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
    transport_close(a.transport);
    transport_close(b.transport);
    webrtc_factory_free(factory);
    webrtc_factory_free(other);
}

static void test_restart_keeps_keys(void)
{
    thread_assert_net();
    WebrtcConfig config = test_config();
    WebrtcFactory *factory = factory_new(&config);
    Peer a = { 0 }, b = { 0 };
    g_autoptr(GError) error = NULL;
    peer_open(&a, factory);
    peer_open(&b, factory);
    connect_peers(&a, &b);
    check_media(&a, &b, 1);
    g_autofree char *old_ufrag = g_strdup(transport_local(a.transport)->ice_ufrag);
    transport_restart(a.transport, &error);
    g_assert_no_error(error);
    transport_restart(b.transport, &error);
    g_assert_no_error(error);
    check_media(&b, &a, 2); /* the old path holds meanwhile */
    RUN_UNTIL(a.n_gathered == 2 && b.n_gathered == 2);
    g_assert_cmpstr(transport_local(a.transport)->ice_ufrag, !=, old_ufrag);
    g_assert_nonnull(transport_local(a.transport)->candidates[0]);
    peer_hear(&b, &a, DTLS_ROLE_AUTO);
    peer_hear(&a, &b, DTLS_ROLE_SERVER);
    for (guint16 seq = 3; seq < 20; seq++) {
        check_media(&a, &b, seq);
        check_media(&b, &a, seq);
    }
    g_assert_cmpuint(a.n_states, ==, 2); /* it was connected all the time */
    TransportStats stats;
    transport_stats(b.transport, &stats);
    g_assert_cmpuint(stats.auth_failures, ==, 0);
    transport_close(a.transport);
    transport_close(b.transport);
    webrtc_factory_free(factory);
}

static void test_credentials_need_restart(void)
{
    thread_assert_net();
    WebrtcConfig config = test_config();
    WebrtcFactory *factory = factory_new(&config);
    Peer a = { 0 };
    g_autoptr(GError) error = NULL;
    peer_open(&a, factory);
    const char *fingerprint = webrtc_factory_fingerprint(factory);
    const char *pwd = "0123456789012345678901";
    TransportRemote remote = { "abcd", pwd, FALSE, fingerprint, DTLS_ROLE_AUTO };
    const TransportRemote refused[] = {
        { "abc", pwd, FALSE, fingerprint, DTLS_ROLE_AUTO },
        { "abcd", "short", FALSE, fingerprint, DTLS_ROLE_AUTO },
        { NULL, pwd, FALSE, fingerprint, DTLS_ROLE_AUTO },
        { "ab cd", pwd, FALSE, fingerprint, DTLS_ROLE_AUTO },
        { "abcd", pwd, FALSE, "sha-1 AB:CD", DTLS_ROLE_AUTO },
        { "abcd", pwd, FALSE, NULL, DTLS_ROLE_AUTO },
    };
    for (gsize i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_assert_false(transport_set_remote(a.transport, &refused[i], &error));
        g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
        g_clear_error(&error);
    }
    g_assert_true(transport_set_remote(a.transport, &remote, NULL));
    g_assert_false(transport_set_remote(a.transport, &remote, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
    g_clear_error(&error);
    g_assert_false(transport_add_candidate(a.transport, "nonsense", &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
    for (guint i = 0; i < 100; i++) { /* more than is taken; all succeed */
        g_autofree char *text =
            g_strdup_printf("candidate:1 1 udp 2130706431 127.0.0.1 %u typ host", 20000 + i);
        g_assert_true(transport_add_candidate(a.transport, text, NULL));
    }
    transport_close(a.transport);
    webrtc_factory_free(factory);
}

/* --- An ICE-lite peer: it only answers checks, so that we must be controlling --- */

typedef struct {
    NiceAgent *agent;
    guint stream;
    guint8 first_byte; /* of the first datagram that is not STUN */
} LitePeer;

static void lite_received(NiceAgent *agent, guint stream, guint component, guint size, char *data,
                          gpointer user)
{
    (void)agent;
    (void)stream;
    (void)component;
    LitePeer *lite = user;
    if (size > 0 && !lite->first_byte)
        lite->first_byte = (guint8)data[0];
}

static void lite_open(LitePeer *lite)
{
    NiceAddress address;
    nice_address_init(&address);
    nice_address_set_from_string(&address, "127.0.0.1");
    lite->agent =
        nice_agent_new_full(context, NICE_COMPATIBILITY_RFC5245, NICE_AGENT_OPTION_LITE_MODE);
    g_object_set(lite->agent, "upnp", FALSE, "ice-tcp", FALSE, "controlling-mode", FALSE, NULL);
    nice_agent_add_local_address(lite->agent, &address);
    lite->stream = nice_agent_add_stream(lite->agent, 1);
    nice_agent_attach_recv(lite->agent, lite->stream, 1, context, lite_received, lite);
    g_assert_true(nice_agent_gather_candidates(lite->agent, lite->stream));
}

ON_NET_THREAD static void lite_signal(LitePeer *lite, Peer *peer, const char *fingerprint)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *ufrag = NULL, *pwd = NULL;
    nice_agent_get_local_credentials(lite->agent, lite->stream, &ufrag, &pwd);
    TransportRemote remote = { ufrag, pwd, TRUE, fingerprint, DTLS_ROLE_SERVER };
    transport_set_remote(peer->transport, &remote, &error);
    g_assert_no_error(error);
    const TransportLocal *local = transport_local(peer->transport);
    nice_agent_set_remote_credentials(lite->agent, lite->stream, local->ice_ufrag, local->ice_pwd);
    GSList *candidates = nice_agent_get_local_candidates(lite->agent, lite->stream, 1);
    g_autofree char *text = nice_agent_generate_local_candidate_sdp(lite->agent, candidates->data);
    transport_add_candidate(peer->transport, text, &error);
    g_assert_no_error(error);
    g_slist_free_full(candidates, (GDestroyNotify)nice_candidate_free);
}

static void test_lite_peer(void)
{
    thread_assert_net();
    WebrtcConfig config = test_config();
    WebrtcFactory *factory = factory_new(&config);
    Peer a = { 0 };
    LitePeer lite = { 0 };
    peer_open(&a, factory);
    lite_open(&lite);
    RUN_UNTIL(a.n_gathered == 1);
    g_autofree char *ufrag = g_strdup(transport_local(a.transport)->ice_ufrag);
    lite_signal(&lite, &a, webrtc_factory_fingerprint(factory));
    g_assert_cmpstr(transport_local(a.transport)->ice_ufrag, ==, ufrag); /* as announced */
    g_assert_nonnull(transport_local(a.transport)->candidates[0]);
    RUN_UNTIL(lite.first_byte == 22); /* our ClientHello came through */
    g_assert_cmpuint(a.n_gathered, ==, 1);
    transport_close(a.transport);
    webrtc_factory_free(factory);
    g_object_unref(lite.agent);
}

static void test_close_leaks_nothing(void)
{
    thread_assert_net();
    WebrtcConfig config = test_config();
    WebrtcFactory *factory = factory_new(&config);
    Peer warm = { 0 };
    peer_open(&warm, factory);
    transport_close(warm.transport);
    RUN_UNTIL(webrtc_factory_live(factory) == 0);
    guint before = count_fds();
    for (guint round = 0; round < 50; round++) {
        Peer a = { 0 }, b = { 0 };
        peer_open(&a, factory);
        peer_open(&b, factory);
        if (round % 10 == 0)
            connect_peers(&a, &b);
        transport_close(a.transport);
        transport_close(b.transport);
        guint a_states = a.n_states, b_gathered = b.n_gathered;
        RUN_UNTIL(webrtc_factory_live(factory) == 0);
        g_assert_cmpuint(a.n_states, ==, a_states); /* no event after the close */
        g_assert_cmpuint(b.n_gathered, ==, b_gathered);
    }
    g_assert_cmpuint(count_fds(), ==, before);
    webrtc_factory_free(factory);
}

/* Where clients connect to is announced, where they cannot is not, and no descriptor stays. */
static void test_tcp_candidates(void)
{
    thread_assert_net();
    WebrtcConfig config = test_config();
    config.tcp = TRUE;
    WebrtcFactory *factory = factory_new(&config);
    guint before = 0;
    for (guint round = 0; round < 20; round++) {
        Peer a = { 0 };
        guint udp = 0, tcp = 0;
        peer_open(&a, factory);
        RUN_UNTIL(a.n_gathered == 1);
        const TransportLocal *local = transport_local(a.transport);
        for (const char *const *candidate = local->candidates; *candidate; candidate++) {
            if (strstr(*candidate, " TCP "))
                tcp += g_str_has_suffix(*candidate, " typ host tcptype passive") ? 1 : 100;
            else
                udp += strstr(*candidate, " UDP ") ? 1 : 100;
        }
        g_assert_cmpuint(udp, ==, 1);
        g_assert_cmpuint(tcp, ==, 1);
        transport_close(a.transport);
        RUN_UNTIL(webrtc_factory_live(factory) == 0);
        if (round == 0)
            before = count_fds();
    }
    g_assert_cmpuint(count_fds(), ==, before);
    webrtc_factory_free(factory);
}

static void test_close_inside_event(void)
{
    thread_assert_net();
    WebrtcConfig config = test_config();
    WebrtcFactory *factory = factory_new(&config);
    Peer a = { 0 }, b = { .close_on_rtp = TRUE };
    peer_open(&a, factory);
    peer_open(&b, factory);
    connect_peers(&a, &b);
    for (guint16 seq = 1; seq <= 10; seq++)
        g_assert_cmpuint(send_rtp(&a, seq), ==, 1);
    RUN_UNTIL(!b.transport);
    RUN_UNTIL(webrtc_factory_live(factory) == 1);
    g_assert_cmpuint(b.n_rtp, ==, 1);
    transport_close(a.transport);
    webrtc_factory_free(factory);
}

/* A process that has hardly a descriptor left refuses who comes, and goes on. */
static void test_descriptors_exhausted(void)
{
    thread_assert_net();
    WebrtcConfig config = test_config();
    WebrtcFactory *factory = factory_new(&config);
    const TransportFactory *transports = webrtc_factory_transports(factory);
    static const rlim_t left[] = { 3, 30 };
    Peer peer = { 0 };
    struct rlimit limit;
    int next = dup(0);
    close(next);
    g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    for (guint i = 0; i < G_N_ELEMENTS(left); i++) {
        g_autoptr(GError) error = NULL;
        struct rlimit tight = { (rlim_t)next + left[i], limit.rlim_max };
        g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &tight), ==, 0);
        g_assert_null(transports->transport_new(transports->factory_data, &events, &peer, &error));
        g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE);
        g_assert_nonnull(strstr(error->message, "ulimit -n"));
        g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    }
    g_assert_cmpuint(webrtc_factory_live(factory), ==, 0);
    peer_open(&peer, factory);
    transport_close(peer.transport);
    webrtc_factory_free(factory);
}

static void test_ports_exhausted(void)
{
    thread_assert_net();
    WebrtcConfig config = test_config();
    config.port_min = 31000; /* no port of an outgoing connection */
    config.port_max = 31003;
    WebrtcFactory *factory = factory_new(&config);
    const TransportFactory *transports = webrtc_factory_transports(factory);
    g_autoptr(GPtrArray) open = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    Peer peer = { 0 };
    while (!error && open->len < 10) {
        Transport *transport =
            transports->transport_new(transports->factory_data, &events, &peer, NULL);
        g_ptr_array_add(open, transport);
        transport_start(transport, &error);
    }
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE);
    g_assert_nonnull(strstr(error->message, "ice.port_range 31000-31003"));
    g_assert_cmpuint(open->len, ==, 5);
    for (guint i = 0; i < open->len; i++)
        transport_close(open->pdata[i]);
    RUN_UNTIL(webrtc_factory_live(factory) == 0);
    g_clear_error(&error);
    peer_open(&peer, factory); /* closed ports are free again */
    const char *candidate = transport_local(peer.transport)->candidates[0];
    g_assert_nonnull(strstr(candidate, " 127.0.0.1 3100"));
    transport_close(peer.transport);
    webrtc_factory_free(factory);
}

static void test_bind_address_not_ours(void)
{
    thread_assert_net();
    const char *const foreign[] = { "192.0.2.77", NULL };
    WebrtcConfig config = test_config();
    config.bind_addresses = foreign;
    WebrtcFactory *factory = factory_new(&config);
    const TransportFactory *transports = webrtc_factory_transports(factory);
    g_autoptr(GError) error = NULL;
    Peer peer = { 0 };
    Transport *transport =
        transports->transport_new(transports->factory_data, &events, &peer, NULL);
    g_assert_false(transport_start(transport, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE);
    g_assert_nonnull(strstr(error->message, "192.0.2.77"));
    transport_close(transport);
    webrtc_factory_free(factory);
}

static void test_public_ip(void)
{
    thread_assert_net();
    const char *const mapped[] = { "203.0.113.9/127.0.0.1", NULL };
    WebrtcConfig config = test_config();
    config.public_ips = mapped;
    WebrtcFactory *factory = factory_new(&config);
    Peer peer = { 0 };
    peer_open(&peer, factory);
    RUN_UNTIL(peer.n_gathered == 1);
    const char *const *candidates = transport_local(peer.transport)->candidates;
    g_assert_cmpuint(g_strv_length((char **)candidates), ==, 1);
    g_assert_nonnull(strstr(candidates[0], " 203.0.113.9 "));
    g_assert_null(strstr(candidates[0], "127.0.0.1"));
    transport_close(peer.transport);
    webrtc_factory_free(factory);
}

static void test_bad_configurations(void)
{
    thread_assert_net();
    const char *const bad_ip[] = { "example.org", NULL };
    const WebrtcTurnServer bad_turn = { "turn.example.org", 3478, "u", "p", "sctp" };
    WebrtcConfig configs[] = { test_config(), test_config(), test_config(), test_config(),
                               test_config() };
    configs[0].public_ips = bad_ip;
    configs[1].port_min = 5000;
    configs[1].port_max = 4000;
    configs[2].stun_server = "stun.example.org";
    configs[3].turn_servers = &bad_turn;
    configs[3].n_turn_servers = 1;
    configs[4].port_min = 60000;
    configs[4].port_max = 70000;
    for (gsize i = 0; i < G_N_ELEMENTS(configs); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(webrtc_factory_new(&configs[i], context, &error));
        g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
    }
}

static gboolean send_tick(gpointer data)
{
    thread_assert_net();
    static guint16 seq = 100;
    Peer *peer = data;
    if (peer->transport)
        send_rtp(peer, seq++);
    return G_SOURCE_CONTINUE;
}

static GSource *send_regularly(Peer *peer)
{
    GSource *source = g_timeout_source_new(20);
    g_source_set_callback(source, send_tick, peer, NULL);
    g_source_attach(source, context);
    return source;
}

/* Too many handshakes are half-open: this one waits, holds what comes, and gets its turn. */
static void test_handshakes_limited(void)
{
    thread_assert_net();
    WebrtcConfig config = test_config();
    config.disconnected_ms = 200; /* ticks come as often as a quarter of this */
    WebrtcFactory *factory = factory_new(&config);
    Peer a = { 0 }, b = { 0 };
    peer_open(&a, factory);
    peer_open(&b, factory);
    RUN_UNTIL(a.n_gathered == 1 && b.n_gathered == 1);
    factory->handshakes = WEBRTC_MAX_HANDSHAKES - 1;
    peer_hear(&b, &a, DTLS_ROLE_AUTO);
    peer_hear(&a, &b, DTLS_ROLE_SERVER);
    RUN_UNTIL(factory->handshakes == WEBRTC_MAX_HANDSHAKES);
    for (guint i = 0; i < 20; i++)
        g_main_context_iteration(context, TRUE);
    g_assert_cmpint(a.state, ==, TRANSPORT_CONNECTING);
    g_assert_cmpuint(factory->handshakes, ==, WEBRTC_MAX_HANDSHAKES);
    factory->handshakes = 1; /* the others are done */
    RUN_UNTIL(a.state == TRANSPORT_CONNECTED && b.state == TRANSPORT_CONNECTED);
    g_assert_cmpuint(factory->handshakes, ==, 0);
    transport_close(a.transport);
    transport_close(b.transport);
    webrtc_factory_free(factory);
}

static void test_dead_peer(void)
{
    thread_assert_net();
    WebrtcConfig config = test_config(), patient = test_config();
    config.disconnected_ms = 400;
    config.failed_ms = 1500;
    WebrtcFactory *factory = factory_new(&config), *others = factory_new(&patient);
    Peer a = { 0 }, b = { 0 };
    peer_open(&a, factory);
    peer_open(&b, others); /* it hears nothing either, and does not give up */
    connect_peers(&a, &b);
    GSource *sending = send_regularly(&b);
    RUN_UNTIL(a.n_rtp > 5);
    g_assert_cmpint(a.state, ==, TRANSPORT_CONNECTED);
    g_source_destroy(sending);
    g_source_unref(sending);
    RUN_UNTIL(a.state == TRANSPORT_DISCONNECTED);
    guint n_before = a.n_rtp;
    send_rtp(&b, 500); /* it comes back: with the packet, not with the next tick */
    RUN_UNTIL(a.n_rtp == n_before + 1);
    g_assert_cmpint(a.state, ==, TRANSPORT_CONNECTED);
    RUN_UNTIL(a.state == TRANSPORT_DISCONNECTED);
    RUN_UNTIL(a.state == TRANSPORT_FAILED);
    guint n_rtp = a.n_rtp;
    g_assert_cmpuint(send_rtp(&a, 1), ==, 0); /* no consent, no packets (RFC 7675) */

    g_autoptr(GError) error = NULL; /* and a restart brings it back */
    transport_restart(a.transport, &error);
    g_assert_no_error(error);
    transport_restart(b.transport, &error);
    g_assert_no_error(error);
    RUN_UNTIL(a.n_gathered == 2 && b.n_gathered == 2);
    peer_hear(&b, &a, DTLS_ROLE_AUTO);
    peer_hear(&a, &b, DTLS_ROLE_SERVER);
    RUN_UNTIL(a.state == TRANSPORT_CONNECTED);
    sending = send_regularly(&b);
    RUN_UNTIL(a.n_rtp > n_rtp + 5);
    g_source_destroy(sending);
    g_source_unref(sending);
    transport_close(a.transport);
    transport_close(b.transport);
    webrtc_factory_free(factory);
    webrtc_factory_free(others);
}

/* --- A phone that changes its network --- */

/* The address is gone: whatever is sent from this port fails, and nothing arrives at it. */
static void lose_port(guint port)
{
    g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
    guint lost = 0;
    for (const char *name; (name = g_dir_read_name(dir));) {
        struct sockaddr_in address;
        socklen_t size = sizeof address;
        int fd = atoi(name);
        if (getsockname(fd, (struct sockaddr *)&address, &size) != 0 ||
            address.sin_family != AF_INET || ntohs(address.sin_port) != port)
            continue;
        int nowhere = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        g_assert_cmpint(dup2(nowhere, fd), ==, fd);
        close(nowhere);
        lost++;
    }
    g_assert_cmpuint(lost, ==, 1);
}

ON_NET_THREAD static void current_address(Peer *peer, gboolean local, char *address)
{
    TransportStats stats;
    transport_stats(peer->transport, &stats);
    g_strlcpy(address, local ? stats.local_address : stats.remote_address,
              sizeof stats.local_address);
}

/* The phone's offer after the change has only its new address. */
ON_NET_THREAD static void hear_without(Peer *peer, const Peer *phone, const char *lost_ip)
{
    g_autoptr(GError) error = NULL;
    const TransportLocal *local = transport_local(phone->transport);
    TransportRemote remote = { local->ice_ufrag, local->ice_pwd, FALSE, local->fingerprint,
                               DTLS_ROLE_AUTO };
    guint left = 0;
    transport_set_remote(peer->transport, &remote, &error);
    g_assert_no_error(error);
    for (const char *const *candidate = local->candidates; *candidate; candidate++) {
        if (strstr(*candidate, lost_ip))
            continue;
        transport_add_candidate(peer->transport, *candidate, &error);
        left++;
    }
    g_assert_cmpuint(left, ==, 1);
}

static void test_network_change(void)
{
    thread_assert_net();
    static const char *const two[] = { "127.0.0.1", "127.0.0.2", NULL };
    WebrtcConfig config = test_config(), phone_config = test_config();
    config.disconnected_ms = phone_config.disconnected_ms = 400;
    phone_config.bind_addresses = two;
    WebrtcFactory *factory = factory_new(&config), *phones = factory_new(&phone_config);
    Peer server = { 0 }, phone = { 0 };
    g_autoptr(GError) error = NULL;
    char before[64], after[64];
    peer_open(&phone, phones);
    peer_open(&server, factory);
    connect_peers(&phone, &server);
    GSource *sending = send_regularly(&phone);
    RUN_UNTIL(server.n_rtp > 5);
    current_address(&phone, TRUE, before);
    lose_port((guint)atoi(strchr(before, ':') + 1));
    *strchr(before, ':') = '\0';
    RUN_UNTIL(server.state == TRANSPORT_DISCONNECTED);

    guint n_rtp = server.n_rtp;
    gint64 began_ns = clock_now_ns();
    transport_restart(phone.transport, &error);
    g_assert_no_error(error);
    transport_restart(server.transport, &error);
    g_assert_no_error(error);
    RUN_UNTIL(phone.n_gathered == 2 && server.n_gathered == 2);
    hear_without(&server, &phone, before);
    peer_hear(&phone, &server, DTLS_ROLE_SERVER);
    RUN_UNTIL(server.n_rtp > n_rtp);
    gint64 took_ns = clock_now_ns() - began_ns;
    g_test_message("from the restart to media on the new address: %.0f ms",
                   (double)took_ns / NS_PER_MS);
    g_assert_cmpint(took_ns, <, 3 * NS_PER_SEC);
    RUN_UNTIL(server.state == TRANSPORT_CONNECTED);
    current_address(&server, FALSE, after);
    g_assert_true(g_str_has_prefix(after, strcmp(before, two[0]) ? two[0] : two[1]));
    check_media(&server, &phone, 7);
    TransportStats stats;
    transport_stats(server.transport, &stats);
    g_assert_cmpuint(stats.auth_failures, ==, 0); /* the keys are the same */
    g_source_destroy(sending);
    g_source_unref(sending);
    transport_close(phone.transport);
    transport_close(server.transport);
    webrtc_factory_free(factory);
    webrtc_factory_free(phones);
}

/* It comes back, and whoever hears of that hangs up. */
static void test_close_on_return(void)
{
    thread_assert_net();
    WebrtcConfig config = test_config();
    config.disconnected_ms = 400;
    WebrtcFactory *factory = factory_new(&config);
    Peer a = { 0 }, b = { 0 };
    peer_open(&a, factory);
    peer_open(&b, factory);
    connect_peers(&a, &b);
    check_media(&b, &a, 1);
    RUN_UNTIL(a.state == TRANSPORT_DISCONNECTED);
    guint n_rtp = a.n_rtp;
    a.close_on_connected = TRUE;
    send_rtp(&b, 2);
    RUN_UNTIL(!a.transport);
    g_assert_cmpuint(a.n_rtp, ==, n_rtp);
    transport_close(b.transport);
    webrtc_factory_free(factory);
}

ON_NET_THREAD static void flood(Peer *from, guint n, gboolean rtcp)
{
    for (guint i = 0; i < n; i++) {
        if (rtcp)
            send_rtcp(from);
        else
            send_rtp(from, (guint16)(1000 + i));
        for (guint k = 0; i % 16 == 0 && k < 100; k++) /* what the sockets hold is not lost */
            g_main_context_iteration(context, FALSE);
    }
}

ON_NET_THREAD static guint dropped(const Peer *peer)
{
    TransportStats stats;
    transport_stats(peer->transport, &stats);
    return (guint)stats.dropped_over_limit;
}

static void test_flood(void)
{
    thread_assert_net();
    const guint n_rtcp = PACKET_LIMIT_RTCP_BURST + 400, n_rtp = PACKET_LIMIT_BURST + 2000;
    WebrtcConfig config = test_config();
    WebrtcFactory *factory = factory_new(&config);
    Peer a = { 0 }, b = { 0 };
    TransportStats stats;
    peer_open(&a, factory);
    peer_open(&b, factory);
    connect_peers(&a, &b);
    gint64 began_ns = clock_now_ns();
    flood(&b, n_rtcp, TRUE);
    flood(&b, n_rtp, FALSE);
    RUN_UNTIL(a.n_rtp + a.n_rtcp + dropped(&a) == n_rtp + n_rtcp);
    gdouble took_s = (gdouble)(clock_now_ns() - began_ns) / NS_PER_SEC;
    transport_stats(a.transport, &stats);
    g_test_message("in %.3f s %u RTP and %u RTCP were taken, %u dropped", took_s, a.n_rtp, a.n_rtcp,
                   dropped(&a));
    g_assert_cmpuint(a.n_rtcp, >=, PACKET_LIMIT_RTCP_BURST);
    g_assert_cmpfloat(a.n_rtcp, <=,
                      PACKET_LIMIT_RTCP_BURST + PACKET_LIMIT_RTCP_PER_SECOND * took_s + 1);
    g_assert_cmpfloat(a.n_rtp + a.n_rtcp, <=,
                      PACKET_LIMIT_BURST + PACKET_LIMIT_PER_SECOND * took_s + 1);
    g_assert_cmpuint(stats.auth_failures, ==, 0);
    g_usleep(50000); /* tokens grow again */
    check_media(&b, &a, (guint16)(2000 + n_rtp));
    transport_close(a.transport);
    transport_close(b.transport);
    webrtc_factory_free(factory);
}

static void test_nobody_answers(void)
{
    thread_assert_net();
    WebrtcConfig config = test_config();
    config.connect_ms = 300;
    config.disconnected_ms = 200;
    WebrtcFactory *factory = factory_new(&config);
    Peer a = { 0 };
    peer_open(&a, factory);
    TransportRemote remote = { "abcd", "0123456789012345678901", FALSE,
                               webrtc_factory_fingerprint(factory), DTLS_ROLE_AUTO };
    g_assert_true(transport_set_remote(a.transport, &remote, NULL));
    g_assert_true(transport_add_candidate(
        a.transport, "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host", NULL));
    RUN_UNTIL(a.state == TRANSPORT_FAILED);
    transport_close(a.transport);
    webrtc_factory_free(factory);
}

static void test_garbage_from_strangers(void)
{
    thread_assert_net();
    WebrtcConfig config = test_config();
    WebrtcFactory *factory = factory_new(&config);
    Peer a = { 0 }, b = { 0 };
    peer_open(&a, factory);
    peer_open(&b, factory);
    connect_peers(&a, &b);
    TransportStats stats;
    transport_stats(a.transport, &stats);
    guint port = (guint)g_ascii_strtoull(strrchr(stats.local_address, ':') + 1, NULL, 10);
    g_autoptr(GSocket) stranger =
        g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, NULL);
    g_autoptr(GSocketAddress) to = g_inet_socket_address_new_from_string("127.0.0.1", port);
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    for (guint i = 0; i < 500; i++) {
        char data[1600];
        gsize size = (gsize)g_rand_int_range(rand, 1, sizeof data);
        for (gsize k = 0; k < size; k++)
            data[k] = (char)g_rand_int(rand);
        g_socket_send_to(stranger, to, data, size, NULL, NULL);
        while (g_main_context_iteration(context, FALSE))
            ;
    }
    check_media(&b, &a, 77);
    check_media(&a, &b, 77);
    g_assert_cmpint(a.state, ==, TRANSPORT_CONNECTED);
    transport_close(a.transport);
    transport_close(b.transport);
    webrtc_factory_free(factory);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    thread_set_roles(THREAD_ALL);
    context = g_main_context_new();
    g_test_add_func("/webrtc/connect", test_connect);
    g_test_add_func("/webrtc/late-answerer", test_answerer_first_datagrams);
    g_test_add_func("/webrtc/wrong-fingerprint", test_wrong_fingerprint);
    g_test_add_func("/webrtc/restart-keeps-keys", test_restart_keeps_keys);
    g_test_add_func("/webrtc/credentials", test_credentials_need_restart);
    g_test_add_func("/webrtc/lite-peer", test_lite_peer);
    g_test_add_func("/webrtc/close-leaks-nothing", test_close_leaks_nothing);
    g_test_add_func("/webrtc/tcp-candidates", test_tcp_candidates);
    g_test_add_func("/webrtc/close-inside-event", test_close_inside_event);
    g_test_add_func("/webrtc/descriptors-exhausted", test_descriptors_exhausted);
    g_test_add_func("/webrtc/ports-exhausted", test_ports_exhausted);
    g_test_add_func("/webrtc/bind-address", test_bind_address_not_ours);
    g_test_add_func("/webrtc/public-ip", test_public_ip);
    g_test_add_func("/webrtc/bad-configurations", test_bad_configurations);
    g_test_add_func("/webrtc/handshakes-limited", test_handshakes_limited);
    g_test_add_func("/webrtc/dead-peer", test_dead_peer);
    g_test_add_func("/webrtc/close-on-return", test_close_on_return);
    g_test_add_func("/webrtc/flood", test_flood);
    g_test_add_func("/webrtc/network-change", test_network_change);
    g_test_add_func("/webrtc/nobody-answers", test_nobody_answers);
    g_test_add_func("/webrtc/garbage", test_garbage_from_strangers);
    int result = g_test_run();
    g_main_context_unref(context);
    return result;
}
