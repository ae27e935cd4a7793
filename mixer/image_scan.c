#include "mixer/image_scan.h"

#include <gio/gio.h>
#include <libavcodec/avcodec.h>
#include <string.h>

#include "base/error.h"
#include "mixer/image.h"

/*  PNG:  signature, chunks of: length, type, data, CRC (ISO 15948 section 5)
 *  JPEG: segments of: FF marker, length, data; a scan's data has no length (ITU-T T.81 annex B) */

#define PNG_SIGNATURE "\x89PNG\r\n\x1a\n"
#define PNG_IHDR_SIZE 13
/* Where what stands in the header. */
#define PNG_DEPTH       8 /* bits of a sample */
#define PNG_COLOUR      9
#define PNG_COMPRESSION 10
#define PNG_FILTER      11
#define PNG_INTERLACE   12
#define PNG_CHUNK       12 /* bytes of a chunk beside its data */
#define INFLATE_STEP    (1u << 16)

#define JPEG_START      "\xff\xd8\xff"
#define JPEG_SOF0       0xc0
#define JPEG_SOF2       0xc2
#define JPEG_DHT        0xc4
#define JPEG_RST0       0xd0
#define JPEG_RST7       0xd7
#define JPEG_SOI        0xd8
#define JPEG_EOI        0xd9
#define JPEG_SOS        0xda
#define JPEG_DQT        0xdb
#define JPEG_DRI        0xdd
#define JPEG_APP14      0xee
/* Before the size stand profiles and thumbnails, of up to 64 KiB a segment. */
#define JPEG_MAX_STEPS 1024
/* Each scan of a progressive picture walks over all of it; usual are ten. */
#define JPEG_MAX_SCANS 32

typedef struct {
    const guint8 *data;
    gsize left;
} ImageBytes;

static guint32 image_be32(const guint8 *data)
{
    return (guint32)data[0] << 24 | (guint32)data[1] << 16 | (guint32)data[2] << 8 | data[3];
}

static guint image_be16(const guint8 *data)
{
    return (guint)data[0] << 8 | data[1];
}

static void image_skip(ImageBytes *bytes, gsize n)
{
    bytes->data += n;
    bytes->left -= n;
}

static gboolean image_damaged(const char *what, GError **error)
{
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                "the image is damaged (%s): save it once more as PNG or JPEG", what);
    return FALSE;
}

static gboolean image_scan_size(gint64 width, gint64 height, GError **error)
{
    if (width > 0 && height > 0 && width <= IMAGE_MAX_SIDE && height <= IMAGE_MAX_SIDE &&
        width * height <= IMAGE_MAX_PIXELS)
        return TRUE;
    if (width <= 0 || height <= 0)
        return image_damaged("it has no pixels", error);
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_TOO_LARGE,
                "the image has %" G_GINT64_FORMAT "x%" G_GINT64_FORMAT
                " pixels: scale it to at most %d a side and %d in all",
                width, height, IMAGE_MAX_SIDE, IMAGE_MAX_PIXELS);
    return FALSE;
}

/* How many bytes of a zlib stream yield its first `wanted` bytes of content; 0 if it has less. */
static gsize image_png_deflated(const GByteArray *deflated, guint64 wanted)
{
    g_autoptr(GZlibDecompressor) zlib = g_zlib_decompressor_new(G_ZLIB_COMPRESSOR_FORMAT_ZLIB);
    g_autofree guint8 *content = g_malloc(INFLATE_STEP);
    gsize used = 0;
    GConverterResult result = G_CONVERTER_CONVERTED;
    while (used < deflated->len && wanted > 0 && result == G_CONVERTER_CONVERTED) {
        gsize in = 0, out = 0;
        result = g_converter_convert(G_CONVERTER(zlib), deflated->data + used, deflated->len - used,
                                     content, (gsize)MIN(wanted, INFLATE_STEP), 0, &in, &out, NULL);
        used += in;
        wanted -= MIN(wanted, out);
    }
    return wanted ? 0 : used;
}

static guint64 image_png_rows(guint64 width, guint64 height, guint bits)
{
    return width && height ? height * ((width * bits + 7) / 8 + 1) : 0;
}

/* Samples of a pixel; 0: no PNG has this colour type. */
static guint image_png_channels(guint8 colour)
{
    static const guint8 channels[7] = { 1, 0, 3, 1, 2, 0, 4 };
    return colour < G_N_ELEMENTS(channels) ? channels[colour] : 0;
}

