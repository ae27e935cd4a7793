#pragma once

#include <cairo.h>
#include <glib.h>

/* A small drawing with an alpha plane, ready to be blended into YUV420P: made once from cairo,
 * blended as often as its tile is redrawn. */

typedef struct {
    guint8 y, u, v;
} YuvColour;

/** 0xRRGGBB as BT.601, limited range. */
YuvColour yuv_from_rgb(guint32 rgb);

/** A value: whoever holds it reads the planes. Even sizes; strides are width and width / 2. */
typedef struct {
    int width, height;
    guint8 *y, *u, *v, *alpha;
} Overlay;

/** A transparent cairo drawing of an even size, 2..4096 a side. */
cairo_t *overlay_canvas_new(int width, int height);

/** Turn the drawing into an overlay (transfer full) and destroy the context. */
Overlay *overlay_from_cairo(cairo_t *cairo);
void overlay_free(Overlay *overlay);

/** cairo_set_source_rgb for 0xRRGGBB. */
void overlay_set_colour(cairo_t *cairo, guint32 rgb, double alpha);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Overlay, overlay_free)
