#include "io/packet_queue.h"

#include "base/clock.h"

#define VIDEO 0
#define AUDIO 1

static gboolean push(PacketQueue *queue, guint stream, gint64 dts, gboolean key, int size)
{
    AVPacket *packet = av_packet_alloc();
    g_assert_cmpint(av_new_packet(packet, size), ==, 0);
    packet->dts = packet->pts = dts;
    packet->flags = key ? AV_PKT_FLAG_KEY : 0;
    gboolean complete = packet_queue_push(queue, stream, stream != AUDIO, packet);
    av_packet_free(&packet);
    return complete;
}

/** The dts of the next packet, or -1. */
static gint64 pop(PacketQueue *queue, guint *stream)
{
    AVPacket *packet = av_packet_alloc();
    gint64 dts = packet_queue_pop(queue, packet, stream, 0) ? packet->dts : -1;
    av_packet_free(&packet);
    return dts;
}

static void test_order(void)
{
    g_autoptr(PacketQueue) queue = packet_queue_new(1000, 100000);
    guint stream = 9;
    g_assert_true(push(queue, VIDEO, 1, TRUE, 10));
    g_assert_true(push(queue, AUDIO, 2, TRUE, 10));
    g_assert_cmpint(pop(queue, &stream), ==, 1);
    g_assert_cmpuint(stream, ==, VIDEO);
    g_assert_cmpint(pop(queue, &stream), ==, 2);
    g_assert_cmpuint(stream, ==, AUDIO);
    g_assert_cmpint(pop(queue, &stream), ==, -1);
    g_assert_cmpuint(packet_queue_dropped(queue), ==, 0);
}

/** When the time is full, pictures are left out until a key frame finds room. */
static void test_span(void)
{
    g_autoptr(PacketQueue) queue = packet_queue_new(100, 1 << 20);
    guint stream;
    for (gint64 dts = 0; dts <= 100; dts += 10)
        g_assert_true(push(queue, VIDEO, dts, dts == 0, 10));
    g_assert_false(push(queue, VIDEO, 110, FALSE, 10));
    g_assert_false(push(queue, VIDEO, 120, TRUE, 10));
    for (gint64 dts = 0; dts <= 50; dts += 10)
        g_assert_cmpint(pop(queue, &stream), ==, dts);
    g_assert_false(push(queue, VIDEO, 130, FALSE, 10)); /* room, but no key frame */
    g_assert_true(push(queue, VIDEO, 140, TRUE, 10));
    g_assert_true(push(queue, VIDEO, 150, FALSE, 10));
    for (gint64 dts = 60; dts <= 100; dts += 10)
        g_assert_cmpint(pop(queue, &stream), ==, dts);
    g_assert_cmpint(pop(queue, &stream), ==, 140);
    g_assert_cmpint(pop(queue, &stream), ==, 150);
    g_assert_cmpuint(packet_queue_dropped(queue), ==, 3);
}

/** When the bytes are full, pictures give way to sound, a whole GOP at a time. */
static void test_bytes(void)
{
    g_autoptr(PacketQueue) queue = packet_queue_new(G_MAXINT32, 10000);
    guint stream;
    for (gint64 i = 0; i < 6; i++)
        g_assert_true(push(queue, VIDEO, i * 10, i % 3 == 0, 1200));
    g_assert_true(push(queue, AUDIO, 60, TRUE, 500));
    g_assert_false(push(queue, AUDIO, 61, TRUE, 500));
    g_assert_cmpuint(packet_queue_dropped(queue), ==, 3);
    g_assert_cmpint(pop(queue, &stream), ==, 30);
    g_assert_cmpint(pop(queue, &stream), ==, 40);
    g_assert_cmpint(pop(queue, &stream), ==, 50);
    g_assert_cmpint(pop(queue, &stream), ==, 60);
    g_assert_cmpint(pop(queue, &stream), ==, 61);
    g_assert_false(push(queue, AUDIO, 70, TRUE, 20000));
}

/** Sound alone keeps the newest; it is bounded in both ways. */
static void test_sound_alone(void)
{
    g_autoptr(PacketQueue) queue = packet_queue_new(200, 1 << 20);
    guint stream, n = 0;
    for (gint64 dts = 0; dts < 1000; dts += 20)
        push(queue, AUDIO, dts, TRUE, 10);
    g_assert_cmpint(pop(queue, &stream), ==, 780);
    while (pop(queue, &stream) >= 0)
        n++;
    g_assert_cmpuint(n, ==, 10);
}

