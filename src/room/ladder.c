#include "room/ladder.h"

struct Ladder {
    gint refs; /* atomic */
    guint n;
    Rendition *renditions[LADDER_MAX_RUNGS];
};

/* --- which rungs there are --------------------------------------------------------------- */

static gint even(gint value)
{
    return MAX(2, value & ~1);
}

/* The canvas' shape with this shorter side. */
static LadderRung scaled(const LadderRung *top, const ConfigRung *rung)
{
    gint shorter = MIN(top->width, top->height), side = rung->side_px;
    return (LadderRung){ .width = even((top->width * side + shorter / 2) / shorter),
                         .height = even((top->height * side + shorter / 2) / shorter),
                         .fps = MIN(rung->fps, top->fps),
                         .bitrate_bps = rung->bitrate_bps };
}

guint ladder_rungs(const Config *config, const LadderRung *top, LadderRung rungs[LADDER_MAX_RUNGS])
{
    ConfigRung configured[CONFIG_MAX_RUNGS];
    guint count = config_ladder(config, configured), n = 0;
    rungs[n++] = *top;
    for (guint i = 0; i < count; i++) {
        const ConfigRung *rung = &configured[i];
        if (rung->side_px < MIN(top->width, top->height) && rung->bitrate_bps < top->bitrate_bps)
            rungs[n++] = scaled(top, rung);
    }
    return n;
}

/* --- the renditions of them -------------------------------------------------------------- */

Ladder *ladder_new(Rendition *const *renditions, guint n)
{
    Ladder *ladder = g_new0(Ladder, 1);
    ladder->refs = 1;
    ladder->n = MIN(n, LADDER_MAX_RUNGS);
    for (guint i = 0; i < ladder->n; i++)
        ladder->renditions[i] = rendition_ref(renditions[i]);
    return ladder;
}

Ladder *ladder_ref(Ladder *ladder)
{
    g_atomic_int_inc(&ladder->refs);
    return ladder;
}

void ladder_unref(Ladder *ladder)
{
    if (!ladder || !g_atomic_int_dec_and_test(&ladder->refs))
        return;
    for (guint i = 0; i < ladder->n; i++)
        rendition_unref(ladder->renditions[i]);
    g_free(ladder);
}

guint ladder_size(const Ladder *ladder)
{
    return ladder->n;
}

Rendition *ladder_rendition(const Ladder *ladder, guint rung)
{
    return ladder->renditions[MIN(rung, ladder->n - 1)];
}

const CodecType *ladder_codec(const Ladder *ladder)
{
    return rendition_spec(ladder->renditions[0])->codec;
}

gboolean ladder_equal(const Ladder *a, const Ladder *b)
{
    if (a == b || !a || !b || a->n != b->n)
        return a == b;
    for (guint i = 0; i < a->n; i++) {
        if (a->renditions[i] != b->renditions[i])
            return FALSE;
    }
    return TRUE;
}
