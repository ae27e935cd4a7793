#include "support/memory_transport.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "rtp/rtp.h"

#define TIMER_MS 2

typedef struct {
    Transport base;
    gint refs; /* net thread: it may be closed while it calls back */
    gboolean closed;
    MemoryNetwork *network;
    MemoryPort *port; /* (a reference) or NULL: not known yet */
    TransportState state;
    gboolean gather_due;
    gint64 connect_at_ns; /* 0: not yet */
    gint64 started_ns;
    guint generation; /* of the ICE credentials */
    TransportStats stats;
    char ufrag[24];
    const char *candidates[2];
    TransportLocal local;
} MemoryTransport;

struct MemoryPort {
    gint refs; /* atomic */
    MemoryNetwork *network;
    char *ufrag;
    gint connected;    /* atomic */
    gint wanted_state; /* atomic: TransportState + 1 to report, or 0 */

    pthread_mutex_t lock; /* guards the links */
    SimLink *up, *down;
};

struct MemoryNetwork {
    Engine *engine;
    TransportFactory factory;
    gint64 connect_delay_ns;
    GSource *timer;
    gint fail_next;       /* atomic */
    gint transport_count; /* atomic */

    /* Net thread. */
    GPtrArray *transports; /* of MemoryTransport */
    guint next_number;

    pthread_mutex_t lock; /* guards everything below */
    GPtrArray *ports;     /* of MemoryPort */
    guint32 next_seed;
};

/* --- ports ------------------------------------------------------------------------------- */

MemoryPort *memory_port_new(MemoryNetwork *network, const char *ice_ufrag)
{
    MemoryPort *port = g_new0(MemoryPort, 1);
    port->refs = 1;
    port->network = network;
    port->ufrag = g_strdup(ice_ufrag);
    pthread_mutex_init(&port->lock, NULL);
    pthread_mutex_lock(&network->lock);
    port->up = sim_link_new(network->next_seed++);
    port->down = sim_link_new(network->next_seed++);
    g_ptr_array_add(network->ports, port);
    pthread_mutex_unlock(&network->lock);
    return port;
}

static MemoryPort *port_ref(MemoryPort *port)
{
    g_atomic_int_inc(&port->refs);
    return port;
}

static void port_unref(MemoryPort *port)
{
    if (!port || !g_atomic_int_dec_and_test(&port->refs))
        return;
    sim_link_free(port->up);
    sim_link_free(port->down);
    pthread_mutex_destroy(&port->lock);
    g_free(port->ufrag);
    g_free(port);
}

void memory_port_free(MemoryPort *port)
{
    if (!port)
        return;
    pthread_mutex_lock(&port->network->lock);
    g_ptr_array_remove(port->network->ports, port);
    pthread_mutex_unlock(&port->network->lock);
    port_unref(port);
}

void memory_port_configure(MemoryPort *port, const SimLinkConfig *up, const SimLinkConfig *down)
{
    pthread_mutex_lock(&port->lock);
    sim_link_configure(port->up, up);
    sim_link_configure(port->down, down);
    pthread_mutex_unlock(&port->lock);
}

void memory_port_hold_up(MemoryPort *port, gint64 until_ns)
{
    pthread_mutex_lock(&port->lock);
    sim_link_hold(port->up, until_ns);
    pthread_mutex_unlock(&port->lock);
}

void memory_port_send(MemoryPort *port, const guint8 *data, gsize size, gint64 now_ns)
{
    pthread_mutex_lock(&port->lock);
    sim_link_send(port->up, data, size, now_ns);
    pthread_mutex_unlock(&port->lock);
}

static GBytes *port_take(MemoryPort *port, SimLink *link, gint64 now_ns, gint64 *arrival_ns)
{
    pthread_mutex_lock(&port->lock);
    GBytes *bytes = sim_link_receive(link, now_ns, arrival_ns);
    pthread_mutex_unlock(&port->lock);
    return bytes;
}

