#pragma once

#include "codecs/codec.h"

/* An encoded clip (VP8 or VP9 in IVF, Opus in Ogg) as the RTP payloads that a sender would make of
 * it, all in memory: feeding it costs next to nothing. */

/** One RTP payload. */
typedef struct {
    GBytes *payload;
    gint64 time_ns; /* since the beginning of the clip */
    gboolean marker;
} MediaPayload;

typedef struct {
    const CodecType *codec;
    GArray *payloads; /* of MediaPayload, in order of sending */
    gint64 duration_ns;
    guint frames;
} MediaFile;

/** By the ending of the name: .ivf or .ogg. Errors: TESSERA_ERROR_INVALID, or of the file system.
 */
MediaFile *media_file_load(const char *path, GError **error);
void media_file_free(MediaFile *file);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MediaFile, media_file_free)
