#include "codecs/lavc_video.h"

#include <libavcodec/avcodec.h>

#include "base/error.h"
#include "base/log.h"
#include "codecs/codec_ops.h"
#include "codecs/yuv_convert.h"

/* A new size costs allocations in the decoder, in the scaler and in the scene: a stream may change
 * it some times in a row (simulcast, adaptation), then once in so many frames. */
#define SIZE_CHANGES_BURST  8
#define FRAMES_PER_CHANGE   30
#define SILENT_LEVEL_OFFSET 128 /* no stranger writes FFmpeg's log; a level has 8 bits */

typedef struct {
    VideoDecoder base;
    const CodecType *type;
    VideoDecoderConfig limits;
    AVCodecContext *context;
    AVFrame *picture; /* as the library gave it */

    YuvConverter *converter;

    /* Limit of size changes. */
    gint last_width, last_height;
    gint size_credit; /* in frames */
} LavcVideo;

static void lavc_video_free(VideoDecoder *decoder)
{
    LavcVideo *lavc = (LavcVideo *)decoder;
    avcodec_free_context(&lavc->context);
    av_frame_free(&lavc->picture);
    yuv_converter_free(lavc->converter);
    g_free(lavc);
}

/* --- Limits ---------------------------------------------------------------------------------- */

static gboolean fits(const LavcVideo *lavc, gint width, gint height)
{
    return width > 0 && height > 0 && width <= lavc->limits.max_width &&
           height <= lavc->limits.max_height && (gint64)width * height <= lavc->limits.max_pixels;
}

/** The size is as before, or the stream may still change it. */
static gboolean take_size_change(LavcVideo *lavc, gint width, gint height)
{
    if (width == lavc->last_width && height == lavc->last_height)
        return TRUE;
    if (lavc->size_credit < FRAMES_PER_CHANGE)
        return FALSE;
    lavc->size_credit -= FRAMES_PER_CHANGE;
    lavc->last_width = width;
    lavc->last_height = height;
    return TRUE;
}

/* Look at the header before the library sees a byte. */
static gboolean admit(LavcVideo *lavc, const AVPacket *packet)
{
    VideoFrameHeader header;
    lavc->size_credit = MIN(lavc->size_credit + 1, SIZE_CHANGES_BURST * FRAMES_PER_CHANGE);
    if (!packet->data || packet->size <= 0 || packet->size > (gint)PAYLOAD_MAX_FRAME ||
        !lavc->type->peek(packet->data, (gsize)packet->size, &header)) {
        log_limited(LOG_WARNING, "video", "a malformed %s frame was dropped", lavc->type->name);
        return FALSE;
    }
    if (!header.has_size)
        return TRUE;
    if (!fits(lavc, header.width, header.height)) {
        log_limited(LOG_WARNING, "video", "a %s frame of %dx%d was refused; the limit is %dx%d",
                    lavc->type->name, header.width, header.height, lavc->limits.max_width,
                    lavc->limits.max_height);
        return FALSE;
    }
    if (!take_size_change(lavc, header.width, header.height)) {
        log_limited(LOG_WARNING, "video", "a %s stream changes its size too often",
                    lavc->type->name);
        return FALSE;
    }
    return TRUE;
}

/* --- Decoding -------------------------------------------------------------------------------- */

/* Take what the decoder has. Of several pictures (an H.264 decoder that learns of reordering, the
 * spatial layers of VP9) the newest counts. */
static DecodeResult receive(LavcVideo *lavc, AVFrame *out)
{
    DecodeResult result = DECODE_NOTHING;
    gint status = 0;
    while ((status = avcodec_receive_frame(lavc->context, lavc->picture)) >= 0) {
        av_frame_unref(out);
        if (!fits(lavc, lavc->picture->width, lavc->picture->height) ||
            !yuv_converter_run(lavc->converter, lavc->picture, out)) {
            av_frame_unref(lavc->picture);
            return DECODE_ERROR;
        }
        result = DECODE_FRAME;
    }
    return status == AVERROR(EAGAIN) || status == AVERROR_EOF ? result : DECODE_ERROR;
}

