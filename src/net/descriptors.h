#pragma once

#include <glib.h>

/** TRUE if the process may open a few descriptors more. GLib ends the process where a GMainContext
 *  finds none for its wake-up, so this is asked before one is made, and before
 *  anybody is let in. Else TESSERA_ERROR_UNAVAILABLE.
 *  Any thread. */
gboolean descriptors_are_left(GError **error);
