#include "rtp/bwe.h"

#include "base/clock.h"
#include "rtp/bwe_acked.h"
#include "rtp/bwe_aimd.h"
#include "rtp/bwe_arrival.h"
#include "rtp/bwe_history.h"
#include "rtp/bwe_loss.h"
#include "rtp/bwe_probe.h"
#include "rtp/bwe_reports.h"
#include "rtp/bwe_standing.h"
#include "rtp/bwe_trend.h"
#include "rtp/bwe_usage.h"
#include "rtp/twcc.h"

#define STREAM_GAP_NS     (2 * NS_PER_SEC) /* without any arrival: begin the trend anew */
#define DEFAULT_RTT_NS    (200 * NS_PER_MS)
#define MAX_RTT_NS        (3 * NS_PER_SEC) /* or as long without feedback: the path is stuck */
#define LEAST_RTT_NS      (5 * NS_PER_SEC)
#define QUEUE_NS          (60 * NS_PER_MS)
#define PACKET_BITS       (8 * 1200)
#define MAX_REPORT_GAP_NS (10 * NS_PER_SEC)
#define PAUSE_NS          (500 * NS_PER_MS) /* in sending */
#define STUCK_INTERVAL_NS NS_PER_SEC
#define STUCK_FACTOR      0.8
#define REMB_AGE_NS       (10 * NS_PER_SEC)
#define LARGE_DROP        0.66
#define RECOVERY_SHARE    0.85 /* of the rate before the drop */
#define RECOVERY_NS       (5 * NS_PER_SEC)
#define MIN_STANDING_NS   (10 * NS_PER_MS)
#define FIRST_FEEDBACKS   8
#define FRESH_NS          NS_PER_SEC /* what arrives later waited in a queue */

typedef struct {
    gint64 sent_ns, arrival_ns;
    gsize size;
    gint cluster;
} Arrived;

struct Bwe {
    BweConfig config;
    gint estimate_bps;
    gboolean by_reports; /* no transport-cc came yet */
    BweHistory *history;
    BweArrival arrival;
    BweTrend trend;
    BweStanding standing;
    BweAcked acked;
    BweAimd aimd;
    BweLoss loss;
    BweReports reports;
    BweProber prober;
    BweUsage usage;

    /* The feedback that is being read. */
    GArray *arrived; /* of Arrived */
    gboolean any_fate;
    gint64 now_ns;

    gint64 clock_ns; /* the receiver's, unwrapped */
    gboolean clock_known;
    gint64 rtt_ns, remb_bps, remb_ns;
    gint64 least_rtt_ns[2]; /* of this period and of the one before */
    gint64 least_rtt_at_ns; /* when this one began */
    gint64 last_sent_ns, last_arrival_seen_ns;
    gint acked_bps;
    gint64 heard_ns; /* the last sign of life, or when sending began after a pause */
    gboolean away;   /* nothing was heard for long */
    gboolean reported;
    gint peak_bps; /* the highest of the last seconds */
    gint64 peak_ns;
    gint stuck_bps; /* the estimate when the path went silent; 0: it is not */
    gint64 stuck_ns;
    guint64 feedbacks, malformed;
};

Bwe *bwe_new(const BweConfig *config, gint64 now_ns)
{
    Bwe *bwe = g_new0(Bwe, 1);
    bwe->config = *config;
    bwe->estimate_bps = config->start_bps;
    bwe->by_reports = TRUE;
    bwe->history = bwe_history_new();
    bwe_trend_init(&bwe->trend);
    bwe_aimd_init(&bwe->aimd, config, now_ns);
    bwe_loss_init(&bwe->loss, config->max_bps);
    bwe_reports_init(&bwe->reports, config, now_ns);
    bwe_prober_init(&bwe->prober, config);
    bwe->arrived = g_array_new(FALSE, FALSE, sizeof(Arrived));
    bwe->rtt_ns = -1;
    bwe->least_rtt_ns[0] = bwe->least_rtt_ns[1] = G_MAXINT64;
    bwe->least_rtt_at_ns = now_ns;
    bwe->remb_bps = -1;
    return bwe;
}

void bwe_free(Bwe *bwe)
{
    if (!bwe)
        return;
    bwe_history_free(bwe->history);
    g_array_unref(bwe->arrived);
    g_free(bwe);
}

