#include "room/feed_clock.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"

#define LEAST_SECONDS   10
#define MOST_SECONDS    30
#define FIRST_BUFFER_NS (200 * NS_PER_MS)
#define MIN_BUFFER_NS   (100 * NS_PER_MS)
#define MAX_BUFFER_NS   (400 * NS_PER_MS)
#define SPARE_NS        (60 * NS_PER_MS) /* of the buffer, over what was seen */
#define STICKY_NS       (20 * NS_PER_MS) /* a buffer that is longer by less stays */
#define JUMP_NS         NS_PER_SEC       /* of the sender's times */
#define BACKWARDS_NS    (20 * NS_PER_MS) /* less is rounding */
#define SETTLING_NS     (2 * NS_PER_SEC)
#define SNAP_NS         (300 * NS_PER_MS)
#define FAR_NS          (20 * NS_PER_MS)
#define LATE_SPARE_NS   (20 * NS_PER_MS)
#define DRIFT_SLOPE     500e-6
#define CATCH_UP_SLOPE  5000e-6
#define FOLLOW_S        8.0  /* the time constant of the offset */
#define SLOPE_MEAN_S    20.0 /* and of the mean of its slope */
#define MAX_STEP_NS     NS_PER_SEC
#define ENOUGH_PACKETS  5

/* --- what was seen ----------------------------------------------------------------------- */

static FeedClockSecond *second_at(FeedClock *clock, gint64 now_ns)
{
    gint64 second = now_ns / NS_PER_SEC + 1;
    FeedClockSecond *slot = &clock->seconds[second % FEED_CLOCK_SECONDS];
    if (slot->second != second)
        *slot = (FeedClockSecond){ second, G_MAXINT64, G_MININT64, 0 };
    return slot;
}

static gint64 most_late(const FeedClock *clock, gint64 now_ns)
{
    gint64 second = now_ns / NS_PER_SEC + 1, most_ns = 0;
    for (guint i = 0; i < FEED_CLOCK_SECONDS; i++) {
        const FeedClockSecond *slot = &clock->seconds[i];
        if (slot->second && slot->second > second - MOST_SECONDS && slot->most_ns > G_MININT64)
            most_ns = MAX(most_ns, slot->most_ns - clock->least_ns);
    }
    return most_ns;
}

static void find_least(FeedClock *clock, gint64 now_ns)
{
    gint64 second = now_ns / NS_PER_SEC + 1, least_ns = G_MAXINT64;
    for (guint i = 0; i < FEED_CLOCK_SECONDS; i++) {
        const FeedClockSecond *slot = &clock->seconds[i];
        if (slot->second && slot->second > second - LEAST_SECONDS)
            least_ns = MIN(least_ns, slot->least_ns);
    }
    if (least_ns != G_MAXINT64)
        clock->least_ns = least_ns; /* else nothing came lately: as before */
}

/* The buffer grows at once, and gets shorter when everything was early for half a minute. */
static void choose_buffer(FeedClock *clock, gint64 now_ns)
{
    gint64 wanted_ns = CLAMP(most_late(clock, now_ns) + SPARE_NS, MIN_BUFFER_NS, MAX_BUFFER_NS);
    gboolean settled = now_ns - clock->began_ns > LEAST_SECONDS * NS_PER_SEC;
    if (wanted_ns > clock->buffer_ns || (settled && wanted_ns < clock->buffer_ns - STICKY_NS))
        clock->buffer_ns = wanted_ns;
}

static gboolean is_settling(const FeedClock *clock, gint64 now_ns)
{
    return now_ns - clock->began_ns <= SETTLING_NS;
}

/* --- packets ----------------------------------------------------------------------------- */

static void begin(FeedClock *clock, gint64 delay_ns, gint64 now_ns)
{
    memset(clock->seconds, 0, sizeof clock->seconds);
    clock->generation++;
    clock->started = TRUE;
    clock->began_ns = clock->advanced_ns = now_ns;
    clock->least_ns = delay_ns;
    clock->buffer_ns = FIRST_BUFFER_NS;
    clock->offset_ns = (gdouble)(delay_ns + FIRST_BUFFER_NS);
    clock->slope = 0;
}

/* The sender's times go on as they were. */
static gboolean is_steady(const FeedClockLine *line, gint64 time_ns, gint64 arrival_ns)
{
    gint64 step_ns = time_ns - line->time_ns;
    return line->known && step_ns >= -BACKWARDS_NS &&
           step_ns - (arrival_ns - line->arrival_ns) < JUMP_NS;
}

static FeedClockResult place(FeedClock *clock, FeedClockLine *line, gint64 time_ns,
                             gint64 arrival_ns)
{
    gint64 delay_ns = arrival_ns - time_ns;
    gint64 off_ns = delay_ns - clock->least_ns;
    gboolean far = ABS(off_ns) > JUMP_NS;
    gboolean steady = is_steady(line, time_ns, arrival_ns);
    gboolean current = line->generation == clock->generation;
    gboolean back = line->known && time_ns < line->time_ns - BACKWARDS_NS && current;
    if (clock->started && far && steady && !current)
        return FEED_CLOCK_STALE;
    if (!clock->started || back || (far && line->known && !steady) || off_ns < -JUMP_NS) {
        begin(clock, delay_ns, arrival_ns);
        return FEED_CLOCK_BEGINS;
    }
    return FEED_CLOCK_GOES_ON;
}

