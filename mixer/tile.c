#include "mixer/tile.h"

#include <string.h>

#include "mixer/border.h"
#include "mixer/corners.h"
#include "mixer/label.h"
#include "mixer/level_bar.h"
#include "mixer/logo.h"

/*  what is below --kept--+
 *                        v
 *  picture or disc or outline -> dim and sign, if stale -> name -> logo -> lines -> corners ->
 * level
 *
 *  A tile is drawn whole: where its picture is the same, the same bytes come out, and only the part
 *  that really changed is marked. The bar of loudness alone stands on pixels that are kept, so that
 *  it moves without the rest. */

#define SPEAKING_RGB  0x3ecf8eu
#define OUTLINE_RGB   0x7b8794u
#define OUTLINE_SHARE 20  /* of 256 that a placeholder is brighter than what is below */
#define THICK_FROM    100 /* pixels of the shorter side */
#define THINNEST_FOR  24
#define LINE_THIN     2
#define LINE_THICK    4
#define CORNER_PART   30 /* of 100 of the radius: there an arc is as far from both edges */

typedef enum {
    TILE_WHOLE = 1 << 0,
    TILE_NAME = 1 << 1,
    TILE_LINE = 1 << 2,
    TILE_LEVEL = 1 << 3,
    TILE_BELOW = 1 << 4, /* drawn again, but for its own part the same */
} TileChange;

/* Drawings that are wanted, but not made yet. */
typedef enum {
    WANT_NAME = 1 << 0,
    WANT_DISC = 1 << 1,
    WANT_LOGO = 1 << 2,
    WANT_ALL = WANT_NAME | WANT_DISC | WANT_LOGO,
} TileWant;

struct Tile {
    char *id;

    /* how it looks */
    VideoRect rect;
    LayoutFit fit;
    TileState state;
    guint8 rotation;
    char *label, *initials_of;
    gboolean muted;
    guint more;
    int radius, level;
    BorderLook border_look, ring_look;
    Image *logo;
    AVFrame *picture; /* empty: none */
    guint64 picture_serial;

    /* made from it; NULL where not needed */
    PictureScaler *scaler;
    Overlay *name, *disc, *disc_scaled, *lost, *logo_drawing, *bar;
    Border *border, *ring;
    Corners *corners;
    guint wants; /* of TileWant */

    /* on the canvas */
    Under below;     /* all of it, where the tile is an outline only */
    Under bar_below; /* of the bar of loudness */

    /* since it was last drawn */
    guint changes;      /* of TileChange */
    VideoRect name_was; /* where the name stood */
    VideoRect bar_was;
};

/* What a drawing is made from. */
typedef struct {
    const Tile *tile;
    LabelPlace place;
    int width, height;
} TileDrawing;

Tile *tile_new(const char *id)
{
    Tile *tile = g_new0(Tile, 1);
    tile->id = g_strdup(id ? id : "");
    tile->level = -1;
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
    Overlay *overlays[] = { tile->name, tile->disc,         tile->disc_scaled,
                            tile->lost, tile->logo_drawing, tile->bar };
    for (guint i = 0; i < G_N_ELEMENTS(overlays); i++)
        overlay_unref(overlays[i]);
    border_free(tile->border);
    border_free(tile->ring);
    corners_free(tile->corners);
    image_unref(tile->logo);
    under_clear(&tile->below);
    under_clear(&tile->bar_below);
    g_free(tile->label);
    g_free(tile->initials_of);
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
    tile->changes |= TILE_BELOW;
}

gboolean tile_is_changed(const Tile *tile)
{
    return tile->changes != 0;
}

static gboolean tile_has_picture(const Tile *tile)
{
    return tile->picture->data[0] != NULL;
}

/* Distance of what stands in a corner from both edges: more where the corner is cut or lined. */
static int tile_inset(const Tile *tile)
{
    const int inset = label_inset(tile->rect.width, tile->rect.height);
    const int line = tile->border_look.thickness;
    return MAX(inset, line + ((tile->radius * CORNER_PART / 100 + 1) & ~1));
}

