#include "codecs/aac_encoder.h"

#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "codecs/codec.h"

#define DEFAULT_BITRATE_BPS 128000
#define MAX_SAMPLE          8.0f
#define MAX_FILL_SAMPLES    AUDIO_RATE_HZ /* a longer gap is not filled with silence */
#define TOLERANCE_SAMPLES   48            /* 1 ms: the rounding of what comes in */
#define SILENT_LEVEL_OFFSET 128           /* its statistics are for nobody */
#define MICROSECONDS        ((AVRational){ 1, 1000000 })
#define SAMPLES             ((AVRational){ 1, AUDIO_RATE_HZ })

struct AacEncoder {
    AVCodecContext *context;
    AVFrame *frame;

    /* What waits for a whole frame, planar. */
    float waiting[AUDIO_CHANNELS][AAC_ENCODER_FRAME];
    gint filled;

    /* The time of the first waiting sample: base + position samples. */
    gboolean started;
    gint64 base_us;
    gint64 position;
};

void aac_encoder_free(AacEncoder *encoder)
{
    if (!encoder)
        return;
    avcodec_free_context(&encoder->context);
    av_frame_free(&encoder->frame);
    g_free(encoder);
}

static gboolean open_context(AacEncoder *encoder, gint bitrate_bps)
{
    const AVCodec *codec = avcodec_find_encoder_by_name("aac");
    encoder->context = codec ? avcodec_alloc_context3(codec) : NULL;
    if (!encoder->context)
        return FALSE;
    encoder->context->sample_rate = AUDIO_RATE_HZ;
    encoder->context->sample_fmt = AV_SAMPLE_FMT_FLTP;
    encoder->context->ch_layout = (AVChannelLayout)AV_CHANNEL_LAYOUT_STEREO;
    encoder->context->bit_rate = bitrate_bps > 0 ? bitrate_bps : DEFAULT_BITRATE_BPS;
    encoder->context->time_base = SAMPLES;
    encoder->context->thread_count = 1;
    encoder->context->log_level_offset = SILENT_LEVEL_OFFSET;
    encoder->context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    return avcodec_open2(encoder->context, codec, NULL) >= 0 &&
           encoder->context->frame_size == AAC_ENCODER_FRAME &&
           encoder->context->initial_padding == AAC_ENCODER_PRIMING;
}

AacEncoder *aac_encoder_new(gint bitrate_bps, GError **error)
{
    g_autoptr(AacEncoder) encoder = g_new0(AacEncoder, 1);
    encoder->frame = av_frame_alloc();
    if (encoder->frame && open_context(encoder, bitrate_bps))
        return g_steal_pointer(&encoder);
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INTERNAL,
                "libavcodec's AAC encoder does not start at %d bit/s; choose another rate",
                bitrate_bps);
    return NULL;
}

gboolean aac_encoder_parameters(const AacEncoder *encoder, AVCodecParameters *out)
{
    return avcodec_parameters_from_context(out, encoder->context) >= 0;
}

/* --- ticks to frames --------------------------------------------------------------------- */

static gboolean send_frame(AacEncoder *encoder)
{
    AVFrame *frame = encoder->frame;
    av_frame_unref(frame);
    frame->format = AV_SAMPLE_FMT_FLTP;
    frame->sample_rate = AUDIO_RATE_HZ;
    frame->nb_samples = AAC_ENCODER_FRAME;
    frame->ch_layout = (AVChannelLayout)AV_CHANNEL_LAYOUT_STEREO;
    frame->pts = encoder->position;
    encoder->position += AAC_ENCODER_FRAME;
    encoder->filled = 0;
    if (av_frame_get_buffer(frame, 0) < 0)
        return FALSE;
    for (gint c = 0; c < AUDIO_CHANNELS; c++)
        memcpy(frame->data[c], encoder->waiting[c], sizeof encoder->waiting[c]);
    gboolean sent = avcodec_send_frame(encoder->context, frame) >= 0;
    av_frame_unref(frame);
    return sent;
}

/* The encoder refuses a whole frame for one sample that is no number. */
static float tame(float value)
{
    return isnan(value) ? 0.0f : CLAMP(value, -MAX_SAMPLE, MAX_SAMPLE);
}

/** samples NULL: silence. */
static gboolean append(AacEncoder *encoder, const float *samples, gint n)
{
    gboolean good = TRUE;
    for (gint i = 0; i < n; i++) {
        for (gint c = 0; c < AUDIO_CHANNELS; c++)
            encoder->waiting[c][encoder->filled] =
                samples ? tame(samples[i * AUDIO_CHANNELS + c]) : 0.0f;
        if (++encoder->filled == AAC_ENCODER_FRAME)
            good = send_frame(encoder) && good;
    }
    return good;
}

static void fill_frame(AacEncoder *encoder)
{
    if (encoder->filled > 0)
        append(encoder, NULL, AAC_ENCODER_FRAME - encoder->filled);
}

/** FALSE: the tick is from the past. */
static gboolean follow_time(AacEncoder *encoder, gint64 pts_us)
{
    if (!encoder->started) {
        encoder->started = TRUE;
        encoder->base_us = pts_us;
    }
    gint64 wanted = av_rescale_q(pts_us - encoder->base_us, MICROSECONDS, SAMPLES);
    gint64 missing = wanted - encoder->position - encoder->filled;
    if (missing < -TOLERANCE_SAMPLES)
        return FALSE;
    if (missing > MAX_FILL_SAMPLES) {
        fill_frame(encoder);
        encoder->position = wanted;
    } else if (missing > TOLERANCE_SAMPLES) {
        append(encoder, NULL, (gint)missing);
    }
    return TRUE;
}

gboolean aac_encoder_send(AacEncoder *encoder, const float *samples, gint64 pts_us)
{
    return follow_time(encoder, pts_us) && append(encoder, samples, AUDIO_TICK_SAMPLES);
}

gboolean aac_encoder_receive(AacEncoder *encoder, AVPacket *out)
{
    av_packet_unref(out);
    if (avcodec_receive_packet(encoder->context, out) < 0)
        return FALSE;
    out->pts = out->dts = encoder->base_us + av_rescale_q(out->pts, SAMPLES, MICROSECONDS);
    out->duration = av_rescale_q(AAC_ENCODER_FRAME, SAMPLES, MICROSECONDS);
    out->time_base = MICROSECONDS;
    out->flags |= AV_PKT_FLAG_KEY;
    return TRUE;
}

void aac_encoder_drain(AacEncoder *encoder)
{
    fill_frame(encoder);
    avcodec_send_frame(encoder->context, NULL);
}
