#include "room/keyframe_share.h"

#include "base/clock.h"

#define GAP_NS NS_PER_SEC
/* For those who see nothing; when many of them come, they share. */
#define URGENT_GAP_NS  (150 * NS_PER_MS)
#define CROWDED_GAP_NS (500 * NS_PER_MS)

void keyframe_share_init(KeyframeShare *share)
{
    *share = (KeyframeShare){ .last_ns = G_MININT64 / 2, .before_ns = G_MININT64 / 2 };
}

void keyframe_share_want(KeyframeShare *share, gboolean urgent)
{
    share->wanted = TRUE;
    share->urgent |= urgent;
}

gboolean keyframe_share_due(const KeyframeShare *share, gint64 now_ns)
{
    gint64 gap_ns = GAP_NS;
    if (share->urgent)
        gap_ns = now_ns - share->before_ns < GAP_NS ? CROWDED_GAP_NS : URGENT_GAP_NS;
    return share->wanted && now_ns - share->last_ns >= gap_ns;
}

void keyframe_share_made(KeyframeShare *share, gint64 now_ns)
{
    share->wanted = share->urgent = FALSE;
    share->before_ns = share->last_ns;
    share->last_ns = now_ns;
}
