#pragma once

#include <glib.h>

#include "base/mailbox.h"

/* Threads for what reads or writes files on behalf of a thread that must not wait for a disk. */

typedef struct DiskPool DiskPool;

/** threads 0: everything is done at once by who asks for it (simulated time). `done` is where those
 *  who asked are told; it must outlive the pool. */
DiskPool *disk_pool_new(guint threads, Mailbox *done);

/** Wait for what is under way, at most so long. FALSE: the disk hangs; its threads, and what they
 *  hold, stay until the process ends. What has not begun is not done. */
gboolean disk_pool_free(DiskPool *pool, gint64 timeout_us);

/** Call `work` on one of the threads, then `ready` on the mailbox's (may be NULL), then `destroy`.
 *  FALSE: too much waits already; `destroy` was called. Any thread; never blocks. */
gboolean disk_pool_run(DiskPool *pool, MailboxCommand work, MailboxCommand ready, gpointer data,
                       GDestroyNotify destroy);
