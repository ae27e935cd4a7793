#pragma once

#include <glib.h>

#include "io/media_source.h"

/* The times of what a player hands out: from those in the file or stream to microseconds since the
 * player's start, which lie a fixed distance from its clock. Pure. */

typedef struct {
    gint64 start_ns; /* the clock at 0 */
    gboolean live;   /* as it comes; otherwise when it is due */
    gboolean anchored;
    gint64 offset_us;            /* handed out = in the file + offset */
    gint64 last_us[2];           /* dts handed out, by kind */
    gint64 newest_us;            /* of both; -1: none yet */
    gint64 first_pts_us, end_us; /* in the file, of this pass */
    guint strays;
} PlayerPace;

void player_pace_init(PlayerPace *pace, gint64 now_ns, gboolean live);

/** What follows is from another place (a seek, another connection): it begins now. */
void player_pace_begin(PlayerPace *pace);

/** The same from its start again: it begins where this pass ended. */
void player_pace_loop(PlayerPace *pace);

/** When a packet (dts and pts in the file, microseconds) is to be handed out: now or later. Whoever
 *  comes late by more than an instant (a pause, a slow disk) moves all that follows. */
gint64 player_pace_due_ns(PlayerPace *pace, const AVPacket *packet, gint64 now_ns);

/** Give the packet the times to hand out, after player_pace_due_ns(). FALSE: leave it out. */
gboolean player_pace_stamp(PlayerPace *pace, MediaKind kind, AVPacket *packet);
