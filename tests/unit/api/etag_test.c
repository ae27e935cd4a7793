#include "api/etag.h"

static void test_lists(void)
{
    g_assert_true(etag_list_has("\"a\"", "\"a\"", FALSE));
    g_assert_true(etag_list_has(" \"b\" , \"a\"", "\"a\"", FALSE));
    g_assert_true(etag_list_has("\"x,y\",\"a\"", "\"a\"", FALSE));
    g_assert_true(etag_list_has("*", "\"a\"", FALSE));
    g_assert_false(etag_list_has("\"ab\"", "\"a\"", FALSE));
    g_assert_false(etag_list_has("a", "\"a\"", FALSE));
    g_assert_false(etag_list_has("\"a", "\"a\"", FALSE));
    g_assert_false(etag_list_has("", "\"a\"", FALSE));
    g_assert_false(etag_list_has("*, \"a\"", "\"a\"", FALSE));
}

static void test_weak(void)
{
    g_assert_false(etag_list_has("W/\"a\"", "\"a\"", FALSE));
    g_assert_true(etag_list_has("W/\"a\"", "\"a\"", TRUE));
    g_assert_true(etag_list_has("W/\"b\", \"a\"", "\"a\"", FALSE));
}

/* Nothing names what is not there, not even "*". */
static void test_nothing(void)
{
    g_assert_false(etag_list_has("*", NULL, FALSE));
    g_assert_false(etag_list_has("\"a\"", NULL, TRUE));
}

static void test_versions(void)
{
    g_autofree char *first = etag_of_version(255);
    g_assert_cmpstr(first, ==, "\"ff\"");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/etag/lists", test_lists);
    g_test_add_func("/etag/weak", test_weak);
    g_test_add_func("/etag/nothing", test_nothing);
    g_test_add_func("/etag/versions", test_versions);
    return g_test_run();
}
