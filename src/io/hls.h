#pragma once

#include "io/sink.h"

/* A sink that keeps a live HLS presentation in memory (RFC 8216, version 7: fragmented MP4):
 * segments of about two seconds, cut at key frames; the newest six are in the playlist, those that
 * left it stay for as long as a player may still ask for them. One H.264, VP9 or AV1 stream, one
 * AAC or Opus stream, or only one of both. RUNNING from the first segment on; after sink_finish()
 * it ends with EXT-X-ENDLIST and can be read until it is freed. */

/** events may be NULL. Never fails. */
Sink *hls_new(const SinkEvents *events);

/** "index.m3u8", "init.mp4" or "seg-N.m4s" (transfer full), its content type, and for how many
 * seconds it may be cached; NULL: there is no such file, or not yet. Any thread; never waits for
 * the mix. */
GBytes *hls_get(Sink *sink, const char *file, const char **content_type, guint *cache_seconds);
