#pragma once

#include "mixer/canvas.h"
#include "mixer/compositor.h"
#include "mixer/picture.h"

/* One tile of a compositor: what it shows, what of that changed since it was last drawn, and the
 * drawings that are made once (name, initials, sign, corners). */

typedef struct Tile Tile;

Tile *tile_new(const char *id);
void tile_free(Tile *tile);

gboolean tile_is(const Tile *tile, const char *id);
VideoRect tile_rect(const Tile *tile);

/** Take over how the tile is to look. `rect` is even, inside the canvas and not empty. */
void tile_update(Tile *tile, const CompositorTile *look, VideoRect rect, guint32 background_rgb);

/** Something below it was drawn: all of it has to be drawn again. */
void tile_damage(Tile *tile);
gboolean tile_is_changed(const Tile *tile);

/** Draw the whole tile and mark those macroblocks of it that changed. */
void tile_draw(Tile *tile, PictureScratch *scratch, Canvas *canvas);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Tile, tile_free)
