/* Renders grids of 1 to 25 people in mixed states as PNG files, to be looked at:
 *   bench_compositor_snapshot [folder] */

#include <cairo.h>
#include <glib/gstdio.h>
#include <libyuv.h>
#include <math.h>
#include <stdio.h>

#include "mixer/compositor.h"
#include "mixer/label.h"
#include "mixer/layout.h"

#define MAX_PEOPLE 25

static const char *const names[] = {
    "Ada Lovelace",
    "Grace Hopper",
    "Łukasz Żółć",
    "王小明",
    "Fatima al-Fihri",
    "Дарья Иванова",
    "Karlheinz Maria von der Hohenstein-Grünewald zu Lichtenfels",
    "نور الدين",
    "Zoë",
    "Σοφία Παπαδοπούλου",
    "Jean-Luc",
    "ปรีชา",
    "bob",
    "🎧 DJ Mosaic",
    "María José",
    "Ed",
    "Nguyễn Văn An",
    "O'Brien",
    "test 123",
    "Kim 김민수",
    "अनीता",
    "A",
    "x_y.z",
    "Sven Åkesson",
    "Last One",
};

/* A head before a soft background, different for each person. */
static AVFrame *snapshot_person(int width, int height, guint seed)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, width, height);
    cairo_t *cairo = cairo_create(surface);
    const double hue = fmod(seed * 0.377, 1.0);
    cairo_pattern_t *wall = cairo_pattern_create_linear(0, 0, width, height);
    cairo_pattern_add_color_stop_rgb(wall, 0, 0.55 + 0.3 * hue, 0.62, 0.85 - 0.4 * hue);
    cairo_pattern_add_color_stop_rgb(wall, 1, 0.25, 0.28 + 0.2 * hue, 0.35);
    cairo_set_source(cairo, wall);
    cairo_paint(cairo);
    cairo_pattern_destroy(wall);
    cairo_set_source_rgb(cairo, 0.2 + 0.5 * hue, 0.3, 0.5 - 0.3 * hue);
    cairo_arc(cairo, width / 2.0, height * 1.1, height * 0.42, 0, 2 * G_PI);
    cairo_fill(cairo);
    cairo_set_source_rgb(cairo, 0.87, 0.70 - 0.2 * hue, 0.58 - 0.2 * hue);
    cairo_arc(cairo, width / 2.0, height * 0.45, height * 0.2, 0, 2 * G_PI);
    cairo_fill(cairo);
    cairo_destroy(cairo);
    cairo_surface_flush(surface);

    AVFrame *frame = av_frame_alloc();
    frame->format = AV_PIX_FMT_YUV420P;
    frame->width = width;
    frame->height = height;
    g_assert_cmpint(av_frame_get_buffer(frame, 0), ==, 0);
    ARGBToI420(cairo_image_surface_get_data(surface), cairo_image_surface_get_stride(surface),
               frame->data[0], frame->linesize[0], frame->data[1], frame->linesize[1],
               frame->data[2], frame->linesize[2], width, height);
    cairo_surface_destroy(surface);
    return frame;
}

static void snapshot_write(const AVFrame *frame, const char *path)
{
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, frame->width, frame->height);
    cairo_surface_flush(surface);
    I420ToARGB(frame->data[0], frame->linesize[0], frame->data[1], frame->linesize[1],
               frame->data[2], frame->linesize[2], cairo_image_surface_get_data(surface),
               cairo_image_surface_get_stride(surface), frame->width, frame->height);
    cairo_surface_mark_dirty(surface);
    g_assert_cmpint(cairo_surface_write_to_png(surface, path), ==, CAIRO_STATUS_SUCCESS);
    cairo_surface_destroy(surface);
    printf("%s\n", path);
}

static void snapshot_compose(const Layout *layout, guint n, int width, int height,
                             const char *folder)
{
    LayoutSource sources[MAX_PEOPLE] = { 0 };
    LayoutTile places[MAX_PEOPLE];
    CompositorTile tiles[MAX_PEOPLE] = { 0 };
    char ids[MAX_PEOPLE][8];
    for (guint i = 0; i < n; i++)
        sources[i].is_screen = n > 4 && i == 4;
    const guint placed = layout_solve(layout, sources, n, width, height, places, MAX_PEOPLE);
    for (guint i = 0; i < placed; i++) {
        const gboolean tall = i % 7 == 5;
        g_snprintf(ids[i], sizeof ids[i], "p%u", i);
        tiles[i] = (CompositorTile){
            .id = ids[i],
            .rect = places[i].rect,
            .fit = places[i].fit,
            .radius = places[i].radius,
            .state = i % 5 == 2   ? TILE_STALE
                     : i % 4 == 1 ? TILE_NO_PICTURE
                                  : TILE_LIVE,
            .picture = snapshot_person(tall ? 360 : 640, tall ? 640 : 360, i),
            .picture_serial = 1,
            .label = names[i],
            .speaking = i % 8 == 0,
            .muted = i % 3 == 1,
        };
    }
    g_autoptr(Compositor) compositor = compositor_new(width, height, layout_background(layout));
    compositor_compose(compositor, tiles, placed);
    g_autofree char *path = g_strdup_printf("%s/grid-%dx%d-%02u.png", folder, width, height, n);
    snapshot_write(compositor_canvas(compositor), path);
    for (guint i = 0; i < placed; i++)
        av_frame_free((AVFrame **)&tiles[i].picture);
}

int main(int argc, char **argv)
{
    static const guint counts[] = { 1, 2, 3, 5, 9, 16, 25 };
    const char *folder = argc > 1 ? argv[1] : "/tmp/mixer-shots";
    g_autoptr(GError) error = NULL;
    g_autoptr(Layout) layout = layout_load(PROJECT_DIR "/layouts/grid.json", &error);
    if (!layout || g_mkdir_with_parents(folder, 0755) < 0) {
        fprintf(stderr, "%s\n", error ? error->message : "the folder cannot be made");
        return 2;
    }
    label_warm_up();
    for (guint i = 0; i < G_N_ELEMENTS(counts); i++)
        snapshot_compose(layout, counts[i], 1280, 720, folder);
    snapshot_compose(layout, 5, 640, 360, folder);
    snapshot_compose(layout, 9, 320, 180, folder);
    snapshot_compose(layout, 3, 720, 1280, folder);
    return 0;
}