/* ISO 15948, table 11.1, and the only methods there are: what a decoder would refuse must not be
 * inflated before, and no header may promise rows without measure. */
static gboolean image_png_is_possible(const guint8 *header)
{
    const guint8 depth = header[PNG_DEPTH], colour = header[PNG_COLOUR];
    const gboolean grey = colour == 0, palette = colour == 3;
    const gboolean fits = depth == 8 || (depth == 16 && !palette) ||
                          ((depth == 1 || depth == 2 || depth == 4) && (grey || palette));
    return fits && image_png_channels(colour) && header[PNG_COMPRESSION] == 0 &&
           header[PNG_FILTER] == 0 && header[PNG_INTERLACE] <= 1;
}

/* Bytes that the rows have in all, with the filter's byte of each: at most 8 a pixel and 1 a row,
 * which image_scan_size() keeps far below 2^64. */
static guint64 image_png_content(const guint8 *header)
{
    static const guint8 adam7[7][4] = { { 0, 0, 8, 8 }, { 4, 0, 8, 8 }, { 0, 4, 4, 8 },
                                        { 2, 0, 4, 4 }, { 0, 2, 2, 4 }, { 1, 0, 2, 2 },
                                        { 0, 1, 1, 2 } };
    const guint64 width = image_be32(header), height = image_be32(header + 4);
    const guint bits = header[PNG_DEPTH] * image_png_channels(header[PNG_COLOUR]);
    if (!header[PNG_INTERLACE])
        return image_png_rows(width, height, bits);
    guint64 content = 0;
    for (guint i = 0; i < 7; i++) {
        const guint8 *pass = adam7[i];
        content += image_png_rows((width + pass[2] - 1 - pass[0]) / pass[2],
                                  (height + pass[3] - 1 - pass[1]) / pass[3], bits);
    }
    return content;
}

static void image_png_append(GByteArray *file, const char *type, const guint8 *data, gsize size)
{
    const guint8 length[4] = { (guint8)(size >> 24), (guint8)(size >> 16), (guint8)(size >> 8),
                               (guint8)size };
    static const guint8 crc[4]; /* not checked by the decoder */
    g_byte_array_append(file, length, 4);
    g_byte_array_append(file, (const guint8 *)type, 4);
    g_byte_array_append(file, data, (guint)size);
    g_byte_array_append(file, crc, 4);
}

/* The pixels of all chunks as one. */
static gboolean image_png_chunks(ImageBytes bytes, GByteArray *file, GByteArray *pixels)
{
    gboolean palette = FALSE, transparent = FALSE;
    while (bytes.left >= PNG_CHUNK) {
        const gsize length = image_be32(bytes.data);
        const guint8 *type = bytes.data + 4;
        if (length > bytes.left - PNG_CHUNK || memcmp(type, "IEND", 4) == 0)
            break;
        if (memcmp(type, "IDAT", 4) == 0) {
            g_byte_array_append(pixels, type + 4, (guint)length);
        } else if (memcmp(type, "PLTE", 4) == 0 && !palette) {
            image_png_append(file, "PLTE", type + 4, length);
            palette = TRUE;
        } else if (memcmp(type, "tRNS", 4) == 0 && !transparent) {
            image_png_append(file, "tRNS", type + 4, length);
            transparent = TRUE;
        }
        image_skip(&bytes, length + PNG_CHUNK);
    }
    return pixels->len > 0;
}

static gboolean image_scan_png(ImageBytes bytes, ImageScan *scan, GError **error)
{
    image_skip(&bytes, strlen(PNG_SIGNATURE));
    if (bytes.left < PNG_IHDR_SIZE + PNG_CHUNK || image_be32(bytes.data) != PNG_IHDR_SIZE ||
        memcmp(bytes.data + 4, "IHDR", 4) != 0)
        return image_damaged("the header is missing", error);
    const guint8 *header = bytes.data + 8;
    if (!image_scan_size(image_be32(header), image_be32(header + 4), error))
        return FALSE;
    if (!image_png_is_possible(header))
        return image_damaged("its header is wrong", error);
    scan->width = (int)image_be32(header);
    scan->height = (int)image_be32(header + 4);
    g_byte_array_append(scan->file, (const guint8 *)PNG_SIGNATURE, strlen(PNG_SIGNATURE));
    image_png_append(scan->file, "IHDR", header, PNG_IHDR_SIZE);
    const guint64 content = image_png_content(header);
    image_skip(&bytes, PNG_IHDR_SIZE + PNG_CHUNK);
    g_autoptr(GByteArray) pixels = g_byte_array_new();
    if (!image_png_chunks(bytes, scan->file, pixels))
        return image_damaged("there are no pixels in it", error);
    /* A decoder inflates what stands behind the last row too: a thousand times as much. */
    const gsize size = image_png_deflated(pixels, content);
    if (!size)
        return image_damaged("it ends too early", error);
    image_png_append(scan->file, "IDAT", pixels->data, size);
    image_png_append(scan->file, "IEND", NULL, 0);
    return TRUE;
}

