#pragma once

#include <glib.h>

/* The queue that never empties: how much longer than at its best a path took even the quickest
 * packet of the last moments. A large frame on a thin line is a queue too, but one that is gone
 * before the next comes, and no sign that the line is full. Zero-initialised. Pure. */

#define BWE_STANDING_SLOTS 4

typedef struct {
    gint64 slot_ns[BWE_STANDING_SLOTS], least_ns[BWE_STANDING_SLOTS]; /* of the last moments */
    guint slot;
    gint64 base_ns, next_base_ns, base_until_ns; /* the least of the last minute or so */
    gboolean started;
} BweStanding;

/** A packet arrived; in order of arrival. sent_ns: our clock, arrival_ns: the peer's. */
void bwe_standing_packet(BweStanding *standing, gint64 sent_ns, gint64 arrival_ns);

gint64 bwe_standing_ns(const BweStanding *standing);
