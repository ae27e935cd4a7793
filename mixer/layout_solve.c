#include "mixer/layout_solve.h"

#include <string.h>

#define MAX_PASSES 4 /* regions that become empty because others grew; two are usual */

typedef struct {
    const LayoutScheme *scheme;
    LayoutCrowd crowd;
    int width, height;
    int gap; /* between regions */
    LayoutArea areas[LAYOUT_MAX_REGIONS];
    guint filled[LAYOUT_MAX_REGIONS]; /* tiles, without placeholders */
    guint *found;                     /* scratch, n members */
    LayoutPlan *plan;
} LayoutSolver;

int layout_length_px(LayoutLength length, int whole)
{
    if (length.denominator == 0)
        return length.numerator;
    return (int)((gint64)whole * length.numerator / length.denominator);
}

/* From one edge to the other. Fractions divide the canvas together with one more gap, and a gap is
 * left free at each end: so regions that meet at "2/3" are a gap apart, and those that reach the
 * edge of the canvas leave none there. Both edges are resolved from the canvas, so that regions
 * that meet do so exactly. */
static void layout_resolve(LayoutLength from, LayoutLength length, int whole, int gap, int edges[2])
{
    const gint64 extended = (gint64)whole + gap;
    edges[0] = layout_length_px(from, (int)extended);
    if (length.denominator == 0)
        edges[1] = (edges[0] & ~1) + length.numerator;
    else if (from.denominator == 0)
        edges[1] = edges[0] + layout_length_px(length, (int)extended) - gap;
    else
        edges[1] = (int)(((gint64)from.numerator * length.denominator +
                          (gint64)length.numerator * from.denominator) *
                         extended / ((gint64)from.denominator * length.denominator)) -
                   gap;
    edges[0] &= ~1;
    edges[1] &= ~1;
}

VideoRect layout_region_rect(const LayoutScheme *scheme, const LayoutRegion *region, int width,
                             int height)
{
    const int gap = layout_length_px(scheme->gap, MIN(width, height)) & ~1;
    int x[2], y[2];
    layout_resolve(region->x, region->width, width, gap, x);
    layout_resolve(region->y, region->height, height, gap, y);
    const VideoRect rect = { x[0], y[0], x[1] - x[0], y[1] - y[0] };
    return video_rect_even_inside(rect, width, height);
}

/* The largest part of `rect` that is beside `other`. */
static VideoRect layout_cut(VideoRect rect, VideoRect other)
{
    const int right = rect.x + rect.width, bottom = rect.y + rect.height;
    const int other_right = other.x + other.width, other_bottom = other.y + other.height;
    const VideoRect parts[4] = {
        { rect.x, rect.y, other.x - rect.x, rect.height },
        { other_right, rect.y, right - other_right, rect.height },
        { rect.x, rect.y, rect.width, other.y - rect.y },
        { rect.x, other_bottom, rect.width, bottom - other_bottom },
    };
    VideoRect best = { 0, 0, 0, 0 };
    for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (!video_rect_is_empty(parts[i]) &&
            (gint64)parts[i].width * parts[i].height > (gint64)best.width * best.height)
            best = parts[i];
    }
    return best;
}

/* Lengths in pixels may meet on a small canvas though they do not on a large one: the later region
 * gives way. */
static void layout_solve_areas(LayoutSolver *solver)
{
    for (guint i = 0; i < solver->scheme->n_regions; i++) {
        const LayoutRegion *region = &solver->scheme->regions[i];
        LayoutArea *area = &solver->areas[i];
        *area = (LayoutArea){ .z = region->z };
        area->rect = layout_region_rect(solver->scheme, region, solver->width, solver->height);
        for (guint k = 0; k < i; k++) {
            if (solver->areas[k].z == area->z &&
                video_rect_overlap(solver->areas[k].rect, area->rect))
                area->rect = layout_cut(area->rect, solver->areas[k].rect);
        }
    }
}

/* A tile alone on the canvas has nothing to be set off from: its corners stay square. */
static int layout_radius(const LayoutRegion *region, VideoRect rect, int width, int height)
{
    if (rect.width >= width - 1 && rect.height >= height - 1)
        return 0;
    const int radius = layout_length_px(region->radius, MIN(width, height));
    return MIN(radius, MIN(rect.width, rect.height) / 2) & ~1;
}

