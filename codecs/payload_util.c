#include "codecs/payload_util.h"

#include <string.h>

void payload_info_init(PayloadInfo *info)
{
    *info = (PayloadInfo){ .picture_id = -1, .tl0_pic_idx = -1 };
}

gboolean payload_append_bytes(GByteArray *frame, const guint8 *data, gsize size)
{
    if (size > PAYLOAD_MAX_FRAME || frame->len > PAYLOAD_MAX_FRAME - size)
        return FALSE;
    g_byte_array_append(frame, data, (guint)size);
    return TRUE;
}

gsize payload_piece(gsize size, gsize pos, gsize max_piece)
{
    gsize pieces = (size + max_piece - 1) / max_piece;
    gsize step = (size + pieces - 1) / pieces;
    return MIN(step, size - pos);
}

gsize payload_take_state(GByteArray *frame)
{
    guint32 open = 0;
    if (frame->len < sizeof open)
        return 0;
    memcpy(&open, frame->data + frame->len - sizeof open, sizeof open);
    g_byte_array_set_size(frame, frame->len - (guint)sizeof open);
    return MIN(open, frame->len);
}

void payload_put_state(GByteArray *frame, gsize open)
{
    guint32 state = (guint32)open;
    g_byte_array_append(frame, (const guint8 *)&state, sizeof state);
}
