#include "rtp/history.h"

#include "base/clock.h"

#define MS NS_PER_MS

static void add(RtpHistory *history, guint16 seq, gint64 now_ns)
{
    g_autoptr(GBytes) payload = g_bytes_new(&seq, sizeof(seq));
    RtpHistoryPacket packet = { .seq = seq, .timestamp = seq * 10u, .payload = payload };
    rtp_history_add(history, &packet, now_ns);
}

static gboolean has(RtpHistory *history, guint16 seq, gint64 now_ns)
{
    const RtpHistoryPacket *packet = rtp_history_resend(history, seq, now_ns, 0);
    if (!packet)
        return FALSE;
    g_assert_cmpuint(packet->seq, ==, seq);
    g_assert_cmpuint(packet->timestamp, ==, seq * 10u);
    g_assert_cmpuint(*(const guint16 *)g_bytes_get_data(packet->payload, NULL), ==, seq);
    return TRUE;
}

static void test_capacity(void)
{
    g_autoptr(RtpHistory) history = rtp_history_new(8, NS_PER_SEC);
    g_assert_false(has(history, 0, 0));
    for (guint i = 0; i < 20; i++)
        add(history, (guint16)(65530 + i), 0);
    for (guint i = 0; i < 20; i++)
        g_assert_cmpint(has(history, (guint16)(65530 + i), 0), ==, i >= 12);
    g_assert_false(has(history, 14, 0)); /* not sent yet */
    g_assert_false(has(history, (guint16)(13 + 32768), 0));
}

static void test_age(void)
{
    g_autoptr(RtpHistory) history = rtp_history_new(64, 100 * MS);
    add(history, 1, 0);
    add(history, 2, 50 * MS);
    g_assert_true(has(history, 1, 100 * MS));
    g_assert_false(has(history, 1, 101 * MS));
    g_assert_true(has(history, 2, 101 * MS));
    g_assert_true(rtp_history_is_gone(history, 1, 101 * MS));
    g_assert_false(rtp_history_is_gone(history, 2, 101 * MS));
    g_assert_false(rtp_history_is_gone(history, 3, 101 * MS)); /* not sent yet */
    add(history, 3, 300 * MS);
    g_assert_true(rtp_history_is_gone(history, 2, 300 * MS));
}

static void test_interval(void)
{
    g_autoptr(RtpHistory) history = rtp_history_new(64, NS_PER_SEC);
    add(history, 1, 0);
    g_assert_nonnull(rtp_history_resend(history, 1, 10 * MS, 40 * MS));
    g_assert_null(rtp_history_resend(history, 1, 49 * MS, 40 * MS));
    g_assert_nonnull(rtp_history_resend(history, 1, 50 * MS, 40 * MS));
    g_assert_null(rtp_history_resend(history, 1, 89 * MS, 40 * MS));
}

static void count_freed(gpointer data)
{
    (*(guint *)data)++;
}

/* References are let go of when a packet is too old or pushed out, also over gaps and jumps. */
static void test_references(void)
{
    static const guint16 steps[] = { 1, 1, 3, 1, 7, 8, 9, 1, 1000, 1, 20000, 1, 65535, 1 };
    RtpHistory *history = rtp_history_new(8, 1000 * MS);
    guint freed = 0, added = 0;
    guint16 seq = 0;
    for (guint i = 0; i < G_N_ELEMENTS(steps); i++) {
        seq = (guint16)(seq + steps[i]);
        g_autoptr(GBytes) payload = g_bytes_new_with_free_func("x", 1, count_freed, &freed);
        RtpHistoryPacket packet = { .seq = seq, .payload = payload };
        rtp_history_add(history, &packet, 0);
        added++;
    }
    g_assert_cmpuint(added - freed, <=, 8);
    g_autoptr(GBytes) last = g_bytes_new_with_free_func("x", 1, count_freed, &freed);
    RtpHistoryPacket packet = { .seq = (guint16)(seq + 1), .payload = last };
    rtp_history_add(history, &packet, 2000 * MS);
    g_assert_cmpuint(freed, ==, added); /* all but the last were too old */
    rtp_history_free(history);
    g_clear_pointer(&last, g_bytes_unref);
    g_assert_cmpuint(freed, ==, added + 1);
    rtp_history_free(NULL);
}

static void test_gaps(void)
{
    g_autoptr(RtpHistory) history = rtp_history_new(8, NS_PER_SEC);
    add(history, 10, 0);
    add(history, 13, 0);
    add(history, 12, 0);
    g_assert_true(has(history, 10, 0));
    g_assert_false(has(history, 11, 0));
    g_assert_true(has(history, 12, 0));
    add(history, 17, 0);
    add(history, 18, 0);
    g_assert_false(has(history, 10, 0));
    g_assert_true(has(history, 13, 0));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/history/capacity", test_capacity);
    g_test_add_func("/history/age", test_age);
    g_test_add_func("/history/interval", test_interval);
    g_test_add_func("/history/references", test_references);
    g_test_add_func("/history/gaps", test_gaps);
    return g_test_run();
}
