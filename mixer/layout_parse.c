#include "mixer/layout_parse.h"

#include <string.h>

#include "base/error.h"
#include "mixer/layout_solve.h"

#define DEFAULT_COLOUR     0x111418u
#define DEFAULT_TRANSITION 250
#define MAX_DESCRIPTION    500
#define MAX_PEOPLE         10000
#define CHECK_SIDE         720 /* shorter side of the canvas on which overlaps are looked for */

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

static gboolean layout_parse_name(json_t *root, const LayoutPlace *at)
{
    json_t *value = json_object_get(root, "name");
    const char *name = json_string_value(value);
    if (name && layout_name_reserved(name))
        return layout_refuse(at, "name", "\"%s\" is reserved: choose another name", name);
    if (!name || !layout_name_valid(name))
        return layout_refuse(at, "name", "%s: write 1 to 64 letters, digits, \"_\", \"-\" or \"+\"",
                             value ? "is no name" : "is missing");
    at->layout->name = g_string_chunk_insert(at->layout->strings, name);
    return TRUE;
}

/* "#rrggbb", or {"colour", "image"}. */
static gboolean layout_parse_background(json_t *object, LayoutScheme *scheme, const LayoutPlace *at)
{
    static const char *const keys[] = { "colour", "image", NULL };
    json_t *value = json_object_get(object, "background");
    const LayoutPlace here = layout_place(at, "background", -1);
    if (!json_is_object(value))
        return layout_read_colour(object, "background", &scheme->background_rgb, at);
    scheme->background_image = NULL;
    return layout_check_object(value, keys, &here) &&
           layout_read_colour(value, "colour", &scheme->background_rgb, &here) &&
           layout_read_image(value, "image", &scheme->background_image, &here);
}

/* What a document and a variant have in common. */
static gboolean layout_parse_scheme(json_t *object, LayoutScheme *scheme, const LayoutPlace *at)
{
    static const int transitions[2] = { 0, LAYOUT_MAX_TRANSITION };
    int transition = (int)scheme->transition_ms;
    if (!layout_parse_background(object, scheme, at) ||
        !layout_read_length(object, "gap", &scheme->gap, at) ||
        !layout_read_integer(object, "transition_ms", transitions, &transition, at) ||
        !layout_parse_regions(object, scheme, at) || !layout_parse_overlays(object, scheme, at))
        return FALSE;
    scheme->transition_ms = (guint)transition;
    return TRUE;
}

/* 3, [2, 9], or {"min": 2, "max": 9}. */
static gboolean layout_parse_people(json_t *when, LayoutVariant *variant, const LayoutPlace *at)
{
    static const char *const keys[] = { "min", "max", NULL };
    json_t *value = json_object_get(when, "people");
    if (!value)
        return TRUE;
    json_t *low = value, *high = value;
    const LayoutPlace here = layout_place(at, "people", -1);
    if (json_is_object(value)) {
        if (!layout_check_object(value, keys, &here))
            return FALSE;
        low = json_object_get(value, "min");
        high = json_object_get(value, "max");
    } else if (json_is_array(value) && json_array_size(value) == 2) {
        low = json_array_get(value, 0);
        high = json_array_get(value, 1);
    }
    const json_int_t from = low ? json_integer_value(low) : 0;
    const json_int_t to = high ? json_integer_value(high) : MAX_PEOPLE;
    if ((!low && !high) || (low && !json_is_integer(low)) || (high && !json_is_integer(high)) ||
        from < 0 || to > MAX_PEOPLE || from > to)
        return layout_refuse(at, "people",
                             "is no number of people: write 3, from-to as [2, 9], or {\"min\": "
                             "10}; at most %d",
                             MAX_PEOPLE);
    variant->min_people = (guint)from;
    variant->max_people = to == MAX_PEOPLE ? G_MAXUINT : (guint)to;
    return TRUE;
}

