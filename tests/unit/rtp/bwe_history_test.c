#include "rtp/bwe_history.h"

#include "base/clock.h"
#include "rtp/bwe.h"

static void add(BweHistory *history, guint16 seq, gint64 now_ns)
{
    bwe_history_add(history, seq, 1000 + seq % 100, seq % 7 ? BWE_PROBE_NONE : seq, now_ns);
}

static void test_finds(void)
{
    g_autoptr(BweHistory) history = bwe_history_new();
    g_assert_null(bwe_history_find(history, 0, 0));
    for (guint i = 0; i < 100; i++) /* over the wrap */
        add(history, (guint16)(65500 + i), i * NS_PER_MS);
    for (guint i = 0; i < 100; i++) {
        guint16 seq = (guint16)(65500 + i);
        const BweSentPacket *packet = bwe_history_find(history, seq, NS_PER_SEC);
        g_assert_cmpint(packet->sent_ns, ==, i * NS_PER_MS);
        g_assert_cmpuint(packet->size, ==, 1000 + seq % 100);
        g_assert_cmpint(packet->cluster, ==, seq % 7 ? BWE_PROBE_NONE : seq);
        g_assert_cmpuint(packet->fate, ==, BWE_PENDING);
    }
    g_assert_null(bwe_history_find(history, 65499, NS_PER_SEC));
    g_assert_null(bwe_history_find(history, 64, NS_PER_SEC));
}

/* 60 s, and no longer. */
static void test_age(void)
{
    g_autoptr(BweHistory) history = bwe_history_new();
    add(history, 10, NS_PER_SEC);
    g_assert_nonnull(bwe_history_find(history, 10, NS_PER_SEC + BWE_HISTORY_MAX_AGE_NS));
    g_assert_null(bwe_history_find(history, 10, NS_PER_SEC + BWE_HISTORY_MAX_AGE_NS + 1));
}

static void test_gaps(void)
{
    g_autoptr(BweHistory) history = bwe_history_new();
    add(history, 10, 0);
    add(history, 13, 0);
    add(history, 12, 0); /* back: not taken */
    g_assert_nonnull(bwe_history_find(history, 10, 0));
    g_assert_null(bwe_history_find(history, 11, 0));
    g_assert_null(bwe_history_find(history, 12, 0));
    g_assert_nonnull(bwe_history_find(history, 13, 0));
    add(history, 10013, 0); /* far: begin anew */
    g_assert_null(bwe_history_find(history, 13, 0));
    g_assert_nonnull(bwe_history_find(history, 10013, 0));
}

/* How many of the newest are still known. */
static guint known(BweHistory *history, guint16 newest, gint64 now_ns)
{
    guint count = 0;
    while (count < 32768 && bwe_history_find(history, (guint16)(newest - count), now_ns))
        count++;
    return count;
}

/* What is reported makes room; what is not is kept, up to a bound. */
static void test_grows_as_needed(void)
{
    g_autoptr(BweHistory) reported = bwe_history_new();
    g_autoptr(BweHistory) silent = bwe_history_new();
    gint64 now_ns = 0;
    for (guint i = 0; i < 100000; i++, now_ns += 100 * NS_PER_US) {
        add(reported, (guint16)i, now_ns);
        add(silent, (guint16)i, now_ns);
        if (i >= 100)
            bwe_history_find(reported, (guint16)(i - 100), now_ns)->fate = BWE_ARRIVED;
        g_assert_nonnull(bwe_history_find(silent, (guint16)i, now_ns));
    }
    g_assert_cmpuint(known(reported, (guint16)99999, now_ns), ==, 256);
    g_assert_cmpuint(known(silent, (guint16)99999, now_ns), ==, BWE_HISTORY_MAX_PACKETS);
    bwe_history_free(NULL);
}

/* 50 packets a second without any report: what is older than 5 s makes no ring grow. */
static void test_old_makes_room(void)
{
    g_autoptr(BweHistory) history = bwe_history_new();
    for (guint i = 0; i < 5000; i++)
        add(history, (guint16)i, i * 20 * NS_PER_MS);
    g_assert_cmpuint(known(history, 4999, 100 * NS_PER_SEC), <=, 256);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bwe-history/finds", test_finds);
    g_test_add_func("/bwe-history/age", test_age);
    g_test_add_func("/bwe-history/gaps", test_gaps);
    g_test_add_func("/bwe-history/grows-as-needed", test_grows_as_needed);
    g_test_add_func("/bwe-history/old-makes-room", test_old_makes_room);
    return g_test_run();
}
