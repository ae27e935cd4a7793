#include "rtp/bwe_aimd.h"

#include <math.h>

#include "base/clock.h"

#define BETA               0.85
#define DECREASE_EXTRA_BPS 5000
#define LIMITED_BETA       0.7 /* of the rate itself, where little of it is in use */
#define HEADROOM           1.5 /* of what arrives: the rate does not run away from it */
#define HEADROOM_BPS       10000
#define INCREASE_PER_SEC   1.08
#define MIN_INCREASE_BPS   1000
#define MIN_SLOPE_BPS      4000.0 /* per second, near the capacity */
#define STEP_SIZE          600.0  /* bytes; half a packet */
#define RESPONSE_NS        (100 * NS_PER_MS)
#define MIN_INTERVAL_NS    (10 * NS_PER_MS) /* between decreases */
#define MAX_INTERVAL_NS    (200 * NS_PER_MS)
#define CAPACITY_WEIGHT    0.05
#define MIN_DEVIATION      0.4
#define MAX_DEVIATION      2.5

void bwe_aimd_init(BweAimd *aimd, const BweConfig *config, gint64 now_ns)
{
    *aimd = (BweAimd){
        .bps = config->start_bps,
        .min_bps = config->min_bps,
        .max_bps = config->max_bps,
        .capacity.deviation = MIN_DEVIATION,
        .changed_ns = now_ns,
    };
}

/* ---- the capacity, in kbit/s ---- */

static gdouble spread_kbps(const BweCapacity *capacity)
{
    return 3 * sqrt(capacity->deviation * capacity->estimate_bps / 1000);
}

static void capacity_sample(BweCapacity *capacity, gint bps)
{
    if (!capacity->known)
        capacity->estimate_bps = bps;
    capacity->known = TRUE;
    gdouble error_kbps = (capacity->estimate_bps - bps) / 1000 * (1 - CAPACITY_WEIGHT);
    capacity->estimate_bps += CAPACITY_WEIGHT * (bps - capacity->estimate_bps);
    gdouble norm = MAX(capacity->estimate_bps / 1000, 1);
    capacity->deviation = (1 - CAPACITY_WEIGHT) * capacity->deviation +
                          CAPACITY_WEIGHT * error_kbps * error_kbps / norm;
    capacity->deviation = CLAMP(capacity->deviation, MIN_DEVIATION, MAX_DEVIATION);
}

/* The path has changed where what arrives is far from what did at overuse. */
static gboolean is_above(const BweCapacity *capacity, gint bps)
{
    return capacity->known && bps > capacity->estimate_bps + 1000 * spread_kbps(capacity);
}

static gboolean is_below(const BweCapacity *capacity, gint bps)
{
    return capacity->known && bps < capacity->estimate_bps - 1000 * spread_kbps(capacity);
}

/* ---- the rate ---- */

/* Half a packet more in each response time. libwebrtc adds in proportion to the rate below 300
 * kbit/s; where all add the same, those who have less catch up. */
static gdouble additive_bps(gint64 rtt_ns, gdouble seconds)
{
    gdouble response = 2 * (gdouble)(rtt_ns + RESPONSE_NS) / NS_PER_SEC;
    return MAX(8 * STEP_SIZE / response, MIN_SLOPE_BPS) * seconds;
}

static void increase(BweAimd *aimd, gint acked_bps, gint64 rtt_ns, gint64 now_ns)
{
    gdouble limit = acked_bps > 0 ? HEADROOM * acked_bps + HEADROOM_BPS : aimd->bps;
    gdouble seconds = MIN((gdouble)(now_ns - aimd->changed_ns) / NS_PER_SEC, 1);
    gdouble bps = aimd->bps;
    if (is_above(&aimd->capacity, acked_bps))
        aimd->capacity.known = FALSE;
    if (bps < limit) {
        if (aimd->capacity.known)
            bps += additive_bps(rtt_ns, seconds);
        else
            bps += MAX(bps * (pow(INCREASE_PER_SEC, seconds) - 1), MIN_INCREASE_BPS * seconds);
        bps = MIN(bps, limit);
    }
    aimd->bps = (gint)CLAMP(bps, aimd->min_bps, aimd->max_bps);
    aimd->changed_ns = now_ns;
}

static gboolean may_decrease(const BweAimd *aimd, gint acked_bps, gint64 rtt_ns, gint64 now_ns)
{
    gint64 interval_ns = CLAMP(rtt_ns, MIN_INTERVAL_NS, MAX_INTERVAL_NS);
    if (acked_bps == 0)
        return now_ns - aimd->changed_ns >= MAX_INTERVAL_NS;
    return now_ns - aimd->changed_ns >= interval_ns || acked_bps < aimd->bps / 2;
}

static void decrease(BweAimd *aimd, gint acked_bps, gboolean app_limited, gint64 now_ns)
{
    BweCapacity *capacity = &aimd->capacity;
    gdouble bps = acked_bps > 0 ? BETA * acked_bps : aimd->bps / 2.0;
    if (acked_bps > 0 && bps > DECREASE_EXTRA_BPS)
        bps -= DECREASE_EXTRA_BPS;
    if (bps > aimd->bps && capacity->known)
        bps = BETA * capacity->estimate_bps;
    if (app_limited) /* what arrives tells little of what could */
        bps = MAX(bps, LIMITED_BETA * aimd->bps);
    bps = MIN(bps, aimd->bps);
    aimd->bps = (gint)CLAMP(bps, aimd->min_bps, aimd->max_bps);
    aimd->changed_ns = now_ns;
    aimd->increasing = FALSE;
    if (acked_bps == 0)
        return;
    if (is_below(capacity, acked_bps))
        capacity->known = FALSE;
    capacity_sample(capacity, acked_bps);
}

void bwe_aimd_update(BweAimd *aimd, const BweAimdInput *input, gint64 now_ns)
{
    if (input->state == BWE_OVERUSE) {
        if (may_decrease(aimd, input->acked_bps, input->rtt_ns, now_ns))
            decrease(aimd, input->acked_bps, input->app_limited, now_ns);
    } else if (input->state == BWE_UNDERUSE) {
        aimd->increasing = FALSE; /* the queue empties: wait */
    } else {
        if (!aimd->increasing)
            aimd->changed_ns = now_ns;
        aimd->increasing = TRUE;
        if (!input->queued)
            increase(aimd, input->acked_bps, input->rtt_ns, now_ns);
    }
}

void bwe_aimd_set(BweAimd *aimd, gint bps, gint64 now_ns)
{
    aimd->bps = CLAMP(bps, aimd->min_bps, aimd->max_bps);
    aimd->changed_ns = now_ns;
}
