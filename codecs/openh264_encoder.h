#pragma once

#include "codecs/codec.h"

/** The encoder of H.264: OpenH264, constrained baseline, real time, one thread and one temporal
 *  layer, SPS and PPS before every key frame. Fits CodecType.video_encoder_new. speed: 1 low,
 *  2 medium, 3 high complexity. */
VideoEncoder *openh264_encoder_new(const CodecType *type, const VideoEncoderConfig *config,
                                   GError **error);
