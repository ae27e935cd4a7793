#include "mixer/label.h"

#include <math.h>

#include "mixer/text.h"

#define MAX_NAME_CHARS 80
#define CHIP_RGB       0x0b0e11u
#define CHIP_ALPHA     0.62
#define TEXT_RGB       0xf4f6f8u
#define WAITING_RGB    0xdde3eau
#define MUTED_RGB      0xff6b5eu
#define BACKDROP_RGB   0x1d232au
#define MORE_RGB       0x3b4653u
/* Sizes are taken in steps, so that a tile that grows keeps its drawings most of the time. */
#define ROOM_STEP 16
#define DISC_STEP 8

void label_warm_up(void)
{
    const LabelPlace place = { 640, 360, 0 };
    Overlay *overlay = label_render_name("Tessera", FALSE, place);
    overlay_unref(overlay);
}

static int label_even(double size)
{
    return MAX(2, (int)lround(size / 2) * 2);
}

static double label_text_px(int tile_width, int tile_height)
{
    const double side = MIN(tile_height, tile_width * 0.75);
    return floor(CLAMP(side * 0.056, 10.0, 26.0));
}

int label_inset(int tile_width, int tile_height)
{
    return label_even(label_text_px(tile_width, tile_height) * 0.6);
}

/* A struck-out microphone in a box of `size`, its upper left corner at (x, y). */
static void label_draw_muted(cairo_t *cairo, double x, double y, double size)
{
    const double u = size / 16;
    cairo_save(cairo);
    cairo_translate(cairo, x, y);
    cairo_scale(cairo, u, u);
    overlay_set_colour(cairo, MUTED_RGB, 1);
    cairo_set_line_cap(cairo, CAIRO_LINE_CAP_ROUND);
    cairo_new_sub_path(cairo);
    cairo_arc(cairo, 8, 4, 2.6, G_PI, 0);
    cairo_arc(cairo, 8, 7.4, 2.6, 0, G_PI);
    cairo_close_path(cairo);
    cairo_fill(cairo);
    cairo_set_line_width(cairo, 1.5);
    cairo_arc(cairo, 8, 7.4, 4.8, 0.12 * G_PI, 0.88 * G_PI);
    cairo_stroke(cairo);
    cairo_move_to(cairo, 8, 12.2);
    cairo_line_to(cairo, 8, 14.6);
    cairo_stroke(cairo);
    overlay_set_colour(cairo, CHIP_RGB, 1);
    cairo_set_line_width(cairo, 4);
    cairo_move_to(cairo, 3.2, 2.2);
    cairo_line_to(cairo, 13.4, 13.2);
    cairo_stroke(cairo);
    overlay_set_colour(cairo, MUTED_RGB, 1);
    cairo_set_line_width(cairo, 1.7);
    cairo_move_to(cairo, 2.6, 2.2);
    cairo_line_to(cairo, 13.4, 13.8);
    cairo_stroke(cairo);
    cairo_restore(cairo);
}

/* How wide the strip may be. */
static int label_room(LabelPlace place)
{
    const int room = place.width - 2 * label_inset(place.width, place.height) - place.reserved;
    return room > 0 ? room / ROOM_STEP * ROOM_STEP : 0;
}

/* Sizes of a chip, in pixels. */
typedef struct {
    double text_px, padding, sign, gap;
    int height, text_max;
} LabelChip;

static LabelChip label_chip(gboolean muted, gboolean text, LabelPlace place)
{
    LabelChip chip = { .text_px = label_text_px(place.width, place.height) };
    chip.height = label_even(chip.text_px * 1.75);
    chip.padding = chip.text_px * 0.6;
    chip.sign = muted ? chip.text_px * 1.15 : 0;
    chip.gap = muted && text ? chip.text_px * 0.3 : 0;
    const double room = label_room(place);
    /* The strip's width is rounded to an even number. */
    chip.text_max = (int)(room - 2 * chip.padding - chip.sign - chip.gap) - 2;
    return chip;
}

/* `line` is the text, or NULL if the sign stands alone. */
static Overlay *label_draw_chip(const LabelChip *chip, const TextLine *line)
{
    TextExtents text = { 0 };
    if (line)
        text = text_line_extents(line, FALSE);
    const double text_width = MIN(text.width, chip->text_max);
    const int width = label_even(ceil(2 * chip->padding + chip->sign + chip->gap + text_width));
    cairo_t *cairo = overlay_canvas_new(width, chip->height);
    overlay_rounded_rect(cairo, width, chip->height, chip->height * 0.32);
    cairo_clip(cairo);
    overlay_set_colour(cairo, CHIP_RGB, CHIP_ALPHA);
    cairo_paint(cairo);
    if (chip->sign > 0)
        label_draw_muted(cairo, chip->padding * 0.9, (chip->height - chip->sign) / 2, chip->sign);
    if (line) {
        /* Ink may stand over the advance (italics, marks). */
        cairo_rectangle(cairo, 0, 0, width - chip->padding / 2, chip->height);
        cairo_clip(cairo);
        text_line_draw(line, cairo, chip->padding + chip->sign + chip->gap - text.x,
                       (chip->height - text.height) / 2 - text.y, TEXT_RGB);
    }
    return overlay_from_cairo(cairo);
}

