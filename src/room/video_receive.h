#pragma once

#include "codecs/codec.h"
#include "room/video_input.h"
#include "rtp/frame_assembler.h"
#include "rtp/nack.h"
#include "rtp/rtp.h"
#include "rtp/rtp_stats.h"
#include "rtp/timeline.h"

/* One incoming video stream (an SSRC): statistics, holes, frames. Net thread. */

typedef struct VideoReceive VideoReceive;

typedef struct {
    /** FALSE: this frame is not to be decoded, another stream of the same source is. */
    gboolean (*takes)(VideoReceive *receive, const AssembledFrame *frame, gpointer user);
    /** When the frame's picture is to be shown. */
    gint64 (*due)(VideoReceive *receive, const AssembledFrame *frame, gpointer user);
} VideoReceiveEvents;

/** `events` must outlive it; they must not free it. */
VideoReceive *video_receive_new(guint32 ssrc, VideoInput *input, const VideoReceiveEvents *events,
                                gpointer user);
void video_receive_free(VideoReceive *receive);

/** A packet (recovered by RTX or not). FALSE: not believed, or seen before. */
gboolean video_receive_packet(VideoReceive *receive, const CodecType *codec,
                              const RtpPacket *packet, gboolean recovered, gint64 arrival_ns);
void video_receive_rotation(VideoReceive *receive, guint8 rotation);
void video_receive_sender_report(VideoReceive *receive, guint64 ntp, guint32 rtp_timestamp,
                                 gint64 arrival_ns);

/** Ask for a key frame at the next tick: if `at_once`, although one was asked for lately. */
void video_receive_want_keyframe(VideoReceive *receive, gboolean at_once);

/** Every 10 ms, of a stream that somebody shows. rtt_ns -1: not known, it is taken from the answers
 *  to what was asked for. Fills seqs with what to ask for again (max 0: the
 *  sender does not know NACK, and no hole is waited for long); *pli tells that a key frame is to be
 *  asked for now (rate limited). */
guint video_receive_tick(VideoReceive *receive, gint64 now_ns, gint64 rtt_ns, guint16 *seqs,
                         guint max, gboolean *pli);

/** The same of one that nobody shows: nothing is asked for. */
void video_receive_idle(VideoReceive *receive, gint64 now_ns);

/** Whether packets were lost, or overtaken, lately. */
gboolean video_receive_is_lossy(const VideoReceive *receive);

void video_receive_report(VideoReceive *receive, gint64 now_ns, RtcpReportBlock *block);
const Timeline *video_receive_timeline(const VideoReceive *receive);
guint32 video_receive_ssrc(const VideoReceive *receive);
const CodecType *video_receive_codec(const VideoReceive *receive); /* NULL: nothing came yet */

typedef struct {
    FrameAssemblerStats frames;
    guint64 packets, bytes, nacks, plis;
    gint rate_bps; /* of the last second */
    const char *codec;
} VideoReceiveStats;

void video_receive_stats(const VideoReceive *receive, VideoReceiveStats *stats);
