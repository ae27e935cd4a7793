#pragma once

#include <jansson.h>

#include "base/error.h"

/* Reading the members of a merge patch (RFC 7396), each checked with a sentence that names it and
 * the remedy (TESSERA_ERROR_INVALID). A member that is absent leaves the value as it was. */

/** FALSE if there is a member that is not in the NULL-ended list, or `patch` is no object. */
gboolean json_patch_check(json_t *patch, const char *const *known, GError **error);

gboolean json_patch_bool(json_t *patch, const char *key, gboolean *value, GError **error);
gboolean json_patch_int(json_t *patch, const char *key, gint min, gint max, gint *value,
                        GError **error);
gboolean json_patch_number(json_t *patch, const char *key, double min, double max, double *value,
                           GError **error);
/** *given: it is there; *value: (transfer none) the text, or NULL where it is null. */
gboolean json_patch_text(json_t *patch, const char *key, gboolean *given, const char **value,
                         GError **error);
/** "#rrggbb", or null: -1. */
gboolean json_patch_colour(json_t *patch, const char *key, gint64 *value, GError **error);
