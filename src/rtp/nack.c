#include "rtp/nack.h"

#include <string.h>

#include "base/clock.h"
#include "base/seq.h"

#define SEEN_WINDOW     16384            /* a power of two above NACK_MAX_AGE */
#define FIRST_WAIT_NS   (12 * NS_PER_MS) /* packets that merely overtook each other */
#define MIN_INTERVAL_NS (20 * NS_PER_MS)
#define DEFAULT_RTT_NS  (100 * NS_PER_MS)
#define LOSS_WEIGHT     (1.0 / 256)

typedef struct {
    gint64 seq;
    gint64 since_ns; /* noticed, or last asked for */
    guint tries;
} Missing;

struct NackTracker {
    SeqUnwrap unwrap; /* its `last` is the newest packet */
    gint64 wanted_from;
    gboolean give_up;
    gdouble loss;
    guint missing_count;
    Missing missing[NACK_MAX_OUTSTANDING]; /* in sequence order */
    guint64 seen[SEEN_WINDOW / 64];        /* of the newest SEEN_WINDOW */
};

NackTracker *nack_tracker_new(void)
{
    return g_new0(NackTracker, 1);
}

void nack_tracker_free(NackTracker *tracker)
{
    g_free(tracker);
}

void nack_tracker_reset(NackTracker *tracker)
{
    *tracker = (NackTracker){ 0 };
}

static gboolean seen_get(const NackTracker *tracker, gint64 seq)
{
    return tracker->seen[seq % SEEN_WINDOW / 64] >> (seq % 64) & 1;
}

static void seen_set(NackTracker *tracker, gint64 seq, gboolean seen)
{
    guint64 bit = G_GUINT64_CONSTANT(1) << (seq % 64);
    guint64 *word = &tracker->seen[seq % SEEN_WINDOW / 64];
    *word = seen ? *word | bit : *word & ~bit;
}

static void seen_clear(NackTracker *tracker, gint64 from, gint64 to)
{
    if (to - from >= SEEN_WINDOW) {
        memset(tracker->seen, 0, sizeof(tracker->seen));
        return;
    }
    for (gint64 seq = from; seq < to; seq++)
        seen_set(tracker, seq, FALSE);
}

/* The index of the first hole that is not before seq. */
static guint find_hole(const NackTracker *tracker, gint64 seq)
{
    guint low = 0, high = tracker->missing_count;
    while (low < high) {
        guint middle = (low + high) / 2;
        if (tracker->missing[middle].seq < seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void remove_holes(NackTracker *tracker, guint index, guint n)
{
    guint behind = tracker->missing_count - index - n;
    memmove(tracker->missing + index, tracker->missing + index + n, behind * sizeof(Missing));
    tracker->missing_count -= n;
}

static void add_holes(NackTracker *tracker, gint64 from, gint64 to, gint64 now_ns)
{
    if (to <= from)
        return;
    if (to - from > NACK_MAX_OUTSTANDING - (gint64)tracker->missing_count) {
        tracker->missing_count = 0;
        tracker->give_up = TRUE;
        return;
    }
    for (gint64 seq = from; seq < to; seq++) {
        tracker->missing[tracker->missing_count++] = (Missing){ .seq = seq, .since_ns = now_ns };
        tracker->loss += (1 - tracker->loss) * LOSS_WEIGHT;
    }
}

static void drop_aged(NackTracker *tracker)
{
    guint aged = find_hole(tracker, tracker->unwrap.last - NACK_MAX_AGE);
    if (aged == 0)
        return;
    remove_holes(tracker, 0, aged);
    tracker->give_up = TRUE;
}

static gboolean receive_late(NackTracker *tracker, gint64 seq)
{
    if (tracker->unwrap.last - seq >= SEEN_WINDOW || seen_get(tracker, seq))
        return FALSE;
    seen_set(tracker, seq, TRUE);
    guint index = find_hole(tracker, seq);
    if (index < tracker->missing_count && tracker->missing[index].seq == seq)
        remove_holes(tracker, index, 1);
    return TRUE;
}

gboolean nack_tracker_received(NackTracker *tracker, guint16 seq, gint64 now_ns)
{
    gboolean first = !tracker->unwrap.started;
    gint64 newest = tracker->unwrap.last;
    gint64 ext = seq_unwrap(&tracker->unwrap, seq);
    if (!first && ext <= newest)
        return receive_late(tracker, ext);
    if (!first) {
        seen_clear(tracker, newest + 1, ext);
        drop_aged(tracker);
        add_holes(tracker, MAX(newest + 1, tracker->wanted_from), ext, now_ns);
    }
    seen_set(tracker, ext, TRUE);
    tracker->loss -= tracker->loss * LOSS_WEIGHT;
    return TRUE;
}

void nack_tracker_forget_before(NackTracker *tracker, guint16 seq)
{
    if (!tracker->unwrap.started)
        return;
    gint64 newest = tracker->unwrap.last;
    gint64 ext = newest + seq16_diff(seq, (guint16)newest);
    tracker->wanted_from = MAX(tracker->wanted_from, ext);
    remove_holes(tracker, 0, find_hole(tracker, tracker->wanted_from));
}

static gboolean is_due(const Missing *hole, gint64 now_ns, gint64 interval_ns)
{
    return now_ns - hole->since_ns >= (hole->tries == 0 ? FIRST_WAIT_NS : interval_ns);
}

guint nack_tracker_due(NackTracker *tracker, gint64 now_ns, gint64 rtt_ns, guint16 *seqs, guint max)
{
    gint64 interval_ns = MAX(rtt_ns < 0 ? DEFAULT_RTT_NS : rtt_ns, MIN_INTERVAL_NS);
    guint written = 0, kept = 0;
    for (guint i = 0; i < tracker->missing_count; i++) {
        Missing hole = tracker->missing[i];
        gboolean due = is_due(&hole, now_ns, interval_ns);
        if (due && hole.tries >= NACK_MAX_TRIES) {
            tracker->give_up = TRUE;
            continue;
        }
        if (due && written < max) {
            seqs[written++] = (guint16)hole.seq;
            hole.tries++;
            hole.since_ns = now_ns;
        }
        tracker->missing[kept++] = hole;
    }
    tracker->missing_count = kept;
    return written;
}

gboolean nack_tracker_take_give_up(NackTracker *tracker)
{
    gboolean give_up = tracker->give_up;
    tracker->give_up = FALSE;
    return give_up;
}

gdouble nack_tracker_loss(const NackTracker *tracker)
{
    return tracker->loss;
}

guint nack_tracker_outstanding(const NackTracker *tracker)
{
    return tracker->missing_count;
}
