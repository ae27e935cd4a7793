#include "mixer/image.h"

#include <libavcodec/avcodec.h>
#include <string.h>

#include "base/error.h"
#include "mixer/image_scan.h"

static AVFrame *frame_new(enum AVPixelFormat format, int width, int height, int fill)
{
    AVFrame *frame = av_frame_alloc();
    frame->format = format;
    frame->width = width;
    frame->height = height;
    g_assert_cmpint(av_frame_get_buffer(frame, 0), ==, 0);
    for (int plane = 0; plane < 4 && frame->data[plane]; plane++)
        memset(frame->data[plane], fill, (gsize)frame->linesize[plane] * (gsize)((height + 1) / 2));
    for (int y = 0; y < height; y++)
        memset(frame->data[0] + (gsize)y * frame->linesize[0], fill, (gsize)frame->linesize[0]);
    return frame;
}

/* A PNG of any kind, all bytes of its pixels being `fill`. */
static GBytes *png_of(enum AVPixelFormat format, int width, int height, int fill)
{
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_PNG);
    AVCodecContext *context = avcodec_alloc_context3(codec);
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = frame_new(format, width, height, fill);
    context->width = width;
    context->height = height;
    context->pix_fmt = format;
    context->time_base = (AVRational){ 1, 1 };
    g_assert_cmpint(avcodec_open2(context, codec, NULL), ==, 0);
    g_assert_cmpint(avcodec_send_frame(context, frame), ==, 0);
    g_assert_cmpint(avcodec_receive_packet(context, packet), ==, 0);
    GBytes *file = g_bytes_new(packet->data, (gsize)packet->size);
    av_packet_free(&packet);
    av_frame_free(&frame);
    avcodec_free_context(&context);
    return file;
}

static Image *decode(GBytes *file, GError **error)
{
    gsize size;
    const guint8 *data = g_bytes_get_data(file, &size);
    return image_decode(data, size, error);
}

static void assert_refused(const guint8 *data, gsize size, gint code)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(image_decode(data, size, &error));
    g_assert_error(error, TESSERA_ERROR, code);
    g_assert_cmpuint(strlen(error->message), >, 20);
}

typedef struct {
    const guint8 *data;
    gsize size, bytes; /* that were read */
} Reading;

static gboolean read_bytes(gpointer user, gsize offset, guint8 *into, gsize size)
{
    Reading *reading = user;
    if (offset > reading->size || size > reading->size - offset)
        return FALSE;
    memcpy(into, reading->data + offset, size);
    reading->bytes += size;
    return TRUE;
}

static gboolean has_header(const guint8 *data, gsize size, ImageHeader *header)
{
    Reading reading = { data, size, 0 };
    gboolean good = image_read_header(read_bytes, &reading, header);
    g_assert_cmpuint(reading.bytes, <, 8192);
    return good;
}

static void assert_header(GBytes *file, const char *type, int width, int height)
{
    gsize size;
    const guint8 *data = g_bytes_get_data(file, &size);
    ImageHeader header = { 0 };
    g_assert_true(has_header(data, size, &header));
    g_assert_cmpstr(header.type, ==, type);
    g_assert_cmpint(header.width, ==, width);
    g_assert_cmpint(header.height, ==, height);
}

/* The size of a JPEG stands behind whatever a camera wrote; of what is behind it nothing is read.
 */
static void test_headers(void)
{
    static const guint8 end[] = { 0xff, 0xc0, 0, 17, 8, 0x04, 0x38, 0x07, 0x80 };
    ImageHeader header = { 0 };
    g_autoptr(GByteArray) file = g_byte_array_new();
    g_byte_array_append(file, (const guint8 *)"\xff\xd8\xff\xe1\xff\xff", 6);
    g_byte_array_set_size(file, 6 + 0xffff - 2);
    memset(file->data + 6, 0xff, file->len - 6);
    g_assert_false(has_header(file->data, file->len, &header));
    g_byte_array_append(file, end, sizeof end);
    g_assert_true(has_header(file->data, file->len, &header));
    g_assert_cmpint(header.width, ==, 1920);
    g_assert_cmpint(header.height, ==, 1080);
    for (guint cut = 1; cut < sizeof end; cut++)
        g_assert_false(has_header(file->data, file->len - cut, &header));
    file->data[file->len - 4] = 0xff; /* 65,336 lines */
    g_assert_false(has_header(file->data, file->len, &header));
    file->data[file->len - sizeof end + 1] = 0xda; /* a scan, and no size */
    g_assert_false(has_header(file->data, file->len, &header));
    g_byte_array_set_size(file, 1 << 20); /* no end of filling */
    memset(file->data + 2, 0xff, file->len - 2);
    g_assert_false(has_header(file->data, file->len, &header));
    g_assert_false(has_header((const guint8 *)"GIF89a, not really", 18, &header));
}

