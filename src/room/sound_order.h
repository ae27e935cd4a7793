#pragma once

#include <glib.h>
#include <libavcodec/packet.h>

#include "base/seq.h"

/* Packets of sound on their way past the jitter buffer: put in order, without duplicates, and with
 * times that do not follow what the jitter buffer does. Pure. */

#define SOUND_ORDER_MAX 8 /* that wait for one that is missing */

typedef struct {
    gint64 seq, media_ns, mixed_ns;
    AVPacket *packet; /* (owned) */
} SoundOrderItem;

/** Starts zero-initialised. */
typedef struct {
    SeqUnwrap seqs;
    TsUnwrap timestamps;
    SoundOrderItem items[SOUND_ORDER_MAX + 1]; /* by seq */
    guint count;
    gboolean started;
    gint64 next; /* seq */

    gboolean placed;
    gint64 offset_ns;     /* from the sender's clock to the mix's, as it is used */
    gint64 newest_ns;     /* on the sender's clock */
    gint64 correction_ns; /* of what the jitter buffer says */
} SoundOrder;

/** Forget what waits; another stream follows. */
void sound_order_restart(SoundOrder *order);

/** Takes the packet; FALSE: it was there before, or is too late, and the caller keeps it. */
gboolean sound_order_put(SoundOrder *order, guint16 seq, guint32 rtp_timestamp, gint64 mixed_ns,
                         AVPacket *packet);

/** (transfer full) The next one and its time, or NULL: one before it is still waited for. */
AVPacket *sound_order_take(SoundOrder *order, gint64 *time_ns);
