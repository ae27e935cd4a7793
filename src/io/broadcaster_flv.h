#pragma once

#include "io/broadcaster_output.h"
#include "io/rtmp_chunk.h"

/* Packets to the payloads of RTMP's messages: libavformat's FLV muxer writes into memory, its tags
 * are handed on one by one (metadata and sequence headers first). One thread. */

typedef struct BroadcasterFlv BroadcasterFlv;

/** TESSERA_ERROR_UNSUPPORTED if FLV cannot hold these streams. */
BroadcasterFlv *broadcaster_flv_new(const BroadcasterStreams *streams, GError **error);
void broadcaster_flv_free(BroadcasterFlv *flv);

/** Times in microseconds; the packet's times are changed. TESSERA_ERROR_INTERNAL. */
gboolean broadcaster_flv_write(BroadcasterFlv *flv, guint stream, AVPacket *packet, GError **error);

/** The next tag as a message: type, timestamp, data (transfer none, until the next call of any of
 *  these functions). FALSE: none. */
gboolean broadcaster_flv_next(BroadcasterFlv *flv, RtmpMessage *message);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BroadcasterFlv, broadcaster_flv_free)
