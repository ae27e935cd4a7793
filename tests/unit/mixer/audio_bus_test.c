#include <math.h>

#include "mixer/audio_mixer.h"
#include "mixer/limiter.h"

/* Sub-mixes: some of the inputs only. */

typedef struct {
    float value; /* of every sample */
} Source;

static AudioPull pull(gpointer user, gint64 now_ns, float *out)
{
    const Source *source = user;
    (void)now_ns;
    for (guint i = 0; i < MIXER_TICK_FLOATS; i++)
        out[i] = source->value;
    return AUDIO_PULL_SOUND;
}

typedef struct {
    Source sources[3];
    AudioMixer *mixer;
    AudioMixerInput *inputs[3];
    AudioMixerBus *bus;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data)
{
    (void)data;
    thread_set_roles(THREAD_ALL);
    thread_assert_audio();
    fixture->mixer = audio_mixer_new();
    fixture->bus = audio_mixer_bus_new();
    for (guint i = 0; i < 3; i++) {
        fixture->sources[i].value = 0.1f * (float)(1 << i);
        fixture->inputs[i] = audio_mixer_add(fixture->mixer, pull, &fixture->sources[i]);
    }
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    audio_mixer_bus_free(fixture->bus);
    audio_mixer_free(fixture->mixer);
}

static void test_only_the_chosen(Fixture *fixture, gconstpointer data)
{
    AudioMixerInput *chosen[] = { fixture->inputs[0], fixture->inputs[2] };
    const float *out = NULL;
    (void)data;
    thread_assert_audio();
    for (guint i = 0; i < 3; i++) {
        audio_mixer_tick(fixture->mixer, i);
        out = audio_mixer_bus_mix(fixture->bus, chosen, 2);
    }
    for (guint i = 0; i < MIXER_TICK_FLOATS; i++)
        g_assert_cmpfloat_with_epsilon(out[i], 0.5f, 1e-6);
    /* The others hear the same as without the bus. */
    g_assert_cmpfloat_with_epsilon(audio_mixer_full(fixture->mixer)[0], 0.7f, 1e-6);
}

static void test_nobody_is_silence(Fixture *fixture, gconstpointer data)
{
    (void)data;
    thread_assert_audio();
    audio_mixer_tick(fixture->mixer, 0);
    const float *out = audio_mixer_bus_mix(fixture->bus, NULL, 0);
    for (guint i = 0; i < MIXER_TICK_FLOATS; i++)
        g_assert_cmpfloat(out[i], ==, 0);
}

/* Another set of inputs begins where the one before ended: no step that would click. */
static void test_change_does_not_click(Fixture *fixture, gconstpointer data)
{
    AudioMixerInput *before[] = { fixture->inputs[0], fixture->inputs[1], fixture->inputs[2] };
    AudioMixerInput *after[] = { fixture->inputs[0] };
    float last = 0, largest = 0;
    (void)data;
    thread_assert_audio();
    for (guint tick = 0; tick < 12; tick++) {
        audio_mixer_tick(fixture->mixer, tick);
        const float *out =
            audio_mixer_bus_mix(fixture->bus, tick < 6 ? before : after, tick < 6 ? 3 : 1);
        for (guint i = 0; i < MIXER_TICK_SAMPLES; i++) {
            float value = out[i * MIXER_CHANNELS];
            if (tick > 0)
                largest = MAX(largest, fabsf(value - last));
            last = value;
        }
    }
    g_assert_cmpfloat_with_epsilon(last, 0.1f, 1e-6);
    g_assert_cmpfloat(largest, <, 0.01);
}

/* The loudest sum stays below the ceiling. */
static void test_is_limited(Fixture *fixture, gconstpointer data)
{
    (void)data;
    thread_assert_audio();
    for (guint i = 0; i < 3; i++)
        fixture->sources[i].value = 0.9f;
    for (guint tick = 0; tick < 10; tick++) {
        audio_mixer_tick(fixture->mixer, tick);
        const float *out = audio_mixer_bus_mix(fixture->bus, fixture->inputs, 3);
        for (guint i = 0; i < MIXER_TICK_FLOATS; i++)
            g_assert_cmpfloat(fabsf(out[i]), <=, LIMITER_CEILING + 1e-6);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/audio-bus/chosen", Fixture, NULL, set_up, test_only_the_chosen, tear_down);
    g_test_add("/audio-bus/nobody", Fixture, NULL, set_up, test_nobody_is_silence, tear_down);
    g_test_add("/audio-bus/change", Fixture, NULL, set_up, test_change_does_not_click, tear_down);
    g_test_add("/audio-bus/limited", Fixture, NULL, set_up, test_is_limited, tear_down);
    return g_test_run();
}
