#pragma once

#include "config.h"

/* The whole server: what starts, in which order, and how it ends. */

/** Start everything, print "listening URL" lines, run until SIGTERM or SIGINT, drain, stop.
 *  `demo`: open the room "demo" with its test sources. FALSE: it could not start; the error is one
 *  sentence. */
gboolean server_run(const Config *config, gboolean demo, GError **error);
