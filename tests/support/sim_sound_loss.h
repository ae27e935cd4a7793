#pragma once

#include "support/sim_link.h"

/* What loss does to sound on its way to a room and on its way to a listener: one who speaks with
 * in-band FEC, and two who listen, one that knows RED (as Chromium) and one that does not (as
 * Firefox), each behind the same line, in simulated time. */

typedef struct {
    gdouble up;       /* share of the time that the server concealed, 0..1 */
    gdouble down_red; /* share of the time of which the listener got nothing */
    gdouble down_fec;
    gdouble reported; /* loss that the listener with RED reported */
    gint rate_bps;    /* what that listener is sent */
} SimSoundLoss;

/** Both ways have this line; it is measured over `seconds`, after fifteen to find each other. */
SimSoundLoss sim_sound_loss(const char *project_dir, const SimLinkConfig *line, gint seconds);
