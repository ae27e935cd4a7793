#include "rtp/timeline.h"

#include "base/clock.h"

#define MAX_REPORTS    16
#define RESTART_NS     NS_PER_SEC
#define MIN_SPAN_NS    (4 * NS_PER_SEC) /* a rate measured over less is mostly noise */
#define MAX_RATE_ERROR 0.05
#define SLOT_NS        (100 * NS_PER_MS)
#define SLOTS          20 /* 2 s */
#define NO_SLOT        G_MININT64
#define FIRST_TS       (G_GINT64_CONSTANT(1) << 32) /* room for timestamps before the first */
#define MAX_TS         (G_GINT64_CONSTANT(1) << 46) /* decades, unless the sender jumps about */

typedef struct {
    gint64 ntp_ns, ts;
} Report;

struct Timeline {
    gint clock_hz;
    gint64 newest_ts; /* unwrapped */
    gboolean started;

    /* The least of arrival - timestamp, by slots of arrival time. */
    gint64 slot_number[SLOTS], slot_min_ns[SLOTS];
    gint64 transit_ns;
    gboolean has_packet;

    Report reports[MAX_REPORTS]; /* oldest first */
    guint report_count;
    /* ntp = origin.ntp_ns + (ts - origin.ts) * ns_per_tick */
    Report origin;
    gdouble ns_per_tick;
};

static void restart(Timeline *timeline, guint32 ts)
{
    timeline->started = TRUE;
    timeline->newest_ts = FIRST_TS | ts;
    timeline->has_packet = FALSE;
    timeline->report_count = 0;
    for (guint i = 0; i < SLOTS; i++)
        timeline->slot_number[i] = NO_SLOT;
}

Timeline *timeline_new(gint clock_hz)
{
    Timeline *timeline = g_new0(Timeline, 1);
    timeline->clock_hz = MAX(clock_hz, 1000);
    restart(timeline, 0);
    timeline->started = FALSE;
    return timeline;
}

void timeline_free(Timeline *timeline)
{
    g_free(timeline);
}

/** The timestamp without wrap-around, as the one nearest to the newest packet's. */
static gint64 unwrap(const Timeline *timeline, guint32 ts)
{
    if (!timeline->started)
        return FIRST_TS | ts;
    return timeline->newest_ts + rtp_ts_diff(ts, (guint32)timeline->newest_ts);
}

static gint64 ticks_to_ns(const Timeline *timeline, gint64 ticks)
{
    return ticks / timeline->clock_hz * NS_PER_SEC +
           ticks % timeline->clock_hz * NS_PER_SEC / timeline->clock_hz;
}

static gint64 enter(Timeline *timeline, guint32 ts)
{
    gint64 value = unwrap(timeline, ts);
    if (!timeline->started || value > MAX_TS || value < 0)
        restart(timeline, ts);
    else
        timeline->newest_ts = MAX(timeline->newest_ts, value);
    return unwrap(timeline, ts);
}

void timeline_packet(Timeline *timeline, guint32 rtp_timestamp, gint64 arrival_ns)
{
    gint64 transit_ns = arrival_ns - ticks_to_ns(timeline, enter(timeline, rtp_timestamp));
    gint64 number = arrival_ns / SLOT_NS;
    guint slot = (guint)((guint64)number % SLOTS);
    if (timeline->slot_number[slot] != number) {
        timeline->slot_number[slot] = number;
        timeline->slot_min_ns[slot] = transit_ns;
    }
    timeline->slot_min_ns[slot] = MIN(timeline->slot_min_ns[slot], transit_ns);

    timeline->transit_ns = transit_ns;
    timeline->has_packet = TRUE;
    for (guint i = 0; i < SLOTS; i++)
        if (timeline->slot_number[i] > number - SLOTS)
            timeline->transit_ns = MIN(timeline->transit_ns, timeline->slot_min_ns[i]);
}

static gint64 map_ns(const Timeline *timeline, gint64 ts)
{
    return timeline->origin.ntp_ns +
           (gint64)((gdouble)(ts - timeline->origin.ts) * timeline->ns_per_tick);
}

/** Least squares over the reports that are kept: a single report may be some milliseconds off. A
 *  rate that no clock has is not believed. */
static void fit(Timeline *timeline)
{
    const Report *first = &timeline->reports[0];
    const Report *last = &timeline->reports[timeline->report_count - 1];
    gdouble nominal = (gdouble)NS_PER_SEC / timeline->clock_hz;
    gdouble n = timeline->report_count, sum_x = 0, sum_y = 0, sum_xx = 0, sum_xy = 0;
    for (guint i = 0; i < timeline->report_count; i++) {
        gdouble x = (gdouble)(timeline->reports[i].ts - first->ts) * nominal;
        gdouble y = (gdouble)(timeline->reports[i].ntp_ns - first->ntp_ns) - x;
        sum_x += x, sum_y += y;
        sum_xx += x * x, sum_xy += x * y;
    }
    gdouble spread = n * sum_xx - sum_x * sum_x;
    gdouble error = spread > 0 ? (n * sum_xy - sum_x * sum_y) / spread : 0;
    if (last->ntp_ns - first->ntp_ns < MIN_SPAN_NS || ABS(error) > MAX_RATE_ERROR)
        error = 0;
    timeline->ns_per_tick = nominal * (1 + error);
    /* The fitted line, told at the newest report. */
    gdouble x = (gdouble)(last->ts - first->ts) * nominal;
    gdouble y = sum_y / n + error * (x - sum_x / n);
    timeline->origin = (Report){ first->ntp_ns + (gint64)(x + y), last->ts };
}

void timeline_sender_report(Timeline *timeline, guint64 ntp, guint32 rtp_timestamp,
                            gint64 arrival_ns)
{
    (void)arrival_ns;
    if (ntp == 0)
        return;
    Report report = { clock_ntp_to_ns(ntp), enter(timeline, rtp_timestamp) };
    if (timeline->report_count) {
        const Report *last = &timeline->reports[timeline->report_count - 1];
        gint64 off_ns = report.ntp_ns - map_ns(timeline, report.ts);
        if (ABS(off_ns) > RESTART_NS)
            timeline->report_count = 0;
        else if (report.ntp_ns <= last->ntp_ns)
            return; /* a duplicate, or one that was overtaken */
    }
    if (timeline->report_count == MAX_REPORTS) {
        for (guint i = 1; i < MAX_REPORTS; i++)
            timeline->reports[i - 1] = timeline->reports[i];
        timeline->report_count--;
    }
    timeline->reports[timeline->report_count++] = report;
    fit(timeline);
}

gboolean timeline_has_report(const Timeline *timeline)
{
    return timeline->report_count > 0;
}

gboolean timeline_local_ns(const Timeline *timeline, guint32 rtp_timestamp, gint64 *local_ns)
{
    if (!timeline->has_packet)
        return FALSE;
    *local_ns = timeline->transit_ns + ticks_to_ns(timeline, unwrap(timeline, rtp_timestamp));
    return TRUE;
}

gboolean timeline_capture_ns(const Timeline *timeline, guint32 rtp_timestamp, gint64 *capture_ns)
{
    if (!timeline->report_count)
        return timeline_local_ns(timeline, rtp_timestamp, capture_ns);
    *capture_ns = map_ns(timeline, unwrap(timeline, rtp_timestamp));
    return TRUE;
}
