#include "mixer/compositor.h"

#include <string.h>

#define WIDTH  640
#define HEIGHT 360

typedef struct {
    guint8 y, u, v;
} Colour;

static const Colour red = { 82, 90, 240 }, green = { 145, 54, 34 }, blue = { 41, 240, 110 },
                    dark = { 16, 128, 128 };

static AVFrame *picture_new(int width, int height)
{
    AVFrame *frame = av_frame_alloc();
    frame->format = AV_PIX_FMT_YUV420P;
    frame->width = width;
    frame->height = height;
    g_assert_cmpint(av_frame_get_buffer(frame, 0), ==, 0);
    return frame;
}

static void paint(AVFrame *frame, VideoRect rect, Colour colour)
{
    const guint8 values[3] = { colour.y, colour.u, colour.v };
    for (int plane = 0; plane < 3; plane++) {
        const int shift = plane ? 1 : 0;
        for (int y = rect.y >> shift; y < (rect.y + rect.height + shift) >> shift; y++)
            memset(frame->data[plane] + (gsize)y * frame->linesize[plane] + (rect.x >> shift),
                   values[plane], (gsize)((rect.width + shift) >> shift));
    }
}

static AVFrame *plain_picture(int width, int height, Colour colour)
{
    AVFrame *frame = picture_new(width, height);
    paint(frame, (VideoRect){ 0, 0, width, height }, colour);
    return frame;
}

static void assert_colour(const Compositor *compositor, int x, int y, Colour want)
{
    const AVFrame *canvas = compositor_canvas(compositor);
    const int got[3] = { canvas->data[0][(gsize)y * canvas->linesize[0] + x],
                         canvas->data[1][(gsize)(y / 2) * canvas->linesize[1] + x / 2],
                         canvas->data[2][(gsize)(y / 2) * canvas->linesize[2] + x / 2] };
    if (ABS(got[0] - want.y) > 3 || ABS(got[1] - want.u) > 3 || ABS(got[2] - want.v) > 3)
        g_error("(%d, %d) is %d %d %d instead of %d %d %d", x, y, got[0], got[1], got[2], want.y,
                want.u, want.v);
}

static void assert_filled(const Compositor *compositor, VideoRect rect, Colour want)
{
    for (int y = rect.y; y < rect.y + rect.height; y++)
        for (int x = rect.x; x < rect.x + rect.width; x++)
            assert_colour(compositor, x, y, want);
}

/* The canvas as it was, to be compared with what the dirty map says. */
typedef struct {
    guint8 planes[WIDTH * HEIGHT * 3 / 2];
} Shot;

static void shot_take(Shot *shot, const Compositor *compositor)
{
    const AVFrame *canvas = compositor_canvas(compositor);
    guint8 *out = shot->planes;
    for (int plane = 0; plane < 3; plane++) {
        const int shift = plane ? 1 : 0;
        for (int y = 0; y < HEIGHT >> shift; y++, out += WIDTH >> shift)
            memcpy(out, canvas->data[plane] + (gsize)y * canvas->linesize[plane],
                   (gsize)(WIDTH >> shift));
    }
}

static gboolean shot_same_block(const Shot *a, const Shot *b, int column, int row)
{
    gsize base = 0;
    for (int plane = 0; plane < 3; plane++) {
        const int shift = plane ? 1 : 0, width = WIDTH >> shift, height = HEIGHT >> shift;
        const int size = 16 >> shift;
        for (int y = row * size; y < MIN((row + 1) * size, height); y++) {
            const gsize at = base + (gsize)y * width + column * size;
            if (memcmp(a->planes + at, b->planes + at, (gsize)size) != 0)
                return FALSE;
        }
        base += (gsize)width * height;
    }
    return TRUE;
}

/* Whatever differs is marked; returns how many macroblocks are marked. */
static guint check_dirty(const Compositor *compositor, const Shot *before)
{
    static Shot after;
    const int columns = WIDTH / 16, rows = (HEIGHT + 15) / 16;
    const guint8 *dirty = compositor_dirty_map(compositor);
    guint marked = 0;
    g_assert_cmpuint(compositor_dirty_map_size(compositor), ==, columns * rows);
    shot_take(&after, compositor);
    for (int i = 0; i < columns * rows; i++) {
        marked += dirty[i];
        if (!dirty[i])
            g_assert_true(shot_same_block(before, &after, i % columns, i / columns));
    }
    return marked;
}

