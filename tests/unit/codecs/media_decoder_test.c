#include "codecs/media_decoder.h"

#include "base/error.h"
#include "codecs/sound_convert.h"
#include "unit/codecs/media_support.h"
#include "unit/codecs/video_support.h"

#define SECOND_US 1000000
#define WIDTH     320
#define HEIGHT    192
#define FPS       25

/* libx265 keeps some of what it opened. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:libx265\n";
}

/* --- sound ------------------------------------------------------------------------------- */

typedef struct {
    const char *encoder;
    gint rate, channels;
    gint64 latest_start_us; /* what is lost at the start: the encoder's run-in */
} SoundCase;

typedef struct {
    MediaDecoder *decoder;
    GArray *samples;
    gint64 first_us, next_us;
} Heard;

static MediaDecoder *decoder_for(const AVCodecContext *context)
{
    g_autoptr(GError) error = NULL;
    AVCodecParameters *parameters = avcodec_parameters_alloc();
    avcodec_parameters_from_context(parameters, context);
    MediaDecoder *decoder = media_decoder_new(parameters, NULL, &error);
    g_assert_no_error(error);
    avcodec_parameters_free(&parameters);
    return decoder;
}

static void hear(Heard *heard)
{
    gint64 pts_us = 0;
    guint before = heard->samples->len;
    while (media_decoder_receive_audio(heard->decoder, heard->samples, &pts_us)) {
        if (before == 0 && heard->first_us == G_MININT64)
            heard->first_us = pts_us;
        else
            g_assert_cmpint(ABS(pts_us - heard->next_us), <=, 2);
        heard->next_us =
            pts_us + av_rescale((heard->samples->len - before) / 2, SECOND_US, AUDIO_RATE_HZ);
        before = heard->samples->len;
    }
}

static void decode_all(AVCodecContext *context, Heard *heard)
{
    AVPacket *packet = av_packet_alloc();
    while (encoder_receive(context, packet)) {
        if (packet->size == 0) /* FLAC's last words are not sound */
            continue;
        g_assert_true(media_decoder_send(heard->decoder, packet));
        hear(heard);
    }
    av_packet_free(&packet);
}

/* Two seconds of a tone: it comes out as loud as it went in, on both sides, at its time. */
static void test_tone(gconstpointer data)
{
    const SoundCase *c = data;
    AVCodecContext *context = sound_encoder_new(c->encoder, c->rate, c->channels);
    Heard heard = { decoder_for(context), g_array_new(FALSE, FALSE, sizeof(float)), G_MININT64, 0 };
    gint64 position = 0;
    while (position < 2 * c->rate) {
        AVFrame *frame = sound_frame(context, &position, 1000, 0.4);
        g_assert_cmpint(avcodec_send_frame(context, frame), ==, 0);
        av_frame_free(&frame);
        decode_all(context, &heard);
    }
    avcodec_send_frame(context, NULL);
    decode_all(context, &heard);
    media_decoder_drain(heard.decoder);
    hear(&heard);
    const float *middle = &g_array_index(heard.samples, float, AUDIO_RATE_HZ);
    for (guint side = 0; side < 2; side++)
        g_assert_cmpfloat(ABS(tone_strength(middle, 24000, side, 1000) - 0.4), <, 0.02);
    g_assert_cmpint(ABS(heard.first_us), <=, c->latest_start_us);
    g_assert_cmpint(heard.samples->len / 2, >, 90000);
    /* Where the tone stands against the pts: its phase in the second half second. */
    gsize skip = (gsize)av_rescale(500000 - heard.first_us, AUDIO_RATE_HZ, SECOND_US);
    double re = 0, im = 0;
    for (gsize i = 0; i < 4800; i++) {
        double angle = 2 * G_PI * 1000 * (double)i / 48000;
        re += g_array_index(heard.samples, float, 2 * (skip + i)) * sin(angle);
        im += g_array_index(heard.samples, float, 2 * (skip + i)) * cos(angle);
    }
    g_test_message("%s: starts at %" G_GINT64_FORMAT " us, off by %.0f us", c->encoder,
                   heard.first_us, atan2(im, re) / (2 * G_PI * 1000) * 1e6);
    g_assert_cmpfloat(ABS(atan2(im, re) / (2 * G_PI * 1000) * 1e6), <, 60);
    g_assert_cmpuint(media_decoder_damaged(heard.decoder), ==, 0);
    media_decoder_free(heard.decoder);
    g_array_unref(heard.samples);
    avcodec_free_context(&context);
}

