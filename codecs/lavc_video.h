#pragma once

#include "codecs/codec.h"

/** The video decoder of every codec: libavcodec (VP8, VP9 and H.264 by FFmpeg's own decoders, AV1
 *  by dav1d), one thread, no delay. Fits CodecType.video_decoder_new. */
VideoDecoder *lavc_video_decoder_new(const CodecType *type, const VideoDecoderConfig *config,
                                     GError **error);
