#include "mixer/border.h"

#include "mixer/corners.h"

#define CORNERS 4

struct Border {
    BorderLook look;
    YuvColour line;
    int corner_size;
    Overlay *corner[CORNERS]; /* upper left, upper right, lower left, lower right */
};

static int border_corner_size(const BorderLook *look)
{
    return MAX(look->radius, look->thickness);
}

/* One corner of a square tile that is just large enough to have four whole ones. All outside the
 * line's inner edge has its colour: the rounded corner is cut afterwards. */
static Overlay *border_draw_corner(const BorderLook *look, guint corner)
{
    const int size = border_corner_size(look), tile = size * 4;
    const int inner = tile - 2 * look->thickness;
    cairo_t *cairo = overlay_canvas_new(size, size);
    cairo_translate(cairo, corner & 1 ? size - tile : 0, corner & 2 ? size - tile : 0);
    cairo_set_fill_rule(cairo, CAIRO_FILL_RULE_EVEN_ODD);
    cairo_rectangle(cairo, 0, 0, tile, tile);
    cairo_translate(cairo, look->thickness, look->thickness);
    overlay_rounded_rect(cairo, inner, inner, MAX(look->radius - look->thickness, 0));
    overlay_set_colour(cairo, look->line_rgb, 1);
    cairo_fill(cairo);
    return overlay_from_cairo(cairo);
}

Border *border_new(const BorderLook *look)
{
    if (look->thickness <= 0)
        return NULL;
    Border *border = g_new0(Border, 1);
    border->look = *look;
    border->line = yuv_from_rgb(look->line_rgb);
    border->corner_size = border_corner_size(look);
    for (guint i = 0; i < CORNERS; i++)
        border->corner[i] = border_draw_corner(look, i);
    return border;
}

void border_free(Border *border)
{
    if (!border)
        return;
    for (guint i = 0; i < CORNERS; i++)
        overlay_unref(border->corner[i]);
    g_free(border);
}

static void border_lines(VideoRect tile, int thickness, int corner, VideoRect lines[4])
{
    const int long_x = tile.width - 2 * corner, long_y = tile.height - 2 * corner;
    const int right = tile.x + tile.width, bottom = tile.y + tile.height;
    lines[0] = (VideoRect){ tile.x + corner, tile.y, long_x, thickness };
    lines[1] = (VideoRect){ tile.x + corner, bottom - thickness, long_x, thickness };
    lines[2] = (VideoRect){ tile.x, tile.y + corner, thickness, long_y };
    lines[3] = (VideoRect){ right - thickness, tile.y + corner, thickness, long_y };
}

void border_draw(const Border *border, Canvas *canvas, VideoRect tile)
{
    if (!border)
        return;
    VideoRect lines[4];
    border_lines(tile, border->look.thickness, border->corner_size, lines);
    for (guint i = 0; i < G_N_ELEMENTS(lines); i++) {
        if (!video_rect_is_empty(lines[i]))
            canvas_fill(canvas, lines[i], border->line);
    }
    for (guint i = 0; i < CORNERS; i++) {
        const VideoRect corner = corners_rect(tile, border->corner_size, i);
        canvas_blend(canvas, border->corner[i], corner.x, corner.y, corner);
    }
}

void border_mark(const BorderLook *look, Canvas *canvas, VideoRect tile)
{
    VideoRect lines[4];
    const int size = border_corner_size(look);
    border_lines(tile, look->thickness, size, lines);
    for (guint i = 0; i < G_N_ELEMENTS(lines); i++)
        canvas_mark(canvas, lines[i]);
    for (guint i = 0; i < CORNERS; i++)
        canvas_mark(canvas, corners_rect(tile, size, i));
}
