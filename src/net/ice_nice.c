#include "net/ice_nice.h"

#include "base/error.h"
#include "base/log.h"
#include "config.h"
#include "net/descriptors.h"
#include "net/ice_candidate.h"
#include "net/ice_path.h"
#include "net/net_timer.h"

#include <gio/gio.h>
#include <nice/agent.h>
#include <nice/interfaces.h>
#include <openssl/rand.h>
#include <string.h>

#define COMPONENT NICE_COMPONENT_TYPE_RTP

/* How long an answer waits for STUN and TURN servers: reflexive and relayed candidates that come
 * later are still used for our own checks. */
#define GATHER_WAIT_MS 1000

#define UFRAG_CHARS    8
#define PWD_CHARS      32

struct IceNice {
    const WebrtcConfig *config;
    GMainContext *context;
    const IceEvents *events;
    gpointer user;
    gboolean closed;
    GDestroyNotify closed_func;
    gpointer closed_data;
    guint closing; /* agents that are */

    NiceAgent *agent;
    guint stream;
    gboolean controlling;

    /* Our side. */
    char ufrag[UFRAG_CHARS + 1], pwd[PWD_CHARS + 1];
    GPtrArray *candidates; /* of char *, NULL-ended */
    gboolean gather_reported;
    NetTimer *gather_timer;

    /* The peer's side. */
    gboolean has_remote;
    GPtrArray *early; /* of NiceCandidate *, before the credentials */
    guint n_remote;

    /* What libnice said and we have not told yet. */
    IceState state, told_state;
    gboolean gather_done;
    NetTimer *tell_timer;

    IcePath path; /* the nominated pair */
};

/* --- Random credentials (RFC 8445 section 5.3): ours are longer than libnice's --- */

static void ice_random_text(char *text, gsize n_chars)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    guint8 bytes[PWD_CHARS];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        g_error("OpenSSL has no random numbers");
    for (gsize i = 0; i < n_chars; i++)
        text[i] = alphabet[bytes[i] & 63];
    text[n_chars] = '\0';
}

static void ice_new_credentials(IceNice *ice)
{
    ice_random_text(ice->ufrag, UFRAG_CHARS);
    ice_random_text(ice->pwd, PWD_CHARS);
}

/* --- Local candidates --- */

static void ice_announce(IceNice *ice, const NiceCandidate *candidate)
{
    gboolean translated = FALSE;
    const char *const *entry = ice->config->public_ips;
    for (; entry && *entry && candidate->type == NICE_CANDIDATE_TYPE_HOST; entry++) {
        IceNat nat;
        if (!ice_nat_parse(*entry, &nat, NULL) || !ice_nat_matches(&nat, &candidate->addr))
            continue;
        g_ptr_array_add(ice->candidates, ice_candidate_format(candidate, &nat.public_address));
        translated = TRUE;
    }
    if (!translated)
        g_ptr_array_add(ice->candidates, ice_candidate_format(candidate, &candidate->addr));
}

/* Of TCP only where clients connect to: nobody waits for us. */
static gboolean ice_is_announced(const NiceCandidate *candidate)
{
    if (candidate->transport == NICE_CANDIDATE_TRANSPORT_TCP_PASSIVE)
        return candidate->type == NICE_CANDIDATE_TYPE_HOST;
    return candidate->transport == NICE_CANDIDATE_TRANSPORT_UDP &&
           candidate->type != NICE_CANDIDATE_TYPE_PEER_REFLEXIVE;
}

static void ice_list_candidates(IceNice *ice)
{
    g_ptr_array_set_size(ice->candidates, 0);
    GSList *list = nice_agent_get_local_candidates(ice->agent, ice->stream, COMPONENT);
    for (GSList *i = list; i; i = i->next) {
        const NiceCandidate *candidate = i->data;
        if (ice_is_announced(candidate))
            ice_announce(ice, candidate);
    }
    g_slist_free_full(list, (GDestroyNotify)nice_candidate_free);
    g_ptr_array_add(ice->candidates, NULL);
}

/* --- What libnice tells --- */

