#include "room/activity_map.h"

#include <string.h>

/* Ticks for which a block stays active after a change, and after a key frame. */
#define HOT_TICKS          12
#define KEYFRAME_HOT_TICKS 60

struct ActivityMap {
    gsize size;
    guint8 *hot; /* per block: ticks for which it stays active */
    guint8 *blocks;
};

ActivityMap *activity_map_new(gsize size)
{
    ActivityMap *map = g_new0(ActivityMap, 1);
    map->size = size;
    map->hot = g_malloc0(size);
    map->blocks = g_malloc0(size);
    return map;
}

void activity_map_free(ActivityMap *map)
{
    if (!map)
        return;
    g_free(map->hot);
    g_free(map->blocks);
    g_free(map);
}

void activity_map_refresh(ActivityMap *map)
{
    memset(map->hot, KEYFRAME_HOT_TICKS, map->size);
}

gboolean activity_map_tick(ActivityMap *map, const guint8 *dirty)
{
    guint any = 0;
    for (gsize i = 0; i < map->size; i++) {
        guint8 hot = dirty && dirty[i] ? MAX(HOT_TICKS, map->hot[i]) : map->hot[i];
        map->blocks[i] = hot > 0;
        any |= hot;
        map->hot[i] = hot ? (guint8)(hot - 1) : 0;
    }
    return any != 0;
}

const guint8 *activity_map_blocks(const ActivityMap *map)
{
    return map->blocks;
}

#define BLOCK 16

/* From the block of the picture where this block of the copy begins to the one where it ends; a
 * scaler looks a pixel beyond. */
static void block_range(gint block, gint size, gint scaled, gint *first, gint *last)
{
    gint begin = block * BLOCK * size / scaled - 1;
    gint end = (MIN((block + 1) * BLOCK, scaled) * size + scaled - 1) / scaled;
    *first = MAX(begin, 0) / BLOCK;
    *last = MIN(end, size - 1) / BLOCK;
}

void activity_map_scale(const guint8 *blocks, gint width, gint height, guint8 *scaled,
                        gint scaled_width, gint scaled_height)
{
    gint columns = (width + BLOCK - 1) / BLOCK;
    gint scaled_columns = (scaled_width + BLOCK - 1) / BLOCK;
    gint scaled_rows = (scaled_height + BLOCK - 1) / BLOCK;
    for (gint row = 0; row < scaled_rows; row++) {
        gint top, bottom;
        block_range(row, height, scaled_height, &top, &bottom);
        for (gint column = 0; column < scaled_columns; column++) {
            gint left, right;
            guint8 any = 0;
            block_range(column, width, scaled_width, &left, &right);
            gsize span = (gsize)right - (gsize)left + 1;
            for (gint y = top; y <= bottom; y++)
                any |= memchr(blocks + (gsize)y * (gsize)columns + left, 1, span) != NULL;
            scaled[row * scaled_columns + column] = any;
        }
    }
}
