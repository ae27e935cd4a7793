#include "room/room_private.h"

/* Who stands where: the people of a room through the layout solver to the scene. */

typedef struct {
    Participant *participant;
    gboolean screen;
    char *id;
} Shown;

static void shown_clear(gpointer data)
{
    g_free(((Shown *)data)->id);
}

/* Everyone who is visible has a tile; who shares a screen has another one for it. */
static GArray *collect_shown(Room *room)
{
    GArray *list = g_array_new(FALSE, FALSE, sizeof(Shown));
    g_array_set_clear_func(list, shown_clear);
    for (guint i = 0; i < room->participants->len; i++) {
        Participant *participant = room->participants->pdata[i];
        if (!participant->visible)
            continue;
        Shown camera = { participant, FALSE, g_strdup(participant->id) };
        g_array_append_val(list, camera);
        if (!(participant->active_sources & (1u << SOURCE_SCREEN)))
            continue;
        Shown screen = { participant, TRUE, g_strconcat(participant->id, "/screen", NULL) };
        g_array_append_val(list, screen);
    }
    return list;
}

static SceneTile *make_tile(const Shown *shown, const LayoutTile *place)
{
    const Participant *participant = shown->participant;
    g_autofree char *label = g_strconcat(participant->name, shown->screen ? " (screen)" : "", NULL);
    SceneTile *tile = scene_tile_new(
        shown->id, label, shown->screen ? participant->sinks.screen : participant->sinks.camera);
    tile->rect = place->rect;
    tile->fit = place->fit;
    tile->radius = place->radius;
    tile->video_off = !shown->screen && participant->video_muted;
    tile->audio_muted = !shown->screen && participant->audio_muted;
    return tile;
}

static json_t *place_json(const Shown *shown, const LayoutTile *place)
{
    return json_pack("{s:s, s:i, s:i, s:i, s:i}", "id", shown->id, "x", place->rect.x, "y",
                     place->rect.y, "width", place->rect.width, "height", place->rect.height);
}

static guint solve(Room *room, const GArray *shown, LayoutTile *places)
{
    const SceneSpec *canvas = scene_spec(graph_scene(room->graph));
    g_autofree LayoutSource *sources = g_new0(LayoutSource, shown->len + 1);
    if (!room->rooms->layout)
        return 0;
    for (guint i = 0; i < shown->len; i++) {
        const Shown *entry = &g_array_index(shown, Shown, i);
        sources[i] = (LayoutSource){ .id = entry->id, .is_screen = entry->screen };
    }
    return layout_solve(room->rooms->layout, sources, shown->len, canvas->width, canvas->height,
                        places, LAYOUT_MAX_TILES);
}

void room_update_layout(Room *room)
{
    LayoutTile places[LAYOUT_MAX_TILES];
    g_autoptr(GArray) shown = collect_shown(room);
    guint n = solve(room, shown, places);
    GPtrArray *tiles = g_ptr_array_new_with_free_func((GDestroyNotify)scene_tile_free);
    json_t *list = json_array();
    for (guint i = 0; i < n; i++) {
        const Shown *entry = &g_array_index(shown, Shown, places[i].source);
        g_ptr_array_add(tiles, make_tile(entry, &places[i]));
        json_array_append_new(list, place_json(entry, &places[i]));
    }
    scene_set_tiles(graph_scene(room->graph), tiles);
    json_t *json =
        json_pack("{s:s, s:o}", "layout",
                  room->rooms->layout ? layout_name(room->rooms->layout) : "", "tiles", list);
    if (room->layout_json && json_equal(room->layout_json, json)) {
        json_decref(json);
        return;
    }
    json_decref(room->layout_json);
    room->layout_json = json;
    room_emit(room, ROOM_EVENT_LAYOUT, NULL, json_incref(json));
}
