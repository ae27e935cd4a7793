#include "mixer/level.h"

#include <math.h>

#include "mixer/mix_ops.h"

guint8 level_from_rms(float rms)
{
    if (!(rms > 0))
        return LEVEL_SILENCE;
    const float level = roundf(-20.0f * log10f(rms));
    return (guint8)CLAMP(level, 0.0f, (float)LEVEL_SILENCE);
}

guint8 level_measure(const float *samples, gsize n)
{
    return level_from_rms(mix_rms_f32(samples, n));
}
