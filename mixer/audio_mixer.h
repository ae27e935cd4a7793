#pragma once

#include "base/thread.h"

/* The sum of everybody in a room, once per 20 ms tick, and for each contributor the sum without
 * himself (mix-minus). Float, 48 kHz, interleaved stereo, MIXER_TICK_SAMPLES per channel. A
 * look-ahead limiter (mixer/limiter.h) stands before every output: nothing clips. The mixer never
 * waits: a source that has nothing yields concealment or silence by itself. */

#define MIXER_TICK_SAMPLES 960
#define MIXER_CHANNELS     2
#define MIXER_TICK_FLOATS  (MIXER_TICK_SAMPLES * MIXER_CHANNELS)

typedef struct AudioMixer AudioMixer;
typedef struct AudioMixerInput AudioMixerInput;

/** How a source filled its tick. */
typedef enum {
    AUDIO_PULL_SILENT, /* `out` was not written: counts as zeros */
    AUDIO_PULL_SOUND,
    AUDIO_PULL_CONCEALED, /* some or all of it was made up */
} AudioPull;

/** Yields exactly MIXER_TICK_FLOATS samples for the tick at now_ns; never waits. */
typedef AudioPull (*AudioPullFunc)(gpointer user, gint64 now_ns, float *out);

AudioMixer *audio_mixer_new(void);
void audio_mixer_free(AudioMixer *mixer);

AudioMixerInput *audio_mixer_add(AudioMixer *mixer, AudioPullFunc pull,
                                 gpointer user) ON_AUDIO_THREAD;
void audio_mixer_remove(AudioMixer *mixer, AudioMixerInput *input) ON_AUDIO_THREAD;

/** Linear gain, reached by a ramp of one tick; 0 mutes. Default 1. */
void audio_mixer_input_set_gain(AudioMixerInput *input, float gain) ON_AUDIO_THREAD;

/** Pull one tick for every input and sum. Returns the number of inputs concealed. */
guint audio_mixer_tick(AudioMixer *mixer, gint64 now_ns) ON_AUDIO_THREAD;

/** TRUE while the input is part of the sum: it sounded (above -70 dBFS) within the last second.
 *  Who does not contribute hears the full mix. */
gboolean audio_mixer_input_contributes(const AudioMixerInput *input) ON_AUDIO_THREAD;

/** The limited full mix of this tick (transfer none, valid until the next tick). */
const float *audio_mixer_full(AudioMixer *mixer) ON_AUDIO_THREAD;

/** The limited mix without this input. Call once per tick for each contributor (the limiter keeps
 *  its state per input); valid until the next tick. */
const float *audio_mixer_minus(AudioMixer *mixer, AudioMixerInput *input) ON_AUDIO_THREAD;

/** A sub-mix: the limited sum of some inputs only, for those who are not to hear everybody. */
typedef struct AudioMixerBus AudioMixerBus;

AudioMixerBus *audio_mixer_bus_new(void);
void audio_mixer_bus_free(AudioMixerBus *bus);

/** The sub-mix of these inputs in this tick (transfer none, valid until the next call). Once per
 *  tick; another set of inputs than in the tick before begins without a click. */
const float *audio_mixer_bus_mix(AudioMixerBus *bus, AudioMixerInput *const *inputs,
                                 guint n) ON_AUDIO_THREAD;

/** Level of the input's last tick before its gain: RMS as dBov, 0 loudest .. 127 silence, as
 *  RFC 6464 says it. */
guint8 audio_mixer_input_level(const AudioMixerInput *input) ON_AUDIO_THREAD;

/** TRUE if this tick's full mix is digital silence (every input silent). */
gboolean audio_mixer_is_silent(const AudioMixer *mixer) ON_AUDIO_THREAD;

/** The delay of the limiter, in samples: an output sample belongs to the input this much before. */
guint audio_mixer_delay_samples(const AudioMixer *mixer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(AudioMixer, audio_mixer_free)
