#include <string.h>

#include "base/error.h"
#include "mixer/layout_parse.h"

#define MAX_PIXELS   16384
#define MAX_FRACTION 10000
#define MAX_IMAGE    64

LayoutPlace layout_place(const LayoutPlace *up, const char *key, int index)
{
    return (LayoutPlace){ up, key, index, up->layout, up->error };
}

static void layout_place_print(const LayoutPlace *at, GString *path)
{
    if (!at || !at->key)
        return;
    layout_place_print(at->up, path);
    g_string_append_printf(path, "%s%s", path->len ? "." : "", at->key);
    if (at->index >= 0)
        g_string_append_printf(path, "[%d]", at->index);
}

gboolean layout_refuse(const LayoutPlace *at, const char *key, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_autoptr(GString) path = g_string_new(NULL);
    layout_place_print(at, path);
    if (key)
        g_string_append_printf(path, "%s%s", path->len ? "." : "", key);
    g_set_error(at->error, TESSERA_ERROR, TESSERA_ERROR_INVALID, "%s %s",
                path->len ? path->str : "the layout", text);
    return FALSE;
}

gboolean layout_check_object(json_t *object, const char *const *known, const LayoutPlace *at)
{
    if (!json_is_object(object))
        return layout_refuse(at, NULL, "is no object: write {...} with some of %s, %s, %s",
                             known[0], known[1], known[2] ? known[2] : "...");
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        if (!g_strv_contains(known, key)) {
            g_autofree char *list = g_strjoinv(", ", (char **)known);
            g_autofree char *shown =
                g_utf8_strlen(key, -1) > 64 ? g_utf8_substring(key, 0, 64) : g_strdup(key);
            return layout_refuse(at, shown, "is not a key that layouts have: use one of %s", list);
        }
    }
    return TRUE;
}

gboolean layout_parse_ratio(const char *text, int *numerator, int *denominator)
{
    gint64 parts[2] = { 0, 0 };
    const char *pos = text;
    for (guint i = 0; i < 2; i++) {
        if (!g_ascii_isdigit(*pos))
            return FALSE;
        while (g_ascii_isdigit(*pos) && parts[i] <= MAX_FRACTION)
            parts[i] = parts[i] * 10 + (*pos++ - '0');
        if (parts[i] > MAX_FRACTION || *pos != (i == 0 ? '/' : '\0'))
            return FALSE;
        pos++;
    }
    *numerator = (int)parts[0];
    *denominator = (int)parts[1];
    return parts[1] > 0;
}

gboolean layout_read_length(json_t *object, const char *key, LayoutLength *value,
                            const LayoutPlace *at)
{
    json_t *member = json_object_get(object, key);
    if (!member)
        return TRUE;
    if (json_is_integer(member)) {
        const json_int_t pixels = json_integer_value(member);
        if (pixels < 0 || pixels > MAX_PIXELS)
            return layout_refuse(at, key,
                                 "is outside the canvas: write 0 to %d pixels, or a fraction such "
                                 "as \"2/3\"",
                                 MAX_PIXELS);
        *value = (LayoutLength){ (int)pixels, 0 };
        return TRUE;
    }
    LayoutLength read;
    const char *text = json_string_value(member);
    if (!text || !layout_parse_ratio(text, &read.numerator, &read.denominator) ||
        read.numerator > read.denominator)
        return layout_refuse(at, key,
                             "is no length: write whole pixels such as 320, or a fraction of the "
                             "canvas from \"0/1\" to \"1/1\" such as \"2/3\"");
    *value = read;
    return TRUE;
}

gboolean layout_read_rectangle(json_t *object, LayoutLength *const lengths[4],
                               const LayoutPlace *at)
{
    static const char *const keys[4] = { "x", "y", "width", "height" };
    for (guint i = 0; i < 4; i++) {
        if (!layout_read_length(object, keys[i], lengths[i], at))
            return FALSE;
    }
    return TRUE;
}

