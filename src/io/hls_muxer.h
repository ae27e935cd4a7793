#pragma once

#include <glib.h>
#include <libavcodec/codec_par.h>
#include <libavcodec/packet.h>

/* Fragmented MP4 (CMAF) in memory, by libavformat's muxer. Its fragments carry the packets' own
 * times: libavformat's would count from each stream's first packet, and sound and picture would
 * part. */

typedef struct HlsMuxer HlsMuxer;

#define HLS_MAX_STREAMS 2

/** TESSERA_ERROR_UNSUPPORTED if MP4 cannot hold these streams. */
HlsMuxer *hls_muxer_new(const AVCodecParameters *const *parameters, guint n, GError **error);
void hls_muxer_free(HlsMuxer *muxer);

/** The initialization segment (transfer none). */
GBytes *hls_muxer_init(HlsMuxer *muxer);

/** Take a packet into the fragment that is being collected; times in microseconds, not negative,
 *  rising in each stream; the packet's times are changed. TESSERA_ERROR_INTERNAL. */
gboolean hls_muxer_write(HlsMuxer *muxer, guint stream, AVPacket *packet, GError **error);

/** Bytes of media in the fragment that is being collected. */
gsize hls_muxer_pending(const HlsMuxer *muxer);

/** End the fragment (transfer full); NULL with TESSERA_ERROR_INTERNAL, or without an error if
 * nothing was collected. */
GBytes *hls_muxer_cut(HlsMuxer *muxer, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(HlsMuxer, hls_muxer_free)
