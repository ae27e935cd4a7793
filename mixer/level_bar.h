#pragma once

#include "mixer/overlay.h"

/* The bar of loudness at the lower right of a tile: a chip with a column of steps, lit from
 * below. */

/** Its size in such a tile, even; FALSE if the tile is too small for one. */
gboolean level_bar_size(int tile_width, int tile_height, int *width, int *height);

/** The bar with `level` of COMPOSITOR_LEVELS steps lit (transfer full; shared, so do not change
 *  it). */
Overlay *level_bar_fetch(int width, int height, int level);
