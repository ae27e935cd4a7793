#include "room/receive_rate.h"

gint receive_rate_bps(gint height_px, gint max_bps)
{
    static const struct {
        gint height_px, bps;
    } table[] = {
        { 0, 100000 },   { 120, 150000 },  { 180, 250000 },  { 270, 400000 },
        { 360, 600000 }, { 540, 1400000 }, { 720, 2500000 }, { 1080, 4500000 },
    };
    gint bps = G_MAXINT;
    for (guint i = G_N_ELEMENTS(table); i-- > 0;) {
        /* A tile is some pixels higher than its share of the canvas, or lower. */
        if (height_px - height_px / 16 <= table[i].height_px)
            bps = table[i].bps;
    }
    return MIN(bps, max_bps);
}
