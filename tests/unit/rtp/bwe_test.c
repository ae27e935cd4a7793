#include "rtp/bwe.h"

#include "base/clock.h"
#include "rtp/twcc.h"
#include "support/sim_flow.h"

/* libwebrtc's own gates (goog_cc_network_control_unittest.cc), and what a mixer needs besides. All
 * in simulated time; the seeds are fixed, and every gate holds for several. */

static const BweConfig bounds = { .start_bps = 300000, .min_bps = 30000, .max_bps = 10000000 };
static const guint32 seeds[] = { 1, 2, 3, 4, 5, 6, 7, 8 };

static void set_link(SimFlows *flows, gint64 rate_bps, gint delay_ms)
{
    SimLinkConfig there = { .rate_bps = rate_bps, .delay_ns = delay_ms * NS_PER_MS };
    SimLinkConfig back = { .delay_ns = delay_ms * NS_PER_MS };
    sim_link_configure(sim_flows_there(flows), &there);
    sim_link_configure(sim_flows_back(flows), &back);
}

static void run_seconds(SimFlows *flows, gdouble seconds)
{
    gint64 duration_ns = (gint64)(seconds * (gdouble)NS_PER_SEC);
    sim_flows_run(flows, sim_flows_now_ns(flows) + duration_ns);
}

static void assert_kbps(SimFlows *flows, gint kbps, gint tolerance_kbps)
{
    gint estimate = bwe_estimate_bps(sim_flows_bwe(flows, 0)) / 1000;
    g_test_message("%d kbit/s, to be %d +- %d", estimate, kbps, tolerance_kbps);
    g_assert_cmpint(estimate, >=, kbps - tolerance_kbps);
    g_assert_cmpint(estimate, <=, kbps + tolerance_kbps);
}

static void follow_capacity(guint32 seed, const SimFlowConfig *config)
{
    g_autoptr(SimFlows) flows = sim_flows_new(seed);
    set_link(flows, 500000, 100);
    sim_flows_add(flows, config);
    run_seconds(flows, 25);
    assert_kbps(flows, 450, 100);
    set_link(flows, 800000, 100);
    run_seconds(flows, 20);
    assert_kbps(flows, 750, 150);
    set_link(flows, 100000, 200);
    run_seconds(flows, 50);
    assert_kbps(flows, 90, 25);
}

static void test_follows_capacity(void)
{
    SimFlowConfig config = { .bwe = bounds };
    for (guint i = 0; i < G_N_ELEMENTS(seeds); i++)
        follow_capacity(seeds[i], &config);
}

/* Chromium sends feedback each 50 to 250 ms; and there is sound among the pictures. */
static void test_feedback_intervals(void)
{
    static const gint intervals_ms[] = { 50, 100, 250 };
    for (guint i = 0; i < G_N_ELEMENTS(seeds) * G_N_ELEMENTS(intervals_ms); i++) {
        SimFlowConfig config = { .bwe = bounds,
                                 .sound_bps = 40000,
                                 .feedback_ns = intervals_ms[i % 3] * NS_PER_MS };
        g_test_message("feedback each %d ms", intervals_ms[i % 3]);
        follow_capacity(seeds[i / 3], &config);
    }
}

/* ---- capacity ---- */

static gint estimate_kbps(SimFlows *flows, guint flow)
{
    return bwe_estimate_bps(sim_flows_bwe(flows, flow)) / 1000;
}

static void test_ramps_up(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(seeds); i++) {
        g_autoptr(SimFlows) fast = sim_flows_new(seeds[i]);
        g_autoptr(SimFlows) slow = sim_flows_new(seeds[i]);
        SimFlowConfig config = { .bwe = bounds };
        set_link(fast, 3000000, 50);
        set_link(slow, 500000, 50);
        sim_flows_add(fast, &config);
        sim_flows_add(slow, &config);
        run_seconds(fast, 1);
        run_seconds(slow, 1);
        g_test_message("%d of 3000, %d of 500 kbit/s", estimate_kbps(fast, 0),
                       estimate_kbps(slow, 0));
        g_assert_cmpint(estimate_kbps(fast, 0), >, 2500);
        g_assert_cmpint(estimate_kbps(slow, 0), >, 400);
    }
}

