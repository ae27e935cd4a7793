#include "base/queue.h"

static guint freed;

static void count_free(gpointer item)
{
    (void)item;
    freed++;
}

static void test_order(void)
{
    g_autoptr(BoundedQueue) queue = bounded_queue_new(8, NULL);
    g_assert_null(bounded_queue_pop(queue));
    for (gint i = 1; i <= 8; i++)
        g_assert_true(bounded_queue_push(queue, GINT_TO_POINTER(i)));
    g_assert_cmpuint(bounded_queue_length(queue), ==, 8);
    for (gint i = 1; i <= 8; i++)
        g_assert_cmpint(GPOINTER_TO_INT(bounded_queue_pop(queue)), ==, i);
    g_assert_null(bounded_queue_pop(queue));
    g_assert_cmpuint(bounded_queue_dropped(queue), ==, 0);
}

static void test_oldest_goes(void)
{
    freed = 0;
    BoundedQueue *queue = bounded_queue_new(3, count_free);
    for (gint i = 1; i <= 10; i++)
        g_assert_cmpint(bounded_queue_push(queue, GINT_TO_POINTER(i)), ==, i <= 3);
    g_assert_cmpuint(bounded_queue_length(queue), ==, 3);
    g_assert_cmpuint(bounded_queue_dropped(queue), ==, 7);
    g_assert_cmpuint(freed, ==, 7);
    g_assert_cmpint(GPOINTER_TO_INT(bounded_queue_pop(queue)), ==, 8);
    bounded_queue_free(queue);
    g_assert_cmpuint(freed, ==, 9); /* what was popped is the caller's */
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/queue/order", test_order);
    g_test_add_func("/base/queue/oldest_goes", test_oldest_goes);
    return g_test_run();
}
