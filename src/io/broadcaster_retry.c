#include "io/broadcaster_retry.h"

#include "base/clock.h"

#define FIRST_DELAY_NS NS_PER_SEC
#define MAX_DELAY_NS   (30 * NS_PER_SEC)
#define WORKED_NS      (3 * NS_PER_SEC)
#define HEALTHY_NS     (60 * NS_PER_SEC)
#define MAX_REFUSALS   8 /* over 91 s: servers keep a dead session for a minute */
#define JITTER         0.2

void broadcaster_retry_up(BroadcasterRetry *retry, gint64 now_ns)
{
    retry->up_since_ns = now_ns;
}

void broadcaster_retry_flows(BroadcasterRetry *retry, gint64 now_ns)
{
    gint64 up_ns = now_ns - retry->up_since_ns;
    if (!retry->up_since_ns || up_ns < WORKED_NS)
        return;
    retry->worked = TRUE;
    retry->refusals = 0;
    if (up_ns >= HEALTHY_NS)
        retry->failures = 0;
}

static gboolean gives_up(const BroadcasterRetry *retry, BroadcasterFailure failure)
{
    if (failure == BROADCASTER_HOPELESS)
        return TRUE;
    if (failure == BROADCASTER_REFUSED && (!retry->worked || retry->refusals >= MAX_REFUSALS))
        return TRUE;
    return !retry->worked && !retry->keep_trying;
}

gint64 broadcaster_retry_down(BroadcasterRetry *retry, BroadcasterFailure failure, gdouble random)
{
    retry->up_since_ns = 0;
    if (failure == BROADCASTER_REFUSED)
        retry->refusals++;
    if (gives_up(retry, failure))
        return BROADCASTER_GIVE_UP;
    gint64 delay_ns = FIRST_DELAY_NS << MIN(retry->failures, 5);
    retry->failures++;
    delay_ns = MIN(delay_ns, MAX_DELAY_NS);
    return (gint64)((gdouble)delay_ns * (1 - JITTER + 2 * JITTER * random));
}
