#include "base/log.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define LINES_PER_SECOND 5

static gint max_level = LOG_INFO;
static pthread_mutex_t limit_lock = PTHREAD_MUTEX_INITIALIZER; /* guards every LogLimit */

static const char *const level_names[] = { "error", "warning", "info", "debug" };

void log_set_level(LogLevel level)
{
    g_atomic_int_set(&max_level, (gint)level);
}

gboolean log_level_from_string(const char *text, LogLevel *level)
{
    for (guint i = 0; i < G_N_ELEMENTS(level_names); i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *level = (LogLevel)i;
            return TRUE;
        }
    }
    return FALSE;
}

static void write_line(LogLevel level, const char *area, const char *text)
{
    g_autofree char *clean = g_strdup(text);
    for (char *p = clean; *p; p++) {
        if ((guchar)*p < 0x20 || *p == 0x7f)
            *p = ' ';
    }
    gint64 wall_ns = clock_wall_ns(clock_now_ns());
    time_t seconds = (time_t)(wall_ns / NS_PER_SEC);
    struct tm tm;
    char stamp[32];
    gmtime_r(&seconds, &tm);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
    fprintf(stderr, "%s.%03dZ %-7s %s: %s\n", stamp, (int)(wall_ns / NS_PER_MS % 1000),
            level_names[level], area, clean);
}

void log_write(LogLevel level, const char *area, const char *format, ...)
{
    if ((gint)level > g_atomic_int_get(&max_level))
        return;
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    write_line(level, area, text);
}

gboolean log_limit_pass(LogLimit *limit, gint64 now_ns, guint *suppressed)
{
    gboolean pass = FALSE;
    *suppressed = 0;
    pthread_mutex_lock(&limit_lock);
    if (now_ns / NS_PER_SEC != limit->second) {
        limit->second = now_ns / NS_PER_SEC;
        limit->count = 0;
    }
    if (limit->count < LINES_PER_SECOND) {
        pass = TRUE;
        limit->count++;
        *suppressed = limit->suppressed;
        limit->suppressed = 0;
    } else {
        limit->suppressed++;
    }
    pthread_mutex_unlock(&limit_lock);
    return pass;
}

void log_write_limited(LogLimit *limit, LogLevel level, const char *area, const char *format, ...)
{
    guint suppressed = 0;
    if ((gint)level > g_atomic_int_get(&max_level) ||
        !log_limit_pass(limit, clock_now_ns(), &suppressed))
        return;
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    if (suppressed) {
        g_autofree char *more = g_strdup_printf("%s (%u like it not shown)", text, suppressed);
        write_line(level, area, more);
    } else {
        write_line(level, area, text);
    }
}
