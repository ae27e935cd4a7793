#include "mixer/level_bar.h"

#include "mixer/compositor.h"
#include "mixer/drawings.h"

#define CHIP_RGB    0x0b0e11u
#define CHIP_ALPHA  0.62
#define LIT_RGB     0x3ecf8eu
#define DARK_RGB    0xf4f6f8u
#define DARK_ALPHA  0.20
#define PITCH_MIN   3 /* pixels from step to step */
#define PITCH_MAX   8
#define PITCH_SHARE 40 /* of the tile's shorter side */
#define SIDE_MIN    88

typedef struct {
    int width, height, level;
} LevelBar;

/* The height is that of the steps and one and a half more for the ends. */
gboolean level_bar_size(int tile_width, int tile_height, int *width, int *height)
{
    const int side = MIN(tile_width, tile_height);
    if (side < SIDE_MIN)
        return FALSE;
    const int pitch = CLAMP(side / PITCH_SHARE, PITCH_MIN, PITCH_MAX);
    *width = (pitch * 5 / 2 + 1) & ~1;
    *height = (pitch * COMPOSITOR_LEVELS + pitch * 3 / 2 + 1) & ~1;
    return TRUE;
}

static Overlay *level_bar_draw(gconstpointer what)
{
    const LevelBar *bar = what;
    const double pitch = bar->height / (COMPOSITOR_LEVELS + 1.5);
    const double thick = pitch * 0.64, length = bar->width - 1.5 * pitch;
    cairo_t *cairo = overlay_canvas_new(bar->width, bar->height);
    overlay_rounded_rect(cairo, bar->width, bar->height, bar->width * 0.36);
    overlay_set_colour(cairo, CHIP_RGB, CHIP_ALPHA);
    cairo_fill(cairo);
    cairo_set_line_width(cairo, thick);
    cairo_set_line_cap(cairo, CAIRO_LINE_CAP_ROUND);
    for (int i = 0; i < COMPOSITOR_LEVELS; i++) {
        const double y = bar->height - pitch * (i + 1.25);
        const gboolean lit = i < bar->level;
        overlay_set_colour(cairo, lit ? LIT_RGB : DARK_RGB, lit ? 1 : DARK_ALPHA);
        cairo_move_to(cairo, (bar->width - length + thick) / 2, y);
        cairo_line_to(cairo, (bar->width + length - thick) / 2, y);
        cairo_stroke(cairo);
    }
    return overlay_from_cairo(cairo);
}

Overlay *level_bar_fetch(int width, int height, int level)
{
    const LevelBar bar = { width, height, CLAMP(level, 0, COMPOSITOR_LEVELS) };
    char key[48];
    Overlay *overlay = NULL;
    g_snprintf(key, sizeof key, "level %d %d %d", width, height, bar.level);
    drawings_fetch(NULL, key, level_bar_draw, &bar, &overlay);
    return overlay;
}
