#pragma once

#include <glib.h>
#include <libavcodec/avcodec.h>
#include <math.h>
#include <string.h>

#include "base/bytes.h"
#include "codecs/codec.h"

/* Pictures, measures and small files for the tests of this folder. */

static inline AVFrame *picture_new(gint width, gint height)
{
    AVFrame *picture = av_frame_alloc();
    picture->format = AV_PIX_FMT_YUV420P;
    picture->width = width;
    picture->height = height;
    g_assert_cmpint(av_frame_get_buffer(picture, 0), ==, 0);
    return picture;
}

/** A smooth texture that moves, and a bright square on its way across it. */
static inline void picture_paint(AVFrame *picture, gint n)
{
    g_assert_cmpint(av_frame_make_writable(picture), ==, 0);
    gint square = (n * 4) % picture->width;
    for (gint y = 0; y < picture->height; y++)
        for (gint x = 0; x < picture->width; x++) {
            gboolean inside = ABS(x - square) < 24 && ABS(y - picture->height / 2) < 24;
            double wave = sin((x + 2 * n) * 0.07) + cos((y - n) * 0.05 + x * 0.01);
            picture->data[0][y * picture->linesize[0] + x] =
                inside ? 220 : (guint8)(120 + 40 * wave);
        }
    for (gint p = 1; p < 3; p++)
        for (gint y = 0; y < picture->height / 2; y++)
            for (gint x = 0; x < picture->width / 2; x++)
                picture->data[p][y * picture->linesize[p] + x] =
                    (guint8)(128 + (p == 1 ? 30 : -30) * sin((x + y + n) * 0.03));
}

/** PSNR of the luma within a rectangle, in dB; 99 for equal ones. */
static inline double psnr_in(const AVFrame *a, const AVFrame *b, gint x0, gint y0, gint width,
                             gint height)
{
    double sum = 0;
    for (gint y = y0; y < y0 + height; y++)
        for (gint x = x0; x < x0 + width; x++) {
            double d =
                (double)a->data[0][y * a->linesize[0] + x] - b->data[0][y * b->linesize[0] + x];
            sum += d * d;
        }
    double mse = sum / ((double)width * height);
    return mse > 0 ? MIN(10 * log10(255 * 255 / mse), 99) : 99;
}

static inline double psnr(const AVFrame *a, const AVFrame *b)
{
    return psnr_in(a, b, 0, 0, a->width, a->height);
}

static inline AVPacket *packet_from(const guint8 *data, gsize size)
{
    AVPacket *packet = av_packet_alloc();
    g_assert_cmpint(av_new_packet(packet, (int)size), ==, 0);
    if (size)
        memcpy(packet->data, data, size);
    return packet;
}

static inline void packet_unref(gpointer packet)
{
    AVPacket *mine = packet;
    av_packet_free(&mine);
}

static inline GPtrArray *read_ivf(const guint8 *data, gsize size)
{
    GPtrArray *packets = g_ptr_array_new_with_free_func(packet_unref);
    for (gsize pos = 32; pos + 12 < size;) {
        guint32 frame = data[pos] | data[pos + 1] << 8 | (guint32)data[pos + 2] << 16;
        g_assert_cmpuint(pos + 12 + frame, <=, size);
        g_ptr_array_add(packets, packet_from(data + pos + 12, frame));
        pos += 12 + frame;
    }
    return packets;
}

static inline GPtrArray *read_h264(const guint8 *data, gsize size)
{
    GPtrArray *packets = g_ptr_array_new_with_free_func(packet_unref);
    AVCodecContext *context = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_H264));
    AVCodecParserContext *parser = av_parser_init(AV_CODEC_ID_H264);
    gsize pos = 0;
    gboolean flushed = FALSE;
    while (!flushed) {
        guint8 *frame = NULL;
        int frame_size = 0;
        flushed = pos == size;
        pos += (gsize)av_parser_parse2(parser, context, &frame, &frame_size, data + pos,
                                       (int)(size - pos), AV_NOPTS_VALUE, AV_NOPTS_VALUE, 0);
        if (frame_size > 0)
            g_ptr_array_add(packets, packet_from(frame, (gsize)frame_size));
    }
    av_parser_close(parser);
    avcodec_free_context(&context);
    return packets;
}

/** The frames of a file of tests/data/video (free with g_ptr_array_unref). */
static inline GPtrArray *read_video(const char *name)
{
    g_autofree char *path = g_build_filename(TEST_DATA_DIR, "video", name, NULL);
    g_autofree char *data = NULL;
    g_autoptr(GError) error = NULL;
    gsize size = 0;
    g_file_get_contents(path, &data, &size, &error);
    g_assert_no_error(error);
    return g_str_has_suffix(name, ".ivf") ? read_ivf((guint8 *)data, size)
                                          : read_h264((guint8 *)data, size);
}
