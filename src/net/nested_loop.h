#pragma once

#include "base/thread.h"

/* A GMainContext of its own for each connection, all of them behind one epoll descriptor of an
 * outer context. GLib looks at every source and every descriptor of a context whenever it wakes,
 * so that in one context the cost of a packet would grow with the number of connections; here only
 * the connection is looked at that has something to do. */

typedef struct NestedLoops NestedLoops;
typedef struct NestedLoop NestedLoop;

/** `outer` runs the loops: its thread is the net thread. NULL and `error` if the process has no
 *  descriptor left. */
NestedLoops *nested_loops_new(GMainContext *outer, GError **error);

/** After the last of its loops. NULL is allowed. */
void nested_loops_free(NestedLoops *loops);

/** `loops` must outlive it. */
NestedLoop *nested_loop_new(NestedLoops *loops) ON_NET_THREAD;

/** Sources may be attached to it and removed from it at any time, from any thread. */
GMainContext *nested_loop_context(NestedLoop *loop);

/** Returns TRUE if nothing is left that the context would have to look at. */
typedef gboolean (*NestedLoopRead)(gpointer user);

/** Whenever this descriptor of the loop (one at most) can be read, `read` has its turn before the
 *  context, which costs ten times as much. NULL: nobody does any more. */
void nested_loop_read_first(NestedLoop *loop, int fd, NestedLoopRead read,
                            gpointer user) ON_NET_THREAD;

/** Its sources are destroyed. May be called from a source of this loop or of another one; then the
 *  context ends when all that run have returned. */
void nested_loop_free(NestedLoop *loop) ON_NET_THREAD;
