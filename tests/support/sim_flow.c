#include "support/sim_flow.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "rtp/twcc.h"

#define MAX_FLOWS    8
#define STEP_NS      NS_PER_MS
#define FRAME_NS     (NS_PER_SEC / 30)
#define SOUND_NS     (20 * NS_PER_MS)
#define FEEDBACK_NS  (100 * NS_PER_MS)
#define REPORT_NS    NS_PER_SEC
#define REMB_NS      (500 * NS_PER_MS)
#define TICK_NS      (25 * NS_PER_MS)
#define PACKET_SIZE  1200
#define MAX_QUEUE_NS (250 * NS_PER_MS)
#define MAX_FEEDBACK 1180

enum { DATA, TWCC, REPORT, REMB };

typedef struct {
    SimFlowConfig config;
    Bwe *bwe;
    Pacer *pacer;
    TwccReceiver *receiver;
    guint16 seq;
    gint64 next_frame_ns, next_sound_ns, next_pace_ns, next_tick_ns;
    gint64 next_feedback_ns, next_report_ns, next_remb_ns;
    gint64 pacer_ns;
    guint64 received, padding;
    guint32 newest_sent_ms; /* of the newest that arrived */
    gint64 newest_arrival_ns;
    gint64 highest;          /* number that arrived */
    guint arrived;           /* since the last report ... */
    gint64 reported_highest; /* ... which was up to this number */
} Flow;

struct SimFlows {
    SimLink *there, *back;
    GRand *random;
    Flow flows[MAX_FLOWS];
    guint count;
    gint64 now_ns;
};

SimFlows *sim_flows_new(guint32 seed)
{
    SimFlows *flows = g_new0(SimFlows, 1);
    flows->there = sim_link_new(seed);
    flows->back = sim_link_new(seed + 1);
    flows->random = g_rand_new_with_seed(seed + 2);
    flows->now_ns = NS_PER_SEC;
    return flows;
}

void sim_flows_free(SimFlows *flows)
{
    if (!flows)
        return;
    for (guint i = 0; i < flows->count; i++) {
        bwe_free(flows->flows[i].bwe);
        pacer_free(flows->flows[i].pacer);
        twcc_receiver_free(flows->flows[i].receiver);
    }
    sim_link_free(flows->there);
    sim_link_free(flows->back);
    g_rand_free(flows->random);
    g_free(flows);
}

SimLink *sim_flows_there(SimFlows *flows)
{
    return flows->there;
}

SimLink *sim_flows_back(SimFlows *flows)
{
    return flows->back;
}

static void no_payload(gpointer payload)
{
    g_assert_null(payload);
}

guint sim_flows_add(SimFlows *flows, const SimFlowConfig *config)
{
    g_assert_cmpuint(flows->count, <, MAX_FLOWS);
    gint64 start_ns = MAX(config->start_ns, flows->now_ns);
    Flow *flow = &flows->flows[flows->count];
    *flow = (Flow){
        .bwe = bwe_new(&config->bwe, start_ns),
        .pacer = pacer_new(no_payload),
        .receiver = twcc_receiver_new(),
        .next_frame_ns = start_ns,
        .next_sound_ns = start_ns,
        .next_pace_ns = start_ns,
        .next_tick_ns = start_ns,
        .next_feedback_ns = start_ns,
        .next_report_ns = start_ns + REPORT_NS,
        .next_remb_ns = start_ns,
        .highest = -1,
        .reported_highest = -1,
    };
    sim_flows_configure(flows, flows->count, config);
    return flows->count++;
}

void sim_flows_configure(SimFlows *flows, guint number, const SimFlowConfig *config)
{
    Flow *flow = &flows->flows[number];
    flow->config = *config;
    bwe_set_allocated(flow->bwe, config->app_bps, config->wanted_bps);
}

/* ---- sending ---- */

static void make_frame(SimFlows *flows, Flow *flow)
{
    gint bps = bwe_estimate_bps(flow->bwe);
    if (flow->config.app_bps)
        bps = MIN(bps, flow->config.app_bps);
    bps = MAX(bps - flow->config.sound_bps, 10000);
    if (pacer_queue_ns(flow->pacer) > MAX_QUEUE_NS)
        return; /* the encoder leaves frames out */
    gsize left = (gsize)(bps / 8.0 / 30 * g_rand_double_range(flows->random, 0.8, 1.2));
    for (guint packets = (guint)(left / PACKET_SIZE) + 1; packets > 0; packets--) {
        gsize size = MAX(left / packets, 20);
        pacer_push(flow->pacer, PACER_VIDEO, size, NULL, flows->now_ns);
        left -= MIN(size, left);
    }
}

