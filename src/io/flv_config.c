#include "io/flv_config.h"

#include <libavcodec/defs.h>
#include <libavutil/mem.h>
#include <string.h>

#include "base/bytes.h"
#include "codecs/bits.h"
#include "codecs/codec.h"
#include "codecs/h264_nal.h"
#include "codecs/hevc_header.h"

#define MAX_CONFIG 16384

static const guint8 start_code[] = { 0, 0, 1 };

static AVCodecParameters *config_new(enum AVMediaType kind, enum AVCodecID codec,
                                     const guint8 *data, gsize size)
{
    AVCodecParameters *parameters = avcodec_parameters_alloc();
    parameters->codec_type = kind;
    parameters->codec_id = codec;
    if (size > 0) {
        parameters->extradata = av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE);
        parameters->extradata_size = (int)size;
        memcpy(parameters->extradata, data, size);
    }
    return parameters;
}

/* --- Video --- */

/* The size that an SPS tells; FALSE: it is one that no decoder would take. */
static gboolean config_peek_sps(const guint8 *sps, gsize size, VideoFrameHeader *header)
{
    g_autoptr(GByteArray) stream = g_byte_array_new();
    g_byte_array_append(stream, start_code, sizeof start_code);
    g_byte_array_append(stream, sps, (guint)size);
    return codec_h264.peek(stream->data, stream->len, header) && header->has_size;
}

/* n parameter sets of one kind. */
static gboolean config_read_sets(ByteReader *bytes, guint n, guint8 type, VideoFrameHeader *header)
{
    for (guint i = 0; i < n; i++) {
        gsize size = byte_reader_u16(bytes);
        const guint8 *nal = byte_reader_bytes(bytes, size);
        if (!nal || size == 0 || nal_type(nal[0]) != type)
            return FALSE;
        if (type == H264_SPS && !config_peek_sps(nal, size, header))
            return FALSE;
    }
    return !bytes->failed;
}

static AVCodecParameters *config_parse_avcc(const guint8 *data, gsize size)
{
    ByteReader bytes = byte_reader(data, size);
    VideoFrameHeader header = { 0 };
    if (byte_reader_u8(&bytes) != 1)
        return NULL;
    guint profile = byte_reader_u8(&bytes);
    byte_reader_u8(&bytes);
    guint level = byte_reader_u8(&bytes);
    byte_reader_u8(&bytes); /* length size */
    guint n_sps = byte_reader_u8(&bytes) & 0x1f;
    if (n_sps == 0 || !config_read_sets(&bytes, n_sps, H264_SPS, &header))
        return NULL;
    if (!config_read_sets(&bytes, byte_reader_u8(&bytes), H264_PPS, &header))
        return NULL;
    AVCodecParameters *parameters = config_new(AVMEDIA_TYPE_VIDEO, AV_CODEC_ID_H264, data, size);
    parameters->profile = (int)profile;
    parameters->level = (int)level;
    parameters->width = header.width;
    parameters->height = header.height;
    return parameters;
}

/* One NAL unit behind its length, as Annex B. */
static void config_copy_nal(ByteReader *bytes, GByteArray *stream)
{
    gsize size = byte_reader_u16(bytes);
    const guint8 *nal = byte_reader_bytes(bytes, size);
    if (!nal)
        return;
    g_byte_array_append(stream, start_code, sizeof start_code);
    g_byte_array_append(stream, nal, (guint)size);
}

static AVCodecParameters *config_parse_hvcc(const guint8 *data, gsize size)
{
    ByteReader bytes = byte_reader(data, size);
    g_autoptr(GByteArray) sets = g_byte_array_new();
    VideoFrameHeader header = { 0 };
    guint8 version = byte_reader_u8(&bytes);
    byte_reader_bytes(&bytes, 21);
    guint arrays = byte_reader_u8(&bytes);
    for (guint i = 0; i < arrays && !bytes.failed; i++) {
        byte_reader_u8(&bytes); /* type of its NAL units */
        guint n = byte_reader_u16(&bytes);
        for (guint k = 0; k < n && !bytes.failed; k++)
            config_copy_nal(&bytes, sets);
    }
    if (version != 1 || arrays == 0 || bytes.failed || !hevc_config_is_sane(data, size))
        return NULL;
    AVCodecParameters *parameters = config_new(AVMEDIA_TYPE_VIDEO, AV_CODEC_ID_HEVC, data, size);
    if (hevc_peek(sets->data, sets->len, &header) && header.has_size) {
        parameters->width = header.width;
        parameters->height = header.height;
    }
    return parameters;
}

static AVCodecParameters *config_parse_av1c(const guint8 *data, gsize size)
{
    gboolean valid = size >= 4 && data[0] == 0x81; /* marker, version 1 */
    return valid ? config_new(AVMEDIA_TYPE_VIDEO, AV_CODEC_ID_AV1, data, size) : NULL;
}

/* --- Audio --- */

static AVCodecParameters *config_audio(enum AVCodecID codec, gint rate_hz, gint channels,
                                       const guint8 *data, gsize size)
{
    AVCodecParameters *parameters = config_new(AVMEDIA_TYPE_AUDIO, codec, data, size);
    parameters->sample_rate = rate_hz;
    av_channel_layout_default(&parameters->ch_layout, channels);
    return parameters;
}

static guint config_read_object_type(BitReader *bits)
{
    guint type = bit_reader_uint(bits, 5);
    return type == 31 ? 32 + bit_reader_uint(bits, 6) : type;
}