/** Packets without data cost something, too. */
static void test_empty_packets(void)
{
    g_autoptr(PacketQueue) queue = packet_queue_new(G_MAXINT32, 10000);
    guint accepted = 0;
    for (gint64 dts = 0; dts < 1000; dts++)
        accepted += push(queue, VIDEO, dts, TRUE, 0) ? 1 : 0;
    g_assert_cmpuint(accepted, <, 50);
}

/** One stream that waits for its key frame does not hold up another. */
static void test_streams_apart(void)
{
    g_autoptr(PacketQueue) queue = packet_queue_new(100, 1 << 20);
    guint stream;
    g_assert_true(push(queue, VIDEO, 0, TRUE, 10));
    g_assert_true(push(queue, 2, 0, TRUE, 10));
    g_assert_false(push(queue, VIDEO, 150, FALSE, 10));
    g_assert_cmpint(pop(queue, &stream), ==, 0);
    g_assert_cmpint(pop(queue, &stream), ==, 0);
    g_assert_false(push(queue, VIDEO, 160, FALSE, 10));
    g_assert_true(push(queue, 2, 160, FALSE, 10));
    g_assert_cmpint(pop(queue, &stream), ==, 160);
    g_assert_cmpuint(stream, ==, 2);
}

static void test_clock_begins_anew(void)
{
    g_autoptr(PacketQueue) queue = packet_queue_new(100, 1 << 20);
    guint stream;
    g_assert_true(push(queue, VIDEO, 1000000, TRUE, 10));
    for (gint64 dts = 0; dts <= 90; dts += 10)
        g_assert_true(push(queue, VIDEO, dts, dts == 0, 10));
    g_assert_cmpint(pop(queue, &stream), ==, 1000000);
    g_assert_true(push(queue, VIDEO, 100, FALSE, 10));
    g_assert_false(push(queue, VIDEO, 110, FALSE, 10));
}

static void test_flush(void)
{
    g_autoptr(PacketQueue) queue = packet_queue_new(1000, 1 << 20);
    guint stream;
    push(queue, VIDEO, 0, TRUE, 10);
    push(queue, AUDIO, 1, TRUE, 10);
    packet_queue_flush(queue);
    g_assert_cmpint(pop(queue, &stream), ==, -1);
    g_assert_false(push(queue, VIDEO, 10, FALSE, 10));
    g_assert_true(push(queue, AUDIO, 11, TRUE, 10));
    g_assert_true(push(queue, VIDEO, 20, TRUE, 10));
    g_assert_cmpint(pop(queue, &stream), ==, 11);
    g_assert_cmpint(pop(queue, &stream), ==, 20);
}

static void test_close(void)
{
    g_autoptr(PacketQueue) queue = packet_queue_new(1000, 1 << 20);
    guint stream;
    push(queue, VIDEO, 0, TRUE, 10);
    g_assert_false(packet_queue_is_closed(queue));
    packet_queue_close(queue);
    g_assert_true(packet_queue_is_closed(queue));
    g_assert_false(push(queue, VIDEO, 1, TRUE, 10));
    g_assert_cmpint(pop(queue, &stream), ==, 0);
    g_assert_cmpint(pop(queue, &stream), ==, -1);
}

/** A wake that came before the wait is not lost. */
static void test_wake(void)
{
    g_autoptr(PacketQueue) queue = packet_queue_new(1000, 1 << 20);
    AVPacket *packet = av_packet_alloc();
    guint stream;
    gint64 before_ns = clock_now_ns();
    packet_queue_wake(queue);
    g_assert_false(packet_queue_pop(queue, packet, &stream, 60 * G_USEC_PER_SEC));
    g_assert_cmpint(clock_now_ns() - before_ns, <, 30 * NS_PER_SEC);
    av_packet_free(&packet);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/io/packet-queue/order", test_order);
    g_test_add_func("/io/packet-queue/span", test_span);
    g_test_add_func("/io/packet-queue/bytes", test_bytes);
    g_test_add_func("/io/packet-queue/sound-alone", test_sound_alone);
    g_test_add_func("/io/packet-queue/empty-packets", test_empty_packets);
    g_test_add_func("/io/packet-queue/streams-apart", test_streams_apart);
    g_test_add_func("/io/packet-queue/clock-begins-anew", test_clock_begins_anew);
    g_test_add_func("/io/packet-queue/flush", test_flush);
    g_test_add_func("/io/packet-queue/close", test_close);
    g_test_add_func("/io/packet-queue/wake", test_wake);
    return g_test_run();
}
