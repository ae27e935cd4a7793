#include "room/room_hearing.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

#define MAX_HEARS   64
#define MAX_HEARD   80 /* characters of one entry */
#define ROLE_PREFIX "role:"

struct RoomMix {
    guint refs;
    Room *room;
    json_t *hears;
    char *name; /* equal for what is equal */
    char *key;  /* of who is heard now, or NULL: nobody was asked yet */
    GraphMix *mix;
};

/* --- what may be written ----------------------------------------------------------------- */

static gboolean hears_is_good(json_t *hears)
{
    json_t *list = json_object_get(hears, "include");
    size_t i;
    json_t *entry;
    if (!list)
        list = json_object_get(hears, "exclude");
    if (json_object_size(hears) != 1 || !json_is_array(list) || json_array_size(list) > MAX_HEARS)
        return FALSE;
    json_array_foreach(list, i, entry)
    {
        if (!json_is_string(entry) || json_string_length(entry) > MAX_HEARD)
            return FALSE;
    }
    return TRUE;
}

gboolean room_hears_read(json_t *patch, json_t **hears, GError **error)
{
    json_t *wish = json_object_get(patch, "hears");
    if (!wish)
        return TRUE;
    if (!json_is_null(wish) && !hears_is_good(wish)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "hears: write {\"include\": [...]} or {\"exclude\": [...]} with at most %d "
                    "participant ids or \"role:NAME\", or null for everybody.",
                    MAX_HEARS);
        return FALSE;
    }
    json_decref(*hears);
    *hears = json_is_null(wish) ? NULL : json_deep_copy(wish);
    return TRUE;
}

/* --- who is meant ------------------------------------------------------------------------ */

static gboolean is_listed(json_t *list, const Participant *participant)
{
    size_t i;
    json_t *entry;
    json_array_foreach(list, i, entry)
    {
        const char *text = json_string_value(entry);
        if (strcmp(text, participant->id) == 0)
            return TRUE;
        if (participant->role && g_str_has_prefix(text, ROLE_PREFIX) &&
            strcmp(text + strlen(ROLE_PREFIX), participant->role) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean lets_through(json_t *hears, const Participant *speaker)
{
    json_t *include = json_object_get(hears, "include");
    json_t *exclude = json_object_get(hears, "exclude");
    return include ? is_listed(include, speaker) : !is_listed(exclude, speaker);
}

/* Those who sound and are let through, but for `listener` (NULL: nobody is left out). Returns
 * (transfer full) a key that is equal for equal sets. */
static char *find_heard(const Room *room, json_t *hears, const Participant *listener,
                        GPtrArray *legs)
{
    GString *key = g_string_new(NULL);
    for (guint i = 0; i < room->participants->len; i++) {
        const Participant *speaker = room->participants->pdata[i];
        if ((listener && speaker == listener) || !speaker->sounds || !lets_through(hears, speaker))
            continue;
        g_string_append_printf(key, "%s ", speaker->id);
        g_ptr_array_add(legs, speaker->leg);
    }
    return g_string_free(key, FALSE);
}

/* --- participants ------------------------------------------------------------------------ */

static void update_listener(Participant *listener) ON_CONTROL_THREAD;
static void update_listener(Participant *listener)
{
    Room *room = listener->room;
    g_autoptr(GPtrArray) legs = g_ptr_array_new();
    char *key = listener->hold ? g_strdup("") : find_heard(room, listener->hears, listener, legs);
    if (g_strcmp0(listener->hears_key, key) != 0)
        graph_leg_hear_some(room->graph, listener->leg, key, (GraphLeg *const *)legs->pdata,
                            legs->len);
    g_free(listener->hears_key);
    listener->hears_key = key;
}

static void update_mix(RoomMix *mix) ON_CONTROL_THREAD;

void room_update_hearing(Room *room)
{
    for (guint i = 0; i < room->participants->len; i++) {
        Participant *listener = room->participants->pdata[i];
        if (listener->hears || listener->hold) {
            update_listener(listener);
        } else if (listener->hears_key) {
            graph_leg_hear_all(room->graph, listener->leg);
            g_clear_pointer(&listener->hears_key, g_free);
        }
    }
    for (guint i = 0; i < room->mixes->len; i++)
        update_mix(room->mixes->pdata[i]);
}

/* --- sinks ------------------------------------------------------------------------------- */

/* The encodes of the mix go on whoever is in it: a file has no seam where somebody comes. */
static void update_mix(RoomMix *mix)
{
    g_autoptr(GPtrArray) legs = g_ptr_array_new();
    char *key = find_heard(mix->room, mix->hears, NULL, legs);
    if (g_strcmp0(mix->key, key) != 0)
        graph_mix_hear(mix->room->graph, mix->mix, (GraphLeg *const *)legs->pdata, legs->len);
    g_free(mix->key);
    mix->key = key;
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* (transfer full) The same text for the same wish, in whatever order it names people. */
static char *name_of(json_t *hears)
{
    const char *verb = json_object_get(hears, "include") ? "include" : "exclude";
    json_t *list = json_object_get(hears, verb), *sorted = json_array();
    gsize n = json_array_size(list);
    g_autofree const char **entries = g_new(const char *, n + 1);
    for (gsize i = 0; i < n; i++)
        entries[i] = json_string_value(json_array_get(list, i));
    qsort(entries, n, sizeof *entries, compare_entries);
    for (gsize i = 0; i < n; i++) {
        if (i == 0 || strcmp(entries[i], entries[i - 1]) != 0)
            json_array_append_new(sorted, json_string(entries[i]));
    }
    json_t *whole = json_pack("{s:o}", verb, sorted);
    char *text = json_dumps(whole, JSON_COMPACT);
    char *name = g_strdup(text);
    free(text);
    json_decref(whole);
    return name;
}

RoomMix *room_mix_take(Room *room, json_t *hears)
{
    g_autofree char *name = name_of(hears);
    for (guint i = 0; i < room->mixes->len; i++) {
        RoomMix *mix = room->mixes->pdata[i];
        if (strcmp(mix->name, name) == 0) {
            mix->refs++;
            return mix;
        }
    }
    RoomMix *mix = g_new0(RoomMix, 1);
    mix->refs = 1;
    mix->room = room;
    mix->hears = json_incref(hears);
    mix->mix = graph_add_mix(room->graph, name);
    mix->name = g_steal_pointer(&name);
    g_ptr_array_add(room->mixes, mix);
    update_mix(mix);
    return mix;
}

void room_mix_drop(RoomMix *mix)
{
    if (!mix || --mix->refs > 0)
        return;
    g_ptr_array_remove(mix->room->mixes, mix);
    graph_remove_mix(mix->room->graph, mix->mix);
    json_decref(mix->hears);
    g_free(mix->name);
    g_free(mix->key);
    g_free(mix);
}

GraphMix *room_mix_graph(const RoomMix *mix)
{
    return mix->mix;
}
