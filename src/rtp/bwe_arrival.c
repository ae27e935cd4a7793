#include "rtp/bwe_arrival.h"

#include "base/clock.h"

#define GROUP_NS      (5 * NS_PER_MS)
#define BURST_NS      (5 * NS_PER_MS)
#define MAX_BURST_NS  (100 * NS_PER_MS)
#define MAX_JUMP_NS   (3 * NS_PER_SEC)
#define MAX_REORDERED 3

static gboolean is_burst(const BweGroup *group, gint64 sent_ns, gint64 arrival_ns)
{
    gint64 sent_delta_ns = sent_ns - group->sent_ns;
    gint64 arrival_delta_ns = arrival_ns - group->arrival_ns;
    if (sent_delta_ns == 0)
        return TRUE;
    return arrival_delta_ns < sent_delta_ns && arrival_delta_ns <= BURST_NS &&
           arrival_ns - group->first_arrival_ns < MAX_BURST_NS;
}

static void begin_group(BweGroup *group, gint64 sent_ns, gint64 arrival_ns)
{
    *group = (BweGroup){
        .first_sent_ns = sent_ns,
        .sent_ns = sent_ns,
        .first_arrival_ns = arrival_ns,
        .begun = TRUE,
    };
}

/* FALSE: the two groups cannot be compared. */
static gboolean compare_groups(BweArrival *arrival, BweDelta *delta)
{
    const BweGroup *current = &arrival->current, *previous = &arrival->previous;
    delta->sent_ns = current->sent_ns - previous->sent_ns;
    delta->arrival_ns = current->arrival_ns - previous->arrival_ns;
    gint64 seen_delta_ns = current->seen_ns - previous->seen_ns;
    if (delta->arrival_ns - seen_delta_ns >= MAX_JUMP_NS) { /* the receiver's clock was set */
        *arrival = (BweArrival){ 0 };
        return FALSE;
    }
    if (delta->arrival_ns < 0) {
        if (++arrival->reordered >= MAX_REORDERED)
            *arrival = (BweArrival){ 0 };
        return FALSE;
    }
    arrival->reordered = 0;
    return TRUE;
}

gboolean bwe_arrival_packet(BweArrival *arrival, gint64 sent_ns, gint64 arrival_ns, gint64 seen_ns,
                            BweDelta *delta)
{
    BweGroup *current = &arrival->current;
    gboolean complete = FALSE;
    if (!current->begun) {
        begin_group(current, sent_ns, arrival_ns);
    } else if (sent_ns < current->first_sent_ns) {
        return FALSE; /* overtaken */
    } else if (!is_burst(current, sent_ns, arrival_ns) &&
               sent_ns - current->first_sent_ns > GROUP_NS) {
        gboolean comparable = arrival->previous.begun;
        complete = comparable && compare_groups(arrival, delta);
        if (comparable && !complete)
            return FALSE;
        arrival->previous = *current;
        begin_group(current, sent_ns, arrival_ns);
    } else {
        current->sent_ns = MAX(current->sent_ns, sent_ns);
    }
    current->arrival_ns = arrival_ns;
    current->seen_ns = seen_ns;
    return complete;
}
