#include "rtp/nack.h"

#include <string.h>

#include "base/clock.h"
#include "base/seq.h"

#define SEEN_WINDOW     16384            /* a power of two above NACK_MAX_AGE */
#define FIRST_WAIT_NS   (12 * NS_PER_MS) /* packets that merely overtook each other */
#define MIN_INTERVAL_NS (20 * NS_PER_MS)
#define LOSS_WEIGHT     (1.0 / 256)
#define NEEDLESS_WEIGHT (1.0 / 16)
#define SURE_SHARE      8 /* of how far an answer's time is off, what is believed at once */
#define UNSURE_SHARE    16
#define WORDS           (SEEN_WINDOW / 64)

typedef struct {
    gint64 seq;
    gint64 since_ns; /* noticed, or last asked for */
    gint64 first_ns; /* first asked for */
    guint tries;
} Missing;

struct NackTracker {
    SeqUnwrap unwrap; /* its `last` is the newest packet */
    gint64 wanted_from;
    gboolean give_up;
    gdouble loss;
    guint missing_count;
    Missing missing[NACK_MAX_OUTSTANDING]; /* in sequence order */
    guint64 seen[WORDS], asked[WORDS];     /* of the newest SEEN_WINDOW */

    /* Of the sender and the path to it: outlives a reset. */
    gint64 answer_ns; /* 0: not measured yet */
    gdouble needless;
    gboolean by_rtx;
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
    *tracker = (NackTracker){ .answer_ns = tracker->answer_ns,
                              .needless = tracker->needless,
                              .by_rtx = tracker->by_rtx };
}

static gboolean bit_get(const guint64 *words, gint64 seq)
{
    return words[seq % SEEN_WINDOW / 64] >> (seq % 64) & 1;
}

static void bit_set(guint64 *words, gint64 seq)
{
    words[seq % SEEN_WINDOW / 64] |= G_GUINT64_CONSTANT(1) << (seq % 64);
}

static void bits_clear(guint64 *words, gint64 from, gint64 to)
{
    if (to - from >= SEEN_WINDOW) {
        memset(words, 0, WORDS * sizeof *words);
        return;
    }
    for (gint64 seq = from; seq < to; seq++)
        words[seq % SEEN_WINDOW / 64] &= ~(G_GUINT64_CONSTANT(1) << (seq % 64));
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

/* Of what was asked for several times nobody knows which request was answered: the time since the
 * first is then only a bound. It is believed where it is lower; where it is higher only slowly, for
 * requests are lost too; but not never, or a path that has become longer would not be seen: on it
 * all is asked for several times. */
static void measure_answer(NackTracker *tracker, const Missing *hole, gint64 now_ns)
{
    gint64 took_ns = CLAMP(now_ns - hole->first_ns, NACK_MIN_ANSWER_NS, NACK_MAX_ANSWER_NS);
    gboolean sure = hole->tries == 1 || took_ns < tracker->answer_ns;
    if (tracker->answer_ns)
        tracker->answer_ns += (took_ns - tracker->answer_ns) / (sure ? SURE_SHARE : UNSURE_SHARE);
    else
        tracker->answer_ns = took_ns;
}

/* What comes in the stream itself may also be a packet that was overtaken: it is no answer of a
 * sender that answers by RTX. */
static gboolean receive_late(NackTracker *tracker, gint64 seq, gboolean by_rtx, gint64 now_ns)
{
    if (tracker->unwrap.last - seq >= SEEN_WINDOW)
        return FALSE;
    gboolean seen = bit_get(tracker->seen, seq);
    gboolean answer = by_rtx == tracker->by_rtx && bit_get(tracker->asked, seq);
    if (answer)
        tracker->needless += ((seen ? 1 : 0) - tracker->needless) * NEEDLESS_WEIGHT;
    if (seen)
        return FALSE;
    bit_set(tracker->seen, seq);
    guint index = find_hole(tracker, seq);
    if (index < tracker->missing_count && tracker->missing[index].seq == seq) {
        if (answer)
            measure_answer(tracker, &tracker->missing[index], now_ns);
        remove_holes(tracker, index, 1);
    }
    return TRUE;
}

static gboolean receive(NackTracker *tracker, guint16 seq, gboolean by_rtx, gint64 now_ns)
{
    gboolean first = !tracker->unwrap.started;
    gint64 newest = tracker->unwrap.last;
    gint64 ext = seq_unwrap(&tracker->unwrap, seq);
    if (!first && ext <= newest)
        return receive_late(tracker, ext, by_rtx, now_ns);
    if (!first) {
        bits_clear(tracker->seen, newest + 1, ext);
        bits_clear(tracker->asked, newest + 1, ext + 1);
        drop_aged(tracker);
        add_holes(tracker, MAX(newest + 1, tracker->wanted_from), ext, now_ns);
    }
    bit_set(tracker->seen, ext);
    tracker->loss -= tracker->loss * LOSS_WEIGHT;
    return TRUE;
}

gboolean nack_tracker_received(NackTracker *tracker, guint16 seq, gint64 now_ns)
{
    return receive(tracker, seq, FALSE, now_ns);
}

gboolean nack_tracker_recovered(NackTracker *tracker, guint16 seq, gint64 now_ns)
{
    tracker->by_rtx = TRUE;
    return receive(tracker, seq, TRUE, now_ns);
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
    gint64 interval_ns = MAX(rtt_ns, MIN_INTERVAL_NS);
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
            bit_set(tracker->asked, hole.seq);
            if (hole.tries++ == 0)
                hole.first_ns = now_ns;
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

gint64 nack_tracker_answer_ns(const NackTracker *tracker)
{
    return tracker->answer_ns ? tracker->answer_ns : -1;
}

gdouble nack_tracker_needless(const NackTracker *tracker)
{
    return tracker->needless;
}

guint nack_tracker_outstanding(const NackTracker *tracker)
{
    return tracker->missing_count;
}