/* The second comes when the first has everything. */
static void test_shares_fairly(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(seeds); i++) {
        g_autoptr(SimFlows) flows = sim_flows_new(seeds[i]);
        SimFlowConfig config = { .bwe = bounds };
        set_link(flows, 1000000, 50);
        sim_flows_add(flows, &config);
        run_seconds(flows, 20);
        sim_flows_add(flows, &config);
        run_seconds(flows, 90);
        gdouble before[] = { (gdouble)sim_flows_received(flows, 0),
                             (gdouble)sim_flows_received(flows, 1) };
        run_seconds(flows, 60);
        gdouble first = ((gdouble)sim_flows_received(flows, 0) - before[0]) * 8 / 60 / 1000;
        gdouble second = ((gdouble)sim_flows_received(flows, 1) - before[1]) * 8 / 60 / 1000;
        gdouble half = (first + second) / 2;
        g_test_message("%.0f and %.0f kbit/s of 1000", first, second);
        g_assert_cmpfloat(ABS(first - half), <, 0.2 * half);
        g_assert_cmpfloat(first + second, >, 750);
    }
}

static void test_jitter(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(seeds); i++) {
        g_autoptr(SimFlows) flows = sim_flows_new(seeds[i]);
        SimFlowConfig config = { .bwe = bounds };
        SimLinkConfig link = { .rate_bps = 2000000,
                               .delay_ns = 50 * NS_PER_MS,
                               .jitter_ns = 30 * NS_PER_MS,
                               .reorder = 0.01 };
        sim_link_configure(sim_flows_there(flows), &link);
        sim_link_configure(sim_flows_back(flows), &link);
        sim_flows_add(flows, &config);
        run_seconds(flows, 30);
        gint lowest = G_MAXINT;
        for (guint step = 0; step < 600; step++) {
            run_seconds(flows, 0.1);
            lowest = MIN(lowest, estimate_kbps(flows, 0));
        }
        g_test_message("never below %d of 2000 kbit/s", lowest);
        g_assert_cmpint(lowest, >, 1000);
    }
}

/* ---- loss ---- */

static void set_loss(SimFlows *flows, gdouble loss, gint delay_ms)
{
    SimLinkConfig there = { .rate_bps = 2000000, .delay_ns = delay_ms * NS_PER_MS, .loss = loss };
    SimLinkConfig back = { .delay_ns = delay_ms * NS_PER_MS };
    sim_link_configure(sim_flows_there(flows), &there);
    sim_link_configure(sim_flows_back(flows), &back);
}

/* Neither collapses nor toggles: a dip is 100 kbit/s less than 500 ms before. */
static void test_random_loss(void)
{
    guint all_dips = 0;
    for (guint i = 0; i < G_N_ELEMENTS(seeds); i++) {
        g_autoptr(SimFlows) flows = sim_flows_new(seeds[i]);
        SimFlowConfig config = { .bwe = bounds };
        set_loss(flows, 0.2, 50);
        sim_flows_add(flows, &config);
        run_seconds(flows, 10);
        gint lowest = G_MAXINT, previous = estimate_kbps(flows, 0), last_dip = -2;
        for (gint step = 0; step < 120; step++) {
            run_seconds(flows, 0.5);
            gint now = estimate_kbps(flows, 0);
            if (now < previous - 100) {
                g_assert_cmpint(step - last_dip, >, 1);
                last_dip = step;
                all_dips++;
            }
            lowest = MIN(lowest, now);
            previous = now;
        }
        g_test_message("20 %% loss: never below %d kbit/s", lowest);
        g_assert_cmpint(lowest, >=, 300);
        g_assert_cmpint(ABS(bwe_loss_permille(sim_flows_bwe(flows, 0)) - 200), <, 80);
    }
    g_test_message("%u dips in %zu minutes", all_dips, G_N_ELEMENTS(seeds));
    g_assert_cmpuint(all_dips, <, 2 * G_N_ELEMENTS(seeds));
}

