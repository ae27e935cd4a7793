#include "mixer/label.h"

#include <math.h>
#include <pango/pangocairo.h>
#include <pthread.h>

#define MAX_NAME_CHARS 80
#define FONT           "Sans"
#define FONT_PX        32
#define CHIP_RGB       0x0b0e11u
#define CHIP_ALPHA     0.62
#define TEXT_RGB       0xf4f6f8u
#define MUTED_RGB      0xff6b5eu
#define BACKDROP_RGB   0x1d232au

/* Guards the font map, which Pango wants used by one thread at a time. There is one for the whole
 * process, because each holds its own copy of every font in use. Held while a text is rendered. A
 * POSIX mutex, because thread checkers see those. */
static pthread_mutex_t label_lock = PTHREAD_MUTEX_INITIALIZER;
static PangoFontMap *label_fonts;

#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LABEL_SANITIZED
#endif
#endif

#if defined(LABEL_SANITIZED) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
/* Fontconfig keeps what it read until the process ends, where a leak checker cannot follow; and
 * Pango asks it on a thread of its own, with locks that a thread checker does not see. */
const char *__lsan_default_suppressions(void);
const char *__tsan_default_suppressions(void);

__attribute__((weak)) const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig\nleak:libpango\n";
}

const char *__tsan_default_suppressions(void)
{
    return "called_from_lib:libfontconfig.so\n"
           "race:libfontconfig\nrace:libpango\nrace:g_str_has_suffix\n";
}
#endif

/* Text at FONT_PX, which the drawing scales: each size of its own would cost Pango 10 ms and half a
 * megabyte to look up. Call with the lock held. */
static PangoLayout *label_layout_new(const char *text)
{
    if (!label_fonts)
        label_fonts = pango_cairo_font_map_new();
    PangoContext *context = pango_font_map_create_context(label_fonts);
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    pango_cairo_context_set_font_options(context, options);
    pango_context_set_round_glyph_positions(context, FALSE);
    cairo_font_options_destroy(options);

    PangoLayout *layout = pango_layout_new(context);
    g_object_unref(context);
    PangoFontDescription *font = pango_font_description_from_string(FONT);
    pango_font_description_set_absolute_size(font, FONT_PX * PANGO_SCALE);
    pango_layout_set_font_description(layout, font);
    pango_font_description_free(font);
    pango_layout_set_single_paragraph_mode(layout, TRUE);
    pango_layout_set_text(layout, text, -1);
    return layout;
}

/* Where a text is in pixels, the font being FONT_PX * scale tall. */
typedef struct {
    double x, y, width, height;
} LabelExtents;

static LabelExtents label_extents(PangoLayout *layout, double scale, gboolean ink)
{
    PangoRectangle drawn, logical;
    pango_layout_get_extents(layout, &drawn, &logical);
    const PangoRectangle *rect = ink ? &drawn : &logical;
    const double unit = scale / PANGO_SCALE;
    return (LabelExtents){ rect->x * unit, rect->y * unit, rect->width * unit,
                           rect->height * unit };
}

static void label_show(cairo_t *cairo, PangoLayout *layout, double x, double y, double scale)
{
    cairo_save(cairo);
    cairo_translate(cairo, x, y);
    cairo_scale(cairo, scale, scale);
    cairo_move_to(cairo, 0, 0);
    overlay_set_colour(cairo, TEXT_RGB, 1);
    pango_cairo_show_layout(cairo, layout);
    cairo_restore(cairo);
}

void label_warm_up(void)
{
    Overlay *overlay = label_render_name("Tessera", FALSE, 640, 360);
    overlay_free(overlay);
}

/* Directions and joins that a name could impose on what stands around it. */
static gboolean label_char_is_safe(gunichar c)
{
    return !g_unichar_iscntrl(c) && g_unichar_type(c) != G_UNICODE_FORMAT &&
           g_unichar_type(c) != G_UNICODE_LINE_SEPARATOR &&
           g_unichar_type(c) != G_UNICODE_PARAGRAPH_SEPARATOR;
}

static char *label_clean(const char *name)
{
    const gsize bytes = name ? strnlen(name, MAX_NAME_CHARS * 6) : 0;
    g_autofree char *valid = g_utf8_make_valid(name ? name : "", (gssize)bytes);
    GString *clean = g_string_new(NULL);
    guint n = 0;
    for (const char *pos = valid; *pos && n < MAX_NAME_CHARS; pos = g_utf8_next_char(pos), n++) {
        const gunichar c = g_utf8_get_char(pos);
        g_string_append_unichar(clean, label_char_is_safe(c) ? c : ' ');
    }
    return g_strstrip(g_string_free(clean, FALSE));
}

static int label_even(double size)
{
    return MAX(2, (int)lround(size / 2) * 2);
}

static double label_text_px(int tile_width, int tile_height)
{
    const double side = MIN(tile_height, tile_width * 0.75);
    return CLAMP(side * 0.056, 10.0, 26.0);
}

int label_inset(int tile_width, int tile_height)
{
    return label_even(label_text_px(tile_width, tile_height) * 0.6);
}

