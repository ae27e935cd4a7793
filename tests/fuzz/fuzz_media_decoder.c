#include <stdint.h>
#include <string.h>

#include <libavcodec/avcodec.h>

#include "base/bytes.h"
#include "codecs/media_decoder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_PACKETS 16

static const enum AVCodecID ids[] = {
    AV_CODEC_ID_AAC,   AV_CODEC_ID_MP3, AV_CODEC_ID_OPUS,   AV_CODEC_ID_VORBIS,
    AV_CODEC_ID_FLAC,  AV_CODEC_ID_AC3, AV_CODEC_ID_H264,   AV_CODEC_ID_HEVC,
    AV_CODEC_ID_VP8,   AV_CODEC_ID_VP9, AV_CODEC_ID_AV1,    AV_CODEC_ID_MPEG4,
    AV_CODEC_ID_MJPEG, AV_CODEC_ID_PNG, AV_CODEC_ID_PCM_U8, AV_CODEC_ID_PCM_S16LE,
};

static void receive_all(MediaDecoder *decoder)
{
    AVFrame *frame = av_frame_alloc();
    g_autoptr(GArray) samples = g_array_new(FALSE, FALSE, sizeof(float));
    gint64 pts_us = 0;
    while (media_decoder_receive_video(decoder, frame)) {
        g_assert_cmpint(frame->format, ==, AV_PIX_FMT_YUV420P);
        g_assert_cmpint(frame->width * frame->height, <=, 512 * 512);
    }
    while (media_decoder_receive_audio(decoder, samples, &pts_us)) {
        g_assert_cmpuint(samples->len, <=, 2 * 11 * AUDIO_RATE_HZ);
        g_array_set_size(samples, 0);
    }
    av_frame_free(&frame);
}

/* Stream: codec (1), rate (2, times 8), channels (1), flags (1: sizes), extradata (2 + n); then
 * packets: flags (1), time (2, ms), data (2 + n); flag 2 flushes first, flag 4 drains. */
static AVCodecParameters *read_parameters(ByteReader *reader)
{
    AVCodecParameters *parameters = avcodec_parameters_alloc();
    parameters->codec_id = ids[byte_reader_u8(reader) % G_N_ELEMENTS(ids)];
    parameters->codec_type = avcodec_get_type(parameters->codec_id);
    parameters->sample_rate = byte_reader_u16(reader) * 8;
    guint channels = byte_reader_u8(reader);
    if (channels)
        av_channel_layout_default(&parameters->ch_layout, (int)channels);
    gsize n = byte_reader_u16(reader);
    n = MIN(n, byte_reader_left(reader));
    const guint8 *extradata = byte_reader_bytes(reader, n);
    if (extradata && n) {
        parameters->extradata = av_mallocz(n + AV_INPUT_BUFFER_PADDING_SIZE);
        memcpy(parameters->extradata, extradata, n);
        parameters->extradata_size = (int)n;
    }
    return parameters;
}

static void send_packet(MediaDecoder *decoder, ByteReader *reader)
{
    guint flags = byte_reader_u8(reader);
    gint64 time_us = (gint64)byte_reader_u16(reader) * 1000;
    gsize n = byte_reader_u16(reader);
    n = MIN(n, byte_reader_left(reader));
    const guint8 *data = byte_reader_bytes(reader, n);
    AVPacket *packet = av_packet_alloc();
    if (data && av_new_packet(packet, (int)n) >= 0) {
        memcpy(packet->data, data, n);
        packet->pts = packet->dts = flags & 8 ? AV_NOPTS_VALUE : time_us;
        packet->flags = flags & 1 ? AV_PKT_FLAG_KEY : 0;
        if (flags & 2)
            media_decoder_flush(decoder);
        media_decoder_send(decoder, packet);
        if (flags & 4)
            media_decoder_drain(decoder);
        receive_all(decoder);
    }
    av_packet_free(&packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ByteReader reader = byte_reader(data, size);
    MediaDecoderLimits limits = { .video = { 512, 512, 512 * 512 } };
    AVCodecParameters *parameters = read_parameters(&reader);
    g_autoptr(GError) error = NULL;
    g_autoptr(MediaDecoder) decoder = media_decoder_new(parameters, &limits, &error);
    g_assert_true(!decoder == !!error);
    for (guint i = 0; decoder && i < MAX_PACKETS && byte_reader_left(&reader) > 0; i++)
        send_packet(decoder, &reader);
    avcodec_parameters_free(&parameters);
    return 0;
}
