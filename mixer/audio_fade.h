#pragma once

#include <glib.h>

/* The seams of one input's sound: concealment fades to silence, and where sound stops, comes back
 * or was cut there is no click. Interleaved stereo floats at 48 kHz; counts are samples per
 * channel. Pure: no allocation, no clock. Everything that an input yields goes through here once,
 * in order, right after it was decoded (before it is stretched). */

/** Start zero-initialised: as after silence. */
typedef struct {
    float last[2];     /* the newest samples that went through */
    gint concealed;    /* samples that were made up in a row */
    gboolean sounding; /* what comes next continues what was last */
} AudioFade;

/** Decoded sound (FEC too). After concealment or silence it is joined over 5 ms. */
void audio_fade_decoded(AudioFade *fade, float *samples, gint n);

/** Made-up sound: after 60 ms of it, it fades to silence within 200 ms. */
void audio_fade_concealed(AudioFade *fade, float *samples, gint n);

/** Silence is written into `samples`; the sound before it ends within 5 ms. */
void audio_fade_silence(AudioFade *fade, float *samples, gint n);

/** Something was left out: the next samples are joined over 5 ms. */
void audio_fade_cut(AudioFade *fade);
