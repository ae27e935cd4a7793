#include "mixer/text.h"

#include <pango/pangocairo.h>
#include <pthread.h>
#include <string.h>

#define FONT    "Sans"
#define FONT_PX 32

/* Guards the font map, which Pango wants used by one thread at a time. There is one for the whole
 * process, because each holds its own copy of every font in use. Held while a text is rendered. A
 * POSIX mutex, because thread checkers see those. */
static pthread_mutex_t text_lock = PTHREAD_MUTEX_INITIALIZER;
static PangoFontMap *text_fonts;

#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TEXT_SANITIZED
#endif
#endif

#if defined(TEXT_SANITIZED) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
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
static PangoLayout *text_layout_new(const char *text)
{
    if (!text_fonts)
        text_fonts = pango_cairo_font_map_new();
    PangoContext *context = pango_font_map_create_context(text_fonts);
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

TextLine text_line_begin(const char *text, double px)
{
    pthread_mutex_lock(&text_lock);
    return (TextLine){ text_layout_new(text), px / FONT_PX };
}

void text_line_end(TextLine *line)
{
    g_clear_object(&line->layout);
    pthread_mutex_unlock(&text_lock);
}

void text_line_limit(TextLine *line, double width)
{
    pango_layout_set_ellipsize(line->layout, PANGO_ELLIPSIZE_END);
    if (text_line_extents(line, FALSE).width > width)
        pango_layout_set_width(line->layout, (int)(width / line->scale * PANGO_SCALE));
}

TextExtents text_line_extents(const TextLine *line, gboolean ink)
{
    PangoRectangle drawn, logical;
    pango_layout_get_extents(line->layout, &drawn, &logical);
    const PangoRectangle *rect = ink ? &drawn : &logical;
    const double unit = line->scale / PANGO_SCALE;
    return (TextExtents){ rect->x * unit, rect->y * unit, rect->width * unit, rect->height * unit };
}

void text_line_draw(const TextLine *line, cairo_t *cairo, double x, double y, guint32 rgb)
{
    cairo_save(cairo);
    cairo_translate(cairo, x, y);
    cairo_scale(cairo, line->scale, line->scale);
    cairo_move_to(cairo, 0, 0);
    overlay_set_colour(cairo, rgb, 1);
    pango_cairo_show_layout(cairo, line->layout);
    cairo_restore(cairo);
}

/* Directions and joins that a text could impose on what stands around it. */
static gboolean text_char_is_safe(gunichar c)
{
    return !g_unichar_iscntrl(c) && g_unichar_type(c) != G_UNICODE_FORMAT &&
           g_unichar_type(c) != G_UNICODE_LINE_SEPARATOR &&
           g_unichar_type(c) != G_UNICODE_PARAGRAPH_SEPARATOR;
}

char *text_clean(const char *text, guint max_chars)
{
    const gsize bytes = text ? strnlen(text, (gsize)max_chars * 6) : 0;
    g_autofree char *valid = g_utf8_make_valid(text ? text : "", (gssize)bytes);
    GString *clean = g_string_new(NULL);
    guint n = 0;
    for (const char *pos = valid; *pos && n < max_chars; pos = g_utf8_next_char(pos), n++) {
        const gunichar c = g_utf8_get_char(pos);
        g_string_append_unichar(clean, text_char_is_safe(c) ? c : ' ');
    }
    return g_strstrip(g_string_free(clean, FALSE));
}
