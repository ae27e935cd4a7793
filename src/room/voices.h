#pragma once

#include "base/thread.h"
#include "codecs/codec.h"
#include "room/voice_wish.h"

/* The encodes of one mix: at one of three rates, with in-band FEC or without, each made only while
 * somebody takes it, and once for all who do. So a mix costs six encodes at most, however many
 * listen. In each tick: voices_take() for every listener, then voices_packet() for every listener,
 * then voices_end_tick(). Audio thread. */

typedef struct Voices Voices;

typedef struct {
    gint bitrate_bps, complexity; /* of the highest rate */
} VoicesConfig;

Voices *voices_new(const VoicesConfig *config);
void voices_free(Voices *voices);

/** One more listener takes this encode in this tick. `joins`: it had another one in the tick
 *  before, and is to hear nothing of the change. */
void voices_take(Voices *voices, VoiceWish wish, gboolean joins) ON_AUDIO_THREAD;

/** (transfer full) The packet of this tick, MIXER_TICK_FLOATS encoded by whoever asks first, or
 *  NULL. */
GBytes *voices_packet(Voices *voices, VoiceWish wish, const float *mix) ON_AUDIO_THREAD;

/** The tick is over: what nobody took is given up. `mix` (NULL: none was made) is remembered, so
 *  that an encode that begins can go on from it. */
void voices_end_tick(Voices *voices, const float *mix) ON_AUDIO_THREAD;

/** What was heard before is what `others` encode: whoever joins comes from there. */
void voices_follow(Voices *voices, const Voices *others) ON_AUDIO_THREAD;

/** One encode that has takers. */
typedef struct {
    gint bitrate_bps;
    gboolean fec;
    guint listeners; /* of the newest tick */
} VoiceInfo;

#define VOICES_MAX (2 * VOICE_RATES)

typedef struct {
    guint64 encoded, bytes; /* by all of them */
    guint running;
    VoiceInfo info[VOICES_MAX];
} VoicesStats;

void voices_stats(const Voices *voices, VoicesStats *stats) ON_AUDIO_THREAD;
