#pragma once

#include <glib.h>

/* What happened since the start, for /metrics. */

#define METRICS_STATUSES 600

typedef struct {
    guint64 http_requests[METRICS_STATUSES]; /* by status */
    guint64 rate_limited, auth_failures;
    guint64 ws_sent, ws_rate_limited, ws_invalid;
    guint64 hls_playlists, hls_segments;  /* handed out */
    guint64 whip_sessions, whep_sessions; /* made */
} Metrics;

/** Append one metric in Prometheus' text format (0.0.4). `type`: "gauge" or "counter". */
void metrics_append(GString *out, const char *name, const char *type, const char *help,
                    double value);
