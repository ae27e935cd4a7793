#pragma once

#include <glib.h>

/* Wrap-around arithmetic: sequence numbers and RTP timestamps are only compared through these. */

/** a - b, as the shortest way round: -32768..32767. */
static inline gint seq16_diff(guint16 a, guint16 b)
{
    return (gint16)(guint16)(a - b);
}

static inline gboolean seq16_before(guint16 a, guint16 b)
{
    return seq16_diff(a, b) < 0;
}

/** a - b in RTP timestamp units, as the shortest way round. */
static inline gint32 rtp_ts_diff(guint32 a, guint32 b)
{
    return (gint32)(a - b);
}

/** Extends 16-bit sequence numbers to 64 bits. Start zero-initialised. */
typedef struct {
    gint64 last;
    gboolean started;
} SeqUnwrap;

static inline gint64 seq_unwrap(SeqUnwrap *unwrap, guint16 seq)
{
    if (!unwrap->started) {
        unwrap->started = TRUE;
        unwrap->last = 65536 + seq; /* never negative, even after early reordering */
        return unwrap->last;
    }
    gint64 value = unwrap->last + seq16_diff(seq, (guint16)unwrap->last);
    if (value > unwrap->last)
        unwrap->last = value;
    return value;
}

/** Extends 32-bit RTP timestamps to 64 bits. Start zero-initialised. */
typedef struct {
    gint64 last;
    gboolean started;
} TsUnwrap;

static inline gint64 ts_unwrap(TsUnwrap *unwrap, guint32 ts)
{
    if (!unwrap->started) {
        unwrap->started = TRUE;
        unwrap->last = (gint64)1 << 32 | ts;
        return unwrap->last;
    }
    gint64 value = unwrap->last + rtp_ts_diff(ts, (guint32)unwrap->last);
    if (value > unwrap->last)
        unwrap->last = value;
    return value;
}
