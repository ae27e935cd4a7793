/* What holds for every shipped layout, and for documents made at random, whoever is in the room. */

#include <string.h>

#include "mixer/layout.h"
#include "mixer/layout_document.h"

#define MAX_SOURCES 60

static const int rooms[][2] = { { 1280, 720 }, { 640, 360 },   { 720, 1280 },
                                { 320, 180 },  { 1920, 1080 }, { 854, 480 } };

typedef struct {
    LayoutSource sources[MAX_SOURCES];
    char ids[MAX_SOURCES][16], people[MAX_SOURCES][8];
    guint n;
} Crowd;

static void crowd_fill(Crowd *crowd, GRand *rand, guint people, guint screens)
{
    static const char *const roles[] = { NULL, NULL, "teacher", "host", "guest" };
    static const char *const names[] = { "Ada", "Guest 1", "guest two", "Émile", "Алиса" };
    crowd->n = 0;
    for (guint i = 0; i < people; i++) {
        g_snprintf(crowd->people[i], sizeof crowd->people[i], "p%u", i + 1);
        const char *role = roles[g_rand_int_range(rand, 0, G_N_ELEMENTS(roles))];
        for (guint k = 0; k < (i < screens ? 2u : 1u); k++) {
            char *id = crowd->ids[crowd->n];
            g_snprintf(id, sizeof crowd->ids[0], k ? "p%u/screen" : "p%u", i + 1);
            crowd->sources[crowd->n++] = (LayoutSource){
                .id = id,
                .participant = crowd->people[i],
                .name = names[i % G_N_ELEMENTS(names)],
                .role = role,
                .is_screen = k == 1,
                .join = i + 1,
                .speaker = (guint)MAX(0, g_rand_int_range(rand, -5, 9)),
                .pinned = (guint)MAX(0, g_rand_int_range(rand, -20, 3)),
            };
        }
    }
}

static const LayoutScheme *scheme_of(const Layout *layout, const Crowd *crowd)
{
    const LayoutVariant *variant = layout_variant_of(layout, crowd->sources, crowd->n);
    return variant ? &variant->scheme : &layout->scheme;
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
    g_assert_cmpint((tile->radius | tile->border) & 1, ==, 0);
}

/* Everything that holds for any plan of any document. */
static void assert_plan(const Layout *layout, const Crowd *crowd, int width, int height)
{
    LayoutPlan plan, again;
    guint places[MAX_SOURCES] = { 0 }, shown = 0;
    gboolean seen[MAX_SOURCES] = { FALSE };
    layout_solve(layout, crowd->sources, crowd->n, width, height, &plan);
    layout_solve(layout, crowd->sources, crowd->n, width, height, &again);
    const LayoutScheme *scheme = scheme_of(layout, crowd);
    const LayoutRegion *regions = scheme->regions;
    g_assert_cmpuint(plan.n_tiles, ==, again.n_tiles);
    for (guint i = 0; i < plan.n_tiles; i++) {
        const LayoutTile *tile = &plan.tiles[i];
        assert_tile(tile, width, height);
        g_assert_cmpuint(tile->region, <, scheme->n_regions);
        g_assert_cmpuint(tile->source, ==, again.tiles[i].source);
        g_assert_true(video_rect_equal(tile->rect, again.tiles[i].rect));
        for (guint k = 0; k < i; k++) {
            const int below = regions[plan.tiles[k].region].z;
            g_assert_cmpint(below, <=, regions[tile->region].z);
            if (below == regions[tile->region].z)
                g_assert_false(video_rect_overlap(tile->rect, plan.tiles[k].rect));
        }
        if (tile->kind == LAYOUT_TILE_SOURCE) {
            g_assert_cmpuint(tile->source, <, crowd->n);
            shown += seen[tile->source] ? 0 : 1;
            seen[tile->source] = TRUE;
            places[tile->source] += regions[tile->region].repeat ? 0 : 1;
            g_assert_cmpuint(places[tile->source], <=, 1);
        }
    }
    g_assert_cmpuint(plan.hidden + shown, ==, crowd->n);
}

/* Those who stand in one region stand there as they are given; and nobody else changes place with
 * another one when the last of them leaves. */
