#include <pthread.h>

#include "base/queue.h"

#define PRODUCERS 3
#define ITEMS     20000

typedef struct {
    guint producer, number;
} Item;

static BoundedQueue *queue;
static gint freed; /* atomic */

static void item_free(gpointer item)
{
    g_atomic_int_inc(&freed);
    g_free(item);
}

static void *produce(void *data)
{
    for (guint i = 1; i <= ITEMS; i++) {
        Item *item = g_new(Item, 1);
        *item = (Item){ GPOINTER_TO_UINT(data), i };
        bounded_queue_push(queue, item);
    }
    return NULL;
}

/** Whatever is dropped, what arrives is in order, and every item is popped or freed once. */
static void test_producers_never_wait(void)
{
    pthread_t threads[PRODUCERS];
    guint last[PRODUCERS] = { 0 };
    gint popped = 0;
    queue = bounded_queue_new(16, item_free);
    for (guint i = 0; i < PRODUCERS; i++)
        pthread_create(&threads[i], NULL, produce, GUINT_TO_POINTER(i));
    while (popped + (gint)bounded_queue_dropped(queue) < PRODUCERS * ITEMS) {
        g_autofree Item *item = bounded_queue_pop(queue);
        if (!item)
            continue;
        g_assert_cmpuint(item->number, >, last[item->producer]);
        last[item->producer] = item->number;
        popped++;
    }
    for (guint i = 0; i < PRODUCERS; i++)
        pthread_join(threads[i], NULL);
    g_assert_cmpint(g_atomic_int_get(&freed) + popped, ==, PRODUCERS * ITEMS);
    bounded_queue_free(queue);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/queue/threaded/producers", test_producers_never_wait);
    return g_test_run();
}
