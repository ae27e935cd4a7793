#include "room/room_plan.h"

#include <string.h>

#define HOLD_TEXT "You are on hold"

/* --- solving ----------------------------------------------------------------------------- */

static void solve_hold(const Room *room, LayoutPlan *plan)
{
    plan->width = room->width;
    plan->height = room->height;
    plan->background_rgb = room->background >= 0 ? (guint32)room->background : 0x111418;
    plan->overlays[plan->n_overlays++] = (LayoutOverlay){
        .kind = LAYOUT_OVERLAY_TEXT,
        .rect = { 0, (room->height * 2 / 5) & ~1, room->width, (room->height / 5) & ~1 },
        .text = HOLD_TEXT,
        .align = LAYOUT_ALIGN_CENTRE,
        .colour_rgb = 0xe8eaed,
    };
}

ON_CONTROL_THREAD static void solve(Room *room, RoomPlan *plan)
{
    const LayoutSource *sources = (const LayoutSource *)(gpointer)plan->sources->layout->data;
    guint n = plan->sources->layout->len;
    int width = 0, height = 0;
    plan->solved = layout_ref(layout_store_resolve(room->rooms->layouts, plan->layout, sources, n));
    layout_canvas(plan->solved, room->width, room->height, &width, &height);
    layout_solve(plan->solved, sources, n, width, height, &plan->plan);
    if (room->background >= 0) {
        plan->plan.background_rgb = (guint32)room->background;
        plan->plan.background_image = NULL;
    }
}

static const char *tile_id(const RoomPlan *plan, const LayoutTile *tile)
{
    return g_array_index(plan->sources->sources, RoomSource, tile->source).id;
}

static void append_tile(GString *key, const RoomPlan *plan, const LayoutTile *tile)
{
    g_string_append_printf(key, ";%d:%s:%d,%d,%d,%d:%d,%d,%d,%x:%x:%u:%s", (int)tile->kind,
                           tile->kind == LAYOUT_TILE_SOURCE ? tile_id(plan, tile) : "",
                           tile->rect.x, tile->rect.y, tile->rect.width, tile->rect.height,
                           (int)tile->fit, tile->radius, tile->border, tile->border_rgb, tile->show,
                           tile->more, tile->logo ? tile->logo : "");
}

/* With its length in front: no text can look like what follows it. */
static void append_text(GString *key, const char *text)
{
    g_string_append_printf(key, "%zu:%s,", text ? strlen(text) : 0, text ? text : "");
}

static void append_overlay(GString *key, const LayoutOverlay *overlay)
{
    g_string_append_printf(key, "|%d:%d,%d,%d,%d:%d,%d:%x,%x,%x,%x:", (int)overlay->kind,
                           overlay->rect.x, overlay->rect.y, overlay->rect.width,
                           overlay->rect.height, overlay->scroll_px_per_s, (int)overlay->align,
                           overlay->colour_rgb, overlay->background_rgb, overlay->background_alpha,
                           overlay->opacity);
    append_text(key, overlay->image);
    append_text(key, overlay->text);
    append_text(key, overlay->timezone);
}

static char *make_key(const RoomPlan *plan)
{
    const LayoutPlan *solved = &plan->plan;
    GString *key = g_string_new(NULL);
    g_string_append_printf(key, "%dx%d:%x:%s", solved->width, solved->height,
                           solved->background_rgb,
                           solved->background_image ? solved->background_image : "");
    for (guint i = 0; i < solved->n_tiles; i++)
        append_tile(key, plan, &solved->tiles[i]);
    for (guint i = 0; i < solved->n_overlays; i++)
        append_overlay(key, &solved->overlays[i]);
    return g_string_free(key, FALSE);
}

RoomPlan *room_plan_new(Room *room, Layout *layout, const char *without)
{
    RoomPlan *plan = g_new0(RoomPlan, 1);
    plan->layout = layout ? layout_ref(layout) : NULL;
    plan->sources = room_sources_new(room, without);
    if (layout)
        solve(room, plan);
    else
        solve_hold(room, &plan->plan);
    plan->key = make_key(plan);
    return plan;
}

void room_plan_free(RoomPlan *plan)
{
    if (!plan)
        return;
    room_sources_free(plan->sources);
    layout_unref(plan->layout);
    layout_unref(plan->solved);
    g_free(plan->key);
    g_free(plan);
}

