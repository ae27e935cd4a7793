#include "mixer/audio_mixer.h"

#include <math.h>
#include <string.h>

#include "mixer/limiter.h"

#define MAX_VOICES 32

/* A voice speaks on the 16-bit grid, so that sums in float are exact. */
typedef struct {
    AudioMixer *mixer;
    AudioMixerInput *input;
    AudioMixerInput *remove; /* takes this one out of the mixer when pulled */
    AudioPull pull;
    GRand *rand;
    int range; /* samples are -range..range in 1/32768 */
    float poison;
    float samples[MIXER_TICK_FLOATS], before[MIXER_TICK_FLOATS];
} Voice;

static AudioPull voice_pull(gpointer user, gint64 now_ns, float *out)
{
    Voice *voice = user;
    (void)now_ns;
    memcpy(voice->before, voice->samples, sizeof voice->before);
    memset(voice->samples, 0, sizeof voice->samples);
    if (voice->remove) {
        thread_assert_audio();
        audio_mixer_remove(voice->mixer, voice->remove);
    }
    if (voice->pull == AUDIO_PULL_SILENT)
        return voice->pull;
    for (gsize i = 0; i < MIXER_TICK_FLOATS && voice->range; i++)
        voice->samples[i] =
            (float)g_rand_int_range(voice->rand, -voice->range, voice->range + 1) / 32768;
    memcpy(out, voice->samples, sizeof voice->samples);
    if (voice->poison != 0)
        out[77] = voice->poison;
    return voice->pull;
}

static Voice *voice_new(AudioMixer *mixer, guint32 seed, int range) ON_AUDIO_THREAD;

static Voice *voice_new(AudioMixer *mixer, guint32 seed, int range)
{
    Voice *voice = g_new0(Voice, 1);
    voice->mixer = mixer;
    voice->pull = AUDIO_PULL_SOUND;
    voice->rand = g_rand_new_with_seed(seed);
    voice->range = range;
    voice->input = audio_mixer_add(mixer, voice_pull, voice);
    return voice;
}

static void voice_free(Voice *voice)
{
    g_rand_free(voice->rand);
    g_free(voice);
}

/* The output is the sum of all voices but one (or of all), LIMITER_DELAY frames late. */
static void assert_sum(const float *got, Voice **voices, guint n, guint without)
{
    for (gsize i = 0; i < MIXER_TICK_FLOATS; i++) {
        const gsize delay = LIMITER_DELAY * 2;
        float want = 0;
        for (guint k = 0; k < n; k++) {
            if (k != without)
                want += i < delay ? voices[k]->before[MIXER_TICK_FLOATS - delay + i]
                                  : voices[k]->samples[i - delay];
        }
        g_assert_cmpfloat(got[i], ==, want);
    }
}

static void test_minus(void)
{
    thread_assert_audio();
    g_autoptr(AudioMixer) mixer = audio_mixer_new();
    Voice *voices[MAX_VOICES];
    for (guint i = 0; i < MAX_VOICES; i++)
        voices[i] = voice_new(mixer, i, 800);
    for (guint tick = 0; tick < 10; tick++) {
        g_assert_cmpuint(audio_mixer_tick(mixer, tick * 20000000), ==, 0);
        assert_sum(audio_mixer_full(mixer), voices, MAX_VOICES, MAX_VOICES);
        for (guint i = 0; i < MAX_VOICES; i++) {
            g_assert_true(audio_mixer_input_contributes(voices[i]->input));
            const float *minus = audio_mixer_minus(mixer, voices[i]->input);
            assert_sum(minus, voices, MAX_VOICES, i);
            g_assert_true(audio_mixer_minus(mixer, voices[i]->input) == minus);
        }
    }
    for (guint i = 0; i < MAX_VOICES; i++)
        voice_free(voices[i]);
}

static void test_alone(void)
{
    thread_assert_audio();
    g_autoptr(AudioMixer) mixer = audio_mixer_new();
    Voice *voice = voice_new(mixer, 1, 20000);
    for (guint tick = 0; tick < 5; tick++) {
        audio_mixer_tick(mixer, 0);
        const float *minus = audio_mixer_minus(mixer, voice->input);
        for (gsize i = 0; i < MIXER_TICK_FLOATS; i++)
            g_assert_cmpfloat(minus[i], ==, 0);
        g_assert_false(audio_mixer_is_silent(mixer));
    }
    voice_free(voice);
}

static AudioPull tone_pull(gpointer user, gint64 now_ns, float *out)
{
    const double hz = *(double *)user;
    const gint64 start = now_ns / 20000000 * MIXER_TICK_SAMPLES;
    for (gsize i = 0; i < MIXER_TICK_SAMPLES; i++)
        out[2 * i] = out[2 * i + 1] =
            (float)sin(2 * G_PI * hz * (double)(start + (gint64)i) / 48000);
    return AUDIO_PULL_SOUND;
}

