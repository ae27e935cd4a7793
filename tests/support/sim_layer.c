#include "support/sim_layer.h"

#include "base/clock.h"

#define HISTORY_PACKETS 512
#define HISTORY_NS      (2 * NS_PER_SEC)

void sim_layer_init(SimLayer *layer, const VideoEncoderConfig *whole, guint index, guint number)
{
    gint scale = 1 << index;
    layer->settings = *whole;
    layer->settings.width = whole->width / scale & ~1;
    layer->settings.height = whole->height / scale & ~1;
    layer->settings.bitrate_bps = whole->bitrate_bps / (scale * scale);
    layer->stream.seq = (guint16)(65500 - number);
    layer->stream.ts_base = 0xfffe0000u + number + 1000 * index;
    layer->stream.clock_hz = 90000;
    layer->history = rtp_history_new(HISTORY_PACKETS, HISTORY_NS);
}

void sim_layer_clear(SimLayer *layer)
{
    video_encoder_free(layer->encoder);
    rtp_history_free(layer->history);
}

AVPacket *sim_layer_encode(SimLayer *layer, SimVideo kind, SimPaint paint, gint64 media_ns)
{
    const VideoEncoderConfig *settings = &layer->settings;
    VideoEncodeHints hints = { .force_keyframe = layer->keyframe_wanted };
    VideoEncodeInfo info;
    AVFrame *picture = sim_camera_picture(kind, paint, settings->width, settings->height, media_ns);
    AVPacket *packet = av_packet_alloc();
    if (!layer->encoder)
        layer->encoder = video_encoder_new(&codec_vp8, settings, NULL);
    if (video_encoder_encode(layer->encoder, picture, media_ns / 1000 * 9 / 100, &hints, packet,
                             &info, NULL))
        layer->keyframe_wanted = FALSE;
    else
        av_packet_free(&packet);
    av_frame_free(&picture);
    return packet;
}

const char *sim_layer_rid(guint index)
{
    static const char *const rids[SIM_LAYERS] = { "f", "h", "q" };
    return rids[index];
}

void sim_layers_starve(SimLayer *layers, guint count, guint64 granted_bps, guint64 carried_bps)
{
    guint64 used_bps = 0;
    guint64 may_bps = MIN(granted_bps - 1, carried_bps - 1); /* 0 wraps to no limit */
    for (guint i = count; i-- > 0;) {
        used_bps += (guint64)layers[i].settings.bitrate_bps;
        gboolean starved = i + 1 < count && used_bps - 1 > may_bps;
        if (layers[i].starved && !starved)
            layers[i].keyframe_wanted = TRUE;
        layers[i].starved = starved;
    }
}

SimLayer *sim_layers_find(SimLayer *layers, guint count, const RtcpPacket *feedback)
{
    guint32 ssrc = feedback->type == RTCP_FIR ? feedback->fir[0].ssrc : feedback->media_ssrc;
    for (guint i = 0; i < count; i++) {
        if (layers[i].stream.id.ssrc == ssrc)
            return &layers[i];
    }
    return NULL;
}
