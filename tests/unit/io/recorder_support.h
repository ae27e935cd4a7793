#pragma once

#include <glib.h>
#include <glib/gstdio.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <string.h>
#include <unistd.h>

#include "io/recorder.h"

/* Real packets in simulated time, and what a player finds in a file. */

#define FRAME_US 33333
#define VIDEO    0
#define AUDIO    1

typedef struct {
    guint stream;
    AVPacket *packet; /* microseconds of the mix */
} MediaPacket;

typedef struct {
    AVCodecParameters *parameters[2];
    GPtrArray *packets; /* MediaPacket, by dts */
} Media;

static inline void media_packet_free(MediaPacket *packet)
{
    av_packet_free(&packet->packet);
    g_free(packet);
}

static inline void media_free(Media *media)
{
    avcodec_parameters_free(&media->parameters[VIDEO]);
    avcodec_parameters_free(&media->parameters[AUDIO]);
    g_ptr_array_unref(media->packets);
    g_free(media);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Media, media_free)

static inline void media_collect(Media *media, guint stream, AVCodecContext *encoder,
                                 const AVFrame *frame, gint64 offset_us, gint64 step_us)
{
    AVPacket *packet = av_packet_alloc();
    g_assert_cmpint(avcodec_send_frame(encoder, frame), ==, 0);
    while (avcodec_receive_packet(encoder, packet) == 0) {
        MediaPacket *item = g_new(MediaPacket, 1);
        av_packet_rescale_ts(packet, encoder->time_base, AV_TIME_BASE_Q);
        packet->pts += offset_us;
        packet->dts += offset_us;
        packet->duration = step_us;
        *item = (MediaPacket){ stream, av_packet_clone(packet) };
        g_ptr_array_add(media->packets, item);
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
}

static inline AVCodecContext *media_encoder(const char *name)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(name);
    g_assert_nonnull(codec);
    AVCodecContext *encoder = avcodec_alloc_context3(codec);
    encoder->thread_count = 1;
    encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    return encoder;
}

static inline void media_add_video(Media *media, const char *name, gint64 start_us, guint seconds)
{
    gboolean reorders = strcmp(name, "libx264-b") == 0; /* with B-frames */
    AVCodecContext *encoder = media_encoder(reorders ? "libx264" : name);
    AVFrame *frame = av_frame_alloc();
    encoder->width = frame->width = 160;
    encoder->height = frame->height = 96;
    encoder->pix_fmt = AV_PIX_FMT_YUV420P;
    encoder->time_base = (AVRational){ 1, 30 };
    encoder->gop_size = 60;
    encoder->bit_rate = 200000;
    encoder->max_b_frames = reorders ? 2 : 0;
    av_opt_set(encoder->priv_data, "preset", reorders ? "veryfast" : "ultrafast", 0);
    if (!reorders)
        av_opt_set(encoder->priv_data, "tune", "zerolatency", 0);
    av_opt_set(encoder->priv_data, "deadline", "realtime", 0);
    av_opt_set(encoder->priv_data, "usage", "realtime", 0);
    av_opt_set_int(encoder->priv_data, "cpu-used", 8, 0);
    av_opt_set_int(encoder->priv_data, "lag-in-frames", 0, 0);
    frame->format = AV_PIX_FMT_YUV420P;
    g_assert_cmpint(avcodec_open2(encoder, NULL, NULL), ==, 0);
    g_assert_cmpint(av_frame_get_buffer(frame, 0), ==, 0);
    for (guint i = 0; i < seconds * 30; i++) {
        g_assert_cmpint(av_frame_make_writable(frame), ==, 0);
        for (int plane = 0; plane < 3; plane++)
            memset(frame->data[plane], (int)((i * 3 + (guint)plane * 40) & 0xff),
                   (gsize)frame->linesize[plane] * (plane ? 48 : 96));
        frame->pts = i;
        media_collect(media, VIDEO, encoder, frame, start_us, FRAME_US);
    }
    media_collect(media, VIDEO, encoder, NULL, start_us, FRAME_US);
    media->parameters[VIDEO] = avcodec_parameters_alloc();
    avcodec_parameters_from_context(media->parameters[VIDEO], encoder);
    av_frame_free(&frame);
    avcodec_free_context(&encoder);
}

