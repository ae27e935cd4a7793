#pragma once

#include <glib.h>

#include "base/seq.h"

/* Maps one sender's RTP timestamps to that sender's own wall clock by its sender reports (RFC 3550
 * section 6.4.1), so that its sound and its pictures can be put side by side. Until the first
 * report, arrival times stand in. Values are only compared within one sender. The newest reports
 * also tell how fast the sender's media clock really runs. Net thread. */

typedef struct Timeline Timeline;

Timeline *timeline_new(gint clock_hz);
void timeline_free(Timeline *timeline);

/** A packet came: feeds the fallback (the least delayed packets of the last 2 s). */
void timeline_packet(Timeline *timeline, guint32 rtp_timestamp, gint64 arrival_ns);

/** A sender report came. Reports that contradict the earlier ones by more than 1 s restart it;
 *  reports of a sender without a wall clock (NTP time 0) are ignored. */
void timeline_sender_report(Timeline *timeline, guint64 ntp, guint32 rtp_timestamp,
                            gint64 arrival_ns);

/** TRUE once a sender report was seen. */
gboolean timeline_has_report(const Timeline *timeline);

/** The sender's wall clock (ns since 1900) when this timestamp was captured; before the first
 *  report, the local clock's estimate of it. FALSE if nothing is known yet. */
gboolean timeline_capture_ns(const Timeline *timeline, guint32 rtp_timestamp, gint64 *capture_ns);

/** The local clock's estimate, reports or not: for a sender of whose streams one has no report yet
 *  (then all of them must be compared by this). FALSE if no packet was seen yet. */
gboolean timeline_local_ns(const Timeline *timeline, guint32 rtp_timestamp, gint64 *local_ns);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Timeline, timeline_free)
