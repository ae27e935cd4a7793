#pragma once

#include <glib.h>

/* What was sent to one receiver lately, by transport-wide sequence number. Pure. */

#define BWE_HISTORY_MAX_AGE_NS  (60 * G_GINT64_CONSTANT(1000000000))
#define BWE_HISTORY_MAX_PACKETS 16384

typedef enum { BWE_PENDING, BWE_LOST, BWE_ARRIVED } BweFate;

typedef struct {
    gint64 sent_ns;
    gint32 cluster; /* BWE_PROBE_NONE: no probe */
    guint16 size;
    guint8 fate; /* BweFate, as reported */
    guint8 used; /* FALSE: the number was left out */
} BweSentPacket;

typedef struct BweHistory BweHistory;

BweHistory *bwe_history_new(void);
void bwe_history_free(BweHistory *history);

/** Numbers may leave gaps, but not go back. */
void bwe_history_add(BweHistory *history, guint16 seq, gsize size, gint cluster, gint64 now_ns);

/** NULL if no such packet was sent in the last 60 s, or it is forgotten. Valid until the next add;
 *  the caller notes its fate in it. */
BweSentPacket *bwe_history_find(BweHistory *history, guint16 seq, gint64 now_ns);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BweHistory, bwe_history_free)
