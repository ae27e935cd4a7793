#include "support/sim_link.h"

#include "base/clock.h"

#define HELD_BACK_NS     (15 * NS_PER_MS)
#define DEFAULT_QUEUE_NS (300 * NS_PER_MS)

typedef struct {
    GBytes *bytes;
    gint64 arrival_ns;
} InFlight;

struct SimLink {
    SimLinkConfig config;
    GRand *random;
    GQueue in_flight; /* of InFlight, the earliest first */
    guint burst_left;
    gint64 busy_until_ns, newest_ns, hold_until_ns;
    SimLinkStats stats;
};

static void in_flight_free(gpointer data)
{
    InFlight *packet = data;
    g_bytes_unref(packet->bytes);
    g_free(packet);
}

SimLink *sim_link_new(guint32 seed)
{
    SimLink *link = g_new0(SimLink, 1);
    link->random = g_rand_new_with_seed(seed);
    g_queue_init(&link->in_flight);
    return link;
}

void sim_link_free(SimLink *link)
{
    if (!link)
        return;
    g_queue_clear_full(&link->in_flight, in_flight_free);
    g_rand_free(link->random);
    g_free(link);
}

void sim_link_configure(SimLink *link, const SimLinkConfig *config)
{
    link->config = *config;
    link->burst_left = 0;
}

void sim_link_hold(SimLink *link, gint64 until_ns)
{
    link->hold_until_ns = until_ns;
    for (GList *l = link->in_flight.head; l; l = l->next) {
        InFlight *packet = l->data;
        packet->arrival_ns = MAX(packet->arrival_ns, until_ns);
    }
}

static gboolean chance(SimLink *link, gdouble probability)
{
    return probability > 0 && g_rand_double(link->random) < probability;
}

static gboolean is_lost(SimLink *link)
{
    if (link->burst_left > 0) {
        link->burst_left--;
        return TRUE;
    }
    if (chance(link, link->config.burst)) {
        link->burst_left = link->config.burst_len > 0 ? link->config.burst_len - 1 : 0;
        return TRUE;
    }
    return chance(link, link->config.loss);
}

static gint compare_arrival(gconstpointer a, gconstpointer b, gpointer user)
{
    (void)user;
    gint64 first_ns = ((const InFlight *)a)->arrival_ns;
    gint64 second_ns = ((const InFlight *)b)->arrival_ns;
    return first_ns < second_ns ? -1 : first_ns > second_ns;
}

static void deliver_at(SimLink *link, GBytes *bytes, gint64 arrival_ns)
{
    InFlight *packet = g_new(InFlight, 1);
    *packet = (InFlight){ g_bytes_ref(bytes), MAX(arrival_ns, link->hold_until_ns) };
    g_queue_insert_sorted(&link->in_flight, packet, compare_arrival, NULL);
}

/* When the bottleneck has sent it. FALSE: its queue is full. */
static gboolean pass_bottleneck(SimLink *link, gsize size, gint64 *at_ns)
{
    gint64 queue_ns = link->config.queue_ns ? link->config.queue_ns : DEFAULT_QUEUE_NS;
    if (!link->config.rate_bps)
        return TRUE;
    gint64 start_ns = MAX(*at_ns, link->busy_until_ns);
    if (start_ns - *at_ns > queue_ns)
        return FALSE;
    link->busy_until_ns = start_ns + (gint64)size * 8 * NS_PER_SEC / link->config.rate_bps;
    *at_ns = link->busy_until_ns;
    return TRUE;
}

void sim_link_send(SimLink *link, const guint8 *data, gsize size, gint64 now_ns)
{
    gint64 at_ns = now_ns;
    link->stats.sent++;
    if (is_lost(link) || !pass_bottleneck(link, size, &at_ns)) {
        link->stats.lost++;
        return;
    }
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);
    at_ns += link->config.delay_ns;
    at_ns += (gint64)(g_rand_double(link->random) * (gdouble)link->config.jitter_ns);
    if (chance(link, link->config.reorder)) {
        at_ns += HELD_BACK_NS;
    } else {
        at_ns = MAX(at_ns, link->newest_ns);
        link->newest_ns = at_ns;
    }
    deliver_at(link, bytes, at_ns);
    if (chance(link, link->config.duplicate))
        deliver_at(link, bytes, at_ns + NS_PER_MS);
}

GBytes *sim_link_receive(SimLink *link, gint64 now_ns, gint64 *arrival_ns)
{
    InFlight *packet = g_queue_peek_head(&link->in_flight);
    if (!packet || packet->arrival_ns > now_ns)
        return NULL;
    g_queue_pop_head(&link->in_flight);
    GBytes *bytes = packet->bytes;
    *arrival_ns = packet->arrival_ns;
    g_free(packet);
    link->stats.delivered++;
    return bytes;
}

gint64 sim_link_next_ns(const SimLink *link)
{
    const InFlight *packet = g_queue_peek_head((GQueue *)&link->in_flight);
    return packet ? packet->arrival_ns : G_MAXINT64;
}

void sim_link_stats(const SimLink *link, SimLinkStats *stats)
{
    *stats = link->stats;
}
