#include "io/recorder_timeline.h"

#include "io/sink.h"

#define HELD_US      (3 * G_GINT64_CONSTANT(1000000)) /* what waits for a key frame, at most */
#define PATIENCE_US  (2 * G_GINT64_CONSTANT(1000000)) /* then sound goes on alone */
#define MAX_GUESS_US 1000000
#define MAX_HELD     4096
#define OVERLAP_US   5000 /* a clock's rounding, not a packet that was there before */

typedef struct {
    gboolean is_video, started;
    gboolean wants_key; /* pictures before its next key frame are useless */
    gboolean resumes;   /* the first packet after a pause must not overlap */
    gint64 dts, duration;
} Track;

typedef struct {
    AVPacket *packet;
    guint stream;
} Held;

struct RecorderTimeline {
    Track tracks[SINK_MAX_STREAMS];
    guint n;
    gint mixed_video;
    gboolean has_video;
    gint lead;

    gboolean open;
    gint64 opened_us; /* in the mix's time */
    gint64 shift_us;
    GQueue held; /* of Held: what waits, or is ready to be taken */
};

RecorderTimeline *recorder_timeline_new(const gboolean *is_video, guint n, gint mixed_video)
{
    g_return_val_if_fail(n <= SINK_MAX_STREAMS, NULL);
    RecorderTimeline *timeline = g_new0(RecorderTimeline, 1);
    timeline->n = n;
    timeline->mixed_video = mixed_video;
    timeline->lead = -1;
    g_queue_init(&timeline->held);
    for (guint i = 0; i < n; i++) {
        timeline->tracks[i] = (Track){ .is_video = is_video[i], .wants_key = is_video[i] };
        timeline->has_video |= is_video[i];
    }
    return timeline;
}

static void held_free(Held *held)
{
    av_packet_free(&held->packet);
    g_free(held);
}

void recorder_timeline_free(RecorderTimeline *timeline)
{
    if (!timeline)
        return;
    g_queue_clear_full(&timeline->held, (GDestroyNotify)held_free);
    g_free(timeline);
}

static gint64 track_end(const Track *track)
{
    return track->started ? track->dts + track->duration : 0;
}

/** The end of the pictures, or of the sound if there are none yet. */
static gint64 end_of(const RecorderTimeline *timeline, gboolean video)
{
    gint64 end = 0;
    for (guint i = 0; i < timeline->n; i++) {
        if (timeline->tracks[i].is_video == video)
            end = MAX(end, track_end(&timeline->tracks[i]));
    }
    return end;
}

gint64 recorder_timeline_end(const RecorderTimeline *timeline)
{
    return MAX(end_of(timeline, TRUE), end_of(timeline, FALSE));
}

void recorder_timeline_hold(RecorderTimeline *timeline)
{
    g_queue_clear_full(&timeline->held, (GDestroyNotify)held_free);
    timeline->open = FALSE;
    for (guint i = 0; i < timeline->n; i++) {
        timeline->tracks[i].resumes = timeline->tracks[i].started;
        timeline->tracks[i].wants_key = timeline->tracks[i].is_video;
    }
}

gboolean recorder_timeline_waits(const RecorderTimeline *timeline)
{
    return !timeline->open;
}

gboolean recorder_timeline_piece(const RecorderTimeline *timeline, gint64 *mix_us, gint64 *at_us)
{
    *mix_us = timeline->opened_us;
    *at_us = timeline->opened_us - timeline->shift_us;
    return timeline->open;
}

gboolean recorder_timeline_leads(const RecorderTimeline *timeline, guint stream)
{
    return timeline->lead == (gint)stream;
}

static gboolean is_key(const RecorderTimeline *timeline, guint stream, const AVPacket *packet)
{
    return !timeline->tracks[stream].is_video || packet->flags & AV_PKT_FLAG_KEY;
}

/** Whether this packet begins the recording, or its next piece. */
static gboolean opens(const RecorderTimeline *timeline, guint stream, const AVPacket *packet)
{
    if (!timeline->has_video)
        return TRUE;
    if (!timeline->tracks[stream].is_video || !is_key(timeline, stream, packet))
        return FALSE;
    return timeline->mixed_video < 0 || timeline->mixed_video == (gint)stream;
}

