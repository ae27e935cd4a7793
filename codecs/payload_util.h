#pragma once

#include "codecs/payload.h"

/* What several payload formats need. For this folder only. */

/** Nothing known yet. */
void payload_info_init(PayloadInfo *info);

/** Append bytes, unless the frame would grow beyond PAYLOAD_MAX_FRAME. */
gboolean payload_append_bytes(GByteArray *frame, const guint8 *data, gsize size);

/** Size of the piece at `pos` when `size` bytes are cut into the fewest pieces of at most
 *  `max_piece`: all of one size, which is as small as it can be, but for the last, which may be
 *  shorter. So the packets of a frame can be sent together (UDP GSO). */
gsize payload_piece(gsize size, gsize pos, gsize max_piece);

/** While a frame is put together its last bytes are the state of an open fragment: the bytes of it
 *  so far, 0 where none is open. Take it away (0 where the frame is empty), put it back. */
gsize payload_take_state(GByteArray *frame);
void payload_put_state(GByteArray *frame, gsize open);
