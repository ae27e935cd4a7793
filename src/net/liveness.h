#pragma once

#include <glib.h>

/* Is the peer still there? libnice 0.1.21 by itself would give up after 10 s of lost consent
 * checks (RFC 7675 says 30 s) and say nothing before; here silence is noticed early and forgiven
 * long. Pure: time is an argument. */

typedef enum { LIVENESS_ALIVE, LIVENESS_SILENT, LIVENESS_DEAD } LivenessState;

typedef struct {
    /* Set at the start. */
    gint64 silent_after_ns; /* for a peer that was sending media or RTCP */
    gint64 dead_after_ns;

    gint64 heard_ns; /* any datagram, STUN checks and answers too */
    gint64 media_ns; /* the last authenticated RTP or RTCP */
    gint64 lost_ns;  /* since when ICE says that the path is gone; 0: it does not */
} Liveness;

/** An idle peer is heard only by STUN, every 4 to 6 seconds: it is silent only after this. */
#define LIVENESS_IDLE_SILENT_NS G_GINT64_CONSTANT(15000000000)

/** Begin (again) as alive. */
void liveness_reset(Liveness *liveness, gint64 now_ns);
void liveness_heard(Liveness *liveness, gint64 now_ns);

/** Authenticated media came: the peer is there, whatever ICE said before. An ICE restart may fail
 *  while the path that was there goes on to work (RFC 8445, section 9). */
void liveness_media(Liveness *liveness, gint64 now_ns);

/** ICE says that the path is gone: a hint that holds until media come, or liveness_reset(). */
void liveness_path_lost(Liveness *liveness, gint64 now_ns);

LivenessState liveness_check(const Liveness *liveness, gint64 now_ns);
