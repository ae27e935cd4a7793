#include "io/flv.h"

#include <libavcodec/avcodec.h>
#include <string.h>

#include "io/flv_config.h"
#include "io/flv_writer.h"

/* 128x96, from x264. */
static const guint8 sps[] = { 0x67, 0x64, 0x00, 0x0a, 0xac, 0xd9, 0x42, 0x0d,
                              0xb0, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00,
                              0x00, 0x03, 0x00, 0x32, 0x0f, 0x12, 0x25, 0x96 };
static const guint8 pps[] = { 0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0 };
static const guint8 asc_48k_stereo[] = { 0x11, 0x90 };

typedef struct {
    FlvReader *reader;
    guint streams, packets;
    AVCodecParameters *parameters[2];
    MediaKind kind;
    AVPacket *last;
    gint64 dts_us[64];
} Fixture;

static void on_stream(MediaKind kind, const AVCodecParameters *parameters, gpointer user)
{
    Fixture *fixture = user;
    fixture->streams++;
    if (!fixture->parameters[kind])
        fixture->parameters[kind] = avcodec_parameters_alloc();
    avcodec_parameters_copy(fixture->parameters[kind], parameters);
}

static void on_packet(MediaKind kind, const AVPacket *packet, gint64 arrival_ns, gpointer user)
{
    Fixture *fixture = user;
    g_assert_cmpint(arrival_ns, ==, 77);
    g_assert_nonnull(fixture->parameters[kind]);
    fixture->kind = kind;
    fixture->dts_us[fixture->packets++ % G_N_ELEMENTS(fixture->dts_us)] = packet->dts;
    av_packet_unref(fixture->last);
    g_assert_cmpint(av_packet_ref(fixture->last, packet), ==, 0);
}

static void set_up(Fixture *fixture, gconstpointer data)
{
    const MediaEvents events = { .stream = on_stream, .packet = on_packet };
    (void)data;
    fixture->last = av_packet_alloc();
    fixture->reader = flv_reader_new(&events, fixture);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    flv_reader_free(fixture->reader);
    av_packet_free(&fixture->last);
    for (guint i = 0; i < 2; i++)
        avcodec_parameters_free(&fixture->parameters[i]);
}

static gboolean feed(Fixture *fixture, MediaKind kind, guint32 ms, const guint8 *data, gsize size)
{
    g_autofree guint8 *exact = g_memdup2(data, size);
    return flv_reader_tag(fixture->reader, kind, ms, exact, size, 77);
}

#define FEED(fixture, kind, ms, ...)                         \
    feed(fixture, kind, ms, (const guint8[]){ __VA_ARGS__ }, \
         sizeof((const guint8[]){ __VA_ARGS__ }))

/* A header of `head` bytes and then a configuration. */
static gboolean feed_config(Fixture *fixture, MediaKind kind, const guint8 *head, gsize head_size,
                            GBytes *config)
{
    g_autoptr(GByteArray) tag = g_byte_array_new();
    g_byte_array_append(tag, head, (guint)head_size);
    g_byte_array_append(tag, g_bytes_get_data(config, NULL), (guint)g_bytes_get_size(config));
    return feed(fixture, kind, 0, tag->data, tag->len);
}

static GBytes *an_avcc(void)
{
    g_autoptr(GBytes) one = g_bytes_new_static(sps, sizeof sps);
    g_autoptr(GBytes) other = g_bytes_new_static(pps, sizeof pps);
    return flv_config_write_avcc(one, other);
}

static gboolean configure_avc(Fixture *fixture)
{
    static const guint8 head[] = { 0x17, 0, 0, 0, 0 };
    g_autoptr(GBytes) avcc = an_avcc();
    return feed_config(fixture, MEDIA_VIDEO, head, sizeof head, avcc);
}

static gboolean configure_aac(Fixture *fixture)
{
    return FEED(fixture, MEDIA_AUDIO, 0, 0xaf, 0, asc_48k_stereo[0], asc_48k_stereo[1]);
}