static guint blocks_of(VideoRect rect)
{
    const int columns = (rect.x + rect.width - 1) / 16 - rect.x / 16 + 1;
    const int rows = (rect.y + rect.height - 1) / 16 - rect.y / 16 + 1;
    return (guint)(columns * rows);
}

static void test_colours(void)
{
    AVFrame *pictures[] = { plain_picture(640, 360, red), plain_picture(333, 187, green),
                            plain_picture(1920, 1088, blue) };
    g_autoptr(Compositor) compositor = compositor_new(WIDTH, HEIGHT, 0x000000);
    CompositorTile tiles[3];
    for (int i = 0; i < 3; i++)
        tiles[i] = (CompositorTile){
            .id = (const char *[]){ "a", "b", "c" }[i],
            .rect = { 200 * i + 8, 32 + 16 * i, 190, 106 },
            .picture = pictures[i],
            .picture_serial = 1,
        };
    g_assert_true(compositor_compose(compositor, tiles, 3));
    assert_filled(compositor, tiles[0].rect, red);
    assert_filled(compositor, tiles[1].rect, green);
    assert_filled(compositor, tiles[2].rect, blue);
    assert_filled(compositor, (VideoRect){ 0, 0, 640, 32 }, dark);
    assert_filled(compositor, (VideoRect){ 198, 32, 10, 200 }, dark);
    const guint8 *dirty = compositor_dirty_map(compositor);
    for (gsize i = 0; i < compositor_dirty_map_size(compositor); i++)
        g_assert_cmpuint(dirty[i], ==, 1);
    for (int i = 0; i < 3; i++)
        av_frame_free(&pictures[i]);

    /* Without the pictures at hand: it keeps them itself. One moves, one leaves. */
    tiles[0].picture = tiles[1].picture = NULL;
    tiles[0].rect = (VideoRect){ 400, 200, 200, 100 };
    g_assert_true(compositor_compose(compositor, tiles, 2));
    assert_filled(compositor, tiles[0].rect, red);
    assert_filled(compositor, tiles[1].rect, green);
    assert_filled(compositor, (VideoRect){ 0, 0, 200, 360 }, dark);
    assert_filled(compositor, (VideoRect){ 400, 0, 240, 200 }, dark);
    g_assert_true(compositor_compose(compositor, NULL, 0));
    assert_filled(compositor, (VideoRect){ 0, 0, WIDTH, HEIGHT }, dark);
}

static void test_untouched(void)
{
    static Shot before;
    AVFrame *pictures[2] = { plain_picture(320, 180, red), plain_picture(320, 180, green) };
    g_autoptr(Compositor) compositor = compositor_new(WIDTH, HEIGHT, 0);
    CompositorTile tiles[4];
    const char *const ids[] = { "a", "b", "c", "d" };
    for (int i = 0; i < 4; i++)
        tiles[i] = (CompositorTile){
            .id = ids[i],
            .rect = { i % 2 * 320 + 2, i / 2 * 180 + 2, 314, 174 },
            .radius = 8,
            .picture = pictures[0],
            .picture_serial = 5,
            .label = ids[i],
        };
    compositor_compose(compositor, tiles, 4);
    shot_take(&before, compositor);
    g_assert_false(compositor_compose(compositor, tiles, 4));
    g_assert_cmpuint(check_dirty(compositor, &before), ==, 0);

    tiles[3].picture = pictures[1];
    tiles[3].picture_serial++;
    g_assert_true(compositor_compose(compositor, tiles, 4));
    g_assert_cmpuint(check_dirty(compositor, &before), ==, blocks_of(tiles[3].rect));
    assert_colour(compositor, 480, 270, green);

    /* The order of the tiles is not their identity. */
    const CompositorTile swapped = tiles[0];
    tiles[0] = tiles[2];
    tiles[2] = swapped;
    shot_take(&before, compositor);
    g_assert_false(compositor_compose(compositor, tiles, 4));
    g_assert_cmpuint(check_dirty(compositor, &before), ==, 0);

    CompositorStats stats;
    compositor_stats(compositor, &stats);
    g_assert_cmpuint(stats.composed, ==, 2);
    g_assert_cmpuint(stats.unchanged, ==, 2);
    g_assert_cmpuint(stats.tiles_drawn, ==, 5);
    g_assert_cmpuint(stats.tiles_kept, ==, 11);
    av_frame_free(&pictures[0]);
    av_frame_free(&pictures[1]);
}

