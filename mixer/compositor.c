#include "mixer/compositor.h"

#include "mixer/canvas.h"
#include "mixer/picture.h"
#include "mixer/tile.h"

/*  tiles wanted -> match with the tiles shown -> uncover what was left -> spread upwards -> draw */

struct Compositor {
    Canvas *canvas;
    PictureScratch *scratch;
    guint32 background_rgb;
    gboolean fresh; /* nothing was composed yet */

    GPtrArray *tiles;  /* as shown, the lowest first */
    GPtrArray *shown;  /* those of the last compose, while the next one takes them over */
    GArray *uncovered; /* VideoRect */
    gboolean overlapping;

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
    compositor->background_rgb = background_rgb;
    compositor->fresh = TRUE;
    compositor->tiles = g_ptr_array_new_with_free_func(compositor_free_tile);
    compositor->shown = g_ptr_array_new_with_free_func(compositor_free_tile);
    compositor->uncovered = g_array_new(FALSE, FALSE, sizeof(VideoRect));
    canvas_fill(canvas, (VideoRect){ 0, 0, width, height }, yuv_from_rgb(background_rgb));
    return compositor;
}

void compositor_free(Compositor *compositor)
{
    if (!compositor)
        return;
    g_ptr_array_unref(compositor->tiles);
    g_ptr_array_unref(compositor->shown);
    g_array_unref(compositor->uncovered);
    picture_scratch_free(compositor->scratch);
    canvas_free(compositor->canvas);
    g_free(compositor);
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
    if (video_rect_is_empty(rect))
        return;
    canvas_fill(compositor->canvas, rect, yuv_from_rgb(compositor->background_rgb));
    canvas_mark(compositor->canvas, rect);
    g_array_append_val(compositor->uncovered, rect);
}

/* Returns TRUE if a tile came, left, moved or changed its height in the pile. */
static gboolean compositor_match(Compositor *compositor, const CompositorTile *tiles, guint n)
{
    gboolean relaid = FALSE;
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
        const VideoRect was = tile_rect(tile);
        tile_update(tile, &tiles[i], rect, compositor->background_rgb);
        relaid |= tile != stood;
        if (!video_rect_equal(was, rect)) {
            relaid = TRUE;
            compositor_uncover(compositor, was);
        }
    }
    for (guint i = 0; i < shown->len; i++) {
        if (shown->pdata[i]) {
            relaid = TRUE;
            compositor_uncover(compositor, tile_rect(shown->pdata[i]));
            tile_free(g_steal_pointer(&shown->pdata[i]));
        }
    }
    g_ptr_array_set_size(shown, 0);
    return relaid;
}

/* After the pile was shuffled every tile that overlaps another may be hidden or bared. */
static void compositor_find_overlaps(Compositor *compositor)
{
    compositor->overlapping = FALSE;
    for (guint i = 0; i < compositor->tiles->len; i++) {
        Tile *upper = compositor->tiles->pdata[i];
        for (guint k = 0; k < i; k++) {
            Tile *lower = compositor->tiles->pdata[k];
            if (video_rect_overlap(tile_rect(upper), tile_rect(lower))) {
                compositor->overlapping = TRUE;
                tile_damage(upper);
                tile_damage(lower);
            }
        }
    }
}

static gboolean compositor_is_damaged(const Compositor *compositor, guint index)
{
    const VideoRect rect = tile_rect(compositor->tiles->pdata[index]);
    for (guint i = 0; i < compositor->uncovered->len; i++) {
        if (video_rect_overlap(rect, g_array_index(compositor->uncovered, VideoRect, i)))
            return TRUE;
    }
    for (guint i = 0; compositor->overlapping && i < index; i++) {
        const Tile *lower = compositor->tiles->pdata[i];
        if (tile_is_changed(lower) && video_rect_overlap(rect, tile_rect(lower)))
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
    compositor->stats.tiles_drawn += drawn;
    compositor->stats.tiles_kept += compositor->tiles->len - drawn;
    return drawn;
}

gboolean compositor_compose(Compositor *compositor, const CompositorTile *tiles, guint n)
{
    if (!compositor->fresh)
        canvas_clean(compositor->canvas);
    g_array_set_size(compositor->uncovered, 0);
    if (compositor_match(compositor, tiles, MIN(n, LAYOUT_MAX_TILES)))
        compositor_find_overlaps(compositor);
    compositor_spread(compositor);
    const guint drawn = compositor_draw(compositor);

    const gboolean changed = compositor->fresh || drawn || compositor->uncovered->len;
    compositor->fresh = FALSE;
    *(changed ? &compositor->stats.composed : &compositor->stats.unchanged) += 1;
    return changed;
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
