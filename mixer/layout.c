#include "mixer/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "mixer/layout_document.h"

#define MAX_PIXELS      16384
#define MAX_FRACTION    10000
#define MAX_NAME        64
#define DEFAULT_COLOUR  0x111418u
#define DEFAULT_MAXIMUM LAYOUT_MAX_TILES

/* Where in the document the parser stands, for its messages. */
typedef struct {
    const char *path;
    GError **error;
} LayoutPlace;

static gboolean layout_refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static gboolean layout_refuse(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID, message);
    return FALSE;
}

/* Before a recursive parser sees a byte: it must not be led deep. */
static gboolean layout_depth_ok(const char *json, gsize size)
{
    guint depth = 0;
    gboolean in_string = FALSE;
    for (gsize i = 0; i < size; i++) {
        const char c = json[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '{' || c == '['))
            depth++;
        else if (!in_string && (c == '}' || c == ']') && depth)
            depth--;
        if (depth > LAYOUT_MAX_DEPTH)
            return FALSE;
    }
    return TRUE;
}

static gboolean layout_check_keys(json_t *object, const char *const *known, const char *path,
                                  GError **error)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        if (!g_strv_contains(known, key)) {
            g_autofree char *list = g_strjoinv(", ", (char **)known);
            return layout_refuse(error, "%s%.64s is not a key that layouts have: use one of %s",
                                 path, key, list);
        }
    }
    return TRUE;
}

/* Two whole numbers around a slash, e.g. 2/3. */
static gboolean layout_parse_ratio(const char *text, int *numerator, int *denominator)
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

static gboolean layout_parse_length(json_t *value, LayoutLength *length, LayoutPlace place)
{
    if (!value)
        return TRUE;
    if (json_is_integer(value)) {
        const json_int_t pixels = json_integer_value(value);
        if (pixels < 0 || pixels > MAX_PIXELS)
            return layout_refuse(place.error,
                                 "%s is outside the canvas: write 0 to %d pixels, or a fraction "
                                 "such as \"2/3\"",
                                 place.path, MAX_PIXELS);
        *length = (LayoutLength){ (int)pixels, 0 };
        return TRUE;
    }
    LayoutLength read;
    const char *text = json_string_value(value);
    if (!text || !layout_parse_ratio(text, &read.numerator, &read.denominator) ||
        read.numerator > read.denominator)
        return layout_refuse(place.error,
                             "%s is no length: write whole pixels such as 320, or a fraction of "
                             "the canvas from \"0/1\" to \"1/1\" such as \"2/3\"",
                             place.path);
    *length = read;
    return TRUE;
}

static gboolean layout_parse_fit(json_t *value, LayoutFit *fit, LayoutPlace place)
{
    static const char *const names[] = { "cover", "contain", "stretch" };
    if (!value)
        return TRUE;
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        if (g_strcmp0(json_string_value(value), names[i]) == 0) {
            *fit = (LayoutFit)i;
            return TRUE;
        }
    }
    return layout_refuse(place.error,
                         "%s is unknown: write \"cover\" (fill, cut off what stands over), "
                         "\"contain\" (all of it, with borders) or \"stretch\"",
                         place.path);
}

static gboolean layout_parse_fill(json_t *value, LayoutSelector *fill, LayoutPlace place)
{
    if (g_strcmp0(json_string_value(value), "rest") == 0) {
        *fill = LAYOUT_SELECT_REST;
        return TRUE;
    }
    return layout_refuse(place.error,
                         "%s %s: write \"rest\" (whoever has no place yet, as an auto-grid)",
                         place.path, value ? "names nobody that is known" : "is missing");
}

static gboolean layout_parse_aspect_text(json_t *value, LayoutAspect *aspect)
{
    const char *text = json_string_value(value);
    return text && layout_parse_ratio(text, &aspect->width, &aspect->height) && aspect->width > 0;
}

/* "16/9", or ["4/3", "16/9"] for a range. */
static gboolean layout_parse_aspect(json_t *value, LayoutRegion *region, LayoutPlace place)
{
    if (!value)
        return TRUE;
    json_t *first = json_is_array(value) ? json_array_get(value, 0) : value;
    json_t *last = json_is_array(value) ? json_array_get(value, 1) : value;
    LayoutAspect a, b;
    if ((json_is_array(value) && json_array_size(value) != 2) ||
        !layout_parse_aspect_text(first, &a) || !layout_parse_aspect_text(last, &b) ||
        (gint64)a.width * b.height > (gint64)b.width * a.height)
        return layout_refuse(place.error,
                             "%s is no shape: write \"16/9\", or a range from the narrowest to "
                             "the widest such as [\"4/3\", \"16/9\"]",
                             place.path);
    region->narrowest = a;
    region->widest = b;
    return TRUE;
}