gboolean layout_read_colour(json_t *object, const char *key, guint32 *rgb, const LayoutPlace *at)
{
    json_t *member = json_object_get(object, key);
    const char *text = json_string_value(member);
    gboolean good = text && strlen(text) == 7 && text[0] == '#';
    if (!member)
        return TRUE;
    for (guint i = 1; good && i < 7; i++)
        good = g_ascii_isxdigit(text[i]);
    if (!good)
        return layout_refuse(at, key, "is no colour: write it as \"#111418\"");
    *rgb = (guint32)g_ascii_strtoull(text + 1, NULL, 16);
    return TRUE;
}

gboolean layout_read_integer(json_t *object, const char *key, const int limits[2], int *value,
                             const LayoutPlace *at)
{
    json_t *member = json_object_get(object, key);
    if (!member)
        return TRUE;
    const json_int_t read = json_integer_value(member);
    if (!json_is_integer(member) || read < limits[0] || read > limits[1])
        return layout_refuse(at, key, "is out of range: write a whole number, %d to %d", limits[0],
                             limits[1]);
    *value = (int)read;
    return TRUE;
}

gboolean layout_read_flag(json_t *object, const char *key, gboolean *value, const LayoutPlace *at)
{
    json_t *member = json_object_get(object, key);
    if (member && !json_is_boolean(member))
        return layout_refuse(at, key, "is neither yes nor no: write true or false");
    if (member)
        *value = json_is_true(member);
    return TRUE;
}

gboolean layout_read_choice(json_t *object, const char *key, const char *const *names, guint *value,
                            const LayoutPlace *at)
{
    json_t *member = json_object_get(object, key);
    if (!member)
        return TRUE;
    for (guint i = 0; names[i]; i++) {
        if (g_strcmp0(json_string_value(member), names[i]) == 0) {
            *value = i;
            return TRUE;
        }
    }
    g_autofree char *list = g_strjoinv("\", \"", (char **)names);
    return layout_refuse(at, key, "is unknown: write one of \"%s\"", list);
}

gboolean layout_read_text(json_t *object, const char *key, glong max, const char **value,
                          const LayoutPlace *at)
{
    json_t *member = json_object_get(object, key);
    const char *text = json_string_value(member);
    if (!member)
        return TRUE;
    if (!text)
        return layout_refuse(at, key, "is no text: write it in quotes");
    if (json_string_length(member) > (gsize)max * 4 || g_utf8_strlen(text, -1) > max)
        return layout_refuse(at, key, "is too long: write at most %ld characters", max);
    for (const char *pos = text; *pos; pos = g_utf8_next_char(pos)) {
        if (g_unichar_iscntrl(g_utf8_get_char(pos)))
            return layout_refuse(at, key,
                                 "has a line break or another control character: write "
                                 "one line");
    }
    *value = g_string_chunk_insert_const(at->layout->strings, text);
    return TRUE;
}

gboolean layout_read_image(json_t *object, const char *key, const char **value,
                           const LayoutPlace *at)
{
    json_t *member = json_object_get(object, key);
    if (!member)
        return TRUE;
    const char *name = json_string_value(member);
    const gsize length = json_string_length(member);
    gboolean good = name && length >= 1 && length <= MAX_IMAGE;
    for (gsize i = 0; good && i < length; i++)
        good = g_ascii_isalnum(name[i]) || name[i] == '_' || name[i] == '-';
    if (!good)
        return layout_refuse(at, key,
                             "is no name of an image: write 1 to %d letters, digits, \"_\" or "
                             "\"-\" without an extension, as it is called at /api/v1/images",
                             MAX_IMAGE);
    *value = g_string_chunk_insert_const(at->layout->strings, name);
    if (!g_ptr_array_find(at->layout->images, *value, NULL))
        g_ptr_array_add(at->layout->images, (gpointer)*value);
    return TRUE;
}
