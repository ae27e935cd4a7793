#pragma once

#include <glib.h>

/* How many packets one peer may send: what is above it is dropped before it costs a decryption, so
 * that a flood does not keep the one net thread from everybody else. Two token buckets. Pure: time
 * is an argument. */

/** RTP and RTCP together: 100 Mbit/s of full packets. */
#define PACKET_LIMIT_PER_SECOND 12000
#define PACKET_LIMIT_BURST      6000

/** RTCP. A browser on a bad line sends up to 250 a second: NACK, transport-cc, reports. */
#define PACKET_LIMIT_RTCP_PER_SECOND 500
#define PACKET_LIMIT_RTCP_BURST      1000

/** Zeroed: both buckets are full. */
typedef struct {
    gint64 all_full_ns, rtcp_full_ns; /* when each bucket is full again */
} PacketLimit;

/** A packet came. FALSE: it is one too many, and counts for nothing. */
gboolean packet_limit_take(PacketLimit *limit, gboolean is_rtcp, gint64 now_ns);
