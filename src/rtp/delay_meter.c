#include "rtp/delay_meter.h"

#include "base/clock.h"

#define BASE_SLOT_NS (100 * NS_PER_MS)
#define NO_SLOT      G_MININT64
#define BUCKET_NS    (10 * NS_PER_MS)
#define INTERVAL_NS  (400 * NS_PER_MS)
#define FORGET       0.95 /* per interval */
#define QUANTILE     0.95

#define CALM_NS      (50 * NS_PER_MS) /* so far below the quantile an interval is calm */
#define MIN_PATIENCE 3
#define MAX_PATIENCE 48
#define LATELY       75 /* intervals: 30 s */

void delay_meter_reset(DelayMeter *meter)
{
    *meter = (DelayMeter){ .known = FALSE, .patience = MIN_PATIENCE };
    for (guint i = 0; i < DELAY_METER_BASE_SLOTS; i++)
        meter->slot_number[i] = NO_SLOT;
}

static void find_base(DelayMeter *meter, gint64 transit_ns, gint64 arrival_ns)
{
    gint64 number = arrival_ns / BASE_SLOT_NS;
    guint slot = (guint)((guint64)number % DELAY_METER_BASE_SLOTS);
    if (meter->slot_number[slot] != number) {
        meter->slot_number[slot] = number;
        meter->slot_min_ns[slot] = transit_ns;
    }
    meter->slot_min_ns[slot] = MIN(meter->slot_min_ns[slot], transit_ns);
    meter->base_ns = transit_ns;
    for (guint i = 0; i < DELAY_METER_BASE_SLOTS; i++)
        if (meter->slot_number[i] > number - DELAY_METER_BASE_SLOTS)
            meter->base_ns = MIN(meter->base_ns, meter->slot_min_ns[i]);
}

static guint bucket_of(gint64 delay_ns)
{
    return (guint)CLAMP(delay_ns / BUCKET_NS, 0, DELAY_METER_BUCKETS - 1);
}

static void find_quantile(DelayMeter *meter)
{
    gdouble above = 0;
    guint quantile = DELAY_METER_BUCKETS - 1;
    while (quantile > 0 && above + meter->weight[quantile] <= 1 - QUANTILE + 1e-9)
        above += meter->weight[quantile--];
    meter->quantile_ns = (quantile + 1) * BUCKET_NS;
}

/** A stall that comes again soon after it was forgotten is remembered for longer. */
static void learn_patience(DelayMeter *meter)
{
    if (!meter->forgotten_ns)
        return;
    meter->intervals_forgotten++;
    if (meter->interval_max_ns >= meter->forgotten_ns - CALM_NS)
        meter->patience = MIN(2 * meter->patience, MAX_PATIENCE);
    else if (meter->intervals_forgotten < LATELY)
        return;
    else
        meter->patience = MIN_PATIENCE;
    meter->forgotten_ns = 0;
}

/** All that was above what the calm intervals needed counts as no more than that. */
static void forget_stall(DelayMeter *meter)
{
    guint most = bucket_of(meter->calm_max_ns);
    for (guint i = most + 1; i < DELAY_METER_BUCKETS; i++) {
        meter->weight[most] += meter->weight[i];
        meter->weight[i] = 0;
    }
    meter->forgotten_ns = meter->quantile_ns;
    meter->intervals_forgotten = 0;
    meter->calm = 0;
    find_quantile(meter);
}

static void note_calm(DelayMeter *meter)
{
    gboolean calm = meter->interval_max_ns + CALM_NS < meter->quantile_ns;
    meter->calm_max_ns = MAX(meter->calm ? meter->calm_max_ns : 0, meter->interval_max_ns);
    meter->calm = calm ? meter->calm + 1 : 0;
    if (meter->calm >= meter->patience)
        forget_stall(meter);
}

/** Note the largest delay of one interval; the weights of the earlier ones fade. */
static void close_interval(DelayMeter *meter)
{
    /* The first intervals count as many as there are of them, so that the start is quick. */
    gdouble forget = MIN(FORGET, 1 - 1.0 / (meter->intervals + 1));
    for (guint i = 0; i < DELAY_METER_BUCKETS; i++)
        meter->weight[i] *= forget;
    meter->weight[bucket_of(meter->interval_max_ns)] += 1 - forget;
    meter->intervals++;
    find_quantile(meter);
    learn_patience(meter);
    note_calm(meter);
}

void delay_meter_packet(DelayMeter *meter, gint64 transit_ns, gint64 arrival_ns)
{
    find_base(meter, transit_ns, arrival_ns);
    if (!meter->known) {
        meter->known = TRUE;
        meter->interval_start_ns = arrival_ns;
    }
    if (arrival_ns - meter->interval_start_ns >= INTERVAL_NS) {
        close_interval(meter);
        meter->interval_start_ns = arrival_ns;
        meter->interval_max_ns = 0;
    }
    meter->interval_max_ns = MAX(meter->interval_max_ns, transit_ns - meter->base_ns);
}