static void ice_tell(gpointer data)
{
    thread_assert_net();
    IceNice *ice = data;
    if (ice->gather_done && !ice->gather_reported && !ice->closed) {
        ice->gather_reported = TRUE;
        net_timer_stop(ice->gather_timer);
        ice_list_candidates(ice);
        ice->events->gathered(ice->user);
    }
    if (ice->state != ice->told_state && !ice->closed) {
        ice->told_state = ice->state;
        ice->events->state(ice->state, ice->user);
    }
}

static void ice_gather_waited(gpointer data)
{
    thread_assert_net();
    IceNice *ice = data;
    ice->gather_done = TRUE;
    ice_tell(ice);
}

static void ice_on_gathering_done(NiceAgent *agent, guint stream, gpointer data)
{
    (void)agent;
    (void)stream;
    IceNice *ice = data;
    ice->gather_done = TRUE;
    net_timer_set(ice->tell_timer, 0);
}

static void ice_on_state(NiceAgent *agent, guint stream, guint component, guint state,
                         gpointer data)
{
    (void)agent;
    (void)stream;
    (void)component;
    IceNice *ice = data;
    if (state == NICE_COMPONENT_STATE_CONNECTED || state == NICE_COMPONENT_STATE_READY)
        ice->state = ICE_CONNECTED;
    else if (state == NICE_COMPONENT_STATE_FAILED)
        ice->state = ICE_FAILED;
    else
        ice->state = ICE_WAITING;
    net_timer_set(ice->tell_timer, 0);
}

static void ice_on_pair(NiceAgent *agent, guint stream, guint component, NiceCandidate *local,
                        NiceCandidate *remote, gpointer data)
{
    (void)component;
    (void)local;
    (void)remote;
    thread_assert_net();
    IceNice *ice = data;
    ice_path_update(&ice->path, agent, stream);
    ice->state = ICE_CONNECTED;
    net_timer_set(ice->tell_timer, 0);
}

static void ice_on_received(NiceAgent *agent, guint stream, guint component, guint size, char *data,
                            gpointer user)
{
    (void)agent;
    (void)stream;
    (void)component;
    thread_assert_net();
    IceNice *ice = user;
    ice_path_received(&ice->path);
    if (!ice->closed)
        ice->events->received((guint8 *)data, size, ice->user);
}

static void ice_on_srtp(guint8 *data, gsize size, gpointer user)
{
    IceNice *ice = user;
    if (!ice->closed)
        ice->events->received(data, size, ice->user);
}

/* --- Opening --- */

IceNice *ice_nice_new(const WebrtcConfig *config, NestedLoop *loop, const IceEvents *events,
                      gpointer user)
{
    IceNice *ice = g_new0(IceNice, 1);
    ice->config = config;
    ice->context = nested_loop_context(loop);
    ice_path_init(&ice->path, loop, ice_on_srtp, ice);
    ice->events = events;
    ice->user = user;
    ice->candidates = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(ice->candidates, NULL);
    ice->early = g_ptr_array_new_with_free_func((GDestroyNotify)nice_candidate_free);
    ice->tell_timer = net_timer_new(ice->context, ice_tell, ice);
    ice->gather_timer = net_timer_new(ice->context, ice_gather_waited, ice);
    ice_new_credentials(ice);
    return ice;
}

static gboolean ice_address_wanted(const IceNice *ice, const NiceAddress *address)
{
    if (nice_address_ip_version(address) == 6) {
        const struct in6_addr *ip = &address->s.ip6.sin6_addr;
        if (!ice->config->ipv6 || IN6_IS_ADDR_LINKLOCAL(ip))
            return FALSE;
    }
    return ice->config->include_loopback || !ice_address_is_loopback(address);
}

/* Adds the addresses of this machine that are wanted; returns how many. */
static guint ice_add_own_addresses(IceNice *ice, gboolean all)
{
    guint n = 0;
    GList *ips = nice_interfaces_get_local_ips(TRUE);
    for (GList *i = ips; i; i = i->next) {
        NiceAddress address;
        nice_address_init(&address);
        if (!nice_address_set_from_string(&address, i->data) ||
            (!all && !ice_address_wanted(ice, &address)))
            continue;
        nice_agent_add_local_address(ice->agent, &address);
        n++;
    }
    g_list_free_full(ips, g_free);
    return n;
}

