#pragma once

#include "mixer/compositor.h"
#include "room/video_input.h"

/* What a scene is to show: a solved layout with its sources, names and images filled in. Made by
 * the control thread, handed to the scene whole. */

/** One tile, as the room wants it to be. */
typedef struct {
    LayoutTileKind kind;
    char *id;          /* of the tile; the same as long as it shows the same source */
    char *source;      /* id of the source, or NULL */
    char *label;       /* or NULL */
    char *name;        /* for the initials, or NULL */
    VideoInput *input; /* (a reference) or NULL: no picture */
    VideoRect rect;
    LayoutFit fit;
    int radius, border;
    guint32 border_rgb;
    guint show;           /* bits of LayoutShow */
    guint more;           /* LAYOUT_TILE_MORE */
    Image *logo;          /* (a reference) or NULL */
    gboolean video_off;   /* the camera is switched off */
    gboolean audio_muted; /* sign */
} SceneTile;

/** Something above the tiles. */
typedef struct {
    LayoutOverlayKind kind;
    VideoRect rect;
    Image *image;        /* (a reference) or NULL */
    char *text;          /* TEXT, or the pattern of a CLOCK */
    GTimeZone *timezone; /* CLOCK */
    int scroll_px_per_s;
    LayoutAlign align;
    guint32 colour_rgb, background_rgb;
    guint8 background_alpha, opacity;
} SceneOverlay;

typedef struct {
    guint32 background_rgb;
    Image *background; /* (a reference) or NULL */
    gint64 transition_ns;
    GPtrArray *tiles;    /* of SceneTile (owned), from the lowest to the highest */
    GPtrArray *overlays; /* of SceneOverlay (owned), likewise */
} ScenePlan;

ScenePlan *scene_plan_new(void);
void scene_plan_free(ScenePlan *plan);

/** Added to the plan (transfer none); fill in the members. id is copied. */
SceneTile *scene_plan_add_tile(ScenePlan *plan, const char *id);
SceneOverlay *scene_plan_add_overlay(ScenePlan *plan);

void scene_tile_free(SceneTile *tile);

/** How high a picture of 16:9 must be to fill the tile without being enlarged. */
gint scene_tile_source_px(const SceneTile *tile);

/** The overlays as the compositor draws them at this wall-clock time. texts: (element-type char *)
 *  keeps what they point to. `out` has room for LAYOUT_MAX_OVERLAYS. Returns how many. */
guint scene_plan_overlays(const ScenePlan *plan, gint64 wall_ns, GPtrArray *texts,
                          CompositorOverlay *out);

/** TRUE if there is a clock among them. */
gboolean scene_plan_has_clock(const ScenePlan *plan);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScenePlan, scene_plan_free)
