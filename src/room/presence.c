#include "room/presence.h"

#include <pthread.h>

#define SILENT 127

struct Presence {
    gint refs;          /* atomic */
    gint levels_wanted; /* atomic: how many want them */

    pthread_mutex_t lock; /* guards everything below */
    GHashTable *states;   /* id -> PresenceState */
};

Presence *presence_new(void)
{
    Presence *presence = g_new0(Presence, 1);
    presence->refs = 1;
    presence->states = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    pthread_mutex_init(&presence->lock, NULL);
    return presence;
}

Presence *presence_ref(Presence *presence)
{
    g_atomic_int_inc(&presence->refs);
    return presence;
}

void presence_unref(Presence *presence)
{
    if (!presence || !g_atomic_int_dec_and_test(&presence->refs))
        return;
    g_hash_table_unref(presence->states);
    pthread_mutex_destroy(&presence->lock);
    g_free(presence);
}

/* With the lock held. */
static PresenceState *state_of(Presence *presence, const char *id)
{
    PresenceState *state = g_hash_table_lookup(presence->states, id);
    if (state)
        return state;
    state = g_new(PresenceState, 1);
    *state = (PresenceState){ FALSE, SILENT };
    g_hash_table_insert(presence->states, g_strdup(id), state);
    return state;
}

void presence_set_speaking(Presence *presence, const char *id, gboolean speaking)
{
    pthread_mutex_lock(&presence->lock);
    state_of(presence, id)->speaking = speaking;
    pthread_mutex_unlock(&presence->lock);
}

void presence_want_levels(Presence *presence, gboolean wanted)
{
    g_atomic_int_add(&presence->levels_wanted, wanted ? 1 : -1);
}

gboolean presence_levels_wanted(Presence *presence)
{
    return g_atomic_int_get(&presence->levels_wanted) > 0;
}

void presence_set_level(Presence *presence, const char *id, guint8 level_dbov)
{
    pthread_mutex_lock(&presence->lock);
    state_of(presence, id)->level_dbov = level_dbov;
    pthread_mutex_unlock(&presence->lock);
}

void presence_forget(Presence *presence, const char *id)
{
    pthread_mutex_lock(&presence->lock);
    g_hash_table_remove(presence->states, id);
    pthread_mutex_unlock(&presence->lock);
}

PresenceState presence_get(Presence *presence, const char *id)
{
    PresenceState state = { FALSE, SILENT };
    if (!id)
        return state;
    pthread_mutex_lock(&presence->lock);
    const PresenceState *found = g_hash_table_lookup(presence->states, id);
    if (found)
        state = *found;
    pthread_mutex_unlock(&presence->lock);
    return state;
}