static gboolean ice_add_bind_addresses(IceNice *ice, GError **error)
{
    for (const char *const *text = ice->config->bind_addresses; *text; text++) {
        NiceAddress address;
        nice_address_init(&address);
        if (!nice_address_set_from_string(&address, *text)) {
            g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                        "ice.bind: \"%s\" is not an IP address; write one of this machine's "
                        "addresses.",
                        *text);
            return FALSE;
        }
        nice_agent_add_local_address(ice->agent, &address);
    }
    return TRUE;
}

static gboolean ice_add_addresses(IceNice *ice, GError **error)
{
    const char *const *bind_addresses = ice->config->bind_addresses;
    if (bind_addresses && bind_addresses[0])
        return ice_add_bind_addresses(ice, error);
    if (ice_add_own_addresses(ice, FALSE) == 0) /* a machine that has only its loopback */
        ice_add_own_addresses(ice, TRUE);
    return TRUE;
}

static void ice_use_servers(IceNice *ice)
{
    const WebrtcConfig *config = ice->config;
    g_autofree char *host = NULL;
    guint port = 0;
    if (config->stun_server && config_split_address(config->stun_server, &host, &port))
        g_object_set(ice->agent, "stun-server", host, "stun-server-port", port, NULL);
    for (gsize i = 0; i < config->n_turn_servers; i++) {
        const WebrtcTurnServer *turn = &config->turn_servers[i];
        NiceRelayType type = g_strcmp0(turn->transport, "tcp") == 0 ? NICE_RELAY_TYPE_TURN_TCP
                                                                    : NICE_RELAY_TYPE_TURN_UDP;
        nice_agent_set_relay_info(ice->agent, ice->stream, COMPONENT, turn->host, turn->port,
                                  turn->user, turn->password, type);
    }
}

/* libnice only says FALSE: find out whether an address or the port range is to blame. */
static void ice_gather_error(IceNice *ice, GError **error)
{
    const char *const *text = ice->config->bind_addresses;
    for (; text && *text; text++) {
        g_autoptr(GSocketAddress) address = g_inet_socket_address_new_from_string(*text, 0);
        g_autoptr(GSocket) probe =
            address ? g_socket_new(g_socket_address_get_family(address), G_SOCKET_TYPE_DATAGRAM,
                                   G_SOCKET_PROTOCOL_UDP, NULL)
                    : NULL;
        if (probe && g_socket_bind(probe, address, FALSE, NULL))
            continue;
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                    "ice.bind: no UDP socket can be opened on %s; write one of this machine's "
                    "addresses.",
                    *text);
        return;
    }
    if (ice->config->port_min)
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                    "No UDP port is free in ice.port_range %u-%u; make the range wider (each "
                    "participant takes one port per address).",
                    ice->config->port_min, ice->config->port_max);
    else
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                    "No UDP socket could be opened for a participant; raise the limit of open "
                    "files (ulimit -n) or check the machine's network addresses.");
}

static NiceAgent *ice_agent_new(IceNice *ice)
{
    /* Checks as keep-alives, but not libnice's consent: that would revoke the peer for good after
     * 10 s. Without it libnice asks just as often, and gives up after 50 s; liveness.c before. */
    return g_object_new(NICE_TYPE_AGENT, "compatibility", NICE_COMPATIBILITY_RFC5245,
                        "main-context", ice->context, "reliable", FALSE, "full-mode", TRUE,
                        "consent-freshness", FALSE, "keepalive-conncheck", TRUE, "upnp", FALSE,
                        "ice-udp", TRUE, "ice-tcp", ice->config->tcp, "controlling-mode",
                        ice->controlling, NULL);
}

static gboolean ice_agent_open(IceNice *ice, GError **error)
{
    if (!descriptors_are_left(error))
        return FALSE;
    ice->agent = ice_agent_new(ice);
    if (!ice_add_addresses(ice, error))
        return FALSE;
    ice->stream = nice_agent_add_stream(ice->agent, 1);
    if (ice->config->port_min)
        nice_agent_set_port_range(ice->agent, ice->stream, COMPONENT, ice->config->port_min,
                                  ice->config->port_max);
    ice_use_servers(ice);
    nice_agent_set_local_credentials(ice->agent, ice->stream, ice->ufrag, ice->pwd);
    g_signal_connect(ice->agent, "candidate-gathering-done", G_CALLBACK(ice_on_gathering_done),
                     ice);
    g_signal_connect(ice->agent, "component-state-changed", G_CALLBACK(ice_on_state), ice);
    g_signal_connect(ice->agent, "new-selected-pair-full", G_CALLBACK(ice_on_pair), ice);
    nice_agent_attach_recv(ice->agent, ice->stream, COMPONENT, ice->context, ice_on_received, ice);
    if (!nice_agent_gather_candidates(ice->agent, ice->stream)) {
        ice_gather_error(ice, error);
        return FALSE;
    }
    return TRUE;
}

