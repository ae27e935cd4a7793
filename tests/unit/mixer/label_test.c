#include "mixer/label.h"

#include <string.h>

static guint count(const Overlay *overlay, guint8 alpha_from, guint8 luma_from)
{
    guint n = 0;
    for (gsize i = 0; i < (gsize)overlay->width * overlay->height; i++)
        n += overlay->alpha[i] >= alpha_from && overlay->y[i] >= luma_from;
    return n;
}

static void test_name(void)
{
    g_autoptr(Overlay) named = label_render_name("Ada", FALSE, (LabelPlace){ 320, 180, 0 });
    g_assert_nonnull(named);
    g_assert_cmpint((named->width | named->height) & 1, ==, 0);
    g_assert_cmpuint(count(named, 200, 150), >, 20); /* white letters */
    g_assert_cmpuint(named->alpha[0], <, 100);       /* rounded */
    g_autoptr(Overlay) muted = label_render_name("Ada", TRUE, (LabelPlace){ 320, 180, 0 });
    g_assert_cmpint(muted->width, >, named->width);
    g_autoptr(Overlay) sign = label_render_name(NULL, TRUE, (LabelPlace){ 320, 180, 0 });
    g_assert_cmpint(sign->width, <, muted->width);
    g_assert_null(label_render_name(NULL, FALSE, (LabelPlace){ 320, 180, 0 }));
    g_assert_null(label_render_name("  \n\t", FALSE, (LabelPlace){ 320, 180, 0 }));
    g_assert_null(label_render_name("Ada", FALSE, (LabelPlace){ 20, 20, 0 }));
    g_assert_null(label_render_name("Ada", TRUE, (LabelPlace){ 40, 10, 0 }));
}

/* Any bytes, any length, any tile: the strip stays inside its tile. */
static void test_hostile(void)
{
    g_autoptr(GString) marks = g_string_new("Z");
    for (guint i = 0; i < 5000; i++)
        g_string_append(marks, "\xcc\x8d");
    g_autofree char *wide = g_strnfill(100000, 'W');
    const char *const names[] = { "\xff\xfe\xc0\x80",
                                  "\xe2\x80\xaeorlando\xe2\x80\xac",
                                  "a\nb\rc\x01\x7f",
                                  marks->str,
                                  wide,
                                  "<b>&amp;%s%n",
                                  "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7" };
    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        for (int width = 2; width <= 640; width = width * 2 + 2) {
            for (int height = 2; height <= 400; height = height * 3) {
                g_autoptr(Overlay) name =
                    label_render_name(names[i], i & 1, (LabelPlace){ width, height, 0 });
                const int inset = label_inset(width, height);
                g_assert_true(!name || name->width + 2 * inset <= width);
                g_assert_true(!name || name->height + inset <= height);
                g_autoptr(Overlay) letters =
                    label_render_initials(names[i], names[i], label_disc_size(width, height));
                g_assert_true(!letters || (letters->width <= width && letters->height <= height));
                g_autoptr(Overlay) lost = label_render_lost(width, height);
                g_assert_true(!lost || (lost->width <= width && lost->height <= height));
            }
        }
    }
}

static void assert_initials(const char *name, const char *want)
{
    g_autofree char *initials = label_initials(name);
    g_assert_cmpstr(initials, ==, want);
}

static void test_initials(void)
{
    assert_initials("Ada Lovelace", "AL");
    assert_initials("ada maria lovelace", "AL");
    assert_initials("Jean-Luc", "JL");
    assert_initials("Zoë", "Z");
    assert_initials("дарья иванова", "ДИ");
    assert_initials("王小明", "王");
    assert_initials("(guest) 7", "G7");
    assert_initials("🎧", "");
    assert_initials("", "");
    assert_initials(NULL, "");
}

