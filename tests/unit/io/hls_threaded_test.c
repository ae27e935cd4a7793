#include "io/hls.h"

#include <libavformat/avformat.h>
#include <string.h>

#include "unit/io/sample_stream.h"

/* What the sink made is read back by libavformat: init and segments, one after the other. */

typedef struct {
    GByteArray *file; /* init and all segments */
    char *playlist;
    guint segments;
    gdouble listed_s; /* sum of EXTINF */
    gdouble longest_s;
} Presentation;

static GBytes *get(Sink *sink, const char *file)
{
    const char *type = NULL;
    guint cache_seconds = 0;
    return hls_get(sink, file, &type, &cache_seconds);
}

static void append(GByteArray *file, GBytes *bytes)
{
    gsize size = 0;
    g_assert_nonnull(bytes);
    const guint8 *data = g_bytes_get_data(bytes, &size);
    g_byte_array_append(file, data, (guint)size);
}

static void read_line(Sink *sink, Presentation *presentation, const char *line)
{
    if (g_str_has_prefix(line, "#EXTINF:")) {
        gdouble seconds = g_ascii_strtod(line + 8, NULL);
        presentation->listed_s += seconds;
        presentation->longest_s = MAX(presentation->longest_s, seconds);
    } else if (line[0] && line[0] != '#') {
        g_autoptr(GBytes) segment = get(sink, line);
        append(presentation->file, segment);
        presentation->segments++;
    }
}

static Presentation *presentation_new(Sink *sink)
{
    Presentation *presentation = g_new0(Presentation, 1);
    presentation->file = g_byte_array_new();
    g_autoptr(GBytes) init = get(sink, "init.mp4");
    g_autoptr(GBytes) index = get(sink, "index.m3u8");
    append(presentation->file, init);
    g_assert_nonnull(index);
    gsize size = 0;
    const char *text = g_bytes_get_data(index, &size);
    presentation->playlist = g_strndup(text, size);
    g_auto(GStrv) lines = g_strsplit(presentation->playlist, "\n", -1);
    for (char **line = lines; *line; line++)
        read_line(sink, presentation, *line);
    return presentation;
}

static void presentation_free(Presentation *presentation)
{
    g_byte_array_unref(presentation->file);
    g_free(presentation->playlist);
    g_free(presentation);
}

typedef struct {
    const GByteArray *file;
    gsize at;
} Cursor;

static int read_file(void *opaque, uint8_t *data, int size)
{
    Cursor *cursor = opaque;
    gsize left = cursor->file->len - cursor->at;
    if (!left)
        return AVERROR_EOF;
    gsize n = MIN(left, (gsize)size);
    memcpy(data, cursor->file->data + cursor->at, n);
    cursor->at += n;
    return (int)n;
}

typedef struct {
    guint packets[2], keys;
    gint64 first_us[2], last_us[2], end_us[2], largest_gap_us[2];
} Found;

static void look_at(Found *found, const AVPacket *packet, AVRational time_base)
{
    int i = packet->stream_index;
    gint64 dts_us = av_rescale_q(packet->dts, time_base, (AVRational){ 1, G_USEC_PER_SEC });
    gint64 length_us = av_rescale_q(packet->duration, time_base, (AVRational){ 1, G_USEC_PER_SEC });
    if (!found->packets[i]++)
        found->first_us[i] = dts_us;
    else if (found->end_us[i] > found->last_us[i]) /* else its length was not known */
        found->largest_gap_us[i] = MAX(found->largest_gap_us[i], ABS(dts_us - found->end_us[i]));
    found->last_us[i] = dts_us;
    found->end_us[i] = dts_us + length_us;
    found->keys += i == 0 && (packet->flags & AV_PKT_FLAG_KEY);
}