static void test_loss_and_delay(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(seeds); i++) {
        g_autoptr(SimFlows) flows = sim_flows_new(seeds[i]);
        SimFlowConfig config = { .bwe = bounds };
        set_loss(flows, 0.1, 200);
        sim_flows_add(flows, &config);
        run_seconds(flows, 120);
        g_test_message("10 %% loss, 400 ms: %d kbit/s", estimate_kbps(flows, 0));
        g_assert_cmpint(estimate_kbps(flows, 0), >, 100);
        g_assert_cmpint(bwe_rtt_ns(sim_flows_bwe(flows, 0)), >=, 400 * NS_PER_MS);
        g_assert_cmpint(bwe_rtt_ns(sim_flows_bwe(flows, 0)), <=, 550 * NS_PER_MS);
    }
}

/* A path without a queue worth the name shows its limit by loss alone. */
static void test_short_queue(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(seeds); i++) {
        g_autoptr(SimFlows) flows = sim_flows_new(seeds[i]);
        SimFlowConfig config = { .bwe = bounds };
        SimLinkConfig there = { .rate_bps = 500000,
                                .delay_ns = 50 * NS_PER_MS,
                                .queue_ns = 30 * NS_PER_MS };
        set_link(flows, 500000, 50);
        sim_link_configure(sim_flows_there(flows), &there);
        sim_flows_add(flows, &config);
        run_seconds(flows, 10);
        gdouble sum = 0, lost = 0;
        for (guint step = 0; step < 100; step++) {
            run_seconds(flows, 0.5);
            sum += estimate_kbps(flows, 0);
            lost += bwe_loss_permille(sim_flows_bwe(flows, 0));
        }
        g_test_message("%.0f of 500 kbit/s, %.0f of 1000 lost", sum / 100, lost / 100);
        g_assert_cmpfloat(sum / 100, >, 400);
        g_assert_cmpfloat(sum / 100, <, 575);
    }
}

/* ---- what receivers say besides ---- */

static void test_remb_dip(void)
{
    g_autoptr(SimFlows) flows = sim_flows_new(1);
    SimFlowConfig config = { .bwe = bounds };
    set_link(flows, 2000000, 50);
    sim_flows_add(flows, &config);
    run_seconds(flows, 10);
    config.remb_bps = 250000;
    sim_flows_configure(flows, 0, &config);
    run_seconds(flows, 10);
    g_assert_cmpint(estimate_kbps(flows, 0), ==, 250);
    config.remb_bps = 4000000000;
    sim_flows_configure(flows, 0, &config);
    run_seconds(flows, 10);
    g_test_message("%d of 2000 kbit/s, 10 s after the REMB was lifted", estimate_kbps(flows, 0));
    g_assert_cmpint(estimate_kbps(flows, 0), >, 1500);

    config.remb_bps = 250000;
    sim_flows_configure(flows, 0, &config);
    run_seconds(flows, 1);
    g_assert_cmpint(estimate_kbps(flows, 0), ==, 250);
    config.remb_bps = 0; /* it says no more */
    sim_flows_configure(flows, 0, &config);
    run_seconds(flows, 20);
    g_assert_cmpint(estimate_kbps(flows, 0), >, 1500);
}

/* Without transport-cc: by the loss and the round trip that receiver reports tell. */
static void test_reports_only(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(seeds); i++) {
        g_autoptr(SimFlows) flows = sim_flows_new(seeds[i]);
        SimFlowConfig config = { .bwe = bounds, .no_twcc = TRUE };
        set_link(flows, 1000000, 50);
        sim_flows_add(flows, &config);
        run_seconds(flows, 30);
        gdouble sum = 0;
        for (guint step = 0; step < 60; step++) {
            run_seconds(flows, 0.5);
            sum += estimate_kbps(flows, 0);
        }
        g_test_message("reports only: %.0f of 1000 kbit/s", sum / 60);
        g_assert_cmpfloat(sum / 60, >, 750);
        g_assert_cmpfloat(sum / 60, <, 1050);
        set_link(flows, 100000, 50);
        run_seconds(flows, 20);
        g_assert_cmpint(estimate_kbps(flows, 0), <, 150);
    }
}

