#include <string.h>

#include "mixer/layout_parse.h"

#define MAX_TEXT   500
#define MAX_FORMAT 64
#define MAX_SCROLL 1000
#define MAX_ZONE   64

static gboolean layout_parse_opacity(json_t *object, LayoutOverlay *overlay, const LayoutPlace *at)
{
    json_t *value = json_object_get(object, "opacity");
    const double opacity = value ? json_number_value(value) : 1;
    if ((value && !json_is_number(value)) || !(opacity >= 0 && opacity <= 1))
        return layout_refuse(at, "opacity", "is out of range: write a number, 0 to 1");
    overlay->opacity = (guint8)(opacity * 255 + 0.5);
    return TRUE;
}

static gboolean layout_parse_scroll(json_t *object, LayoutOverlay *overlay, const LayoutPlace *at)
{
    static const int limits[2] = { 0, MAX_SCROLL };
    json_t *value = json_object_get(object, "scroll");
    if (!value || json_is_false(value))
        return TRUE;
    if (!json_is_integer(value))
        return layout_refuse(at, "scroll",
                             "is no speed: write pixels per second such as 80, or false");
    return layout_read_integer(object, "scroll", limits, &overlay->scroll_px_per_s, at);
}

/* "#rrggbb", "#rrggbbaa" or null. */
static gboolean layout_parse_ground(json_t *object, LayoutOverlay *overlay, const LayoutPlace *at)
{
    json_t *value = json_object_get(object, "background");
    const char *text = json_string_value(value);
    const gsize length = text ? strlen(text) : 0;
    gboolean good = (length == 7 || length == 9) && text[0] == '#';
    if (!value || json_is_null(value))
        return TRUE;
    for (gsize i = 1; good && i < length; i++)
        good = g_ascii_isxdigit(text[i]);
    if (!good)
        return layout_refuse(at, "background",
                             "is no colour: write it as \"#111418\", as \"#111418cc\" where the "
                             "picture is to shine through, or null");
    const guint64 number = g_ascii_strtoull(text + 1, NULL, 16);
    overlay->background_rgb = (guint32)(length == 9 ? number >> 8 : number);
    overlay->background_alpha = length == 9 ? (guint8)(number & 0xff) : 0xff;
    return TRUE;
}

static gboolean layout_parse_format(json_t *object, LayoutOverlay *overlay, const LayoutPlace *at)
{
    overlay->text = "%H:%M";
    if (!layout_read_text(object, "format", MAX_FORMAT, &overlay->text, at))
        return FALSE;
    g_autoptr(GDateTime) example = g_date_time_new_utc(2026, 9, 30, 23, 58, 59);
    g_autofree char *text = g_date_time_format(example, overlay->text);
    if (!text || !*text || g_utf8_strlen(text, -1) > MAX_TEXT)
        return layout_refuse(at, "format",
                             "is no pattern for a time: write for example \"%%H:%%M\" or \"%%A, "
                             "%%d %%B %%H:%%M:%%S\"");
    return TRUE;
}

/* The name becomes part of a path below the system's folder of time zones. */
static gboolean layout_timezone_name_ok(const char *name)
{
    if (!g_ascii_isalnum(name[0]) || strstr(name, ".."))
        return FALSE;
    for (const char *pos = name; *pos; pos++) {
        if (!g_ascii_isalnum(*pos) && !strchr("_-+/", *pos))
            return FALSE;
    }
    return TRUE;
}

static gboolean layout_parse_timezone(json_t *object, LayoutOverlay *overlay, const LayoutPlace *at)
{
    if (!layout_read_text(object, "timezone", MAX_ZONE, &overlay->timezone, at))
        return FALSE;
    if (!overlay->timezone)
        return TRUE;
    g_autoptr(GTimeZone) zone = NULL;
    if (layout_timezone_name_ok(overlay->timezone))
        zone = g_time_zone_new_identifier(overlay->timezone);
    if (!zone)
        return layout_refuse(at, "timezone",
                             "is not known here: write for example \"Europe/Berlin\" or \"UTC\"");
    return TRUE;
}

static gboolean layout_parse_writing(json_t *object, LayoutOverlay *overlay, const LayoutPlace *at)
{
    static const char *const aligns[] = { "start", "centre", "end", NULL };
    guint align = LAYOUT_ALIGN_CENTRE;
    overlay->colour_rgb = 0xffffff;
    if (!layout_read_choice(object, "align", aligns, &align, at))
        return FALSE;
    overlay->align = (LayoutAlign)align;
    return layout_read_colour(object, "colour", &overlay->colour_rgb, at) &&
           layout_parse_ground(object, overlay, at);
}

