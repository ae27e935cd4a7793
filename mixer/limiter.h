#pragma once

#include <glib.h>

/* A look-ahead peak limiter for interleaved stereo at 48 kHz. Both channels get the same gain, so
 * the image does not move. The gain falls in a line over the look-ahead, so that it is low enough
 * when the peak comes out, and recovers with a time constant of 150 ms. As long as no sample is
 * above the ceiling the output is the input, bit for bit, LIMITER_DELAY frames later. */

#define LIMITER_DELAY   240       /* frames: 5 ms */
#define LIMITER_CEILING 0.891250f /* -1 dBFS */

typedef struct Limiter Limiter;

Limiter *limiter_new(void);
void limiter_free(Limiter *limiter);

/** Forget all sound: the next LIMITER_DELAY frames out are zeros. */
void limiter_reset(Limiter *limiter);

/** Continue in `to` exactly where `from` stands. */
void limiter_copy(Limiter *to, const Limiter *from);

/** Take `frames` frames in, give as many out. `in` and `out` do not overlap; samples are finite. No
 *  output sample is above the ceiling. */
void limiter_process(Limiter *limiter, const float *restrict in, float *restrict out, gsize frames);

/** TRUE if only zeros are still inside. */
gboolean limiter_is_drained(const Limiter *limiter);

/** TRUE while the gain is below 1. */
gboolean limiter_is_limiting(const Limiter *limiter);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Limiter, limiter_free)
