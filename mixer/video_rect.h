#pragma once

#include <glib.h>

/** A rectangle in pixels of the canvas. */
typedef struct {
    int x, y, width, height;
} VideoRect;

static inline gboolean video_rect_is_empty(VideoRect rect)
{
    return rect.width <= 0 || rect.height <= 0;
}

static inline gboolean video_rect_equal(VideoRect a, VideoRect b)
{
    return a.x == b.x && a.y == b.y && a.width == b.width && a.height == b.height;
}

static inline gboolean video_rect_overlap(VideoRect a, VideoRect b)
{
    return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height &&
           b.y < a.y + a.height;
}

/** The part of `rect` inside a width x height canvas, moved inwards to even coordinates and sizes
 *  (4:2:0 halves them). Any int is safe. */
static inline VideoRect video_rect_even_inside(VideoRect rect, int width, int height)
{
    const gint64 right = MIN((gint64)rect.x + rect.width, width) & ~G_GINT64_CONSTANT(1);
    const gint64 bottom = MIN((gint64)rect.y + rect.height, height) & ~G_GINT64_CONSTANT(1);
    const gint64 x = (MAX((gint64)rect.x, 0) + 1) & ~G_GINT64_CONSTANT(1);
    const gint64 y = (MAX((gint64)rect.y, 0) + 1) & ~G_GINT64_CONSTANT(1);
    if (rect.width <= 0 || rect.height <= 0 || right <= x || bottom <= y)
        return (VideoRect){ 0, 0, 0, 0 };
    return (VideoRect){ (int)x, (int)y, (int)(right - x), (int)(bottom - y) };
}
