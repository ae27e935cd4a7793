#pragma once

#include <glib.h>
#include <libavcodec/codec_par.h>
#include <libavcodec/packet.h>
#include <libavutil/frame.h>

#include "codecs/codec.h"

/* Decoders for what comes in by other doors than RTP (RTMP, files, URLs): a stream is described by
 * AVCodecParameters, its packets carry times, pictures may come out in another order than they went
 * in. Sound: AAC, MP3, Opus, Vorbis, PCM, FLAC, AC-3. Pictures: H.264 and HEVC (avcC, hvcC or Annex
 * B), VP8, VP9, AV1, MPEG-4, MJPEG, PNG.
 *
 *   media_decoder_send(packet); while (media_decoder_receive_...()) ...;
 *
 * Each decoder belongs to one thread at a time. */

typedef struct MediaDecoder MediaDecoder;

/** Zero anywhere: the built-in ceiling, which also bounds larger values. */
typedef struct {
    VideoDecoderConfig video;
    gsize max_packet; /* bytes; a packet that is larger is dropped */
} MediaDecoderLimits;

#define MEDIA_DECODER_MAX_VIDEO_PACKET (8u << 20)
#define MEDIA_DECODER_MAX_AUDIO_PACKET (256u << 10)

/** TRUE if streams of this codec can be decoded. */
gboolean media_decoder_knows(enum AVCodecID id);

/** `parameters` are copied; fields that the codec finds out by itself (sizes, rates) may be 0, but
 *  what is there must be within the limits. limits NULL: the built-in ones.
 *  TESSERA_ERROR_UNSUPPORTED, _TOO_LARGE. */
MediaDecoder *media_decoder_new(const AVCodecParameters *parameters,
                                const MediaDecoderLimits *limits, GError **error);
void media_decoder_free(MediaDecoder *decoder);

/** Decode one packet; its pts and dts in microseconds. Everything must have been received before.
 *  FALSE: it was damaged, too large, or waited for a key frame: it is dropped, the stream goes on.
 *  A picture larger than the limits is refused before it is decoded. */
gboolean media_decoder_send(MediaDecoder *decoder, const AVPacket *packet);

/** The next picture in order of display: YUV420P, pts in microseconds or AV_NOPTS_VALUE. `out` is
 *  unreferenced first. FALSE: send more. */
gboolean media_decoder_receive_video(MediaDecoder *decoder, AVFrame *out);

/** Append sound to `samples` (a GArray of float): interleaved stereo at 48 kHz, at most ten seconds
 *  at once; *pts_us: of the first sample appended. FALSE: send more. */
gboolean media_decoder_receive_audio(MediaDecoder *decoder, GArray *samples, gint64 *pts_us);

/** Nothing follows: what is still inside can be received. Then flush, or free. */
void media_decoder_drain(MediaDecoder *decoder);

/** Forget everything: another place in the stream follows. */
void media_decoder_flush(MediaDecoder *decoder);

/** How many packets and frames were dropped because something was wrong with them. */
guint64 media_decoder_damaged(const MediaDecoder *decoder);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(MediaDecoder, media_decoder_free)
