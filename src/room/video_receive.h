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

/** When a picture of this RTP timestamp is to be shown. */
typedef gint64 (*VideoDueFunc)(VideoReceive *receive, const AssembledFrame *frame, gpointer user);

VideoReceive *video_receive_new(guint32 ssrc, VideoInput *input, VideoDueFunc due, gpointer user);
void video_receive_free(VideoReceive *receive);

/** A packet (recovered by RTX or not). FALSE: not believed, or seen before. */
gboolean video_receive_packet(VideoReceive *receive, const CodecType *codec,
                              const RtpPacket *packet, gboolean recovered, gint64 arrival_ns);
void video_receive_rotation(VideoReceive *receive, guint8 rotation);
void video_receive_sender_report(VideoReceive *receive, guint64 ntp, guint32 rtp_timestamp,
                                 gint64 arrival_ns);

/** Every 10 ms. Fills seqs with what to ask for again; *pli tells that a key frame is to be asked
 *  for now (rate limited). */
guint video_receive_tick(VideoReceive *receive, gint64 now_ns, gint64 rtt_ns, guint16 *seqs,
                         guint max, gboolean *pli);

void video_receive_report(VideoReceive *receive, gint64 now_ns, RtcpReportBlock *block);
const Timeline *video_receive_timeline(const VideoReceive *receive);
guint32 video_receive_ssrc(const VideoReceive *receive);

typedef struct {
    FrameAssemblerStats frames;
    guint64 packets, bytes, nacks, plis;
    const char *codec;
} VideoReceiveStats;

void video_receive_stats(const VideoReceive *receive, VideoReceiveStats *stats);
