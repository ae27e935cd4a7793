#pragma once

#include <glib.h>

#include "io/media_source.h"
#include "io/rtmp_target.h"

/* The protocol of one connection to our RTMP server: bytes in, events out, and bytes to send. Pure:
 * sockets, TLS and clocks are its owner's. One thread.
 *
 *   handshake -> connect -> publish or play asked for -> accepted -> media ... -> closed
 *
 * One stream is published or played on a connection; when it ends, the connection does. */

typedef struct RtmpSession RtmpSession;

typedef enum { RTMP_PUBLISH, RTMP_PLAY } RtmpRequestKind;

#define RTMP_HANDSHAKE_TIMEOUT_NS (5 * G_GINT64_CONSTANT(1000000000))
#define RTMP_REQUEST_TIMEOUT_NS \
    (10 * G_GINT64_CONSTANT(1000000000))                            /* handshake to publish, play */
#define RTMP_ANSWER_TIMEOUT_NS (30 * G_GINT64_CONSTANT(1000000000)) /* ours */
#define RTMP_IDLE_TIMEOUT_NS   (10 * G_GINT64_CONSTANT(1000000000)) /* of a publisher */
#define RTMP_PING_INTERVAL_NS  (10 * G_GINT64_CONSTANT(1000000000)) /* of a player */
#define RTMP_PLAYER_TIMEOUT_NS (40 * G_GINT64_CONSTANT(1000000000)) /* without a byte of it */

/** Called from within rtmp_session_feed() and rtmp_session_accept(). */
typedef struct {
    /** Answer with rtmp_session_accept() or rtmp_session_refuse(), now or later. target: transfer
     *  none, counted. */
    void (*request)(RtmpRequestKind kind, RtmpTarget *target, gpointer user);

    /** The body of a tag of an accepted publisher. */
    void (*media)(MediaKind kind, guint32 timestamp_ms, const guint8 *data, gsize size,
                  gint64 now_ns, gpointer user);
} RtmpSessionEvents;

RtmpSession *rtmp_session_new(const RtmpSessionEvents *events, gpointer user, gint64 now_ns);
void rtmp_session_free(RtmpSession *session);

/** Bytes from the peer. While a request waits for its answer nothing is read on: keep further bytes
 *  in the socket until rtmp_session_wants_input() again. */
gboolean rtmp_session_wants_input(const RtmpSession *session);
void rtmp_session_feed(RtmpSession *session, const guint8 *data, gsize size, gint64 now_ns);

/** Time passes: timeouts and pings. At least once a second. */
void rtmp_session_tick(RtmpSession *session, gint64 now_ns);

/** Bytes for the peer (transfer none): take them from its front with g_byte_array_remove_range().
 */
GByteArray *rtmp_session_output(RtmpSession *session);

/** TRUE: send what is in the output, then close. It never opens again. */
gboolean rtmp_session_is_closed(const RtmpSession *session);

/** TRUE: the peer ended its stream in order; it closes the connection itself (GStreamer takes it
 * for an error when we do). */
gboolean rtmp_session_is_left(const RtmpSession *session);

/** Why it closed, for a log (transfer none); NULL: the peer ended its stream as it should, or we
 *  did. */
const char *rtmp_session_fault(const RtmpSession *session);

/** Answer to the request. Nothing happens if the session was closed meanwhile. */
void rtmp_session_accept(RtmpSession *session, gint64 now_ns);

/** reason: a sentence that the peer's user may read; the session closes. */
void rtmp_session_refuse(RtmpSession *session, const char *reason);

/** One message to an accepted player: the body of an audio or video tag, or metadata. FALSE: it
 *  has closed, or plays not yet, or pauses. */
gboolean rtmp_session_send_media(RtmpSession *session, MediaKind kind, guint32 timestamp_ms,
                                 const GByteArray *body);
gboolean rtmp_session_send_metadata(RtmpSession *session, const GByteArray *body);

/** TRUE: the player asked for a pause; it wants nothing until it goes on, at a key frame. */
gboolean rtmp_session_is_paused(const RtmpSession *session);

/** End what was accepted from our side: tell the peer, then close. reason: why a publisher must
 * stop; a player is told that the stream ended. */
void rtmp_session_end(RtmpSession *session, const char *reason);

/** Bytes that this session holds. */
gsize rtmp_session_memory(const RtmpSession *session);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RtmpSession, rtmp_session_free)
