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
    g_autoptr(Overlay) named = label_render_name("Ada", FALSE, 320, 180);
    g_assert_nonnull(named);
    g_assert_cmpint((named->width | named->height) & 1, ==, 0);
    g_assert_cmpuint(count(named, 200, 150), >, 20); /* white letters */
    g_assert_cmpuint(named->alpha[0], <, 100);       /* rounded */
    g_autoptr(Overlay) muted = label_render_name("Ada", TRUE, 320, 180);
    g_assert_cmpint(muted->width, >, named->width);
    g_autoptr(Overlay) sign = label_render_name(NULL, TRUE, 320, 180);
    g_assert_cmpint(sign->width, <, muted->width);
    g_assert_null(label_render_name(NULL, FALSE, 320, 180));
    g_assert_null(label_render_name("  \n\t", FALSE, 320, 180));
    g_assert_null(label_render_name("Ada", FALSE, 20, 20));
    g_assert_null(label_render_name("Ada", TRUE, 40, 10));
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
                g_autoptr(Overlay) name = label_render_name(names[i], i & 1, width, height);
                const int inset = label_inset(width, height);
                g_assert_true(!name || name->width + 2 * inset <= width);
                g_assert_true(!name || name->height + inset <= height);
                g_autoptr(Overlay) letters =
                    label_render_initials(names[i], names[i], width, height);
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
        g_autoptr(Overlay) one = label_render_initials("", id, 64, 64);
        g_autoptr(Overlay) two = label_render_initials("", id, 64, 64);
        const gsize middle = (gsize)one->width * 3 + one->width / 2;
        g_assert_cmpuint(one->y[middle], ==, two->y[middle]);
        const gsize chroma = (gsize)(one->width / 2) * 2 + one->width / 4;
        g_hash_table_add(seen, GUINT_TO_POINTER(one->u[chroma] << 8 | one->v[chroma]));
    }
    g_assert_cmpuint(g_hash_table_size(seen), >=, 8);
    g_hash_table_unref(seen);
}

static gpointer render_many(gpointer data)
{
    for (guint i = 0; i < 20; i++)
        overlay_free(label_render_name(data, i & 1, 320, 180));
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
    g_test_add_func("/label/threads", test_threads);
    return g_test_run();
}
