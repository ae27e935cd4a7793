#include <string.h>

#include "room/json_patch.h"
#include "room/room_private.h"

/* What can be changed about a room while it runs. */

#define MIN_SIDE 64
#define MAX_SIDE 1920

/* All that a patch may change, so that it is taken over whole or not at all. */
typedef struct {
    Layout *layout; /* (a reference) or NULL: unchanged */
    gboolean locked, ducking;
    gint max_participants, width, height;
    gint64 background;
} Settings;

static gboolean read_canvas(const Config *config, json_t *patch, Settings *settings, GError **error)
{
    static const char *const keys[] = { "width", "height", "fps", NULL };
    json_t *video = json_object_get(patch, "video");
    gint fps = (gint)config_int(config, "video.fps");
    if (!video)
        return TRUE;
    /* The rate is the server's; it may be said, as everywhere where rooms are told. */
    if (!json_patch_check(video, keys, error) ||
        !json_patch_int(video, "fps", fps, fps, &fps, error) ||
        !json_patch_int(video, "width", MIN_SIDE, MAX_SIDE, &settings->width, error) ||
        !json_patch_int(video, "height", MIN_SIDE, MAX_SIDE, &settings->height, error)) {
        g_prefix_error(error, "video: ");
        return FALSE;
    }
    settings->width &= ~1;
    settings->height &= ~1;
    return TRUE;
}

ON_CONTROL_THREAD static gboolean read_layout(Room *room, json_t *patch, Settings *settings,
                                              GError **error)
{
    json_t *choice = json_object_get(patch, "layout");
    if (!choice)
        return TRUE;
    settings->layout = rooms_layout_from_json(room->rooms, choice, error);
    return settings->layout != NULL;
}

ON_CONTROL_THREAD static gboolean read_settings(Room *room, json_t *patch, Settings *settings,
                                                GError **error)
{
    static const char *const keys[] = { "layout",     "locked", "max_participants",
                                        "background", "video",  "ducking",
                                        NULL };
    gint most = (gint)config_int(room->rooms->config, "room.max_participants");
    return json_patch_check(patch, keys, error) &&
           json_patch_bool(patch, "locked", &settings->locked, error) &&
           json_patch_bool(patch, "ducking", &settings->ducking, error) &&
           json_patch_int(patch, "max_participants", 1, most, &settings->max_participants, error) &&
           json_patch_colour(patch, "background", &settings->background, error) &&
           read_canvas(room->rooms->config, patch, settings, error) &&
           read_layout(room, patch, settings, error);
}

ON_CONTROL_THREAD static void adopt(Room *room, const Settings *settings)
{
    room->locked = settings->locked;
    room->max_participants = (guint)settings->max_participants;
    room->background = settings->background;
    room->width = settings->width;
    room->height = settings->height;
    if (room->ducking != settings->ducking)
        graph_set_ducking(room->graph, settings->ducking);
    room->ducking = settings->ducking;
    if (settings->layout) {
        ViewChoice choice = { .layout = settings->layout };
        view_choose(room->own_view, &choice, NULL);
    }
}

static void emit_settings(Room *room) ON_CONTROL_THREAD;
static void emit_settings(Room *room)
{
    json_t *json = room_to_json(room);
    json_object_del(json, "participants");
    room_touch(room);
    room_emit(room, ROOM_EVENT_SETTINGS, NULL, json);
}

gboolean room_patch(Room *room, json_t *patch, GError **error)
{
    Settings settings = { .locked = room->locked,
                          .ducking = room->ducking,
                          .max_participants = (gint)room->max_participants,
                          .background = room->background,
                          .width = room->width,
                          .height = room->height };
    gboolean good = read_settings(room, patch, &settings, error);
    if (good) {
        adopt(room, &settings);
        room_views_update(room->views);
        emit_settings(room);
    }
    layout_unref(settings.layout);
    return good;
}

void room_set_layout(Room *room, Layout *layout)
{
    ViewChoice choice = { .layout = layout };
    view_choose(room->own_view, &choice, NULL);
    room_views_update(room->views);
    emit_settings(room);
}

json_t *room_layout_json(Room *room)
{
    return json_incref(view_json(room->own_view));
}

json_t *room_layout_choice(Room *room)
{
    Layout *layout = view_layout(room->own_view);
    if (view_layout_is_named(room->own_view))
        return json_string(layout_name(layout));
    return json_loads(layout_json(layout), 0, NULL);
}

char *room_layout_etag(Room *room)
{
    Layout *layout = view_layout(room->own_view);
    g_autofree char *text = g_strdup_printf("%d %s %s", view_layout_is_named(room->own_view),
                                            layout_name(layout), layout_json(layout));
    g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);
    return g_strdup_printf("\"%.16s\"", sum);
}

Layout *rooms_layout_from_json(Rooms *rooms, json_t *choice, GError **error)
{
    if (json_is_string(choice)) {
        Layout *layout = layout_store_get(rooms->layouts, json_string_value(choice), error);
        return layout ? layout_ref(layout) : NULL;
    }
    if (json_is_object(choice)) {
        g_autofree char *text = json_dumps(choice, JSON_COMPACT);
        return text ? layout_parse(text, strlen(text), error) : NULL;
    }
    g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                        "layout: write the name of a layout in quotes, or a whole document.");
    return NULL;
}

json_t *room_dry_run(Room *room, Layout *layout)
{
    return room_views_dry_run(room->views, layout);
}
