#include "mixer/audio_stretch.h"

#include <glib.h>
#include <math.h>
#include <string.h>

#define TICK          960
#define RATE          48000
#define SECONDS       10
#define MINUS_40_DBFS 0.01

typedef enum { SHORTEN, LENGTHEN } Direction;

/** `n` samples of a stereo signal, the next ones of it. */
typedef void (*Generator)(float *out, gint n, gpointer user);

typedef struct {
    gdouble hz, phase;
} Tone;

static void tone(float *out, gint n, gpointer user)
{
    Tone *state = user;
    for (gint i = 0; i < n; i++, state->phase += 2 * G_PI * state->hz / RATE) {
        out[2 * i] = (float)(0.5 * sin(state->phase));
        out[2 * i + 1] = -out[2 * i]; /* nothing is left of it in mono */
    }
}

/** Like a voice: pulses at the pitch that ring at 700 and 1200 Hz. */
static void voice(float *out, gint n, gpointer user)
{
    Tone *state = user;
    for (gint i = 0; i < n; i++) {
        gdouble t = state->phase / RATE;
        out[2 * i] = out[2 * i + 1] = (float)(0.3 * exp(-t * 250) * sin(2 * G_PI * 700 * t) +
                                              0.2 * exp(-t * 250) * sin(2 * G_PI * 1200 * t));
        if (++state->phase >= RATE / state->hz)
            state->phase = 0;
    }
}

static void noise(float *out, gint n, gpointer user)
{
    for (gint i = 0; i < 2 * n; i++)
        out[i] = (float)g_rand_double_range(user, -0.5, 0.5);
}

static void silence(float *out, gint n, gpointer user)
{
    for (gint i = 0; i < 2 * n; i++)
        out[i] = (float)g_rand_double_range(user, -0.003, 0.003);
}

/** Play SECONDS of it as an input does: pull 20 ms, stretch what is held, hand out 20 ms. Returns
 *  what was heard; *made: how much went in. */
static GArray *play(Generator generator, gpointer user, Direction direction, gboolean fast,
                    gint *made)
{
    GArray *heard = g_array_new(FALSE, FALSE, 2 * sizeof(float));
    AudioStretch stretch = { 0 };
    float held[2 * 4 * TICK];
    gint n = 0;
    *made = 0;
    for (gint i = 0; i < 50 * SECONDS; i++) {
        for (; n < TICK; n += TICK, *made += TICK)
            generator(held + 2 * n, TICK, user);
        gint before = n;
        if (direction == SHORTEN)
            n = audio_stretch_shorten(&stretch, held, n, AUDIO_STRETCH_MAX_LAG, fast);
        else
            n = audio_stretch_lengthen(&stretch, held, n, 4 * TICK);
        g_assert_cmpint(ABS(n - before), <=, AUDIO_STRETCH_MAX_LAG);
        g_assert_true(n == before || ABS(n - before) >= AUDIO_STRETCH_MIN_LAG);
        for (; n < TICK; n += TICK, *made += TICK)
            generator(held + 2 * n, TICK, user);
        g_array_append_vals(heard, held, TICK);
        n -= TICK;
        memmove(held, held + 2 * TICK, sizeof *held * 2 * (gsize)n);
        audio_stretch_played(&stretch, TICK);
    }
    *made -= n;
    return heard;
}

static gdouble sample(const GArray *heard, guint i)
{
    return ((const float *)(gconstpointer)heard->data)[2 * i];
}

/** The largest deviation from how a tone of this frequency goes on: x[n+1] = 2 cos(w) x[n] -
 *  x[n-1]. A click is a large one. */
static gdouble worst_click(const GArray *heard, gdouble hz)
{
    gdouble worst = 0, factor = 2 * cos(2 * G_PI * hz / RATE);
    for (guint i = 1; i + 1 < heard->len; i++)
        worst = MAX(worst,
                    fabs(sample(heard, i + 1) - factor * sample(heard, i) + sample(heard, i - 1)));
    return worst;
}

static gdouble frequency(const GArray *heard)
{
    guint crossings = 0;
    for (guint i = 1; i < heard->len; i++)
        crossings += sample(heard, i - 1) < 0 && sample(heard, i) >= 0;
    return (gdouble)crossings * RATE / heard->len;
}