static void note_sent(Bwe *bwe, gint64 now_ns)
{
    if (now_ns - bwe->last_sent_ns > PAUSE_NS)
        bwe->heard_ns = MAX(bwe->heard_ns, now_ns); /* there was nothing to be answered */
    bwe->last_sent_ns = now_ns;
}

/* Of a receiver that never reports nobody knows whether anything arrives. */
void bwe_sent_unnumbered(Bwe *bwe, gsize size, gint64 now_ns)
{
    if (bwe->reported && bwe->by_reports)
        note_sent(bwe, now_ns);
    bwe_reports_sent(&bwe->reports, size, now_ns);
}

void bwe_sent(Bwe *bwe, guint16 transport_seq, gsize size, gint probe_cluster, gint64 now_ns)
{
    note_sent(bwe, now_ns);
    bwe_history_add(bwe->history, transport_seq, size, probe_cluster, now_ns);
    bwe_reports_sent(&bwe->reports, size, now_ns);
    if (probe_cluster == BWE_PROBE_NONE)
        bwe_usage_sent(&bwe->usage, size, bwe->estimate_bps, now_ns);
}

/* ---- the estimate ---- */

/* An estimate that was much higher a moment ago is looked for again, once the path is well. */
static void note_peak(Bwe *bwe, gint64 now_ns)
{
    if (bwe->estimate_bps >= bwe->peak_bps || now_ns - bwe->peak_ns > RECOVERY_NS) {
        bwe->peak_bps = bwe->estimate_bps;
        bwe->peak_ns = now_ns;
    }
}

static void combine(Bwe *bwe, gint64 now_ns)
{
    gint64 bps = bwe->by_reports ? bwe->reports.bps : bwe->aimd.bps;
    if (!bwe->by_reports && bwe->loss.limited)
        bps = MIN(bps, (gint64)bwe->loss.bps);
    /* What goes through without a queue is no less than that, whatever was lost before. */
    if (!bwe->by_reports && bwe->trend.state == BWE_NORMAL &&
        bwe_standing_ns(&bwe->standing) < MIN_STANDING_NS)
        bps = MAX(bps, MIN(bwe->acked_bps, bwe->aimd.bps));
    if (bwe->remb_bps >= 0)
        bps = MIN(bps, bwe->remb_bps);
    bwe->estimate_bps = (gint)CLAMP(bps, bwe->config.min_bps, bwe->config.max_bps);
    note_peak(bwe, now_ns);
}

static void recover(Bwe *bwe)
{
    gint peak_bps = MAX(bwe->peak_bps, bwe->stuck_bps);
    gboolean worth = bwe->stuck_bps > 0 || bwe->usage.limited;
    bwe->stuck_bps = 0;
    if (!worth || bwe->estimate_bps >= LARGE_DROP * peak_bps)
        return;
    bwe_prober_request(&bwe->prober, (gint)(RECOVERY_SHARE * peak_bps));
    bwe->peak_bps = bwe->estimate_bps;
}

/* ---- the round trip ---- */

static void note_rtt(Bwe *bwe, gint64 rtt_ns, gint64 now_ns)
{
    if (now_ns - bwe->least_rtt_at_ns >= LEAST_RTT_NS) {
        bwe->least_rtt_ns[1] = bwe->least_rtt_ns[0];
        bwe->least_rtt_ns[0] = rtt_ns;
        bwe->least_rtt_at_ns = now_ns;
    }
    bwe->least_rtt_ns[0] = MIN(bwe->least_rtt_ns[0], rtt_ns);
    bwe->rtt_ns = rtt_ns;
}

/* Compared with the last seconds, and but for a packet or two that have to wait for each other. */
static gboolean is_queued(const Bwe *bwe)
{
    gint64 packets_ns = 2 * PACKET_BITS * NS_PER_SEC / MAX(bwe->estimate_bps, 1);
    gint64 least_ns = MIN(bwe->least_rtt_ns[0], bwe->least_rtt_ns[1]);
    return bwe->rtt_ns - least_ns > QUEUE_NS + packets_ns;
}

/* ---- transport-cc ---- */

/* The receiver's clock, that the wire wraps, goes on from where it was the shortest way round. */
static gint64 unwrap_clock(Bwe *bwe, gint64 arrival_ns)
{
    gint64 half_ns = TWCC_CLOCK_WRAP_NS / 2;
    if (!bwe->clock_known)
        bwe->clock_ns = arrival_ns;
    bwe->clock_known = TRUE;
    gint64 step_ns = (arrival_ns - bwe->clock_ns) % TWCC_CLOCK_WRAP_NS;
    if (step_ns > half_ns)
        step_ns -= TWCC_CLOCK_WRAP_NS;
    else if (step_ns < -half_ns)
        step_ns += TWCC_CLOCK_WRAP_NS;
    bwe->clock_ns += step_ns;
    return bwe->clock_ns;
}

