#include "rtp/bwe_loss.h"

#include <math.h>

#include "base/clock.h"

#define OBSERVATION_NS   (250 * NS_PER_MS)
#define MIN_OBSERVATIONS 3
#define AGEING           0.9
#define LOSS_AGEING      0.95
#define FIRST_INHERENT   0.01
#define MIN_INHERENT     1e-3
#define BALANCE_BPS      75000.0 /* the rate at which loss above the offset ... */
#define LOSS_OFFSET      0.05    /* ... is what the path may have by itself */
#define NEWTON_STEP      0.75
#define NEWTON_STEPS     4
#define RATE_BIAS        0.0002 /* the preference for higher rates ... */
#define LOG_RATE_BIAS    0.02
#define BIAS_LOSS        0.15 /* ... fades out towards this loss */
#define BIAS_SMOOTHING   0.002
#define MIN_BIAS         0.05 /* ... but for this share of it: of what is equally likely, the higher */
#define MAX_INCREASE     1.3 /* in each window, while loss limits it */
#define WINDOW_NS        (300 * NS_PER_MS)
#define MIN_BPS          1000.0
#define MAX_CANDIDATES   5
/* Even 20 kbit/s let a whole packet through in that time. */
#define AWAY_NS (700 * NS_PER_MS)

typedef struct {
    gdouble bps, inherent;
} Candidate;

void bwe_loss_init(BweLoss *loss, gint max_bps)
{
    *loss = (BweLoss){ .max_bps = max_bps, .inherent = FIRST_INHERENT };
}

/* Something arrived. What was lost before it counts, unless the network was away. */
static void close_gap(BweLoss *loss, gint64 sent_ns)
{
    if (loss->gap_lost && sent_ns - loss->gap_sent_ns >= AWAY_NS) {
        loss->first_sent_ns += sent_ns - loss->last_sent_ns;
        loss->last_sent_ns = sent_ns;
    } else {
        loss->packets += loss->gap_lost;
        loss->lost += loss->gap_lost;
        loss->size += loss->gap_size;
    }
    loss->gap_lost = 0;
    loss->gap_size = 0;
}

void bwe_loss_packet(BweLoss *loss, gint64 sent_ns, gsize size, gboolean lost)
{
    if (loss->last_sent_ns == 0)
        loss->first_sent_ns = loss->last_sent_ns = sent_ns;
    if (lost) {
        if (!loss->gap_lost)
            loss->gap_sent_ns = sent_ns;
        loss->gap_lost++;
        loss->gap_size += size;
        return;
    }
    close_gap(loss, sent_ns);
    loss->packets++;
    loss->size += size;
    loss->last_sent_ns = MAX(loss->last_sent_ns, sent_ns);
}

void bwe_loss_recovered(BweLoss *loss, gsize size)
{
    if (loss->gap_lost > 0) {
        loss->gap_lost--;
        loss->gap_size -= MIN(size, loss->gap_size);
        loss->packets++;
        loss->size += size;
    } else if (loss->lost > 0) {
        loss->lost--;
    }
}

/* TRUE: an observation is complete. */
static gboolean observe(BweLoss *loss)
{
    gint64 span_ns = loss->last_sent_ns - loss->first_sent_ns;
    if (span_ns < OBSERVATION_NS || loss->packets == 0)
        return FALSE;
    loss->ring[loss->head] = (BweLossObservation){
        .packets = loss->packets,
        .lost = MIN(loss->lost, loss->packets),
        .sent_bps = (gdouble)loss->size * 8 * NS_PER_SEC / (gdouble)span_ns,
    };
    loss->head = (loss->head + 1) % BWE_LOSS_OBSERVATIONS;
    loss->count = MIN(loss->count + 1, BWE_LOSS_OBSERVATIONS);
    loss->first_sent_ns = loss->last_sent_ns;
    loss->packets = loss->lost = 0;
    loss->size = 0;
    return TRUE;
}

/* The newest is 0. */
static const BweLossObservation *observation(const BweLoss *loss, guint age)
{
    return &loss->ring[(loss->head + BWE_LOSS_OBSERVATIONS - 1 - age) % BWE_LOSS_OBSERVATIONS];
}

static void measure(BweLoss *loss)
{
    gdouble weight = 1, packets = 0, squares = 0, lost = 0;
    for (guint age = 0; age < loss->count; age++, weight *= LOSS_AGEING) {
        const BweLossObservation *seen = observation(loss, age);
        packets += weight * seen->packets;
        squares += weight * weight * seen->packets;
        lost += weight * seen->lost;
    }
    loss->average = lost / packets;
    loss->deviation = sqrt(loss->average * (1 - loss->average) * squares) / packets;
}

/* What this much loss allows at most. Of few packets more may be lost by chance. */
static gdouble instant_limit(const BweLoss *loss)
{
    gdouble sure = loss->average - loss->deviation;
    return sure > LOSS_OFFSET ? MIN(BALANCE_BPS / (sure - LOSS_OFFSET), loss->max_bps)
                              : loss->max_bps;
}