static void test_no_clipping(void)
{
    thread_assert_audio();
    g_autoptr(AudioMixer) mixer = audio_mixer_new();
    double hz[25];
    AudioMixerInput *inputs[25];
    for (guint i = 0; i < 25; i++) {
        hz[i] = 200 + 137 * i;
        inputs[i] = audio_mixer_add(mixer, tone_pull, &hz[i]);
    }
    float loudest = 0;
    for (gint64 tick = 0; tick < 50; tick++) {
        audio_mixer_tick(mixer, tick * 20000000);
        for (guint i = 0; i <= 25; i++) {
            const float *mix =
                i < 25 ? audio_mixer_minus(mixer, inputs[i]) : audio_mixer_full(mixer);
            for (gsize k = 0; k < MIXER_TICK_FLOATS; k++)
                loudest = fmaxf(loudest, fabsf(mix[k]));
        }
        g_assert_cmpuint(audio_mixer_input_level(inputs[0]), ==, 3);
    }
    g_assert_cmpfloat(loudest, <=, LIMITER_CEILING);
    g_assert_cmpfloat(loudest, >, 0.7f);
}

static void test_removal_mid_tick(void)
{
    thread_assert_audio();
    g_autoptr(AudioMixer) mixer = audio_mixer_new();
    Voice *voices[4];
    for (guint i = 0; i < 4; i++)
        voices[i] = voice_new(mixer, i + 50, 3000);
    for (guint tick = 0; tick < 3; tick++)
        audio_mixer_tick(mixer, 0);
    float last = voices[3]->samples[MIXER_TICK_FLOATS - 2];
    voices[1]->remove = voices[3]->input; /* one that was not pulled yet */
    audio_mixer_tick(mixer, 0);
    voices[1]->remove = NULL;

    const float *full = audio_mixer_full(mixer);
    for (gsize i = 0; i < MIXER_TICK_SAMPLES - LIMITER_DELAY; i++) {
        float want =
            voices[0]->samples[2 * i] + voices[1]->samples[2 * i] + voices[2]->samples[2 * i];
        if (i < 240)
            want += last * (1 - (float)(i + 1) / 240);
        g_assert_cmpfloat_with_epsilon(full[2 * (i + LIMITER_DELAY)], want, 1e-6f);
    }
    /* From the next tick on nothing of it is left, to the sample. */
    audio_mixer_tick(mixer, 0);
    audio_mixer_minus(mixer, voices[0]->input);
    audio_mixer_tick(mixer, 0);
    assert_sum(audio_mixer_full(mixer), voices, 3, 4);
    assert_sum(audio_mixer_minus(mixer, voices[0]->input), voices, 3, 0);

    voices[2]->remove = voices[2]->input; /* itself */
    audio_mixer_tick(mixer, 0);
    audio_mixer_tick(mixer, 0);
    audio_mixer_tick(mixer, 0);
    assert_sum(audio_mixer_full(mixer), voices, 2, 4);
    audio_mixer_remove(mixer, voices[0]->input);
    audio_mixer_remove(mixer, voices[1]->input);
    for (guint tick = 0; tick < 3; tick++)
        audio_mixer_tick(mixer, 0);
    g_assert_true(audio_mixer_is_silent(mixer));
    for (guint i = 0; i < 4; i++)
        voice_free(voices[i]);
}

static void test_poison(void)
{
    thread_assert_audio();
    static const float poisons[] = { NAN, INFINITY, -INFINITY };
    g_autoptr(AudioMixer) mixer = audio_mixer_new();
    Voice *voices[2] = { voice_new(mixer, 1, 5000), voice_new(mixer, 2, 5000) };
    for (guint i = 0; i < G_N_ELEMENTS(poisons); i++) {
        voices[1]->poison = poisons[i];
        for (guint tick = 0; tick < 3; tick++)
            audio_mixer_tick(mixer, 0);
        assert_sum(audio_mixer_full(mixer), voices, 1, 2);
        g_assert_cmpuint(audio_mixer_input_level(voices[1]->input), ==, 127);
    }
    /* Finite, but no sound either: confined, and everybody else goes on. */
    voices[1]->poison = 1e30f;
    const float *minus = NULL;
    for (guint tick = 0; tick < 3; tick++) {
        if (tick == 0) /* silence at first, so that its limiter starts at rest */
            voices[1]->pull = AUDIO_PULL_SILENT;
        audio_mixer_tick(mixer, 0);
        minus = audio_mixer_minus(mixer, voices[1]->input);
        voices[1]->pull = AUDIO_PULL_SOUND;
    }
    for (gsize i = LIMITER_DELAY * 2; i < MIXER_TICK_FLOATS; i++)
        g_assert_cmpfloat_with_epsilon(minus[i], voices[0]->samples[i - LIMITER_DELAY * 2], 1e-4f);
    voice_free(voices[0]);
    voice_free(voices[1]);
}

