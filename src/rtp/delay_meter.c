#include "rtp/delay_meter.h"

#include "base/clock.h"

#define BASE_SLOT_NS (100 * NS_PER_MS)
#define NO_SLOT      G_MININT64
#define BUCKET_NS    (10 * NS_PER_MS)
#define INTERVAL_NS  (400 * NS_PER_MS)
#define FORGET       0.95 /* per interval */
#define QUANTILE     0.95

void delay_meter_reset(DelayMeter *meter)
{
    *meter = (DelayMeter){ .known = FALSE };
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

/** Note the largest delay of one interval; the weights of the earlier ones fade. */
static void close_interval(DelayMeter *meter)
{
    /* The first intervals count as many as there are of them, so that the start is quick. */
    gdouble forget = MIN(FORGET, 1 - 1.0 / (meter->intervals + 1));
    gint64 bucket = CLAMP(meter->interval_max_ns / BUCKET_NS, 0, DELAY_METER_BUCKETS - 1);
    for (guint i = 0; i < DELAY_METER_BUCKETS; i++)
        meter->weight[i] *= forget;
    meter->weight[bucket] += 1 - forget;
    meter->intervals++;

    gdouble above = 0;
    guint quantile = DELAY_METER_BUCKETS - 1;
    while (quantile > 0 && above + meter->weight[quantile] <= 1 - QUANTILE + 1e-9)
        above += meter->weight[quantile--];
    meter->quantile_ns = (quantile + 1) * BUCKET_NS;
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
