#include "codecs/media_decoder.h"

#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>

#include "base/error.h"
#include "base/log.h"
#include "codecs/hevc_header.h"
#include "codecs/sound_convert.h"
#include "codecs/yuv_convert.h"

/* A stream may change its size some times in a row, then once in so many frames (lavc_video.c). */
#define SIZE_CHANGES_BURST  8
#define FRAMES_PER_CHANGE   30
#define SILENT_LEVEL_OFFSET 128 /* no stranger writes FFmpeg's log */
#define MICROSECONDS        ((AVRational){ 1, 1000000 })

typedef struct {
    enum AVCodecID id;
    const char *library;       /* of libavcodec's decoders this one */
    const char *filter;        /* the bitstream filter that makes one form of all, or NULL */
    const CodecType *type;     /* whose peek looks at its frames, or NULL */
    gboolean needs_references; /* after damage the pictures up to the next key frame are spoilt */
} Kind;

struct MediaDecoder {
    const Kind *kind;
    gboolean is_video;
    MediaDecoderLimits limits;
    AVCodecContext *context;
    AVBSFContext *filter; /* or NULL */
    AVPacket *packet;
    AVFrame *frame; /* as the library gave it */
    YuvConverter *pictures;
    SoundConverter *sound;

    gboolean awaits_keyframe;
    guint64 damaged;

    /* Limit of size changes. */
    gint last_width, last_height;
    gint size_credit; /* in frames */
};

static const Kind kinds[] = {
    { AV_CODEC_ID_AAC, "aac", NULL, NULL, FALSE },
    { AV_CODEC_ID_MP3, "mp3float", NULL, NULL, FALSE },
    { AV_CODEC_ID_OPUS, "opus", NULL, NULL, FALSE },
    { AV_CODEC_ID_VORBIS, "vorbis", NULL, NULL, FALSE },
    { AV_CODEC_ID_FLAC, "flac", NULL, NULL, FALSE },
    { AV_CODEC_ID_AC3, "ac3", NULL, NULL, FALSE },
    { AV_CODEC_ID_PCM_U8, "pcm_u8", NULL, NULL, FALSE },
    { AV_CODEC_ID_PCM_S16LE, "pcm_s16le", NULL, NULL, FALSE },
    { AV_CODEC_ID_PCM_S16BE, "pcm_s16be", NULL, NULL, FALSE },
    { AV_CODEC_ID_PCM_S24LE, "pcm_s24le", NULL, NULL, FALSE },
    { AV_CODEC_ID_PCM_S24BE, "pcm_s24be", NULL, NULL, FALSE },
    { AV_CODEC_ID_PCM_S32LE, "pcm_s32le", NULL, NULL, FALSE },
    { AV_CODEC_ID_PCM_F32LE, "pcm_f32le", NULL, NULL, FALSE },
    { AV_CODEC_ID_PCM_F64LE, "pcm_f64le", NULL, NULL, FALSE },
    { AV_CODEC_ID_PCM_ALAW, "pcm_alaw", NULL, NULL, FALSE },
    { AV_CODEC_ID_PCM_MULAW, "pcm_mulaw", NULL, NULL, FALSE },
    { AV_CODEC_ID_H264, "h264", "h264_mp4toannexb", &codec_h264, FALSE },
    { AV_CODEC_ID_HEVC, "hevc", "hevc_mp4toannexb", NULL, FALSE },
    { AV_CODEC_ID_VP8, "vp8", NULL, &codec_vp8, TRUE },
    { AV_CODEC_ID_VP9, "vp9", NULL, &codec_vp9, TRUE },
    { AV_CODEC_ID_AV1, "libdav1d", NULL, &codec_av1, TRUE },
    { AV_CODEC_ID_MPEG4, "mpeg4", NULL, NULL, FALSE },
    { AV_CODEC_ID_MJPEG, "mjpeg", NULL, NULL, FALSE },
    { AV_CODEC_ID_PNG, "png", NULL, NULL, FALSE },
};

static const Kind *find_kind(enum AVCodecID id)
{
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (kinds[i].id == id)
            return &kinds[i];
    return NULL;
}

gboolean media_decoder_knows(enum AVCodecID id)
{
    return find_kind(id) != NULL;
}

