#pragma once

#include "room/room.h"

/** Open room "demo" with four moving, sounding test sources in it; it stays until the server ends.
 */
gboolean demo_start(Rooms *rooms, GError **error) ON_CONTROL_THREAD;

/** Put one test source into a room as a participant (transfer none). number: see test_source.h. */
Participant *demo_add_source(Room *room, const char *name, guint number,
                             GError **error) ON_CONTROL_THREAD;
