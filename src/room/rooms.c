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
    layout_free(rooms->layout);
    g_free(rooms);
}

gboolean rooms_load_layout(Rooms *rooms, const char *directory, GError **error)
{
    const char *name = config_string(rooms->config, "layout.default");
    g_autofree char *file = g_strconcat(name, ".json", NULL);
    g_autofree char *path = g_build_filename(directory, file, NULL);
    Layout *layout = layout_load(path, error);
    if (!layout)
        return FALSE;
    layout_free(rooms->layout);
    rooms->layout = layout;
    return TRUE;
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
    } else if (!config_bool(rooms->config, "room.auto_create")) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND,
                    "There is no room %s, and room.auto_create is off.", id);
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

Room *rooms_open(Rooms *rooms, const char *id, GError **error)
{
    Room *room = rooms_find(rooms, id);
    if (room || !may_open(rooms, id, error))
        return room;
    room = room_new(rooms, id);
    g_hash_table_insert(rooms->by_id, room->id, room);
    log_info("room", "room %s is open", id);
    return room;
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
