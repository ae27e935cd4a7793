#include "rtp/bwe_usage.h"

#include "base/clock.h"

#define WINDOW_NS (500 * NS_PER_MS)
#define USED      0.75 /* of the estimate, and more, is using all of it */
#define ENTER     0.8  /* of the window spare: limited ... */
#define LEAVE     0.5  /* ... until less than this is */

gboolean bwe_usage_limited(BweUsage *usage, gint estimate_bps, gint64 now_ns)
{
    gdouble bytes_per_ns = USED * estimate_bps / 8 / NS_PER_SEC;
    gdouble window_bytes = bytes_per_ns * WINDOW_NS;
    if (usage->at_ns)
        usage->spare_bytes += bytes_per_ns * (gdouble)MAX(now_ns - usage->at_ns, 0);
    usage->at_ns = now_ns;
    usage->spare_bytes = CLAMP(usage->spare_bytes, -window_bytes, window_bytes);
    if (usage->spare_bytes > ENTER * window_bytes)
        usage->limited = TRUE;
    else if (usage->spare_bytes < LEAVE * window_bytes)
        usage->limited = FALSE;
    return usage->limited;
}

void bwe_usage_sent(BweUsage *usage, gsize size, gint estimate_bps, gint64 now_ns)
{
    bwe_usage_limited(usage, estimate_bps, now_ns);
    usage->spare_bytes -= (gdouble)size;
}
