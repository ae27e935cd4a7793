#include "mixer/image.h"

#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <string.h>

#include "base/error.h"
#include "mixer/image_scan.h"

/*  file --scan--> what of it is the picture --libavcodec--> pixels --libswscale--> YUVA420P  */

#define JPEG_QUALITY    3 /* of mjpeg's 1 (best) .. 31 */
#define PNG_COMPRESSION 3
#define SILENT          64 /* added to the level of the lines of libavcodec: none is printed */
#define FRAME_ALIGN     64

struct Image {
    gint refs;
    int width, height;
    AVFrame *frame;
    gboolean opaque;
    guint64 serial;
};

static guint64 image_serials; /* atomic */

typedef struct SwsContext ImageConverter;

static void image_frame_free(AVFrame *frame)
{
    av_frame_free(&frame);
}

static void image_codec_free(AVCodecContext *codec)
{
    avcodec_free_context(&codec);
}

static void image_packet_free(AVPacket *packet)
{
    av_packet_free(&packet);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(AVFrame, image_frame_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AVCodecContext, image_codec_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AVPacket, image_packet_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ImageConverter, sws_freeContext)

static AVFrame *image_alloc(enum AVPixelFormat format, int width, int height)
{
    AVFrame *frame = av_frame_alloc();
    if (!frame)
        g_error("out of memory for an image");
    frame->format = format;
    frame->width = width;
    frame->height = height;
    if (av_frame_get_buffer(frame, FRAME_ALIGN) < 0)
        g_error("out of memory for an image of %dx%d", width, height);
    return frame;
}

/* Formats that carry their range in their name, without it. */
static enum AVPixelFormat image_plain_format(int format)
{
    switch (format) {
    case AV_PIX_FMT_YUVJ420P:
        return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ422P:
        return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ444P:
        return AV_PIX_FMT_YUV444P;
    case AV_PIX_FMT_YUVJ440P:
        return AV_PIX_FMT_YUV440P;
    case AV_PIX_FMT_YUVJ411P:
        return AV_PIX_FMT_YUV411P;
    default:
        return (enum AVPixelFormat)format;
    }
}

/* Same size, other format; BT.601 on both sides. */
static gboolean image_convert(const AVFrame *from, gboolean from_full, AVFrame *to,
                              gboolean to_full)
{
    g_autoptr(ImageConverter) sws = sws_alloc_context();
    if (!sws)
        g_error("out of memory for a conversion");
    av_opt_set_int(sws, "srcw", from->width, 0);
    av_opt_set_int(sws, "srch", from->height, 0);
    av_opt_set_int(sws, "src_format", image_plain_format(from->format), 0);
    av_opt_set_int(sws, "src_range", from_full, 0);
    av_opt_set_int(sws, "dstw", to->width, 0);
    av_opt_set_int(sws, "dsth", to->height, 0);
    av_opt_set_int(sws, "dst_format", image_plain_format(to->format), 0);
    av_opt_set_int(sws, "dst_range", to_full, 0);
    av_opt_set_int(sws, "sws_flags", SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT, 0);
    if (sws_init_context(sws, NULL, NULL) < 0)
        return FALSE;
    const int *matrix = sws_getCoefficients(SWS_CS_ITU601);
    sws_setColorspaceDetails(sws, matrix, from_full, matrix, to_full, 0, 1 << 16, 1 << 16);
    return sws_scale(sws, (const guint8 *const *)from->data, from->linesize, 0, from->height,
                     to->data, to->linesize) == to->height;
}

static AVCodecContext *image_codec_new(const AVCodec *codec)
{
    AVCodecContext *context = codec ? avcodec_alloc_context3(codec) : NULL;
    if (!context)
        return NULL;
    context->thread_count = 1;
    context->max_pixels = IMAGE_MAX_PIXELS;
    context->log_level_offset = SILENT;
    return context;
}

/* The one picture of the file, or NULL. */
static AVFrame *image_decode_file(const ImageScan *scan)
{
    const gboolean png = scan->kind == IMAGE_SCAN_PNG;
    const AVCodec *codec = avcodec_find_decoder(png ? AV_CODEC_ID_PNG : AV_CODEC_ID_MJPEG);
    g_autoptr(AVCodecContext) context = image_codec_new(codec);
    g_autoptr(AVPacket) packet = av_packet_alloc();
    g_autoptr(AVFrame) frame = av_frame_alloc();
    if (!context || !packet || !frame)
        return NULL;
    context->err_recognition = AV_EF_EXPLODE;
    packet->data = scan->file->data;
    packet->size = (int)scan->size;
    if (avcodec_open2(context, codec, NULL) < 0 || avcodec_send_packet(context, packet) < 0 ||
        avcodec_receive_frame(context, frame) < 0)
        return NULL;
    if (frame->width != scan->width || frame->height != scan->height)
        return NULL;
    return g_steal_pointer(&frame);
}

/* Repeat the last column and row: colour planes have them already, rounded up. */
static void image_pad(AVFrame *frame, int width, int height)
{
    for (int plane = 0; plane < 4; plane += 3) {
        guint8 *data = frame->data[plane];
        const int stride = frame->linesize[plane];
        for (int y = 0; width & 1 && y < height; y++)
            data[(gsize)y * stride + width] = data[(gsize)y * stride + width - 1];
        if (height & 1)
            memcpy(data + (gsize)height * stride, data + (gsize)(height - 1) * stride,
                   (gsize)width + (gsize)(width & 1));
    }
}

static AVFrame *image_to_canvas_format(const AVFrame *decoded)
{
    const int width = decoded->width, height = decoded->height;
    AVFrame *frame = image_alloc(AV_PIX_FMT_YUVA420P, width + (width & 1), height + (height & 1));
    frame->width = width;
    frame->height = height;
    frame->color_range = AVCOL_RANGE_MPEG;
    frame->colorspace = AVCOL_SPC_SMPTE170M;
    if (!image_convert(decoded, TRUE, frame, FALSE)) {
        av_frame_free(&frame);
        return NULL;
    }
    image_pad(frame, width, height);
    frame->width += width & 1;
    frame->height += height & 1;
    return frame;
}

static gboolean image_find_opaque(const AVFrame *frame)
{
    for (int y = 0; y < frame->height; y++) {
        const guint8 *alpha = frame->data[3] + (gsize)y * frame->linesize[3];
        guint8 all = 255;
        for (int x = 0; x < frame->width; x++)
            all &= alpha[x];
        if (all != 255)
            return FALSE;
    }
    return TRUE;
}

Image *image_decode(const guint8 *data, gsize size, GError **error)
{
    ImageScan scan;
    if (!image_scan(data, size, &scan, error))
        return NULL;
    g_autoptr(AVFrame) decoded = image_decode_file(&scan);
    g_byte_array_unref(scan.file);
    AVFrame *frame = decoded ? image_to_canvas_format(decoded) : NULL;
    if (!frame) {
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                            "the image is damaged: save it once more as PNG or JPEG");
        return NULL;
    }
    Image *image = g_new0(Image, 1);
    image->refs = 1;
    image->width = scan.width;
    image->height = scan.height;
    image->frame = frame;
    image->opaque = image_find_opaque(frame);
    image->serial = __atomic_add_fetch(&image_serials, 1, __ATOMIC_RELAXED);
    return image;
}