static gboolean image_jpeg_is_restart(guint8 marker)
{
    return marker >= JPEG_RST0 && marker <= JPEG_RST7;
}

/* Bytes until the next marker that ends a scan's data. */
static gsize image_jpeg_data(ImageBytes bytes)
{
    const guint8 *end = bytes.data + bytes.left;
    for (const guint8 *at = bytes.data; at < end; at++) {
        at = memchr(at, 0xff, (gsize)(end - at));
        if (!at || at + 1 >= end)
            break;
        if (at[1] != 0 && at[1] != 0xff && !image_jpeg_is_restart(at[1]))
            return (gsize)(at - bytes.data);
    }
    return bytes.left;
}

static gboolean image_jpeg_is_frame(guint8 marker)
{
    return marker >= JPEG_SOF0 && marker <= JPEG_SOF2;
}

static gboolean image_jpeg_is_wanted(guint8 marker)
{
    return marker == JPEG_DHT || marker == JPEG_DQT || marker == JPEG_DRI || marker == JPEG_SOS ||
           marker == JPEG_APP14 || image_jpeg_is_frame(marker);
}

/* Where a segment's marker is looked for. */
static gboolean image_jpeg_is_filling(guint8 marker)
{
    return marker == 0xff || marker < JPEG_SOF0 || marker == JPEG_SOI ||
           image_jpeg_is_restart(marker);
}

/* SOF3 to SOF15 are lossless, hierarchical or arithmetic: nobody has them. */
static gboolean image_jpeg_is_exotic(guint8 marker)
{
    return marker > JPEG_SOF2 && marker < JPEG_RST0 && marker != JPEG_DHT;
}

static gboolean image_jpeg_frame(const guint8 *segment, gsize length, ImageScan *scan,
                                 GError **error)
{
    if (scan->width || length < 8)
        return image_damaged("its frame header is wrong", error);
    if (!image_scan_size(image_be16(segment + 5), image_be16(segment + 3), error))
        return FALSE;
    scan->height = (int)image_be16(segment + 3);
    scan->width = (int)image_be16(segment + 5);
    return TRUE;
}

/* `bytes` begins at a segment's marker. Returns how long it is with what belongs to it; 0 with an
 * error. */
static gsize image_jpeg_segment(ImageBytes bytes, ImageScan *scan, GError **error)
{
    const guint8 marker = bytes.data[1];
    const gsize length = bytes.left >= 4 ? image_be16(bytes.data + 2) : 0;
    if (length < 2 || length > bytes.left - 2) {
        image_damaged("a part is cut off", error);
        return 0;
    }
    if (image_jpeg_is_exotic(marker)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNSUPPORTED,
                    "the image is a JPEG of a rare kind: save it as an ordinary one or as PNG");
        return 0;
    }
    if (image_jpeg_is_frame(marker) && !image_jpeg_frame(bytes.data + 2, length, scan, error))
        return 0;
    gsize size = 2 + length;
    if (marker == JPEG_SOS) {
        const ImageBytes data = { bytes.data + size, bytes.left - size };
        size += image_jpeg_data(data);
    }
    if (image_jpeg_is_wanted(marker))
        g_byte_array_append(scan->file, bytes.data, (guint)size);
    return size;
}

