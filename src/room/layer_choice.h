#pragma once

#include <glib.h>

/* Which layer of a simulcast is decoded: the smallest that is as high as the largest tile that
 * shows it, and the largest where none is. A larger one is taken at once, a smaller one when it was
 * enough for 2 s. Pure; driven by now_ns. */

#define LAYERS_MAX 3

/** What is known of one layer. */
typedef struct {
    gint height;    /* of its upright pictures; 0: none came yet */
    gint64 last_ns; /* its newest packet; 0: none came yet */
} LayerSight;

typedef struct {
    gint chosen;                            /* index, or -1: none sends */
    gint64 smaller_since_ns;                /* since when a smaller one is enough; 0: none is */
    gint64 distrusted_until_ns[LAYERS_MAX]; /* it stopped while it was chosen */
} LayerChoice;

void layer_choice_init(LayerChoice *choice);

/** Choose among `n` layers for a tile of this height (0: nobody takes it, any will do). keyframe:
 * the layer that a key frame came of just now (to go over to it costs nothing), or -1. Returns the
 * index, or -1. */
gint layer_choice_update(LayerChoice *choice, const LayerSight *layers, guint n, gint wanted_px,
                         gint keyframe, gint64 now_ns);

/** TRUE while packets of it come. */
gboolean layer_choice_sends(const LayerSight *layer, gint64 now_ns);

/** TRUE if pictures of this height fill a tile that wants wanted_px, but for some rows. */
gboolean layer_choice_is_enough(gint height, gint wanted_px);
