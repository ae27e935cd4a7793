#include "codecs/yuv_convert.h"

#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include "codecs/bt709.h"

#define BLACK_LUMA   16 /* BT.601, limited range */
#define BLACK_CHROMA 128

typedef struct {
    gint width, height, from, to, full_range;
} Conversion;

struct YuvConverter {
    struct SwsContext *scaler;
    Conversion conversion; /* what the scaler is made for */
};

YuvConverter *yuv_converter_new(void)
{
    return g_new0(YuvConverter, 1);
}

void yuv_converter_free(YuvConverter *converter)
{
    if (!converter)
        return;
    sws_freeContext(converter->scaler);
    g_free(converter);
}

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

static gboolean same_conversion(const Conversion *a, const Conversion *b)
{
    return a->width == b->width && a->height == b->height && a->from == b->from && a->to == b->to &&
           a->full_range == b->full_range;
}

static gboolean ensure_scaler(YuvConverter *converter, const Conversion *wanted)
{
    if (converter->scaler && same_conversion(&converter->conversion, wanted))
        return TRUE;
    sws_freeContext(converter->scaler);
    converter->scaler = sws_alloc_context();
    if (!converter->scaler)
        return FALSE;
    converter->conversion = *wanted;
    av_opt_set_int(converter->scaler, "srcw", wanted->width, 0);
    av_opt_set_int(converter->scaler, "srch", wanted->height, 0);
    av_opt_set_int(converter->scaler, "src_format", wanted->from, 0);
    av_opt_set_int(converter->scaler, "src_range", wanted->full_range, 0);
    av_opt_set_int(converter->scaler, "dstw", wanted->width, 0);
    av_opt_set_int(converter->scaler, "dsth", wanted->height, 0);
    av_opt_set_int(converter->scaler, "dst_format", wanted->to, 0);
    av_opt_set_int(converter->scaler, "sws_flags", SWS_BILINEAR, 0);
    if (sws_init_context(converter->scaler, NULL, NULL) >= 0)
        return TRUE;
    sws_freeContext(converter->scaler);
    converter->scaler = NULL;
    return FALSE;
}

/* Lay a YUVA420P picture over black, in place; it is YUV420P afterwards. */
static void lay_over_black(AVFrame *frame)
{
    for (gint plane = 0; plane < 3; plane++) {
        gint shift = plane ? 1 : 0;
        gint black = plane ? BLACK_CHROMA : BLACK_LUMA;
        for (gint y = 0; y < AV_CEIL_RSHIFT(frame->height, shift); y++) {
            guint8 *line = frame->data[plane] + y * frame->linesize[plane];
            const guint8 *alpha = frame->data[3] + (y << shift) * frame->linesize[3];
            for (gint x = 0; x < AV_CEIL_RSHIFT(frame->width, shift); x++) {
                gint seen = alpha[x << shift];
                line[x] = (guint8)((line[x] * seen + black * (255 - seen) + 127) / 255);
            }
        }
    }
    av_buffer_unref(&frame->buf[3]); /* NULL where all planes share one buffer */
    frame->data[3] = NULL;
    frame->linesize[3] = 0;
    frame->format = AV_PIX_FMT_YUV420P;
}

static gboolean has_flag(enum AVPixelFormat format, guint64 flag)
{
    const AVPixFmtDescriptor *descriptor = av_pix_fmt_desc_get(format);
    return descriptor && (descriptor->flags & flag) != 0;
}

static gboolean convert(YuvConverter *converter, const Conversion *wanted, const AVFrame *picture,
                        AVFrame *out)
{
    out->format = wanted->to;
    out->width = wanted->width;
    out->height = wanted->height;
    return ensure_scaler(converter, wanted) && av_frame_get_buffer(out, 0) >= 0 &&
           av_frame_copy_props(out, picture) >= 0 &&
           sws_scale(converter->scaler, (const guint8 *const *)picture->data, picture->linesize, 0,
                     picture->height, out->data, out->linesize) == picture->height;
}

/* (transfer full) A frame of the same format, size and properties with buffers of its own. */
static AVFrame *frame_like(const AVFrame *frame)
{
    AVFrame *like = av_frame_alloc();
    if (!like)
        return NULL;
    like->format = frame->format;
    like->width = frame->width;
    like->height = frame->height;
    if (av_frame_get_buffer(like, 0) < 0 || av_frame_copy_props(like, frame) < 0)
        av_frame_free(&like);
    return like;
}

/* Of a YUV420P picture in limited range; pictures that say nothing are taken for BT.601. */
static gboolean convert_colours(AVFrame *frame)
{
    if (frame->colorspace != AVCOL_SPC_BT709)
        return TRUE;
    AVFrame *converted = av_frame_is_writable(frame) ? frame : frame_like(frame);
    if (!converted)
        return FALSE;
    bt709_to_bt601(frame, converted);
    converted->colorspace = AVCOL_SPC_SMPTE170M;
    if (converted != frame) {
        av_frame_unref(frame);
        av_frame_move_ref(frame, converted);
        av_frame_free(&converted);
    }
    return TRUE;
}

static gboolean convert_format(YuvConverter *converter, AVFrame *picture, AVFrame *out)
{
    gboolean full_range = picture->color_range == AVCOL_RANGE_JPEG;
    enum AVPixelFormat format = plain_format(picture->format, &full_range);
    if (format == AV_PIX_FMT_YUV420P && !full_range) {
        av_frame_move_ref(out, picture);
        return TRUE;
    }
    gboolean alpha = has_flag(format, AV_PIX_FMT_FLAG_ALPHA);
    Conversion wanted = { picture->width, picture->height, format,
                          alpha ? AV_PIX_FMT_YUVA420P : AV_PIX_FMT_YUV420P, full_range };
    gboolean done = convert(converter, &wanted, picture, out);
    if (done && alpha)
        lay_over_black(out);
    if (has_flag(format, AV_PIX_FMT_FLAG_RGB))
        out->colorspace = AVCOL_SPC_SMPTE170M; /* it has a matrix only now */
    out->color_range = AVCOL_RANGE_MPEG;
    return done;
}

gboolean yuv_converter_run(YuvConverter *converter, AVFrame *picture, AVFrame *out)
{
    gboolean done = convert_format(converter, picture, out) && convert_colours(out);
    av_frame_unref(picture);
    if (!done)
        av_frame_unref(out);
    return done;
}
