#include "mixer/layout_document.h"

/* How one region's tiles are arranged: all of one size, row by row, the block of them centred, an
 * incomplete last row centred by itself. */
typedef struct {
    guint columns, rows;
    int tile_width, tile_height;
} LayoutGrid;

int layout_length_px(LayoutLength length, int whole)
{
    if (length.denominator == 0)
        return length.numerator;
    return (int)((gint64)whole * length.numerator / length.denominator);
}

static VideoRect layout_region_rect(const LayoutRegion *region, int width, int height)
{
    /* Both edges are resolved from the canvas, so that regions that meet leave no line between. */
    const int x = layout_length_px(region->x, width), y = layout_length_px(region->y, height);
    VideoRect rect = { x & ~1, y & ~1, 0, 0 };
    rect.width = ((x + layout_length_px(region->width, width)) & ~1) - rect.x;
    rect.height = ((y + layout_length_px(region->height, height)) & ~1) - rect.y;
    return video_rect_even_inside(rect, width, height);
}

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
    LayoutGrid grid = { .columns = columns, .rows = (n + columns - 1) / columns };
    const int width = area.width - ((int)grid.columns - 1) * gap;
    const int height = area.height - ((int)grid.rows - 1) * gap;
    if (width > 0 && height > 0)
        layout_fit_cell(region, &grid, width / (int)grid.columns, height / (int)grid.rows);
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
        if (grid.tile_width > 0 && grid.tile_height > 0 && score > best_score) {
            best = grid;
            best_score = score;
        }
    }
    return best;
}

static VideoRect layout_grid_cell(const LayoutGrid *grid, VideoRect area, int gap, guint n,
                                  guint index)
{
    const guint row = index / grid->columns, column = index % grid->columns;
    const guint in_row = MIN(grid->columns, n - row * grid->columns);
    const int row_width = (int)in_row * (grid->tile_width + gap) - gap;
    const int block_height = (int)grid->rows * (grid->tile_height + gap) - gap;
    const int left = ((area.width - row_width) / 2) & ~1;
    const int top = ((area.height - block_height) / 2) & ~1;
    return (VideoRect){
        .x = area.x + left + (int)column * (grid->tile_width + gap),
        .y = area.y + top + (int)row * (grid->tile_height + gap),
        .width = grid->tile_width,
        .height = grid->tile_height,
    };
}

/* A tile alone on the canvas has nothing to be set off from: its corners stay square. */
static int layout_radius(const LayoutRegion *region, VideoRect rect, int width, int height)
{
    if (rect.width >= width - 1 && rect.height >= height - 1)
        return 0;
    const int radius = layout_length_px(region->radius, MIN(width, height));
    return MIN(radius, MIN(rect.width, rect.height) / 2) & ~1;
}

guint layout_solve(const Layout *layout, const LayoutSource *sources, guint n, int canvas_width,
                   int canvas_height, LayoutTile *tiles, guint max)
{
    guint placed = 0;
    max = MIN(max, LAYOUT_MAX_TILES);
    for (guint r = 0; r < layout->n_regions; r++) {
        const LayoutRegion *region = &layout->regions[r];
        const VideoRect area = layout_region_rect(region, canvas_width, canvas_height);
        const int gap = layout_length_px(region->gap, MIN(canvas_width, canvas_height)) & ~1;
        const guint here = MIN(MIN(n, max) - placed, region->max);
        const LayoutGrid grid = layout_best_grid(region, area, gap, here);
        if (grid.tile_width == 0)
            continue;
        for (guint i = 0; i < here; i++, placed++) {
            LayoutTile *tile = &tiles[placed];
            tile->source = placed;
            tile->rect = layout_grid_cell(&grid, area, gap, here, i);
            tile->fit = sources[placed].is_screen ? LAYOUT_FIT_CONTAIN : region->fit;
            tile->radius = layout_radius(region, tile->rect, canvas_width, canvas_height);
        }
    }
    return placed;
}
