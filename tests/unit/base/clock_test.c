#include "base/clock.h"

#include <stdlib.h>

static void test_monotonic(void)
{
    gint64 last_ns = clock_now_ns();
    gint64 cpu_ns = clock_thread_cpu_ns();
    g_assert_cmpint(last_ns, >, 0);
    for (gint i = 0; i < 100000; i++) {
        gint64 now_ns = clock_now_ns();
        g_assert_cmpint(now_ns, >=, last_ns);
        last_ns = now_ns;
    }
    g_assert_cmpint(clock_thread_cpu_ns(), >, cpu_ns);
}

static void test_ntp_format(void)
{
    /* Half a second is half of 2^32. */
    g_assert_cmpuint(clock_ns_to_ntp(3 * NS_PER_SEC + NS_PER_SEC / 2), ==,
                     (guint64)3 << 32 | 0x80000000u);
    g_assert_cmpint(clock_ntp_to_ns((guint64)3 << 32 | 0x80000000u), ==,
                    3 * NS_PER_SEC + NS_PER_SEC / 2);
    g_assert_cmpint(clock_ntp_to_ns(G_MAXUINT64), ==,
                    G_GINT64_CONSTANT(4294967295) * NS_PER_SEC + 999999999);
}

static void test_ntp_round_trip(void)
{
    gint64 start_ns = G_GINT64_CONSTANT(3900000000) * NS_PER_SEC;
    for (gint64 i = 0; i < 100000; i++) {
        gint64 ns = start_ns + i * 1234567;
        g_assert_cmpint(llabs(clock_ntp_to_ns(clock_ns_to_ntp(ns)) - ns), <=, 1);
    }
}

/** The wall clock and the NTP time of a moment are the same moment, and run as the monotonic
 *  clock does. */
static void test_wall_clock(void)
{
    gint64 unix_to_ntp_ns = G_GINT64_CONSTANT(2208988800) * NS_PER_SEC;
    gint64 now_ns = clock_now_ns();
    gint64 wall_ns = clock_wall_ns(now_ns);
    g_assert_cmpint(clock_wall_ns(now_ns + 5 * NS_PER_SEC) - wall_ns, ==, 5 * NS_PER_SEC);
    g_assert_cmpint(llabs(clock_ntp_to_ns(clock_ntp(now_ns)) - unix_to_ntp_ns - wall_ns), <=, 1);
    g_assert_cmpint(llabs(wall_ns - g_get_real_time() * NS_PER_US), <, 60 * NS_PER_SEC);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/clock/monotonic", test_monotonic);
    g_test_add_func("/base/clock/ntp_format", test_ntp_format);
    g_test_add_func("/base/clock/ntp_round_trip", test_ntp_round_trip);
    g_test_add_func("/base/clock/wall_clock", test_wall_clock);
    return g_test_run();
}
