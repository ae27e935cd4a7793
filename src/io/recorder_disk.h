#pragma once

#include <glib.h>

/* One file on its way: it grows under its name with ".part" behind it, locked, with room for its
 * ending kept free, and gets its own name when all of it is on the disk. One thread at a time. */

typedef struct RecorderDisk RecorderDisk;

/** A descriptor, the caller's, of the recordings' directory, which is made if it is not there yet.
 *  -1: a sentence says why. As long as the disk takes. */
int recorder_disk_directory(const char *directory, GError **error);

/** Make directory/name.part, and the directory. Neither name may be there yet. recorder_recover()
 * may run meanwhile.
 */
RecorderDisk *recorder_disk_new(const char *directory, const char *name, GError **error);

/** Take over name.part that somebody left behind. TESSERA_ERROR_CONFLICT: it is still written. */
RecorderDisk *recorder_disk_open(const char *directory, const char *name, GError **error);

/** What was not published stays as it is, for recorder_recover(). */
void recorder_disk_free(RecorderDisk *disk);

int recorder_disk_fd(const RecorderDisk *disk);

/** Keep room up to the offset `end`, and min_free bytes more for others. FALSE: there is none, a
 *  sentence says so. What was reserved before stays. */
gboolean recorder_disk_reserve(RecorderDisk *disk, guint64 end, guint64 min_free, GError **error);

/** All or nothing: what cannot be written whole is cut off again. */
gboolean recorder_disk_write(RecorderDisk *disk, guint64 offset, const guint8 *data, gsize size,
                             GError **error);

/** Let what was written reach the disk, every few seconds. */
void recorder_disk_sync(RecorderDisk *disk, gint64 now_ns);

/** Sync and give the file its name. */
gboolean recorder_disk_publish(RecorderDisk *disk, GError **error);

/** Remove it. */
void recorder_disk_discard(RecorderDisk *disk);

/** Write a small file whole or not at all: temporary name, sync, rename. replace FALSE:
 *  TESSERA_ERROR_CONFLICT if there is one of this name, which stays. */
gboolean recorder_disk_put(int directory_fd, const char *name, const char *text, gboolean replace,
                           GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RecorderDisk, recorder_disk_free)
