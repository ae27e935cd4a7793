#include "net/liveness.h"

void liveness_reset(Liveness *liveness, gint64 now_ns)
{
    liveness->heard_ns = now_ns;
    liveness->media_ns = 0;
    liveness->lost_ns = 0;
}

void liveness_heard(Liveness *liveness, gint64 now_ns)
{
    liveness->heard_ns = now_ns;
}

void liveness_media(Liveness *liveness, gint64 now_ns)
{
    liveness->heard_ns = now_ns;
    liveness->media_ns = now_ns;
    if (now_ns > liveness->lost_ns)
        liveness->lost_ns = 0;
}

void liveness_path_lost(Liveness *liveness, gint64 now_ns)
{
    if (!liveness->lost_ns)
        liveness->lost_ns = now_ns;
}

LivenessState liveness_check(const Liveness *liveness, gint64 now_ns)
{
    gint64 silence_ns = now_ns - liveness->heard_ns;
    gint64 lost_for_ns = liveness->lost_ns ? now_ns - liveness->lost_ns : 0;
    gboolean was_sending =
        liveness->media_ns && liveness->heard_ns - liveness->media_ns < liveness->silent_after_ns;
    gint64 limit_ns = was_sending ? liveness->silent_after_ns : LIVENESS_IDLE_SILENT_NS;

    if (silence_ns >= liveness->dead_after_ns || lost_for_ns >= liveness->dead_after_ns)
        return LIVENESS_DEAD;
    if (silence_ns >= limit_ns || liveness->lost_ns)
        return LIVENESS_SILENT;
    return LIVENESS_ALIVE;
}