static void test_avc(Fixture *fixture, gconstpointer data)
{
    (void)data;
    /* Before its configuration a picture is of no use. */
    g_assert_false(FEED(fixture, MEDIA_VIDEO, 0, 0x17, 1, 0, 0, 0, 0, 0, 0, 1, 0x65));
    g_assert_true(configure_avc(fixture));
    g_assert_true(configure_avc(fixture)); /* again: no news */
    g_assert_cmpuint(fixture->streams, ==, 1);
    const AVCodecParameters *video = fixture->parameters[MEDIA_VIDEO];
    g_assert_cmpint(video->codec_id, ==, AV_CODEC_ID_H264);
    g_assert_cmpint(video->width, ==, 128);
    g_assert_cmpint(video->height, ==, 96);

    g_assert_true(FEED(fixture, MEDIA_VIDEO, 40, 0x17, 1, 0, 0, 0x85, 0, 0, 0, 2, 0x65, 1));
    g_assert_cmpint(fixture->last->dts, ==, 40000);
    g_assert_cmpint(fixture->last->pts, ==, 173000);
    g_assert_true(fixture->last->flags & AV_PKT_FLAG_KEY);
    g_assert_cmpint(fixture->last->size, ==, 6);
    g_assert_true(FEED(fixture, MEDIA_VIDEO, 80, 0x27, 1, 0xff, 0xff, 0xf6, 0, 0, 0, 1, 0x41));
    g_assert_cmpint(fixture->last->pts, ==, 70000); /* composition times are signed */
    g_assert_false(fixture->last->flags & AV_PKT_FLAG_KEY);

    /* A NAL unit longer than the tag; the end of the sequence; a command frame. */
    g_assert_false(FEED(fixture, MEDIA_VIDEO, 90, 0x27, 1, 0, 0, 0, 0, 0, 0, 2, 0x41));
    g_assert_true(FEED(fixture, MEDIA_VIDEO, 90, 0x17, 2, 0, 0, 0));
    g_assert_false(FEED(fixture, MEDIA_VIDEO, 90, 0x57, 0));
    g_assert_cmpuint(fixture->packets, ==, 2);
    g_assert_null(flv_reader_unsupported(fixture->reader));
}

static void test_aac(Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_assert_true(configure_aac(fixture));
    const AVCodecParameters *audio = fixture->parameters[MEDIA_AUDIO];
    g_assert_cmpint(audio->codec_id, ==, AV_CODEC_ID_AAC);
    g_assert_cmpint(audio->sample_rate, ==, 48000);
    g_assert_cmpint(audio->ch_layout.nb_channels, ==, 2);
    g_assert_true(FEED(fixture, MEDIA_AUDIO, 21, 0xaf, 1, 0x21, 0x10));
    g_assert_cmpint(fixture->last->pts, ==, 21000);
    g_assert_cmpint(fixture->last->size, ==, 2);
    g_assert_true(feed(fixture, MEDIA_AUDIO, 42, NULL, 0));             /* a pause */
    g_assert_true(FEED(fixture, MEDIA_AUDIO, 42, 0xaf, 0, 0x12, 0x08)); /* 44.1 kHz, mono */
    g_assert_cmpuint(fixture->streams, ==, 2);
    g_assert_cmpint(audio->sample_rate, ==, 44100);
    g_assert_cmpint(audio->ch_layout.nb_channels, ==, 1);
    g_assert_false(FEED(fixture, MEDIA_AUDIO, 42, 0xaf, 0, 0x16, 0x80)); /* no such rate */
    g_assert_cmpuint(fixture->packets, ==, 1);
}

