#include "rtp/nack.h"

#include "base/clock.h"

#define MS NS_PER_MS

static guint due(NackTracker *tracker, gint64 now_ns, gint64 rtt_ns, guint16 *first)
{
    guint16 seqs[NACK_MAX_OUTSTANDING];
    guint n = nack_tracker_due(tracker, now_ns, rtt_ns, seqs, G_N_ELEMENTS(seqs));
    *first = n > 0 ? seqs[0] : 0;
    return n;
}

static void test_timing(void)
{
    g_autoptr(NackTracker) tracker = nack_tracker_new();
    guint16 seq;
    g_assert_true(nack_tracker_received(tracker, 65534, 0));
    g_assert_true(nack_tracker_received(tracker, 1, 0));
    g_assert_cmpuint(nack_tracker_outstanding(tracker), ==, 2);
    g_assert_cmpuint(due(tracker, 11 * MS, 50 * MS, &seq), ==, 0);
    g_assert_cmpuint(due(tracker, 12 * MS, 50 * MS, &seq), ==, 2);
    g_assert_cmpuint(seq, ==, 65535);
    g_assert_cmpuint(due(tracker, 61 * MS, 50 * MS, &seq), ==, 0);
    g_assert_true(nack_tracker_received(tracker, 65535, 61 * MS));
    g_assert_cmpuint(due(tracker, 62 * MS, 50 * MS, &seq), ==, 1);
    g_assert_cmpuint(seq, ==, 0);
    g_assert_cmpuint(due(tracker, 81 * MS, 5 * MS, &seq), ==, 0); /* never below 20 ms */
    g_assert_cmpuint(due(tracker, 82 * MS, 5 * MS, &seq), ==, 1);
    g_assert_cmpuint(due(tracker, 181 * MS, 100 * MS, &seq), ==, 0);
    g_assert_cmpuint(due(tracker, 182 * MS, 100 * MS, &seq), ==, 1);
    g_assert_true(nack_tracker_received(tracker, 0, 190 * MS));
    g_assert_cmpuint(nack_tracker_outstanding(tracker), ==, 0);
    g_assert_false(nack_tracker_take_give_up(tracker));
}

static void test_duplicates(void)
{
    g_autoptr(NackTracker) tracker = nack_tracker_new();
    g_assert_true(nack_tracker_received(tracker, 10, 0));
    g_assert_false(nack_tracker_received(tracker, 10, 0));
    g_assert_true(nack_tracker_received(tracker, 12, 0));
    g_assert_true(nack_tracker_received(tracker, 11, 0));
    g_assert_false(nack_tracker_received(tracker, 11, 0));
    g_assert_true(nack_tracker_received(tracker, 9, 0)); /* overtaken by the first */
    g_assert_false(nack_tracker_received(tracker, 9, 0));
    /* Given up is not the same as seen. */
    g_assert_true(nack_tracker_received(tracker, 14, 0));
    nack_tracker_forget_before(tracker, 14);
    g_assert_cmpuint(nack_tracker_outstanding(tracker), ==, 0);
    g_assert_true(nack_tracker_received(tracker, 13, 0));
    /* The memory of what was seen moves on: a whole cycle later the numbers are new. */
    for (guint i = 15; i < 70000; i++)
        g_assert_true(nack_tracker_received(tracker, (guint16)i, 0));
    g_assert_false(nack_tracker_received(tracker, (guint16)(69999 - 16383), 0));
    g_assert_false(nack_tracker_received(tracker, (guint16)(69999 - 16384), 0));
}

static void test_tries(void)
{
    g_autoptr(NackTracker) tracker = nack_tracker_new();
    guint16 seq;
    nack_tracker_received(tracker, 1, 0);
    nack_tracker_received(tracker, 3, 0);
    gint64 now_ns = 12 * MS;
    for (guint i = 0; i < NACK_MAX_TRIES; i++, now_ns += 30 * MS)
        g_assert_cmpuint(due(tracker, now_ns, 30 * MS, &seq), ==, 1);
    g_assert_false(nack_tracker_take_give_up(tracker));
    g_assert_cmpuint(due(tracker, now_ns, 30 * MS, &seq), ==, 0);
    g_assert_cmpuint(nack_tracker_outstanding(tracker), ==, 0);
    g_assert_true(nack_tracker_take_give_up(tracker));
    g_assert_false(nack_tracker_take_give_up(tracker));
}

static void test_overflow(void)
{
    g_autoptr(NackTracker) tracker = nack_tracker_new();
    nack_tracker_received(tracker, 0, 0);
    nack_tracker_received(tracker, NACK_MAX_OUTSTANDING + 1, 0);
    g_assert_cmpuint(nack_tracker_outstanding(tracker), ==, NACK_MAX_OUTSTANDING);
    g_assert_false(nack_tracker_take_give_up(tracker));
    nack_tracker_received(tracker, NACK_MAX_OUTSTANDING + 3, 0);
    g_assert_cmpuint(nack_tracker_outstanding(tracker), ==, 0);
    g_assert_true(nack_tracker_take_give_up(tracker));
    nack_tracker_received(tracker, 32000, 0);
    g_assert_cmpuint(nack_tracker_outstanding(tracker), ==, 0);
    g_assert_true(nack_tracker_take_give_up(tracker));
}

