#include "rtp/pacer.h"

#include "base/clock.h"

/* On a thin line a large frame at several times its rate is a queue that delays the sound. */
#define MIN_FACTOR     1.25
#define MAX_FACTOR     2.5
#define THIN_BPS       120000
#define WIDE_BPS       300000
#define BURST_NS       (40 * NS_PER_MS)
#define MAX_LATE_NS    (10 * NS_PER_MS) /* a probe's tick that comes later does not catch up */
#define FIRST_CAPACITY 64
#define KINDS          2 /* that are queued; the order is the priority */

/* A ring that grows. */
typedef struct {
    PacerItem *items;
    guint capacity, begin, count;
    gsize bytes;
} Queue;

struct Pacer {
    GDestroyNotify free_payload;
    gint rate_bps;
    Queue queues[KINDS];
    gdouble debt_bytes; /* sent ahead of the pace */
    gint64 debt_ns;     /* when that was reckoned */

    BweProbe probe;
    gboolean probing;
    guint probe_packets;
    gsize probe_bytes;
    gint64 probe_next_ns;
    PacerStats stats;
};

Pacer *pacer_new(GDestroyNotify free_payload)
{
    Pacer *pacer = g_new0(Pacer, 1);
    pacer->free_payload = free_payload;
    return pacer;
}

/* ---- the queues ---- */

static PacerItem *first(const Queue *queue)
{
    return &queue->items[queue->begin];
}

static PacerItem take(Queue *queue)
{
    PacerItem item = *first(queue);
    queue->begin = (queue->begin + 1) & (queue->capacity - 1);
    queue->count--;
    queue->bytes -= item.size;
    return item;
}

static void grow(Queue *queue)
{
    guint capacity = queue->capacity ? queue->capacity * 2 : FIRST_CAPACITY;
    PacerItem *items = g_new(PacerItem, capacity);
    for (guint i = 0; i < queue->count; i++)
        items[i] = queue->items[(queue->begin + i) & (queue->capacity - 1)];
    g_free(queue->items);
    queue->items = items;
    queue->capacity = capacity;
    queue->begin = 0;
}

static void append(Queue *queue, const PacerItem *item)
{
    if (queue->count == queue->capacity)
        grow(queue);
    queue->items[(queue->begin + queue->count++) & (queue->capacity - 1)] = *item;
    queue->bytes += item->size;
}

static void drop_first(Pacer *pacer, Queue *queue)
{
    PacerItem item = take(queue);
    pacer->free_payload(item.payload);
    pacer->stats.dropped++;
}

void pacer_free(Pacer *pacer)
{
    if (!pacer)
        return;
    for (guint i = 0; i < KINDS; i++) {
        while (pacer->queues[i].count > 0)
            drop_first(pacer, &pacer->queues[i]);
        g_free(pacer->queues[i].items);
    }
    g_free(pacer);
}

void pacer_push(Pacer *pacer, PacerKind kind, gsize size, gpointer payload, gint64 now_ns)
{
    Queue *queue = &pacer->queues[kind];
    if (queue->count >= PACER_MAX_PACKETS) {
        pacer->free_payload(payload);
        pacer->stats.dropped++;
        return;
    }
    PacerItem item = { kind, size, now_ns, BWE_PROBE_NONE, payload };
    append(queue, &item);
}

void pacer_drop_video(Pacer *pacer)
{
    while (pacer->queues[PACER_VIDEO].count > 0)
        drop_first(pacer, &pacer->queues[PACER_VIDEO]);
}

static void drop_old(Pacer *pacer, gint64 now_ns)
{
    for (guint i = 0; i < KINDS; i++) {
        Queue *queue = &pacer->queues[i];
        while (queue->count > 0 && now_ns - first(queue)->enqueued_ns > PACER_MAX_AGE_NS)
            drop_first(pacer, queue);
    }
}

static Queue *next_queue(Pacer *pacer)
{
    for (guint i = 0; i < KINDS; i++) {
        if (pacer->queues[i].count > 0)
            return &pacer->queues[i];
    }
    return NULL;
}

gint64 pacer_queue_ns(const Pacer *pacer)
{
    gsize bytes = 0;
    for (guint i = 0; i < KINDS; i++)
        bytes += pacer->queues[i].bytes;
    return bytes ? (gint64)((gdouble)bytes * 8 * NS_PER_SEC / MAX(pacer->rate_bps, 1)) : 0;
}

/* ---- the pace ---- */

static gdouble pace_bytes_per_ns(const Pacer *pacer)
{
    gdouble width =
        (gdouble)(CLAMP(pacer->rate_bps, THIN_BPS, WIDE_BPS) - THIN_BPS) / (WIDE_BPS - THIN_BPS);
    gdouble factor = MIN_FACTOR + width * (MAX_FACTOR - MIN_FACTOR);
    return factor * MAX(pacer->rate_bps, 1) / 8 / NS_PER_SEC;
}