static void test_contributes(void)
{
    thread_assert_audio();
    g_autoptr(AudioMixer) mixer = audio_mixer_new();
    Voice *voices[2] = { voice_new(mixer, 1, 3000), voice_new(mixer, 2, 3000) };
    voices[1]->pull = AUDIO_PULL_SILENT;
    audio_mixer_tick(mixer, 0);
    g_assert_false(audio_mixer_input_contributes(voices[1]->input));
    g_assert_true(audio_mixer_minus(mixer, voices[1]->input) == audio_mixer_full(mixer));

    voices[1]->pull = AUDIO_PULL_CONCEALED;
    g_assert_cmpuint(audio_mixer_tick(mixer, 0), ==, 1);
    g_assert_true(audio_mixer_input_contributes(voices[1]->input));
    /* It goes on where the full mix was: no gap, no own voice. */
    const float *minus = audio_mixer_minus(mixer, voices[1]->input);
    assert_sum(minus, voices, 2, 1);
    g_assert_cmpuint(audio_mixer_input_level(voices[1]->input), <, 30);

    voices[1]->pull = AUDIO_PULL_SOUND;
    voices[1]->range = 1; /* far below -70 dBFS */
    for (guint tick = 0; tick < 49; tick++)
        audio_mixer_tick(mixer, 0);
    g_assert_true(audio_mixer_input_contributes(voices[1]->input));
    audio_mixer_tick(mixer, 0);
    g_assert_false(audio_mixer_input_contributes(voices[1]->input));
    audio_mixer_tick(mixer, 0);
    voices[1]->samples[0] = 0;
    assert_sum(audio_mixer_full(mixer), voices, 1, 2);

    voices[0]->pull = AUDIO_PULL_SILENT;
    audio_mixer_tick(mixer, 0);
    g_assert_false(audio_mixer_is_silent(mixer)); /* the look-ahead still runs out */
    audio_mixer_tick(mixer, 0);
    g_assert_true(audio_mixer_is_silent(mixer));
    const float *full = audio_mixer_full(mixer);
    for (gsize i = 0; i < MIXER_TICK_FLOATS; i++)
        g_assert_cmpfloat(full[i], ==, 0);
    voice_free(voices[0]);
    voice_free(voices[1]);
}

static void test_gain(void)
{
    thread_assert_audio();
    g_autoptr(AudioMixer) mixer = audio_mixer_new();
    Voice *voice = voice_new(mixer, 1, 10000);
    audio_mixer_tick(mixer, 0);
    audio_mixer_input_set_gain(voice->input, 0.5f);
    audio_mixer_tick(mixer, 0);
    const float *full = audio_mixer_full(mixer);
    for (gsize i = 0; i < 700; i++) {
        const float gain = 1 - 0.5f * (float)(i + 1) / MIXER_TICK_SAMPLES;
        g_assert_cmpfloat_with_epsilon(full[2 * (i + LIMITER_DELAY)], voice->samples[2 * i] * gain,
                                       1e-5f);
    }
    audio_mixer_tick(mixer, 0);
    full = audio_mixer_full(mixer);
    for (gsize i = 0; i < 700; i++)
        g_assert_cmpfloat(full[2 * (i + LIMITER_DELAY)], ==, voice->samples[2 * i] * 0.5f);

    audio_mixer_input_set_gain(voice->input, NAN);
    for (guint tick = 0; tick < 4; tick++)
        audio_mixer_tick(mixer, 0);
    g_assert_true(audio_mixer_is_silent(mixer));
    g_assert_false(audio_mixer_input_contributes(voice->input));
    g_assert_cmpuint(audio_mixer_input_level(voice->input), <, 20); /* before its gain */
    g_assert_cmpuint(audio_mixer_delay_samples(mixer), ==, 240);
    voice_free(voice);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    thread_set_roles(THREAD_ALL);
    g_test_add_func("/audio_mixer/minus", test_minus);
    g_test_add_func("/audio_mixer/alone", test_alone);
    g_test_add_func("/audio_mixer/no-clipping", test_no_clipping);
    g_test_add_func("/audio_mixer/removal-mid-tick", test_removal_mid_tick);
    g_test_add_func("/audio_mixer/poison", test_poison);
    g_test_add_func("/audio_mixer/contributes", test_contributes);
    g_test_add_func("/audio_mixer/gain", test_gain);
    return g_test_run();
}
