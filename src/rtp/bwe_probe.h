#pragma once

#include "rtp/bwe.h"

/* When to look for more room, how far, and what the bursts say. Pure. */

#define BWE_PROBE_CLUSTERS 4 /* whose packets may be under way */

typedef struct {
    gint id; /* BWE_PROBE_NONE: free */
    gint rate_bps;
    guint min_packets;
    gsize min_bytes;
    guint packets;
    gsize size, last_sent_size, first_arrival_size;
    gint64 first_sent_ns, last_sent_ns, first_arrival_ns, last_arrival_ns;
} BweCluster;

typedef struct {
    gint max_bps, used_bps, wanted_bps;
    gint queue[2]; /* rates that are to be probed next; 0: none */
    gint next_id;
    gint64 started_ns;           /* the newest cluster */
    gint waiting_bps;            /* its rate, while its result is awaited */
    gint64 next_ns, interval_ns; /* of the probes of a sender that is limited by itself */
    guint started, failed;
    BweCluster clusters[BWE_PROBE_CLUSTERS];
} BweProber;

/** What decides about probing. */
typedef struct {
    gint estimate_bps;
    gboolean allowed;     /* no queue grows, and loss does not limit */
    gboolean app_limited; /* less is sent than could be */
} BweProbeGate;

void bwe_prober_init(BweProber *prober, const BweConfig *config);

/** See bwe_set_allocated(). */
void bwe_prober_allocated(BweProber *prober, gint used_bps, gint wanted_bps);

/** Look whether this much goes through again. */
void bwe_prober_request(BweProber *prober, gint bps);

gboolean bwe_prober_next(BweProber *prober, const BweProbeGate *gate, gint64 now_ns,
                         BweProbe *probe);

/** A packet of a cluster arrived. Returns the rate that the cluster proved, 0 while it does not. */
gint bwe_prober_packet(BweProber *prober, gint cluster, gsize size, gint64 sent_ns,
                       gint64 arrival_ns);

/** A cluster proved result_bps: look further if that may help. */
void bwe_prober_result(BweProber *prober, gint result_bps);
