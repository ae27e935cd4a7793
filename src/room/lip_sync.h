#pragma once

#include "rtp/timeline.h"

/* Holds one sender's pictures to its sound: a picture is due at the moment at which the sound that
 * was captured with it is mixed. Where the pictures come later than that, the sound is made to
 * wait. Pure. */

/** Where the sound stands on one clock: mixed - captured. */
typedef struct {
    gboolean known;
    gint64 offset_ns;
} LipSyncOffset;

#define LIP_SYNC_BUCKETS 40

typedef struct {
    LipSyncOffset by_reports;         /* on the sender's clock, from its sender reports */
    LipSyncOffset by_arrival;         /* on ours, as long as one of the streams has no report */
    gint64 mean_delay_ns;             /* what the pictures need on the whole */
    gdouble needed[LIP_SYNC_BUCKETS]; /* shares: what the latest pictures needed, by 10 ms */
    gint64 latest_delay_ns;           /* what the latest ones need */
    gint64 extra_delay_ns;            /* what the sound's jitter buffer must hold at least */
} LipSync;

/** The sound with this timestamp is mixed at mixed_ns. */
void lip_sync_audio(LipSync *sync, const Timeline *audio, guint32 rtp_timestamp, gint64 mixed_ns);

/** When a picture with this timestamp, which arrived at arrival_ns, is due. Without sound: at
 *  once. Never more than 300 ms after its arrival. */
gint64 lip_sync_due(const LipSync *sync, const Timeline *audio, const Timeline *video,
                    guint32 rtp_timestamp, gint64 arrival_ns);

/** How late pictures are; negative: early. */
typedef struct {
    gint64 mean_ns;
    gint64 latest_ns; /* the latest one since the last call */
    gboolean lossy;   /* some come late because their packets had to be sent again */
} LipSyncLateness;

/** How long the sound must wait at least, given how long it is meant to wait now and how late its
 *  pictures are. To be called every 500 ms. The pictures are to be in time on the whole (for that
 * it waits 200 ms at most) and, on a line that loses packets, the latest ones too, but for those of
 *  rare intervals (300 ms at most). It waits for them longer at once, and shorter by 10 ms a
 *  second. */
gint64 lip_sync_adjust(LipSync *sync, gint64 audio_delay_ns, const LipSyncLateness *late);

/** There are no pictures any more that the sound would have to wait for. */
void lip_sync_release(LipSync *sync);
