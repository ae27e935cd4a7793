#pragma once

#include "base/thread.h"
#include "net/transport.h"
#include "room/rendition.h"
#include "rtp/rtcp.h"
#include "rtp/rtp.h"

/* The sending half of one peer: the mix's packets become this peer's RTP (its payload types,
 * extension ids, sequence numbers), sender reports, and answers to NACK and PLI. Counted, so that
 * other threads can name it; everything but new, ref and unref: net thread. */

typedef struct {
    gboolean active; /* this kind is sent */
    guint32 ssrc;
    guint8 payload_type;
    RtpExtMap extensions;
} ViewerStream;

typedef struct {
    ViewerStream audio, video;
    guint32 rtx_ssrc;
    gint rtx_payload_type; /* -1: lost video is sent again as it was, or not at all */
    gboolean nack;         /* video NACK was negotiated */
    char cname[33];
    gint64 mix_epoch_ns;
} ViewerConfig;

Viewer *viewer_new(Engine *engine);
Viewer *viewer_ref(Viewer *viewer);
void viewer_unref(Viewer *viewer);

/** Begin (or change) sending on a transport that is connected. Changing keeps the sequence numbers
 *  of an SSRC that stays. */
void viewer_configure(Viewer *viewer, const ViewerConfig *config) ON_NET_THREAD;
void viewer_attach(Viewer *viewer, Transport *transport) ON_NET_THREAD;
/** Nothing is sent any more. */
void viewer_detach(Viewer *viewer) ON_NET_THREAD;

/** TRUE if video was negotiated. */
gboolean viewer_sends_video(const Viewer *viewer) ON_NET_THREAD;

/** Take this rendition (a reference) instead of the present one; NULL: no video. */
void viewer_set_rendition(Viewer *viewer, Rendition *rendition) ON_NET_THREAD;

/** One Opus packet of the mix. mix_samples: samples at 48 kHz since the mix began. */
void viewer_send_audio(Viewer *viewer, const guint8 *payload, gsize size, gint64 mix_samples,
                       gint64 now_ns) ON_NET_THREAD;
void viewer_send_video(Viewer *viewer, const RenditionFrame *frame, gint64 now_ns) ON_NET_THREAD;

/** Feedback of the peer: NACK, PLI, FIR, report blocks. */
void viewer_rtcp(Viewer *viewer, const RtcpPacket *packet, gint64 now_ns) ON_NET_THREAD;

/** Append the sender reports that are due to a compound packet. Returns TRUE if it wrote any. */
gboolean viewer_write_reports(Viewer *viewer, RtcpWriter *writer, gint64 now_ns) ON_NET_THREAD;

typedef struct {
    guint64 audio_packets, video_packets, bytes, frames, keyframes, resent, nacked, plis;
    gint64 rtt_ns;        /* -1: unknown */
    guint8 fraction_lost; /* of the newest report on video, 1/256 */
} ViewerStats;

void viewer_stats(const Viewer *viewer, ViewerStats *stats) ON_NET_THREAD;
gint64 viewer_rtt_ns(const Viewer *viewer) ON_NET_THREAD;
