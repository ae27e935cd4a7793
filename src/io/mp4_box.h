#pragma once

#include <glib.h>

#include "base/bytes.h"

/* Boxes of ISO 14496-12: reading them inside a buffer, writing them into a GByteArray. */

#define MP4_TYPE(a, b, c, d)                                                               \
    ((guint32)(guchar)(a) << 24 | (guint32)(guchar)(b) << 16 | (guint32)(guchar)(c) << 8 | \
     (guint32)(guchar)(d))

static inline void mp4_put(GByteArray *out, guint64 value, guint bytes)
{
    guint8 data[8];
    for (guint i = 0; i < bytes; i++)
        data[i] = (guint8)(value >> (8 * (bytes - 1 - i)));
    g_byte_array_append(out, data, bytes);
}

static inline void mp4_put_u32(GByteArray *out, guint32 value)
{
    mp4_put(out, value, 4);
}

static inline void mp4_put_u64(GByteArray *out, guint64 value)
{
    mp4_put(out, value, 8);
}

/** Begin a box; returns where, for mp4_box_end(). */
static inline guint mp4_box_begin(GByteArray *out, guint32 type)
{
    guint at = out->len;
    mp4_put_u32(out, 0);
    mp4_put_u32(out, type);
    return at;
}

/** The same with version and flags. */
static inline guint mp4_full_box_begin(GByteArray *out, guint32 type, guint8 version)
{
    guint at = mp4_box_begin(out, type);
    mp4_put_u32(out, (guint32)version << 24);
    return at;
}

/** Write a number into place. */
static inline void mp4_patch_u32(GByteArray *out, guint at, guint32 value)
{
    for (guint i = 0; i < 4; i++)
        out->data[at + i] = (guint8)(value >> (8 * (3 - i)));
}

static inline void mp4_box_end(GByteArray *out, guint at)
{
    mp4_patch_u32(out, at, out->len - at);
}

/** The next box inside a payload; *inside covers its payload. */
static inline gboolean mp4_next_box(ByteReader *reader, guint32 *type, ByteReader *inside)
{
    if (byte_reader_left(reader) < 8)
        return FALSE;
    guint32 size = byte_reader_u32(reader);
    *type = byte_reader_u32(reader);
    if (size < 8)
        return FALSE;
    const guint8 *bytes = byte_reader_bytes(reader, size - 8);
    *inside = byte_reader(bytes, size - 8);
    return bytes != NULL;
}
