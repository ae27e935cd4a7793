#include "base/clock.h"
#include "room/viewer_private.h"

/* Which rendition is sent, and its frames as this viewer's stream. */

/* Who changes its picture more often than once a second on average waits for its key frames. */
#define SWITCH_GAP_NS   NS_PER_SEC
#define SWITCH_BURST_NS (4 * NS_PER_SEC)
/* Who loses its way more often than that waits for one that somebody else asked for. */
#define KEYFRAME_GAP_NS   (2 * NS_PER_SEC)
#define KEYFRAME_BURST_NS (4 * NS_PER_SEC)
/* What waits for the line: then frames that nothing refers to are left out, then all of them. */
#define CROWDED_NS (250 * NS_PER_MS)
#define STUCK_NS   (500 * NS_PER_MS)
#define DRAINED_NS (100 * NS_PER_MS)

/* --- which rendition --------------------------------------------------------------------- */

ON_NET_THREAD static void release_rendition(Viewer *viewer, Rendition **place)
{
    Rendition *rendition = g_steal_pointer(place);
    if (!rendition)
        return;
    rendition_remove_viewer(rendition, viewer);
    rendition_unref(rendition);
}

/* What is sent now can be shown, and the line carries it: the other's key frame need not come at
 * once. */
static gboolean can_wait(const Viewer *viewer, const Rendition *rendition)
{
    return viewer->rendition &&
           rendition_spec(rendition)->bitrate_bps >= rendition_spec(viewer->rendition)->bitrate_bps;
}

ON_NET_THREAD static void take_rendition(Viewer *viewer, Rendition **place, Rendition *rendition)
{
    gint64 now_ns = engine_now_ns(viewer->engine);
    gint64 from_ns = MAX(viewer->switches_until_ns, now_ns);
    gboolean urgent = !can_wait(viewer, rendition) && from_ns - now_ns <= SWITCH_BURST_NS;
    if (urgent)
        viewer->switches_until_ns = from_ns + SWITCH_GAP_NS;
    *place = rendition_ref(rendition);
    rendition_add_viewer(rendition, viewer, urgent);
}

/* Whether what is sent now may go on until the other's key frame comes. */
static gboolean can_go_on(const Viewer *viewer, const Rendition *rendition)
{
    return viewer->rendition && viewer->had_keyframe && rendition && viewer->transport &&
           rendition_spec(viewer->rendition)->codec == rendition_spec(rendition)->codec;
}

void viewer_take(Viewer *viewer, Rendition *rendition)
{
    if ((viewer->next ? viewer->next : viewer->rendition) == rendition)
        return;
    if (viewer->next)
        release_rendition(viewer, &viewer->next);
    if (viewer->rendition == rendition)
        return;
    if (can_go_on(viewer, rendition)) {
        take_rendition(viewer, &viewer->next, rendition);
        return;
    }
    Rendition *before = g_steal_pointer(&viewer->rendition);
    viewer->had_keyframe = viewer->numbers.aligned = FALSE;
    if (rendition)
        take_rendition(viewer, &viewer->rendition, rendition);
    release_rendition(viewer, &before);
}

void viewer_want_keyframe(Viewer *viewer, gint64 now_ns)
{
    gint64 from_ns = MAX(viewer->keyframes_until_ns, now_ns);
    if (from_ns - now_ns > KEYFRAME_BURST_NS)
        return;
    viewer->keyframes_until_ns = from_ns + KEYFRAME_GAP_NS;
    if (viewer->rendition)
        rendition_request_keyframe(viewer->rendition, FALSE);
    if (viewer->next)
        rendition_request_keyframe(viewer->next, FALSE);
}

ON_NET_THREAD static void switch_to_next(Viewer *viewer)
{
    release_rendition(viewer, &viewer->rendition);
    viewer->rendition = g_steal_pointer(&viewer->next);
    viewer->numbers.aligned = FALSE;
    viewer->stats.switches++;
}

