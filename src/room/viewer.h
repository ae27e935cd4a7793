#pragma once

#include "base/thread.h"
#include "net/transport.h"
#include "room/ladder.h"
#include "room/voice_wish.h"
#include "rtp/rtcp.h"
#include "rtp/rtp.h"

/* The sending half of one peer: the mix's packets become this peer's RTP (its payload types,
 * extension ids, sequence numbers), sender reports, and answers to NACK and PLI. It measures what
 * the peer's line carries and takes the rung of the ladder that fits. Counted, so that other
 * threads can name it; everything but new, ref and unref: net thread. */

typedef struct {
    gboolean active; /* this kind is sent */
    guint32 ssrc;
    guint8 payload_type;
    RtpExtMap extensions;
} ViewerStream;

typedef struct {
    ViewerStream audio, video;
    gint red_payload_type; /* RED of the sound; -1: not negotiated */
    gboolean audio_fec;    /* the peer makes use of Opus' in-band FEC */
    guint32 rtx_ssrc;
    gint rtx_payload_type;    /* -1: lost video is sent again as it was, or not at all */
    gboolean nack;            /* video NACK was negotiated */
    gboolean transport_cc;    /* the peer tells when each packet arrived */
    guint16 playout_max_10ms; /* 0: the peer decides how much it buffers */
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

/** Take the rungs of this ladder (a reference) from now on; NULL: no video. The present rendition
 * is sent until the first key frame of the other one, if both have the same codec: no frame is
 *  missing, and the receiver sees one stream. */
void viewer_set_ladder(Viewer *viewer, Ladder *ladder) ON_NET_THREAD;

/** Every 10 ms while it is attached. */
void viewer_tick(Viewer *viewer, gint64 now_ns) ON_NET_THREAD;

/** What its line lets it have. */
typedef enum {
    VIEWER_FULL,    /* the full picture, or nothing is known against it */
    VIEWER_REDUCED, /* a lower rung, or half the frames */
    VIEWER_SOUND,   /* sound only */
} ViewerQuality;

ViewerQuality viewer_quality(const Viewer *viewer) ON_NET_THREAD;

/** The rate of a rendition that its line would carry; 0: not known. */
gint viewer_video_budget(const Viewer *viewer) ON_NET_THREAD;

/** One Opus packet of the mix. mix_samples: samples at 48 kHz since the mix began. */
void viewer_send_audio(Viewer *viewer, GBytes *packet, gint64 mix_samples,
                       gint64 now_ns) ON_NET_THREAD;

/** How much Opus the line has room for, in bits per second (without headers, and without RED, which
 *  is sent only while this is what is configured or more). Starts with what is configured. May be
 *  called as often as one likes: the rate falls at once and rises after five seconds. */
void viewer_set_audio_budget(Viewer *viewer, gint bps) ON_NET_THREAD;

/** Which encode of its mix it wants to have, by its budget and the loss that it reports. Any
 *  thread. */
VoiceWish viewer_voice_wish(const Viewer *viewer);

/** A picture of one of the renditions that it takes. */
void viewer_send_video(Viewer *viewer, Rendition *rendition, const RenditionFrame *frame,
                       gint64 now_ns) ON_NET_THREAD;

/** Feedback of the peer: NACK, PLI, FIR, report blocks. */
void viewer_rtcp(Viewer *viewer, const RtcpPacket *packet, gint64 now_ns) ON_NET_THREAD;

/** Append the sender reports that are due to a compound packet. Returns TRUE if it wrote any. */
gboolean viewer_write_reports(Viewer *viewer, RtcpWriter *writer, gint64 now_ns) ON_NET_THREAD;

typedef struct {
    guint64 audio_packets, video_packets, bytes, frames, keyframes, resent, nacked, plis, switches;
    guint64 left_out;         /* frames that nothing refers to, for want of room */
    guint64 dropped;          /* frames that the line had no room for */
    guint64 padding;          /* packets that measure the line */
    gint64 rtt_ns;            /* -1: unknown */
    guint8 fraction_lost;     /* of the newest report on video, 1/256 */
    gint estimate_bps;        /* of what the line carries; 0: not measured */
    gint acked_bps;           /* of what was sent lately, that arrived */
    gint delay_bps, loss_bps; /* the estimate's limits */
    gint queue_state;         /* BweState */
    gdouble queue_trend, queue_threshold;
    gint budget_bps;    /* of it for pictures */
    gint rung;          /* 0: the full picture; RUNG_NONE: sound only */
    gboolean base_only; /* with half the frames */
    gint64 queue_ns;    /* how long what waits takes to send */
    gint64 playout_ns;  /* how long its pictures are told to wait at least */
    gint audio_bps;     /* the sound's payloads now, RED's repetitions included */
    gboolean audio_fec, audio_red;
    gdouble audio_loss;        /* by the reports of the last seconds, 0..1 */
    guint64 audio_red_packets; /* of audio_packets */
} ViewerStats;

void viewer_stats(const Viewer *viewer, ViewerStats *stats) ON_NET_THREAD;
gint64 viewer_rtt_ns(const Viewer *viewer) ON_NET_THREAD;
