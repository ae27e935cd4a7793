#pragma once

#include <glib.h>

/* Transport-wide congestion control feedback, the receiving side
 * (draft-holmer-rmcat-transport-wide-cc-extensions-01): what arrived when. */

typedef struct TwccReceiver TwccReceiver;

TwccReceiver *twcc_receiver_new(void);
void twcc_receiver_free(TwccReceiver *receiver);

/** Note the arrival of a packet with this transport-wide sequence number. */
void twcc_receiver_arrived(TwccReceiver *receiver, guint16 transport_seq, gint64 arrival_ns);

/** The body (FCI) of the next feedback packet into `out`; at most `size` bytes. Covers everything
 *  since the last one that fits; call again until it returns 0 (nothing to report). */
gsize twcc_receiver_feedback(TwccReceiver *receiver, guint8 *out, gsize size);

/** One packet of a feedback that a peer sent: arrival_ns relative to the feedback's own time
 *  base; G_MININT64 if it did not arrive. */
typedef void (*TwccEach)(guint16 transport_seq, gint64 arrival_ns, gpointer user);

/** Parse a peer's feedback. FALSE: malformed. */
gboolean twcc_parse(const guint8 *fci, gsize size, TwccEach each, gpointer user);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(TwccReceiver, twcc_receiver_free)