static gboolean layout_parse_image_overlay(json_t *object, LayoutOverlay *overlay,
                                           const LayoutPlace *at)
{
    static const char *const keys[] = { "type",  "image",  "x",       "y",
                                        "width", "height", "opacity", NULL };
    if (!layout_check_object(object, keys, at))
        return FALSE;
    if (!json_object_get(object, "image"))
        return layout_refuse(at, "image", "is missing: write the name of an image");
    return layout_read_image(object, "image", &overlay->image, at) &&
           layout_parse_opacity(object, overlay, at);
}

static gboolean layout_parse_text_overlay(json_t *object, LayoutOverlay *overlay,
                                          const LayoutPlace *at)
{
    static const char *const keys[] = { "type",   "text",       "x",      "y",
                                        "width",  "height",     "scroll", "align",
                                        "colour", "background", NULL };
    if (!layout_check_object(object, keys, at))
        return FALSE;
    if (!json_object_get(object, "text"))
        return layout_refuse(at, "text", "is missing: write what is to be read");
    return layout_read_text(object, "text", MAX_TEXT, &overlay->text, at) &&
           layout_parse_scroll(object, overlay, at) && layout_parse_writing(object, overlay, at);
}

static gboolean layout_parse_clock_overlay(json_t *object, LayoutOverlay *overlay,
                                           const LayoutPlace *at)
{
    static const char *const keys[] = { "type",   "format",     "x",        "y",
                                        "width",  "height",     "timezone", "align",
                                        "colour", "background", NULL };
    return layout_check_object(object, keys, at) && layout_parse_format(object, overlay, at) &&
           layout_parse_timezone(object, overlay, at) && layout_parse_writing(object, overlay, at);
}

static gboolean layout_parse_overlay(json_t *object, LayoutSticker *sticker, const LayoutPlace *at)
{
    static const char *const types[] = { "image", "text", "clock", NULL };
    LayoutLength *const rectangle[4] = { &sticker->x, &sticker->y, &sticker->width,
                                         &sticker->height };
    guint type = G_MAXUINT;
    if (!layout_read_choice(object, "type", types, &type, at))
        return FALSE;
    if (type == G_MAXUINT)
        return layout_refuse(at, "type", "is missing: write \"image\", \"text\" or \"clock\"");
    *sticker = (LayoutSticker){ .overlay.kind = (LayoutOverlayKind)type,
                                .overlay.opacity = 255,
                                .width = { 1, 1 },
                                .height = { 1, type == LAYOUT_OVERLAY_IMAGE ? 1 : 12 } };
    if (!layout_read_rectangle(object, rectangle, at))
        return FALSE;
    switch (sticker->overlay.kind) {
    case LAYOUT_OVERLAY_IMAGE:
        return layout_parse_image_overlay(object, &sticker->overlay, at);
    case LAYOUT_OVERLAY_TEXT:
        return layout_parse_text_overlay(object, &sticker->overlay, at);
    case LAYOUT_OVERLAY_CLOCK:
        return layout_parse_clock_overlay(object, &sticker->overlay, at);
    }
    return FALSE;
}

gboolean layout_parse_overlays(json_t *object, LayoutScheme *scheme, const LayoutPlace *at)
{
    json_t *array = json_object_get(object, "overlays");
    const gsize n = json_array_size(array);
    if (!array)
        return TRUE;
    if (!json_is_array(array) || n > LAYOUT_MAX_OVERLAYS)
        return layout_refuse(at, "overlays", "%s: write an array of at most %d overlays",
                             json_is_array(array) ? "has too many members" : "is no array",
                             LAYOUT_MAX_OVERLAYS);
    LayoutSticker *overlays = g_new0(LayoutSticker, n + 1);
    g_ptr_array_add(at->layout->arrays, overlays);
    for (guint i = 0; i < n; i++) {
        const LayoutPlace here = layout_place(at, "overlays", (int)i);
        if (!layout_parse_overlay(json_array_get(array, i), &overlays[i], &here))
            return FALSE;
    }
    scheme->overlays = overlays;
    scheme->n_overlays = (guint)n;
    return TRUE;
}