/* A REMB of a receiver without transport-cc is taken at its word. */
static void test_remb_only(void)
{
    g_autoptr(SimFlows) flows = sim_flows_new(1);
    SimFlowConfig config = { .bwe = bounds, .no_twcc = TRUE, .remb_bps = 900000 };
    set_link(flows, 2000000, 50);
    sim_flows_add(flows, &config);
    run_seconds(flows, 3);
    g_assert_cmpint(estimate_kbps(flows, 0), ==, 900);
    config.remb_bps = 400000;
    sim_flows_configure(flows, 0, &config);
    run_seconds(flows, 1);
    g_assert_cmpint(estimate_kbps(flows, 0), ==, 400);
}

/* ---- a sender that could send more ---- */

static void test_next_rung_is_found(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(seeds); i++) {
        g_autoptr(SimFlows) flows = sim_flows_new(seeds[i]);
        SimFlowConfig config = { .bwe = bounds, .app_bps = 120000, .wanted_bps = 120000 };
        set_link(flows, 5000000, 50);
        sim_flows_add(flows, &config);
        run_seconds(flows, 10);
        gint before = estimate_kbps(flows, 0);
        g_assert_cmpint(before, >=, 138);
        g_assert_cmpint(before, <=, 330);
        g_assert_cmpuint(sim_flows_padding(flows, 0), <, 2000);

        config.wanted_bps = 400000;
        sim_flows_configure(flows, 0, &config);
        run_seconds(flows, 6);
        BweStats stats;
        bwe_stats(sim_flows_bwe(flows, 0), &stats);
        g_test_message("%d kbit/s, then %d after %u probes", before, stats.estimate_bps / 1000,
                       stats.probes);
        g_assert_true(stats.app_limited);
        g_assert_cmpint(stats.estimate_bps, >=, 400000 * 1.1);
        g_assert_cmpint(stats.estimate_bps, <=, 400000 * 1.15 + 1000);

        guint64 padding = sim_flows_padding(flows, 0);
        run_seconds(flows, 60);
        g_assert_cmpint(estimate_kbps(flows, 0), >=, 440);
        g_assert_cmpuint(sim_flows_padding(flows, 0) - padding, <, 12 * 2000);
    }
}

/* Where the next one does not fit, that is asked less and less often, and costs nothing. */
static void test_next_rung_does_not_fit(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(seeds); i++) {
        g_autoptr(SimFlows) flows = sim_flows_new(seeds[i]);
        SimFlowConfig config = { .bwe = bounds, .app_bps = 120000, .wanted_bps = 400000 };
        set_link(flows, 200000, 50);
        sim_flows_add(flows, &config);
        run_seconds(flows, 10);
        guint64 padding = sim_flows_padding(flows, 0);
        for (guint step = 0; step < 1200; step++) {
            run_seconds(flows, 0.1);
            g_assert_cmpint(estimate_kbps(flows, 0), <, 400);
            g_assert_cmpint(estimate_kbps(flows, 0), >, 120);
        }
        g_assert_cmpuint(sim_flows_padding(flows, 0) - padding, <, 10 * 1500);
    }
}

/* Probes that nobody can pad are given up, not sent again and again. */
static void test_no_padding(void)
{
    g_autoptr(SimFlows) flows = sim_flows_new(1);
    SimFlowConfig config = {
        .bwe = bounds, .app_bps = 120000, .wanted_bps = 400000, .no_padding = TRUE
    };
    set_link(flows, 5000000, 50);
    sim_flows_add(flows, &config);
    run_seconds(flows, 120);
    BweStats stats;
    bwe_stats(sim_flows_bwe(flows, 0), &stats);
    g_assert_cmpuint(stats.probes, <=, 15);
    g_assert_cmpint(stats.estimate_bps, >, 120000);
}

