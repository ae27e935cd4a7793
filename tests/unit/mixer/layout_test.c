#include "mixer/layout.h"

#include <string.h>

#include "base/error.h"

static const int canvases[][2] = { { 1280, 720 }, { 640, 360 },   { 720, 1280 },
                                   { 320, 180 },  { 1920, 1080 }, { 854, 480 } };

static Layout *grid(void)
{
    g_autoptr(GError) error = NULL;
    Layout *layout = layout_load(PROJECT_DIR "/layouts/grid.json", &error);
    g_assert_no_error(error);
    return layout;
}

static void assert_tile(const LayoutTile *tile, int width, int height)
{
    const VideoRect rect = tile->rect;
    g_assert_cmpint((rect.x | rect.y | rect.width | rect.height) & 1, ==, 0);
    g_assert_cmpint(rect.x, >=, 0);
    g_assert_cmpint(rect.y, >=, 0);
    g_assert_cmpint(rect.width, >, 0);
    g_assert_cmpint(rect.height, >, 0);
    g_assert_cmpint(rect.x + rect.width, <=, width);
    g_assert_cmpint(rect.y + rect.height, <=, height);
    g_assert_cmpint(tile->radius * 2, <=, MIN(rect.width, rect.height));
}

/* Rows are centred: what is free to the left of a row is free to its right. */
static void assert_rows_centred(const LayoutTile *tiles, guint n, int width, int height)
{
    for (guint i = 0; i < n;) {
        guint end = i;
        while (end < n && tiles[end].rect.y == tiles[i].rect.y)
            end++;
        const VideoRect last = tiles[end - 1].rect;
        g_assert_cmpint(ABS(tiles[i].rect.x - (width - last.x - last.width)), <=, 2);
        i = end;
    }
    const VideoRect lowest = tiles[n - 1].rect;
    g_assert_cmpint(ABS(tiles[0].rect.y - (height - lowest.y - lowest.height)), <=, 2);
}

static void check_grid(const Layout *layout, guint n, int width, int height)
{
    LayoutSource sources[50] = { 0 };
    LayoutTile tiles[LAYOUT_MAX_TILES];
    for (guint i = 0; i < n; i++)
        sources[i] = (LayoutSource){ .id = "p", .is_screen = i == 3 };
    const guint placed = layout_solve(layout, sources, n, width, height, tiles, LAYOUT_MAX_TILES);
    g_assert_cmpuint(placed, ==, MIN(n, 25));
    for (guint i = 0; i < placed; i++) {
        assert_tile(&tiles[i], width, height);
        g_assert_cmpuint(tiles[i].source, ==, i);
        g_assert_cmpint(tiles[i].fit, ==, i == 3 ? LAYOUT_FIT_CONTAIN : LAYOUT_FIT_COVER);
        g_assert_cmpint(tiles[i].rect.width, ==, tiles[0].rect.width);
        g_assert_cmpint(tiles[i].rect.height, ==, tiles[0].rect.height);
        for (guint k = 0; k < i; k++)
            g_assert_false(video_rect_overlap(tiles[i].rect, tiles[k].rect));
        if (i > 0)
            g_assert_true(
                tiles[i].rect.y > tiles[i - 1].rect.y ||
                (tiles[i].rect.y == tiles[i - 1].rect.y && tiles[i].rect.x > tiles[i - 1].rect.x));
    }
    if (placed)
        assert_rows_centred(tiles, placed, width, height);
}

static void test_grid(void)
{
    g_autoptr(Layout) layout = grid();
    g_assert_cmpstr(layout_name(layout), ==, "grid");
    g_assert_cmphex(layout_background(layout), ==, 0x111418);
    for (guint c = 0; c < G_N_ELEMENTS(canvases); c++) {
        for (guint n = 0; n <= 50; n++)
            check_grid(layout, n, canvases[c][0], canvases[c][1]);
    }
}

