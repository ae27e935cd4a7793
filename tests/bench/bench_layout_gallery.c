/* Draws every shipped layout with several numbers of people into one picture per layout, with
 * nothing but rectangles: to look at. bench_layout_gallery FOLDER [LAYOUT.json ...] */

#include <cairo.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "mixer/layout.h"

#define COLUMNS     4
#define CELL        216 /* longer side of one picture */
#define MARGIN      8
#define CAPTION     16
#define MAX_SOURCES 64

typedef struct {
    guint people, screens;
} GalleryCase;

static const GalleryCase gallery_cases[] = {
    { 1, 0 },  { 2, 0 },  { 3, 0 }, { 4, 0 }, { 5, 0 }, { 7, 0 }, { 9, 0 },  { 16, 0 },
    { 25, 0 }, { 40, 0 }, { 1, 1 }, { 2, 1 }, { 5, 1 }, { 9, 1 }, { 25, 1 }, { 5, 2 },
};

static char gallery_ids[MAX_SOURCES][16], gallery_people[MAX_SOURCES][8];

static guint gallery_sources(GalleryCase wanted, LayoutSource *sources)
{
    static const char *const names[] = { "Ada Lovelace",  "Alan Turing",     "Grace Hopper",
                                         "Linus Pauling", "Marie Curie",     "Niels Bohr",
                                         "Emmy Noether",  "Edsger Dijkstra", "Rosa Parks" };
    guint n = 0;
    for (guint i = 0; i < wanted.people; i++) {
        g_snprintf(gallery_people[i], sizeof gallery_people[i], "p%u", i + 1);
        for (guint screen = 0; screen <= (i < wanted.screens ? 1u : 0u); screen++, n++) {
            g_snprintf(gallery_ids[n], sizeof gallery_ids[n], "p%u%s", i + 1,
                       screen ? "/screen" : "");
            sources[n] = (LayoutSource){ .id = gallery_ids[n],
                                         .participant = gallery_people[i],
                                         .name = names[i % G_N_ELEMENTS(names)],
                                         .role = i == 0 ? "teacher" : NULL,
                                         .is_screen = screen == 1,
                                         .join = i + 1,
                                         .speaker = i == 1   ? 1
                                                    : i == 0 ? 2
                                                             : 0 };
        }
    }
    return n;
}

static void gallery_rounded(cairo_t *cr, VideoRect rect, double radius)
{
    const double right = rect.x + rect.width, bottom = rect.y + rect.height;
    cairo_new_path(cr);
    cairo_arc(cr, right - radius, rect.y + radius, radius, -G_PI_2, 0);
    cairo_arc(cr, right - radius, bottom - radius, radius, 0, G_PI_2);
    cairo_arc(cr, rect.x + radius, bottom - radius, radius, G_PI_2, G_PI);
    cairo_arc(cr, rect.x + radius, rect.y + radius, radius, G_PI, 3 * G_PI_2);
    cairo_close_path(cr);
}

static void gallery_rgb(cairo_t *cr, guint32 rgb, double alpha)
{
    cairo_set_source_rgba(cr, (rgb >> 16) / 255.0, (rgb >> 8 & 0xff) / 255.0, (rgb & 0xff) / 255.0,
                          alpha);
}

static void gallery_text(cairo_t *cr, const char *text, double size, double x, double y,
                         double align)
{
    cairo_text_extents_t extents;
    cairo_select_font_face(cr, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, size);
    cairo_text_extents(cr, text, &extents);
    cairo_move_to(cr, x - extents.x_advance * align, y + size * 0.36);
    cairo_show_text(cr, text);
}

static void gallery_screen(cairo_t *cr, const LayoutTile *tile)
{
    const int width = MIN(tile->rect.width, tile->rect.height * 16 / 9);
    const int height = width * 9 / 16;
    const double x = tile->rect.x + (tile->rect.width - width) / 2.0;
    const double y = tile->rect.y + (tile->rect.height - height) / 2.0;
    gallery_rgb(cr, 0xeef1f4, 1);
    cairo_rectangle(cr, x, y, width, height);
    cairo_fill(cr);
    for (guint i = 0; i < 5; i++) {
        gallery_rgb(cr, i ? 0xb8c0c8 : 0x3b6ea5, 1);
        cairo_rectangle(cr, x + width * 0.08, y + height * (0.12 + 0.16 * i),
                        width * (i % 2 ? 0.75 : 0.6), height * 0.06);
        cairo_fill(cr);
    }
}

