#pragma once

#include <jansson.h>

#include "mixer/audio_mixer.h"
#include "room/scene.h"
#include "room/viewer.h"

/* The media of one room, from inputs to viewers. This is the file to read first:
 *
 *   audio tick:  inputs -> mixer -> voices -> viewers           graph_audio_tick(), every 20 ms
 *   scene tick:  inputs -> compositor -> renditions -> viewers  scene_tick() in scene.c, every
 * frame
 *
 * Made and changed by the control thread; the sound runs on the audio thread, the pictures on the
 * video pool, the sending on the net thread. */

typedef struct Graph Graph;

/** One participant's place in the sound: what it says, what it hears, or both. */
typedef struct GraphLeg GraphLeg;

/** Control thread: somebody begins or ceases to speak. */
typedef void (*GraphSpeaking)(const char *id, gboolean speaking, gpointer user);

typedef struct {
    gint width, height, fps;
    guint32 background_rgb;
    gint audio_bitrate_bps, audio_complexity;
    GraphSpeaking speaking;
    gpointer user;
} GraphSpec;

Graph *graph_new(Engine *engine, const GraphSpec *spec) ON_CONTROL_THREAD;

/** Stop both ticks and free; no `speaking` call follows. Legs must be removed before. */
void graph_close(Graph *graph) ON_CONTROL_THREAD;

/** `pull` (may be NULL) is called on the audio thread; `pull_user` is freed by pull_destroy once
 *  the leg is gone. viewer (may be NULL) is what hears the mix. */
typedef struct {
    const char *id;
    AudioPullFunc pull;
    gpointer pull_user;
    GDestroyNotify pull_destroy;
    Viewer *viewer;
} GraphLegSpec;

GraphLeg *graph_add_leg(Graph *graph, const GraphLegSpec *spec) ON_CONTROL_THREAD;
void graph_remove_leg(Graph *graph, GraphLeg *leg) ON_CONTROL_THREAD;

/** Who hears this leg's mix from now on (a reference is taken); NULL: nobody. */
void graph_leg_set_viewer(Graph *graph, GraphLeg *leg, Viewer *viewer) ON_CONTROL_THREAD;

/** The scene (transfer none). */
Scene *graph_scene(Graph *graph);
gint64 graph_mix_epoch_ns(const Graph *graph);

/** Calls back on the control thread with the live picture (transfer full). */
typedef void (*GraphJsonReady)(json_t *json, gpointer user);
void graph_collect(Graph *graph, GraphJsonReady ready, gpointer user) ON_CONTROL_THREAD;
