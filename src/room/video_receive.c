#include "room/video_receive.h"

#include "base/clock.h"

#define PLI_GAP_NS     (500 * NS_PER_MS)
#define DEFAULT_RTT_NS (100 * NS_PER_MS)
#define MAX_WAIT_NS    (500 * NS_PER_MS)
#define MIN_WAIT_NS    (200 * NS_PER_MS)

struct VideoReceive {
    guint32 ssrc;
    VideoInput *input;
    VideoDueFunc due;
    gpointer due_user;
    const CodecType *codec;
    RtpReceiveStats stats;
    NackTracker *nack;
    FrameAssembler *assembler;
    Timeline *timeline;
    gboolean need_keyframe;
    gint64 last_pli_ns;
    guint64 nacks, plis;
};

VideoReceive *video_receive_new(guint32 ssrc, VideoInput *input, VideoDueFunc due, gpointer user)
{
    VideoReceive *receive = g_new0(VideoReceive, 1);
    receive->ssrc = ssrc;
    receive->input = video_input_ref(input);
    receive->due = due;
    receive->due_user = user;
    receive->nack = nack_tracker_new();
    receive->timeline = timeline_new(90000);
    receive->last_pli_ns = G_MININT64 / 2;
    rtp_receive_stats_init(&receive->stats, ssrc, 90000);
    return receive;
}

void video_receive_free(VideoReceive *receive)
{
    if (!receive)
        return;
    g_clear_pointer(&receive->assembler, frame_assembler_free);
    nack_tracker_free(receive->nack);
    timeline_free(receive->timeline);
    video_input_unref(receive->input);
    g_free(receive);
}

static void on_frame(const AssembledFrame *frame, gpointer user) THREAD_UNCHECKED
{
    VideoReceive *receive = user;
    gint64 due_ns = receive->due(receive, frame, receive->due_user);
    video_input_frame(receive->input, receive->codec, frame, due_ns);
}

static void on_need_keyframe(gpointer user)
{
    VideoReceive *receive = user;
    receive->need_keyframe = TRUE;
}

static const FrameAssemblerEvents assembler_events = { .frame = on_frame,
                                                       .need_keyframe = on_need_keyframe };

static void use_codec(VideoReceive *receive, const CodecType *codec)
{
    if (receive->codec == codec)
        return;
    g_clear_pointer(&receive->assembler, frame_assembler_free);
    receive->codec = codec;
    receive->assembler = frame_assembler_new(codec->payload, &assembler_events, receive);
}

static void restart(VideoReceive *receive)
{
    const CodecType *codec = receive->codec;
    nack_tracker_reset(receive->nack);
    receive->codec = NULL;
    use_codec(receive, codec);
}

gboolean video_receive_packet(VideoReceive *receive, const CodecType *codec,
                              const RtpPacket *packet, gboolean recovered, gint64 arrival_ns)
{
    gboolean restarted = FALSE;
    /* What is sent again from before a change of codec must not change it back. */
    if (recovered && receive->codec && receive->codec != codec)
        return FALSE;
    use_codec(receive, codec);
    if (!recovered) {
        if (!rtp_receive_stats_packet(&receive->stats, packet->seq, packet->timestamp,
                                      packet->payload_size, arrival_ns, &restarted))
            return FALSE;
        if (restarted)
            restart(receive);
        if (packet->payload_size)
            timeline_packet(receive->timeline, packet->timestamp, arrival_ns);
    }
    if (!nack_tracker_received(receive->nack, packet->seq, arrival_ns))
        return FALSE;
    frame_assembler_packet(receive->assembler, packet->seq, packet->timestamp, packet->marker,
                           packet->payload, packet->payload_size, arrival_ns);
    return TRUE;
}

void video_receive_rotation(VideoReceive *receive, guint8 rotation)
{
    if (receive->assembler)
        frame_assembler_set_rotation(receive->assembler, rotation);
}

void video_receive_sender_report(VideoReceive *receive, guint64 ntp, guint32 rtp_timestamp,
                                 gint64 arrival_ns)
{
    rtp_receive_stats_sr(&receive->stats, ntp, arrival_ns);
    timeline_sender_report(receive->timeline, ntp, rtp_timestamp, arrival_ns);
}

static gboolean take_pli(VideoReceive *receive, gint64 now_ns)
{
    receive->need_keyframe |= nack_tracker_take_give_up(receive->nack);
    receive->need_keyframe |= video_input_take_need_keyframe(receive->input);
    if (!receive->need_keyframe || now_ns - receive->last_pli_ns < PLI_GAP_NS)
        return FALSE;
    receive->need_keyframe = FALSE;
    receive->last_pli_ns = now_ns;
    receive->plis++;
    return TRUE;
}

guint video_receive_tick(VideoReceive *receive, gint64 now_ns, gint64 rtt_ns, guint16 *seqs,
                         guint max, gboolean *pli)
{
    guint16 oldest = 0;
    gint64 wait_ns = CLAMP(2 * MAX(rtt_ns, 0) + 20 * NS_PER_MS, MIN_WAIT_NS, MAX_WAIT_NS);
    if (receive->assembler) {
        frame_assembler_tick(receive->assembler, now_ns, wait_ns);
        if (frame_assembler_oldest_wanted(receive->assembler, &oldest))
            nack_tracker_forget_before(receive->nack, oldest);
    }
    *pli = take_pli(receive, now_ns);
    guint n =
        nack_tracker_due(receive->nack, now_ns, rtt_ns > 0 ? rtt_ns : DEFAULT_RTT_NS, seqs, max);
    receive->nacks += n;
    return n;
}

void video_receive_report(VideoReceive *receive, gint64 now_ns, RtcpReportBlock *block)
{
    rtp_receive_stats_report(&receive->stats, now_ns, block);
}

const Timeline *video_receive_timeline(const VideoReceive *receive)
{
    return receive->timeline;
}

guint32 video_receive_ssrc(const VideoReceive *receive)
{
    return receive->ssrc;
}

void video_receive_stats(const VideoReceive *receive, VideoReceiveStats *stats)
{
    *stats = (VideoReceiveStats){ .packets = receive->stats.packets,
                                  .bytes = receive->stats.bytes,
                                  .nacks = receive->nacks,
                                  .plis = receive->plis,
                                  .codec = receive->codec ? receive->codec->name : NULL };
    if (receive->assembler)
        frame_assembler_stats(receive->assembler, &stats->frames);
}
