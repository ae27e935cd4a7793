#pragma once

#include "codecs/codec.h"

/** The encoder of VP8 and VP9 (type->id says which): libvpx, real time, constant rate, one thread,
 *  no frame ever dropped, 1 to 3 temporal layers. Fits CodecType.video_encoder_new. */
VideoEncoder *vpx_encoder_new(const CodecType *type, const VideoEncoderConfig *config,
                              GError **error);
