#include <glib.h>

#include "unit/codecs/video_support.h"

#define WIDTH  320
#define HEIGHT 192
#define FPS    30
#define TICK   (90000 / FPS)

static const CodecType *const encodable[] = { &codec_vp8, &codec_vp9, &codec_h264 };

static VideoEncoder *encoder_new(const CodecType *type, gint bitrate, gint layers)
{
    VideoEncoderConfig config = { .width = WIDTH,
                                  .height = HEIGHT,
                                  .fps = FPS,
                                  .bitrate_bps = bitrate,
                                  .temporal_layers = layers };
    g_autoptr(GError) error = NULL;
    VideoEncoder *encoder = video_encoder_new(type, &config, &error);
    g_assert_no_error(error);
    return encoder;
}

static VideoDecoder *decoder_new(const CodecType *type)
{
    VideoDecoderConfig config = { 1920, 1088, 1920 * 1088 };
    g_autoptr(GError) error = NULL;
    VideoDecoder *decoder = video_decoder_new(type, &config, &error);
    g_assert_no_error(error);
    return decoder;
}

static void encode(VideoEncoder *encoder, const AVFrame *picture, gint n,
                   const VideoEncodeHints *hints, AVPacket *packet, VideoEncodeInfo *info)
{
    g_autoptr(GError) error = NULL;
    gboolean made =
        video_encoder_encode(encoder, picture, (gint64)n * TICK, hints, packet, info, &error);
    g_assert_no_error(error);
    g_assert_true(made);
    g_assert_cmpint(packet->pts, ==, (gint64)n * TICK);
    g_assert_cmpint((packet->flags & AV_PKT_FLAG_KEY) != 0, ==, info->keyframe);
}

/* Quality, key frames on request only, and what peek says of the frames. */
static void test_round_trip(gconstpointer data)
{
    const CodecType *type = data;
    g_autoptr(VideoEncoder) encoder = encoder_new(type, 600000, 1);
    g_autoptr(VideoDecoder) decoder = decoder_new(type);
    AVFrame *in = picture_new(WIDTH, HEIGHT), *out = av_frame_alloc();
    AVPacket *packet = av_packet_alloc();
    for (gint n = 0; n < 90; n++) {
        VideoEncodeHints hints = { .force_keyframe = n == 40 };
        VideoEncodeInfo info;
        VideoFrameHeader header;
        picture_paint(in, n);
        encode(encoder, in, n, &hints, packet, &info);
        g_assert_cmpint(info.keyframe, ==, n == 0 || n == 40);
        g_assert_cmpint(info.temporal_id, ==, 0);
        g_assert_true(type->peek(packet->data, (gsize)packet->size, &header));
        g_assert_cmpint(header.keyframe, ==, info.keyframe);
        g_assert_true(!header.keyframe || header.width == WIDTH);
        g_assert_cmpint(video_decoder_decode(decoder, packet, out), ==, DECODE_FRAME);
        g_assert_cmpint(out->format, ==, AV_PIX_FMT_YUV420P);
        g_assert_cmpint(out->color_range, !=, AVCOL_RANGE_JPEG);
        if (type != &codec_vp8) /* which has no other */
            g_assert_cmpint(out->colorspace, ==, AVCOL_SPC_SMPTE170M);
        g_assert_cmpfloat(psnr(in, out), >, 30);
    }
    av_packet_free(&packet);
    av_frame_free(&in);
    av_frame_free(&out);
}

static void test_interval(gconstpointer data)
{
    VideoEncoderConfig config = { WIDTH, HEIGHT, FPS, 300000, 1, 25, 0 };
    g_autoptr(VideoEncoder) encoder = video_encoder_new(data, &config, NULL);
    AVFrame *in = picture_new(WIDTH, HEIGHT);
    AVPacket *packet = av_packet_alloc();
    for (gint n = 0; n < 80; n++) {
        VideoEncodeInfo info;
        picture_paint(in, n);
        encode(encoder, in, n, NULL, packet, &info);
        g_assert_cmpint(info.keyframe, ==, n % 25 == 0);
    }
    av_packet_free(&packet);
    av_frame_free(&in);
}

static gint64 encode_seconds(VideoEncoder *encoder, AVFrame *in, gint *n, gint seconds)
{
    gint64 bytes = 0;
    AVPacket *packet = av_packet_alloc();
    for (gint end = *n + seconds * FPS; *n < end; ++*n) {
        VideoEncodeInfo info;
        picture_paint(in, *n);
        encode(encoder, in, *n, NULL, packet, &info);
        bytes += packet->size;
    }
    av_packet_free(&packet);
    return bytes * 8 / seconds;
}

