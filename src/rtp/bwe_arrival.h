#pragma once

#include <glib.h>

/* Packets that were sent together form a group (5 ms, or a burst that the path delivers at once);
 * what is compared is how far groups were sent and how far they arrived apart
 * (draft-ietf-rmcat-gcc-02 section 5.2). Zero-initialised. Pure. */

typedef struct {
    gint64 first_sent_ns, sent_ns, first_arrival_ns, arrival_ns, seen_ns;
    gboolean begun;
} BweGroup;

typedef struct {
    BweGroup current, previous;
    guint reordered; /* groups in succession */
} BweArrival;

typedef struct {
    gint64 sent_ns, arrival_ns; /* between the last two groups that are complete */
} BweDelta;

/** A packet in the order of arrival; seen_ns: when its feedback came. TRUE: it began a new group,
 * and the two before it give a delta. */
gboolean bwe_arrival_packet(BweArrival *arrival, gint64 sent_ns, gint64 arrival_ns, gint64 seen_ns,
                            BweDelta *delta);
