#pragma once

#include <glib.h>

/* Reading bits, most significant first, as the video headers need it. Past the end the reader has
 * failed = TRUE and returns zeros, so that a parser may ask once at its end. */

typedef struct {
    const guint8 *data;
    gsize size;
    gsize pos;          /* in bytes */
    guint bit;          /* 0..7: bits of data[pos] already read */
    guint zeros;        /* zero bytes just passed (H.264 only) */
    gboolean emulation; /* skip H.264's emulation prevention bytes (H.264 7.4.1) */
    gboolean failed;
} BitReader;

static inline BitReader bit_reader(const guint8 *data, gsize size)
{
    return (BitReader){ .data = data, .size = size };
}

static inline void bit_reader_next_byte(BitReader *reader)
{
    reader->zeros = reader->data[reader->pos] ? 0 : reader->zeros + 1;
    reader->bit = 0;
    reader->pos++;
    if (reader->emulation && reader->zeros >= 2 && reader->pos < reader->size &&
        reader->data[reader->pos] == 3) {
        reader->pos++;
        reader->zeros = 0;
    }
}

static inline guint bit_reader_flag(BitReader *reader)
{
    if (reader->failed || reader->pos >= reader->size) {
        reader->failed = TRUE;
        return 0;
    }
    guint value = reader->data[reader->pos] >> (7 - reader->bit) & 1;
    if (++reader->bit == 8)
        bit_reader_next_byte(reader);
    return value;
}

/** n <= 32 */
static inline guint32 bit_reader_uint(BitReader *reader, guint n)
{
    guint32 value = 0;
    for (guint i = 0; i < n && !reader->failed; i++)
        value = value << 1 | bit_reader_flag(reader);
    return reader->failed ? 0 : value;
}

static inline void bit_reader_skip(BitReader *reader, guint n)
{
    for (guint i = 0; i < n && !reader->failed; i++)
        bit_reader_flag(reader);
}

/** Exp-Golomb (H.264 9.1); also AV1's uvlc() (4.10.3), which is the same code. */
static inline guint32 bit_reader_ue(BitReader *reader)
{
    guint zeros = 0;
    while (!reader->failed && !bit_reader_flag(reader))
        zeros++;
    if (zeros > 31) {
        reader->failed = TRUE;
        return 0;
    }
    return ((guint32)1 << zeros) - 1 + bit_reader_uint(reader, zeros);
}

static inline gint32 bit_reader_se(BitReader *reader)
{
    guint32 value = bit_reader_ue(reader);
    return value & 1 ? (gint32)(value / 2 + 1) : -(gint32)(value / 2);
}
