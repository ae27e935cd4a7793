#pragma once

#include <stdint.h>

#include "codecs/payload.h"

/* One input is a frame: payloads, each after its length in two bytes. They are read and put
 * together; whatever comes out is cut into payloads again, which must keep to their limit. */

static inline void fuzz_append(const PayloadFormat *format, GByteArray *frame, const uint8_t *data,
                               size_t size)
{
    /* An exact copy, so that a sanitizer sees a read past the end. */
    g_autofree uint8_t *payload = g_memdup2(data, size);
    PayloadInfo info;
    if (format->parse(payload, size, &info) && !format->append(frame, payload, size, &info))
        g_byte_array_set_size(frame, 0);
}

static inline void fuzz_repacketize(const PayloadFormat *format, const GByteArray *frame)
{
    static const PayloadTags tags = {
        .picture_id = 1, .tl0_pic_idx = 2, .temporal_id = 1, .temporal_layers = 3
    };
    g_autofree uint8_t *copy = g_memdup2(frame->data, frame->len);
    AVPacket packet = { .data = copy, .size = (int)frame->len, .flags = AV_PKT_FLAG_KEY };
    g_autoptr(GArray) fragments = g_array_new(FALSE, FALSE, sizeof(PayloadFragment));
    g_autoptr(GByteArray) payload = g_byte_array_new();
    g_autoptr(GByteArray) again = g_byte_array_new();
    if (!format->packetize(&packet, &tags, 40, fragments))
        return;
    for (guint i = 0; i < fragments->len; i++) {
        const PayloadFragment *fragment = &g_array_index(fragments, PayloadFragment, i);
        g_assert(fragment->header_size <= sizeof fragment->header);
        g_byte_array_append(payload, fragment->header, fragment->header_size);
        g_byte_array_append(payload, fragment->data, (guint)fragment->size);
        if (fragment->continues)
            continue;
        g_assert(payload->len <= 40);
        PayloadInfo info;
        if (!format->parse(payload->data, payload->len, &info) ||
            !format->append(again, payload->data, payload->len, &info))
            return;
        g_byte_array_set_size(payload, 0);
    }
    if (format->finish)
        format->finish(again);
}

static inline int fuzz_payload(const PayloadFormat *format, const uint8_t *data, size_t size)
{
    g_autoptr(GByteArray) frame = g_byte_array_new();
    while (size >= 2) {
        size_t length = MIN((size_t)data[0] << 8 | data[1], size - 2);
        fuzz_append(format, frame, data + 2, length);
        data += 2 + length;
        size -= 2 + length;
    }
    if (!format->finish || format->finish(frame))
        fuzz_repacketize(format, frame);
    return 0;
}
