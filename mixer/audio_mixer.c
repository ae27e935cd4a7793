#include "mixer/audio_mixer.h"

#include <math.h>
#include <string.h>

#include "base/log.h"
#include "mixer/level.h"
#include "mixer/limiter.h"
#include "mixer/mix_ops.h"

/*  inputs --pull--> own (cleaned, gained) --+--> sum --> limiter --> full
 *                                           +--> sum - own --> limiter of the input --> minus  */

#define HOLD_TICKS     50          /* 1 s */
#define AUDIBLE_RMS    3.16228e-4f /* -70 dBFS */
#define LOUDEST_SAMPLE 8.0f        /* 18 dB above full scale: beyond it is garbage, not sound */
#define FADE_FRAMES    240

struct AudioMixerInput {
    AudioPullFunc pull;
    gpointer user;
    gboolean removed; /* during a tick: freed at its end */

    float gain, gain_target;
    guint8 level;

    /* its part of this tick's sum */
    gboolean sounds; /* `own` counts; otherwise it stands for zeros */
    guint hold_ticks;
    float last[MIXER_CHANNELS];
    float own[MIXER_TICK_FLOATS];

    /* the mix without it; `minus_tick` is the last tick for which it was asked for */
    guint64 minus_tick;
    Limiter *limiter;
    float minus[MIXER_TICK_FLOATS];
};

struct AudioMixer {
    GPtrArray *inputs;
    gboolean in_tick;
    guint64 tick;

    gboolean sum_silent; /* `sum` is all zeros */
    gboolean full_silent;
    float fade[MIXER_CHANNELS]; /* where the inputs removed since the last sum broke off */
    float sum[MIXER_TICK_FLOATS];

    Limiter *limiter;
    float full[MIXER_TICK_FLOATS];
};

static void audio_mixer_input_free(gpointer data)
{
    AudioMixerInput *input = data;
    limiter_free(input->limiter);
    g_free(input);
}

AudioMixer *audio_mixer_new(void)
{
    AudioMixer *mixer = g_new0(AudioMixer, 1);
    mixer->inputs = g_ptr_array_new_with_free_func(audio_mixer_input_free);
    mixer->limiter = limiter_new();
    mixer->sum_silent = mixer->full_silent = TRUE;
    return mixer;
}

void audio_mixer_free(AudioMixer *mixer)
{
    if (!mixer)
        return;
    g_ptr_array_unref(mixer->inputs);
    limiter_free(mixer->limiter);
    g_free(mixer);
}

AudioMixerInput *audio_mixer_add(AudioMixer *mixer, AudioPullFunc pull, gpointer user)
{
    AudioMixerInput *input = g_new0(AudioMixerInput, 1);
    input->pull = pull;
    input->user = user;
    input->gain = input->gain_target = 1;
    input->level = LEVEL_SILENCE;
    input->limiter = limiter_new();
    g_ptr_array_add(mixer->inputs, input);
    return input;
}

void audio_mixer_remove(AudioMixer *mixer, AudioMixerInput *input)
{
    if (!input || input->removed)
        return;
    /* Where a waveform breaks off it clicks: the next sum leads it to zero. */
    for (guint c = 0; c < MIXER_CHANNELS; c++)
        mixer->fade[c] += input->last[c];
    if (mixer->in_tick)
        input->removed = TRUE;
    else
        g_ptr_array_remove(mixer->inputs, input);
}

void audio_mixer_input_set_gain(AudioMixerInput *input, float gain)
{
    input->gain_target = isfinite(gain) && gain > 0 ? gain : 0;
}

/* FALSE if there is nothing usable in `own`. */
static gboolean audio_mixer_input_clean(AudioMixerInput *input)
{
    const float peak = mix_peak_f32(input->own, MIXER_TICK_FLOATS);
    if (!isfinite(peak)) {
        log_limited(LOG_WARNING, "mixer", "a source yielded samples that are no numbers: muted");
        return FALSE;
    }
    if (peak > LOUDEST_SAMPLE)
        mix_clamp_f32(input->own, LOUDEST_SAMPLE, MIXER_TICK_FLOATS);
    return peak > 0;
}

static void audio_mixer_input_apply_gain(AudioMixerInput *input)
{
    if (input->gain != input->gain_target)
        mix_gain_ramp_f32(input->own, input->gain, input->gain_target, MIXER_TICK_SAMPLES);
    else if (input->gain != 1)
        mix_gain_f32(input->own, input->gain, MIXER_TICK_FLOATS);
}

