#pragma once

#include "mixer/layout_document.h"

/* What the files of the solver share: rectangles of regions, who fills them (layout_select.c), how
 * tiles stand in one (layout_grid.c), how neighbours take the place of an empty one
 * (layout_collapse.c). All pure. */

/** Where a region stands before any collapses. Empty if it lies outside the canvas. */
VideoRect layout_region_rect(const LayoutScheme *scheme, const LayoutRegion *region, int width,
                             int height);

/* Who fills a region. */

/** Who is there, and who has a place already; `marks` and the scratch arrays have n members. */
typedef struct {
    const LayoutSource *sources;
    guint n;
    guint8 *marks; /* LAYOUT_MARK_* */
    guint *stage;  /* cameras in the order in which they take the stage; made when first needed */
    guint n_stage;
    gboolean staged;
} LayoutCrowd;

#define LAYOUT_MARK_TAKEN 1 /* stands where it may stand only once */
#define LAYOUT_MARK_SHOWN 2

/** Those who may stand in the region, in the order in which they are to; `found` has room for n.
 *  Returns how many. */
guint layout_select(LayoutCrowd *crowd, const LayoutRegion *region, guint *found);

/** TRUE if `text` matches the pattern (of "*", "?" and lower case letters), whatever its case. */
gboolean layout_glob(const char *pattern, const char *text);

/* How tiles stand in a region. */

/** All of one size, row by row, the block of them centred, an incomplete last row by itself. */
typedef struct {
    guint count; /* tiles: as many as asked for, or as many as find room */
    guint columns, rows;
    int tile_width, tile_height; /* even */
} LayoutGrid;

/** The largest tiles for at most n. count is 0 if not even one finds room. */
LayoutGrid layout_grid(const LayoutRegion *region, VideoRect area, int gap, guint n);
VideoRect layout_grid_cell(const LayoutRegion *region, const LayoutGrid *grid, VideoRect area,
                           int gap, guint index);

/* Empty regions. */

typedef struct {
    VideoRect rect;
    int z;
    gboolean collapses; /* it is empty and gives its place away */
    gboolean gone;      /* it has */
} LayoutArea;

/** Let the neighbours of those areas that collapse grow over them. TRUE if any is gone now that was
 *  not before. */
gboolean layout_collapse(LayoutArea *areas, guint n, int gap);
