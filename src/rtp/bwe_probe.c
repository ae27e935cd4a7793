#include "rtp/bwe_probe.h"

#include <math.h>

#include "base/clock.h"

#define MIN_PACKETS      5
#define MIN_DURATION_NS  (15 * NS_PER_MS)
#define MIN_PACKET_SIZE  200
#define FIRST_FACTOR     3
#define SECOND_FACTOR    6
#define FURTHER_FACTOR   2
#define FURTHER_SHARE    0.7 /* of the probe's rate: worth trying more */
#define VALID_SHARE      0.8 /* of the packets and of the bytes must arrive */
#define MAX_SPAN_NS      NS_PER_SEC
#define MAX_RATIO        2.0 /* arriving faster than that against sending is no measure */
#define SATURATED        0.9 /* below this share the path is full ... */
#define SATURATED_SHARE  0.95
#define RESULT_WAIT_NS   NS_PER_SEC
#define INTERVAL_NS      (4 * NS_PER_SEC)
#define MAX_INTERVAL_NS  (10 * NS_PER_SEC)
#define WANTED_MARGIN    1.15
#define UNKNOWN_WANT_BPS 5000000

void bwe_prober_init(BweProber *prober, const BweConfig *config)
{
    *prober = (BweProber){ .max_bps = config->max_bps, .interval_ns = INTERVAL_NS };
    for (guint i = 0; i < BWE_PROBE_CLUSTERS; i++)
        prober->clusters[i].id = BWE_PROBE_NONE;
    prober->queue[0] = (gint)MIN((gint64)config->start_bps * FIRST_FACTOR, config->max_bps);
    prober->queue[1] = (gint)MIN((gint64)config->start_bps * SECOND_FACTOR, config->max_bps);
}

void bwe_prober_allocated(BweProber *prober, gint used_bps, gint wanted_bps)
{
    if (wanted_bps != prober->wanted_bps || used_bps > prober->used_bps * 5 / 4) {
        prober->interval_ns = INTERVAL_NS;
        prober->next_ns = MIN(prober->next_ns, prober->started_ns + INTERVAL_NS);
    }
    prober->used_bps = used_bps;
    prober->wanted_bps = wanted_bps;
}

void bwe_prober_request(BweProber *prober, gint bps)
{
    prober->queue[0] = bps;
    prober->queue[1] = 0;
}

/* How far it is any use to look. */
static gint highest_bps(const BweProber *prober)
{
    gdouble known = MAX(prober->wanted_bps, prober->used_bps) * WANTED_MARGIN;
    gdouble bps = known > 0 ? known : UNKNOWN_WANT_BPS;
    return (gint)MIN(bps, prober->max_bps);
}

static gint take_queued(BweProber *prober)
{
    gint bps = prober->queue[0];
    prober->queue[0] = prober->queue[1];
    prober->queue[1] = 0;
    return bps;
}

/* A sender that could send more tries now and then whether more goes through. */
static gint periodic(BweProber *prober, const BweProbeGate *gate, gint64 now_ns)
{
    if (!gate->app_limited || now_ns < prober->next_ns)
        return 0;
    prober->next_ns = now_ns + prober->interval_ns;
    return (gint)MIN((gint64)gate->estimate_bps * FURTHER_FACTOR, G_MAXINT);
}

static void begin_cluster(BweProber *prober, gint bps, gint64 now_ns, BweProbe *probe)
{
    gsize bytes = (gsize)(bps / 8.0 * MIN_DURATION_NS / NS_PER_SEC);
    *probe = (BweProbe){
        .cluster = prober->next_id++ & G_MAXINT16,
        .rate_bps = bps,
        .min_packets = MIN_PACKETS,
        .min_bytes = MAX(bytes, MIN_PACKETS * MIN_PACKET_SIZE),
    };
    probe->duration_ns = (gint64)((gdouble)probe->min_bytes * 8 * NS_PER_SEC / bps);
    prober->clusters[probe->cluster % BWE_PROBE_CLUSTERS] = (BweCluster){
        .id = probe->cluster,
        .rate_bps = bps,
        .min_packets = probe->min_packets,
        .min_bytes = probe->min_bytes,
    };
    prober->started_ns = now_ns;
    prober->waiting_bps = bps;
    prober->started++;
}

