#pragma once

#include <glib.h>

#include "io/rtmp_hub.h"
#include "io/sink.h"

/* One player's share of a mix: between the sink that a room writes to, on any thread, and the
 * connection that sends, on the rtmp thread. Counted. */

typedef struct RtmpPlay RtmpPlay;

/** (transfer full) The sink, and in *play (transfer full) the connection's end of it. Packets wake
 *  the connection. */
Sink *rtmp_play_new(RtmpConnection *connection, const SinkEvents *events, RtmpPlay **play);
RtmpPlay *rtmp_play_ref(RtmpPlay *play);
void rtmp_play_unref(RtmpPlay *play);

/** Move packets into the session's output until that holds `max` bytes; ends the session when the
 *  sink is finished and nothing is left. Rtmp thread. */
void rtmp_play_pump(RtmpPlay *play, RtmpSession *session, gsize max);

/** The connection has gone: the sink is finished. error: NULL, or why (then it failed). Rtmp thread
 *  (or any, after that has stopped). */
void rtmp_play_ended(RtmpPlay *play, const char *error);

/** Packets left out because the player did not take them in time. Any thread. */
guint64 rtmp_play_dropped(RtmpPlay *play);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RtmpPlay, rtmp_play_unref)
