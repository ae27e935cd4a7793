#pragma once

#include "io/broadcaster_output.h"

/* A TCP connection of a broadcast, with TLS where the URL asks for it: to a checked numeric
 * address, while the name stays what the certificate is verified against and what SNI says. One
 * thread. */

typedef struct BroadcasterLink BroadcasterLink;

/** Connect, trying the target's addresses in order, and shake hands. TESSERA_ERROR_UNAVAILABLE, or
 *  TESSERA_ERROR_FORBIDDEN if the certificate is not to be trusted. */
BroadcasterLink *broadcaster_link_open(const BroadcasterTarget *target, GError **error);
void broadcaster_link_close(BroadcasterLink *link);

/** Say that nothing follows, and wait shortly until the peer has closed too, so that it has read
 * all of it; broadcaster_link_close() is still to be called. */
void broadcaster_link_finish(BroadcasterLink *link);

/** Write all of it within the target's timeout, or fail (TESSERA_ERROR_UNAVAILABLE). */
gboolean broadcaster_link_write(BroadcasterLink *link, const guint8 *data, gsize size,
                                GError **error);

/** Up to `size` bytes; 0: none came until timeout_ms (0: does not wait); -1: error, or the peer has
 *  closed. */
gssize broadcaster_link_read(BroadcasterLink *link, guint8 *data, gsize size, guint timeout_ms,
                             GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BroadcasterLink, broadcaster_link_close)
