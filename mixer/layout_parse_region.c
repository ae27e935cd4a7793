#include "mixer/layout_parse.h"

#define DEFAULT_SHOW \
    (LAYOUT_SHOW_PICTURE | LAYOUT_SHOW_NAME | LAYOUT_SHOW_MUTE | LAYOUT_SHOW_SPEAKING)

static gboolean layout_parse_aspect_text(json_t *value, LayoutAspect *aspect)
{
    const char *text = json_string_value(value);
    return text && layout_parse_ratio(text, &aspect->width, &aspect->height) && aspect->width > 0;
}

/* "16/9", or ["4/3", "16/9"] for a range. */
static gboolean layout_parse_aspect(json_t *object, LayoutRegion *region, const LayoutPlace *at)
{
    json_t *value = json_object_get(object, "aspect");
    if (!value)
        return TRUE;
    json_t *first = json_is_array(value) ? json_array_get(value, 0) : value;
    json_t *last = json_is_array(value) ? json_array_get(value, 1) : value;
    LayoutAspect a, b;
    if ((json_is_array(value) && json_array_size(value) != 2) ||
        !layout_parse_aspect_text(first, &a) || !layout_parse_aspect_text(last, &b) ||
        (gint64)a.width * b.height > (gint64)b.width * a.height)
        return layout_refuse(at, "aspect",
                             "is no shape: write \"16/9\", or a range from the narrowest to the "
                             "widest such as [\"4/3\", \"16/9\"]");
    region->narrowest = a;
    region->widest = b;
    return TRUE;
}

static gboolean layout_parse_border(json_t *object, LayoutRegion *region, const LayoutPlace *at)
{
    static const char *const keys[] = { "width", "colour", NULL };
    json_t *border = json_object_get(object, "border");
    const LayoutPlace here = layout_place(at, "border", -1);
    if (!border)
        return TRUE;
    if (!layout_check_object(border, keys, &here))
        return FALSE;
    if (!json_object_get(border, "width"))
        return layout_refuse(&here, "width", "is missing: write a thickness such as \"1/180\"");
    return layout_read_length(border, "width", &region->border, &here) &&
           layout_read_colour(border, "colour", &region->border_rgb, &here);
}

static gboolean layout_parse_show(json_t *object, LayoutRegion *region, const LayoutPlace *at)
{
    static const char *const names[] = { "picture", "name", "mute", "speaking", "level" };
    json_t *array = json_object_get(object, "show");
    guint show = 0;
    gboolean good = json_is_array(array) && json_array_size(array) <= G_N_ELEMENTS(names);
    if (!array)
        return TRUE;
    for (gsize i = 0; good && i < json_array_size(array); i++) {
        guint bit = 0;
        while (bit < G_N_ELEMENTS(names) &&
               g_strcmp0(json_string_value(json_array_get(array, i)), names[bit]) != 0)
            bit++;
        good = bit < G_N_ELEMENTS(names);
        show |= good ? 1u << bit : 0;
    }
    if (!good)
        return layout_refuse(at, "show",
                             "is unknown: write an array of some of \"picture\", \"name\", "
                             "\"mute\", \"speaking\" and \"level\"");
    region->show = show;
    return TRUE;
}

static gboolean layout_parse_fit(json_t *object, LayoutRegion *region, const LayoutPlace *at)
{
    static const char *const fits[] = { "cover", "contain", "stretch", NULL };
    guint fit = LAYOUT_FIT_COVER;
    if (!layout_read_choice(object, "fit", fits, &fit, at))
        return FALSE;
    region->fit = (LayoutFit)fit;
    region->has_fit = json_object_get(object, "fit") != NULL;
    return TRUE;
}

