#pragma once

#include <glib.h>

#include "codecs/codec.h"

/** What an Annex B HEVC frame (ITU-T H.265) says of itself, as CodecType.peek does: the size within
 *  its conformance window, whether it can be entered at. FALSE: malformed, or more pictures and NAL
 *  units than one frame holds. */
gboolean hevc_peek(const guint8 *data, gsize size, VideoFrameHeader *header);

/** Whether a stream's description, where it is of the hvcC form (ISO 14496-15 8.3.3.1), counts no
 * more NAL units than it holds and a decoder needs. libavcodec would go through all that are
 * promised. */
gboolean hevc_config_is_sane(const guint8 *data, gsize size);
