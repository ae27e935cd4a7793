#include "mixer/compositor.h"

#include "mixer/backdrop.h"
#include "mixer/banner.h"
#include "mixer/canvas.h"
#include "mixer/drawings.h"
#include "mixer/picture.h"
#include "mixer/tile.h"

/*  tiles wanted -> match with the tiles shown -> spread upwards to what stands above a change
 *               -> take away what is to be drawn again, the highest first
 *               -> backdrop where something left -> draw, the lowest first
 *
 *  Tiles with round corners, outlines and all banners keep the pixels that stood below them when
 *  they were drawn. Taking them away puts these back; so nothing below has to be drawn for them. */

#define DRAWINGS_A_TICK 4 /* some 0.4 ms each */

struct Compositor {
    Canvas *canvas;
    PictureScratch *scratch;
    Backdrop *backdrop;
    gboolean fresh; /* nothing was composed yet, or the backdrop changed */

    GPtrArray *tiles;  /* as shown, the lowest first */
    GPtrArray *shown;  /* those of the last compose, while the next one takes them over */
    GArray *uncovered; /* VideoRect */
    gboolean overlapping;
    Banner *banners[LAYOUT_MAX_OVERLAYS]; /* the lowest first */
    gboolean redraw[LAYOUT_MAX_OVERLAYS]; /* of banners, in this compose */

    DrawingBudget budget;
    CompositorStats stats;
};

static void compositor_free_tile(gpointer tile)
{
    tile_free(tile);
}

Compositor *compositor_new(int width, int height, guint32 background_rgb)
{
    Canvas *canvas = canvas_new(width, height);
    g_return_val_if_fail(canvas != NULL, NULL);
    Compositor *compositor = g_new0(Compositor, 1);
    compositor->canvas = canvas;
    compositor->scratch = picture_scratch_new();
    compositor->backdrop = backdrop_new(width, height, background_rgb);
    compositor->fresh = TRUE;
    compositor->tiles = g_ptr_array_new_with_free_func(compositor_free_tile);
    compositor->shown = g_ptr_array_new_with_free_func(compositor_free_tile);
    compositor->uncovered = g_array_new(FALSE, FALSE, sizeof(VideoRect));
    for (guint i = 0; i < LAYOUT_MAX_OVERLAYS; i++)
        compositor->banners[i] = banner_new();
    backdrop_draw(compositor->backdrop, canvas, (VideoRect){ 0, 0, width, height });
    return compositor;
}

void compositor_free(Compositor *compositor)
{
    if (!compositor)
        return;
    g_ptr_array_unref(compositor->tiles);
    g_ptr_array_unref(compositor->shown);
    g_array_unref(compositor->uncovered);
    for (guint i = 0; i < LAYOUT_MAX_OVERLAYS; i++)
        banner_free(compositor->banners[i]);
    backdrop_free(compositor->backdrop);
    picture_scratch_free(compositor->scratch);
    canvas_free(compositor->canvas);
    g_free(compositor);
}

void compositor_set_background(Compositor *compositor, guint32 rgb, Image *image)
{
    if (backdrop_set(compositor->backdrop, rgb, image))
        compositor->fresh = TRUE;
}

void compositor_set_overlays(Compositor *compositor, const CompositorOverlay *overlays, guint n)
{
    const Canvas *canvas = compositor->canvas;
    for (guint i = 0; i < LAYOUT_MAX_OVERLAYS; i++) {
        const CompositorOverlay *look = i < n ? &overlays[i] : NULL;
        VideoRect rect = { 0, 0, 0, 0 };
        if (look)
            rect = video_rect_even_inside(look->rect, canvas->width, canvas->height);
        banner_set(compositor->banners[i], look, rect, canvas->width);
    }
}

/* Take the tile of this id out of those shown; it mostly stands where it stood. */
static Tile *compositor_take(Compositor *compositor, const char *id, guint likely)
{
    const guint n = compositor->shown->len;
    for (guint i = 0; i < n; i++) {
        gpointer *slot = &compositor->shown->pdata[(likely + i) % n];
        if (*slot && tile_is(*slot, id))
            return g_steal_pointer(slot);
    }
    return tile_new(id);
}