static void test_tone(gconstpointer data)
{
    gdouble hz = GPOINTER_TO_INT(data);
    for (Direction direction = SHORTEN; direction <= LENGTHEN; direction++) {
        Tone state = { hz, 0 };
        gint made;
        g_autoptr(GArray) heard = play(tone, &state, direction, FALSE, &made);
        gdouble speed = (gdouble)made / heard->len;
        gdouble click = worst_click(heard, hz);
        g_test_message("%.0f Hz: speed %.3f, click %.4f, heard as %.1f Hz", hz, speed, click,
                       frequency(heard));
        g_assert_cmpfloat(fabs(speed - 1), <=, 0.1);
        g_assert_cmpfloat(fabs(speed - 1), >=, 0.06);
        g_assert_true((speed > 1) == (direction == SHORTEN));
        g_assert_cmpfloat(click, <, MINUS_40_DBFS);
        g_assert_cmpfloat_with_epsilon(frequency(heard), hz, hz * 0.003 + 0.2);
    }
}

static void test_voice(gconstpointer data)
{
    for (Direction direction = SHORTEN; direction <= LENGTHEN; direction++) {
        Tone state = { GPOINTER_TO_INT(data), 0 };
        gint made;
        g_autoptr(GArray) heard = play(voice, &state, direction, FALSE, &made);
        gdouble speed = (gdouble)made / heard->len;
        g_test_message("voice of %d Hz: speed %.3f", GPOINTER_TO_INT(data), speed);
        g_assert_cmpfloat(fabs(speed - 1), >=, 0.06);
        g_assert_cmpfloat(fabs(speed - 1), <=, 0.1);
        /* The pulses stay whole and as far apart as they were: 440 samples of ringing, then
         * (nearly) silence, and the steepest slope is that of the pulse itself. */
        Tone original = { GPOINTER_TO_INT(data), 0 };
        float once[2 * TICK];
        gdouble steepest = 0, found = 0;
        voice(once, TICK, &original);
        for (guint i = 1; i < TICK; i++)
            steepest = MAX(steepest, fabs((gdouble)once[2 * i] - once[2 * i - 2]));
        for (guint i = 1; i < heard->len; i++)
            found = MAX(found, fabs(sample(heard, i) - sample(heard, i - 1)));
        g_assert_cmpfloat(found, <=, steepest + MINUS_40_DBFS);
    }
}

static void test_noise_is_left_alone(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);
    for (Direction direction = SHORTEN; direction <= LENGTHEN; direction++) {
        gint made;
        g_autoptr(GArray) heard = play(noise, rand, direction, TRUE, &made);
        g_assert_cmpint(made, ==, (gint)heard->len);
    }
}

static void test_silence_always_will_do(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);
    for (Direction direction = SHORTEN; direction <= LENGTHEN; direction++) {
        gint made;
        g_autoptr(GArray) heard = play(silence, rand, direction, FALSE, &made);
        gdouble speed = (gdouble)made / heard->len;
        /* Taken out at once, put in no faster than anything else. */
        g_assert_cmpfloat(fabs(speed - 1), >, direction == SHORTEN ? 0.5 : 0.08);
        g_assert_cmpfloat(fabs(speed - 1), <=, direction == SHORTEN ? 0.76 : 0.1);
    }
}

/** A tone in noise: too little for the careful mode, enough for the fast one. */
static void noisy_tone(float *out, gint n, gpointer user)
{
    static Tone state = { 300, 0 };
    tone(out, n, &state);
    for (gint i = 0; i < 2 * n; i++)
        out[i] += (float)g_rand_double_range(user, -0.4, 0.4);
}

static void test_fast(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);
    gint made;
    g_autoptr(GArray) careful = play(noisy_tone, rand, SHORTEN, FALSE, &made);
    g_assert_cmpint(made, ==, (gint)careful->len);
    g_autoptr(GArray) fast = play(noisy_tone, rand, SHORTEN, TRUE, &made);
    g_assert_cmpfloat((gdouble)made / fast->len, >, 1.08);
}

