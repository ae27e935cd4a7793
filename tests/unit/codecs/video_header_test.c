#include <glib.h>

#include "base/clock.h"
#include "unit/codecs/video_support.h"

/* Headers as an attacker writes them: a few bytes that announce a huge picture. */

typedef struct {
    guint8 data[64];
    gsize bits;
} BitWriter;

static void put(BitWriter *writer, guint64 value, guint n)
{
    for (guint i = n; i-- > 0; writer->bits++)
        if (value >> i & 1)
            writer->data[writer->bits / 8] |= (guint8)(0x80 >> writer->bits % 8);
}

static void put_ue(BitWriter *writer, guint32 value)
{
    guint length = g_bit_storage(value + 1);
    put(writer, 0, length - 1);
    put(writer, value + 1, length);
}

static gsize finish(BitWriter *writer)
{
    put(writer, 1, 1);
    return (writer->bits + 7) / 8;
}

static gsize vp8_header(guint8 *out, gint width, gint height)
{
    const guint8 header[] = { 0x10,
                              0x02,
                              0,
                              0x9d,
                              0x01,
                              0x2a,
                              (guint8)width,
                              (guint8)(width >> 8),
                              (guint8)height,
                              (guint8)(height >> 8) };
    memset(out, 0x55, 600);
    memcpy(out, header, sizeof header);
    return 600;
}

/* kind 0: key frame; 1: intra only; 2: inter frame with a size of its own */
static gsize vp9_header(guint8 *out, gint kind, guint profile, gint width, gint height)
{
    BitWriter bits = { 0 };
    put(&bits, 2, 2);
    put(&bits, profile & 1, 1);
    put(&bits, profile >> 1, 1);
    put(&bits, 0, profile == 3 ? 2 : 1);
    put(&bits, kind > 0, 1);
    put(&bits, kind != 1, 1); /* shown */
    put(&bits, 0, 1);
    if (kind == 1)
        put(&bits, 1, 1);
    if (kind > 0)
        put(&bits, 0, 2);
    if (kind < 2) {
        put(&bits, 0x498342, 24);
        if (kind == 0 || profile > 0)
            put(&bits, 0, (profile >= 2 ? 1 : 0) + 3 + 1 + (profile & 1 ? 3 : 0));
    }
    put(&bits, 0, kind == 0 ? 0 : 8);
    if (kind == 2)
        put(&bits, 0, 12 + 3);
    put(&bits, (guint64)width - 1, 16);
    put(&bits, (guint64)height - 1, 16);
    memset(out, 0, 100);
    memcpy(out, bits.data, sizeof bits.data);
    return 100;
}

static gsize h264_sps(guint8 *out, guint profile, gint width, gint height)
{
    BitWriter bits = { 0 };
    gint mb_width = (width + 15) / 16, mb_height = (height + 15) / 16;
    put(&bits, 0x00000001, 32);
    put(&bits, 0x67, 8);
    put(&bits, profile, 8);
    put(&bits, 0, 8);
    put(&bits, 31, 8);
    put_ue(&bits, 0);
    if (profile == 100) {
        put_ue(&bits, 1);
        put_ue(&bits, 0);
        put_ue(&bits, 0);
        put(&bits, 1, 2);  /* with scaling lists: */
        put(&bits, 1, 1);  /* the first there, ended by its second delta */
        put_ue(&bits, 1);  /* +1 */
        put_ue(&bits, 18); /* -9: the next scale is 0 */
        put(&bits, 0, 7);
    }
    put_ue(&bits, 0);
    put_ue(&bits, 2);
    put_ue(&bits, 1);
    put(&bits, 0, 1);
    put_ue(&bits, (guint32)mb_width - 1);
    put_ue(&bits, (guint32)mb_height - 1);
    put(&bits, 3, 2);
    gboolean crop = width % 16 || height % 16;
    put(&bits, crop, 1);
    if (crop) {
        put_ue(&bits, 0);
        put_ue(&bits, (guint32)(mb_width * 16 - width) / 2);
        put_ue(&bits, 0);
        put_ue(&bits, (guint32)(mb_height * 16 - height) / 2);
    }
    put(&bits, 0, 1);
    gsize size = finish(&bits);
    memcpy(out, bits.data, size);
    static const guint8 idr[] = { 0, 0, 0, 1, 0x65, 0x88, 0x84, 0x21 };
    memcpy(out + size, idr, sizeof idr);
    return size + sizeof idr;
}

