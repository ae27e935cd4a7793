#pragma once

#include "base/thread.h"
#include "codecs/codec.h"
#include "room/engine.h"
#include "room/picture_ring.h"
#include "room/source_tap.h"
#include "rtp/frame_assembler.h"

/* The pictures of one source (a camera or a screen) on their way to the scenes:
 *   net thread: whole frames -> strand: size check -> decoder -> picture ring -> scenes
 * Counted; any thread may hold a reference. */

typedef struct VideoInput VideoInput;

VideoInput *video_input_new(Engine *engine);
VideoInput *video_input_ref(VideoInput *input);
void video_input_unref(VideoInput *input);

/** Who records it, as which part (a reference is taken); before the first frame. */
void video_input_set_tap(VideoInput *input, SourceTap *tap, SourceTapPart part);

/** A whole frame whose references were all delivered before; it is copied. Decoded only while
 *  somebody wants it, and dropped up to the next key frame when the decoder cannot keep up. */
void video_input_frame(VideoInput *input, const CodecType *codec, const AssembledFrame *frame,
                       gint64 due_ns) ON_NET_THREAD;

/** A picture that is already decoded (a test source). Any thread. */
void video_input_picture(VideoInput *input, const AVFrame *picture, gint64 due_ns, gint64 now_ns);

/** Where the decoded pictures are (transfer none). */
PictureRing *video_input_ring(VideoInput *input);

/** What follows is another stream than before, and begins with a key frame: it gets a decoder of
 *  its own. rid: what the layer is called, "" where there are none. */
void video_input_restart(VideoInput *input, const char *rid) ON_NET_THREAD;

/** One more scene shows this source in a tile that asks for pictures of this height (1 or more),
 *  or one less. Any thread. */
void video_input_want(VideoInput *input, gint height_px);
void video_input_unwant(VideoInput *input, gint height_px);

/** TRUE while somebody shows it: it is decoded. Any thread. */
gboolean video_input_wanted(VideoInput *input);

/** The height that the largest tile asks for; 0: nobody shows it. Any thread. */
gint video_input_wanted_px(VideoInput *input);

/** The height of the pictures that are to be received: more than that where they are recorded as
 *  sent, shown or not; 0: none are. Any thread. */
gint video_input_received_px(VideoInput *input);

/** TRUE once after somebody began to show it whom nobody showed before. Any thread. */
gboolean video_input_take_promoted(VideoInput *input);

/** TRUE once after the decoder lost its way, or who records it needs one: a key frame is to be
 * asked for. Any thread. */
gboolean video_input_take_need_keyframe(VideoInput *input);

/** How much later than due the pictures were ready, lately (ns; negative: early). Any thread. */
gint64 video_input_lateness_ns(VideoInput *input);
/** How late the latest picture since the last call was. FALSE: there was none. Any thread. */
gboolean video_input_take_latest_ns(VideoInput *input, gint64 *late_ns);

typedef struct {
    guint64 decoded, errors, dropped, skipped_unwanted;
    gint width, height;
    gint64 decode_cpu_ns;
    char rid[17]; /* of the layer that is decoded; "" where there are none */
} VideoInputStats;

/** Any thread. */
void video_input_stats(VideoInput *input, VideoInputStats *stats);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(VideoInput, video_input_unref)