static LayoutTile *layout_solve_tile(LayoutSolver *solver, guint index, VideoRect rect)
{
    const LayoutRegion *region = &solver->scheme->regions[index];
    LayoutTile *tile = &solver->plan->tiles[solver->plan->n_tiles++];
    const int border = layout_length_px(region->border, MIN(solver->width, solver->height));
    *tile = (LayoutTile){
        .kind = LAYOUT_TILE_PLACEHOLDER,
        .region = index,
        .rect = rect,
        .fit = region->fit,
        .radius = layout_radius(region, rect, solver->width, solver->height),
        .border = MIN(border, MIN(rect.width, rect.height) / 4) & ~1,
        .border_rgb = region->border_rgb,
        .show = region->show,
        .logo = region->logo,
    };
    return tile;
}

static void layout_solve_show(LayoutSolver *solver, const LayoutRegion *region, LayoutTile *tile,
                              guint source)
{
    tile->kind = LAYOUT_TILE_SOURCE;
    tile->source = source;
    if (solver->crowd.sources[source].is_screen && !region->has_fit)
        tile->fit = LAYOUT_FIT_CONTAIN;
    solver->crowd.marks[source] |=
        region->repeat ? LAYOUT_MARK_SHOWN : LAYOUT_MARK_SHOWN | LAYOUT_MARK_TAKEN;
}

static void layout_solve_region(LayoutSolver *solver, guint index)
{
    const LayoutRegion *region = &solver->scheme->regions[index];
    const LayoutArea *area = &solver->areas[index];
    const guint room = LAYOUT_MAX_TILES - solver->plan->n_tiles;
    solver->filled[index] = 0;
    if (area->gone || video_rect_is_empty(area->rect) || room == 0)
        return;
    const LayoutLength gap_length = region->has_gap ? region->gap : solver->scheme->gap;
    const int gap = layout_length_px(gap_length, MIN(solver->width, solver->height)) & ~1;
    const guint found = layout_select(&solver->crowd, region, solver->found);
    const gboolean held = found == 0 && region->empty == LAYOUT_EMPTY_PLACEHOLDER;
    const guint wanted = held ? 1 : MIN(MIN(found, room), region->max);
    const LayoutGrid grid = layout_grid(region, area->rect, gap, wanted);
    /* Who stands alone is not replaced by a number. */
    const gboolean more = region->count_more && found > grid.count && grid.count > 1;
    for (guint i = 0; i < grid.count; i++) {
        const VideoRect cell = layout_grid_cell(region, &grid, area->rect, gap, i);
        LayoutTile *tile = layout_solve_tile(solver, index, cell);
        if (more && i == grid.count - 1) {
            tile->kind = LAYOUT_TILE_MORE;
            tile->more = found - grid.count + 1;
        } else if (!held) {
            layout_solve_show(solver, region, tile, solver->found[i]);
        }
    }
    solver->filled[index] = held ? 0 : grid.count;
}

static void layout_solve_fill(LayoutSolver *solver)
{
    solver->plan->n_tiles = 0;
    memset(solver->crowd.marks, 0, solver->crowd.n);
    for (guint rest = 0; rest < 2; rest++) {
        for (guint i = 0; i < solver->scheme->n_regions; i++) {
            if ((guint)solver->scheme->regions[i].takes_rest == rest)
                layout_solve_region(solver, i);
        }
    }
}

/* TRUE if a region gave its place away, so that all are to be filled again. */
static gboolean layout_solve_collapse(LayoutSolver *solver)
{
    const guint n = solver->scheme->n_regions;
    gboolean any = FALSE;
    for (guint i = 0; i < n; i++) {
        LayoutArea *area = &solver->areas[i];
        area->collapses =
            solver->filled[i] == 0 && solver->scheme->regions[i].empty == LAYOUT_EMPTY_COLLAPSE;
        any |= area->collapses && !area->gone;
    }
    return any && layout_collapse(solver->areas, n, solver->gap);
}

