#include <stddef.h>
#include <stdint.h>

#include "mixer/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_SOURCES 80

static void check_plan(const LayoutPlan *plan, guint n, int width, int height)
{
    g_assert_cmpuint(plan->n_tiles, <=, LAYOUT_MAX_TILES);
    g_assert_cmpuint(plan->hidden, <=, n);
    for (guint i = 0; i < plan->n_tiles; i++) {
        const LayoutTile *tile = &plan->tiles[i];
        const VideoRect inside = video_rect_even_inside(tile->rect, width, height);
        g_assert_false(video_rect_is_empty(tile->rect));
        g_assert_true(video_rect_equal(tile->rect, inside));
        g_assert_cmpint(tile->radius * 2, <=, MIN(tile->rect.width, tile->rect.height));
        g_assert_cmpint(tile->border * 2, <=, MIN(tile->rect.width, tile->rect.height));
        g_assert_true(tile->kind != LAYOUT_TILE_SOURCE || tile->source < n);
    }
    for (guint i = 0; i < plan->n_overlays; i++)
        g_assert_false(video_rect_is_empty(plan->overlays[i].rect));
}

/* Whatever is accepted is solved: inside the canvas, even, for any number of people. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int rooms[][2] = { { 1280, 720 }, { 16, 16 }, { 720, 1280 } };
    static const char *const names[] = { "Ada", "guest 1",          "Gäste",
                                         "",    "\xf0\x9f\x90\xbc", "cut \xf0" };
    g_autoptr(Layout) layout = layout_parse((const char *)data, size, NULL);
    if (!layout)
        return 0;
    LayoutSource sources[MAX_SOURCES];
    for (guint i = 0; i < MAX_SOURCES; i++)
        sources[i] = (LayoutSource){ .id = i % 3 == 1 ? "p1/screen" : "p1",
                                     .participant = i % 2 ? "p1" : "p2",
                                     .name = names[i % G_N_ELEMENTS(names)],
                                     .role = i % 4 ? NULL : "teacher",
                                     .is_screen = i % 3 == 1,
                                     .join = i + 1,
                                     .speaker = i * 7 % 5,
                                     .pinned = i * 5 % 11 / 8 };
    for (guint c = 0; c < G_N_ELEMENTS(rooms); c++) {
        for (guint n = 0; n <= MAX_SOURCES; n += 9) {
            LayoutPlan plan;
            int width, height;
            layout_canvas(layout, rooms[c][0], rooms[c][1], &width, &height);
            (void)layout_delegate(layout, sources, n);
            layout_solve(layout, sources, n, width, height, &plan);
            check_plan(&plan, n, width, height);
        }
    }
    return 0;
}