static gboolean image_scan_jpeg(ImageBytes bytes, ImageScan *scan, GError **error)
{
    static const guint8 start[2] = { 0xff, JPEG_SOI }, end[2] = { 0xff, JPEG_EOI };
    guint scans = 0;
    g_byte_array_append(scan->file, start, 2);
    image_skip(&bytes, 2);
    while (bytes.left >= 2 && !(bytes.data[0] == 0xff && bytes.data[1] == JPEG_EOI)) {
        if (bytes.data[0] != 0xff || image_jpeg_is_filling(bytes.data[1])) {
            image_skip(&bytes, 1);
            continue;
        }
        scans += bytes.data[1] == JPEG_SOS;
        if (scans > JPEG_MAX_SCANS || (scans && !scan->width))
            return image_damaged("its scans are wrong", error);
        const gsize size = image_jpeg_segment(bytes, scan, error);
        if (!size)
            return FALSE;
        image_skip(&bytes, size);
    }
    g_byte_array_append(scan->file, end, 2);
    return scans > 0 ? TRUE : image_damaged("there are no pixels in it", error);
}

/* --- only the header ---------------------------------------------------------------------- */

static gboolean image_png_header(ImageRead read, gpointer user, ImageHeader *header)
{
    guint8 chunk[8 + 8]; /* length, type, width, height */
    if (!read(user, strlen(PNG_SIGNATURE), chunk, sizeof chunk) ||
        image_be32(chunk) != PNG_IHDR_SIZE || memcmp(chunk + 4, "IHDR", 4) != 0 ||
        !image_scan_size(image_be32(chunk + 8), image_be32(chunk + 12), NULL))
        return FALSE;
    *header = (ImageHeader){ "image/png", (int)image_be32(chunk + 8), (int)image_be32(chunk + 12) };
    return TRUE;
}

static gboolean image_jpeg_header(ImageRead read, gpointer user, ImageHeader *header)
{
    guint8 segment[2 + 7]; /* marker, length, bits, height, width */
    gsize at = 2;
    for (guint i = 0; i < JPEG_MAX_STEPS && read(user, at, segment, 4); i++) {
        const guint8 marker = segment[1];
        const gsize length = image_be16(segment + 2);
        if (segment[0] != 0xff || image_jpeg_is_filling(marker)) {
            at++;
            continue;
        }
        if (marker == JPEG_EOI || marker == JPEG_SOS || image_jpeg_is_exotic(marker) || length < 2)
            return FALSE;
        if (!image_jpeg_is_frame(marker)) {
            at += 2 + length;
            continue;
        }
        if (length < 8 || !read(user, at, segment, sizeof segment) ||
            !image_scan_size(image_be16(segment + 7), image_be16(segment + 5), NULL))
            return FALSE;
        *header = (ImageHeader){ "image/jpeg", (int)image_be16(segment + 7),
                                 (int)image_be16(segment + 5) };
        return TRUE;
    }
    return FALSE;
}

gboolean image_read_header(ImageRead read, gpointer user, ImageHeader *header)
{
    guint8 start[8];
    if (!read(user, 0, start, sizeof start))
        return FALSE;
    if (memcmp(start, PNG_SIGNATURE, sizeof start) == 0)
        return image_png_header(read, user, header);
    return memcmp(start, JPEG_START, 3) == 0 && image_jpeg_header(read, user, header);
}

/* --- all of it ----------------------------------------------------------------------------- */

static gboolean image_scan_any(ImageBytes bytes, ImageScan *scan, GError **error)
{
    if (bytes.left >= 8 && memcmp(bytes.data, PNG_SIGNATURE, 8) == 0) {
        scan->kind = IMAGE_SCAN_PNG;
        return image_scan_png(bytes, scan, error);
    }
    if (bytes.left >= 3 && memcmp(bytes.data, JPEG_START, 3) == 0) {
        scan->kind = IMAGE_SCAN_JPEG;
        return image_scan_jpeg(bytes, scan, error);
    }
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNSUPPORTED,
                "this is neither a PNG nor a JPEG: save the image as one of them");
    return FALSE;
}

gboolean image_scan(const guint8 *data, gsize size, ImageScan *scan, GError **error)
{
    static const guint8 padding[AV_INPUT_BUFFER_PADDING_SIZE];
    if (size > IMAGE_MAX_BYTES) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_TOO_LARGE,
                    "the image has %" G_GSIZE_FORMAT " bytes: make it smaller than %u", size,
                    IMAGE_MAX_BYTES);
        return FALSE;
    }
    *scan = (ImageScan){ .file = g_byte_array_new() };
    if (!image_scan_any((ImageBytes){ data, size }, scan, error)) {
        g_clear_pointer(&scan->file, g_byte_array_unref);
        return FALSE;
    }
    scan->size = scan->file->len;
    g_byte_array_append(scan->file, padding, sizeof padding);
    return TRUE;
}
