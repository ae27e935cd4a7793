#include "room/submix.h"

struct Submix {
    char *key;
    guint listeners;
    GPtrArray *inputs; /* of AudioMixerInput (transfer none) */
    AudioMixerBus *bus;
    Voices *voices;
    guint64 tick; /* of `mix` */
    const float *mix;
};

Submix *submix_new(const char *key, const VoicesConfig *config)
{
    Submix *submix = g_new0(Submix, 1);
    submix->key = g_strdup(key);
    submix->inputs = g_ptr_array_new();
    submix->bus = audio_mixer_bus_new();
    submix->voices = voices_new(config);
    return submix;
}

void submix_free(Submix *submix)
{
    if (!submix)
        return;
    g_ptr_array_unref(submix->inputs);
    audio_mixer_bus_free(submix->bus);
    voices_free(submix->voices);
    g_free(submix->key);
    g_free(submix);
}

const char *submix_key(const Submix *submix)
{
    return submix->key;
}

void submix_add(Submix *submix, AudioMixerInput *input)
{
    if (!g_ptr_array_find(submix->inputs, input, NULL))
        g_ptr_array_add(submix->inputs, input);
}

void submix_remove(Submix *submix, AudioMixerInput *input)
{
    g_ptr_array_remove(submix->inputs, input);
}

void submix_clear(Submix *submix)
{
    g_ptr_array_set_size(submix->inputs, 0);
}

Voices *submix_voices(Submix *submix)
{
    return submix->voices;
}

const float *submix_mix(Submix *submix, guint64 tick)
{
    if (submix->tick != tick)
        submix->mix = audio_mixer_bus_mix(
            submix->bus, (AudioMixerInput *const *)submix->inputs->pdata, submix->inputs->len);
    submix->tick = tick;
    return submix->mix;
}

void submix_ref_listener(Submix *submix)
{
    submix->listeners++;
}

gboolean submix_unref_listener(Submix *submix)
{
    return --submix->listeners == 0;
}

void submix_stats(const Submix *submix, guint *listeners, guint *inputs, VoicesStats *voices)
{
    *listeners = submix->listeners;
    *inputs = submix->inputs->len;
    voices_stats(submix->voices, voices);
}
