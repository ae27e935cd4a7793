#pragma once

#include <glib.h>
#include <sys/stat.h>

/* The finished recordings of a directory: what there is, and opening one by a name that came from
 * outside. Any thread. */

typedef struct {
    char *name;
    guint64 bytes;
    gint64 duration_us; /* -1: not known */
    gint64 created_s;   /* since 1970 */
    gboolean recovered; /* its server died while it was recorded */
} Recording;

void recording_free(Recording *recording);

/** Letters, digits, '-', '_' and '.', not in front; at most 80: what recorder_new() takes. */
gboolean recording_base_valid(const char *base);

/** Such a name that ends like a recording (.mp4, .webm, .mkv) or its sidecar (.json). */
gboolean recording_name_valid(const char *name);

/** (transfer full) Of Recording, sorted by name. What is still written is not in it. */
GPtrArray *recordings_list(const char *directory, GError **error);

/** Open a recording or a sidecar for reading: a file descriptor, the caller's, and what it is; -1:
 *  TESSERA_ERROR_NOT_FOUND. No name leads out of the directory or to anything but a plain file. */
int recordings_open(const char *directory, const char *name, struct stat *info, GError **error);

/** Remove a recording and what belongs to it. */
gboolean recordings_delete(const char *directory, const char *name, GError **error);

/** Write BASE.json whole or not at all, in place of an older one, and make the directory. replace
 * FALSE: the first one; TESSERA_ERROR_CONFLICT if there is another recording's, which stays. */
gboolean recordings_put_sidecar(const char *directory, const char *base, const char *text,
                                gboolean replace, GError **error);

/** Remember what a listing tells of a file that is whole, as NAME.part, and gets its name next: so
 *  no listing ever sees the name without it. */
void recordings_note(const char *directory, const char *name, gint64 duration_us,
                     gboolean recovered);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Recording, recording_free)