static void gallery_person(cairo_t *cr, const LayoutTile *tile, const LayoutSource *source)
{
    const VideoRect rect = tile->rect;
    const double size = MIN(rect.width, rect.height) * 0.3;
    static const guint32 colours[] = { 0x3d5a80, 0x6d597a, 0x2a9d8f, 0xb56576,
                                       0x8a7f45, 0x457b9d, 0x7b6d8d, 0x588157 };
    gallery_rgb(cr, tile->show & LAYOUT_SHOW_PICTURE ? colours[source->join % 8] : 0x262c33, 1);
    cairo_paint(cr);
    gallery_rgb(cr, 0xffffff, 0.85);
    const char initials[] = { source->name[0], strrchr(source->name, ' ')[1], '\0' };
    gallery_text(cr, initials, size, rect.x + rect.width / 2.0, rect.y + rect.height / 2.0, 0.5);
    if (tile->show & LAYOUT_SHOW_NAME && rect.width > 150) {
        gallery_rgb(cr, 0xffffff, 0.8);
        gallery_text(cr, source->name, 34, rect.x + 16, rect.y + rect.height - 30, 0);
    }
    if (tile->show & LAYOUT_SHOW_LEVEL) {
        gallery_rgb(cr, 0x4cc38a, 1);
        cairo_rectangle(cr, rect.x + rect.width - 20, rect.y + rect.height * 0.4, 10,
                        rect.height * 0.5);
        cairo_fill(cr);
    }
}

static void gallery_tile(cairo_t *cr, const LayoutTile *tile, const LayoutSource *sources)
{
    cairo_save(cr);
    gallery_rounded(cr, tile->rect, MAX(tile->radius, 0));
    cairo_clip_preserve(cr);
    gallery_rgb(cr, 0x1c2127, 1);
    cairo_fill(cr);
    if (tile->kind == LAYOUT_TILE_SOURCE && sources[tile->source].is_screen) {
        gallery_screen(cr, tile);
    } else if (tile->kind == LAYOUT_TILE_SOURCE) {
        gallery_person(cr, tile, &sources[tile->source]);
    } else if (tile->kind == LAYOUT_TILE_MORE) {
        g_autofree char *more = g_strdup_printf("+%u", tile->more);
        gallery_rgb(cr, 0xffffff, 1);
        gallery_text(cr, more, tile->rect.height * 0.3, tile->rect.x + tile->rect.width / 2.0,
                     tile->rect.y + tile->rect.height / 2.0, 0.5);
    }
    const gboolean speaking = tile->kind == LAYOUT_TILE_SOURCE &&
                              tile->show & LAYOUT_SHOW_SPEAKING &&
                              sources[tile->source].speaker == 1;
    if (tile->border || speaking) {
        gallery_rounded(cr, tile->rect, tile->radius);
        gallery_rgb(cr, speaking ? 0x4cc38a : tile->border_rgb, 1);
        cairo_set_line_width(cr, speaking ? 16 : tile->border * 2);
        cairo_stroke(cr);
    }
    cairo_restore(cr);
}

static void gallery_overlay(cairo_t *cr, const LayoutOverlay *overlay)
{
    const VideoRect rect = overlay->rect;
    const double align = overlay->align / 2.0;
    cairo_rectangle(cr, rect.x, rect.y, rect.width, rect.height);
    gallery_rgb(cr, overlay->background_rgb, overlay->background_alpha / 255.0);
    cairo_fill(cr);
    gallery_rgb(cr, overlay->colour_rgb, 1);
    gallery_text(cr, overlay->kind == LAYOUT_OVERLAY_CLOCK ? "20:15" : overlay->text,
                 rect.height * 0.6, rect.x + rect.width * align, rect.y + rect.height / 2.0, align);
}

