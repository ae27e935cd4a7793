#include "mixer/layout_solve.h"

/* The largest tile of an allowed shape in a cell. */
static void layout_fit_cell(const LayoutRegion *region, LayoutGrid *grid, int width, int height)
{
    const gint64 widest = (gint64)height * region->widest.width / region->widest.height;
    const gint64 tallest = (gint64)width * region->narrowest.height / region->narrowest.width;
    grid->tile_width = (int)MIN(width, widest) & ~1;
    grid->tile_height = (int)MIN(height, tallest) & ~1;
}

static LayoutGrid layout_grid_of(const LayoutRegion *region, VideoRect area, int gap, guint n,
                                 guint columns)
{
    LayoutGrid grid = { .count = n, .columns = columns, .rows = (n + columns - 1) / columns };
    const gint64 width = area.width - ((gint64)grid.columns - 1) * gap;
    const gint64 height = area.height - ((gint64)grid.rows - 1) * gap;
    if (width > 0 && height > 0)
        layout_fit_cell(region, &grid, (int)width / (int)grid.columns,
                        (int)height / (int)grid.rows);
    if (grid.tile_width <= 0 || grid.tile_height <= 0)
        grid.count = 0;
    return grid;
}

static LayoutGrid layout_best_grid(const LayoutRegion *region, VideoRect area, int gap, guint n)
{
    LayoutGrid best = { 0 };
    gint64 best_score = 0;
    for (guint columns = 1; columns <= n; columns++) {
        const LayoutGrid grid = layout_grid_of(region, area, gap, n, columns);
        const guint empty = grid.columns * grid.rows - n;
        /* Of two grids with equal tiles the one with fewer empty cells. */
        const gint64 score =
            (gint64)grid.tile_width * grid.tile_height * (LAYOUT_MAX_TILES + 1) - empty;
        if (grid.count && score > best_score) {
            best = grid;
            best_score = score;
        }
    }
    return best;
}

/* How many tiles of the narrowest shape, as high as the row, stand in it; at least one, however
 * small. A column is the same lying on its side. */
static guint layout_line_count(const LayoutRegion *region, VideoRect area, int gap)
{
    const gboolean row = region->flow == LAYOUT_FLOW_ROW;
    const gint64 length = row ? area.width : area.height;
    const LayoutAspect shape = row ? region->narrowest : region->widest;
    const gint64 tile = row ? (gint64)area.height * shape.width / shape.height
                            : (gint64)area.width * shape.height / shape.width;
    return (guint)CLAMP((length + gap) / MAX(tile + gap, 1), 1, LAYOUT_MAX_TILES);
}

LayoutGrid layout_grid(const LayoutRegion *region, VideoRect area, int gap, guint n)
{
    if (n == 0)
        return (LayoutGrid){ 0 };
    if (region->flow != LAYOUT_FLOW_GRID) {
        n = MIN(n, layout_line_count(region, area, gap));
        return layout_grid_of(region, area, gap, n, region->flow == LAYOUT_FLOW_ROW ? n : 1);
    }
    LayoutGrid grid = layout_best_grid(region, area, gap, n);
    while (grid.count == 0 && n > 1) {
        n -= 1 + n / 4;
        grid = layout_best_grid(region, area, gap, n);
    }
    return grid;
}

/* Where something begins that leaves `spare` pixels free. */
static int layout_align(LayoutAlign align, int spare)
{
    return align == LAYOUT_ALIGN_START ? 0 : (align == LAYOUT_ALIGN_END ? spare : spare / 2) & ~1;
}

VideoRect layout_grid_cell(const LayoutRegion *region, const LayoutGrid *grid, VideoRect area,
                           int gap, guint index)
{
    const guint row = index / grid->columns, column = index % grid->columns;
    const guint in_row = MIN(grid->columns, grid->count - row * grid->columns);
    const int row_width = (int)in_row * (grid->tile_width + gap) - gap;
    const int block_height = (int)grid->rows * (grid->tile_height + gap) - gap;
    const gboolean down = region->flow == LAYOUT_FLOW_COLUMN;
    const LayoutAlign across = down ? LAYOUT_ALIGN_CENTRE : region->align;
    const LayoutAlign along = down ? region->align : LAYOUT_ALIGN_CENTRE;
    return (VideoRect){
        .x = area.x + layout_align(across, area.width - row_width) +
             (int)column * (grid->tile_width + gap),
        .y = area.y + layout_align(along, area.height - block_height) +
             (int)row * (grid->tile_height + gap),
        .width = grid->tile_width,
        .height = grid->tile_height,
    };
}