static void assert_order(const Layout *layout, const Crowd *crowd, int width, int height)
{
    LayoutPlan plan;
    layout_solve(layout, crowd->sources, crowd->n, width, height, &plan);
    const LayoutScheme *scheme = scheme_of(layout, crowd);
    for (guint i = 1; i < plan.n_tiles; i++) {
        const LayoutTile *a = &plan.tiles[i - 1], *b = &plan.tiles[i];
        const LayoutRegion *region = &scheme->regions[b->region];
        if (a->region == b->region && b->kind == LAYOUT_TILE_SOURCE &&
            region->fill[0].kind == LAYOUT_SELECT_REST)
            g_assert_cmpuint(a->source, <, b->source);
    }
}

static void check_layout(const Layout *layout, GRand *rand, guint step)
{
    for (guint c = 0; c < G_N_ELEMENTS(rooms); c++) {
        int width, height;
        layout_canvas(layout, rooms[c][0], rooms[c][1], &width, &height);
        for (guint people = 0; people <= 50; people += step) {
            for (guint screens = 0; screens <= 3; screens++) {
                Crowd crowd;
                crowd_fill(&crowd, rand, people, screens);
                if (layout_delegate(layout, crowd.sources, crowd.n))
                    continue;
                assert_plan(layout, &crowd, width, height);
                assert_order(layout, &crowd, width, height);
            }
        }
    }
}

static GPtrArray *shipped(void)
{
    g_autoptr(GPtrArray) layouts = g_ptr_array_new_with_free_func((GDestroyNotify)layout_unref);
    g_autoptr(GDir) dir = g_dir_open(PROJECT_DIR "/layouts", 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(dir))) {
        g_autoptr(GError) error = NULL;
        g_autofree char *path = g_build_filename(PROJECT_DIR "/layouts", name, NULL);
        if (!g_str_has_suffix(name, ".json") || strcmp(name, "schema.json") == 0)
            continue;
        Layout *layout = layout_load(path, &error);
        g_assert_no_error(error);
        g_autofree char *file = g_strconcat(layout_name(layout), ".json", NULL);
        g_assert_cmpstr(file, ==, name);
        g_assert_cmpstr(layout_description(layout), !=, "");
        g_ptr_array_add(layouts, layout);
    }
    return g_steal_pointer(&layouts);
}

static void test_shipped(void)
{
    static const char *const names[] = {
        "grid",         "speaker",          "speaker-side", "1+5",          "1+7",    "1+12",
        "presentation", "presentation-pip", "pip",          "side-by-side", "single", "interview",
        "lecture",      "portrait",         "audio-only",   "auto"
    };
    g_autoptr(GPtrArray) layouts = shipped();
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        guint found = 0;
        for (guint k = 0; k < layouts->len; k++)
            found += strcmp(layout_name(layouts->pdata[k]), names[i]) == 0;
        if (found != 1)
            g_error("layouts/%s.json is missing", names[i]);
    }
    for (guint i = 0; i < layouts->len; i++)
        check_layout(layouts->pdata[i], rand, 1);
}

/* One person fills at least nine tenths of what there is, except where the layout has a frame. */
static void test_no_holes(void)
{
    static const char *const full[] = { "grid",         "speaker", "speaker-side", "1+5",
                                        "1+7",          "1+12",    "presentation", "pip",
                                        "side-by-side", "single",  "lecture",      "portrait" };
    g_autoptr(GPtrArray) layouts = shipped();
    g_autoptr(GRand) rand = g_rand_new_with_seed(2);
    for (guint i = 0; i < layouts->len; i++) {
        const Layout *layout = layouts->pdata[i];
        Crowd crowd;
        LayoutPlan plan;
        int width, height;
        gboolean wanted = FALSE;
        for (guint k = 0; k < G_N_ELEMENTS(full); k++)
            wanted |= strcmp(full[k], layout_name(layout)) == 0;
        if (!wanted)
            continue;
        crowd_fill(&crowd, rand, 1, 0);
        layout_canvas(layout, 1280, 720, &width, &height);
        layout_solve(layout, crowd.sources, crowd.n, width, height, &plan);
        g_assert_cmpuint(plan.n_tiles, ==, 1);
        g_assert_cmpint(plan.tiles[0].rect.width * plan.tiles[0].rect.height * 10, >=,
                        width * height * 9);
    }
}