static void collect(guint16 transport_seq, gint64 arrival_ns, gpointer user)
{
    Bwe *bwe = user;
    BweSentPacket *sent = bwe_history_find(bwe->history, transport_seq, bwe->now_ns);
    if (!sent || sent->fate == BWE_ARRIVED)
        return;
    if (arrival_ns == TWCC_NOT_ARRIVED) {
        if (sent->fate == BWE_PENDING)
            bwe_loss_packet(&bwe->loss, sent->sent_ns, sent->size, TRUE);
        sent->fate = BWE_LOST;
        bwe->any_fate = TRUE;
        return;
    }
    if (sent->fate == BWE_LOST)
        bwe_loss_recovered(&bwe->loss, sent->size);
    else
        bwe_loss_packet(&bwe->loss, sent->sent_ns, sent->size, FALSE);
    sent->fate = BWE_ARRIVED;
    bwe->any_fate = TRUE;
    Arrived arrived = { sent->sent_ns, unwrap_clock(bwe, arrival_ns), sent->size, sent->cluster };
    g_array_append_val(bwe->arrived, arrived);
}

static gint compare_arrival(gconstpointer a, gconstpointer b)
{
    gint64 first_ns = ((const Arrived *)a)->arrival_ns;
    gint64 second_ns = ((const Arrived *)b)->arrival_ns;
    return first_ns < second_ns ? -1 : first_ns > second_ns;
}

/* How long a packet and its feedback were under way, without what it waited for the feedback. */
static void measure_rtt(Bwe *bwe, gint64 now_ns)
{
    const Arrived *packets = (const Arrived *)bwe->arrived->data;
    gint64 least_ns = G_MAXINT64;
    gint64 newest_ns = packets[bwe->arrived->len - 1].arrival_ns;
    for (guint i = 0; i < bwe->arrived->len; i++) {
        gint64 waited_ns = newest_ns - packets[i].arrival_ns;
        least_ns = MIN(least_ns, now_ns - packets[i].sent_ns - waited_ns);
    }
    note_rtt(bwe, MAX(least_ns, 0), now_ns);
}

/* Returns what a probe proved, or 0. */
static gint take_arrived(Bwe *bwe, gint64 now_ns)
{
    gint proved_bps = 0;
    for (guint i = 0; i < bwe->arrived->len; i++) {
        const Arrived *packet = &g_array_index(bwe->arrived, Arrived, i);
        BweDelta delta;
        bwe_acked_packet(&bwe->acked, packet->sent_ns, packet->arrival_ns, packet->size);
        bwe_standing_packet(&bwe->standing, packet->sent_ns, packet->arrival_ns);
        if (packet->cluster != BWE_PROBE_NONE) {
            gint result_bps = bwe_prober_packet(&bwe->prober, packet->cluster, packet->size,
                                                packet->sent_ns, packet->arrival_ns);
            proved_bps = result_bps > 0 ? result_bps : proved_bps;
        }
        if (bwe_arrival_packet(&bwe->arrival, packet->sent_ns, packet->arrival_ns, now_ns, &delta))
            bwe_trend_update(&bwe->trend, &delta, packet->arrival_ns);
    }
    return proved_bps;
}

/* A queue that empties between two frames is no overuse. */
static BweState path_state(const Bwe *bwe)
{
    if (bwe->trend.state == BWE_OVERUSE && bwe_standing_ns(&bwe->standing) < MIN_STANDING_NS)
        return BWE_NORMAL;
    return bwe->trend.state;
}

/* Probes only raise the rate: that it is too high is for delay and loss to say. But what is assumed
 * at first has no other foundation than the first probe. */
static void take_proof(Bwe *bwe, gint proved_bps, gint64 now_ns)
{
    if (proved_bps == 0 || path_state(bwe) == BWE_OVERUSE)
        return;
    bwe_prober_result(&bwe->prober, proved_bps);
    if (proved_bps > bwe->aimd.bps || bwe->feedbacks <= FIRST_FEEDBACKS)
        bwe_aimd_set(&bwe->aimd, proved_bps, now_ns);
}

