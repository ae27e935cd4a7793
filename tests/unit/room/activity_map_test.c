#include "room/activity_map.h"

static void test_stays_active_for_some_ticks(void)
{
    g_autoptr(ActivityMap) map = activity_map_new(4);
    const guint8 dirty[4] = { 0, 1, 0, 0 };
    g_assert_false(activity_map_tick(map, NULL));
    g_assert_true(activity_map_tick(map, dirty));
    g_assert_cmpint(activity_map_blocks(map)[0], ==, 0);
    g_assert_cmpint(activity_map_blocks(map)[1], ==, 1);
    guint ticks = 0;
    while (activity_map_tick(map, NULL))
        ticks++;
    g_assert_cmpuint(ticks, ==, 11);
}

static void test_refresh(void)
{
    g_autoptr(ActivityMap) map = activity_map_new(4);
    activity_map_refresh(map);
    guint ticks = 0;
    while (activity_map_tick(map, NULL)) {
        ticks++;
        for (guint i = 0; i < 4; i++)
            g_assert_cmpint(activity_map_blocks(map)[i], ==, 1);
    }
    g_assert_cmpuint(ticks, ==, 60);
}

/* Whatever one pixel of the picture is in, the block of the copy that shows it is active. */
static void test_scale(void)
{
    const struct {
        gint width, height, to_width, to_height;
    } cases[] = { { 1280, 720, 640, 360 },
                  { 1280, 720, 320, 180 },
                  { 720, 1280, 180, 320 },
                  { 640, 480, 424, 318 } };
    for (guint c = 0; c < G_N_ELEMENTS(cases); c++) {
        gint width = cases[c].width, height = cases[c].height;
        gint columns = (width + 15) / 16, rows = (height + 15) / 16;
        gint to_columns = (cases[c].to_width + 15) / 16, to_rows = (cases[c].to_height + 15) / 16;
        g_autofree guint8 *scaled = g_malloc((gsize)(to_columns * to_rows));
        for (gint block = 0; block < columns * rows; block += 37) {
            g_autofree guint8 *blocks = g_malloc0((gsize)(columns * rows));
            guint active = 0;
            blocks[block] = 1;
            activity_map_scale(blocks, width, height, scaled, cases[c].to_width,
                               cases[c].to_height);
            gint x = block % columns * 16 * cases[c].to_width / width / 16;
            gint y = block / columns * 16 * cases[c].to_height / height / 16;
            g_assert_cmpuint(scaled[y * to_columns + x], ==, 1);
            for (gint i = 0; i < to_columns * to_rows; i++)
                active += scaled[i];
            g_assert_cmpuint(active, <=, 9);
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/activity-map/hot", test_stays_active_for_some_ticks);
    g_test_add_func("/activity-map/refresh", test_refresh);
    g_test_add_func("/activity-map/scale", test_scale);
    return g_test_run();
}
