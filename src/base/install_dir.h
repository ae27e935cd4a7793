#pragma once

#include <glib.h>

/** (transfer full) A directory that belongs to the program ("web", "layouts"): beside it, above it
 *  (a build tree), or installed under ../share/tessera; NULL if there is none. */
char *install_dir_find(const char *name);
