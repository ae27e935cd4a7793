#include "codecs/codec.h"

#include <string.h>

#include "codecs/bits.h"
#include "codecs/codec_ops.h"
#include "codecs/h264_nal.h"
#include "codecs/lavc_video.h"
#include "codecs/openh264_encoder.h"

/* H.264 (ITU-T H.264), Annex B byte streams. */

#define MAX_MBS_PER_SIDE 4096

/* A few bytes can ask for a whole picture or a new parameter set, so a frame may not hold any
 * number of them: a picture is one frame or two fields. */
#define MAX_PICTURES 4
#define MAX_NALS     2048

/* The offset of the next 00 00 01 at or after pos, or size. */
static gsize find_start_code(const guint8 *data, gsize size, gsize pos)
{
    while (pos + 3 <= size) {
        const guint8 *one = memchr(data + pos + 2, 1, size - pos - 2);
        if (!one)
            break;
        pos = (gsize)(one - data) - 2;
        if (data[pos] == 0 && data[pos + 1] == 0)
            return pos;
        pos++;
    }
    return size;
}

gboolean nal_iterator_next(NalIterator *iterator)
{
    gsize size = iterator->size;
    while (iterator->pos < size) {
        gsize start = find_start_code(iterator->data, size, iterator->pos);
        if (start == size)
            break;
        gsize end = find_start_code(iterator->data, size, start + 3);
        iterator->pos = end;
        iterator->nal = iterator->data + start + 3;
        iterator->nal_size = end - start - 3;
        while (iterator->nal_size > 0 && iterator->nal[iterator->nal_size - 1] == 0)
            iterator->nal_size--;
        if (iterator->nal_size > 0)
            return TRUE;
    }
    iterator->pos = size;
    return FALSE;
}

/* 7.3.2.1.1.1 */
static void skip_scaling_list(BitReader *bits, guint entries)
{
    gint last = 8, next = 8;
    for (guint i = 0; i < entries && !bits->failed; i++) {
        if (next != 0)
            next = (gint)(((guint)last + (guint)bit_reader_se(bits) + 256u) & 0xff);
        last = next == 0 ? last : next;
    }
}

static gboolean has_chroma_format(guint profile)
{
    static const guint8 profiles[] = {
        100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135
    };
    return memchr(profiles, (int)profile, sizeof profiles) != NULL;
}

/* Returns chroma_format_idc. */
static guint read_chroma_format(BitReader *bits)
{
    guint chroma_format = bit_reader_ue(bits);
    if (chroma_format > 3)
        bits->failed = TRUE;
    if (chroma_format == 3)
        bit_reader_skip(bits, 1); /* separate colour planes */
    bit_reader_ue(bits);          /* bit depth of luma, of chroma */
    bit_reader_ue(bits);
    bit_reader_skip(bits, 1);
    if (!bit_reader_flag(bits))
        return chroma_format;
    for (guint i = 0; i < (chroma_format == 3 ? 12 : 8); i++)
        if (bit_reader_flag(bits))
            skip_scaling_list(bits, i < 6 ? 16 : 64);
    return chroma_format;
}

static void skip_picture_order(BitReader *bits)
{
    guint type = bit_reader_ue(bits);
    if (type == 0) {
        bit_reader_ue(bits);
    } else if (type == 1) {
        bit_reader_skip(bits, 1);
        bit_reader_se(bits);
        bit_reader_se(bits);
        guint cycle = bit_reader_ue(bits);
        bits->failed = bits->failed || cycle > 255;
        for (guint i = 0; i < cycle && !bits->failed; i++)
            bit_reader_se(bits);
    }
}

