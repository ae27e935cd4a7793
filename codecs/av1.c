#include "codecs/codec.h"

#include "codecs/av1_obu.h"
#include "codecs/bits.h"
#include "codecs/codec_ops.h"
#include "codecs/lavc_video.h"

/* AV1 (the AV1 bitstream and decoding process specification). Decoded by dav1d, not encoded. */

/* A few bytes can ask for a whole picture, so a temporal unit may not hold any number of them:
 * encoders put a handful of hidden frames or spatial layers before the one that is shown. */
#define MAX_FRAMES 16
#define MAX_OBUS   2048

gsize leb128_read(const guint8 *data, gsize size, gsize *value)
{
    guint64 sum = 0;
    for (gsize i = 0; i < 8 && i < size; i++) {
        sum |= (guint64)(data[i] & 0x7f) << (7 * i);
        if (!(data[i] & 0x80)) {
            *value = (gsize)sum;
            return sum <= G_MAXUINT32 ? i + 1 : 0;
        }
    }
    return 0;
}

gsize leb128_write(guint8 *out, gsize value)
{
    gsize length = 0;
    do {
        out[length++] = (guint8)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value > 0);
    return length;
}

gboolean obu_iterator_next(ObuIterator *iterator)
{
    gsize left = iterator->size - iterator->pos;
    if (left == 0 || iterator->failed)
        return FALSE;
    const guint8 *obu = iterator->data + iterator->pos;
    gsize header = obu_header_size(obu[0]);
    gsize length = 0, payload = 0;
    iterator->failed = (obu[0] & OBU_FORBIDDEN) || left < header;
    if (iterator->failed)
        return FALSE;
    if (obu[0] & OBU_HAS_SIZE) {
        length = leb128_read(obu + header, left - header, &payload);
        iterator->failed = length == 0 || payload > left - header - length;
    } else {
        payload = left - header;
    }
    if (iterator->failed)
        return FALSE;
    iterator->obu = obu;
    iterator->obu_size = header + length + payload;
    iterator->payload = obu + header + length;
    iterator->payload_size = payload;
    iterator->pos += iterator->obu_size;
    return TRUE;
}

/* 5.5.1: timing_info() and decoder_model_info(). Returns the bits of a buffer delay, 0 if there is
 * no decoder model. */
static guint read_timing_info(BitReader *bits)
{
    bit_reader_skip(bits, 64); /* units in a tick, time scale */
    if (bit_reader_flag(bits))
        bit_reader_ue(bits); /* ticks in a picture */
    if (!bit_reader_flag(bits))
        return 0;
    guint delay_bits = bit_reader_uint(bits, 5) + 1;
    bit_reader_skip(bits, 32 + 5 + 5);
    return delay_bits;
}

static void skip_operating_point(BitReader *bits, guint delay_bits, gboolean display_delay)
{
    bit_reader_skip(bits, 12);
    if (bit_reader_uint(bits, 5) > 7)
        bit_reader_skip(bits, 1); /* tier */
    if (delay_bits > 0 && bit_reader_flag(bits))
        bit_reader_skip(bits, 2 * delay_bits + 1);
    if (display_delay && bit_reader_flag(bits))
        bit_reader_skip(bits, 4);
}

/* 5.5.1 */
static gboolean read_sequence_header(const guint8 *data, gsize size, VideoFrameHeader *header,
                                     gboolean *reduced)
{
    BitReader bits = bit_reader(data, size);
    guint profile = bit_reader_uint(&bits, 3);
    bit_reader_skip(&bits, 1); /* still picture */
    *reduced = bit_reader_flag(&bits);
    if (*reduced) {
        bit_reader_skip(&bits, 5);
    } else {
        guint delay_bits = bit_reader_flag(&bits) ? read_timing_info(&bits) : 0;
        gboolean display_delay = bit_reader_flag(&bits);
        guint points = bit_reader_uint(&bits, 5) + 1;
        for (guint i = 0; i < points && !bits.failed; i++)
            skip_operating_point(&bits, delay_bits, display_delay);
    }
    guint width_bits = bit_reader_uint(&bits, 4) + 1;
    guint height_bits = bit_reader_uint(&bits, 4) + 1;
    gint width = (gint)bit_reader_uint(&bits, width_bits) + 1;
    gint height = (gint)bit_reader_uint(&bits, height_bits) + 1;
    header->has_size = TRUE;
    header->width = MAX(header->width, width);
    header->height = MAX(header->height, height);
    return profile <= 2 && !bits.failed;
}

/* 5.9.2: a key frame that is shown. Without a sequence header before it in the same temporal unit
 * a decoder could not begin there, so it does not count. */
static gboolean is_shown_keyframe(const guint8 *data, gsize size, gboolean reduced)
{
    BitReader bits = bit_reader(data, size);
    if (reduced)
        return TRUE;
    gboolean existing = bit_reader_flag(&bits);
    guint frame_type = bit_reader_uint(&bits, 2);
    gboolean shown = bit_reader_flag(&bits);
    return !bits.failed && !existing && frame_type == 0 && shown;
}

static gboolean av1_peek(const guint8 *data, gsize size, VideoFrameHeader *header)
{
    ObuIterator obus = { .data = data, .size = size };
    gboolean sequence = FALSE, reduced = FALSE;
    guint count = 0, frames = 0;
    *header = (VideoFrameHeader){ 0 };
    while (obu_iterator_next(&obus)) {
        guint8 type = obu_type(obus.obu[0]);
        gboolean frame = type == OBU_FRAME || type == OBU_FRAME_HEADER;
        frames += frame;
        if (++count > MAX_OBUS || frames > MAX_FRAMES)
            return FALSE;
        if (type == OBU_SEQUENCE_HEADER) {
            sequence = TRUE;
            if (!read_sequence_header(obus.payload, obus.payload_size, header, &reduced))
                return FALSE;
        } else if (sequence && frame) {
            header->keyframe =
                header->keyframe || is_shown_keyframe(obus.payload, obus.payload_size, reduced);
        }
    }
    return count > 0 && !obus.failed;
}

/* AV1 RTP specification section 7.2.1: profile 0 where absent. */
static gboolean av1_fmtp_accept(const char *fmtp)
{
    guint64 profile = 0;
    return !codec_fmtp_number(fmtp, "profile", 10, &profile) || profile == 0;
}

const CodecType codec_av1 = {
    .name = "AV1",
    .kind = AVMEDIA_TYPE_VIDEO,
    .id = AV_CODEC_ID_AV1,
    .clock_hz = 90000,
    .fmtp_accept = av1_fmtp_accept,
    .fmtp = "level-idx=5;profile=0;tier=0",
    .payload = &payload_av1,
    .peek = av1_peek,
    .video_decoder_new = lavc_video_decoder_new,
};