static AVFrame *plain_frame(gint rate, gint samples)
{
    AVFrame *frame = av_frame_alloc();
    frame->format = AV_SAMPLE_FMT_FLT;
    frame->sample_rate = rate;
    frame->nb_samples = samples;
    av_channel_layout_default(&frame->ch_layout, 1);
    g_assert_cmpint(av_frame_get_buffer(frame, 0), ==, 0);
    memset(frame->data[0], 0, (gsize)samples * sizeof(float));
    return frame;
}

/* Ten minutes at 44.1 kHz: as many samples come out as there must, and the last one's time is
 * right, though the container rounds to milliseconds. A sender whose clock is off is followed. */
static void test_ten_minutes(gconstpointer data)
{
    double skew = GPOINTER_TO_INT(data) / 1e6;
    g_autoptr(SoundConverter) converter = sound_converter_new();
    g_autoptr(GArray) out = g_array_new(FALSE, FALSE, sizeof(float));
    AVFrame *frame = plain_frame(44100, 1024);
    gint64 in = 0, given = 0, pts_us = 0, worst_us = 0;
    for (; in < 600 * 44100; in += 1024) {
        double true_us = (double)in / 44100 * 1e6 * (1 + skew);
        frame->pts = (gint64)(true_us / 1000) * 1000;
        g_array_set_size(out, 0);
        g_assert_true(sound_converter_run(converter, frame, out, &pts_us));
        given += out->len / 2;
        if (in > 44100)
            worst_us = MAX(worst_us, ABS(pts_us - (gint64)true_us));
    }
    g_test_message("%d ppm: off by at most %" G_GINT64_FORMAT " us", GPOINTER_TO_INT(data),
                   worst_us);
    g_assert_cmpint(ABS(given - in * 48000 / 44100), <, 64);
    g_assert_cmpint(worst_us, <, 1600); /* half a millisecond of the rounding is in the mean */
    av_frame_free(&frame);
}

static void test_gap(void)
{
    g_autoptr(SoundConverter) converter = sound_converter_new();
    g_autoptr(GArray) out = g_array_new(FALSE, FALSE, sizeof(float));
    AVFrame *frame = plain_frame(48000, 960);
    gint64 pts_us = 0;
    frame->pts = 0;
    g_assert_true(sound_converter_run(converter, frame, out, &pts_us));
    g_assert_cmpint(pts_us, ==, 0);
    frame->pts = AV_NOPTS_VALUE;
    g_assert_true(sound_converter_run(converter, frame, out, &pts_us));
    g_assert_cmpint(pts_us, ==, 20000);
    frame->pts = 5 * SECOND_US;
    g_assert_true(sound_converter_run(converter, frame, out, &pts_us));
    g_assert_cmpint(pts_us, ==, 5 * SECOND_US);
    frame->pts = 0;
    g_assert_true(sound_converter_run(converter, frame, out, &pts_us));
    g_assert_cmpint(pts_us, ==, 0);
    av_frame_free(&frame);
}