/* ---- a path that breaks ---- */

static void test_silence(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(seeds); i++) {
        g_autoptr(SimFlows) flows = sim_flows_new(seeds[i]);
        SimFlowConfig config = { .bwe = bounds };
        set_link(flows, 1000000, 50);
        sim_flows_add(flows, &config);
        run_seconds(flows, 10);
        gint before = estimate_kbps(flows, 0);
        sim_link_hold(sim_flows_there(flows), sim_flows_now_ns(flows) + 10 * NS_PER_SEC);
        run_seconds(flows, 9);
        gint during = estimate_kbps(flows, 0);
        run_seconds(flows, 6);
        g_test_message("%d kbit/s, silence %d, then %d", before, during, estimate_kbps(flows, 0));
        g_assert_cmpint(during, <, before / 2);
        g_assert_cmpint(estimate_kbps(flows, 0), >, before / 2);
    }
}

/* Nothing gets through for a while: that is no congestion. */
static void test_away(void)
{
    static const gint away_ms[] = { 300, 1000, 2500, 5000, 20000 };
    for (guint i = 0; i < G_N_ELEMENTS(seeds) * G_N_ELEMENTS(away_ms); i++) {
        g_autoptr(SimFlows) flows = sim_flows_new(seeds[i / 5]);
        SimFlowConfig config = { .bwe = bounds };
        SimLinkConfig cut = { .loss = 1 };
        set_link(flows, 1000000, 50);
        sim_flows_add(flows, &config);
        run_seconds(flows, 20);
        gint before = estimate_kbps(flows, 0);
        sim_link_configure(sim_flows_there(flows), &cut);
        run_seconds(flows, away_ms[i % 5] / 1000.0);
        g_assert_cmpint(bwe_is_away(sim_flows_bwe(flows, 0)), ==, away_ms[i % 5] > 4000);
        set_link(flows, 1000000, 50);
        run_seconds(flows, 2);
        gint after = estimate_kbps(flows, 0);
        g_test_message("%d kbit/s, %d ms away, then %d", before, away_ms[i % 5], after);
        g_assert_false(bwe_is_away(sim_flows_bwe(flows, 0)));
        g_assert_cmpint(after, >, before * 3 / 5);
        g_assert_cmpint(after, <, 1100);
    }
}

static void send_for(Bwe *bwe, guint16 *seq, gint64 *now_ns, guint seconds, gboolean reports)
{
    for (guint i = 0; i < seconds * 50; i++) {
        *now_ns += 20 * NS_PER_MS;
        bwe_sent(bwe, (*seq)++, 1000, BWE_PROBE_NONE, *now_ns);
        if (reports && i % 50 == 0)
            bwe_heard(bwe, 50 * NS_PER_MS, *now_ns);
        bwe_tick(bwe, *now_ns);
    }
}

/* Feedback that stops while reports say that packets arrive; then these stop too. */
static void test_reports_go_on(void)
{
    g_autoptr(Bwe) bwe = bwe_new(&bounds, NS_PER_SEC);
    g_autoptr(TwccReceiver) receiver = twcc_receiver_new();
    guint8 fci[1180];
    gint64 now_ns = NS_PER_SEC;
    guint16 seq = 0;
    send_for(bwe, &seq, &now_ns, 1, FALSE);
    for (guint16 i = 0; i < seq; i++)
        twcc_receiver_arrived(receiver, i, NS_PER_SEC + i * 20 * NS_PER_MS);
    gsize size = twcc_receiver_feedback(receiver, fci, sizeof(fci));
    bwe_feedback(bwe, fci, size, now_ns);
    gint before = bwe_estimate_bps(bwe);
    send_for(bwe, &seq, &now_ns, 20, TRUE);
    g_assert_false(bwe_is_away(bwe));
    g_assert_cmpint(bwe_estimate_bps(bwe), ==, before);
    send_for(bwe, &seq, &now_ns, 10, FALSE);
    g_assert_true(bwe_is_away(bwe));
    bwe_heard(bwe, 50 * NS_PER_MS, now_ns);
    g_assert_false(bwe_is_away(bwe));
}