static void label_rounded_rect(cairo_t *cairo, double width, double height, double radius)
{
    cairo_new_sub_path(cairo);
    cairo_arc(cairo, width - radius, radius, radius, -G_PI / 2, 0);
    cairo_arc(cairo, width - radius, height - radius, radius, 0, G_PI / 2);
    cairo_arc(cairo, radius, height - radius, radius, G_PI / 2, G_PI);
    cairo_arc(cairo, radius, radius, radius, G_PI, 3 * G_PI / 2);
    cairo_close_path(cairo);
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

/* Sizes of a chip, in pixels. */
typedef struct {
    double text_px, padding, sign, gap;
    int height, text_max;
} LabelChip;

static LabelChip label_chip(gboolean muted, gboolean text, int tile_width, int tile_height)
{
    LabelChip chip = { .text_px = label_text_px(tile_width, tile_height) };
    chip.height = label_even(chip.text_px * 1.75);
    chip.padding = chip.text_px * 0.6;
    chip.sign = muted ? chip.text_px * 1.15 : 0;
    chip.gap = muted && text ? chip.text_px * 0.3 : 0;
    const double room = tile_width - 2 * label_inset(tile_width, tile_height);
    /* The strip's width is rounded to an even number. */
    chip.text_max = (int)(room - 2 * chip.padding - chip.sign - chip.gap) - 2;
    return chip;
}

/* `layout` is the text, or NULL if the sign stands alone. */
static Overlay *label_draw_chip(const LabelChip *chip, PangoLayout *layout)
{
    const double scale = chip->text_px / FONT_PX;
    LabelExtents text = { 0 };
    if (layout)
        text = label_extents(layout, scale, FALSE);
    const double text_width = MIN(text.width, chip->text_max);
    const int width = label_even(ceil(2 * chip->padding + chip->sign + chip->gap + text_width));
    cairo_t *cairo = overlay_canvas_new(width, chip->height);
    label_rounded_rect(cairo, width, chip->height, chip->height * 0.32);
    cairo_clip(cairo);
    overlay_set_colour(cairo, CHIP_RGB, CHIP_ALPHA);
    cairo_paint(cairo);
    if (chip->sign > 0)
        label_draw_muted(cairo, chip->padding * 0.9, (chip->height - chip->sign) / 2, chip->sign);
    if (layout) {
        /* Ink may stand over the advance (italics, marks). */
        cairo_rectangle(cairo, 0, 0, width - chip->padding / 2, chip->height);
        cairo_clip(cairo);
        label_show(cairo, layout, chip->padding + chip->sign + chip->gap - text.x,
                   (chip->height - text.height) / 2 - text.y, scale);
    }
    return overlay_from_cairo(cairo);
}

static Overlay *label_draw_text_chip(const LabelChip *chip, const char *text)
{
    pthread_mutex_lock(&label_lock);
    PangoLayout *layout = label_layout_new(text);
    pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_END);
    const double scale = chip->text_px / FONT_PX;
    if (label_extents(layout, scale, FALSE).width > chip->text_max)
        pango_layout_set_width(layout, (int)(chip->text_max / scale * PANGO_SCALE));
    Overlay *overlay = label_draw_chip(chip, layout);
    g_object_unref(layout);
    pthread_mutex_unlock(&label_lock);
    return overlay;
}

Overlay *label_render_name(const char *name, gboolean muted, int tile_width, int tile_height)
{
    g_autofree char *clean = label_clean(name);
    LabelChip chip = label_chip(muted, *clean != '\0', tile_width, tile_height);
    const gboolean text_fits = chip.text_max >= chip.text_px * 2;
    if (tile_height < chip.height * 2.5 || chip.text_max < 0 || (!muted && (!text_fits || !*clean)))
        return NULL;
    if (*clean && text_fits)
        return label_draw_text_chip(&chip, clean);
    chip.gap = 0;
    return label_draw_chip(&chip, NULL);
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
    g_autofree char *clean = label_clean(name);
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

static void label_draw_initials(cairo_t *cairo, const char *letters, double size)
{
    pthread_mutex_lock(&label_lock);
    PangoLayout *layout = label_layout_new(letters);
    const LabelExtents natural = label_extents(layout, 1, TRUE);
    const double widest = MAX(1, MAX(natural.width, natural.height));
    const double scale = MIN(size * 0.38 / FONT_PX, size * 0.7 / widest);
    const LabelExtents ink = label_extents(layout, scale, TRUE);
    label_show(cairo, layout, (size - ink.width) / 2 - ink.x, (size - ink.height) / 2 - ink.y,
               scale);
    g_object_unref(layout);
    pthread_mutex_unlock(&label_lock);
}

Overlay *label_render_initials(const char *name, const char *id, int tile_width, int tile_height)
{
    const int limit = MIN(tile_width, tile_height) & ~1;
    const int size = MIN(label_even(limit * 0.46), limit);
    if (size < 8)
        return NULL;
    g_autofree char *letters = label_initials(name);
    cairo_t *cairo = overlay_canvas_new(size, size);
    cairo_arc(cairo, size / 2.0, size / 2.0, size / 2.0, 0, 2 * G_PI);
    overlay_set_colour(cairo, label_colour(id), 1);
    cairo_fill(cairo);
    if (*letters)
        label_draw_initials(cairo, letters, size);
    else
        label_draw_person(cairo, size);
    return overlay_from_cairo(cairo);
}

Overlay *label_render_lost(int tile_width, int tile_height)
{
    const int limit = MIN(tile_width, tile_height) & ~1;
    const int size = MIN(label_even(CLAMP(limit * 0.26, 16, 88)), limit);
    if (size < 8)
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
