#pragma once

#include "room/room_private.h"

/* Who hears whom: "hears" of participants and of what is recorded and broadcast. Control thread. */

/** Take over "hears" of a patch, where there is one: *hears is a reference, or NULL for everybody.
 *  FALSE with TESSERA_ERROR_INVALID for what is neither null nor {"include"|"exclude": [...]}. */
gboolean room_hears_read(json_t *patch, json_t **hears, GError **error);

/** A mix for sinks of those whom `hears` names, kept up to date as people come, go and change their
 *  role. Counted: one for all who want to hear the same, so that it is encoded once. */
typedef struct RoomMix RoomMix;

/** (transfer full) Drop it before the room closes. */
RoomMix *room_mix_take(Room *room, json_t *hears) ON_CONTROL_THREAD;
/** May be NULL. Its taps must be removed before. */
void room_mix_drop(RoomMix *mix) ON_CONTROL_THREAD;
/** (transfer none) */
GraphMix *room_mix_graph(const RoomMix *mix);
