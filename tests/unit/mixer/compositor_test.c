#include "mixer/compositor.h"

#include <cairo.h>
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
            .level = -1,
        };
    g_assert_true(compositor_compose(compositor, tiles, 3, 0));
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
    g_assert_true(compositor_compose(compositor, tiles, 2, 0));
    assert_filled(compositor, tiles[0].rect, red);
    assert_filled(compositor, tiles[1].rect, green);
    assert_filled(compositor, (VideoRect){ 0, 0, 200, 360 }, dark);
    assert_filled(compositor, (VideoRect){ 400, 0, 240, 200 }, dark);
    g_assert_true(compositor_compose(compositor, NULL, 0, 0));
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
            .level = -1,
            .label = ids[i],
        };
    compositor_compose(compositor, tiles, 4, 0);
    shot_take(&before, compositor);
    g_assert_false(compositor_compose(compositor, tiles, 4, 0));
    g_assert_cmpuint(check_dirty(compositor, &before), ==, 0);

    tiles[3].picture = pictures[1];
    tiles[3].picture_serial++;
    g_assert_true(compositor_compose(compositor, tiles, 4, 0));
    g_assert_cmpuint(check_dirty(compositor, &before), ==, blocks_of(tiles[3].rect));
    assert_colour(compositor, 480, 270, green);

    /* The order of the tiles is not their identity. */
    const CompositorTile swapped = tiles[0];
    tiles[0] = tiles[2];
    tiles[2] = swapped;
    shot_take(&before, compositor);
    g_assert_false(compositor_compose(compositor, tiles, 4, 0));
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
                            .picture_serial = 1,
                            .level = -1 };
    compositor_compose(compositor, &tile, 1, 0);
    shot_take(&clean, compositor);

    tile.speaking = TRUE;
    g_assert_true(compositor_compose(compositor, &tile, 1, 0));
    guint marked = check_dirty(compositor, &clean);
    g_assert_cmpuint(marked, >, 0);
    g_assert_cmpuint(marked, <=, 2 * (30 + 17));
    const Colour line = { 150, 121, 69 };
    assert_filled(compositor, (VideoRect){ 60, 32, 400, 4 }, line);
    assert_filled(compositor, (VideoRect){ 508, 60, 4, 200 }, line);
    assert_colour(compositor, 60, 38, red);

    shot_take(&before, compositor);
    tile.label = "Ada Lovelace";
    g_assert_true(compositor_compose(compositor, &tile, 1, 0));
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
    g_assert_true(compositor_compose(compositor, &tile, 1, 0));
    g_assert_cmpuint(check_dirty(compositor, &before), <=, 40);

    tile.muted = tile.speaking = FALSE;
    tile.label = NULL;
    shot_take(&before, compositor);
    g_assert_true(compositor_compose(compositor, &tile, 1, 0));
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
                            .level = -1,
                            .label = "Ada Lovelace" };
    compositor_compose(compositor, &tile, 1, 0);
    assert_colour(compositor, 100, 100, red);

    tile.state = TILE_STALE;
    tile.picture = NULL;
    g_assert_true(compositor_compose(compositor, &tile, 1, 0));
    const Colour dimmed = { 16 + (82 - 16) * 112 / 256, 128 + (90 - 128) * 88 / 256,
                            128 + (240 - 128) * 88 / 256 };
    assert_colour(compositor, 100, 100, dimmed);
    g_assert_false(compositor_compose(compositor, &tile, 1, 0));

    tile.state = TILE_LIVE;
    g_assert_true(compositor_compose(compositor, &tile, 1, 0));
    assert_colour(compositor, 100, 100, red);

    tile.state = TILE_NO_PICTURE;
    g_assert_true(compositor_compose(compositor, &tile, 1, 0));
    assert_colour(compositor, 20, 20, (Colour){ 46, 132, 125 });
    const AVFrame *canvas = compositor_canvas(compositor);
    guint white = 0;
    for (int y = 130; y < 230; y++)
        for (int x = 250; x < 390; x++)
            white += canvas->data[0][(gsize)y * canvas->linesize[0] + x] > 200;
    g_assert_cmpuint(white, >, 300);

    /* The old picture is gone for good: live again, but nothing was received yet. */
    tile.state = TILE_LIVE;
    compositor_compose(compositor, &tile, 1, 0);
    assert_colour(compositor, 20, 20, (Colour){ 46, 132, 125 });
    tile.state = TILE_STALE;
    g_assert_true(compositor_compose(compositor, &tile, 1, 0));
    tile.label = "Grace";
    g_assert_true(compositor_compose(compositor, &tile, 1, 0));
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
        CompositorTile tile = { .id = "a",
                                .fit = LAYOUT_FIT_STRETCH,
                                .picture = picture,
                                .picture_serial = 1,
                                .level = -1 };
        for (guint8 quarter = 0; quarter < 8; quarter++) {
            tile.rotation = quarter;
            tile.rect = (VideoRect){ 0, 0, 200, 200 };
            compositor_compose(compositor, &tile, 1, 0);
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
                            .picture_serial = 1,
                            .level = -1 };
    compositor_compose(compositor, &tile, 1, 0);
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
                                              .level = -1,
                                              .rotation = rotation };
                compositor_compose(compositor, &tile, 1, 0);
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
        { .id = "a",
          .rect = { 0, 0, 640, 360 },
          .picture = pictures[0],
          .picture_serial = 1,
          .level = -1 },
        { .id = "b",
          .rect = { 400, 200, 200, 112 },
          .picture = pictures[1],
          .picture_serial = 1,
          .level = -1 },
    };
    compositor_compose(compositor, tiles, 2, 0);
    assert_filled(compositor, tiles[1].rect, blue);
    shot_take(&before, compositor);
    tiles[0].picture_serial++;
    compositor_compose(compositor, tiles, 2, 0);
    shot_take(&again, compositor);
    g_assert_cmpmem(&before, sizeof before, &again, sizeof again);
    tiles[1].picture_serial++;
    compositor_compose(compositor, tiles, 2, 0);
    g_assert_cmpuint(check_dirty(compositor, &before), ==, blocks_of(tiles[1].rect));
    /* The lower one comes up, the upper one goes. */
    const CompositorTile swapped[2] = { tiles[1], tiles[0] };
    compositor_compose(compositor, swapped, 2, 0);
    assert_filled(compositor, (VideoRect){ 0, 0, WIDTH, HEIGHT }, red);
    compositor_compose(compositor, swapped, 1, 0);
    assert_filled(compositor, (VideoRect){ 0, 0, 400, 360 }, dark);
    assert_filled(compositor, tiles[1].rect, blue);
    av_frame_free(&pictures[0]);
    av_frame_free(&pictures[1]);
}

