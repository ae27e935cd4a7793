#pragma once

#include <glib.h>

/* Audio levels as RTP carries them: RFC 6464 section 3, -dBov in 0 (loudest) .. 127 (silence). 0
 * dBov is the RMS of a full-scale square wave, so a full-scale sine has level 3 (RFC 6465 appendix
 * A). */

#define LEVEL_SILENCE 127

/** The level of an RMS amplitude, full scale being 1. */
guint8 level_from_rms(float rms);

/** The level of n samples. */
guint8 level_measure(const float *samples, gsize n);
