#include <pthread.h>

#include "io/packet_queue.h"

#define PRODUCERS 3
#define PACKETS   4000

static PacketQueue *queue;

static void *produce(void *data)
{
    guint stream = GPOINTER_TO_UINT(data);
    AVPacket *packet = av_packet_alloc();
    for (gint64 i = 1; i <= PACKETS; i++) {
        g_assert_cmpint(av_new_packet(packet, 8), ==, 0);
        packet->dts = packet->pts = i;
        packet->flags = i % 25 == 1 ? AV_PKT_FLAG_KEY : 0;
        packet_queue_push(queue, stream, stream > 0, packet);
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    return NULL;
}

/** Whatever is dropped: each stream arrives in order, a picture only right behind the one before it
 *  or as a key frame, and nothing is counted twice or not at all. */
static void test_producers(void)
{
    pthread_t threads[PRODUCERS];
    gint64 last[PRODUCERS] = { 0 };
    guint64 popped = 0;
    guint stream;
    AVPacket *packet = av_packet_alloc();
    queue = packet_queue_new(200, 1 << 20);
    for (guint i = 0; i < PRODUCERS; i++)
        pthread_create(&threads[i], NULL, produce, GUINT_TO_POINTER(i));
    while (popped + packet_queue_dropped(queue) < (guint64)PRODUCERS * PACKETS) {
        if (!packet_queue_pop(queue, packet, &stream, 1000))
            continue;
        g_assert_cmpint(packet->dts, >, last[stream]);
        if (stream > 0 && !(packet->flags & AV_PKT_FLAG_KEY))
            g_assert_cmpint(packet->dts, ==, last[stream] + 1);
        last[stream] = packet->dts;
        popped++;
    }
    for (guint i = 0; i < PRODUCERS; i++)
        pthread_join(threads[i], NULL);
    g_assert_false(packet_queue_pop(queue, packet, &stream, 0));
    av_packet_free(&packet);
    packet_queue_free(queue);
}

static void *wait_long(void *data)
{
    AVPacket *packet = av_packet_alloc();
    guint stream;
    gboolean popped = packet_queue_pop(queue, packet, &stream, 60 * G_USEC_PER_SEC);
    av_packet_free(&packet);
    (void)data;
    return GINT_TO_POINTER(popped);
}

/** Closing and waking end a wait. */
static void test_waiter(void)
{
    for (guint i = 0; i < 2; i++) {
        pthread_t thread;
        void *popped;
        queue = packet_queue_new(200, 1 << 20);
        pthread_create(&thread, NULL, wait_long, NULL);
        if (i == 0)
            packet_queue_close(queue);
        else
            packet_queue_wake(queue);
        pthread_join(thread, &popped);
        g_assert_false(GPOINTER_TO_INT(popped));
        packet_queue_free(queue);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/io/packet-queue/threaded/producers", test_producers);
    g_test_add_func("/io/packet-queue/threaded/waiter", test_waiter);
    return g_test_run();
}