/** What is around the splice is untouched, sample by sample. */
static void test_exact(void)
{
    Tone state = { 400, 0 }; /* 120 samples */
    float samples[2 * 3 * TICK], original[2 * 3 * TICK];
    AudioStretch stretch = { AUDIO_STRETCH_MAX_LAG };
    tone(original, 3 * TICK, &state);
    memcpy(samples, original, sizeof samples);
    gint n = audio_stretch_shorten(&stretch, samples, 2 * TICK, AUDIO_STRETCH_MAX_LAG, FALSE);
    gint lag = 2 * TICK - n;
    g_assert_cmpint(lag % 120, ==, 0);
    g_assert_cmpint(lag, >, 0);
    g_assert_cmpint(stretch.credit, ==, AUDIO_STRETCH_MAX_LAG - lag);
    for (gint i = 480; i < n; i++)
        g_assert_cmpfloat(samples[2 * i], ==, original[2 * (i + lag)]);
    for (gint i = 0; i < n; i++)
        g_assert_cmpfloat_with_epsilon(samples[2 * i], original[2 * i], 1e-3);

    memcpy(samples, original, sizeof samples);
    stretch.credit = AUDIO_STRETCH_MAX_LAG;
    n = audio_stretch_lengthen(&stretch, samples, 2 * TICK, 3 * TICK);
    lag = n - 2 * TICK;
    g_assert_cmpint(lag % 120, ==, 0);
    g_assert_cmpint(lag, >, 0);
    for (gint i = 0; i < lag; i++)
        g_assert_cmpfloat(samples[2 * i], ==, original[2 * i]);
    for (gint i = lag + 480; i < n; i++)
        g_assert_cmpfloat(samples[2 * i], ==, original[2 * (i - lag)]);
}

static void test_bounds(void)
{
    Tone state = { 400, 0 };
    float samples[2 * 2 * TICK];
    tone(samples, 2 * TICK, &state);
    for (gint n = 0; n < 2 * TICK; n += 7) {
        /* Exact copies, so that a sanitizer sees an access past the end. */
        AudioStretch stretch = { AUDIO_STRETCH_MAX_LAG };
        gint capacity = n + AUDIO_STRETCH_MAX_LAG;
        g_autofree float *a = g_memdup2(samples, sizeof *a * 2 * (gsize)n);
        g_autofree float *b = g_malloc0(sizeof *b * 2 * (gsize)capacity);
        if (n)
            memcpy(b, samples, sizeof *b * 2 * (gsize)n);
        gint shorter = audio_stretch_shorten(&stretch, a, n, AUDIO_STRETCH_MAX_LAG, TRUE);
        g_assert_true(n >= 360 ? shorter < n : shorter == n);
        stretch.credit = AUDIO_STRETCH_MAX_LAG;
        g_assert_cmpint(audio_stretch_lengthen(&stretch, b, n, capacity), <=, capacity);
        stretch.credit = AUDIO_STRETCH_MAX_LAG;
        g_assert_cmpint(audio_stretch_lengthen(&stretch, b, n, capacity - 1), ==, n);
        stretch.credit = AUDIO_STRETCH_MAX_LAG - 1;
        g_assert_cmpint(audio_stretch_shorten(&stretch, b, n, AUDIO_STRETCH_MAX_LAG, TRUE), ==, n);
    }
    AudioStretch stretch = { AUDIO_STRETCH_MAX_LAG };
    gint n = audio_stretch_shorten(&stretch, samples, 2 * TICK, 250, FALSE);
    g_assert_true(n == 2 * TICK - 120 || n == 2 * TICK - 240);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    static const gint tones[] = { 80, 100, 220, 440, 1000, 3000 };
    static const gint voices[] = { 90, 120, 210, 330 };
    for (guint i = 0; i < G_N_ELEMENTS(tones); i++) {
        g_autofree char *path = g_strdup_printf("/mixer/audio_stretch/tone/%d", tones[i]);
        g_test_add_data_func(path, GINT_TO_POINTER(tones[i]), test_tone);
    }
    for (guint i = 0; i < G_N_ELEMENTS(voices); i++) {
        g_autofree char *path = g_strdup_printf("/mixer/audio_stretch/voice/%d", voices[i]);
        g_test_add_data_func(path, GINT_TO_POINTER(voices[i]), test_voice);
    }
    g_test_add_func("/mixer/audio_stretch/noise", test_noise_is_left_alone);
    g_test_add_func("/mixer/audio_stretch/silence", test_silence_always_will_do);
    g_test_add_func("/mixer/audio_stretch/fast", test_fast);
    g_test_add_func("/mixer/audio_stretch/exact", test_exact);
    g_test_add_func("/mixer/audio_stretch/bounds", test_bounds);
    return g_test_run();
}
