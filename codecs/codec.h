#pragma once

#include <glib.h>
#include <libavcodec/codec_id.h>
#include <libavcodec/codec_par.h>
#include <libavcodec/packet.h>
#include <libavutil/frame.h>

#include "codecs/payload.h"

/* One descriptor per codec (CodecType), one explicit list of them (codec_list). Decoders and
 * encoders are opaque; each belongs to one thread at a time. Video is AV_PIX_FMT_YUV420P, audio
 * AV_SAMPLE_FMT_FLT interleaved stereo at 48 kHz. */

typedef struct VideoDecoder VideoDecoder;
typedef struct VideoEncoder VideoEncoder;
typedef struct AudioDecoder AudioDecoder;
typedef struct AudioEncoder AudioEncoder;
typedef struct CodecType CodecType;

#define AUDIO_RATE_HZ      48000
#define AUDIO_CHANNELS     2
#define AUDIO_TICK_SAMPLES 960  /* per channel: 20 ms */
#define AUDIO_MAX_SAMPLES  5760 /* per channel: 120 ms, the longest Opus packet (RFC 6716 2.1.4) */

/** What the bitstream itself says of a frame, before a decoder sees it. */
typedef struct {
    gboolean keyframe;
    gboolean has_size; /* width and height were found in this frame */
    gint width, height;
} VideoFrameHeader;

/** A frame that is larger is refused before it is decoded. 0 or less: the built-in ceiling
 *  (VIDEO_MAX_SIDE, VIDEO_MAX_PIXELS), which also bounds larger values. */
typedef struct {
    gint max_width, max_height;
    gint64 max_pixels;
} VideoDecoderConfig;

#define VIDEO_MAX_SIDE   4096
#define VIDEO_MAX_PIXELS (4096 * 2304)

typedef struct {
    gint width, height; /* even; fixed for the encoder's life: a new size is a new encoder */
    gint fps;
    gint bitrate_bps;
    gint temporal_layers;   /* 1, 2 or 3; codecs without them use 1 */
    gint keyframe_interval; /* frames; 0: only on request */
    gint speed;             /* the codec's own scale; 0: the codec's default for real time */
} VideoEncoderConfig;

/** How one picture is to be encoded. */
typedef struct {
    gboolean force_keyframe;
    /** One byte per 16x16 macroblock, row by row ((width+15)/16 per row): 0 = unchanged, may be
     *  skipped. NULL: everything may have changed. */
    const guint8 *active_map;
} VideoEncodeHints;

/** What the encoder says of the frame it made. */
typedef struct {
    gboolean keyframe;
    gint temporal_id;
    gboolean layer_sync;
    gboolean non_reference;
} VideoEncodeInfo;

typedef enum { DECODE_FRAME, DECODE_NOTHING, DECODE_ERROR } DecodeResult;

typedef struct {
    gint bitrate_bps;
    gint complexity;        /* 0..10 */
    gboolean inband_fec;    /* makes the encode 3-8 times dearer */
    gint expected_loss_pct; /* with inband_fec */
} AudioEncoderConfig;

struct CodecType {
    const char *name; /* the SDP encoding name, RFC 4566 rtpmap; compared without case */
    enum AVMediaType kind;
    enum AVCodecID id;
    gint clock_hz;
    gint channels; /* audio: as in rtpmap; video: 0 */

    /** Whether we can decode what an offer's fmtp (may be NULL) describes. NULL: always. */
    gboolean (*fmtp_accept)(const char *fmtp);
    /** The fmtp of our answer or offer, or NULL for none. For H.264 the offered one is echoed. */
    const char *fmtp;

    const PayloadFormat *payload;

    /** Video: read the frame's own header. Where a frame holds several sizes (a VP9 superframe, two
     *  SPS) the largest is told. FALSE: malformed, or more pictures than one
     *  frame holds. */
    gboolean (*peek)(const guint8 *data, gsize size, VideoFrameHeader *header);

    VideoDecoder *(*video_decoder_new)(const CodecType *type, const VideoDecoderConfig *config,
                                       GError **error);
    VideoEncoder *(*video_encoder_new)(const CodecType *type, const VideoEncoderConfig *config,
                                       GError **error); /* NULL: cannot encode */
    AudioDecoder *(*audio_decoder_new)(const CodecType *type, GError **error);
    AudioEncoder *(*audio_encoder_new)(const CodecType *type, const AudioEncoderConfig *config,
                                       GError **error);