gboolean ice_nice_gather(IceNice *ice, GError **error)
{
    if (!ice_agent_open(ice, error))
        return FALSE;
    ice_list_candidates(ice);
    net_timer_set(ice->gather_timer, GATHER_WAIT_MS);
    return TRUE;
}

const char *ice_nice_ufrag(const IceNice *ice)
{
    return ice->ufrag;
}

const char *ice_nice_pwd(const IceNice *ice)
{
    return ice->pwd;
}

const char *const *ice_nice_candidates(const IceNice *ice)
{
    return (const char *const *)ice->candidates->pdata;
}

/* --- The agent's end --- */

static void ice_on_dropped(NiceAgent *agent, guint stream, guint component, guint size, char *data,
                           gpointer user)
{
    (void)agent;
    (void)stream;
    (void)component;
    (void)size;
    (void)data;
    (void)user;
}

/* Silences an agent at once; its sockets go at the loop's next turn, because we may be inside one
 * of its callbacks. They are read until then: a TURN server confirms the end of its relay. */
ON_NET_THREAD static void ice_agent_mute(IceNice *ice, NiceAgent *agent)
{
    g_signal_handlers_disconnect_by_data(agent, ice);
    ice_path_update(&ice->path, NULL, 0);
    if (ice->stream)
        nice_agent_attach_recv(agent, ice->stream, COMPONENT, ice->context, ice_on_dropped, NULL);
}

static void ice_free_if_over(IceNice *ice)
{
    if (ice->closing > 0 || ice->tell_timer)
        return;
    if (ice->closed_func)
        ice->closed_func(ice->closed_data);
    g_free(ice);
}

static void ice_agent_closed(GObject *agent, GAsyncResult *result, gpointer data)
{
    (void)result;
    IceNice *ice = data;
    g_object_unref(agent);
    ice->closing--;
    ice_free_if_over(ice);
}

/* Without nice_agent_remove_stream(): a stream that is removed no longer hears the TURN server.
 * The callback comes to the thread's default context, so that is made ours for the call. */
static void ice_agent_close(IceNice *ice)
{
    ice->closing++;
    g_main_context_push_thread_default(ice->context);
    nice_agent_close_async(ice->agent, ice_agent_closed, ice);
    g_main_context_pop_thread_default(ice->context);
    ice->agent = NULL;
}

/* --- The peer --- */

static gboolean ice_credential_ok(const char *text, gsize min, gsize max)
{
    gsize size = text ? strnlen(text, max + 1) : 0;
    for (gsize i = 0; i < size; i++)
        if (!g_ascii_isgraph(text[i]) || text[i] == ':')
            return FALSE;
    return size >= min && size <= max;
}

/* libnice fixes the role when gathering begins. An ICE-lite peer never sends checks of its own, so
 * that it does not miss the sockets which were announced: a new agent takes over. */
ON_NET_THREAD static gboolean ice_become_controlling(IceNice *ice, GError **error)
{
    if (ice->controlling)
        return TRUE;
    ice->controlling = TRUE;
    if (!ice->agent)
        return TRUE;
    ice_agent_mute(ice, ice->agent);
    ice_agent_close(ice);
    ice->stream = 0;
    ice->state = ICE_WAITING;
    if (!ice_agent_open(ice, error))
        return FALSE;
    ice_list_candidates(ice);
    return TRUE;
}

static void ice_use_candidate(IceNice *ice, NiceCandidate *candidate)
{
    GSList one = { .data = candidate };
    nice_agent_set_remote_candidates(ice->agent, ice->stream, COMPONENT, &one);
}

