#pragma once

#include "rtp/bwe.h"
#include "rtp/pacer.h"
#include "support/sim_link.h"

/* Senders whose rate follows their estimate, over one simulated path: source, pacer, link,
 * receiver, feedback. Deterministic for a seed, in simulated time. Not thread-safe. */

typedef struct {
    BweConfig bwe;
    gint app_bps;        /* no more is sent than that; 0: what the estimate allows */
    gint sound_bps;      /* of that, in packets of 20 ms past the pacer */
    gint wanted_bps;     /* see bwe_set_allocated(); 0: not known */
    gboolean no_padding; /* probes have to do with what is sent anyway */
    gboolean no_twcc;    /* the receiver reports loss once a second */
    gint64 remb_bps;     /* 0: none; sent every 500 ms */
    gint64 start_ns;
    gint64 clock_ns;    /* the receiver's clock is ahead by that */
    gint64 feedback_ns; /* 0: every 100 ms */
} SimFlowConfig;

typedef struct SimFlows SimFlows;

SimFlows *sim_flows_new(guint32 seed);
void sim_flows_free(SimFlows *flows);

/** The path there, that all share, and the path back. May be changed at any time. */
SimLink *sim_flows_there(SimFlows *flows);
SimLink *sim_flows_back(SimFlows *flows);

/** Returns its number: 0, 1, ... at most 7. */
guint sim_flows_add(SimFlows *flows, const SimFlowConfig *config);
void sim_flows_configure(SimFlows *flows, guint flow, const SimFlowConfig *config);

/** Advance to until_ns; the time begins at 1 s. */
void sim_flows_run(SimFlows *flows, gint64 until_ns);

gint64 sim_flows_now_ns(const SimFlows *flows);
Bwe *sim_flows_bwe(SimFlows *flows, guint flow);
/** Bytes that came through so far, with padding. */
guint64 sim_flows_received(const SimFlows *flows, guint flow);
guint64 sim_flows_padding(const SimFlows *flows, guint flow);
/** The longest that a packet of the source waited in the pacer, since the last call. */
gint64 sim_flows_take_pacer_ns(SimFlows *flows, guint flow);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimFlows, sim_flows_free)