static void test_age(void)
{
    g_autoptr(NackTracker) tracker = nack_tracker_new();
    nack_tracker_received(tracker, 65000, 0);
    nack_tracker_received(tracker, 65002, 0);
    for (guint i = 65003; i <= 65001 + NACK_MAX_AGE; i++)
        nack_tracker_received(tracker, (guint16)i, 0);
    g_assert_cmpuint(nack_tracker_outstanding(tracker), ==, 1);
    nack_tracker_received(tracker, (guint16)(65002 + NACK_MAX_AGE), 0);
    g_assert_cmpuint(nack_tracker_outstanding(tracker), ==, 0);
    g_assert_true(nack_tracker_take_give_up(tracker));
}

static void test_forget(void)
{
    g_autoptr(NackTracker) tracker = nack_tracker_new();
    guint16 seq;
    nack_tracker_forget_before(tracker, 5);
    nack_tracker_received(tracker, 65530, 0);
    nack_tracker_received(tracker, 5, 0);
    nack_tracker_forget_before(tracker, 2);
    g_assert_cmpuint(due(tracker, 12 * MS, 0, &seq), ==, 3);
    g_assert_cmpuint(seq, ==, 2);
    nack_tracker_forget_before(tracker, 65533); /* backwards: no change */
    nack_tracker_forget_before(tracker, 20);    /* ahead: those between are not wanted either */
    g_assert_cmpuint(nack_tracker_outstanding(tracker), ==, 0);
    nack_tracker_received(tracker, 22, 0);
    g_assert_cmpuint(nack_tracker_outstanding(tracker), ==, 2);
    g_assert_false(nack_tracker_take_give_up(tracker));
    nack_tracker_reset(tracker);
    g_assert_cmpuint(nack_tracker_outstanding(tracker), ==, 0);
    g_assert_true(nack_tracker_received(tracker, 22, 0));
}

static void lose_one(NackTracker *tracker, guint16 seq, gint64 at_ns)
{
    nack_tracker_received(tracker, (guint16)(seq - 1), at_ns);
    nack_tracker_forget_before(tracker, seq);
    nack_tracker_received(tracker, (guint16)(seq + 1), at_ns);
}

/* A packet is lost, asked for at 12 ms and then each interval_ns, and comes answer_ns after the
 * first request. */
static void lose_and_recover(NackTracker *tracker, guint16 seq, gint64 interval_ns,
                             gint64 answer_ns)
{
    guint16 asked;
    gint64 first_ns = seq * NS_PER_SEC + 12 * MS;
    lose_one(tracker, seq, seq * NS_PER_SEC);
    for (gint64 now_ns = first_ns; now_ns < first_ns + answer_ns; now_ns += interval_ns)
        g_assert_cmpuint(due(tracker, now_ns, interval_ns, &asked), ==, 1);
    g_assert_true(nack_tracker_recovered(tracker, seq, first_ns + answer_ns));
}

static void assert_answer_ms(const NackTracker *tracker, gint least, gint most)
{
    g_assert_cmpint(nack_tracker_answer_ns(tracker), >=, least * MS);
    g_assert_cmpint(nack_tracker_answer_ns(tracker), <=, most * MS);
}

static void test_answer_time(void)
{
    g_autoptr(NackTracker) tracker = nack_tracker_new();
    guint16 seq;
    lose_one(tracker, 10, 0);
    g_assert_true(nack_tracker_received(tracker, 10, 5 * MS)); /* not asked for yet */
    g_assert_cmpint(nack_tracker_answer_ns(tracker), ==, -1);
    lose_and_recover(tracker, 100, 100 * MS, 500 * MS); /* asked for five times: by the first */
    assert_answer_ms(tracker, 500, 500);
    lose_one(tracker, 110, 0);
    g_assert_cmpuint(due(tracker, 12 * MS, 0, &seq), ==, 1);
    g_assert_true(nack_tracker_received(tracker, 110, 13 * MS)); /* overtaken: no answer */
    assert_answer_ms(tracker, 500, 500);
    lose_and_recover(tracker, 200, 500 * MS, 1000 * MS); /* a request was lost */
    assert_answer_ms(tracker, 501, 540);
    for (guint16 i = 0; i < 30; i++)
        lose_and_recover(tracker, (guint16)(300 + 10 * i), 500 * MS, 100 * MS);
    assert_answer_ms(tracker, 100, 120);
    for (guint16 i = 0; i < 80; i++) /* the path is longer, and all is asked for again */
        lose_and_recover(tracker, (guint16)(700 + 10 * i), 100 * MS, 500 * MS);
    assert_answer_ms(tracker, 480, 500);
    nack_tracker_reset(tracker);
    assert_answer_ms(tracker, 480, 500);
}