/* Border and name touch their own macroblocks only, and leave no trace when they go. */
static void test_marks(void)
{
    static Shot clean, before;
    AVFrame *picture = plain_picture(640, 360, red);
    g_autoptr(Compositor) compositor = compositor_new(WIDTH, HEIGHT, 0);
    CompositorTile tile = { .id = "a",
                            .rect = { 32, 32, 480, 270 },
                            .radius = 8,
                            .picture = picture,
                            .picture_serial = 1 };
    compositor_compose(compositor, &tile, 1);
    shot_take(&clean, compositor);

    tile.speaking = TRUE;
    g_assert_true(compositor_compose(compositor, &tile, 1));
    guint marked = check_dirty(compositor, &clean);
    g_assert_cmpuint(marked, >, 0);
    g_assert_cmpuint(marked, <=, 2 * (30 + 17));
    const Colour line = { 150, 121, 69 };
    assert_filled(compositor, (VideoRect){ 60, 32, 400, 4 }, line);
    assert_filled(compositor, (VideoRect){ 508, 60, 4, 200 }, line);
    assert_colour(compositor, 60, 38, red);

    shot_take(&before, compositor);
    tile.label = "Ada Lovelace";
    g_assert_true(compositor_compose(compositor, &tile, 1));
    marked = check_dirty(compositor, &before);
    g_assert_cmpuint(marked, >=, 8);
    g_assert_cmpuint(marked, <=, 40);
    const AVFrame *canvas = compositor_canvas(compositor);
    guint white = 0, chip = 0;
    for (int y = 260; y < 300; y++) {
        for (int x = 40; x < 240; x++) {
            white += canvas->data[0][(gsize)y * canvas->linesize[0] + x] > 200;
            chip += canvas->data[0][(gsize)y * canvas->linesize[0] + x] < 60;
        }
    }
    g_assert_cmpuint(white, >, 100);
    g_assert_cmpuint(chip, >, 1000);

    shot_take(&before, compositor);
    tile.muted = TRUE;
    g_assert_true(compositor_compose(compositor, &tile, 1));
    g_assert_cmpuint(check_dirty(compositor, &before), <=, 40);

    tile.muted = tile.speaking = FALSE;
    tile.label = NULL;
    shot_take(&before, compositor);
    g_assert_true(compositor_compose(compositor, &tile, 1));
    check_dirty(compositor, &before);
    shot_take(&before, compositor);
    g_assert_cmpmem(&before, sizeof before, &clean, sizeof clean);
    av_frame_free(&picture);
}