void media_decoder_free(MediaDecoder *decoder)
{
    if (!decoder)
        return;
    avcodec_free_context(&decoder->context);
    av_bsf_free(&decoder->filter);
    av_packet_free(&decoder->packet);
    av_frame_free(&decoder->frame);
    yuv_converter_free(decoder->pictures);
    sound_converter_free(decoder->sound);
    g_free(decoder);
}

guint64 media_decoder_damaged(const MediaDecoder *decoder)
{
    return decoder->damaged;
}

/* --- limits ------------------------------------------------------------------------------ */

static gint64 least(gint64 ceiling, gint64 wanted)
{
    return wanted > 0 ? MIN(ceiling, wanted) : ceiling;
}

static MediaDecoderLimits effective_limits(const MediaDecoderLimits *limits, gboolean is_video)
{
    static const MediaDecoderLimits none;
    gint64 packet = is_video ? MEDIA_DECODER_MAX_VIDEO_PACKET : MEDIA_DECODER_MAX_AUDIO_PACKET;
    if (!limits)
        limits = &none;
    return (MediaDecoderLimits){
        .video = { .max_width = (gint)least(VIDEO_MAX_SIDE, limits->video.max_width),
                   .max_height = (gint)least(VIDEO_MAX_SIDE, limits->video.max_height),
                   .max_pixels = least(VIDEO_MAX_PIXELS, limits->video.max_pixels) },
        .max_packet = limits->max_packet ? MIN((gsize)packet, limits->max_packet) : (gsize)packet,
    };
}

static gboolean fits(const MediaDecoder *decoder, gint width, gint height)
{
    const VideoDecoderConfig *limits = &decoder->limits.video;
    return width > 0 && height > 0 && width <= limits->max_width && height <= limits->max_height &&
           (gint64)width * height <= limits->max_pixels;
}

/** The size is as before, or the stream may still change it. */
static gboolean take_size_change(MediaDecoder *decoder, gint width, gint height)
{
    if (width == decoder->last_width && height == decoder->last_height)
        return TRUE;
    if (decoder->size_credit < FRAMES_PER_CHANGE)
        return FALSE;
    decoder->size_credit -= FRAMES_PER_CHANGE;
    decoder->last_width = width;
    decoder->last_height = height;
    return TRUE;
}

static gboolean admit_size(MediaDecoder *decoder, gint width, gint height)
{
    const char *name = avcodec_get_name(decoder->kind->id);
    if (!fits(decoder, width, height)) {
        log_limited(LOG_WARNING, "media", "a %s picture of %dx%d was refused; the limit is %dx%d",
                    name, width, height, decoder->limits.video.max_width,
                    decoder->limits.video.max_height);
        return FALSE;
    }
    if (!take_size_change(decoder, width, height)) {
        log_limited(LOG_WARNING, "media", "a %s stream changes its size too often", name);
        return FALSE;
    }
    return TRUE;
}

/* Look at the frame's own header, where we can read it, before the library sees a byte. */
static gboolean admit_video(MediaDecoder *decoder, const AVPacket *packet)
{
    const Kind *kind = decoder->kind;
    VideoFrameHeader header = { 0 };
    gboolean read = TRUE;
    decoder->size_credit = MIN(decoder->size_credit + 1, SIZE_CHANGES_BURST * FRAMES_PER_CHANGE);
    if (kind->type)
        read = kind->type->peek(packet->data, (gsize)packet->size, &header);
    else if (kind->id == AV_CODEC_ID_HEVC)
        read = hevc_peek(packet->data, (gsize)packet->size, &header);
    if (!read || (header.has_size && !admit_size(decoder, header.width, header.height)))
        return FALSE;
    if (packet->flags & AV_PKT_FLAG_KEY || header.keyframe)
        decoder->awaits_keyframe = FALSE;
    return !decoder->awaits_keyframe;
}

/* --- making ------------------------------------------------------------------------------ */

