#include "io/rtmp_handshake.h"

#include <string.h>

#define RTMP_VERSION 3

struct RtmpHandshake {
    guint32 seed;
    gboolean version_read;
    guint8 c1[RTMP_HANDSHAKE_SIZE];
    gsize c1_size, c2_size;
};

RtmpHandshake *rtmp_handshake_new(guint32 seed)
{
    RtmpHandshake *handshake = g_new0(RtmpHandshake, 1);
    handshake->seed = seed;
    return handshake;
}

void rtmp_handshake_free(RtmpHandshake *handshake)
{
    g_free(handshake);
}

/* Time and version are zero. */
static void rtmp_handshake_answer(RtmpHandshake *handshake, GByteArray *out)
{
    guint8 s0 = RTMP_VERSION;
    guint8 s1[RTMP_HANDSHAKE_SIZE] = { 0 };
    guint32 state = handshake->seed;
    for (gsize i = 8; i < sizeof s1; i++) {
        state = state * 1664525 + 1013904223;
        s1[i] = (guint8)(state >> 24);
    }
    g_byte_array_append(out, &s0, 1);
    g_byte_array_append(out, s1, sizeof s1);
    g_byte_array_append(out, handshake->c1, sizeof handshake->c1);
}

RtmpHandshakeState rtmp_handshake_feed(RtmpHandshake *handshake, const guint8 *data, gsize size,
                                       gsize *used, GByteArray *out)
{
    *used = 0;
    if (!handshake->version_read && size > 0) {
        if (data[0] != RTMP_VERSION)
            return RTMP_HANDSHAKE_FAILED;
        handshake->version_read = TRUE;
        *used = 1;
    }
    gsize n = MIN(size - *used, sizeof handshake->c1 - handshake->c1_size);
    if (n > 0) {
        memcpy(handshake->c1 + handshake->c1_size, data + *used, n);
        handshake->c1_size += n;
        *used += n;
        if (handshake->c1_size == sizeof handshake->c1)
            rtmp_handshake_answer(handshake, out);
    }
    if (handshake->c1_size < sizeof handshake->c1)
        return RTMP_HANDSHAKE_MORE;
    n = MIN(size - *used, RTMP_HANDSHAKE_SIZE - handshake->c2_size);
    handshake->c2_size += n;
    *used += n;
    return handshake->c2_size == RTMP_HANDSHAKE_SIZE ? RTMP_HANDSHAKE_DONE : RTMP_HANDSHAKE_MORE;
}