static void open_at(RecorderTimeline *timeline, guint stream, gint64 dts)
{
    /* Without a gap: this packet begins where the last one of its kind ended. */
    gint64 end = end_of(timeline, timeline->tracks[stream].is_video);
    timeline->shift_us = dts - (end > 0 ? end : recorder_timeline_end(timeline));
    timeline->opened_us = dts;
    timeline->open = TRUE;
    timeline->lead = (gint)stream;
}

/** Forget what is too old to belong to any key frame that may come; begin with sound alone if none
 *  comes. */
static void bound_held(RecorderTimeline *timeline, gint64 now_us)
{
    const Held *oldest = g_queue_peek_head(&timeline->held);
    while (oldest && !timeline->open &&
           (now_us - oldest->packet->dts > HELD_US || timeline->held.length > MAX_HELD)) {
        held_free(g_queue_pop_head(&timeline->held));
        oldest = g_queue_peek_head(&timeline->held);
    }
    if (timeline->open)
        return;
    for (const GList *link = timeline->held.head; link; link = link->next) {
        const Held *held = link->data;
        if (timeline->tracks[held->stream].is_video)
            continue;
        if (now_us - held->packet->dts > PATIENCE_US)
            open_at(timeline, held->stream, held->packet->dts);
        return;
    }
}

void recorder_timeline_put(RecorderTimeline *timeline, guint stream, AVPacket *packet)
{
    g_return_if_fail(stream < timeline->n);
    if (packet->dts == AV_NOPTS_VALUE)
        packet->dts = packet->pts;
    if (packet->pts == AV_NOPTS_VALUE)
        packet->pts = packet->dts;
    if (packet->dts == AV_NOPTS_VALUE || packet->size <= 0) {
        av_packet_unref(packet);
        return;
    }
    Held *held = g_new(Held, 1);
    *held = (Held){ av_packet_alloc(), stream };
    av_packet_move_ref(held->packet, packet);
    g_queue_push_tail(&timeline->held, held);
    if (timeline->open)
        return;
    if (opens(timeline, stream, held->packet))
        open_at(timeline, stream, held->packet->dts);
    else
        bound_held(timeline, held->packet->dts);
}

static gint64 guess_duration(const Track *track, gint64 dts)
{
    if (!track->started || track->resumes)
        return track->duration;
    return MIN(dts - track->dts, MAX_GUESS_US);
}

/** Put the packet into the recording's time. FALSE: it has no place there. */
static gboolean map(RecorderTimeline *timeline, guint stream, AVPacket *packet)
{
    Track *track = &timeline->tracks[stream];
    gint64 dts = packet->dts - timeline->shift_us;
    gboolean too_early = dts < 0 || (track->started && dts <= track->dts) ||
                         (track->resumes && dts < track_end(track) - OVERLAP_US);
    if (too_early || (track->wants_key && !is_key(timeline, stream, packet))) {
        track->wants_key = track->is_video;
        return FALSE;
    }
    if (packet->duration <= 0)
        packet->duration = guess_duration(track, dts);
    if (track->is_video && !timeline->tracks[timeline->lead].is_video &&
        (timeline->mixed_video < 0 || timeline->mixed_video == (gint)stream))
        timeline->lead = (gint)stream;
    packet->pts -= timeline->shift_us;
    packet->dts = dts;
    track->dts = dts;
    track->duration = packet->duration;
    track->started = TRUE;
    track->wants_key = FALSE;
    track->resumes = FALSE;
    return TRUE;
}

gboolean recorder_timeline_take(RecorderTimeline *timeline, AVPacket *packet, guint *stream)
{
    gboolean taken = FALSE;
    while (!taken && timeline->open && timeline->held.head) {
        Held *held = g_queue_pop_head(&timeline->held);
        taken = map(timeline, held->stream, held->packet);
        if (taken) {
            av_packet_unref(packet);
            av_packet_move_ref(packet, held->packet);
            *stream = held->stream;
        }
        held_free(held);
    }
    return taken;
}
