#pragma once

#include <glib.h>

#include "mixer/video_rect.h"

/* A layout document (layouts/README.md) and its solver. The solver is pure: (layout, who is in the
 * room, canvas size) -> rectangles. A layout never changes after it was parsed: any thread may
 * read it. */

typedef struct Layout Layout;

typedef enum { LAYOUT_FIT_COVER, LAYOUT_FIT_CONTAIN, LAYOUT_FIT_STRETCH } LayoutFit;

/** One source that may be shown. */
typedef struct {
    const char *id;
    gboolean is_screen;
} LayoutSource;

/** Where one source stands. Rectangles have even coordinates and sizes (4:2:0) and lie inside the
 *  canvas. The tiles of one region never overlap; where a document lets regions overlap, the later
 *  tile stands above the earlier one. */
typedef struct {
    guint source; /* index into the sources given to the solver */
    VideoRect rect;
    LayoutFit fit; /* screens: always contain */
    int radius;    /* of the corners, pixels, even; 0 = square */
} LayoutTile;

#define LAYOUT_MAX_TILES   64
#define LAYOUT_MAX_SIZE    (256u << 10) /* bytes of a document */
#define LAYOUT_MAX_DEPTH   16           /* nested objects and arrays */
#define LAYOUT_MAX_REGIONS 64

/** Parse and check a document. Errors (TESSERA_ERROR_INVALID, _TOO_LARGE) name the JSON path and
 *  the remedy. */
Layout *layout_parse(const char *json, gsize size, GError **error);

/** The same from a file (also TESSERA_ERROR_NOT_FOUND); the message begins with the path. */
Layout *layout_load(const char *path, GError **error);
void layout_free(Layout *layout);

const char *layout_name(const Layout *layout);

/** Background colour as 0xRRGGBB. */
guint32 layout_background(const Layout *layout);

/** Place the sources, in their order, on a canvas. Returns the number of tiles written (at most
 *  `max`); sources that find no place are left out. */
guint layout_solve(const Layout *layout, const LayoutSource *sources, guint n, int canvas_width,
                   int canvas_height, LayoutTile *tiles, guint max);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Layout, layout_free)
