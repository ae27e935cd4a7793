#include "room/peer_stats.h"

#include "base/clock.h"
#include "room/video_layers.h"

ON_NET_THREAD static json_t *transport_json(Transport *transport)
{
    TransportStats stats = { 0 };
    transport_stats(transport, &stats);
    return json_pack(
        "{s:s?, s:s, s:s, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "srtp", stats.srtp_profile,
        "local", stats.local_address, "remote", stats.remote_address, "connect_ms",
        (double)stats.connect_ns / NS_PER_MS, "sent_packets", (json_int_t)stats.sent_packets,
        "sent_bytes", (json_int_t)stats.sent_bytes, "send_failures",
        (json_int_t)stats.send_failures, "received_packets", (json_int_t)stats.received_packets,
        "received_bytes", (json_int_t)stats.received_bytes, "auth_failures",
        (json_int_t)stats.auth_failures, "dropped_early", (json_int_t)stats.dropped_early,
        "dropped_over_limit", (json_int_t)stats.dropped_over_limit);
}

static json_t *audio_json(AudioInput *input)
{
    AudioJitterStats stats;
    audio_input_stats(input, &stats);
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:I, s:I, s:I}", "packets",
                     (json_int_t)stats.packets, "lost", (json_int_t)stats.lost, "late",
                     (json_int_t)stats.late, "fec", (json_int_t)stats.fec, "concealed_samples",
                     (json_int_t)stats.concealed_samples, "target_ms",
                     (double)stats.target_ns / NS_PER_MS, "level_ms",
                     (double)stats.level_ns / NS_PER_MS, "faster", (json_int_t)stats.faster,
                     "slower", (json_int_t)stats.slower, "skipped", (json_int_t)stats.skipped);
}

static json_t *layer_json(const VideoLayerStats *layer)
{
    const VideoReceiveStats *received = &layer->received;
    return json_pack(
        "{s:s, s:I, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:b}", "rid", layer->rid,
        "ssrc", (json_int_t)layer->ssrc, "width", layer->width, "height", layer->height, "bitrate",
        received->rate_bps, "packets", (json_int_t)received->packets, "bytes",
        (json_int_t)received->bytes, "frames", (json_int_t)received->frames.frames, "keyframes",
        (json_int_t)received->frames.keyframes, "nacks", (json_int_t)received->nacks, "plis",
        (json_int_t)received->plis, "decoded", layer->decoded, "chosen", layer->chosen);
}

/* All layers together: what came of the source. */
static VideoReceiveStats sum_layers(const VideoLayerStats *layers, guint n)
{
    VideoReceiveStats sum = { 0 };
    for (guint i = 0; i < n; i++) {
        const VideoReceiveStats *one = &layers[i].received;
        sum.packets += one->packets;
        sum.bytes += one->bytes;
        sum.nacks += one->nacks;
        sum.plis += one->plis;
        sum.frames.frames += one->frames.frames;
        sum.frames.dropped_frames += one->frames.dropped_frames;
        if (!sum.codec || layers[i].decoded)
            sum.codec = one->codec;
    }
    return sum;
}

ON_NET_THREAD static json_t *video_json(const VideoLayers *video, VideoInput *input)
{
    VideoLayerStats layers[LAYERS_MAX];
    VideoInputStats decoded;
    guint n = video_layers_stats(video, layers);
    VideoReceiveStats stats = sum_layers(layers, n);
    json_t *list = json_array();
    video_input_stats(input, &decoded);
    if (n == 0) {
        json_decref(list);
        return NULL;
    }
    for (guint i = 0; i < n; i++)
        json_array_append_new(list, layer_json(&layers[i]));
    return json_pack("{s:s?, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:i, s:f, s:i, s:o}",
                     "codec", stats.codec, "packets", (json_int_t)stats.packets, "bytes",
                     (json_int_t)stats.bytes, "frames", (json_int_t)stats.frames.frames,
                     "frames_dropped", (json_int_t)stats.frames.dropped_frames, "nacks",
                     (json_int_t)stats.nacks, "plis", (json_int_t)stats.plis, "decoded",
                     (json_int_t)decoded.decoded, "decode_errors", (json_int_t)decoded.errors,
                     "decode_cpu_ms", (json_int_t)(decoded.decode_cpu_ns / NS_PER_MS), "width",
                     decoded.width, "height", decoded.height, "lateness_ms",
                     (double)video_input_lateness_ns(input) / NS_PER_MS, "wanted_height",
                     video_input_wanted_px(input), "layers", list);
}

