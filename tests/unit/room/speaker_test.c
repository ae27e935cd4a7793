#include "room/speaker.h"

#include "base/clock.h"

#define TICK_NS (20 * NS_PER_MS)

/** Feed a level for some ticks; returns how many ticks it took to change, or -1. */
static gint feed(SpeakerDetector *detector, guint8 level, gint ticks, gint64 *now_ns)
{
    for (gint i = 1; i <= ticks; i++) {
        *now_ns += TICK_NS;
        if (speaker_update(detector, level, *now_ns))
            return i;
    }
    return -1;
}

static void test_attack_and_hold(void)
{
    SpeakerDetector detector = { 0 };
    gint64 now_ns = NS_PER_SEC;
    g_assert_cmpint(feed(&detector, 127, 100, &now_ns), ==, -1);
    g_assert_cmpint(feed(&detector, 30, 100, &now_ns), ==, 4); /* 60 ms after the first loud tick */
    g_assert_true(detector.speaking);
    g_assert_cmpint(feed(&detector, 30, 500, &now_ns), ==, -1);
    g_assert_cmpint(feed(&detector, 127, 100, &now_ns), ==, 30); /* 600 ms */
    g_assert_false(detector.speaking);
}

static void test_click_is_not_speech(void)
{
    SpeakerDetector detector = { 0 };
    gint64 now_ns = NS_PER_SEC;
    for (gint i = 0; i < 50; i++) {
        g_assert_cmpint(feed(&detector, 5, 2, &now_ns), ==, -1);
        g_assert_cmpint(feed(&detector, 100, 3, &now_ns), ==, -1);
    }
    g_assert_false(detector.speaking);
}

/** Pauses between words do not make the border flicker. */
static void test_pauses(void)
{
    SpeakerDetector detector = { 0 };
    gint64 now_ns = NS_PER_SEC;
    feed(&detector, 20, 10, &now_ns);
    g_assert_true(detector.speaking);
    for (gint i = 0; i < 20; i++) {
        g_assert_cmpint(feed(&detector, 127, 25, &now_ns), ==, -1);
        g_assert_cmpint(feed(&detector, 20, 5, &now_ns), ==, -1);
    }
    g_assert_true(detector.speaking);
}

/** A level in between keeps speech going but does not start it. */
static void test_hysteresis(void)
{
    SpeakerDetector detector = { 0 };
    gint64 now_ns = NS_PER_SEC;
    g_assert_cmpint(feed(&detector, 49, 200, &now_ns), ==, -1);
    g_assert_false(detector.speaking);
    feed(&detector, 40, 10, &now_ns);
    g_assert_true(detector.speaking);
    g_assert_cmpint(feed(&detector, 49, 200, &now_ns), ==, -1);
    g_assert_true(detector.speaking);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/room/speaker/attack_and_hold", test_attack_and_hold);
    g_test_add_func("/room/speaker/click", test_click_is_not_speech);
    g_test_add_func("/room/speaker/pauses", test_pauses);
    g_test_add_func("/room/speaker/hysteresis", test_hysteresis);
    return g_test_run();
}