static void read_back(const GByteArray *file, Found *found)
{
    Cursor cursor = { file, 0 };
    memset(found, 0, sizeof *found);
    AVFormatContext *demuxer = avformat_alloc_context();
    demuxer->pb = avio_alloc_context(av_malloc(4096), 4096, 0, &cursor, read_file, NULL, NULL);
    AVIOContext *io = demuxer->pb;
    g_assert_cmpint(avformat_open_input(&demuxer, NULL, av_find_input_format("mp4"), NULL), ==, 0);
    AVPacket *packet = av_packet_alloc();
    while (av_read_frame(demuxer, packet) >= 0) {
        look_at(found, packet, demuxer->streams[packet->stream_index]->time_base);
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    avformat_close_input(&demuxer);
    av_free(io->buffer);
    avio_context_free(&io);
}

/** The queue is for a live pace: hand over slowly enough that nothing is dropped. */
static void feed(Sink *sink, const AVPacket *packet, guint64 *fed)
{
    SinkStatus status;
    sink_write(sink, (guint)packet->stream_index, packet);
    ++*fed;
    do {
        g_thread_yield();
        sink_status(sink, &status);
    } while (status.packets + status.dropped + 30 < *fed && status.state != SINK_FAILED);
}

static void await_state(Sink *sink, SinkState state)
{
    SinkStatus status;
    gint64 until_us = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;
    do {
        g_thread_yield();
        sink_status(sink, &status);
    } while (status.state != state && g_get_monotonic_time() < until_us);
    g_assert_cmpstr(sink_state_name(status.state), ==, sink_state_name(state));
}

static void start(Sink *sink, const SampleStream *sample)
{
    SinkStream streams[2] = { { sample->parameters[0], NULL }, { sample->parameters[1], NULL } };
    sink_start(sink, streams, 2);
}

static Presentation *present(const char *video, const char *audio, guint seconds)
{
    SampleStream *sample = sample_stream_new(video, audio, seconds, 2 * SAMPLE_FPS);
    g_autoptr(Sink) sink = hls_new(NULL);
    guint64 fed = 0;
    start(sink, sample);
    for (guint i = 0; i < sample->packets->len; i++) {
        AVPacket *packet = sample->packets->pdata[i];
        if (packet->dts >= 0) /* sound before the first picture has no place */
            feed(sink, packet, &fed);
    }
    sink_finish(sink);
    await_state(sink, SINK_FINISHED);
    Presentation *presentation = presentation_new(sink);
    sample_stream_free(sample);
    return presentation;
}

static void check_continuity(const char *video, const char *audio)
{
    Presentation *presentation = present(video, audio, 9);
    Found found;
    read_back(presentation->file, &found);
    g_assert_cmpuint(presentation->segments, ==, 5);
    g_assert_cmpuint(found.keys, ==, 5);
    g_assert_cmpuint(found.packets[0], ==, 9 * SAMPLE_FPS);
    g_assert_cmpfloat(presentation->listed_s, >, 8.99);
    g_assert_cmpfloat(presentation->listed_s, <, 9.05);
    g_assert_cmpfloat(presentation->longest_s, <, 3.5);
    /* Picture without gaps, sound within one sample's rounding, and both begin together. */
    g_assert_cmpint(found.largest_gap_us[0], <=, 20);
    g_assert_cmpint(found.largest_gap_us[1], <=, 50);
    g_assert_cmpint(found.first_us[0], ==, 0);
    g_assert_cmpint(found.first_us[1], >=, 0);
    g_assert_cmpint(found.first_us[1], <, 22000);
    g_assert_nonnull(strstr(presentation->playlist, "#EXT-X-ENDLIST"));
    presentation_free(presentation);
}

static void test_h264_aac(void)
{
    check_continuity("libx264", "aac");
}

static void test_vp9_opus(void)
{
    check_continuity("libvpx-vp9", "libopus");
}

static gboolean can_decode(const GByteArray *file)
{
    return file->len > 8 && !memcmp(file->data + 4, "ftyp", 4);
}

static void test_init_alone(void)
{
    Presentation *presentation = present("libx264", "aac", 2);
    g_assert_true(can_decode(presentation->file));
    g_assert_nonnull(strstr(presentation->playlist, "#EXT-X-MAP:URI=\"init.mp4\""));
    presentation_free(presentation);
}

static void count_asked(Sink *sink, gpointer user)
{
    (void)sink;
    g_atomic_int_inc((gint *)user);
}

/* A group of pictures without an end: a key frame is asked for, no segment grows without bound, and
 * its first picture is a key frame all the same. */
static void test_no_key_frames(void)
{
    gint asked = 0;
    SinkEvents events = { .want_keyframe = count_asked, .user = &asked };
    SampleStream *sample = sample_stream_new("libx264", "aac", 9, 8 * SAMPLE_FPS);
    g_autoptr(Sink) sink = hls_new(&events);
    start(sink, sample);
    guint64 fed = 0;
    for (guint i = 0; i < sample->packets->len; i++) {
        AVPacket *packet = sample->packets->pdata[i];
        if (packet->dts >= 0)
            feed(sink, packet, &fed);
    }
    sink_finish(sink);
    await_state(sink, SINK_FINISHED);
    Presentation *presentation = presentation_new(sink);
    Found found;
    read_back(presentation->file, &found);
    g_assert_cmpfloat(presentation->longest_s, <, 3.5);
    g_assert_cmpuint(found.keys, ==, 2);
    g_assert_cmpint(g_atomic_int_get(&asked), >=, 3);
    presentation_free(presentation);
    sample_stream_free(sample);
}

static void test_unsupported(void)
{
    SampleStream *sample = sample_stream_new("libx264", "aac", 1, 25);
    sample->parameters[0]->codec_id = AV_CODEC_ID_VP8;
    g_autoptr(Sink) sink = hls_new(NULL);
    start(sink, sample);
    await_state(sink, SINK_FAILED);
    SinkStatus status;
    sink_status(sink, &status);
    g_assert_nonnull(strstr(status.error, "HLS takes"));
    g_assert_null(get(sink, "index.m3u8"));
    sample_stream_free(sample);
}

static void test_finish_before_start(void)
{
    g_autoptr(Sink) sink = hls_new(NULL);
    sink_finish(sink);
    await_state(sink, SINK_FINISHED);
    g_assert_null(get(sink, "index.m3u8"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    av_log_set_level(AV_LOG_QUIET);
    g_test_add_func("/hls/h264_aac", test_h264_aac);
    g_test_add_func("/hls/vp9_opus", test_vp9_opus);
    g_test_add_func("/hls/init_alone", test_init_alone);
    g_test_add_func("/hls/no_key_frames", test_no_key_frames);
    g_test_add_func("/hls/unsupported", test_unsupported);
    g_test_add_func("/hls/finish_before_start", test_finish_before_start);
    return g_test_run();
}
