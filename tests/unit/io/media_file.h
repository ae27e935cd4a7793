#pragma once

#include <glib.h>
#include <glib/gstdio.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <math.h>

/* Small media files for the tests of this folder, made by libavformat and the encoders. */

typedef struct {
    const char *format;                          /* a muxer's name */
    const char *video, *audio;                   /* encoders, or NULL */
    gint seconds, b_frames, rate, extra_streams; /* rate 0: 48000 */
    gint width;                                  /* 0: MEDIA_FILE_WIDTH */
    const char *options;                         /* of the muxer: "key=value:key=value" */
} MediaFile;

#define MEDIA_FILE_WIDTH  160
#define MEDIA_FILE_HEIGHT 96
#define MEDIA_FILE_FPS    25 /* and a key frame each second */

static inline AVCodecContext *media_file_video(const MediaFile *file, gboolean global_header)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(file->video);
    g_assert_nonnull(codec);
    AVCodecContext *context = avcodec_alloc_context3(codec);
    context->width = file->width ? file->width : MEDIA_FILE_WIDTH;
    context->height = MEDIA_FILE_HEIGHT;
    context->pix_fmt = AV_PIX_FMT_YUV420P;
    context->time_base = (AVRational){ 1, MEDIA_FILE_FPS };
    context->framerate = (AVRational){ MEDIA_FILE_FPS, 1 };
    context->bit_rate = 100000;
    context->gop_size = context->keyint_min = MEDIA_FILE_FPS;
    context->max_b_frames = file->b_frames;
    context->thread_count = 1;
    context->log_level_offset = 128;
    context->flags |= global_header ? AV_CODEC_FLAG_GLOBAL_HEADER : 0;
    av_opt_set(context->priv_data, "preset", "ultrafast", 0);
    av_opt_set_int(context->priv_data, "bf", file->b_frames, 0);
    av_opt_set_int(context->priv_data, "sc_threshold", 0, 0);
    av_opt_set(context->priv_data, "deadline", "realtime", 0);
    av_opt_set_int(context->priv_data, "cpu-used", 8, 0);
    g_assert_cmpint(avcodec_open2(context, codec, NULL), ==, 0);
    return context;
}

static inline AVCodecContext *media_file_audio(const MediaFile *file, gboolean global_header)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(file->audio);
    g_assert_nonnull(codec);
    AVCodecContext *context = avcodec_alloc_context3(codec);
    context->sample_rate = file->rate ? file->rate : 48000;
    context->sample_fmt = codec->sample_fmts[0];
    av_channel_layout_default(&context->ch_layout, 2);
    context->bit_rate = 64000;
    context->time_base = (AVRational){ 1, context->sample_rate };
    context->log_level_offset = 128;
    context->flags |= global_header ? AV_CODEC_FLAG_GLOBAL_HEADER : 0;
    g_assert_cmpint(avcodec_open2(context, codec, NULL), ==, 0);
    return context;
}

static inline void media_file_drain(AVFormatContext *muxer, AVCodecContext *encoder, gint index)
{
    AVPacket *packet = av_packet_alloc();
    while (avcodec_receive_packet(encoder, packet) >= 0) {
        if (packet->size == 0)
            continue;
        if (encoder->codec_type == AVMEDIA_TYPE_VIDEO)
            packet->duration = 1;
        av_packet_rescale_ts(packet, encoder->time_base, muxer->streams[index]->time_base);
        packet->stream_index = index;
        g_assert_cmpint(av_interleaved_write_frame(muxer, packet), ==, 0);
    }
    av_packet_free(&packet);
}

static inline void media_file_picture(AVFormatContext *muxer, AVCodecContext *encoder, gint index,
                                      gint n)
{
    AVFrame *frame = av_frame_alloc();
    frame->format = AV_PIX_FMT_YUV420P;
    frame->width = encoder->width;
    frame->height = MEDIA_FILE_HEIGHT;
    frame->pts = n;
    g_assert_cmpint(av_frame_get_buffer(frame, 0), ==, 0);
    for (gint plane = 0; plane < 3; plane++)
        for (gint y = 0; y < (plane ? MEDIA_FILE_HEIGHT / 2 : MEDIA_FILE_HEIGHT); y++)
            memset(frame->data[plane] + y * frame->linesize[plane], (4 * n + y + 40 * plane) & 0xff,
                   (gsize)(plane ? encoder->width / 2 : encoder->width));
    g_assert_cmpint(avcodec_send_frame(encoder, frame), ==, 0);
    av_frame_free(&frame);
    media_file_drain(muxer, encoder, index);
}

