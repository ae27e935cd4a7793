#pragma once

#include <glib.h>

/* Who speaks and how loud, as the mix hears it: written by the audio thread, read by every scene of
 * the room for its rings and bars. Counted; any thread. */

typedef struct Presence Presence;

typedef struct {
    gboolean speaking;
    guint8 level_dbov; /* as RFC 6464 says it: 0 loudest .. 127 silence */
} PresenceState;

Presence *presence_new(void);
Presence *presence_ref(Presence *presence);
void presence_unref(Presence *presence);

void presence_set_speaking(Presence *presence, const char *id, gboolean speaking);

/** Levels are only worth telling while somebody shows them. */
void presence_want_levels(Presence *presence, gboolean wanted);
gboolean presence_levels_wanted(Presence *presence);
void presence_set_level(Presence *presence, const char *id, guint8 level_dbov);

void presence_forget(Presence *presence, const char *id);

/** Of somebody unknown, or NULL: silent. */
PresenceState presence_get(Presence *presence, const char *id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Presence, presence_unref)
