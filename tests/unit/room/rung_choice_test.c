#include "room/rung_choice.h"

#include "base/clock.h"

/* The default ladder with many viewers: 720p, 360p, 180p; the top has half-rate layers too. */
static const RungOffer ladder[] = { { 1200000, 720000, TRUE },
                                    { 400000, 240000, TRUE },
                                    { 120000, 72000, TRUE } };

static gint64 at(gdouble seconds)
{
    return NS_PER_SEC + (gint64)(seconds * 1e9);
}

static void assert_pick(RungPick pick, gint rung, gboolean base_only)
{
    g_assert_cmpint(pick.rung, ==, rung);
    g_assert_cmpint(pick.base_only, ==, base_only);
}

static RungPick choose(RungChoice *choice, gint budget_bps, gdouble seconds)
{
    RungLine line = { budget_bps, TRUE };
    return rung_choose(choice, ladder, G_N_ELEMENTS(ladder), &line, at(seconds));
}

static void test_first(void)
{
    const struct {
        gint budget_bps, rung;
        gboolean base_only;
    } cases[] = { { 5000000, 0, FALSE }, { 1200000, 0, FALSE }, { 1100000, 1, FALSE },
                  { 399000, 2, FALSE },  { 100000, 2, TRUE },   { 60000, RUNG_NONE, FALSE } };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        RungChoice choice = { 0 };
        assert_pick(choose(&choice, cases[i].budget_bps, 0), cases[i].rung, cases[i].base_only);
    }
}

/* Half the frames go before the rung does. */
static void test_down_at_once(void)
{
    RungChoice choice = { 0 };
    choose(&choice, 2000000, 0);
    assert_pick(choose(&choice, 1150000, 20), 0, FALSE);
    assert_pick(choose(&choice, 1000000, 20.1), 0, TRUE);
    assert_pick(choose(&choice, 650000, 20.2), 1, FALSE);
}

/* Few pictures are better than none: they are given up late and taken up soon. */
static void test_none(void)
{
    RungChoice choice = { 0 };
    choose(&choice, 130000, 0);
    assert_pick(choose(&choice, 30000, 20), 2, TRUE);
    assert_pick(choose(&choice, 30000, 22.9), 2, TRUE);
    assert_pick(choose(&choice, 30000, 23.1), RUNG_NONE, FALSE);
    assert_pick(choose(&choice, 60000, 24), RUNG_NONE, FALSE);
    assert_pick(choose(&choice, 60000, 25.1), 2, TRUE);
    /* A moment's want does not count. */
    choose(&choice, 30000, 30);
    choose(&choice, 100000, 31);
    assert_pick(choose(&choice, 30000, 33.9), 2, TRUE);
    /* Nor does an estimate that is too low, while nothing waits. */
    RungLine line = { 10000, FALSE };
    assert_pick(rung_choose(&choice, ladder, 3, &line, at(40)), 2, TRUE);
    assert_pick(rung_choose(&choice, ladder, 3, &line, at(60)), 2, TRUE);
}

static void test_up_after_room(void)
{
    RungChoice choice = { 0 };
    choose(&choice, 500000, 0);
    assert_pick(choose(&choice, 1300000, 10), 1, FALSE); /* not room enough */
    assert_pick(choose(&choice, 1400000, 11), 1, FALSE); /* room, but not for long enough */
    assert_pick(choose(&choice, 1400000, 15.9), 1, FALSE);
    assert_pick(choose(&choice, 1400000, 16.1), 0, FALSE);
}

/* In the first seconds nothing is known yet: what the probes find is believed. */
static void test_up_fast_at_first(void)
{
    RungChoice choice = { 0 };
    choose(&choice, 150000, 0);
    assert_pick(choose(&choice, 1500000, 0.5), 0, FALSE);
}

/* Who fails to stay up waits longer each time. */
static void test_failed_up_waits(void)
{
    RungChoice choice = { 0 };
    gdouble now = 100, waited[3];
    choose(&choice, 500000, 0);
    for (guint i = 0; i < G_N_ELEMENTS(waited); i++) {
        gdouble from = now;
        while (choose(&choice, 1500000, now).rung != 0)
            now += 0.1;
        waited[i] = now - from;
        now += 2;
        g_assert_cmpint(choose(&choice, 500000, now).rung, ==, 1);
        now += 0.1;
    }
    g_assert_cmpfloat(waited[0], <, 5.5);
    g_assert_cmpfloat(waited[1], >, 9.5);
    g_assert_cmpfloat(waited[2], >, 19.5);
}

static void test_unavailable(void)
{
    RungOffer offers[3] = { ladder[0], ladder[1], ladder[2] };
    RungChoice choice = { 0 };
    offers[0].available = FALSE;
    RungLine line = { 5000000, FALSE };
    assert_pick(rung_choose(&choice, offers, 3, &line, at(0)), 1, FALSE);
    g_assert_cmpint(rung_wanted_bps(&choice, offers, 3), ==, 0);
    offers[0].available = TRUE;
    g_assert_cmpint(rung_wanted_bps(&choice, offers, 3), ==, 1380000);
}

/* Whatever the budgets are, the pick is one that exists and costs no more than the budget allows.
 */
static void test_any_budget(void)
{
    GRand *random = g_rand_new_with_seed(7);
    RungChoice choice = { 0 };
    for (guint i = 0; i < 20000; i++) {
        gint budget_bps = g_rand_int_range(random, 0, 3000000);
        RungPick pick = choose(&choice, budget_bps, i * 0.1);
        g_assert_cmpint(pick.rung, >=, RUNG_NONE);
        g_assert_cmpint(pick.rung, <, 3);
        if (pick.rung == RUNG_NONE)
            continue;
        const RungOffer *offer = &ladder[pick.rung];
        gint price_bps = pick.base_only ? offer->base_price_bps : offer->price_bps;
        gboolean thinnest = pick.rung == 2 && pick.base_only;
        g_assert_true(thinnest || budget_bps >= price_bps / 100 * 95);
    }
    g_rand_free(random);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/room/rung_choice/first", test_first);
    g_test_add_func("/room/rung_choice/down_at_once", test_down_at_once);
    g_test_add_func("/room/rung_choice/none", test_none);
    g_test_add_func("/room/rung_choice/up_after_room", test_up_after_room);
    g_test_add_func("/room/rung_choice/up_fast_at_first", test_up_fast_at_first);
    g_test_add_func("/room/rung_choice/failed_up_waits", test_failed_up_waits);
    g_test_add_func("/room/rung_choice/unavailable", test_unavailable);
    g_test_add_func("/room/rung_choice/any_budget", test_any_budget);
    return g_test_run();
}
