/* Renders a canvas with everything on it, and grids of 1 to 25 people in mixed states, as PNG files
 * to be looked at:
 *   bench_compositor_snapshot [folder] */

#include <cairo.h>
#include <glib/gstdio.h>
#include <libyuv.h>
#include <math.h>
#include <stdio.h>

#include "mixer/compositor.h"
#include "mixer/label.h"
#include "mixer/layout.h"
#include "mixer/overlay.h"

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
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) file = image_encode(frame, IMAGE_PNG, &error);
    gsize size = 0;
    const char *data = file ? g_bytes_get_data(file, &size) : NULL;
    if (!data || !g_file_set_contents(path, data, (gssize)size, &error))
        g_error("%s", error->message);
    printf("%s\n", path);
}

static void snapshot_settle(Compositor *compositor, const CompositorTile *tiles, guint n,
                            gint64 now_ns)
{
    while (compositor_compose(compositor, tiles, n, now_ns) || !compositor_is_complete(compositor))
        continue;
}

static void snapshot_compose(const Layout *layout, guint n, int width, int height,
                             const char *folder)
{
    LayoutSource sources[MAX_PEOPLE] = { 0 };
    static LayoutPlan plan;
    CompositorTile tiles[MAX_PEOPLE] = { 0 };
    char ids[MAX_PEOPLE][8];
    for (guint i = 0; i < n; i++) {
        g_snprintf(ids[i], sizeof ids[i], "p%u", i);
        sources[i] = (LayoutSource){ .id = ids[i],
                                     .participant = ids[i],
                                     .name = names[i],
                                     .is_screen = n > 4 && i == 4,
                                     .join = i + 1 };
    }
    layout_solve(layout, sources, n, width, height, &plan);
    const guint placed = MIN(plan.n_tiles, n);
    for (guint i = 0; i < placed; i++) {
        const gboolean tall = i % 7 == 5;
        tiles[i] = (CompositorTile){
            .id = ids[i],
            .rect = plan.tiles[i].rect,
            .fit = plan.tiles[i].fit,
            .radius = plan.tiles[i].radius,
            .state = i % 5 == 2   ? TILE_STALE
                     : i % 4 == 1 ? TILE_NO_PICTURE
                                  : TILE_LIVE,
            .picture = snapshot_person(tall ? 360 : 640, tall ? 640 : 360, i),
            .picture_serial = 1,
            .label = names[i],
            .speaking = i % 8 == 0,
            .muted = i % 3 == 1,
            .level = n > 5 ? (int)(i * 5 % (COMPOSITOR_LEVELS + 1)) : -1,
        };
    }
    g_autoptr(Compositor) compositor = compositor_new(width, height, plan.background_rgb);
    snapshot_settle(compositor, tiles, placed, 0);
    g_autofree char *path = g_strdup_printf("%s/grid-%dx%d-%02u.png", folder, width, height, n);
    snapshot_write(compositor_canvas(compositor), path);
    for (guint i = 0; i < placed; i++)
        av_frame_free((AVFrame **)&tiles[i].picture);
}

static cairo_status_t snapshot_append(void *file, const unsigned char *data, unsigned int size)
{
    g_byte_array_append(file, data, size);
    return CAIRO_STATUS_SUCCESS;
}

static Image *snapshot_image(cairo_t *cairo)
{
    g_autoptr(GByteArray) file = g_byte_array_new();
    g_autoptr(GError) error = NULL;
    cairo_surface_write_to_png_stream(cairo_get_target(cairo), snapshot_append, file);
    cairo_destroy(cairo);
    Image *image = image_decode(file->data, file->len, &error);
    g_assert_no_error(error);
    return image;
}

/* A mark of four tiles and its name, on nothing. */
static Image *snapshot_logo(void)
{
    static const guint32 colours[] = { 0x4f8ef7, 0x3ecf8e, 0xf7b84f, 0xf76f6f };
    cairo_t *cairo = overlay_canvas_new(420, 120);
    for (guint i = 0; i < G_N_ELEMENTS(colours); i++) {
        cairo_save(cairo);
        cairo_translate(cairo, 6 + (i & 1) * 56, 6 + (i >> 1) * 56);
        overlay_rounded_rect(cairo, 50, 50, 12);
        overlay_set_colour(cairo, colours[i], 1);
        cairo_fill(cairo);
        cairo_restore(cairo);
    }
    overlay_set_colour(cairo, 0xffffff, 1);
    cairo_select_font_face(cairo, "Sans", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_BOLD);
    cairo_set_font_size(cairo, 70);
    cairo_move_to(cairo, 138, 84);
    cairo_show_text(cairo, "Tessera");
    return snapshot_image(cairo);
}

