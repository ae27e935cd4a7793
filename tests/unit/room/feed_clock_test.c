#include "room/feed_clock.h"

#include <math.h>

#include "base/clock.h"

#define TICK_NS    (20 * NS_PER_MS)
#define NETWORK_NS (40 * NS_PER_MS)

/* A sender of sound and pictures every 20 ms, its network, and the clock that follows it. */
typedef struct {
    FeedClock clock;
    GRand *random;
    gint64 now_ns, offset_ns; /* offset: of the sender's clock */
    gdouble ppm;
    gint64 jitter_ns;
    gint64 held_until_ns; /* the network stands still: everything comes then */
    guint stale;
} Line;

static void line_init(Line *line, gint64 offset_ns, gdouble ppm, gint64 jitter_ns)
{
    *line = (Line){ .random = g_rand_new_with_seed(5),
                    .now_ns = 5000 * NS_PER_SEC,
                    .offset_ns = offset_ns,
                    .ppm = ppm,
                    .jitter_ns = jitter_ns };
}

static gint64 sender_time(const Line *line, gint64 now_ns)
{
    gint64 since_ns = now_ns - 5000 * NS_PER_SEC;
    return line->offset_ns + since_ns + (gint64)((gdouble)since_ns * line->ppm * 1e-6);
}

static gint64 arrival(const Line *line)
{
    gint64 jitter_ns =
        line->jitter_ns ? g_rand_int_range(line->random, 0, (gint32)(line->jitter_ns / 1000)) : 0;
    return MAX(line->now_ns + NETWORK_NS + jitter_ns * 1000, line->held_until_ns);
}

static void line_run(Line *line, gint64 duration_ns)
{
    for (gint64 end_ns = line->now_ns + duration_ns; line->now_ns < end_ns;
         line->now_ns += TICK_NS) {
        gint64 time_ns = sender_time(line, line->now_ns), came_ns = arrival(line);
        for (guint kind = MEDIA_VIDEO; kind <= MEDIA_AUDIO; kind++)
            line->stale += feed_clock_packet(&line->clock, (MediaKind)kind, time_ns, came_ns) ==
                           FEED_CLOCK_STALE;
        feed_clock_advance(&line->clock, came_ns);
    }
}

/* From capture to the mix. */
static gdouble delay_ms(const Line *line)
{
    gint64 due_ns = feed_clock_due(&line->clock, sender_time(line, line->now_ns));
    return (gdouble)(due_ns - line->now_ns) / NS_PER_MS;
}

static void line_clear(Line *line)
{
    g_rand_free(line->random);
}

static void test_begin(void)
{
    FeedClock clock = { 0 };
    g_assert_cmpint(feed_clock_due(&clock, 5), ==, 0);
    g_assert_cmpint(feed_clock_packet(&clock, MEDIA_AUDIO, 7 * NS_PER_SEC, 50 * NS_PER_SEC), ==,
                    FEED_CLOCK_BEGINS);
    gint64 due_ns = 50 * NS_PER_SEC + 200 * NS_PER_MS;
    g_assert_cmpint(feed_clock_due(&clock, 7 * NS_PER_SEC), ==, due_ns);
    g_assert_cmpint(feed_clock_playing(&clock, due_ns), ==, 7 * NS_PER_SEC);
    g_assert_cmpint(feed_clock_delay_ns(&clock), ==, 200 * NS_PER_MS);
}

static void test_calm_gets_short(void)
{
    Line line;
    line_init(&line, -3600 * NS_PER_SEC, 0, 0);
    line_run(&line, 5 * NS_PER_SEC);
    g_assert_cmpfloat(fabs(delay_ms(&line) - 240), <, 5);
    line_run(&line, 60 * NS_PER_SEC);
    g_assert_cmpfloat(fabs(delay_ms(&line) - 140), <, 5);
    g_assert_cmpuint(line.clock.generation, ==, 1);
    g_assert_cmpuint(line.clock.jumps, ==, 0);
    line_clear(&line);
}

/* What was kept for whoever comes late is sent at once in the beginning. */
static void test_burst(void)
{
    Line line;
    line_init(&line, 0, 0, 0);
    line.held_until_ns = line.now_ns + 2500 * NS_PER_MS;
    line_run(&line, 6 * NS_PER_SEC);
    g_assert_cmpfloat(delay_ms(&line), <, 450);
    line_run(&line, 60 * NS_PER_SEC);
    g_assert_cmpfloat(fabs(delay_ms(&line) - 140), <, 5);
    g_assert_cmpuint(line.clock.generation, ==, 1);
    line_clear(&line);
}

static void test_jitter(void)
{
    Line line;
    line_init(&line, 0, 0, 200 * NS_PER_MS);
    line_run(&line, 60 * NS_PER_SEC);
    g_assert_cmpfloat(delay_ms(&line), >, 240);
    g_assert_cmpfloat(delay_ms(&line), <, 330);
    line_clear(&line);
}