static void test_states(void)
{
    AVFrame *picture = plain_picture(640, 360, red);
    g_autoptr(Compositor) compositor = compositor_new(WIDTH, HEIGHT, 0);
    CompositorTile tile = { .id = "a",
                            .rect = { 0, 0, 640, 360 },
                            .picture = picture,
                            .picture_serial = 1,
                            .label = "Ada Lovelace" };
    compositor_compose(compositor, &tile, 1);
    assert_colour(compositor, 100, 100, red);

    tile.state = TILE_STALE;
    tile.picture = NULL;
    g_assert_true(compositor_compose(compositor, &tile, 1));
    const Colour dimmed = { 16 + (82 - 16) * 112 / 256, 128 + (90 - 128) * 88 / 256,
                            128 + (240 - 128) * 88 / 256 };
    assert_colour(compositor, 100, 100, dimmed);
    g_assert_false(compositor_compose(compositor, &tile, 1));

    tile.state = TILE_LIVE;
    g_assert_true(compositor_compose(compositor, &tile, 1));
    assert_colour(compositor, 100, 100, red);

    tile.state = TILE_NO_PICTURE;
    g_assert_true(compositor_compose(compositor, &tile, 1));
    assert_colour(compositor, 20, 20, (Colour){ 46, 132, 125 });
    const AVFrame *canvas = compositor_canvas(compositor);
    guint white = 0;
    for (int y = 130; y < 230; y++)
        for (int x = 250; x < 390; x++)
            white += canvas->data[0][(gsize)y * canvas->linesize[0] + x] > 200;
    g_assert_cmpuint(white, >, 300);

    /* The old picture is gone for good: live again, but nothing was received yet. */
    tile.state = TILE_LIVE;
    compositor_compose(compositor, &tile, 1);
    assert_colour(compositor, 20, 20, (Colour){ 46, 132, 125 });
    tile.state = TILE_STALE;
    g_assert_true(compositor_compose(compositor, &tile, 1));
    tile.label = "Grace";
    g_assert_true(compositor_compose(compositor, &tile, 1));
    av_frame_free(&picture);
}

static void test_rotation(void)
{
    static const Colour corners[4] = {
        { 82, 90, 240 }, { 145, 54, 34 }, { 41, 240, 110 }, { 200, 128, 128 }
    };
    /* Where the upper left, upper right, lower left and lower right go, clockwise. */
    static const guint8 turned[4][4] = {
        { 0, 1, 2, 3 }, { 2, 0, 3, 1 }, { 3, 2, 1, 0 }, { 1, 3, 0, 2 }
    };
    static const int sizes[][2] = { { 320, 180 }, { 321, 181 }, { 640, 360 } };
    for (guint s = 0; s < G_N_ELEMENTS(sizes); s++) {
        const int width = sizes[s][0], height = sizes[s][1];
        AVFrame *picture = plain_picture(width, height, dark);
        for (int i = 0; i < 4; i++)
            paint(picture,
                  (VideoRect){ (i & 1) * (width / 4 * 2), (i >> 1) * (height / 4 * 2),
                               width / 4 * 2, height / 4 * 2 },
                  corners[i]);
        g_autoptr(Compositor) compositor = compositor_new(WIDTH, HEIGHT, 0);
        CompositorTile tile = {
            .id = "a", .fit = LAYOUT_FIT_STRETCH, .picture = picture, .picture_serial = 1
        };
        for (guint8 quarter = 0; quarter < 8; quarter++) {
            tile.rotation = quarter;
            tile.rect = (VideoRect){ 0, 0, 200, 200 };
            compositor_compose(compositor, &tile, 1);
            for (int i = 0; i < 4; i++)
                assert_colour(compositor, 40 + (i & 1) * 100, 40 + (i >> 1) * 100,
                              corners[turned[quarter & 3][i]]);
        }
        av_frame_free(&picture);
    }
}

static void test_contain(void)
{
    AVFrame *picture = plain_picture(200, 400, red);
    g_autoptr(Compositor) compositor = compositor_new(WIDTH, HEIGHT, 0);
    CompositorTile tile = { .id = "a",
                            .rect = { 100, 0, 400, 200 },
                            .fit = LAYOUT_FIT_CONTAIN,
                            .picture = picture,
                            .picture_serial = 1 };
    compositor_compose(compositor, &tile, 1);
    assert_filled(compositor, (VideoRect){ 250, 0, 100, 200 }, red);
    assert_filled(compositor, (VideoRect){ 100, 0, 148, 200 }, (Colour){ 46, 132, 125 });
    assert_filled(compositor, (VideoRect){ 352, 0, 148, 200 }, (Colour){ 46, 132, 125 });
    av_frame_free(&picture);
}