static cairo_status_t append_png(void *file, const unsigned char *data, unsigned int size)
{
    g_byte_array_append(file, data, size);
    return CAIRO_STATUS_SUCCESS;
}

/* A disc of a colour on nothing, or (opaque) all of that colour. */
static Image *image_of(int width, int height, guint32 rgb, gboolean opaque)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, width, height);
    cairo_t *cairo = cairo_create(surface);
    cairo_set_source_rgb(cairo, (rgb >> 16) / 255.0, (rgb >> 8 & 0xff) / 255.0,
                         (rgb & 0xff) / 255.0);
    if (opaque)
        cairo_paint(cairo);
    cairo_arc(cairo, width / 2.0, height / 2.0, MIN(width, height) / 2.5, 0, 2 * G_PI);
    cairo_fill(cairo);
    g_autoptr(GByteArray) file = g_byte_array_new();
    cairo_surface_write_to_png_stream(surface, append_png, file);
    cairo_destroy(cairo);
    cairo_surface_destroy(surface);
    g_autoptr(GError) error = NULL;
    Image *image = image_decode(file->data, file->len, &error);
    g_assert_no_error(error);
    return image;
}

/* Compose until nothing is left to be done. */
static void settle(Compositor *compositor, const CompositorTile *tiles, guint n, gint64 now_ns)
{
    guint rounds = 0;
    while (compositor_compose(compositor, tiles, n, now_ns) || !compositor_is_complete(compositor))
        g_assert_cmpuint(rounds++, <, 50);
}