static gboolean layout_parse_maximum(json_t *value, guint *max, LayoutPlace place)
{
    if (!value)
        return TRUE;
    const json_int_t n = json_is_integer(value) ? json_integer_value(value) : -1;
    if (n < 1 || n > LAYOUT_MAX_TILES)
        return layout_refuse(place.error, "%s is out of range: write a number of tiles, 1 to %d",
                             place.path, LAYOUT_MAX_TILES);
    *max = (guint)n;
    return TRUE;
}

static gboolean layout_parse_region_lengths(json_t *object, LayoutRegion *region, const char *path,
                                            GError **error)
{
    const struct {
        const char *key;
        LayoutLength *length;
    } lengths[] = {
        { "x", &region->x },           { "y", &region->y },     { "width", &region->width },
        { "height", &region->height }, { "gap", &region->gap }, { "radius", &region->radius },
    };
    for (guint i = 0; i < G_N_ELEMENTS(lengths); i++) {
        g_autofree char *where = g_strconcat(path, lengths[i].key, NULL);
        const LayoutPlace place = { where, error };
        if (!layout_parse_length(json_object_get(object, lengths[i].key), lengths[i].length, place))
            return FALSE;
    }
    return TRUE;
}

static gboolean layout_parse_region(json_t *object, LayoutRegion *region, guint index,
                                    GError **error)
{
    static const char *const keys[] = { "fill", "x",      "y",      "width", "height", "fit",
                                        "gap",  "radius", "aspect", "max",   NULL };
    g_autofree char *path = g_strdup_printf("regions[%u].", index);
    if (!json_is_object(object))
        return layout_refuse(error, "regions[%u] is no object: write {\"fill\": \"rest\"}", index);
    if (!layout_check_keys(object, keys, path, error) ||
        !layout_parse_region_lengths(object, region, path, error))
        return FALSE;

    g_autofree char *fill = g_strconcat(path, "fill", NULL);
    g_autofree char *fit = g_strconcat(path, "fit", NULL);
    g_autofree char *aspect = g_strconcat(path, "aspect", NULL);
    g_autofree char *max = g_strconcat(path, "max", NULL);
    return layout_parse_fill(json_object_get(object, "fill"), &region->fill,
                             (LayoutPlace){ fill, error }) &&
           layout_parse_fit(json_object_get(object, "fit"), &region->fit,
                            (LayoutPlace){ fit, error }) &&
           layout_parse_aspect(json_object_get(object, "aspect"), region,
                               (LayoutPlace){ aspect, error }) &&
           layout_parse_maximum(json_object_get(object, "max"), &region->max,
                                (LayoutPlace){ max, error });
}

