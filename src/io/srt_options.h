#pragma once

#include <libavutil/dict.h>

#include "io/media_url.h"

/* What libavformat's SRT is told, whether a room is pushed or a source is pulled. The URL it gets
 * has no query: libsrt would take options out of it (buffers, `mode=listener`) that are not for
 * whoever names an address. */

/** Adds to *options: caller, live, and of the query the stream id, the passphrase and the latency
 *  (milliseconds, 20 to 8000; 120 where none of these is given). */
void srt_options_set(AVDictionary **options, const MediaUrl *url);