static void test_grid_shapes(void)
{
    static const struct {
        guint n, columns, rows;
    } shapes[] = { { 1, 1, 1 }, { 2, 2, 1 }, { 3, 2, 2 },  { 4, 2, 2 },  { 5, 3, 2 },
                   { 6, 3, 2 }, { 9, 3, 3 }, { 12, 4, 3 }, { 16, 4, 4 }, { 25, 5, 5 } };
    g_autoptr(Layout) layout = grid();
    LayoutSource sources[25] = { 0 };
    LayoutTile tiles[25];
    for (guint i = 0; i < G_N_ELEMENTS(shapes); i++) {
        const guint n = shapes[i].n;
        g_assert_cmpuint(layout_solve(layout, sources, n, 1280, 720, tiles, 25), ==, n);
        guint columns = 0, rows = 1;
        while (columns < n && tiles[columns].rect.y == tiles[0].rect.y)
            columns++;
        for (guint k = 1; k < n; k++)
            rows += tiles[k].rect.y != tiles[k - 1].rect.y;
        g_assert_cmpuint(columns, ==, shapes[i].columns);
        g_assert_cmpuint(rows, ==, shapes[i].rows);
    }
    layout_solve(layout, sources, 1, 1280, 720, tiles, 25);
    g_assert_true(video_rect_equal(tiles[0].rect, (VideoRect){ 0, 0, 1280, 720 }));
    g_assert_cmpint(tiles[0].radius, ==, 0);
    layout_solve(layout, sources, 4, 1280, 720, tiles, 25);
    g_assert_cmpint(tiles[1].rect.x - tiles[0].rect.x - tiles[0].rect.width, ==, 8);
    g_assert_cmpint(tiles[2].rect.y - tiles[0].rect.y - tiles[0].rect.height, ==, 8);
    g_assert_cmpint(tiles[0].radius, ==, 8);
}

/* Nobody moves to another place in the order because somebody else leaves. */
static void test_order(void)
{
    g_autoptr(Layout) layout = grid();
    LayoutSource sources[10] = { 0 };
    LayoutTile tiles[10];
    for (guint n = 1; n <= 10; n++) {
        layout_solve(layout, sources, n, 1280, 720, tiles, 10);
        for (guint i = 0; i < n; i++)
            g_assert_cmpuint(tiles[i].source, ==, i);
    }
    g_assert_cmpuint(layout_solve(layout, sources, 10, 1280, 720, tiles, 3), ==, 3);
}

static Layout *parse(const char *json, GError **error)
{
    return layout_parse(json, strlen(json), error);
}

static void test_regions(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Layout) layout =
        parse("{\"name\":\"stage-1+x\",\"gap\":4,\"background\":\"#FF8000\",\"regions\":["
              "{\"fill\":\"rest\",\"width\":\"2/3\",\"max\":1,\"fit\":\"contain\"},"
              "{\"fill\":\"rest\",\"x\":\"2/3\",\"width\":\"1/3\",\"max\":3,\"radius\":10},"
              "{\"fill\":\"rest\",\"x\":100,\"y\":50,\"width\":64,\"height\":36,\"max\":1,"
              "\"fit\":\"stretch\"}]}",
              &error);
    g_assert_no_error(error);
    g_assert_cmphex(layout_background(layout), ==, 0xff8000);
    LayoutSource sources[9] = { 0 };
    LayoutTile tiles[9];
    g_assert_cmpuint(layout_solve(layout, sources, 9, 1280, 720, tiles, 9), ==, 5);
    g_assert_true(video_rect_equal(tiles[0].rect, (VideoRect){ 0, 120, 852, 478 }) ||
                  tiles[0].rect.width == 852);
    g_assert_cmpint(tiles[0].fit, ==, LAYOUT_FIT_CONTAIN);
    g_assert_cmpint(tiles[1].rect.x, >=, 852);
    g_assert_cmpint(tiles[1].radius, ==, 10);
    g_assert_true(video_rect_equal(tiles[4].rect, (VideoRect){ 100, 50, 64, 36 }));
    g_assert_cmpint(tiles[4].fit, ==, LAYOUT_FIT_STRETCH);
    for (guint i = 0; i < 5; i++)
        assert_tile(&tiles[i], 1280, 720);
    /* A region that lies outside a small canvas is left out, its people go on to the next. */
    g_assert_cmpuint(layout_solve(layout, sources, 9, 64, 36, tiles, 9), <=, 4);
}

