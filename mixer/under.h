#pragma once

#include "mixer/canvas.h"

/* What stands below something that does not cover it wholly: kept when that is drawn, put back
 * before it is drawn again. */

/** A value; {0} holds nothing. */
typedef struct {
    VideoRect rect; /* empty: nothing is kept */
    guint8 *pixels;
    gsize size;
} Under;

void under_save(Under *under, const Canvas *canvas, VideoRect rect);
void under_restore(const Under *under, Canvas *canvas);

/** Put it back where `mask` says so, an overlay of the same size of which only the alpha counts. */
void under_blend(const Under *under, Canvas *canvas, const Overlay *mask);

/** Forget it; keeps the memory. */
void under_drop(Under *under);
void under_clear(Under *under);
