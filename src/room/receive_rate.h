#pragma once

#include <glib.h>

/* What senders are asked for: no more bits than their tiles show. Pure. */

/** Added for the sound, so that it is never what gives way. */
#define RECEIVE_RATE_SOUND_BPS 100000

/** Bits per second for one picture that is shown at this height; 0: nobody shows it, and it only
 *  stays ready. At most max_bps. */
gint receive_rate_bps(gint height_px, gint max_bps);
