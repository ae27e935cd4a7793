#pragma once

#include "support/memory_transport.h"
#include "support/sim_camera.h"
#include "support/sim_ear.h"
#include "support/sim_eye.h"

/* One simulated participant: offers as Chromium does, sends Opus and VP8 with a clock of its own,
 * answers NACK and PLI, and listens to and looks at the mix. It lives on the control thread's side
 * of a MemoryPort and is moved by sim_peer_tick(). */

typedef struct SimPeer SimPeer;

typedef struct {
    const char *name;
    guint number; /* its own: credentials, SSRCs, seeds */

    gdouble tone_hz;   /* 0: sends no sound */
    gdouble amplitude; /* default 0.1 */

    SimVideo video;
    SimPaint paint;
    gint width, height, fps; /* default 160x90@15 */
    gint bitrate_bps;        /* default 150000 */

    gint64 clock_offset_ns; /* of its own clock against ours */
    gdouble drift_ppm;
    gint64 audio_late_ns; /* its sound is sent this much after it was captured */
    gint64 video_late_ns;

    gboolean deaf, blind; /* what comes is counted, not decoded */
    gboolean view_only, publish_only;
    SimLinkConfig up, down;
} SimPeerConfig;

SimPeer *sim_peer_new(MemoryNetwork *network, const SimPeerConfig *config, gint64 now_ns);
void sim_peer_free(SimPeer *peer);
const SimPeerConfig *sim_peer_config(const SimPeer *peer);

/** The offer (transfer full), and what came of it. */
char *sim_peer_offer(const SimPeer *peer);
void sim_peer_accept_answer(SimPeer *peer, const char *answer);

/** Send and receive what is due. */
void sim_peer_tick(SimPeer *peer, gint64 now_ns);

/** What it does from now on. */
void sim_peer_set_talking(SimPeer *peer, gboolean talking); /* FALSE: digital silence is sent */
void sim_peer_set_sending(SimPeer *peer, gboolean sound, gboolean pictures);
void sim_peer_set_paint(SimPeer *peer, SimPaint paint);
/** Go on with other SSRCs, which the offer did not tell. */
void sim_peer_change_ssrcs(SimPeer *peer);

/** Anything at all as a datagram. */
void sim_peer_send_raw(SimPeer *peer, const guint8 *data, gsize size, gint64 now_ns);
/** A video frame of these bytes instead of an encoded picture. */
void sim_peer_send_frame(SimPeer *peer, const guint8 *data, gsize size, gboolean keyframe,
                         gint64 now_ns);
/** A packet of the stream that carries what is sent again. */
void sim_peer_send_rtx(SimPeer *peer, guint16 original_seq, const guint8 *payload, gsize size,
                       gint64 now_ns);
void sim_peer_send_pli(SimPeer *peer, gint64 now_ns);
/** Ask for the newest `count` pictures' packets again (at most RTCP_MAX_NACKS). */
void sim_peer_send_nack(SimPeer *peer, guint count, gint64 now_ns);

SimEar *sim_peer_ear(SimPeer *peer);
SimEye *sim_peer_eye(SimPeer *peer);
MemoryPort *sim_peer_port(SimPeer *peer);

typedef struct {
    guint32 ssrc;
    guint8 payload_type;
} SimStreamId;

SimStreamId sim_peer_audio_id(const SimPeer *peer);
SimStreamId sim_peer_video_id(const SimPeer *peer);

/** The mix's clock (ns since 1900) of an RTP timestamp, by the newest sender report. FALSE: there
 *  was none yet. */
gboolean sim_peer_mix_time(const SimPeer *peer, gboolean video, guint32 rtp_timestamp, gint64 *ns);

typedef struct {
    guint64 plis, nacked, resent; /* that the server asked for, and got */
    guint64 sender_reports, receiver_reports, transport_feedback;
    guint64 pictures_sent;
    gint64 connected_ns; /* 0: not yet */
} SimPeerStats;

void sim_peer_stats(const SimPeer *peer, SimPeerStats *stats);
