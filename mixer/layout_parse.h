#pragma once

#include <jansson.h>

#include "mixer/layout_document.h"

/* What the files of the parser share. Every layout_read_*() takes the member `key` of `object`,
 * leaves *value as it is where there is no such member, and refuses what it cannot be. */

/** A place in the document, for messages; made into text only when one is needed. */
typedef struct LayoutPlace {
    const struct LayoutPlace *up; /* NULL: the document itself */
    const char *key;
    int index;      /* in the array `key`, or -1: it is an object */
    Layout *layout; /* being made */
    GError **error;
} LayoutPlace;

LayoutPlace layout_place(const LayoutPlace *up, const char *key, int index);

/** Set the error to the path of `key` (NULL: of the place) and the text. Returns FALSE. */
gboolean layout_refuse(const LayoutPlace *at, const char *key, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/** Refuse what is no object, and keys that are not `known`. */
gboolean layout_check_object(json_t *object, const char *const *known, const LayoutPlace *at);

/** Two whole numbers around a slash, e.g. 2/3. */
gboolean layout_parse_ratio(const char *text, int *numerator, int *denominator);

gboolean layout_read_length(json_t *object, const char *key, LayoutLength *value,
                            const LayoutPlace *at);
gboolean layout_read_colour(json_t *object, const char *key, guint32 *rgb, const LayoutPlace *at);
gboolean layout_read_integer(json_t *object, const char *key, const int limits[2], int *value,
                             const LayoutPlace *at);
gboolean layout_read_flag(json_t *object, const char *key, gboolean *value, const LayoutPlace *at);
/** One of the words of `names` (NULL-terminated); *value becomes its index. */
gboolean layout_read_choice(json_t *object, const char *key, const char *const *names, guint *value,
                            const LayoutPlace *at);
/** At most `max` characters, no control characters. */
gboolean layout_read_text(json_t *object, const char *key, glong max, const char **value,
                          const LayoutPlace *at);
gboolean layout_read_image(json_t *object, const char *key, const char **value,
                           const LayoutPlace *at);

/** The four lengths of a rectangle. */
gboolean layout_read_rectangle(json_t *object, LayoutLength *const lengths[4],
                               const LayoutPlace *at);

/** "regions" of a document or a variant, if there are. */
gboolean layout_parse_regions(json_t *object, LayoutScheme *scheme, const LayoutPlace *at);
/** "overlays" of a document or a variant, if there are. */
gboolean layout_parse_overlays(json_t *object, LayoutScheme *scheme, const LayoutPlace *at);
/** "fill" of a region. */
gboolean layout_parse_fill(json_t *object, LayoutRegion *region, const LayoutPlace *at);
