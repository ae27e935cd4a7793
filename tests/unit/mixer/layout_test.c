#include "mixer/layout.h"

#include <string.h>

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
    LayoutPlan plan;
    const LayoutTile *tiles = plan.tiles;
    for (guint i = 0; i < n; i++)
        sources[i] = (LayoutSource){ .id = "p", .is_screen = i == 3 };
    layout_solve(layout, sources, n, width, height, &plan);
    const guint placed = plan.n_tiles;
    g_assert_cmpuint(placed, ==, MIN(n, 25));
    g_assert_cmpuint(plan.hidden, ==, n > 25 ? n - 24 : 0);
    for (guint i = 0; i < placed; i++) {
        assert_tile(&tiles[i], width, height);
        g_assert_cmpuint(tiles[i].kind, ==,
                         n > 25 && i == 24 ? LAYOUT_TILE_MORE : LAYOUT_TILE_SOURCE);
        g_assert_cmpuint(tiles[i].more, ==, n > 25 && i == 24 ? n - 24 : 0);
        g_assert_cmpuint(tiles[i].source, ==, n > 25 && i == 24 ? 0 : i);
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
    LayoutPlan plan;
    g_assert_cmpstr(layout_name(layout), ==, "grid");
    layout_solve(layout, NULL, 0, 1280, 720, &plan);
    g_assert_cmphex(plan.background_rgb, ==, 0x111418);
    g_assert_cmpuint(plan.transition_ms, ==, 250);
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
    LayoutPlan plan;
    const LayoutTile *tiles = plan.tiles;
    for (guint i = 0; i < G_N_ELEMENTS(shapes); i++) {
        const guint n = shapes[i].n;
        layout_solve(layout, sources, n, 1280, 720, &plan);
        g_assert_cmpuint(plan.n_tiles, ==, n);
        guint columns = 0, rows = 1;
        while (columns < n && tiles[columns].rect.y == tiles[0].rect.y)
            columns++;
        for (guint k = 1; k < n; k++)
            rows += tiles[k].rect.y != tiles[k - 1].rect.y;
        g_assert_cmpuint(columns, ==, shapes[i].columns);
        g_assert_cmpuint(rows, ==, shapes[i].rows);
    }
    layout_solve(layout, sources, 1, 1280, 720, &plan);
    g_assert_true(video_rect_equal(tiles[0].rect, (VideoRect){ 0, 0, 1280, 720 }));
    g_assert_cmpint(tiles[0].radius, ==, 0);
    layout_solve(layout, sources, 4, 1280, 720, &plan);
    g_assert_cmpint(tiles[1].rect.x - tiles[0].rect.x - tiles[0].rect.width, ==, 8);
    g_assert_cmpint(tiles[2].rect.y - tiles[0].rect.y - tiles[0].rect.height, ==, 8);
    g_assert_cmpint(tiles[0].radius, ==, 8);
}

static Layout *regions(const char *list)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *json =
        g_strdup_printf("{\"name\":\"stage-1+x\",\"gap\":8,\"regions\":[%s]}", list);
    Layout *layout = layout_parse(json, strlen(json), &error);
    g_assert_no_error(error);
    return layout;
}

