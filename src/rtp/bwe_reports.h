#pragma once

#include "rtp/bwe.h"

/* The rate of a receiver without transport-cc: by the loss in its receiver reports, and up to its
 * REMB where it sends one (draft-ietf-rmcat-gcc-02 section 6). Pure. */

typedef struct {
    gint bps, min_bps, max_bps;
    gint64 stepped_ns, decreased_ns;
    gint64 second_ns; /* when the counting of what is sent began */
    gsize sent_bytes;
    gint sent_bps; /* in the last whole second */
    gint permille; /* of the newest report */
} BweReports;

void bwe_reports_init(BweReports *reports, const BweConfig *config, gint64 now_ns);
void bwe_reports_sent(BweReports *reports, gsize size, gint64 now_ns);

typedef struct {
    guint8 fraction_lost;
    gint64 rtt_ns;
    gint64 remb_bps; /* negative: none */
    gboolean queued; /* a queue stands in the path */
    gint used_bps;   /* what is sent by choice costs so much when it is not still */
    gint wanted_bps; /* there is a use for so much: worth trying, as nothing can be measured before
                      */
} BweReportsInput;

void bwe_reports_loss(BweReports *reports, const BweReportsInput *input, gint64 now_ns);

/** A REMB came. */
void bwe_reports_remb(BweReports *reports, gint64 remb_bps);
