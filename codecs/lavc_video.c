#include "codecs/lavc_video.h"

#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include "base/error.h"
#include "base/log.h"
#include "codecs/codec_ops.h"

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

    /* Conversion to YUV420P, for the pictures that need it. */
    struct SwsContext *scaler;
    gint scaler_width, scaler_height, scaler_format, scaler_full_range;

    /* Limit of size changes. */
    gint last_width, last_height;
    gint size_credit; /* in frames */
} LavcVideo;

static void lavc_video_free(VideoDecoder *decoder)
{
    LavcVideo *lavc = (LavcVideo *)decoder;
    avcodec_free_context(&lavc->context);
    av_frame_free(&lavc->picture);
    sws_freeContext(lavc->scaler);
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

/* --- Conversion ------------------------------------------------------------------------------ */

/* The "J" formats are their plain ones in full range. */
static enum AVPixelFormat plain_format(gint format, gboolean *full_range)
{
    static const struct {
        enum AVPixelFormat full, plain;
    } pairs[] = {
        { AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUV420P }, { AV_PIX_FMT_YUVJ422P, AV_PIX_FMT_YUV422P },
        { AV_PIX_FMT_YUVJ444P, AV_PIX_FMT_YUV444P }, { AV_PIX_FMT_YUVJ440P, AV_PIX_FMT_YUV440P },
        { AV_PIX_FMT_YUVJ411P, AV_PIX_FMT_YUV411P },
    };
    for (gsize i = 0; i < G_N_ELEMENTS(pairs); i++) {
        if (format == pairs[i].full) {
            *full_range = TRUE;
            return pairs[i].plain;
        }
    }
    return (enum AVPixelFormat)format;
}

static gboolean ensure_scaler(LavcVideo *lavc, enum AVPixelFormat format, gboolean full_range)
{
    const AVFrame *picture = lavc->picture;
    if (lavc->scaler && lavc->scaler_width == picture->width &&
        lavc->scaler_height == picture->height && lavc->scaler_format == (gint)format &&
        lavc->scaler_full_range == full_range)
        return TRUE;
    sws_freeContext(lavc->scaler);
    lavc->scaler = sws_alloc_context();
    if (!lavc->scaler)
        return FALSE;
    lavc->scaler_width = picture->width;
    lavc->scaler_height = picture->height;
    lavc->scaler_format = format;
    lavc->scaler_full_range = full_range;
    av_opt_set_int(lavc->scaler, "srcw", picture->width, 0);
    av_opt_set_int(lavc->scaler, "srch", picture->height, 0);
    av_opt_set_int(lavc->scaler, "src_format", format, 0);
    av_opt_set_int(lavc->scaler, "src_range", full_range, 0);
    av_opt_set_int(lavc->scaler, "dstw", picture->width, 0);
    av_opt_set_int(lavc->scaler, "dsth", picture->height, 0);
    av_opt_set_int(lavc->scaler, "dst_format", AV_PIX_FMT_YUV420P, 0);
    av_opt_set_int(lavc->scaler, "sws_flags", SWS_BILINEAR, 0);
    if (sws_init_context(lavc->scaler, NULL, NULL) >= 0)
        return TRUE;
    sws_freeContext(lavc->scaler);
    lavc->scaler = NULL;
    return FALSE;
}

/* Move the picture to `out`, in YUV420P of limited range. */
static gboolean hand_out(LavcVideo *lavc, AVFrame *out)
{
    AVFrame *picture = lavc->picture;
    gboolean full_range = picture->color_range == AVCOL_RANGE_JPEG;
    enum AVPixelFormat format = plain_format(picture->format, &full_range);
    if (format == AV_PIX_FMT_YUV420P && !full_range) {
        av_frame_move_ref(out, picture);
        return TRUE;
    }
    out->format = AV_PIX_FMT_YUV420P;
    out->width = picture->width;
    out->height = picture->height;
    gboolean done = ensure_scaler(lavc, format, full_range) && av_frame_get_buffer(out, 0) >= 0 &&
                    av_frame_copy_props(out, picture) >= 0 &&
                    sws_scale(lavc->scaler, (const guint8 *const *)picture->data, picture->linesize,
                              0, picture->height, out->data, out->linesize) == picture->height;
    out->color_range = AVCOL_RANGE_MPEG;
    av_frame_unref(picture);
    if (!done)
        av_frame_unref(out);
    return done;
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
        if (!fits(lavc, lavc->picture->width, lavc->picture->height) || !hand_out(lavc, out)) {
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
    const AVCodec *codec = find_library_decoder(type);
    if (codec && lavc->picture && open_context(lavc, codec))
        return &lavc->base;
    lavc_video_free(&lavc->base);
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNSUPPORTED,
                "the installed libavcodec cannot decode %s; install one with that decoder",
                type->name);
    return NULL;
}
