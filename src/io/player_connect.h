#pragma once

#include <gio/gio.h>
#include <libavutil/dict.h>

#include "io/media_url.h"

/* Where the URLs of one input really lead: a name is resolved, every address checked against the
 * policy. One thread, besides player_connect_cancel(). */

typedef struct PlayerConnect PlayerConnect;

/** policy: a reference is taken; NULL: the deny list alone. */
PlayerConnect *player_connect_new(MediaUrlPolicy *policy);
void player_connect_free(PlayerConnect *connect);

/** Before the input is opened anew: addresses have no names yet. */
void player_connect_forget(PlayerConnect *connect);

/** (transfer full) The URL to hand to libavformat instead of this one, with what its protocol must
 * be told added to *options: an address in place of the name, and the name where the protocol says
 * it; under TLS the name, of which the server must prove that it is its own. A playlist's relative
 * URLs come back with the address: they are told the name that it stood for. "crypto+" and the
 * like before an HLS segment stay. Blocks until the name is resolved or the input is cancelled.
 *  TESSERA_ERROR_INVALID, _FORBIDDEN, _UNAVAILABLE. */
char *player_connect_url(PlayerConnect *connect, const char *text, AVDictionary **options,
                         GError **error);

/** For good: resolving fails, now and from now on. Any thread. */
void player_connect_cancel(PlayerConnect *connect);

/** It comes in real time (rtmp, rtmps, rtsp, srt). */
gboolean player_connect_is_live(const MediaUrl *url);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(PlayerConnect, player_connect_free)
