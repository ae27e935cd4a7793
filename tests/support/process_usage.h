#pragma once

#include <glib.h>

/* What this process holds: for tests that look for leaks over time. */

/** Bytes that malloc() has given out (by the sanitizer where there is one). */
gsize process_heap_bytes(void);
/** The fewest threads seen within 100 ms: one that was joined just now may still be listed. */
guint process_threads(void);
guint process_open_files(void);
