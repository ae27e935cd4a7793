#include "mixer/limiter.h"

#include <math.h>
#include <string.h>

#define TICK 960

static float in[TICK * 100 * 2], out[TICK * 100 * 2];

static void tone(float *samples, gsize frames, double hz, float amplitude)
{
    for (gsize i = 0; i < frames; i++)
        samples[2 * i] = samples[2 * i + 1] = amplitude * (float)sin(2 * G_PI * hz * i / 48000);
}

static void run(Limiter *limiter, gsize frames, gsize step)
{
    for (gsize done = 0; done < frames; done += step)
        limiter_process(limiter, in + 2 * done, out + 2 * done, MIN(step, frames - done));
}

static void test_transparent(void)
{
    static const gsize steps[] = { 960, 7, 240, 241, 480 };
    for (guint i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autoptr(Limiter) limiter = limiter_new();
        tone(in, TICK * 10, 440, LIMITER_CEILING);
        run(limiter, TICK * 10, steps[i]);
        for (gsize k = 0; k < LIMITER_DELAY * 2; k++)
            g_assert_cmpfloat(out[k], ==, 0);
        g_assert_cmpmem(out + LIMITER_DELAY * 2, (TICK * 10 - LIMITER_DELAY) * 2 * sizeof *out, in,
                        (TICK * 10 - LIMITER_DELAY) * 2 * sizeof *in);
        g_assert_false(limiter_is_limiting(limiter));
    }
}

static void test_ceiling(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    g_autoptr(Limiter) limiter = limiter_new();
    for (gsize i = 0; i < G_N_ELEMENTS(in); i++) {
        const double loud = g_rand_int_range(rand, 0, 200) == 0 ? 30 : 0.7;
        in[i] = (float)(loud * g_rand_double_range(rand, -1, 1));
    }
    run(limiter, G_N_ELEMENTS(in) / 2, TICK);
    for (gsize i = 0; i < G_N_ELEMENTS(out); i++)
        g_assert_cmpfloat(fabsf(out[i]), <=, LIMITER_CEILING);
}

/* One loud frame: the gain falls in a line before it, meets the ceiling at it, recovers after it,
 * and in the end the output is the input again. */
static void test_shape(void)
{
    g_autoptr(Limiter) limiter = limiter_new();
    for (gsize i = 0; i < G_N_ELEMENTS(in); i++)
        in[i] = 0.1f;
    const gsize peak = 5000;
    in[2 * peak] = -4;
    run(limiter, G_N_ELEMENTS(in) / 2, TICK);
    const float *at = out + 2 * (peak + LIMITER_DELAY);
    g_assert_cmpfloat_with_epsilon(at[0], -LIMITER_CEILING, 0.01f);
    g_assert_cmpfloat_with_epsilon(at[1], 0.1f * LIMITER_CEILING / 4, 0.001f);
    g_assert_cmpfloat(at[-2 * LIMITER_DELAY - 2], ==, 0.1f);
    for (gssize i = -LIMITER_DELAY; i < 0; i++) {
        const float fall = at[2 * i + 1] - at[2 * i + 3];
        g_assert_cmpfloat(fall, >=, 0);
        g_assert_cmpfloat(fall, <, 0.1f / LIMITER_DELAY * 1.01f);
    }
    const float after_150ms = at[2 * (7200 + LIMITER_DELAY) + 1];
    g_assert_cmpfloat(after_150ms, >, 0.05f);
    g_assert_cmpfloat(after_150ms, <, 0.09f);
    g_assert_cmpfloat(out[G_N_ELEMENTS(out) - 1], >, 0.0998f);
    memset(in, 0, sizeof in);
    for (guint i = 0; i < 4; i++)
        run(limiter, G_N_ELEMENTS(in) / 2, TICK);
    g_assert_false(limiter_is_limiting(limiter));
    g_assert_true(limiter_is_drained(limiter));
}

static void test_linked(void)
{
    g_autoptr(Limiter) limiter = limiter_new();
    tone(in, TICK * 20, 300, 1);
    for (gsize i = 0; i < TICK * 20; i++) {
        in[2 * i] *= 8;
        in[2 * i + 1] *= 0.5f;
    }
    run(limiter, TICK * 20, TICK);
    for (gsize i = TICK; i < TICK * 20; i++)
        g_assert_cmpfloat_with_epsilon(out[2 * i], out[2 * i + 1] * 16, 1e-5f);
}

static void test_copy(void)
{
    g_autoptr(Limiter) one = limiter_new(), other = limiter_new();
    tone(in, TICK * 4, 1000, 3);
    run(one, TICK * 2 + 100, TICK);
    limiter_copy(other, one);
    float first[TICK * 2], second[TICK * 2];
    limiter_process(one, in + 2 * (TICK * 2 + 100), first, TICK);
    limiter_process(other, in + 2 * (TICK * 2 + 100), second, TICK);
    g_assert_cmpmem(first, sizeof first, second, sizeof second);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/limiter/transparent", test_transparent);
    g_test_add_func("/limiter/ceiling", test_ceiling);
    g_test_add_func("/limiter/shape", test_shape);
    g_test_add_func("/limiter/linked", test_linked);
    g_test_add_func("/limiter/copy", test_copy);
    return g_test_run();
}