static inline void media_add_audio(Media *media, const char *name, gint64 start_us, guint seconds)
{
    AVCodecContext *encoder = media_encoder(name);
    AVFrame *frame = av_frame_alloc();
    gboolean opus = strcmp(name, "libopus") == 0;
    encoder->sample_rate = 48000;
    encoder->sample_fmt = opus ? AV_SAMPLE_FMT_FLT : AV_SAMPLE_FMT_FLTP;
    encoder->bit_rate = 64000;
    encoder->time_base = (AVRational){ 1, 48000 };
    av_channel_layout_default(&encoder->ch_layout, 2);
    g_assert_cmpint(avcodec_open2(encoder, NULL, NULL), ==, 0);
    frame->format = encoder->sample_fmt;
    frame->nb_samples = encoder->frame_size;
    frame->sample_rate = 48000;
    av_channel_layout_copy(&frame->ch_layout, &encoder->ch_layout);
    g_assert_cmpint(av_frame_get_buffer(frame, 0), ==, 0);
    guint floats = (guint)encoder->frame_size * (opus ? 2 : 1);
    for (gint64 at = 0; at < (gint64)seconds * 48000; at += encoder->frame_size) {
        g_assert_cmpint(av_frame_make_writable(frame), ==, 0);
        for (guint plane = 0; plane < (opus ? 1u : 2u); plane++) {
            float *samples = (float *)frame->data[plane];
            for (guint i = 0; i < floats; i++) /* noise: no two packets are the same */
                samples[i] = (float)g_random_double_range(-0.3, 0.3);
        }
        frame->pts = at;
        media_collect(media, AUDIO, encoder, frame, start_us,
                      (gint64)encoder->frame_size * 1000000 / 48000);
    }
    media->parameters[AUDIO] = avcodec_parameters_alloc();
    avcodec_parameters_from_context(media->parameters[AUDIO], encoder);
    av_frame_free(&frame);
    avcodec_free_context(&encoder);
}

static inline gint media_compare(gconstpointer a, gconstpointer b)
{
    const MediaPacket *const *first = a, *const *second = b;
    gint64 difference = (*first)->packet->dts - (*second)->packet->dts;
    return difference < 0 ? -1 : difference > 0;
}

/** Encode `seconds` from the mix's time start_us on; either name may be NULL. */
static inline Media *media_new(const char *video, const char *audio, gint64 start_us, guint seconds)
{
    Media *media = g_new0(Media, 1);
    media->packets = g_ptr_array_new_with_free_func((GDestroyNotify)media_packet_free);
    if (video)
        media_add_video(media, video, start_us, seconds);
    if (audio)
        media_add_audio(media, audio, start_us, seconds);
    g_ptr_array_sort(media->packets, media_compare);
    return media;
}

static inline void media_start(const Media *media, Sink *sink)
{
    const SinkStream streams[] = { { media->parameters[VIDEO], NULL },
                                   { media->parameters[AUDIO], NULL } };
    if (media->parameters[VIDEO])
        sink_start(sink, streams, media->parameters[AUDIO] ? 2 : 1);
    else
        sink_start(sink, &streams[AUDIO], 1);
}

static inline SinkStatus status_of(Sink *sink)
{
    SinkStatus status;
    sink_status(sink, &status);
    return status;
}

/** Wait until the sink has written so many packets, or has failed, for `ms` at most. */
static inline void wait_written(Sink *sink, guint64 packets, guint ms)
{
    gint64 end_us = g_get_monotonic_time() + (gint64)ms * 1000;
    while (g_get_monotonic_time() < end_us) {
        SinkStatus status = status_of(sink);
        if (status.packets >= packets || status.state == SINK_FAILED)
            return;
        g_usleep(2000);
    }
}

/** How long it is waited for a sink that takes all, and for one that may leave some out. */
#define TAKES_ALL_MS  30000
#define TAKES_SOME_MS 200

static inline void media_feed_within(const Media *media, Sink *sink, gint64 from_us, gint64 to_us,
                                     guint ms)
{
    guint64 before = status_of(sink).packets, fed = 0;
    for (guint i = 0; i < media->packets->len; i++) {
        const MediaPacket *item = media->packets->pdata[i];
        if (item->packet->dts < from_us || item->packet->dts >= to_us)
            continue;
        guint stream = media->parameters[VIDEO] ? item->stream : 0;
        sink_write(sink, stream, item->packet);
        if (++fed % 100 == 0)
            wait_written(sink, before + fed - MIN(fed, 60), ms);
    }
    wait_written(sink, before + fed - MIN(fed, 60), ms);
}

/** Hand the sink what lies in this part of the mix's time, no faster than it takes it. */
static inline void media_feed(const Media *media, Sink *sink, gint64 from_us, gint64 to_us)
{
    media_feed_within(media, sink, from_us, to_us, TAKES_SOME_MS);
}

/** The same with all there is, of which nothing is to be left out. */
static inline void media_feed_all(const Media *media, Sink *sink)
{
    media_feed_within(media, sink, 0, G_MAXINT64, TAKES_ALL_MS);
}

static inline SinkStatus finish(Sink *sink)
{
    sink_finish(sink);
    SinkStatus status = status_of(sink);
    while (status.state != SINK_FINISHED && status.state != SINK_FAILED) {
        g_usleep(1000);
        status = status_of(sink);
    }
    return status;
}