/* 5.1 at full scale in all channels does not exceed full scale. */
static void test_downmix(void)
{
    g_autoptr(SoundConverter) converter = sound_converter_new();
    g_autoptr(GArray) out = g_array_new(FALSE, FALSE, sizeof(float));
    AVFrame *frame = av_frame_alloc();
    gint64 pts_us = 0;
    frame->format = AV_SAMPLE_FMT_FLT;
    frame->sample_rate = 48000;
    frame->nb_samples = 480;
    av_channel_layout_default(&frame->ch_layout, 6);
    g_assert_cmpint(av_frame_get_buffer(frame, 0), ==, 0);
    for (gint i = 0; i < 480 * 6; i++)
        ((float *)frame->data[0])[i] = i == 6 ? NAN : 1.0f;
    g_assert_true(sound_converter_run(converter, frame, out, &pts_us));
    g_assert_cmpuint(out->len, ==, 960);
    for (guint i = 0; i < out->len; i++) {
        g_assert_false(isnan(g_array_index(out, float, i)));
        g_assert_cmpfloat(g_array_index(out, float, i), <=, 1.001f);
    }
    g_assert_cmpfloat(g_array_index(out, float, 500), >, 0.9f);
    frame->sample_rate = 1;
    g_assert_false(sound_converter_run(converter, frame, out, &pts_us));
    av_frame_free(&frame);
}

/* --- pictures ---------------------------------------------------------------------------- */

typedef struct {
    const char *encoder;
    enum AVPixelFormat format;
    gint b_frames;
    gboolean global_header;
    gint delay; /* pictures that wait inside */
} PictureCase;

static AVCodecContext *picture_encoder_new(const PictureCase *c)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(c->encoder);
    g_assert_nonnull(codec);
    AVCodecContext *context = avcodec_alloc_context3(codec);
    context->width = WIDTH;
    context->height = HEIGHT;
    context->pix_fmt = c->format;
    context->time_base = (AVRational){ 1, FPS };
    context->framerate = (AVRational){ FPS, 1 };
    context->bit_rate = 2000000;
    context->gop_size = 25;
    context->max_b_frames = c->b_frames;
    context->thread_count = 1;
    if (c->global_header)
        context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    av_opt_set(context->priv_data, "preset", "ultrafast", 0);
    av_opt_set(context->priv_data, "deadline", "realtime", 0);
    av_opt_set(context->priv_data, "x265-params", "log-level=none", 0);
    av_opt_set_int(context->priv_data, "cpu-used", 8, 0);
    context->log_level_offset = 128;
    g_assert_cmpint(avcodec_open2(context, codec, NULL), ==, 0);
    return context;
}

/* The painted picture in the format of the encoder. */
static AVFrame *picture_for(const AVCodecContext *context, gint n)
{
    AVFrame *picture = picture_new(WIDTH, HEIGHT);
    picture_paint(picture, n);
    if (context->pix_fmt == AV_PIX_FMT_YUVJ420P) {
        picture->format = AV_PIX_FMT_YUVJ420P;
        picture->color_range = AVCOL_RANGE_JPEG;
    } else if (context->pix_fmt == AV_PIX_FMT_RGBA) {
        AVFrame *rgba = av_frame_alloc();
        rgba->format = AV_PIX_FMT_RGBA;
        rgba->width = WIDTH;
        rgba->height = HEIGHT;
        av_frame_get_buffer(rgba, 0);
        for (gint y = 0; y < HEIGHT; y++)
            for (gint x = 0; x < WIDTH; x++)
                memcpy(rgba->data[0] + y * rgba->linesize[0] + 4 * x,
                       x < WIDTH / 2 ? "\xff\xff\xff\xff" : "\xff\xff\xff\x00", 4);
        av_frame_free(&picture);
        picture = rgba;
    }
    if (picture->format != context->pix_fmt) { /* any picture will do */
        av_frame_unref(picture);
        picture->format = context->pix_fmt;
        picture->width = WIDTH;
        picture->height = HEIGHT;
        g_assert_cmpint(av_frame_get_buffer(picture, 0), ==, 0);
        memset(picture->buf[0]->data, 1, picture->buf[0]->size);
    }
    picture->pts = n;
    return picture;
}

typedef struct {
    MediaDecoder *decoder;
    gint seen;
    gint held; /* the most that waited inside */
} Watched;

