#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "mixer/image.h"
#include "mixer/image_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    const uint8_t *data;
    size_t size;
} Bytes;

static gboolean read_bytes(gpointer user, gsize offset, guint8 *into, gsize size)
{
    const Bytes *bytes = user;
    if (offset > bytes->size || size > bytes->size - offset)
        return FALSE;
    memcpy(into, bytes->data + offset, size);
    return TRUE;
}

/* Whatever is accepted has even sides within the limits, and all of its pixels can be read. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    Bytes bytes = { data, size };
    ImageHeader header = { 0 };
    gboolean described = image_read_header(read_bytes, &bytes, &header);
    g_autoptr(Image) image = image_decode(data, size, &error);
    g_assert_true(!image == !!error);
    if (!image)
        return 0;
    const AVFrame *frame = image_frame(image);
    g_assert_cmpint(image_width(image), >, 0);
    g_assert_true(!described ||
                  (header.width == image_width(image) && header.height == image_height(image)));
    g_assert_cmpint(frame->width, ==, (image_width(image) + 1) & ~1);
    g_assert_cmpint(frame->height, ==, (image_height(image) + 1) & ~1);
    g_assert_cmpint(frame->width * frame->height, <=, IMAGE_MAX_PIXELS + 2 * IMAGE_MAX_SIDE);
    guint sum = 0;
    for (int y = 0; y < frame->height; y++)
        for (int x = 0; x < frame->width; x++)
            sum += frame->data[0][(gsize)y * frame->linesize[0] + x] +
                   frame->data[3][(gsize)y * frame->linesize[3] + x];
    return sum == 1 ? -1 : 0;
}
