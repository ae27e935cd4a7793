#include "room/video_receive.h"

#include "base/clock.h"

#define PLI_GAP_NS      (500 * NS_PER_MS)
#define START_ANSWER_NS (300 * NS_PER_MS) /* asking late costs less than asking for all twice */
#define LATER_SHARE     8                 /* answers take their mean time, and somewhat more */
#define WAIT_RTTS       5                 /* a request and its answer may each be lost some times */
#define LEAST_WAIT_RTTS 2.5               /* at least once, however far away the sender is */
#define LOSS_HIGH       0.002             /* one packet in the last 170 or so */
#define NEEDLESS_HIGH   0.3
#define MIN_WAIT_NS     (200 * NS_PER_MS)
#define MAX_WAIT_NS     (1000 * NS_PER_MS) /* with a round trip of up to 400 ms */
#define MAX_FAR_WAIT_NS (4000 * NS_PER_MS)
#define URGENT_GAP_NS   (100 * NS_PER_MS) /* between key frames that are asked for at once */
#define IDLE_WAIT_NS    (20 * NS_PER_MS)  /* no hole is worth waiting for */
#define RATE_NS         NS_PER_SEC

struct VideoReceive {
    guint32 ssrc;
    VideoInput *input;
    const VideoReceiveEvents *events;
    gpointer user;
    const CodecType *codec;
    RtpReceiveStats stats;
    NackTracker *nack;
    FrameAssembler *assembler;
    Timeline *timeline;
    gboolean need_keyframe, urgent;
    gint64 last_pli_ns;
    guint64 nacks, plis;
    gint64 rate_since_ns; /* 0: nothing measured yet */
    guint64 rate_bytes;
    gint rate_bps;
};

VideoReceive *video_receive_new(guint32 ssrc, VideoInput *input, const VideoReceiveEvents *events,
                                gpointer user)
{
    VideoReceive *receive = g_new0(VideoReceive, 1);
    receive->ssrc = ssrc;
    receive->input = video_input_ref(input);
    receive->events = events;
    receive->user = user;
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
    if (!receive->events->takes(receive, frame, receive->user))
        return;
    gint64 due_ns = receive->events->due(receive, frame, receive->user);
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
    if (!(recovered ? nack_tracker_recovered : nack_tracker_received)(receive->nack, packet->seq,
                                                                      arrival_ns))
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

void video_receive_want_keyframe(VideoReceive *receive, gboolean at_once)
{
    receive->need_keyframe = TRUE;
    receive->urgent |= at_once;
}

static gboolean take_pli(VideoReceive *receive, gint64 now_ns)
{
    gint64 gap_ns = receive->urgent ? URGENT_GAP_NS : PLI_GAP_NS;
    receive->need_keyframe |= nack_tracker_take_give_up(receive->nack);
    if (!receive->need_keyframe || now_ns - receive->last_pli_ns < gap_ns)
        return FALSE;
    receive->need_keyframe = receive->urgent = FALSE;
    receive->last_pli_ns = now_ns;
    receive->plis++;
    return TRUE;
}

static void measure_rate(VideoReceive *receive, gint64 now_ns)
{
    gint64 elapsed_ns = now_ns - receive->rate_since_ns;
    if (receive->rate_since_ns && elapsed_ns < RATE_NS)
        return;
    guint64 bits = (receive->stats.bytes - receive->rate_bytes) * 8;
    if (receive->rate_since_ns)
        receive->rate_bps = (gint)MIN(bits * NS_PER_SEC / (guint64)elapsed_ns, G_MAXINT);
    receive->rate_since_ns = now_ns;
    receive->rate_bytes = receive->stats.bytes;
}

gboolean video_receive_is_lossy(const VideoReceive *receive)
{
    return nack_tracker_loss(receive->nack) > LOSS_HIGH;
}

/* How long an answer takes. The round trip is not known of those to whom nothing is sent that they
 * could report on (WHIP): then it is what earlier answers took. */
static gint64 expected_answer(const VideoReceive *receive, gint64 rtt_ns)
{
    gint64 measured_ns = nack_tracker_answer_ns(receive->nack);
    if (rtt_ns > 0)
        return rtt_ns;
    return measured_ns > 0 ? measured_ns + measured_ns / LATER_SHARE : START_ANSWER_NS;
}

/* When to ask again. Where packets are lost, so are requests: each is repeated before its answer
 * could be here, for a sender that has just answered takes no notice of that. One that answers all
 * of them is given its time; and one whose round trip is not known (OBS), for it is likely to be
 * one of those, and each answer goes up a line that loses packets. */
static gint64 request_interval(const VideoReceive *receive, gint64 rtt_ns, gint64 answer_ns)
{
    gboolean eager = rtt_ns > 0 && video_receive_is_lossy(receive) &&
                     nack_tracker_needless(receive->nack) < NEEDLESS_HIGH;
    return eager ? answer_ns / 3 : answer_ns;
}

static gint64 longest_wait(gint64 answer_ns)
{
    gint64 far_ns = MIN((gint64)(LEAST_WAIT_RTTS * (gdouble)answer_ns), MAX_FAR_WAIT_NS);
    return CLAMP(WAIT_RTTS * answer_ns + 100 * NS_PER_MS, MIN_WAIT_NS, MAX(MAX_WAIT_NS, far_ns));
}

guint video_receive_tick(VideoReceive *receive, gint64 now_ns, gint64 rtt_ns, guint16 *seqs,
                         guint max, gboolean *pli)
{
    guint16 oldest = 0;
    gint64 answer_ns = expected_answer(receive, rtt_ns);
    gint64 wait_ns = longest_wait(answer_ns);
    measure_rate(receive, now_ns);
    if (receive->assembler) {
        frame_assembler_tick(receive->assembler, now_ns, max > 0 ? wait_ns : MIN_WAIT_NS);
        if (frame_assembler_oldest_wanted(receive->assembler, &oldest))
            nack_tracker_forget_before(receive->nack, oldest);
    }
    *pli = take_pli(receive, now_ns);
    gint64 interval_ns = request_interval(receive, rtt_ns, answer_ns);
    guint n = nack_tracker_due(receive->nack, now_ns, interval_ns, seqs, max);
    receive->nacks += n;
    return n;
}

void video_receive_idle(VideoReceive *receive, gint64 now_ns)
{
    measure_rate(receive, now_ns);
    if (receive->stats.started)
        nack_tracker_forget_before(receive->nack, (guint16)(receive->stats.max_seq + 1));
    if (receive->assembler)
        frame_assembler_tick(receive->assembler, now_ns, IDLE_WAIT_NS);
    nack_tracker_take_give_up(receive->nack);
    receive->need_keyframe = receive->urgent = FALSE;
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

const CodecType *video_receive_codec(const VideoReceive *receive)
{
    return receive->codec;
}

void video_receive_stats(const VideoReceive *receive, VideoReceiveStats *stats)
{
    *stats = (VideoReceiveStats){ .packets = receive->stats.packets,
                                  .bytes = receive->stats.bytes,
                                  .nacks = receive->nacks,
                                  .plis = receive->plis,
                                  .rate_bps = receive->rate_bps,
                                  .codec = receive->codec ? receive->codec->name : NULL };
    if (receive->assembler)
        frame_assembler_stats(receive->assembler, &stats->frames);
}
