#pragma once

#include <libavcodec/codec_par.h>
#include <libavcodec/packet.h>

/** Where a video stream (H.264, HEVC, AV1) came without its parameter sets, take them out of a key
 *  frame that carries them. */
void recorder_learn_parameters(AVCodecParameters *parameters, const AVPacket *packet);
