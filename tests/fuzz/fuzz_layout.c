#include <stddef.h>
#include <stdint.h>

#include "mixer/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is accepted is solved: inside the canvas, even, for any number of people. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int canvases[][2] = { { 1280, 720 }, { 16, 16 }, { 720, 1280 } };
    g_autoptr(Layout) layout = layout_parse((const char *)data, size, NULL);
    if (!layout)
        return 0;
    LayoutSource sources[LAYOUT_MAX_TILES] = { 0 };
    LayoutTile tiles[LAYOUT_MAX_TILES];
    for (guint c = 0; c < G_N_ELEMENTS(canvases); c++) {
        for (guint n = 0; n <= LAYOUT_MAX_TILES; n += 7) {
            const int width = canvases[c][0], height = canvases[c][1];
            const guint placed =
                layout_solve(layout, sources, n, width, height, tiles, LAYOUT_MAX_TILES);
            g_assert_cmpuint(placed, <=, n);
            for (guint i = 0; i < placed; i++) {
                const VideoRect rect = tiles[i].rect;
                const VideoRect inside = video_rect_even_inside(rect, width, height);
                g_assert_true(video_rect_equal(rect, inside));
                g_assert_cmpint(tiles[i].radius * 2, <=, MIN(rect.width, rect.height));
            }
        }
    }
    return 0;
}
