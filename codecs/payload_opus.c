#include "codecs/payload_util.h"

/* RFC 7587: a payload is one Opus packet. */

static gboolean opus_parse(const guint8 *payload, gsize size, PayloadInfo *info)
{
    (void)payload;
    payload_info_init(info);
    info->start = info->end = info->keyframe = TRUE;
    return size > 0;
}

static gboolean opus_append(GByteArray *frame, const guint8 *payload, gsize size,
                            const PayloadInfo *info)
{
    (void)info;
    return frame->len == 0 && payload_append_bytes(frame, payload, size);
}

static gboolean opus_packetize(const AVPacket *frame, const PayloadTags *tags, gsize max_payload,
                               GArray *out)
{
    (void)tags;
    if (frame->size <= 0 || (gsize)frame->size > max_payload)
        return FALSE;
    PayloadFragment fragment = { .data = frame->data, .size = (gsize)frame->size };
    g_array_append_val(out, fragment);
    return TRUE;
}

const PayloadFormat payload_opus = {
    .name = "opus",
    .parse = opus_parse,
    .append = opus_append,
    .packetize = opus_packetize,
};