Image *image_ref(Image *image)
{
    g_atomic_int_inc(&image->refs);
    return image;
}

void image_unref(Image *image)
{
    if (!image || !g_atomic_int_dec_and_test(&image->refs))
        return;
    av_frame_free(&image->frame);
    g_free(image);
}

gboolean image_is_shared(const Image *image)
{
    return g_atomic_int_get(&image->refs) > 1;
}

int image_width(const Image *image)
{
    return image->width;
}

int image_height(const Image *image)
{
    return image->height;
}

const AVFrame *image_frame(const Image *image)
{
    return image->frame;
}

gboolean image_is_opaque(const Image *image)
{
    return image->opaque;
}

guint64 image_serial(const Image *image)
{
    return image->serial;
}

static gboolean image_open_encoder(AVCodecContext *context, const AVFrame *frame, gboolean png)
{
    context->width = frame->width;
    context->height = frame->height;
    context->pix_fmt = (enum AVPixelFormat)frame->format;
    context->time_base = (AVRational){ 1, 25 };
    if (png) {
        av_opt_set(context->priv_data, "pred", "up", 0);
        context->compression_level = PNG_COMPRESSION;
    } else {
        context->color_range = AVCOL_RANGE_JPEG;
        context->strict_std_compliance = FF_COMPLIANCE_UNOFFICIAL;
        context->flags |= AV_CODEC_FLAG_QSCALE;
        context->global_quality = FF_QP2LAMBDA * JPEG_QUALITY;
    }
    return avcodec_open2(context, context->codec, NULL) >= 0;
}

static GBytes *image_encode_pixels(AVFrame *pixels, gboolean png)
{
    const AVCodec *codec = avcodec_find_encoder(png ? AV_CODEC_ID_PNG : AV_CODEC_ID_MJPEG);
    g_autoptr(AVCodecContext) context = image_codec_new(codec);
    g_autoptr(AVPacket) packet = av_packet_alloc();
    if (!context || !packet || !image_open_encoder(context, pixels, png))
        return NULL;
    pixels->pts = 0;
    pixels->quality = context->global_quality;
    if (avcodec_send_frame(context, pixels) < 0 || avcodec_receive_packet(context, packet) < 0)
        return NULL;
    return g_bytes_new(packet->data, (gsize)packet->size);
}

GBytes *image_encode(const AVFrame *frame, ImageFormat format, GError **error)
{
    const gboolean png = format == IMAGE_PNG;
    g_autoptr(AVFrame) pixels =
        image_alloc(png ? AV_PIX_FMT_RGB24 : AV_PIX_FMT_YUVJ420P, frame->width, frame->height);
    pixels->color_range = AVCOL_RANGE_JPEG;
    GBytes *file =
        image_convert(frame, FALSE, pixels, TRUE) ? image_encode_pixels(pixels, png) : NULL;
    if (!file)
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INTERNAL,
                            "the picture cannot be written as a file");
    return file;
}