/* One tick of one input into `own`. Returns TRUE if it was concealed. */
static gboolean audio_mixer_input_pull(AudioMixerInput *input, gint64 now_ns)
{
    const AudioPull pulled = input->pull(input->user, now_ns, input->own);
    const gboolean sound = pulled != AUDIO_PULL_SILENT && audio_mixer_input_clean(input);
    const float rms = sound ? mix_rms_f32(input->own, MIXER_TICK_FLOATS) : 0;
    const float loudest_gain = MAX(input->gain, input->gain_target);

    input->level = level_from_rms(rms);
    if (rms * loudest_gain > AUDIBLE_RMS)
        input->hold_ticks = HOLD_TICKS;
    else if (loudest_gain == 0)
        input->hold_ticks = 0;
    else if (input->hold_ticks)
        input->hold_ticks--;

    input->sounds = sound && input->hold_ticks;
    if (input->sounds)
        audio_mixer_input_apply_gain(input);
    input->gain = input->gain_target;
    return pulled == AUDIO_PULL_CONCEALED;
}

static guint audio_mixer_pull(AudioMixer *mixer, gint64 now_ns)
{
    guint concealed = 0;
    const guint n = mixer->inputs->len; /* one added by a pull starts with the next tick */
    mixer->in_tick = TRUE;
    for (guint i = 0; i < n; i++) {
        AudioMixerInput *input = g_ptr_array_index(mixer->inputs, i);
        if (!input->removed)
            concealed += audio_mixer_input_pull(input, now_ns) ? 1 : 0;
    }
    mixer->in_tick = FALSE;
    for (guint i = mixer->inputs->len; i > 0; i--) {
        AudioMixerInput *input = g_ptr_array_index(mixer->inputs, i - 1);
        if (input->removed)
            g_ptr_array_remove_index(mixer->inputs, i - 1);
    }
    return concealed;
}

static void audio_mixer_clear_sum(AudioMixer *mixer)
{
    if (!mixer->sum_silent)
        memset(mixer->sum, 0, sizeof mixer->sum);
    mixer->sum_silent = TRUE;
}

static void audio_mixer_add_fade(AudioMixer *mixer)
{
    if (mixer->fade[0] == 0 && mixer->fade[1] == 0)
        return;
    for (guint i = 0; i < FADE_FRAMES; i++) {
        const float gain = 1 - (float)(i + 1) / FADE_FRAMES;
        mixer->sum[2 * i] += mixer->fade[0] * gain;
        mixer->sum[2 * i + 1] += mixer->fade[1] * gain;
    }
    mixer->fade[0] = mixer->fade[1] = 0;
    mixer->sum_silent = FALSE;
}

static void audio_mixer_sum(AudioMixer *mixer)
{
    audio_mixer_clear_sum(mixer);
    for (guint i = 0; i < mixer->inputs->len; i++) {
        AudioMixerInput *input = g_ptr_array_index(mixer->inputs, i);
        const float *end = input->own + MIXER_TICK_FLOATS - MIXER_CHANNELS;
        if (input->sounds) {
            mix_add_f32(mixer->sum, input->own, MIXER_TICK_FLOATS);
            mixer->sum_silent = FALSE;
        }
        for (guint c = 0; c < MIXER_CHANNELS; c++)
            input->last[c] = input->sounds ? end[c] : 0;
    }
    audio_mixer_add_fade(mixer);
}

/* Who was not asked for in the last tick heard the full mix: its limiter goes on from there, so
 * that nothing is heard of the change. */
static void audio_mixer_prime_limiters(AudioMixer *mixer)
{
    for (guint i = 0; i < mixer->inputs->len; i++) {
        AudioMixerInput *input = g_ptr_array_index(mixer->inputs, i);
        if (input->hold_ticks && input->minus_tick + 1 != mixer->tick)
            limiter_copy(input->limiter, mixer->limiter);
    }
}

static void audio_mixer_limit(AudioMixer *mixer)
{
    const gboolean drained = mixer->full_silent || limiter_is_drained(mixer->limiter);
    if (!mixer->sum_silent || !drained) {
        limiter_process(mixer->limiter, mixer->sum, mixer->full, MIXER_TICK_SAMPLES);
        mixer->full_silent = FALSE;
    } else if (!mixer->full_silent) {
        limiter_reset(mixer->limiter);
        memset(mixer->full, 0, sizeof mixer->full);
        mixer->full_silent = TRUE;
    }
}