static void test_odd_sizes(void)
{
    static const int sizes[][2] = { { 641, 361 }, { 1, 1 },   { 16, 16 }, { 1920, 1088 },
                                    { 2, 3 },     { 15, 7 },  { 1, 999 }, { 999, 1 },
                                    { 17, 33 },   { 1279, 2 } };
    g_autoptr(Compositor) compositor = compositor_new(WIDTH, HEIGHT, 0);
    guint64 serial = 0;
    for (guint s = 0; s < G_N_ELEMENTS(sizes); s++) {
        AVFrame *picture = plain_picture(sizes[s][0], sizes[s][1], green);
        for (guint fit = LAYOUT_FIT_COVER; fit <= LAYOUT_FIT_STRETCH; fit += 2) {
            for (guint8 rotation = 0; rotation < 4; rotation++) {
                const CompositorTile tile = { .id = "a",
                                              .rect = { 10, 20, 300, 168 },
                                              .fit = (LayoutFit)fit,
                                              .picture = picture,
                                              .picture_serial = ++serial,
                                              .rotation = rotation };
                compositor_compose(compositor, &tile, 1);
                assert_filled(compositor, tile.rect, green);
                assert_filled(compositor, (VideoRect){ 310, 20, 10, 168 }, dark);
            }
        }
        av_frame_free(&picture);
    }
}

static void test_overlap(void)
{
    static Shot before, again;
    AVFrame *pictures[2] = { plain_picture(640, 360, red), plain_picture(320, 180, blue) };
    g_autoptr(Compositor) compositor = compositor_new(WIDTH, HEIGHT, 0);
    CompositorTile tiles[2] = {
        { .id = "a", .rect = { 0, 0, 640, 360 }, .picture = pictures[0], .picture_serial = 1 },
        { .id = "b", .rect = { 400, 200, 200, 112 }, .picture = pictures[1], .picture_serial = 1 },
    };
    compositor_compose(compositor, tiles, 2);
    assert_filled(compositor, tiles[1].rect, blue);
    shot_take(&before, compositor);
    tiles[0].picture_serial++;
    compositor_compose(compositor, tiles, 2);
    shot_take(&again, compositor);
    g_assert_cmpmem(&before, sizeof before, &again, sizeof again);
    tiles[1].picture_serial++;
    compositor_compose(compositor, tiles, 2);
    g_assert_cmpuint(check_dirty(compositor, &before), ==, blocks_of(tiles[1].rect));
    /* The lower one comes up, the upper one goes. */
    const CompositorTile swapped[2] = { tiles[1], tiles[0] };
    compositor_compose(compositor, swapped, 2);
    assert_filled(compositor, (VideoRect){ 0, 0, WIDTH, HEIGHT }, red);
    compositor_compose(compositor, swapped, 1);
    assert_filled(compositor, (VideoRect){ 0, 0, 400, 360 }, dark);
    assert_filled(compositor, tiles[1].rect, blue);
    av_frame_free(&pictures[0]);
    av_frame_free(&pictures[1]);
}

static CompositorTile random_tile(GRand *rand, AVFrame *const *pictures, guint n_pictures)
{
    static const char *const ids[] = { "a", "b", "c", "d", "e", "f", NULL, "a" };
    static const char *const names[] = { NULL, "Ada", "Grace Hopper", "\xff\xfe", "王小明", "" };
    const gint32 index = g_rand_int_range(rand, 0, (gint32)n_pictures);
    CompositorTile tile = {
        .id = ids[g_rand_int_range(rand, 0, G_N_ELEMENTS(ids))],
        .rect = { g_rand_int_range(rand, -50, WIDTH), g_rand_int_range(rand, -50, HEIGHT),
                  g_rand_int_range(rand, -5, 200), g_rand_int_range(rand, -5, 200) },
        .fit = (LayoutFit)g_rand_int_range(rand, 0, 3),
        .radius = g_rand_int_range(rand, -2, 60),
        .state = (TileState)g_rand_int_range(rand, 0, 3),
        .picture = g_rand_int_range(rand, 0, 10) ? pictures[index] : NULL,
        .picture_serial = (guint64)index * 1000000, /* another picture, another serial */
        .rotation = (guint8)g_rand_int_range(rand, 0, 5),
        .label = names[g_rand_int_range(rand, 0, G_N_ELEMENTS(names))],
        .speaking = g_rand_boolean(rand),
        .muted = g_rand_boolean(rand),
    };
    if (g_rand_int_range(rand, 0, 100) == 0)
        tile.rect = (VideoRect){ G_MAXINT, G_MININT, G_MAXINT, G_MAXINT };
    return tile;
}