static void check_drift(gdouble ppm, gint64 jitter_ns)
{
    Line line;
    gdouble least = G_MAXDOUBLE, most = 0, worst_slope = 0, before = 0;
    line_init(&line, 9 * NS_PER_SEC, ppm, jitter_ns);
    line_run(&line, 90 * NS_PER_SEC);
    for (guint second = 0; second < 600; second++) {
        line_run(&line, NS_PER_SEC);
        gdouble now = delay_ms(&line);
        least = MIN(least, now);
        most = MAX(most, now);
        if (second)
            worst_slope = MAX(worst_slope, fabs(now - before));
        before = now;
    }
    g_test_message("%.0f ppm, jitter %.0f ms: delay %.2f..%.2f ms, at most %.3f ms per s, "
                   "measured %.1f ppm",
                   ppm, (gdouble)jitter_ns / NS_PER_MS, least, most, worst_slope,
                   feed_clock_drift_ppm(&line.clock));
    g_assert_cmpfloat(most - least, <, 10);
    g_assert_cmpfloat(worst_slope, <, 0.75);
    g_assert_cmpfloat(fabs(feed_clock_drift_ppm(&line.clock) - ppm), <, 60);
    g_assert_cmpuint(line.clock.generation, ==, 1);
    g_assert_cmpuint(line.clock.jumps, ==, 0);
    line_clear(&line);
}

static void test_drift(void)
{
    check_drift(200, 0);
    check_drift(-200, 0);
    check_drift(200, 30 * NS_PER_MS);
    check_drift(-200, 30 * NS_PER_MS);
}

/* Sound and pictures jump one after the other; what still comes of the old times is dropped. */
static void check_jump(gint64 jump_ns, guint stale)
{
    Line line;
    line_init(&line, 1000 * NS_PER_SEC, 0, 0);
    line_run(&line, 30 * NS_PER_SEC);
    gint64 time_ns = sender_time(&line, line.now_ns), now_ns = line.now_ns + NETWORK_NS;
    g_assert_cmpint(feed_clock_packet(&line.clock, MEDIA_VIDEO, time_ns + jump_ns, now_ns), ==,
                    FEED_CLOCK_BEGINS);
    g_assert_cmpint(feed_clock_packet(&line.clock, MEDIA_AUDIO, time_ns, now_ns), ==,
                    FEED_CLOCK_STALE);
    line.offset_ns += jump_ns;
    line.now_ns += TICK_NS;
    line_run(&line, 5 * NS_PER_SEC);
    g_assert_cmpuint(line.clock.generation, ==, 2);
    g_assert_cmpuint(line.stale, ==, stale);
    g_assert_cmpfloat(fabs(delay_ms(&line) - 240), <, 5);
    line_clear(&line);
}

static void test_jump_ahead(void)
{
    check_jump(100 * NS_PER_SEC, 0);
}

static void test_jump_back(void)
{
    check_jump(-900 * NS_PER_SEC, 0);
}

/* A pause of the sender, whose clock goes on: nothing begins anew. */
static void test_pause(void)
{
    Line line;
    line_init(&line, 0, 0, 0);
    line_run(&line, 30 * NS_PER_SEC);
    line.now_ns += 300 * NS_PER_SEC;
    line_run(&line, NS_PER_SEC);
    g_assert_cmpuint(line.clock.generation, ==, 1);
    g_assert_cmpfloat(delay_ms(&line), <, 250);
    line_clear(&line);
}

/* The network stands still for three seconds, and then everything comes at once. */
static void test_stall(void)
{
    Line line;
    line_init(&line, 0, 0, 0);
    line_run(&line, 30 * NS_PER_SEC);
    line.held_until_ns = line.now_ns + 3 * NS_PER_SEC;
    line_run(&line, 20 * NS_PER_SEC);
    g_test_message("delay %.0f ms, generation %u", delay_ms(&line), line.clock.generation);
    g_assert_cmpfloat(delay_ms(&line), <, 450);
    g_assert_cmpuint(line.clock.generation, ==, 1);
    line_run(&line, 120 * NS_PER_SEC);
    g_assert_cmpfloat(delay_ms(&line), <, 150);
    line_clear(&line);
}

/* The sender's machine stood still, and its clock with it: heard again within two seconds. */
static void test_sender_slept(void)
{
    Line line;
    line_init(&line, 0, 0, 0);
    line_run(&line, 30 * NS_PER_SEC);
    line.offset_ns -= 5 * NS_PER_SEC;
    line.now_ns += 5 * NS_PER_SEC;
    line_run(&line, 2500 * NS_PER_MS);
    g_assert_cmpuint(line.clock.generation, ==, 2);
    g_assert_cmpfloat(delay_ms(&line), <, 300);
    line_clear(&line);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/feed_clock/begin", test_begin);
    g_test_add_func("/feed_clock/calm_gets_short", test_calm_gets_short);
    g_test_add_func("/feed_clock/burst", test_burst);
    g_test_add_func("/feed_clock/jitter", test_jitter);
    g_test_add_func("/feed_clock/drift", test_drift);
    g_test_add_func("/feed_clock/jump_ahead", test_jump_ahead);
    g_test_add_func("/feed_clock/jump_back", test_jump_back);
    g_test_add_func("/feed_clock/pause", test_pause);
    g_test_add_func("/feed_clock/stall", test_stall);
    g_test_add_func("/feed_clock/sender_slept", test_sender_slept);
    return g_test_run();
}
