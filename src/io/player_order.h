#pragma once

#include <glib.h>

#include "io/media_source.h"

/* Files keep a second of sound after a second of pictures, and the like: a short read-ahead that
 * hands both out in order of dts. Bounded. One thread. */

typedef struct PlayerOrder PlayerOrder;

/** span_us: how far to read ahead in search of the other kind; 0: hand out in the order of coming.
 */
PlayerOrder *player_order_new(gint64 span_us);
void player_order_free(PlayerOrder *order);

/** The packet's references are moved; its dts is set. */
void player_order_push(PlayerOrder *order, MediaKind kind, AVPacket *packet);

/** FALSE: the next one to hand out is known. */
gboolean player_order_wants_more(const PlayerOrder *order);

/** Move the earliest packet into `packet`. FALSE: empty. */
gboolean player_order_pop(PlayerOrder *order, MediaKind *kind, AVPacket *packet);
void player_order_clear(PlayerOrder *order);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(PlayerOrder, player_order_free)
