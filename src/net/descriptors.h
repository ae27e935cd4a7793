#pragma once

#include <glib.h>

/** TRUE if the process may open a few descriptors more. GLib ends the process where a GMainContext
 *  finds none for its wake-up, so this is asked before one is made, and before
 *  anybody is let in. Else TESSERA_ERROR_UNAVAILABLE.
 *  Any thread. */
gboolean descriptors_are_left(GError **error);

/** The same for those who are let in by the thousand: what was found in the last 100 ms holds, so
 *  that a flood does not take away by asking what somebody else has just been promised. Any
 *  thread. */
gboolean descriptors_for_strangers(GError **error);
