#pragma once

#include "mixer/audio_mixer.h"
#include "room/voices.h"

/* The sound for listeners who are not to hear everybody: the sum of some inputs, encoded once for
 * all who hear the same ones in the same way (voices.h). Audio thread. */

typedef struct Submix Submix;

/** key: equal for equal sets of inputs. */
Submix *submix_new(const char *key, const VoicesConfig *config);
void submix_free(Submix *submix);

const char *submix_key(const Submix *submix);
void submix_add(Submix *submix, AudioMixerInput *input);
void submix_remove(Submix *submix, AudioMixerInput *input);
/** No input any more: others follow. */
void submix_clear(Submix *submix);

/** Its encodes (transfer none). */
Voices *submix_voices(Submix *submix);

/** The sum of this tick, made by whoever asks first; valid until the next one. */
const float *submix_mix(Submix *submix, guint64 tick) ON_AUDIO_THREAD;

/** How many listeners have it. */
void submix_ref_listener(Submix *submix);
/** Returns TRUE if it was the last one. */
gboolean submix_unref_listener(Submix *submix);

void submix_stats(const Submix *submix, guint *listeners, guint *inputs,
                  VoicesStats *voices) ON_AUDIO_THREAD;
