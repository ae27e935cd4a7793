#pragma once

#include <glib.h>

/* One line per event on standard error: time, level, area, text. What an outsider can provoke is
 * logged through log_limited(): at most five lines a second per place, the rest counted. */

typedef enum { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG } LogLevel;

/** Lines above this level are dropped. Default LOG_INFO. */
void log_set_level(LogLevel level);

/** Parse "error", "warning", "info" or "debug". */
gboolean log_level_from_string(const char *text, LogLevel *level);

/** Any thread. `area` is the folder or part that speaks, e.g. "dtls". No newline at the end;
 *  control characters in the text are replaced. */
void log_write(LogLevel level, const char *area, const char *format, ...) G_GNUC_PRINTF(3, 4);

#define log_error(area, ...)   log_write(LOG_ERROR, area, __VA_ARGS__)
#define log_warning(area, ...) log_write(LOG_WARNING, area, __VA_ARGS__)
#define log_info(area, ...)    log_write(LOG_INFO, area, __VA_ARGS__)
#define log_debug(area, ...)   log_write(LOG_DEBUG, area, __VA_ARGS__)

/** Rate limit of one place: make it static, zero-initialised. Any thread. */
typedef struct {
    gint64 second;
    guint count;
    guint suppressed;
} LogLimit;

/** TRUE if a line may be written now; *suppressed tells how many were dropped before it. */
gboolean log_limit_pass(LogLimit *limit, gint64 now_ns, guint *suppressed);

#define log_limited(level, area, format, ...)                                   \
    do {                                                                        \
        static LogLimit log_limit_here;                                         \
        log_write_limited(&log_limit_here, level, area, format, ##__VA_ARGS__); \
    } while (0)

void log_write_limited(LogLimit *limit, LogLevel level, const char *area, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