/* Each kind of PNG, with odd sizes: white is white, and what is not opaque stays so. */
static void test_kinds(void)
{
    static const enum AVPixelFormat formats[] = { AV_PIX_FMT_RGB24,    AV_PIX_FMT_RGBA,
                                                  AV_PIX_FMT_RGB48BE,  AV_PIX_FMT_RGBA64BE,
                                                  AV_PIX_FMT_GRAY8,    AV_PIX_FMT_YA8,
                                                  AV_PIX_FMT_GRAY16BE, AV_PIX_FMT_YA16BE };
    for (guint i = 0; i < G_N_ELEMENTS(formats); i++) {
        for (int fill = 0; fill <= 255; fill += 255) {
            g_autoptr(GBytes) file = png_of(formats[i], 31, 17, fill);
            g_autoptr(GError) error = NULL;
            g_autoptr(Image) image = decode(file, &error);
            g_assert_no_error(error);
            g_assert_cmpint(image_width(image), ==, 31);
            g_assert_cmpint(image_height(image), ==, 17);
            assert_header(file, "image/png", 31, 17);
            const AVFrame *frame = image_frame(image);
            g_assert_cmpint(frame->format, ==, AV_PIX_FMT_YUVA420P);
            g_assert_cmpint(frame->width, ==, 32);
            g_assert_cmpint(frame->height, ==, 18);
            const gboolean has_alpha =
                formats[i] == AV_PIX_FMT_RGBA || formats[i] == AV_PIX_FMT_RGBA64BE ||
                formats[i] == AV_PIX_FMT_YA8 || formats[i] == AV_PIX_FMT_YA16BE;
            const int alpha = has_alpha ? fill : 255;
            g_assert_cmpint(image_is_opaque(image), ==, alpha == 255);
            for (int y = 0; y < 18; y++) {
                for (int x = 0; x < 32; x++) {
                    g_assert_cmpint(frame->data[3][y * frame->linesize[3] + x], ==, alpha);
                    const int luma = frame->data[0][y * frame->linesize[0] + x];
                    g_assert_cmpint(ABS(luma - (fill ? 235 : 16)), <=, 1);
                    const int u = frame->data[1][y / 2 * frame->linesize[1] + x / 2];
                    g_assert_cmpint(ABS(u - 128), <=, 1);
                }
            }
        }
    }
}

/* What is written can be read, and looks the same. */
static void test_round_trip(void)
{
    static const guint8 colours[][3] = {
        { 16, 128, 128 }, { 235, 128, 128 }, { 82, 90, 240 }, { 145, 54, 34 }, { 41, 240, 110 }
    };
    for (guint i = 0; i < G_N_ELEMENTS(colours); i++) {
        AVFrame *frame = frame_new(AV_PIX_FMT_YUV420P, 64, 48, 0);
        for (int plane = 0; plane < 3; plane++)
            for (int y = 0; y < 48 >> !!plane; y++)
                memset(frame->data[plane] + (gsize)y * frame->linesize[plane], colours[i][plane],
                       64 >> !!plane);
        for (guint format = IMAGE_PNG; format <= IMAGE_JPEG; format++) {
            g_autoptr(GError) error = NULL;
            g_autoptr(GBytes) file = image_encode(frame, (ImageFormat)format, &error);
            g_assert_no_error(error);
            g_autoptr(Image) image = decode(file, &error);
            g_assert_no_error(error);
            assert_header(file, format == IMAGE_PNG ? "image/png" : "image/jpeg", 64, 48);
            g_assert_true(image_is_opaque(image));
            const AVFrame *got = image_frame(image);
            g_assert_cmpint(got->width, ==, 64);
            for (int plane = 0; plane < 3; plane++)
                g_assert_cmpint(ABS(got->data[plane][0] - colours[i][plane]), <=, 3);
        }
        av_frame_free(&frame);
    }
}