/* What is below shows in the corners, whoever is drawn again. */
static void test_corners(void)
{
    AVFrame *pictures[3] = { plain_picture(640, 360, red), plain_picture(320, 180, blue),
                             plain_picture(640, 360, green) };
    g_autoptr(Image) wall = image_of(64, 36, 0xffffff, TRUE);
    const Colour white = { 235, 128, 128 };
    g_autoptr(Compositor) compositor = compositor_new(WIDTH, HEIGHT, 0);
    compositor_set_background(compositor, 0, wall);
    CompositorTile tiles[2] = {
        { .id = "a",
          .rect = { 40, 40, 400, 260 },
          .radius = 32,
          .picture = pictures[0],
          .level = -1 },
        { .id = "b",
          .rect = { 300, 200, 200, 112 },
          .radius = 24,
          .picture = pictures[1],
          .level = -1 },
    };
    settle(compositor, tiles, 2, 0);
    assert_colour(compositor, 40, 40, white);
    assert_colour(compositor, 300, 200, red);
    assert_colour(compositor, 499, 311, white);
    assert_colour(compositor, 400, 250, blue);
    assert_colour(compositor, 10, 10, white);
    tiles[1].picture_serial++; /* the upper one alone */
    settle(compositor, tiles, 2, 0);
    assert_colour(compositor, 300, 200, red);
    tiles[0].picture = pictures[2]; /* the lower one */
    tiles[0].picture_serial++;
    settle(compositor, tiles, 2, 0);
    assert_colour(compositor, 300, 200, green);
    assert_colour(compositor, 40, 40, white);
    compositor_set_background(compositor, 0xff0000, NULL);
    settle(compositor, tiles, 2, 0);
    assert_colour(compositor, 40, 40, red);
    assert_colour(compositor, 499, 311, red);
    assert_colour(compositor, 600, 20, red);
    for (guint i = 0; i < G_N_ELEMENTS(pictures); i++)
        av_frame_free(&pictures[i]);
}

/* A step of loudness touches its bar only; it stands above a picture and below another tile. */
static void test_level(void)
{
    static Shot before;
    AVFrame *picture = plain_picture(640, 360, red);
    g_autoptr(Compositor) compositor = compositor_new(WIDTH, HEIGHT, 0);
    CompositorTile tile = { .id = "a", .rect = { 0, 0, 640, 360 }, .picture = picture, .level = 0 };
    settle(compositor, &tile, 1, 0);
    for (int level = 1; level <= COMPOSITOR_LEVELS; level++) {
        shot_take(&before, compositor);
        tile.level = level;
        g_assert_true(compositor_compose(compositor, &tile, 1, 0));
        const guint marked = check_dirty(compositor, &before);
        g_assert_cmpuint(marked, >, 0);
        g_assert_cmpuint(marked, <=, 24);
    }
    g_assert_false(compositor_compose(compositor, &tile, 1, 0));
    tile.level = -1;
    settle(compositor, &tile, 1, 0);
    assert_filled(compositor, tile.rect, red);
    av_frame_free(&picture);
}

static guint bright_pixels(const Compositor *compositor, VideoRect rect)
{
    const AVFrame *canvas = compositor_canvas(compositor);
    guint n = 0;
    for (int y = rect.y; y < rect.y + rect.height; y++)
        for (int x = rect.x; x < rect.x + rect.width; x++)
            n += canvas->data[0][(gsize)y * canvas->linesize[0] + x] > 190;
    return n;
}

