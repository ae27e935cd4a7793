#include "base/clock.h"

#include <time.h>

#define NTP_UNIX_OFFSET_SEC G_GINT64_CONSTANT(2208988800) /* RFC 3550 section 4: 1900 to 1970 */

static gint64 read_clock(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (gint64)ts.tv_sec * NS_PER_SEC + ts.tv_nsec;
}

gint64 clock_now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

gint64 clock_thread_cpu_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

static gint64 wall_offset_ns(void)
{
    static gsize once;
    static gint64 offset_ns;
    if (g_once_init_enter(&once)) {
        offset_ns = read_clock(CLOCK_REALTIME) - read_clock(CLOCK_MONOTONIC);
        g_once_init_leave(&once, 1);
    }
    return offset_ns;
}

gint64 clock_wall_ns(gint64 mono_ns)
{
    return mono_ns + wall_offset_ns();
}

guint64 clock_ns_to_ntp(gint64 ns_since_1900)
{
    guint64 seconds = (guint64)(ns_since_1900 / NS_PER_SEC);
    guint64 rest_ns = (guint64)(ns_since_1900 % NS_PER_SEC);
    return (seconds << 32) | ((rest_ns << 32) / NS_PER_SEC);
}

gint64 clock_ntp_to_ns(guint64 ntp)
{
    gint64 seconds = (gint64)(ntp >> 32);
    gint64 rest_ns = (gint64)(((ntp & 0xffffffffu) * NS_PER_SEC) >> 32);
    return seconds * NS_PER_SEC + rest_ns;
}

guint64 clock_ntp(gint64 mono_ns)
{
    return clock_ns_to_ntp(clock_wall_ns(mono_ns) + NTP_UNIX_OFFSET_SEC * NS_PER_SEC);
}
