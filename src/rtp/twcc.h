#pragma once

#include <glib.h>

/* Transport-wide congestion control feedback, the receiving side
 * (draft-holmer-rmcat-transport-wide-cc-extensions-01): what arrived when. */

#define TWCC_MIN_FCI       32   /* bytes; any feedback can make progress in these */
#define TWCC_MAX_STATUSES  8192 /* each two bytes of a feedback may stand for that many */
#define TWCC_NOT_ARRIVED   G_MININT64
#define TWCC_CLOCK_WRAP_NS (G_GINT64_CONSTANT(64000000) << 24) /* 24 bits of 64 ms: 12.4 days */

typedef struct TwccReceiver TwccReceiver;

TwccReceiver *twcc_receiver_new(void);
void twcc_receiver_free(TwccReceiver *receiver);

/** Note the arrival of a packet with this transport-wide sequence number. One that comes after it
 *  was reported missing is reported again, up to 500 ms late. Repetitions are ignored. */
void twcc_receiver_arrived(TwccReceiver *receiver, guint16 transport_seq, gint64 arrival_ns);

/** The body (FCI) of the next feedback packet into `out`; at most `size` bytes (TWCC_MIN_FCI or
 *  more). Covers everything since the last one that fits; call again until it returns 0 (nothing to
 *  report). */
gsize twcc_receiver_feedback(TwccReceiver *receiver, guint8 *out, gsize size);

/** One packet of a feedback that a peer sent: arrival_ns on the peer's own clock, which the wire
 *  wraps every TWCC_CLOCK_WRAP_NS; TWCC_NOT_ARRIVED if it did not arrive. In sequence order. */
typedef void (*TwccEach)(guint16 transport_seq, gint64 arrival_ns, gpointer user);

/** Parse a peer's feedback. FALSE: malformed or about more than TWCC_MAX_STATUSES packets; `each`
 *  was not called then. */
gboolean twcc_parse(const guint8 *fci, gsize size, TwccEach each, gpointer user);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(TwccReceiver, twcc_receiver_free)
