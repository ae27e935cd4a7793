#include "rtp/bwe_reports.h"

#include "base/clock.h"

#define LOW_PERMILLE  20
#define HIGH_PERMILLE 100
#define INCREASE      1.08
#define INCREASE_BPS  1000
#define STEP_NS       NS_PER_SEC
#define QUEUED_FACTOR 0.9               /* in each STEP_NS, while a queue stands in the path */
#define DECREASE_NS   (300 * NS_PER_MS) /* and an RTT, between decreases */
#define HEADROOM      1.5               /* of what is sent: more was not tried */
#define HEADROOM_BPS  10000
#define WANTED_MARGIN 1.15

void bwe_reports_init(BweReports *reports, const BweConfig *config, gint64 now_ns)
{
    *reports = (BweReports){
        .bps = config->start_bps,
        .min_bps = config->min_bps,
        .max_bps = config->max_bps,
        .stepped_ns = now_ns,
        .second_ns = now_ns,
    };
}

void bwe_reports_sent(BweReports *reports, gsize size, gint64 now_ns)
{
    gint64 span_ns = now_ns - reports->second_ns;
    if (span_ns >= NS_PER_SEC) {
        gdouble bps = (gdouble)reports->sent_bytes * 8 * NS_PER_SEC / (gdouble)span_ns;
        reports->sent_bps = (gint)MIN(bps, G_MAXINT / 4);
        reports->sent_bytes = 0;
        reports->second_ns = now_ns;
    }
    reports->sent_bytes += size;
}

static void set(BweReports *reports, gdouble bps)
{
    reports->bps = (gint)CLAMP(bps, reports->min_bps, reports->max_bps);
}

static gdouble headroom_bps(const BweReports *reports)
{
    return HEADROOM * reports->sent_bps + HEADROOM_BPS;
}

/* Less than the rate says where less was sent: at first it is only assumed. */
static gdouble tried_bps(const BweReports *reports, gint used_bps)
{
    if (!reports->sent_bps)
        return reports->bps;
    return MIN(reports->bps, MAX(headroom_bps(reports), used_bps));
}

static void increase(BweReports *reports, gint wanted_bps)
{
    gdouble limit = MAX(headroom_bps(reports), WANTED_MARGIN * wanted_bps);
    gdouble bps = MIN(reports->bps * INCREASE + INCREASE_BPS, limit);
    set(reports, MAX(bps, reports->bps));
}

void bwe_reports_loss(BweReports *reports, const BweReportsInput *input, gint64 now_ns)
{
    reports->permille = input->fraction_lost * 1000 / 256;
    if (reports->permille <= LOW_PERMILLE && input->remb_bps >= 0) {
        bwe_reports_remb(reports, input->remb_bps);
    } else if (reports->permille <= HIGH_PERMILLE) {
        if (now_ns - reports->stepped_ns < STEP_NS)
            return;
        if (input->queued)
            set(reports, tried_bps(reports, input->used_bps) * QUEUED_FACTOR);
        else if (reports->permille <= LOW_PERMILLE)
            increase(reports, input->wanted_bps);
        reports->stepped_ns = now_ns;
    } else if (now_ns - reports->decreased_ns >= DECREASE_NS + input->rtt_ns) {
        set(reports, tried_bps(reports, input->used_bps) * (1 - 0.5 * reports->permille / 1000));
        reports->decreased_ns = reports->stepped_ns = now_ns;
    }
}

void bwe_reports_remb(BweReports *reports, gint64 remb_bps)
{
    /* The receiver measures what arrives: where nothing is lost, what it says is better. */
    if (reports->permille <= LOW_PERMILLE)
        set(reports, (gdouble)remb_bps);
}