GBytes *memory_port_receive(MemoryPort *port, gint64 now_ns, gint64 *arrival_ns)
{
    return port_take(port, port->down, now_ns, arrival_ns);
}

void memory_port_set_state(MemoryPort *port, TransportState state)
{
    g_atomic_int_set(&port->wanted_state, (gint)state + 1);
}

gboolean memory_port_connected(MemoryPort *port)
{
    return g_atomic_int_get(&port->connected) > 0;
}

static MemoryPort *find_port(MemoryNetwork *network, const char *ufrag)
{
    MemoryPort *found = NULL;
    gsize length = strcspn(ufrag, "+");
    pthread_mutex_lock(&network->lock);
    for (guint i = 0; i < network->ports->len && !found; i++) {
        MemoryPort *port = network->ports->pdata[i];
        if (strlen(port->ufrag) == length && strncmp(port->ufrag, ufrag, length) == 0)
            found = port_ref(port);
    }
    pthread_mutex_unlock(&network->lock);
    return found;
}

/* --- transports -------------------------------------------------------------------------- */

static void transport_unref(MemoryTransport *transport)
{
    if (--transport->refs > 0)
        return;
    port_unref(transport->port);
    g_atomic_int_add(&transport->network->transport_count, -1);
    g_free(transport);
}

static void set_state(MemoryTransport *transport, TransportState state)
{
    if (transport->state == state)
        return;
    transport->state = state;
    if (transport->port)
        g_atomic_int_set(&transport->port->connected, state == TRANSPORT_CONNECTED);
    transport->base.events->state(state, transport->base.user);
}

static void new_credentials(MemoryTransport *transport)
{
    g_snprintf(transport->ufrag, sizeof transport->ufrag, "srv%u", ++transport->generation);
    transport->candidates[0] = "candidate:1 1 udp 2130706431 127.0.0.1 50000 typ host";
    transport->local =
        (TransportLocal){ .ice_ufrag = transport->ufrag,
                          .ice_pwd = "0123456789abcdef0123456789abcdef",
                          .fingerprint = "sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:"
                                         "10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F",
                          .candidates = transport->candidates };
    transport->gather_due = TRUE;
}

static gboolean memory_start(Transport *base, GError **error)
{
    MemoryTransport *transport = (MemoryTransport *)base;
    (void)error;
    transport->started_ns = engine_now_ns(transport->network->engine);
    new_credentials(transport);
    return TRUE;
}

static gboolean memory_restart(Transport *base, GError **error)
{
    (void)error;
    new_credentials((MemoryTransport *)base);
    return TRUE;
}

static const TransportLocal *memory_local(Transport *base)
{
    return &((MemoryTransport *)base)->local;
}

static gboolean memory_set_remote(Transport *base, const TransportRemote *remote, GError **error)
{
    MemoryTransport *transport = (MemoryTransport *)base;
    MemoryPort *port = find_port(transport->network, remote->ice_ufrag);
    if (!port) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID, "No client is called %s.",
                    remote->ice_ufrag);
        return FALSE;
    }
    port_unref(transport->port);
    transport->port = port;
    transport->connect_at_ns =
        engine_now_ns(transport->network->engine) + transport->network->connect_delay_ns;
    return TRUE;
}

static gboolean memory_add_candidate(Transport *base, const char *candidate, GError **error)
{
    (void)base, (void)candidate, (void)error;
    return TRUE;
}

static gboolean send_one(MemoryTransport *transport, const TransportPacket *packet)
{
    gint64 now_ns = engine_now_ns(transport->network->engine);
    if (transport->state != TRANSPORT_CONNECTED) {
        transport->stats.send_failures++;
        return FALSE;
    }
    pthread_mutex_lock(&transport->port->lock);
    sim_link_send(transport->port->down, packet->data, packet->size, now_ns);
    pthread_mutex_unlock(&transport->port->lock);
    transport->stats.sent_packets++;
    transport->stats.sent_bytes += packet->size;
    /* As SRTP does: what was given is scribbled on, tag included. */
    memset(packet->data, 0x5a, packet->size + TRANSPORT_TAG);
    return TRUE;
}

