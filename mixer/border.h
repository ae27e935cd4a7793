#pragma once

#include "mixer/canvas.h"

/* A coloured line along the edge of a tile: its border, or the ring around whoever speaks. Drawn
 * over the tile's picture. */

typedef struct Border Border;

typedef struct {
    int radius;    /* of the corners: even, 0 = square */
    int thickness; /* even, 0 = none */
    guint32 line_rgb;
} BorderLook;

/** NULL if there is no line. */
Border *border_new(const BorderLook *look);
void border_free(Border *border);

/** `border` may be NULL. The tile is at least twice as large as radius and thickness. */
void border_draw(const Border *border, Canvas *canvas, VideoRect tile);

/** Mark what a change between having a line and having none touches. */
void border_mark(const BorderLook *look, Canvas *canvas, VideoRect tile);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Border, border_free)