static VideoRect tile_name_rect(const Tile *tile)
{
    if (!tile->name)
        return (VideoRect){ 0, 0, 0, 0 };
    VideoRect rect = { 0, 0, tile->name->width, tile->name->height };
    if (tile->state == TILE_PLACEHOLDER) {
        rect.x = tile->rect.x + ((tile->rect.width - rect.width) / 2 & ~1);
        rect.y = tile->rect.y + ((tile->rect.height - rect.height) / 2 & ~1);
        return rect;
    }
    const int inset = tile_inset(tile);
    rect.x = tile->rect.x + inset;
    rect.y = tile->rect.y + tile->rect.height - inset - rect.height;
    return rect;
}

/* The bar of loudness is at the lower right. */
static VideoRect tile_bar_rect(const Tile *tile)
{
    VideoRect rect = { 0, 0, 0, 0 };
    const int inset = tile_inset(tile);
    if (tile->level < 0 ||
        !level_bar_size(tile->rect.width, tile->rect.height, &rect.width, &rect.height))
        return rect;
    rect.x = tile->rect.x + tile->rect.width - inset - rect.width;
    rect.y = tile->rect.y + tile->rect.height - inset - rect.height;
    return rect;
}

static gboolean tile_can_move_bar_only(const Tile *tile)
{
    return tile->changes == TILE_LEVEL && !video_rect_is_empty(tile->bar_below.rect) &&
           video_rect_equal(tile->bar_below.rect, tile_bar_rect(tile));
}

VideoRect tile_touches(const Tile *tile)
{
    return tile_can_move_bar_only(tile) ? tile->bar_below.rect : tile->rect;
}

/* Returns TRUE if the size changed, the tile having been shown before. */
static gboolean tile_update_place(Tile *tile, const CompositorTile *look, VideoRect rect)
{
    gboolean resized = FALSE;
    if (!video_rect_equal(tile->rect, rect)) {
        const gboolean other = tile->rect.width != rect.width || tile->rect.height != rect.height;
        resized = other && !video_rect_is_empty(tile->rect);
        tile->rect = rect;
        tile->changes |= TILE_WHOLE;
        if (other)
            tile->wants |= WANT_ALL;
    }
    if (tile->fit != look->fit || tile->rotation != (look->rotation & 3))
        tile->changes |= TILE_WHOLE;
    tile->fit = look->fit;
    tile->rotation = look->rotation & 3;
    return resized;
}

