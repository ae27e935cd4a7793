#pragma once

#include "mixer/layout.h"
#include "room/room_private.h"

/* The people of a room as the layout solver sees them. Control thread. */

/** One source with a tile to come. */
typedef struct {
    Participant *participant;
    gboolean screen;
    char *id;
} RoomSource;

typedef struct {
    GArray *sources; /* of RoomSource */
    GArray *layout;  /* of LayoutSource, the same order: what layout_solve() takes */
} RoomSources;

/** Everyone who is to be seen, in the order in which they stand, without one participant (or NULL:
 *  all). Texts belong to the participants: valid until one of them changes. */
RoomSources *room_sources_new(Room *room, const char *without) ON_CONTROL_THREAD;
void room_sources_free(RoomSources *sources);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RoomSources, room_sources_free)
