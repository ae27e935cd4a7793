#pragma once

#include "io/media_url.h"
#include "io/sink.h"

/* A sink that pushes a room to another server: H.264 or AAC or both over rtmp or rtmps (FLV) or srt
 * (MPEG-TS). Names, connections, TLS and writes happen on a thread of its own, bounded in time,
 * behind a queue bounded in time and bytes.
 *
 *   STARTING --> RUNNING <--> RETRYING        sink_finish() --> FINISHING --> FINISHED, within 2 s
 *       \------------\-----------\--> FAILED
 *
 * After each connecting it begins at a key frame, which it asks for, with times from 0. */

typedef struct {
    MediaUrlPolicy *policy; /* which networks may be reached (a reference is taken), or NULL */
    const char *ca_file;    /* PEM certificates to trust instead of the system's, or NULL */
    guint timeout_ms;       /* a destination that is silent or takes nothing for so long is lost;
                               0: 10 s */
    gboolean keep_trying;   /* also a destination that has never worked */
} BroadcasterOptions;

/** NULL with TESSERA_ERROR_INVALID, _UNSUPPORTED or _FORBIDDEN for a URL that can only fail;
 * whether it answers is known later. options may be NULL; it and the URL are copied. The last
 * reference must not be dropped inside one of its own events. */
Sink *broadcaster_new(const char *url, const BroadcasterOptions *options, const SinkEvents *events,
                      GError **error);

/** (transfer none) The URL as it may be shown: no key, password or token. */
const char *broadcaster_shown_url(Sink *sink);
