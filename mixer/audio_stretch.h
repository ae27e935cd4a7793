#pragma once

#include <glib.h>

/* Time stretching by WSOLA: one pitch period (2.5 to 15 ms) is taken out or put in where the signal
 * repeats itself, with a cross-fade; pitch and timbre stay. Interleaved stereo floats at 48 kHz;
 * counts are samples per channel. Pure: no allocation, no clock. */

#define AUDIO_STRETCH_MIN_LAG 120 /* 2.5 ms */
#define AUDIO_STRETCH_MAX_LAG 720 /* 15 ms */

/** How much may be stretched now: what was played earns a tenth of itself, so that speed changes
 *  by 10 % at most. Start zero-initialised. */
typedef struct {
    gint credit;
} AudioStretch;

/** `n` samples were played (once a tick). */
void audio_stretch_played(AudioStretch *stretch, gint n);

/** Take about one pitch period, at most `max_lag` samples, out of the buffer's beginning. `fast` is
 *  content with a correlation of 0.5 instead of 0.9; silence always will do, and is not counted
 *  among the 10 %. Best with 960 samples
 *  or more; less than 360 are left alone. Returns the new count: `n` if the signal does not allow
 *  it, or the 10 % are used. */
gint audio_stretch_shorten(AudioStretch *stretch, float *samples, gint n, gint max_lag,
                           gboolean fast);

/** Put about one pitch period in. The buffer has room for `capacity` samples per channel; at least
 *  n + AUDIO_STRETCH_MAX_LAG is needed. Returns the new count. */
gint audio_stretch_lengthen(AudioStretch *stretch, float *samples, gint n, gint capacity);
