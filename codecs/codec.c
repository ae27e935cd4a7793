#include "codecs/codec.h"

#include <string.h>

#include "base/error.h"
#include "codecs/codec_ops.h"

#define MAX_ENCODE_SIDE 8192

const CodecType *const codec_list[] = {
    &codec_opus, &codec_vp8, &codec_h264, &codec_vp9, &codec_av1, NULL,
};

const CodecType *codec_find(enum AVMediaType kind, const char *name)
{
    for (gsize i = 0; name && codec_list[i]; i++)
        if (codec_list[i]->kind == kind && g_ascii_strcasecmp(codec_list[i]->name, name) == 0)
            return codec_list[i];
    return NULL;
}

static void set_unsupported(GError **error, const CodecType *type, const char *what)
{
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNSUPPORTED,
                "%s cannot be %s by this server; choose another codec", type->name, what);
}

/* --- Video ----------------------------------------------------------------------------------- */

VideoDecoder *video_decoder_new(const CodecType *type, const VideoDecoderConfig *config,
                                GError **error)
{
    if (type->video_decoder_new)
        return type->video_decoder_new(type, config, error);
    set_unsupported(error, type, "decoded");
    return NULL;
}

VideoEncoder *video_encoder_new(const CodecType *type, const VideoEncoderConfig *config,
                                GError **error)
{
    if (type->video_encoder_new)
        return type->video_encoder_new(type, config, error);
    set_unsupported(error, type, "encoded");
    return NULL;
}

void video_decoder_free(VideoDecoder *decoder)
{
    if (decoder)
        decoder->ops->free(decoder);
}

void video_encoder_free(VideoEncoder *encoder)
{
    if (encoder)
        encoder->ops->free(encoder);
}

DecodeResult video_decoder_decode(VideoDecoder *decoder, const AVPacket *packet, AVFrame *out)
{
    av_frame_unref(out);
    return decoder->ops->decode(decoder, packet, out);
}

static gboolean check_picture(const VideoEncoder *encoder, const AVFrame *picture, GError **error)
{
    if (picture->width == encoder->config.width && picture->height == encoder->config.height &&
        picture->format == AV_PIX_FMT_YUV420P)
        return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                "the picture is %dx%d but the encoder was made for %dx%d in YUV 4:2:0; make a new "
                "encoder for a new size",
                picture->width, picture->height, encoder->config.width, encoder->config.height);
    return FALSE;
}

gboolean video_encoder_encode(VideoEncoder *encoder, const AVFrame *picture, gint64 pts,
                              const VideoEncodeHints *hints, AVPacket *out, VideoEncodeInfo *info,
                              GError **error)
{
    static const VideoEncodeHints no_hints = { 0 };
    av_packet_unref(out);
    *info = (VideoEncodeInfo){ 0 };
    if (!check_picture(encoder, picture, error) ||
        !encoder->ops->encode(encoder, picture, pts, hints ? hints : &no_hints, out, info, error))
        return FALSE;
    encoder->frames_since_keyframe = info->keyframe ? 0 : encoder->frames_since_keyframe + 1;
    out->pts = out->dts = pts;
    if (info->keyframe)
        out->flags |= AV_PKT_FLAG_KEY;
    return TRUE;
}

void video_encoder_set_rate(VideoEncoder *encoder, gint bitrate_bps, gint fps)
{
    if (bitrate_bps > 0 && fps > 0)
        encoder->ops->set_rate(encoder, bitrate_bps, fps);
}

gboolean codec_check_video_config(const VideoEncoderConfig *config, GError **error)
{
    gboolean size = config->width >= 16 && config->height >= 16 && config->width % 2 == 0 &&
                    config->height % 2 == 0 && config->width <= MAX_ENCODE_SIDE &&
                    config->height <= MAX_ENCODE_SIDE;
    if (size && config->fps > 0 && config->bitrate_bps > 0 && config->temporal_layers <= 3)
        return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                "%dx%d at %d pictures and %d bit/s in %d layers cannot be encoded; the sides must "
                "be even and at least 16, the rates positive, the layers at most 3",
                config->width, config->height, config->fps, config->bitrate_bps,
                config->temporal_layers);
    return FALSE;
}

gboolean codec_keyframe_due(const VideoEncoder *encoder, const VideoEncodeHints *hints)
{
    gint interval = encoder->config.keyframe_interval;
    return hints->force_keyframe || encoder->frames_since_keyframe < 0 ||
           (interval > 0 && encoder->frames_since_keyframe + 1 >= interval);
}

/* --- Audio ----------------------------------------------------------------------------------- */

AudioDecoder *audio_decoder_new(const CodecType *type, GError **error)
{
    if (type->audio_decoder_new)
        return type->audio_decoder_new(type, error);
    set_unsupported(error, type, "decoded");
    return NULL;
}

AudioEncoder *audio_encoder_new(const CodecType *type, const AudioEncoderConfig *config,
                                GError **error)
{
    if (type->audio_encoder_new)
        return type->audio_encoder_new(type, config, error);
    set_unsupported(error, type, "encoded");
    return NULL;
}

void audio_decoder_free(AudioDecoder *decoder)
{
    if (decoder)
        decoder->ops->free(decoder);
}

void audio_encoder_free(AudioEncoder *encoder)
{
    if (encoder)
        encoder->ops->free(encoder);
}

gint audio_decoder_decode(AudioDecoder *decoder, const guint8 *data, gsize size, float *out)
{
    return decoder->ops->decode(decoder, data, size, out);
}

gint audio_decoder_decode_fec(AudioDecoder *decoder, const guint8 *data, gsize size, float *out,
                              gint samples)
{
    return decoder->ops->decode_fec(decoder, data, size, out, samples);
}

void audio_decoder_conceal(AudioDecoder *decoder, float *out, gint samples)
{
    decoder->ops->conceal(decoder, out, samples);
}

gint audio_packet_duration(const CodecType *type, const guint8 *data, gsize size)
{
    return type->packet_duration ? type->packet_duration(data, size) : -1;
}

gboolean audio_packet_has_fec(const CodecType *type, const guint8 *data, gsize size)
{
    return type->packet_has_fec && type->packet_has_fec(data, size);
}

gboolean audio_encoder_encode(AudioEncoder *encoder, const float *samples, AVPacket *out,
                              GError **error)
{
    av_packet_unref(out);
    return encoder->ops->encode(encoder, samples, out, error);
}

void audio_encoder_set_bitrate(AudioEncoder *encoder, gint bitrate_bps)
{
    if (bitrate_bps > 0)
        encoder->ops->set_bitrate(encoder, bitrate_bps);
}

void audio_encoder_join(AudioEncoder *encoder, const float *before)
{
    encoder->ops->join(encoder, before);
}

/* --- fmtp ------------------------------------------------------------------------------------ */

gboolean codec_fmtp_number(const char *fmtp, const char *key, guint base, guint64 *value)
{
    gsize key_length = strlen(key);
    const char *at = fmtp;
    while (at && *at) {
        at += strspn(at, "; \t");
        gsize length = strcspn(at, ";");
        if (length > key_length + 1 && at[key_length] == '=' &&
            g_ascii_strncasecmp(at, key, key_length) == 0) {
            char *end = NULL;
            *value = g_ascii_strtoull(at + key_length + 1, &end, base);
            return end > at + key_length + 1 && (*end == '\0' || *end == ';' || *end == ' ');
        }
        at += length;
    }
    return FALSE;
}
