#include "codecs/sound_convert.h"

#include <libavutil/channel_layout.h>
#include <libavutil/mathematics.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
#include <math.h>

#include "codecs/codec.h"

#define MAX_SAMPLE 8.0f /* 18 dB over full scale: no honest sound is louder */
#define GAP_NS     G_GINT64_CONSTANT(40000000) /* further off than this: a gap */
#define SMOOTHING  16                          /* frames over which a difference is made good */
#define NS         1000000000
#define NS_PER_US  1000

struct SoundConverter {
    struct SwrContext *swr;

    /* What the resampler is made for. */
    AVChannelLayout layout;
    gint rate_hz, format;

    /* The time of both ends: base + samples / rate. */
    gboolean anchored;
    gint64 base_ns;
    gint64 taken, given; /* samples per channel since then, at each side's rate */
};

SoundConverter *sound_converter_new(void)
{
    return g_new0(SoundConverter, 1);
}

void sound_converter_free(SoundConverter *converter)
{
    if (!converter)
        return;
    swr_free(&converter->swr);
    av_channel_layout_uninit(&converter->layout);
    g_free(converter);
}

void sound_converter_reset(SoundConverter *converter)
{
    swr_free(&converter->swr);
    converter->anchored = FALSE;
}

/* --- the resampler ----------------------------------------------------------------------- */

static gboolean make_swr(SoundConverter *converter, AVChannelLayout *from)
{
    static const double to_both[AUDIO_CHANNELS] = { 1.0, 1.0 };
    AVChannelLayout stereo = AV_CHANNEL_LAYOUT_STEREO;
    swr_free(&converter->swr);
    if (swr_alloc_set_opts2(&converter->swr, &stereo, AV_SAMPLE_FMT_FLT, AUDIO_RATE_HZ, from,
                            (enum AVSampleFormat)converter->format, converter->rate_hz, 0,
                            NULL) < 0)
        return FALSE;
    av_opt_set_double(converter->swr, "rematrix_maxval", 1.0, 0);
    if (from->nb_channels == 1 && swr_set_matrix(converter->swr, to_both, 1) < 0)
        return FALSE;
    return swr_init(converter->swr) >= 0;
}

static gboolean ensure_swr(SoundConverter *converter, const AVFrame *frame)
{
    if (converter->swr && converter->rate_hz == frame->sample_rate &&
        converter->format == frame->format &&
        av_channel_layout_compare(&converter->layout, &frame->ch_layout) == 0)
        return TRUE;
    converter->rate_hz = frame->sample_rate;
    converter->format = frame->format;
    converter->anchored = FALSE;
    av_channel_layout_uninit(&converter->layout);
    if (av_channel_layout_copy(&converter->layout, &frame->ch_layout) < 0)
        return FALSE;
    AVChannelLayout known = { 0 };
    if (frame->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
        av_channel_layout_default(&known, frame->ch_layout.nb_channels);
    else if (av_channel_layout_copy(&known, &frame->ch_layout) < 0)
        return FALSE;
    gboolean made = make_swr(converter, &known);
    av_channel_layout_uninit(&known);
    if (!made)
        swr_free(&converter->swr);
    return made;
}

/* --- time -------------------------------------------------------------------------------- */

static void follow_time(SoundConverter *converter, gint64 pts_us)
{
    gboolean known = pts_us != AV_NOPTS_VALUE && ABS(pts_us) < G_MAXINT64 / (4 * NS_PER_US);
    gint64 here_ns = converter->base_ns + av_rescale(converter->taken, NS, converter->rate_hz);
    gint64 off_ns = known ? pts_us * NS_PER_US - here_ns : 0;
    if (converter->anchored && ABS(off_ns) <= GAP_NS) {
        converter->base_ns += off_ns / SMOOTHING;
        return;
    }
    if (!known && converter->anchored)
        return;
    /* What still is inside the resampler comes out first, and a moment early: less than 1 ms. */
    converter->anchored = TRUE;
    converter->base_ns = known ? pts_us * NS_PER_US : 0;
    converter->taken = converter->given = 0;
}

static void tame(float *samples, gsize n)
{
    for (gsize i = 0; i < n; i++) {
        float value = isnan(samples[i]) ? 0.0f : samples[i];
        samples[i] = CLAMP(value, -MAX_SAMPLE, MAX_SAMPLE);
    }
}

static gboolean within_limits(const AVFrame *frame)
{
    return frame->sample_rate >= SOUND_MIN_RATE_HZ && frame->sample_rate <= SOUND_MAX_RATE_HZ &&
           frame->ch_layout.nb_channels >= 1 &&
           frame->ch_layout.nb_channels <= SOUND_MAX_CHANNELS && frame->nb_samples > 0 &&
           frame->nb_samples / frame->sample_rate < SOUND_MAX_FRAME_SECONDS;
}

gboolean sound_converter_run(SoundConverter *converter, const AVFrame *frame, GArray *out,
                             gint64 *pts_us)
{
    if (!within_limits(frame) || !ensure_swr(converter, frame))
        return FALSE;
    follow_time(converter, frame->pts);
    *pts_us = (converter->base_ns + av_rescale(converter->given, NS, AUDIO_RATE_HZ)) / NS_PER_US;
    int room = swr_get_out_samples(converter->swr, frame->nb_samples);
    if (room < 0)
        return FALSE;
    guint before = out->len;
    g_array_set_size(out, before + (guint)room * AUDIO_CHANNELS);
    guint8 *target = (guint8 *)&g_array_index(out, float, before);
    int made = swr_convert(converter->swr, &target, room, (const guint8 **)frame->extended_data,
                           frame->nb_samples);
    g_array_set_size(out, before + (guint)MAX(made, 0) * AUDIO_CHANNELS);
    if (made < 0)
        return FALSE;
    tame(&g_array_index(out, float, before), (gsize)made * AUDIO_CHANNELS);
    converter->taken += frame->nb_samples;
    converter->given += made;
    return TRUE;
}