guint audio_mixer_tick(AudioMixer *mixer, gint64 now_ns)
{
    mixer->tick++;
    const guint concealed = audio_mixer_pull(mixer, now_ns);
    audio_mixer_sum(mixer);
    audio_mixer_prime_limiters(mixer);
    audio_mixer_limit(mixer);
    return concealed;
}

gboolean audio_mixer_input_contributes(const AudioMixerInput *input)
{
    return input->hold_ticks > 0;
}

const float *audio_mixer_full(AudioMixer *mixer)
{
    return mixer->full;
}

const float *audio_mixer_minus(AudioMixer *mixer, AudioMixerInput *input)
{
    if (!input->hold_ticks)
        return mixer->full;
    if (input->minus_tick == mixer->tick)
        return input->minus;
    input->minus_tick = mixer->tick;
    if (!input->sounds) {
        limiter_process(input->limiter, mixer->sum, input->minus, MIXER_TICK_SAMPLES);
        return input->minus;
    }
    float others[MIXER_TICK_FLOATS];
    mix_minus_f32(others, mixer->sum, input->own, MIXER_TICK_FLOATS);
    limiter_process(input->limiter, others, input->minus, MIXER_TICK_SAMPLES);
    return input->minus;
}

/* --- sub-mixes --------------------------------------------------------------------------- */

struct AudioMixerBus {
    Limiter *limiter;
    float last[MIXER_CHANNELS]; /* where the tick before ended */
    float sum[MIXER_TICK_FLOATS];
    float out[MIXER_TICK_FLOATS];
    GPtrArray *inputs; /* of the tick before (transfer none): only compared, never followed */
};

AudioMixerBus *audio_mixer_bus_new(void)
{
    AudioMixerBus *bus = g_new0(AudioMixerBus, 1);
    bus->limiter = limiter_new();
    bus->inputs = g_ptr_array_new();
    return bus;
}

void audio_mixer_bus_free(AudioMixerBus *bus)
{
    if (!bus)
        return;
    limiter_free(bus->limiter);
    g_ptr_array_unref(bus->inputs);
    g_free(bus);
}

/* Returns TRUE if these are others than in the tick before. */
static gboolean audio_mixer_bus_remember(AudioMixerBus *bus, AudioMixerInput *const *inputs,
                                         guint n)
{
    gboolean changed = bus->inputs->len != n;
    for (guint i = 0; i < n && !changed; i++)
        changed = bus->inputs->pdata[i] != inputs[i];
    if (!changed)
        return FALSE;
    g_ptr_array_set_size(bus->inputs, 0);
    for (guint i = 0; i < n; i++)
        g_ptr_array_add(bus->inputs, inputs[i]);
    return TRUE;
}

/* The step from where the waveform was to where it goes on becomes a slope. */
static void audio_mixer_bus_smooth(AudioMixerBus *bus)
{
    for (guint c = 0; c < MIXER_CHANNELS; c++) {
        const float step = bus->last[c] - bus->sum[c];
        for (guint i = 0; i < FADE_FRAMES; i++)
            bus->sum[MIXER_CHANNELS * i + c] += step * (1 - (float)(i + 1) / FADE_FRAMES);
    }
}

const float *audio_mixer_bus_mix(AudioMixerBus *bus, AudioMixerInput *const *inputs, guint n)
{
    memset(bus->sum, 0, sizeof bus->sum);
    for (guint i = 0; i < n; i++) {
        if (inputs[i]->sounds)
            mix_add_f32(bus->sum, inputs[i]->own, MIXER_TICK_FLOATS);
    }
    if (audio_mixer_bus_remember(bus, inputs, n))
        audio_mixer_bus_smooth(bus);
    for (guint c = 0; c < MIXER_CHANNELS; c++)
        bus->last[c] = bus->sum[MIXER_TICK_FLOATS - MIXER_CHANNELS + c];
    limiter_process(bus->limiter, bus->sum, bus->out, MIXER_TICK_SAMPLES);
    return bus->out;
}

/* --- what is known ----------------------------------------------------------------------- */

guint8 audio_mixer_input_level(const AudioMixerInput *input)
{
    return input->level;
}

gboolean audio_mixer_is_silent(const AudioMixer *mixer)
{
    return mixer->full_silent;
}

guint audio_mixer_delay_samples(const AudioMixer *mixer)
{
    (void)mixer;
    return LIMITER_DELAY;
}
