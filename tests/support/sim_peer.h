#pragma once

#include "support/memory_transport.h"
#include "support/sim_camera.h"
#include "support/sim_ear.h"
#include "support/sim_eye.h"
#include "support/sim_layer.h"
#include "support/sim_offer.h"
#include "support/sim_wire.h"

/* One simulated participant: offers as Chromium does, sends Opus and VP8 with a clock of its own,
 * answers NACK and PLI, and listens to and looks at the mix. It lives on the control thread's side
 * of a MemoryPort and is moved by sim_peer_tick(). */

typedef struct SimPeer SimPeer;

typedef struct {
    const char *name;
    guint number; /* its own: credentials, SSRCs, seeds */

    gdouble tone_hz;   /* 0: sends no sound */
    gdouble amplitude; /* default 0.1 */
    gboolean speaks;   /* the tone rises and falls as speech does */
    gint fec_loss_pct; /* its Opus carries FEC for so much loss; 0: none */
    gboolean no_red;   /* it does not know RED */

    SimVideo video;
    SimPaint paint;
    gint width, height, fps; /* default 160x90@15 */
    gint bitrate_bps;        /* default 150000 */
    SimSimulcast simulcast;  /* three layers: the whole, half and a quarter of each side; the rate
                                is the largest one's, the others have a quarter each of the next */

    gboolean tells_no_rid; /* nor MID: it believes that the server knows its streams */

    gint64 clock_offset_ns; /* of its own clock against ours */
    gdouble drift_ppm;
    gint64 audio_late_ns; /* its sound is sent this much after it was captured */
    gint64 video_late_ns;

    gboolean deaf, blind; /* what comes is counted, not decoded */
    gboolean view_only, publish_only;
    gboolean sound_only;      /* who watches only takes no pictures */
    gboolean no_transport_cc; /* it cannot tell what arrived when, and does not offer to */
    gboolean no_rtx;          /* it wants to be sent again in the same stream */
    gboolean answers_each;    /* whatever is asked for is sent again, however lately it was */
    gboolean silent_rtcp;     /* it sends no RTCP at all */
    guint64 remb_bps;         /* it says every 500 ms that it takes so much; 0: it does not say */
    SimLinkConfig up, down;
} SimPeerConfig;

SimPeer *sim_peer_new(MemoryNetwork *network, const SimPeerConfig *config, gint64 now_ns);
void sim_peer_free(SimPeer *peer);
const SimPeerConfig *sim_peer_config(const SimPeer *peer);

/** The offer (transfer full), and what came of it. */
char *sim_peer_offer(const SimPeer *peer);
void sim_peer_accept_answer(SimPeer *peer, const char *answer);
const SimAnswer *sim_peer_answer(const SimPeer *peer);

/** Send and receive what is due. */
void sim_peer_tick(SimPeer *peer, gint64 now_ns);

/** What it does from now on. */
void sim_peer_set_talking(SimPeer *peer, gboolean talking); /* FALSE: digital silence is sent */
void sim_peer_set_sending(SimPeer *peer, gboolean sound, gboolean pictures);
void sim_peer_set_paint(SimPeer *peer, SimPaint paint);
/** One direction of its line is another one from now on. */
void sim_peer_set_up(SimPeer *peer, const SimLinkConfig *up);
void sim_peer_set_down(SimPeer *peer, const SimLinkConfig *down);
/** Its line is another one from now on. */
void sim_peer_set_links(SimPeer *peer, const SimLinkConfig *up, const SimLinkConfig *down);
/** What it believes its line carries (0: anything): with simulcast, layers that do not fit are not
 *  sent. */
void sim_peer_set_link_bps(SimPeer *peer, guint64 bps);
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
/** How the numbers of the pictures that it gets went on so far. */
const SimWireStats *sim_peer_wire(const SimPeer *peer);

SimStreamId sim_peer_audio_id(const SimPeer *peer);
SimStreamId sim_peer_video_id(const SimPeer *peer);

/** The mix's clock (ns since 1900) of an RTP timestamp, by the newest sender report. FALSE: there
 *  was none yet. */
gboolean sim_peer_mix_time(const SimPeer *peer, gboolean video, guint32 rtp_timestamp, gint64 *ns);

typedef struct {
    guint64 plis, nacked, resent; /* that the server asked for, and got */
    guint64 sender_reports, receiver_reports, transport_feedback;
    guint64 pictures_sent; /* of simulcast the largest layer's */
    guint64 granted_bps;   /* by REMB; 0: never said */
    guint64 padding;       /* packets without payload */
    gint64 connected_ns;   /* 0: not yet */
} SimPeerStats;

/** Of one layer: 0 is the largest, or the only one. */
const SimLayer *sim_peer_layer(const SimPeer *peer, guint index);

void sim_peer_stats(const SimPeer *peer, SimPeerStats *stats);
