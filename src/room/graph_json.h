#pragma once

#include <jansson.h>

#include "mixer/audio_mixer.h"
#include "room/scene.h"
#include "room/submix.h"
#include "room/voices.h"

/* The graph as JSON: what GET /api/v1/rooms/{room}/graph shows. */

typedef struct {
    guint64 ticks, concealed;
    guint own_voices, shared_listeners; /* of the newest tick */
    gint64 cpu_ns;
} GraphAudioStats;

/** (transfer full) One participant's place in the sound; input may be NULL. */
json_t *graph_leg_json(const char *id, const AudioMixerInput *input, gboolean listens,
                       gboolean speaking, const VoicesStats *own) ON_AUDIO_THREAD;

/** (transfer full) inputs, submixes: (transfer full). */
json_t *graph_to_json(json_t *inputs, json_t *submixes, const GraphAudioStats *audio,
                      const VoicesStats *shared);

/** (transfer full) One scene with its renditions. Any thread. */
json_t *graph_scene_json(Scene *scene);

/** (transfer full) */
json_t *graph_submix_json(const Submix *submix) ON_AUDIO_THREAD;