/* The result of the last cluster did not come, or was no gain. */
static void give_up(BweProber *prober, gint64 now_ns)
{
    prober->waiting_bps = 0;
    prober->failed++;
    prober->interval_ns = MIN(prober->interval_ns * 2, MAX_INTERVAL_NS);
    prober->next_ns = now_ns + prober->interval_ns;
}

gboolean bwe_prober_next(BweProber *prober, const BweProbeGate *gate, gint64 now_ns,
                         BweProbe *probe)
{
    if (prober->waiting_bps && now_ns - prober->started_ns >= RESULT_WAIT_NS)
        give_up(prober, now_ns);
    gint highest = highest_bps(prober);
    if (!gate->allowed || gate->estimate_bps >= highest)
        return FALSE;
    gint bps = take_queued(prober);
    if (!bps && !prober->waiting_bps)
        bps = periodic(prober, gate, now_ns);
    bps = MIN(bps, highest);
    if (bps <= gate->estimate_bps)
        return FALSE;
    begin_cluster(prober, bps, now_ns, probe);
    return TRUE;
}

/* ---- what the bursts say ---- */

static gdouble rate(gsize size, gint64 span_ns)
{
    return (gdouble)size * 8 * NS_PER_SEC / (gdouble)span_ns;
}

static gint cluster_result(const BweCluster *cluster)
{
    gint64 sent_span_ns = cluster->last_sent_ns - cluster->first_sent_ns;
    gint64 arrival_span_ns = cluster->last_arrival_ns - cluster->first_arrival_ns;
    if (cluster->packets < VALID_SHARE * cluster->min_packets ||
        (gdouble)cluster->size < VALID_SHARE * (gdouble)cluster->min_bytes)
        return 0;
    if (sent_span_ns <= 0 || sent_span_ns > MAX_SPAN_NS || arrival_span_ns <= 0 ||
        arrival_span_ns > MAX_SPAN_NS)
        return 0;
    gdouble sent = rate(cluster->size - cluster->last_sent_size, sent_span_ns);
    gdouble arrived = rate(cluster->size - cluster->first_arrival_size, arrival_span_ns);
    if (arrived > MAX_RATIO * sent)
        return 0;
    gdouble result = MIN(sent, arrived);
    if (arrived < SATURATED * sent)
        result = SATURATED_SHARE * arrived;
    return (gint)MIN(result, cluster->rate_bps);
}

gint bwe_prober_packet(BweProber *prober, gint id, gsize size, gint64 sent_ns, gint64 arrival_ns)
{
    BweCluster *cluster = &prober->clusters[(guint)id % BWE_PROBE_CLUSTERS];
    if (id < 0 || cluster->id != id)
        return 0;
    if (cluster->packets == 0) {
        cluster->first_sent_ns = cluster->last_sent_ns = sent_ns;
        cluster->first_arrival_ns = cluster->last_arrival_ns = arrival_ns;
        cluster->first_arrival_size = cluster->last_sent_size = size;
    }
    cluster->first_sent_ns = MIN(cluster->first_sent_ns, sent_ns);
    if (sent_ns >= cluster->last_sent_ns) {
        cluster->last_sent_ns = sent_ns;
        cluster->last_sent_size = size;
    }
    if (arrival_ns < cluster->first_arrival_ns) {
        cluster->first_arrival_ns = arrival_ns;
        cluster->first_arrival_size = size;
    }
    cluster->last_arrival_ns = MAX(cluster->last_arrival_ns, arrival_ns);
    cluster->packets++;
    cluster->size += size;
    return cluster_result(cluster);
}

void bwe_prober_result(BweProber *prober, gint result_bps)
{
    gint rate_bps = prober->waiting_bps;
    if (!rate_bps)
        return;
    if (result_bps < FURTHER_SHARE * rate_bps)
        return; /* the rest of its packets may still prove more */
    prober->waiting_bps = 0;
    prober->interval_ns = INTERVAL_NS;
    if (!prober->queue[0] && rate_bps < highest_bps(prober))
        prober->queue[0] = (gint)MIN((gint64)rate_bps * FURTHER_FACTOR, G_MAXINT);
}
