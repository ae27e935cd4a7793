#include "mixer/layout_solve.h"

#define SLACK 2 /* pixels: edges are rounded to even ones */

typedef enum { SIDE_LEFT, SIDE_RIGHT, SIDE_ABOVE, SIDE_BELOW } LayoutSide;

/* A rectangle as its extent towards a side and across it, so that four cases are one. */
typedef struct {
    int near, far;  /* along: the edge towards the side, and the opposite one */
    int start, end; /* across */
} LayoutSpan;

static LayoutSpan layout_span(VideoRect rect, LayoutSide side)
{
    const int right = rect.x + rect.width, bottom = rect.y + rect.height;
    switch (side) {
    case SIDE_LEFT:
        return (LayoutSpan){ rect.x, right, rect.y, bottom };
    case SIDE_RIGHT:
        return (LayoutSpan){ -right, -rect.x, rect.y, bottom };
    case SIDE_ABOVE:
        return (LayoutSpan){ rect.y, bottom, rect.x, right };
    case SIDE_BELOW:
        break;
    }
    return (LayoutSpan){ -bottom, -rect.y, rect.x, right };
}

/* TRUE if `other` touches that side of `empty` and does not stand out over its ends. */
static gboolean layout_borders(VideoRect empty, VideoRect other, LayoutSide side, int gap)
{
    const LayoutSpan e = layout_span(empty, side), o = layout_span(other, side);
    const int distance = e.near - o.far;
    return distance >= -SLACK && distance <= gap + SLACK && o.start >= e.start - SLACK &&
           o.end <= e.end + SLACK;
}

/* `other` with its edge moved to the far edge of `empty`. */
static VideoRect layout_grown(VideoRect empty, VideoRect other, LayoutSide side)
{
    const int x = MIN(empty.x, other.x), y = MIN(empty.y, other.y);
    const int right = MAX(empty.x + empty.width, other.x + other.width);
    const int bottom = MAX(empty.y + empty.height, other.y + other.height);
    if (side == SIDE_LEFT || side == SIDE_RIGHT)
        return (VideoRect){ x, other.y, right - x, other.height };
    return (VideoRect){ other.x, y, other.width, bottom - y };
}

static gboolean layout_area_stands(const LayoutArea *area, int z)
{
    return !area->gone && area->z == z && !video_rect_is_empty(area->rect);
}

/* Nothing else may stand in the strip over which areas[grown] is to grow. */
static gboolean layout_is_clear(const LayoutArea *areas, guint n, guint empty, guint grown,
                                VideoRect rect)
{
    for (guint i = 0; i < n; i++) {
        if (i != empty && i != grown && layout_area_stands(&areas[i], areas[empty].z) &&
            video_rect_overlap(areas[i].rect, rect))
            return FALSE;
    }
    return TRUE;
}

/* All on one side grow, if they cover it together. */
static gboolean layout_collapse_to(LayoutArea *areas, guint n, guint empty, LayoutSide side,
                                   int gap, gboolean into_empty)
{
    const VideoRect rect = areas[empty].rect;
    const LayoutSpan span = layout_span(rect, side);
    guint found[LAYOUT_MAX_REGIONS], count = 0;
    int covered = -gap;
    for (guint i = 0; i < n; i++) {
        if (i == empty || !layout_area_stands(&areas[i], areas[empty].z) ||
            (areas[i].collapses && !into_empty) || !layout_borders(rect, areas[i].rect, side, gap))
            continue;
        const LayoutSpan other = layout_span(areas[i].rect, side);
        covered += other.end - other.start + gap;
        if (!layout_is_clear(areas, n, empty, i, layout_grown(rect, areas[i].rect, side)))
            return FALSE;
        found[count++] = i;
    }
    /* They do not overlap: if their lengths add up, they leave no hole. */
    if (count == 0 || covered < span.end - span.start - SLACK * (int)(count + 1))
        return FALSE;
    for (guint i = 0; i < count; i++)
        areas[found[i]].rect = layout_grown(rect, areas[found[i]].rect, side);
    areas[empty].gone = TRUE;
    return TRUE;
}

static gboolean layout_collapse_area(LayoutArea *areas, guint n, guint empty, int gap,
                                     gboolean into_empty)
{
    gboolean done = FALSE;
    for (guint side = SIDE_LEFT; side <= SIDE_BELOW && !done; side++)
        done = layout_collapse_to(areas, n, empty, (LayoutSide)side, gap, into_empty);
    return done;
}

static gboolean layout_collapse_sweep(LayoutArea *areas, guint n, int gap, gboolean into_empty)
{
    gboolean any = FALSE;
    for (guint i = 0; i < n; i++) {
        if (areas[i].collapses && !areas[i].gone && !video_rect_is_empty(areas[i].rect))
            any |= layout_collapse_area(areas, n, i, gap, into_empty);
    }
    return any;
}

gboolean layout_collapse(LayoutArea *areas, guint n, int gap)
{
    gboolean any = FALSE;
    /* Those who are filled come first; over an empty neighbour only what nobody else takes, for it
     * hands that on when it collapses itself. */
    while (layout_collapse_sweep(areas, n, gap, FALSE) ||
           layout_collapse_sweep(areas, n, gap, TRUE))
        any = TRUE;
    return any;
}