static Overlay *label_draw_text_chip(const LabelChip *chip, const char *text)
{
    TextLine line = text_line_begin(text, chip->text_px);
    text_line_limit(&line, chip->text_max);
    Overlay *overlay = label_draw_chip(chip, &line);
    text_line_end(&line);
    return overlay;
}

char *label_name_key(const char *name, gboolean muted, LabelPlace place)
{
    g_autofree char *clean = text_clean(name, MAX_NAME_CHARS);
    const int px = (int)label_text_px(place.width, place.height);
    /* A low tile has none. */
    const int height = MIN(place.height, px * 6);
    return g_strdup_printf("name %d %d %d %d %s", px, label_room(place), height, muted, clean);
}

Overlay *label_render_name(const char *name, gboolean muted, LabelPlace place)
{
    g_autofree char *clean = text_clean(name, MAX_NAME_CHARS);
    LabelChip chip = label_chip(muted, *clean != '\0', place);
    const gboolean text_fits = chip.text_max >= chip.text_px * 2;
    if (place.height < chip.height * 2.5 || chip.text_max < 0 ||
        (!muted && (!text_fits || !*clean)))
        return NULL;
    if (*clean && text_fits)
        return label_draw_text_chip(&chip, clean);
    chip.gap = 0;
    return label_draw_chip(&chip, NULL);
}

char *label_waiting_key(const char *text, LabelPlace place)
{
    g_autofree char *clean = text_clean(text, MAX_NAME_CHARS);
    return g_strdup_printf("waiting %d %d %s", (int)label_text_px(place.width, place.height),
                           label_room(place), clean);
}

Overlay *label_render_waiting(const char *text, LabelPlace place)
{
    g_autofree char *clean = text_clean(text, MAX_NAME_CHARS);
    const double px = label_text_px(place.width, place.height) * 1.35;
    const int room = label_room(place), height = label_even(px * 1.6);
    if (!*clean || room < px * 3 || height > place.height)
        return NULL;
    TextLine line = text_line_begin(clean, px);
    text_line_limit(&line, room - 4);
    const TextExtents extents = text_line_extents(&line, FALSE);
    cairo_t *cairo = overlay_canvas_new(MIN(label_even(ceil(extents.width) + 2), room), height);
    text_line_draw(&line, cairo, 1 - extents.x, (height - extents.height) / 2 - extents.y,
                   WAITING_RGB);
    text_line_end(&line);
    return overlay_from_cairo(cairo);
}

/* Scripts in which two capitals stand for a name; elsewhere one sign does. */
static gboolean label_script_has_initials(gunichar c)
{
    const GUnicodeScript script = g_unichar_get_script(c);
    return script == G_UNICODE_SCRIPT_LATIN || script == G_UNICODE_SCRIPT_GREEK ||
           script == G_UNICODE_SCRIPT_CYRILLIC || script == G_UNICODE_SCRIPT_ARMENIAN ||
           script == G_UNICODE_SCRIPT_GEORGIAN || script == G_UNICODE_SCRIPT_COMMON;
}

char *label_initials(const char *name)
{
    g_autofree char *clean = text_clean(name, MAX_NAME_CHARS);
    gunichar first = 0, last = 0;
    gboolean at_start = TRUE;
    for (const char *pos = clean; *pos; pos = g_utf8_next_char(pos)) {
        const gunichar c = g_utf8_get_char(pos);
        if (at_start && g_unichar_isalnum(c)) {
            *(first ? &last : &first) = c;
            at_start = FALSE;
        } else if (g_unichar_isspace(c) || c == '-' || c == '_' || c == '.') {
            at_start = TRUE;
        }
    }
    GString *letters = g_string_new(NULL);
    if (first)
        g_string_append_unichar(letters, g_unichar_toupper(first));
    if (last && label_script_has_initials(first) && label_script_has_initials(last))
        g_string_append_unichar(letters, g_unichar_toupper(last));
    return g_string_free(letters, FALSE);
}

guint32 label_backdrop_rgb(void)
{
    return BACKDROP_RGB;
}