static void test_absurd_answers(void)
{
    g_autoptr(NackTracker) tracker = nack_tracker_new();
    lose_and_recover(tracker, 10, 10 * NS_PER_SEC, 9 * NS_PER_SEC);
    g_assert_cmpint(nack_tracker_answer_ns(tracker), ==, NACK_MAX_ANSWER_NS);
    for (guint16 i = 0; i < 100; i++)
        lose_and_recover(tracker, (guint16)(100 + 10 * i), 500 * MS, 1);
    assert_answer_ms(tracker, 10, 11);
}

static void test_needless(void)
{
    g_autoptr(NackTracker) tracker = nack_tracker_new();
    lose_and_recover(tracker, 10, 50 * MS, 100 * MS);
    g_assert_cmpfloat(nack_tracker_needless(tracker), ==, 0);
    g_assert_false(nack_tracker_recovered(tracker, 9, NS_PER_SEC)); /* as padding: nobody asked */
    g_assert_cmpfloat(nack_tracker_needless(tracker), ==, 0);
    g_assert_false(nack_tracker_recovered(tracker, 10, NS_PER_SEC));
    g_assert_cmpfloat(nack_tracker_needless(tracker), >, 0.05);
    /* Without RTX a packet is sent again in its stream. */
    g_autoptr(NackTracker) plain = nack_tracker_new();
    guint16 seq;
    lose_one(plain, 10, 0);
    g_assert_cmpuint(due(plain, 12 * MS, 0, &seq), ==, 1);
    g_assert_true(nack_tracker_received(plain, 10, 52 * MS));
    assert_answer_ms(plain, 40, 40);
    g_assert_false(nack_tracker_received(plain, 10, 60 * MS));
    g_assert_cmpfloat(nack_tracker_needless(plain), >, 0.05);
}

static void test_max(void)
{
    g_autoptr(NackTracker) tracker = nack_tracker_new();
    guint16 seqs[4];
    nack_tracker_received(tracker, 0, 0);
    nack_tracker_received(tracker, 11, 0);
    g_assert_cmpuint(nack_tracker_due(tracker, 12 * MS, 50 * MS, seqs, 4), ==, 4);
    g_assert_cmpuint(seqs[3], ==, 4);
    g_assert_cmpuint(nack_tracker_due(tracker, 12 * MS, 50 * MS, seqs, 4), ==, 4);
    g_assert_cmpuint(seqs[0], ==, 5);
    g_assert_cmpuint(nack_tracker_due(tracker, 12 * MS, 50 * MS, seqs, 4), ==, 2);
    g_assert_cmpuint(nack_tracker_due(tracker, 12 * MS, 50 * MS, seqs, 4), ==, 0);
}

static void test_loss(void)
{
    g_autoptr(NackTracker) tracker = nack_tracker_new();
    for (guint i = 0; i < 2000; i++) {
        if (i % 10)
            nack_tracker_received(tracker, (guint16)i, 0);
    }
    g_assert_cmpfloat(nack_tracker_loss(tracker), >, 0.08);
    g_assert_cmpfloat(nack_tracker_loss(tracker), <, 0.12);
    for (guint i = 2000; i < 4000; i++)
        nack_tracker_received(tracker, (guint16)i, 0);
    g_assert_cmpfloat(nack_tracker_loss(tracker), <, 0.001);
    nack_tracker_reset(tracker);
    g_assert_cmpfloat(nack_tracker_loss(tracker), ==, 0);
}

/* A stream with 5 % loss and retransmissions after one round trip comes out whole. */
static void test_recovers(void)
{
    g_autoptr(NackTracker) tracker = nack_tracker_new();
    g_autoptr(GRand) random = g_rand_new_with_seed(1);
    guint16 asked[64];
    guint n = 0;
    for (guint i = 0; i < 20000; i++) {
        gint64 now_ns = i * 2 * MS;
        if (i == 0 || g_rand_double(random) >= 0.05)
            g_assert_true(nack_tracker_received(tracker, (guint16)(60000 + i), now_ns));
        if (i % 15 == 0) {
            for (guint k = 0; k < n; k++) {
                if (g_rand_double(random) >= 0.05)
                    g_assert_true(nack_tracker_received(tracker, asked[k], now_ns));
            }
            n = nack_tracker_due(tracker, now_ns, 30 * MS, asked, G_N_ELEMENTS(asked));
        }
        g_assert_cmpuint(nack_tracker_outstanding(tracker), <, 20);
    }
    g_assert_false(nack_tracker_take_give_up(tracker));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nack/timing", test_timing);
    g_test_add_func("/nack/duplicates", test_duplicates);
    g_test_add_func("/nack/tries", test_tries);
    g_test_add_func("/nack/overflow", test_overflow);
    g_test_add_func("/nack/age", test_age);
    g_test_add_func("/nack/forget", test_forget);
    g_test_add_func("/nack/max", test_max);
    g_test_add_func("/nack/answer-time", test_answer_time);
    g_test_add_func("/nack/absurd-answers", test_absurd_answers);
    g_test_add_func("/nack/needless", test_needless);
    g_test_add_func("/nack/loss", test_loss);
    g_test_add_func("/nack/recovers", test_recovers);
    return g_test_run();
}