static void send_packet(SimFlows *flows, Flow *flow, gsize size, gint cluster)
{
    guint8 packet[PACKET_SIZE + 64] = { 0 };
    ByteWriter writer = byte_writer(packet, sizeof(packet));
    byte_writer_u8(&writer, (guint8)(flow - flows->flows));
    byte_writer_u16(&writer, flow->seq);
    byte_writer_u32(&writer, (guint32)(flows->now_ns / NS_PER_MS));
    bwe_sent(flow->bwe, flow->seq++, size, cluster, flows->now_ns);
    sim_link_send(flows->there, packet, size, flows->now_ns);
}

static void send_sound(SimFlows *flows, Flow *flow)
{
    gsize size = (gsize)flow->config.sound_bps / 8 / 50;
    pacer_account(flow->pacer, size, flows->now_ns);
    send_packet(flows, flow, size, BWE_PROBE_NONE);
}

static void pace(SimFlows *flows, Flow *flow)
{
    BweProbe probe;
    PacerItem item;
    pacer_set_rate(flow->pacer, bwe_estimate_bps(flow->bwe));
    if (!pacer_probing(flow->pacer) && bwe_probe(flow->bwe, flows->now_ns, &probe))
        pacer_probe(flow->pacer, &probe, flows->now_ns);
    while (pacer_pop(flow->pacer, flows->now_ns, &item)) {
        if (item.kind == PACER_PADDING && flow->config.no_padding)
            continue;
        if (item.kind == PACER_PADDING)
            flow->padding += item.size;
        flow->pacer_ns = MAX(flow->pacer_ns, flows->now_ns - item.enqueued_ns);
        send_packet(flows, flow, item.size, item.probe_cluster);
    }
}

static void send_due(SimFlows *flows, Flow *flow)
{
    if (flows->now_ns >= flow->next_tick_ns) {
        flow->next_tick_ns += TICK_NS;
        bwe_tick(flow->bwe, flows->now_ns);
    }
    if (flow->config.sound_bps && flows->now_ns >= flow->next_sound_ns) {
        flow->next_sound_ns += SOUND_NS;
        send_sound(flows, flow);
    }
    if (flows->now_ns >= flow->next_frame_ns) {
        flow->next_frame_ns += FRAME_NS;
        make_frame(flows, flow);
    }
    if (flows->now_ns >= flow->next_pace_ns) {
        flow->next_pace_ns += PACER_TICK_NS;
        pace(flows, flow);
    }
}

/* ---- receiving ---- */

static void take_data(SimFlows *flows)
{
    gint64 arrival_ns;
    for (GBytes *bytes; (bytes = sim_link_receive(flows->there, flows->now_ns, &arrival_ns));) {
        gsize size;
        const guint8 *data = g_bytes_get_data(bytes, &size);
        ByteReader reader = byte_reader(data, size);
        Flow *flow = &flows->flows[byte_reader_u8(&reader)];
        guint16 seq = byte_reader_u16(&reader);
        flow->newest_sent_ms = byte_reader_u32(&reader);
        flow->newest_arrival_ns = arrival_ns;
        twcc_receiver_arrived(flow->receiver, seq, arrival_ns + flow->config.clock_ns);
        gint64 newest = MAX(flow->highest, 0);
        newest += (gint16)(guint16)(seq - (guint16)newest);
        flow->highest = MAX(flow->highest, newest);
        flow->arrived++;
        flow->received += size;
        g_bytes_unref(bytes);
    }
}

static void send_back(SimFlows *flows, Flow *flow, guint8 kind, const guint8 *body, gsize size)
{
    guint8 packet[MAX_FEEDBACK + 2] = { (guint8)(flow - flows->flows), kind };
    memcpy(packet + 2, body, size);
    sim_link_send(flows->back, packet, size + 2, flows->now_ns);
}

