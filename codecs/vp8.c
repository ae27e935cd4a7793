#include "codecs/codec.h"

#include "codecs/lavc_video.h"
#include "codecs/vpx_encoder.h"

/* VP8 (RFC 6386). */

#define TAG_SIZE        3
#define KEY_HEADER_SIZE 10

/* RFC 6386 section 9.1 and 19.1. */
static gboolean vp8_peek(const guint8 *data, gsize size, VideoFrameHeader *header)
{
    *header = (VideoFrameHeader){ 0 };
    if (size < TAG_SIZE)
        return FALSE;
    gsize first_partition = (data[0] | data[1] << 8 | data[2] << 16) >> 5;
    header->keyframe = !(data[0] & 1);
    gsize header_size = header->keyframe ? KEY_HEADER_SIZE : TAG_SIZE;
    if ((data[0] >> 1 & 7) > 3 || size < header_size || first_partition > size - header_size)
        return FALSE;
    if (!header->keyframe)
        return TRUE;
    header->has_size = TRUE;
    header->width = (data[6] | data[7] << 8) & 0x3fff; /* the upper two bits ask for upscaling */
    header->height = (data[8] | data[9] << 8) & 0x3fff;
    return data[3] == 0x9d && data[4] == 0x01 && data[5] == 0x2a && header->width > 0 &&
           header->height > 0;
}

const CodecType codec_vp8 = {
    .name = "VP8",
    .kind = AVMEDIA_TYPE_VIDEO,
    .id = AV_CODEC_ID_VP8,
    .clock_hz = 90000,
    .payload = &payload_vp8,
    .peek = vp8_peek,
    .video_decoder_new = lavc_video_decoder_new,
    .video_encoder_new = vpx_encoder_new,
};
