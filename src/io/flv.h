#pragma once

#include <glib.h>

#include "io/media_source.h"

/* The bodies of FLV's audio and video tags, which are also RTMP's audio and video messages (Adobe
 * FLV 10.1, annex E; Enhanced RTMP v1 and v2): a publisher's tags to packets. Pure.
 *
 * Sound: AAC, MP3, and by Enhanced RTMP Opus, AAC and MP3. Pictures: H.264 (and HEVC under its
 * unofficial number), and by Enhanced RTMP H.264, HEVC, AV1, VP9 and VP8. Of several tracks the one
 * numbered 0 is taken. */

typedef struct FlvReader FlvReader;

/** events (copied) are called with `user`, from within the functions below; `ended` never is. */
FlvReader *flv_reader_new(const MediaEvents *events, gpointer user);
void flv_reader_free(FlvReader *reader);

/** One tag's body. timestamp_ms is of the sender's clock, and wraps at 2^31 or 2^32: what the
 *  packets carry goes on. FALSE: it was left out, because it is malformed, of an unknown codec, or
 *  before its stream's configuration. */
gboolean flv_reader_tag(FlvReader *reader, MediaKind kind, guint32 timestamp_ms, const guint8 *data,
                        gsize size, gint64 arrival_ns);

/** What came and was left out because of its codec: a sentence for a person (transfer none), or
 *  NULL. */
const char *flv_reader_unsupported(const FlvReader *reader);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FlvReader, flv_reader_free)
