#include <stdint.h>

#include "codecs/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte chooses: the header of a video codec, or an Opus packet. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const CodecType *const types[] = { &codec_vp8, &codec_vp9, &codec_h264, &codec_av1 };
    if (size == 0)
        return 0;
    g_autofree uint8_t *copy = g_memdup2(data + 1, size - 1);
    guint choice = data[0] % 5;
    if (choice < G_N_ELEMENTS(types)) {
        VideoFrameHeader header;
        if (types[choice]->peek(copy, size - 1, &header) && header.has_size)
            g_assert(header.width > 0 && header.height > 0);
    } else if (audio_packet_duration(&codec_opus, copy, size - 1) < 0) {
        g_assert(!audio_packet_has_fec(&codec_opus, copy, 0));
    } else {
        audio_packet_has_fec(&codec_opus, copy, size - 1);
    }
    return 0;
}
