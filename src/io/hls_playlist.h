#pragma once

#include <glib.h>

/* The files of a live HLS presentation: the newest segments, and the playlist that names them
 * (RFC 8216). Not locked. */

typedef struct HlsPlaylist HlsPlaylist;

#define HLS_LISTED_SEGMENTS 6
/* Section 6.2.2: a segment stays for the playlist's duration after it left the playlist. */
#define HLS_KEPT_SEGMENTS (2 * HLS_LISTED_SEGMENTS + 1)

/** target_s: no segment is longer (rounded). first: the first segment's number. init is referenced.
 */
HlsPlaylist *hls_playlist_new(guint target_s, guint64 first, GBytes *init);
void hls_playlist_free(HlsPlaylist *playlist);

/** One more segment (transfer full), that begins at this wall-clock time. */
void hls_playlist_add(HlsPlaylist *playlist, GBytes *segment, gint64 duration_us, gint64 wall_us);

/** Nothing follows. */
void hls_playlist_end(HlsPlaylist *playlist);

/** As hls_get(). */
GBytes *hls_playlist_get(HlsPlaylist *playlist, const char *file, const char **content_type,
                         guint *cache_seconds);

/** Bytes of all segments that are kept. */
gsize hls_playlist_memory(const HlsPlaylist *playlist);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HlsPlaylist, hls_playlist_free)
