#pragma once

#include <glib.h>
#include <libavcodec/codec_par.h>
#include <libavcodec/packet.h>

/* The mix as AAC-LC for RTMP, HLS and MP4: 48 kHz stereo in ticks of 20 ms (AUDIO_TICK_SAMPLES),
 * which are regrouped to AAC's frames of 1024 samples.
 *
 * Times are true: what a decoder makes of a packet belongs at that packet's pts, so sound stays in
 * step whichever packet a listener starts with, and no edit list is needed. The first packet holds
 * only the encoder's run-in: its pts is AAC_ENCODER_PRIMING samples before the first sample sent
 * (so it may be negative), and whoever starts with it may leave it out.
 *
 * One thread at a time. */

typedef struct AacEncoder AacEncoder;

#define AAC_ENCODER_FRAME   1024 /* samples per channel of one packet */
#define AAC_ENCODER_PRIMING 1024 /* samples of run-in: 21.3 ms */

/** bitrate_bps 0: 128 kbit/s. */
AacEncoder *aac_encoder_new(gint bitrate_bps, GError **error);
void aac_encoder_free(AacEncoder *encoder);

/** The stream's description, from the start on: extradata is the AudioSpecificConfig (ISO 14496-3
 *  1.6.2.1). FALSE: no memory. */
gboolean aac_encoder_parameters(const AacEncoder *encoder, AVCodecParameters *out);

/** One tick: AUDIO_TICK_SAMPLES stereo samples, pts_us of the first. A tick that was left out is
 *  filled with silence up to a second; after a longer gap the count begins anew. FALSE: the tick
 *  lies before the last one, or the encoder failed; it is dropped. */
gboolean aac_encoder_send(AacEncoder *encoder, const float *samples, gint64 pts_us);

/** The next packet: pts, dts and duration in microseconds, AV_PKT_FLAG_KEY set. `out` is
 *  unreferenced first. FALSE: send more. */
gboolean aac_encoder_receive(AacEncoder *encoder, AVPacket *out);

/** Nothing follows: the rest, filled up with silence, can be received. Then free. */
void aac_encoder_drain(AacEncoder *encoder);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(AacEncoder, aac_encoder_free)
