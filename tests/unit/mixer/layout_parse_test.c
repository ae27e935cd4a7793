#include <string.h>

#include "base/error.h"
#include "mixer/layout.h"

#define REST "{\"fill\":\"rest\"}"

static Layout *parse(const char *json, GError **error)
{
    return layout_parse(json, strlen(json), error);
}

static void assert_refused(const char *json, const char *message)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(parse(json, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
    if (!strstr(error->message, message))
        g_error("%s: %s", json, error->message);
    g_assert_true(g_utf8_validate(error->message, -1, NULL));
}

static void test_documents(void)
{
    static const char *const bad[][2] = {
        { "", "no JSON" },
        { "[]", "begin with" },
        { "{\"name\":\"a\"}", "regions is missing" },
        { "{\"regions\":[" REST "]}", "name is missing" },
        { "{\"name\":\"a/b\",\"regions\":[" REST "]}", "name is no name" },
        { "{\"name\":\"\",\"regions\":[" REST "]}", "name is no name" },
        { "{\"name\":\"schema\",\"regions\":[" REST "]}", "name \"schema\" is reserved" },
        { "{\"name\":\"room\",\"regions\":[" REST "]}", "name \"room\" is reserved" },
        { "{\"name\":\"-\",\"regions\":[" REST "]}", "name \"-\" is reserved" },
        { "{\"name\":\"a\",\"$schema\":1,\"regions\":[" REST "]}", "$schema is no text" },
        { "{\"name\":\"a\",\"regions\":[]}", "1 to 64" },
        { "{\"name\":\"a\",\"regions\":{}}", "no array" },
        { "{\"name\":\"a\",\"regions\":[7]}", "regions[0] is no object" },
        { "{\"name\":\"a\",\"size\":1,\"regions\":[" REST "]}", "size is not a key" },
        { "{\"name\":\"a\",\"\\u00e9\\u00e9\":1,\"regions\":[" REST "]}", "éé is not a key" },
        { "{\"name\":\"a\",\"background\":\"red\",\"regions\":[" REST "]}", "#111418" },
        { "{\"name\":\"a\",\"background\":{\"color\":\"red\"},\"regions\":[" REST "]}",
          "background.color is not a key" },
        { "{\"name\":\"a\",\"background\":{\"image\":\"../x\"},\"regions\":[" REST "]}",
          "background.image is no name of an image" },
        { "{\"name\":\"a\",\"gap\":true,\"regions\":[" REST "]}", "gap is no length" },
        { "{\"name\":\"a\",\"transition_ms\":5001,\"regions\":[" REST "]}",
          "transition_ms is out of range: write a whole number, 0 to 5000" },
        { "{\"name\":\"a\",\"description\":1,\"regions\":[" REST "]}", "description is no text" },
        { "{\"name\":\"a\",\"aspect\":\"4/1\",\"regions\":[" REST "]}", "aspect is no shape" },
        { "{\"name\":\"a\",\"aspect\":\"0/1\",\"regions\":[" REST "]}", "aspect is no shape" },
        { "{\"name\":\"a\",\"name\":\"b\",\"regions\":[" REST "]}", "no JSON" },
        { "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", "deeper than 16" },
        { "{\"name\":\"a\",\"overlays\":7,\"regions\":[" REST "]}", "overlays is no array" },
        { "{\"name\":\"a\",\"regions\":[" REST "," REST "]}", "regions[1] overlaps regions[0]" },
        { "{\"name\":\"a\",\"variants\":[],\"regions\":[" REST "]}", "1 to 16" },
        { "\"\xff\"", "no JSON" },
    };
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_refused(bad[i][0], bad[i][1]);
}

/* What is wrong with a region of {"fill":"rest", ...}. */
static void test_regions(void)
{
    static const char *const bad[][2] = {
        { "\"widht\":3", "regions[0].widht is not a key" },
        { "\"x\":\"5/0\"", "regions[0].x is no length" },
        { "\"x\":\"3/2\"", "regions[0].x is no length" },
        { "\"x\":\"1/2 \"", "regions[0].x is no length" },
        { "\"x\":\"99999999999/1\"", "regions[0].x" },
        { "\"y\":-1", "regions[0].y is outside" },
        { "\"y\":1e300", "regions[0].y" },
        { "\"y\":1e999", "no JSON" },
        { "\"y\":NaN", "no JSON" },
        { "\"width\":16385", "regions[0].width is outside" },
        { "\"z\":1.5", "regions[0].z is out of range" },
        { "\"z\":1001", "regions[0].z is out of range" },
        { "\"fit\":\"fill\"", "regions[0].fit is unknown: write one of \"cover\"" },
        { "\"max\":65", "regions[0].max is out of range" },
        { "\"max\":0", "regions[0].max is out of range" },
        { "\"aspect\":[\"2/1\",\"1/1\"]", "narrowest" },
        { "\"aspect\":\"0/9\"", "regions[0].aspect" },
        { "\"aspect\":[\"1/1\"]", "regions[0].aspect" },
        { "\"flow\":\"diagonal\"", "regions[0].flow is unknown" },
        { "\"align\":1", "regions[0].align is unknown" },
        { "\"empty\":\"hide\"", "\"keep\", \"collapse\", \"placeholder\"" },
        { "\"overflow\":\"scroll\"", "\"hide\", \"count\"" },
        { "\"repeat\":1", "write true or false" },
        { "\"border\":3", "regions[0].border is no object" },
        { "\"border\":{}", "regions[0].border.width is missing" },
        { "\"border\":{\"width\":2,\"colour\":\"x\"}", "regions[0].border.colour is no colour" },
        { "\"show\":\"name\"", "regions[0].show is unknown" },
        { "\"show\":[\"face\"]", "regions[0].show is unknown" },
        { "\"logo\":\"a.png\"", "regions[0].logo is no name of an image" },
        { "\"radius\":\"x\"", "regions[0].radius is no length" },
    };
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *json =
            g_strdup_printf("{\"name\":\"a\",\"regions\":[{\"fill\":\"rest\",%s}]}", bad[i][0]);
        assert_refused(json, bad[i][1]);
    }
}