static void test_mp3_and_others(Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_assert_true(FEED(fixture, MEDIA_AUDIO, 5, 0x2f, 0xff, 0xfb, 0x90, 0xc4, 0));
    const AVCodecParameters *audio = fixture->parameters[MEDIA_AUDIO];
    g_assert_cmpint(audio->codec_id, ==, AV_CODEC_ID_MP3);
    g_assert_cmpint(audio->sample_rate, ==, 44100);
    g_assert_cmpint(audio->ch_layout.nb_channels, ==, 1);
    g_assert_true(FEED(fixture, MEDIA_AUDIO, 31, 0x2f, 0xff, 0xfb, 0x90, 0xc4, 0));
    g_assert_cmpuint(fixture->streams, ==, 1);
    g_assert_false(FEED(fixture, MEDIA_AUDIO, 40, 0xb2, 0, 0)); /* Speex */
    g_assert_cmpstr(flv_reader_unsupported(fixture->reader), ==,
                    "its sound is Speex; AAC, Opus and MP3 can be taken");
    g_assert_false(FEED(fixture, MEDIA_VIDEO, 40, 0x12, 0, 0)); /* Sorenson */
    g_assert_nonnull(strstr(flv_reader_unsupported(fixture->reader), "pictures"));
}

/* hvcC with no parameter sets to speak of. */
static GBytes *an_hvcc(void)
{
    guint8 hvcc[28] = { 1 };
    hvcc[21] = 3;  /* lengths of four bytes */
    hvcc[22] = 1;  /* one array */
    hvcc[23] = 32; /* of a VPS */
    hvcc[25] = 0;
    return g_bytes_new(hvcc, 26);
}

static void test_extended_video(Fixture *fixture, gconstpointer data)
{
    static const guint8 head[] = { 0x90, 'h', 'v', 'c', '1' };
    g_autoptr(GBytes) hvcc = an_hvcc();
    (void)data;
    g_assert_true(feed_config(fixture, MEDIA_VIDEO, head, sizeof head, hvcc));
    g_assert_cmpint(fixture->parameters[MEDIA_VIDEO]->codec_id, ==, AV_CODEC_ID_HEVC);
    g_assert_true(
        FEED(fixture, MEDIA_VIDEO, 10, 0x91, 'h', 'v', 'c', '1', 0, 0, 20, 0, 0, 0, 1, 7));
    g_assert_cmpint(fixture->last->pts, ==, 30000);
    g_assert_true(FEED(fixture, MEDIA_VIDEO, 50, 0xa3, 'h', 'v', 'c', '1', 0, 0, 0, 1, 7));
    g_assert_cmpint(fixture->last->pts, ==, 50000);

    /* ModEx (a nanosecond offset) in front of it. */
    g_assert_true(
        FEED(fixture, MEDIA_VIDEO, 60, 0xa7, 2, 0, 1, 2, 0x03, 'h', 'v', 'c', '1', 0, 0, 0, 1, 7));
    g_assert_cmpint(fixture->last->size, ==, 5);

    /* Many tracks: the one numbered 0; and a tag that has none. */
    g_assert_true(FEED(fixture, MEDIA_VIDEO, 70, 0xa6, 0x13, 'h', 'v', 'c', '1', 1, 0, 0, 1, 9, 0,
                       0, 0, 5, 0, 0, 0, 1, 8));
    g_assert_cmpint(fixture->last->size, ==, 5);
    g_assert_cmpuint(fixture->last->data[4], ==, 8);
    g_assert_false(
        FEED(fixture, MEDIA_VIDEO, 80, 0xa6, 0x03, 'h', 'v', 'c', '1', 1, 0, 0, 0, 1, 8));

    /* Colour metadata is nothing; an unknown codec is named. */
    g_assert_true(FEED(fixture, MEDIA_VIDEO, 80, 0xd4, 'h', 'v', 'c', '1', 2, 0));
    g_assert_false(FEED(fixture, MEDIA_VIDEO, 80, 0x90, 'v', 'v', 'c', '1', 0));
    g_assert_nonnull(strstr(flv_reader_unsupported(fixture->reader), "vvc1"));
    g_assert_cmpuint(fixture->packets, ==, 4);
}

