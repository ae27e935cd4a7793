#include "net/packet_limit.h"

#include "base/clock.h"

#define START_NS (1000 * NS_PER_SEC)

/* So many packets come evenly from from_ns on, one each gap_ns. Returns how many were taken. */
static guint take(PacketLimit *limit, gboolean is_rtcp, gint64 from_ns, gint64 gap_ns, guint n)
{
    guint taken = 0;
    for (guint i = 0; i < n; i++)
        taken += packet_limit_take(limit, is_rtcp, from_ns + i * gap_ns);
    return taken;
}

static void test_burst(void)
{
    PacketLimit limit = { 0 };
    g_assert_cmpuint(take(&limit, FALSE, START_NS, 0, 10000), ==, PACKET_LIMIT_BURST);
    /* 100 ms later there are as many as grew since; after a long time no more than a burst. */
    g_assert_cmpuint(take(&limit, FALSE, START_NS + 100 * NS_PER_MS, 0, 10000), ==,
                     PACKET_LIMIT_PER_SECOND / 10);
    g_assert_cmpuint(take(&limit, FALSE, START_NS + 3600 * NS_PER_SEC, 0, 10000), ==,
                     PACKET_LIMIT_BURST);
}

static void test_rate(void)
{
    PacketLimit limit = { 0 };
    /* What real senders send passes, for however long. */
    g_assert_cmpuint(take(&limit, FALSE, START_NS, NS_PER_SEC / 3500, 35000), ==, 35000);
    /* Ten times the rate for ten seconds. */
    limit = (PacketLimit){ 0 };
    guint taken = take(&limit, FALSE, START_NS, NS_PER_SEC / 40000, 400000);
    g_assert_cmpuint(taken, >=, PACKET_LIMIT_BURST + 10 * PACKET_LIMIT_PER_SECOND - 1);
    g_assert_cmpuint(taken, <=, PACKET_LIMIT_BURST + 10 * PACKET_LIMIT_PER_SECOND + 1);
}

static void test_rtcp(void)
{
    PacketLimit limit = { 0 };
    g_assert_cmpuint(take(&limit, TRUE, START_NS, NS_PER_SEC / 100, 6000), ==, 6000);
    limit = (PacketLimit){ 0 };
    g_assert_cmpuint(take(&limit, TRUE, START_NS, 0, 10000), ==, PACKET_LIMIT_RTCP_BURST);
    /* It takes from the whole, what was refused does not; and media are not held up by it. */
    g_assert_cmpuint(take(&limit, FALSE, START_NS, 0, 10000), ==,
                     PACKET_LIMIT_BURST - PACKET_LIMIT_RTCP_BURST);
    g_assert_cmpuint(take(&limit, TRUE, START_NS + NS_PER_SEC, 0, 10000), ==,
                     PACKET_LIMIT_RTCP_PER_SECOND);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/packet_limit/burst", test_burst);
    g_test_add_func("/packet_limit/rate", test_rate);
    g_test_add_func("/packet_limit/rtcp", test_rtcp);
    return g_test_run();
}