static gboolean parameters_fit(const MediaDecoder *decoder, const AVCodecParameters *parameters,
                               GError **error)
{
    const char *name = decoder->kind->library;
    if (decoder->is_video && (parameters->width || parameters->height) &&
        !fits(decoder, parameters->width, parameters->height)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_TOO_LARGE,
                    "the %s video is %dx%d; at most %dx%d and %" G_GINT64_FORMAT
                    " pixels can be taken, so make it smaller",
                    name, parameters->width, parameters->height, decoder->limits.video.max_width,
                    decoder->limits.video.max_height, decoder->limits.video.max_pixels);
        return FALSE;
    }
    if (!decoder->is_video && (parameters->ch_layout.nb_channels > SOUND_MAX_CHANNELS ||
                               parameters->sample_rate > SOUND_MAX_RATE_HZ)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_TOO_LARGE,
                    "the %s sound has %d channels at %d Hz; at most %d channels at %d Hz can be "
                    "taken, so mix it down",
                    name, parameters->ch_layout.nb_channels, parameters->sample_rate,
                    SOUND_MAX_CHANNELS, SOUND_MAX_RATE_HZ);
        return FALSE;
    }
    return TRUE;
}

/* Everything to Annex B: one form to look into, whatever the door. */
static gboolean open_filter(MediaDecoder *decoder, const AVCodecParameters *parameters)
{
    if (!decoder->kind->filter)
        return TRUE;
    const AVBitStreamFilter *filter = av_bsf_get_by_name(decoder->kind->filter);
    if (parameters->codec_id == AV_CODEC_ID_HEVC &&
        !hevc_config_is_sane(parameters->extradata, (gsize)MAX(parameters->extradata_size, 0)))
        return FALSE;
    if (!filter || av_bsf_alloc(filter, &decoder->filter) < 0)
        return FALSE;
    decoder->filter->time_base_in = MICROSECONDS;
    return avcodec_parameters_copy(decoder->filter->par_in, parameters) >= 0 &&
           av_bsf_init(decoder->filter) >= 0;
}

static gboolean extradata_fits(MediaDecoder *decoder, const AVCodecParameters *parameters)
{
    VideoFrameHeader header = { 0 };
    gsize size = (gsize)MAX(parameters->extradata_size, 0);
    if (!size || !decoder->filter)
        return TRUE;
    gboolean read = decoder->kind->id == AV_CODEC_ID_HEVC
                        ? hevc_peek(parameters->extradata, size, &header)
                        : decoder->kind->type->peek(parameters->extradata, size, &header);
    return read && (!header.has_size || fits(decoder, header.width, header.height));
}

static gboolean open_context(MediaDecoder *decoder, const AVCodecParameters *parameters)
{
    const AVCodec *codec = avcodec_find_decoder_by_name(decoder->kind->library);
    if (!codec || codec->id != decoder->kind->id || !open_filter(decoder, parameters))
        return FALSE;
    if (decoder->filter)
        parameters = decoder->filter->par_out;
    decoder->context = avcodec_alloc_context3(codec);
    if (!decoder->context || !extradata_fits(decoder, parameters) ||
        avcodec_parameters_to_context(decoder->context, parameters) < 0)
        return FALSE;
    const VideoDecoderConfig *limits = &decoder->limits.video;
    decoder->context->pkt_timebase = MICROSECONDS;
    decoder->context->thread_count = 1; /* rooms spread over cores */
    decoder->context->log_level_offset = SILENT_LEVEL_OFFSET;
    decoder->context->max_samples = SOUND_MAX_RATE_HZ * SOUND_MAX_FRAME_SECONDS;
    /* The library counts whole blocks: room for the last row and column of them. */
    decoder->context->max_pixels =
        limits->max_pixels + 64 * (gint64)(limits->max_width + limits->max_height + 64);
    return avcodec_open2(decoder->context, codec, NULL) >= 0;
}

MediaDecoder *media_decoder_new(const AVCodecParameters *parameters,
                                const MediaDecoderLimits *limits, GError **error)
{
    g_autoptr(MediaDecoder) decoder = g_new0(MediaDecoder, 1);
    decoder->kind = find_kind(parameters->codec_id);
    if (!decoder->kind) {
        g_set_error(
            error, TESSERA_ERROR, TESSERA_ERROR_UNSUPPORTED,
            "%s cannot be decoded here; send H.264, VP8, VP9, AV1 or HEVC pictures and AAC, "
            "Opus, MP3 or PCM sound",
            avcodec_get_name(parameters->codec_id));
        return NULL;
    }
    decoder->is_video = avcodec_get_type(parameters->codec_id) == AVMEDIA_TYPE_VIDEO;
    decoder->limits = effective_limits(limits, decoder->is_video);
    decoder->size_credit = SIZE_CHANGES_BURST * FRAMES_PER_CHANGE;
    decoder->awaits_keyframe = decoder->kind->needs_references;
    decoder->packet = av_packet_alloc();
    decoder->frame = av_frame_alloc();
    decoder->pictures = yuv_converter_new();
    decoder->sound = sound_converter_new();
    if (!parameters_fit(decoder, parameters, error))
        return NULL;
    if (decoder->packet && decoder->frame && open_context(decoder, parameters))
        return g_steal_pointer(&decoder);
    g_set_error(
        error, TESSERA_ERROR, TESSERA_ERROR_UNSUPPORTED,
        "the %s stream's description is damaged or of a kind that libavcodec cannot decode; "
        "encode it anew with common settings",
        avcodec_get_name(parameters->codec_id));
    return NULL;
}

