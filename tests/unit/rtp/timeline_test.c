#include "rtp/timeline.h"

#include <stdlib.h>

#include "base/clock.h"

#define NTP_START (G_GINT64_CONSTANT(3900000000) * NS_PER_SEC)

static void assert_near(gint64 a, gint64 b, gint64 tolerance_ns)
{
    g_assert_cmpint(llabs(a - b), <=, tolerance_ns);
}

static void test_arrival_stands_in(void)
{
    g_autoptr(Timeline) timeline = timeline_new(48000);
    gint64 ns;
    g_assert_false(timeline_capture_ns(timeline, 0, &ns));
    /* 20 ms packets that take 30 ms, and up to 15 ms more. */
    for (gint i = 0; i < 50; i++)
        timeline_packet(timeline, 960u * (guint)i, (i * 20 + 30 + i % 4 * 5) * NS_PER_MS);
    g_assert_false(timeline_has_report(timeline));
    g_assert_true(timeline_capture_ns(timeline, 48000, &ns));
    assert_near(ns, 1030 * NS_PER_MS, 1000);
    /* The line becomes slower: after 2 s the old packets no longer count. */
    for (gint i = 50; i < 200; i++)
        timeline_packet(timeline, 960u * (guint)i, (i * 20 + 130) * NS_PER_MS);
    g_assert_true(timeline_local_ns(timeline, 48000, &ns));
    assert_near(ns, 1130 * NS_PER_MS, 1000);
}

static void test_reports(void)
{
    g_autoptr(Timeline) sound = timeline_new(48000);
    g_autoptr(Timeline) picture = timeline_new(90000);
    gint64 a, b;
    timeline_sender_report(sound, clock_ns_to_ntp(NTP_START), 1000, 0);
    timeline_sender_report(picture, clock_ns_to_ntp(NTP_START + 300 * NS_PER_MS), 777000, 0);
    g_assert_true(timeline_has_report(sound));
    /* 500 ms after NTP_START, told by both. */
    g_assert_true(timeline_capture_ns(sound, 1000 + 24000, &a));
    g_assert_true(timeline_capture_ns(picture, 777000 + 18000, &b));
    assert_near(a, NTP_START + 500 * NS_PER_MS, 1000);
    assert_near(b, a, 1000);
    /* Before the report as well. */
    g_assert_true(timeline_capture_ns(sound, 1000 - 48000, &a));
    assert_near(a, NTP_START - NS_PER_SEC, 1000);
}

static void test_wraps(void)
{
    g_autoptr(Timeline) timeline = timeline_new(90000);
    guint32 ts = 0xfffffff0u;
    gint64 ns;
    for (gint i = 0; i < 100; i++) {
        timeline_packet(timeline, ts + 9000u * (guint)i, i * 100 * NS_PER_MS);
        if (i % 20 == 0)
            timeline_sender_report(timeline, clock_ns_to_ntp(NTP_START + i * 100 * NS_PER_MS),
                                   ts + 9000u * (guint)i, 0);
    }
    g_assert_true(timeline_capture_ns(timeline, ts, &ns));
    assert_near(ns, NTP_START, 1000);
    g_assert_true(timeline_capture_ns(timeline, ts + 9000 * 99, &ns));
    assert_near(ns, NTP_START + 9900 * NS_PER_MS, 1000);
}

/** A media clock that is off, reports every 5 s that are off by up to 2 ms: what lies between and
 *  after the reports is told right. */
static void test_drift(gconstpointer data)
{
    gdouble rate = 1 + GPOINTER_TO_INT(data) / 1e6;
    g_autoptr(Timeline) timeline = timeline_new(48000);
    g_autoptr(GRand) rand = g_rand_new_with_seed(3);
    gint64 worst_ns = 0;
    for (gint i = 0; i < 15000; i++) { /* 300 s */
        guint32 ts = (guint32)(gint64)(i * 960 * rate);
        gint64 now_ns = i * 20 * NS_PER_MS, ns;
        timeline_packet(timeline, ts, now_ns);
        if (i % 250 == 0)
            timeline_sender_report(timeline,
                                   clock_ns_to_ntp(NTP_START + now_ns +
                                                   g_rand_int_range(rand, -2000, 2000) * NS_PER_US),
                                   ts, now_ns);
        if (i > 3000 && timeline_capture_ns(timeline, ts, &ns))
            worst_ns = MAX(worst_ns, llabs(ns - NTP_START - now_ns));
    }
    g_test_message("%d ppm: at most %.2f ms off", GPOINTER_TO_INT(data), worst_ns / 1e6);
    g_assert_cmpint(worst_ns, <, 4 * NS_PER_MS);
}

static void test_contradiction_restarts(void)
{
    g_autoptr(Timeline) timeline = timeline_new(48000);
    gint64 ns;
    for (gint i = 0; i < 5; i++)
        timeline_sender_report(timeline, clock_ns_to_ntp(NTP_START + i * NS_PER_SEC),
                               48000u * (guint)i, 0);
    /* One that was overtaken, and a duplicate, change nothing. */
    timeline_sender_report(timeline, clock_ns_to_ntp(NTP_START + 2 * NS_PER_SEC), 96000, 0);
    timeline_sender_report(timeline, 0, 96000, 0);
    g_assert_true(timeline_capture_ns(timeline, 480000, &ns));
    assert_near(ns, NTP_START + 10 * NS_PER_SEC, 1000);
    /* The sender's wall clock was set. */
    timeline_sender_report(timeline, clock_ns_to_ntp(NTP_START + 3600 * NS_PER_SEC), 240000, 0);
    g_assert_true(timeline_capture_ns(timeline, 480000, &ns));
    assert_near(ns, NTP_START + 3605 * NS_PER_SEC, 1000);
}

static void test_garbage(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);
    g_autoptr(Timeline) timeline = timeline_new(90000);
    for (gint i = 0; i < 300000; i++) {
        gint64 ns;
        timeline_packet(timeline, g_rand_int(rand), i * NS_PER_MS);
        if (i % 7 == 0)
            timeline_sender_report(timeline, (guint64)g_rand_int(rand) << 32 | g_rand_int(rand),
                                   g_rand_int(rand), i * NS_PER_MS);
        timeline_capture_ns(timeline, g_rand_int(rand), &ns);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rtp/timeline/arrival_stands_in", test_arrival_stands_in);
    g_test_add_func("/rtp/timeline/reports", test_reports);
    g_test_add_func("/rtp/timeline/wraps", test_wraps);
    g_test_add_data_func("/rtp/timeline/drift/0", GINT_TO_POINTER(0), test_drift);
    g_test_add_data_func("/rtp/timeline/drift/200ppm", GINT_TO_POINTER(200), test_drift);
    g_test_add_data_func("/rtp/timeline/drift/-200ppm", GINT_TO_POINTER(-200), test_drift);
    g_test_add_data_func("/rtp/timeline/drift/2.5%", GINT_TO_POINTER(25000), test_drift);
    g_test_add_data_func("/rtp/timeline/drift/-2.5%", GINT_TO_POINTER(-25000), test_drift);
    g_test_add_func("/rtp/timeline/contradiction", test_contradiction_restarts);
    g_test_add_func("/rtp/timeline/garbage", test_garbage);
    return g_test_run();
}