static void test_fills(void)
{
    static const char *const bad[] = {
        "\"boss\"",  "\"speaker:0\"", "\"speaker:x\"", "\"speaker:\"",  "\"join\"",
        "\"role:\"", "\"role\"",      "\"rest:1\"",    "\"screen:-1\"", "\"join:1001\"",
        "7",         "\"\"",          "\"speaker 2\"", "\"Speaker\"",
    };
    static const char *const good[] = {
        "\"pin\"",
        "\"pin:p3\"",
        "\"speaker\"",
        "\"speaker:2\"",
        "\"screen\"",
        "\"screen:2\"",
        "\"role:a b\"",
        "\"name:g*\"",
        "\"join:1000\"",
        "\"source:p3/screen\"",
        "[\"pin\",\"speaker\",\"rest\"]",
    };
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *json =
            g_strdup_printf("{\"name\":\"a\",\"regions\":[{\"fill\":%s}]}", bad[i]);
        assert_refused(json, "regions[0].fill names nobody that is known: write \"rest\"");
    }
    for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *json =
            g_strdup_printf("{\"name\":\"a\",\"regions\":[{\"fill\":%s}]}", good[i]);
        g_autoptr(Layout) layout = parse(json, &error);
        g_assert_no_error(error);
        g_assert_cmpstr(layout_json(layout), ==, json);
    }
    assert_refused("{\"name\":\"a\",\"regions\":[{}]}", "regions[0].fill is missing");
    assert_refused("{\"name\":\"a\",\"regions\":[{\"fill\":[]}]}", "regions[0].fill has too few");
    assert_refused("{\"name\":\"a\",\"regions\":[{\"fill\":[\"pin\",\"boss\"]}]}",
                   "regions[0].fill[1] names nobody");
}

static void test_overlays(void)
{
    static const char *const bad[][2] = {
        { "7", "overlays[0].type is missing" },
        { "{}", "overlays[0].type is missing" },
        { "{\"type\":\"video\"}", "overlays[0].type is unknown" },
        { "{\"type\":\"image\"}", "overlays[0].image is missing" },
        { "{\"type\":\"image\",\"image\":\"a b\"}", "overlays[0].image is no name" },
        { "{\"type\":\"image\",\"image\":\"a\",\"opacity\":2}", "overlays[0].opacity is out of" },
        { "{\"type\":\"image\",\"image\":\"a\",\"text\":\"x\"}", "overlays[0].text is not a key" },
        { "{\"type\":\"text\"}", "overlays[0].text is missing" },
        { "{\"type\":\"text\",\"text\":\"a\\nb\"}", "line break" },
        { "{\"type\":\"text\",\"text\":\"a\",\"scroll\":true}", "overlays[0].scroll is no speed" },
        { "{\"type\":\"text\",\"text\":\"a\",\"scroll\":1001}", "0 to 1000" },
        { "{\"type\":\"text\",\"text\":\"a\",\"background\":\"#12345\"}", "#111418cc" },
        { "{\"type\":\"clock\",\"format\":\"%Q\"}", "overlays[0].format is no pattern" },
        { "{\"type\":\"clock\",\"format\":\"\"}", "overlays[0].format is no pattern" },
        { "{\"type\":\"clock\",\"timezone\":\"Moon/Base\"}", "overlays[0].timezone is not known" },
        { "{\"type\":\"clock\",\"timezone\":\"../../etc/passwd\"}", "is not known" },
        { "{\"type\":\"clock\",\"timezone\":\"/etc/localtime\"}", "is not known" },
        { "{\"type\":\"clock\",\"x\":-4}", "overlays[0].x is outside" },
    };
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *json =
            g_strdup_printf("{\"name\":\"a\",\"regions\":[" REST "],\"overlays\":[%s]}", bad[i][0]);
        assert_refused(json, bad[i][1]);
    }
    g_autofree char *text = g_strnfill(501, 'x');
    g_autofree char *json = g_strdup_printf("{\"name\":\"a\",\"regions\":[" REST
                                            "],\"overlays\":[{\"type\":\"text\",\"text\":\"%s\"}]}",
                                            text);
    assert_refused(json, "at most 500 characters");
}

