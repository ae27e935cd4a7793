#include "mixer/limiter.h"

#include <math.h>
#include <string.h>

#include "mixer/mix_ops.h"

/*  in -> gain each frame needs -> minimum over the look-ahead -> release -> mean over the
 * look-ahead
 *     -> delay ------------------------------------------------------------------> * -> out
 *
 *  A frame comes out when it is LIMITER_DELAY old. The mean at that moment is taken over WINDOW
 *  values, each of them a minimum that covers this frame, so the gain is never too high for it.
 *  Gains are integers (Q30): a running sum of them stays exact, and 1 is exactly 1. */

#define WINDOW        (LIMITER_DELAY + 1)
#define RING          256 /* a power of two above WINDOW */
#define ONE           (1 << 30)
#define RELEASE_STEPS 7200 /* 150 ms */

struct Limiter {
    /* sound */
    float delay[LIMITER_DELAY * 2];

    /* minimum: frames that need less than ONE, gains rising from the oldest to the newest */
    guint64 now;
    struct {
        guint64 frame;
        gint32 gain;
    } low[RING];
    guint low_first, low_count;

    /* release and mean */
    gint32 released;
    gint32 history[WINDOW];
    guint history_pos;
    gint64 history_sum;
};

Limiter *limiter_new(void)
{
    Limiter *limiter = g_new0(Limiter, 1);
    limiter_reset(limiter);
    return limiter;
}

void limiter_free(Limiter *limiter)
{
    g_free(limiter);
}

void limiter_reset(Limiter *limiter)
{
    memset(limiter, 0, sizeof *limiter);
    limiter->released = ONE;
    for (guint i = 0; i < WINDOW; i++)
        limiter->history[i] = ONE;
    limiter->history_sum = (gint64)WINDOW * ONE;
}

void limiter_copy(Limiter *to, const Limiter *from)
{
    *to = *from;
}

gboolean limiter_is_limiting(const Limiter *limiter)
{
    return limiter->low_count || limiter->history_sum != (gint64)WINDOW * ONE;
}

gboolean limiter_is_drained(const Limiter *limiter)
{
    return mix_peak_f32(limiter->delay, G_N_ELEMENTS(limiter->delay)) == 0;
}

static void limiter_delay(Limiter *limiter, const float *restrict in, float *restrict out,
                          gsize frames)
{
    const gsize held = MIN(frames, LIMITER_DELAY) * 2;
    const gsize kept = LIMITER_DELAY * 2 - held;
    const gsize total = frames * 2;
    memcpy(out, limiter->delay, held * sizeof *out);
    memcpy(out + held, in, (total - held) * sizeof *out);
    memmove(limiter->delay, limiter->delay + held, kept * sizeof *in);
    memcpy(limiter->delay + kept, in + total - held, held * sizeof *in);
}

static gint32 limiter_needed(const float *frame)
{
    const float peak = MAX(fabsf(frame[0]), fabsf(frame[1]));
    if (peak <= LIMITER_CEILING)
        return ONE;
    return (gint32)((double)LIMITER_CEILING / peak * ONE);
}

/* The lowest gain that any of the last WINDOW frames needs: a queue that drops whoever is
 * outlived by a lower one. */
static gint32 limiter_minimum(Limiter *limiter, gint32 needed)
{
    if (limiter->low_count && limiter->now - limiter->low[limiter->low_first].frame >= WINDOW) {
        limiter->low_first = (limiter->low_first + 1) % RING;
        limiter->low_count--;
    }
    if (needed < ONE) {
        while (limiter->low_count) {
            const guint last = (limiter->low_first + limiter->low_count - 1) % RING;
            if (limiter->low[last].gain < needed)
                break;
            limiter->low_count--;
        }
        const guint end = (limiter->low_first + limiter->low_count++) % RING;
        limiter->low[end].frame = limiter->now;
        limiter->low[end].gain = needed;
    }
    limiter->now++;
    return limiter->low_count ? limiter->low[limiter->low_first].gain : ONE;
}

static float limiter_gain(Limiter *limiter, gint32 minimum)
{
    const gint32 missing = ONE - limiter->released;
    const gint32 step = missing ? missing / RELEASE_STEPS + 1 : 0;
    limiter->released = MIN(limiter->released + step, minimum);
    limiter->history_sum += limiter->released - limiter->history[limiter->history_pos];
    limiter->history[limiter->history_pos] = limiter->released;
    limiter->history_pos = (limiter->history_pos + 1) % WINDOW;
    if (limiter->history_sum == (gint64)WINDOW * ONE)
        return 1;
    return (float)((double)limiter->history_sum / ((double)WINDOW * ONE));
}

void limiter_process(Limiter *limiter, const float *restrict in, float *restrict out, gsize frames)
{
    limiter_delay(limiter, in, out, frames);
    if (!limiter_is_limiting(limiter) && mix_peak_f32(in, frames * 2) <= LIMITER_CEILING)
        return;
    for (gsize i = 0; i < frames; i++) {
        const gint32 minimum = limiter_minimum(limiter, limiter_needed(in + 2 * i));
        const float gain = limiter_gain(limiter, minimum);
        out[2 * i] *= gain;
        out[2 * i + 1] *= gain;
    }
    /* The last bit of a rounded product may stand above the ceiling. */
    mix_clamp_f32(out, LIMITER_CEILING, frames * 2);
}
