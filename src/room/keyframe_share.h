#pragma once

#include <glib.h>

/* When the next key frame of a rendition is made: those who want one share it, for it costs all who
 * watch. Pure. */

typedef struct {
    gboolean wanted, urgent;
    gint64 last_ns, before_ns; /* the newest key frame, and the one before it */
} KeyframeShare;

void keyframe_share_init(KeyframeShare *share);

/** Somebody wants one, at most one a second. `urgent`: it sees nothing until then; a few come
 * sooner, further ones wait for half a second. */
void keyframe_share_want(KeyframeShare *share, gboolean urgent);

/** Whether the next picture is to be one. */
gboolean keyframe_share_due(const KeyframeShare *share, gint64 now_ns);

/** It is made: all who waited have theirs. */
void keyframe_share_made(KeyframeShare *share, gint64 now_ns);