static void assert_rate(gint64 measured, gint64 wanted)
{
    g_test_message("%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " bit/s", measured, wanted);
    g_assert_cmpint(measured, >, wanted * 8 / 10);
    g_assert_cmpint(measured, <, wanted * 12 / 10);
}

static void test_rate(gconstpointer data)
{
    g_autoptr(VideoEncoder) encoder = encoder_new(data, 200000, 1);
    AVFrame *in = picture_new(WIDTH, HEIGHT);
    gint n = 0;
    assert_rate(encode_seconds(encoder, in, &n, 5), 200000);
    video_encoder_set_rate(encoder, 120000, FPS);
    encode_seconds(encoder, in, &n, 1);
    assert_rate(encode_seconds(encoder, in, &n, 5), 120000);
    av_frame_free(&in);
}

/* Every layer decodes without those above it, and the tags say what the frames are. */
static void check_layers(const CodecType *type, gint layers, gint keep)
{
    static const gint ids[4][4] = { { 0 }, { 0 }, { 0, 1, 0, 1 }, { 0, 2, 1, 2 } };
    g_autoptr(VideoEncoder) encoder = encoder_new(type, 600000, layers);
    g_autoptr(VideoDecoder) decoder = decoder_new(type);
    AVFrame *in = picture_new(WIDTH, HEIGHT), *out = av_frame_alloc();
    AVPacket *packet = av_packet_alloc();
    gint since_key = 0;
    for (gint n = 0; n < 60; n++) {
        VideoEncodeHints hints = { .force_keyframe = n == 29 };
        VideoEncodeInfo info;
        picture_paint(in, n);
        encode(encoder, in, n, &hints, packet, &info);
        since_key = info.keyframe ? 0 : since_key + 1;
        g_assert_cmpint(info.keyframe, ==, n == 0 || n == 29);
        g_assert_cmpint(info.temporal_id, ==, ids[layers][since_key % 4]);
        g_assert_cmpint(info.non_reference, ==, layers > 1 && info.temporal_id == layers - 1);
        g_assert_cmpint(
            info.layer_sync, ==,
            info.temporal_id > 0 && since_key % 4 != 3 ? 1 : layers == 2 && since_key % 4 == 3);
        if (info.temporal_id > keep)
            continue;
        g_assert_cmpint(video_decoder_decode(decoder, packet, out), ==, DECODE_FRAME);
        g_assert_cmpfloat(psnr(in, out), >, 30);
    }
    av_packet_free(&packet);
    av_frame_free(&in);
    av_frame_free(&out);
}

static void test_layers(gconstpointer data)
{
    for (gint layers = 2; layers <= 3; layers++)
        for (gint keep = 0; keep < layers; keep++)
            check_layers(data, layers, keep);
}

/* The right half is said to be unchanged. What changed there in a frame of a higher layer only
 * must still arrive in the base layer. */
static void check_active_map(const CodecType *type, gint layers)
{
    g_autoptr(VideoEncoder) encoder = encoder_new(type, 900000, layers);
    g_autoptr(VideoDecoder) decoder = decoder_new(type);
    AVFrame *in = picture_new(WIDTH, HEIGHT), *still = picture_new(WIDTH, HEIGHT);
    AVFrame *out = av_frame_alloc(), *before = av_frame_alloc();
    AVPacket *packet = av_packet_alloc();
    guint8 left[WIDTH / 16 * HEIGHT / 16];
    for (gsize i = 0; i < sizeof left; i++)
        left[i] = i % (WIDTH / 16) < WIDTH / 32;
    picture_paint(still, 0);
    for (gint n = 0; n < 60; n++) {
        gboolean all = n < 24 || n == 33;
        VideoEncodeHints hints = { .active_map = all ? NULL : left };
        VideoEncodeInfo info;
        if (all)
            picture_paint(still, n);
        picture_paint(in, n);
        for (gint p = 0; p < 3; p++)
            for (gint y = 0; y < (p ? HEIGHT / 2 : HEIGHT); y++)
                memcpy(in->data[p] + y * in->linesize[p] + in->width / (p ? 4 : 2),
                       still->data[p] + y * still->linesize[p] + in->width / (p ? 4 : 2),
                       (gsize)in->width / (p ? 4 : 2));
        encode(encoder, in, n, &hints, packet, &info);
        g_assert_cmpint(video_decoder_decode(decoder, packet, out), ==, DECODE_FRAME);
        g_assert_cmpfloat(psnr_in(in, out, 0, 0, WIDTH / 2, HEIGHT), >, 30);
        g_assert_cmpfloat(psnr_in(in, out, WIDTH / 2, 0, WIDTH / 2, HEIGHT), >, 30);
        if (n == 30 || n == 40) {
            av_frame_unref(before);
            g_assert_cmpint(av_frame_ref(before, out), ==, 0);
        } else if (n == 32 || n > 40) {
            /* Only the loop filter may touch it, so it stays as it is to the eye. */
            g_assert_cmpfloat(psnr_in(before, out, WIDTH / 2 + 16, 0, WIDTH / 2 - 16, HEIGHT), >,
                              45);
        }
    }
    av_packet_free(&packet);
    av_frame_free(&in);
    av_frame_free(&still);
    av_frame_free(&out);
    av_frame_free(&before);
}

static void test_active_map(gconstpointer data)
{
    for (gint layers = 1; layers <= 3; layers++)
        check_active_map(data, layers);
}

/* A map with nothing active makes a frame that costs nearly nothing. */
static void test_nothing_active(gconstpointer data)
{
    g_autoptr(VideoEncoder) encoder = encoder_new(data, 600000, 1);
    AVFrame *in = picture_new(WIDTH, HEIGHT);
    AVPacket *packet = av_packet_alloc();
    static const guint8 nothing[WIDTH / 16 * HEIGHT / 16];
    picture_paint(in, 0);
    for (gint n = 0; n < 60; n++) {
        VideoEncodeHints hints = { .active_map = n < 30 ? NULL : nothing };
        VideoEncodeInfo info;
        encode(encoder, in, n, &hints, packet, &info);
        if (n >= 40) /* VP9 needs some frames to tell its segments */
            g_assert_cmpint(packet->size, <, 60);
    }
    av_packet_free(&packet);
    av_frame_free(&in);
}

static void test_pts_stands_still(gconstpointer data)
{
    g_autoptr(VideoEncoder) encoder = encoder_new(data, 600000, 1);
    AVFrame *in = picture_new(WIDTH, HEIGHT), *small = picture_new(64, 64);
    AVPacket *packet = av_packet_alloc();
    VideoEncodeInfo info;
    picture_paint(in, 0);
    for (gint i = 0; i < 3; i++)
        encode(encoder, in, 5, NULL, packet, &info);
    g_autoptr(GError) error = NULL;
    g_assert_false(video_encoder_encode(encoder, small, 9 * TICK, NULL, packet, &info, &error));
    g_assert_nonnull(error);
    av_packet_free(&packet);
    av_frame_free(&in);
    av_frame_free(&small);
}

static void test_bad_configs(gconstpointer data)
{
    static const VideoEncoderConfig configs[] = {
        { 321, 192, 30, 100000, 1, 0, 0 }, { 320, 0, 30, 100000, 1, 0, 0 },
        { 320, 192, 0, 100000, 1, 0, 0 },  { 320, 192, 30, 0, 1, 0, 0 },
        { 320, 192, 30, 100000, 4, 0, 0 }, { 32768, 192, 30, 100000, 1, 0, 0 }
    };
    for (gsize i = 0; i < G_N_ELEMENTS(configs); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(video_encoder_new(data, &configs[i], &error));
        g_assert_nonnull(error);
    }
}

/* --- Decoders -------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    const CodecType *type;
} files[] = { { "vp8.ivf", &codec_vp8 },
              { "vp9.ivf", &codec_vp9 },
              { "h264_high.h264", &codec_h264 },
              { "h264_high422.h264", &codec_h264 },
              { "h264_full_range.h264", &codec_h264 },
              { "av1.ivf", &codec_av1 } };

/* Every file shows the same picture in limited range YUV 4:2:0, whatever its own format is. */
static void test_files(void)
{
    AVFrame *reference = av_frame_alloc(), *out = av_frame_alloc();
    for (gsize f = 0; f < G_N_ELEMENTS(files); f++) {
        g_autoptr(VideoDecoder) decoder = decoder_new(files[f].type);
        g_autoptr(GPtrArray) packets = read_video(files[f].name);
        for (guint i = 0; i < packets->len; i++) {
            DecodeResult result = video_decoder_decode(decoder, g_ptr_array_index(packets, i), out);
            g_assert_cmpint(result, ==, DECODE_FRAME);
            g_assert_cmpint(out->format, ==, AV_PIX_FMT_YUV420P);
            g_assert_cmpint(out->color_range, !=, AVCOL_RANGE_JPEG);
        }
        if (f == 0)
            av_frame_ref(reference, out);
        g_assert_cmpfloat(psnr(reference, out), >, 22);
    }
    av_frame_free(&reference);
    av_frame_free(&out);
}

static void test_damage(void)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(6);
    AVFrame *out = av_frame_alloc();
    for (gsize f = 0; f < G_N_ELEMENTS(files); f++) {
        g_autoptr(VideoDecoder) decoder = decoder_new(files[f].type);
        g_autoptr(GPtrArray) packets = read_video(files[f].name);
        for (gint round = 0; round < 120; round++) {
            const AVPacket *whole = g_ptr_array_index(packets, (guint)round % packets->len);
            gint cut = round % 3 ? whole->size : g_rand_int_range(random, 1, whole->size + 1);
            AVPacket *packet = packet_from(whole->data, (gsize)cut);
            for (gint i = 0; round % 3 && i < round % 7; i++)
                packet->data[g_rand_int_range(random, 0, MIN(cut, round % 2 ? 40 : cut))] =
                    (guint8)g_rand_int(random);
            video_decoder_decode(decoder, packet, out);
            av_packet_free(&packet);
        }
        for (gint round = 0; round < 200; round++) {
            guint8 garbage[300];
            for (gsize i = 0; i < sizeof garbage; i++)
                garbage[i] = (guint8)g_rand_int(random);
            AVPacket *packet = packet_from(garbage, (gsize)g_rand_int_range(random, 1, 300));
            video_decoder_decode(decoder, packet, out);
            av_packet_free(&packet);
        }
        /* Whatever came before, a key frame begins anew. */
        g_assert_cmpint(video_decoder_decode(decoder, g_ptr_array_index(packets, 0), out), ==,
                        DECODE_FRAME);
    }
    av_frame_free(&out);
}

