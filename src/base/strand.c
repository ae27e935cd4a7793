#include "base/strand.h"

#include <pthread.h>

#include "base/clock.h"

typedef struct {
    Strand *strand; /* (owned) */
    gint64 due_ns;
    guint64 order; /* of posting: ties are run in order */
    StrandTask task;
    gpointer data;
    GDestroyNotify destroy;
} Task;

struct Strand {
    gint refs; /* atomic */
    StrandPool *pool;

    /* Guarded by pool->lock. */
    GQueue ready;       /* of Task */
    gboolean scheduled; /* stands in pool->runnable, or runs */
};

struct StrandPool {
    GPtrArray *threads;

    /* Guarded by lock. */
    pthread_mutex_t lock;
    pthread_cond_t wake; /* on CLOCK_MONOTONIC */
    GQueue runnable;    /* of Strand (each owned): strands with ready tasks, none of them running */
    GPtrArray *delayed; /* of Task: a binary heap, the earliest first */
    gint64 watched_ns;  /* until when some idle worker sleeps at most; G_MAXINT64: nobody does */
    guint64 next_order;
    gint64 busy_ns; /* time that the workers spent in tasks */
    gboolean stopping;
};

static void task_free(Task *task)
{
    if (task->destroy)
        task->destroy(task->data);
    strand_unref(task->strand);
    g_free(task);
}

