#include "codecs/yuv_convert.h"

#include <math.h>
#include <string.h>

/* Odd, and more than a block and a half. */
#define WIDTH     51
#define HEIGHT    7
#define TOLERANCE 3.0

typedef struct {
    double r, g, b; /* 0 to 255 */
} Colour;

static const Colour colours[] = {
    { 200, 40, 90 }, { 20, 200, 60 },   { 40, 60, 220 },   { 230, 210, 30 },
    { 0, 0, 0 },     { 255, 255, 255 }, { 128, 128, 128 }, { 30, 190, 200 },
};

static double luma(const Colour *c, double kr, double kb)
{
    return (kr * c->r + (1 - kr - kb) * c->g + kb * c->b) / 255;
}

/* A picture of one colour. */
static AVFrame *flat(const Colour *c, double kr, double kb, gboolean full)
{
    double y = luma(c, kr, kb);
    double values[] = { y, (c->b / 255 - y) / (2 * (1 - kb)), (c->r / 255 - y) / (2 * (1 - kr)) };
    AVFrame *frame = av_frame_alloc();
    frame->format = AV_PIX_FMT_YUV420P;
    frame->width = WIDTH;
    frame->height = HEIGHT;
    g_assert_cmpint(av_frame_get_buffer(frame, 0), ==, 0);
    for (gint plane = 0; plane < 3; plane++) {
        double code = plane ? 128 + (full ? 255 : 224) * values[plane]
                            : (full ? 0 : 16) + (full ? 255 : 219) * values[plane];
        gint rows = plane ? (HEIGHT + 1) / 2 : HEIGHT;
        memset(frame->data[plane], (int)lround(code), (gsize)frame->linesize[plane] * (gsize)rows);
    }
    frame->color_range = full ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    return frame;
}

/* Every sample stands for the colour, in BT.601 and limited range. */
static void check(const AVFrame *frame, const Colour *c)
{
    double y = luma(c, .299, .114);
    double values[] = { 16 + 219 * y, 128 + 224 * (c->b / 255 - y) / 1.772,
                        128 + 224 * (c->r / 255 - y) / 1.402 };
    g_assert_cmpint(frame->format, ==, AV_PIX_FMT_YUV420P);
    for (gint plane = 0; plane < 3; plane++) {
        gint shift = plane ? 1 : 0;
        for (gint row = 0; row < (frame->height + shift) >> shift; row++)
            for (gint x = 0; x < (frame->width + shift) >> shift; x++) {
                double value = frame->data[plane][row * frame->linesize[plane] + x];
                g_assert_cmpfloat_with_epsilon(value, values[plane], TOLERANCE);
            }
    }
}

static void test_colours(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(colours); i++) {
        for (gint full = 0; full < 2; full++) {
            g_autoptr(YuvConverter) converter = yuv_converter_new();
            AVFrame *out = av_frame_alloc(), *picture = flat(&colours[i], .2126, .0722, full);
            picture->colorspace = AVCOL_SPC_BT709;
            picture->pts = 7;
            g_assert_true(yuv_converter_run(converter, picture, out));
            check(out, &colours[i]);
            g_assert_cmpint(out->width, ==, WIDTH);
            g_assert_cmpint(out->height, ==, HEIGHT);
            g_assert_cmpint(out->pts, ==, 7);
            g_assert_cmpint(out->colorspace, ==, AVCOL_SPC_SMPTE170M);
            g_assert_null(picture->data[0]);
            av_frame_free(&picture);
            av_frame_free(&out);
        }
    }
}

/* The decoder still needs the one that it gave: pictures refer to it. */
static void test_shared(void)
{
    g_autoptr(YuvConverter) converter = yuv_converter_new();
    AVFrame *out = av_frame_alloc(), *picture = flat(&colours[0], .2126, .0722, FALSE);
    picture->colorspace = AVCOL_SPC_BT709;
    AVFrame *kept = av_frame_clone(picture);
    guint8 before = kept->data[0][0];
    g_assert_true(yuv_converter_run(converter, picture, out));
    check(out, &colours[0]);
    g_assert_cmpuint(kept->data[0][0], ==, before);
    g_assert_true(out->data[0] != kept->data[0]);
    av_frame_free(&kept);
    av_frame_free(&picture);
    av_frame_free(&out);
}

/* What is BT.601, or says nothing, is handed on as it is. */
static void test_untouched(void)
{
    static const enum AVColorSpace spaces[] = { AVCOL_SPC_UNSPECIFIED, AVCOL_SPC_SMPTE170M };
    for (gsize i = 0; i < G_N_ELEMENTS(spaces); i++) {
        g_autoptr(YuvConverter) converter = yuv_converter_new();
        AVFrame *out = av_frame_alloc(), *picture = flat(&colours[1], .299, .114, FALSE);
        const guint8 *data = picture->data[0];
        picture->colorspace = spaces[i];
        g_assert_true(yuv_converter_run(converter, picture, out));
        check(out, &colours[1]);
        g_assert_true(out->data[0] == data);
        av_frame_free(&picture);
        av_frame_free(&out);
    }
}

/* Screen recordings have RGB in files that speak of BT.709: there is no matrix in RGB. */
static void test_rgb(void)
{
    g_autoptr(YuvConverter) converter = yuv_converter_new();
    AVFrame *out = av_frame_alloc(), *picture = av_frame_alloc();
    picture->format = AV_PIX_FMT_RGB24;
    picture->width = WIDTH - 1;
    picture->height = HEIGHT - 1;
    g_assert_cmpint(av_frame_get_buffer(picture, 0), ==, 0);
    for (gint y = 0; y < picture->height; y++)
        for (gint x = 0; x < picture->width; x++)
            memcpy(picture->data[0] + y * picture->linesize[0] + 3 * x, "\xc8\x28\x5a", 3);
    picture->colorspace = AVCOL_SPC_BT709;
    g_assert_true(yuv_converter_run(converter, picture, out));
    check(out, &colours[0]);
    av_frame_free(&picture);
    av_frame_free(&out);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/yuv_convert/colours", test_colours);
    g_test_add_func("/yuv_convert/shared", test_shared);
    g_test_add_func("/yuv_convert/untouched", test_untouched);
    g_test_add_func("/yuv_convert/rgb", test_rgb);
    return g_test_run();
}
