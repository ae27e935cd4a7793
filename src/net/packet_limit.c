#include "net/packet_limit.h"

#include "base/clock.h"

/* A bucket is known by the moment at which it is full again: each packet moves that on by the time
 * in which its token grows again. */
static gboolean has_token(gint64 full_ns, gint64 per_second, gint64 burst, gint64 now_ns)
{
    return full_ns - now_ns <= (burst - 1) * NS_PER_SEC / per_second;
}

static void take_token(gint64 *full_ns, gint64 per_second, gint64 now_ns)
{
    *full_ns = MAX(*full_ns, now_ns) + NS_PER_SEC / per_second;
}

gboolean packet_limit_take(PacketLimit *limit, gboolean is_rtcp, gint64 now_ns)
{
    if (!has_token(limit->all_full_ns, PACKET_LIMIT_PER_SECOND, PACKET_LIMIT_BURST, now_ns) ||
        (is_rtcp && !has_token(limit->rtcp_full_ns, PACKET_LIMIT_RTCP_PER_SECOND,
                               PACKET_LIMIT_RTCP_BURST, now_ns)))
        return FALSE;
    take_token(&limit->all_full_ns, PACKET_LIMIT_PER_SECOND, now_ns);
    if (is_rtcp)
        take_token(&limit->rtcp_full_ns, PACKET_LIMIT_RTCP_PER_SECOND, now_ns);
    return TRUE;
}
