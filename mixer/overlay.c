#include "mixer/overlay.h"

#include <libyuv.h>
#include <string.h>

/* BT.601 limited range, 8 fraction bits. */
static guint8 yuv_luma(int r, int g, int b)
{
    return (guint8)(((66 * r + 129 * g + 25 * b + 128) >> 8) + 16);
}

static guint8 yuv_u(int r, int g, int b)
{
    return (guint8)(((-38 * r - 74 * g + 112 * b + 128) >> 8) + 128);
}

static guint8 yuv_v(int r, int g, int b)
{
    return (guint8)(((112 * r - 94 * g - 18 * b + 128) >> 8) + 128);
}

YuvColour yuv_from_rgb(guint32 rgb)
{
    const int r = rgb >> 16 & 0xff, g = rgb >> 8 & 0xff, b = rgb & 0xff;
    return (YuvColour){ yuv_luma(r, g, b), yuv_u(r, g, b), yuv_v(r, g, b) };
}

cairo_t *overlay_canvas_new(int width, int height)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, width, height);
    cairo_t *cairo = cairo_create(surface);
    cairo_surface_destroy(surface);
    return cairo;
}

void overlay_set_colour(cairo_t *cairo, guint32 rgb, double alpha)
{
    cairo_set_source_rgba(cairo, (rgb >> 16 & 0xff) / 255.0, (rgb >> 8 & 0xff) / 255.0,
                          (rgb & 0xff) / 255.0, alpha);
}

void overlay_rounded_rect(cairo_t *cairo, double width, double height, double radius)
{
    cairo_new_sub_path(cairo);
    cairo_arc(cairo, width - radius, radius, radius, -G_PI / 2, 0);
    cairo_arc(cairo, width - radius, height - radius, radius, 0, G_PI / 2);
    cairo_arc(cairo, radius, height - radius, radius, G_PI / 2, G_PI);
    cairo_arc(cairo, radius, radius, radius, G_PI, 3 * G_PI / 2);
    cairo_close_path(cairo);
}

/* Sums of premultiplied pixels, to be divided by their alpha. */
typedef struct {
    int r, g, b, a;
} PixelSum;

static void pixel_sum_add(PixelSum *sum, guint32 argb)
{
    sum->a += argb >> 24;
    sum->r += argb >> 16 & 0xff;
    sum->g += argb >> 8 & 0xff;
    sum->b += argb & 0xff;
}

/* Straight colour; black where nothing was drawn. */
static PixelSum pixel_sum_straight(PixelSum sum)
{
    if (sum.a == 0)
        return (PixelSum){ 0, 0, 0, 0 };
    return (PixelSum){ MIN(sum.r * 255 / sum.a, 255), MIN(sum.g * 255 / sum.a, 255),
                       MIN(sum.b * 255 / sum.a, 255), sum.a };
}

static guint32 pixel_at(const guint8 *data, int stride, int x, int y)
{
    guint32 argb;
    memcpy(&argb, data + (gsize)y * stride + (gsize)x * 4, sizeof argb);
    return argb;
}

static void overlay_convert_luma(Overlay *overlay, const guint8 *data, int stride)
{
    for (int y = 0; y < overlay->height; y++) {
        for (int x = 0; x < overlay->width; x++) {
            PixelSum sum = { 0 };
            pixel_sum_add(&sum, pixel_at(data, stride, x, y));
            const PixelSum pixel = pixel_sum_straight(sum);
            const gsize at = (gsize)y * overlay->width + x;
            overlay->y[at] = yuv_luma(pixel.r, pixel.g, pixel.b);
            overlay->alpha[at] = (guint8)pixel.a;
        }
    }
}

static void overlay_convert_chroma(Overlay *overlay, const guint8 *data, int stride)
{
    for (int y = 0; y < overlay->height; y += 2) {
        for (int x = 0; x < overlay->width; x += 2) {
            PixelSum sum = { 0 };
            for (int i = 0; i < 4; i++)
                pixel_sum_add(&sum, pixel_at(data, stride, x + (i & 1), y + (i >> 1)));
            const PixelSum pixel = pixel_sum_straight(sum);
            const gsize at = (gsize)(y / 2) * (overlay->width / 2) + x / 2;
            overlay->u[at] = yuv_u(pixel.r, pixel.g, pixel.b);
            overlay->v[at] = yuv_v(pixel.r, pixel.g, pixel.b);
        }
    }
}

Overlay *overlay_new(int width, int height)
{
    const gsize size = (gsize)width * height;
    Overlay *overlay = g_new0(Overlay, 1);
    overlay->refs = 1;
    overlay->width = width;
    overlay->height = height;
    overlay->y = g_malloc(size * 5 / 2);
    overlay->alpha = overlay->y + size;
    overlay->u = overlay->alpha + size;
    overlay->v = overlay->u + size / 4;
    return overlay;
}

Overlay *overlay_from_cairo(cairo_t *cairo)
{
    cairo_surface_t *surface = cairo_get_target(cairo);
    cairo_surface_flush(surface);
    Overlay *overlay = overlay_new(cairo_image_surface_get_width(surface),
                                   cairo_image_surface_get_height(surface));
    const guint8 *data = cairo_image_surface_get_data(surface);
    overlay_convert_luma(overlay, data, cairo_image_surface_get_stride(surface));
    overlay_convert_chroma(overlay, data, cairo_image_surface_get_stride(surface));
    cairo_destroy(cairo);
    return overlay;
}

Overlay *overlay_ref(Overlay *overlay)
{
    g_atomic_int_inc(&overlay->refs);
    return overlay;
}

void overlay_unref(Overlay *overlay)
{
    if (!overlay || !g_atomic_int_dec_and_test(&overlay->refs))
        return;
    g_free(overlay->y);
    g_free(overlay);
}

gsize overlay_bytes(const Overlay *overlay)
{
    return sizeof *overlay + (gsize)overlay->width * overlay->height * 5 / 2;
}

static void overlay_scale_plane(const guint8 *from, const Overlay *source, guint8 *to,
                                const Overlay *target, int shift)
{
    ScalePlane(from, source->width >> shift, source->width >> shift, source->height >> shift, to,
               target->width >> shift, target->width >> shift, target->height >> shift, kFilterBox);
}

Overlay *overlay_scaled(const Overlay *source, int width, int height)
{
    Overlay *target = overlay_new(width, height);
    overlay_scale_plane(source->y, source, target->y, target, 0);
    overlay_scale_plane(source->u, source, target->u, target, 1);
    overlay_scale_plane(source->v, source, target->v, target, 1);
    overlay_scale_plane(source->alpha, source, target->alpha, target, 0);
    return target;
}
