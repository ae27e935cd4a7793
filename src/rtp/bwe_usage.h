#pragma once

#include <glib.h>

/* Whether the application sends less than it could. Zero-initialised. Pure. */

typedef struct {
    gdouble spare_bytes; /* of what could have been sent in the last 500 ms */
    gint64 at_ns;
    gboolean limited;
} BweUsage;

void bwe_usage_sent(BweUsage *usage, gsize size, gint estimate_bps, gint64 now_ns);

/** Let time pass. TRUE: less is sent than could be. */
gboolean bwe_usage_limited(BweUsage *usage, gint estimate_bps, gint64 now_ns);
