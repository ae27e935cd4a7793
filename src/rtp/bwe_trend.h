#pragma once

#include "rtp/bwe.h"
#include "rtp/bwe_arrival.h"

/* Whether a queue grows in the path: the slope of the one-way delay over the last 20 groups against
 * a threshold that adapts to the path's noise (libwebrtc's trendline estimator). Pure. */

#define BWE_TREND_WINDOW 20

typedef struct {
    gint64 first_arrival_ns, threshold_at_ns;
    guint deltas;      /* up to 1000 */
    guint count, head; /* of the window */
    gdouble at_ms[BWE_TREND_WINDOW], delay_ms[BWE_TREND_WINDOW];
    gdouble sum_ms, smoothed_ms; /* the delay against the first group's */
    gdouble slope;
    gdouble trend; /* what is compared with the threshold */
    gdouble threshold_ms;
    gdouble over_ms; /* for how long it is above; negative: it is not */
    guint over_count;
    BweState state;
} BweTrend;

void bwe_trend_init(BweTrend *trend);
void bwe_trend_update(BweTrend *trend, const BweDelta *delta, gint64 arrival_ns);