static Image *snapshot_wall(void)
{
    cairo_t *cairo = overlay_canvas_new(1600, 900);
    cairo_pattern_t *sky = cairo_pattern_create_linear(0, 0, 1600, 900);
    cairo_pattern_add_color_stop_rgb(sky, 0, 0.10, 0.16, 0.33);
    cairo_pattern_add_color_stop_rgb(sky, 0.5, 0.24, 0.20, 0.42);
    cairo_pattern_add_color_stop_rgb(sky, 1, 0.48, 0.25, 0.38);
    cairo_set_source(cairo, sky);
    cairo_paint(cairo);
    cairo_pattern_destroy(sky);
    for (guint i = 0; i < 40; i++) {
        cairo_set_source_rgba(cairo, 1, 1, 1, 0.05);
        cairo_arc(cairo, i * 397 % 1600, i * 211 % 900, 20 + i * 13 % 90, 0, 2 * G_PI);
        cairo_fill(cairo);
    }
    return snapshot_image(cairo);
}

/* Everything that a canvas can show, once. */
static void snapshot_show_all(const char *folder)
{
    g_autoptr(Image) logo = snapshot_logo();
    g_autoptr(Image) wall = snapshot_wall();
    CompositorTile tiles[] = {
        { .id = "talk",
          .rect = { 24, 24, 928, 522 },
          .radius = 16,
          .label = names[0],
          .level = 8,
          .speaking = TRUE,
          .logo = logo },
        { .id = "pip",
          .rect = { 676, 336, 256, 144 },
          .radius = 28,
          .border = 4,
          .border_rgb = 0xffffff,
          .label = names[1],
          .level = -1 },
        { .id = "b",
          .rect = { 968, 24, 288, 162 },
          .radius = 12,
          .state = TILE_STALE,
          .label = names[4],
          .level = 0 },
        { .id = "c",
          .rect = { 968, 202, 288, 162 },
          .radius = 12,
          .state = TILE_NO_PICTURE,
          .label = names[6],
          .muted = TRUE,
          .level = 5 },
        { .id = "d",
          .rect = { 968, 380, 288, 166 },
          .radius = 12,
          .state = TILE_PLACEHOLDER,
          .label = "Waiting for the guest",
          .level = -1 },
        { .id = "e",
          .rect = { 24, 562, 160, 90 },
          .radius = 8,
          .state = TILE_MORE,
          .more = 5,
          .level = -1 },
        { .id = "f",
          .rect = { 200, 562, 160, 90 },
          .radius = 8,
          .border = 2,
          .border_rgb = 0x4f8ef7,
          .level = 11,
          .label = names[8] },
        { .id = "g",
          .rect = { 376, 562, 160, 90 },
          .state = TILE_NO_PICTURE,
          .name = names[9],
          .level = 3 },
        { .id = "h",
          .rect = { 552, 562, 160, 90 },
          .radius = 8,
          .state = TILE_PLACEHOLDER,
          .level = -1 },
        { .id = "i",
          .rect = { 728, 562, 160, 90 },
          .radius = 44,
          .label = names[7],
          .muted = TRUE,
          .speaking = TRUE,
          .level = 12 },
    };
    const CompositorOverlay overlays[] = {
        { .rect = { 48, 44, 420, 44 },
          .text = "All hands, November",
          .colour_rgb = 0xffffff,
          .background_rgb = 0x10151b,
          .background_alpha = 200 },
        { .rect = { 1136, 562, 120, 40 },
          .text = "14:05",
          .align = LAYOUT_ALIGN_END,
          .colour_rgb = 0xffffff,
          .background_rgb = 0x10151b,
          .background_alpha = 160 },
        { .rect = { 920, 612, 340, 40 },
          .text = "A line much longer than the place that it has",
          .align = LAYOUT_ALIGN_CENTRE,
          .colour_rgb = 0xffe9a8 },
        { .rect = { 920, 562, 200, 40 }, .image = logo, .opacity = 160 },
        { .rect = { 0, 672, 1280, 48 },
          .scroll_px_per_s = 90,
          .colour_rgb = 0xf4f6f8,
          .background_rgb = 0x10151b,
          .background_alpha = 215,
          .text = "Doors open at nine  •  Lunch is on the second floor  •  Questions go into the "
                  "chat  •  новости дня  •  今日のニュース" },
    };
    for (guint i = 0; i < G_N_ELEMENTS(tiles); i++) {
        tiles[i].picture = snapshot_person(640, 360, i * 3 + 1);
        tiles[i].picture_serial = 1;
    }
    g_autoptr(Compositor) compositor = compositor_new(1280, 720, 0x111418);
    compositor_set_background(compositor, 0x111418, wall);
    compositor_set_overlays(compositor, overlays, G_N_ELEMENTS(overlays));
    snapshot_settle(compositor, tiles, G_N_ELEMENTS(tiles), G_GINT64_CONSTANT(4000000000));
    g_autofree char *path = g_strdup_printf("%s/everything.png", folder);
    snapshot_write(compositor_canvas(compositor), path);
    for (guint i = 0; i < G_N_ELEMENTS(tiles); i++)
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
    snapshot_show_all(folder);
    for (guint i = 0; i < G_N_ELEMENTS(counts); i++)
        snapshot_compose(layout, counts[i], 1280, 720, folder);
    snapshot_compose(layout, 5, 640, 360, folder);
    snapshot_compose(layout, 9, 320, 180, folder);
    snapshot_compose(layout, 3, 720, 1280, folder);
    return 0;
}
