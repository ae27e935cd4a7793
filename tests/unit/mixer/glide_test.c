#include "mixer/glide.h"

#define MS G_GINT64_CONSTANT(1000000)

static void assert_rect(VideoRect got, VideoRect want)
{
    if (!video_rect_equal(got, want))
        g_error("(%d %d %d %d) instead of (%d %d %d %d)", got.x, got.y, got.width, got.height,
                want.x, want.y, want.width, want.height);
}

static void test_way(void)
{
    const VideoRect left = { 0, 0, 100, 60 }, right = { 400, 200, 300, 180 };
    GlideTile tile = { "a", left };
    g_autoptr(Glide) glide = glide_new();
    g_assert_false(glide_moving(glide, 0));
    glide_to(glide, &tile, 1, 0, 300 * MS);
    g_assert_false(glide_moving(glide, 0)); /* new: at its place */
    assert_rect(glide_rect(glide, 0, 0), left);

    tile.rect = right;
    glide_to(glide, &tile, 1, 1000 * MS, 300 * MS);
    g_assert_true(glide_moving(glide, 1000 * MS));
    assert_rect(glide_rect(glide, 0, 900 * MS), left);
    assert_rect(glide_rect(glide, 0, 1000 * MS), left);
    assert_rect(glide_rect(glide, 0, 1150 * MS), (VideoRect){ 200, 100, 200, 120 });
    assert_rect(glide_rect(glide, 0, 1300 * MS), right);
    g_assert_true(glide_moving(glide, 1299 * MS));
    g_assert_false(glide_moving(glide, 1300 * MS));
    /* Slow at both ends. */
    g_assert_cmpint(glide_rect(glide, 0, 1030 * MS).x, <, 20);
    g_assert_cmpint(glide_rect(glide, 0, 1270 * MS).x, >, 380);
    int last = 0;
    for (gint64 ms = 1000; ms <= 1300; ms++) {
        const VideoRect rect = glide_rect(glide, 0, ms * MS);
        g_assert_cmpint(rect.x, >=, last);
        last = rect.x;
    }
}

static void test_interrupted(void)
{
    const VideoRect a = { 0, 0, 100, 100 }, b = { 400, 0, 100, 100 }, c = { 0, 300, 100, 100 };
    GlideTile tile = { "a", a };
    g_autoptr(Glide) glide = glide_new();
    glide_to(glide, &tile, 1, 0, 0);
    tile.rect = b;
    glide_to(glide, &tile, 1, 0, 200 * MS);
    /* The same again and again still arrives. */
    for (gint64 ms = 0; ms < 100; ms += 10)
        glide_to(glide, &tile, 1, ms * MS, 200 * MS);
    const VideoRect half = glide_rect(glide, 0, 100 * MS);
    assert_rect(half, (VideoRect){ 200, 0, 100, 100 });
    tile.rect = c;
    glide_to(glide, &tile, 1, 100 * MS, 200 * MS);
    assert_rect(glide_rect(glide, 0, 100 * MS), half);
    assert_rect(glide_rect(glide, 0, 300 * MS), c);
    /* At once, in the midst of it. */
    tile.rect = b;
    glide_to(glide, &tile, 1, 350 * MS, 200 * MS);
    glide_to(glide, &tile, 1, 400 * MS, 0);
    assert_rect(glide_rect(glide, 0, 400 * MS), b);
    g_assert_false(glide_moving(glide, 400 * MS));
}

/* Tiles come, go and change their order: each goes on from where it is. */
static void test_identity(void)
{
    GlideTile tiles[] = { { "a", { 0, 0, 100, 100 } },
                          { "b", { 100, 0, 100, 100 } },
                          { NULL, { 200, 0, 100, 100 } } };
    g_autoptr(Glide) glide = glide_new();
    glide_to(glide, tiles, 3, 0, 100 * MS);
    const GlideTile changed[] = { { "b", { 0, 0, 100, 100 } }, { "new", { 300, 0, 100, 100 } } };
    glide_to(glide, changed, 2, 0, 100 * MS);
    assert_rect(glide_rect(glide, 0, 0), tiles[1].rect);
    assert_rect(glide_rect(glide, 1, 0), changed[1].rect);
    /* Who comes back is new. */
    glide_to(glide, tiles, 3, 200 * MS, 100 * MS);
    assert_rect(glide_rect(glide, 0, 200 * MS), tiles[0].rect);
    assert_rect(glide_rect(glide, 1, 200 * MS), changed[0].rect);
    glide_to(glide, NULL, 0, 300 * MS, 100 * MS);
    g_assert_false(glide_moving(glide, 300 * MS));
}

/* Even, inside the hull, never empty; tiles that share an edge in both places share it always. */
static void test_random(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(3);
    g_autoptr(Glide) glide = glide_new();
    VideoRect was = { 0, 0, 2, 2 };
    for (guint round = 0; round < 5000; round++) {
        const int x = g_rand_int_range(rand, 0, 900) * 2, y = g_rand_int_range(rand, 0, 900) * 2;
        const int width = g_rand_int_range(rand, 1, 500) * 2;
        const GlideTile tiles[2] = { { "a", { x, y, width, 2 * g_rand_int_range(rand, 1, 9) } },
                                     { "b", { x + width, y, width, 20 } } };
        const gint64 start = round * 1000 * MS;
        glide_to(glide, tiles, 2, start, 500 * MS);
        const VideoRect to = tiles[0].rect;
        for (gint64 ms = 0; ms <= 500; ms += g_rand_int_range(rand, 1, 120)) {
            const VideoRect at = glide_rect(glide, 0, start + ms * MS);
            g_assert_cmpint((at.x | at.y | at.width | at.height) & 1, ==, 0);
            g_assert_cmpint(MIN(at.width, at.height), >=, 2);
            g_assert_cmpint(at.x, >=, MIN(was.x, to.x));
            g_assert_cmpint(at.y, >=, MIN(was.y, to.y));
            g_assert_cmpint(at.x + at.width, <=, MAX(was.x + was.width, to.x + to.width));
            g_assert_cmpint(at.y + at.height, <=, MAX(was.y + was.height, to.y + to.height));
            if (round > 0)
                g_assert_cmpint(glide_rect(glide, 1, start + ms * MS).x, ==, at.x + at.width);
        }
        was = to;
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/glide/way", test_way);
    g_test_add_func("/glide/interrupted", test_interrupted);
    g_test_add_func("/glide/identity", test_identity);
    g_test_add_func("/glide/random", test_random);
    return g_test_run();
}
