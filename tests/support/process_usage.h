#pragma once

#include <glib.h>

/* What this process holds: for tests that look for leaks over time. */

/** Bytes that malloc() has given out (by the sanitizer where there is one). */
gsize process_heap_bytes(void);
guint process_threads(void);
guint process_open_files(void);
