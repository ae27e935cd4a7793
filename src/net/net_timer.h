#pragma once

#include <glib.h>

/* A timer on a GMainContext that is set again and again: one GSource for its whole life. */

typedef struct NetTimer NetTimer;
typedef void (*NetTimerFunc)(gpointer user);

/** Not running at first. `func` is called on the context's thread. */
NetTimer *net_timer_new(GMainContext *context, NetTimerFunc func, gpointer user);

/** Fire once in delay_ms; 0: at the next turn of the loop. Replaces an earlier setting. */
void net_timer_set(NetTimer *timer, guint delay_ms);

void net_timer_stop(NetTimer *timer);

/** May be called from the timer's own function. NULL is allowed. */
void net_timer_free(NetTimer *timer);