/* 7.4.2.1.1: the picture within its cropping rectangle. */
static gboolean apply_size(VideoFrameHeader *header, BitReader *bits, guint chroma_format)
{
    guint width = bit_reader_ue(bits) + 1;
    guint height = bit_reader_ue(bits) + 1;
    guint fields = bit_reader_flag(bits) ? 1 : 2;
    if (bits->failed || width == 0 || height == 0 || width > MAX_MBS_PER_SIDE ||
        height > MAX_MBS_PER_SIDE)
        return FALSE;
    width *= 16;
    height *= 16 * fields;
    bit_reader_skip(bits, fields == 2 ? 2 : 1); /* adaptive fields, direct 8x8 inference */
    if (bit_reader_flag(bits)) {
        guint unit_x = chroma_format == 1 || chroma_format == 2 ? 2 : 1;
        guint unit_y = (chroma_format == 1 ? 2 : 1) * fields;
        guint64 crop_x = ((guint64)bit_reader_ue(bits) + bit_reader_ue(bits)) * unit_x;
        guint64 crop_y = ((guint64)bit_reader_ue(bits) + bit_reader_ue(bits)) * unit_y;
        if (bits->failed || crop_x >= width || crop_y >= height)
            return FALSE;
        width -= (guint)crop_x;
        height -= (guint)crop_y;
    }
    header->has_size = TRUE;
    header->width = MAX(header->width, (gint)width);
    header->height = MAX(header->height, (gint)height);
    return !bits->failed;
}

/* 7.3.2.1.1 */
static gboolean read_sps(const guint8 *nal, gsize size, VideoFrameHeader *header)
{
    BitReader bits = bit_reader(nal, size);
    bits.emulation = TRUE;
    bit_reader_skip(&bits, 8);
    guint profile = bit_reader_uint(&bits, 8);
    bit_reader_skip(&bits, 16); /* constraints, level */
    bit_reader_ue(&bits);       /* id */
    guint chroma_format = has_chroma_format(profile) ? read_chroma_format(&bits) : 1;
    bit_reader_ue(&bits); /* bits of frame_num */
    skip_picture_order(&bits);
    bit_reader_ue(&bits); /* reference frames */
    bit_reader_skip(&bits, 1);
    return apply_size(header, &bits, chroma_format);
}

/* The first slice of a picture: first_mb_in_slice is Exp-Golomb, so zero is a leading 1 bit. */
static gboolean begins_picture(const guint8 *nal, gsize size)
{
    return nal_type(nal[0]) >= H264_SLICE && nal_type(nal[0]) <= H264_IDR && size > 1 &&
           nal[1] & 0x80;
}

static gboolean h264_peek(const guint8 *data, gsize size, VideoFrameHeader *header)
{
    NalIterator nals = { .data = data, .size = size };
    guint count = 0, pictures = 0;
    *header = (VideoFrameHeader){ 0 };
    while (nal_iterator_next(&nals)) {
        guint8 type = nal_type(nals.nal[0]);
        pictures += begins_picture(nals.nal, nals.nal_size);
        if (++count > MAX_NALS || pictures > MAX_PICTURES)
            return FALSE;
        if (nals.nal[0] & 0x80 || (type == H264_SPS && !read_sps(nals.nal, nals.nal_size, header)))
            return FALSE;
        header->keyframe = header->keyframe || type == H264_IDR;
    }
    return count > 0;
}

/* RFC 6184 section 8.1. We send FU-A and STAP-A, so only packetization mode 1 will do; of the
 * profiles those that libavcodec decodes and whose decoders understand constrained baseline. */
static gboolean h264_fmtp_accept(const char *fmtp)
{
    guint64 mode = 0, profile_level = 0x42000a;
    codec_fmtp_number(fmtp, "packetization-mode", 10, &mode);
    codec_fmtp_number(fmtp, "profile-level-id", 16, &profile_level);
    guint64 profile = profile_level >> 16;
    return mode == 1 && (profile == 0x42 || profile == 0x4d || profile == 0x64);
}

const CodecType codec_h264 = {
    .name = "H264",
    .kind = AVMEDIA_TYPE_VIDEO,
    .id = AV_CODEC_ID_H264,
    .clock_hz = 90000,
    .fmtp_accept = h264_fmtp_accept,
    .fmtp = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
    .payload = &payload_h264,
    .peek = h264_peek,
    .video_decoder_new = lavc_video_decoder_new,
    .video_encoder_new = openh264_encoder_new,
};
