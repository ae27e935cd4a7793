#pragma once

#include "mixer/audio_mixer.h"

/* The decoded sound of one feed on its way from its decoder's strand to the audio thread: two
 * seconds of 48 kHz stereo, each sample with its sender's time. It is read at a moment of that time
 * and follows it by resampling (a windowed sinc, at most 0.6 %); where that does not do, or where
 * sound is missing, it fades. Any thread; never allocates after it was made. */

typedef struct FeedSound FeedSound;

FeedSound *feed_sound_new(void);
void feed_sound_free(FeedSound *sound);

/** Append `n` samples per channel, of which the first was captured at time_ns. They are joined to
 *  the sound before (`samples` is changed): a gap of up to a second is filled with silence, what
 *  was there already is left out, and after a larger step everything begins anew. */
void feed_sound_write(FeedSound *sound, float *samples, guint n, gint64 time_ns);

/** Other times follow: what waits is forgotten. */
void feed_sound_restart(FeedSound *sound);

/** One tick, of which the first sample is that of time_ns. *missing: the sound ended
 *  before the tick did. */
AudioPull feed_sound_read(FeedSound *sound, gint64 time_ns, float *out, gboolean *missing);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FeedSound, feed_sound_free)