typedef struct {
    guint n;
    struct {
        enum AVCodecID id;
        guint packets, keyframes;
        gint64 start_us, end_us;
        gint64 max_step_us, min_step_us; /* between two packets */
    } streams[8];
    gint64 duration_us;
    guint pictures; /* decoded of the first video stream */
} Probe;

static inline void probe_decode(AVCodecContext *decoder, const AVPacket *packet, Probe *probe)
{
    AVFrame *frame = av_frame_alloc();
    g_assert_cmpint(avcodec_send_packet(decoder, packet), ==, 0);
    while (avcodec_receive_frame(decoder, frame) == 0)
        probe->pictures++;
    av_frame_free(&frame);
}

static inline AVCodecContext *probe_decoder(const AVStream *stream)
{
    AVCodecContext *decoder =
        avcodec_alloc_context3(avcodec_find_decoder(stream->codecpar->codec_id));
    avcodec_parameters_to_context(decoder, stream->codecpar);
    decoder->thread_count = 1;
    g_assert_cmpint(avcodec_open2(decoder, NULL, NULL), ==, 0);
    return decoder;
}

static inline void probe_packet(Probe *probe, const AVPacket *packet, const AVStream *stream)
{
    gint64 pts = av_rescale_q(packet->pts, stream->time_base, AV_TIME_BASE_Q);
    gint64 last = av_rescale_q(packet->pts + packet->duration, stream->time_base, AV_TIME_BASE_Q);
    typeof(&probe->streams[0]) found = &probe->streams[packet->stream_index];
    static gint64 previous[8];
    if (found->packets++ == 0) {
        found->start_us = pts;
        found->min_step_us = G_MAXINT64;
    } else {
        gint64 step = pts - previous[packet->stream_index];
        found->max_step_us = MAX(found->max_step_us, step);
        found->min_step_us = MIN(found->min_step_us, step);
    }
    previous[packet->stream_index] = pts;
    found->keyframes += !!(packet->flags & AV_PKT_FLAG_KEY);
    found->end_us = last;
}

/** Read a file to its end, as a player would; everything in it must be sound. `times` (may be
 * NULL): from the data of a packet to its time, as g_bytes. */
static inline Probe probe_file(const char *path, GHashTable *times)
{
    Probe probe = { 0 };
    AVFormatContext *demuxer = NULL;
    AVPacket *packet = av_packet_alloc();
    g_assert_cmpint(avformat_open_input(&demuxer, path, NULL, NULL), ==, 0);
    g_assert_cmpint(avformat_find_stream_info(demuxer, NULL), >=, 0);
    int video = av_find_best_stream(demuxer, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    AVCodecContext *decoder = video >= 0 ? probe_decoder(demuxer->streams[video]) : NULL;
    probe.n = demuxer->nb_streams;
    probe.duration_us = demuxer->duration;
    for (guint i = 0; i < probe.n; i++)
        probe.streams[i].id = demuxer->streams[i]->codecpar->codec_id;
    int result;
    while ((result = av_read_frame(demuxer, packet)) >= 0) {
        probe_packet(&probe, packet, demuxer->streams[packet->stream_index]);
        if (packet->stream_index == video)
            probe_decode(decoder, packet, &probe);
        if (times) {
            gint64 *time = g_new(gint64, 1);
            *time = av_rescale_q(packet->pts, demuxer->streams[packet->stream_index]->time_base,
                                 AV_TIME_BASE_Q);
            g_hash_table_insert(times, g_bytes_new(packet->data, (gsize)packet->size), time);
        }
        av_packet_unref(packet);
    }
    g_assert_cmpint(result, ==, AVERROR_EOF);
    if (decoder)
        probe_decode(decoder, NULL, &probe);
    av_packet_free(&packet);
    avcodec_free_context(&decoder);
    avformat_close_input(&demuxer);
    return probe;
}

/** A directory of its own, removed with what is in it by scratch_free(). */
/* In memory if possible: a disk that others keep busy makes the recorder leave packets out. */
static inline char *scratch_new(void)
{
    const char *parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir();
    char *directory = g_build_filename(parent, "tessera-record-XXXXXX", NULL);
    g_assert_nonnull(g_mkdtemp(directory));
    return directory;
}

static inline void scratch_free(char *directory)
{
    GDir *names = g_dir_open(directory, 0, NULL);
    const char *name;
    while (names && (name = g_dir_read_name(names))) {
        g_autofree char *path = g_build_filename(directory, name, NULL);
        g_unlink(path);
    }
    if (names)
        g_dir_close(names);
    g_rmdir(directory);
    g_free(directory);
}

static inline char *in_scratch(const char *directory, const char *name)
{
    return g_build_filename(directory, name, NULL);
}
