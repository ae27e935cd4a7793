#include "support/sim_eye.h"

#include <string.h>

#include "base/clock.h"
#include "base/seq.h"
#include "codecs/codec.h"
#include "rtp/nack.h"

#define PLI_GAP_NS  (300 * NS_PER_MS)
#define MAX_WAIT_NS (3 * NS_PER_SEC)
#define RTT_NS      (100 * NS_PER_MS) /* as libwebrtc assumes where nothing tells it */
/* So that tests which measure memory do not see this grow. */
#define RESERVED_FRAMES 4096

struct SimEye {
    gboolean decode;
    FrameAssembler *assembler;
    NackTracker *nack;
    VideoDecoder *decoder;
    AVFrame *picture;
    gboolean has_picture, need_keyframe;
    gint64 last_pli_ns, now_ns;
    GArray *frames; /* of SimFrame */
    VideoRect probe;
    SimEyeStats stats;
};

static gint mean(const guint8 *plane, gint stride, VideoRect rect)
{
    gint64 sum = 0;
    for (gint y = rect.y; y < rect.y + rect.height; y++) {
        for (gint x = rect.x; x < rect.x + rect.width; x++)
            sum += plane[y * stride + x];
    }
    return rect.width && rect.height ? (gint)(sum / (rect.width * rect.height)) : -1;
}

static VideoRect confine(const VideoRect *rect, gint width, gint height)
{
    VideoRect inside = { CLAMP(rect->x, 0, width), CLAMP(rect->y, 0, height), 0, 0 };
    inside.width = MIN(rect->width, width - inside.x);
    inside.height = MIN(rect->height, height - inside.y);
    return inside;
}

SimColour sim_picture_colour(const AVFrame *picture, const VideoRect *rect)
{
    VideoRect luma = confine(rect, picture->width, picture->height);
    VideoRect chroma = { luma.x / 2, luma.y / 2, MAX(luma.width / 2, 1), MAX(luma.height / 2, 1) };
    return (SimColour){ mean(picture->data[0], picture->linesize[0], luma),
                        mean(picture->data[1], picture->linesize[1], chroma),
                        mean(picture->data[2], picture->linesize[2], chroma) };
}

SimColour sim_eye_colour(const SimEye *eye, const VideoRect *rect)
{
    if (!eye->has_picture)
        return (SimColour){ -1, -1, -1 };
    return sim_picture_colour(eye->picture, rect);
}

static void decode_frame(SimEye *eye, const AssembledFrame *frame, SimFrame *seen)
{
    AVPacket *packet = av_packet_alloc();
    if (!packet || av_new_packet(packet, (int)frame->size) < 0)
        g_error("out of memory");
    memcpy(packet->data, frame->data, frame->size);
    if (frame->keyframe)
        packet->flags |= AV_PKT_FLAG_KEY;
    if (video_decoder_decode(eye->decoder, packet, eye->picture) == DECODE_FRAME) {
        eye->has_picture = TRUE;
        if (eye->probe.width)
            seen->probe_luma = sim_eye_colour(eye, &eye->probe).y;
    } else {
        eye->stats.decode_errors++;
        eye->need_keyframe = TRUE;
    }
    av_packet_free(&packet);
}

/* By the bitstream, so that those who do not decode know it too. */
static void note_size(SimEye *eye, const AssembledFrame *frame)
{
    SimEyeStats *stats = &eye->stats;
    VideoFrameHeader header;
    if (!codec_vp8.peek(frame->data, frame->size, &header) || !header.has_size)
        return;
    stats->size_changes +=
        stats->width && (header.width != stats->width || header.height != stats->height);
    stats->width = header.width;
    stats->height = header.height;
}

static void on_frame(const AssembledFrame *frame, gpointer user)
{
    SimEye *eye = user;
    SimFrame seen = { .rtp_timestamp = frame->rtp_timestamp,
                      .arrival_ns = frame->last_arrival_ns,
                      .whole_ns = eye->now_ns,
                      .keyframe = frame->keyframe,
                      .probe_luma = -1 };
    note_size(eye, frame);
    if (eye->decode)
        decode_frame(eye, frame, &seen);
    g_array_append_val(eye->frames, seen);
}

static void on_need_keyframe(gpointer user)
{
    ((SimEye *)user)->need_keyframe = TRUE;
}

