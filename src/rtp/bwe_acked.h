#pragma once

#include <glib.h>

/* The rate at which packets really arrive, over the last 20 to 500 of them (libwebrtc's robust
 * throughput estimator). Zero-initialised. Pure. */

#define BWE_ACKED_MAX 500

typedef struct {
    gint64 sent_ns, arrival_ns;
    gsize size;
} BweAckedPacket;

typedef struct {
    BweAckedPacket ring[BWE_ACKED_MAX]; /* in the order of arrival */
    guint begin, count;
    gint64 discarded_sent_ns; /* the newest that left the window was sent then */
} BweAcked;

void bwe_acked_packet(BweAcked *acked, gint64 sent_ns, gint64 arrival_ns, gsize size);

/** 0: not known yet. */
gint bwe_acked_bps(const BweAcked *acked);
