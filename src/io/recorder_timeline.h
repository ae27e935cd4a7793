#pragma once

#include <glib.h>
#include <libavcodec/packet.h>

/* From the mix's time to a recording's: 0 is its first packet, pauses are cut out, all streams stay
 * in step. A recording begins, and goes on after a pause, at a key frame: of the mixed picture, or
 * of any picture if there is none; what came a little earlier but belongs after it is kept for it.
 * When no picture comes for two seconds it goes on with sound alone. One thread at a time. */

typedef struct RecorderTimeline RecorderTimeline;

/** is_video: per stream. mixed_video: the stream that decides, or -1: any video stream. */
RecorderTimeline *recorder_timeline_new(const gboolean *is_video, guint n, gint mixed_video);
void recorder_timeline_free(RecorderTimeline *timeline);

/** A pause was here: what follows waits for a key frame and continues without a gap. */
void recorder_timeline_hold(RecorderTimeline *timeline);

/** TRUE while packets wait for a key frame. */
gboolean recorder_timeline_waits(const RecorderTimeline *timeline);

/** Since when the present piece goes on, in the mix's time and in the recording's. FALSE: it
 *  waits. */
gboolean recorder_timeline_piece(const RecorderTimeline *timeline, gint64 *mix_us, gint64 *at_us);

/** The next packet, in the mix's microseconds (its references are moved out of *packet). */
void recorder_timeline_put(RecorderTimeline *timeline, guint stream, AVPacket *packet);

/** The next packet to write, in the recording's microseconds: pts, dts, and duration > 0 where it
 *  can be known. dts rises in each stream. FALSE: none. */
gboolean recorder_timeline_take(RecorderTimeline *timeline, AVPacket *packet, guint *stream);

/** The stream at whose key frames a file may be cut (sound: everywhere). */
gboolean recorder_timeline_leads(const RecorderTimeline *timeline, guint stream);

/** The length so far, in microseconds. */
gint64 recorder_timeline_end(const RecorderTimeline *timeline);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RecorderTimeline, recorder_timeline_free)
