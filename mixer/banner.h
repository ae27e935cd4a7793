#pragma once

#include "mixer/compositor.h"
#include "mixer/under.h"

/* One thing above all tiles: an image, a text, a ticker. What it stands on is kept, so that it is
 * redrawn without the tiles below it. */

typedef struct Banner Banner;

Banner *banner_new(void);
void banner_free(Banner *banner);

/** How it is to look from now on; NULL: not to be seen. `rect` is even and inside the canvas. */
void banner_set(Banner *banner, const CompositorOverlay *look, VideoRect rect, int canvas_width);

/** Move a ticker. */
void banner_tick(Banner *banner, gint64 now_ns);

/** TRUE if it has to be drawn, or taken away. */
gboolean banner_is_changed(const Banner *banner);

/** TRUE if it stands, or is to stand, on a part of the rectangle. */
gboolean banner_overlaps(const Banner *banner, VideoRect rect);
gboolean banner_overlaps_banner(const Banner *banner, const Banner *other);

/** Take it away: the canvas is as if it had not been drawn. */
void banner_remove(Banner *banner, Canvas *canvas);

/** Draw it onto a canvas from which it was taken away. */
void banner_draw(Banner *banner, Canvas *canvas);