static void random_region(GString *json, GRand *rand, guint column, guint row, guint side)
{
    static const char *const fills[] = { "\"rest\"",
                                         "\"speaker\"",
                                         "\"speaker:2\"",
                                         "\"screen\"",
                                         "\"screen:2\"",
                                         "\"pin\"",
                                         "\"pin:p3\"",
                                         "\"role:teacher\"",
                                         "\"name:g*t*\"",
                                         "\"join:2\"",
                                         "\"source:p1/screen\"",
                                         "[\"pin\",\"rest\"]",
                                         "\"rest\"",
                                         "[\"role:x\",\"speaker\"]" };
    static const char *const empties[] = { "keep", "collapse", "collapse", "placeholder" };
    static const char *const flows[] = { "grid", "row", "column" };
    g_string_append_printf(
        json,
        "{\"fill\":%s,\"x\":\"%u/%u\",\"y\":\"%u/%u\",\"width\":\"1/%u\",\"height\":\"1/%u\","
        "\"empty\":\"%s\",\"flow\":\"%s\",\"max\":%d,\"overflow\":\"%s\",\"repeat\":%s,\"z\":%d,"
        "\"radius\":\"1/50\",\"border\":{\"width\":\"1/90\"}},",
        fills[g_rand_int_range(rand, 0, G_N_ELEMENTS(fills))], column, side, row, side, side, side,
        empties[g_rand_int_range(rand, 0, 4)], flows[g_rand_int_range(rand, 0, 3)],
        g_rand_int_range(rand, 1, 30), g_rand_boolean(rand) ? "count" : "hide",
        g_rand_int_range(rand, 0, 8) ? "false" : "true",
        g_rand_int_range(rand, 0, 8) ? 0 : (int)(column + row * side) + 1);
}

/* Regions are the fields of a board, some of them left out. */
static void test_random(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(3);
    for (guint run = 0; run < 200; run++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GString) json = g_string_new(NULL);
        const guint side = (guint)g_rand_int_range(rand, 1, 6);
        g_string_append_printf(json, "{\"name\":\"r\",\"gap\":\"%d/180\",\"regions\":[",
                               g_rand_int_range(rand, 0, 5));
        for (guint i = 0; i < side * side; i++) {
            if (i == 0 || g_rand_int_range(rand, 0, 4))
                random_region(json, rand, i % side, i / side, side);
        }
        g_string_truncate(json, json->len - 1);
        g_string_append(json, "]}");
        g_autoptr(Layout) layout = layout_parse(json->str, json->len, &error);
        g_assert_no_error(error);
        check_layout(layout, rand, 11);
    }
}

/* Whoever stays keeps the order in which they stand when somebody leaves. */
static void test_leaving(void)
{
    g_autoptr(GPtrArray) layouts = shipped();
    for (guint i = 0; i < layouts->len; i++) {
        LayoutSource all[9];
        char ids[9][4];
        for (guint k = 0; k < 9; k++) {
            g_snprintf(ids[k], sizeof ids[k], "p%u", k);
            all[k] = (LayoutSource){
                .id = ids[k], .participant = ids[k], .name = "x", .join = k + 1, .speaker = k + 1
            };
        }
        for (guint leaver = 0; leaver < 9; leaver++) {
            LayoutSource left[8];
            LayoutPlan plan;
            const char *last = "";
            for (guint k = 0; k < 8; k++)
                left[k] = all[k < leaver ? k : k + 1];
            if (layout_delegate(layouts->pdata[i], left, 8))
                continue;
            layout_solve(layouts->pdata[i], left, 8, 1280, 720, &plan);
            for (guint k = 0; k < plan.n_tiles; k++) {
                if (plan.tiles[k].kind != LAYOUT_TILE_SOURCE)
                    continue;
                g_assert_cmpstr(last, <, left[plan.tiles[k].source].id);
                last = left[plan.tiles[k].source].id;
            }
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/layout-shipped/properties", test_shipped);
    g_test_add_func("/layout-shipped/no-holes", test_no_holes);
    g_test_add_func("/layout-shipped/leaving", test_leaving);
    g_test_add_func("/layout-shipped/random", test_random);
    return g_test_run();
}