/* Calm and all equally dark, so that white letters read on each. */
static guint32 label_colour(const char *id)
{
    static const guint32 colours[] = { 0x4f6d9e, 0x3f7f86, 0x4b8063, 0x6f7f45, 0x95733c, 0xa0613f,
                                       0xa2565c, 0x96568a, 0x7a5ea6, 0x5a63b0, 0x5c7285, 0x7d6a5d };
    /* FNV-1a, then folded: neighbouring ids should not look alike. */
    guint32 hash = 2166136261u;
    for (const char *pos = id ? id : ""; *pos; pos++)
        hash = (hash ^ (guint8)*pos) * 16777619u;
    return colours[(hash ^ hash >> 15) % G_N_ELEMENTS(colours)];
}

static void label_draw_person(cairo_t *cairo, double size)
{
    cairo_arc(cairo, size / 2, size / 2, size / 2, 0, 2 * G_PI);
    cairo_clip(cairo);
    overlay_set_colour(cairo, TEXT_RGB, 0.92);
    cairo_arc(cairo, size / 2, size * 0.40, size * 0.165, 0, 2 * G_PI);
    cairo_fill(cairo);
    cairo_arc(cairo, size / 2, size * 0.94, size * 0.31, 0, 2 * G_PI);
    cairo_fill(cairo);
}

static void label_draw_letters(cairo_t *cairo, const char *letters, double size)
{
    TextLine line = text_line_begin(letters, size * 0.38);
    const TextExtents natural = text_line_extents(&line, TRUE);
    const double widest = MAX(1, MAX(natural.width, natural.height));
    line.scale *= MIN(1, size * 0.7 / widest);
    const TextExtents ink = text_line_extents(&line, TRUE);
    text_line_draw(&line, cairo, (size - ink.width) / 2 - ink.x, (size - ink.height) / 2 - ink.y,
                   TEXT_RGB);
    text_line_end(&line);
}

int label_disc_size(int tile_width, int tile_height)
{
    return (int)(MIN(tile_width, tile_height) * 0.46) / DISC_STEP * DISC_STEP;
}

static Overlay *label_draw_disc(const char *letters, guint32 rgb, int size)
{
    if (size < DISC_STEP)
        return NULL;
    cairo_t *cairo = overlay_canvas_new(size, size);
    cairo_arc(cairo, size / 2.0, size / 2.0, size / 2.0, 0, 2 * G_PI);
    overlay_set_colour(cairo, rgb, 1);
    cairo_fill(cairo);
    if (*letters)
        label_draw_letters(cairo, letters, size);
    else
        label_draw_person(cairo, size);
    return overlay_from_cairo(cairo);
}

char *label_initials_key(const char *name, const char *id, int size)
{
    g_autofree char *letters = label_initials(name);
    return g_strdup_printf("initials %d %06x %s", size, label_colour(id), letters);
}

Overlay *label_render_initials(const char *name, const char *id, int size)
{
    g_autofree char *letters = label_initials(name);
    return label_draw_disc(letters, label_colour(id), size);
}

Overlay *label_render_more(guint more, int size)
{
    g_autofree char *letters = g_strdup_printf("+%u", more);
    return label_draw_disc(letters, MORE_RGB, size);
}

Overlay *label_render_lost(int tile_width, int tile_height)
{
    const int limit = MIN(tile_width, tile_height) & ~1;
    const int size = MIN(label_even(CLAMP(limit * 0.26, 16, 88)), limit) / DISC_STEP * DISC_STEP;
    if (size < DISC_STEP)
        return NULL;
    cairo_t *cairo = overlay_canvas_new(size, size);
    cairo_scale(cairo, size / 32.0, size / 32.0);
    cairo_arc(cairo, 16, 16, 16, 0, 2 * G_PI);
    overlay_set_colour(cairo, CHIP_RGB, 0.78);
    cairo_fill(cairo);
    /* Waves that fade outwards, struck out. */
    cairo_set_line_cap(cairo, CAIRO_LINE_CAP_ROUND);
    cairo_set_line_width(cairo, 2.1);
    for (int i = 1; i <= 3; i++) {
        overlay_set_colour(cairo, TEXT_RGB, 1.0 - 0.22 * (i - 1));
        cairo_arc(cairo, 16, 22, 4.6 * i, 1.26 * G_PI, 1.74 * G_PI);
        cairo_stroke(cairo);
    }
    overlay_set_colour(cairo, TEXT_RGB, 1);
    cairo_arc(cairo, 16, 22, 1.8, 0, 2 * G_PI);
    cairo_fill(cairo);
    overlay_set_colour(cairo, MUTED_RGB, 1);
    cairo_move_to(cairo, 9.5, 8.5);
    cairo_line_to(cairo, 22.5, 24);
    cairo_stroke(cairo);
    return overlay_from_cairo(cairo);
}