static void test_variants(void)
{
    static const char *const bad[][2] = {
        { "7", "variants[0] is no object" },
        { "{\"if\":1}", "variants[0].if is not a key" },
        { "{\"when\":7,\"use\":\"grid\"}", "variants[0].when is no object" },
        { "{\"when\":{\"people\":-1},\"use\":\"grid\"}", "variants[0].when.people is no number" },
        { "{\"when\":{\"people\":[3,2]},\"use\":\"grid\"}", "variants[0].when.people is no" },
        { "{\"when\":{\"people\":{}},\"use\":\"grid\"}", "variants[0].when.people is no" },
        { "{\"when\":{\"people\":{\"mni\":1}},\"use\":\"grid\"}", "when.people.mni is not a key" },
        { "{\"when\":{\"screen\":1},\"use\":\"grid\"}", "variants[0].when.screen is neither" },
        { "{\"use\":\"a\"}", "variants[0].use names this layout itself" },
        { "{\"use\":\"a b\"}", "variants[0].use is no name" },
        { "{\"use\":\"grid\",\"gap\":1}", "remove everything else" },
        { "{\"gap\":1}", "variants[0].regions is missing" },
        { "{\"when\":{\"people\":1},\"use\":\"grid\"}", "no variant applies always" },
        { "{\"regions\":[" REST "," REST "]}", "variants[0].regions[1] overlaps regions[0]" },
        { "{\"regions\":[{\"fill\":\"rest\",\"max\":99}]}", "variants[0].regions[0].max is out" },
    };
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *json = g_strdup_printf("{\"name\":\"a\",\"variants\":[%s]}", bad[i][0]);
        assert_refused(json, bad[i][1]);
    }
}

/* Refused, and at once: the time of the slowest is far below that of a picture. */
static void test_limits(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) big = g_string_new("{\"name\":\"a\",\"regions\":[");
    const gint64 start = g_get_monotonic_time();
    for (guint i = 0; i < 10000; i++)
        g_string_append(big, REST ",");
    g_string_truncate(big, big->len - 1);
    g_string_append(big, "]}");
    assert_refused(big->str, "1 to 64");
    while (big->len <= LAYOUT_MAX_SIZE)
        g_string_append_c(big, ' ');
    g_assert_null(layout_parse(big->str, big->len, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_TOO_LARGE);
    g_clear_error(&error);
    g_string_assign(big, "");
    for (guint i = 0; i < 100; i++)
        g_string_append(big, "{\"a\":");
    assert_refused(big->str, "deeper than 16");
    g_assert_null(layout_load("/nowhere/x.json", &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND);
    g_clear_error(&error);
    g_assert_null(layout_load("/dev/zero", &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND);
    g_test_message("%.1f ms", (double)(g_get_monotonic_time() - start) / 1000);
}

static void note_image(const char *name, gpointer user)
{
    g_string_append_printf(user, "%s ", name);
}

static void test_images(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) names = g_string_new(NULL);
    g_autoptr(Layout) layout =
        parse("{\"name\":\"a\",\"background\":{\"colour\":\"#102030\",\"image\":\"wall\"},"
              "\"regions\":[{\"fill\":\"rest\",\"logo\":\"mark\"}],"
              "\"overlays\":[{\"type\":\"image\",\"image\":\"mark\",\"opacity\":0.5}],"
              "\"variants\":[{\"when\":{\"people\":1},\"background\":{\"image\":\"other\"}}]}",
              &error);
    g_assert_no_error(error);
    layout_each_image(layout, note_image, names);
    g_assert_cmpstr(names->str, ==, "wall mark other ");
    LayoutSource source = { .id = "p1", .name = "Ada" };
    LayoutPlan plan;
    layout_solve(layout, &source, 0, 1280, 720, &plan);
    g_assert_cmpstr(plan.background_image, ==, "wall");
    g_assert_cmphex(plan.background_rgb, ==, 0x102030);
    g_assert_cmpuint(plan.overlays[0].opacity, ==, 128);
    layout_solve(layout, &source, 1, 1280, 720, &plan);
    g_assert_cmpstr(plan.background_image, ==, "other");
    g_assert_cmpstr(plan.tiles[0].logo, ==, "mark");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/layout-parse/documents", test_documents);
    g_test_add_func("/layout-parse/regions", test_regions);
    g_test_add_func("/layout-parse/fills", test_fills);
    g_test_add_func("/layout-parse/overlays", test_overlays);
    g_test_add_func("/layout-parse/variants", test_variants);
    g_test_add_func("/layout-parse/limits", test_limits);
    g_test_add_func("/layout-parse/images", test_images);
    return g_test_run();
}