static gboolean layout_parse_when(json_t *object, LayoutVariant *variant, const LayoutPlace *at)
{
    static const char *const keys[] = { "people", "screen", NULL };
    json_t *when = json_object_get(object, "when");
    const LayoutPlace here = layout_place(at, "when", -1);
    gboolean screen = FALSE;
    variant->max_people = G_MAXUINT;
    variant->always = !when || json_object_size(when) == 0;
    if (!when)
        return TRUE;
    if (!layout_check_object(when, keys, &here) || !layout_parse_people(when, variant, &here) ||
        !layout_read_flag(when, "screen", &screen, &here))
        return FALSE;
    if (json_object_get(when, "screen")) {
        variant->needs_screen = screen;
        variant->needs_no_screen = !screen;
    }
    return TRUE;
}

static gboolean layout_parse_use(json_t *object, LayoutVariant *variant, const LayoutPlace *at)
{
    json_t *value = json_object_get(object, "use");
    const char *name = json_string_value(value);
    if (!value)
        return TRUE;
    if (!name || !layout_name_valid(name))
        return layout_refuse(at, "use", "is no name of a layout: write one such as \"grid\"");
    if (strcmp(name, at->layout->name) == 0)
        return layout_refuse(at, "use", "names this layout itself: name another one");
    if (json_object_size(object) > (json_object_get(object, "when") ? 2 : 1))
        return layout_refuse(at, "use",
                             "leaves all to another layout: remove everything else "
                             "beside \"when\"");
    variant->use = g_string_chunk_insert_const(at->layout->strings, name);
    return TRUE;
}

static gboolean layout_parse_variant(json_t *object, LayoutVariant *variant, const LayoutPlace *at)
{
    static const char *const keys[] = { "when", "regions",    "overlays",      "use",
                                        "gap",  "background", "transition_ms", NULL };
    variant->scheme = at->layout->scheme;
    if (!layout_check_object(object, keys, at) || !layout_parse_when(object, variant, at) ||
        !layout_parse_use(object, variant, at) ||
        !layout_parse_scheme(object, &variant->scheme, at))
        return FALSE;
    if (!variant->use && variant->scheme.n_regions == 0)
        return layout_refuse(at, "regions",
                             "is missing, and the document has none either: write an array of "
                             "regions, or \"use\": \"grid\"");
    return TRUE;
}

static gboolean layout_parse_variants(json_t *root, const LayoutPlace *at)
{
    json_t *array = json_object_get(root, "variants");
    const gsize n = json_array_size(array);
    Layout *layout = at->layout;
    gboolean always = layout->scheme.n_regions > 0;
    if (array && (n < 1 || n > LAYOUT_MAX_VARIANTS))
        return layout_refuse(at, "variants", "%s: write an array of 1 to %d variants",
                             json_is_array(array) ? "has too few or too many members"
                                                  : "is no array",
                             LAYOUT_MAX_VARIANTS);
    for (guint i = 0; i < n; i++) {
        const LayoutPlace here = layout_place(at, "variants", (int)i);
        if (!layout_parse_variant(json_array_get(array, i), &layout->variants[i], &here))
            return FALSE;
        layout->n_variants = i + 1;
        always |= layout->variants[i].always;
    }
    if (!always)
        return layout_refuse(at, "regions", "is missing%s: write an array of 1 to %d regions%s",
                             n ? ", and no variant applies always" : "", LAYOUT_MAX_REGIONS,
                             n ? ", or a last variant without \"when\"" : "");
    return TRUE;
}

static gboolean layout_parse_shape(json_t *root, const LayoutPlace *at)
{
    json_t *value = json_object_get(root, "aspect");
    const char *text = json_string_value(value);
    LayoutAspect aspect = { 0, 0 };
    if (!value)
        return TRUE;
    if (!text || !layout_parse_ratio(text, &aspect.width, &aspect.height) ||
        aspect.width * 3 < aspect.height || aspect.width > aspect.height * 3)
        return layout_refuse(at, "aspect",
                             "is no shape for a canvas: write \"16/9\", \"9/16\", \"4/3\", \"1/1\" "
                             "or another one from \"1/3\" to \"3/1\"");
    at->layout->aspect = aspect;
    return TRUE;
}

