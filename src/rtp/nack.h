#pragma once

#include <glib.h>

/* Which packets of one incoming video stream are missing, and when to ask for them again
 * (RFC 4585 section 6.2.1). Net thread, driven by now_ns. */

typedef struct NackTracker NackTracker;

#define NACK_MAX_OUTSTANDING 1000
#define NACK_MAX_AGE         10000 /* sequence numbers behind the newest */
#define NACK_MAX_TRIES       16

NackTracker *nack_tracker_new(void);
void nack_tracker_free(NackTracker *tracker);

/** The sender began anew: forget everything. */
void nack_tracker_reset(NackTracker *tracker);

/** A packet came (also by RTX). TRUE if it was not seen before; FALSE also for one that is so old
 *  (16384) that this is no longer known. */
gboolean nack_tracker_received(NackTracker *tracker, guint16 seq, gint64 now_ns);

/** Everything before `seq` is no longer wanted (a newer frame was delivered or skipped). */
void nack_tracker_forget_before(NackTracker *tracker, guint16 seq);

/** The sequence numbers to ask for now: first 12 ms after the hole appeared, then every
 *  max(rtt, 20 ms), at most 16 times. A negative rtt_ns (unknown) counts as 100 ms. Returns how
 *  many were written to seqs, oldest first; what `max` leaves out stays due. */
guint nack_tracker_due(NackTracker *tracker, gint64 now_ns, gint64 rtt_ns, guint16 *seqs,
                       guint max);

/** TRUE once after the list overflowed (1000 holes) or a packet was given up: a key frame is
 *  needed. */
gboolean nack_tracker_take_give_up(NackTracker *tracker);

/** The share of the last few hundred packets that did not come, or not in order. */
gdouble nack_tracker_loss(const NackTracker *tracker);

guint nack_tracker_outstanding(const NackTracker *tracker);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(NackTracker, nack_tracker_free)
