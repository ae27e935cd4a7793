#pragma once

#include <glib.h>

#include "codecs/payload.h"

/* Packets that were sent, kept for some time so that a NACK can be answered. The payloads are
 * shared between viewers: a slot holds a reference, not a copy. Net thread. */

typedef struct RtpHistory RtpHistory;

typedef struct {
    guint16 seq;
    guint32 timestamp;
    gboolean marker;
    GBytes *payload; /* the RTP payload (descriptor and data) */
    /* What was written into its descriptor for this receiver. */
    const PayloadFormat *format;
    gint picture_id, tl0_pic_idx;
} RtpHistoryPacket;

/** Keeps at most `capacity` packets (a power of two) and none older than max_age_ns. */
RtpHistory *rtp_history_new(guint capacity, gint64 max_age_ns);
void rtp_history_free(RtpHistory *history);

/** Takes a reference of the payload. Sequence numbers may leave gaps. */
void rtp_history_add(RtpHistory *history, const RtpHistoryPacket *packet, gint64 now_ns);

/** The packet with this number, to be sent again now; NULL if it is gone, or was sent again less
 *  than min_interval_ns ago (the first repetition need not wait). Valid until the next add. */
const RtpHistoryPacket *rtp_history_resend(RtpHistory *history, guint16 seq, gint64 now_ns,
                                           gint64 min_interval_ns);

/** TRUE if the packet with this number was sent so long ago, or before so many others, that it is
 *  never sent again. */
gboolean rtp_history_is_gone(const RtpHistory *history, guint16 seq, gint64 now_ns);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RtpHistory, rtp_history_free)