/* VP8 needs no configuration, but its size, which the first key frame tells. */
static void test_extended_vp8(Fixture *fixture, gconstpointer data)
{
    (void)data;
    g_assert_false(FEED(fixture, MEDIA_VIDEO, 1, 0xa1, 'v', 'p', '0', '8', 0x31, 1, 0));
    g_assert_true(FEED(fixture, MEDIA_VIDEO, 2, 0x91, 'v', 'p', '0', '8', 0x90, 0, 0, 0x9d, 1, 0x2a,
                       64, 1, 240, 0, 0, 0, 0, 0));
    g_assert_cmpint(fixture->parameters[MEDIA_VIDEO]->codec_id, ==, AV_CODEC_ID_VP8);
    g_assert_cmpint(fixture->parameters[MEDIA_VIDEO]->width, ==, 320);
    g_assert_cmpint(fixture->parameters[MEDIA_VIDEO]->height, ==, 240);
    g_assert_true(FEED(fixture, MEDIA_VIDEO, 3, 0xa1, 'v', 'p', '0', '8', 0x31, 1, 0));
}

static void test_extended_audio(Fixture *fixture, gconstpointer data)
{
    static const guint8 head[] = { 0x90, 'O', 'p', 'u', 's' };
    static const guint8 opus_head[] = { 'O', 'p', 'u',  's',  'H', 'e', 'a', 'd', 1, 2,
                                        56,  1,   0x80, 0xbb, 0,   0,   0,   0,   0 };
    g_autoptr(GBytes) config = g_bytes_new_static(opus_head, sizeof opus_head);
    (void)data;
    g_assert_true(feed_config(fixture, MEDIA_AUDIO, head, sizeof head, config));
    g_assert_cmpint(fixture->parameters[MEDIA_AUDIO]->codec_id, ==, AV_CODEC_ID_OPUS);
    g_assert_cmpint(fixture->parameters[MEDIA_AUDIO]->ch_layout.nb_channels, ==, 2);
    g_assert_true(FEED(fixture, MEDIA_AUDIO, 20, 0x91, 'O', 'p', 'u', 's', 0xfc, 0xff, 0xfe));
    g_assert_true(FEED(fixture, MEDIA_AUDIO, 40, 0x95, 0x01, 'O', 'p', 'u', 's', 0, 0xfc, 0xff));
    g_assert_cmpint(fixture->last->size, ==, 2);
    g_assert_true(FEED(fixture, MEDIA_AUDIO, 40, 0x94, 'O', 'p', 'u', 's', 1, 2)); /* layout */
    g_assert_false(FEED(fixture, MEDIA_AUDIO, 40, 0x91, 'm', 'p', '4', 'a', 1, 2));
    g_assert_cmpuint(fixture->packets, ==, 2);
}

static gint64 audio_dts(Fixture *fixture, guint32 ms)
{
    g_assert_true(FEED(fixture, MEDIA_AUDIO, ms, 0xaf, 1, 0x21));
    return fixture->last->dts;
}

/* Whether a sender counts in 31 bits, in 32 or from anew: one clock for both kinds that goes on. */
static void test_clock(Fixture *fixture, gconstpointer data)
{
    (void)data;
    configure_aac(fixture);
    configure_avc(fixture);
    gint64 before = audio_dts(fixture, 0x7ffffff0);
    g_assert_cmpint(before, ==, G_GINT64_CONSTANT(0x7ffffff0) * 1000);
    g_assert_cmpint(audio_dts(fixture, 4) - before, ==, 20000); /* 31 bits */
    g_assert_true(FEED(fixture, MEDIA_VIDEO, 0x7ffffffa, 0x27, 1, 0, 0, 0, 0, 0, 0, 1, 0x41));
    g_assert_cmpint(fixture->last->dts - before, ==, 10000); /* a picture a little behind */
    g_assert_cmpint(audio_dts(fixture, 24) - before, ==, 40000);
    audio_dts(fixture, 5000);
    gint64 high = audio_dts(fixture, 0xfffffff0); /* a jump back; then past 2^32 */
    g_assert_cmpint(audio_dts(fixture, 4) - high, ==, 20000);
    g_assert_cmpint(audio_dts(fixture, 4) - high, ==, 20001); /* rising all the same */
    g_assert_cmpint(audio_dts(fixture, 3) - high, ==, 20002);
    g_assert_cmpint(audio_dts(fixture, 50) - high, ==, 66000);
    gint64 anew = audio_dts(fixture, 50 + 3600000);
    g_assert_cmpint(audio_dts(fixture, 50) - anew, ==, G_GINT64_CONSTANT(-3600000000));
}

