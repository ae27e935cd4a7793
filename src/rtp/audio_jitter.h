#pragma once

#include <glib.h>

/* The jitter buffer of one incoming audio stream: orders packets, decides how much delay the
 * network asks for, and says at each pull what is to be decoded next. It holds packets, not
 * samples: the caller decodes, conceals and stretches (mixer/audio_stretch.h). Audio thread;
 * driven by now_ns. Limits: 200 packets, 2 s.
 *
 * Delay is counted against the fastest packet of the last 2 s: a sample that is handed out with a
 * delay of 30 ms could have been handed out 30 ms earlier if every packet were as fast as that one.
 * The target is what the slowest packets of the last seconds need (all but 5 % of the slowest of
 * each 400 ms) and 10 ms more, at least 20 ms; it starts with 40 ms. The wishes keep the delay
 * within 10 ms of it. */

typedef struct AudioJitter AudioJitter;

typedef struct {
    guint16 seq;
    guint32 rtp_timestamp; /* 48 kHz */
    gint64 arrival_ns;
    gint duration;     /* samples per channel, 1..5760 */
    gboolean has_fec;  /* carries in-band FEC about its predecessor */
    guint8 level_dbov; /* RFC 6464: 0 loudest .. 127 silence; 0 also where it is not known */
    GBytes *payload;
} AudioJitterPacket;

typedef enum {
    AUDIO_JITTER_EMPTY,   /* nothing was received yet, or the sender is silent (DTX, muted) */
    AUDIO_JITTER_PACKET,  /* decode `packet` */
    AUDIO_JITTER_FEC,     /* decode `packet`'s FEC for the lost one before it; it stays queued */
    AUDIO_JITTER_CONCEAL, /* the packet is lost or late: conceal `samples` */
} AudioJitterAction;

typedef enum {
    AUDIO_STRETCH_NONE,
    AUDIO_STRETCH_FASTER, /* too much delay: play a little faster */
    AUDIO_STRETCH_SLOWER, /* too little delay: play a little slower */
    AUDIO_STRETCH_SKIP,   /* far too much delay: drop what was just decoded, pull again */
} AudioStretchWish;

typedef struct {
    AudioJitterAction action;
    GBytes *payload;       /* (transfer full) for PACKET and FEC */
    guint8 level_dbov;     /* of PACKET, as it was inserted */
    guint32 rtp_timestamp; /* of the first sample that this pull yields */
    gint samples;          /* per channel, as far as it is known before decoding */
    AudioStretchWish wish;
    gint max_stretch; /* FASTER: take out at most so many samples */
    gboolean urgent;  /* FASTER, and more than 100 ms too late: stretch at a lower correlation */
} AudioJitterPull;

AudioJitter *audio_jitter_new(void);
void audio_jitter_free(AudioJitter *jitter);

/** Takes a copy of the reference. Late, duplicate and absurd packets are counted and dropped. A
 *  jump of sequence numbers or timestamps is believed when a second packet follows it. */
void audio_jitter_insert(AudioJitter *jitter, const AudioJitterPacket *packet);

/** What to decode next. `buffered_samples`: decoded samples that the caller still holds. Called
 *  until the caller has the samples for its tick of 20 ms, and no further. */
void audio_jitter_pull(AudioJitter *jitter, gint64 now_ns, gint buffered_samples,
                       AudioJitterPull *pull);

/** At least this much delay (at most 500 ms), so that sound waits for its pictures (lip-sync). */
void audio_jitter_set_min_delay(AudioJitter *jitter, gint64 min_delay_ns);

/** Forget everything (a new sender took the place); the statistics go on. */
void audio_jitter_reset(AudioJitter *jitter);

typedef struct {
    guint64 packets, late, duplicates, absurd;
    guint64 lost;    /* never played; those that FEC made up for included */
    guint64 skipped; /* played with SKIP, or dropped unplayed to get back to the target */
    guint64 fec, concealed_samples, faster, slower, restarts;
    gint64 target_ns;
    gint64 level_ns; /* the delay of what was handed out last, the caller's samples included */
} AudioJitterStats;

void audio_jitter_stats(const AudioJitter *jitter, AudioJitterStats *stats);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(AudioJitter, audio_jitter_free)
