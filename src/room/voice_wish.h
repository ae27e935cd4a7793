#pragma once

#include <glib.h>

/* Which of the few encodes of a mix a listener is to get. */

typedef enum { VOICE_LOW, VOICE_MIDDLE, VOICE_FULL, VOICE_RATES } VoiceRate;

typedef struct {
    VoiceRate rate;
    gboolean fec; /* in-band FEC */
} VoiceWish;

/** Bits per second of Opus; full_bps: what is configured, which nothing exceeds. */
static inline gint voice_rate_bps(VoiceRate rate, gint full_bps)
{
    static const gint bps[] = { [VOICE_LOW] = 24000, [VOICE_MIDDLE] = 40000 };
    return rate < VOICE_FULL ? MIN(bps[rate], full_bps) : full_bps;
}
