#include "rtp/bwe_standing.h"

#include "base/clock.h"

#define SLOT_NS (50 * NS_PER_MS)
#define BASE_NS (20 * NS_PER_SEC)

/* The clocks of the two sides drift apart, and paths change: what was long ago is forgotten. */
static void note_base(BweStanding *standing, gint64 delay_ns, gint64 arrival_ns)
{
    if (arrival_ns >= standing->base_until_ns) {
        standing->base_ns = standing->next_base_ns;
        standing->next_base_ns = delay_ns;
        standing->base_until_ns = arrival_ns + BASE_NS;
    }
    standing->next_base_ns = MIN(standing->next_base_ns, delay_ns);
    standing->base_ns = MIN(standing->base_ns, delay_ns);
}

static void begin(BweStanding *standing, gint64 delay_ns, gint64 arrival_ns)
{
    *standing = (BweStanding){ .base_ns = delay_ns,
                               .next_base_ns = delay_ns,
                               .base_until_ns = arrival_ns + BASE_NS,
                               .started = TRUE };
    for (guint i = 0; i < BWE_STANDING_SLOTS; i++) {
        standing->slot_ns[i] = arrival_ns;
        standing->least_ns[i] = delay_ns;
    }
}

void bwe_standing_packet(BweStanding *standing, gint64 sent_ns, gint64 arrival_ns)
{
    gint64 delay_ns = arrival_ns - sent_ns;
    if (!standing->started || arrival_ns < standing->slot_ns[standing->slot] - NS_PER_SEC)
        begin(standing, delay_ns, arrival_ns);
    note_base(standing, delay_ns, arrival_ns);
    if (arrival_ns - standing->slot_ns[standing->slot] >= SLOT_NS) {
        standing->slot = (standing->slot + 1) % BWE_STANDING_SLOTS;
        standing->slot_ns[standing->slot] = arrival_ns;
        standing->least_ns[standing->slot] = delay_ns;
    }
    gint64 *least_ns = &standing->least_ns[standing->slot];
    *least_ns = MIN(*least_ns, delay_ns);
}

gint64 bwe_standing_ns(const BweStanding *standing)
{
    gint64 least_ns = standing->least_ns[0];
    for (guint i = 1; i < BWE_STANDING_SLOTS; i++)
        least_ns = MIN(least_ns, standing->least_ns[i]);
    return standing->started ? least_ns - standing->base_ns : 0;
}