static const FrameAssemblerEvents events = { .frame = on_frame, .need_keyframe = on_need_keyframe };

SimEye *sim_eye_new(gboolean decode)
{
    SimEye *eye = g_new0(SimEye, 1);
    VideoDecoderConfig config = { .max_width = 1920, .max_height = 1920, .max_pixels = 1 << 21 };
    eye->decode = decode;
    eye->assembler = frame_assembler_new(&payload_vp8, &events, eye);
    eye->nack = nack_tracker_new();
    eye->decoder = decode ? video_decoder_new(&codec_vp8, &config, NULL) : NULL;
    eye->picture = av_frame_alloc();
    eye->frames = g_array_sized_new(FALSE, FALSE, sizeof(SimFrame), RESERVED_FRAMES);
    eye->last_pli_ns = G_MININT64 / 2;
    return eye;
}

void sim_eye_free(SimEye *eye)
{
    if (!eye)
        return;
    frame_assembler_free(eye->assembler);
    nack_tracker_free(eye->nack);
    video_decoder_free(eye->decoder);
    av_frame_free(&eye->picture);
    g_array_unref(eye->frames);
    g_free(eye);
}

void sim_eye_packet(SimEye *eye, const RtpPacket *packet, gboolean recovered, gint64 arrival_ns)
{
    eye->now_ns = arrival_ns;
    eye->stats.packets++;
    eye->stats.recovered += recovered;
    if (nack_tracker_received(eye->nack, packet->seq, arrival_ns))
        frame_assembler_packet(eye->assembler, packet->seq, packet->timestamp, packet->marker,
                               packet->payload, packet->payload_size, arrival_ns);
}

guint sim_eye_tick(SimEye *eye, gint64 now_ns, guint16 *seqs, guint max, gboolean *pli)
{
    guint16 oldest;
    eye->now_ns = now_ns;
    frame_assembler_tick(eye->assembler, now_ns, MAX_WAIT_NS);
    if (frame_assembler_oldest_wanted(eye->assembler, &oldest))
        nack_tracker_forget_before(eye->nack, oldest);
    eye->need_keyframe |= nack_tracker_take_give_up(eye->nack);
    *pli = eye->need_keyframe && now_ns - eye->last_pli_ns >= PLI_GAP_NS;
    if (*pli) {
        eye->need_keyframe = FALSE;
        eye->last_pli_ns = now_ns;
        eye->stats.plis++;
    }
    guint n = nack_tracker_due(eye->nack, now_ns, RTT_NS, seqs, max);
    eye->stats.nacks += n;
    return n;
}

void sim_eye_probe(SimEye *eye, const VideoRect *rect)
{
    eye->probe = *rect;
}

const GArray *sim_eye_frames(const SimEye *eye)
{
    return eye->frames;
}

const AVFrame *sim_eye_picture(const SimEye *eye)
{
    return eye->has_picture ? eye->picture : NULL;
}

SimCadence sim_eye_cadence(const SimEye *eye, gint64 from_ns, gint64 to_ns)
{
    SimCadence cadence = { 0 };
    gint64 before_ns = from_ns;
    guint32 before_ts = 0;
    for (guint i = 0; i < eye->frames->len; i++) {
        const SimFrame *frame = &g_array_index(eye->frames, SimFrame, i);
        if (frame->arrival_ns < from_ns || frame->arrival_ns > to_ns)
            continue;
        gint32 step = rtp_ts_diff(frame->rtp_timestamp, before_ts);
        if (cadence.frames > 0) {
            cadence.backwards += step <= 0;
            cadence.longest_step = MAX(cadence.longest_step, (guint32)MAX(step, 0));
        }
        cadence.longest_gap_ns = MAX(cadence.longest_gap_ns, frame->arrival_ns - before_ns);
        before_ns = frame->arrival_ns;
        before_ts = frame->rtp_timestamp;
        cadence.frames++;
        cadence.keyframes += frame->keyframe;
    }
    cadence.longest_gap_ns = MAX(cadence.longest_gap_ns, to_ns - before_ns);
    return cadence;
}

void sim_eye_stats(const SimEye *eye, SimEyeStats *stats)
{
    FrameAssemblerStats assembled;
    frame_assembler_stats(eye->assembler, &assembled);
    *stats = eye->stats;
    stats->dropped = assembled.dropped_frames;
}