/* --- Configurations --- */

static gboolean parses(enum AVCodecID codec, const guint8 *data, gsize size)
{
    g_autofree guint8 *exact = g_memdup2(data, size);
    AVCodecParameters *parameters = flv_config_parse(codec, exact, size);
    gboolean ok = parameters != NULL;
    avcodec_parameters_free(&parameters);
    return ok;
}

static void test_config_cut(void)
{
    g_autoptr(GBytes) avcc = an_avcc();
    g_autoptr(GBytes) hvcc = an_hvcc();
    gsize avcc_size, hvcc_size;
    const guint8 *avcc_data = g_bytes_get_data(avcc, &avcc_size);
    const guint8 *hvcc_data = g_bytes_get_data(hvcc, &hvcc_size);
    for (gsize n = 0; n < avcc_size; n++)
        g_assert_false(parses(AV_CODEC_ID_H264, avcc_data, n));
    g_assert_true(parses(AV_CODEC_ID_H264, avcc_data, avcc_size));
    for (gsize n = 0; n < hvcc_size; n++)
        g_assert_false(parses(AV_CODEC_ID_HEVC, hvcc_data, n));
    g_assert_true(parses(AV_CODEC_ID_HEVC, hvcc_data, hvcc_size));
    g_assert_false(parses(AV_CODEC_ID_AAC, asc_48k_stereo, 1));
    g_assert_false(parses(AV_CODEC_ID_FLV1, avcc_data, avcc_size));
}

/* --- Writing --- */

static AVCodecParameters *video_parameters(gboolean annex_b)
{
    AVCodecParameters *video = NULL;
    if (!annex_b) {
        g_autoptr(GBytes) avcc = an_avcc();
        return flv_config_parse(AV_CODEC_ID_H264, g_bytes_get_data(avcc, NULL),
                                g_bytes_get_size(avcc));
    }
    video = avcodec_parameters_alloc();
    video->codec_type = AVMEDIA_TYPE_VIDEO;
    video->codec_id = AV_CODEC_ID_H264;
    video->width = 128;
    video->height = 96;
    return video;
}

static AVPacket *video_packet(const guint8 *data, gsize size, gint64 dts_us, gint64 pts_us)
{
    AVPacket *packet = av_packet_alloc();
    g_assert_cmpint(av_new_packet(packet, (int)size), ==, 0);
    memcpy(packet->data, data, size);
    packet->dts = dts_us;
    packet->pts = pts_us;
    packet->flags = AV_PKT_FLAG_KEY;
    return packet;
}

/* What the writer writes the reader reads: pictures as Annex B with parameter sets in band. */
static void test_write_annex_b(Fixture *fixture, gconstpointer data)
{
    AVCodecParameters *video = video_parameters(TRUE);
    g_autoptr(FlvWriter) writer = flv_writer_new(video, NULL, NULL);
    g_autoptr(GByteArray) stream = g_byte_array_new();
    g_autoptr(GByteArray) tag = g_byte_array_new();
    static const guint8 code[] = { 0, 0, 0, 1 }, slice[] = { 0x65, 1, 2, 3 }, aud[] = { 9, 0xf0 };
    (void)data;
    g_byte_array_append(stream, code, 4);
    g_byte_array_append(stream, aud, sizeof aud);
    g_byte_array_append(stream, code, 4);
    g_byte_array_append(stream, sps, sizeof sps);
    g_byte_array_append(stream, code, 4);
    g_byte_array_append(stream, pps, sizeof pps);
    g_byte_array_append(stream, code + 1, 3);
    g_byte_array_append(stream, slice, sizeof slice);
    AVPacket *packet = video_packet(stream->data, stream->len, 40700, 80700);

    g_assert_false(flv_writer_video_header(writer, tag));
    g_assert_true(flv_writer_video_changes(writer, packet));
    g_assert_false(flv_writer_video_changes(writer, packet));
    g_assert_true(flv_writer_video_header(writer, tag));
    g_assert_true(feed(fixture, MEDIA_VIDEO, 0, tag->data, tag->len));
    g_assert_cmpint(fixture->parameters[MEDIA_VIDEO]->width, ==, 128);
    g_byte_array_set_size(tag, 0);
    g_assert_true(flv_writer_video(writer, packet, tag));
    g_assert_true(
        feed(fixture, MEDIA_VIDEO, (guint32)flv_writer_ms(packet->dts), tag->data, tag->len));
    g_assert_cmpint(fixture->last->dts, ==, 40000);
    g_assert_cmpint(fixture->last->pts, ==, 80000);
    g_assert_cmpmem(fixture->last->data + 4, fixture->last->size - 4, slice, sizeof slice);
    av_packet_free(&packet);
    avcodec_parameters_free(&video);
}

