#include "rtp/bwe_trend.h"

#include <math.h>

#include "base/clock.h"

#define MAX_DELTAS         1000
#define TREND_DELTAS       60
#define SMOOTHING          0.9
#define GAIN               4.0
#define FIRST_THRESHOLD_MS 12.5
#define MIN_THRESHOLD_MS   6.0
#define MAX_THRESHOLD_MS   600.0
#define OUTLIER_MS         15.0 /* above the threshold: does not move it */
#define GAIN_UP            0.0087
#define GAIN_DOWN          0.039
#define MAX_STEP_MS        100.0
#define OVERUSE_MS         10.0

void bwe_trend_init(BweTrend *trend)
{
    *trend = (BweTrend){ .threshold_ms = FIRST_THRESHOLD_MS, .over_ms = -1 };
}

/* Least squares; the present slope where all points came at once. */
static gdouble fitted_slope(const BweTrend *trend)
{
    gdouble mean_x = 0, mean_y = 0, numerator = 0, denominator = 0;
    for (guint i = 0; i < BWE_TREND_WINDOW; i++) {
        mean_x += trend->at_ms[i] / BWE_TREND_WINDOW;
        mean_y += trend->delay_ms[i] / BWE_TREND_WINDOW;
    }
    for (guint i = 0; i < BWE_TREND_WINDOW; i++) {
        gdouble x = trend->at_ms[i] - mean_x;
        numerator += x * (trend->delay_ms[i] - mean_y);
        denominator += x * x;
    }
    return denominator > 0 ? numerator / denominator : trend->slope;
}

static void adapt_threshold(BweTrend *trend, gint64 arrival_ns)
{
    gdouble size = fabs(trend->trend);
    gdouble step_ms = (gdouble)(arrival_ns - trend->threshold_at_ns) / NS_PER_MS;
    trend->threshold_at_ns = arrival_ns;
    if (size > trend->threshold_ms + OUTLIER_MS)
        return;
    gdouble gain = size < trend->threshold_ms ? GAIN_DOWN : GAIN_UP;
    trend->threshold_ms += gain * (size - trend->threshold_ms) * CLAMP(step_ms, 0, MAX_STEP_MS);
    trend->threshold_ms = CLAMP(trend->threshold_ms, MIN_THRESHOLD_MS, MAX_THRESHOLD_MS);
}

static void detect(BweTrend *trend, gdouble slope, gdouble sent_ms)
{
    if (trend->trend > trend->threshold_ms) {
        trend->over_ms = trend->over_ms < 0 ? sent_ms / 2 : trend->over_ms + sent_ms;
        trend->over_count++;
        if (trend->over_ms > OVERUSE_MS && trend->over_count > 1 && slope >= trend->slope) {
            trend->over_ms = 0;
            trend->over_count = 0;
            trend->state = BWE_OVERUSE;
        }
        return;
    }
    trend->over_ms = -1;
    trend->over_count = 0;
    trend->state = trend->trend < -trend->threshold_ms ? BWE_UNDERUSE : BWE_NORMAL;
}

void bwe_trend_update(BweTrend *trend, const BweDelta *delta, gint64 arrival_ns)
{
    if (trend->deltas == 0)
        trend->first_arrival_ns = trend->threshold_at_ns = arrival_ns;
    trend->deltas = MIN(trend->deltas + 1, MAX_DELTAS);
    trend->sum_ms += (gdouble)(delta->arrival_ns - delta->sent_ns) / NS_PER_MS;
    trend->smoothed_ms = SMOOTHING * trend->smoothed_ms + (1 - SMOOTHING) * trend->sum_ms;
    trend->at_ms[trend->head] = (gdouble)(arrival_ns - trend->first_arrival_ns) / NS_PER_MS;
    trend->delay_ms[trend->head] = trend->smoothed_ms;
    trend->head = (trend->head + 1) % BWE_TREND_WINDOW;
    trend->count = MIN(trend->count + 1, BWE_TREND_WINDOW);

    gdouble slope = trend->count == BWE_TREND_WINDOW ? fitted_slope(trend) : trend->slope;
    trend->trend = MIN(trend->deltas, TREND_DELTAS) * slope * GAIN;
    if (trend->deltas >= 2)
        detect(trend, slope, (gdouble)delta->sent_ns / NS_PER_MS);
    trend->slope = slope;
    adapt_threshold(trend, arrival_ns);
}
