#include "room/ladder.h"

#include <string.h>

#include "room/rendition_rate.h"

static void set(Config *config, const char *assignment)
{
    g_autoptr(GError) error = NULL;
    config_set(config, assignment, &error);
    g_assert_no_error(error);
}

static void assert_rung(const LadderRung *rung, gint width, gint height, gint fps, gint bitrate_bps)
{
    g_assert_cmpint(rung->width, ==, width);
    g_assert_cmpint(rung->height, ==, height);
    g_assert_cmpint(rung->fps, ==, fps);
    g_assert_cmpint(rung->bitrate_bps, ==, bitrate_bps);
}

static void test_default(void)
{
    Config *config = config_new();
    LadderRung rungs[LADDER_MAX_RUNGS];
    LadderRung wide = { 1280, 720, 30, 1200000 }, tall = { 720, 1280, 24, 1200000 };
    g_assert_cmpuint(ladder_rungs(config, &wide, rungs), ==, 3);
    assert_rung(&rungs[0], 1280, 720, 30, 1200000);
    assert_rung(&rungs[1], 640, 360, 30, 400000);
    assert_rung(&rungs[2], 320, 180, 15, 120000);
    g_assert_cmpuint(ladder_rungs(config, &tall, rungs), ==, 3);
    assert_rung(&rungs[1], 360, 640, 24, 400000);
    assert_rung(&rungs[2], 180, 320, 15, 120000);
    config_free(config);
}

/* Nothing that is as large or as dear as the full picture. */
static void test_small_canvas(void)
{
    Config *config = config_new();
    LadderRung rungs[LADDER_MAX_RUNGS];
    LadderRung small = { 640, 360, 30, 500000 }, thrifty = { 1280, 720, 30, 300000 };
    g_assert_cmpuint(ladder_rungs(config, &small, rungs), ==, 2);
    assert_rung(&rungs[1], 320, 180, 15, 120000);
    g_assert_cmpuint(ladder_rungs(config, &thrifty, rungs), ==, 2);
    config_free(config);
}

static void test_empty(void)
{
    Config *config = config_new();
    LadderRung rungs[LADDER_MAX_RUNGS];
    LadderRung wide = { 1280, 720, 30, 1200000 };
    set(config, "video.ladder=");
    g_assert_true(config_check(config, NULL));
    g_assert_cmpuint(ladder_rungs(config, &wide, rungs), ==, 1);
    config_free(config);
}

static void test_refused(void)
{
    static const char *const bad[] = {
        "360p30",
        "360p30=400000,",
        "x",
        "360p30=400000,360p15=300000", /* not smaller */
        "180p15=120000,360p30=400000",
        "360p30=400000,180p15=400000",
        "16p30=400000",
        "360p0=400000",
        "360p30=1",
        "720p30=900000,480p30=600000,360p30=400000,180p15=120000", /* four */
        "360p30=400000x",
    };
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        Config *config = config_new();
        g_autoptr(GError) error = NULL;
        g_autofree char *assignment = g_strconcat("video.ladder=", bad[i], NULL);
        set(config, assignment);
        g_assert_false(config_check(config, &error));
        g_assert_nonnull(strstr(error->message, "video.ladder must be"));
        config_free(config);
    }
}

/* --- the rate of a rung ------------------------------------------------------------------ */

static void test_rate_follows_few(void)
{
    const gint fast[] = { 5000000 }, slow[] = { 800000 }, slower[] = { 100000 };
    const RenditionRate top = { 1200000, FALSE }, last = { 120000, TRUE };
    const gint two[] = { 5000000, 1000000 }, unknown[] = { 0, 0 };
    g_assert_cmpint(rendition_rate(&top, fast, 1), ==, 1200000);
    g_assert_cmpint(rendition_rate(&top, slow, 1), ==, 800000);
    g_assert_cmpint(rendition_rate(&top, slower, 1), ==, 660000);
    g_assert_cmpint(rendition_rate(&last, slower, 1), ==, 100000);
    g_assert_cmpint(rendition_rate_floor(&last, 8), ==, 60000);
    g_assert_cmpint(rendition_rate(&top, two, 2), ==, 1000000);
    g_assert_cmpint(rendition_rate(&top, unknown, 2), ==, 1200000);
}

/* One thin line among many does not decide. */
static void test_rate_of_many(void)
{
    const RenditionRate top = { 1200000, FALSE };
    const gint many[] = { 5000000, 5000000, 5000000, 5000000, 100000 };
    const gint thin[] = { 1000000, 1000000, 900000, 900000, 5000000 };
    const gint three[] = { 5000000, 900000, 5000000 },
               four[] = { 5000000, 900000, 1000000, 5000000 };
    const gint one_known[] = { 0, 900000, 0 };
    g_assert_cmpint(rendition_rate(&top, many, 5), ==, 1200000);
    g_assert_cmpint(rendition_rate(&top, thin, 5), ==, 900000);
    g_assert_cmpint(rendition_rate(&top, three, 3), ==, 1200000);
    g_assert_cmpint(rendition_rate(&top, four, 4), ==, 1000000);
    g_assert_cmpint(rendition_rate(&top, one_known, 3), ==, 900000);
    g_assert_cmpint(rendition_rate_floor(&top, 5), ==, 840000);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/room/ladder/default", test_default);
    g_test_add_func("/room/ladder/small_canvas", test_small_canvas);
    g_test_add_func("/room/ladder/empty", test_empty);
    g_test_add_func("/room/ladder/refused", test_refused);
    g_test_add_func("/room/rendition_rate/follows_few", test_rate_follows_few);
    g_test_add_func("/room/rendition_rate/of_many", test_rate_of_many);
    return g_test_run();
}