/* All feedback of 300 s comes at once. */
static void test_late_feedback(void)
{
    g_autoptr(SimFlows) flows = sim_flows_new(1);
    SimFlowConfig config = { .bwe = bounds };
    set_link(flows, 1000000, 50);
    sim_flows_add(flows, &config);
    run_seconds(flows, 10);
    sim_link_hold(sim_flows_back(flows), sim_flows_now_ns(flows) + 300 * NS_PER_SEC);
    run_seconds(flows, 299);
    g_assert_cmpint(estimate_kbps(flows, 0), ==, 30);
    run_seconds(flows, 31);
    g_test_message("%d kbit/s 30 s after 300 s without feedback", estimate_kbps(flows, 0));
    g_assert_cmpint(estimate_kbps(flows, 0), >, 600);
}

/* One feedback of 300 s ago changes nothing at all. */
static void test_old_feedback(void)
{
    g_autoptr(Bwe) bwe = bwe_new(&bounds, NS_PER_SEC);
    g_autoptr(TwccReceiver) receiver = twcc_receiver_new();
    guint8 fci[1180];
    for (guint16 seq = 0; seq < 50; seq++) {
        bwe_sent(bwe, seq, 1200, BWE_PROBE_NONE, NS_PER_SEC + seq * NS_PER_MS);
        twcc_receiver_arrived(receiver, seq, NS_PER_SEC + (seq + 50) * NS_PER_MS);
    }
    gsize size = twcc_receiver_feedback(receiver, fci, sizeof(fci));
    bwe_feedback(bwe, fci, size, 301 * NS_PER_SEC);
    g_assert_cmpint(bwe_estimate_bps(bwe), ==, bounds.start_bps);
    g_assert_cmpint(bwe_rtt_ns(bwe), ==, -1);
}

/* ---- clocks and numbers ---- */

/* The receiver's clock wraps (every 12 days) and the sequence numbers do. */
static void test_wraps(void)
{
    g_autoptr(SimFlows) flows = sim_flows_new(1);
    SimFlowConfig config = { .bwe = bounds, .clock_ns = TWCC_CLOCK_WRAP_NS - 100 * NS_PER_SEC };
    set_link(flows, 3000000, 50);
    sim_flows_add(flows, &config);
    run_seconds(flows, 20);
    gint lowest = G_MAXINT;
    for (guint step = 0; step < 300; step++) {
        run_seconds(flows, 1);
        lowest = MIN(lowest, estimate_kbps(flows, 0));
    }
    g_test_message("never below %d of 3000 kbit/s", lowest);
    g_assert_cmpint(lowest, >, 2000);
}

/* A receiver that sets its clock. */
static void test_clock_jump(void)
{
    static const gint64 jumps_ns[] = { 3600 * NS_PER_SEC, 0, 10 * NS_PER_SEC, 9 * NS_PER_SEC };
    g_autoptr(SimFlows) flows = sim_flows_new(1);
    SimFlowConfig config = { .bwe = bounds, .clock_ns = 5 * NS_PER_SEC };
    set_link(flows, 1000000, 50);
    sim_flows_add(flows, &config);
    for (guint i = 0; i < G_N_ELEMENTS(jumps_ns); i++) {
        run_seconds(flows, 20);
        g_assert_cmpint(estimate_kbps(flows, 0), >, 600);
        config.clock_ns = jumps_ns[i];
        sim_flows_configure(flows, 0, &config);
    }
    run_seconds(flows, 20);
    g_assert_cmpint(estimate_kbps(flows, 0), >, 600);
}

static void test_bounds(void)
{
    g_autoptr(SimFlows) flows = sim_flows_new(1);
    SimFlowConfig config = { .bwe = { 300000, 200000, 700000 } };
    set_link(flows, 5000000, 50);
    sim_flows_add(flows, &config);
    for (guint step = 0; step < 400; step++) {
        if (step == 200)
            set_link(flows, 50000, 50);
        run_seconds(flows, 0.1);
        g_assert_cmpint(estimate_kbps(flows, 0), >=, 200);
        g_assert_cmpint(estimate_kbps(flows, 0), <=, 700);
    }
    g_assert_cmpint(estimate_kbps(flows, 0), ==, 200);
}

