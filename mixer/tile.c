#include "mixer/tile.h"

#include <string.h>

#include "mixer/border.h"
#include "mixer/label.h"

/*  picture or initials -> dim and sign, if stale -> name -> border
 *
 *  A tile is always drawn whole: where its picture is the same, the same bytes come out, and only
 *  the part that really changed is marked. */

#define SPEAKING_RGB 0x3ecf8eu
#define THICK_FROM   100 /* pixels of the shorter side */
#define THINNEST_FOR 24
#define LINE_THIN    2
#define LINE_THICK   4

typedef enum {
    TILE_WHOLE = 1 << 0,
    TILE_NAME = 1 << 1,
    TILE_LINE = 1 << 2,
} TileChange;

struct Tile {
    char *id;

    /* how it looks */
    VideoRect rect;
    LayoutFit fit;
    TileState state;
    guint8 rotation;
    char *label;
    gboolean muted;
    BorderLook border_look;
    AVFrame *picture; /* empty: none */
    guint64 picture_serial;

    /* made from it; NULL where not needed */
    PictureScaler *scaler;
    Overlay *name, *initials, *lost;
    Border *border;

    /* since it was last drawn */
    guint changes;      /* of TileChange */
    VideoRect name_was; /* where the name stood */
};

Tile *tile_new(const char *id)
{
    Tile *tile = g_new0(Tile, 1);
    tile->id = g_strdup(id ? id : "");
    tile->picture = av_frame_alloc();
    if (!tile->picture)
        g_error("out of memory for a tile");
    tile->scaler = picture_scaler_new();
    return tile;
}

void tile_free(Tile *tile)
{
    if (!tile)
        return;
    av_frame_free(&tile->picture);
    picture_scaler_free(tile->scaler);
    overlay_free(tile->name);
    overlay_free(tile->initials);
    overlay_free(tile->lost);
    border_free(tile->border);
    g_free(tile->label);
    g_free(tile->id);
    g_free(tile);
}

gboolean tile_is(const Tile *tile, const char *id)
{
    return strcmp(tile->id, id ? id : "") == 0;
}

VideoRect tile_rect(const Tile *tile)
{
    return tile->rect;
}

void tile_damage(Tile *tile)
{
    tile->changes |= TILE_WHOLE;
}

gboolean tile_is_changed(const Tile *tile)
{
    return tile->changes != 0;
}

static gboolean tile_has_picture(const Tile *tile)
{
    return tile->picture->data[0] != NULL;
}

static VideoRect tile_name_rect(const Tile *tile)
{
    if (!tile->name)
        return (VideoRect){ 0, 0, 0, 0 };
    const int inset = label_inset(tile->rect.width, tile->rect.height);
    return (VideoRect){
        tile->rect.x + inset,
        tile->rect.y + tile->rect.height - inset - tile->name->height,
        tile->name->width,
        tile->name->height,
    };
}

static void tile_update_place(Tile *tile, const CompositorTile *look, VideoRect rect)
{
    if (!video_rect_equal(tile->rect, rect)) {
        const gboolean resized = tile->rect.width != rect.width || tile->rect.height != rect.height;
        tile->rect = rect;
        tile->changes |= TILE_WHOLE;
        if (resized) {
            g_clear_pointer(&tile->initials, overlay_free);
            g_clear_pointer(&tile->lost, overlay_free);
            tile->changes |= TILE_NAME; /* its size follows the tile's */
        }
    }
    if (tile->fit != look->fit || tile->rotation != (look->rotation & 3))
        tile->changes |= TILE_WHOLE;
    tile->fit = look->fit;
    tile->rotation = look->rotation & 3;
}

static void tile_update_picture(Tile *tile, const CompositorTile *look)
{
    if (look->state != tile->state)
        tile->changes |= TILE_WHOLE;
    tile->state = look->state;
    if (look->state == TILE_NO_PICTURE) {
        av_frame_unref(tile->picture);
        return;
    }
    if (tile_has_picture(tile) && look->picture_serial == tile->picture_serial)
        return;
    if (!picture_is_drawable(look->picture))
        return;
    av_frame_unref(tile->picture);
    if (av_frame_ref(tile->picture, look->picture) < 0)
        g_error("out of memory for a picture");
    tile->picture_serial = look->picture_serial;
    tile->changes |= TILE_WHOLE;
}

