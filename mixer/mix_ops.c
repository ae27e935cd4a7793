#include "mixer/mix_ops.h"

#include <math.h>
#include <string.h>

/* Not under clang 14, whose clones of a function declared elsewhere do not link; not under a
 * sanitizer, whose runtime is not up yet when the resolvers run. */
#if defined(__x86_64__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define MIX_KERNEL __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define MIX_KERNEL
#endif

#define RMS_LANES 16

MIX_KERNEL void mix_add_f32(float *restrict sum, const float *restrict in, gsize n)
{
    for (gsize i = 0; i < n; i++)
        sum[i] += in[i];
}

MIX_KERNEL void mix_minus_f32(float *restrict out, const float *restrict mix,
                              const float *restrict own, gsize n)
{
    for (gsize i = 0; i < n; i++)
        out[i] = mix[i] - own[i];
}

MIX_KERNEL void mix_gain_f32(float *samples, float gain, gsize n)
{
    for (gsize i = 0; i < n; i++)
        samples[i] *= gain;
}

MIX_KERNEL void mix_gain_ramp_f32(float *samples, float from, float to, gsize frames)
{
    const float step = frames ? (to - from) / (float)frames : 0;
    for (gint32 i = 0; i < (gint32)frames; i++) {
        const float gain = from + step * (float)(i + 1);
        samples[2 * i] *= gain;
        samples[2 * i + 1] *= gain;
    }
}

MIX_KERNEL float mix_peak_f32(const float *in, gsize n)
{
    /* Without its sign a float orders as its bits do, and NaN is above infinity. */
    guint32 peak = 0;
    for (gsize i = 0; i < n; i++) {
        guint32 bits;
        memcpy(&bits, &in[i], sizeof bits);
        bits &= 0x7fffffffu;
        peak = bits > peak ? bits : peak;
    }
    float result;
    memcpy(&result, &peak, sizeof result);
    return result;
}

MIX_KERNEL static float mix_energy(const float *in, gsize n)
{
    float lanes[RMS_LANES] = { 0 };
    gsize i = 0;
    for (; i + RMS_LANES <= n; i += RMS_LANES)
        for (gsize k = 0; k < RMS_LANES; k++)
            lanes[k] += in[i + k] * in[i + k];
    for (gsize k = 0; i + k < n; k++)
        lanes[k] += in[i + k] * in[i + k];
    float sum = 0;
    for (gsize k = 0; k < RMS_LANES; k++)
        sum += lanes[k];
    return sum;
}

float mix_rms_f32(const float *in, gsize n)
{
    return n ? sqrtf(mix_energy(in, n) / (float)n) : 0;
}

MIX_KERNEL void mix_clamp_f32(float *samples, float limit, gsize n)
{
    for (gsize i = 0; i < n; i++) {
        const float low = samples[i] < -limit ? -limit : samples[i];
        samples[i] = low > limit ? limit : low;
    }
}

MIX_KERNEL void mix_interleave_f32(float *restrict out, const float *restrict left,
                                   const float *restrict right, gsize frames)
{
    for (gsize i = 0; i < frames; i++) {
        out[2 * i] = left[i];
        out[2 * i + 1] = right[i];
    }
}

MIX_KERNEL void mix_deinterleave_f32(float *restrict left, float *restrict right,
                                     const float *restrict in, gsize frames)
{
    for (gsize i = 0; i < frames; i++) {
        left[i] = in[2 * i];
        right[i] = in[2 * i + 1];
    }
}
