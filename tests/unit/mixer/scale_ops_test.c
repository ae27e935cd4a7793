#include "mixer/scale_ops.h"

#include <math.h>
#include <string.h>

#include "mixer/canvas.h"
#include "mixer/picture.h"

#define MAX_WIDTH 2200

static guint8 first[MAX_WIDTH], second[MAX_WIDTH], got[MAX_WIDTH + 64], want[MAX_WIDTH + 64];

static void fill(guint32 seed)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    for (gsize i = 0; i < MAX_WIDTH; i++) {
        first[i] = (guint8)g_rand_int(rand);
        second[i] = i % 3 ? (guint8)g_rand_int(rand) : i % 2 ? 0 : 255;
    }
}

static const ScaleOps *plain(void)
{
    guint i = 0;
    while (strcmp(scale_ops_list[i]->name, "plain") != 0)
        i++;
    return scale_ops_list[i];
}

static void test_rows(void)
{
    fill(1);
    for (guint set = 0; scale_ops_list[set]; set++) {
        if (!scale_ops_list[set]->usable())
            continue;
        for (int weight = 0; weight <= 128; weight++) {
            const gsize n = (gsize)weight * 7 % 150;
            memset(got, 9, sizeof got);
            memset(want, 9, sizeof want);
            scale_ops_list[set]->rows(got, first, second, weight, n);
            for (gsize i = 0; i < n; i++)
                want[i] = (guint8)((first[i] * (128 - weight) + second[i] * weight + 64) >> 7);
            g_assert_cmpmem(got, sizeof got, want, sizeof want);
        }
    }
}

static void check_columns(int source, int target)
{
    g_autoptr(ScaleTable) table = scale_table_new(source, target);
    guint8 row[MAX_WIDTH] = { 0 };
    memcpy(row, first, (gsize)source);
    memset(want, 9, sizeof want);
    plain()->columns(want, row, table);
    for (int i = 0; i < target; i++) {
        const ScalePoint point = scale_point(i, source, target);
        const int next = MIN(point.at + 1, source - 1);
        const int value =
            (row[point.at] * (128 - point.weight) + row[next] * point.weight + 64) >> 7;
        g_assert_cmpint(want[i], ==, value);
    }
    for (guint set = 0; scale_ops_list[set]; set++) {
        if (!scale_ops_list[set]->usable())
            continue;
        memset(got, 9, sizeof got);
        scale_ops_list[set]->columns(got, row, table);
        g_assert_cmpmem(got, sizeof got, want, sizeof want);
    }
}

static void test_columns(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(2);
    fill(2);
    for (int source = 1; source < 70; source++)
        for (int target = (source + 1) / 2; target < 70; target++)
            check_columns(source, target);
    for (guint i = 0; i < 300; i++) {
        const int target = g_rand_int_range(rand, 1, 2000);
        check_columns(g_rand_int_range(rand, 1, MIN(2 * target, 2000) + 1), target);
    }
    check_columns(2000, 1000);
    check_columns(1999, 1000);
}

static void test_points(void)
{
    for (int source = 1; source < 300; source += 7) {
        for (int target = (source + 1) / 2; target < 300; target += 3) {
            for (int i = 0; i < target; i++) {
                const ScalePoint point = scale_point(i, source, target);
                const double at = (i + 0.5) * source / target - 0.5;
                const double held = CLAMP(at, 0, source - 1);
                g_assert_cmpfloat(fabs(point.at + point.weight / 128.0 - held), <=, 1.0 / 128);
                g_assert_cmpint(point.at, <, source);
            }
        }
    }
}

static void assert_crop(PictureFit fit, VideoRect crop, VideoRect target)
{
    g_assert_true(video_rect_equal(fit.crop, crop));
    g_assert_true(video_rect_equal(fit.target, target));
}

