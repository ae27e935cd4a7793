#include "mixer/mix_ops.h"

#include <math.h>
#include <string.h>

#include "mixer/level.h"

#define N 1923 /* no multiple of a vector */

static float a[N], b[N], out[N], want[N];

static void fill(guint32 seed)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
    for (gsize i = 0; i < N; i++) {
        a[i] = (float)g_rand_double_range(rand, -1.5, 1.5);
        b[i] = (float)g_rand_double_range(rand, -1.5, 1.5);
    }
}

static void assert_same(const float *got, const float *expected, gsize n)
{
    for (gsize i = 0; i < n; i++)
        g_assert_cmpmem(&got[i], sizeof *got, &expected[i], sizeof *expected);
}

/* volatile: rounds each step as written, whatever the optimiser would like. */
static float product(float x, float y)
{
    volatile float result = x * y;
    return result;
}

static void test_sums(void)
{
    for (gsize n = 0; n <= N; n += n < 70 ? 1 : 371) {
        fill((guint32)n);
        for (gsize i = 0; i < n; i++)
            want[i] = a[i] + b[i];
        memcpy(out, a, sizeof a);
        mix_add_f32(out, b, n);
        assert_same(out, want, n);
        assert_same(out + n, a + n, N - n);
        for (gsize i = 0; i < n; i++)
            want[i] = a[i] - b[i];
        mix_minus_f32(out, a, b, n);
        assert_same(out, want, n);
    }
}

static void test_gain(void)
{
    fill(1);
    for (gsize i = 0; i < N; i++)
        want[i] = product(a[i], 0.3f);
    memcpy(out, a, sizeof a);
    mix_gain_f32(out, 0.3f, N);
    assert_same(out, want, N);

    const gsize frames = N / 2;
    const float step = (0.25f - 1.0f) / (float)frames;
    for (gsize i = 0; i < frames; i++) {
        const float gain = 1.0f + product(step, (float)(i + 1));
        want[2 * i] = product(a[2 * i], gain);
        want[2 * i + 1] = product(a[2 * i + 1], gain);
    }
    memcpy(out, a, sizeof a);
    mix_gain_ramp_f32(out, 1.0f, 0.25f, frames);
    assert_same(out, want, frames * 2);
    g_assert_cmpfloat_with_epsilon(out[2 * frames - 1], a[2 * frames - 1] * 0.25f, 1e-5f);
    mix_gain_ramp_f32(out, 1, 0, 0);
}

static void test_peak(void)
{
    fill(2);
    float peak = 0;
    for (gsize i = 0; i < N; i++)
        peak = fmaxf(peak, fabsf(a[i]));
    g_assert_cmpfloat(mix_peak_f32(a, N), ==, peak);
    g_assert_cmpfloat(mix_peak_f32(a, 0), ==, 0);
    a[N - 1] = -9;
    g_assert_cmpfloat(mix_peak_f32(a, N), ==, 9);
    for (gsize at = 0; at < 40; at++) {
        fill(3);
        a[at] = NAN;
        g_assert_true(isnan(mix_peak_f32(a, N)));
        a[at] = -INFINITY;
        g_assert_false(isfinite(mix_peak_f32(a, N)));
    }
}

static void test_rms(void)
{
    for (gsize i = 0; i < N; i++)
        a[i] = i & 1 ? -0.5f : 0.5f;
    for (gsize n = 1; n < 100; n++)
        g_assert_cmpfloat(mix_rms_f32(a, n), ==, 0.5f);
    g_assert_cmpfloat(mix_rms_f32(a, 0), ==, 0);
    fill(4);
    double energy = 0;
    for (gsize i = 0; i < N; i++)
        energy += (double)a[i] * a[i];
    g_assert_cmpfloat_with_epsilon(mix_rms_f32(a, N), sqrt(energy / N), 1e-5);
}

static void test_clamp(void)
{
    fill(5);
    for (gsize i = 0; i < N; i++)
        want[i] = CLAMP(a[i], -1.0f, 1.0f);
    memcpy(out, a, sizeof a);
    mix_clamp_f32(out, 1, N);
    assert_same(out, want, N);
}

static void test_interleave(void)
{
    fill(6);
    const gsize frames = N / 2;
    mix_interleave_f32(out, a, b, frames);
    for (gsize i = 0; i < frames; i++) {
        g_assert_cmpfloat(out[2 * i], ==, a[i]);
        g_assert_cmpfloat(out[2 * i + 1], ==, b[i]);
    }
    float left[N], right[N];
    mix_deinterleave_f32(left, right, out, frames);
    assert_same(left, a, frames);
    assert_same(right, b, frames);
}

static void test_level(void)
{
    g_assert_cmpuint(level_from_rms(0), ==, 127);
    g_assert_cmpuint(level_from_rms(NAN), ==, 127);
    g_assert_cmpuint(level_from_rms(1), ==, 0);
    g_assert_cmpuint(level_from_rms(8), ==, 0);
    g_assert_cmpuint(level_from_rms(0.1f), ==, 20);
    g_assert_cmpuint(level_from_rms(1e-9f), ==, 127);
    for (gsize i = 0; i < N; i++)
        a[i] = sinf((float)i * 0.1309f);
    g_assert_cmpuint(level_measure(a, 1920), ==, 3);
    g_assert_cmpuint(level_measure(a, 0), ==, 127);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mix_ops/sums", test_sums);
    g_test_add_func("/mix_ops/gain", test_gain);
    g_test_add_func("/mix_ops/peak", test_peak);
    g_test_add_func("/mix_ops/rms", test_rms);
    g_test_add_func("/mix_ops/clamp", test_clamp);
    g_test_add_func("/mix_ops/interleave", test_interleave);
    g_test_add_func("/level/dbov", test_level);
    return g_test_run();
}
