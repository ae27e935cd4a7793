#pragma once

#include <glib.h>

/* Redundant audio (RFC 2198): one payload that carries earlier ones again beside its own. Pure. */

#define RED_MAX_BLOCKS 8

typedef struct {
    guint8 payload_type;
    guint32 timestamp_offset; /* how much older than the packet's timestamp; 0: the primary */
    const guint8 *data;       /* (transfer none) into the payload */
    gsize size;               /* may be 0 */
} RedBlock;

/** Read a RED payload into its blocks in the order of the wire: redundant ones first, the primary
 *  last. Returns how many, 0 if it is malformed or has more than RED_MAX_BLOCKS. */
guint red_parse(const guint8 *payload, gsize size, RedBlock blocks[RED_MAX_BLOCKS]);

/** Write blocks, the redundant ones first and the primary last, as a payload. Returns its size; 0
 * if it does not fit, or if a redundant block is too old (above 16383) or too long (above 1023). */
gsize red_write(guint8 *out, gsize capacity, const RedBlock *blocks, guint n);
