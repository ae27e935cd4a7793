#pragma once

#include <glib.h>
#include <libavcodec/avcodec.h>
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <math.h>

/* Encoded test material: a moving grey picture and a tone, as a room's renditions give them: stream
 * 0 H.264 (Annex B, headers in extradata, no B-frames) or VP9, stream 1 AAC or Opus, times in
 * microseconds, in the order of their times. */

typedef struct {
    AVCodecParameters *parameters[2];
    GPtrArray *packets; /* AVPacket, stream_index 0 or 1 */
} SampleStream;

#define SAMPLE_FPS    25
#define SAMPLE_WIDTH  128
#define SAMPLE_HEIGHT 96

static void sample_packet_free(gpointer data)
{
    AVPacket *packet = data;
    av_packet_free(&packet);
}

static void sample_take(AVCodecContext *encoder, SampleStream *sample, int stream)
{
    for (;;) {
        AVPacket *packet = av_packet_alloc();
        if (avcodec_receive_packet(encoder, packet) < 0) {
            av_packet_free(&packet);
            return;
        }
        av_packet_rescale_ts(packet, encoder->time_base, (AVRational){ 1, G_USEC_PER_SEC });
        packet->stream_index = stream;
        g_ptr_array_add(sample->packets, packet);
    }
}

static AVCodecContext *sample_encoder(const char *name)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(name);
    g_assert_nonnull(codec);
    AVCodecContext *encoder = avcodec_alloc_context3(codec);
    encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    encoder->thread_count = 1;
    return encoder;
}

static AVCodecContext *sample_video_encoder(const char *name, guint gop)
{
    AVCodecContext *encoder = sample_encoder(name);
    encoder->width = SAMPLE_WIDTH;
    encoder->height = SAMPLE_HEIGHT;
    encoder->pix_fmt = AV_PIX_FMT_YUV420P;
    encoder->time_base = (AVRational){ 1, SAMPLE_FPS };
    encoder->framerate = (AVRational){ SAMPLE_FPS, 1 };
    encoder->gop_size = (int)gop;
    encoder->keyint_min = (int)gop;
    encoder->max_b_frames = 0;
    encoder->bit_rate = 200000;
    av_opt_set(encoder->priv_data, "preset", "ultrafast", 0);
    av_opt_set(encoder->priv_data, "tune", "zerolatency", 0);
    av_opt_set(encoder->priv_data, "deadline", "realtime", 0);
    av_opt_set(encoder->priv_data, "cpu-used", "8", 0);
    av_opt_set(encoder->priv_data, "lag-in-frames", "0", 0);
    g_assert_cmpint(avcodec_open2(encoder, encoder->codec, NULL), ==, 0);
    return encoder;
}

static void sample_make_video(SampleStream *sample, const char *name, guint seconds, guint gop)
{
    AVCodecContext *encoder = sample_video_encoder(name, gop);
    AVFrame *frame = av_frame_alloc();
    frame->width = SAMPLE_WIDTH;
    frame->height = SAMPLE_HEIGHT;
    frame->format = AV_PIX_FMT_YUV420P;
    for (guint i = 0; i < seconds * SAMPLE_FPS; i++) {
        g_assert_cmpint(av_frame_get_buffer(frame, 0), ==, 0);
        for (int plane = 0; plane < 3; plane++)
            memset(frame->data[plane], plane ? 128 : (int)(i * 7 % 200 + 20),
                   (gsize)frame->linesize[plane] * (gsize)(SAMPLE_HEIGHT >> (plane > 0)));
        frame->pts = i;
        avcodec_send_frame(encoder, frame);
        for (int plane = 0; plane < AV_NUM_DATA_POINTERS; plane++)
            av_buffer_unref(&frame->buf[plane]);
        sample_take(encoder, sample, 0);
    }
    avcodec_send_frame(encoder, NULL);
    sample_take(encoder, sample, 0);
    avcodec_parameters_from_context(sample->parameters[0], encoder);
    av_frame_free(&frame);
    avcodec_free_context(&encoder);
}

static void sample_fill_tone(AVFrame *frame, gint64 from)
{
    gboolean planar = frame->format == AV_SAMPLE_FMT_FLTP;
    for (int i = 0; i < frame->nb_samples; i++) {
        float value = 0.3f * sinf((float)((from + i) % 48000) * 2 * (float)G_PI * 440 / 48000);
        for (int channel = 0; channel < 2; channel++) {
            if (planar)
                ((float *)frame->data[channel])[i] = value;
            else
                ((float *)frame->data[0])[2 * i + channel] = value;
        }
    }
}

static void sample_make_audio(SampleStream *sample, const char *name, guint seconds)
{
    AVCodecContext *encoder = sample_encoder(name);
    encoder->sample_rate = 48000;
    encoder->sample_fmt = encoder->codec->sample_fmts[0];
    for (guint i = 0; encoder->codec->sample_fmts[i] != AV_SAMPLE_FMT_NONE; i++)
        if (encoder->codec->sample_fmts[i] == AV_SAMPLE_FMT_FLT)
            encoder->sample_fmt = AV_SAMPLE_FMT_FLT;
    encoder->bit_rate = 64000;
    encoder->time_base = (AVRational){ 1, 48000 };
    av_channel_layout_default(&encoder->ch_layout, 2);
    g_assert_cmpint(avcodec_open2(encoder, encoder->codec, NULL), ==, 0);
    AVFrame *frame = av_frame_alloc();
    for (gint64 at = 0; at < (gint64)seconds * 48000; at += encoder->frame_size) {
        frame->nb_samples = encoder->frame_size;
        frame->format = encoder->sample_fmt;
        frame->sample_rate = 48000;
        av_channel_layout_default(&frame->ch_layout, 2);
        g_assert_cmpint(av_frame_get_buffer(frame, 0), ==, 0);
        sample_fill_tone(frame, at);
        frame->pts = at;
        avcodec_send_frame(encoder, frame);
        av_frame_unref(frame);
        sample_take(encoder, sample, 1);
    }
    avcodec_parameters_from_context(sample->parameters[1], encoder);
    av_frame_free(&frame);
    avcodec_free_context(&encoder);
}

static gint sample_compare(gconstpointer a, gconstpointer b)
{
    const AVPacket *left = *(AVPacket *const *)a, *right = *(AVPacket *const *)b;
    if (left->dts != right->dts)
        return left->dts < right->dts ? -1 : 1;
    return left->stream_index - right->stream_index;
}

static SampleStream *sample_stream_new(const char *video, const char *audio, guint seconds,
                                       guint gop)
{
    SampleStream *sample = g_new0(SampleStream, 1);
    sample->packets = g_ptr_array_new_with_free_func(sample_packet_free);
    sample->parameters[0] = avcodec_parameters_alloc();
    sample->parameters[1] = avcodec_parameters_alloc();
    sample_make_video(sample, video, seconds, gop);
    sample_make_audio(sample, audio, seconds);
    g_ptr_array_sort(sample->packets, sample_compare);
    return sample;
}

static void sample_stream_free(SampleStream *sample)
{
    avcodec_parameters_free(&sample->parameters[0]);
    avcodec_parameters_free(&sample->parameters[1]);
    g_ptr_array_unref(sample->packets);
    g_free(sample);
}