static void test_references(void)
{
    g_autoptr(GBytes) file = png_of(AV_PIX_FMT_RGB24, 8, 8, 9);
    Image *one = decode(file, NULL), *other = decode(file, NULL);
    g_assert_cmpuint(image_serial(one), !=, image_serial(other));
    Image *again = image_ref(one);
    image_unref(one);
    g_assert_cmpint(image_width(again), ==, 8);
    image_unref(again);
    image_unref(other);
    image_unref(NULL);
}

/* The size is refused before anything is decoded. */
static void test_sizes(void)
{
    static const guint8 sizes[][8] = { { 0, 0, 0x10, 1, 0, 0, 0, 1 },
                                       { 0, 0, 0x10, 0, 0, 0, 0x10, 0 },
                                       { 0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff },
                                       { 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1 } };
    g_autoptr(GBytes) file = png_of(AV_PIX_FMT_RGB24, 8, 8, 9);
    gsize size;
    g_autofree guint8 *png = g_memdup2(g_bytes_get_data(file, NULL), g_bytes_get_size(file));
    size = g_bytes_get_size(file);
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        memcpy(png + 16, sizes[i], 8);
        assert_refused(png, size, TESSERA_ERROR_TOO_LARGE);
    }
    memset(png + 16, 0, 8);
    assert_refused(png, size, TESSERA_ERROR_INVALID);
    /* More than there is in it. */
    memcpy(png + 16, (guint8[]){ 0, 0, 0x10, 0, 0, 0, 0x08, 0 }, 8);
    assert_refused(png, size, TESSERA_ERROR_INVALID);

    static const guint8 jpeg[] = { 0xff, 0xd8, 0xff, 0xc0, 0, 11,   8, 0x20, 0,
                                   0x20, 0,    1,    1,    0, 0x11, 0, 0xff, 0xd9 };
    assert_refused(jpeg, sizeof jpeg, TESSERA_ERROR_TOO_LARGE);
    guint8 lossless[sizeof jpeg];
    memcpy(lossless, jpeg, sizeof jpeg);
    lossless[3] = 0xc3;
    assert_refused(lossless, sizeof lossless, TESSERA_ERROR_UNSUPPORTED);
    g_autofree guint8 *much = g_malloc0(IMAGE_MAX_BYTES + 1);
    assert_refused(much, IMAGE_MAX_BYTES + 1, TESSERA_ERROR_TOO_LARGE);
    assert_refused((const guint8 *)"GIF89a.........", 15, TESSERA_ERROR_UNSUPPORTED);
    assert_refused(NULL, 0, TESSERA_ERROR_UNSUPPORTED);
}

/* FALSE: its header is refused, before anything is inflated or decoded. */
static gboolean has_kind(const guint8 *png, gsize size)
{
    ImageScan scan;
    g_autoptr(GError) error = NULL;
    if (image_scan(png, size, &scan, &error)) {
        g_byte_array_unref(scan.file);
        return TRUE;
    }
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
    return FALSE;
}

