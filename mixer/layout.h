#pragma once

#include <glib.h>

#include "mixer/video_rect.h"

/* A layout document (layouts/README.md) and its solver. The solver is pure: (layout, who is in the
 * room, canvas size) -> plan. A layout never changes after it was parsed: any thread may read it.
 * Counted. */

typedef struct Layout Layout;

typedef enum { LAYOUT_FIT_COVER, LAYOUT_FIT_CONTAIN, LAYOUT_FIT_STRETCH } LayoutFit;

/** One source that may be shown; an array of them, in the order in which they are to stand, is the
 *  state of the room. A screen follows the camera of its participant. */
typedef struct {
    const char *id;          /* of the source: "p3", "p3/screen" */
    const char *participant; /* "p3" */
    const char *name;
    const char *role; /* or NULL */
    gboolean is_screen;
    guint join;    /* 1: the first of those present who joined */
    guint speaker; /* 1: who speaks now or spoke last, 2: who spoke before, ...; 0: never spoke */
    guint pinned;  /* 1: who was pinned first, ...; 0: not pinned */
} LayoutSource;

typedef enum {
    LAYOUT_TILE_SOURCE,
    LAYOUT_TILE_PLACEHOLDER, /* the region is empty and says that this is to be seen */
    LAYOUT_TILE_MORE,        /* "+5": so many found no place in the region */
} LayoutTileKind;

/** What is drawn of a tile, as bits. */
typedef enum {
    LAYOUT_SHOW_PICTURE = 1 << 0, /* without it: the initials, and nothing is decoded for it */
    LAYOUT_SHOW_NAME = 1 << 1,
    LAYOUT_SHOW_MUTE = 1 << 2,     /* the sign of who is muted */
    LAYOUT_SHOW_SPEAKING = 1 << 3, /* the ring around who speaks */
    LAYOUT_SHOW_LEVEL = 1 << 4,    /* a bar of the loudness */
} LayoutShow;

/** Where one source (or placeholder) stands. Rectangles have even coordinates and sizes (4:2:0) and
 *  lie inside the canvas. Tiles of equal z never overlap. */
typedef struct {
    LayoutTileKind kind;
    guint source; /* SOURCE: index into the sources given to the solver */
    guint more;   /* MORE: how many */
    guint region; /* index into the regions of the document (or of its variant) */
    VideoRect rect;
    LayoutFit fit; /* screens: contain unless the region says something else */
    int radius;    /* of the corners, pixels, even; 0 = square */
    int border;    /* thickness in pixels, even; 0 = none */
    guint32 border_rgb;
    guint show;       /* bits of LayoutShow */
    const char *logo; /* name of an image for the tile's corner, or NULL; belongs to the layout */
} LayoutTile;

typedef enum { LAYOUT_OVERLAY_IMAGE, LAYOUT_OVERLAY_TEXT, LAYOUT_OVERLAY_CLOCK } LayoutOverlayKind;
typedef enum { LAYOUT_ALIGN_START, LAYOUT_ALIGN_CENTRE, LAYOUT_ALIGN_END } LayoutAlign;

/** Something above all tiles. Strings belong to the layout. */
typedef struct {
    LayoutOverlayKind kind;
    VideoRect rect;
    const char *image;    /* IMAGE: its name; always shown whole (contain) */
    const char *text;     /* TEXT: what it says; CLOCK: a g_date_time_format() pattern */
    const char *timezone; /* CLOCK: as "Europe/Berlin", or NULL: the server's */
    int scroll_px_per_s;  /* TEXT: a ticker of this speed, or 0: stands still */
    LayoutAlign align;
    guint32 colour_rgb, background_rgb;
    guint8 background_alpha; /* 0: none .. 255 */
    guint8 opacity;          /* IMAGE: 0 .. 255 */
} LayoutOverlay;

#define LAYOUT_MAX_TILES      64
#define LAYOUT_MAX_OVERLAYS   16
#define LAYOUT_MAX_SIZE       (256u << 10) /* bytes of a document */
#define LAYOUT_MAX_DEPTH      16           /* nested objects and arrays */
#define LAYOUT_MAX_REGIONS    64           /* of the document and of each variant */
#define LAYOUT_MAX_VARIANTS   16
#define LAYOUT_MAX_TRANSITION 5000 /* ms */

/** The solved layout. Strings belong to the layout. */
typedef struct {
    int width, height;
    guint32 background_rgb;
    const char *background_image; /* its name, or NULL; covers the canvas */
    guint transition_ms;
    LayoutTile tiles[LAYOUT_MAX_TILES]; /* from the lowest to the highest */
    guint n_tiles;
    LayoutOverlay overlays[LAYOUT_MAX_OVERLAYS]; /* from the lowest to the highest */
    guint n_overlays;
    guint hidden; /* sources that found no place */
} LayoutPlan;

/** Parse and check a document. Errors (TESSERA_ERROR_INVALID, _TOO_LARGE) name the JSON path and
 *  the remedy. */
Layout *layout_parse(const char *json, gsize size, GError **error);

/** The same from a file (also TESSERA_ERROR_NOT_FOUND); the message begins with the path. */
Layout *layout_load(const char *path, GError **error);
Layout *layout_ref(Layout *layout);
void layout_unref(Layout *layout);

const char *layout_name(const Layout *layout);
/** "" if the document says nothing. */
const char *layout_description(const Layout *layout);
/** The document as it was parsed (transfer none). */
const char *layout_json(const Layout *layout);

/** TRUE for what means something else where a layout is named: "schema" (schema.json lies beside
 *  the documents), "room" and "-" (the room's own layout, in addresses of HLS and RTMP). */
gboolean layout_name_reserved(const char *name);

/** TRUE for 1 to 64 letters, digits, "_", "-", "+" that are not reserved. */
gboolean layout_name_valid(const char *name);

/** Size of the canvas: the room's, or where the document names a shape, that shape with the room's
 *  shorter side. Even; no side above 1920. */
void layout_canvas(const Layout *layout, int room_width, int room_height, int *width, int *height);

/** The name of another layout to which this one leaves such a room ("use" of the variant that
 *  applies), or NULL: layout_solve() is to be asked. */
const char *layout_delegate(const Layout *layout, const LayoutSource *sources, guint n);

/** Place the sources on a canvas. Each is shown at most once unless a region says "repeat". */
void layout_solve(const Layout *layout, const LayoutSource *sources, guint n, int canvas_width,
                  int canvas_height, LayoutPlan *plan);

/** Call back with each image name that the document mentions (its background, logos, overlays). */
typedef void (*LayoutImageFunc)(const char *name, gpointer user);
void layout_each_image(const Layout *layout, LayoutImageFunc func, gpointer user);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Layout, layout_unref)