static void compositor_uncover(Compositor *compositor, VideoRect rect)
{
    if (!video_rect_is_empty(rect))
        g_array_append_val(compositor->uncovered, rect);
}

/* Returns TRUE if a tile came, left, or changed its height in the pile. */
static gboolean compositor_match(Compositor *compositor, const CompositorTile *tiles, guint n)
{
    gboolean reordered = FALSE;
    GPtrArray *shown = compositor->tiles;
    compositor->tiles = compositor->shown;
    compositor->shown = shown;
    for (guint i = 0; i < n; i++) {
        const VideoRect rect = video_rect_even_inside(tiles[i].rect, compositor->canvas->width,
                                                      compositor->canvas->height);
        if (video_rect_is_empty(rect))
            continue;
        const guint place = compositor->tiles->len;
        const gpointer stood = place < shown->len ? shown->pdata[place] : NULL;
        Tile *tile = compositor_take(compositor, tiles[i].id, place);
        g_ptr_array_add(compositor->tiles, tile);
        compositor_uncover(compositor, tile_update(tile, &tiles[i], rect, &compositor->budget));
        reordered |= tile != stood;
    }
    for (guint i = 0; i < shown->len; i++) {
        if (shown->pdata[i]) {
            reordered = TRUE;
            compositor_uncover(compositor, tile_rect(shown->pdata[i]));
            tile_free(g_steal_pointer(&shown->pdata[i]));
        }
    }
    g_ptr_array_set_size(shown, 0);
    return reordered;
}

/* After the pile was shuffled what overlaps is built anew, from the backdrop on. */
static void compositor_find_overlaps(Compositor *compositor, gboolean reordered)
{
    compositor->overlapping = FALSE;
    for (guint i = 0; i < compositor->tiles->len; i++) {
        const VideoRect upper = tile_rect(compositor->tiles->pdata[i]);
        for (guint k = 0; k < i; k++) {
            const VideoRect lower = tile_rect(compositor->tiles->pdata[k]);
            if (!video_rect_overlap(upper, lower))
                continue;
            compositor->overlapping = TRUE;
            if (reordered) {
                compositor_uncover(compositor, upper);
                compositor_uncover(compositor, lower);
            }
        }
    }
}

static gboolean compositor_is_uncovered(const Compositor *compositor, VideoRect rect)
{
    for (guint i = 0; i < compositor->uncovered->len; i++) {
        if (video_rect_overlap(rect, g_array_index(compositor->uncovered, VideoRect, i)))
            return TRUE;
    }
    return FALSE;
}

static gboolean compositor_is_damaged(const Compositor *compositor, guint index)
{
    const VideoRect rect = tile_rect(compositor->tiles->pdata[index]);
    if (compositor_is_uncovered(compositor, rect))
        return TRUE;
    for (guint i = 0; compositor->overlapping && i < index; i++) {
        const Tile *lower = compositor->tiles->pdata[i];
        if (tile_is_changed(lower) && video_rect_overlap(rect, tile_touches(lower)))
            return TRUE;
    }
    return FALSE;
}

/* Whoever stands above something that is drawn is drawn again. */
static void compositor_spread(Compositor *compositor)
{
    if (!compositor->overlapping && !compositor->uncovered->len)
        return;
    for (guint i = 0; i < compositor->tiles->len; i++) {
        if (compositor_is_damaged(compositor, i))
            tile_damage(compositor->tiles->pdata[i]);
    }
}

static gboolean compositor_banner_is_damaged(const Compositor *compositor, guint index)
{
    const Banner *banner = compositor->banners[index];
    for (guint i = 0; i < compositor->uncovered->len; i++) {
        if (banner_overlaps(banner, g_array_index(compositor->uncovered, VideoRect, i)))
            return TRUE;
    }
    for (guint i = 0; i < compositor->tiles->len; i++) {
        const Tile *tile = compositor->tiles->pdata[i];
        if (tile_is_changed(tile) && banner_overlaps(banner, tile_touches(tile)))
            return TRUE;
    }
    for (guint i = 0; i < index; i++) {
        if (compositor->redraw[i] && banner_overlaps_banner(banner, compositor->banners[i]))
            return TRUE;
    }
    return FALSE;
}

