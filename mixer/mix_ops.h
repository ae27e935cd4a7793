#pragma once

#include <glib.h>

/* Kernels of the audio mix: pure, no allocation, sum in float, nothing clips in here. Buffers need
 * no alignment. Every build of a kernel (AVX-512, AVX2, plain) yields the same bits. Any thread. */

/** sum[i] += in[i]. */
void mix_add_f32(float *restrict sum, const float *restrict in, gsize n);

/** out[i] = mix[i] - own[i]: everybody but me. */
void mix_minus_f32(float *restrict out, const float *restrict mix, const float *restrict own,
                   gsize n);

/** samples[i] *= gain. */
void mix_gain_f32(float *samples, float gain, gsize n);

/** Interleaved stereo, scaled by a line that starts after `from` and ends at `to`. */
void mix_gain_ramp_f32(float *samples, float from, float to, gsize frames);

/** max |in[i]|. Infinite or NaN if any sample is. */
float mix_peak_f32(const float *in, gsize n);

/** sqrt(mean(in[i]^2)), 0 for n = 0; summed in 16 lanes so that the order is always the same. */
float mix_rms_f32(const float *in, gsize n);

/** Confine each sample to -limit..limit. Samples must not be NaN. */
void mix_clamp_f32(float *samples, float limit, gsize n);

/** out = left[0] right[0] left[1] right[1] ... */
void mix_interleave_f32(float *restrict out, const float *restrict left,
                        const float *restrict right, gsize frames);

/** The reverse of mix_interleave_f32. */
void mix_deinterleave_f32(float *restrict left, float *restrict right, const float *restrict in,
                          gsize frames);