static gint config_read_rate(BitReader *bits)
{
    static const gint rates[] = { 96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                  22050, 16000, 12000, 11025, 8000,  7350 };
    guint index = bit_reader_uint(bits, 4);
    if (index == 15)
        return (gint)bit_reader_uint(bits, 24);
    return index < G_N_ELEMENTS(rates) ? rates[index] : 0;
}

static AVCodecParameters *config_parse_asc(const guint8 *data, gsize size)
{
    enum { AAC_LC = 2, SBR = 5, PS = 29 };
    static const guint8 channels_of[] = { 0, 1, 2, 3, 4, 5, 6, 8 };
    BitReader bits = bit_reader(data, size);
    guint type = config_read_object_type(&bits);
    gint rate_hz = config_read_rate(&bits);
    guint channels = bit_reader_uint(&bits, 4);
    if (type == SBR || type == PS)
        rate_hz = config_read_rate(&bits);
    gboolean known = (type >= 1 && type <= 4) || type == SBR || type == PS;
    if (bits.failed || !known || rate_hz < 7350 || rate_hz > 96000 || channels == 0 ||
        channels >= G_N_ELEMENTS(channels_of))
        return NULL;
    AVCodecParameters *parameters =
        config_audio(AV_CODEC_ID_AAC, rate_hz, channels_of[channels], data, size);
    parameters->profile = type == SBR || type == PS ? (gint)type - 1 : (gint)MAX(type, AAC_LC) - 1;
    parameters->frame_size = 1024;
    return parameters;
}

static AVCodecParameters *config_parse_opus_head(const guint8 *data, gsize size)
{
    enum { VERSION = 8, CHANNELS = 9, FAMILY = 18, HEAD = 19 };
    if (size < HEAD || memcmp(data, "OpusHead", 8) != 0 || data[VERSION] >> 4 != 0)
        return NULL;
    if (data[CHANNELS] < 1 || data[CHANNELS] > 2 || data[FAMILY] != 0)
        return NULL;
    return config_audio(AV_CODEC_ID_OPUS, 48000, data[CHANNELS], data, size);
}

AVCodecParameters *flv_config_from_mp3(const guint8 *frame, gsize size)
{
    static const gint rates[] = { 44100, 48000, 32000 };
    enum { MPEG_25 = 0, MPEG_2 = 2, LAYER_3 = 1, MONO = 3 };
    if (size < 4 || frame[0] != 0xff || (frame[1] & 0xe0) != 0xe0)
        return NULL;
    guint version = frame[1] >> 3 & 3, layer = frame[1] >> 1 & 3, rate = frame[2] >> 2 & 3;
    if (version == 1 || layer != LAYER_3 || rate >= G_N_ELEMENTS(rates))
        return NULL;
    gint rate_hz = version == MPEG_25  ? rates[rate] / 4
                   : version == MPEG_2 ? rates[rate] / 2
                                       : rates[rate];
    return config_audio(AV_CODEC_ID_MP3, rate_hz, frame[3] >> 6 == MONO ? 1 : 2, NULL, 0);
}

/* --- Either --- */

AVCodecParameters *flv_config_parse(enum AVCodecID codec, const guint8 *data, gsize size)
{
    if (size > MAX_CONFIG)
        return NULL;
    switch (codec) {
    case AV_CODEC_ID_H264:
        return config_parse_avcc(data, size);
    case AV_CODEC_ID_HEVC:
        return config_parse_hvcc(data, size);
    case AV_CODEC_ID_AV1:
        return config_parse_av1c(data, size);
    case AV_CODEC_ID_VP8:
    case AV_CODEC_ID_VP9:
        return config_new(AVMEDIA_TYPE_VIDEO, codec, NULL, 0);
    case AV_CODEC_ID_AAC:
        return config_parse_asc(data, size);
    case AV_CODEC_ID_OPUS:
        return config_parse_opus_head(data, size);
    default:
        return NULL;
    }
}

guint flv_config_length_size(const AVCodecParameters *parameters)
{
    int at = parameters->codec_id == AV_CODEC_ID_HEVC ? 21 : 4;
    return parameters->extradata_size > at ? (parameters->extradata[at] & 3u) + 1 : 4;
}

gboolean flv_config_frame_fits(guint length_size, const guint8 *data, gsize size)
{
    ByteReader bytes = byte_reader(data, size);
    while (byte_reader_left(&bytes) > 0)
        byte_reader_bytes(&bytes, byte_reader_uint(&bytes, length_size));
    return size > 0 && !bytes.failed;
}

GBytes *flv_config_write_avcc(GBytes *sps, GBytes *pps)
{
    gsize sps_size, pps_size;
    const guint8 *sps_data = g_bytes_get_data(sps, &sps_size);
    const guint8 *pps_data = g_bytes_get_data(pps, &pps_size);
    if (sps_size < 4 || sps_size > G_MAXUINT16 || pps_size < 1 || pps_size > G_MAXUINT16)
        return NULL;
    gsize size = 11 + sps_size + pps_size;
    guint8 *data = g_malloc(size);
    ByteWriter bytes = byte_writer(data, size);
    byte_writer_u8(&bytes, 1);
    byte_writer_bytes(&bytes, sps_data + 1, 3); /* profile, constraints, level */
    byte_writer_u8(&bytes, 0xff);               /* lengths of four bytes */
    byte_writer_u8(&bytes, 0xe1);               /* one SPS */
    byte_writer_u16(&bytes, (guint16)sps_size);
    byte_writer_bytes(&bytes, sps_data, sps_size);
    byte_writer_u8(&bytes, 1);
    byte_writer_u16(&bytes, (guint16)pps_size);
    byte_writer_bytes(&bytes, pps_data, pps_size);
    return g_bytes_new_take(data, bytes.pos);
}
