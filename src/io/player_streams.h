#pragma once

#include <glib.h>
#include <libavformat/avformat.h>

#include "io/media_source.h"

/* Which of a file's streams are played: one of pictures, one of sound, of one variant. */

typedef struct {
    int chosen[2]; /* by kind; -1: none yet */
    AVCodecParameters *parameters[2];
} PlayerStreams;

void player_streams_clear(PlayerStreams *streams);

/** Choose from those that are known after opening; others are found by and by.
 *  TESSERA_ERROR_UNSUPPORTED: there is neither picture nor sound; _TOO_LARGE. */
gboolean player_streams_choose(PlayerStreams *streams, AVFormatContext *context, GError **error);

/** TRUE if a packet of this stream is to be played, and as what. */
gboolean player_streams_wants(PlayerStreams *streams, AVFormatContext *context, int index,
                              MediaKind *kind);

/** Take over what the packet says of its stream. TESSERA_ERROR_TOO_LARGE. */
gboolean player_streams_update(PlayerStreams *streams, AVFormatContext *context, MediaKind kind,
                               const AVPacket *packet, GError **error);

/** -1: none. */
int player_streams_index(const PlayerStreams *streams, MediaKind kind);

/** (transfer none) As of the last packet. */
const AVCodecParameters *player_streams_parameters(const PlayerStreams *streams, MediaKind kind);

/** The same stream for a decoder. */
gboolean player_streams_same(const AVCodecParameters *a, const AVCodecParameters *b);
