#include "rtp/pacer.h"

#include "base/clock.h"

#define BPS 1000000

static guint freed;

static void count_freed(gpointer payload)
{
    g_assert_nonnull(payload);
    freed++;
}

static Pacer *new_pacer(gint bps)
{
    Pacer *pacer = pacer_new(count_freed);
    pacer_set_rate(pacer, bps);
    freed = 0;
    return pacer;
}

static void push(Pacer *pacer, PacerKind kind, guint count, gsize size, gint64 now_ns)
{
    for (guint i = 0; i < count; i++)
        pacer_push(pacer, kind, size, GUINT_TO_POINTER(i + 1), now_ns);
}

static guint pop_all(Pacer *pacer, gint64 now_ns)
{
    guint count = 0;
    PacerItem item;
    while (pacer_pop(pacer, now_ns, &item))
        count++;
    return count;
}

/* 1 Mbit/s is 4167 bytes for each 33 ms. */
static void test_ordinary_frame_at_once(void)
{
    g_autoptr(Pacer) pacer = new_pacer(BPS);
    gint64 now_ns = NS_PER_SEC;
    for (guint frame = 0; frame < 100; frame++, now_ns += NS_PER_SEC / 30) {
        push(pacer, PACER_VIDEO, 4, 1040, now_ns);
        g_assert_cmpint(pacer_next_ns(pacer, now_ns), ==, now_ns);
        g_assert_cmpuint(pop_all(pacer, now_ns), ==, 4);
        g_assert_cmpint(pacer_next_ns(pacer, now_ns), ==, G_MAXINT64);
    }
}

/* A key frame of 60 kB: 40 ms at 2.5 Mbit/s go at once, the rest at that pace: 192 ms in all. */
static void test_key_frame_is_spread(void)
{
    g_autoptr(Pacer) pacer = new_pacer(BPS);
    gint64 start_ns = NS_PER_SEC, now_ns = start_ns;
    push(pacer, PACER_VIDEO, 50, 1200, now_ns);
    g_assert_cmpint(pacer_queue_ns(pacer), ==, 480 * NS_PER_MS);
    guint sent = pop_all(pacer, now_ns);
    g_assert_cmpuint(sent, >=, 10);
    g_assert_cmpuint(sent, <=, 12);
    while (sent < 50) {
        gint64 next_ns = pacer_next_ns(pacer, now_ns);
        g_assert_cmpint(next_ns, >, now_ns);
        g_assert_cmpint(next_ns, <, now_ns + PACER_TICK_NS);
        now_ns += PACER_TICK_NS;
        guint count = pop_all(pacer, now_ns);
        g_assert_cmpuint(count, <=, 3);
        sent += count;
    }
    g_assert_cmpint(now_ns - start_ns, >=, 140 * NS_PER_MS);
    g_assert_cmpint(now_ns - start_ns, <=, 200 * NS_PER_MS);
}

/* Sound goes past the queue; what it takes, the pictures have not. */
static void test_sound_is_accounted(void)
{
    g_autoptr(Pacer) pacer = new_pacer(BPS);
    gint64 now_ns = NS_PER_SEC;
    push(pacer, PACER_VIDEO, 50, 1200, now_ns);
    pacer_account(pacer, 6000, now_ns);
    guint with_sound = pop_all(pacer, now_ns);
    g_assert_cmpuint(with_sound, >=, 5);
    g_assert_cmpuint(with_sound, <=, 7);

    /* However much of it there is, pictures go on within 100 ms. */
    for (guint i = 0; i < 1000; i++)
        pacer_account(pacer, 1200, now_ns);
    g_assert_cmpint(pacer_next_ns(pacer, now_ns), <=, now_ns + 100 * NS_PER_MS);
}

static void test_retransmissions_first(void)
{
    g_autoptr(Pacer) pacer = new_pacer(BPS);
    PacerItem item;
    push(pacer, PACER_VIDEO, 2, 1000, NS_PER_SEC);
    push(pacer, PACER_RETRANSMISSION, 2, 900, NS_PER_SEC + 1);
    for (guint i = 0; i < 4; i++) {
        g_assert_true(pacer_pop(pacer, NS_PER_SEC + 2, &item));
        g_assert_cmpint(item.kind, ==, i < 2 ? PACER_RETRANSMISSION : PACER_VIDEO);
        g_assert_cmpuint(item.size, ==, i < 2 ? 900 : 1000);
        g_assert_cmpuint(GPOINTER_TO_UINT(item.payload), ==, i % 2 + 1);
        g_assert_cmpint(item.probe_cluster, ==, BWE_PROBE_NONE);
    }
}

/* A path that takes nothing any more: the queue is bounded by time and count, and is freed. */
static void test_bounded(void)
{
    Pacer *pacer = new_pacer(1000);
    gint64 now_ns = NS_PER_SEC;
    PacerStats stats;
    guint sent = pop_all(pacer, now_ns);
    for (guint i = 0; i < 3000; i++, now_ns += 2 * NS_PER_MS) {
        push(pacer, PACER_VIDEO, 1, 1200, now_ns);
        sent += pop_all(pacer, now_ns);
        pacer_stats(pacer, &stats);
        g_assert_cmpuint(stats.waiting, <=, 1001); /* 2 s of them */
    }
    g_assert_cmpint(pacer_queue_ns(pacer), >, 500 * NS_PER_MS);
    g_assert_cmpuint(stats.dropped, ==, freed);
    push(pacer, PACER_RETRANSMISSION, 5, 100, now_ns);
    pacer_drop_video(pacer);
    pacer_stats(pacer, &stats);
    g_assert_cmpuint(stats.waiting, ==, 5);
    g_assert_cmpuint(freed + sent, ==, 3000);

    push(pacer, PACER_VIDEO, PACER_MAX_PACKETS + 10, 1200, now_ns);
    g_assert_cmpuint(freed + sent, ==, 3010);
    pacer_free(pacer);
    g_assert_cmpuint(freed + sent, ==, 3010 + PACER_MAX_PACKETS + 5);
    pacer_free(NULL);
}

