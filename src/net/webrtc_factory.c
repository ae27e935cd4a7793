#include "net/webrtc_factory.h"

#include "base/error.h"
#include "base/log.h"
#include "config.h"
#include "net/descriptors.h"
#include "net/ice_candidate.h"

#define CLOSE_WAIT_US (2 * G_USEC_PER_SEC)

static const char *factory_string(WebrtcFactory *factory, const char *text)
{
    char *copy = g_strdup(text);
    if (copy)
        g_ptr_array_add(factory->strings, copy);
    return copy;
}

static const char *const *factory_strings(WebrtcFactory *factory, const char *const *list)
{
    gsize n = list ? g_strv_length((char **)list) : 0;
    if (n == 0)
        return NULL;
    const char **copy = g_new0(const char *, n + 1);
    g_ptr_array_add(factory->strings, copy);
    for (gsize i = 0; i < n; i++)
        copy[i] = factory_string(factory, list[i]);
    return copy;
}

/* libnice 0.1.21 would speak plain TCP to a TLS port. */
static void factory_copy_turn(WebrtcFactory *factory, const WebrtcConfig *config)
{
    WebrtcTurnServer *turn = g_new0(WebrtcTurnServer, config->n_turn_servers + 1);
    g_ptr_array_add(factory->strings, turn);
    factory->config.turn_servers = turn;
    factory->config.n_turn_servers = 0;
    for (gsize i = 0; i < config->n_turn_servers; i++) {
        const WebrtcTurnServer *from = &config->turn_servers[i];
        if (g_strcmp0(from->transport, "tls") == 0) {
            log_info("ice",
                     "TURN server %s:%u is for clients only: the server itself has no TURN "
                     "over TLS",
                     from->host, from->port);
            continue;
        }
        turn[factory->config.n_turn_servers++] = (WebrtcTurnServer){
            .host = factory_string(factory, from->host),
            .port = from->port,
            .user = factory_string(factory, from->user ? from->user : ""),
            .password = factory_string(factory, from->password ? from->password : ""),
            .transport = factory_string(factory, from->transport),
        };
    }
}

static void factory_copy_config(WebrtcFactory *factory, const WebrtcConfig *config)
{
    factory->config = *config;
    factory->config.public_ips = factory_strings(factory, config->public_ips);
    factory->config.bind_addresses = factory_strings(factory, config->bind_addresses);
    factory->config.stun_server = factory_string(factory, config->stun_server);
    factory_copy_turn(factory, config);
    WebrtcConfig *own = &factory->config;
    own->connect_ms = own->connect_ms ? own->connect_ms : 30000;
    own->handshake_ms = own->handshake_ms ? own->handshake_ms : 10000;
    own->disconnected_ms = own->disconnected_ms ? own->disconnected_ms : 5000;
    own->failed_ms = own->failed_ms ? own->failed_ms : 30000;
}

static gboolean factory_check_stun(const WebrtcConfig *config, GError **error)
{
    g_autofree char *host = NULL;
    guint port = 0;
    if (!config->stun_server ||
        (config_split_address(config->stun_server, &host, &port) && host && *host && port))
        return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                "ice.stun_server: \"%s\" is not host:port; write stun.example.org:3478.",
                config->stun_server);
    return FALSE;
}

static gboolean factory_check_turn(const WebrtcConfig *config, GError **error)
{
    for (gsize i = 0; i < config->n_turn_servers; i++) {
        const WebrtcTurnServer *turn = &config->turn_servers[i];
        gboolean known = !turn->transport || g_strcmp0(turn->transport, "udp") == 0 ||
                         g_strcmp0(turn->transport, "tcp") == 0 ||
                         g_strcmp0(turn->transport, "tls") == 0;
        if (known && turn->host && turn->port > 0 && turn->port <= G_MAXUINT16)
            continue;
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "ice.turn_server: \"%s\" needs a host, a port and udp, tcp or tls.",
                    turn->host ? turn->host : "");
        return FALSE;
    }
    return TRUE;
}

static gboolean factory_check(const WebrtcConfig *config, GError **error)
{
    const char *const *text = config->public_ips;
    for (; text && *text; text++) {
        IceNat nat;
        if (!ice_nat_parse(*text, &nat, error))
            return FALSE;
    }
    if (config->port_min > config->port_max || config->port_max > G_MAXUINT16 ||
        (config->port_min == 0) != (config->port_max == 0)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "ice.port_range: %u-%u is not a range of ports; write 40000-49999.",
                    config->port_min, config->port_max);
        return FALSE;
    }
    return factory_check_stun(config, error) && factory_check_turn(config, error);
}

static DtlsContext *factory_make_dtls(GError **error)
{
    g_autoptr(Certificate) certificate = certificate_new(error);
    return certificate ? dtls_context_new(certificate, error) : NULL;
}

static Transport *factory_transport_new(gpointer data, const TransportEvents *events, gpointer user,
                                        GError **error)
{
    thread_assert_net();
    return descriptors_are_left(error) ? webrtc_transport_new(data, events, user) : NULL;
}

WebrtcFactory *webrtc_factory_new(const WebrtcConfig *config, GMainContext *net_context,
                                  GError **error)
{
    if (!factory_check(config, error))
        return NULL;
    DtlsContext *dtls = factory_make_dtls(error);
    if (!dtls)
        return NULL;
    GMainContext *context = net_context ? net_context : g_main_context_default();
    NestedLoops *loops = nested_loops_new(context, error);
    if (!loops) {
        dtls_context_unref(dtls);
        return NULL;
    }
    WebrtcFactory *factory = g_new0(WebrtcFactory, 1);
    factory->dtls = dtls;
    factory->loops = loops;
    factory->context = g_main_context_ref(context);
    factory->strings = g_ptr_array_new_with_free_func(g_free);
    factory_copy_config(factory, config);
    factory->transports = (TransportFactory){ factory_transport_new, factory };
    return factory;
}

DtlsContext *webrtc_factory_dtls(WebrtcFactory *factory)
{
    if (certificate_is_aged(dtls_context_certificate(factory->dtls))) {
        g_autoptr(GError) error = NULL;
        DtlsContext *fresh = factory_make_dtls(&error);
        if (fresh) {
            dtls_context_unref(factory->dtls);
            factory->dtls = fresh;
        } else {
            log_limited(LOG_WARNING, "dtls", "the certificate stays the old one: %s",
                        error->message);
        }
    }
    return dtls_context_ref(factory->dtls);
}

void webrtc_factory_free(WebrtcFactory *factory)
{
    if (!factory)
        return;
    gint64 give_up_us = g_get_monotonic_time() + CLOSE_WAIT_US;
    while (factory->live > 0 && g_get_monotonic_time() < give_up_us)
        if (!g_main_context_iteration(factory->context, FALSE))
            g_usleep(1000);
    if (factory->live > 0) {
        /* The last references are theirs: better a leak at the end than a use after free. */
        log_warning("net", "%u transports did not close in time", factory->live);
        return;
    }
    nested_loops_free(factory->loops);
    dtls_context_unref(factory->dtls);
    g_ptr_array_unref(factory->strings);
    g_main_context_unref(factory->context);
    g_free(factory);
}

const TransportFactory *webrtc_factory_transports(WebrtcFactory *factory)
{
    return &factory->transports;
}

const char *webrtc_factory_fingerprint(const WebrtcFactory *factory)
{
    return certificate_fingerprint(dtls_context_certificate(factory->dtls));
}

guint webrtc_factory_live(const WebrtcFactory *factory)
{
    return factory->live;
}
