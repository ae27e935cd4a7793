#pragma once

#include <glib.h>

/* Which macroblocks of a canvas an encoder is to look at: those that changed in the last ticks, for
 * an encoder refines over some pictures what it first drew roughly. Pure; one byte per
 * macroblock. */

typedef struct ActivityMap ActivityMap;

ActivityMap *activity_map_new(gsize size);
void activity_map_free(ActivityMap *map);

/** A key frame, which is drawn in a hurry, is about to be made: all blocks are active for a
 *  while. */
void activity_map_refresh(ActivityMap *map);

/** One tick: dirty says what changed (NULL: nothing). Returns TRUE if any block is active. */
gboolean activity_map_tick(ActivityMap *map, const guint8 *dirty);

/** The blocks of the last tick (transfer none): 1 = active. */
const guint8 *activity_map_blocks(const ActivityMap *map);

/** The blocks of a picture as those of a copy of it in another size: a block of the copy is active
 *  if any block that it shows a part of is. */
void activity_map_scale(const guint8 *blocks, gint width, gint height, guint8 *scaled,
                        gint scaled_width, gint scaled_height);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ActivityMap, activity_map_free)