static void test_errors(void)
{
    static const char *const bad[][2] = {
        { "", "no JSON" },
        { "[]", "begin with" },
        { "{\"name\":\"a\"}", "regions is missing" },
        { "{\"regions\":[{\"fill\":\"rest\"}]}", "name is missing" },
        { "{\"name\":\"a/b\",\"regions\":[{\"fill\":\"rest\"}]}", "name is no name" },
        { "{\"name\":\"a\",\"regions\":[]}", "1 to 64" },
        { "{\"name\":\"a\",\"regions\":{}}", "no array" },
        { "{\"name\":\"a\",\"regions\":[7]}", "regions[0] is no object" },
        { "{\"name\":\"a\",\"regions\":[{}]}", "regions[0].fill is missing" },
        { "{\"name\":\"a\",\"regions\":[{\"fill\":\"rest\"},{\"fill\":\"boss\"}]}",
          "regions[1].fill names nobody" },
        { "{\"name\":\"a\",\"regions\":[{\"fill\":\"rest\",\"widht\":3}]}",
          "regions[0].widht is not a key" },
        { "{\"name\":\"a\",\"size\":1,\"regions\":[{\"fill\":\"rest\"}]}", "size is not a key" },
        { "{\"name\":\"a\",\"regions\":[{\"fill\":\"rest\",\"x\":\"5/0\"}]}", "regions[0].x" },
        { "{\"name\":\"a\",\"regions\":[{\"fill\":\"rest\",\"x\":\"3/2\"}]}", "regions[0].x" },
        { "{\"name\":\"a\",\"regions\":[{\"fill\":\"rest\",\"x\":\"1/2 \"}]}", "regions[0].x" },
        { "{\"name\":\"a\",\"regions\":[{\"fill\":\"rest\",\"x\":\"99999999999/1\"}]}",
          "regions[0].x" },
        { "{\"name\":\"a\",\"regions\":[{\"fill\":\"rest\",\"y\":-1}]}", "regions[0].y" },
        { "{\"name\":\"a\",\"regions\":[{\"fill\":\"rest\",\"y\":1e300}]}", "regions[0].y" },
        { "{\"name\":\"a\",\"regions\":[{\"fill\":\"rest\",\"y\":NaN}]}", "no JSON" },
        { "{\"name\":\"a\",\"regions\":[{\"fill\":\"rest\",\"fit\":\"fill\"}]}", "\"cover\"" },
        { "{\"name\":\"a\",\"regions\":[{\"fill\":\"rest\",\"max\":65}]}", "regions[0].max" },
        { "{\"name\":\"a\",\"regions\":[{\"fill\":\"rest\",\"max\":0}]}", "regions[0].max" },
        { "{\"name\":\"a\",\"regions\":[{\"fill\":\"rest\",\"aspect\":[\"2/1\",\"1/1\"]}]}",
          "narrowest" },
        { "{\"name\":\"a\",\"regions\":[{\"fill\":\"rest\",\"aspect\":\"0/9\"}]}",
          "regions[0].aspect" },
        { "{\"name\":\"a\",\"background\":\"red\",\"regions\":[{\"fill\":\"rest\"}]}", "#111418" },
        { "{\"name\":\"a\",\"gap\":true,\"regions\":[{\"fill\":\"rest\"}]}", "gap is no length" },
        { "{\"name\":\"a\",\"description\":1,\"regions\":[{\"fill\":\"rest\"}]}", "sentence" },
        { "{\"name\":\"a\",\"name\":\"b\",\"regions\":[{\"fill\":\"rest\"}]}", "no JSON" },
        { "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", "deeper than 16" },
    };
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(parse(bad[i][0], &error));
        g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
        if (!strstr(error->message, bad[i][1]))
            g_error("%s: %s", bad[i][0], error->message);
    }
}

static void test_limits(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) big = g_string_new("{\"name\":\"a\",\"regions\":[");
    while (big->len <= LAYOUT_MAX_SIZE)
        g_string_append(big, "{\"fill\":\"rest\"},");
    g_assert_null(layout_parse(big->str, big->len, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_TOO_LARGE);
    g_clear_error(&error);
    g_string_assign(big, "{\"name\":\"a\",\"regions\":[{\"fill\":\"rest\"}");
    for (guint i = 0; i < 64; i++)
        g_string_append(big, ",{\"fill\":\"rest\"}");
    g_string_append(big, "]}");
    g_assert_null(layout_parse(big->str, big->len, &error));
    g_assert_nonnull(strstr(error->message, "1 to 64"));
    g_clear_error(&error);
    g_assert_null(layout_load("/nowhere/x.json", &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_null(layout_load("/dev/zero", &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND);
}

static void test_cost(void)
{
    g_autoptr(Layout) layout = grid();
    LayoutSource sources[25] = { 0 };
    LayoutTile tiles[25];
    const gint64 start = g_get_monotonic_time();
    for (guint i = 0; i < 1000; i++)
        layout_solve(layout, sources, 25, 1280, 720, tiles, 25);
    g_test_message("25 people: %.2f us", (double)(g_get_monotonic_time() - start) / 1000);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/layout/grid", test_grid);
    g_test_add_func("/layout/grid-shapes", test_grid_shapes);
    g_test_add_func("/layout/order", test_order);
    g_test_add_func("/layout/regions", test_regions);
    g_test_add_func("/layout/errors", test_errors);
    g_test_add_func("/layout/limits", test_limits);
    g_test_add_func("/layout/cost", test_cost);
    return g_test_run();
}