static gboolean layout_parse_regions(Layout *layout, json_t *root, GError **error)
{
    json_t *array = json_object_get(root, "regions");
    const gsize n = json_array_size(array);
    if (n < 1 || n > LAYOUT_MAX_REGIONS)
        return layout_refuse(error, "regions %s: write an array of 1 to %d regions",
                             !array                 ? "is missing"
                             : json_is_array(array) ? "has too few or too many members"
                                                    : "is no array",
                             LAYOUT_MAX_REGIONS);

    LayoutLength gap = { 0, 0 };
    const LayoutPlace place = { "gap", error };
    if (!layout_parse_length(json_object_get(root, "gap"), &gap, place))
        return FALSE;
    layout->regions = g_new(LayoutRegion, n);
    layout->n_regions = (guint)n;
    for (guint i = 0; i < n; i++) {
        layout->regions[i] = (LayoutRegion){
            .width = { 1, 1 },
            .height = { 1, 1 },
            .gap = gap,
            .narrowest = { 16, 9 },
            .widest = { 16, 9 },
            .fit = LAYOUT_FIT_COVER,
            .max = DEFAULT_MAXIMUM,
        };
        if (!layout_parse_region(json_array_get(array, i), &layout->regions[i], i, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean layout_parse_name(Layout *layout, json_t *value, GError **error)
{
    const char *name = json_string_value(value);
    const gsize length = name ? strlen(name) : 0;
    gboolean good = length >= 1 && length <= MAX_NAME;
    for (gsize i = 0; good && i < length; i++)
        good = g_ascii_isalnum(name[i]) || strchr("_-+", name[i]);
    if (!good)
        return layout_refuse(error, "name %s: write 1 to %d letters, digits, \"_\", \"-\" or \"+\"",
                             value ? "is no name" : "is missing", MAX_NAME);
    layout->name = g_strdup(name);
    return TRUE;
}

static gboolean layout_parse_background(Layout *layout, json_t *value, GError **error)
{
    if (!value)
        return TRUE;
    const char *text = json_string_value(value);
    gboolean good = text && strlen(text) == 7 && text[0] == '#';
    for (guint i = 1; good && i < 7; i++)
        good = g_ascii_isxdigit(text[i]);
    if (!good)
        return layout_refuse(error, "background is no colour: write it as \"#111418\"");
    layout->background = (guint32)g_ascii_strtoull(text + 1, NULL, 16);
    return TRUE;
}

static gboolean layout_parse_description(json_t *value, GError **error)
{
    if (!value || json_is_string(value))
        return TRUE;
    return layout_refuse(error, "description is no text: write a sentence in quotes");
}

static json_t *layout_parse_json(const char *json, gsize size, GError **error)
{
    json_error_t problem;
    if (size > LAYOUT_MAX_SIZE) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_TOO_LARGE,
                    "the layout is larger than %u KiB: make it shorter", LAYOUT_MAX_SIZE >> 10);
        return NULL;
    }
    if (!layout_depth_ok(json, size)) {
        layout_refuse(error, "the layout is nested deeper than %d: use fewer levels",
                      LAYOUT_MAX_DEPTH);
        return NULL;
    }
    json_t *root = json_loadb(json, size, JSON_REJECT_DUPLICATES, &problem);
    if (!root)
        layout_refuse(error, "the layout is no JSON, line %d, column %d: %s", problem.line,
                      problem.column, problem.text);
    return root;
}

Layout *layout_parse(const char *json, gsize size, GError **error)
{
    static const char *const keys[] = { "$schema", "name",    "description", "background",
                                        "gap",     "regions", NULL };
    json_t *root = layout_parse_json(json, size, error);
    if (!root)
        return NULL;
    g_autoptr(Layout) layout = g_new0(Layout, 1);
    layout->background = DEFAULT_COLOUR;
    gboolean good = json_is_object(root);
    if (!good)
        layout_refuse(error, "the layout is no object: begin with {\"name\": ...");
    good = good && layout_check_keys(root, keys, "", error) &&
           layout_parse_name(layout, json_object_get(root, "name"), error) &&
           layout_parse_description(json_object_get(root, "description"), error) &&
           layout_parse_background(layout, json_object_get(root, "background"), error) &&
           layout_parse_regions(layout, root, error);
    json_decref(root);
    return good ? g_steal_pointer(&layout) : NULL;
}

/* The file's bytes, at most one more than a layout may have. */
static GByteArray *layout_read(const char *path, GError **error)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) < 0 || !S_ISREG(info.st_mode)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND,
                    "%s: cannot be read (%s): check the path and its permissions", path,
                    fd < 0 ? g_strerror(errno) : "it is no file");
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    g_autoptr(GByteArray) bytes = g_byte_array_sized_new(LAYOUT_MAX_SIZE + 1);
    g_byte_array_set_size(bytes, LAYOUT_MAX_SIZE + 1);
    gsize filled = 0;
    ssize_t got = 1;
    while (got > 0 && filled < bytes->len) {
        got = read(fd, bytes->data + filled, bytes->len - filled);
        filled += got > 0 ? (gsize)got : 0;
    }
    close(fd);
    g_byte_array_set_size(bytes, (guint)filled);
    return g_steal_pointer(&bytes);
}

Layout *layout_load(const char *path, GError **error)
{
    g_autoptr(GByteArray) bytes = layout_read(path, error);
    if (!bytes)
        return NULL;
    Layout *layout = layout_parse((const char *)bytes->data, bytes->len, error);
    if (!layout)
        g_prefix_error(error, "%s: ", path);
    return layout;
}

void layout_free(Layout *layout)
{
    if (!layout)
        return;
    g_free(layout->name);
    g_free(layout->regions);
    g_free(layout);
}

const char *layout_name(const Layout *layout)
{
    return layout->name;
}

guint32 layout_background(const Layout *layout)
{
    return layout->background;
}