static gsize av1_unit(guint8 *out, gint width, gint height, gboolean models)
{
    BitWriter bits = { 0 };
    put(&bits, 0, 5);
    put(&bits, models, 1);
    if (models) {
        put(&bits, 1, 32);
        put(&bits, 30, 32);
        put(&bits, 1, 1);
        put_ue(&bits, 0);
        put(&bits, 1, 1);
        put(&bits, 9, 5);
        put(&bits, 1, 32);
        put(&bits, 0, 10);
    }
    put(&bits, 0, 1);
    put(&bits, 0, 5);
    put(&bits, 0, 12);
    put(&bits, 9, 5);
    put(&bits, 0, 1);
    if (models)
        put(&bits, 0, 1);
    put(&bits, 15, 4);
    put(&bits, 15, 4);
    put(&bits, (guint64)width - 1, 16);
    put(&bits, (guint64)height - 1, 16);
    gsize size = finish(&bits) + 2;
    out[0] = 0x0a;
    out[1] = (guint8)size;
    memcpy(out + 2, bits.data, size);
    static const guint8 frame[] = { 0x32, 4, 0x10, 0, 0, 0 }; /* a shown key frame */
    memcpy(out + 2 + size, frame, sizeof frame);
    return 2 + size + sizeof frame;
}

static void assert_peek(const CodecType *type, const guint8 *data, gsize size, gint width,
                        gint height, gboolean keyframe)
{
    VideoFrameHeader header;
    g_assert_true(type->peek(data, size, &header));
    g_assert_true(header.has_size);
    g_assert_cmpint(header.width, ==, width);
    g_assert_cmpint(header.height, ==, height);
    g_assert_cmpint(header.keyframe, ==, keyframe);
}

static void test_sizes(void)
{
    static const gint sizes[][2] = { { 16, 16 }, { 1280, 720 }, { 1366, 766 }, { 16382, 16382 } };
    guint8 data[700];
    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        gint w = sizes[i][0], h = sizes[i][1];
        assert_peek(&codec_vp8, data, vp8_header(data, w, h), w, h, TRUE);
        for (guint profile = 0; profile < 4; profile++)
            for (gint kind = 0; kind < 3; kind++)
                assert_peek(&codec_vp9, data, vp9_header(data, kind, profile, w, h), w, h,
                            kind == 0);
        assert_peek(&codec_h264, data, h264_sps(data, 66, w, h), w, h, TRUE);
        assert_peek(&codec_h264, data, h264_sps(data, 100, w, h), w, h, TRUE);
        assert_peek(&codec_av1, data, av1_unit(data, w, h, FALSE), w, h, TRUE);
        assert_peek(&codec_av1, data, av1_unit(data, w, h, TRUE), w, h, TRUE);
    }
}

/* A small frame in front does not hide a large one behind it. */
static void test_superframe(void)
{
    guint8 data[210];
    vp9_header(data, 0, 0, 64, 64);
    vp9_header(data + 100, 0, 0, 16000, 9000);
    static const guint8 index[] = { 0xc1, 100, 100, 0xc1 };
    memcpy(data + 200, index, sizeof index);
    assert_peek(&codec_vp9, data, 204, 16000, 9000, TRUE);
    data[202] = 120; /* more than there is */
    VideoFrameHeader header;
    g_assert_false(codec_vp9.peek(data, 204, &header));
}

static void refuse(const CodecType *type, const guint8 *data, gsize size)
{
    VideoDecoderConfig config = { 4096, 4096, 2088960 };
    g_autoptr(VideoDecoder) decoder = video_decoder_new(type, &config, NULL);
    AVPacket *packet = packet_from(data, size);
    AVFrame *picture = av_frame_alloc();
    gint64 start_ns = clock_thread_cpu_ns();
    for (gint i = 0; i < 100; i++)
        g_assert_cmpint(video_decoder_decode(decoder, packet, picture), ==, DECODE_ERROR);
    g_assert_cmpint(clock_thread_cpu_ns() - start_ns, <, 100 * NS_PER_MS); /* 1 ms each */
    av_frame_free(&picture);
    av_packet_free(&packet);
}

static void test_bombs(void)
{
    static const gint sizes[][2] = { { 16382, 16382 }, { 16, 4098 }, { 2048, 1024 } };
    guint8 data[700];
    for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
        gint w = sizes[i][0], h = sizes[i][1];
        refuse(&codec_vp8, data, vp8_header(data, w, h));
        for (gint kind = 0; kind < 3; kind++)
            refuse(&codec_vp9, data, vp9_header(data, kind, 0, w, h));
        refuse(&codec_h264, data, h264_sps(data, 100, w, h));
        refuse(&codec_av1, data, av1_unit(data, w, h, FALSE));
    }
}

