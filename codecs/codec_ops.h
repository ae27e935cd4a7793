#pragma once

#include "codecs/codec.h"

/* What stands behind the opaque machines of codec.h: each implementation's struct begins with the
 * one here and points at its table of functions. For this folder only. */

typedef struct {
    void (*free)(VideoDecoder *decoder);
    DecodeResult (*decode)(VideoDecoder *decoder, const AVPacket *packet, AVFrame *out);
} VideoDecoderOps;

struct VideoDecoder {
    const VideoDecoderOps *ops;
};

typedef struct {
    void (*free)(VideoEncoder *encoder);
    gboolean (*encode)(VideoEncoder *encoder, const AVFrame *picture, gint64 pts,
                       const VideoEncodeHints *hints, AVPacket *out, VideoEncodeInfo *info,
                       GError **error);
    void (*set_rate)(VideoEncoder *encoder, gint bitrate_bps, gint fps);
} VideoEncoderOps;

struct VideoEncoder {
    const VideoEncoderOps *ops;
    VideoEncoderConfig config;
    gint frames_since_keyframe; /* -1: none yet */
};

typedef struct {
    void (*free)(AudioDecoder *decoder);
    gint (*decode)(AudioDecoder *decoder, const guint8 *data, gsize size, float *out);
    gint (*decode_fec)(AudioDecoder *decoder, const guint8 *data, gsize size, float *out,
                       gint samples);
    void (*conceal)(AudioDecoder *decoder, float *out, gint samples);
} AudioDecoderOps;

struct AudioDecoder {
    const AudioDecoderOps *ops;
};

typedef struct {
    void (*free)(AudioEncoder *encoder);
    gboolean (*encode)(AudioEncoder *encoder, const float *samples, AVPacket *out, GError **error);
    void (*set_bitrate)(AudioEncoder *encoder, gint bitrate_bps);
    void (*join)(AudioEncoder *encoder, const float *before);
} AudioEncoderOps;

struct AudioEncoder {
    const AudioEncoderOps *ops;
};

/** Check what every video encoder asks of its configuration (TESSERA_ERROR_INVALID). */
gboolean codec_check_video_config(const VideoEncoderConfig *config, GError **error);

/** Whether the next picture must be a key frame: the first, a requested one, the interval's. */
gboolean codec_keyframe_due(const VideoEncoder *encoder, const VideoEncodeHints *hints);

/** The value of `key` in an fmtp ("a=1;b=2"), read in `base`. FALSE: absent or not a number. */
gboolean codec_fmtp_number(const char *fmtp, const char *key, guint base, guint64 *value);
