#include "room/feed_sound.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "mixer/audio_fade.h"

#define RATE_HZ        48000
#define CAPACITY       (2 * RATE_HZ)
#define TAPS           32
#define PHASES         128
#define BEFORE         (TAPS / 2 - 1) /* samples that the filter needs before its place */
#define AFTER          (TAPS / 2)
#define KAISER         8.0
#define SAME_NS        (40 * NS_PER_MS) /* less is rounding, or a slow drift against its own times */
#define SAME_SAMPLE_NS (10 * NS_PER_US)
#define GAP_NS         NS_PER_SEC
#define FOLLOW         32     /* packets in which such a difference is made good */
#define CUT            1440.0 /* samples: further off than this is not followed */
#define EASE           (8.0 * MIXER_TICK_SAMPLES) /* samples in which it is followed */
#define MAX_RATE       0.006

struct FeedSound {
    pthread_mutex_t lock; /* guards everything below */
    gboolean anchored;
    gint64 base_ns;       /* the time of sample 0 */
    gint64 oldest;        /* number of the first sample that is there */
    gboolean leaving_out; /* of what was there already */
    gint64 written;       /* and of the one after the last */
    gboolean playing;
    gdouble place; /* number of the sample that is read next */
    AudioFade write_fade, read_fade;
    float ring[CAPACITY * MIXER_CHANNELS];
};

/* --- the filter -------------------------------------------------------------------------- */

static float filter[PHASES + 1][TAPS];

static gdouble bessel(gdouble x)
{
    gdouble sum = 1, term = 1;
    for (gint k = 1; k < 32; k++) {
        term *= x / (2 * k) * (x / (2 * k));
        sum += term;
    }
    return sum;
}

static void make_filter(void)
{
    for (gint phase = 0; phase <= PHASES; phase++) {
        gdouble sum = 0;
        for (gint tap = 0; tap < TAPS; tap++) {
            gint before = tap - BEFORE;
            gdouble x = before - (gdouble)phase / PHASES;
            gdouble edge = x / (TAPS / 2.0);
            gdouble window = bessel(KAISER * sqrt(MAX(0, 1 - edge * edge))) / bessel(KAISER);
            gdouble sinc = fabs(x) < 1e-9 ? 1 : sin(G_PI * x) / (G_PI * x);
            filter[phase][tap] = (float)(window * sinc);
            sum += filter[phase][tap];
        }
        for (gint tap = 0; tap < TAPS; tap++)
            filter[phase][tap] /= (float)sum;
    }
}

static void filter_at(gdouble fraction, float *taps)
{
    gdouble place = fraction * PHASES;
    gint phase = MIN((gint)place, PHASES - 1);
    float rest = (float)(place - phase);
    for (gint tap = 0; tap < TAPS; tap++)
        taps[tap] = filter[phase][tap] + rest * (filter[phase + 1][tap] - filter[phase][tap]);
}

/* The sound at a place between two samples; what is not there any more is silence. */
static void sample_at(const FeedSound *sound, gdouble place, float *out)
{
    float taps[TAPS], left = 0, right = 0;
    gint64 whole = (gint64)floor(place);
    filter_at(place - (gdouble)whole, taps);
    for (gint tap = 0; tap < TAPS; tap++) {
        gint64 number = whole - BEFORE + tap;
        if (number < sound->oldest)
            continue;
        const float *at = &sound->ring[number % CAPACITY * MIXER_CHANNELS];
        left += taps[tap] * at[0];
        right += taps[tap] * at[1];
    }
    out[0] = left;
    out[1] = right;
}

/* --- life -------------------------------------------------------------------------------- */

FeedSound *feed_sound_new(void)
{
    static gsize made;
    if (g_once_init_enter(&made)) {
        make_filter();
        g_once_init_leave(&made, 1);
    }
    FeedSound *sound = g_new0(FeedSound, 1);
    pthread_mutex_init(&sound->lock, NULL);
    return sound;
}

void feed_sound_free(FeedSound *sound)
{
    if (!sound)
        return;
    pthread_mutex_destroy(&sound->lock);
    g_free(sound);
}

/* --- writing ----------------------------------------------------------------------------- */

static gint64 samples_of(gint64 ns)
{
    return (ns * (RATE_HZ / 1000) + NS_PER_MS / 2) / NS_PER_MS;
}

static gint64 time_of(const FeedSound *sound, gint64 number)
{
    return sound->base_ns + number * NS_PER_MS / (RATE_HZ / 1000);
}

static void restart(FeedSound *sound)
{
    sound->anchored = FALSE;
    sound->oldest = sound->written = 0;
    sound->playing = FALSE;
    audio_fade_cut(&sound->read_fade);
    audio_fade_cut(&sound->write_fade);
}

void feed_sound_restart(FeedSound *sound)
{
    pthread_mutex_lock(&sound->lock);
    restart(sound);
    pthread_mutex_unlock(&sound->lock);
}