gboolean ice_nice_set_remote(IceNice *ice, const char *ufrag, const char *pwd,
                             gboolean peer_is_lite, GError **error)
{
    if (!ice_credential_ok(ufrag, 4, 256) || !ice_credential_ok(pwd, 22, 256)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "The SDP's ICE credentials are not usable; send an a=ice-ufrag of 4 to 256 and "
                    "an a=ice-pwd of 22 to 256 characters.");
        return FALSE;
    }
    if (peer_is_lite && !ice_become_controlling(ice, error))
        return FALSE;
    nice_agent_set_remote_credentials(ice->agent, ice->stream, ufrag, pwd);
    ice->has_remote = TRUE;
    for (guint i = 0; i < ice->early->len; i++)
        ice_use_candidate(ice, ice->early->pdata[i]);
    g_ptr_array_set_size(ice->early, 0);
    return TRUE;
}

gboolean ice_nice_add_candidate(IceNice *ice, const char *text, GError **error)
{
    NiceCandidate *candidate = NULL;
    IceCandidateResult result =
        ice_candidate_parse(text, ice->config->include_loopback, &candidate);
    if (result == ICE_CANDIDATE_MALFORMED) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "That is not an ICE candidate; send \"candidate:...\" as RFC 8839 section 5.1 "
                    "writes it.");
        return FALSE;
    }
    if (result == ICE_CANDIDATE_UNUSABLE)
        return TRUE;
    if (ice->n_remote >= ICE_MAX_REMOTE_CANDIDATES) {
        log_limited(LOG_INFO, "ice", "more than %d remote candidates: the rest is ignored",
                    ICE_MAX_REMOTE_CANDIDATES);
        nice_candidate_free(candidate);
        return TRUE;
    }
    ice->n_remote++;
    if (!ice->has_remote) {
        g_ptr_array_add(ice->early, candidate);
        return TRUE;
    }
    ice_use_candidate(ice, candidate);
    nice_candidate_free(candidate);
    return TRUE;
}

gboolean ice_nice_restart(IceNice *ice, GError **error)
{
    ice_new_credentials(ice);
    if (!ice->agent || !nice_agent_restart(ice->agent) ||
        !nice_agent_set_local_credentials(ice->agent, ice->stream, ice->ufrag, ice->pwd)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INTERNAL,
                    "libnice could not restart ICE; leave and join again.");
        return FALSE;
    }
    ice->has_remote = FALSE;
    ice->n_remote = 0;
    g_ptr_array_set_size(ice->early, 0);
    ice->state = ice->told_state = ICE_WAITING;
    ice->gather_done = TRUE;
    ice->gather_reported = FALSE;
    net_timer_set(ice->tell_timer, 0);
    return TRUE;
}

/* --- Datagrams --- */

guint ice_nice_send_all(IceNice *ice, struct iovec *datagrams, guint n)
{
    return ice_path_send(&ice->path, ice->state == ICE_CONNECTED, datagrams, n);
}

gboolean ice_nice_send(IceNice *ice, const guint8 *data, gsize size)
{
    struct iovec datagram = { (gpointer)data, size };
    return ice_nice_send_all(ice, &datagram, 1) == 1;
}

gboolean ice_nice_heard(IceNice *ice)
{
    return ice_path_heard(&ice->path, ice->state == ICE_CONNECTED);
}

void ice_nice_addresses(IceNice *ice, char *local, char *remote, gsize size)
{
    ice_path_addresses(&ice->path, local, remote, size);
}

/* --- Closing --- */

static void ice_close_now(gpointer data)
{
    IceNice *ice = data;
    g_clear_pointer(&ice->tell_timer, net_timer_free);
    net_timer_free(ice->gather_timer);
    g_ptr_array_unref(ice->candidates);
    g_ptr_array_unref(ice->early);
    if (ice->agent)
        ice_agent_close(ice);
    ice_free_if_over(ice);
}

void ice_nice_close(IceNice *ice, GDestroyNotify done, gpointer data)
{
    ice->closed = TRUE;
    ice->closed_func = done;
    ice->closed_data = data;
    if (ice->agent)
        ice_agent_mute(ice, ice->agent);
    net_timer_stop(ice->gather_timer);
    net_timer_free(ice->tell_timer);
    ice->tell_timer = net_timer_new(ice->context, ice_close_now, ice);
    net_timer_set(ice->tell_timer, 0);
}