/* --- its frames -------------------------------------------------------------------------- */

/* The numbers of this viewer's stream go on where the rendition before ended, whichever it was. */
static void align_frame(Viewer *viewer, const RenditionFrame *frame)
{
    ViewerNumbers *numbers = &viewer->numbers;
    guint32 timestamp = frame->rtp_timestamp;
    if (!numbers->aligned) {
        numbers->picture_id_offset = numbers->last_picture_id + 1 - frame->picture_id;
        numbers->tl0_offset = numbers->last_tl0 + 1 - frame->tl0_pic_idx;
        numbers->aligned = TRUE;
    }
    numbers->last_picture_id = (frame->picture_id + numbers->picture_id_offset) & 0x7fff;
    numbers->last_tl0 = (frame->tl0_pic_idx + numbers->tl0_offset) & 0xff;
    /* Two renditions may have pictures of the same tick. */
    gboolean soon = frame->captured_ns - numbers->last_captured_ns < NS_PER_SEC;
    if (viewer->stats.frames && soon && (gint32)(timestamp - numbers->last_timestamp) <= 0)
        timestamp = numbers->last_timestamp + 1;
    numbers->last_timestamp = timestamp;
    numbers->last_captured_ns = frame->captured_ns;
}

/* A frame that nothing refers to may be missing without anybody noticing, if the numbers close up
 * behind it. */
static void leave_out(Viewer *viewer)
{
    if (viewer->numbers.aligned)
        viewer->numbers.picture_id_offset--;
    viewer->stats.left_out++;
}

/* The line does not drain: what waits, and what comes up to the next key frame, would come too
 * late. */
ON_NET_THREAD static gboolean is_stuck(Viewer *viewer, const RenditionFrame *frame, gint64 now_ns)
{
    gint64 waiting_ns = pacer_queue_ns(viewer->pacer);
    if (!viewer->stuck && waiting_ns <= STUCK_NS)
        return FALSE;
    if (viewer->stuck && waiting_ns < DRAINED_NS) {
        if (frame->keyframe) {
            viewer->stuck = FALSE;
            return FALSE;
        }
        viewer_want_keyframe(viewer, now_ns);
    }
    if (!viewer->stuck)
        viewer_send_clear(viewer);
    viewer->stuck = TRUE;
    viewer->stats.dropped++;
    return TRUE;
}

/* Whether this frame is one that the viewer gets. */
ON_NET_THREAD static gboolean accept_frame(Viewer *viewer, Rendition *rendition,
                                           const RenditionFrame *frame, gint64 now_ns)
{
    if (rendition == viewer->next && frame->keyframe)
        switch_to_next(viewer);
    if (rendition != viewer->rendition || (!viewer->had_keyframe && !frame->keyframe))
        return FALSE;
    if (is_stuck(viewer, frame, now_ns))
        return FALSE;
    gboolean crowded = pacer_queue_ns(viewer->pacer) > CROWDED_NS;
    if (frame->non_reference && (crowded || viewer->rate.choice.pick.base_only)) {
        leave_out(viewer);
        return FALSE;
    }
    return TRUE;
}

void viewer_send_video(Viewer *viewer, Rendition *rendition, const RenditionFrame *frame,
                       gint64 now_ns)
{
    if (!viewer->transport || !viewer->video.config.active ||
        !accept_frame(viewer, rendition, frame, now_ns))
        return;
    viewer->had_keyframe = TRUE;
    align_frame(viewer, frame);
    if (frame->keyframe)
        viewer->since_keyframe = 0;
    for (guint i = 0; i < frame->payloads->len; i++)
        viewer_queue_video(viewer, frame->payloads->pdata[i], i + 1 == frame->payloads->len,
                           now_ns);
    viewer_pump(viewer, now_ns);
    viewer->stats.frames++;
    viewer->stats.keyframes += frame->keyframe;
}