static gboolean layout_parse_manner(json_t *object, LayoutRegion *region, const LayoutPlace *at)
{
    static const char *const flows[] = { "grid", "row", "column", NULL };
    static const char *const aligns[] = { "start", "centre", "end", NULL };
    static const char *const empties[] = { "keep", "collapse", "placeholder", NULL };
    static const char *const overflows[] = { "hide", "count", NULL };
    guint flow = LAYOUT_FLOW_GRID, align = LAYOUT_ALIGN_CENTRE, empty = LAYOUT_EMPTY_KEEP;
    guint overflow = 0;
    if (!layout_read_choice(object, "flow", flows, &flow, at) ||
        !layout_read_choice(object, "align", aligns, &align, at) ||
        !layout_read_choice(object, "empty", empties, &empty, at) ||
        !layout_read_choice(object, "overflow", overflows, &overflow, at) ||
        !layout_read_flag(object, "repeat", &region->repeat, at))
        return FALSE;
    region->flow = (LayoutFlow)flow;
    region->align = (LayoutAlign)align;
    region->empty = (LayoutEmpty)empty;
    region->count_more = overflow == 1;
    return TRUE;
}

static gboolean layout_parse_sizes(json_t *object, LayoutRegion *region, const LayoutPlace *at)
{
    static const int z_limits[2] = { -1000, 1000 }, max_limits[2] = { 1, LAYOUT_MAX_TILES };
    LayoutLength *const rectangle[4] = { &region->x, &region->y, &region->width, &region->height };
    int max = LAYOUT_MAX_TILES;
    region->has_gap = json_object_get(object, "gap") != NULL;
    if (!layout_read_rectangle(object, rectangle, at) ||
        !layout_read_length(object, "gap", &region->gap, at) ||
        !layout_read_length(object, "radius", &region->radius, at) ||
        !layout_read_integer(object, "z", z_limits, &region->z, at) ||
        !layout_read_integer(object, "max", max_limits, &max, at))
        return FALSE;
    region->max = (guint)max;
    return TRUE;
}

static gboolean layout_parse_region(json_t *object, LayoutRegion *region, const LayoutPlace *at)
{
    static const char *const keys[] = { "fill",     "x",      "y",    "width",  "height",
                                        "z",        "fit",    "gap",  "radius", "border",
                                        "aspect",   "max",    "flow", "align",  "empty",
                                        "overflow", "repeat", "show", "logo",   NULL };
    *region = (LayoutRegion){
        .width = { 1, 1 },
        .height = { 1, 1 },
        .narrowest = { 16, 9 },
        .widest = { 16, 9 },
        .border_rgb = 0xffffff,
        .show = DEFAULT_SHOW,
    };
    return layout_check_object(object, keys, at) && layout_parse_fill(object, region, at) &&
           layout_parse_sizes(object, region, at) && layout_parse_fit(object, region, at) &&
           layout_parse_manner(object, region, at) && layout_parse_aspect(object, region, at) &&
           layout_parse_border(object, region, at) && layout_parse_show(object, region, at) &&
           layout_read_image(object, "logo", &region->logo, at);
}

gboolean layout_parse_regions(json_t *object, LayoutScheme *scheme, const LayoutPlace *at)
{
    json_t *array = json_object_get(object, "regions");
    const gsize n = json_array_size(array);
    if (!array)
        return TRUE;
    if (n < 1 || n > LAYOUT_MAX_REGIONS)
        return layout_refuse(at, "regions", "%s: write an array of 1 to %d regions",
                             json_is_array(array) ? "has too few or too many members"
                                                  : "is no array",
                             LAYOUT_MAX_REGIONS);
    LayoutRegion *regions = g_new0(LayoutRegion, n);
    g_ptr_array_add(at->layout->arrays, regions);
    for (guint i = 0; i < n; i++) {
        const LayoutPlace here = layout_place(at, "regions", (int)i);
        if (!layout_parse_region(json_array_get(array, i), &regions[i], &here))
            return FALSE;
    }
    scheme->regions = regions;
    scheme->n_regions = (guint)n;
    return TRUE;
}