/* The same tiles on a new canvas give the same canvas. Only if each has its picture at hand. */
static void check_afresh(const Compositor *compositor, const CompositorTile *tiles, guint n)
{
    static Shot grown, fresh;
    for (guint i = 0; i < n; i++) {
        if (!tiles[i].picture)
            return;
    }
    g_autoptr(Compositor) other = compositor_new(WIDTH, HEIGHT, 0x111418);
    compositor_compose(other, tiles, n);
    shot_take(&grown, compositor);
    shot_take(&fresh, other);
    g_assert_cmpmem(&grown, sizeof grown, &fresh, sizeof fresh);
}

/* Whatever happens: nothing is read or written where it should not be, what differs is marked, and
 * the canvas looks as if it were drawn afresh. */
static void test_random(void)
{
    static Shot before;
    g_autoptr(GRand) rand = g_rand_new_with_seed(20);
    AVFrame *pictures[] = { plain_picture(160, 90, red), plain_picture(1, 1, green),
                            plain_picture(33, 17, blue), plain_picture(300, 400, red) };
    g_autoptr(Compositor) compositor = compositor_new(WIDTH, HEIGHT, 0x111418);
    CompositorTile tiles[6];
    guint n = 0;
    for (guint round = 0; round < 10000; round++) {
        const gint32 what = g_rand_int_range(rand, 0, 10);
        if (what == 0 && n < G_N_ELEMENTS(tiles))
            tiles[n++] = random_tile(rand, pictures, G_N_ELEMENTS(pictures));
        else if (what == 1 && n > 0)
            memmove(tiles, tiles + 1, --n * sizeof *tiles);
        else if (what == 2 && n > 0)
            tiles[g_rand_int_range(rand, 0, (gint32)n)] =
                random_tile(rand, pictures, G_N_ELEMENTS(pictures));
        else if (what < 6 && n > 0)
            tiles[g_rand_int_range(rand, 0, (gint32)n)].speaking ^= TRUE;
        else if (n > 0)
            tiles[g_rand_int_range(rand, 0, (gint32)n)].picture_serial++;
        const gboolean compare = round % 16 == 0;
        if (compare)
            shot_take(&before, compositor);
        const gboolean changed = compositor_compose(compositor, tiles, n);
        if (compare && round > 0) {
            const guint marked = check_dirty(compositor, &before);
            g_assert_true(changed || marked == 0);
            check_afresh(compositor, tiles, n);
        }
    }
    for (guint i = 0; i < G_N_ELEMENTS(pictures); i++)
        av_frame_free(&pictures[i]);
}

static void test_format(void)
{
    AVFrame *picture = av_frame_alloc();
    picture->format = AV_PIX_FMT_RGB24;
    picture->width = picture->height = 64;
    g_assert_cmpint(av_frame_get_buffer(picture, 0), ==, 0);
    g_autoptr(Compositor) compositor = compositor_new(WIDTH, HEIGHT, 0);
    const CompositorTile tile = { .id = "a", .rect = { 0, 0, 64, 64 }, .picture = picture };
    compositor_compose(compositor, &tile, 1);
    assert_colour(compositor, 2, 2, (Colour){ 46, 132, 125 });
    av_frame_free(&picture);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/compositor/colours", test_colours);
    g_test_add_func("/compositor/untouched", test_untouched);
    g_test_add_func("/compositor/marks", test_marks);
    g_test_add_func("/compositor/states", test_states);
    g_test_add_func("/compositor/rotation", test_rotation);
    g_test_add_func("/compositor/contain", test_contain);
    g_test_add_func("/compositor/odd-sizes", test_odd_sizes);
    g_test_add_func("/compositor/overlap", test_overlap);
    g_test_add_func("/compositor/random", test_random);
    g_test_add_func("/compositor/format", test_format);
    return g_test_run();
}