/* What no PNG is might ask for a gigabyte of rows: the kinds of ISO 15948 and no others. */
static void test_kinds_that_are_none(void)
{
    static const guint16 depths[256] = { [0] = 1 << 1 | 1 << 2 | 1 << 4 | 1 << 8,
                                         [2] = 1 << 8,
                                         [3] = 1 << 1 | 1 << 2 | 1 << 4 | 1 << 8,
                                         [4] = 1 << 8,
                                         [6] = 1 << 8 };
    g_autoptr(GBytes) file = png_of(AV_PIX_FMT_RGBA64BE, 64, 64, 0);
    const gsize size = g_bytes_get_size(file);
    g_autofree guint8 *png = g_memdup2(g_bytes_get_data(file, NULL), size);
    png[16 + 3] = png[16 + 7] = 8; /* so that it has rows enough whatever it claims */
    for (guint colour = 0; colour < 256; colour++) {
        for (guint depth = 0; depth < 256; depth++) {
            gboolean sixteen = depth == 16 && depths[colour] && colour != 3;
            gboolean good = sixteen || (depth < 16 && depths[colour] >> depth & 1);
            png[16 + 8] = (guint8)depth;
            png[16 + 9] = (guint8)colour;
            g_assert_cmpint(has_kind(png, size), ==, good);
        }
    }
    png[16 + 8] = 8;
    png[16 + 9] = 6;
    for (guint i = 10; i <= 12; i++) {
        png[16 + i] = i == 12 ? 2 : 1;
        g_assert_false(has_kind(png, size));
        png[16 + i] = 0;
    }
    g_assert_true(has_kind(png, size));
}

static GBytes *jpeg_of(int width, int height)
{
    AVFrame *frame = frame_new(AV_PIX_FMT_YUV420P, width, height, 90);
    for (int i = 0; i < 40; i++)
        frame->data[0][i * frame->linesize[0] + i] = 200;
    GBytes *file = image_encode(frame, IMAGE_JPEG, NULL);
    av_frame_free(&frame);
    return file;
}

/* A small file that asks for a great many passes over the picture. */
static void test_scans(void)
{
    g_autoptr(GBytes) file = jpeg_of(64, 48);
    const guint8 *data = g_bytes_get_data(file, NULL);
    const gsize size = g_bytes_get_size(file);
    gsize scan = 0;
    for (gsize i = 0; i + 1 < size && !scan; i++) {
        if (data[i] == 0xff && data[i + 1] == 0xda)
            scan = i;
    }
    g_assert_cmpuint(scan, >, 0);
    g_autoptr(GByteArray) many = g_byte_array_new();
    g_byte_array_append(many, data, (guint)scan);
    for (guint i = 0; i < 1000; i++)
        g_byte_array_append(many, data + scan, (guint)(size - 2 - scan));
    g_byte_array_append(many, (const guint8 *)"\xff\xd9", 2);
    assert_refused(many->data, many->len, TESSERA_ERROR_INVALID);
}

/* Cut anywhere, changed anywhere: an image or an error, never anything else. */
static void test_damaged(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    g_autoptr(GBytes) png = png_of(AV_PIX_FMT_RGBA, 40, 40, 77);
    g_autoptr(GBytes) jpeg = jpeg_of(64, 48);
    GBytes *const files[] = { png, jpeg };
    for (guint f = 0; f < G_N_ELEMENTS(files); f++) {
        gsize size;
        const guint8 *data = g_bytes_get_data(files[f], &size);
        for (gsize cut = 0; cut < size - 20; cut++) {
            g_autofree guint8 *part = g_memdup2(data, cut);
            g_autoptr(GError) error = NULL;
            g_autoptr(Image) image = image_decode(part, cut, &error);
            g_assert_true(!image == !!error);
        }
        for (guint round = 0; round < 2000; round++) {
            g_autofree guint8 *part = g_memdup2(data, size);
            for (gint n = g_rand_int_range(rand, 1, 6); n > 0; n--)
                part[g_rand_int_range(rand, 0, (gint32)size)] = (guint8)g_rand_int(rand);
            g_autoptr(GError) error = NULL;
            g_autoptr(Image) image = image_decode(part, size, &error);
            g_assert_true(!image == !!error);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/image/headers", test_headers);
    g_test_add_func("/image/kinds", test_kinds);
    g_test_add_func("/image/kinds-that-are-none", test_kinds_that_are_none);
    g_test_add_func("/image/round-trip", test_round_trip);
    g_test_add_func("/image/references", test_references);
    g_test_add_func("/image/sizes", test_sizes);
    g_test_add_func("/image/scans", test_scans);
    g_test_add_func("/image/damaged", test_damaged);
    return g_test_run();
}
