#pragma once

#include "mixer/under.h"

/* The rounded corners of a tile: what stands below shows through them. */

typedef struct Corners Corners;

/** radius: even, above 0. */
Corners *corners_new(int radius);
void corners_free(Corners *corners);

/** Before the tile is drawn: keep what is there. The tile is at least twice as large as the
 *  radius. */
void corners_save(Corners *corners, const Canvas *canvas, VideoRect tile);

/** After the tile was drawn. */
void corners_blend(const Corners *corners, Canvas *canvas);

/** Make what is there as it was before the tile was drawn. */
void corners_restore(const Corners *corners, Canvas *canvas);
void corners_drop(Corners *corners);

/** Where the i-th of the four corners of that size is in a tile. */
VideoRect corners_rect(VideoRect tile, int size, guint i);
