#include "room/lip_sync.h"

#include <string.h>

#include "base/clock.h"

#define JUMP_NS           (200 * NS_PER_MS) /* a new clock, not a drift */
#define MAX_HOLD_NS       (300 * NS_PER_MS)
#define MAX_DELAY_NS      (300 * NS_PER_MS)
#define MAX_MEAN_DELAY_NS (200 * NS_PER_MS)
#define BUCKET_NS         (10 * NS_PER_MS)
#define INTERVAL_WEIGHT   (1.0 / 20)
#define RARE              0.06              /* twice in the last few seconds is more than that */
#define STALL_NS          (600 * NS_PER_MS) /* no delay makes up for what is later */
#define FALL_NS           (5 * NS_PER_MS)   /* each time */
#define LATE_ENOUGH_NS    (8 * NS_PER_MS)
#define EARLY_NS          (20 * NS_PER_MS)

static void follow(LipSyncOffset *offset, gint64 measured_ns)
{
    gboolean jump = ABS(measured_ns - offset->offset_ns) > JUMP_NS;
    if (!offset->known || jump)
        offset->offset_ns = measured_ns;
    else
        offset->offset_ns += (measured_ns - offset->offset_ns) / 8;
    offset->known = TRUE;
}

void lip_sync_audio(LipSync *sync, const Timeline *audio, guint32 rtp_timestamp, gint64 mixed_ns)
{
    gint64 captured_ns;
    if (timeline_has_report(audio) && timeline_capture_ns(audio, rtp_timestamp, &captured_ns))
        follow(&sync->by_reports, mixed_ns - captured_ns);
    if (timeline_local_ns(audio, rtp_timestamp, &captured_ns))
        follow(&sync->by_arrival, mixed_ns - captured_ns);
}

gint64 lip_sync_due(const LipSync *sync, const Timeline *audio, const Timeline *video,
                    guint32 rtp_timestamp, gint64 arrival_ns)
{
    gint64 captured_ns;
    gboolean reports =
        timeline_has_report(audio) && timeline_has_report(video) && sync->by_reports.known;
    const LipSyncOffset *offset = reports ? &sync->by_reports : &sync->by_arrival;
    gboolean known = reports ? timeline_capture_ns(video, rtp_timestamp, &captured_ns)
                             : timeline_local_ns(video, rtp_timestamp, &captured_ns);
    if (!offset->known || !known)
        return arrival_ns;
    return CLAMP(captured_ns + offset->offset_ns, arrival_ns - MAX_HOLD_NS,
                 arrival_ns + MAX_HOLD_NS);
}

/* What the latest pictures of all but the rarest intervals needed. */
static gint64 delay_for_latest(LipSync *sync, const LipSyncLateness *late)
{
    gint64 needed_ns = late->lossy ? sync->by_arrival.offset_ns + late->latest_ns : 0;
    gint bucket = LIP_SYNC_BUCKETS;
    gdouble above = 0;
    for (guint i = 0; i < LIP_SYNC_BUCKETS; i++)
        sync->needed[i] -= sync->needed[i] * INTERVAL_WEIGHT;
    if (needed_ns < STALL_NS)
        sync->needed[CLAMP(needed_ns / BUCKET_NS, 0, LIP_SYNC_BUCKETS - 1)] += INTERVAL_WEIGHT;
    while (bucket > 0 && above <= RARE)
        above += sync->needed[--bucket];
    return bucket * BUCKET_NS;
}

gint64 lip_sync_adjust(LipSync *sync, gint64 audio_delay_ns, const LipSyncLateness *late)
{
    if (!sync->by_arrival.known)
        return sync->extra_delay_ns;
    if (late->mean_ns > LATE_ENOUGH_NS)
        sync->mean_delay_ns = audio_delay_ns + late->mean_ns / 2;
    else if (late->mean_ns < -EARLY_NS)
        sync->mean_delay_ns += (late->mean_ns + EARLY_NS) / 4;
    sync->mean_delay_ns = CLAMP(sync->mean_delay_ns, 0, MAX_MEAN_DELAY_NS);
    gint64 latest_ns = delay_for_latest(sync, late);
    sync->latest_delay_ns = MAX(latest_ns, sync->latest_delay_ns - FALL_NS);
    sync->latest_delay_ns = CLAMP(sync->latest_delay_ns, 0, MAX_DELAY_NS);
    sync->extra_delay_ns = MAX(sync->mean_delay_ns, sync->latest_delay_ns);
    return sync->extra_delay_ns;
}

void lip_sync_release(LipSync *sync)
{
    sync->extra_delay_ns = sync->mean_delay_ns = sync->latest_delay_ns = 0;
    memset(sync->needed, 0, sizeof sync->needed);
}