/* Ticks that come late: the pace is kept on average, and never is more than a burst sent at once.
 */
static void test_late_ticks(void)
{
    g_autoptr(Pacer) pacer = new_pacer(BPS);
    gint64 now_ns = NS_PER_SEC;
    push(pacer, PACER_VIDEO, 500, 1200, now_ns);
    guint sent = pop_all(pacer, now_ns);
    for (guint i = 0; i < 6; i++) {
        now_ns += 200 * NS_PER_MS;
        guint count = pop_all(pacer, now_ns);
        g_assert_cmpuint(count, <=, 12);
        sent += count;
    }
    g_assert_cmpuint(sent, >=, 70);
}

typedef struct {
    guint packets;
    gsize bytes;
    gint64 last_ns;
} Sent;

/* At every tick until the probe is through; everything must belong to it. */
static Sent send_probe(Pacer *pacer, const BweProbe *probe, gint64 now_ns)
{
    Sent sent = { 0 };
    PacerItem item;
    pacer_probe(pacer, probe, now_ns);
    for (gint64 end_ns = now_ns + NS_PER_SEC; pacer_probing(pacer) && now_ns < end_ns;
         now_ns += PACER_TICK_NS) {
        while (pacer_probing(pacer) && pacer_pop(pacer, now_ns, &item)) {
            g_assert_cmpint(item.probe_cluster, ==, probe->cluster);
            g_assert_cmpint(item.kind, ==, item.payload ? PACER_VIDEO : PACER_PADDING);
            sent.packets++;
            sent.bytes += item.size;
            sent.last_ns = now_ns;
        }
    }
    return sent;
}

static void test_probe_is_padded(void)
{
    static const BweProbe probe = { 3, 2000000, 5, 7500, 30 * NS_PER_MS };
    g_autoptr(Pacer) pacer = new_pacer(120000);
    push(pacer, PACER_VIDEO, 2, 500, NS_PER_SEC);
    Sent sent = send_probe(pacer, &probe, NS_PER_SEC);
    g_assert_cmpuint(sent.packets, >=, 7);
    g_assert_cmpuint(sent.packets, <=, 8);
    g_assert_cmpuint(sent.bytes, >=, 7500);
    g_assert_cmpuint(sent.bytes, <=, 7500 + PACER_MAX_PADDING);
    g_assert_cmpint(sent.last_ns - NS_PER_SEC, >=, 20 * NS_PER_MS);
    g_assert_cmpint(sent.last_ns - NS_PER_SEC, <=, 30 * NS_PER_MS);
    PacerStats stats;
    pacer_stats(pacer, &stats);
    g_assert_cmpuint(stats.padding_bytes, ==, sent.bytes - 1000);
    g_assert_cmpuint(stats.packets, ==, sent.packets);
}

/* A slow path is probed with small packets, for no longer than it must be. */
static void test_small_probe(void)
{
    static const BweProbe probe = { 1, 100000, 5, 1000, 80 * NS_PER_MS };
    g_autoptr(Pacer) pacer = new_pacer(50000);
    Sent sent = send_probe(pacer, &probe, NS_PER_SEC);
    g_assert_cmpuint(sent.packets, ==, 5);
    g_assert_cmpuint(sent.bytes, ==, 1000);
    g_assert_cmpint(sent.last_ns - NS_PER_SEC, >=, 55 * NS_PER_MS);
}

/* A tick that comes much too late does not make a burst of the whole probe. */
static void test_late_probe(void)
{
    static const BweProbe probe = { 1, 2000000, 5, 25000, 100 * NS_PER_MS };
    g_autoptr(Pacer) pacer = new_pacer(50000);
    pacer_probe(pacer, &probe, NS_PER_SEC);
    guint at_once = pop_all(pacer, NS_PER_SEC);
    g_assert_cmpuint(at_once, <=, 2);
    g_assert_cmpuint(pop_all(pacer, NS_PER_SEC + 90 * NS_PER_MS), <=, 4); /* 15 ms of it */
    g_assert_true(pacer_probing(pacer));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pacer/ordinary-frame-at-once", test_ordinary_frame_at_once);
    g_test_add_func("/pacer/key-frame-is-spread", test_key_frame_is_spread);
    g_test_add_func("/pacer/sound-is-accounted", test_sound_is_accounted);
    g_test_add_func("/pacer/retransmissions-first", test_retransmissions_first);
    g_test_add_func("/pacer/bounded", test_bounded);
    g_test_add_func("/pacer/late-ticks", test_late_ticks);
    g_test_add_func("/pacer/probe-is-padded", test_probe_is_padded);
    g_test_add_func("/pacer/small-probe", test_small_probe);
    g_test_add_func("/pacer/late-probe", test_late_probe);
    return g_test_run();
}