static void test_looks(void)
{
    g_autoptr(Image) logo = image_of(64, 64, 0xffffff, FALSE);
    g_autoptr(Compositor) compositor = compositor_new(WIDTH, HEIGHT, 0x00ff00);
    const CompositorTile tiles[] = {
        { .id = "a",
          .rect = { 0, 0, 320, 180 },
          .state = TILE_PLACEHOLDER,
          .label = "Guest",
          .radius = 16,
          .level = -1 },
        { .id = "b", .rect = { 320, 0, 320, 180 }, .state = TILE_MORE, .more = 5, .level = -1 },
        { .id = "c",
          .rect = { 0, 180, 320, 180 },
          .state = TILE_NO_PICTURE,
          .name = "Ada",
          .border = 8,
          .border_rgb = 0xff0000,
          .level = -1 },
        { .id = "d",
          .rect = { 320, 180, 320, 180 },
          .state = TILE_NO_PICTURE,
          .logo = logo,
          .level = -1 },
    };
    settle(compositor, tiles, G_N_ELEMENTS(tiles), 0);
    const AVFrame *canvas = compositor_canvas(compositor);
    const int below = canvas->data[1][70 * canvas->linesize[1] + 20];
    g_assert_cmpint(ABS(below - green.u), <, 12); /* the background shows through it */
    g_assert_cmpuint(bright_pixels(compositor, (VideoRect){ 140, 80, 40, 20 }), >, 5);
    g_assert_cmpuint(bright_pixels(compositor, (VideoRect){ 450, 70, 60, 40 }), >, 60);
    assert_filled(compositor, (VideoRect){ 0, 180, 320, 8 }, red);
    assert_filled(compositor, (VideoRect){ 0, 200, 8, 100 }, red);
    g_assert_cmpuint(bright_pixels(compositor, (VideoRect){ 100, 240, 120, 60 }), >, 60);
    g_assert_cmpuint(bright_pixels(compositor, (VideoRect){ 0, 320, 150, 30 }), ==, 0);
    g_assert_cmpuint(bright_pixels(compositor, (VideoRect){ 600, 180, 40, 40 }), >, 200);
}

static void test_ticker(void)
{
    static Shot before, plain;
    AVFrame *picture = plain_picture(640, 360, red);
    g_autoptr(Compositor) compositor = compositor_new(WIDTH, HEIGHT, 0);
    CompositorTile tile = {
        .id = "a", .rect = { 0, 0, 640, 340 }, .picture = picture, .level = -1
    };
    settle(compositor, &tile, 1, 0);
    shot_take(&plain, compositor);
    const CompositorOverlay ticker = { .rect = { 0, 320, 640, 32 },
                                       .text = "one two three",
                                       .scroll_px_per_s = 60,
                                       .colour_rgb = 0xffffff,
                                       .background_alpha = 128 };
    compositor_set_overlays(compositor, &ticker, 1);
    settle(compositor, &tile, 1, 0);
    CompositorStats stats, later;
    compositor_stats(compositor, &stats);
    for (gint64 ms = 10; ms < 400; ms += 10) {
        shot_take(&before, compositor);
        const gboolean moved = compositor_compose(compositor, &tile, 1, ms * 1000000);
        g_assert_cmpint(moved, ==, ms * 60 / 1000 / 2 != (ms - 10) * 60 / 1000 / 2);
        const guint marked = check_dirty(compositor, &before);
        g_assert_cmpuint(marked, <=, blocks_of(ticker.rect));
    }
    compositor_stats(compositor, &later);
    g_assert_cmpuint(later.tiles_drawn, ==, stats.tiles_drawn);
    g_assert_cmpuint(bright_pixels(compositor, ticker.rect), >, 100);
    compositor_set_overlays(compositor, NULL, 0);
    settle(compositor, &tile, 1, 0);
    shot_take(&before, compositor);
    g_assert_cmpmem(&plain, sizeof plain, &before, sizeof before);
    av_frame_free(&picture);
}