static guint memory_send_rtp(Transport *base, TransportPacket *packets, guint n)
{
    guint sent = 0;
    for (guint i = 0; i < n; i++)
        sent += send_one((MemoryTransport *)base, &packets[i]);
    return sent;
}

static gboolean memory_send_rtcp(Transport *base, TransportPacket *packet)
{
    return send_one((MemoryTransport *)base, packet);
}

static void memory_stats(Transport *base, TransportStats *stats)
{
    *stats = ((MemoryTransport *)base)->stats;
}

static void memory_close(Transport *base)
{
    MemoryTransport *transport = (MemoryTransport *)base;
    transport->closed = TRUE;
    if (transport->port && transport->state == TRANSPORT_CONNECTED)
        g_atomic_int_set(&transport->port->connected, 0);
    g_ptr_array_remove(transport->network->transports, transport);
    transport_unref(transport);
}

static const TransportType memory_type = { .name = "memory",
                                           .start = memory_start,
                                           .local = memory_local,
                                           .set_remote = memory_set_remote,
                                           .add_candidate = memory_add_candidate,
                                           .restart = memory_restart,
                                           .send_rtp = memory_send_rtp,
                                           .send_rtcp = memory_send_rtcp,
                                           .stats = memory_stats,
                                           .close = memory_close };

static Transport *memory_transport_new(gpointer factory_data, const TransportEvents *events,
                                       gpointer user, GError **error)
{
    MemoryNetwork *network = factory_data;
    if (g_atomic_int_get(&network->fail_next) > 0) {
        g_atomic_int_add(&network->fail_next, -1);
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                            "No port is free for another connection.");
        return NULL;
    }
    MemoryTransport *transport = g_new0(MemoryTransport, 1);
    transport->base = (Transport){ &memory_type, events, user };
    transport->refs = 1;
    transport->network = network;
    transport->state = TRANSPORT_NEW;
    g_atomic_int_inc(&network->transport_count);
    g_ptr_array_add(network->transports, transport);
    return &transport->base;
}

/* --- moving packets ---------------------------------------------------------------------- */

static void advance_state(MemoryTransport *transport, gint64 now_ns)
{
    if (transport->gather_due) {
        transport->gather_due = FALSE;
        transport->base.events->gathered(transport->base.user);
    }
    if (!transport->closed && transport->connect_at_ns && now_ns >= transport->connect_at_ns) {
        transport->connect_at_ns = 0;
        transport->stats.connect_ns = now_ns - transport->started_ns;
        set_state(transport, TRANSPORT_CONNECTED);
    }
    if (transport->closed || !transport->port)
        return;
    gint wanted = g_atomic_int_get(&transport->port->wanted_state);
    if (wanted && g_atomic_int_compare_and_exchange(&transport->port->wanted_state, wanted, 0))
        set_state(transport, (TransportState)(wanted - 1));
}

static void deliver_packet(MemoryTransport *transport, GBytes *bytes, gint64 arrival_ns)
{
    gsize size = 0;
    gconstpointer data = g_bytes_get_data(bytes, &size);
    /* An exact copy: a sanitizer sees reads past its end. */
    g_autofree guint8 *copy = g_memdup2(data, size);
    transport->stats.received_packets++;
    transport->stats.received_bytes += size;
    if (rtp_is_rtcp(copy, size))
        transport->base.events->rtcp(copy, size, arrival_ns, transport->base.user);
    else
        transport->base.events->rtp(copy, size, arrival_ns, transport->base.user);
}

