#pragma once

#include <glib.h>
#include <libavutil/frame.h>

#include "mixer/layout.h"

/* Draws tiles into a persistent canvas (YUV420P) and knows which macroblocks changed. Each picture
 * is scaled straight into its place; a tile whose picture, place and looks are as before is not
 * touched. One compositor belongs to one strand. */

typedef struct Compositor Compositor;

typedef enum {
    TILE_LIVE,
    TILE_STALE,      /* the sender froze: the last picture, dimmed, with a sign */
    TILE_NO_PICTURE, /* camera off or nothing received yet: initials on a colour of their own */
} TileState;

/** How one tile is to look in this tick. */
typedef struct {
    const char *id; /* stays the same as long as it is the same source */
    VideoRect rect;
    LayoutFit fit;
    int radius; /* of the corners, even; 0 = square */
    TileState state;
    const AVFrame *picture; /* (transfer none), YUV420P, or NULL: the last one stays */
    guint64 picture_serial; /* changes when the picture does */
    guint8 rotation;        /* quarter turns clockwise to apply */
    const char *label;      /* name, UTF-8, or NULL for none */
    gboolean speaking;      /* border */
    gboolean muted;         /* sign beside the name */
} CompositorTile;

/** Canvas size: even, 16..4096. The first compose marks everything as changed. */
Compositor *compositor_new(int width, int height, guint32 background_rgb);
void compositor_free(Compositor *compositor);

/** Draw this tick: at most LAYOUT_MAX_TILES tiles, the later above the earlier. Rectangles are
 *  confined to the canvas. Areas that no tile covers any more become background. A reference of
 *  each tile's last picture is held. Returns TRUE if any pixel may have changed. */
gboolean compositor_compose(Compositor *compositor, const CompositorTile *tiles, guint n);

/** The canvas (transfer none): valid and changing until the next compose. */
const AVFrame *compositor_canvas(const Compositor *compositor);

/** One byte per 16x16 macroblock, row by row ((width+15)/16 a row): 1 if it changed in the last
 *  compose (transfer none). */
const guint8 *compositor_dirty_map(const Compositor *compositor);
gsize compositor_dirty_map_size(const Compositor *compositor);

typedef struct {
    guint64 composed, unchanged; /* ticks that drew something, ticks that did not */
    guint64 tiles_drawn, tiles_kept;
} CompositorStats;

void compositor_stats(const Compositor *compositor, CompositorStats *stats);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Compositor, compositor_free)