static const char *const queue_names[] = { "steady", "growing", "shrinking" };

ON_NET_THREAD static json_t *viewer_json(const Viewer *viewer)
{
    ViewerStats stats;
    viewer_stats(viewer, &stats);
    json_t *audio = json_pack("{s:i, s:b, s:b, s:f, s:I}", "bitrate", stats.audio_bps, "fec",
                              stats.audio_fec, "red", stats.audio_red, "loss", stats.audio_loss,
                              "red_packets", (json_int_t)stats.audio_red_packets);
    json_t *json =
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:o}", "audio_packets",
                  (json_int_t)stats.audio_packets, "video_packets", (json_int_t)stats.video_packets,
                  "bytes", (json_int_t)stats.bytes, "frames", (json_int_t)stats.frames, "keyframes",
                  (json_int_t)stats.keyframes, "resent", (json_int_t)stats.resent, "nacked",
                  (json_int_t)stats.nacked, "plis", (json_int_t)stats.plis, "rtt_ms",
                  stats.rtt_ns < 0 ? -1.0 : (double)stats.rtt_ns / NS_PER_MS, "fraction_lost",
                  stats.fraction_lost / 256.0, "audio", audio);
    json_t *line = json_pack(
        "{s:i, s:i, s:i, s:i, s:s, s:f, s:f, s:i, s:i, s:b, s:I, s:I, s:I, s:I, s:f, s:f}",
        "estimate", stats.estimate_bps, "acknowledged", stats.acked_bps, "delay_limit",
        stats.delay_bps, "loss_limit", stats.loss_bps, "queue", queue_names[stats.queue_state],
        "queue_trend", stats.queue_trend, "queue_threshold", stats.queue_threshold, "budget",
        stats.budget_bps, "rung", stats.rung, "half_rate", stats.base_only, "switches",
        (json_int_t)stats.switches, "frames_left_out", (json_int_t)stats.left_out, "frames_dropped",
        (json_int_t)stats.dropped, "padding_packets", (json_int_t)stats.padding, "queue_ms",
        (double)stats.queue_ns / NS_PER_MS, "playout_ms", (double)stats.playout_ns / NS_PER_MS);
    json_object_set_new(json, "line", line);
    return json;
}

ON_NET_THREAD static json_t *ingress_json(const Ingress *ingress, const IngressSinks *sinks)
{
    IngressStats stats;
    ingress_stats(ingress, &stats);
    json_t *json =
        json_pack("{s:I, s:I, s:I, s:I, s:f, s:i}", "packets", (json_int_t)stats.packets, "bytes",
                  (json_int_t)stats.bytes, "unknown_ssrc", (json_int_t)stats.unknown_ssrc,
                  "malformed", (json_int_t)stats.malformed, "lip_sync_delay_ms",
                  (double)stats.extra_delay_ns / NS_PER_MS, "granted_bitrate", stats.granted_bps);
    const VideoLayers *camera = ingress_video(ingress, SOURCE_CAMERA);
    const VideoLayers *screen = ingress_video(ingress, SOURCE_SCREEN);
    json_t *camera_json = camera ? video_json(camera, sinks->camera) : NULL;
    json_t *screen_json = screen ? video_json(screen, sinks->screen) : NULL;
    if (sinks->audio)
        json_object_set_new(json, "audio", audio_json(sinks->audio));
    if (camera_json)
        json_object_set_new(json, "camera", camera_json);
    if (screen_json)
        json_object_set_new(json, "screen", screen_json);
    return json;
}

json_t *peer_stats_to_json(Transport *transport, const Ingress *ingress, const Viewer *viewer,
                           const IngressSinks *sinks)
{
    json_t *json = json_object();
    if (transport)
        json_object_set_new(json, "transport", transport_json(transport));
    if (ingress)
        json_object_set_new(json, "received", ingress_json(ingress, sinks));
    json_object_set_new(json, "sent", viewer_json(viewer));
    return json;
}
