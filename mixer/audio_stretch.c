#include "mixer/audio_stretch.h"

#include <math.h>
#include <string.h>

#define CHANNELS             2
#define MIN_WINDOW           240 /* 5 ms: compared and cross-faded */
#define MAX_WINDOW           480
#define COARSE               4 /* the first search is done at 12 kHz */
#define COARSE_MAX           ((AUDIO_STRETCH_MAX_LAG + MAX_WINDOW) / COARSE)

#define MIN_CORRELATION      0.9f
#define MIN_CORRELATION_FAST 0.5f
#define SILENCE              1e-5f /* mean square: -50 dBFS */

void audio_stretch_played(AudioStretch *stretch, gint n)
{
    stretch->credit = MIN(stretch->credit + n / 10, AUDIO_STRETCH_MAX_LAG);
}

static float dot(const float *restrict a, const float *restrict b, gint n)
{
    float sum[4] = { 0 };
    gint i = 0;
    for (; i + 4 <= n; i += 4)
        for (gint k = 0; k < 4; k++)
            sum[k] += a[i + k] * b[i + k];
    for (; i < n; i++)
        sum[0] += a[i] * b[i];
    return sum[0] + sum[1] + sum[2] + sum[3];
}

/** Correlation of two stretches of n floats, -1..1, given the energy of each. */
static float correlation(float product, float energy_a, float energy_b)
{
    float energy = energy_a * energy_b;
    return energy > 0 ? product / sqrtf(energy) : 0;
}

static void decimate(float *restrict out, const float *restrict in, gint frames)
{
    for (gint i = 0; i < frames; i++)
        for (gint c = 0; c < CHANNELS; c++) {
            float sum = 0;
            for (gint k = 0; k < COARSE; k++)
                sum += in[(i * COARSE + k) * CHANNELS + c];
            out[i * CHANNELS + c] = sum;
        }
}

/** The best lag at 12 kHz, in samples at 48 kHz. */
static gint search_coarse(const float *samples, gint max_lag, gint window)
{
    float low[COARSE_MAX * CHANNELS] = { 0 };
    gint frames = (max_lag + window) / COARSE;
    gint best = 0;
    float best_correlation = -2;
    decimate(low, samples, frames);
    gint n = window / COARSE * CHANNELS;
    float energy = dot(low, low, n);
    for (gint lag = AUDIO_STRETCH_MIN_LAG / COARSE; lag <= frames - window / COARSE; lag++) {
        const float *later = low + lag * CHANNELS;
        float c = correlation(dot(low, later, n), energy, dot(later, later, n));
        if (c > best_correlation) {
            best_correlation = c;
            best = lag;
        }
    }
    return best * COARSE;
}

static gint search_fine(const float *samples, gint around, gint max_lag, gint window,
                        float *best_correlation)
{
    gint first = MAX(around - COARSE, AUDIO_STRETCH_MIN_LAG);
    gint last = MIN(around + COARSE, max_lag);
    gint best = first;
    gint floats = window * CHANNELS;
    float energy = dot(samples, samples, floats);
    *best_correlation = -2;
    for (gint lag = first; lag <= last; lag++) {
        const float *later = samples + lag * CHANNELS;
        float c = correlation(dot(samples, later, floats), energy, dot(later, later, floats));
        if (c > *best_correlation) {
            *best_correlation = c;
            best = lag;
        }
    }
    return best;
}

/** How many samples are compared, and after how many at most; below AUDIO_STRETCH_MIN_LAG: there
 * are too few. */
static gint search_span(gint n, gint max_lag, gint *window)
{
    *window = CLAMP(n - AUDIO_STRETCH_MAX_LAG, MIN_WINDOW, MAX_WINDOW) / COARSE * COARSE;
    return MIN(max_lag, MIN(n - *window, AUDIO_STRETCH_MAX_LAG));
}

static gboolean is_silence(const float *samples, gint n)
{
    gint floats = n * CHANNELS;
    return dot(samples, samples, floats) < SILENCE * (float)floats;
}

/** After how many samples the beginning of the buffer repeats itself; 0: it does not. */
static gint find_period(const float *samples, gint max_lag, gint window, float min_correlation)
{
    float found;
    if (is_silence(samples, max_lag + window))
        return max_lag;
    gint lag = search_coarse(samples, max_lag, window);
    lag = search_fine(samples, lag, max_lag, window, &found);
    return found >= min_correlation ? lag : 0;
}

/** out = from `from` to `to`, over n samples per channel; out may be either. */
static void cross_fade(float *out, const float *from, const float *to, gint n)
{
    for (gint i = 0; i < n; i++) {
        float weight = ((float)i + 0.5f) / (float)n;
        for (gint c = 0; c < CHANNELS; c++) {
            gint k = i * CHANNELS + c;
            out[k] = from[k] + (to[k] - from[k]) * weight;
        }
    }
}

gint audio_stretch_shorten(AudioStretch *stretch, float *samples, gint n, gint max_lag,
                           gboolean fast)
{
    gint window;
    max_lag = search_span(n, max_lag, &window);
    if (max_lag < AUDIO_STRETCH_MIN_LAG)
        return n;
    gboolean silent = is_silence(samples, max_lag + window);
    if (!silent && stretch->credit < AUDIO_STRETCH_MAX_LAG)
        return n;
    gint lag = find_period(samples, max_lag, window, fast ? MIN_CORRELATION_FAST : MIN_CORRELATION);
    if (!lag)
        return n;
    cross_fade(samples, samples, samples + lag * CHANNELS, window);
    memmove(samples + window * CHANNELS, samples + (lag + window) * CHANNELS,
            sizeof *samples * CHANNELS * (gsize)(n - lag - window));
    stretch->credit -= silent ? 0 : lag;
    return n - lag;
}

gint audio_stretch_lengthen(AudioStretch *stretch, float *samples, gint n, gint capacity)
{
    gint window;
    if (stretch->credit < AUDIO_STRETCH_MAX_LAG || capacity - n < AUDIO_STRETCH_MAX_LAG)
        return n;
    gint max_lag = search_span(n, AUDIO_STRETCH_MAX_LAG, &window);
    if (max_lag < AUDIO_STRETCH_MIN_LAG)
        return n;
    gint lag = find_period(samples, max_lag, window, MIN_CORRELATION);
    if (!lag)
        return n;
    /* One period later, go back to where the first one began to end. */
    memmove(samples + (lag + window) * CHANNELS, samples + window * CHANNELS,
            sizeof *samples * CHANNELS * (gsize)(n - window));
    cross_fade(samples + lag * CHANNELS, samples + lag * CHANNELS, samples, window);
    stretch->credit -= lag;
    return n + lag;
}