static void tile_update_picture(Tile *tile, const CompositorTile *look)
{
    if (look->state != tile->state) {
        tile->changes |= TILE_WHOLE;
        /* The texts of some states look different. */
        if (look->state > TILE_NO_PICTURE || tile->state > TILE_NO_PICTURE) {
            g_clear_pointer(&tile->name, overlay_unref);
            g_clear_pointer(&tile->disc, overlay_unref);
            tile->wants |= WANT_ALL;
        }
    }
    tile->state = look->state;
    if (look->state >= TILE_NO_PICTURE) {
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

/* Forget the drawings that say something else now. */
static void tile_update_texts(Tile *tile, const CompositorTile *look)
{
    if (g_strcmp0(tile->label, look->label) != 0 || tile->muted != !!look->muted) {
        g_free(tile->label);
        tile->label = g_strdup(look->label);
        tile->muted = !!look->muted;
        g_clear_pointer(&tile->name, overlay_unref);
        tile->wants |= WANT_NAME;
        tile->changes |= TILE_NAME;
    }
    const char *initials_of = look->name ? look->name : look->label;
    if (g_strcmp0(tile->initials_of, initials_of) != 0 || tile->more != look->more) {
        g_free(tile->initials_of);
        tile->initials_of = g_strdup(initials_of);
        tile->more = look->more;
        g_clear_pointer(&tile->disc, overlay_unref);
        tile->wants |= WANT_DISC;
        if (!tile_has_picture(tile))
            tile->changes |= TILE_WHOLE;
    }
    if (tile->logo != look->logo) {
        image_unref(tile->logo);
        tile->logo = look->logo ? image_ref((Image *)look->logo) : NULL;
        g_clear_pointer(&tile->logo_drawing, overlay_unref);
        tile->wants |= WANT_LOGO;
        tile->changes |= TILE_WHOLE;
    }
}

static gboolean border_look_equal(const BorderLook *a, const BorderLook *b)
{
    return a->radius == b->radius && a->thickness == b->thickness && a->line_rgb == b->line_rgb;
}

/* Returns TRUE if the line is another one. */
static gboolean tile_update_line(Border **line, BorderLook *now, const BorderLook *wanted)
{
    if (border_look_equal(now, wanted))
        return FALSE;
    *now = *wanted;
    border_free(*line);
    *line = border_new(wanted);
    return TRUE;
}

static void tile_update_lines(Tile *tile, const CompositorTile *look)
{
    const int side = MIN(tile->rect.width, tile->rect.height);
    const int line = side >= THICK_FROM ? LINE_THICK : side >= THINNEST_FOR ? LINE_THIN : 0;
    const int radius = CLAMP(look->radius, 0, side / 4) & ~1;
    BorderLook border = { radius, CLAMP(look->border, 0, side / 4) & ~1, look->border_rgb };
    if (look->state == TILE_PLACEHOLDER && !border.thickness)
        border = (BorderLook){ radius, line ? LINE_THIN : 0, OUTLINE_RGB };
    const BorderLook ring = { radius, look->speaking ? line : 0, SPEAKING_RGB };
    if (tile_update_line(&tile->border, &tile->border_look, &border)) {
        tile->changes |= TILE_WHOLE;
        tile->wants |= WANT_NAME; /* it keeps away from the edge */
    }
    if (tile_update_line(&tile->ring, &tile->ring_look, &ring))
        tile->changes |= TILE_LINE;
    if (radius == tile->radius)
        return;
    tile->radius = radius;
    corners_free(tile->corners);
    tile->corners = radius ? corners_new(radius) : NULL;
    tile->changes |= TILE_WHOLE;
}

static void tile_update_level(Tile *tile, const CompositorTile *look)
{
    const int level = look->level < 0 ? -1 : MIN(look->level, COMPOSITOR_LEVELS);
    const gboolean appears = (level < 0) != (tile->level < 0);
    if (level != tile->level)
        tile->changes |= TILE_LEVEL;
    if (appears)
        tile->wants |= WANT_NAME; /* it makes room */
    const gboolean same = level == tile->level && !(tile->wants & WANT_NAME);
    tile->level = level;
    if (same)
        return;
    const VideoRect rect = tile_bar_rect(tile);
    g_clear_pointer(&tile->bar, overlay_unref);
    if (!video_rect_is_empty(rect))
        tile->bar = level_bar_fetch(rect.width, rect.height, level);
}

static Overlay *tile_make_name(gconstpointer what)
{
    const TileDrawing *drawing = what;
    const Tile *tile = drawing->tile;
    if (tile->state == TILE_PLACEHOLDER)
        return label_render_waiting(tile->label, drawing->place);
    return label_render_name(tile->label, tile->muted, drawing->place);
}

static Overlay *tile_make_disc(gconstpointer what)
{
    const TileDrawing *drawing = what;
    const Tile *tile = drawing->tile;
    if (tile->state == TILE_MORE)
        return label_render_more(tile->more, drawing->width);
    return label_render_initials(tile->initials_of, tile->id, drawing->width);
}

static Overlay *tile_make_logo(gconstpointer what)
{
    const TileDrawing *drawing = what;
    return logo_render(drawing->tile->logo, drawing->width, drawing->height, 255);
}

/* Put a drawing that may have had to wait into its place. Returns TRUE if it is another one. */
static gboolean tile_fetch(Tile *tile, guint want, Overlay **slot, const char *key,
                           DrawingFunc make, const TileDrawing *what, DrawingBudget *budget)
{
    Overlay *made = NULL;
    if (!drawings_fetch(budget, key, make, what, &made))
        return FALSE;
    tile->wants &= ~want;
    if (made == *slot) {
        overlay_unref(made);
        return FALSE;
    }
    overlay_unref(*slot);
    *slot = made;
    return TRUE;
}

static void tile_fetch_name(Tile *tile, DrawingBudget *budget)
{
    const VideoRect bar = tile_bar_rect(tile);
    const int inset = tile_inset(tile);
    const int more = inset - label_inset(tile->rect.width, tile->rect.height);
    const LabelPlace place = { tile->rect.width, tile->rect.height,
                               2 * more + (bar.width ? bar.width + inset : 0) };
    const TileDrawing what = { .tile = tile, .place = place };
    g_autofree char *key = tile->state == TILE_PLACEHOLDER
                               ? label_waiting_key(tile->label, place)
                               : label_name_key(tile->label, tile->muted, place);
    if (tile_fetch(tile, WANT_NAME, &tile->name, key, tile_make_name, &what, budget))
        tile->changes |= TILE_NAME;
}

static void tile_fetch_disc(Tile *tile, DrawingBudget *budget)
{
    const int size = label_disc_size(tile->rect.width, tile->rect.height);
    const TileDrawing what = { .tile = tile, .width = size };
    g_autofree char *key = tile->state == TILE_MORE
                               ? g_strdup_printf("more %d %u", size, tile->more)
                               : label_initials_key(tile->initials_of, tile->id, size);
    if (tile_fetch(tile, WANT_DISC, &tile->disc, key, tile_make_disc, &what, budget))
        tile->changes |= TILE_WHOLE;
}

static void tile_fetch_logo(Tile *tile, DrawingBudget *budget)
{
    TileDrawing what = { .tile = tile };
    if (!logo_size(tile->logo, tile->rect.width, tile->rect.height, &what.width, &what.height)) {
        tile->wants &= ~(guint)WANT_LOGO;
        if (tile->logo_drawing)
            tile->changes |= TILE_WHOLE;
        g_clear_pointer(&tile->logo_drawing, overlay_unref);
        return;
    }
    char key[64];
    g_snprintf(key, sizeof key, "logo %" G_GUINT64_FORMAT " %d %d", image_serial(tile->logo),
               what.width, what.height);
    if (tile_fetch(tile, WANT_LOGO, &tile->logo_drawing, key, tile_make_logo, &what, budget))
        tile->changes |= TILE_WHOLE;
}

/* While the size changes from tick to tick the drawings stay as they are, if they are there. */
static void tile_fetch_drawings(Tile *tile, gboolean resized, DrawingBudget *budget)
{
    const gboolean has_disc = !tile_has_picture(tile) && tile->state != TILE_PLACEHOLDER;
    if (tile->wants & WANT_NAME && !(resized && tile->name))
        tile_fetch_name(tile, budget);
    if (tile->wants & WANT_DISC && has_disc && !(resized && tile->disc))
        tile_fetch_disc(tile, budget);
    if (tile->wants & WANT_LOGO && tile->logo && !(resized && tile->logo_drawing))
        tile_fetch_logo(tile, budget);
}

VideoRect tile_update(Tile *tile, const CompositorTile *look, VideoRect rect, DrawingBudget *budget)
{
    const VideoRect was = tile->rect;
    const int radius = tile->radius;
    const gboolean outline = tile->state == TILE_PLACEHOLDER;
    if (!tile->changes) {
        tile->name_was = tile_name_rect(tile);
        tile->bar_was = tile_bar_rect(tile);
    }
    const gboolean resized = tile_update_place(tile, look, rect);
    tile_update_picture(tile, look);
    tile_update_texts(tile, look);
    tile_update_lines(tile, look);
    tile_update_level(tile, look);
    tile_fetch_drawings(tile, resized, budget);
    if (video_rect_equal(was, rect) && radius == tile->radius &&
        outline == (tile->state == TILE_PLACEHOLDER))
        return (VideoRect){ 0, 0, 0, 0 };
    /* What was kept belongs to another place. */
    under_drop(&tile->below);
    under_drop(&tile->bar_below);
    if (tile->corners)
        corners_drop(tile->corners);
    return was;
}

void tile_remove(const Tile *tile, Canvas *canvas)
{
    if (tile_can_move_bar_only(tile))
        return;
    under_restore(&tile->below, canvas);
    if (tile->corners)
        corners_restore(tile->corners, canvas);
}

static void tile_blend_centred(const Tile *tile, const Overlay *overlay, Canvas *canvas)
{
    if (!overlay)
        return;
    const int x = tile->rect.x + (((tile->rect.width - overlay->width) / 2) & ~1);
    const int y = tile->rect.y + (((tile->rect.height - overlay->height) / 2) & ~1);
    canvas_blend(canvas, overlay, x, y, tile->rect);
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

/* A disc of another size is scaled until the right one is made. */
static const Overlay *tile_disc(Tile *tile)
{
    const int size = label_disc_size(tile->rect.width, tile->rect.height);
    if (!tile->disc || size < 2 || tile->disc->width == size) {
        g_clear_pointer(&tile->disc_scaled, overlay_unref);
        return tile->disc;
    }
    overlay_unref(tile->disc_scaled);
    tile->disc_scaled = overlay_scaled(tile->disc, size, size);
    return tile->disc_scaled;
}

static void tile_draw_disc(Tile *tile, Canvas *canvas)
{
    canvas_fill(canvas, tile->rect, yuv_from_rgb(label_backdrop_rgb()));
    tile_blend_centred(tile, tile_disc(tile), canvas);
}

static Overlay *tile_make_lost(gconstpointer what)
{
    const TileDrawing *drawing = what;
    return label_render_lost(drawing->width, drawing->height);
}

static void tile_draw_stale(Tile *tile, Canvas *canvas)
{
    const int side = MIN(tile->rect.width, tile->rect.height);
    const TileDrawing what = { .width = side, .height = side };
    char key[32];
    canvas_dim(canvas, tile->rect);
    g_clear_pointer(&tile->lost, overlay_unref);
    g_snprintf(key, sizeof key, "lost %d", side);
    drawings_fetch(NULL, key, tile_make_lost, &what, &tile->lost);
    tile_blend_centred(tile, tile->lost, canvas);
}

static void tile_draw_content(Tile *tile, PictureScratch *scratch, Canvas *canvas)
{
    if (tile->state == TILE_PLACEHOLDER)
        canvas_tint(canvas, tile->rect, yuv_from_rgb(0xffffff), OUTLINE_SHARE);
    else if (tile_has_picture(tile))
        tile_draw_picture(tile, scratch, canvas);
    else
        tile_draw_disc(tile, canvas);
    if (tile->state == TILE_STALE)
        tile_draw_stale(tile, canvas);
    if (tile->name) {
        const VideoRect name = tile_name_rect(tile);
        canvas_blend(canvas, tile->name, name.x, name.y, tile->rect);
    }
    if (tile->logo_drawing) {
        const int inset = tile_inset(tile);
        const int right = tile->rect.x + tile->rect.width - inset;
        canvas_blend(canvas, tile->logo_drawing, right - tile->logo_drawing->width,
                     tile->rect.y + inset, tile->rect);
    }
    border_draw(tile->border, canvas, tile->rect);
    border_draw(tile->ring, canvas, tile->rect);
}

static void tile_draw_bar(Tile *tile, Canvas *canvas)
{
    const VideoRect rect = tile_bar_rect(tile);
    under_drop(&tile->bar_below);
    if (!tile->bar)
        return;
    under_save(&tile->bar_below, canvas, rect);
    canvas_blend(canvas, tile->bar, rect.x, rect.y, tile->rect);
}

static void tile_draw_whole(Tile *tile, PictureScratch *scratch, Canvas *canvas)
{
    if (tile->state == TILE_PLACEHOLDER)
        under_save(&tile->below, canvas, tile->rect);
    if (tile->corners)
        corners_save(tile->corners, canvas, tile->rect);
    tile_draw_content(tile, scratch, canvas);
    if (tile->corners)
        corners_blend(tile->corners, canvas);
    tile_draw_bar(tile, canvas);
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
    if (tile->changes & TILE_LEVEL) {
        canvas_mark(canvas, tile->bar_was);
        canvas_mark(canvas, tile_bar_rect(tile));
    }
    if (tile->changes & TILE_LINE) {
        BorderLook line = tile->ring_look;
        line.thickness = LINE_THICK;
        border_mark(&line, canvas, tile->rect);
    }
}

void tile_draw(Tile *tile, PictureScratch *scratch, Canvas *canvas)
{
    if (tile_can_move_bar_only(tile)) {
        under_restore(&tile->bar_below, canvas);
        tile_draw_bar(tile, canvas);
    } else {
        tile_draw_whole(tile, scratch, canvas);
    }
    tile_mark(tile, canvas);
    tile->changes = 0;
}