static void test_write_avcc_and_aac(Fixture *fixture, gconstpointer data)
{
    static const guint8 frame[] = { 0, 0, 0, 2, 0x65, 9 };
    AVCodecParameters *video = video_parameters(FALSE);
    AVCodecParameters *audio =
        flv_config_parse(AV_CODEC_ID_AAC, asc_48k_stereo, sizeof asc_48k_stereo);
    g_autoptr(FlvWriter) writer = flv_writer_new(video, audio, NULL);
    g_autoptr(GByteArray) tag = g_byte_array_new();
    AVPacket *packet = video_packet(frame, sizeof frame, 0, 0);
    (void)data;
    g_assert_false(flv_writer_video_changes(writer, packet));
    g_assert_true(flv_writer_video_header(writer, tag));
    g_assert_true(feed(fixture, MEDIA_VIDEO, 0, tag->data, tag->len));
    g_byte_array_set_size(tag, 0);
    g_assert_true(flv_writer_video(writer, packet, tag));
    g_assert_true(feed(fixture, MEDIA_VIDEO, 0, tag->data, tag->len));
    g_assert_cmpmem(fixture->last->data, fixture->last->size, frame, sizeof frame);
    g_byte_array_set_size(tag, 0);
    g_assert_true(flv_writer_audio_header(writer, tag));
    g_assert_true(feed(fixture, MEDIA_AUDIO, 0, tag->data, tag->len));
    g_byte_array_set_size(tag, 0);
    g_assert_true(flv_writer_audio(writer, packet, tag));
    g_assert_true(feed(fixture, MEDIA_AUDIO, 0, tag->data, tag->len));
    g_assert_cmpint(fixture->kind, ==, MEDIA_AUDIO);
    g_byte_array_set_size(tag, 0);
    flv_writer_metadata(writer, tag);
    g_assert_cmpuint(tag->data[13], ==, 8); /* an ECMA array, after the name */
    av_packet_free(&packet);
    avcodec_parameters_free(&video);
    avcodec_parameters_free(&audio);
}

static void test_write_other_codecs(void)
{
    g_autoptr(GError) error = NULL;
    AVCodecParameters *video = video_parameters(TRUE);
    video->codec_id = AV_CODEC_ID_VP8;
    g_assert_null(flv_writer_new(video, NULL, &error));
    g_assert_nonnull(strstr(error->message, "H.264"));
    g_assert_cmpint(flv_writer_ms(-1), ==, -1);
    g_assert_cmpint(flv_writer_ms(1999), ==, 1);
    avcodec_parameters_free(&video);
}

#define ADD(name, function) g_test_add("/flv/" name, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("avc", test_avc);
    ADD("aac", test_aac);
    ADD("mp3_and_others", test_mp3_and_others);
    ADD("extended_video", test_extended_video);
    ADD("extended_vp8", test_extended_vp8);
    ADD("extended_audio", test_extended_audio);
    ADD("clock", test_clock);
    ADD("write_annex_b", test_write_annex_b);
    ADD("write_avcc_and_aac", test_write_avcc_and_aac);
    g_test_add_func("/flv/config_cut", test_config_cut);
    g_test_add_func("/flv/write_other_codecs", test_write_other_codecs);
    return g_test_run();
}