static gboolean task_before(const Task *a, const Task *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static void heap_push(GPtrArray *heap, Task *task)
{
    guint i = heap->len;
    g_ptr_array_add(heap, task);
    while (i > 0) {
        guint parent = (i - 1) / 2;
        if (!task_before(task, heap->pdata[parent]))
            break;
        heap->pdata[i] = heap->pdata[parent];
        i = parent;
    }
    heap->pdata[i] = task;
}

static Task *heap_pop(GPtrArray *heap)
{
    Task *top = heap->pdata[0];
    Task *last = heap->pdata[heap->len - 1];
    g_ptr_array_set_size(heap, (gint)heap->len - 1);
    guint n = heap->len, i = 0;
    if (n == 0)
        return top;
    for (guint child = 1; child < n; child = 2 * i + 1) {
        if (child + 1 < n && task_before(heap->pdata[child + 1], heap->pdata[child]))
            child++;
        if (!task_before(heap->pdata[child], last))
            break;
        heap->pdata[i] = heap->pdata[child];
        i = child;
    }
    heap->pdata[i] = last;
    return top;
}

/* With the lock held: make a task ready. */
static void enqueue_ready(StrandPool *pool, Task *task)
{
    Strand *strand = task->strand;
    g_queue_push_tail(&strand->ready, task);
    if (!strand->scheduled) {
        strand->scheduled = TRUE;
        g_queue_push_tail(&pool->runnable, strand_ref(strand));
    }
}

static void release_due(StrandPool *pool, gint64 now_ns)
{
    while (pool->delayed->len > 0 && ((Task *)pool->delayed->pdata[0])->due_ns <= now_ns)
        enqueue_ready(pool, heap_pop(pool->delayed));
}

/* With the lock held, before a worker turns to a task: what it leaves behind needs another one. */
static void wake_successor(StrandPool *pool)
{
    const Task *next = pool->delayed->len > 0 ? pool->delayed->pdata[0] : NULL;
    if (!g_queue_is_empty(&pool->runnable) || (next && next->due_ns < pool->watched_ns))
        pthread_cond_signal(&pool->wake);
}

/* With the lock held: run one task of the next runnable strand, outside the lock. */
static gboolean run_one(StrandPool *pool)
{
    Strand *strand = g_queue_pop_head(&pool->runnable);
    if (!strand)
        return FALSE;
    wake_successor(pool);
    Task *task = g_queue_pop_head(&strand->ready);
    pthread_mutex_unlock(&pool->lock);
    gint64 begin_ns = clock_now_ns();
    task->task(task->data);
    task_free(task);
    gint64 end_ns = clock_now_ns();
    pthread_mutex_lock(&pool->lock);
    pool->busy_ns += end_ns - begin_ns;
    if (g_queue_is_empty(&strand->ready)) {
        strand->scheduled = FALSE;
        pthread_mutex_unlock(&pool->lock);
        strand_unref(strand);
        pthread_mutex_lock(&pool->lock);
    } else {
        g_queue_push_tail(&pool->runnable, strand);
    }
    return TRUE;
}

/* With the lock held: sleep until something is posted or the earliest delayed task is due. */
static void wait_for_task(StrandPool *pool)
{
    if (pool->delayed->len == 0) {
        pthread_cond_wait(&pool->wake, &pool->lock);
        return;
    }
    gint64 due_ns = ((const Task *)pool->delayed->pdata[0])->due_ns;
    struct timespec due = { due_ns / NS_PER_SEC, due_ns % NS_PER_SEC };
    pool->watched_ns = due_ns;
    pthread_cond_timedwait(&pool->wake, &pool->lock, &due);
    if (pool->watched_ns == due_ns)
        pool->watched_ns = G_MAXINT64;
}

static gpointer worker_run(gpointer data)
{
    StrandPool *pool = data;
    thread_set_roles(THREAD_STRAND);
    pthread_mutex_lock(&pool->lock);
    while (!pool->stopping) {
        release_due(pool, clock_now_ns());
        if (!run_one(pool))
            wait_for_task(pool);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static void init_monotonic_cond(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
}

StrandPool *strand_pool_new(guint threads)
{
    StrandPool *pool = g_new0(StrandPool, 1);
    pthread_mutex_init(&pool->lock, NULL);
    init_monotonic_cond(&pool->wake);
    g_queue_init(&pool->runnable);
    pool->delayed = g_ptr_array_new();
    pool->watched_ns = G_MAXINT64;
    pool->threads = g_ptr_array_new();
    for (guint i = 0; i < threads; i++) {
        g_autofree char *name = g_strdup_printf("video-%u", i);
        g_ptr_array_add(pool->threads, g_thread_new(name, worker_run, pool));
    }
    return pool;
}

static void drop_tasks(StrandPool *pool)
{
    GQueue dropped = G_QUEUE_INIT;
    Strand *strand;
    while ((strand = g_queue_pop_head(&pool->runnable))) {
        Task *task;
        while ((task = g_queue_pop_head(&strand->ready)))
            g_queue_push_tail(&dropped, task);
        strand_unref(strand);
    }
    while (pool->delayed->len > 0)
        g_queue_push_tail(&dropped, heap_pop(pool->delayed));
    g_queue_clear_full(&dropped, (GDestroyNotify)task_free);
}

void strand_pool_free(StrandPool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stopping = TRUE;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (guint i = 0; i < pool->threads->len; i++)
        g_thread_join(pool->threads->pdata[i]);
    drop_tasks(pool);
    g_ptr_array_unref(pool->threads);
    g_ptr_array_unref(pool->delayed);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    g_free(pool);
}

guint strand_pool_run(StrandPool *pool, gint64 now_ns)
{
    guint count = 0;
    pthread_mutex_lock(&pool->lock);
    do {
        release_due(pool, now_ns);
        while (run_one(pool)) {
            count++;
            release_due(pool, now_ns);
        }
    } while (!g_queue_is_empty(&pool->runnable));
    pthread_mutex_unlock(&pool->lock);
    return count;
}

gint64 strand_pool_busy_ns(StrandPool *pool)
{
    pthread_mutex_lock(&pool->lock);
    gint64 busy_ns = pool->busy_ns;
    pthread_mutex_unlock(&pool->lock);
    return busy_ns;
}

guint strand_pool_threads(const StrandPool *pool)
{
    return pool->threads->len;
}

gint64 strand_pool_next_due(StrandPool *pool)
{
    pthread_mutex_lock(&pool->lock);
    gint64 due_ns = pool->delayed->len ? ((Task *)pool->delayed->pdata[0])->due_ns : G_MAXINT64;
    pthread_mutex_unlock(&pool->lock);
    return due_ns;
}

Strand *strand_new(StrandPool *pool)
{
    Strand *strand = g_new0(Strand, 1);
    strand->refs = 1;
    strand->pool = pool;
    g_queue_init(&strand->ready);
    return strand;
}

Strand *strand_ref(Strand *strand)
{
    g_atomic_int_inc(&strand->refs);
    return strand;
}

void strand_unref(Strand *strand)
{
    if (strand && g_atomic_int_dec_and_test(&strand->refs))
        g_free(strand);
}

static void post(Strand *strand, gint64 due_ns, StrandTask run, gpointer data,
                 GDestroyNotify destroy)
{
    StrandPool *pool = strand->pool;
    Task *task = g_new(Task, 1);
    *task = (Task){ .strand = strand_ref(strand),
                    .due_ns = due_ns,
                    .task = run,
                    .data = data,
                    .destroy = destroy };
    pthread_mutex_lock(&pool->lock);
    gboolean stopping = pool->stopping;
    if (!stopping) {
        task->order = pool->next_order++;
        if (due_ns == G_MININT64)
            enqueue_ready(pool, task);
        else
            heap_push(pool->delayed, task);
        /* G_MININT64 is before everything: what is ready wakes somebody in any case. */
        if (due_ns < pool->watched_ns)
            pthread_cond_signal(&pool->wake);
    }
    pthread_mutex_unlock(&pool->lock);
    if (stopping)
        task_free(task);
}

void strand_post(Strand *strand, StrandTask task, gpointer data, GDestroyNotify destroy)
{
    post(strand, G_MININT64, task, data, destroy);
}

void strand_post_at(Strand *strand, gint64 due_ns, StrandTask task, gpointer data,
                    GDestroyNotify destroy)
{
    post(strand, due_ns, task, data, destroy);
}

guint strand_pending(Strand *strand)
{
    pthread_mutex_lock(&strand->pool->lock);
    guint n = strand->ready.length;
    pthread_mutex_unlock(&strand->pool->lock);
    return n;
}
