#include "base/log.h"

#include "base/clock.h"

static void test_levels(void)
{
    static const char *const names[] = { "error", "warning", "info", "debug" };
    LogLevel level = LOG_ERROR;
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_assert_true(log_level_from_string(names[i], &level));
        g_assert_cmpint(level, ==, (gint)i);
    }
    g_assert_false(log_level_from_string("", &level));
    g_assert_false(log_level_from_string("INFO", &level));
    g_assert_cmpint(level, ==, LOG_DEBUG);
}

static void test_limit(void)
{
    LogLimit limit = { 0 };
    guint suppressed = 99;
    for (gint i = 0; i < 100; i++) {
        g_assert_cmpint(log_limit_pass(&limit, 7 * NS_PER_SEC + i, &suppressed), ==, i < 5);
        g_assert_cmpuint(suppressed, ==, 0);
    }
    /* The next second tells how many were left out, once. */
    g_assert_true(log_limit_pass(&limit, 8 * NS_PER_SEC, &suppressed));
    g_assert_cmpuint(suppressed, ==, 95);
    g_assert_true(log_limit_pass(&limit, 8 * NS_PER_SEC, &suppressed));
    g_assert_cmpuint(suppressed, ==, 0);
}

/** Each place has a limit of its own. */
static void test_places_are_apart(void)
{
    LogLimit one = { 0 }, other = { 0 };
    guint suppressed;
    for (gint i = 0; i < 20; i++)
        log_limit_pass(&one, NS_PER_SEC, &suppressed);
    g_assert_true(log_limit_pass(&other, NS_PER_SEC, &suppressed));
}

static void test_output_child(void)
{
    log_warning("dtls", "line with %d, a\nline break and a\x1b[31m colour", 42);
    log_debug("dtls", "nobody sees this");
    log_set_level(LOG_ERROR);
    log_warning("dtls", "nor this");
    log_set_level(LOG_INFO);
    for (gint i = 0; i < 50; i++)
        log_limited(LOG_INFO, "flood", "packet %d", i);
}

static void test_output(void)
{
    g_test_trap_subprocess("/base/log/output/subprocess", 0, 0);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("*Z warning dtls: line with 42, a line break and a [31m colour\n*");
    g_test_trap_assert_stderr("*info    flood: packet 0\n*");
    g_test_trap_assert_stderr_unmatched("*nobody sees this*");
    g_test_trap_assert_stderr_unmatched("*nor this*");
    g_test_trap_assert_stderr_unmatched("*packet 30\n*");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/log/levels", test_levels);
    g_test_add_func("/base/log/limit", test_limit);
    g_test_add_func("/base/log/places", test_places_are_apart);
    g_test_add_func("/base/log/output/subprocess", test_output_child);
    g_test_add_func("/base/log/output", test_output);
    return g_test_run();
}
