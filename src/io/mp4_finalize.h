#pragma once

#include <glib.h>

/** Turn a fragmented MP4 (recorder_file) into a plain one, in place and without moving its data:
 * cut it after the last whole fragment, append a moov with all samples, and let what is in front of
 * it be one mdat. Broken off at any point it can be done again. It is synced to the disk. Returns
 * the length in microseconds, 0 if there is no sample in it, -1 on errors: TESSERA_ERROR_INVALID
 * (not such a file), TESSERA_ERROR_UNAVAILABLE (the disk). */
gint64 mp4_finalize(int fd, GError **error);
