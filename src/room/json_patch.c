#include "room/json_patch.h"

#include <math.h>
#include <string.h>

static gboolean refuse(const char *key, const char *remedy, GError **error)
{
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID, "%s: write %s.", key, remedy);
    return FALSE;
}

gboolean json_patch_check(json_t *patch, const char *const *known, GError **error)
{
    const char *key;
    json_t *value;
    if (!json_is_object(patch)) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                            "The body must be a JSON object with the members that are to change.");
        return FALSE;
    }
    json_object_foreach(patch, key, value)
    {
        if (g_strv_contains(known, key))
            continue;
        g_autofree char *list = g_strjoinv(", ", (char **)known);
        g_autofree char *asked = g_utf8_make_valid(key, (gssize)MIN(strlen(key), 64));
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "%s is not a member that can be changed: use one of %s.", asked, list);
        return FALSE;
    }
    return TRUE;
}

gboolean json_patch_bool(json_t *patch, const char *key, gboolean *value, GError **error)
{
    json_t *given = json_object_get(patch, key);
    if (!given)
        return TRUE;
    if (!json_is_boolean(given))
        return refuse(key, "true or false", error);
    *value = json_is_true(given);
    return TRUE;
}

gboolean json_patch_int(json_t *patch, const char *key, gint min, gint max, gint *value,
                        GError **error)
{
    json_t *given = json_object_get(patch, key);
    if (!given)
        return TRUE;
    json_int_t number = json_integer_value(given);
    if (!json_is_integer(given) || number < min || number > max) {
        g_autofree char *remedy = g_strdup_printf("a whole number from %d to %d", min, max);
        return refuse(key, remedy, error);
    }
    *value = (gint)number;
    return TRUE;
}

gboolean json_patch_number(json_t *patch, const char *key, double min, double max, double *value,
                           GError **error)
{
    json_t *given = json_object_get(patch, key);
    if (!given)
        return TRUE;
    double number = json_number_value(given);
    if (!json_is_number(given) || !isfinite(number) || number < min || number > max) {
        g_autofree char *remedy = g_strdup_printf("a number from %g to %g", min, max);
        return refuse(key, remedy, error);
    }
    *value = number;
    return TRUE;
}

gboolean json_patch_text(json_t *patch, const char *key, gboolean *given, const char **value,
                         GError **error)
{
    json_t *member = json_object_get(patch, key);
    *given = member != NULL;
    *value = json_string_value(member);
    if (member && !json_is_null(member) && !json_is_string(member))
        return refuse(key, "a text in quotes, or null", error);
    return TRUE;
}

gboolean json_patch_colour(json_t *patch, const char *key, gint64 *value, GError **error)
{
    json_t *member = json_object_get(patch, key);
    if (!member)
        return TRUE;
    if (json_is_null(member)) {
        *value = -1;
        return TRUE;
    }
    const char *text = json_is_string(member) ? json_string_value(member) : "";
    gboolean good = strlen(text) == 7 && text[0] == '#';
    for (guint i = 1; good && i < 7; i++)
        good = g_ascii_isxdigit(text[i]);
    if (!good)
        return refuse(key, "a colour as \"#111418\", or null", error);
    *value = (gint64)g_ascii_strtoull(text + 1, NULL, 16);
    return TRUE;
}
