#pragma once

#include <cairo.h>
#include <pango/pango.h>

#include "mixer/overlay.h"

/* Lines of text: laid out once at one size, drawn at any. Texts come from outside: any UTF-8, any
 * length. Any thread. */

/** The text without what could draw outside its line (controls, joins, directions), at most
 *  max_chars long (transfer full). `text` may be NULL and need not be valid UTF-8. */
char *text_clean(const char *text, guint max_chars);

/** Lay out a line; it is wanted at `px` pixels. Pango wants one thread at a time: until
 *  text_line_end() other threads wait, so draw and end. */
typedef struct {
    PangoLayout *layout;
    double scale; /* of its drawing */
} TextLine;

TextLine text_line_begin(const char *text, double px);
void text_line_end(TextLine *line);

/** Cut the line with an ellipsis where it is wider than this many pixels. */
void text_line_limit(TextLine *line, double width);

/** Where it is, in pixels: what is drawn (ink), or what it takes up. */
typedef struct {
    double x, y, width, height;
} TextExtents;

TextExtents text_line_extents(const TextLine *line, gboolean ink);

/** Draw it with the origin of its extents at (x, y). */
void text_line_draw(const TextLine *line, cairo_t *cairo, double x, double y, guint32 rgb);
