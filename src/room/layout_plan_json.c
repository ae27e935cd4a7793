#include "room/layout_store.h"

static json_t *colour_json(guint32 rgb)
{
    char text[8];
    g_snprintf(text, sizeof text, "#%06x", rgb & 0xffffff);
    return json_string(text);
}

static json_t *tile_json(const LayoutTile *tile, const LayoutSource *sources)
{
    static const char *const kinds[] = { "source", "placeholder", "more" };
    static const char *const fits[] = { "cover", "contain", "stretch" };
    json_t *json = json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:s, s:i, s:i, s:b}", "kind",
                             kinds[tile->kind], "region", (int)tile->region, "x", tile->rect.x, "y",
                             tile->rect.y, "width", tile->rect.width, "height", tile->rect.height,
                             "fit", fits[tile->fit], "radius", tile->radius, "border", tile->border,
                             "picture", (tile->show & LAYOUT_SHOW_PICTURE) != 0);
    if (tile->kind == LAYOUT_TILE_SOURCE) {
        const LayoutSource *source = &sources[tile->source];
        json_object_set_new(json, "id", json_string(source->id));
        json_object_set_new(json, "participant", json_string(source->participant));
        json_object_set_new(json, "name", json_string(source->name));
        json_object_set_new(json, "screen", json_boolean(source->is_screen));
    } else if (tile->kind == LAYOUT_TILE_MORE) {
        json_object_set_new(json, "more", json_integer(tile->more));
    }
    return json;
}

static json_t *overlay_json(const LayoutOverlay *overlay)
{
    static const char *const kinds[] = { "image", "text", "clock" };
    json_t *json = json_pack("{s:s, s:i, s:i, s:i, s:i}", "kind", kinds[overlay->kind], "x",
                             overlay->rect.x, "y", overlay->rect.y, "width", overlay->rect.width,
                             "height", overlay->rect.height);
    if (overlay->image)
        json_object_set_new(json, "image", json_string(overlay->image));
    if (overlay->text)
        json_object_set_new(json, "text", json_string(overlay->text));
    return json;
}

json_t *layout_plan_json(const LayoutPlan *plan, const char *layout, const LayoutSource *sources)
{
    json_t *tiles = json_array();
    json_t *overlays = json_array();
    for (guint i = 0; i < plan->n_tiles; i++)
        json_array_append_new(tiles, tile_json(&plan->tiles[i], sources));
    for (guint i = 0; i < plan->n_overlays; i++)
        json_array_append_new(overlays, overlay_json(&plan->overlays[i]));
    return json_pack("{s:s, s:{s:i, s:i, s:o, s:s?}, s:i, s:o, s:o, s:i}", "layout", layout,
                     "canvas", "width", plan->width, "height", plan->height, "background",
                     colour_json(plan->background_rgb), "image", plan->background_image,
                     "transition_ms", (int)plan->transition_ms, "tiles", tiles, "overlays",
                     overlays, "hidden", (int)plan->hidden);
}