/* New names come a few in each tick; a tile that changes its size keeps the drawings it has. */
static void test_few_drawings_a_tick(void)
{
    char ids[16][8];
    CompositorTile tiles[16];
    g_autoptr(Compositor) compositor = compositor_new(WIDTH, HEIGHT, 0);
    for (int i = 0; i < 16; i++) {
        g_snprintf(ids[i], sizeof ids[i], "Tick %d", i);
        tiles[i] = (CompositorTile){ .id = ids[i],
                                     .rect = { i % 4 * 160, i / 4 * 90, 156, 86 },
                                     .state = TILE_NO_PICTURE,
                                     .label = ids[i],
                                     .level = -1 };
    }
    guint ticks = 1;
    compositor_compose(compositor, tiles, 16, 0);
    g_assert_false(compositor_is_complete(compositor));
    for (; !compositor_is_complete(compositor); ticks++)
        compositor_compose(compositor, tiles, 16, 0);
    g_assert_cmpuint(ticks, >=, 5);
    g_assert_cmpuint(ticks, <=, 12);
    for (int i = 0; i < 16; i++) {
        const VideoRect rect = tiles[i].rect;
        const VideoRect name = { rect.x + 4, rect.y + 62, 80, 22 };
        g_assert_cmpuint(bright_pixels(compositor, name), >, 3);
    }
    for (int step = 0; step < 10; step++) {
        for (int i = 0; i < 16; i++)
            tiles[i].rect.height -= 2;
        compositor_compose(compositor, tiles, 16, 0);
        g_assert_true(compositor_is_complete(compositor));
    }
}

#define RANDOM_TILES 6

/* All that a compositor is told. */
typedef struct {
    CompositorTile tiles[RANDOM_TILES];
    guint n;
    CompositorOverlay overlays[4];
    guint n_overlays;
    guint32 background_rgb;
    Image *background;
    gint64 now_ns;

    AVFrame *pictures[4];
    Image *images[4]; /* the last one is NULL */
} RandomScene;

static VideoRect random_rect(GRand *rand)
{
    const VideoRect rect = { g_rand_int_range(rand, -50, WIDTH),
                             g_rand_int_range(rand, -50, HEIGHT), g_rand_int_range(rand, -5, 260),
                             g_rand_int_range(rand, -5, 260) };
    return g_rand_int_range(rand, 0, 100) ? rect
                                          : (VideoRect){ G_MAXINT, G_MININT, G_MAXINT, G_MAXINT };
}

static CompositorTile random_tile(GRand *rand, const RandomScene *scene)
{
    static const char *const ids[] = { "a", "b", "c", "d", "e", "f", NULL, "a" };
    static const char *const names[] = { NULL, "Ada", "Grace Hopper", "\xff\xfe", "王小明", "" };
    const gint32 index = g_rand_int_range(rand, 0, G_N_ELEMENTS(scene->pictures));
    return (CompositorTile){
        .id = ids[g_rand_int_range(rand, 0, G_N_ELEMENTS(ids))],
        .rect = random_rect(rand),
        .fit = (LayoutFit)g_rand_int_range(rand, 0, 3),
        .radius = g_rand_int_range(rand, -2, 60),
        .state = (TileState)g_rand_int_range(rand, 0, 5),
        .picture = g_rand_int_range(rand, 0, 10) ? scene->pictures[index] : NULL,
        .picture_serial = (guint64)index * 1000000, /* another picture, another serial */
        .rotation = (guint8)g_rand_int_range(rand, 0, 5),
        .label = names[g_rand_int_range(rand, 0, G_N_ELEMENTS(names))],
        .name = names[g_rand_int_range(rand, 0, G_N_ELEMENTS(names))],
        .speaking = g_rand_boolean(rand),
        .muted = g_rand_boolean(rand),
        .more = (guint)g_rand_int_range(rand, 0, 3),
        .border = g_rand_boolean(rand) ? g_rand_int_range(rand, -2, 12) : 0,
        .border_rgb = g_rand_int(rand) & 0xffffff,
        .level = g_rand_int_range(rand, -10, COMPOSITOR_LEVELS + 3),
        .logo = scene->images[g_rand_int_range(rand, 0, 4)],
    };
}

