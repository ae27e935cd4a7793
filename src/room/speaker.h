#pragma once

#include <glib.h>

/* Whether one person speaks, from the levels of the ticks: pure, simulated time. Attack 60 ms above
 * the threshold, hold 600 ms below it, with hysteresis in between. */
typedef struct {
    gint64 loud_since_ns; /* 0: not loud now */
    gint64 last_loud_ns;
    gboolean speaking;
} SpeakerDetector;

/** level: dBov as RFC 6464 says it, 0 loudest .. 127. Returns TRUE if `speaking` changed. */
gboolean speaker_update(SpeakerDetector *detector, guint8 level, gint64 now_ns);