static void reckon(Pacer *pacer, gint64 now_ns)
{
    if (now_ns > pacer->debt_ns) {
        gdouble paid = pace_bytes_per_ns(pacer) * (gdouble)(now_ns - pacer->debt_ns);
        pacer->debt_bytes = MAX(pacer->debt_bytes - paid, 0);
        pacer->debt_ns = now_ns;
    }
}

void pacer_set_rate(Pacer *pacer, gint estimate_bps)
{
    pacer->rate_bps = estimate_bps;
}

/* Bounded: a lot that went past the queue does not stop it for long. */
static void owe(Pacer *pacer, gsize size)
{
    gdouble most = 2 * pace_bytes_per_ns(pacer) * BURST_NS + (gdouble)size;
    pacer->debt_bytes = MIN(pacer->debt_bytes + (gdouble)size, most);
}

void pacer_account(Pacer *pacer, gsize size, gint64 now_ns)
{
    reckon(pacer, now_ns);
    owe(pacer, size);
}

/* ---- probes ---- */

void pacer_probe(Pacer *pacer, const BweProbe *probe, gint64 now_ns)
{
    pacer->probe = *probe;
    pacer->probing = TRUE;
    pacer->probe_packets = 0;
    pacer->probe_bytes = 0;
    pacer->probe_next_ns = now_ns;
}

gboolean pacer_probing(const Pacer *pacer)
{
    return pacer->probing;
}

static void probe_sent(Pacer *pacer, gsize size)
{
    const BweProbe *probe = &pacer->probe;
    pacer->probe_packets++;
    pacer->probe_bytes += size;
    pacer->probe_next_ns += (gint64)((gdouble)size * 8 * NS_PER_SEC / probe->rate_bps);
    if (pacer->probe_packets >= probe->min_packets && pacer->probe_bytes >= probe->min_bytes)
        pacer->probing = FALSE;
}

static gsize padding_size(const BweProbe *probe)
{
    gsize size = probe->min_bytes / MAX(probe->min_packets, 1);
    return CLAMP(size, PACER_MIN_PADDING, PACER_MAX_PADDING);
}

/* The next of the probe: what waits, or padding. */
static gboolean pop_for_probe(Pacer *pacer, Queue *queue, gint64 now_ns, PacerItem *item)
{
    if (now_ns + PACER_TICK_NS <= pacer->probe_next_ns)
        return FALSE; /* what is due before the next tick goes now: it may never be too slow */
    pacer->probe_next_ns = MAX(pacer->probe_next_ns, now_ns - MAX_LATE_NS);
    if (queue) {
        *item = take(queue);
    } else {
        *item = (PacerItem){ PACER_PADDING, padding_size(&pacer->probe), now_ns, 0, NULL };
        pacer->stats.padding_bytes += item->size;
    }
    item->probe_cluster = pacer->probe.cluster;
    probe_sent(pacer, item->size);
    return TRUE;
}

/* ---- popping ---- */

/* Zero: something may go now. */
static gint64 wait_ns(const Pacer *pacer)
{
    gint64 debt_ns = (gint64)(pacer->debt_bytes / pace_bytes_per_ns(pacer));
    return MAX(debt_ns - BURST_NS, 0);
}

gboolean pacer_pop(Pacer *pacer, gint64 now_ns, PacerItem *item)
{
    drop_old(pacer, now_ns);
    reckon(pacer, now_ns);
    Queue *queue = next_queue(pacer);
    if (pacer->probing) {
        if (!pop_for_probe(pacer, queue, now_ns, item))
            return FALSE;
    } else if (queue && wait_ns(pacer) == 0) {
        *item = take(queue);
    } else {
        return FALSE;
    }
    owe(pacer, item->size);
    pacer->stats.packets++;
    return TRUE;
}

gint64 pacer_next_ns(const Pacer *pacer, gint64 now_ns)
{
    if (pacer->probing)
        return MAX(pacer->probe_next_ns - PACER_TICK_NS + 1, now_ns);
    if (pacer->queues[PACER_RETRANSMISSION].count + pacer->queues[PACER_VIDEO].count == 0)
        return G_MAXINT64;
    return MAX(pacer->debt_ns + wait_ns(pacer), now_ns);
}

void pacer_stats(const Pacer *pacer, PacerStats *stats)
{
    *stats = pacer->stats;
    stats->waiting = pacer->queues[PACER_RETRANSMISSION].count + pacer->queues[PACER_VIDEO].count;
}