static void test_fit(void)
{
    const VideoRect wide = { 10, 20, 320, 180 }, tall = { 0, 0, 180, 320 };
    assert_crop(picture_fit(LAYOUT_FIT_STRETCH, 33, 77, wide), (VideoRect){ 0, 0, 33, 77 }, wide);
    assert_crop(picture_fit(LAYOUT_FIT_CONTAIN, 640, 360, wide), (VideoRect){ 0, 0, 640, 360 },
                wide);
    assert_crop(picture_fit(LAYOUT_FIT_CONTAIN, 640, 360, tall), (VideoRect){ 0, 0, 640, 360 },
                (VideoRect){ 0, 108, 180, 102 });
    assert_crop(picture_fit(LAYOUT_FIT_COVER, 640, 360, wide), (VideoRect){ 0, 0, 640, 360 }, wide);
    assert_crop(picture_fit(LAYOUT_FIT_COVER, 360, 640, wide), (VideoRect){ 0, 218, 360, 202 },
                wide);
    /* Nearly 1:1 and nearly 1:2: cropped, not resampled. */
    const VideoRect near_one = { 0, 0, 636, 356 }, near_half = { 0, 0, 314, 174 };
    assert_crop(picture_fit(LAYOUT_FIT_COVER, 640, 360, near_one), (VideoRect){ 2, 2, 636, 356 },
                near_one);
    assert_crop(picture_fit(LAYOUT_FIT_COVER, 640, 360, near_half), (VideoRect){ 6, 6, 628, 348 },
                near_half);
    for (int width = 1; width < 40; width++) {
        for (int height = 1; height < 40; height++) {
            for (guint fit = LAYOUT_FIT_COVER; fit <= LAYOUT_FIT_STRETCH; fit++) {
                const PictureFit f = picture_fit((LayoutFit)fit, width, height, tall);
                g_assert_cmpint(f.crop.x % 2 | f.crop.y % 2, ==, 0);
                g_assert_cmpint(f.crop.x + f.crop.width, <=, width);
                g_assert_cmpint(f.crop.y + f.crop.height, <=, height);
                g_assert_cmpint(MIN(f.crop.width, f.crop.height), >, 0);
                g_assert_cmpint(MIN(f.target.width, f.target.height), >, 0);
            }
        }
    }
}

/* A horizontal ramp stays a ramp at every ratio. */
static void test_picture(void)
{
    static const int sizes[][2] = { { 640, 360 },   { 641, 361 },  { 1280, 720 },
                                    { 1920, 1088 }, { 320, 180 },  { 333, 187 },
                                    { 2560, 90 },   { 100, 1600 }, { 4096, 2160 } };
    const VideoRect all = { 0, 0, 420, 234 };
    g_autoptr(Canvas) canvas = canvas_new(420, 234);
    g_autoptr(PictureScaler) scaler = picture_scaler_new();
    g_autoptr(PictureScratch) scratch = picture_scratch_new();
    for (guint s = 0; s < G_N_ELEMENTS(sizes); s++) {
        const int width = sizes[s][0], height = sizes[s][1];
        AVFrame *frame = av_frame_alloc();
        frame->format = AV_PIX_FMT_YUV420P;
        frame->width = width;
        frame->height = height;
        g_assert_cmpint(av_frame_get_buffer(frame, 0), ==, 0);
        for (int plane = 0; plane < 3; plane++) {
            const int across = plane ? (width + 1) / 2 : width;
            for (int y = 0; y < (plane ? (height + 1) / 2 : height); y++)
                for (int x = 0; x < across; x++)
                    frame->data[plane][(gsize)y * frame->linesize[plane] + x] =
                        (guint8)(20 + 200 * x / across);
        }
        const PicturePlace place = { .place = all, .fit = LAYOUT_FIT_STRETCH };
        picture_draw(scaler, scratch, frame, &place, canvas);
        for (int plane = 0; plane < 3; plane++) {
            const int across = plane ? 210 : 420;
            for (int y = 0; y < (plane ? 117 : 234); y++)
                for (int x = 0; x < across; x++) {
                    const int value =
                        canvas->frame->data[plane][(gsize)y * canvas->frame->linesize[plane] + x];
                    g_assert_cmpint(ABS(value - (20 + 200 * x / across)), <=, 3);
                }
        }
        av_frame_free(&frame);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/scale_ops/rows", test_rows);
    g_test_add_func("/scale_ops/columns", test_columns);
    g_test_add_func("/scale_ops/points", test_points);
    g_test_add_func("/picture/fit", test_fit);
    g_test_add_func("/picture/ramp", test_picture);
    return g_test_run();
}
