#pragma once

#include <glib.h>
#include <libavcodec/codec_par.h>
#include <libavutil/buffer.h>

/* What a packet for a track_recorder says of itself: codec parameters as a counted buffer, in its
 * opaque_ref. Any thread. */

/** (transfer full) A copy; a new one whenever something changed. NULL: memory is short. */
AVBufferRef *track_parameters_new(const AVCodecParameters *parameters);

/** (transfer none) */
const AVCodecParameters *track_parameters_of(const AVBufferRef *buffer);

/** Whether a file that holds `have` (may be NULL) can go on with `come`. Pictures may change their
 *  size: their key frames say it. */
gboolean track_parameters_go_on(const AVBufferRef *have, const AVBufferRef *come);

/** TRUE if a file needs parameter sets that are not there. */
gboolean track_parameters_need_more(const AVCodecParameters *parameters);
