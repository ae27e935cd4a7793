#pragma once

#include "api/auth.h"
#include "api/http.h"
#include "room/engine.h"
#include "room/room.h"

/* Everything that the outside can say to the rooms: pages, REST, WHIP, WHEP, signalling, RTMP,
 * metrics.
 *
 *   HttpServer -> api_routes[] -> rooms_api.c  whip_whep.c  metrics.c  pages -> room/room.h
 *              -> /ws          -> signalling.c                               -> room/room.h
 *   RtmpServer -> rtmp_door.c                                           -> room/room_media.h
 */

typedef struct Api Api;

/** `engine` may be NULL (no engine statistics then). All must outlive it. Errors are one sentence.
 */
Api *api_new(const Config *config, Rooms *rooms, Engine *engine, GError **error) ON_CONTROL_THREAD;

/** Open http.listen, https.listen, rtmp.listen and rtmp.tls_listen. */
gboolean api_listen(Api *api, GError **error) ON_CONTROL_THREAD;

/** (transfer full) The i-th address as a URL, or NULL. */
char *api_url(Api *api, guint i);

/** (transfer full) "rtmp://127.0.0.1:1935/" or "rtmps://...": where rooms take and give RTMP, by
 *  {room}/{name} behind it. NULL: it does not listen. */
char *api_rtmp_url(Api *api, gboolean secure);

/** TRUE if a new self-signed certificate was made by api_new(). */
gboolean api_made_certificate(const Api *api);

/** How many clients are here: open WebSockets, and WHIP and WHEP sessions. */
guint api_clients(Api *api) ON_CONTROL_THREAD;

/** Take no more connections, end RTMP and send everyone at /ws away (1001); run the main context
 * until they are gone, at most for a second. */
void api_stop(Api *api) ON_CONTROL_THREAD;
void api_free(Api *api) ON_CONTROL_THREAD;
