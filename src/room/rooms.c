#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "room/room_private.h"

gboolean room_id_valid(const char *id)
{
    gsize length = id ? strlen(id) : 0;
    if (length < 1 || length > 64)
        return FALSE;
    for (const char *p = id; *p; p++) {
        if (!g_ascii_isalnum(*p) && *p != '_' && *p != '-')
            return FALSE;
    }
    return TRUE;
}

Rooms *rooms_new(Engine *engine, const Config *config)
{
    Rooms *rooms = g_new0(Rooms, 1);
    rooms->engine = engine;
    rooms->config = config;
    rooms->by_id = g_hash_table_new(g_str_hash, g_str_equal);
    rooms->ending = g_ptr_array_new_with_free_func(room_ending_free);
    rooms->listeners = g_array_new(FALSE, FALSE, sizeof(RoomListenerEntry));
    return rooms;
}

void rooms_free(Rooms *rooms)
{
    if (!rooms)
        return;
    g_autoptr(GList) all = g_hash_table_get_values(rooms->by_id);
    for (GList *l = all; l; l = l->next)
        room_close(l->data, "the server stops");
    g_hash_table_unref(rooms->by_id);
    g_array_unref(rooms->listeners);
    g_ptr_array_unref(rooms->ending);
    layout_unref(rooms->default_layout);
    layout_store_free(rooms->layouts);
    g_free(rooms);
}

/* New rooms need one whatever becomes of its file. */
static void keep_default(Rooms *rooms) ON_CONTROL_THREAD;
static void keep_default(Rooms *rooms)
{
    Layout *layout =
        layout_store_peek(rooms->layouts, config_string(rooms->config, "layout.default"));
    if (!layout)
        return;
    layout_ref(layout);
    layout_unref(rooms->default_layout);
    rooms->default_layout = layout;
}

static void on_layouts_changed(const char *name, gpointer user)
{
    Rooms *rooms = user;
    GHashTableIter iter;
    gpointer room;
    thread_assert_control();
    (void)name;
    keep_default(rooms);
    g_hash_table_iter_init(&iter, rooms->by_id);
    while (g_hash_table_iter_next(&iter, NULL, &room))
        room_views_layouts_changed(((Room *)room)->views);
}

gboolean rooms_load_layouts(Rooms *rooms, const char *directory, GError **error)
{
    const char *name = config_string(rooms->config, "layout.default");
    rooms->layouts = layout_store_new(rooms->config, directory, error);
    if (!rooms->layouts)
        return FALSE;
    if (!layout_store_get(rooms->layouts, name, error)) {
        g_prefix_error(error, "layout.default: ");
        return FALSE;
    }
    keep_default(rooms);
    layout_store_watch(rooms->layouts, on_layouts_changed, rooms);
    return TRUE;
}

LayoutStore *rooms_layouts(Rooms *rooms)
{
    return rooms->layouts;
}

Room *rooms_find(Rooms *rooms, const char *id)
{
    return id ? g_hash_table_lookup(rooms->by_id, id) : NULL;
}

static gboolean may_open(Rooms *rooms, const char *id, GError **error)
{
    if (!room_id_valid(id)) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                            "A room's name has 1 to 64 letters, digits, - or _.");
    } else if (rooms->draining) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                            "The server is shutting down; try again in a minute.");
    } else if (g_hash_table_size(rooms->by_id) >=
               (guint)config_int(rooms->config, "room.max_rooms")) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                    "The server holds all the rooms it may (%u, room.max_rooms).",
                    g_hash_table_size(rooms->by_id));
    } else {
        return TRUE;
    }
    return FALSE;
}

static Room *open_new(Rooms *rooms, const char *id) ON_CONTROL_THREAD;
static Room *open_new(Rooms *rooms, const char *id)
{
    Room *room = room_new(rooms, id);
    g_hash_table_insert(rooms->by_id, room->id, room);
    log_info("room", "room %s is open", id);
    room_emit(room, ROOM_EVENT_OPENED, NULL, room_to_json(room));
    return room;
}

Room *rooms_open(Rooms *rooms, const char *id, GError **error)
{
    Room *room = rooms_find(rooms, id);
    if (room || !may_open(rooms, id, error))
        return room;
    if (config_bool(rooms->config, "room.auto_create"))
        return open_new(rooms, id);
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND,
                "There is no room %s, and room.auto_create is off.", id);
    return NULL;
}

Room *rooms_create(Rooms *rooms, const char *id, GError **error)
{
    char invented[16];
    g_snprintf(invented, sizeof invented, "room-%08x", g_random_int());
    if (!id)
        id = invented;
    if (rooms_find(rooms, id)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_CONFLICT, "There is a room %s already.",
                    id);
        return NULL;
    }
    return may_open(rooms, id, error) ? open_new(rooms, id) : NULL;
}

void rooms_listen(Rooms *rooms, RoomListener listener, gpointer user)
{
    RoomListenerEntry entry = { ++rooms->next_listener, NULL, listener, user };
    g_array_append_val(rooms->listeners, entry);
}

json_t *rooms_to_json(Rooms *rooms)
{
    GHashTableIter iter;
    gpointer room;
    json_t *list = json_array();
    g_hash_table_iter_init(&iter, rooms->by_id);
    while (g_hash_table_iter_next(&iter, NULL, &room))
        json_array_append_new(list, room_to_json(room));
    return list;
}

guint rooms_count(Rooms *rooms)
{
    return g_hash_table_size(rooms->by_id);
}

guint rooms_participants(Rooms *rooms)
{
    GHashTableIter iter;
    gpointer room;
    guint count = 0;
    g_hash_table_iter_init(&iter, rooms->by_id);
    while (g_hash_table_iter_next(&iter, NULL, &room))
        count += ((Room *)room)->participants->len;
    return count;
}

void rooms_drain(Rooms *rooms)
{
    rooms->draining = TRUE;
    g_autoptr(GList) all = g_hash_table_get_values(rooms->by_id);
    for (GList *l = all; l; l = l->next)
        room_emit(l->data, ROOM_EVENT_DRAINING, NULL, json_object());
}

gboolean rooms_draining(Rooms *rooms)
{
    return rooms->draining;
}