/* A whole second in which everything came after its time: the sender stood still, and its clock
 * with it. */
static gboolean is_behind(FeedClock *clock, gint64 now_ns, gint64 *delay_ns)
{
    const FeedClockSecond *slot = second_at(clock, now_ns - NS_PER_SEC);
    *delay_ns = slot->least_ns;
    return slot->packets >= ENOUGH_PACKETS && (gdouble)slot->least_ns > clock->offset_ns;
}

/* Too late for its sound to be heard: as there is a hole anyway, the buffer is made longer now. */
static void make_up(FeedClock *clock, MediaKind kind, gint64 delay_ns)
{
    gint64 wanted_ns = MIN(delay_ns + LATE_SPARE_NS, clock->least_ns + MAX_BUFFER_NS);
    if (kind == MEDIA_AUDIO && (gdouble)delay_ns > clock->offset_ns &&
        (gdouble)wanted_ns > clock->offset_ns) {
        clock->offset_ns = (gdouble)wanted_ns;
        clock->jumps++;
    }
}

FeedClockResult feed_clock_packet(FeedClock *clock, MediaKind kind, gint64 time_ns,
                                  gint64 arrival_ns)
{
    FeedClockLine *line = &clock->lines[kind];
    gint64 delay_ns = arrival_ns - time_ns, behind_ns;
    FeedClockResult result = place(clock, line, time_ns, arrival_ns);
    line->known = TRUE;
    line->time_ns = time_ns;
    line->arrival_ns = arrival_ns;
    if (result == FEED_CLOCK_STALE)
        return result;
    if (result == FEED_CLOCK_GOES_ON && is_behind(clock, arrival_ns, &behind_ns)) {
        begin(clock, behind_ns, arrival_ns);
        result = FEED_CLOCK_BEGINS;
    }
    line->generation = clock->generation;
    FeedClockSecond *second = second_at(clock, arrival_ns);
    second->least_ns = MIN(second->least_ns, delay_ns);
    second->packets++;
    if (!is_settling(clock, arrival_ns)) /* what was kept for us comes in a burst */
        second->most_ns = MAX(second->most_ns, delay_ns);
    clock->least_ns = MIN(clock->least_ns, delay_ns);
    make_up(clock, kind, delay_ns);
    feed_clock_advance(clock, arrival_ns);
    return result;
}

void feed_clock_late(FeedClock *clock, gint64 late_ns, gint64 now_ns)
{
    if (is_settling(clock, now_ns))
        return;
    FeedClockSecond *second = second_at(clock, now_ns);
    second->most_ns = MAX(second->most_ns, (gint64)clock->offset_ns + late_ns);
}

/* --- time -------------------------------------------------------------------------------- */

static void follow(FeedClock *clock, gdouble off_ns, gdouble step_ns)
{
    gdouble limit = fabs(off_ns) > FAR_NS ? CATCH_UP_SLOPE : DRIFT_SLOPE;
    gdouble step_s = step_ns / NS_PER_SEC;
    gdouble slope = CLAMP(off_ns / (FOLLOW_S * NS_PER_SEC), -limit, limit);
    clock->offset_ns += slope * step_ns;
    if (fabs(slope) <= DRIFT_SLOPE)
        clock->slope += (slope - clock->slope) * step_s / (SLOPE_MEAN_S + step_s);
}

void feed_clock_advance(FeedClock *clock, gint64 now_ns)
{
    gint64 step_ns = CLAMP(now_ns - clock->advanced_ns, 0, MAX_STEP_NS);
    gboolean settling = is_settling(clock, now_ns);
    if (!clock->started || (step_ns == 0 && !settling))
        return;
    clock->advanced_ns = MAX(clock->advanced_ns, now_ns);
    find_least(clock, now_ns);
    choose_buffer(clock, now_ns);
    gdouble target_ns = (gdouble)(clock->least_ns + clock->buffer_ns);
    gdouble off_ns = target_ns - clock->offset_ns;
    if (fabs(off_ns) > SNAP_NS || (settling && fabs(off_ns) > FAR_NS)) {
        clock->offset_ns = target_ns;
        clock->jumps += !settling;
    } else {
        follow(clock, off_ns, (gdouble)step_ns);
    }
}

gint64 feed_clock_due(const FeedClock *clock, gint64 time_ns)
{
    return clock->started ? time_ns + (gint64)clock->offset_ns : 0;
}

gint64 feed_clock_playing(const FeedClock *clock, gint64 now_ns)
{
    return now_ns - (gint64)clock->offset_ns;
}

gint64 feed_clock_delay_ns(const FeedClock *clock)
{
    return clock->started ? (gint64)clock->offset_ns - clock->least_ns : 0;
}

gdouble feed_clock_drift_ppm(const FeedClock *clock)
{
    return -clock->slope * 1e6;
}
