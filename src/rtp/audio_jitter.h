#pragma once

#include <glib.h>

/* The jitter buffer of one incoming audio stream: orders packets, decides how much delay the
 * network asks for, and says at each pull what is to be decoded next. It holds packets, not
 * samples: the caller decodes, conceals and stretches (mixer/audio_stretch.h). Audio thread;
 * driven by now_ns. Limits: 200 packets, 2 s. */

typedef struct AudioJitter AudioJitter;

typedef struct {
    guint16 seq;
    guint32 rtp_timestamp; /* 48 kHz */
    gint64 arrival_ns;
    gint duration;    /* samples per channel */
    gboolean has_fec; /* carries in-band FEC about its predecessor */
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
    guint32 rtp_timestamp; /* of the first sample that this pull yields */
    gint samples;          /* per channel, as far as it is known before decoding */
    AudioStretchWish wish;
} AudioJitterPull;

AudioJitter *audio_jitter_new(void);
void audio_jitter_free(AudioJitter *jitter);

/** Takes a copy of the reference. Late, duplicate and absurd packets are counted and dropped. */
void audio_jitter_insert(AudioJitter *jitter, const AudioJitterPacket *packet);

/** What to decode next. `buffered_samples`: decoded samples that the caller still holds. Called
 *  as often as the caller needs samples for its tick. */
void audio_jitter_pull(AudioJitter *jitter, gint64 now_ns, gint buffered_samples,
                       AudioJitterPull *pull);

/** At least this much delay, so that sound waits for its pictures (lip-sync). */
void audio_jitter_set_min_delay(AudioJitter *jitter, gint64 min_delay_ns);

/** Forget everything (a new sender took the place). */
void audio_jitter_reset(AudioJitter *jitter);

typedef struct {
    guint64 packets, late, duplicates, lost, fec, concealed_samples, faster, slower, skipped;
    gint64 target_ns, level_ns;
} AudioJitterStats;

void audio_jitter_stats(const AudioJitter *jitter, AudioJitterStats *stats);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(AudioJitter, audio_jitter_free)
