#include "net/descriptors.h"

#include "base/error.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* A connection has two contexts, ours and libnice's, and a socket for each address, transport and
 * TURN server; and other threads open files meanwhile. */
#define SPARE    32

#define HOLDS_US (100 * 1000)

/* Who asks holds them all for a moment: one at a time. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static gboolean were_left; /* under the lock, at asked_us */
static gint64 asked_us;

static gboolean probe(void)
{
    int spare[SPARE];
    gboolean enough = TRUE;
    for (guint i = 0; i < SPARE; i++) {
        spare[i] = eventfd(0, EFD_CLOEXEC);
        enough = enough && spare[i] >= 0;
    }
    for (guint i = 0; i < SPARE; i++)
        if (spare[i] >= 0)
            close(spare[i]);
    return enough;
}

static gboolean tell(gboolean enough, GError **error)
{
    if (!enough)
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                            "The server has no file descriptor left for another connection; raise "
                            "the limit of open files (ulimit -n).");
    return enough;
}

gboolean descriptors_are_left(GError **error)
{
    pthread_mutex_lock(&lock);
    gboolean enough = probe();
    pthread_mutex_unlock(&lock);
    return tell(enough, error);
}

gboolean descriptors_for_strangers(GError **error)
{
    gint64 now_us = g_get_monotonic_time();
    pthread_mutex_lock(&lock);
    if (!asked_us || now_us - asked_us >= HOLDS_US) {
        were_left = probe();
        asked_us = now_us;
    }
    gboolean enough = were_left;
    pthread_mutex_unlock(&lock);
    return tell(enough, error);
}