static inline void media_file_sound(AVFormatContext *muxer, AVCodecContext *encoder, gint index,
                                    gint64 *position)
{
    AVFrame *frame = av_frame_alloc();
    frame->format = encoder->sample_fmt;
    frame->sample_rate = encoder->sample_rate;
    frame->nb_samples = encoder->frame_size > 0 ? encoder->frame_size : 1024;
    frame->pts = *position;
    av_channel_layout_copy(&frame->ch_layout, &encoder->ch_layout);
    g_assert_cmpint(av_frame_get_buffer(frame, 0), ==, 0);
    av_samples_set_silence(frame->data, 0, frame->nb_samples, 2, encoder->sample_fmt);
    *position += frame->nb_samples;
    g_assert_cmpint(avcodec_send_frame(encoder, frame), ==, 0);
    av_frame_free(&frame);
    media_file_drain(muxer, encoder, index);
}

static inline gint media_file_add(AVFormatContext *muxer, const AVCodecContext *encoder)
{
    AVStream *stream = avformat_new_stream(muxer, NULL);
    avcodec_parameters_from_context(stream->codecpar, encoder);
    stream->time_base = encoder->time_base;
    return stream->index;
}

static inline void media_file_write(const char *path, const MediaFile *file)
{
    AVFormatContext *muxer = NULL;
    AVDictionary *options = NULL;
    g_assert_cmpint(avformat_alloc_output_context2(&muxer, NULL, file->format, path), >=, 0);
    gboolean global = (muxer->oformat->flags & AVFMT_GLOBALHEADER) != 0;
    AVCodecContext *video = file->video ? media_file_video(file, global) : NULL;
    AVCodecContext *audio = file->audio ? media_file_audio(file, global) : NULL;
    gint video_index = video ? media_file_add(muxer, video) : -1;
    gint audio_index = audio ? media_file_add(muxer, audio) : -1;
    for (gint i = 0; i < file->extra_streams; i++)
        media_file_add(muxer, audio);
    if (file->options)
        av_dict_parse_string(&options, file->options, "=", ":", 0);
    if (!(muxer->oformat->flags & AVFMT_NOFILE))
        g_assert_cmpint(avio_open(&muxer->pb, path, AVIO_FLAG_WRITE), ==, 0);
    g_assert_cmpint(avformat_write_header(muxer, &options), >=, 0);
    gint64 position = 0;
    for (gint n = 0; n < file->seconds * MEDIA_FILE_FPS; n++) {
        if (video)
            media_file_picture(muxer, video, video_index, n);
        while (audio && position * MEDIA_FILE_FPS < (gint64)(n + 1) * audio->sample_rate)
            media_file_sound(muxer, audio, audio_index, &position);
    }
    for (AVCodecContext *encoder = video; encoder; encoder = encoder == audio ? NULL : audio) {
        avcodec_send_frame(encoder, NULL);
        media_file_drain(muxer, encoder, encoder == video ? video_index : audio_index);
    }
    if (!video && audio) {
        avcodec_send_frame(audio, NULL);
        media_file_drain(muxer, audio, audio_index);
    }
    g_assert_cmpint(av_write_trailer(muxer), >=, 0);
    if (!(muxer->oformat->flags & AVFMT_NOFILE))
        avio_closep(&muxer->pb);
    avformat_free_context(muxer);
    avcodec_free_context(&video);
    avcodec_free_context(&audio);
    av_dict_free(&options);
}

/** (transfer full) A folder of its own for a test. */
static inline char *media_dir_new(void)
{
    g_autoptr(GError) error = NULL;
    char *path = g_dir_make_tmp("tessera-media-XXXXXX", &error);
    g_assert_no_error(error);
    return path;
}

/** Removes it and the files in it. */
static inline void media_dir_free(char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *file = g_build_filename(path, name, NULL);
        g_remove(file);
        g_rmdir(file);
    }
    g_clear_pointer(&dir, g_dir_close);
    g_rmdir(path);
    g_free(path);
}