static void tile_update_name(Tile *tile, const CompositorTile *look)
{
    const gboolean renamed = g_strcmp0(tile->label, look->label) != 0;
    if (renamed) {
        g_free(tile->label);
        tile->label = g_strdup(look->label);
        g_clear_pointer(&tile->initials, overlay_free);
        if (!tile_has_picture(tile))
            tile->changes |= TILE_WHOLE;
    }
    if (!renamed && tile->muted == !!look->muted && !(tile->changes & TILE_NAME))
        return;
    tile->muted = !!look->muted;
    tile->changes |= TILE_NAME;
    overlay_free(tile->name);
    tile->name = label_render_name(tile->label, tile->muted, tile->rect.width, tile->rect.height);
}

static void tile_update_border(Tile *tile, const CompositorTile *look, guint32 background_rgb)
{
    const int side = MIN(tile->rect.width, tile->rect.height);
    const int line = side >= THICK_FROM ? LINE_THICK : side >= THINNEST_FOR ? LINE_THIN : 0;
    const BorderLook wanted = {
        .radius = CLAMP(look->radius, 0, side / 4) & ~1,
        .thickness = look->speaking ? line : 0,
        .background_rgb = background_rgb,
        .line_rgb = SPEAKING_RGB,
    };
    const BorderLook *now = &tile->border_look;
    if (wanted.radius == now->radius && wanted.thickness == now->thickness &&
        wanted.background_rgb == now->background_rgb)
        return;
    tile->changes |= wanted.radius == now->radius ? TILE_LINE : TILE_WHOLE;
    tile->border_look = wanted;
    border_free(tile->border);
    tile->border = border_new(&wanted);
}

void tile_update(Tile *tile, const CompositorTile *look, VideoRect rect, guint32 background_rgb)
{
    if (!tile->changes)
        tile->name_was = tile_name_rect(tile);
    tile_update_place(tile, look, rect);
    tile_update_picture(tile, look);
    tile_update_name(tile, look);
    tile_update_border(tile, look, background_rgb);
}

static void tile_blend_centred(const Tile *tile, const Overlay *overlay, Canvas *canvas)
{
    if (!overlay)
        return;
    const int x = tile->rect.x + (((tile->rect.width - overlay->width) / 2) & ~1);
    const int y = tile->rect.y + (((tile->rect.height - overlay->height) / 2) & ~1);
    canvas_blend(canvas, overlay, x, y);
}

static void tile_draw_picture(Tile *tile, PictureScratch *scratch, Canvas *canvas)
{
    const PicturePlace place = {
        .place = tile->rect,
        .fit = tile->fit,
        .rotation = tile->rotation,
        .letterbox = yuv_from_rgb(label_backdrop_rgb()),
    };
    picture_draw(tile->scaler, scratch, tile->picture, &place, canvas);
}

static void tile_draw_initials(Tile *tile, Canvas *canvas)
{
    canvas_fill(canvas, tile->rect, yuv_from_rgb(label_backdrop_rgb()));
    if (!tile->initials)
        tile->initials =
            label_render_initials(tile->label, tile->id, tile->rect.width, tile->rect.height);
    tile_blend_centred(tile, tile->initials, canvas);
}

static void tile_draw_stale(Tile *tile, Canvas *canvas)
{
    canvas_dim(canvas, tile->rect);
    if (!tile->lost)
        tile->lost = label_render_lost(tile->rect.width, tile->rect.height);
    tile_blend_centred(tile, tile->lost, canvas);
}

static void tile_mark(Tile *tile, Canvas *canvas)
{
    if (tile->changes & TILE_WHOLE) {
        canvas_mark(canvas, tile->rect);
        return;
    }
    if (tile->changes & TILE_NAME) {
        canvas_mark(canvas, tile->name_was);
        canvas_mark(canvas, tile_name_rect(tile));
    }
    if (tile->changes & TILE_LINE) {
        BorderLook line = tile->border_look;
        line.thickness = LINE_THICK;
        border_mark(&line, canvas, tile->rect);
    }
}

void tile_draw(Tile *tile, PictureScratch *scratch, Canvas *canvas)
{
    if (tile_has_picture(tile))
        tile_draw_picture(tile, scratch, canvas);
    else
        tile_draw_initials(tile, canvas);
    if (tile->state == TILE_STALE)
        tile_draw_stale(tile, canvas);
    if (tile->name) {
        const VideoRect name = tile_name_rect(tile);
        canvas_blend(canvas, tile->name, name.x, name.y);
    }
    border_draw(tile->border, canvas, tile->rect);
    tile_mark(tile, canvas);
    tile->changes = 0;
}
