#pragma once

#include "base/thread.h"
#include "codecs/codec.h"

/* One encode of a mix: the full mix for all who do not contribute, or one contributor's mix-minus.
 * Audio thread. */

typedef struct Voice Voice;

Voice *voice_new(const AudioEncoderConfig *config, GError **error);
void voice_free(Voice *voice);

/** Encode one tick of MIXER_TICK_FLOATS. (transfer full) the packet, or NULL. */
GBytes *voice_encode(Voice *voice, const float *samples) ON_AUDIO_THREAD;

typedef struct {
    guint64 encoded, bytes;
} VoiceStats;

void voice_stats(const Voice *voice, VoiceStats *stats) ON_AUDIO_THREAD;
