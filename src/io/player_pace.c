#include "io/player_pace.h"

#include "base/clock.h"

#define LATE_NS    (200 * NS_PER_MS) /* later than this is no jitter of the scheduler */
#define JUMP_US    (10 * G_GINT64_CONSTANT(1000000))
#define MAX_STRAYS 30 /* packets from elsewhere before the stream is believed to be there */
#define NONE       G_MININT64

void player_pace_init(PlayerPace *pace, gint64 now_ns, gboolean live)
{
    *pace = (PlayerPace){ .start_ns = now_ns, .live = live, .newest_us = -1 };
    pace->last_us[MEDIA_VIDEO] = pace->last_us[MEDIA_AUDIO] = NONE;
    player_pace_begin(pace);
}

static void begin_pass(PlayerPace *pace)
{
    pace->first_pts_us = G_MAXINT64;
    pace->end_us = G_MININT64;
    pace->strays = 0;
}

void player_pace_begin(PlayerPace *pace)
{
    pace->anchored = FALSE;
    begin_pass(pace);
}

void player_pace_loop(PlayerPace *pace)
{
    if (pace->end_us > pace->first_pts_us)
        pace->offset_us += pace->end_us - pace->first_pts_us;
    begin_pass(pace);
}

static void anchor(PlayerPace *pace, gint64 dts_us, gint64 now_ns)
{
    gint64 now_us = (now_ns - pace->start_ns) / NS_PER_US;
    pace->offset_us = MAX(now_us, pace->newest_us + 1) - dts_us;
    pace->anchored = TRUE;
    pace->strays = 0;
}

/* A live stream that jumps began anew. Some packets of the other kind may still be from before. */
static void follow_jump(PlayerPace *pace, gint64 dts_us, gint64 now_ns)
{
    gint64 off_us = dts_us + pace->offset_us - pace->newest_us;
    if (pace->newest_us < 0 || ABS(off_us) <= JUMP_US)
        pace->strays = 0;
    else if (++pace->strays > MAX_STRAYS)
        anchor(pace, dts_us, now_ns);
}

gint64 player_pace_due_ns(PlayerPace *pace, const AVPacket *packet, gint64 now_ns)
{
    if (!pace->anchored)
        anchor(pace, packet->dts, now_ns);
    if (pace->live) {
        follow_jump(pace, packet->dts, now_ns);
        return now_ns;
    }
    gint64 due_us = packet->dts + pace->offset_us;
    gint64 late_ns = now_ns - pace->start_ns - due_us * NS_PER_US;
    if (late_ns > LATE_NS && due_us >= pace->newest_us) {
        pace->offset_us += late_ns / NS_PER_US;
        late_ns = 0;
    }
    return late_ns >= 0 ? now_ns : now_ns - late_ns;
}

gboolean player_pace_stamp(PlayerPace *pace, MediaKind kind, AVPacket *packet)
{
    if (pace->strays > 0)
        return FALSE;
    gint64 pts_us = packet->pts, dts_us = packet->dts + pace->offset_us;
    gint64 *last_us = &pace->last_us[kind];
    if (*last_us != NONE && dts_us <= *last_us) {
        if (kind == MEDIA_AUDIO)
            return FALSE; /* heard already: a seek goes to the pictures' key frame */
        dts_us = *last_us + 1;
    }
    *last_us = dts_us;
    pace->newest_us = MAX(pace->newest_us, dts_us);
    pace->first_pts_us = MIN(pace->first_pts_us, pts_us);
    pace->end_us = MAX(pace->end_us, pts_us + MAX(packet->duration, 1));
    packet->dts = dts_us;
    packet->pts = pts_us + pace->offset_us;
    return TRUE;
}