/* A new size is taken at once, but not with every frame. */
static void test_size_changes(void)
{
    g_autoptr(VideoDecoder) decoder = decoder_new(&codec_vp8);
    AVFrame *out = av_frame_alloc();
    AVPacket *packets[2] = { av_packet_alloc(), av_packet_alloc() };
    for (gint i = 0; i < 2; i++) {
        VideoEncoderConfig config = { 64 << i, 64, 30, 100000, 1, 0, 0 };
        g_autoptr(VideoEncoder) encoder = video_encoder_new(&codec_vp8, &config, NULL);
        AVFrame *in = picture_new(64 << i, 64);
        VideoEncodeInfo info;
        picture_paint(in, 0);
        encode(encoder, in, 0, NULL, packets[i], &info);
        av_frame_free(&in);
    }
    gint taken = 0;
    for (gint i = 0; i < 300; i++)
        taken += video_decoder_decode(decoder, packets[i % 2], out) == DECODE_FRAME;
    g_assert_cmpint(taken, >=, 8);
    g_assert_cmpint(taken, <, 170); /* every second frame keeps its size and passes */
    gint changes = 0, width = 0;
    for (gint i = 0; i < 300; i++)
        if (video_decoder_decode(decoder, packets[i % 2], out) == DECODE_FRAME) {
            changes += out->width != width;
            width = out->width;
        }
    g_assert_cmpint(changes, <=, 12);
    av_packet_free(&packets[0]);
    av_packet_free(&packets[1]);
    av_frame_free(&out);
}

static void add_each(const char *name, GTestDataFunc function, gsize codecs)
{
    for (gsize i = 0; i < codecs; i++) {
        g_autofree char *path = g_strdup_printf("/video/%s/%s", encodable[i]->name, name);
        g_test_add_data_func(path, encodable[i], function);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    add_each("round-trip", test_round_trip, 3);
    add_each("interval", test_interval, 3);
    add_each("rate", test_rate, 3);
    add_each("pts-stands-still", test_pts_stands_still, 3);
    add_each("bad-configs", test_bad_configs, 3);
    add_each("layers", test_layers, 2);
    add_each("active-map", test_active_map, 2);
    add_each("nothing-active", test_nothing_active, 2);
    g_test_add_func("/video/files", test_files);
    g_test_add_func("/video/damage", test_damage);
    g_test_add_func("/video/size-changes", test_size_changes);
    return g_test_run();
}
