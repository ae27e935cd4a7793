#include "api/json_text.h"

#include <stdlib.h>

#include "base/error.h"

static gboolean invalid(GError **error, const char *format, const char *what)
{
    g_autofree char *text = g_strdup_printf(format, what);
    g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID, text);
    return FALSE;
}

/* jansson's own depth limit is 2048, and it has none for the number of values. */
static gboolean is_small(const char *text, gsize size)
{
    gboolean in_string = FALSE;
    gint depth = 0, nodes = 0;
    for (gsize i = 0; i < size; i++) {
        char c = text[i];
        if (in_string && c == '\\') {
            i++;
        } else if (c == '"') {
            in_string = !in_string;
        } else if (!in_string) {
            depth += (c == '{' || c == '[') - (c == '}' || c == ']');
            nodes += c == ',' || c == '{' || c == '[';
            if (depth > JSON_TEXT_MAX_DEPTH || nodes > JSON_TEXT_MAX_NODES)
                return FALSE;
        }
    }
    return TRUE;
}

json_t *json_text_load(const char *text, gsize size, GError **error)
{
    json_error_t problem;
    if (!is_small(text, size)) {
        invalid(error, "The JSON text is nested too deep or holds too many values%s.", "");
        return NULL;
    }
    if (!size) {
        invalid(error, "The JSON text is empty%s.", "");
        return NULL;
    }
    json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &problem);
    if (!json)
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "The JSON text is malformed in line %d, column %d.", problem.line,
                    problem.column);
    return json;
}

json_t *json_text_parse(const char *text, gsize size, GError **error)
{
    json_t *json = json_text_load(text, size, error);
    if (!json || json_is_object(json))
        return json;
    invalid(error, "The JSON text must be an object%s.", "");
    json_decref(json);
    return NULL;
}

gboolean json_text_optional_string(const json_t *object, const char *key, gsize max,
                                   const char **value, GError **error)
{
    const json_t *member = json_object_get(object, key);
    if (!member || json_is_null(member))
        return TRUE;
    if (!json_is_string(member))
        return invalid(error, "\"%s\" must be a string.", key);
    if (json_string_length(member) > max)
        return invalid(error, "\"%s\" is too long.", key);
    *value = json_string_value(member);
    return TRUE;
}

gboolean json_text_string(const json_t *object, const char *key, gsize max, const char **value,
                          GError **error)
{
    const char *text = NULL;
    if (!json_text_optional_string(object, key, max, &text, error))
        return FALSE;
    if (!text || !*text)
        return invalid(error, "\"%s\" is missing.", key);
    *value = text;
    return TRUE;
}

gboolean json_text_optional_bool(const json_t *object, const char *key, gint *value, GError **error)
{
    const json_t *member = json_object_get(object, key);
    if (!member)
        return TRUE;
    if (!json_is_boolean(member))
        return invalid(error, "\"%s\" must be true or false.", key);
    *value = json_is_true(member);
    return TRUE;
}

char *json_text_dump(const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    char *copy = g_strdup(text ? text : "{}");
    free(text);
    return copy;
}
