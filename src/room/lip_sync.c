#include "room/lip_sync.h"

#include "base/clock.h"

#define JUMP_NS        (200 * NS_PER_MS) /* a new clock, not a drift */
#define MAX_HOLD_NS    (300 * NS_PER_MS)
#define MAX_DELAY_NS   (200 * NS_PER_MS)
#define LATE_ENOUGH_NS (8 * NS_PER_MS)
#define EARLY_NS       (20 * NS_PER_MS)

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

gint64 lip_sync_adjust(LipSync *sync, gint64 audio_delay_ns, gint64 picture_lateness_ns)
{
    if (!sync->by_arrival.known)
        return sync->extra_delay_ns;
    if (picture_lateness_ns > LATE_ENOUGH_NS)
        sync->extra_delay_ns = audio_delay_ns + picture_lateness_ns / 2;
    else if (picture_lateness_ns < -EARLY_NS)
        sync->extra_delay_ns += (picture_lateness_ns + EARLY_NS) / 4;
    sync->extra_delay_ns = CLAMP(sync->extra_delay_ns, 0, MAX_DELAY_NS);
    return sync->extra_delay_ns;
}

void lip_sync_release(LipSync *sync)
{
    sync->extra_delay_ns = 0;
}