    /** Audio: behind audio_packet_duration() and audio_packet_has_fec(). */
    gint (*packet_duration)(const guint8 *data, gsize size);
    gboolean (*packet_has_fec)(const guint8 *data, gsize size);
};

extern const CodecType codec_opus, codec_vp8, codec_vp9, codec_h264, codec_av1;

/** All codecs, the most preferred of each kind first; ends with NULL. */
extern const CodecType *const codec_list[];

/** Find by SDP name and kind, or NULL. */
const CodecType *codec_find(enum AVMediaType kind, const char *name);

/** Convenience over type->video_decoder_new and so on; TESSERA_ERROR_UNSUPPORTED where NULL. */
VideoDecoder *video_decoder_new(const CodecType *type, const VideoDecoderConfig *config,
                                GError **error);
VideoEncoder *video_encoder_new(const CodecType *type, const VideoEncoderConfig *config,
                                GError **error);
AudioDecoder *audio_decoder_new(const CodecType *type, GError **error);
AudioEncoder *audio_encoder_new(const CodecType *type, const AudioEncoderConfig *config,
                                GError **error);
void video_decoder_free(VideoDecoder *decoder);
void video_encoder_free(VideoEncoder *encoder);
void audio_decoder_free(AudioDecoder *decoder);
void audio_encoder_free(AudioEncoder *encoder);

/** Decode one whole frame. On DECODE_FRAME `out` (unreferenced first) holds a picture in
 *  YUV420P that the caller owns a reference of. Sizes were checked by peek before the library saw
 *  a byte; a stream that changes its size too often is refused likewise. After DECODE_ERROR the
 *  caller waits for a key frame. */
DecodeResult video_decoder_decode(VideoDecoder *decoder, const AVPacket *packet, AVFrame *out);

/** Encode one picture of the configured size. pts counts in 90 kHz. Returns TRUE with a packet
 *  (out: data owned by the packet's buffer, AV_PKT_FLAG_KEY set on key frames), FALSE when the
 *  encoder dropped the frame or failed (error set only in the second case). */
gboolean video_encoder_encode(VideoEncoder *encoder, const AVFrame *picture, gint64 pts,
                              const VideoEncodeHints *hints, AVPacket *out, VideoEncodeInfo *info,
                              GError **error);

/** Change the target rate; takes effect with the next frame. Never reallocates. */
void video_encoder_set_rate(VideoEncoder *encoder, gint bitrate_bps, gint fps);

/** Decode one packet into interleaved stereo floats, room for AUDIO_MAX_SAMPLES per channel.
 *  Returns samples per channel, or -1 if the packet is malformed. */
gint audio_decoder_decode(AudioDecoder *decoder, const guint8 *data, gsize size, float *out);

/** Decode the in-band FEC that `data` carries about the packet before it; `samples` per channel
 *  are wanted. Returns samples per channel, or -1 (no FEC there: conceal instead). */
gint audio_decoder_decode_fec(AudioDecoder *decoder, const guint8 *data, gsize size, float *out,
                              gint samples);

/** Make up `samples` per channel for a packet that is lost. Never fails (silence at worst). */
void audio_decoder_conceal(AudioDecoder *decoder, float *out, gint samples);

/** Duration of a packet in samples at 48 kHz, or -1 if malformed. */
gint audio_packet_duration(const CodecType *type, const guint8 *data, gsize size);

/** TRUE if the packet carries in-band FEC about its predecessor. */
gboolean audio_packet_has_fec(const CodecType *type, const guint8 *data, gsize size);

/** What files say of Opus as it comes by RTP: no pre-skip, no gain. Memory may be short: then the
 *  extradata is missing. */
void codec_opus_parameters(AVCodecParameters *parameters);

/** Encode AUDIO_TICK_SAMPLES stereo samples. `out` gets a buffer of its own. */
gboolean audio_encoder_encode(AudioEncoder *encoder, const float *samples, AVPacket *out,
                              GError **error);
void audio_encoder_set_bitrate(AudioEncoder *encoder, gint bitrate_bps);

/** Somebody who heard another encoder's packets gets this one's from now on, and is to hear nothing
 *  of it: the next packet depends on none before it. A new encoder is given the last
 *  AUDIO_JOIN_TICKS ticks of what that one encoded, the oldest first; NULL: it goes on as it is. */
#define AUDIO_JOIN_TICKS 2
void audio_encoder_join(AudioEncoder *encoder, const float *before);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(VideoDecoder, video_decoder_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VideoEncoder, video_encoder_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AudioDecoder, audio_decoder_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AudioEncoder, audio_encoder_free)
