#pragma once

#include <glib.h>

/* Which packets of one incoming video stream are missing, and when to ask for them again
 * (RFC 4585 section 6.2.1). Net thread, driven by now_ns. */

typedef struct NackTracker NackTracker;

NackTracker *nack_tracker_new(void);
void nack_tracker_free(NackTracker *tracker);

/** A packet came (also by RTX). TRUE if it was not seen before. */
gboolean nack_tracker_received(NackTracker *tracker, guint16 seq, gint64 now_ns);

/** Everything before `seq` is no longer wanted (a newer frame was delivered or skipped). */
void nack_tracker_forget_before(NackTracker *tracker, guint16 seq);

/** The sequence numbers to ask for now: first 12 ms after the hole appeared, then every
 *  max(rtt, 20 ms), at most 10 times. Returns how many were written to seqs. */
guint nack_tracker_due(NackTracker *tracker, gint64 now_ns, gint64 rtt_ns, guint16 *seqs,
                       guint max);

/** TRUE once after the list overflowed (1000 holes) or a packet was given up: a key frame is
 *  needed. */
gboolean nack_tracker_take_give_up(NackTracker *tracker);

guint nack_tracker_outstanding(const NackTracker *tracker);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(NackTracker, nack_tracker_free)