/* --- for the scene ----------------------------------------------------------------------- */

ON_CONTROL_THREAD static Image *find_image(Room *room, const char *name)
{
    Image *image = name ? layout_store_image(room->rooms->layouts, name) : NULL;
    return image ? image_ref(image) : NULL;
}

/* Who this tile shows: its picture, its name, its signs. */
static void fill_source(SceneTile *tile, const RoomSource *source)
{
    const Participant *participant = source->participant;
    VideoInput *input = source->screen ? participant->sinks.screen : participant->sinks.camera;
    gboolean picture = (tile->show & LAYOUT_SHOW_PICTURE) && !participant->video_off;
    tile->name = g_strdup(participant->name);
    tile->label = g_strconcat(participant->name, source->screen ? " (screen)" : "", NULL);
    tile->input = input && picture ? video_input_ref(input) : NULL;
    tile->video_off = !source->screen && participant->video_muted;
    tile->audio_muted = !source->screen && (participant->audio_muted || participant->muted);
}

static gboolean has_tile(const ScenePlan *plan, const char *id)
{
    for (guint i = 0; i < plan->tiles->len; i++) {
        if (strcmp(((const SceneTile *)plan->tiles->pdata[i])->id, id) == 0)
            return TRUE;
    }
    return FALSE;
}

ON_CONTROL_THREAD static void add_tile(Room *room, const RoomPlan *plan, const LayoutTile *place,
                                       ScenePlan *out)
{
    char id[32];
    gboolean source = place->kind == LAYOUT_TILE_SOURCE;
    g_autofree char *again = NULL; /* somebody may stand in two places */
    g_snprintf(id, sizeof id, "~%s%u", place->kind == LAYOUT_TILE_MORE ? "more" : "empty",
               place->region);
    const char *name = source ? tile_id(plan, place) : id;
    if (source && has_tile(out, name)) {
        again = g_strdup_printf("%s~%u", name, place->region);
        name = again;
    }
    SceneTile *tile = scene_plan_add_tile(out, name);
    tile->kind = place->kind;
    tile->rect = place->rect;
    tile->fit = place->fit;
    tile->radius = place->radius;
    tile->border = place->border;
    tile->border_rgb = place->border_rgb;
    tile->show = place->show;
    tile->more = place->more;
    tile->logo = find_image(room, place->logo);
    if (source) {
        const RoomSource *who = &g_array_index(plan->sources->sources, RoomSource, place->source);
        tile->source = g_strdup(who->id);
        fill_source(tile, who);
    }
}

ON_CONTROL_THREAD static void add_overlay(Room *room, const LayoutOverlay *overlay, ScenePlan *out)
{
    SceneOverlay *added = scene_plan_add_overlay(out);
    *added = (SceneOverlay){ .kind = overlay->kind,
                             .rect = overlay->rect,
                             .image = find_image(room, overlay->image),
                             .text = g_strdup(overlay->text),
                             .scroll_px_per_s = overlay->scroll_px_per_s,
                             .align = overlay->align,
                             .colour_rgb = overlay->colour_rgb,
                             .background_rgb = overlay->background_rgb,
                             .background_alpha = overlay->background_alpha,
                             .opacity = overlay->opacity };
    if (overlay->kind != LAYOUT_OVERLAY_CLOCK)
        return;
    added->timezone = overlay->timezone ? g_time_zone_new_identifier(overlay->timezone) : NULL;
    if (!added->timezone)
        added->timezone = g_time_zone_new_local();
}

ScenePlan *room_plan_scene(Room *room, const RoomPlan *plan)
{
    ScenePlan *out = scene_plan_new();
    out->background_rgb = plan->plan.background_rgb;
    out->background = find_image(room, plan->plan.background_image);
    out->transition_ns = plan->plan.transition_ms * G_GINT64_CONSTANT(1000000);
    for (guint i = 0; i < plan->plan.n_tiles; i++)
        add_tile(room, plan, &plan->plan.tiles[i], out);
    for (guint i = 0; i < plan->plan.n_overlays; i++)
        add_overlay(room, &plan->plan.overlays[i], out);
    return out;
}

json_t *room_plan_json(const RoomPlan *plan)
{
    const LayoutSource *sources = (const LayoutSource *)(gpointer)plan->sources->layout->data;
    return layout_plan_json(&plan->plan, plan->layout ? layout_name(plan->layout) : "hold",
                            sources);
}
