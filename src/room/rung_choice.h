#pragma once

#include <glib.h>

/* Which rung of a ladder one viewer takes. Pure: prices and a budget in, a choice out, at any
 * `now`.
 *
 * Down at once, and first only to the lower temporal layers of the same rung; up when there was
 * room for some time, and later each time that going up failed. */

#define RUNG_NONE (-1) /* no rung: sound only */

/** What a rung costs this viewer. */
typedef struct {
    gint price_bps;      /* all of it */
    gint base_price_bps; /* without the frames that nothing refers to; price_bps: it has none */
    gboolean available;  /* it is encoded already, or may be */
} RungOffer;

typedef struct {
    gint rung;          /* 0: the full picture; RUNG_NONE */
    gboolean base_only; /* leave out the frames that nothing refers to */
} RungPick;

typedef struct {
    RungPick pick;
    gboolean started;
    gint64 room_since_ns;  /* there has been room for more since then; 0: there is none */
    gint64 up_at_ns;       /* when it last went up; 0: never, or it held */
    gint64 wait_ns;        /* how long there must be room */
    gint64 short_since_ns; /* full, with the last rung, since then; 0: it is not */
    gint64 fast_until_ns;  /* at first it goes up as soon as there is room */
} RungChoice;

/** What the line carries: of pictures, and whether it is seen to be full now. */
typedef struct {
    gint budget_bps;
    gboolean full;
} RungLine;

/** Rungs from the top down. */
RungPick rung_choose(RungChoice *choice, const RungOffer *offers, guint n, const RungLine *line,
                     gint64 now_ns);

/** Choose anew, as in the beginning: other rungs. What was learned of waiting is kept. */
void rung_choice_restart(RungChoice *choice);

/** What the best that there is would cost (with its margin): what is worth probing for. 0: it is
 * taken already. */
gint rung_wanted_bps(const RungChoice *choice, const RungOffer *offers, guint n);
