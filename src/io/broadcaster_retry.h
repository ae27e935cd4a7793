#pragma once

#include <glib.h>

/* When a broadcast tries again, and when it gives up. Pure: a value, and time as an argument.
 *
 *   never worked:  gives up at once, the reason is what the user needs (unless it is to keep
 * trying) worked:        1, 2, 4 .. 30 s, each +-20 %; from 1 s again after a minute of health
 *   refused:       the same, a few times: a server may think for a while that the old connection is
 *                  still publishing; then gives up
 *   hopeless:      gives up at once: another attempt meets the same */

typedef struct {
    gboolean keep_trying; /* even if it never worked */
    gboolean worked;
    guint failures;     /* since it was healthy */
    guint refusals;     /* in a row */
    gint64 up_since_ns; /* 0: not connected */
} BroadcasterRetry;

typedef enum {
    BROADCASTER_LOST,     /* network */
    BROADCASTER_REFUSED,  /* by the destination */
    BROADCASTER_HOPELESS, /* certificate, forbidden address, codecs */
} BroadcasterFailure;

#define BROADCASTER_GIVE_UP (-1)

/** The destination has taken the stream. */
void broadcaster_retry_up(BroadcasterRetry *retry, gint64 now_ns);

/** Packets flow at now_ns: after three seconds the destination counts as one that works. */
void broadcaster_retry_flows(BroadcasterRetry *retry, gint64 now_ns);

/** After a failure: nanoseconds to wait before the next attempt, or BROADCASTER_GIVE_UP. random: 0
 *  to 1. */
gint64 broadcaster_retry_down(BroadcasterRetry *retry, BroadcasterFailure failure, gdouble random);
