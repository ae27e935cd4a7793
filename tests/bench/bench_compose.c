/* What a tick of the compositor costs: tiles of 640x360 composed onto 1280x720, everything
 * changed, one tile changed, nothing changed, a glide, a ticker; and the scaling kernels alone.
 * Fails if a tick in which nothing changed costs more than 5 % of one in which everything did.
 * Microseconds of CPU time, the median of many runs. */

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "mixer/canvas.h"
#include "mixer/compositor.h"
#include "mixer/glide.h"
#include "mixer/layout.h"
#include "mixer/picture.h"

#define RUNS      301
#define MAX_TILES 16
#define TICK_NS   (G_GINT64_CONSTANT(1000000000) / 30)

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

/* A grid of people, and where they are. */
typedef struct {
    CompositorTile tiles[MAX_TILES];
    char ids[MAX_TILES][4];
    guint n;
    guint32 background_rgb;
} BenchGrid;

static void bench_grid(BenchGrid *grid, const Layout *layout, AVFrame *const *pictures, guint n)
{
    LayoutSource sources[MAX_TILES] = { 0 };
    static LayoutPlan plan;
    for (guint i = 0; i < n; i++) {
        g_snprintf(grid->ids[i], sizeof grid->ids[i], "%u", i);
        sources[i] = (LayoutSource){
            .id = grid->ids[i], .participant = grid->ids[i], .name = "Ada Lovelace", .join = i + 1
        };
    }
    layout_solve(layout, sources, n, 1280, 720, &plan);
    grid->n = MIN(plan.n_tiles, n);
    grid->background_rgb = plan.background_rgb;
    for (guint i = 0; i < grid->n; i++)
        grid->tiles[i] = (CompositorTile){ .id = grid->ids[i],
                                           .rect = plan.tiles[i].rect,
                                           .fit = plan.tiles[i].fit,
                                           .radius = plan.tiles[i].radius,
                                           .picture = pictures[i],
                                           .label = "Ada Lovelace",
                                           .speaking = i == 0,
                                           .level = -1 };
}

static void bench_settle(Compositor *compositor, const BenchGrid *grid)
{
    while (compositor_compose(compositor, grid->tiles, grid->n, 0) ||
           !compositor_is_complete(compositor))
        continue;
}

typedef enum { BENCH_PICTURES, BENCH_LEVELS, BENCH_TICKER } BenchWhat;

/* `moving` tiles change in each tick. */
static double bench_tick(const Layout *layout, AVFrame *const *pictures, guint n, BenchWhat what,
                         guint moving)
{
    BenchGrid grid;
    gint64 runs[RUNS];
    bench_grid(&grid, layout, pictures, n);
    const CompositorOverlay ticker = { .rect = { 0, 672, 1280, 48 },
                                       .text = "Tessera puts everybody on one canvas, and says so",
                                       .scroll_px_per_s = 120,
                                       .colour_rgb = 0xffffff,
                                       .background_alpha = 180 };
    g_autoptr(Compositor) compositor = compositor_new(1280, 720, grid.background_rgb);
    if (what == BENCH_TICKER)
        compositor_set_overlays(compositor, &ticker, 1);
    for (guint i = 0; what == BENCH_LEVELS && i < grid.n; i++)
        grid.tiles[i].level = 0;
    bench_settle(compositor, &grid);
    for (guint run = 0; run < RUNS; run++) {
        for (guint i = 0; i < moving; i++) {
            grid.tiles[i].picture_serial += what != BENCH_LEVELS;
            grid.tiles[i].picture = pictures[(i + run) % MAX_TILES];
            if (what == BENCH_LEVELS)
                grid.tiles[i].level = (int)((i + run) % COMPOSITOR_LEVELS);
        }
        const gint64 start = clock_thread_cpu_ns();
        compositor_compose(compositor, grid.tiles, grid.n, run * TICK_NS);
        runs[run] = clock_thread_cpu_ns() - start;
    }
    return median_us(runs);
}

/* All tiles are on their way from one place to another, with new pictures. */
static double bench_glide(const Layout *layout, AVFrame *const *pictures, guint n)
{
    BenchGrid grid;
    GlideTile places[MAX_TILES];
    gint64 runs[RUNS];
    bench_grid(&grid, layout, pictures, n);
    g_autoptr(Compositor) compositor = compositor_new(1280, 720, grid.background_rgb);
    g_autoptr(Glide) glide = glide_new();
    bench_settle(compositor, &grid);
    for (guint i = 0; i < n; i++)
        places[i] = (GlideTile){ grid.ids[i], grid.tiles[i].rect };
    glide_to(glide, places, n, 0, 0);
    for (guint i = 0; i < n; i++) {
        const VideoRect to = grid.tiles[n - 1 - i].rect;
        places[i].rect = (VideoRect){ to.x, to.y, to.width / 4 * 2, to.height / 4 * 2 };
    }
    glide_to(glide, places, n, 0, RUNS * TICK_NS);
    for (guint run = 0; run < RUNS; run++) {
        const gint64 start = clock_thread_cpu_ns();
        for (guint i = 0; i < n; i++) {
            grid.tiles[i].rect = glide_rect(glide, i, run * TICK_NS);
            grid.tiles[i].picture_serial++;
        }
        compositor_compose(compositor, grid.tiles, n, run * TICK_NS);
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
               bench_tick(layout, pictures, counts[i], BENCH_PICTURES, counts[i]));
    const double all = bench_tick(layout, pictures, 16, BENCH_PICTURES, 16);
    const double none = bench_tick(layout, pictures, 16, BENCH_PICTURES, 0);
    printf("compose 16 tiles, one changed      %7.1f us\n",
           bench_tick(layout, pictures, 16, BENCH_PICTURES, 1));
    printf("compose 16 tiles, levels changed   %7.1f us\n",
           bench_tick(layout, pictures, 16, BENCH_LEVELS, 16));
    printf("compose 16 tiles, only a ticker    %7.1f us\n",
           bench_tick(layout, pictures, 16, BENCH_TICKER, 0));
    printf("compose 16 tiles, all glide        %7.1f us\n", bench_glide(layout, pictures, 16));
    printf("compose 16 tiles, none changed     %7.1f us\n", none);
    printf("compose 16 tiles, none of all      %7.2f %% (at most 5)\n", 100 * none / all);
    for (guint i = 0; i < MAX_TILES; i++)
        av_frame_free(&pictures[i]);
    return none <= all * 0.05 ? 0 : 1;
}