/* Thousands of tiny pictures in one frame would keep a decoder busy for minutes. */
static void test_picture_floods(void)
{
    static const guint8 slice[] = { 0, 0, 0, 1, 0x41, 0x9a, 0x22, 0x11 };
    static const guint8 shown_again[] = { 0x1a, 0x01, 0x80 };
    guint8 data[700];
    g_autoptr(GByteArray) flood = g_byte_array_new();
    g_byte_array_append(flood, data, (guint)h264_sps(data, 66, 64, 64));
    for (gint i = 0; i < 20000; i++)
        g_byte_array_append(flood, slice, sizeof slice);
    refuse(&codec_h264, flood->data, flood->len);
    g_byte_array_set_size(flood, 0);
    g_byte_array_append(flood, data, (guint)av1_unit(data, 64, 64, FALSE));
    for (gint i = 0; i < 20000; i++)
        g_byte_array_append(flood, shown_again, sizeof shown_again);
    refuse(&codec_av1, flood->data, flood->len);
}

static void test_malformed(void)
{
    guint8 data[700];
    VideoFrameHeader header;
    const CodecType *const types[] = { &codec_vp8, &codec_vp9, &codec_h264, &codec_av1 };
    for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
        g_assert_false(types[i]->peek(data, 0, &header));
    vp8_header(data, 640, 480);
    data[4] = 2; /* wrong start code */
    g_assert_false(codec_vp8.peek(data, 600, &header));
    vp8_header(data, 0, 480);
    g_assert_false(codec_vp8.peek(data, 600, &header));
    g_assert_false(codec_vp8.peek(data, 9, &header));
    vp9_header(data, 0, 0, 64, 64);
    g_assert_false(codec_vp9.peek(data, 8, &header));
    g_assert_false(codec_h264.peek(data, 100, &header)); /* no start code */
    gsize size = av1_unit(data, 64, 64, FALSE);
    g_assert_false(codec_av1.peek(data, size - 1, &header));
    data[0] |= 0x80;
    g_assert_false(codec_av1.peek(data, size, &header));
}

static void test_files(void)
{
    static const struct {
        const char *name;
        const CodecType *type;
    } files[] = { { "vp8.ivf", &codec_vp8 },
                  { "vp9.ivf", &codec_vp9 },
                  { "h264_high.h264", &codec_h264 },
                  { "h264_high422.h264", &codec_h264 },
                  { "av1.ivf", &codec_av1 } };
    for (gsize f = 0; f < G_N_ELEMENTS(files); f++) {
        g_autoptr(GPtrArray) packets = read_video(files[f].name);
        g_assert_cmpuint(packets->len, >=, 4);
        for (guint i = 0; i < packets->len; i++) {
            const AVPacket *packet = g_ptr_array_index(packets, i);
            VideoFrameHeader header;
            g_assert_true(files[f].type->peek(packet->data, (gsize)packet->size, &header));
            g_assert_cmpint(header.keyframe, ==, i == 0);
            if (i == 0) {
                g_assert_cmpint(header.width, ==, 176);
                g_assert_cmpint(header.height, ==, 144);
            }
        }
    }
}

static void test_registry(void)
{
    g_assert_true(codec_find(AVMEDIA_TYPE_VIDEO, "vp8") == &codec_vp8);
    g_assert_true(codec_find(AVMEDIA_TYPE_AUDIO, "OPUS") == &codec_opus);
    g_assert_null(codec_find(AVMEDIA_TYPE_AUDIO, "VP8"));
    g_assert_null(codec_find(AVMEDIA_TYPE_VIDEO, "H265"));
    g_assert_true(codec_h264.fmtp_accept(
        "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"));
    g_assert_true(codec_h264.fmtp_accept("profile-level-id=640C1F; packetization-mode=1"));
    g_assert_false(codec_h264.fmtp_accept("packetization-mode=0;profile-level-id=42e01f"));
    g_assert_false(codec_h264.fmtp_accept("packetization-mode=1;profile-level-id=f4001f"));
    g_assert_false(codec_h264.fmtp_accept(NULL));
    g_assert_true(codec_vp9.fmtp_accept(NULL));
    g_assert_false(codec_vp9.fmtp_accept("profile-id=2"));
    g_assert_true(codec_av1.fmtp_accept("level-idx=5;profile=0;tier=0"));
    g_assert_false(codec_av1.fmtp_accept("level-idx=5;profile=1;tier=0"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/video-header/sizes", test_sizes);
    g_test_add_func("/video-header/superframe", test_superframe);
    g_test_add_func("/video-header/bombs", test_bombs);
    g_test_add_func("/video-header/picture-floods", test_picture_floods);
    g_test_add_func("/video-header/malformed", test_malformed);
    g_test_add_func("/video-header/files", test_files);
    g_test_add_func("/video-header/registry", test_registry);
    return g_test_run();
}
