#pragma once

#include "base/thread.h"
#include "room/ladder.h"
#include "room/presence.h"
#include "room/scene_plan.h"

/* A layout being composed in a room, at a fixed rate, on its own strand:
 *   for each tile the newest picture that is due -> compositor -> canvas -> renditions with takers
 * A scene that nobody takes is not composed. Counted; any thread may hold a reference. */

typedef struct Scene Scene;

typedef struct {
    gint width, height, fps;
    gint64 mix_epoch_ns; /* time zero of the room's output clocks */
} SceneSpec;

/** A reference of `presence` is taken. */
Scene *scene_new(Engine *engine, const SceneSpec *spec, Presence *presence);
Scene *scene_ref(Scene *scene);
void scene_unref(Scene *scene);

/** Begin ticking, until scene_stop() or scene_retire(). */
void scene_start(Scene *scene);
/** At once. */
void scene_stop(Scene *scene);
/** As soon as its last viewer has gone over to another scene, or after some seconds. */
void scene_retire(Scene *scene);

/** Show this from the next tick on (transfer full). Any thread. */
void scene_set_plan(Scene *scene, ScenePlan *plan);

/** Its renditions in this codec, as video.bitrate and video.ladder say; those that are not there
 * yet are made (transfer full). Any thread. */
Ladder *scene_ladder(Scene *scene, const CodecType *codec);

/** One rendition at a size of its own: the canvas is scaled to it (transfer full). Any thread. */
Rendition *scene_rendition_sized(Scene *scene, const CodecType *codec, gint width, gint height,
                                 gint bitrate_bps);

/** One picture of the canvas, as soon as the sources that are shown have one each (a second at
 *  most): composed also when nobody watches. Called once on the scene's strand, with a copy
 *  (transfer full), or NULL when the scene stops before. Any thread. */
typedef void (*SceneSnapshot)(AVFrame *canvas, gpointer user);
void scene_snapshot(Scene *scene, SceneSnapshot snapshot, gpointer user);

typedef struct {
    guint64 ticks, idle_ticks, late_ticks, skipped_ticks;
    CompositorStats compositor;
    gint64 compose_cpu_ns;
    guint tiles;
} SceneStats;

/** Any thread. */
void scene_stats(Scene *scene, SceneStats *stats);
const SceneSpec *scene_spec(const Scene *scene);

/** How many viewers take it. Any thread. */
guint scene_viewers(Scene *scene);

/** (transfer full) GPtrArray of Rendition references. Any thread. */
GPtrArray *scene_renditions(Scene *scene);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Scene, scene_unref)
