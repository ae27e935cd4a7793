#include "api/routes.h"

#include <glib.h>

static void none(ApiCall *call)
{
    (void)call;
}

static const Route table[] = {
    { HTTP_GET, "/", none, ROUTE_OPEN, 0, 0 },
    { HTTP_GET, "/rooms", none, ROUTE_CORS, 0, 0 },
    { HTTP_GET, "/rooms/{room}", none, ROUTE_CORS, 0, 0 },
    { HTTP_DELETE, "/rooms/{room}", none, ROUTE_CORS, 0, 0 },
    { HTTP_GET, "/rooms/{room}/people/{person}", none, ROUTE_CORS, 0, 0 },
    { HTTP_GET, "/js/{file...}", none, ROUTE_OPEN, 0, 0 },
    { HTTP_GET, "/layouts/{name}", none, ROUTE_CORS, 0, 0 },
    { HTTP_GET, "/layouts/{name}/in/{room}", none, ROUTE_CORS, 0, 0 },
};

static void expect(HttpMethod method, const char *path, gint index, const char *first,
                   const char *second)
{
    g_auto(RouteMatch) match = { 0 };
    routes_match(table, G_N_ELEMENTS(table), method, path, &match);
    if (index < 0)
        g_assert_null(match.route);
    else
        g_assert_true(match.route == &table[index]);
    g_assert_cmpstr(match.params[0], ==, first);
    g_assert_cmpstr(match.params[1], ==, second);
}

static void test_match(void)
{
    expect(HTTP_GET, "/", 0, NULL, NULL);
    expect(HTTP_HEAD, "/", 0, NULL, NULL);
    expect(HTTP_GET, "/rooms", 1, NULL, NULL);
    expect(HTTP_GET, "/rooms/a-B_9", 2, "a-B_9", NULL);
    expect(HTTP_DELETE, "/rooms/x", 3, "x", NULL);
    expect(HTTP_GET, "/rooms/x/people/p1", 4, "x", "p1");
    expect(HTTP_GET, "/js/lib/a.js", 5, "lib/a.js", NULL);
    expect(HTTP_GET, "/layouts/1+5", 6, "1+5", NULL);
}

static void expect_room(const char *path, const char *room)
{
    g_auto(RouteMatch) match = { 0 };
    routes_match(table, G_N_ELEMENTS(table), HTTP_GET, path, &match);
    g_assert_cmpstr(route_match_room(&match), ==, room);
}

static void test_room(void)
{
    expect_room("/rooms/x", "x");
    expect_room("/rooms/x/people/p1", "x");
    expect_room("/rooms", NULL);
    expect_room("/layouts/x", NULL);
    expect_room("/layouts/a/in/x", NULL);
    expect_room("/nowhere", NULL);
}

static void test_no_match(void)
{
    g_autofree char *long_name = g_strnfill(65, 'a');
    g_autofree char *long_path = g_strconcat("/rooms/", long_name, NULL);
    static const char *const paths[] = { "",         "/room",           "/rooms/",
                                         "/rooms//", "/rooms/a b",      "/rooms/a.b",
                                         "/js/",     "/rooms/x/people", "/rooms/\xc3\xa4" };
    for (guint i = 0; i < G_N_ELEMENTS(paths); i++)
        expect(HTTP_GET, paths[i], -1, NULL, NULL);
    expect(HTTP_GET, long_path, -1, NULL, NULL);
}

static void test_methods(void)
{
    g_auto(RouteMatch) match = { 0 };
    routes_match(table, G_N_ELEMENTS(table), HTTP_POST, "/rooms/x", &match);
    g_autofree char *allow = routes_allow(match.methods);
    g_assert_null(match.route);
    g_assert_cmpstr(allow, ==, "GET, HEAD, DELETE, OPTIONS");
    g_assert_cmpint(match.access, ==, ROUTE_CORS);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/routes/match", test_match);
    g_test_add_func("/routes/room", test_room);
    g_test_add_func("/routes/no_match", test_no_match);
    g_test_add_func("/routes/methods", test_methods);
    return g_test_run();
}
