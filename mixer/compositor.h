#pragma once

#include <glib.h>
#include <libavutil/frame.h>

#include "mixer/image.h"
#include "mixer/layout.h"

/* Draws tiles into a persistent canvas (YUV420P) and knows which macroblocks changed. Each picture
 * is scaled straight into its place; a tile whose picture, place and looks are as before is not
 * touched. One compositor belongs to one strand. */

typedef struct Compositor Compositor;

typedef enum {
    TILE_LIVE,
    TILE_STALE,       /* the sender froze: the last picture, dimmed, with a sign */
    TILE_NO_PICTURE,  /* camera off or nothing received yet: initials on a colour of their own */
    TILE_PLACEHOLDER, /* a place that waits for somebody: an outline, and the label if there is one
                       */
    TILE_MORE,        /* "+5": `more` people have no place */
} TileState;

#define COMPOSITOR_LEVELS 12 /* steps of the bar of loudness */

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
    const char *name;       /* whose initials; NULL: the label's */
    gboolean speaking;      /* ring */
    gboolean muted;         /* sign beside the name */
    guint more;             /* TILE_MORE */
    int border;             /* thickness, even; 0 = none; the ring of who speaks stands above it */
    guint32 border_rgb;
    int level; /* steps of the bar of loudness, 0..COMPOSITOR_LEVELS; -1: no bar */
    const Image
        *logo; /* (transfer none, referenced while shown) in the upper right corner, or NULL */
} CompositorTile;

/** Something above all tiles. */
typedef struct {
    VideoRect rect;
    const Image *image;  /* (transfer none, referenced while shown) shown whole; NULL: text */
    guint8 opacity;      /* of the image */
    const char *text;    /* UTF-8, one line, ellipsized unless it scrolls */
    int scroll_px_per_s; /* 0: stands still */
    LayoutAlign align;
    guint32 colour_rgb, background_rgb;
    guint8 background_alpha;
} CompositorOverlay;

/** Canvas size: even, 16..4096. The first compose marks everything as changed. */
Compositor *compositor_new(int width, int height, guint32 background_rgb);
void compositor_free(Compositor *compositor);

/** Background from the next compose on: a colour, and an image (or NULL; a reference is taken) that
 *  covers the canvas. Nothing is drawn again if it is as before. */
void compositor_set_background(Compositor *compositor, guint32 rgb, Image *image);

/** What stands above the tiles from the next compose on: at most LAYOUT_MAX_OVERLAYS, copied. Text
 *  is rendered once per change. */
void compositor_set_overlays(Compositor *compositor, const CompositorOverlay *overlays, guint n);

/** Draw this tick: at most LAYOUT_MAX_TILES tiles, the later above the earlier. Rectangles are
 *  confined to the canvas. Areas that no tile covers any more become background. A reference of
 *  each tile's last picture is held. now_ns moves the tickers. Returns TRUE if any pixel may have
 *  changed. */
gboolean compositor_compose(Compositor *compositor, const CompositorTile *tiles, guint n,
                            gint64 now_ns);

/** FALSE if the last compose left out names or other drawings: a tick makes a few new ones only, so
 *  that it never stalls, and the next ones make the others. */
gboolean compositor_is_complete(const Compositor *compositor);

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
