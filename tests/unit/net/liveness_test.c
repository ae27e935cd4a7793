#include "base/clock.h"
#include "net/liveness.h"

static Liveness new_liveness(void)
{
    Liveness liveness = { .silent_after_ns = 5 * NS_PER_SEC, .dead_after_ns = 30 * NS_PER_SEC };
    liveness_reset(&liveness, 100 * NS_PER_SEC);
    return liveness;
}

static LivenessState at(const Liveness *liveness, gint64 seconds)
{
    return liveness_check(liveness, (100 + seconds) * NS_PER_SEC);
}

static void test_sender_falls_silent(void)
{
    Liveness liveness = new_liveness();
    liveness_media(&liveness, 110 * NS_PER_SEC);
    g_assert_cmpint(at(&liveness, 14), ==, LIVENESS_ALIVE);
    g_assert_cmpint(at(&liveness, 15), ==, LIVENESS_SILENT);
    g_assert_cmpint(at(&liveness, 39), ==, LIVENESS_SILENT);
    g_assert_cmpint(at(&liveness, 40), ==, LIVENESS_DEAD);
    liveness_media(&liveness, 139 * NS_PER_SEC);
    g_assert_cmpint(at(&liveness, 40), ==, LIVENESS_ALIVE);
}

/* STUN every 4 to 6 seconds is all that a muted viewer sends: no flapping. */
static void test_idle_peer(void)
{
    Liveness liveness = new_liveness();
    for (gint64 second = 6; second < 600; second += 6) {
        g_assert_cmpint(at(&liveness, second), ==, LIVENESS_ALIVE);
        liveness_heard(&liveness, (100 + second) * NS_PER_SEC);
    }
    g_assert_cmpint(at(&liveness, 594 + 14), ==, LIVENESS_ALIVE);
    g_assert_cmpint(at(&liveness, 594 + 15), ==, LIVENESS_SILENT);
    g_assert_cmpint(at(&liveness, 594 + 30), ==, LIVENESS_DEAD);
}

/* Who stops sending but still answers checks is idle, not gone. */
static void test_sender_becomes_idle(void)
{
    Liveness liveness = new_liveness();
    liveness_media(&liveness, 110 * NS_PER_SEC);
    liveness_heard(&liveness, 114 * NS_PER_SEC);
    g_assert_cmpint(at(&liveness, 18), ==, LIVENESS_ALIVE);
    liveness_heard(&liveness, 118 * NS_PER_SEC);
    g_assert_cmpint(at(&liveness, 32), ==, LIVENESS_ALIVE);
}

/* ICE's word alone kills nobody before the grace is over, and a path found again clears it. */
static void test_path_lost(void)
{
    Liveness liveness = new_liveness();
    liveness_path_lost(&liveness, 110 * NS_PER_SEC);
    liveness_path_lost(&liveness, 120 * NS_PER_SEC);
    for (gint64 second = 10; second < 40; second++) {
        liveness_heard(&liveness, (100 + second) * NS_PER_SEC);
        g_assert_cmpint(at(&liveness, second), ==, LIVENESS_SILENT);
    }
    g_assert_cmpint(at(&liveness, 40), ==, LIVENESS_DEAD);
    liveness_reset(&liveness, 140 * NS_PER_SEC);
    g_assert_cmpint(at(&liveness, 40), ==, LIVENESS_ALIVE);
}

/* An ICE restart fails while media flow on the path that was there: the peer lives, until they end
 * too. What was on its way before proves nothing. */
static void test_path_lost_but_media_flow(void)
{
    Liveness liveness = new_liveness();
    liveness_path_lost(&liveness, 110 * NS_PER_SEC);
    liveness_media(&liveness, 109 * NS_PER_SEC);
    g_assert_cmpint(at(&liveness, 11), ==, LIVENESS_SILENT);
    for (gint64 second = 11; second < 100; second++) {
        liveness_media(&liveness, (100 + second) * NS_PER_SEC);
        g_assert_cmpint(at(&liveness, second), ==, LIVENESS_ALIVE);
    }
    g_assert_cmpint(at(&liveness, 99 + 5), ==, LIVENESS_SILENT);
    g_assert_cmpint(at(&liveness, 99 + 30), ==, LIVENESS_DEAD);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/liveness/sender-falls-silent", test_sender_falls_silent);
    g_test_add_func("/liveness/idle-peer", test_idle_peer);
    g_test_add_func("/liveness/sender-becomes-idle", test_sender_becomes_idle);
    g_test_add_func("/liveness/path-lost", test_path_lost);
    g_test_add_func("/liveness/path-lost-but-media-flow", test_path_lost_but_media_flow);
    return g_test_run();
}
