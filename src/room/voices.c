#include "room/voices.h"

#include <string.h>

#include "base/log.h"
#include "mixer/audio_mixer.h"

/* How much loss FEC is made for: the more, the more bits it gets. What is lost without being made
 * up for grows with the square of the loss, so it is meant for the bad lines. */
#define EXPECTED_LOSS_PCT 15

/* One encode. */
typedef struct {
    AudioEncoder *encoder; /* NULL: nobody takes it */
    guint takers;          /* in this tick so far */
    guint listeners;       /* in the tick before */
    gboolean done;         /* in this tick; `packet` is NULL if it failed */
    GBytes *packet;
} Voice;

struct Voices {
    VoicesConfig config;
    Voice voices[VOICE_RATES][2]; /* without FEC, with it */
    gboolean recent_known;
    float recent[AUDIO_JOIN_TICKS][MIXER_TICK_FLOATS]; /* the last ticks of the mix, in turn ... */
    guint oldest;                                      /* ... from this one on */
    AVPacket *packet;
    guint64 encoded, bytes;
};

Voices *voices_new(const VoicesConfig *config)
{
    Voices *voices = g_new0(Voices, 1);
    voices->config = *config;
    voices->packet = av_packet_alloc();
    return voices;
}

static void give_up(Voice *voice)
{
    g_clear_pointer(&voice->encoder, audio_encoder_free);
    g_clear_pointer(&voice->packet, g_bytes_unref);
}

void voices_free(Voices *voices)
{
    if (!voices)
        return;
    for (guint i = 0; i < VOICES_MAX; i++)
        give_up(&voices->voices[i / 2][i % 2]);
    av_packet_free(&voices->packet);
    g_free(voices);
}

static gint rate_bps(const Voices *voices, guint rate)
{
    return voice_rate_bps((VoiceRate)rate, voices->config.bitrate_bps);
}

/** Rates that come to the same are one encode. */
static Voice *find(Voices *voices, VoiceWish wish)
{
    guint rate = MIN(wish.rate, VOICE_FULL);
    while (rate > VOICE_LOW && rate_bps(voices, rate - 1) == rate_bps(voices, rate))
        rate--;
    return &voices->voices[rate][wish.fec ? 1 : 0];
}

/** What a new encoder begins with: what was heard before. */
static void go_on(const Voices *voices, AudioEncoder *encoder)
{
    float before[AUDIO_JOIN_TICKS][MIXER_TICK_FLOATS];
    for (guint i = 0; i < AUDIO_JOIN_TICKS; i++)
        memcpy(before[i], voices->recent[(voices->oldest + i) % AUDIO_JOIN_TICKS],
               sizeof before[i]);
    audio_encoder_join(encoder, before[0]);
}

ON_AUDIO_THREAD static void begin(Voices *voices, Voice *voice, VoiceWish wish)
{
    AudioEncoderConfig config = { .bitrate_bps = rate_bps(voices, MIN(wish.rate, VOICE_FULL)),
                                  .complexity = voices->config.complexity,
                                  .inband_fec = wish.fec,
                                  .expected_loss_pct = EXPECTED_LOSS_PCT };
    g_autoptr(GError) error = NULL;
    voice->encoder = audio_encoder_new(&codec_opus, &config, &error);
    if (!voice->encoder)
        log_limited(LOG_ERROR, "audio", "the Opus encoder cannot start: %s", error->message);
    else if (voices->recent_known)
        go_on(voices, voice->encoder);
}

void voices_take(Voices *voices, VoiceWish wish, gboolean joins)
{
    Voice *voice = find(voices, wish);
    voice->takers++;
    if (!voice->encoder)
        begin(voices, voice, wish);
    else if (joins)
        audio_encoder_join(voice->encoder, NULL);
}

ON_AUDIO_THREAD static GBytes *encode(Voices *voices, Voice *voice, const float *mix)
{
    g_autoptr(GError) error = NULL;
    if (!voice->encoder)
        return NULL;
    if (!audio_encoder_encode(voice->encoder, mix, voices->packet, &error)) {
        log_limited(LOG_WARNING, "audio", "the mix could not be encoded: %s",
                    error ? error->message : "no reason given");
        return NULL;
    }
    GBytes *bytes = g_bytes_new(voices->packet->data, (gsize)voices->packet->size);
    voices->encoded++;
    voices->bytes += (guint64)voices->packet->size;
    av_packet_unref(voices->packet);
    return bytes;
}

GBytes *voices_packet(Voices *voices, VoiceWish wish, const float *mix)
{
    Voice *voice = find(voices, wish);
    if (!voice->done)
        voice->packet = encode(voices, voice, mix);
    voice->done = TRUE;
    return voice->packet ? g_bytes_ref(voice->packet) : NULL;
}

void voices_end_tick(Voices *voices, const float *mix)
{
    for (guint i = 0; i < VOICES_MAX; i++) {
        Voice *voice = &voices->voices[i / 2][i % 2];
        if (!voice->takers)
            give_up(voice);
        g_clear_pointer(&voice->packet, g_bytes_unref);
        voice->done = FALSE;
        voice->listeners = voice->takers;
        voice->takers = 0;
    }
    if (!mix)
        return;
    memcpy(voices->recent[voices->oldest], mix, sizeof voices->recent[0]);
    voices->oldest = (voices->oldest + 1) % AUDIO_JOIN_TICKS;
    voices->recent_known = TRUE;
}

void voices_follow(Voices *voices, const Voices *others)
{
    voices->recent_known = others->recent_known;
    voices->oldest = others->oldest;
    memcpy(voices->recent, others->recent, sizeof voices->recent);
}

void voices_stats(const Voices *voices, VoicesStats *stats)
{
    *stats = (VoicesStats){ .encoded = voices->encoded, .bytes = voices->bytes };
    for (guint i = 0; i < VOICES_MAX; i++) {
        const Voice *voice = &voices->voices[i / 2][i % 2];
        if (voice->listeners)
            stats->info[stats->running++] =
                (VoiceInfo){ rate_bps(voices, i / 2), i % 2, voice->listeners };
    }
}
