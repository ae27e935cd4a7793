#include "room/layer_choice.h"

#include "base/clock.h"
#include "room/receive_rate.h"

/* Which layer fits a tile, and how much is asked for. */

#define START_NS (100 * NS_PER_SEC)

typedef struct {
    LayerChoice choice;
    LayerSight layers[LAYERS_MAX];
    gint64 now_ns;
} Case;

static Case begin(gint smallest, gint middle, gint largest)
{
    Case test = { .now_ns = START_NS };
    gint heights[LAYERS_MAX] = { smallest, middle, largest };
    layer_choice_init(&test.choice);
    for (guint i = 0; i < LAYERS_MAX; i++)
        test.layers[i].height = heights[i];
    return test;
}

/* Time passes; the layers of `sends` (bits) go on. */
static gint run(Case *test, guint sends, gint wanted_px, gint64 duration_ns)
{
    gint64 until_ns = test->now_ns + duration_ns;
    gint chosen = test->choice.chosen;
    for (; test->now_ns < until_ns; test->now_ns += 10 * NS_PER_MS) {
        for (guint i = 0; i < LAYERS_MAX; i++) {
            if (sends & 1u << i)
                test->layers[i].last_ns = test->now_ns;
        }
        chosen = layer_choice_update(&test->choice, test->layers, LAYERS_MAX, wanted_px, -1,
                                     test->now_ns);
    }
    return chosen;
}

static void test_fits(void)
{
    static const struct {
        gint wanted_px, chosen;
    } cases[] = {
        { 0, 0 },   { 90, 0 },  { 180, 0 }, { 190, 0 }, /* some rows are made up */
        { 200, 1 }, { 360, 1 }, { 400, 2 }, { 720, 2 }, { 1080, 2 },
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        Case test = begin(180, 360, 720);
        g_assert_cmpint(run(&test, 7, cases[i].wanted_px, NS_PER_SEC), ==, cases[i].chosen);
        /* In the order of the offer, whatever it is. */
        Case turned = begin(720, 180, 360);
        static const gint places[] = { 1, 2, 0 };
        g_assert_cmpint(run(&turned, 7, cases[i].wanted_px, NS_PER_SEC), ==,
                        places[cases[i].chosen]);
    }
}

static void test_hysteresis(void)
{
    Case test = begin(180, 360, 720);
    g_assert_cmpint(run(&test, 7, 180, NS_PER_SEC), ==, 0);
    g_assert_cmpint(run(&test, 7, 720, 10 * NS_PER_MS), ==, 2);
    g_assert_cmpint(run(&test, 7, 180, 1900 * NS_PER_MS), ==, 2);
    g_assert_cmpint(run(&test, 7, 720, 100 * NS_PER_MS), ==, 2);
    g_assert_cmpint(run(&test, 7, 180, 1900 * NS_PER_MS), ==, 2);
    g_assert_cmpint(run(&test, 7, 180, 200 * NS_PER_MS), ==, 0);
    /* Its key frame is here already: there is nothing to wait for. */
    g_assert_cmpint(run(&test, 7, 720, 100 * NS_PER_MS), ==, 2);
    g_assert_cmpint(layer_choice_update(&test.choice, test.layers, LAYERS_MAX, 180, 1, test.now_ns),
                    ==, 2);
    g_assert_cmpint(layer_choice_update(&test.choice, test.layers, LAYERS_MAX, 180, 0, test.now_ns),
                    ==, 0);
}

/* One that stops is left after half a second; it is trusted again after 3 s. */
static void test_stops(void)
{
    Case test = begin(180, 360, 720);
    g_assert_cmpint(run(&test, 7, 720, NS_PER_SEC), ==, 2);
    g_assert_cmpint(run(&test, 3, 720, 400 * NS_PER_MS), ==, 2);
    g_assert_cmpint(run(&test, 3, 720, 200 * NS_PER_MS), ==, 1);
    g_assert_cmpint(run(&test, 7, 720, 2500 * NS_PER_MS), ==, 1);
    g_assert_cmpint(run(&test, 7, 720, NS_PER_SEC), ==, 2);
    /* Nothing comes at all: it stays, and is there when the sender goes on. */
    g_assert_cmpint(run(&test, 0, 720, 5 * NS_PER_SEC), ==, 2);
    g_assert_cmpint(run(&test, 4, 720, 50 * NS_PER_MS), ==, 2);
}

/* A layer without a key frame so far is tried only where none is known to be enough. */
static void test_unknown_size(void)
{
    Case test = begin(180, 0, 720);
    g_assert_cmpint(run(&test, 3, 180, NS_PER_SEC), ==, 0);
    g_assert_cmpint(run(&test, 3, 360, NS_PER_SEC), ==, 1);
    Case none = begin(0, 0, 0);
    g_assert_cmpint(run(&none, 0, 360, NS_PER_SEC), ==, -1);
    g_assert_cmpint(run(&none, 6, 360, NS_PER_SEC), ==, 1);
}

static void test_rates(void)
{
    g_assert_cmpint(receive_rate_bps(0, 2500000), ==, 100000);
    g_assert_cmpint(receive_rate_bps(176, 2500000), ==, 250000);
    g_assert_cmpint(receive_rate_bps(184, 2500000), ==, 250000);
    g_assert_cmpint(receive_rate_bps(360, 2500000), ==, 600000);
    g_assert_cmpint(receive_rate_bps(720, 2500000), ==, 2500000);
    g_assert_cmpint(receive_rate_bps(2000, 2500000), ==, 2500000);
    g_assert_cmpint(receive_rate_bps(1080, 8000000), ==, 4500000);
    g_assert_cmpint(receive_rate_bps(G_MAXINT, 8000000), ==, 8000000);
    for (gint px = 0; px < 3000; px++)
        g_assert_cmpint(receive_rate_bps(px, 9000000), <=, receive_rate_bps(px + 1, 9000000));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/layer-choice/fits", test_fits);
    g_test_add_func("/layer-choice/hysteresis", test_hysteresis);
    g_test_add_func("/layer-choice/stops", test_stops);
    g_test_add_func("/layer-choice/unknown-size", test_unknown_size);
    g_test_add_func("/layer-choice/rates", test_rates);
    return g_test_run();
}
