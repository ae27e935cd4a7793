#pragma once

#include <glib.h>
#include <libavutil/frame.h>

#include "mixer/overlay.h"
#include "mixer/video_rect.h"

/* The picture that a compositor draws into, and which of its macroblocks changed. A value that
 * its owner reads freely and these functions write. Rectangles are even and inside the canvas;
 * drawing does not mark: what is redrawn with the same bytes has not changed. */

typedef struct {
    AVFrame *frame; /* YUV420P, BT.601, limited range */
    int width, height;
    int mb_columns, mb_rows;
    guint8 *dirty; /* one byte per macroblock, row by row */
} Canvas;

/** Even sizes, 16..4096. Filled with black, everything dirty. */
Canvas *canvas_new(int width, int height);
void canvas_free(Canvas *canvas);

void canvas_clean(Canvas *canvas);
void canvas_mark(Canvas *canvas, VideoRect rect);

void canvas_fill(Canvas *canvas, VideoRect rect, YuvColour colour);

/** Darken and fade what stands there. */
void canvas_dim(Canvas *canvas, VideoRect rect);

/** Mix `share` of 256 of a colour in. */
void canvas_tint(Canvas *canvas, VideoRect rect, YuvColour colour, int share);

/** Take a part over from a picture of the canvas' size. */
void canvas_copy(Canvas *canvas, VideoRect rect, const AVFrame *from);

/** Blend an overlay with its upper left corner at (x, y), even, as far as it is inside `clip`. */
void canvas_blend(Canvas *canvas, const Overlay *overlay, int x, int y, VideoRect clip);

/** The bytes of one plane at a position. */
guint8 *canvas_at(const Canvas *canvas, int plane, int x, int y);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Canvas, canvas_free)
