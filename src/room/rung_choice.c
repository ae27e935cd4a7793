#include "room/rung_choice.h"

#include "base/clock.h"

#define MIN_WAIT_NS  (5 * NS_PER_SEC)
#define MAX_WAIT_NS  (60 * NS_PER_SEC)
#define FAILED_UP_NS (10 * NS_PER_SEC) /* down again within that time: going up was wrong */
#define FAST_NS      (3 * NS_PER_SEC)
#define GIVE_UP_NS   (3 * NS_PER_SEC) /* until there are no pictures any more */
#define TAKE_UP_NS   NS_PER_SEC       /* until there are some again */
/* Up with room to spare, down only when it really does not fit. */
#define UP_PCT   115
#define DOWN_PCT 95
/* Until there are some again: the estimate of a line that is hardly used is too low. */
#define FIRST_PCT 75

/* Steps from the bottom up: 0 is nothing, then each rung's lower layers and all of it. */
static gint step_of(RungPick pick, guint n)
{
    if (pick.rung == RUNG_NONE)
        return 0;
    return 2 * ((gint)n - 1 - pick.rung) + (pick.base_only ? 1 : 2);
}

static RungPick pick_of(gint step, guint n)
{
    if (step == 0)
        return (RungPick){ RUNG_NONE, FALSE };
    return (RungPick){ (gint)n - 1 - (step - 1) / 2, step % 2 == 1 };
}

/* FALSE: there is no such step (a rung without layers has no lower half, and one may be missing).
 */
static gboolean price_of(gint step, const RungOffer *offers, guint n, gint *price_bps)
{
    *price_bps = 0;
    if (step == 0)
        return TRUE;
    RungPick pick = pick_of(step, n);
    const RungOffer *offer = &offers[pick.rung];
    *price_bps = pick.base_only ? offer->base_price_bps : offer->price_bps;
    return offer->available && (!pick.base_only || offer->base_price_bps < offer->price_bps);
}

static gboolean fits(gint step, const RungOffer *offers, guint n, gint budget_bps, gint pct)
{
    gint price_bps;
    return price_of(step, offers, n, &price_bps) &&
           (gint64)budget_bps * 100 >= (gint64)price_bps * pct;
}

/* Half the frames are for those on their way down, and for the thinnest lines: nobody goes up to
 * fewer frames than before. */
static gboolean leads_up(gint step, gint from)
{
    return step % 2 == 0 || step == 1 || step == from;
}

/* The highest step above `from` (or `from`) that has room to spare. */
static gint step_up(const RungOffer *offers, guint n, gint from, gint budget_bps, gint pct)
{
    for (gint step = 2 * (gint)n; step > from; step--) {
        if (leads_up(step, from) && fits(step, offers, n, budget_bps, pct))
            return step;
    }
    return from;
}

static gint step_down(const RungOffer *offers, guint n, gint from, gint budget_bps)
{
    gint step = from - 1;
    while (step > 0 && !fits(step, offers, n, budget_bps, 100))
        step--;
    return MAX(step, 0);
}

/* The thinnest that there is. */
static gint lowest_step(const RungOffer *offers, guint n)
{
    gint step = 1, price_bps;
    while (step < 2 * (gint)n && !price_of(step, offers, n, &price_bps))
        step++;
    return step;
}

static RungPick go_down(RungChoice *choice, RungPick pick, gint64 now_ns)
{
    if (choice->up_at_ns && now_ns - choice->up_at_ns < FAILED_UP_NS)
        choice->wait_ns = MIN(choice->wait_ns * 2, MAX_WAIT_NS);
    choice->up_at_ns = choice->room_since_ns = 0;
    choice->fast_until_ns = 0;
    choice->pick = pick;
    return pick;
}

static RungPick consider_up(RungChoice *choice, gint step, gint better, guint n, gint64 now_ns)
{
    if (choice->up_at_ns && now_ns - choice->up_at_ns >= FAILED_UP_NS) {
        choice->wait_ns = MIN_WAIT_NS;
        choice->up_at_ns = 0;
    }
    if (better <= step) {
        choice->room_since_ns = 0;
        return choice->pick;
    }
    if (!choice->room_since_ns)
        choice->room_since_ns = now_ns;
    gboolean fast = now_ns < choice->fast_until_ns;
    gint64 wait_ns = step == 0 ? TAKE_UP_NS : choice->wait_ns;
    if (!fast && now_ns - choice->room_since_ns < wait_ns)
        return choice->pick;
    choice->room_since_ns = 0;
    choice->up_at_ns = now_ns;
    choice->pick = pick_of(better, n);
    return choice->pick;
}

/* Whether it is time to do without pictures. */
static gboolean gives_up(RungChoice *choice, gboolean full, gint64 now_ns)
{
    if (!full)
        choice->short_since_ns = 0;
    else if (!choice->short_since_ns)
        choice->short_since_ns = now_ns;
    if (!full || now_ns - choice->short_since_ns < GIVE_UP_NS)
        return FALSE;
    choice->short_since_ns = 0;
    return TRUE;
}

RungPick rung_choose(RungChoice *choice, const RungOffer *offers, guint n, const RungLine *line,
                     gint64 now_ns)
{
    gint budget_bps = line->budget_bps;
    if (!choice->started) {
        choice->started = TRUE;
        choice->wait_ns = MAX(choice->wait_ns, MIN_WAIT_NS);
        choice->fast_until_ns = now_ns + FAST_NS;
        choice->room_since_ns = choice->up_at_ns = 0;
        choice->pick = pick_of(step_up(offers, n, 0, budget_bps, 100), n);
        return choice->pick;
    }
    gint step = step_of(choice->pick, n);
    if (!fits(step, offers, n, budget_bps, DOWN_PCT)) {
        gint lower = step_down(offers, n, step, budget_bps);
        if (lower == 0 && !gives_up(choice, line->full, now_ns))
            lower = lowest_step(offers, n);
        return lower < step ? go_down(choice, pick_of(lower, n), now_ns) : choice->pick;
    }
    choice->short_since_ns = 0;
    gint pct = step == 0 ? FIRST_PCT : UP_PCT;
    return consider_up(choice, step, step_up(offers, n, step, budget_bps, pct), n, now_ns);
}

void rung_choice_restart(RungChoice *choice)
{
    choice->started = FALSE;
}

gint rung_wanted_bps(const RungChoice *choice, const RungOffer *offers, guint n)
{
    for (gint step = 2 * (gint)n; step > step_of(choice->pick, n); step--) {
        gint price_bps;
        if (price_of(step, offers, n, &price_bps))
            return (gint)((gint64)price_bps * UP_PCT / 100);
    }
    return 0;
}
