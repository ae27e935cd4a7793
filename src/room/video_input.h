#pragma once

#include "base/thread.h"
#include "codecs/codec.h"
#include "room/engine.h"
#include "room/picture_ring.h"
#include "rtp/frame_assembler.h"

/* The pictures of one source (a camera or a screen) on their way to the scenes:
 *   net thread: whole frames -> strand: size check -> decoder -> picture ring -> scenes
 * Counted; any thread may hold a reference. */

typedef struct VideoInput VideoInput;

VideoInput *video_input_new(Engine *engine);
VideoInput *video_input_ref(VideoInput *input);
void video_input_unref(VideoInput *input);

/** A whole frame whose references were all delivered before; it is copied. Decoded only while
 *  somebody wants it, and dropped up to the next key frame when the decoder cannot keep up. */
void video_input_frame(VideoInput *input, const CodecType *codec, const AssembledFrame *frame,
                       gint64 due_ns) ON_NET_THREAD;

/** A picture that is already decoded (a test source). Any thread. */
void video_input_picture(VideoInput *input, const AVFrame *picture, gint64 due_ns, gint64 now_ns);

/** Where the decoded pictures are (transfer none). */
PictureRing *video_input_ring(VideoInput *input);

/** One more, or one less, scene shows this source. Any thread. */
void video_input_want(VideoInput *input, gboolean wanted);
gboolean video_input_wanted(VideoInput *input);

/** TRUE once after the decoder lost its way: a key frame is to be asked for. Any thread. */
gboolean video_input_take_need_keyframe(VideoInput *input);

/** How much later than due the pictures were ready, lately (ns; negative: early). Any thread. */
gint64 video_input_lateness_ns(VideoInput *input);

typedef struct {
    guint64 decoded, errors, dropped, skipped_unwanted;
    gint width, height;
    gint64 decode_cpu_ns;
} VideoInputStats;

/** Any thread. */
void video_input_stats(VideoInput *input, VideoInputStats *stats);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(VideoInput, video_input_unref)