/* --- decoding ---------------------------------------------------------------------------- */

static void note_damage(MediaDecoder *decoder)
{
    decoder->damaged++;
    decoder->awaits_keyframe = decoder->awaits_keyframe || decoder->kind->needs_references;
    log_limited(LOG_WARNING, "media", "a %s frame could not be decoded",
                avcodec_get_name(decoder->kind->id));
}

/* The packet as the decoder shall see it, in decoder->packet. */
static gboolean prepare(MediaDecoder *decoder, const AVPacket *packet)
{
    av_packet_unref(decoder->packet);
    if (!packet->data || packet->size <= 0 || (gsize)packet->size > decoder->limits.max_packet ||
        av_packet_ref(decoder->packet, packet) < 0)
        return FALSE;
    /* Sound: how much of it is the encoder's run-in. Pictures: nothing that is wanted; another
     * description of the stream makes another decoder. */
    if (decoder->is_video)
        av_packet_free_side_data(decoder->packet);
    if (decoder->filter && (av_bsf_send_packet(decoder->filter, decoder->packet) < 0 ||
                            av_bsf_receive_packet(decoder->filter, decoder->packet) < 0))
        return FALSE;
    return decoder->packet->size > 0 &&
           (!decoder->is_video || admit_video(decoder, decoder->packet));
}

gboolean media_decoder_send(MediaDecoder *decoder, const AVPacket *packet)
{
    gboolean waited = decoder->awaits_keyframe;
    gboolean sent = prepare(decoder, packet);
    if (sent)
        sent = avcodec_send_packet(decoder->context, decoder->packet) >= 0;
    av_packet_unref(decoder->packet);
    if (!sent && !(waited && decoder->awaits_keyframe))
        note_damage(decoder);
    return sent;
}

/* The next frame that the library has, in decoder->frame. Each damaged one used up a packet. */
static gboolean take_frame(MediaDecoder *decoder)
{
    for (;;) {
        int status = avcodec_receive_frame(decoder->context, decoder->frame);
        if (status >= 0)
            return TRUE;
        if (status == AVERROR(EAGAIN) || status == AVERROR_EOF || status == AVERROR(EINVAL) ||
            status == AVERROR(ENOMEM))
            return FALSE;
        note_damage(decoder);
    }
}

gboolean media_decoder_receive_video(MediaDecoder *decoder, AVFrame *out)
{
    av_frame_unref(out);
    while (decoder->is_video && take_frame(decoder)) {
        AVFrame *frame = decoder->frame;
        frame->pts = frame->best_effort_timestamp;
        if (fits(decoder, frame->width, frame->height) &&
            yuv_converter_run(decoder->pictures, frame, out))
            return TRUE;
        av_frame_unref(frame);
        note_damage(decoder);
    }
    return FALSE;
}

gboolean media_decoder_receive_audio(MediaDecoder *decoder, GArray *samples, gint64 *pts_us)
{
    while (!decoder->is_video && take_frame(decoder)) {
        gboolean done = sound_converter_run(decoder->sound, decoder->frame, samples, pts_us);
        av_frame_unref(decoder->frame);
        if (done)
            return TRUE;
        note_damage(decoder);
    }
    return FALSE;
}

void media_decoder_drain(MediaDecoder *decoder)
{
    avcodec_send_packet(decoder->context, NULL);
}

void media_decoder_flush(MediaDecoder *decoder)
{
    avcodec_flush_buffers(decoder->context);
    if (decoder->filter)
        av_bsf_flush(decoder->filter);
    sound_converter_reset(decoder->sound);
    decoder->awaits_keyframe = decoder->kind->needs_references;
}
