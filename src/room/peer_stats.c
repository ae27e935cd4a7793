#include "room/peer_stats.h"

#include "base/clock.h"
#include "room/video_receive.h"

ON_NET_THREAD static json_t *transport_json(Transport *transport)
{
    TransportStats stats = { 0 };
    transport_stats(transport, &stats);
    return json_pack(
        "{s:s?, s:s, s:s, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "srtp", stats.srtp_profile,
        "local", stats.local_address, "remote", stats.remote_address, "connect_ms",
        (double)stats.connect_ns / NS_PER_MS, "sent_packets", (json_int_t)stats.sent_packets,
        "sent_bytes", (json_int_t)stats.sent_bytes, "send_failures",
        (json_int_t)stats.send_failures, "received_packets", (json_int_t)stats.received_packets,
        "received_bytes", (json_int_t)stats.received_bytes, "auth_failures",
        (json_int_t)stats.auth_failures, "dropped_early", (json_int_t)stats.dropped_early);
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

static json_t *video_json(const VideoReceive *receive, VideoInput *input)
{
    VideoReceiveStats stats;
    VideoInputStats decoded;
    video_receive_stats(receive, &stats);
    video_input_stats(input, &decoded);
    return json_pack(
        "{s:s?, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:i, s:f}", "codec", stats.codec,
        "packets", (json_int_t)stats.packets, "bytes", (json_int_t)stats.bytes, "frames",
        (json_int_t)stats.frames.frames, "frames_dropped", (json_int_t)stats.frames.dropped_frames,
        "nacks", (json_int_t)stats.nacks, "plis", (json_int_t)stats.plis, "decoded",
        (json_int_t)decoded.decoded, "decode_errors", (json_int_t)decoded.errors, "decode_cpu_ms",
        (json_int_t)(decoded.decode_cpu_ns / NS_PER_MS), "width", decoded.width, "height",
        decoded.height, "lateness_ms", (double)video_input_lateness_ns(input) / NS_PER_MS);
}

ON_NET_THREAD static json_t *viewer_json(const Viewer *viewer)
{
    ViewerStats stats;
    viewer_stats(viewer, &stats);
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f}", "audio_packets",
                     (json_int_t)stats.audio_packets, "video_packets",
                     (json_int_t)stats.video_packets, "bytes", (json_int_t)stats.bytes, "frames",
                     (json_int_t)stats.frames, "keyframes", (json_int_t)stats.keyframes, "resent",
                     (json_int_t)stats.resent, "nacked", (json_int_t)stats.nacked, "plis",
                     (json_int_t)stats.plis, "rtt_ms",
                     stats.rtt_ns < 0 ? -1.0 : (double)stats.rtt_ns / NS_PER_MS, "fraction_lost",
                     stats.fraction_lost / 256.0);
}

ON_NET_THREAD static json_t *ingress_json(const Ingress *ingress, const IngressSinks *sinks)
{
    IngressStats stats;
    ingress_stats(ingress, &stats);
    json_t *json = json_pack(
        "{s:I, s:I, s:I, s:I, s:f}", "packets", (json_int_t)stats.packets, "bytes",
        (json_int_t)stats.bytes, "unknown_ssrc", (json_int_t)stats.unknown_ssrc, "malformed",
        (json_int_t)stats.malformed, "lip_sync_delay_ms", (double)stats.extra_delay_ns / NS_PER_MS);
    const VideoReceive *camera = ingress_video(ingress, SOURCE_CAMERA);
    const VideoReceive *screen = ingress_video(ingress, SOURCE_SCREEN);
    if (sinks->audio)
        json_object_set_new(json, "audio", audio_json(sinks->audio));
    if (camera)
        json_object_set_new(json, "camera", video_json(camera, sinks->camera));
    if (screen)
        json_object_set_new(json, "screen", video_json(screen, sinks->screen));
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
