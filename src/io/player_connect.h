#pragma once

#include <gio/gio.h>
#include <libavutil/dict.h>

#include "io/media_url.h"

/* Where a URL really leads: its name is resolved, every address checked against the policy. */

/** (transfer full) The URL to hand to libavformat instead of this one, with what its protocol must
 * be told added to *options: an address in place of the name, and the name where the protocol says
 * it; under TLS the name, of which the server must prove that it is its own. "crypto+" and the like
 *  before an HLS segment stay. Blocks until the name is resolved or `cancellable` is cancelled.
 *  TESSERA_ERROR_INVALID, _FORBIDDEN, _UNAVAILABLE. */
char *player_connect_url(const char *text, const MediaUrlPolicy *policy, GCancellable *cancellable,
                         AVDictionary **options, GError **error);

/** It comes in real time (rtmp, rtmps, rtsp, srt). */
gboolean player_connect_is_live(const MediaUrl *url);
