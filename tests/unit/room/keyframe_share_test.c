#include "room/keyframe_share.h"

#include "base/clock.h"

/* Asked for all the time, each millisecond: how many are made. */
static guint made_in(KeyframeShare *share, gboolean urgent, gint64 from_ms, gint64 to_ms)
{
    guint made = 0;
    for (gint64 ms = from_ms; ms < to_ms; ms++) {
        keyframe_share_want(share, urgent);
        if (!keyframe_share_due(share, ms * NS_PER_MS))
            continue;
        keyframe_share_made(share, ms * NS_PER_MS);
        made++;
    }
    return made;
}

static void test_none_wanted(void)
{
    KeyframeShare share;
    keyframe_share_init(&share);
    g_assert_false(keyframe_share_due(&share, 0));
    keyframe_share_want(&share, FALSE);
    g_assert_true(keyframe_share_due(&share, 0));
    keyframe_share_made(&share, 0);
    g_assert_false(keyframe_share_due(&share, 10 * NS_PER_SEC));
}

static void test_one_a_second(void)
{
    KeyframeShare share;
    keyframe_share_init(&share);
    g_assert_cmpuint(made_in(&share, FALSE, 0, 10000), ==, 10);
}

static void test_crowd(void)
{
    KeyframeShare share;
    keyframe_share_init(&share);
    g_assert_cmpuint(made_in(&share, TRUE, 0, 150), ==, 1);
    g_assert_cmpuint(made_in(&share, TRUE, 150, 650), ==, 1);
    g_assert_cmpuint(made_in(&share, TRUE, 650, 10650), ==, 20);
}

/* After a key frame for somebody else, and again when a second has passed. */
static void test_single_is_fast(void)
{
    KeyframeShare share;
    keyframe_share_init(&share);
    keyframe_share_want(&share, FALSE);
    keyframe_share_made(&share, 0);
    keyframe_share_want(&share, TRUE);
    g_assert_false(keyframe_share_due(&share, 149 * NS_PER_MS));
    g_assert_true(keyframe_share_due(&share, 150 * NS_PER_MS));
    keyframe_share_made(&share, 150 * NS_PER_MS);
    keyframe_share_want(&share, TRUE);
    g_assert_false(keyframe_share_due(&share, 649 * NS_PER_MS));
    g_assert_true(keyframe_share_due(&share, 650 * NS_PER_MS));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/room/keyframe_share/none_wanted", test_none_wanted);
    g_test_add_func("/room/keyframe_share/one_a_second", test_one_a_second);
    g_test_add_func("/room/keyframe_share/crowd", test_crowd);
    g_test_add_func("/room/keyframe_share/single_is_fast", test_single_is_fast);
    return g_test_run();
}
