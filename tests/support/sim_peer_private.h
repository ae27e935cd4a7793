#pragma once

#include "rtp/rtp_stats.h"
#include "rtp/twcc.h"
#include "support/sim_peer.h"

/* What the files of a simulated participant share: sim_peer.c (its life, and what is known of it),
 * sim_peer_send.c (its sound and pictures, also again) and sim_peer_receive.c (what comes, and the
 * RTCP that tells of it). */

/* One stream that comes. */
typedef struct {
    RtpReceiveStats stats;
    guint64 sr_ntp;
    guint32 sr_ts;
    gboolean has_sr;
} SimInStream;

struct SimPeer {
    SimPeerConfig config;
    char *ufrag;
    MemoryPort *port;
    SimAnswer answer;
    gboolean answered;

    gint64 created_ns; /* where its own clock and ours are only `clock_offset_ns` apart */
    gint64 begin_ns;   /* on its own clock: media time zero; 0: not yet */
    gboolean silent, no_sound, no_pictures;
    AudioEncoder *microphone;
    SimOutStream audio;
    SimLayer layers[SIM_LAYERS]; /* the largest first */
    guint layer_count;
    guint16 transport_seq;
    guint64 link_bps;
    SimLayer *resend_layer;
    gint64 resend_now_ns;
    gint64 rtt_ns; /* as the server's reports tell */

    SimEar *ear;
    SimEye *eye;
    SimWire wire;
    SimInStream audio_in, video_in;
    gint64 next_report_ns, next_feedback_ns, next_arrivals_ns, next_remb_ns;
    TwccReceiver *arrivals;
    guint32 arrivals_ssrc;
    SimPeerStats stats;
};

/** Its own clock, in ns: a constant and a drift away from ours. Others are told it as since 1900.
 */
gint64 sim_peer_own_clock(const SimPeer *peer, gint64 now_ns);
gint64 sim_peer_ntp_clock(const SimPeer *peer, gint64 now_ns);

/** The timestamp of a moment of its media. */
guint32 sim_peer_ts_at(const SimOutStream *stream, gint64 media_ns);

/** Send what is due of its sound and pictures. */
void sim_peer_send_media(SimPeer *peer, gint64 now_ns);
/** The server asks for packets of one of the layers again. */
void sim_peer_resend(SimPeer *peer, SimLayer *layer, const RtcpPacket *nack, gint64 now_ns);

/** Take what has come; send what is due of RTCP. */
void sim_peer_receive(SimPeer *peer, gint64 now_ns);
void sim_peer_send_rtcp(SimPeer *peer, gint64 now_ns);
