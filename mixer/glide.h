#pragma once

#include <glib.h>

#include "mixer/video_rect.h"

/* Tiles that move and resize to where they are to be, over a time: pure, simulated time. A tile
 * that is new begins at its place. Costs nothing when nothing moves. */

typedef struct Glide Glide;

typedef struct {
    const char *id; /* the same as long as it is the same tile */
    VideoRect rect;
} GlideTile;

Glide *glide_new(void);
void glide_free(Glide *glide);

/** From now on towards these places, to arrive after duration_ns (0: at once), slow at both ends.
 *  Who is on the way already goes on from where it is. */
void glide_to(Glide *glide, const GlideTile *tiles, guint n, gint64 now_ns, gint64 duration_ns);

/** TRUE while something moves at now_ns. */
gboolean glide_moving(const Glide *glide, gint64 now_ns);

/** Where the i-th tile of the last glide_to() is at now_ns: even, inside the hull of both places.
 */
VideoRect glide_rect(const Glide *glide, guint i, gint64 now_ns);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Glide, glide_free)