static void gallery_draw(cairo_t *cr, const Layout *layout, const LayoutSource *sources, guint n)
{
    LayoutPlan plan;
    int width, height;
    layout_canvas(layout, 1280, 720, &width, &height);
    layout_solve(layout, sources, n, width, height, &plan);
    cairo_scale(cr, CELL / (double)MAX(width, height), CELL / (double)MAX(width, height));
    cairo_rectangle(cr, 0, 0, width, height);
    cairo_clip(cr);
    gallery_rgb(cr, plan.background_rgb, 1);
    cairo_paint(cr);
    for (guint i = 0; i < plan.n_tiles; i++)
        gallery_tile(cr, &plan.tiles[i], sources);
    for (guint i = 0; i < plan.n_overlays; i++)
        gallery_overlay(cr, &plan.overlays[i]);
}

static void gallery_case(cairo_t *cr, const Layout *layout, const char *folder, GalleryCase wanted)
{
    LayoutSource sources[MAX_SOURCES] = { 0 };
    const guint n = gallery_sources(wanted, sources);
    const char *use = layout_delegate(layout, sources, n);
    g_autofree char *caption =
        g_strdup_printf("%u %s%s", wanted.people, wanted.people == 1 ? "person" : "people",
                        wanted.screens > 1   ? ", 2 screens"
                        : wanted.screens > 0 ? ", a screen"
                                             : "");
    gallery_rgb(cr, 0x3a4149, 1);
    gallery_text(cr, caption, 11, 0, CAPTION / 2.0 - 2, 0);
    cairo_translate(cr, 0, CAPTION);
    if (!use) {
        gallery_draw(cr, layout, sources, n);
        return;
    }
    g_autofree char *path = g_strdup_printf("%s/layouts/%s.json", folder, use);
    g_autoptr(Layout) other = layout_load(path, NULL);
    if (other)
        gallery_draw(cr, other, sources, n);
}

/* Flat colours: a palette would do, so that filtering gains little; cairo's default is small. */
static gboolean gallery_sheet(const char *path, const char *to)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Layout) layout = layout_load(path, &error);
    if (!layout) {
        fprintf(stderr, "%s\n", error->message);
        return FALSE;
    }
    int width, height;
    layout_canvas(layout, 1280, 720, &width, &height);
    const int columns = width < height ? COLUMNS * 2 : COLUMNS;
    const int cell_width = CELL * width / MAX(width, height);
    const int cell_height = CELL * height / MAX(width, height) + CAPTION;
    const int rows = ((int)G_N_ELEMENTS(gallery_cases) + columns - 1) / columns;
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, columns * (cell_width + MARGIN) + MARGIN,
                                   rows * (cell_height + MARGIN) + MARGIN);
    cairo_t *cr = cairo_create(surface);
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_paint(cr);
    for (int i = 0; i < (int)G_N_ELEMENTS(gallery_cases); i++) {
        cairo_save(cr);
        cairo_translate(cr, MARGIN + i % columns * (cell_width + MARGIN),
                        MARGIN + i / columns * (cell_height + MARGIN));
        gallery_case(cr, layout, PROJECT_DIR, gallery_cases[i]);
        cairo_restore(cr);
    }
    g_autofree char *file = g_strdup_printf("%s/%s.png", to, layout_name(layout));
    const cairo_status_t status = cairo_surface_write_to_png(surface, file);
    cairo_destroy(cr);
    cairo_surface_destroy(surface);
    printf("%s\n", file);
    return status == CAIRO_STATUS_SUCCESS;
}

static gboolean gallery_folder(const char *to)
{
    static const char folder[] = PROJECT_DIR "/layouts";
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    gboolean good = dir != NULL;
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        if (g_str_has_suffix(name, ".json") && strcmp(name, "schema.json") != 0)
            good &= gallery_sheet(path, to);
    }
    return good;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s FOLDER [LAYOUT.json ...]\n", argv[0]);
        return 2;
    }
    gboolean good = argc > 2 || gallery_folder(argv[1]);
    for (int i = 2; i < argc; i++)
        good &= gallery_sheet(argv[i], argv[1]);
    return good ? 0 : 1;
}
