#pragma once

#include "mixer/image.h"
#include "mixer/overlay.h"

/* Images as drawings. Pure; any thread. */

/** The image in this size, even (transfer full); opacity 0..255. */
Overlay *logo_render(const Image *image, int width, int height, guint8 opacity);

/** How large a logo is in a tile, even: a sixth of the shorter side high, or less if it is wide;
 *  FALSE if the tile is too small for one. */
gboolean logo_size(const Image *image, int tile_width, int tile_height, int *width, int *height);
