#include "io/broadcaster_retry.h"

#include "base/clock.h"

static gint64 down(BroadcasterRetry *retry, BroadcasterFailure failure)
{
    return broadcaster_retry_down(retry, failure, 0.5);
}

static void test_never_worked(void)
{
    BroadcasterRetry retry = { 0 };
    g_assert_cmpint(down(&retry, BROADCASTER_LOST), ==, BROADCASTER_GIVE_UP);

    /* Taken and dropped at once is not working either. */
    broadcaster_retry_up(&retry, 10 * NS_PER_SEC);
    broadcaster_retry_flows(&retry, 12 * NS_PER_SEC);
    g_assert_cmpint(down(&retry, BROADCASTER_LOST), ==, BROADCASTER_GIVE_UP);
}

static void test_keep_trying(void)
{
    BroadcasterRetry retry = { .keep_trying = TRUE };
    g_assert_cmpint(down(&retry, BROADCASTER_LOST), ==, NS_PER_SEC);
    g_assert_cmpint(down(&retry, BROADCASTER_LOST), ==, 2 * NS_PER_SEC);
    g_assert_cmpint(down(&retry, BROADCASTER_REFUSED), ==, BROADCASTER_GIVE_UP);
}

static void work(BroadcasterRetry *retry, gint64 from_ns, gint64 to_ns)
{
    broadcaster_retry_up(retry, from_ns);
    broadcaster_retry_flows(retry, to_ns);
}

static void test_backoff(void)
{
    static const gint64 seconds[] = { 1, 2, 4, 8, 16, 30, 30, 30 };
    BroadcasterRetry retry = { 0 };
    work(&retry, NS_PER_SEC, 10 * NS_PER_SEC);
    for (gsize i = 0; i < G_N_ELEMENTS(seconds); i++)
        g_assert_cmpint(down(&retry, BROADCASTER_LOST), ==, seconds[i] * NS_PER_SEC);

    /* Half a minute of health is not enough to begin anew, a minute is. */
    work(&retry, 100 * NS_PER_SEC, 130 * NS_PER_SEC);
    g_assert_cmpint(down(&retry, BROADCASTER_LOST), ==, 30 * NS_PER_SEC);
    work(&retry, 200 * NS_PER_SEC, 261 * NS_PER_SEC);
    g_assert_cmpint(down(&retry, BROADCASTER_LOST), ==, NS_PER_SEC);
}

static void test_jitter(void)
{
    BroadcasterRetry low = { .keep_trying = TRUE }, high = low;
    g_assert_cmpint(broadcaster_retry_down(&low, BROADCASTER_LOST, 0), ==, 800 * NS_PER_MS);
    g_assert_cmpint(broadcaster_retry_down(&high, BROADCASTER_LOST, 1), ==, 1200 * NS_PER_MS);
}

static void test_refused_after_it_worked(void)
{
    BroadcasterRetry retry = { 0 };
    work(&retry, NS_PER_SEC, 10 * NS_PER_SEC);
    guint tries = 0;
    while (down(&retry, BROADCASTER_REFUSED) != BROADCASTER_GIVE_UP)
        tries++;
    g_assert_cmpuint(tries, ==, 7);
}

static void test_hopeless(void)
{
    BroadcasterRetry retry = { .keep_trying = TRUE };
    work(&retry, NS_PER_SEC, 10 * NS_PER_SEC);
    g_assert_cmpint(down(&retry, BROADCASTER_HOPELESS), ==, BROADCASTER_GIVE_UP);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/broadcaster_retry/never_worked", test_never_worked);
    g_test_add_func("/broadcaster_retry/keep_trying", test_keep_trying);
    g_test_add_func("/broadcaster_retry/backoff", test_backoff);
    g_test_add_func("/broadcaster_retry/jitter", test_jitter);
    g_test_add_func("/broadcaster_retry/refused_after_it_worked", test_refused_after_it_worked);
    g_test_add_func("/broadcaster_retry/hopeless", test_hopeless);
    return g_test_run();
}