static void append(FeedSound *sound, const float *samples, gint64 n)
{
    for (gint64 done = 0; done < n;) {
        gint64 at = sound->written % CAPACITY;
        gint64 part = MIN(n - done, CAPACITY - at);
        memcpy(&sound->ring[at * MIXER_CHANNELS], samples + done * MIXER_CHANNELS,
               (gsize)part * MIXER_CHANNELS * sizeof(float));
        sound->written += part;
        done += part;
    }
    sound->oldest = MAX(sound->oldest, sound->written - CAPACITY);
}

static void append_silence(FeedSound *sound, gint64 n)
{
    float silence[MIXER_TICK_FLOATS];
    while (n > 0) {
        gint64 part = MIN(n, MIXER_TICK_SAMPLES);
        audio_fade_silence(&sound->write_fade, silence, (gint)part);
        append(sound, silence, part);
        n -= part;
    }
}

/* Bring the end of what is there to time_ns. Returns how many samples are to be left out. */
static gint64 meet(FeedSound *sound, gint64 time_ns)
{
    gint64 off_ns = time_ns - time_of(sound, sound->written);
    gint64 same_ns = sound->leaving_out ? SAME_SAMPLE_NS : SAME_NS;
    if (!sound->anchored || ABS(off_ns) > GAP_NS) {
        restart(sound);
        sound->anchored = TRUE;
        sound->base_ns = time_ns;
    } else if (ABS(off_ns) <= same_ns) {
        sound->base_ns += off_ns / FOLLOW;
    } else if (off_ns > 0) {
        append_silence(sound, samples_of(off_ns));
    } else {
        audio_fade_cut(&sound->write_fade);
        return samples_of(-off_ns);
    }
    return 0;
}

void feed_sound_write(FeedSound *sound, float *samples, guint n, gint64 time_ns)
{
    pthread_mutex_lock(&sound->lock);
    gint64 skip = meet(sound, time_ns);
    sound->leaving_out = skip >= n;
    if (skip < n) {
        float *rest = samples + skip * MIXER_CHANNELS;
        audio_fade_decoded(&sound->write_fade, rest, (gint)(n - skip));
        append(sound, rest, n - skip);
    }
    pthread_mutex_unlock(&sound->lock);
}

/* --- reading ----------------------------------------------------------------------------- */

/* How fast to read so that the place follows `wanted`; a jump where it is too far off. */
static gdouble choose_rate(FeedSound *sound, gdouble wanted)
{
    gdouble off = wanted - sound->place;
    if (sound->playing && fabs(off) <= CUT && sound->place >= (gdouble)sound->oldest)
        return 1 + CLAMP(off / EASE, -MAX_RATE, MAX_RATE);
    if (sound->playing)
        audio_fade_cut(&sound->read_fade);
    sound->place = MAX(wanted, (gdouble)sound->oldest);
    return 1;
}

static gint read_samples(FeedSound *sound, gdouble rate, float *out, gint max)
{
    gint n = 0;
    while (n < max && (gint64)sound->place + AFTER < sound->written) {
        sample_at(sound, sound->place, out + n * MIXER_CHANNELS);
        sound->place += rate;
        n++;
    }
    return n;
}

/* Silence, `n` samples of sound, silence. FALSE: nothing sounds at all. */
static gboolean join(FeedSound *sound, float *out, gint lead, gint n)
{
    gint rest = MIXER_TICK_SAMPLES - lead - n;
    if (n == 0 && !sound->read_fade.sounding)
        return FALSE;
    audio_fade_silence(&sound->read_fade, out, lead);
    if (n > 0)
        audio_fade_decoded(&sound->read_fade, out + lead * MIXER_CHANNELS, n);
    audio_fade_silence(&sound->read_fade, out + (lead + n) * MIXER_CHANNELS, rest);
    return TRUE;
}

AudioPull feed_sound_read(FeedSound *sound, gint64 time_ns, float *out, gboolean *missing)
{
    gint lead = 0, n = 0;
    pthread_mutex_lock(&sound->lock);
    if (sound->anchored) {
        gdouble wanted = (gdouble)(time_ns - sound->base_ns) * RATE_HZ / NS_PER_SEC;
        gdouble rate = choose_rate(sound, wanted);
        if (!sound->playing)
            lead = (gint)CLAMP(sound->place - wanted, 0, MIXER_TICK_SAMPLES);
        n = read_samples(sound, rate, out + lead * MIXER_CHANNELS, MIXER_TICK_SAMPLES - lead);
    }
    *missing = lead + n < MIXER_TICK_SAMPLES;
    sound->playing = n > 0 && !*missing;
    gboolean sounds = join(sound, out, lead, n);
    pthread_mutex_unlock(&sound->lock);
    return sounds ? AUDIO_PULL_SOUND : AUDIO_PULL_SILENT;
}
