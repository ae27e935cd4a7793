#pragma once

#include "mixer/overlay.h"

/* Drawings that are made once and shared by all tiles of all canvases: names, initials, signs,
 * logos. The ones used least recently go. Any thread. */

#define DRAWINGS_MAX       256
#define DRAWINGS_MAX_BYTES (8u << 20)

/** Draws what `what` says; NULL: there is nothing to draw. */
typedef Overlay *(*DrawingFunc)(gconstpointer what);

/** How many drawings one canvas makes in a tick at most; the others are made in the next ones. */
typedef struct {
    guint left;
    gboolean owing; /* something had to wait */
} DrawingBudget;

/** The drawing of this key: a known one, or a new one while the budget (NULL: no limit) lasts.
 *  FALSE: it has to wait. *overlay (transfer full) may be NULL. */
gboolean drawings_fetch(DrawingBudget *budget, const char *key, DrawingFunc draw,
                        gconstpointer what, Overlay **overlay);

/** How many there are and their bytes. */
void drawings_usage(guint *n, gsize *bytes);