static CompositorOverlay random_overlay(GRand *rand, const RandomScene *scene)
{
    static const char *const texts[] = { "12:34", "News of the day", NULL, "", "\xff" };
    CompositorOverlay overlay = {
        .rect = random_rect(rand),
        .image = g_rand_boolean(rand) ? scene->images[g_rand_int_range(rand, 0, 4)] : NULL,
        .opacity = (guint8)g_rand_int(rand),
        .text = texts[g_rand_int_range(rand, 0, G_N_ELEMENTS(texts))],
        .scroll_px_per_s = g_rand_boolean(rand) ? g_rand_int_range(rand, -10, 300) : 0,
        .align = (LayoutAlign)g_rand_int_range(rand, 0, 3),
        .colour_rgb = 0xffffff,
        .background_rgb = g_rand_int(rand) & 0xffffff,
        .background_alpha = g_rand_boolean(rand) ? (guint8)g_rand_int(rand) : 0,
    };
    overlay.rect.height = MIN(overlay.rect.height, 60);
    return overlay;
}

static guint random_index(GRand *rand, guint n)
{
    return (guint)g_rand_int_range(rand, 0, (gint32)n);
}

static void random_change_tile(GRand *rand, RandomScene *scene)
{
    CompositorTile *tiles = scene->tiles, *tile = &tiles[random_index(rand, MAX(scene->n, 1))];
    const guint other = random_index(rand, MAX(scene->n, 1));
    const CompositorTile swapped = tiles[other];
    switch (g_rand_int_range(rand, 0, 9)) {
    case 0:
        if (scene->n < RANDOM_TILES)
            tiles[scene->n++] = random_tile(rand, scene);
        break;
    case 1:
        if (scene->n)
            memmove(tiles, tiles + 1, --scene->n * sizeof *tiles);
        break;
    case 2:
        *tile = random_tile(rand, scene);
        break;
    case 3: /* up or down in the pile */
        tiles[other] = *tile;
        *tile = swapped;
        break;
    case 4:
        if (tile->rect.x > WIDTH)
            break;
        tile->rect.x += g_rand_int_range(rand, -20, 20);
        tile->rect.width += g_rand_int_range(rand, -20, 20);
        break;
    case 5:
        tile->speaking ^= TRUE;
        break;
    case 6:
    case 7:
        tile->level = g_rand_int_range(rand, -1, COMPOSITOR_LEVELS + 1);
        break;
    default:
        tile->picture_serial++;
    }
}

static void random_change(GRand *rand, RandomScene *scene)
{
    CompositorOverlay *overlay = &scene->overlays[random_index(rand, 4)];
    switch (g_rand_int_range(rand, 0, 12)) {
    case 0:
        *overlay = random_overlay(rand, scene);
        break;
    case 1:
        scene->n_overlays = random_index(rand, 5);
        break;
    case 2:
        overlay->text = overlay->text && *overlay->text == '1' ? "22:22" : "12:34";
        break;
    case 3:
        if (g_rand_int_range(rand, 0, 5) == 0) {
            scene->background = scene->images[random_index(rand, 4)];
            scene->background_rgb = g_rand_int(rand) & 0xffffff;
        }
        break;
    case 4:
    case 5:
        scene->now_ns += g_rand_int_range(rand, 0, 100) * 1000000;
        break;
    default:
        random_change_tile(rand, scene);
    }
}

