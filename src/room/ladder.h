#pragma once

#include "config.h"
#include "room/rendition.h"

/* The renditions of one scene in one codec, from the full picture down to the one for the thinnest
 * lines. Each is encoded only while somebody takes it. Counted, never changed: any thread. */

#define LADDER_MAX_RUNGS (CONFIG_MAX_RUNGS + 1)

typedef struct {
    gint width, height, fps, bitrate_bps;
} LadderRung;

/** The rungs of a canvas: `top`, the full picture, first, then what video.ladder has that is
 * smaller. The canvas' shape is kept. Returns how many there are. */
guint ladder_rungs(const Config *config, const LadderRung *top, LadderRung rungs[LADDER_MAX_RUNGS]);

typedef struct Ladder Ladder;

/** The renditions from the top down, at most LADDER_MAX_RUNGS; references are taken. */
Ladder *ladder_new(Rendition *const *renditions, guint n);
Ladder *ladder_ref(Ladder *ladder);
void ladder_unref(Ladder *ladder);

guint ladder_size(const Ladder *ladder);
/** (transfer none) 0 is the full picture. */
Rendition *ladder_rendition(const Ladder *ladder, guint rung);
const CodecType *ladder_codec(const Ladder *ladder);
/** TRUE if both are of the same renditions. */
gboolean ladder_equal(const Ladder *a, const Ladder *b);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Ladder, ladder_unref)
