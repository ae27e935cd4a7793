/* What a tick of the compositor costs: tiles of 640x360 composed onto 1280x720, everything
 * changed, one tile changed, nothing changed; and the scaling kernels alone. Microseconds of CPU
 * time, the median of many runs. */

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "mixer/canvas.h"
#include "mixer/compositor.h"
#include "mixer/layout.h"
#include "mixer/picture.h"

#define RUNS      301
#define MAX_TILES 16

static int compare_ns(const void *a, const void *b)
{
    const gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;
    return x < y ? -1 : x > y;
}

static double median_us(gint64 *runs)
{
    qsort(runs, RUNS, sizeof *runs, compare_ns);
    return (double)runs[RUNS / 2] / 1000;
}

static AVFrame *bench_picture(int width, int height, guint32 seed)
{
    AVFrame *frame = av_frame_alloc();
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    frame->format = AV_PIX_FMT_YUV420P;
    frame->width = width;
    frame->height = height;
    if (av_frame_get_buffer(frame, 0) < 0)
        g_error("out of memory");
    for (int plane = 0; plane < 3; plane++) {
        const int rows = plane ? (height + 1) / 2 : height;
        for (int i = 0; i < rows * frame->linesize[plane]; i++)
            frame->data[plane][i] = (guint8)g_rand_int_range(rand, 16, 236);
    }
    return frame;
}

/* `moving` tiles get a new picture in each tick. */
static double bench_tick(const Layout *layout, AVFrame *const *pictures, guint n, guint moving)
{
    LayoutSource sources[MAX_TILES] = { 0 };
    LayoutTile places[MAX_TILES];
    CompositorTile tiles[MAX_TILES];
    char ids[MAX_TILES][4];
    gint64 runs[RUNS];
    g_autoptr(Compositor) compositor = compositor_new(1280, 720, layout_background(layout));
    layout_solve(layout, sources, n, 1280, 720, places, MAX_TILES);
    for (guint i = 0; i < n; i++) {
        g_snprintf(ids[i], sizeof ids[i], "%u", i);
        tiles[i] = (CompositorTile){ .id = ids[i],
                                     .rect = places[i].rect,
                                     .fit = places[i].fit,
                                     .radius = places[i].radius,
                                     .picture = pictures[i],
                                     .label = "Ada Lovelace",
                                     .speaking = i == 0 };
    }
    compositor_compose(compositor, tiles, n);
    for (guint run = 0; run < RUNS; run++) {
        for (guint i = 0; i < moving; i++) {
            tiles[i].picture_serial++;
            tiles[i].picture = pictures[(i + run) % MAX_TILES];
        }
        const gint64 start = clock_thread_cpu_ns();
        compositor_compose(compositor, tiles, n);
        runs[run] = clock_thread_cpu_ns() - start;
    }
    return median_us(runs);
}

static double bench_scale(int width, int height, int to_width, int to_height)
{
    gint64 runs[RUNS];
    g_autoptr(Canvas) canvas = canvas_new(1280, 720);
    g_autoptr(PictureScaler) scaler = picture_scaler_new();
    g_autoptr(PictureScratch) scratch = picture_scratch_new();
    AVFrame *frame = bench_picture(width, height, 1);
    const PicturePlace place = { .place = { 0, 0, to_width, to_height },
                                 .fit = LAYOUT_FIT_STRETCH };
    for (guint run = 0; run < RUNS; run++) {
        const gint64 start = clock_thread_cpu_ns();
        picture_draw(scaler, scratch, frame, &place, canvas);
        runs[run] = clock_thread_cpu_ns() - start;
    }
    av_frame_free(&frame);
    return median_us(runs);
}

int main(void)
{
    static const int scales[][4] = { { 640, 360, 426, 240 },  { 640, 360, 420, 234 },
                                     { 1280, 720, 852, 480 }, { 640, 360, 852, 480 },
                                     { 640, 360, 320, 180 },  { 640, 360, 480, 270 },
                                     { 1280, 720, 420, 234 }, { 1920, 1080, 640, 360 },
                                     { 320, 180, 640, 360 },  { 1280, 720, 1280, 720 } };
    static const guint counts[] = { 4, 9, 16 };
    g_autoptr(GError) error = NULL;
    g_autoptr(Layout) layout = layout_load(PROJECT_DIR "/layouts/grid.json", &error);
    if (!layout) {
        fprintf(stderr, "%s\n", error->message);
        return 2;
    }
    AVFrame *pictures[MAX_TILES];
    for (guint i = 0; i < MAX_TILES; i++)
        pictures[i] = bench_picture(640, 360, i);
    for (guint i = 0; i < G_N_ELEMENTS(scales); i++)
        printf("scale %4dx%-4d -> %4dx%-4d       %7.1f us\n", scales[i][0], scales[i][1],
               scales[i][2], scales[i][3],
               bench_scale(scales[i][0], scales[i][1], scales[i][2], scales[i][3]));
    for (guint i = 0; i < G_N_ELEMENTS(counts); i++)
        printf("compose %2u tiles, all changed      %7.1f us\n", counts[i],
               bench_tick(layout, pictures, counts[i], counts[i]));
    printf("compose 16 tiles, one changed      %7.1f us\n", bench_tick(layout, pictures, 16, 1));
    printf("compose 16 tiles, none changed     %7.1f us\n", bench_tick(layout, pictures, 16, 0));
    for (guint i = 0; i < MAX_TILES; i++)
        av_frame_free(&pictures[i]);
    return 0;
}
