#include "room/scene_plan.h"

#include "base/clock.h"

void scene_tile_free(SceneTile *tile)
{
    if (!tile)
        return;
    video_input_unref(tile->input);
    image_unref(tile->logo);
    g_free(tile->id);
    g_free(tile->source);
    g_free(tile->label);
    g_free(tile->name);
    g_free(tile);
}

gint scene_tile_source_px(const SceneTile *tile)
{
    gint by_width = tile->rect.width * 9 / 16, by_height = tile->rect.height;
    gboolean whole = tile->fit == LAYOUT_FIT_CONTAIN;
    gint px = whole ? MIN(by_width, by_height) : MAX(by_width, by_height);
    return MAX(px, 1);
}

static void overlay_clear(gpointer data)
{
    SceneOverlay *overlay = data;
    image_unref(overlay->image);
    if (overlay->timezone)
        g_time_zone_unref(overlay->timezone);
    g_free(overlay->text);
    g_free(overlay);
}

ScenePlan *scene_plan_new(void)
{
    ScenePlan *plan = g_new0(ScenePlan, 1);
    plan->tiles = g_ptr_array_new_with_free_func((GDestroyNotify)scene_tile_free);
    plan->overlays = g_ptr_array_new_with_free_func(overlay_clear);
    return plan;
}

void scene_plan_free(ScenePlan *plan)
{
    if (!plan)
        return;
    image_unref(plan->background);
    g_ptr_array_unref(plan->tiles);
    g_ptr_array_unref(plan->overlays);
    g_free(plan);
}

SceneTile *scene_plan_add_tile(ScenePlan *plan, const char *id)
{
    SceneTile *tile = g_new0(SceneTile, 1);
    tile->id = g_strdup(id);
    g_ptr_array_add(plan->tiles, tile);
    return tile;
}

SceneOverlay *scene_plan_add_overlay(ScenePlan *plan)
{
    SceneOverlay *overlay = g_new0(SceneOverlay, 1);
    g_ptr_array_add(plan->overlays, overlay);
    return overlay;
}

/* (transfer full) */
static char *clock_text(const SceneOverlay *overlay, gint64 wall_ns)
{
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(wall_ns / NS_PER_SEC);
    g_autoptr(GDateTime) local =
        utc && overlay->timezone ? g_date_time_to_timezone(utc, overlay->timezone) : NULL;
    char *text = local ? g_date_time_format(local, overlay->text) : NULL;
    return text ? text : g_strdup("");
}

guint scene_plan_overlays(const ScenePlan *plan, gint64 wall_ns, GPtrArray *texts,
                          CompositorOverlay *out)
{
    guint n = 0;
    for (guint i = 0; i < plan->overlays->len && n < LAYOUT_MAX_OVERLAYS; i++) {
        const SceneOverlay *overlay = plan->overlays->pdata[i];
        const char *text = overlay->text;
        if (overlay->kind == LAYOUT_OVERLAY_IMAGE && !overlay->image)
            continue; /* its file is gone */
        if (overlay->kind == LAYOUT_OVERLAY_CLOCK) {
            text = clock_text(overlay, wall_ns);
            g_ptr_array_add(texts, (gpointer)text);
        }
        out[n++] = (CompositorOverlay){ .rect = overlay->rect,
                                        .image = overlay->image,
                                        .opacity = overlay->opacity,
                                        .text = text,
                                        .scroll_px_per_s = overlay->scroll_px_per_s,
                                        .align = overlay->align,
                                        .colour_rgb = overlay->colour_rgb,
                                        .background_rgb = overlay->background_rgb,
                                        .background_alpha = overlay->background_alpha };
    }
    return n;
}

gboolean scene_plan_has_clock(const ScenePlan *plan)
{
    for (guint i = 0; i < plan->overlays->len; i++) {
        if (((const SceneOverlay *)plan->overlays->pdata[i])->kind == LAYOUT_OVERLAY_CLOCK)
            return TRUE;
    }
    return FALSE;
}
