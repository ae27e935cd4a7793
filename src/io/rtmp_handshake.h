#pragma once

#include <glib.h>

/* The server's side of RTMP's simple handshake (Adobe RTMP 1.0, section 5.2): C0 and C1 in; S0, S1
 * and S2 out; C2 in, whose contents nobody may rely on. Pure.
 *
 * S1 carries version 0: FFmpeg as a player would want a digest from any version of 3 and more. */

typedef struct RtmpHandshake RtmpHandshake;

typedef enum {
    RTMP_HANDSHAKE_MORE,   /* wants more bytes */
    RTMP_HANDSHAKE_DONE,   /* chunks follow */
    RTMP_HANDSHAKE_FAILED, /* not RTMP, or its encrypted kind: close */
} RtmpHandshakeState;

#define RTMP_HANDSHAKE_SIZE 1536 /* of C1, C2, S1, S2 */

/** seed: for the filler of S1, in which nobody puts any trust. */
RtmpHandshake *rtmp_handshake_new(guint32 seed);
void rtmp_handshake_free(RtmpHandshake *handshake);

/** Take bytes of the peer: *used tells how many belong to the handshake. The answer is appended to
 *  `out` as soon as C1 is complete. */
RtmpHandshakeState rtmp_handshake_feed(RtmpHandshake *handshake, const guint8 *data, gsize size,
                                       gsize *used, GByteArray *out);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RtmpHandshake, rtmp_handshake_free)
