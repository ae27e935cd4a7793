#pragma once

#include <glib.h>

/* How many packets one peer may send: what is above it is dropped before it costs a decryption, so
 * that a flood does not keep the one net thread from everybody else. Two token buckets. Pure: time
 * is an argument. */

/** RTP and RTCP together. Three simulcast layers at full rate with what is sent again are about
 *  2000 a second. */
#define PACKET_LIMIT_PER_SECOND 4000
#define PACKET_LIMIT_BURST      2000

/** RTCP. A browser sends up to 100 a second: transport-cc, NACK, reports. */
#define PACKET_LIMIT_RTCP_PER_SECOND 200
#define PACKET_LIMIT_RTCP_BURST      400

/** Zeroed: both buckets are full. */
typedef struct {
    gint64 all_full_ns, rtcp_full_ns; /* when each bucket is full again */
} PacketLimit;

/** A packet came. FALSE: it is one too many, and counts for nothing. */
gboolean packet_limit_take(PacketLimit *limit, gboolean is_rtcp, gint64 now_ns);
