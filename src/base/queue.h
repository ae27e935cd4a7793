#pragma once

#include <glib.h>

/* A bounded queue of counted things between two threads. When it is full the oldest is dropped
 * and counted: a producer never waits. Any thread may push or pop. */

typedef struct BoundedQueue BoundedQueue;

/** `item_free` frees what is dropped. */
BoundedQueue *bounded_queue_new(guint capacity, GDestroyNotify item_free);
void bounded_queue_free(BoundedQueue *queue);

/** Append an item (transfer full). Returns FALSE if the oldest had to be dropped for it. */
gboolean bounded_queue_push(BoundedQueue *queue, gpointer item);

/** Take the oldest item (transfer full), or NULL. */
gpointer bounded_queue_pop(BoundedQueue *queue);

guint bounded_queue_length(BoundedQueue *queue);

/** How many items were dropped since the queue was made. */
guint64 bounded_queue_dropped(BoundedQueue *queue);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BoundedQueue, bounded_queue_free)
