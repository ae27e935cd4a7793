#include "base/queue.h"

#include <pthread.h>

struct BoundedQueue {
    guint capacity;
    GDestroyNotify item_free;

    /* Guarded by lock. */
    pthread_mutex_t lock;
    GQueue items;
    guint64 dropped;
};

BoundedQueue *bounded_queue_new(guint capacity, GDestroyNotify item_free)
{
    g_return_val_if_fail(capacity > 0, NULL);
    BoundedQueue *queue = g_new0(BoundedQueue, 1);
    queue->capacity = capacity;
    queue->item_free = item_free;
    pthread_mutex_init(&queue->lock, NULL);
    g_queue_init(&queue->items);
    return queue;
}

void bounded_queue_free(BoundedQueue *queue)
{
    if (!queue)
        return;
    g_queue_clear_full(&queue->items, queue->item_free);
    pthread_mutex_destroy(&queue->lock);
    g_free(queue);
}

gboolean bounded_queue_push(BoundedQueue *queue, gpointer item)
{
    gpointer oldest = NULL;
    pthread_mutex_lock(&queue->lock);
    if (queue->items.length >= queue->capacity) {
        oldest = g_queue_pop_head(&queue->items);
        queue->dropped++;
    }
    g_queue_push_tail(&queue->items, item);
    pthread_mutex_unlock(&queue->lock);
    if (oldest && queue->item_free)
        queue->item_free(oldest);
    return oldest == NULL;
}

gpointer bounded_queue_pop(BoundedQueue *queue)
{
    pthread_mutex_lock(&queue->lock);
    gpointer item = g_queue_pop_head(&queue->items);
    pthread_mutex_unlock(&queue->lock);
    return item;
}

guint bounded_queue_length(BoundedQueue *queue)
{
    pthread_mutex_lock(&queue->lock);
    guint n = queue->items.length;
    pthread_mutex_unlock(&queue->lock);
    return n;
}

guint64 bounded_queue_dropped(BoundedQueue *queue)
{
    pthread_mutex_lock(&queue->lock);
    guint64 n = queue->dropped;
    pthread_mutex_unlock(&queue->lock);
    return n;
}