static void update(Bwe *bwe, gint64 now_ns)
{
    gboolean was_increasing = bwe->aimd.increasing;
    gint proved_bps = 0;
    if (bwe->arrived->len > 0) {
        if (now_ns - bwe->last_arrival_seen_ns > STREAM_GAP_NS) {
            bwe->arrival = (BweArrival){ 0 };
            bwe_trend_init(&bwe->trend);
        }
        bwe->last_arrival_seen_ns = now_ns;
        g_array_sort(bwe->arrived, compare_arrival);
        measure_rtt(bwe, now_ns);
        proved_bps = take_arrived(bwe, now_ns);
        bwe->acked_bps = bwe_acked_bps(&bwe->acked);
    }
    BweAimdInput input = {
        .state = path_state(bwe),
        .acked_bps = bwe->acked_bps,
        .rtt_ns = bwe->rtt_ns < 0 ? DEFAULT_RTT_NS : bwe->rtt_ns,
        .app_limited = bwe->usage.limited,
        .queued = is_queued(bwe),
    };
    bwe_aimd_update(&bwe->aimd, &input, now_ns);
    take_proof(bwe, proved_bps, now_ns);
    bwe_loss_update(&bwe->loss, bwe->aimd.bps, bwe->usage.limited ? 0 : bwe->acked_bps);
    combine(bwe, now_ns);
    if (bwe->aimd.increasing && (!was_increasing || bwe->stuck_bps > 0))
        recover(bwe);
}

/* ---- a network that was away ---- */

static gint64 unanswered_ns(const Bwe *bwe)
{
    return MAX(bwe->last_sent_ns - bwe->heard_ns, 0);
}

gboolean bwe_is_away(const Bwe *bwe)
{
    return bwe->away;
}

/* It may be another network than before: what is known of it is no more than at first. */
static void come_back(Bwe *bwe, gint64 now_ns)
{
    gint before_bps = MAX(bwe->stuck_bps, bwe->estimate_bps);
    bwe_aimd_set(&bwe->aimd, MIN(before_bps, bwe->config.start_bps), now_ns);
    bwe->aimd.capacity.known = FALSE;
    bwe_loss_init(&bwe->loss, bwe->config.max_bps);
    bwe_prober_allocated(&bwe->prober, 0, 0);
    bwe->standing = (BweStanding){ 0 };
    bwe->least_rtt_ns[0] = bwe->least_rtt_ns[1] = G_MAXINT64;
    bwe->acked = (BweAcked){ 0 };
    bwe->acked_bps = 0;
}

/* What was sent before did not wait: it is gone. */
static gboolean is_fresh(const Bwe *bwe, gint64 now_ns)
{
    for (guint i = 0; i < bwe->arrived->len; i++) {
        if (now_ns - g_array_index(bwe->arrived, Arrived, i).sent_ns > FRESH_NS)
            return FALSE;
    }
    return TRUE;
}

static void hear(Bwe *bwe, gboolean fresh, gint64 now_ns)
{
    if (bwe->away && fresh)
        come_back(bwe, now_ns);
    bwe->away = FALSE;
    bwe->heard_ns = now_ns;
}

void bwe_heard(Bwe *bwe, gint64 rtt_ns, gint64 now_ns)
{
    hear(bwe, rtt_ns >= 0 && rtt_ns < FRESH_NS, now_ns);
}

/* ---- feedback ---- */

void bwe_feedback(Bwe *bwe, const guint8 *fci, gsize size, gint64 now_ns)
{
    bwe->now_ns = now_ns;
    bwe->any_fate = FALSE;
    g_array_set_size(bwe->arrived, 0);
    if (!twcc_parse(fci, size, collect, bwe)) {
        bwe->malformed++;
        return;
    }
    bwe->feedbacks++;
    if (!bwe->any_fate)
        return;
    bwe->by_reports = FALSE;
    if (bwe->arrived->len > 0)
        hear(bwe, is_fresh(bwe, now_ns), now_ns);
    update(bwe, now_ns);
}

/* ---- reports ---- */

void bwe_remb(Bwe *bwe, guint64 bps, gint64 now_ns)
{
    bwe->remb_bps = (gint64)MIN(bps, (guint64)G_MAXINT64);
    bwe->remb_ns = now_ns;
    bwe_reports_remb(&bwe->reports, bwe->remb_bps);
    combine(bwe, now_ns);
}