/* Who stands where, from the lowest tile to the highest: "region:source region:source+more". */
static char *who(const Layout *layout, const LayoutSource *sources, guint n)
{
    LayoutPlan plan;
    g_autoptr(GString) text = g_string_new(NULL);
    layout_solve(layout, sources, n, 1280, 720, &plan);
    for (guint i = 0; i < plan.n_tiles; i++) {
        const LayoutTile *tile = &plan.tiles[i];
        assert_tile(tile, 1280, 720);
        g_string_append_printf(text, "%s%u:", i ? " " : "", tile->region);
        if (tile->kind == LAYOUT_TILE_SOURCE)
            g_string_append(text, sources[tile->source].id);
        else if (tile->kind == LAYOUT_TILE_MORE)
            g_string_append_printf(text, "+%u", tile->more);
        else
            g_string_append(text, "-");
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* Five people, two screens. */
static const LayoutSource people[] = {
    { .id = "p1", .participant = "p1", .name = "Ada", .role = "host", .join = 1, .speaker = 3 },
    { .id = "p2", .participant = "p2", .name = "GUEST 1", .join = 2, .pinned = 2 },
    { .id = "p2/screen", .participant = "p2", .name = "GUEST 1", .is_screen = TRUE, .join = 2 },
    { .id = "p3", .participant = "p3", .name = "Guest Ö", .join = 3, .speaker = 1, .pinned = 1 },
    { .id = "p4", .participant = "p4", .name = "Zoë", .role = "teacher", .join = 4, .speaker = 2 },
    { .id = "p4/screen",
      .participant = "p4",
      .name = "Zoë",
      .role = "teacher",
      .is_screen = TRUE,
      .join = 4 },
    { .id = "p5", .participant = "p5", .name = "", .join = 5 },
};

static void assert_who(const char *list, const char *expected)
{
    g_autoptr(Layout) layout = regions(list);
    g_autofree char *text = who(layout, people, G_N_ELEMENTS(people));
    g_assert_cmpstr(text, ==, expected);
}

static void test_selectors(void)
{
    static const char *const cases[][2] = {
        { "\"pin\"", "0:p3 0:p2" },
        { "\"pin:p2\"", "0:p2/screen" },
        { "\"pin:p1\"", "0:p1" },
        { "\"pin:p9\"", "" },
        { "\"speaker\"", "0:p3" },
        { "\"speaker:1\"", "0:p3" },
        { "\"speaker:2\"", "0:p2" },
        { "\"speaker:3\"", "0:p4" },
        { "\"speaker:4\"", "0:p1" },
        { "\"speaker:5\"", "0:p5" },
        { "\"speaker:6\"", "" },
        { "\"screen\"", "0:p2/screen 0:p4/screen" },
        { "\"screen:2\"", "0:p4/screen" },
        { "\"screen:3\"", "" },
        { "\"role:teacher\"", "0:p4" },
        { "\"role:Teacher\"", "" },
        { "\"name:gu?st*\"", "0:p2 0:p3" },
        { "\"name:*ö\"", "0:p3" },
        { "\"name:*Ë\"", "0:p4" },
        { "\"name:a*a*\"", "0:p1" },
        { "\"name:ad\"", "" },
        { "\"join:3\"", "0:p3" },
        { "\"source:p4/screen\"", "0:p4/screen" },
        { "\"source:p4\"", "0:p4" },
        { "\"rest\"", "0:p1 0:p2 0:p2/screen 0:p3 0:p4 0:p4/screen 0:p5" },
        { "[\"role:nobody\",\"join:9\",\"speaker\"]", "0:p3" },
        { "[\"role:host\",\"rest\"]", "0:p1" },
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *list = g_strdup_printf("{\"fill\":%s}", cases[i][0]);
        assert_who(list, cases[i][1]);
    }
}

/* Regions that name somebody come before those that take the rest; of equal z the later stands
 * above; who has a place is not shown again unless the region says so. */
static void test_filling(void)
{
    assert_who("{\"fill\":\"rest\",\"max\":2},{\"fill\":\"join:1\",\"z\":1},"
               "{\"fill\":\"speaker\",\"z\":-1},{\"fill\":\"speaker\",\"z\":2}",
               "2:p3 0:p2/screen 0:p4 1:p1 3:p2");
    assert_who("{\"fill\":\"speaker\"},{\"fill\":\"speaker\",\"repeat\":true,\"z\":1},"
               "{\"fill\":\"join:3\",\"z\":2}",
               "0:p3 1:p3");
    assert_who("{\"fill\":\"rest\",\"max\":3,\"overflow\":\"count\"}", "0:p1 0:p2 0:+5");
    assert_who("{\"fill\":\"rest\",\"max\":1,\"overflow\":\"count\"}", "0:p1");
    assert_who("{\"fill\":\"role:x\",\"width\":\"1/2\",\"empty\":\"placeholder\"},"
               "{\"fill\":\"role:x\",\"x\":\"1/2\",\"width\":\"1/2\"}",
               "0:-");
}

static VideoRect rect_of(const char *list, guint n, guint tile)
{
    g_autoptr(Layout) layout = regions(list);
    LayoutPlan plan;
    layout_solve(layout, people, n, 1280, 720, &plan);
    g_assert_cmpuint(plan.n_tiles, >, tile);
    return plan.tiles[tile].rect;
}

static void assert_rect(VideoRect rect, int x, int y, int width, int height)
{
    if (!video_rect_equal(rect, (VideoRect){ x, y, width, height }))
        g_error("%d,%d %dx%d", rect.x, rect.y, rect.width, rect.height);
}

/* Fractions leave the gap between regions; pixels mean what they say. */
static void test_places(void)
{
#define ANY "\"aspect\":[\"1/9\",\"9/1\"]"
    static const char thirds[] = "{\"fill\":\"join:1\",\"width\":\"1/3\"," ANY "},"
                                 "{\"fill\":\"join:2\",\"x\":\"1/3\",\"width\":\"1/3\"," ANY "},"
                                 "{\"fill\":\"join:3\",\"x\":\"2/3\",\"width\":\"1/3\"," ANY "}";
    assert_rect(rect_of(thirds, 5, 0), 0, 0, 420, 720);
    assert_rect(rect_of(thirds, 5, 1), 428, 0, 422, 720);
    assert_rect(rect_of(thirds, 5, 2), 858, 0, 422, 720);
    assert_rect(rect_of("{\"fill\":\"rest\",\"x\":100,\"y\":50,\"width\":64,\"height\":36}", 1, 0),
                100, 50, 64, 36);
    static const char row[] = "{\"fill\":\"rest\",\"height\":\"1/4\",\"flow\":\"row\",";
    g_autofree char *start = g_strconcat(row, "\"align\":\"start\"}", NULL);
    g_autofree char *end = g_strconcat(row, "\"align\":\"end\"}", NULL);
    assert_rect(rect_of(start, 2, 0), 0, 0, 308, 174);
    assert_rect(rect_of(end, 2, 1), 972, 0, 308, 174);
    /* Four tiles of that height find room in the line. */
    assert_who("{\"fill\":\"rest\",\"height\":\"1/4\",\"flow\":\"row\",\"overflow\":\"count\"}",
               "0:p1 0:p2 0:p2/screen 0:+4");
    assert_who("{\"fill\":\"rest\",\"width\":\"1/4\",\"flow\":\"column\"}",
               "0:p1 0:p2 0:p2/screen");
}

/* join:1 takes the place of who is not there. */
static void test_collapse(void)
{
#define GONE    "\"fill\":\"role:x\",\"empty\":\"collapse\"," ANY ","
#define HERE(n) "\"fill\":\"join:" n "\"," ANY ","
    static const struct {
        const char *list;
        int rect[4];
    } cases[] = {
        { "{" HERE("1") "\"width\":\"1/2\"},{" GONE "\"x\":\"1/2\"}", { 0, 0, 1280, 720 } },
        { "{" GONE "\"width\":\"1/2\"},{" HERE("1") "\"x\":\"1/2\"}", { 0, 0, 1280, 720 } },
        { "{" HERE("1") "\"height\":\"1/2\"},{" GONE "\"y\":\"1/2\"}", { 0, 0, 1280, 720 } },
        { "{" GONE "\"height\":\"1/2\"},{" HERE("1") "\"y\":\"1/2\"}", { 0, 0, 1280, 720 } },
        /* Two together cover the side. */
        { "{" HERE("1") "\"width\":\"1/2\",\"height\":\"3/4\"},{" HERE(
              "2") "\"x\":\"1/2\","
                   "\"height\":\"3/4\"},{" GONE "\"y\":\"3/4\"}",
          { 0, 0, 640 - 4, 720 } },
        /* One after the other. */
        { "{" HERE("1") "\"width\":\"1/3\"},{" GONE "\"x\":\"1/3\",\"width\":\"1/3\"},{" GONE
                        "\"x\":\"2/3\"}",
          { 0, 0, 1280, 720 } },
        /* The neighbour stands out over its end: nothing moves. */
        { "{" HERE("1") "\"width\":\"1/2\"},{" GONE "\"x\":\"1/2\",\"height\":\"1/2\"}",
          { 0, 0, 636, 720 } },
        /* Another height: nothing moves. */
        { "{" HERE("1") "\"width\":\"1/2\"},{" GONE "\"x\":\"1/2\",\"z\":1}", { 0, 0, 636, 720 } },
        /* It covers half of the side only: nothing moves. */
        { "{" HERE("1") "\"width\":\"1/2\",\"height\":\"1/2\"},{" GONE "\"x\":\"1/2\"}",
          { 0, 0, 636, 356 } },
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        const int *want = cases[i].rect;
        assert_rect(rect_of(cases[i].list, 2, 0), want[0], want[1], want[2], want[3]);
    }
}

/* On a small canvas pixels meet that do not on a large one: no tile overlaps another. */
static void test_small_canvas(void)
{
    g_autoptr(Layout) layout =
        regions("{\"fill\":\"join:1\",\"width\":640},{\"fill\":\"join:2\",\"x\":\"1/2\"},"
                "{\"fill\":\"join:3\",\"y\":800,\"height\":100}");
    LayoutPlan plan;
    layout_solve(layout, people, 5, 800, 600, &plan);
    g_assert_cmpuint(plan.n_tiles, ==, 2);
    g_assert_cmpuint(plan.hidden, ==, 3);
    g_assert_false(video_rect_overlap(plan.tiles[0].rect, plan.tiles[1].rect));
    layout_solve(layout, people, 5, 16, 16, &plan);
    g_assert_cmpuint(plan.n_tiles, ==, 1);
}

static void test_looks(void)
{
    g_autoptr(Layout) layout = regions(
        "{\"fill\":\"screen:1\",\"width\":\"1/2\",\"radius\":\"1/90\",\"border\":{\"width\":5,"
        "\"colour\":\"#ff8000\"},\"show\":[\"name\",\"level\"],\"logo\":\"mark\"},"
        "{\"fill\":\"screen:2\",\"x\":\"1/2\",\"fit\":\"cover\"}");
    LayoutPlan plan;
    layout_solve(layout, people, G_N_ELEMENTS(people), 1280, 720, &plan);
    g_assert_cmpint(plan.tiles[0].radius, ==, 8);
    g_assert_cmpint(plan.tiles[0].border, ==, 4);
    g_assert_cmphex(plan.tiles[0].border_rgb, ==, 0xff8000);
    g_assert_cmpuint(plan.tiles[0].show, ==, LAYOUT_SHOW_NAME | LAYOUT_SHOW_LEVEL);
    g_assert_cmpstr(plan.tiles[0].logo, ==, "mark");
    g_assert_cmpuint(plan.tiles[0].fit, ==, LAYOUT_FIT_CONTAIN);
    g_assert_cmpuint(plan.tiles[1].fit, ==, LAYOUT_FIT_COVER);
    g_assert_cmpuint(plan.tiles[1].show & LAYOUT_SHOW_LEVEL, ==, 0);
}

static void test_overlays(void)
{
    static const char json[] =
        "{\"name\":\"a\",\"regions\":[{\"fill\":\"rest\"}],\"overlays\":["
        "{\"type\":\"text\",\"text\":\"Hello\",\"y\":\"9/10\",\"height\":\"1/10\",\"scroll\":80,"
        "\"align\":\"end\",\"colour\":\"#010203\",\"background\":\"#11223380\"},"
        "{\"type\":\"clock\",\"timezone\":\"UTC\",\"x\":1000},"
        "{\"type\":\"text\",\"text\":\"away\",\"x\":2000}]}";
    g_autoptr(GError) error = NULL;
    g_autoptr(Layout) layout = layout_parse(json, sizeof json - 1, &error);
    g_assert_no_error(error);
    LayoutPlan plan;
    layout_solve(layout, NULL, 0, 1280, 720, &plan);
    g_assert_cmpuint(plan.n_overlays, ==, 2);
    assert_rect(plan.overlays[0].rect, 0, 648, 1280, 72);
    g_assert_cmpint(plan.overlays[0].scroll_px_per_s, ==, 80);
    g_assert_cmpuint(plan.overlays[0].align, ==, LAYOUT_ALIGN_END);
    g_assert_cmphex(plan.overlays[0].background_rgb, ==, 0x112233);
    g_assert_cmphex(plan.overlays[0].background_alpha, ==, 0x80);
    g_assert_cmpstr(plan.overlays[1].text, ==, "%H:%M");
    g_assert_cmpstr(plan.overlays[1].timezone, ==, "UTC");
}

static void test_variants(void)
{
    static const char json[] =
        "{\"name\":\"a\",\"transition_ms\":0,\"regions\":[{\"fill\":\"rest\"}],\"variants\":["
        "{\"when\":{\"screen\":true},\"use\":\"presentation\"},"
        "{\"when\":{\"people\":1},\"transition_ms\":900},"
        "{\"when\":{\"people\":[2,3]},\"regions\":[{\"fill\":\"rest\",\"max\":2}]},"
        "{\"when\":{\"people\":{\"min\":5}},\"background\":\"#ffffff\"}]}";
    g_autoptr(GError) error = NULL;
    g_autoptr(Layout) layout = layout_parse(json, sizeof json - 1, &error);
    g_assert_no_error(error);
    LayoutSource cameras[6] = { 0 };
    LayoutPlan plan;
    g_assert_cmpstr(layout_delegate(layout, people, 3), ==, "presentation");
    g_assert_null(layout_delegate(layout, people, 2));
    layout_solve(layout, cameras, 1, 1280, 720, &plan);
    g_assert_cmpuint(plan.transition_ms, ==, 900);
    layout_solve(layout, cameras, 3, 1280, 720, &plan);
    g_assert_cmpuint(plan.n_tiles, ==, 2);
    g_assert_cmpuint(plan.hidden, ==, 1);
    layout_solve(layout, cameras, 4, 1280, 720, &plan);
    g_assert_cmphex(plan.background_rgb, ==, 0x111418);
    g_assert_cmpuint(plan.transition_ms, ==, 0);
    layout_solve(layout, cameras, 6, 1280, 720, &plan);
    g_assert_cmphex(plan.background_rgb, ==, 0xffffff);
    /* Asked all the same it shows everybody. */
    layout_solve(layout, people, G_N_ELEMENTS(people), 1280, 720, &plan);
    g_assert_cmpuint(plan.n_tiles, ==, G_N_ELEMENTS(people));
}

static void assert_canvas(const char *aspect, int width, int height, int want_width,
                          int want_height)
{
    g_autofree char *json =
        g_strdup_printf("{\"name\":\"a\",%s\"regions\":[{\"fill\":\"rest\"}]}", aspect);
    g_autoptr(Layout) layout = layout_parse(json, strlen(json), NULL);
    int got_width, got_height;
    layout_canvas(layout, width, height, &got_width, &got_height);
    g_assert_cmpint(got_width, ==, want_width);
    g_assert_cmpint(got_height, ==, want_height);
}

static void test_canvas(void)
{
    assert_canvas("", 1280, 720, 1280, 720);
    assert_canvas("", 854, 480, 854, 480);
    assert_canvas("", 1920, 1088, 1920, 1088);
    assert_canvas("\"aspect\":\"9/16\",", 1280, 720, 720, 1280);
    assert_canvas("\"aspect\":\"1/1\",", 1280, 720, 720, 720);
    assert_canvas("\"aspect\":\"4/3\",", 1280, 720, 960, 720);
    assert_canvas("\"aspect\":\"16/9\",", 720, 1280, 1280, 720);
    assert_canvas("\"aspect\":\"3/1\",", 1920, 1080, 1920, 640);
    assert_canvas("\"aspect\":\"1/3\",", 1920, 1080, 640, 1920);
}

static void test_names(void)
{
    g_assert_true(layout_name_valid("1+5"));
    g_assert_true(layout_name_valid("a_B-9"));
    g_assert_false(layout_name_valid(""));
    g_assert_false(layout_name_valid("a b"));
    g_assert_false(layout_name_valid("../x"));
    g_assert_false(layout_name_valid("schema"));
    g_assert_false(layout_name_valid("room"));
    g_assert_false(layout_name_valid("-"));
    g_assert_true(layout_name_valid("room-2"));
    g_autofree char *longest = g_strnfill(64, 'a'), *longer = g_strnfill(65, 'a');
    g_assert_true(layout_name_valid(longest));
    g_assert_false(layout_name_valid(longer));
}

static void test_counted(void)
{
    Layout *layout = grid();
    layout_unref(layout_ref(layout));
    g_assert_cmpstr(layout_name(layout), ==, "grid");
    layout_unref(layout);
    layout_unref(NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/layout/grid", test_grid);
    g_test_add_func("/layout/grid-shapes", test_grid_shapes);
    g_test_add_func("/layout/selectors", test_selectors);
    g_test_add_func("/layout/filling", test_filling);
    g_test_add_func("/layout/places", test_places);
    g_test_add_func("/layout/collapse", test_collapse);
    g_test_add_func("/layout/small-canvas", test_small_canvas);
    g_test_add_func("/layout/looks", test_looks);
    g_test_add_func("/layout/overlays", test_overlays);
    g_test_add_func("/layout/variants", test_variants);
    g_test_add_func("/layout/canvas", test_canvas);
    g_test_add_func("/layout/names", test_names);
    g_test_add_func("/layout/counted", test_counted);
    return g_test_run();
}