static gboolean layout_check_overlap(const LayoutScheme *scheme, const LayoutPlace *at)
{
    int width = CHECK_SIDE * 16 / 9, height = CHECK_SIDE;
    layout_canvas(at->layout, width, height, &width, &height);
    VideoRect rects[LAYOUT_MAX_REGIONS];
    for (guint i = 0; i < scheme->n_regions; i++) {
        rects[i] = layout_region_rect(scheme, &scheme->regions[i], width, height);
        for (guint k = 0; k < i; k++) {
            if (scheme->regions[k].z != scheme->regions[i].z ||
                !video_rect_overlap(rects[k], rects[i]))
                continue;
            const LayoutPlace here = layout_place(at, "regions", (int)i);
            return layout_refuse(&here, NULL,
                                 "overlaps regions[%u] on a canvas of %dx%d: give the one that is "
                                 "to stand above a higher \"z\", or move it",
                                 k, width, height);
        }
    }
    return TRUE;
}

static gboolean layout_check_overlaps(const LayoutPlace *at)
{
    const Layout *layout = at->layout;
    if (!layout_check_overlap(&layout->scheme, at))
        return FALSE;
    for (guint i = 0; i < layout->n_variants; i++) {
        const LayoutPlace here = layout_place(at, "variants", (int)i);
        if (!layout->variants[i].use && !layout_check_overlap(&layout->variants[i].scheme, &here))
            return FALSE;
    }
    return TRUE;
}

static gboolean layout_parse_document(json_t *root, const LayoutPlace *at)
{
    static const char *const keys[] = { "$schema",  "name",          "description", "aspect",
                                        "gap",      "background",    "regions",     "overlays",
                                        "variants", "transition_ms", NULL };
    Layout *layout = at->layout;
    if (!json_is_object(root))
        return layout_refuse(at, NULL, "is no object: begin with {\"name\": ...");
    json_t *schema = json_object_get(root, "$schema");
    if (schema && !json_is_string(schema))
        return layout_refuse(at, "$schema", "is no text: write \"./schema.json\"");
    layout->description = "";
    layout->scheme =
        (LayoutScheme){ .background_rgb = DEFAULT_COLOUR, .transition_ms = DEFAULT_TRANSITION };
    return layout_check_object(root, keys, at) && layout_parse_name(root, at) &&
           layout_read_text(root, "description", MAX_DESCRIPTION, &layout->description, at) &&
           layout_parse_shape(root, at) && layout_parse_scheme(root, &layout->scheme, at) &&
           layout_parse_variants(root, at) && layout_check_overlaps(at);
}

static json_t *layout_parse_json(const char *json, gsize size, const LayoutPlace *at)
{
    json_error_t problem;
    if (!layout_depth_ok(json, size)) {
        layout_refuse(at, NULL, "is nested deeper than %d: use fewer levels", LAYOUT_MAX_DEPTH);
        return NULL;
    }
    json_t *root = json_loadb(json, size, JSON_REJECT_DUPLICATES, &problem);
    if (!root) {
        /* The parser quotes bytes of the document, which may be no UTF-8. */
        g_autofree char *text = g_utf8_make_valid(problem.text, -1);
        layout_refuse(at, NULL, "is no JSON, line %d, column %d: %s", problem.line, problem.column,
                      text);
    }
    return root;
}

Layout *layout_parse(const char *json, gsize size, GError **error)
{
    g_autoptr(GError) own = NULL;
    if (size > LAYOUT_MAX_SIZE) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_TOO_LARGE,
                    "the layout is larger than %u KiB: make it shorter", LAYOUT_MAX_SIZE >> 10);
        return NULL;
    }
    g_autoptr(Layout) layout = g_new0(Layout, 1);
    const LayoutPlace at = { .index = -1, .layout = layout, .error = &own };
    g_atomic_ref_count_init(&layout->refs);
    layout->strings = g_string_chunk_new(1024);
    layout->arrays = g_ptr_array_new_with_free_func(g_free);
    layout->images = g_ptr_array_new();
    json_t *root = layout_parse_json(json, size, &at);
    if (root && layout_parse_document(root, &at))
        layout->json = g_strndup(json, size);
    json_decref(root);
    if (own)
        g_propagate_error(error, g_steal_pointer(&own));
    return layout->json ? g_steal_pointer(&layout) : NULL;
}
