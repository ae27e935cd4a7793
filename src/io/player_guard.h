#pragma once

#include <glib.h>

#include "base/clock.h"

/* What bounds one call into libavformat: its time, how much it may read, and whether anybody still
 * waits for it. */

typedef struct {
    gint interrupted; /* atomic: for good */
    gint64 deadline_ns;
    gint64 bytes_left; /* of files */
} PlayerGuard;

static inline void player_guard_set(PlayerGuard *guard, gint64 time_ns, gint64 bytes)
{
    guard->deadline_ns = clock_now_ns() + time_ns;
    guard->bytes_left = bytes;
}

/** TRUE: give up. */
static inline gboolean player_guard_over(const PlayerGuard *guard)
{
    return g_atomic_int_get(&guard->interrupted) || guard->bytes_left < 0 ||
           clock_now_ns() > guard->deadline_ns;
}
