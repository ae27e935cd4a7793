#pragma once

#include <glib.h>
#include <jansson.h>

/* JSON from outside, within limits that hold before anything is allocated. */

#define JSON_TEXT_MAX_DEPTH 16
#define JSON_TEXT_MAX_NODES 10000

/** (transfer full) Parse one value. Too deep, too many values, duplicate keys, NUL characters or
 *  malformed text: NULL and TESSERA_ERROR_INVALID. */
json_t *json_text_load(const char *text, gsize size, GError **error);

/** The same for text that must be an object. */
json_t *json_text_parse(const char *text, gsize size, GError **error);

/** A member that must be a string of 1..max bytes. FALSE with an error that names it. */
gboolean json_text_string(const json_t *object, const char *key, gsize max, const char **value,
                          GError **error);

/** The same for a member that may be absent or null (*value stays) or empty. */
gboolean json_text_optional_string(const json_t *object, const char *key, gsize max,
                                   const char **value, GError **error);

/** A member that may be absent (*value stays), else must be true or false. */
gboolean json_text_optional_bool(const json_t *object, const char *key, gint *value,
                                 GError **error);

/** (transfer full) One line of text. */
char *json_text_dump(const json_t *json);
