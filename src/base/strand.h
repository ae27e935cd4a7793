#pragma once

#include "base/thread.h"

/* A strand is a serial queue of tasks on the shared video pool: two tasks of one strand never run
 * at the same time, tasks of two strands may. A task never waits for another strand.
 *
 * A pool without threads runs nothing by itself: strand_pool_run() does, in simulated time. */

typedef struct StrandPool StrandPool;
typedef struct Strand Strand;
typedef void (*StrandTask)(gpointer data);

/** Start `threads` workers; 0 for simulated time. */
StrandPool *strand_pool_new(guint threads);

/** Stop the workers after their running tasks; tasks that did not run are dropped (their data is
 *  freed). Strands must not be used afterwards, except strand_unref(). */
void strand_pool_free(StrandPool *pool);

/** Run every task that is due at now_ns on the calling thread, in order, until none is left
 *  (pools without threads only). Returns the number of tasks run. */
guint strand_pool_run(StrandPool *pool, gint64 now_ns);

/** When the earliest delayed task is due, or G_MAXINT64 (pools without threads only). */
gint64 strand_pool_next_due(StrandPool *pool);

/** How long the workers together were busy since the start. Any thread. */
gint64 strand_pool_busy_ns(StrandPool *pool);
guint strand_pool_threads(const StrandPool *pool);

Strand *strand_new(StrandPool *pool);
Strand *strand_ref(Strand *strand);
void strand_unref(Strand *strand);

/** Queue a task. Any thread, never blocks on a running task. `destroy` (may be NULL) frees the
 *  data after the task ran, or instead of it if the pool stops first. */
void strand_post(Strand *strand, StrandTask task, gpointer data, GDestroyNotify destroy);

/** Queue a task that becomes ready at due_ns (monotonic). */
void strand_post_at(Strand *strand, gint64 due_ns, StrandTask task, gpointer data,
                    GDestroyNotify destroy);

/** How many tasks wait in this strand, the running one not counted. */
guint strand_pending(Strand *strand);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(StrandPool, strand_pool_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Strand, strand_unref)