/* By height, then as the regions are written. */
static void layout_solve_sort(LayoutSolver *solver)
{
    LayoutTile *tiles = solver->plan->tiles;
    for (guint i = 1; i < solver->plan->n_tiles; i++) {
        const LayoutTile tile = tiles[i];
        const int z = solver->areas[tile.region].z;
        guint at = i;
        for (; at > 0; at--) {
            const int other = solver->areas[tiles[at - 1].region].z;
            if (other < z || (other == z && tiles[at - 1].region <= tile.region))
                break;
        }
        if (at == i)
            continue;
        memmove(&tiles[at + 1], &tiles[at], (i - at) * sizeof *tiles);
        tiles[at] = tile;
    }
}

static void layout_solve_overlays(LayoutSolver *solver)
{
    LayoutPlan *plan = solver->plan;
    const int width = solver->width, height = solver->height;
    for (guint i = 0; i < solver->scheme->n_overlays; i++) {
        const LayoutSticker *sticker = &solver->scheme->overlays[i];
        LayoutOverlay *overlay = &plan->overlays[plan->n_overlays];
        int x[2], y[2];
        layout_resolve(sticker->x, sticker->width, width, 0, x);
        layout_resolve(sticker->y, sticker->height, height, 0, y);
        const VideoRect rect = { x[0], y[0], x[1] - x[0], y[1] - y[0] };
        *overlay = sticker->overlay;
        overlay->rect = video_rect_even_inside(rect, width, height);
        plan->n_overlays += video_rect_is_empty(overlay->rect) ? 0 : 1;
    }
}

/* For whoever asks a layout that leaves this room to another one: everybody in a grid. */
static const LayoutScheme *layout_solve_grid_only(LayoutScheme *scheme, LayoutRegion *region)
{
    *region = (LayoutRegion){
        .fill = { { .kind = LAYOUT_SELECT_REST } },
        .n_fill = 1,
        .takes_rest = TRUE,
        .width = { 1, 1 },
        .height = { 1, 1 },
        .narrowest = { 4, 3 },
        .widest = { 11, 6 },
        .max = LAYOUT_MAX_TILES,
        .show = LAYOUT_SHOW_PICTURE | LAYOUT_SHOW_NAME | LAYOUT_SHOW_MUTE | LAYOUT_SHOW_SPEAKING,
    };
    scheme->regions = region;
    scheme->n_regions = 1;
    return scheme;
}

static void layout_solve_tiles(LayoutSolver *solver)
{
    layout_solve_areas(solver);
    layout_solve_fill(solver);
    for (guint pass = 0; pass < MAX_PASSES && layout_solve_collapse(solver); pass++)
        layout_solve_fill(solver);
    layout_solve_sort(solver);
    solver->plan->hidden = solver->crowd.n;
    for (guint i = 0; i < solver->crowd.n; i++)
        solver->plan->hidden -= solver->crowd.marks[i] ? 1 : 0;
}

void layout_solve(const Layout *layout, const LayoutSource *sources, guint n, int canvas_width,
                  int canvas_height, LayoutPlan *plan)
{
    const LayoutVariant *variant = layout_variant_of(layout, sources, n);
    const LayoutScheme *scheme = variant && !variant->use ? &variant->scheme : &layout->scheme;
    LayoutScheme plain = *scheme;
    LayoutRegion everybody;
    if (scheme->n_regions == 0)
        scheme = layout_solve_grid_only(&plain, &everybody);
    g_autofree guint *scratch = g_new(guint, (gsize)n * 2 + 1);
    g_autofree guint8 *marks = g_new0(guint8, (gsize)n + 1);
    LayoutSolver solver = {
        .scheme = scheme,
        .crowd = { .sources = sources, .n = n, .marks = marks, .stage = scratch },
        .width = canvas_width,
        .height = canvas_height,
        .gap = layout_length_px(scheme->gap, MIN(canvas_width, canvas_height)) & ~1,
        .found = scratch + n,
        .plan = plan,
    };
    *plan = (LayoutPlan){
        .width = canvas_width,
        .height = canvas_height,
        .background_rgb = scheme->background_rgb,
        .background_image = scheme->background_image,
        .transition_ms = scheme->transition_ms,
    };
    layout_solve_tiles(&solver);
    layout_solve_overlays(&solver);
}