/* ---- a receiver that lies ---- */

static void random_feedback(GRand *random, guint8 *fci, gsize *size)
{
    *size = (gsize)g_rand_int_range(random, 0, 200);
    for (gsize byte = 0; byte < *size; byte++)
        fci[byte] = (guint8)g_rand_int(random);
    if (*size >= 12 && g_rand_boolean(random)) { /* one that parses: a run of small deltas */
        gsize count = *size - 10;
        fci[2] = 0;
        fci[3] = (guint8)count;
        fci[8] = 0x20;
        fci[9] = (guint8)count;
    }
}

static void test_forged_feedback(void)
{
    g_autoptr(Bwe) bwe = bwe_new(&bounds, 0);
    g_autoptr(GRand) random = g_rand_new_with_seed(11);
    guint8 fci[200];
    gsize size;
    BweStats stats;
    BweProbe probe = { .cluster = BWE_PROBE_NONE };
    for (guint i = 0; i < 100000; i++) {
        gint64 now_ns = i * 2 * NS_PER_MS;
        bwe_sent(bwe, (guint16)i, 1200, i % 10 ? BWE_PROBE_NONE : probe.cluster, now_ns);
        random_feedback(random, fci, &size);
        bwe_feedback(bwe, fci, size, now_ns);
        bwe_remb(bwe, (guint64)g_rand_int(random) << g_rand_int_range(random, 0, 33), now_ns);
        bwe_report(bwe, (guint8)g_rand_int(random), (gint32)g_rand_int(random), now_ns);
        bwe_tick(bwe, now_ns);
        bwe_probe(bwe, now_ns, &probe);
        g_assert_cmpint(bwe_estimate_bps(bwe), >=, bounds.min_bps);
        g_assert_cmpint(bwe_estimate_bps(bwe), <=, bounds.max_bps);
        g_assert_cmpint(bwe_loss_permille(bwe), <=, 1000);
    }
    bwe_stats(bwe, &stats);
    g_assert_cmpuint(stats.malformed, >, 10000);
    g_assert_cmpuint(stats.feedbacks, >, 10000);
    bwe_free(NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bwe/follows-capacity", test_follows_capacity);
    g_test_add_func("/bwe/feedback-intervals", test_feedback_intervals);
    g_test_add_func("/bwe/ramps-up", test_ramps_up);
    g_test_add_func("/bwe/shares-fairly", test_shares_fairly);
    g_test_add_func("/bwe/jitter", test_jitter);
    g_test_add_func("/bwe/random-loss", test_random_loss);
    g_test_add_func("/bwe/loss-and-delay", test_loss_and_delay);
    g_test_add_func("/bwe/short-queue", test_short_queue);
    g_test_add_func("/bwe/remb-dip", test_remb_dip);
    g_test_add_func("/bwe/reports-only", test_reports_only);
    g_test_add_func("/bwe/remb-only", test_remb_only);
    g_test_add_func("/bwe/next-rung-is-found", test_next_rung_is_found);
    g_test_add_func("/bwe/next-rung-does-not-fit", test_next_rung_does_not_fit);
    g_test_add_func("/bwe/no-padding", test_no_padding);
    g_test_add_func("/bwe/silence", test_silence);
    g_test_add_func("/bwe/away", test_away);
    g_test_add_func("/bwe/reports-go-on", test_reports_go_on);
    g_test_add_func("/bwe/late-feedback", test_late_feedback);
    g_test_add_func("/bwe/old-feedback", test_old_feedback);
    g_test_add_func("/bwe/wraps", test_wraps);
    g_test_add_func("/bwe/clock-jump", test_clock_jump);
    g_test_add_func("/bwe/bounds", test_bounds);
    g_test_add_func("/bwe/forged-feedback", test_forged_feedback);
    return g_test_run();
}
