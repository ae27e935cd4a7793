#include "mixer/corners.h"

#define CORNERS 4

struct Corners {
    int radius;
    Overlay *mask[CORNERS]; /* its alpha: how much of a pixel is outside */
    Under under[CORNERS];   /* upper left, upper right, lower left, lower right */
};

VideoRect corners_rect(VideoRect tile, int size, guint i)
{
    return (VideoRect){
        i & 1 ? tile.x + tile.width - size : tile.x,
        i & 2 ? tile.y + tile.height - size : tile.y,
        size,
        size,
    };
}

/* Of a square tile that is just large enough to have four whole ones. */
static Overlay *corners_mask(int radius, guint i)
{
    const int tile = radius * 4;
    cairo_t *cairo = overlay_canvas_new(radius, radius);
    cairo_translate(cairo, i & 1 ? radius - tile : 0, i & 2 ? radius - tile : 0);
    cairo_set_fill_rule(cairo, CAIRO_FILL_RULE_EVEN_ODD);
    cairo_rectangle(cairo, 0, 0, tile, tile);
    overlay_rounded_rect(cairo, tile, tile, radius);
    overlay_set_colour(cairo, 0, 1);
    cairo_fill(cairo);
    return overlay_from_cairo(cairo);
}

Corners *corners_new(int radius)
{
    Corners *corners = g_new0(Corners, 1);
    corners->radius = radius;
    for (guint i = 0; i < CORNERS; i++)
        corners->mask[i] = corners_mask(radius, i);
    return corners;
}

void corners_free(Corners *corners)
{
    if (!corners)
        return;
    for (guint i = 0; i < CORNERS; i++) {
        overlay_unref(corners->mask[i]);
        under_clear(&corners->under[i]);
    }
    g_free(corners);
}

void corners_save(Corners *corners, const Canvas *canvas, VideoRect tile)
{
    for (guint i = 0; i < CORNERS; i++)
        under_save(&corners->under[i], canvas, corners_rect(tile, corners->radius, i));
}

void corners_blend(const Corners *corners, Canvas *canvas)
{
    for (guint i = 0; i < CORNERS; i++)
        under_blend(&corners->under[i], canvas, corners->mask[i]);
}

void corners_restore(const Corners *corners, Canvas *canvas)
{
    for (guint i = 0; i < CORNERS; i++)
        under_restore(&corners->under[i], canvas);
}

void corners_drop(Corners *corners)
{
    for (guint i = 0; i < CORNERS; i++)
        under_drop(&corners->under[i]);
}
