#pragma once

#include <glib.h>

/* One direction of a network path, simulated: what goes in at one moment comes out at another, or
 * never. Deterministic for a seed; driven by now_ns. Not thread-safe. */

typedef struct {
    gint64 delay_ns;
    gint64 jitter_ns; /* up to this much more, without overtaking */
    gdouble loss;     /* 0..1, each packet by itself */
    gdouble burst;    /* 0..1, the chance that a run of losses begins at a packet ... */
    guint burst_len;  /* ... and how many packets it takes */
    gdouble reorder;  /* 0..1, the chance that a packet is held back 15 ms */
    gdouble duplicate;
    gint64 rate_bps; /* 0: no limit */
    gint64 queue_ns; /* with a rate: what would wait longer is lost; 0: 300 ms */
} SimLinkConfig;

typedef struct SimLink SimLink;

SimLink *sim_link_new(guint32 seed);
void sim_link_free(SimLink *link);
void sim_link_configure(SimLink *link, const SimLinkConfig *config);

/** Nothing comes out before until_ns; what waits comes out then, all at once. */
void sim_link_hold(SimLink *link, gint64 until_ns);

/** A packet goes in; it is copied. */
void sim_link_send(SimLink *link, const guint8 *data, gsize size, gint64 now_ns);

/** (transfer full) The next packet that has come out by now_ns, earliest first, or NULL. */
GBytes *sim_link_receive(SimLink *link, gint64 now_ns, gint64 *arrival_ns);

/** When the next packet comes out; G_MAXINT64: nothing is under way. */
gint64 sim_link_next_ns(const SimLink *link);

typedef struct {
    guint64 sent, lost, delivered;
} SimLinkStats;

void sim_link_stats(const SimLink *link, SimLinkStats *stats);
