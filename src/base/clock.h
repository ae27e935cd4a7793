#pragma once

#include <glib.h>

/* One monotonic clock in nanoseconds. Everything that depends on time takes `now_ns` as an
 * argument; only the outermost loops call clock_now_ns(). */

#define NS_PER_US  G_GINT64_CONSTANT(1000)
#define NS_PER_MS  G_GINT64_CONSTANT(1000000)
#define NS_PER_SEC G_GINT64_CONSTANT(1000000000)

/** CLOCK_MONOTONIC in nanoseconds. Any thread. */
gint64 clock_now_ns(void);

/** The 64-bit NTP timestamp (RFC 3550 section 4) of a monotonic time. The distance between the
 *  two clocks is read once, at the first call: a stepped wall clock never moves a stream. */
guint64 clock_ntp(gint64 mono_ns);

/** The wall clock (ns since 1970) of a monotonic time, by the same fixed distance. */
gint64 clock_wall_ns(gint64 mono_ns);

/** An NTP timestamp as nanoseconds since 1900, for differences between two of them. */
gint64 clock_ntp_to_ns(guint64 ntp);

/** Nanoseconds since 1900 as an NTP timestamp. */
guint64 clock_ns_to_ntp(gint64 ns_since_1900);

/** CPU time used by the calling thread, in nanoseconds. */
gint64 clock_thread_cpu_ns(void);