/* ---- the model: how likely is what was observed ---- */

static gdouble feasible(gdouble inherent, gdouble bps)
{
    return CLAMP(inherent, MIN_INHERENT, MIN(LOSS_OFFSET + BALANCE_BPS / bps, 1));
}

static gdouble loss_probability(const Candidate *candidate, gdouble sent_bps)
{
    gdouble p = candidate->inherent;
    if (sent_bps > candidate->bps)
        p += (1 - p) * (sent_bps - candidate->bps) / sent_bps;
    return CLAMP(p, 1e-6, 1 - 1e-6);
}

/* Newton's method towards the likeliest inherent loss at this rate. */
static void improve(const BweLoss *loss, Candidate *candidate)
{
    gdouble first = 0, second = 0, weight = 1;
    for (guint age = 0; age < loss->count; age++, weight *= AGEING) {
        const BweLossObservation *seen = observation(loss, age);
        gdouble p = loss_probability(candidate, seen->sent_bps);
        gdouble received = seen->packets - seen->lost;
        first += weight * (seen->lost / p - received / (1 - p));
        second -= weight * (seen->lost / (p * p) + received / ((1 - p) * (1 - p)));
    }
    if (second < 0)
        candidate->inherent -= NEWTON_STEP * first / second;
    candidate->inherent = feasible(candidate->inherent, candidate->bps);
}

/* Never a preference for lower rates, as libwebrtc has it above that loss: it would end at the
 * lowest rate however little of the loss has to do with it. */
static gdouble faded(gdouble average, gdouble factor)
{
    gdouble below = MAX(BIAS_LOSS - average, 0);
    return factor * MAX(below / (BIAS_SMOOTHING + below), MIN_BIAS);
}

static gdouble likelihood(const BweLoss *loss, const Candidate *candidate)
{
    gdouble kbps = candidate->bps / 1000, sum = 0, weight = 1;
    gdouble bias = faded(loss->average, RATE_BIAS) * kbps +
                   faded(loss->average, LOG_RATE_BIAS) * log(1 + kbps);
    for (guint age = 0; age < loss->count; age++, weight *= AGEING) {
        const BweLossObservation *seen = observation(loss, age);
        gdouble p = loss_probability(candidate, seen->sent_bps);
        gdouble received = seen->packets - seen->lost;
        sum += weight * (seen->lost * log(p) + received * log(1 - p) + bias * seen->packets);
    }
    return sum;
}

static Candidate best_candidate(const BweLoss *loss, gint delay_bps, gint acked_bps)
{
    gdouble rates[MAX_CANDIDATES] = { 1.02 * loss->bps, loss->bps, 0.95 * loss->bps, delay_bps,
                                      acked_bps };
    gdouble highest = loss->limited ? loss->window_limit_bps : loss->max_bps;
    Candidate best = { loss->bps, loss->inherent };
    gdouble most = -G_MAXDOUBLE;
    for (guint i = 0; i < MAX_CANDIDATES; i++) {
        if (rates[i] <= 0)
            continue;
        gdouble bps = MIN(rates[i], MAX(loss->bps, highest));
        Candidate candidate = { bps, feasible(loss->inherent, bps) };
        for (guint step = 0; step < NEWTON_STEPS; step++)
            improve(loss, &candidate);
        gdouble value = likelihood(loss, &candidate);
        if (value > most) {
            most = value;
            best = candidate;
        }
    }
    return best;
}

/* ---- the rate ---- */

void bwe_loss_update(BweLoss *loss, gint delay_bps, gint acked_bps)
{
    if (loss->bps == 0)
        loss->bps = delay_bps;
    if (!observe(loss))
        return;
    measure(loss);
    if (loss->count < MIN_OBSERVATIONS) {
        loss->bps = delay_bps;
        return;
    }
    Candidate best = best_candidate(loss, delay_bps, acked_bps);
    if (loss->average - loss->deviation > best.inherent && best.bps > loss->bps)
        best.bps = loss->bps; /* the loss is not all explained: no more for now */
    gdouble bps = MIN(best.bps, instant_limit(loss));
    if (loss->limited && bps > loss->bps && loss->last_sent_ns < loss->window_ns)
        bps = MIN(bps, MAX(loss->bps, loss->window_limit_bps));
    loss->increasing = loss->limited && bps > loss->bps;
    loss->limited = bps < delay_bps;
    loss->bps = MAX(MIN(bps, delay_bps), MIN_BPS);
    loss->inherent = best.inherent;
    if (loss->limited && loss->last_sent_ns >= loss->window_ns) {
        loss->window_limit_bps = MAX(loss->bps * MAX_INCREASE, MIN_BPS);
        loss->window_ns = loss->last_sent_ns + WINDOW_NS;
    }
}