static void test_colours(void)
{
    const guint32 wanted[][4] = {
        { 0x000000, 16, 128, 128 },
        { 0xffffff, 235, 128, 128 },
        { 0xff0000, 82, 90, 240 },
    };
    for (guint i = 0; i < G_N_ELEMENTS(wanted); i++) {
        const YuvColour colour = yuv_from_rgb(wanted[i][0]);
        g_assert_cmpint(colour.y, ==, wanted[i][1]);
        g_assert_cmpint(colour.u, ==, wanted[i][2]);
        g_assert_cmpint(colour.v, ==, wanted[i][3]);
    }
    /* The same id has the same disc, many ids have many. */
    GHashTable *seen = g_hash_table_new(NULL, NULL);
    for (guint i = 0; i < 60; i++) {
        char id[16];
        g_snprintf(id, sizeof id, "participant-%u", i);
        g_autoptr(Overlay) one = label_render_initials("", id, 32);
        g_autoptr(Overlay) two = label_render_initials("", id, 32);
        const gsize middle = (gsize)one->width * 3 + one->width / 2;
        g_assert_cmpuint(one->y[middle], ==, two->y[middle]);
        const gsize chroma = (gsize)(one->width / 2) * 2 + one->width / 4;
        g_hash_table_add(seen, GUINT_TO_POINTER(one->u[chroma] << 8 | one->v[chroma]));
    }
    g_assert_cmpuint(g_hash_table_size(seen), >=, 8);
    g_hash_table_unref(seen);
}

/* Neighbouring sizes share a drawing; whatever would look different does not. */
static void test_keys(void)
{
    const LabelPlace place = { 320, 180, 0 }, near = { 322, 180, 0 }, large = { 640, 360, 0 },
                     narrow = { 320, 180, 60 };
    g_autofree char *key = label_name_key("Ada", FALSE, place);
    g_autofree char *same = label_name_key(" Ada\n", FALSE, near);
    g_autofree char *muted = label_name_key("Ada", TRUE, place);
    g_autofree char *larger = label_name_key("Ada", FALSE, large);
    g_autofree char *other = label_name_key("Bob", FALSE, place);
    g_autofree char *less = label_name_key("Ada", FALSE, narrow);
    g_autofree char *waiting = label_waiting_key("Ada", place);
    g_assert_cmpstr(key, ==, same);
    const char *const others[] = { muted, larger, other, less, waiting };
    for (guint i = 0; i < G_N_ELEMENTS(others); i++)
        g_assert_cmpstr(key, !=, others[i]);
    for (int width = 2; width < 700; width += 2) {
        const LabelPlace one = { width, 100 + width / 3, 0 };
        const LabelPlace two = { width + 2, 100 + width / 3, 0 };
        g_autofree char *first = label_name_key("Grace Hopper", TRUE, one);
        g_autofree char *second = label_name_key("Grace Hopper", TRUE, two);
        if (strcmp(first, second) != 0)
            continue;
        g_autoptr(Overlay) a = label_render_name("Grace Hopper", TRUE, one);
        g_autoptr(Overlay) b = label_render_name("Grace Hopper", TRUE, two);
        g_assert_true(!a == !b);
        if (a)
            g_assert_cmpmem(a->y, overlay_bytes(a) - sizeof *a, b->y, overlay_bytes(b) - sizeof *b);
    }
}

static void test_waiting(void)
{
    g_autoptr(Overlay) text = label_render_waiting("Waiting", (LabelPlace){ 320, 180, 0 });
    g_assert_nonnull(text);
    g_assert_cmpuint(count(text, 150, 100), >, 10);
    g_assert_null(label_render_waiting("", (LabelPlace){ 320, 180, 0 }));
    g_assert_null(label_render_waiting("Waiting", (LabelPlace){ 20, 10, 0 }));
    g_autoptr(Overlay) more = label_render_more(5, 64);
    g_assert_cmpint(more->width, ==, 64);
    g_assert_cmpuint(count(more, 255, 180), >, 20);
}

static gpointer render_many(gpointer data)
{
    for (guint i = 0; i < 20; i++)
        overlay_unref(label_render_name(data, i & 1, (LabelPlace){ 320, 180, 0 }));
    return NULL;
}

static void test_threads(void)
{
    GThread *threads[3];
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        threads[i] = g_thread_new("label", render_many, (gpointer) "Σοφία नमस्ते Zoë");
    for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
        g_thread_join(threads[i]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    label_warm_up();
    g_test_add_func("/label/name", test_name);
    g_test_add_func("/label/hostile", test_hostile);
    g_test_add_func("/label/initials", test_initials);
    g_test_add_func("/label/colours", test_colours);
    g_test_add_func("/label/keys", test_keys);
    g_test_add_func("/label/waiting", test_waiting);
    g_test_add_func("/label/threads", test_threads);
    return g_test_run();
}
