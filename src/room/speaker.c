#include "room/speaker.h"

#include "base/clock.h"

#define START_LEVEL 45 /* -dBov: louder than this begins to be speech */
#define KEEP_LEVEL  52 /* and this keeps it going */
#define ATTACK_NS   (60 * NS_PER_MS)
#define HOLD_NS     (600 * NS_PER_MS)

gboolean speaker_update(SpeakerDetector *detector, guint8 level, gint64 now_ns)
{
    gboolean before = detector->speaking;
    gboolean loud = level <= (before ? KEEP_LEVEL : START_LEVEL);
    if (loud) {
        if (!detector->loud_since_ns)
            detector->loud_since_ns = now_ns;
        detector->last_loud_ns = now_ns;
        if (now_ns - detector->loud_since_ns >= ATTACK_NS)
            detector->speaking = TRUE;
    } else {
        detector->loud_since_ns = 0;
        if (before && now_ns - detector->last_loud_ns >= HOLD_NS)
            detector->speaking = FALSE;
    }
    return detector->speaking != before;
}
