#pragma once

#include "mixer/canvas.h"
#include "mixer/image.h"
#include "mixer/picture.h"

/* What stands behind all tiles of a canvas: a colour, or an image that covers it. */

typedef struct Backdrop Backdrop;

/** Even sizes, as of the canvas. */
Backdrop *backdrop_new(int width, int height, guint32 rgb);
void backdrop_free(Backdrop *backdrop);

/** `image` may be NULL; a reference is taken. Returns TRUE if it looks different now. */
gboolean backdrop_set(Backdrop *backdrop, guint32 rgb, Image *image);

void backdrop_draw(const Backdrop *backdrop, Canvas *canvas, VideoRect rect);
