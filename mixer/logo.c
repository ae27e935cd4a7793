#include "mixer/logo.h"

#include <libyuv.h>
#include <math.h>

#define BLACK     16
#define GREY      128
#define SMALLEST  8
#define WIDE_PART 0.45 /* of the tile's shorter side */

/*  Pixels are weighted with their opacity while they are scaled: what cannot be seen has a colour
 *  too, which must not bleed into the edges. */

static int logo_weigh(int value, int zero, int alpha)
{
    return zero + ((value - zero) * alpha + (value > zero ? 127 : -127)) / 255;
}

static int logo_unweigh(int value, int zero, int alpha)
{
    return alpha ? CLAMP(zero + (value - zero) * 255 / alpha, 0, 255) : zero;
}

/* Mean opacity of the four pixels of a colour sample. */
static int logo_alpha4(const guint8 *alpha, int stride, int x, int y)
{
    const guint8 *at = alpha + (gsize)2 * y * stride + 2 * x;
    return (at[0] + at[1] + at[stride] + at[stride + 1] + 2) / 4;
}

static void logo_weigh_luma(const AVFrame *frame, guint8 *out)
{
    for (int y = 0; y < frame->height; y++) {
        const guint8 *luma = frame->data[0] + (gsize)y * frame->linesize[0];
        const guint8 *alpha = frame->data[3] + (gsize)y * frame->linesize[3];
        for (int x = 0; x < frame->width; x++)
            *out++ = (guint8)logo_weigh(luma[x], BLACK, alpha[x]);
    }
}

static void logo_weigh_chroma(const AVFrame *frame, int plane, guint8 *out)
{
    for (int y = 0; y < frame->height / 2; y++) {
        const guint8 *chroma = frame->data[plane] + (gsize)y * frame->linesize[plane];
        for (int x = 0; x < frame->width / 2; x++) {
            const int alpha = logo_alpha4(frame->data[3], frame->linesize[3], x, y);
            *out++ = (guint8)logo_weigh(chroma[x], GREY, alpha);
        }
    }
}

static void logo_scale(const guint8 *from, int stride, const AVFrame *frame, guint8 *to,
                       const Overlay *overlay, int shift)
{
    ScalePlane(from, stride, frame->width >> shift, frame->height >> shift, to,
               overlay->width >> shift, overlay->width >> shift, overlay->height >> shift,
               kFilterBox);
}

static void logo_unweigh_all(Overlay *overlay)
{
    const int half = overlay->width / 2;
    for (gsize i = 0; i < (gsize)overlay->width * overlay->height; i++)
        overlay->y[i] = (guint8)logo_unweigh(overlay->y[i], BLACK, overlay->alpha[i]);
    for (int y = 0; y < overlay->height / 2; y++) {
        for (int x = 0; x < half; x++) {
            const int alpha = logo_alpha4(overlay->alpha, overlay->width, x, y);
            const gsize at = (gsize)y * half + x;
            overlay->u[at] = (guint8)logo_unweigh(overlay->u[at], GREY, alpha);
            overlay->v[at] = (guint8)logo_unweigh(overlay->v[at], GREY, alpha);
        }
    }
}

static void logo_render_weighted(const AVFrame *frame, Overlay *overlay)
{
    const gsize size = (gsize)frame->width * frame->height;
    g_autofree guint8 *planes = g_malloc(size * 3 / 2);
    guint8 *u = planes + size, *v = u + size / 4;
    logo_weigh_luma(frame, planes);
    logo_weigh_chroma(frame, 1, u);
    logo_weigh_chroma(frame, 2, v);
    logo_scale(planes, frame->width, frame, overlay->y, overlay, 0);
    logo_scale(u, frame->width / 2, frame, overlay->u, overlay, 1);
    logo_scale(v, frame->width / 2, frame, overlay->v, overlay, 1);
    logo_unweigh_all(overlay);
}

Overlay *logo_render(const Image *image, int width, int height, guint8 opacity)
{
    const AVFrame *frame = image_frame(image);
    Overlay *overlay = overlay_new(width, height);
    logo_scale(frame->data[3], frame->linesize[3], frame, overlay->alpha, overlay, 0);
    if (image_is_opaque(image)) {
        logo_scale(frame->data[0], frame->linesize[0], frame, overlay->y, overlay, 0);
        logo_scale(frame->data[1], frame->linesize[1], frame, overlay->u, overlay, 1);
        logo_scale(frame->data[2], frame->linesize[2], frame, overlay->v, overlay, 1);
    } else {
        logo_render_weighted(frame, overlay);
    }
    for (gsize i = 0; opacity < 255 && i < (gsize)width * height; i++)
        overlay->alpha[i] = (guint8)(overlay->alpha[i] * opacity / 255);
    return overlay;
}

gboolean logo_size(const Image *image, int tile_width, int tile_height, int *width, int *height)
{
    const double side = MIN(tile_width, tile_height);
    const double shape = (double)image_width(image) / image_height(image);
    double high = side / 6;
    if (high * shape > side * WIDE_PART)
        high = side * WIDE_PART / shape;
    *width = (int)lround(high * shape / 2) * 2;
    *height = (int)lround(high / 2) * 2;
    if (MAX(*width, *height) < SMALLEST)
        return FALSE;
    *width = MAX(*width, 2);
    *height = MAX(*height, 2);
    return TRUE;
}
