#include "mixer/drawings.h"

static guint made;

static Overlay *make(gconstpointer what)
{
    const int *size = what;
    made++;
    return *size ? overlay_new(*size, *size) : NULL;
}

static Overlay *fetch(DrawingBudget *budget, const char *key, int size)
{
    Overlay *overlay = NULL;
    g_assert_true(drawings_fetch(budget, key, make, &size, &overlay));
    return overlay;
}

static void test_shared(void)
{
    made = 0;
    g_autoptr(Overlay) one = fetch(NULL, "a", 8);
    g_autoptr(Overlay) two = fetch(NULL, "a", 8);
    g_autoptr(Overlay) other = fetch(NULL, "b", 8);
    g_assert_true(one == two);
    g_assert_true(one != other);
    g_assert_null(fetch(NULL, "nothing", 0));
    g_assert_null(fetch(NULL, "nothing", 0));
    g_assert_cmpuint(made, ==, 3);
}

static void test_budget(void)
{
    const int size = 4;
    DrawingBudget budget = { .left = 2 };
    Overlay *overlay = NULL;
    overlay_unref(fetch(&budget, "one", size));
    overlay_unref(fetch(&budget, "two", size));
    g_assert_false(budget.owing);
    g_assert_false(drawings_fetch(&budget, "three", make, &size, &overlay));
    g_assert_true(budget.owing);
    g_assert_null(overlay);
    overlay_unref(fetch(&budget, "one", size)); /* a known one costs nothing */
}

static void test_bounds(void)
{
    guint n;
    gsize bytes;
    char key[16];
    g_autoptr(Overlay) held = fetch(NULL, "held", 64);
    for (guint i = 0; i < 2000; i++) {
        g_snprintf(key, sizeof key, "k%u", i);
        overlay_unref(fetch(NULL, key, 16));
        overlay_unref(fetch(NULL, "used", 16));
    }
    drawings_usage(&n, &bytes);
    g_assert_cmpuint(n, ==, DRAWINGS_MAX);
    made = 0;
    overlay_unref(fetch(NULL, "used", 16));
    g_assert_cmpuint(made, ==, 0);
    for (guint i = 0; i < 40; i++) {
        g_snprintf(key, sizeof key, "large%u", i);
        overlay_unref(fetch(NULL, key, 512));
        drawings_usage(&n, &bytes);
        g_assert_cmpuint(bytes, <=, DRAWINGS_MAX_BYTES);
    }
    g_assert_cmpuint(n, <=, 12);
    g_assert_cmpint(held->width, ==, 64); /* gone there, but not for who holds it */
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/drawings/shared", test_shared);
    g_test_add_func("/drawings/budget", test_budget);
    g_test_add_func("/drawings/bounds", test_bounds);
    return g_test_run();
}
