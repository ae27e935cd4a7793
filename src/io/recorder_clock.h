#pragma once

#include <glib.h>

/* From the mix's time to a recording's, the same for all files that are recorded side by side. A
 * recording is made of pieces: the first one, and one more after each pause; the time between them
 * is left out. Counted; any thread. */

typedef struct RecorderClock RecorderClock;

RecorderClock *recorder_clock_new(void);
RecorderClock *recorder_clock_ref(RecorderClock *clock);
void recorder_clock_unref(RecorderClock *clock);

/** The piece after so many pauses: what is mixed at mix_us stands at at_us of the recording. Who
 *  says it first is right. */
void recorder_clock_open(RecorderClock *clock, guint pauses, gint64 mix_us, gint64 at_us);

/** FALSE: that piece has not begun yet. */
gboolean recorder_clock_find(RecorderClock *clock, guint pauses, gint64 *mix_us, gint64 *at_us);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RecorderClock, recorder_clock_unref)
