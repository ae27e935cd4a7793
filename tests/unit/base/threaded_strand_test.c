#include <pthread.h>
#include <semaphore.h>

#include "base/clock.h"
#include "base/strand.h"

#define STRANDS 6
#define POSTERS 3
#define TASKS   5000 /* of each poster in each strand */

/* One strand and what only its own tasks touch: no lock, no atomics but the one that checks. */
typedef struct {
    Strand *strand;
    gint inside; /* atomic */
    guint ran, last[POSTERS];
} Lane;

typedef struct {
    Lane *lane;
    guint poster, number;
} Job;

static Lane lanes[STRANDS];
static sem_t done;

static void serial_task(gpointer data)
{
    const Job *job = data;
    Lane *lane = job->lane;
    g_assert_cmpuint(thread_roles(), ==, THREAD_STRAND);
    g_assert_cmpint(g_atomic_int_add(&lane->inside, 1), ==, 0);
    g_assert_cmpuint(job->number, ==, lane->last[job->poster] + 1);
    lane->last[job->poster] = job->number;
    guint ran = ++lane->ran;
    g_atomic_int_add(&lane->inside, -1);
    if (ran == POSTERS * TASKS)
        sem_post(&done);
}

static void *post_jobs(void *data)
{
    for (guint i = 1; i <= TASKS; i++) {
        for (guint l = 0; l < STRANDS; l++) {
            Job *job = g_new(Job, 1);
            *job = (Job){ &lanes[l], GPOINTER_TO_UINT(data), i };
            strand_post(lanes[l].strand, serial_task, job, g_free);
        }
    }
    return NULL;
}

/** Two tasks of one strand never run at once, and run in order, whichever worker takes them. */
static void test_serial(void)
{
    pthread_t posters[POSTERS];
    g_autoptr(StrandPool) pool = strand_pool_new(4);
    sem_init(&done, 0, 0);
    for (guint l = 0; l < STRANDS; l++)
        lanes[l].strand = strand_new(pool);
    for (guint i = 0; i < POSTERS; i++)
        pthread_create(&posters[i], NULL, post_jobs, GUINT_TO_POINTER(i));
    for (guint l = 0; l < STRANDS; l++)
        sem_wait(&done);
    for (guint i = 0; i < POSTERS; i++)
        pthread_join(posters[i], NULL);
    for (guint l = 0; l < STRANDS; l++)
        strand_unref(lanes[l].strand);
}

static void wait_at_barrier(gpointer data)
{
    pthread_barrier_wait(data);
}

/** The tasks of different strands run at the same time: they meet here, or this never ends. */
static void test_parallel(void)
{
    g_autoptr(StrandPool) pool = strand_pool_new(3);
    pthread_barrier_t barrier;
    Strand *strands[3];
    for (guint i = 0; i < 3; i++)
        strands[i] = strand_new(pool);
    pthread_barrier_init(&barrier, NULL, 4);
    for (gint round = 0; round < 200; round++) {
        for (guint i = 0; i < 3; i++)
            strand_post(strands[i], wait_at_barrier, &barrier, NULL);
        pthread_barrier_wait(&barrier);
    }
    for (guint i = 0; i < 3; i++)
        strand_unref(strands[i]);
    g_clear_pointer(&pool, strand_pool_free);
    pthread_barrier_destroy(&barrier);
}

/** The same for tasks that become due at the same moment, while one worker alone waits for it. */
static void test_parallel_when_due(void)
{
    g_autoptr(StrandPool) pool = strand_pool_new(3);
    pthread_barrier_t barrier;
    Strand *strands[3];
    for (guint i = 0; i < 3; i++)
        strands[i] = strand_new(pool);
    pthread_barrier_init(&barrier, NULL, 4);
    for (gint round = 0; round < 100; round++) {
        gint64 due_ns = clock_now_ns() + NS_PER_MS;
        for (guint i = 0; i < 3; i++)
            strand_post_at(strands[i], due_ns, wait_at_barrier, &barrier, NULL);
        pthread_barrier_wait(&barrier);
    }
    for (guint i = 0; i < 3; i++)
        strand_unref(strands[i]);
    g_clear_pointer(&pool, strand_pool_free);
    pthread_barrier_destroy(&barrier);
}

static void wait_for_sem(gpointer data)
{
    sem_wait(data);
}

static void post_sem(gpointer data)
{
    sem_post(data);
}

/** The worker that slept until the first task was due is busy with it when the second is due. */
static void test_due_while_busy(void)
{
    g_autoptr(StrandPool) pool = strand_pool_new(2);
    g_autoptr(Strand) busy = strand_new(pool);
    g_autoptr(Strand) other = strand_new(pool);
    sem_t released, finished;
    sem_init(&released, 0, 0);
    sem_init(&finished, 0, 0);
    for (gint round = 0; round < 50; round++) {
        gint64 now_ns = clock_now_ns();
        strand_post_at(busy, now_ns + 2 * NS_PER_MS, wait_for_sem, &released, NULL);
        strand_post_at(busy, now_ns + 2 * NS_PER_MS, post_sem, &finished, NULL);
        strand_post_at(other, now_ns + 4 * NS_PER_MS, post_sem, &released, NULL);
        sem_wait(&finished);
    }
}

static gint destroyed, ran; /* atomic */

static void count_run(gpointer data)
{
    (void)data;
    g_atomic_int_inc(&ran);
}

static void count_destroyed(gpointer data)
{
    (void)data;
    g_atomic_int_inc(&destroyed);
}

/** Stopping in the middle of work: each task's data is freed once, whether it ran or not. */
static void test_stop(void)
{
    for (gint round = 0; round < 20; round++) {
        StrandPool *pool = strand_pool_new(2);
        g_autoptr(Strand) strand = strand_new(pool);
        g_atomic_int_set(&destroyed, 0);
        g_atomic_int_set(&ran, 0);
        for (gint i = 0; i < 500; i++) {
            strand_post(strand, count_run, NULL, count_destroyed);
            strand_post_at(strand, G_MAXINT64, count_run, NULL, count_destroyed);
        }
        strand_pool_free(pool);
        g_assert_cmpint(g_atomic_int_get(&destroyed), ==, 1000);
        g_assert_cmpint(g_atomic_int_get(&ran), <=, 500);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/strand/threaded/serial", test_serial);
    g_test_add_func("/base/strand/threaded/parallel", test_parallel);
    g_test_add_func("/base/strand/threaded/parallel_when_due", test_parallel_when_due);
    g_test_add_func("/base/strand/threaded/due_while_busy", test_due_while_busy);
    g_test_add_func("/base/strand/threaded/stop", test_stop);
    return g_test_run();
}
