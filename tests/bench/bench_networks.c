/* What the bandwidth estimator does on networks, as CSV: bench_networks SCENARIO. Simulated time,
 * the same numbers at each run. scripts/networks draws them. */

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "support/sim_flow.h"

#define SAMPLE_NS (100 * NS_PER_MS)
#define SEED      1

/* From this second on, the network and the senders are like that. */
typedef struct {
    guint at_s;
    guint rate_kbps, delay_ms, jitter_ms;
    gdouble loss;
    guint remb_kbps, wanted_kbps;
    gboolean stuck;
} Phase;

typedef struct {
    const char *name;
    guint duration_s;
    guint second_s; /* when a second sender comes; 0: never */
    guint app_kbps; /* what is sent by choice; 0: all that the estimate allows */
    Phase phases[4];
} Scenario;

static const Scenario scenarios[] = {
    { "capacity",
      95,
      0,
      0,
      { { 0, 500, 100, 0, 0, 0, 0, 0 },
        { 25, 800, 100, 0, 0, 0, 0, 0 },
        { 45, 100, 200, 0, 0, 0, 0, 0 } } },
    { "start", 10, 0, 0, { { 0, 3000, 50, 0, 0, 0, 0, 0 } } },
    { "loss", 60, 0, 0, { { 0, 2000, 50, 0, 0.2, 0, 0, 0 } } },
    { "mobile", 60, 0, 0, { { 0, 2000, 200, 0, 0.1, 0, 0, 0 } } },
    { "jitter", 60, 0, 0, { { 0, 2000, 50, 30, 0, 0, 0, 0 } } },
    { "sharing", 120, 20, 0, { { 0, 1000, 50, 0, 0, 0, 0, 0 } } },
    { "remb",
      40,
      0,
      0,
      { { 0, 2000, 50, 0, 0, 0, 0, 0 },
        { 10, 2000, 50, 0, 0, 250, 0, 0 },
        { 20, 2000, 50, 0, 0, 4000, 0, 0 } } },
    { "outage",
      50,
      0,
      0,
      { { 0, 1000, 50, 0, 0, 0, 0, 0 },
        { 15, 1000, 50, 0, 0, 0, 0, TRUE },
        { 25, 1000, 50, 0, 0, 0, 0, 0 } } },
    { "rung", 40, 0, 120, { { 0, 5000, 50, 0, 0, 0, 120, 0 }, { 10, 5000, 50, 0, 0, 0, 400, 0 } } },
};

static gboolean is_last(const Scenario *scenario, guint i)
{
    return i + 1 == G_N_ELEMENTS(scenario->phases) || scenario->phases[i + 1].at_s == 0;
}

static const Phase *phase_at(const Scenario *scenario, guint second)
{
    guint i = 0;
    while (!is_last(scenario, i) && scenario->phases[i + 1].at_s <= second)
        i++;
    return &scenario->phases[i];
}

static gint64 phase_end_ns(const Scenario *scenario, const Phase *phase)
{
    guint i = (guint)(phase - scenario->phases);
    guint end_s = is_last(scenario, i) ? scenario->duration_s : scenario->phases[i + 1].at_s;
    return (end_s + 1) * NS_PER_SEC;
}

static void begin_phase(SimFlows *flows, const Scenario *scenario, const Phase *phase)
{
    SimLinkConfig there = { .rate_bps = phase->rate_kbps * 1000,
                            .delay_ns = phase->delay_ms * NS_PER_MS,
                            .jitter_ns = phase->jitter_ms * NS_PER_MS,
                            .loss = phase->loss };
    SimLinkConfig back = { .delay_ns = phase->delay_ms * NS_PER_MS };
    SimFlowConfig config = { .bwe = { 300000, 30000, 10000000 },
                             .app_bps = (gint)scenario->app_kbps * 1000,
                             .wanted_bps = (gint)phase->wanted_kbps * 1000,
                             .remb_bps = (gint64)phase->remb_kbps * 1000 };
    sim_link_configure(sim_flows_there(flows), &there);
    sim_link_configure(sim_flows_back(flows), &back);
    if (phase->stuck)
        sim_link_hold(sim_flows_there(flows), phase_end_ns(scenario, phase));
    if (phase->at_s == 0)
        sim_flows_add(flows, &config);
    else
        sim_flows_configure(flows, 0, &config);
}

/* seconds, capacity, and of each sender its estimate and what arrived of it in the last second. */
static void run(const Scenario *scenario)
{
    g_autoptr(SimFlows) flows = sim_flows_new(SEED);
    const SimFlowConfig second = { .bwe = { 300000, 30000, 10000000 } };
    const Phase *phase = NULL;
    guint64 received[2][10] = { { 0 } };
    guint senders = scenario->second_s ? 2 : 1;
    gboolean has_second = FALSE;
    printf("seconds,capacity,estimate,received%s\n",
           scenario->second_s ? ",estimate 2,received 2" : "");
    for (guint i = 0; i < scenario->duration_s * 10; i++) {
        const Phase *now = phase_at(scenario, i / 10);
        if (now != phase)
            begin_phase(flows, scenario, now);
        phase = now;
        if (scenario->second_s && !has_second && i / 10 >= scenario->second_s) {
            sim_flows_add(flows, &second);
            has_second = TRUE;
        }
        sim_flows_run(flows, sim_flows_now_ns(flows) + SAMPLE_NS);
        printf("%.1f,%u", (i + 1) / 10.0, phase->stuck ? 0 : phase->rate_kbps);
        for (guint flow = 0; flow < senders; flow++) {
            gboolean here = flow == 0 || has_second;
            guint64 total = here ? sim_flows_received(flows, flow) : 0;
            gint estimate = here ? bwe_estimate_bps(sim_flows_bwe(flows, flow)) / 1000 : 0;
            printf(",%d,%" G_GUINT64_FORMAT, estimate, (total - received[flow][i % 10]) * 8 / 1000);
            received[flow][i % 10] = total;
        }
        printf("\n");
    }
}

int main(int argc, char **argv)
{
    for (guint i = 0; argc == 2 && i < G_N_ELEMENTS(scenarios); i++) {
        if (strcmp(scenarios[i].name, argv[1]) == 0) {
            run(&scenarios[i]);
            return 0;
        }
    }
    fprintf(stderr, "Name one scenario:");
    for (guint i = 0; i < G_N_ELEMENTS(scenarios); i++)
        fprintf(stderr, " %s", scenarios[i].name);
    fprintf(stderr, "\n");
    return 2;
}