static DecodeResult lavc_video_decode(VideoDecoder *decoder, const AVPacket *packet, AVFrame *out)
{
    LavcVideo *lavc = (LavcVideo *)decoder;
    if (!admit(lavc, packet))
        return DECODE_ERROR;
    DecodeResult result = DECODE_ERROR;
    if (avcodec_send_packet(lavc->context, packet) >= 0)
        result = receive(lavc, out);
    if (result != DECODE_ERROR)
        return result;
    av_frame_unref(out);
    avcodec_flush_buffers(lavc->context);
    lavc->context->has_b_frames = 0; /* damage looks like reordering: do not keep its delay */
    log_limited(LOG_WARNING, "video", "a %s frame could not be decoded", lavc->type->name);
    return DECODE_ERROR;
}

static const VideoDecoderOps lavc_video_ops = {
    .free = lavc_video_free,
    .decode = lavc_video_decode,
};

static const AVCodec *find_library_decoder(const CodecType *type)
{
    if (type->id == AV_CODEC_ID_AV1)
        return avcodec_find_decoder_by_name("libdav1d");
    return avcodec_find_decoder(type->id);
}

static VideoDecoderConfig effective_limits(const VideoDecoderConfig *config)
{
    VideoDecoderConfig limits = { VIDEO_MAX_SIDE, VIDEO_MAX_SIDE, VIDEO_MAX_PIXELS };
    if (config->max_width > 0)
        limits.max_width = MIN(limits.max_width, config->max_width);
    if (config->max_height > 0)
        limits.max_height = MIN(limits.max_height, config->max_height);
    if (config->max_pixels > 0)
        limits.max_pixels = MIN(limits.max_pixels, config->max_pixels);
    return limits;
}

static gboolean open_context(LavcVideo *lavc, const AVCodec *codec)
{
    lavc->context = avcodec_alloc_context3(codec);
    if (!lavc->context)
        return FALSE;
    const VideoDecoderConfig *limits = &lavc->limits;
    lavc->context->thread_count = 1; /* rooms spread over cores, threads cost 25-40 % more CPU */
    lavc->context->flags |= AV_CODEC_FLAG_LOW_DELAY;
    /* Only whole frames come here: an error is damage by intent, not worth concealing. */
    lavc->context->err_recognition = AV_EF_BITSTREAM | AV_EF_BUFFER | AV_EF_EXPLODE;
    lavc->context->error_concealment = 0;
    /* The library counts whole blocks, so a picture at the limit needs room for its last row and
     * column of them. */
    lavc->context->max_pixels =
        limits->max_pixels + 32 * (gint64)(limits->max_width + limits->max_height + 32);
    lavc->context->log_level_offset = SILENT_LEVEL_OFFSET;
    return avcodec_open2(lavc->context, codec, NULL) >= 0;
}

VideoDecoder *lavc_video_decoder_new(const CodecType *type, const VideoDecoderConfig *config,
                                     GError **error)
{
    LavcVideo *lavc = g_new0(LavcVideo, 1);
    lavc->base.ops = &lavc_video_ops;
    lavc->type = type;
    lavc->limits = effective_limits(config);
    lavc->size_credit = SIZE_CHANGES_BURST * FRAMES_PER_CHANGE;
    lavc->picture = av_frame_alloc();
    lavc->converter = yuv_converter_new();
    const AVCodec *codec = find_library_decoder(type);
    if (codec && lavc->picture && open_context(lavc, codec))
        return &lavc->base;
    lavc_video_free(&lavc->base);
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNSUPPORTED,
                "the installed libavcodec cannot decode %s; install one with that decoder",
                type->name);
    return NULL;
}
