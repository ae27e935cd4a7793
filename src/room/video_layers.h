#pragma once

#include "room/layer_choice.h"
#include "room/video_receive.h"
#include "sdp/negotiate.h"

/* The pictures of one source as they come: one stream, or up to three layers of a simulcast, told
 * apart by RID (RFC 8852) or SSRC. One of them is decoded: the one that fits the largest tile
 * (layer_choice.h). It changes at a key frame of the other layer; for those that nobody shows
 * nothing is asked for. Net thread. */

typedef struct VideoLayers VideoLayers;

/** When a frame's picture is to be shown. */
typedef gint64 (*VideoDueFunc)(VideoReceive *receive, const AssembledFrame *frame, gpointer user);

/** A reference of `input` is taken. */
VideoLayers *video_layers_new(VideoInput *input, VideoDueFunc due, gpointer user) ON_NET_THREAD;
void video_layers_free(VideoLayers *layers) ON_NET_THREAD;

/** What was negotiated of the section; may be called again: layers that stay go on. */
void video_layers_configure(VideoLayers *layers, const NegotiatedMedia *media) ON_NET_THREAD;

/** A packet; `apt` is the original's payload type if it is one that is sent again, else -1. */
void video_layers_packet(VideoLayers *layers, const CodecType *codec, gint apt,
                         const RtpPacket *packet, const RtpExtensions *extensions,
                         gint64 arrival_ns) ON_NET_THREAD;
void video_layers_sender_report(VideoLayers *layers, const RtcpPacket *report,
                                gint64 arrival_ns) ON_NET_THREAD;

/** What to ask the sender of one stream for. */
typedef struct {
    guint32 ssrc;
    gboolean pli;
    guint n; /* of seqs */
    guint16 seqs[128];
} VideoFeedback;

/** Every 10 ms. nack: the sender knows that. Returns how many of `feedback` were filled. */
guint video_layers_tick(VideoLayers *layers, gint64 now_ns, gint64 rtt_ns, gboolean nack,
                        VideoFeedback feedback[LAYERS_MAX]) ON_NET_THREAD;

/** Whether packets of what is decoded were lost lately. */
gboolean video_layers_is_lossy(const VideoLayers *layers) ON_NET_THREAD;

/** Append report blocks. Returns how many. */
guint video_layers_reports(VideoLayers *layers, gint64 now_ns, RtcpReportBlock *blocks,
                           guint max) ON_NET_THREAD;

/** How much the sender is to send of this source, at most `max_bps` for one picture; more is
 * granted at once, less when it was enough for 3 s. 0: nothing came yet. Appends the SSRCs that
 * come. */
gint video_layers_rate_bps(VideoLayers *layers, gint max_bps, gint64 now_ns,
                           GArray *ssrcs) ON_NET_THREAD;

/** One layer, as statistics tell it. */
typedef struct {
    const char *rid; /* "" where there is none */
    guint32 ssrc;
    gint width, height;       /* upright; 0: not known yet */
    gboolean decoded, chosen; /* chosen, not decoded: its key frame is awaited */
    VideoReceiveStats received;
} VideoLayerStats;

/** Those of which something came. Returns how many. */
guint video_layers_stats(const VideoLayers *layers,
                         VideoLayerStats stats[LAYERS_MAX]) ON_NET_THREAD;
