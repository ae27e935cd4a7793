#pragma once

#include <glib.h>

/** `tessera token ...`: print a signed token. argv[0] is "token". Errors are one sentence. */
gboolean token_command(int argc, char **argv, GError **error);