static void deliver_to(MemoryTransport *transport, gint64 now_ns)
{
    gint64 arrival_ns;
    GBytes *bytes;
    while (!transport->closed && transport->state == TRANSPORT_CONNECTED &&
           (bytes = port_take(transport->port, transport->port->up, now_ns, &arrival_ns))) {
        deliver_packet(transport, bytes, arrival_ns);
        g_bytes_unref(bytes);
    }
}

void memory_network_deliver(MemoryNetwork *network, gint64 now_ns)
{
    for (guint i = 0; i < network->transports->len; i++) {
        MemoryTransport *transport = network->transports->pdata[i];
        transport->refs++;
        advance_state(transport, now_ns);
        deliver_to(transport, now_ns);
        transport_unref(transport);
    }
}

static void deliver_now(gpointer data)
{
    MemoryNetwork *network = data;
    thread_assert_net();
    memory_network_deliver(network, engine_now_ns(network->engine));
}

void memory_network_post_delivery(MemoryNetwork *network)
{
    mailbox_post(engine_net_mailbox(network->engine), deliver_now, network, NULL);
}

static gboolean deliver_on_timer(gpointer data)
{
    deliver_now(data);
    return G_SOURCE_CONTINUE;
}

/* --- the network ------------------------------------------------------------------------- */

MemoryNetwork *memory_network_new(Engine *engine, gboolean threaded, guint32 seed)
{
    MemoryNetwork *network = g_new0(MemoryNetwork, 1);
    network->engine = engine;
    network->factory = (TransportFactory){ memory_transport_new, network };
    network->connect_delay_ns = 50 * NS_PER_MS;
    network->transports = g_ptr_array_new();
    network->ports = g_ptr_array_new();
    network->next_seed = seed;
    pthread_mutex_init(&network->lock, NULL);
    if (threaded) {
        network->timer = g_timeout_source_new(TIMER_MS);
        g_source_set_callback(network->timer, deliver_on_timer, network, NULL);
        g_source_attach(network->timer, engine_net_context(engine));
    }
    return network;
}

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t done;
    gboolean stopped;
    GSource *timer;
} StopTimer;

static void stop_timer(gpointer data)
{
    StopTimer *stop = data;
    g_source_destroy(stop->timer);
    pthread_mutex_lock(&stop->lock);
    stop->stopped = TRUE;
    pthread_cond_signal(&stop->done);
    pthread_mutex_unlock(&stop->lock);
}

/* On the timer's own thread, so that it is not in the middle of a delivery. */
static void stop_timer_and_wait(MemoryNetwork *network)
{
    StopTimer stop = { .timer = network->timer };
    pthread_mutex_init(&stop.lock, NULL);
    pthread_cond_init(&stop.done, NULL);
    mailbox_post(engine_net_mailbox(network->engine), stop_timer, &stop, NULL);
    pthread_mutex_lock(&stop.lock);
    while (!stop.stopped)
        pthread_cond_wait(&stop.done, &stop.lock);
    pthread_mutex_unlock(&stop.lock);
    pthread_mutex_destroy(&stop.lock);
    pthread_cond_destroy(&stop.done);
    g_source_unref(network->timer);
}

void memory_network_free(MemoryNetwork *network)
{
    if (!network)
        return;
    if (network->timer)
        stop_timer_and_wait(network);
    g_assert_cmpuint(network->transports->len, ==, 0);
    g_ptr_array_unref(network->transports);
    g_ptr_array_unref(network->ports);
    pthread_mutex_destroy(&network->lock);
    g_free(network);
}

const TransportFactory *memory_network_factory(MemoryNetwork *network)
{
    return &network->factory;
}

void memory_network_set_connect_delay(MemoryNetwork *network, gint64 delay_ns)
{
    network->connect_delay_ns = delay_ns;
}

void memory_network_fail_next(MemoryNetwork *network, guint count)
{
    g_atomic_int_set(&network->fail_next, (gint)count);
}

guint memory_network_transports(MemoryNetwork *network)
{
    return (guint)g_atomic_int_get(&network->transport_count);
}
