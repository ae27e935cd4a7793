#pragma once

#include "mixer/overlay.h"

/* What is written and drawn on tiles: the name with its mute sign, the initials of who has no
 * picture, the sign of a lost connection. Each is rendered once per change; blending it costs a
 * few microseconds. Names come from outside: any UTF-8, any length. Any thread. */

/** Load the fonts, so that the first name in a room does not wait for them (some 100 ms). */
void label_warm_up(void);

/** Where a strip is to stand. Sizes of drawings go in steps: neighbouring sizes of a tile share
 *  them. */
typedef struct {
    int width, height; /* of the tile */
    int reserved;      /* at its right, for something else */
} LabelPlace;

/** The strip at the lower left of a tile: a chip with the sign, if muted, and the name (may be
 *  NULL), ellipsized. NULL if there is nothing to say or the tile is too small for it. */
Overlay *label_render_name(const char *name, gboolean muted, LabelPlace place);

/** What a place waits for: quiet letters, to stand in its middle. NULL as above. */
Overlay *label_render_waiting(const char *text, LabelPlace place);

/** Distance of the strip from the tile's left and lower edge. */
int label_inset(int tile_width, int tile_height);

/** How large a disc of initials is in such a tile. */
int label_disc_size(int tile_width, int tile_height);

/** A disc with up to two initials of the name, or a head and shoulders if it has no letter. The
 *  colour belongs to the id. NULL if the size is too small. */
Overlay *label_render_initials(const char *name, const char *id, int size);

/** The disc of those who found no place: "+5". */
Overlay *label_render_more(guint more, int size);

/** Equal keys mean equal drawings (transfer full). */
char *label_name_key(const char *name, gboolean muted, LabelPlace place);
char *label_waiting_key(const char *text, LabelPlace place);
char *label_initials_key(const char *name, const char *id, int size);

/** Behind the initials, and beside a picture that does not fill its tile. */
guint32 label_backdrop_rgb(void);

/** The sign of a lost connection. */
Overlay *label_render_lost(int tile_width, int tile_height);

/** The one or two letters that stand for a name; "" if it has none (transfer full). */
char *label_initials(const char *name);
