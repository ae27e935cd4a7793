/* The beginning of a connection as anybody may send it, and all that follows: a whole session. The
 * first byte says in which pieces it comes, and what is answered to requests. */
#include <glib.h>
#include <stdint.h>

#include "base/clock.h"
#include "io/rtmp_handshake.h"
#include "io/rtmp_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
    RtmpSession *session;
    guint8 answer;
} Peer;

static void on_request(RtmpRequestKind kind, RtmpTarget *target, gpointer user)
{
    Peer *peer = user;
    (void)kind;
    g_assert_nonnull(rtmp_target_room(target));
    g_assert_nonnull(rtmp_target_name(target));
    rtmp_target_arg(target, "token");
    if (peer->answer & 1)
        rtmp_session_accept(peer->session, 0);
    else if (peer->answer & 2)
        rtmp_session_refuse(peer->session, "no");
}

static guint touched;

static void on_media(MediaKind kind, guint32 timestamp_ms, const guint8 *data, gsize size,
                     gint64 now_ns, gpointer user)
{
    (void)kind;
    (void)timestamp_ms;
    (void)now_ns;
    (void)user;
    for (gsize i = 0; i < size; i++)
        touched += data[i];
}

static void feed_session(RtmpSession *session, const uint8_t *data, size_t size, gsize piece)
{
    for (gsize pos = 0; pos < size; pos += piece) {
        g_autofree guint8 *exact = g_memdup2(data + pos, MIN(piece, size - pos));
        rtmp_session_feed(session, exact, MIN(piece, size - pos), 0);
        g_assert_cmpuint(rtmp_session_memory(session), <, (gsize)32 << 20);
        if (!rtmp_session_wants_input(session))
            rtmp_session_accept(session, 0);
    }
    rtmp_session_tick(session, 60 * NS_PER_SEC);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const RtmpSessionEvents events = { .request = on_request, .media = on_media };
    static const guint8 hello[1 + 2 * RTMP_HANDSHAKE_SIZE] = { 3 };
    if (size == 0)
        return 0;
    Peer peer = { .answer = data[0] };
    gsize piece = 1 + (data[0] >> 2) * 64u;
    peer.session = rtmp_session_new(&events, &peer, 0);
    feed_session(peer.session, data + 1, size - 1, piece);
    rtmp_session_free(peer.session);

    /* Again behind a handshake, which the fuzzer need not find. */
    peer.session = rtmp_session_new(&events, &peer, 0);
    feed_session(peer.session, hello, sizeof hello, sizeof hello);
    feed_session(peer.session, data + 1, size - 1, piece);
    rtmp_session_free(peer.session);
    return 0;
}
