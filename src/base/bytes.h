#pragma once

#include <glib.h>
#include <string.h>

/* Big-endian reading and writing with bounds. A reader that ran past its end has failed = TRUE,
 * returns zeros from then on, and never reads outside its buffer; so a parser may read a whole
 * header and ask once. A writer that ran out of room likewise writes nothing more. */

typedef struct {
    const guint8 *data;
    gsize size;
    gsize pos;
    gboolean failed;
} ByteReader;

typedef struct {
    guint8 *data;
    gsize size;
    gsize pos;
    gboolean failed;
} ByteWriter;

static inline ByteReader byte_reader(const guint8 *data, gsize size)
{
    return (ByteReader){ data, size, 0, FALSE };
}

static inline ByteWriter byte_writer(guint8 *data, gsize size)
{
    return (ByteWriter){ data, size, 0, FALSE };
}

static inline gsize byte_reader_left(const ByteReader *reader)
{
    return reader->failed ? 0 : reader->size - reader->pos;
}

/** n bytes in place (transfer none), or NULL; then the reader has failed. */
static inline const guint8 *byte_reader_bytes(ByteReader *reader, gsize n)
{
    if (n > byte_reader_left(reader)) {
        reader->failed = TRUE;
        return NULL;
    }
    const guint8 *bytes = reader->data + reader->pos;
    reader->pos += n;
    return bytes;
}

static inline guint64 byte_reader_uint(ByteReader *reader, gsize n)
{
    const guint8 *bytes = byte_reader_bytes(reader, n);
    guint64 value = 0;
    for (gsize i = 0; bytes && i < n; i++)
        value = value << 8 | bytes[i];
    return value;
}

static inline guint8 byte_reader_u8(ByteReader *reader)
{
    return (guint8)byte_reader_uint(reader, 1);
}

static inline guint16 byte_reader_u16(ByteReader *reader)
{
    return (guint16)byte_reader_uint(reader, 2);
}

static inline guint32 byte_reader_u24(ByteReader *reader)
{
    return (guint32)byte_reader_uint(reader, 3);
}

static inline guint32 byte_reader_u32(ByteReader *reader)
{
    return (guint32)byte_reader_uint(reader, 4);
}

static inline guint64 byte_reader_u64(ByteReader *reader)
{
    return byte_reader_uint(reader, 8);
}

/** Room for n bytes (transfer none), or NULL; then the writer has failed. */
static inline guint8 *byte_writer_room(ByteWriter *writer, gsize n)
{
    if (writer->failed || n > writer->size - writer->pos) {
        writer->failed = TRUE;
        return NULL;
    }
    guint8 *bytes = writer->data + writer->pos;
    writer->pos += n;
    return bytes;
}

static inline void byte_writer_uint(ByteWriter *writer, guint64 value, gsize n)
{
    guint8 *bytes = byte_writer_room(writer, n);
    for (gsize i = 0; bytes && i < n; i++)
        bytes[i] = (guint8)(value >> (8 * (n - 1 - i)));
}

static inline void byte_writer_u8(ByteWriter *writer, guint8 value)
{
    byte_writer_uint(writer, value, 1);
}

static inline void byte_writer_u16(ByteWriter *writer, guint16 value)
{
    byte_writer_uint(writer, value, 2);
}

static inline void byte_writer_u24(ByteWriter *writer, guint32 value)
{
    byte_writer_uint(writer, value, 3);
}

static inline void byte_writer_u32(ByteWriter *writer, guint32 value)
{
    byte_writer_uint(writer, value, 4);
}

static inline void byte_writer_u64(ByteWriter *writer, guint64 value)
{
    byte_writer_uint(writer, value, 8);
}

static inline void byte_writer_bytes(ByteWriter *writer, const void *data, gsize n)
{
    guint8 *bytes = byte_writer_room(writer, n);
    if (bytes && n)
        memcpy(bytes, data, n);
}
