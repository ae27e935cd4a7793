#pragma once

#include <jansson.h>
#include <libavcodec/packet.h>

#include "mixer/audio_mixer.h"
#include "room/engine.h"
#include "room/presence.h"
#include "room/viewer.h"

/* The media of one room, from inputs to viewers. This is the file to read first:
 *
 *   audio tick:  inputs -> mixer -> voices -> viewers           graph_audio_tick(), every 20 ms
 *   scene tick:  inputs -> compositor -> renditions -> viewers  scene_tick() in scene.c, for each
 *                                                               scene of room_views.c, every frame
 *
 * Made and changed by the control thread; the sound runs on the audio thread, the pictures on the
 * video pool, the sending on the net thread. */

typedef struct Graph Graph;

/** One participant's place in the sound: what it says, what it hears, or both. */
typedef struct GraphLeg GraphLeg;

/** Control thread: somebody begins or ceases to speak. */
typedef void (*GraphSpeaking)(const char *id, gboolean speaking, gpointer user);

/** Control thread: this one has the floor now (active_speaker.h). */
typedef void (*GraphSpeaker)(const char *id, gpointer user);

typedef struct {
    gint audio_bitrate_bps, audio_complexity, aac_bitrate_bps;
    gint64 speaker_hold_ns;
    GraphSpeaking speaking;
    GraphSpeaker speaker;
    gpointer user;
} GraphSpec;

Graph *graph_new(Engine *engine, const GraphSpec *spec) ON_CONTROL_THREAD;

/** Stop the tick and free; no call of the spec's functions follows. Legs must be removed before. */
void graph_close(Graph *graph) ON_CONTROL_THREAD;

/** `pull` (may be NULL) is called on the audio thread; `pull_user` is freed by pull_destroy once
 *  the leg is gone. viewer (may be NULL) is what hears the mix. */
typedef struct {
    const char *id;
    AudioPullFunc pull;
    gpointer pull_user;
    GDestroyNotify pull_destroy;
    gint (*said_level)(gpointer pull_user); /* audio_input_said_level(), or NULL */
    Viewer *viewer;
} GraphLegSpec;

GraphLeg *graph_add_leg(Graph *graph, const GraphLegSpec *spec) ON_CONTROL_THREAD;
void graph_remove_leg(Graph *graph, GraphLeg *leg) ON_CONTROL_THREAD;

/** Who hears this leg's mix from now on (a reference is taken); NULL: nobody. */
void graph_leg_set_viewer(Graph *graph, GraphLeg *leg, Viewer *viewer) ON_CONTROL_THREAD;

/** Linear gain of what this leg says; 0 mutes it, and it cannot have the floor then. */
void graph_leg_set_gain(Graph *graph, GraphLeg *leg, float gain) ON_CONTROL_THREAD;

/** From now on `listener` hears only these legs. key: equal for equal sets. */
void graph_leg_hear_some(Graph *graph, GraphLeg *listener, const char *key, GraphLeg *const *legs,
                         guint n) ON_CONTROL_THREAD;
/** Everybody but itself, as in the beginning. */
void graph_leg_hear_all(Graph *graph, GraphLeg *listener) ON_CONTROL_THREAD;

/** The sum of some legs, for sinks that are not to hear everybody. */
typedef struct GraphMix GraphMix;

/** Of nobody yet. hears: what the live picture calls it. */
GraphMix *graph_add_mix(Graph *graph, const char *hears) ON_CONTROL_THREAD;
/** Its taps must be removed before. */
void graph_remove_mix(Graph *graph, GraphMix *mix) ON_CONTROL_THREAD;
/** From now on it is the sum of these legs; its encodes go on. */
void graph_mix_hear(Graph *graph, GraphMix *mix, GraphLeg *const *legs, guint n) ON_CONTROL_THREAD;

/** As what a sink takes a mix; NONE: not at all. */
typedef enum { GRAPH_TAP_NONE, GRAPH_TAP_AAC, GRAPH_TAP_OPUS } GraphTapCodec;

/** On the audio thread; must not wait. pts, dts and duration: microseconds since the mix began. */
typedef void (*GraphTap)(const AVPacket *packet, gpointer user);

/** Who takes a mix as packets, besides the viewers; mix NULL: everybody's. `user` is freed with
 *  user_free after graph_remove_tap(), which names it. A mix is encoded once for all who take the
 *  same codec; Opus is the listeners' own. */
void graph_add_tap(Graph *graph, GraphMix *mix, GraphTapCodec codec, GraphTap tap, gpointer user,
                   GDestroyNotify user_free) ON_CONTROL_THREAD;
void graph_remove_tap(Graph *graph, gpointer user) ON_CONTROL_THREAD;

/** While the active speaker speaks, all others are 9 dB quieter. */
void graph_set_ducking(Graph *graph, gboolean on) ON_CONTROL_THREAD;

/** For the scenes (transfer none). */
Presence *graph_presence(Graph *graph);
gint64 graph_mix_epoch_ns(const Graph *graph);

/** Calls back on the control thread with the live picture of the sound (transfer full). */
typedef void (*GraphJsonReady)(json_t *json, gpointer user);
void graph_collect(Graph *graph, GraphJsonReady ready, gpointer user) ON_CONTROL_THREAD;
