#pragma once

#include <glib.h>

/* Open bitstream units of AV1 (bitstream specification sections 5.3 and 4.10.5). */

enum {
    OBU_SEQUENCE_HEADER = 1,
    OBU_TEMPORAL_DELIMITER = 2,
    OBU_FRAME_HEADER = 3,
    OBU_FRAME = 6,
    OBU_TILE_LIST = 8,
    OBU_PADDING = 15,
};

#define OBU_FORBIDDEN 0x80
#define OBU_EXTENSION 0x04
#define OBU_HAS_SIZE  0x02

static inline guint8 obu_type(guint8 header)
{
    return header >> 3 & 0xf;
}

/** One or two bytes. */
static inline gsize obu_header_size(guint8 header)
{
    return header & OBU_EXTENSION ? 2 : 1;
}

/** Read a leb128 of at most 32 bits of value. Returns its length in bytes, 0 if malformed. */
gsize leb128_read(const guint8 *data, gsize size, gsize *value);

/** Write the shortest leb128 of a value below 2^35 into 5 bytes. Returns its length. */
gsize leb128_write(guint8 *out, gsize value);

/** A walk over the OBUs of a temporal unit. Start zero-initialised but for data and size. */
typedef struct {
    const guint8 *data;
    gsize size;
    gsize pos;
    gboolean failed;   /* the walk ended at something malformed */
    const guint8 *obu; /* the present one, at its header */
    gsize obu_size;    /* all of it */
    const guint8 *payload;
    gsize payload_size;
} ObuIterator;

gboolean obu_iterator_next(ObuIterator *iterator);
