#include "mixer/canvas.h"

#include <libyuv.h>
#include <string.h>

#define MACROBLOCK  16
#define DIM_LUMA    112 /* of 256 that remain */
#define DIM_CHROMA  88
#define BLACK_LEVEL 16

Canvas *canvas_new(int width, int height)
{
    g_return_val_if_fail(width >= 16 && width <= 4096 && width % 2 == 0, NULL);
    g_return_val_if_fail(height >= 16 && height <= 4096 && height % 2 == 0, NULL);
    g_autoptr(Canvas) canvas = g_new0(Canvas, 1);
    canvas->width = width;
    canvas->height = height;
    canvas->mb_columns = (width + MACROBLOCK - 1) / MACROBLOCK;
    canvas->mb_rows = (height + MACROBLOCK - 1) / MACROBLOCK;
    canvas->dirty = g_malloc0((gsize)canvas->mb_columns * canvas->mb_rows);
    canvas->frame = av_frame_alloc();
    if (!canvas->frame)
        g_error("out of memory for a canvas");
    canvas->frame->format = AV_PIX_FMT_YUV420P;
    canvas->frame->width = width;
    canvas->frame->height = height;
    canvas->frame->color_range = AVCOL_RANGE_MPEG;
    canvas->frame->colorspace = AVCOL_SPC_SMPTE170M;
    if (av_frame_get_buffer(canvas->frame, 0) < 0)
        g_error("out of memory for a canvas of %dx%d", width, height);
    const VideoRect all = { 0, 0, width, height };
    canvas_fill(canvas, all, yuv_from_rgb(0));
    canvas_mark(canvas, all);
    return g_steal_pointer(&canvas);
}

void canvas_free(Canvas *canvas)
{
    if (!canvas)
        return;
    av_frame_free(&canvas->frame);
    g_free(canvas->dirty);
    g_free(canvas);
}

void canvas_clean(Canvas *canvas)
{
    memset(canvas->dirty, 0, (gsize)canvas->mb_columns * canvas->mb_rows);
}

void canvas_mark(Canvas *canvas, VideoRect rect)
{
    const VideoRect inside = video_rect_even_inside(rect, canvas->width, canvas->height);
    if (video_rect_is_empty(inside))
        return;
    const int first = inside.x / MACROBLOCK;
    const int columns = (inside.x + inside.width - 1) / MACROBLOCK - first + 1;
    const int last_row = (inside.y + inside.height - 1) / MACROBLOCK;
    for (int row = inside.y / MACROBLOCK; row <= last_row; row++)
        memset(canvas->dirty + (gsize)row * canvas->mb_columns + first, 1, (gsize)columns);
}

guint8 *canvas_at(const Canvas *canvas, int plane, int x, int y)
{
    const int shift = plane ? 1 : 0;
    const AVFrame *frame = canvas->frame;
    return frame->data[plane] + (gsize)(y >> shift) * frame->linesize[plane] + (x >> shift);
}

void canvas_fill(Canvas *canvas, VideoRect rect, YuvColour colour)
{
    const guint8 values[3] = { colour.y, colour.u, colour.v };
    for (int plane = 0; plane < 3; plane++) {
        const int shift = plane ? 1 : 0;
        guint8 *row = canvas_at(canvas, plane, rect.x, rect.y);
        for (int y = 0; y < rect.height >> shift; y++, row += canvas->frame->linesize[plane])
            memset(row, values[plane], (gsize)(rect.width >> shift));
    }
}

static void canvas_fade_row(guint8 *row, int n, int centre, int remain)
{
    for (int i = 0; i < n; i++)
        row[i] = (guint8)(centre + ((row[i] - centre) * remain >> 8));
}

void canvas_dim(Canvas *canvas, VideoRect rect)
{
    for (int plane = 0; plane < 3; plane++) {
        const int shift = plane ? 1 : 0;
        guint8 *row = canvas_at(canvas, plane, rect.x, rect.y);
        for (int y = 0; y < rect.height >> shift; y++, row += canvas->frame->linesize[plane])
            canvas_fade_row(row, rect.width >> shift, plane ? 128 : BLACK_LEVEL,
                            plane ? DIM_CHROMA : DIM_LUMA);
    }
}

void canvas_tint(Canvas *canvas, VideoRect rect, YuvColour colour, int share)
{
    const guint8 values[3] = { colour.y, colour.u, colour.v };
    for (int plane = 0; plane < 3; plane++) {
        const int shift = plane ? 1 : 0;
        guint8 *row = canvas_at(canvas, plane, rect.x, rect.y);
        for (int y = 0; y < rect.height >> shift; y++, row += canvas->frame->linesize[plane])
            canvas_fade_row(row, rect.width >> shift, values[plane], 256 - share);
    }
}

void canvas_copy(Canvas *canvas, VideoRect rect, const AVFrame *from)
{
    for (int plane = 0; plane < 3; plane++) {
        const int shift = plane ? 1 : 0;
        const guint8 *source = from->data[plane] +
                               (gsize)(rect.y >> shift) * from->linesize[plane] + (rect.x >> shift);
        CopyPlane(source, from->linesize[plane], canvas_at(canvas, plane, rect.x, rect.y),
                  canvas->frame->linesize[plane], rect.width >> shift, rect.height >> shift);
    }
}

static VideoRect canvas_intersect(VideoRect a, VideoRect b)
{
    const int x = MAX(a.x, b.x), y = MAX(a.y, b.y);
    return (VideoRect){ x, y, MIN(a.x + a.width, b.x + b.width) - x,
                        MIN(a.y + a.height, b.y + b.height) - y };
}

void canvas_blend(Canvas *canvas, const Overlay *overlay, int x, int y, VideoRect clip)
{
    const VideoRect place = { x, y, overlay->width, overlay->height };
    const VideoRect part = canvas_intersect(place, clip);
    if (video_rect_is_empty(part))
        return;
    const int left = part.x - x, top = part.y - y, stride = overlay->width;
    const gsize luma = (gsize)top * stride + left,
                chroma = (gsize)top / 2 * (stride / 2) + left / 2;
    guint8 *to_y = canvas_at(canvas, 0, part.x, part.y),
           *to_u = canvas_at(canvas, 1, part.x, part.y),
           *to_v = canvas_at(canvas, 2, part.x, part.y);
    const int stride_y = canvas->frame->linesize[0], stride_u = canvas->frame->linesize[1],
              stride_v = canvas->frame->linesize[2];
    I420Blend(overlay->y + luma, stride, overlay->u + chroma, stride / 2, overlay->v + chroma,
              stride / 2, to_y, stride_y, to_u, stride_u, to_v, stride_v, overlay->alpha + luma,
              stride, to_y, stride_y, to_u, stride_u, to_v, stride_v, part.width, part.height);
}
