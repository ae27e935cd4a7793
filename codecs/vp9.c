#include "codecs/codec.h"

#include "codecs/bits.h"
#include "codecs/codec_ops.h"
#include "codecs/lavc_video.h"
#include "codecs/vpx_encoder.h"

/* VP9 (the bitstream specification, sections 6.2, 7.2 and annex B). */

#define SYNC_CODE      0x498342
#define COLOR_SRGB     7
#define MAX_SUPERFRAME 8

static gboolean read_color_config(BitReader *bits, guint profile)
{
    if (profile >= 2)
        bit_reader_skip(bits, 1); /* 10 or 12 bits */
    if (bit_reader_uint(bits, 3) == COLOR_SRGB) {
        if (profile == 1 || profile == 3)
            bit_reader_skip(bits, 1);
        return profile == 1 || profile == 3;
    }
    bit_reader_skip(bits, 1);
    if (profile == 1 || profile == 3)
        bit_reader_skip(bits, 3);
    return TRUE;
}

static void read_size(BitReader *bits, VideoFrameHeader *header)
{
    gint width = (gint)bit_reader_uint(bits, 16) + 1;
    gint height = (gint)bit_reader_uint(bits, 16) + 1;
    header->has_size = TRUE;
    header->width = MAX(header->width, width);
    header->height = MAX(header->height, height);
}

/* An inter frame takes its size from one of three references, or brings its own. */
static void read_size_with_refs(BitReader *bits, VideoFrameHeader *header)
{
    bit_reader_skip(bits, 8 + 3 * 4); /* refresh flags; index and sign bias of each reference */
    for (guint i = 0; i < 3; i++)
        if (bit_reader_flag(bits))
            return;
    read_size(bits, header);
}

static gboolean read_intra_only(BitReader *bits, guint profile, VideoFrameHeader *header)
{
    if (bit_reader_uint(bits, 24) != SYNC_CODE)
        return FALSE;
    if (profile > 0 && !read_color_config(bits, profile))
        return FALSE;
    bit_reader_skip(bits, 8); /* refresh flags */
    read_size(bits, header);
    return TRUE;
}

static gboolean read_frame(const guint8 *data, gsize size, VideoFrameHeader *header)
{
    BitReader bits = bit_reader(data, size);
    if (bit_reader_uint(&bits, 2) != 2)
        return FALSE;
    guint profile = bit_reader_flag(&bits);
    profile |= bit_reader_flag(&bits) << 1;
    if (profile == 3 && bit_reader_flag(&bits))
        return FALSE;
    if (bit_reader_flag(&bits)) /* show an existing frame */
        return !bits.failed;
    gboolean keyframe = !bit_reader_flag(&bits);
    gboolean shown = bit_reader_flag(&bits);
    gboolean resilient = bit_reader_flag(&bits);
    gboolean valid = TRUE;
    if (keyframe) {
        valid = bit_reader_uint(&bits, 24) == SYNC_CODE && read_color_config(&bits, profile);
        read_size(&bits, header);
        header->keyframe = TRUE;
    } else {
        gboolean intra_only = shown ? FALSE : bit_reader_flag(&bits);
        bit_reader_skip(&bits, resilient ? 0 : 2);
        if (intra_only)
            valid = read_intra_only(&bits, profile, header);
        else
            read_size_with_refs(&bits, header);
    }
    return valid && !bits.failed;
}

/* Annex B: the sizes of the frames stand at the end, between two equal marker bytes. Returns the
 * number of frames, 0 if there is no such index. */
static guint read_index(const guint8 *data, gsize size, gsize *sizes)
{
    guint8 marker = data[size - 1];
    guint frames = (marker & 7) + 1u;
    guint bytes = (marker >> 3 & 3) + 1u;
    gsize index_size = 2 + (gsize)frames * bytes;
    if ((marker & 0xe0) != 0xc0 || size < index_size || data[size - index_size] != marker)
        return 0;
    const guint8 *at = data + size - index_size + 1;
    for (guint i = 0; i < frames; i++) {
        sizes[i] = 0;
        for (guint b = 0; b < bytes; b++)
            sizes[i] |= (gsize)*at++ << (8 * b);
    }
    return frames;
}

static gboolean vp9_peek(const guint8 *data, gsize size, VideoFrameHeader *header)
{
    gsize sizes[MAX_SUPERFRAME];
    *header = (VideoFrameHeader){ 0 };
    if (size == 0)
        return FALSE;
    guint frames = read_index(data, size, sizes);
    if (frames == 0)
        return read_frame(data, size, header);
    gboolean found = FALSE;
    for (guint i = 0; i < frames; i++) {
        if (sizes[i] > size)
            return FALSE;
        if (sizes[i] > 0 && !read_frame(data, sizes[i], header))
            return FALSE;
        found = found || sizes[i] > 0;
        data += sizes[i];
        size -= sizes[i];
    }
    return found;
}

/* RFC 9628 section 6: without profile-id it is profile 0, the only one that we encode. */
static gboolean vp9_fmtp_accept(const char *fmtp)
{
    guint64 profile = 0;
    return !codec_fmtp_number(fmtp, "profile-id", 10, &profile) || profile == 0;
}

const CodecType codec_vp9 = {
    .name = "VP9",
    .kind = AVMEDIA_TYPE_VIDEO,
    .id = AV_CODEC_ID_VP9,
    .clock_hz = 90000,
    .fmtp_accept = vp9_fmtp_accept,
    .fmtp = "profile-id=0",
    .payload = &payload_vp9,
    .peek = vp9_peek,
    .video_decoder_new = lavc_video_decoder_new,
    .video_encoder_new = vpx_encoder_new,
};