/* Returns TRUE if a banner itself changed. */
static gboolean compositor_spread_banners(Compositor *compositor, gint64 now_ns)
{
    gboolean changed = FALSE;
    for (guint i = 0; i < LAYOUT_MAX_OVERLAYS; i++) {
        banner_tick(compositor->banners[i], now_ns);
        compositor->redraw[i] = banner_is_changed(compositor->banners[i]) ||
                                compositor_banner_is_damaged(compositor, i);
        changed |= banner_is_changed(compositor->banners[i]);
    }
    return changed;
}

static void compositor_remove(Compositor *compositor)
{
    for (guint i = LAYOUT_MAX_OVERLAYS; i-- > 0;) {
        if (compositor->redraw[i])
            banner_remove(compositor->banners[i], compositor->canvas);
    }
    for (guint i = compositor->tiles->len; i-- > 0;) {
        if (tile_is_changed(compositor->tiles->pdata[i]))
            tile_remove(compositor->tiles->pdata[i], compositor->canvas);
    }
    for (guint i = 0; i < compositor->uncovered->len; i++) {
        const VideoRect rect = g_array_index(compositor->uncovered, VideoRect, i);
        backdrop_draw(compositor->backdrop, compositor->canvas, rect);
        canvas_mark(compositor->canvas, rect);
    }
}

static guint compositor_draw(Compositor *compositor)
{
    guint drawn = 0;
    for (guint i = 0; i < compositor->tiles->len; i++) {
        Tile *tile = compositor->tiles->pdata[i];
        if (tile_is_changed(tile)) {
            tile_draw(tile, compositor->scratch, compositor->canvas);
            drawn++;
        }
    }
    for (guint i = 0; i < LAYOUT_MAX_OVERLAYS; i++) {
        if (compositor->redraw[i])
            banner_draw(compositor->banners[i], compositor->canvas);
    }
    compositor->stats.tiles_drawn += drawn;
    compositor->stats.tiles_kept += compositor->tiles->len - drawn;
    return drawn;
}

gboolean compositor_compose(Compositor *compositor, const CompositorTile *tiles, guint n,
                            gint64 now_ns)
{
    const Canvas *canvas = compositor->canvas;
    canvas_clean(compositor->canvas);
    g_array_set_size(compositor->uncovered, 0);
    compositor->budget = (DrawingBudget){ .left = DRAWINGS_A_TICK };
    const gboolean reordered = compositor_match(compositor, tiles, MIN(n, LAYOUT_MAX_TILES));
    if (reordered || compositor->uncovered->len)
        compositor_find_overlaps(compositor, reordered);
    if (compositor->fresh)
        compositor_uncover(compositor, (VideoRect){ 0, 0, canvas->width, canvas->height });
    compositor->fresh = FALSE;
    compositor_spread(compositor);
    gboolean changed = compositor_spread_banners(compositor, now_ns);
    compositor_remove(compositor);
    changed |= compositor_draw(compositor) || compositor->uncovered->len;

    *(changed ? &compositor->stats.composed : &compositor->stats.unchanged) += 1;
    return changed;
}

gboolean compositor_is_complete(const Compositor *compositor)
{
    return !compositor->budget.owing;
}

const AVFrame *compositor_canvas(const Compositor *compositor)
{
    return compositor->canvas->frame;
}

const guint8 *compositor_dirty_map(const Compositor *compositor)
{
    return compositor->canvas->dirty;
}

gsize compositor_dirty_map_size(const Compositor *compositor)
{
    return (gsize)compositor->canvas->mb_columns * compositor->canvas->mb_rows;
}

void compositor_stats(const Compositor *compositor, CompositorStats *stats)
{
    *stats = compositor->stats;
}
