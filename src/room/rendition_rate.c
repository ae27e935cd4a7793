#include "room/rendition_rate.h"

#include <stdlib.h>

#define FEW       2
#define ALONE_PCT 55
#define FLOOR_PCT 70
#define LAST_PCT  50

static int compare(const void *a, const void *b)
{
    gint first = *(const gint *)a, second = *(const gint *)b;
    return (first > second) - (first < second);
}

gint rendition_rate_floor(const RenditionRate *rate, guint viewers)
{
    gint pct = viewers <= 1 ? ALONE_PCT : FLOOR_PCT;
    return (gint)((gint64)rate->nominal_bps * (rate->last ? LAST_PCT : pct) / 100);
}

gint rendition_rate(const RenditionRate *rate, const gint *budgets_bps, guint n)
{
    g_autofree gint *sorted = g_new(gint, n + 1);
    guint known = 0;
    for (guint i = 0; i < n; i++) {
        if (budgets_bps[i] > 0)
            sorted[known++] = budgets_bps[i];
    }
    if (!known)
        return rate->nominal_bps;
    qsort(sorted, known, sizeof *sorted, compare);
    /* The lower quartile of many, the least of few. One of three does not decide for the others. */
    gint budget_bps = n <= FEW ? sorted[0] : sorted[(known + 1) / 4];
    return CLAMP(budget_bps, rendition_rate_floor(rate, n), rate->nominal_bps);
}
