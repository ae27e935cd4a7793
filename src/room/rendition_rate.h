#pragma once

#include <glib.h>

/* At what rate a rendition is encoded, by what its viewers' lines carry. Pure.
 *
 * One or two viewers are followed as in a call of two; three and more are not: the one with the
 * thinnest line does not decide for all, it goes to another rung. */

typedef struct {
    gint nominal_bps;
    gboolean last; /* of the ladder: who cannot take it has no pictures */
} RenditionRate;

/** What it is to be, by the budgets of those who take it (0: not known). */
gint rendition_rate(const RenditionRate *rate, const gint *budgets_bps, guint n);

/** The least that it can be with so many viewers: what it costs one of them to be there. */
gint rendition_rate_floor(const RenditionRate *rate, guint viewers);