static void random_apply(const RandomScene *scene, Compositor *compositor)
{
    compositor_set_background(compositor, scene->background_rgb, scene->background);
    compositor_set_overlays(compositor, scene->overlays, scene->n_overlays);
}

/* The same on a new canvas gives the same canvas. Only if each tile has its picture at hand. */
static void check_afresh(Compositor *compositor, const RandomScene *scene)
{
    static Shot grown, fresh;
    for (guint i = 0; i < scene->n; i++) {
        if (!scene->tiles[i].picture)
            return;
    }
    g_autoptr(Compositor) other = compositor_new(WIDTH, HEIGHT, 0x111418);
    random_apply(scene, other);
    settle(other, scene->tiles, scene->n, scene->now_ns);
    settle(compositor, scene->tiles, scene->n, scene->now_ns);
    shot_take(&grown, compositor);
    shot_take(&fresh, other);
    if (memcmp(&grown, &fresh, sizeof fresh) == 0)
        return;
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        if (grown.planes[i] != fresh.planes[i])
            g_error("(%d, %d) is %d instead of %d", i % WIDTH, i / WIDTH, grown.planes[i],
                    fresh.planes[i]);
    }
    g_error("the colours differ");
}

/* Whatever happens: nothing is read or written where it should not be, what differs is marked, and
 * the canvas looks as if it were drawn afresh. */
static void test_random(void)
{
    static Shot before;
    g_autoptr(GRand) rand = g_rand_new_with_seed(20);
    RandomScene scene = {
        .pictures = { plain_picture(160, 90, red), plain_picture(1, 1, green),
                      plain_picture(33, 17, blue), plain_picture(300, 400, red) },
        .images = { image_of(64, 64, 0x30a0ff, FALSE), image_of(301, 97, 0xffa030, FALSE),
                    image_of(80, 60, 0x405060, TRUE), NULL },
        .background_rgb = 0x111418,
    };
    g_autoptr(Compositor) compositor = compositor_new(WIDTH, HEIGHT, 0x111418);
    for (guint round = 0; round < 6000; round++) {
        for (guint i = random_index(rand, 3) + 1; i > 0; i--)
            random_change(rand, &scene);
        random_apply(&scene, compositor);
        const gboolean compare = round % 3 == 0;
        if (compare)
            shot_take(&before, compositor);
        const gboolean changed = compositor_compose(compositor, scene.tiles, scene.n, scene.now_ns);
        if (compare && round > 0) {
            const guint marked = check_dirty(compositor, &before);
            g_assert_true(changed || marked == 0);
        }
        if (round % 12 == 0)
            check_afresh(compositor, &scene);
    }
    for (guint i = 0; i < G_N_ELEMENTS(scene.pictures); i++)
        av_frame_free(&scene.pictures[i]);
    for (guint i = 0; i < G_N_ELEMENTS(scene.images); i++)
        image_unref(scene.images[i]);
}

static void test_format(void)
{
    AVFrame *picture = av_frame_alloc();
    picture->format = AV_PIX_FMT_RGB24;
    picture->width = picture->height = 64;
    g_assert_cmpint(av_frame_get_buffer(picture, 0), ==, 0);
    g_autoptr(Compositor) compositor = compositor_new(WIDTH, HEIGHT, 0);
    const CompositorTile tile = {
        .id = "a", .rect = { 0, 0, 64, 64 }, .picture = picture, .level = -1
    };
    compositor_compose(compositor, &tile, 1, 0);
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
    g_test_add_func("/compositor/corners", test_corners);
    g_test_add_func("/compositor/level", test_level);
    g_test_add_func("/compositor/looks", test_looks);
    g_test_add_func("/compositor/ticker", test_ticker);
    g_test_add_func("/compositor/few-drawings-a-tick", test_few_drawings_a_tick);
    g_test_add_func("/compositor/random", test_random);
    g_test_add_func("/compositor/format", test_format);
    return g_test_run();
}