static void watch(Watched *watched, gboolean compare)
{
    AVFrame *out = av_frame_alloc();
    while (media_decoder_receive_video(watched->decoder, out)) {
        AVFrame *expected = picture_new(WIDTH, HEIGHT);
        picture_paint(expected, watched->seen);
        g_assert_cmpint(out->format, ==, AV_PIX_FMT_YUV420P);
        g_assert_cmpint(out->width, ==, WIDTH);
        g_assert_cmpint(out->pts, ==, (gint64)watched->seen * SECOND_US / FPS);
        if (compare)
            g_assert_cmpfloat(psnr(expected, out), >, 30);
        watched->seen++;
        av_frame_free(&expected);
    }
    av_frame_free(&out);
}

static void send_all(AVCodecContext *context, Watched *watched, gint *sent, gboolean compare)
{
    AVPacket *packet = av_packet_alloc();
    while (encoder_receive(context, packet)) {
        g_assert_true(media_decoder_send(watched->decoder, packet));
        watch(watched, compare);
        ++*sent;
        watched->held = MAX(watched->held, *sent - watched->seen);
    }
    av_packet_free(&packet);
}

/* Pictures come out in order, each with the pts that it went in with, also with B-frames. */
static void test_pictures(gconstpointer data)
{
    const PictureCase *c = data;
    AVCodecContext *context = picture_encoder_new(c);
    gboolean compare = c->format == AV_PIX_FMT_YUV420P;
    Watched watched = { decoder_for(context), 0, 0 };
    gint sent = 0;
    for (gint n = 0; n < 40; n++) {
        AVFrame *picture = picture_for(context, n);
        g_assert_cmpint(avcodec_send_frame(context, picture), ==, 0);
        av_frame_free(&picture);
        send_all(context, &watched, &sent, compare);
    }
    avcodec_send_frame(context, NULL);
    send_all(context, &watched, &sent, compare);
    media_decoder_drain(watched.decoder);
    watch(&watched, compare);
    g_assert_cmpint(watched.seen, ==, 40);
    g_assert_cmpint(watched.held, <=, c->delay);
    g_assert_cmpuint(media_decoder_damaged(watched.decoder), ==, 0);
    media_decoder_free(watched.decoder);
    avcodec_free_context(&context);
}

static void test_full_range_and_alpha(void)
{
    static const PictureCase jpeg = { "mjpeg", AV_PIX_FMT_YUVJ420P, 0, FALSE, 0 };
    static const PictureCase png = { "png", AV_PIX_FMT_RGBA, 0, FALSE, 0 };
    const PictureCase *cases[] = { &jpeg, &png };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        AVCodecContext *context = picture_encoder_new(cases[i]);
        g_autoptr(MediaDecoder) decoder = decoder_for(context);
        AVFrame *picture = picture_for(context, 0), *out = av_frame_alloc();
        AVPacket *packet = av_packet_alloc();
        avcodec_send_frame(context, picture);
        avcodec_send_frame(context, NULL);
        g_assert_true(encoder_receive(context, packet));
        g_assert_true(media_decoder_send(decoder, packet));
        g_assert_true(media_decoder_receive_video(decoder, out));
        g_assert_cmpint(out->format, ==, AV_PIX_FMT_YUV420P);
        if (i == 1) { /* white on the left, transparent on the right */
            g_assert_cmpint(out->data[0][50], >, 230);
            g_assert_cmpint(out->data[0][WIDTH - 50], ==, 16);
            g_assert_cmpint(ABS(out->data[1][WIDTH / 2 - 25] - 128), <=, 1);
        } else {
            gint in = picture->data[0][50 * picture->linesize[0] + 100];
            g_assert_cmpint(ABS(out->data[0][50 * out->linesize[0] + 100] - (16 + in * 219 / 255)),
                            <, 8);
        }
        av_packet_free(&packet);
        av_frame_free(&picture);
        av_frame_free(&out);
        avcodec_free_context(&context);
    }
}

