#pragma once

#include "base/thread.h"
#include "mixer/compositor.h"
#include "room/rendition.h"
#include "room/video_input.h"

/* A layout being composed in a room, at a fixed rate, on its own strand:
 *   for each tile the newest picture that is due -> compositor -> canvas -> renditions with takers
 * A scene that nobody takes is not composed. Counted; any thread may hold a reference. */

typedef struct Scene Scene;

/** One tile, as the room wants it to be. */
typedef struct {
    char *id;          /* of the source; the same as long as it is the same source */
    char *label;       /* or NULL */
    VideoInput *input; /* (a reference) or NULL */
    VideoRect rect;
    LayoutFit fit;
    int radius;           /* of the corners */
    gboolean video_off;   /* the sender switched its camera off */
    gboolean audio_muted; /* sign */
} SceneTile;

/** (transfer full) of all members. */
SceneTile *scene_tile_new(const char *id, const char *label, VideoInput *input);
void scene_tile_free(SceneTile *tile);

typedef struct {
    gint width, height, fps;
    guint32 background_rgb;
    gint64 mix_epoch_ns; /* time zero of the room's output clocks */
} SceneSpec;

Scene *scene_new(Engine *engine, const SceneSpec *spec);
Scene *scene_ref(Scene *scene);
void scene_unref(Scene *scene);

/** Begin ticking, until scene_stop(). */
void scene_start(Scene *scene);
void scene_stop(Scene *scene);

/** Show these tiles from the next tick on (GPtrArray of SceneTile, transfer full). Any thread. */
void scene_set_tiles(Scene *scene, GPtrArray *tiles);

/** Border on or off. Any thread. */
void scene_set_speaking(Scene *scene, const char *tile_id, gboolean speaking);

/** The rendition of this codec, made if there is none yet (transfer full). Any thread. */
Rendition *scene_rendition(Scene *scene, const CodecType *codec, gint bitrate_bps);

typedef struct {
    guint64 ticks, idle_ticks, late_ticks, skipped_ticks;
    CompositorStats compositor;
    gint64 compose_cpu_ns;
    guint tiles;
} SceneStats;

/** Any thread. */
void scene_stats(Scene *scene, SceneStats *stats);
const SceneSpec *scene_spec(const Scene *scene);

/** (transfer full) GPtrArray of Rendition references. Any thread. */
GPtrArray *scene_renditions(Scene *scene);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Scene, scene_unref)
