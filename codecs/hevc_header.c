#include "codecs/hevc_header.h"

#include "base/bytes.h"
#include "codecs/bits.h"
#include "codecs/h264_nal.h"

#define MAX_SIDE        16384
#define MAX_PICTURES    4
#define MAX_NALS        2048
#define MAX_SUBLAYER    6 /* 7.4.3.1 */
#define MIN_HVCC        23
#define MAX_CONFIG_NALS 64

enum { HEVC_FIRST_IRAP = 16, HEVC_LAST_IRAP = 23, HEVC_LAST_SLICE = 31, HEVC_SPS = 33 };

static guint8 hevc_type(const guint8 *nal)
{
    return nal[0] >> 1 & 0x3f;
}

static guint hevc_layer(const guint8 *nal)
{
    return (guint)(nal[0] & 1) << 5 | nal[1] >> 3;
}

/* 7.3.3 */
static void skip_profile_tier_level(BitReader *bits, guint sublayers)
{
    gboolean profile[MAX_SUBLAYER] = { 0 }, level[MAX_SUBLAYER] = { 0 };
    bit_reader_skip(bits, 88 + 8);
    for (guint i = 0; i < sublayers; i++) {
        profile[i] = bit_reader_flag(bits) != 0;
        level[i] = bit_reader_flag(bits) != 0;
    }
    if (sublayers > 0)
        bit_reader_skip(bits, 2 * (8 - sublayers));
    for (guint i = 0; i < sublayers; i++)
        bit_reader_skip(bits, (profile[i] ? 88 : 0) + (level[i] ? 8 : 0));
}

/* The picture within its conformance window (7.4.3.2.1). */
static gboolean apply_size(BitReader *bits, guint chroma_format, VideoFrameHeader *header)
{
    guint32 width = bit_reader_ue(bits), height = bit_reader_ue(bits);
    if (bits->failed || width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE)
        return FALSE;
    if (bit_reader_flag(bits)) {
        guint unit_x = chroma_format == 1 || chroma_format == 2 ? 2 : 1;
        guint unit_y = chroma_format == 1 ? 2 : 1;
        guint64 crop_x = ((guint64)bit_reader_ue(bits) + bit_reader_ue(bits)) * unit_x;
        guint64 crop_y = ((guint64)bit_reader_ue(bits) + bit_reader_ue(bits)) * unit_y;
        if (bits->failed || crop_x >= width || crop_y >= height)
            return FALSE;
        width -= (guint32)crop_x;
        height -= (guint32)crop_y;
    }
    header->has_size = TRUE;
    header->width = MAX(header->width, (gint)width);
    header->height = MAX(header->height, (gint)height);
    return !bits->failed;
}

/* 7.3.2.2.1 */
static gboolean read_sps(const guint8 *nal, gsize size, VideoFrameHeader *header)
{
    BitReader bits = bit_reader(nal, size);
    bits.emulation = TRUE;
    bit_reader_skip(&bits, 16 + 4);
    guint sublayers = bit_reader_uint(&bits, 3);
    bit_reader_skip(&bits, 1);
    if (sublayers > MAX_SUBLAYER)
        return FALSE;
    skip_profile_tier_level(&bits, sublayers);
    bit_reader_ue(&bits); /* id */
    guint chroma_format = bit_reader_ue(&bits);
    if (chroma_format > 3)
        return FALSE;
    if (chroma_format == 3)
        bit_reader_skip(&bits, 1);
    return apply_size(&bits, chroma_format, header);
}

gboolean hevc_peek(const guint8 *data, gsize size, VideoFrameHeader *header)
{
    NalIterator nals = { .data = data, .size = size };
    guint count = 0, pictures = 0;
    *header = (VideoFrameHeader){ 0 };
    while (nal_iterator_next(&nals)) {
        if (++count > MAX_NALS || nals.nal[0] & 0x80)
            return FALSE;
        if (nals.nal_size < 3 || hevc_layer(nals.nal) > 0)
            continue; /* too short for what is looked at, or another layer, which is not decoded */
        guint8 type = hevc_type(nals.nal);
        pictures += type <= HEVC_LAST_SLICE && nals.nal[2] & 0x80;
        if (pictures > MAX_PICTURES)
            return FALSE;
        if (type == HEVC_SPS && !read_sps(nals.nal, nals.nal_size, header))
            return FALSE;
        header->keyframe = header->keyframe || (type >= HEVC_FIRST_IRAP && type <= HEVC_LAST_IRAP);
    }
    return count > 0;
}

gboolean hevc_config_is_sane(const guint8 *data, gsize size)
{
    ByteReader reader = byte_reader(data, size);
    guint32 start = byte_reader_u32(&reader);
    guint count = 0;
    if (size < MIN_HVCC || start == 1 || start >> 8 == 1) /* empty, or Annex B */
        return TRUE;
    byte_reader_bytes(&reader, MIN_HVCC - 1 - 4);
    guint arrays = byte_reader_u8(&reader);
    for (guint i = 0; i < arrays && !reader.failed; i++) {
        byte_reader_u8(&reader); /* type */
        guint nals = byte_reader_u16(&reader);
        count += nals;
        if (count > MAX_CONFIG_NALS)
            return FALSE;
        for (guint k = 0; k < nals && !reader.failed; k++)
            byte_reader_bytes(&reader, byte_reader_u16(&reader));
    }
    return !reader.failed;
}