static void test_av1_file(void)
{
    g_autoptr(GPtrArray) packets = read_video("av1.ivf");
    AVCodecParameters *parameters = avcodec_parameters_alloc();
    parameters->codec_type = AVMEDIA_TYPE_VIDEO;
    parameters->codec_id = AV_CODEC_ID_AV1;
    g_autoptr(MediaDecoder) decoder = media_decoder_new(parameters, NULL, NULL);
    AVFrame *out = av_frame_alloc();
    guint seen = 0;
    for (guint i = 0; i < packets->len; i++) {
        AVPacket *packet = packets->pdata[i];
        packet->pts = packet->dts = i * 40000;
        if (media_decoder_send(decoder, packet))
            while (media_decoder_receive_video(decoder, out))
                seen++;
    }
    media_decoder_drain(decoder);
    while (media_decoder_receive_video(decoder, out))
        seen++;
    g_assert_cmpuint(seen, ==, packets->len);
    avcodec_parameters_free(&parameters);
    av_frame_free(&out);
}

/* --- limits ------------------------------------------------------------------------------ */

/* The size that the stream itself tells counts, whatever its description says. */
static void test_too_large(gconstpointer data)
{
    const PictureCase *c = data;
    AVCodecContext *context = picture_encoder_new(c);
    MediaDecoderLimits limits = { .video = { .max_width = WIDTH - 16, .max_height = HEIGHT } };
    AVCodecParameters *parameters = avcodec_parameters_alloc();
    AVPacket *packet = av_packet_alloc();
    AVFrame *picture = picture_for(context, 0), *out = av_frame_alloc();
    g_autoptr(GError) error = NULL;
    avcodec_parameters_from_context(parameters, context);
    g_assert_null(media_decoder_new(parameters, &limits, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_TOO_LARGE);
    parameters->width = parameters->height = 0;
    g_autoptr(MediaDecoder) decoder = media_decoder_new(parameters, &limits, NULL);
    avcodec_send_frame(context, picture);
    avcodec_send_frame(context, NULL);
    g_assert_true(encoder_receive(context, packet));
    if (decoder) { /* NULL: extradata told it already */
        gboolean sent = media_decoder_send(decoder, packet);
        media_decoder_drain(decoder);
        g_assert_false(media_decoder_receive_video(decoder, out));
        g_assert_true(!sent || media_decoder_damaged(decoder) > 0);
    }
    avcodec_parameters_free(&parameters);
    av_packet_free(&packet);
    av_frame_free(&picture);
    av_frame_free(&out);
    avcodec_free_context(&context);
}

static void test_refusals(void)
{
    AVCodecParameters *parameters = avcodec_parameters_alloc();
    g_autoptr(GError) error = NULL;
    parameters->codec_type = AVMEDIA_TYPE_VIDEO;
    parameters->codec_id = AV_CODEC_ID_THEORA;
    g_assert_false(media_decoder_knows(AV_CODEC_ID_THEORA));
    g_assert_true(media_decoder_knows(AV_CODEC_ID_AAC));
    g_assert_null(media_decoder_new(parameters, NULL, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_UNSUPPORTED);
    g_clear_error(&error);
    parameters->codec_type = AVMEDIA_TYPE_AUDIO;
    parameters->codec_id = AV_CODEC_ID_PCM_S16LE;
    av_channel_layout_default(&parameters->ch_layout, 64);
    parameters->sample_rate = 48000;
    g_assert_null(media_decoder_new(parameters, NULL, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_TOO_LARGE);
    avcodec_parameters_free(&parameters);
}

/* Damage costs the damaged packet; after a flush it begins anew. */
static void test_damage(void)
{
    static const PictureCase c = { "libvpx", AV_PIX_FMT_YUV420P, 0, FALSE, 0 };
    AVCodecContext *context = picture_encoder_new(&c);
    g_autoptr(MediaDecoder) decoder = decoder_for(context);
    AVPacket *packet = av_packet_alloc(), *key = NULL;
    AVFrame *out = av_frame_alloc();
    for (gint n = 0; n < 4; n++) {
        AVFrame *picture = picture_for(context, n);
        avcodec_send_frame(context, picture);
        av_frame_free(&picture);
        g_assert_true(encoder_receive(context, packet));
        if (n == 0)
            key = av_packet_clone(packet);
        if (n == 2) {
            av_packet_make_writable(packet);
            av_shrink_packet(packet, 4);
        }
        g_assert_cmpint(media_decoder_send(decoder, packet), ==, n < 2);
        g_assert_cmpint(media_decoder_receive_video(decoder, out), ==, n < 2);
    }
    g_assert_cmpuint(media_decoder_damaged(decoder), ==, 1);
    g_assert_true(media_decoder_send(decoder, key));
    g_assert_true(media_decoder_receive_video(decoder, out));
    media_decoder_drain(decoder);
    media_decoder_flush(decoder);
    g_assert_true(media_decoder_send(decoder, key));
    g_assert_true(media_decoder_receive_video(decoder, out));
    av_packet_free(&packet);
    av_packet_free(&key);
    av_frame_free(&out);
    avcodec_free_context(&context);
}

int main(int argc, char **argv)
{
    static const SoundCase sounds[] = {
        { "aac", 48000, 2, 22000 },        { "aac", 44100, 1, 24000 },
        { "libmp3lame", 44100, 2, 30000 }, { "libopus", 48000, 2, 7000 },
        { "libvorbis", 44100, 2, 30000 },  { "flac", 44100, 2, 0 },
        { "ac3", 48000, 6, 6000 },         { "pcm_s16le", 8000, 1, 0 },
        { "pcm_f32le", 96000, 2, 0 },      { "pcm_alaw", 16000, 1, 0 },
    };
    static const PictureCase pictures[] = {
        { "libx264", AV_PIX_FMT_YUV420P, 2, TRUE, 4 },
        { "libx264", AV_PIX_FMT_YUV420P, 3, FALSE, 4 },
        { "libx264", AV_PIX_FMT_YUV420P, 0, TRUE, 1 },
        { "libx264", AV_PIX_FMT_YUV422P, 2, FALSE, 4 },
        { "libx265", AV_PIX_FMT_YUV420P, 3, TRUE, 6 },
        { "libx265", AV_PIX_FMT_YUV420P10, 0, FALSE, 6 },
        { "libvpx", AV_PIX_FMT_YUV420P, 0, FALSE, 0 },
        { "libvpx-vp9", AV_PIX_FMT_YUV420P, 0, FALSE, 0 },
        { "mpeg4", AV_PIX_FMT_YUV420P, 2, TRUE, 2 },
        { "mjpeg", AV_PIX_FMT_YUVJ420P, 0, FALSE, 0 },
    };
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(sounds); i++) {
        g_autofree char *path = g_strdup_printf("/media-decoder/tone/%s-%d-%d", sounds[i].encoder,
                                                sounds[i].rate, sounds[i].channels);
        g_test_add_data_func(path, &sounds[i], test_tone);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(pictures); i++) {
        g_autofree char *path = g_strdup_printf("%" G_GSIZE_FORMAT "-%s-b%d", i,
                                                pictures[i].encoder, pictures[i].b_frames);
        g_autofree char *order = g_strconcat("/media-decoder/pictures/", path, NULL);
        g_autofree char *large = g_strconcat("/media-decoder/too-large/", path, NULL);
        g_test_add_data_func(order, &pictures[i], test_pictures);
        g_test_add_data_func(large, &pictures[i], test_too_large);
    }
    g_test_add_data_func("/sound-convert/ten-minutes", GINT_TO_POINTER(0), test_ten_minutes);
    g_test_add_data_func("/sound-convert/ten-minutes-fast", GINT_TO_POINTER(200), test_ten_minutes);
    g_test_add_data_func("/sound-convert/ten-minutes-slow", GINT_TO_POINTER(-200),
                         test_ten_minutes);
    g_test_add_func("/sound-convert/gap", test_gap);
    g_test_add_func("/sound-convert/downmix", test_downmix);
    g_test_add_func("/media-decoder/range-and-alpha", test_full_range_and_alpha);
    g_test_add_func("/media-decoder/av1", test_av1_file);
    g_test_add_func("/media-decoder/refusals", test_refusals);
    g_test_add_func("/media-decoder/damage", test_damage);
    return g_test_run();
}
