#include "mixer/audio_fade.h"

#include <string.h>

#define CHANNELS  2
#define JOIN      240  /* 5 ms */
#define FADE_FROM 2880 /* 60 ms */
#define FADE_TIME 9600 /* 200 ms */

static float concealed_gain(gint concealed)
{
    float gain = 1.0f - (float)(concealed - FADE_FROM) / FADE_TIME;
    return CLAMP(gain, 0.0f, 1.0f);
}

/** Let the beginning start where the last sample was: the step that would be there dies out over
 *  the join. Where the signal goes on by itself, next to nothing changes. */
static void join(const AudioFade *fade, float *samples, gint n)
{
    if (n <= 0)
        return;
    float step[CHANNELS] = { fade->last[0] - samples[0], fade->last[1] - samples[1] };
    for (gint i = 0; i < MIN(n, JOIN); i++)
        for (gint c = 0; c < CHANNELS; c++)
            samples[i * CHANNELS + c] += step[c] * (float)(JOIN - i) / JOIN;
}

static void finish(AudioFade *fade, const float *samples, gint n)
{
    if (n <= 0)
        return;
    memcpy(fade->last, samples + (n - 1) * CHANNELS, sizeof fade->last);
    fade->sounding = TRUE;
}

void audio_fade_decoded(AudioFade *fade, float *samples, gint n)
{
    float gain = concealed_gain(fade->concealed);
    for (gint i = 0; gain < 1 && i < MIN(n, JOIN); i++)
        for (gint c = 0; c < CHANNELS; c++)
            samples[i * CHANNELS + c] *= gain + (1 - gain) * (float)i / JOIN;
    if (fade->concealed || !fade->sounding)
        join(fade, samples, n);
    fade->concealed = 0;
    finish(fade, samples, n);
}

void audio_fade_concealed(AudioFade *fade, float *samples, gint n)
{
    for (gint i = 0; i < n; i++)
        for (gint c = 0; c < CHANNELS; c++)
            samples[i * CHANNELS + c] *= concealed_gain(fade->concealed + i);
    if (!fade->concealed || !fade->sounding)
        join(fade, samples, n);
    fade->concealed = MIN(fade->concealed + n, FADE_FROM + FADE_TIME);
    finish(fade, samples, n);
}

void audio_fade_silence(AudioFade *fade, float *samples, gint n)
{
    if (n <= 0)
        return;
    memset(samples, 0, sizeof *samples * CHANNELS * (gsize)n);
    join(fade, samples, n);
    fade->concealed = FADE_FROM + FADE_TIME;
    finish(fade, samples, n);
    /* Less than 5 ms: the next silence goes on from there. */
    fade->sounding = fade->last[0] != 0 || fade->last[1] != 0;
}

void audio_fade_cut(AudioFade *fade)
{
    fade->sounding = FALSE;
}
