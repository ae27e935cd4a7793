#pragma once

#include "base/clock.h"

/* Which packets of one incoming video stream are missing, and when to ask for them again
 * (RFC 4585 section 6.2.1). Net thread, driven by now_ns. */

typedef struct NackTracker NackTracker;

#define NACK_MAX_OUTSTANDING 1000
#define NACK_MAX_AGE         10000 /* sequence numbers behind the newest */
#define NACK_MAX_TRIES       16
#define NACK_MIN_ANSWER_NS   (10 * NS_PER_MS)
#define NACK_MAX_ANSWER_NS   (3 * NS_PER_SEC)

NackTracker *nack_tracker_new(void);
void nack_tracker_free(NackTracker *tracker);

/** The sender began anew: forget all packets. How it answers is kept. */
void nack_tracker_reset(NackTracker *tracker);

/** A packet came in its stream. TRUE if it was not seen before; FALSE also for one that is so old
 *  (16384) that this is no longer known. */
gboolean nack_tracker_received(NackTracker *tracker, guint16 seq, gint64 now_ns);

/** The same of one that came by RTX. From then on only such ones count as answers. */
gboolean nack_tracker_recovered(NackTracker *tracker, guint16 seq, gint64 now_ns);

/** Everything before `seq` is no longer wanted (a newer frame was delivered or skipped). */
void nack_tracker_forget_before(NackTracker *tracker, guint16 seq);

/** The sequence numbers to ask for now: first 12 ms after the hole appeared, then every
 *  max(rtt, 20 ms), at most 16 times. Returns how many were written to seqs, oldest first; what
 *  `max` leaves out stays due. */
guint nack_tracker_due(NackTracker *tracker, gint64 now_ns, gint64 rtt_ns, guint16 *seqs,
                       guint max);

/** TRUE once after the list overflowed (1000 holes) or a packet was given up: a key frame is
 *  needed. */
gboolean nack_tracker_take_give_up(NackTracker *tracker);

/** The share of the last few hundred packets that did not come, or not in order. */
gdouble nack_tracker_loss(const NackTracker *tracker);

/** From the first request for a packet until it came, smoothed (NACK_MIN_ANSWER_NS to
 *  NACK_MAX_ANSWER_NS); -1: nothing was answered yet. */
gint64 nack_tracker_answer_ns(const NackTracker *tracker);

/** The share of the last answers whose packet had come already. */
gdouble nack_tracker_needless(const NackTracker *tracker);

guint nack_tracker_outstanding(const NackTracker *tracker);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(NackTracker, nack_tracker_free)
