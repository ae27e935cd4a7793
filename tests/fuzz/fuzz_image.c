#include <stddef.h>
#include <stdint.h>

#include "mixer/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is accepted has even sides within the limits, and all of its pixels can be read. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Image) image = image_decode(data, size, &error);
    g_assert_true(!image == !!error);
    if (!image)
        return 0;
    const AVFrame *frame = image_frame(image);
    g_assert_cmpint(image_width(image), >, 0);
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