static void report_loss(SimFlows *flows, Flow *flow)
{
    gint64 expected = flow->highest - flow->reported_highest;
    gint64 lost = MAX(expected - flow->arrived, 0);
    guint8 fraction = expected > 0 ? (guint8)MIN(lost * 256 / expected, 255) : 0;
    flow->reported_highest = flow->highest;
    flow->arrived = 0;
    guint8 body[8] = { 0 };
    ByteWriter writer = byte_writer(body, sizeof(body));
    byte_writer_u8(&writer, fraction);
    byte_writer_u32(&writer, flow->newest_sent_ms);
    byte_writer_u16(&writer, (guint16)((flows->now_ns - flow->newest_arrival_ns) / NS_PER_MS));
    send_back(flows, flow, REPORT, body, writer.pos);
}

static void report_due(SimFlows *flows, Flow *flow)
{
    gint64 interval_ns = flow->config.feedback_ns ? flow->config.feedback_ns : FEEDBACK_NS;
    guint8 body[MAX_FEEDBACK];
    if (flows->now_ns >= flow->next_feedback_ns && !flow->config.no_twcc) {
        flow->next_feedback_ns = flows->now_ns + interval_ns;
        gsize size = twcc_receiver_feedback(flow->receiver, body, sizeof(body));
        if (size > 0)
            send_back(flows, flow, TWCC, body, size);
    }
    if (flows->now_ns >= flow->next_report_ns) {
        flow->next_report_ns = flows->now_ns + REPORT_NS;
        report_loss(flows, flow);
    }
    if (flow->config.remb_bps && flows->now_ns >= flow->next_remb_ns) {
        flow->next_remb_ns = flows->now_ns + REMB_NS;
        ByteWriter writer = byte_writer(body, sizeof(body));
        byte_writer_u32(&writer, (guint32)flow->config.remb_bps);
        send_back(flows, flow, REMB, body, writer.pos);
    }
}

/* As a report block has it: when what it answers was sent, and how long it was held. */
static void take_report(Bwe *bwe, ByteReader body, gint64 now_ns)
{
    guint8 fraction = byte_reader_u8(&body);
    gint64 sent_ns = byte_reader_u32(&body) * NS_PER_MS;
    gint64 held_ns = byte_reader_u16(&body) * NS_PER_MS;
    bwe_report(bwe, fraction, sent_ns > 0 ? now_ns - sent_ns - held_ns : -1, now_ns);
}

static void take_feedback(SimFlows *flows)
{
    gint64 arrival_ns;
    for (GBytes *bytes; (bytes = sim_link_receive(flows->back, flows->now_ns, &arrival_ns));) {
        gsize size;
        const guint8 *data = g_bytes_get_data(bytes, &size);
        Bwe *bwe = flows->flows[data[0]].bwe;
        ByteReader body = byte_reader(data + 2, size - 2);
        if (data[1] == TWCC)
            bwe_feedback(bwe, data + 2, size - 2, flows->now_ns);
        else if (data[1] == REPORT)
            take_report(bwe, body, flows->now_ns);
        else
            bwe_remb(bwe, byte_reader_u32(&body), flows->now_ns);
        g_bytes_unref(bytes);
    }
}

/* ---- time ---- */

void sim_flows_run(SimFlows *flows, gint64 until_ns)
{
    for (; flows->now_ns < until_ns; flows->now_ns += STEP_NS) {
        take_data(flows);
        take_feedback(flows);
        for (guint i = 0; i < flows->count; i++) {
            send_due(flows, &flows->flows[i]);
            report_due(flows, &flows->flows[i]);
        }
    }
}

gint64 sim_flows_now_ns(const SimFlows *flows)
{
    return flows->now_ns;
}

Bwe *sim_flows_bwe(SimFlows *flows, guint flow)
{
    return flows->flows[flow].bwe;
}

guint64 sim_flows_received(const SimFlows *flows, guint flow)
{
    return flows->flows[flow].received;
}

guint64 sim_flows_padding(const SimFlows *flows, guint flow)
{
    return flows->flows[flow].padding;
}

gint64 sim_flows_take_pacer_ns(SimFlows *flows, guint number)
{
    Flow *flow = &flows->flows[number];
    gint64 longest_ns = flow->pacer_ns;
    flow->pacer_ns = 0;
    return longest_ns;
}
