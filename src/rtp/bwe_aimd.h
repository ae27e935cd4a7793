#pragma once

#include "rtp/bwe.h"

/* The rate by delay: additive or multiplicative increase while the path's queue is still, 0.85 of
 * what arrives when it grows (libwebrtc's AIMD control). Pure. */

typedef struct {
    gdouble estimate_bps, deviation; /* of the path's capacity, from what arrived at overuse */
    gboolean known;
} BweCapacity;

typedef struct {
    gint bps, min_bps, max_bps;
    gboolean increasing; /* FALSE: held until the queue is still */
    BweCapacity capacity;
    gint64 changed_ns; /* when the rate was last allowed to move */
} BweAimd;

void bwe_aimd_init(BweAimd *aimd, const BweConfig *config, gint64 now_ns);

typedef struct {
    BweState state;
    gint acked_bps; /* 0: not known */
    gint64 rtt_ns;
    gboolean app_limited; /* less is sent than could be */
    gboolean queued;      /* a queue stands in the path, whether it grows or not */
} BweAimdInput;

/** New feedback. */
void bwe_aimd_update(BweAimd *aimd, const BweAimdInput *input, gint64 now_ns);

/** A probe says that this goes through, or silence says that nothing more does. */
void bwe_aimd_set(BweAimd *aimd, gint bps, gint64 now_ns);
