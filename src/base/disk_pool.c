#include "base/disk_pool.h"

#include <pthread.h>
#include <time.h>

#include "base/clock.h"

#define MAX_WAITING 256

typedef struct {
    MailboxCommand work, ready;
    gpointer data;
    GDestroyNotify destroy;
} Job;

struct DiskPool {
    Mailbox *done;
    guint threads; /* 0: none are used */

    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t changed;
    GQueue jobs; /* of Job */
    guint running;
    gboolean ends;
};

static void job_free(gpointer data)
{
    Job *job = data;
    if (job->destroy)
        job->destroy(job->data);
    g_free(job);
}

static void tell(gpointer data)
{
    const Job *job = data;
    job->ready(job->data);
}

static void finish(const DiskPool *pool, Job *job)
{
    if (job->ready)
        mailbox_post(pool->done, tell, job, job_free);
    else
        job_free(job);
}

/** (transfer full), or NULL: the pool ends. */
static Job *next_job(DiskPool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (!pool->jobs.head && !pool->ends)
        pthread_cond_wait(&pool->changed, &pool->lock);
    Job *job = pool->ends ? NULL : g_queue_pop_head(&pool->jobs);
    pthread_mutex_unlock(&pool->lock);
    return job;
}

static void *run(void *user)
{
    DiskPool *pool = user;
    Job *job;
    while ((job = next_job(pool))) {
        job->work(job->data);
        finish(pool, job);
    }
    pthread_mutex_lock(&pool->lock);
    pool->running--;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static void start_thread(DiskPool *pool)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, pool) != 0)
        return;
    pthread_detach(thread);
    pool->running++;
}

DiskPool *disk_pool_new(guint threads, Mailbox *done)
{
    DiskPool *pool = g_new0(DiskPool, 1);
    pthread_condattr_t monotonic;
    pool->done = done;
    pool->threads = threads;
    g_queue_init(&pool->jobs);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_lock(&pool->lock);
    for (guint i = 0; i < threads; i++)
        start_thread(pool);
    pthread_mutex_unlock(&pool->lock);
    return pool;
}

gboolean disk_pool_free(DiskPool *pool, gint64 timeout_us)
{
    if (!pool)
        return TRUE;
    gint64 due_ns = clock_now_ns() + timeout_us * NS_PER_US;
    struct timespec due = { due_ns / NS_PER_SEC, due_ns % NS_PER_SEC };
    int waited = 0;
    pthread_mutex_lock(&pool->lock);
    pool->ends = TRUE;
    pthread_cond_broadcast(&pool->changed);
    while (pool->running > 0 && waited == 0)
        waited = pthread_cond_timedwait(&pool->changed, &pool->lock, &due);
    gboolean ended = pool->running == 0;
    pthread_mutex_unlock(&pool->lock);
    if (!ended)
        return FALSE;
    g_queue_clear_full(&pool->jobs, job_free);
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->lock);
    g_free(pool);
    return TRUE;
}

gboolean disk_pool_run(DiskPool *pool, MailboxCommand work, MailboxCommand ready, gpointer data,
                       GDestroyNotify destroy)
{
    Job *job = g_new(Job, 1);
    *job = (Job){ work, ready, data, destroy };
    if (pool->threads == 0) {
        work(data);
        finish(pool, job);
        return TRUE;
    }
    pthread_mutex_lock(&pool->lock);
    gboolean taken = pool->running > 0 && pool->jobs.length < MAX_WAITING;
    if (taken)
        g_queue_push_tail(&pool->jobs, job);
    pthread_cond_signal(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    if (!taken)
        job_free(job);
    return taken;
}
