#pragma once

#include "mixer/canvas.h"
#include "mixer/compositor.h"
#include "mixer/drawings.h"
#include "mixer/picture.h"

/* One tile of a compositor: what it shows, what of that changed since it was last drawn, and the
 * drawings that are made once (name, initials, signs, corners, lines). */

typedef struct Tile Tile;

Tile *tile_new(const char *id);
void tile_free(Tile *tile);

gboolean tile_is(const Tile *tile, const char *id);
VideoRect tile_rect(const Tile *tile);

/** Take over how the tile is to look. `rect` is even, inside the canvas and not empty. Drawings
 *  that the budget does not allow come with a later call; those whose size follows the tile's are
 *  made when the size has settled. Returns the area that it leaves, to be uncovered: all of where
 *  it stood if it shows other parts of what is below it now; else empty. */
VideoRect tile_update(Tile *tile, const CompositorTile *look, VideoRect rect,
                      DrawingBudget *budget);

/** Something below it was drawn: all of it has to be drawn again. */
void tile_damage(Tile *tile);
gboolean tile_is_changed(const Tile *tile);

/** Where tile_draw() will draw. */
VideoRect tile_touches(const Tile *tile);

/** Put back what is below the tile, before anything is drawn in this tick, the highest tile
 *  first. */
void tile_remove(const Tile *tile, Canvas *canvas);

/** Draw the tile and mark those macroblocks of it that changed by itself. */
void tile_draw(Tile *tile, PictureScratch *scratch, Canvas *canvas);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Tile, tile_free)