void bwe_report(Bwe *bwe, guint8 fraction_lost, gint64 rtt_ns, gint64 now_ns)
{
    bwe->reported = TRUE;
    if (bwe->by_reports) {
        bwe->heard_ns = now_ns;
        if (rtt_ns >= 0)
            note_rtt(bwe, rtt_ns, now_ns);
    }
    BweReportsInput input = {
        .fraction_lost = fraction_lost,
        .rtt_ns = bwe->rtt_ns < 0 ? DEFAULT_RTT_NS : bwe->rtt_ns,
        .remb_bps = bwe->remb_bps,
        .used_bps = bwe->prober.used_bps,
        .wanted_bps = bwe->prober.wanted_bps,
        .queued = is_queued(bwe),
    };
    bwe_reports_loss(&bwe->reports, &input, now_ns);
    combine(bwe, now_ns);
}

/* ---- time ---- */

/* What is sent is not answered: go slower and slower, down to what keeps asking. */
static void slow_if_stuck(Bwe *bwe, gint64 now_ns)
{
    gint64 limit_ns = bwe->by_reports ? MAX_REPORT_GAP_NS : MAX_RTT_NS;
    if (unanswered_ns(bwe) + MAX(bwe->rtt_ns, 0) <= limit_ns ||
        now_ns - bwe->stuck_ns < STUCK_INTERVAL_NS)
        return;
    bwe->stuck_bps = MAX(bwe->stuck_bps, bwe->estimate_bps);
    bwe->stuck_ns = now_ns;
    gint bps = (gint)(STUCK_FACTOR * bwe->estimate_bps);
    bwe_aimd_set(&bwe->aimd, bps, now_ns);
    bwe->reports.bps = MIN(bwe->reports.bps, MAX(bps, bwe->config.min_bps));
}

void bwe_tick(Bwe *bwe, gint64 now_ns)
{
    bwe_usage_limited(&bwe->usage, bwe->estimate_bps, now_ns);
    if (bwe->remb_bps >= 0 && now_ns - bwe->remb_ns > REMB_AGE_NS)
        bwe->remb_bps = -1;
    bwe->away = bwe->away || (!bwe->by_reports && unanswered_ns(bwe) > MAX_RTT_NS);
    slow_if_stuck(bwe, now_ns);
    combine(bwe, now_ns);
}

/* ---- probes ---- */

void bwe_set_allocated(Bwe *bwe, gint used_bps, gint wanted_bps)
{
    bwe_prober_allocated(&bwe->prober, used_bps, wanted_bps);
}

gboolean bwe_probe(Bwe *bwe, gint64 now_ns, BweProbe *probe)
{
    gboolean remb_limited = bwe->remb_bps >= 0 && bwe->estimate_bps >= bwe->remb_bps;
    gboolean stuck = bwe->stuck_bps > 0;
    BweProbeGate gate = {
        .estimate_bps = bwe->estimate_bps,
        .allowed = path_state(bwe) == BWE_NORMAL && !bwe->loss.limited && !remb_limited && !stuck,
        .app_limited = bwe->usage.limited && !bwe->by_reports, /* whose probes nobody answers */
    };
    return bwe_prober_next(&bwe->prober, &gate, now_ns, probe);
}

/* ---- what it says ---- */

gint bwe_estimate_bps(const Bwe *bwe)
{
    return bwe->estimate_bps;
}

gint bwe_loss_permille(const Bwe *bwe)
{
    return bwe->by_reports ? bwe->reports.permille : (gint)(bwe->loss.average * 1000);
}

gint64 bwe_rtt_ns(const Bwe *bwe)
{
    return bwe->rtt_ns;
}

void bwe_stats(const Bwe *bwe, BweStats *stats)
{
    *stats = (BweStats){
        .estimate_bps = bwe->estimate_bps,
        .acked_bps = bwe->acked_bps,
        .delay_bps = bwe->aimd.bps,
        .loss_bps = bwe->by_reports ? bwe->reports.bps : (gint)bwe->loss.bps,
        .remb_bps = bwe->remb_bps,
        .state = bwe->trend.state,
        .standing_ns = bwe_standing_ns(&bwe->standing),
        .trend = bwe->trend.trend,
        .threshold_ms = bwe->trend.threshold_ms,
        .app_limited = bwe->usage.limited,
        .probes = bwe->prober.started,
        .probes_failed = bwe->prober.failed,
        .feedbacks = bwe->feedbacks,
        .malformed = bwe->malformed,
    };
}
