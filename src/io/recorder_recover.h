#pragma once

#include <glib.h>

/** Make whole files of what a dead server left behind: every NAME.part in the directory is cut
 * after its last whole fragment, gets its ending and its name. What holds no picture and no sound
 * is removed, what cannot be read is kept as NAME.damaged. Files that are being written are left
 *  alone. (transfer full) Of Recording: what was recovered. Recordings may begin meanwhile; it
 *  takes as long as the disk needs. */
GPtrArray *recorder_recover(const char *directory, GError **error);
