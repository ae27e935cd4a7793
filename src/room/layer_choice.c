#include "room/layer_choice.h"

#include "base/clock.h"

/* A sender's encoder may leave out some pictures, but not so many in a row. */
#define SILENT_NS     (500 * NS_PER_MS)
#define SMALLER_NS    (2 * NS_PER_SEC)
#define DISTRUST_NS   (3 * NS_PER_SEC)
#define TOLERANCE_DIV 16 /* so much of a tile's height may be made up by scaling */

void layer_choice_init(LayerChoice *choice)
{
    *choice = (LayerChoice){ .chosen = -1 };
}

gboolean layer_choice_sends(const LayerSight *layer, gint64 now_ns)
{
    return layer->last_ns && now_ns - layer->last_ns < SILENT_NS;
}

gboolean layer_choice_is_enough(gint height, gint wanted_px)
{
    return height > 0 && height + height / TOLERANCE_DIV >= wanted_px;
}

/* Better for this tile, where both have a height. */
static gboolean is_better(gint height, gint than, gint wanted_px)
{
    if (layer_choice_is_enough(height, wanted_px) != layer_choice_is_enough(than, wanted_px))
        return layer_choice_is_enough(height, wanted_px);
    return layer_choice_is_enough(height, wanted_px) ? height < than : height > than;
}

/* The best of those that send. One whose size is not known is tried where none is enough. */
static gint find_best(const LayerChoice *choice, const LayerSight *layers, guint n, gint wanted_px,
                      gint64 now_ns, gboolean trusted_only)
{
    gint best = -1, unknown = -1;
    for (guint i = 0; i < n; i++) {
        if (!layer_choice_sends(&layers[i], now_ns) ||
            (trusted_only && now_ns < choice->distrusted_until_ns[i]))
            continue;
        if (!layers[i].height)
            unknown = unknown < 0 ? (gint)i : unknown;
        else if (best < 0 || is_better(layers[i].height, layers[best].height, wanted_px))
            best = (gint)i;
    }
    if (unknown >= 0 && (best < 0 || !layer_choice_is_enough(layers[best].height, wanted_px)))
        return unknown;
    return best;
}

static gint choose(LayerChoice *choice, gint best)
{
    choice->chosen = best;
    choice->smaller_since_ns = 0;
    return best;
}

gint layer_choice_update(LayerChoice *choice, const LayerSight *layers, guint n, gint wanted_px,
                         gint keyframe, gint64 now_ns)
{
    gint chosen = choice->chosen;
    gboolean sends = chosen >= 0 && layer_choice_sends(&layers[chosen], now_ns);
    if (chosen >= 0 && !sends)
        choice->distrusted_until_ns[chosen] = now_ns + DISTRUST_NS;
    gint best = find_best(choice, layers, n, wanted_px, now_ns, TRUE);
    if (best < 0)
        best = find_best(choice, layers, n, wanted_px, now_ns, FALSE);
    if (best < 0 || best == chosen) {
        choice->smaller_since_ns = 0;
        return chosen;
    }
    if (!sends || best == keyframe || !layer_choice_is_enough(layers[chosen].height, wanted_px))
        return choose(choice, best);
    if (!choice->smaller_since_ns)
        choice->smaller_since_ns = now_ns;
    if (now_ns - choice->smaller_since_ns >= SMALLER_NS)
        return choose(choice, best);
    return chosen;
}
