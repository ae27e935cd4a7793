#pragma once

#include <gio/gio.h>

#include "io/rtmp_hub.h"
#include "io/rtmp_play.h"

/* One connection to the RTMP server: its socket, TLS and session, and where its media go or come
 * from. Counted: handles may hold it after it closed. Rtmp thread, except where it says otherwise.
 */

#define RTMP_STALL_NS  (10 * G_GINT64_CONSTANT(1000000000)) /* nothing of what waits was taken */
#define RTMP_LINGER_NS (2 * G_GINT64_CONSTANT(1000000000))  /* to read the last words */

/** Takes the socket over and joins the hub, which then holds a reference of it. */
void rtmp_connection_open(RtmpHub *hub, GSocket *socket, gboolean secure, const char *peer,
                          gint64 now_ns);

/** Any thread. */
RtmpConnection *rtmp_connection_ref(RtmpConnection *connection);
void rtmp_connection_unref(RtmpConnection *connection);
RtmpHub *rtmp_connection_hub(const RtmpConnection *connection);
const char *rtmp_connection_peer(const RtmpConnection *connection);  /* IP address */
const char *rtmp_connection_block(const RtmpConnection *connection); /* see address_block() */
gboolean rtmp_connection_is_secure(const RtmpConnection *connection);

/** Any thread: there are packets to play, or no more. */
void rtmp_connection_wake(RtmpConnection *connection);

/** Any thread: end it in order, with the last words. */
void rtmp_connection_end(RtmpConnection *connection);

/** Timeouts. At least once a second. */
void rtmp_connection_tick(RtmpConnection *connection, gint64 now_ns);

/** Close now. reason: for the log, or NULL. */
void rtmp_connection_close(RtmpConnection *connection, const char *reason);

/** Answers to its request; when it has closed meanwhile, those who wait are told so (also on
 *  another thread, after the rtmp thread has stopped). */
void rtmp_connection_accept_publish(RtmpConnection *connection, const MediaEvents *events,
                                    gpointer user, GDestroyNotify user_free);
void rtmp_connection_accept_play(RtmpConnection *connection, RtmpPlay *play);
void rtmp_connection_refuse(RtmpConnection *connection, const char *reason);

/** End what was accepted; reason as in rtmp_session_end(). */
void rtmp_connection_finish(RtmpConnection *connection, const char *reason);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RtmpConnection, rtmp_connection_unref)
