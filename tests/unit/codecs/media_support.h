#pragma once

#include <glib.h>
#include <libavcodec/avcodec.h>
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <math.h>
#include <string.h>

/* Encoders of libavcodec for the tests, and measures of sound. */

/** How strong a tone is in interleaved stereo at 48 kHz (0: left, 1: right): its amplitude. */
static inline double tone_strength(const float *samples, gsize n, guint channel, double hz)
{
    double re = 0, im = 0;
    for (gsize i = 0; i < n; i++) {
        double angle = 2 * G_PI * hz * (double)i / 48000;
        re += samples[2 * i + channel] * cos(angle);
        im += samples[2 * i + channel] * sin(angle);
    }
    return 2 * sqrt(re * re + im * im) / (double)n;
}

static inline AVCodecContext *sound_encoder_new(const char *name, gint rate, gint channels)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(name);
    g_assert_nonnull(codec);
    AVCodecContext *context = avcodec_alloc_context3(codec);
    context->sample_rate = rate;
    context->sample_fmt = codec->sample_fmts[0];
    av_channel_layout_default(&context->ch_layout, channels);
    context->bit_rate = 96000 * channels;
    context->time_base = (AVRational){ 1, rate };
    context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    context->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    g_assert_cmpint(avcodec_open2(context, codec, NULL), ==, 0);
    return context;
}

static inline void sound_put(AVFrame *frame, gint channel, gint i, double value)
{
    enum AVSampleFormat format = frame->format;
    gboolean planar = av_sample_fmt_is_planar(format);
    guint8 *data = frame->extended_data[planar ? channel : 0];
    gint at = planar ? i : i * frame->ch_layout.nb_channels + channel;
    switch (av_get_packed_sample_fmt(format)) {
    case AV_SAMPLE_FMT_U8:
        data[at] = (guint8)(128 + 127 * value);
        break;
    case AV_SAMPLE_FMT_S16:
        ((gint16 *)data)[at] = (gint16)(32767 * value);
        break;
    case AV_SAMPLE_FMT_S32:
        ((gint32 *)data)[at] = (gint32)(2147483000.0 * value);
        break;
    case AV_SAMPLE_FMT_FLT:
        ((float *)data)[at] = (float)value;
        break;
    case AV_SAMPLE_FMT_DBL:
        ((double *)data)[at] = value;
        break;
    default:
        g_assert_not_reached();
    }
}

/** The next frame of a sine of this amplitude in all channels; *position counts samples. */
static inline AVFrame *sound_frame(const AVCodecContext *context, gint64 *position, double hz,
                                   double amplitude)
{
    AVFrame *frame = av_frame_alloc();
    frame->format = context->sample_fmt;
    frame->sample_rate = context->sample_rate;
    frame->nb_samples = context->frame_size > 0 ? context->frame_size : 1024;
    av_channel_layout_copy(&frame->ch_layout, &context->ch_layout);
    g_assert_cmpint(av_frame_get_buffer(frame, 0), ==, 0);
    for (gint i = 0; i < frame->nb_samples; i++) {
        double t = (double)(*position + i) / context->sample_rate;
        for (gint c = 0; c < frame->ch_layout.nb_channels; c++)
            sound_put(frame, c, i, amplitude * sin(2 * G_PI * hz * t));
    }
    frame->pts = *position;
    *position += frame->nb_samples;
    return frame;
}

/** The next packet, with its times in microseconds, or FALSE. */
static inline gboolean encoder_receive(AVCodecContext *context, AVPacket *packet)
{
    av_packet_unref(packet);
    if (avcodec_receive_packet(context, packet) < 0)
        return FALSE;
    av_packet_rescale_ts(packet, context->time_base, (AVRational){ 1, 1000000 });
    return TRUE;
}
