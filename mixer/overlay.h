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

/** A value: whoever holds it reads the planes. Even sizes; strides are width and width / 2.
 *  Counted, and not changed once it was handed on: any thread. */
typedef struct {
    gint refs;
    int width, height;
    guint8 *y, *u, *v, *alpha;
} Overlay;

/** A transparent cairo drawing of an even size, 2..4096 a side. */
cairo_t *overlay_canvas_new(int width, int height);

/** Its planes are yet to be filled. */
Overlay *overlay_new(int width, int height);

/** Turn the drawing into an overlay (transfer full) and destroy the context. */
Overlay *overlay_from_cairo(cairo_t *cairo);

Overlay *overlay_ref(Overlay *overlay);
void overlay_unref(Overlay *overlay);
gsize overlay_bytes(const Overlay *overlay);

/** The same in another size, even (transfer full). */
Overlay *overlay_scaled(const Overlay *source, int width, int height);

/** cairo_set_source_rgb for 0xRRGGBB. */
void overlay_set_colour(cairo_t *cairo, guint32 rgb, double alpha);

/** A path with its upper left corner at the origin. */
void overlay_rounded_rect(cairo_t *cairo, double width, double height, double radius);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Overlay, overlay_unref)
