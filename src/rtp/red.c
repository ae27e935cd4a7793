#include "rtp/red.h"

#include "base/bytes.h"

#define MAX_OFFSET 0x3fff
#define MAX_SIZE   0x3ff

/* Section 3: F(1) type(7) offset(14) length(10) for each redundant block; F(1)=0 type(7) for the
 * primary, whose length is what remains. Returns how many blocks, 0 if there are too many. */
static guint read_headers(ByteReader *reader, RedBlock blocks[RED_MAX_BLOCKS])
{
    for (guint n = 0; n < RED_MAX_BLOCKS; n++) {
        guint8 first = byte_reader_u8(reader);
        blocks[n] = (RedBlock){ .payload_type = first & 0x7f };
        if (!(first & 0x80))
            return reader->failed ? 0 : n + 1;
        guint32 rest = byte_reader_u24(reader);
        blocks[n].timestamp_offset = rest >> 10;
        blocks[n].size = rest & 0x3ff;
    }
    return 0;
}

guint red_parse(const guint8 *payload, gsize size, RedBlock blocks[RED_MAX_BLOCKS])
{
    ByteReader reader = byte_reader(payload, size);
    guint n = read_headers(&reader, blocks);
    for (guint i = 0; i < n; i++) {
        if (i == n - 1)
            blocks[i].size = byte_reader_left(&reader);
        blocks[i].data = byte_reader_bytes(&reader, blocks[i].size);
    }
    return reader.failed ? 0 : n;
}

gsize red_write(guint8 *out, gsize capacity, const RedBlock *blocks, guint n)
{
    ByteWriter writer = byte_writer(out, capacity);
    for (guint i = 0; i + 1 < n; i++) {
        if (blocks[i].timestamp_offset > MAX_OFFSET || blocks[i].size > MAX_SIZE)
            return 0;
        byte_writer_u8(&writer, 0x80 | blocks[i].payload_type);
        byte_writer_u24(&writer, blocks[i].timestamp_offset << 10 | (guint32)blocks[i].size);
    }
    byte_writer_u8(&writer, blocks[n - 1].payload_type);
    for (guint i = 0; i < n; i++)
        byte_writer_bytes(&writer, blocks[i].data, blocks[i].size);
    return writer.failed ? 0 : writer.pos;
}
