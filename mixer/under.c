#include "mixer/under.h"

#include <libyuv.h>

/* Rows lie side by side: strides are width and width / 2. */
static guint8 *under_plane(const Under *under, int plane)
{
    const gsize luma = (gsize)under->rect.width * under->rect.height;
    return under->pixels + (plane > 0 ? luma : 0) + (plane > 1 ? luma / 4 : 0);
}

void under_save(Under *under, const Canvas *canvas, VideoRect rect)
{
    const gsize size = (gsize)rect.width * rect.height * 3 / 2;
    if (under->size < size) {
        g_free(under->pixels);
        under->pixels = g_malloc(size);
        under->size = size;
    }
    under->rect = rect;
    for (int plane = 0; plane < 3; plane++) {
        const int shift = plane ? 1 : 0, width = rect.width >> shift;
        CopyPlane(canvas_at(canvas, plane, rect.x, rect.y), canvas->frame->linesize[plane],
                  under_plane(under, plane), width, width, rect.height >> shift);
    }
}

void under_restore(const Under *under, Canvas *canvas)
{
    const VideoRect rect = under->rect;
    for (int plane = 0; plane < 3 && !video_rect_is_empty(rect); plane++) {
        const int shift = plane ? 1 : 0, width = rect.width >> shift;
        CopyPlane(under_plane(under, plane), width, canvas_at(canvas, plane, rect.x, rect.y),
                  canvas->frame->linesize[plane], width, rect.height >> shift);
    }
}

void under_blend(const Under *under, Canvas *canvas, const Overlay *mask)
{
    const VideoRect rect = under->rect;
    const int half = rect.width / 2;
    guint8 *to[3];
    const int *stride = canvas->frame->linesize;
    for (int plane = 0; plane < 3; plane++)
        to[plane] = canvas_at(canvas, plane, rect.x, rect.y);
    I420Blend(under_plane(under, 0), rect.width, under_plane(under, 1), half, under_plane(under, 2),
              half, to[0], stride[0], to[1], stride[1], to[2], stride[2], mask->alpha, mask->width,
              to[0], stride[0], to[1], stride[1], to[2], stride[2], rect.width, rect.height);
}

void under_drop(Under *under)
{
    under->rect = (VideoRect){ 0, 0, 0, 0 };
}

void under_clear(Under *under)
{
    g_free(under->pixels);
    *under = (Under){ 0 };
}
