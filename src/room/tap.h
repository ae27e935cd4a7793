#pragma once

#include "io/sink.h"
#include "room/graph.h"
#include "room/scene.h"

/* What carries a room's packets into a sink: a rendition of whichever scene the sink's view has,
 * and a mix as AAC or Opus, or one of the two. The sink is started at the first key frame, when the
 * streams are known; when its scene changes it goes over at a key frame of the same codec and size.
 * Counted. */

typedef struct Tap Tap;

typedef struct {
    const CodecType *video; /* NULL: sound only */
    gint width, height, bitrate_bps;
    GraphTapCodec audio;    /* NONE: pictures only */
    GraphMix *mix;          /* (transfer none: longer than the tap) or NULL: everybody's */
    gint audio_bitrate_bps; /* for the description of the stream */
} TapSpec;

/** A reference of the sink is taken. scene may be NULL if there is no video. Pictures or sound or
 *  both. */
Tap *tap_new(Engine *engine, Graph *graph, Scene *scene, const TapSpec *spec,
             Sink *sink) ON_CONTROL_THREAD;

/** Its view has this scene now. */
void tap_follow(Tap *tap, Scene *scene) ON_CONTROL_THREAD;

/** A key frame, please (SinkEvents.want_keyframe). Any thread. */
void tap_want_keyframe(Tap *tap);

/** No packet reaches the sink any more; the sink itself is the caller's to finish. Frees the tap.
 */
void tap_close(Tap *tap) ON_CONTROL_THREAD;
