#pragma once

#include <glib.h>

/* How late the packets of one stream are, against the fastest one of the last 2 s: what a jitter
 * buffer has to hold so that nearly all of them are in time. Times are transit times, arrival minus
 * media time, whose zero is of no matter. Pure. */

#define DELAY_METER_BASE_SLOTS 20 /* of 100 ms */
#define DELAY_METER_BUCKETS    51 /* of 10 ms */

typedef struct {
    gint64 slot_number[DELAY_METER_BASE_SLOTS], slot_min_ns[DELAY_METER_BASE_SLOTS];
    gint64 base_ns; /* the least transit time */
    gboolean known; /* there was a packet */
    gint64 interval_start_ns, interval_max_ns;
    gdouble weight[DELAY_METER_BUCKETS]; /* sum 1 as soon as there is one interval */
    guint intervals;
    gint64 quantile_ns; /* of the largest delays of the intervals of 400 ms, 95 % are below this */

    /* What a stall left behind is forgotten when the line has been calm for some intervals; for
     * more of them where that was too early lately. */
    guint calm;         /* intervals in a row that needed far less than the quantile */
    gint64 calm_max_ns; /* the most that they needed */
    guint patience;
    gint64 forgotten_ns;       /* the quantile before it was forgotten; 0: not lately */
    guint intervals_forgotten; /* for so long */
} DelayMeter;

void delay_meter_reset(DelayMeter *meter);
void delay_meter_packet(DelayMeter *meter, gint64 transit_ns, gint64 arrival_ns);
