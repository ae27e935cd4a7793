#include "mixer/audio_fade.h"

#include <glib.h>
#include <math.h>

#define TICK 960
#define RATE 48000
#define HZ   300

/* The largest natural step of the tone, and what a click may add to it. */
#define NATURAL_STEP  (0.5 * 2 * G_PI * HZ / RATE)
#define MINUS_40_DBFS 0.01

typedef struct {
    AudioFade fade;
    gdouble phase;
    float last;
    gdouble worst_step;
    float peak; /* of the last tick */
} Player;

static void tone(Player *player, float *out, gint n)
{
    for (gint i = 0; i < n; i++, player->phase += 2 * G_PI * HZ / RATE)
        out[2 * i] = out[2 * i + 1] = (float)(0.5 * sin(player->phase));
}

static void hear(Player *player, const float *samples, gint n)
{
    player->peak = 0;
    for (gint i = 0; i < n; i++) {
        player->worst_step = MAX(player->worst_step, fabs((gdouble)samples[2 * i] - player->last));
        player->last = samples[2 * i];
        player->peak = MAX(player->peak, fabsf(samples[2 * i]));
    }
}

static void decoded(Player *player, gint ticks)
{
    float samples[2 * TICK];
    for (gint i = 0; i < ticks; i++) {
        tone(player, samples, TICK);
        audio_fade_decoded(&player->fade, samples, TICK);
        hear(player, samples, TICK);
    }
}

static void concealed(Player *player, gint ticks)
{
    float samples[2 * TICK];
    for (gint i = 0; i < ticks; i++) {
        tone(player, samples, TICK);
        audio_fade_concealed(&player->fade, samples, TICK);
        hear(player, samples, TICK);
    }
}

static void silent(Player *player, gint ticks)
{
    float samples[2 * TICK];
    for (gint i = 0; i < ticks; i++) {
        audio_fade_silence(&player->fade, samples, TICK);
        hear(player, samples, TICK);
    }
}

static void test_untouched(void)
{
    Player player = { .phase = 0 };
    AudioFade fade = { 0 };
    float samples[2 * TICK], original[2 * TICK];
    for (gint i = 0; i < 10; i++) {
        gdouble phase = player.phase;
        tone(&player, original, TICK);
        player.phase = phase;
        tone(&player, samples, TICK);
        audio_fade_decoded(&fade, samples, TICK);
        for (gint k = 0; k < 2 * TICK; k++)
            g_assert_cmpfloat(samples[k], ==, original[k]);
    }
}

static void test_concealment_fades(void)
{
    Player player = { .phase = 0 };
    decoded(&player, 5);
    for (gint i = 0; i < 20; i++) {
        concealed(&player, 1);
        /* The gain at the beginning of the tick, the loudest moment of it. */
        gdouble gain = CLAMP(1 - (i * TICK - 2880) / 9600.0, 0, 1);
        g_assert_cmpfloat(player.peak, <=, 0.5 * gain + 0.02);
        g_assert_cmpfloat(player.peak, >=, MAX(0, 0.5 * gain - 0.06));
    }
    g_assert_cmpfloat(player.peak, ==, 0);
    decoded(&player, 2);
    g_assert_cmpfloat(player.peak, >, 0.49);
    g_assert_cmpfloat(player.worst_step, <, NATURAL_STEP + MINUS_40_DBFS);
}

/** Every kind after every other, the signal in any phase: no click. */
static void test_no_clicks(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(9);
    Player player = { .phase = 1.5 };
    for (gint i = 0; i < 2000; i++) {
        gint kind = g_rand_int_range(rand, 0, 4);
        if (kind != 1) /* concealment continues what was last; everything else need not */
            player.phase = g_rand_double_range(rand, 0, 2 * G_PI);
        if (kind == 0) {
            audio_fade_cut(&player.fade);
            decoded(&player, 1);
        } else if (kind == 1) {
            concealed(&player, g_rand_int_range(rand, 1, 20));
        } else if (kind == 2) {
            silent(&player, g_rand_int_range(rand, 1, 3));
        } else {
            audio_fade_cut(&player.fade);
            decoded(&player, g_rand_int_range(rand, 1, 4));
        }
    }
    g_test_message("worst step %.4f, the tone's own %.4f", player.worst_step, NATURAL_STEP);
    g_assert_cmpfloat(player.worst_step, <, NATURAL_STEP + MINUS_40_DBFS);
}

static void test_silence_is_silent(void)
{
    Player player = { .phase = 1 };
    decoded(&player, 2);
    silent(&player, 1);
    g_assert_cmpfloat(player.peak, >, 0);
    silent(&player, 1);
    g_assert_cmpfloat(player.peak, ==, 0);
    audio_fade_silence(&player.fade, NULL, 0);
    audio_fade_decoded(&player.fade, NULL, 0);
    audio_fade_concealed(&player.fade, NULL, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mixer/audio_fade/untouched", test_untouched);
    g_test_add_func("/mixer/audio_fade/concealment_fades", test_concealment_fades);
    g_test_add_func("/mixer/audio_fade/no_clicks", test_no_clicks);
    g_test_add_func("/mixer/audio_fade/silence", test_silence_is_silent);
    return g_test_run();
}
