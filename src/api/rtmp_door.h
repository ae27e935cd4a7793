#pragma once

#include <glib.h>

#include "base/thread.h"
#include "io/rtmp_server.h"

/* The rooms' door for RTMP: who publishes becomes a participant, who plays gets the mix.
 *
 *   rtmp://host/{room}/{name}?token=...    publish: grant publish; role=NAME besides, as for WHIP
 *   rtmp://host/{room}/{layout}?token=...  play: grant view; "room": the room's own layout
 *
 * RtmpServer (its own thread) -> mailbox -> here, on the control thread -> room/room_media.h */

typedef struct RtmpDoor RtmpDoor;

struct Api;

/** Listen on rtmp.listen and rtmp.tls_listen. NULL without an error: both are empty. Errors are one
 *  sentence that names the setting. */
RtmpDoor *rtmp_door_new(struct Api *api, GError **error) ON_CONTROL_THREAD;

/** Take no more connections and end all: publishers are told, players play their end. */
void rtmp_door_drain(RtmpDoor *door) ON_CONTROL_THREAD;

/** Waits up to two seconds until everybody has been told. */
void rtmp_door_free(RtmpDoor *door) ON_CONTROL_THREAD;

/** FALSE: it does not listen. Any thread. */
gboolean rtmp_door_stats(const RtmpDoor *door, RtmpServerStats *stats);

/** (transfer full) "rtmp://127.0.0.1:1935/" or, secure, "rtmps://..."; NULL: it does not listen. */
char *rtmp_door_url(const RtmpDoor *door, gboolean secure);
