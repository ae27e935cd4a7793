#include "io/recorder_clock.h"

#include <pthread.h>

typedef struct {
    guint pauses;
    gint64 mix_us, at_us;
} Piece;

struct RecorderClock {
    gint refs; /* atomic */
    pthread_mutex_t lock;
    GArray *pieces; /* of Piece, guarded by lock; in the order of beginning */
};

RecorderClock *recorder_clock_new(void)
{
    RecorderClock *clock = g_new0(RecorderClock, 1);
    clock->refs = 1;
    clock->pieces = g_array_new(FALSE, FALSE, sizeof(Piece));
    pthread_mutex_init(&clock->lock, NULL);
    return clock;
}

RecorderClock *recorder_clock_ref(RecorderClock *clock)
{
    g_atomic_int_inc(&clock->refs);
    return clock;
}

void recorder_clock_unref(RecorderClock *clock)
{
    if (!clock || !g_atomic_int_dec_and_test(&clock->refs))
        return;
    pthread_mutex_destroy(&clock->lock);
    g_array_unref(clock->pieces);
    g_free(clock);
}

static const Piece *find(const RecorderClock *clock, guint pauses)
{
    for (guint i = clock->pieces->len; i > 0; i--) {
        const Piece *piece = &g_array_index(clock->pieces, Piece, i - 1);
        if (piece->pauses == pauses)
            return piece;
    }
    return NULL;
}

void recorder_clock_open(RecorderClock *clock, guint pauses, gint64 mix_us, gint64 at_us)
{
    Piece piece = { pauses, mix_us, at_us };
    pthread_mutex_lock(&clock->lock);
    if (!find(clock, pauses))
        g_array_append_val(clock->pieces, piece);
    pthread_mutex_unlock(&clock->lock);
}

gboolean recorder_clock_find(RecorderClock *clock, guint pauses, gint64 *mix_us, gint64 *at_us)
{
    pthread_mutex_lock(&clock->lock);
    const Piece *piece = find(clock, pauses);
    if (piece) {
        *mix_us = piece->mix_us;
        *at_us = piece->at_us;
    }
    pthread_mutex_unlock(&clock->lock);
    return piece != NULL;
}
