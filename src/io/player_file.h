#pragma once

#include <glib.h>
#include <libavformat/avio.h>

#include "io/player_guard.h"

/* A file of the media directory for libavformat, which itself opens nothing. */

typedef struct PlayerFile PlayerFile;

/** A name: no parts of a path, nothing hidden. TESSERA_ERROR_INVALID. */
gboolean player_file_check_name(const char *name, GError **error);

/** A regular file of this name in the directory itself, no symbolic link. Reading ends with an
 * error when the guard (which must live as long) is over. TESSERA_ERROR_INVALID, _NOT_FOUND. */
PlayerFile *player_file_open(const char *directory, const char *name, PlayerGuard *guard,
                             GError **error);
void player_file_close(PlayerFile *file);

AVIOContext *player_file_io(PlayerFile *file);

/** (transfer full) All of it, or NULL if it is larger. */
GBytes *player_file_read_all(PlayerFile *file, gsize max_bytes);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(PlayerFile, player_file_close)
