/* A sequence of packets, feedback and time through the bandwidth estimator and the pacer. Each
 * record is an operation and what it needs: time to let pass, packets to push, feedback of an
 * honest receiver or any bytes at all. */
#include <math.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "rtp/bwe.h"
#include "rtp/pacer.h"
#include "rtp/twcc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_FCI 1180

enum { PUSH, ARRIVE, FEEDBACK, RAW, REMB, REPORT, ALLOCATED, WAIT, JUMP, SOUND, OPERATIONS };

typedef struct {
    Bwe *bwe;
    Pacer *pacer;
    TwccReceiver *receiver;
    ByteReader reader;
    guint16 seq, arrived;
    gint64 now_ns;
} World;

static const BweConfig bounds = { .start_bps = 300000, .min_bps = 30000, .max_bps = 8000000 };

static void no_payload(gpointer payload)
{
    g_assert_null(payload);
}

static void check(World *world)
{
    BweStats stats;
    bwe_stats(world->bwe, &stats);
    g_assert_cmpint(stats.estimate_bps, >=, bounds.min_bps);
    g_assert_cmpint(stats.estimate_bps, <=, bounds.max_bps);
    g_assert_cmpint(stats.delay_bps, >=, bounds.min_bps);
    g_assert_cmpint(stats.delay_bps, <=, bounds.max_bps);
    g_assert_cmpint(stats.loss_bps, >=, 0);
    g_assert_cmpint(stats.loss_bps, <=, bounds.max_bps);
    g_assert_cmpint(stats.acked_bps, >=, 0);
    g_assert_true(isfinite(stats.trend));
    g_assert_cmpfloat(stats.threshold_ms, >=, 6);
    g_assert_cmpfloat(stats.threshold_ms, <=, 600);
    g_assert_cmpint(bwe_loss_permille(world->bwe), >=, 0);
    g_assert_cmpint(bwe_loss_permille(world->bwe), <=, 1000);
    g_assert_cmpint(bwe_rtt_ns(world->bwe), >=, -1);
}

/* What the sending half does at each of its ticks. */
static void tick(World *world)
{
    BweProbe probe;
    PacerItem item;
    guint popped = 0;
    bwe_tick(world->bwe, world->now_ns);
    pacer_set_rate(world->pacer, bwe_estimate_bps(world->bwe));
    if (!pacer_probing(world->pacer) && bwe_probe(world->bwe, world->now_ns, &probe)) {
        g_assert_cmpint(probe.rate_bps, >, 0);
        g_assert_cmpint(probe.rate_bps, <=, bounds.max_bps);
        g_assert_cmpint(probe.duration_ns, <=, NS_PER_SEC);
        pacer_probe(world->pacer, &probe, world->now_ns);
    }
    while (pacer_pop(world->pacer, world->now_ns, &item)) {
        g_assert_cmpuint(++popped, <=, 2 * PACER_MAX_PACKETS + 1000);
        bwe_sent(world->bwe, world->seq++, item.size, item.probe_cluster, world->now_ns);
    }
    g_assert_cmpint(pacer_next_ns(world->pacer, world->now_ns), >, world->now_ns);
    g_assert_cmpint(pacer_queue_ns(world->pacer), >=, 0);
}

static void push(World *world)
{
    guint flags = byte_reader_u8(&world->reader);
    PacerKind kind = flags & 0x80 ? PACER_RETRANSMISSION : PACER_VIDEO;
    gsize bytes = byte_reader_u8(&world->reader) * (gsize)8;
    for (guint i = 0; i <= (flags & 0x3f); i++)
        pacer_push(world->pacer, kind, bytes, NULL, world->now_ns);
}

/* Packets of those that were sent arrive, or are lost, each later than now by up to 255 ms. */
static void arrive(World *world)
{
    guint lost = byte_reader_u8(&world->reader);
    gint64 delay_ns = byte_reader_u8(&world->reader) * NS_PER_MS;
    gint64 spacing_ns = byte_reader_u8(&world->reader) * 100 * NS_PER_US;
    for (guint i = 0; world->arrived != world->seq && i < 256; i++, world->arrived++) {
        if (!(lost >> (i % 8) & 1))
            twcc_receiver_arrived(world->receiver, world->arrived,
                                  world->now_ns + delay_ns + i * spacing_ns);
    }
}

static void honest_feedback(World *world)
{
    guint8 fci[MAX_FCI];
    gsize used = twcc_receiver_feedback(world->receiver, fci, sizeof(fci));
    if (used > 0)
        bwe_feedback(world->bwe, fci, used, world->now_ns);
}

/* Any bytes; the first number is against the newest that was sent, so that they are about
 * something. */
static void raw_feedback(World *world)
{
    guint8 fci[256];
    gsize wanted = byte_reader_u8(&world->reader);
    gsize got = MIN(wanted, byte_reader_left(&world->reader));
    for (gsize i = 0; i < got; i++)
        fci[i] = byte_reader_u8(&world->reader);
    if (got >= 2) {
        guint16 first = (guint16)(world->seq - fci[1]);
        fci[0] = (guint8)(first >> 8);
        fci[1] = (guint8)first;
    }
    bwe_feedback(world->bwe, fci, got, world->now_ns);
}

static void allocate(World *world)
{
    gint used_bps = byte_reader_u16(&world->reader) * 200;
    gint wanted_bps = byte_reader_u16(&world->reader) * 200;
    bwe_set_allocated(world->bwe, used_bps, wanted_bps);
}

static void step(World *world)
{
    ByteReader *reader = &world->reader;
    switch (byte_reader_u8(reader) % OPERATIONS) {
    case PUSH:
        push(world);
        break;
    case ARRIVE:
        arrive(world);
        break;
    case FEEDBACK:
        honest_feedback(world);
        break;
    case RAW:
        raw_feedback(world);
        break;
    case REMB: {
        guint64 mantissa = byte_reader_u16(reader);
        bwe_remb(world->bwe, mantissa << (byte_reader_u8(reader) % 48), world->now_ns);
        break;
    }
    case REPORT: {
        guint8 lost = byte_reader_u8(reader);
        gint64 rtt_ns = (gint16)byte_reader_u16(reader) * NS_PER_MS;
        bwe_report(world->bwe, lost, rtt_ns, world->now_ns);
        break;
    }
    case ALLOCATED:
        allocate(world);
        break;
    case WAIT:
        world->now_ns += byte_reader_u8(reader) * NS_PER_MS;
        tick(world);
        break;
    case JUMP:
        world->now_ns += byte_reader_u8(reader) * NS_PER_SEC;
        tick(world);
        break;
    case SOUND:
        pacer_account(world->pacer, 160, world->now_ns);
        bwe_sent(world->bwe, world->seq++, 160, BWE_PROBE_NONE, world->now_ns);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    World world = {
        .bwe = bwe_new(&bounds, NS_PER_SEC),
        .pacer = pacer_new(no_payload),
        .receiver = twcc_receiver_new(),
        .reader = byte_reader(data, size),
        .now_ns = NS_PER_SEC,
    };
    while (byte_reader_left(&world.reader) > 0) {
        step(&world);
        check(&world);
    }
    bwe_free(world.bwe);
    pacer_free(world.pacer);
    twcc_receiver_free(world.receiver);
    return 0;
}
