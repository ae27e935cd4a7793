#pragma once

#include <glib.h>

/* How fast one receiver's path can take packets, from the sender's side: Google congestion control
 * (draft-ietf-rmcat-gcc-02 with libwebrtc's later stages). What was sent, and what the receiver
 * says arrived when (transport-cc), go through these:
 *
 *   history -> groups -> trend -> rate (AIMD)  --.
 *           -> acknowledged rate ---'            +-- the lowest is the estimate
 *           -> loss  ----------------------------|
 *           -> probes: sets the rate             |
 *   REMB  ---------------------------------------'
 *
 * A receiver without transport-cc is estimated by its REMB, or the loss and round trip of its
 * reports. Feedback is believed as far as it names packets that were sent in the last 60 s; a
 * receiver that lies only hurts itself. All rates are bits per second of what bwe_sent() is told.
 * Net thread. */

#define BWE_PROBE_NONE (-1)

typedef struct {
    gint start_bps, min_bps, max_bps;
} BweConfig;

typedef struct Bwe Bwe;

Bwe *bwe_new(const BweConfig *config, gint64 now_ns);
void bwe_free(Bwe *bwe);

/** A packet goes out. probe_cluster: the probe that it belongs to, or BWE_PROBE_NONE. */
void bwe_sent(Bwe *bwe, guint16 transport_seq, gsize size, gint probe_cluster, gint64 now_ns);

/** The same of a packet without a transport number, to a receiver that cannot tell what arrived. */
void bwe_sent_unnumbered(Bwe *bwe, gsize size, gint64 now_ns);

/** The body of a transport-cc feedback. Malformed ones change nothing. */
void bwe_feedback(Bwe *bwe, const guint8 *fci, gsize size, gint64 now_ns);

/** The receiver wants no more than this. Forgotten when it was not repeated for 10 s. */
void bwe_remb(Bwe *bwe, guint64 bps, gint64 now_ns);

/** A report block came: loss as 1/256, rtt_ns negative where it is not known. Counts only for a
 *  receiver that sends no transport-cc. */
void bwe_report(Bwe *bwe, guint8 fraction_lost, gint64 rtt_ns, gint64 now_ns);

/** A report says that something arrived since the one before; rtt_ns as above. */
void bwe_heard(Bwe *bwe, gint64 rtt_ns, gint64 now_ns);

/** Let time pass: at least every 100 ms. */
void bwe_tick(Bwe *bwe, gint64 now_ns);

/** used_bps: what is sent by choice at present (all media together). wanted_bps: what the next
 *  better choice would take: while the estimate does not reach 1.15 times this and less is sent
 * than the estimate allows, probes look for it, and no further. 0 for either: not known. */
void bwe_set_allocated(Bwe *bwe, gint used_bps, gint wanted_bps);

/** A burst that is to be sent now, at rate_bps, of packets that are marked with `cluster`: media,
 * or padding and retransmissions where there is no media. */
typedef struct {
    gint cluster;
    gint rate_bps;
    guint min_packets;
    gsize min_bytes;
    gint64 duration_ns; /* what min_bytes take */
} BweProbe;

/** TRUE: begin this probe now. Ask at every tick while no probe is being sent. */
gboolean bwe_probe(Bwe *bwe, gint64 now_ns, BweProbe *probe);

gint bwe_estimate_bps(const Bwe *bwe);
/** Of what was sent in the last 3 s nothing was answered, by a receiver that had answered before.
 *  It is over with the first answer, so keep sending a little: each 500 ms at least. If by then the
 *  network is as it was, the estimate begins anew at start_bps, with a probe for what it was. */
gboolean bwe_is_away(const Bwe *bwe);
/** Lost of a thousand, over the last seconds. */
gint bwe_loss_permille(const Bwe *bwe);
/** -1: not known. */
gint64 bwe_rtt_ns(const Bwe *bwe);

typedef enum { BWE_NORMAL, BWE_OVERUSE, BWE_UNDERUSE } BweState;

typedef struct {
    gint estimate_bps, acked_bps; /* 0: nothing acknowledged yet */
    gint delay_bps, loss_bps;     /* the limits by delay and by loss */
    gint64 remb_bps;              /* -1: none */
    BweState state;               /* of the path's queue */
    gint64 standing_ns;           /* how long the part of it is that never empties */
    gdouble trend, threshold_ms;  /* the trend counts as overuse above the threshold */
    gboolean app_limited;         /* less is sent than could be */
    guint probes, probes_failed;
    guint64 feedbacks, malformed; /* transport-cc packets */
} BweStats;

void bwe_stats(const Bwe *bwe, BweStats *stats);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Bwe, bwe_free)
