#include <string.h>

#include "base/bytes.h"
#include "codecs/payload_util.h"

/* RFC 7741. */

#define EXTENDED        0x80 /* X */
#define NON_REFERENCE   0x20 /* N */
#define PARTITION_START 0x10 /* S */
#define HAS_PICTURE_ID  0x80 /* I */
#define HAS_TL0PICIDX   0x40 /* L */
#define HAS_TID         0x20 /* T */
#define HAS_KEYIDX      0x10 /* K */
#define LONG_PICTURE_ID 0x80 /* M */
#define LAYER_SYNC      0x20 /* Y */

/* Section 4.2: the optional fields. */
static void read_extension(ByteReader *reader, PayloadInfo *info)
{
    guint8 fields = byte_reader_u8(reader);
    if (fields & HAS_PICTURE_ID) {
        info->picture_id = byte_reader_u8(reader);
        info->picture_id_bits = 7;
        if (info->picture_id & LONG_PICTURE_ID) {
            info->picture_id = (info->picture_id & 0x7f) << 8 | byte_reader_u8(reader);
            info->picture_id_bits = 15;
        }
    }
    if (fields & HAS_TL0PICIDX)
        info->tl0_pic_idx = byte_reader_u8(reader);
    if (fields & (HAS_TID | HAS_KEYIDX)) {
        guint8 layer = byte_reader_u8(reader);
        if (fields & HAS_TID) {
            info->temporal_id = layer >> 6;
            info->layer_sync = (layer & LAYER_SYNC) != 0;
        }
    }
}

static gboolean vp8_parse(const guint8 *payload, gsize size, PayloadInfo *info)
{
    ByteReader reader = byte_reader(payload, size);
    payload_info_init(info);
    guint8 first = byte_reader_u8(&reader);
    info->start = (first & PARTITION_START) && (first & 7) == 0;
    info->non_reference = (first & NON_REFERENCE) != 0;
    if (first & EXTENDED)
        read_extension(&reader, info);
    info->header_size = reader.pos;
    guint8 frame_tag = byte_reader_u8(&reader); /* there must be data */
    info->keyframe = info->start && !(frame_tag & 1);
    return !reader.failed;
}

static gboolean vp8_append(GByteArray *frame, const guint8 *payload, gsize size,
                           const PayloadInfo *info)
{
    return info->header_size < size &&
           payload_append_bytes(frame, payload + info->header_size, size - info->header_size);
}

static void write_descriptor(const PayloadTags *tags, PayloadFragment *fragment)
{
    ByteWriter writer = byte_writer(fragment->header, sizeof fragment->header);
    gboolean picture_id = tags->picture_id >= 0, layers = tags->tl0_pic_idx >= 0;
    byte_writer_u8(&writer, (guint8)((picture_id || layers ? EXTENDED : 0) |
                                     (tags->non_reference ? NON_REFERENCE : 0)));
    if (picture_id || layers)
        byte_writer_u8(&writer, (guint8)((picture_id ? HAS_PICTURE_ID : 0) |
                                         (layers ? HAS_TL0PICIDX | HAS_TID : 0)));
    if (picture_id)
        byte_writer_u16(&writer, (guint16)(0x8000 | (tags->picture_id & 0x7fff)));
    if (layers) {
        byte_writer_u8(&writer, (guint8)tags->tl0_pic_idx);
        byte_writer_u8(
            &writer, (guint8)((tags->temporal_id & 3) << 6 | (tags->layer_sync ? LAYER_SYNC : 0)));
    }
    fragment->header_size = (guint8)writer.pos;
}

static gboolean vp8_packetize(const AVPacket *frame, const PayloadTags *tags, gsize max_payload,
                              GArray *out)
{
    PayloadFragment fragment = { 0 };
    write_descriptor(tags, &fragment);
    if (frame->size <= 0 || max_payload <= fragment.header_size)
        return FALSE;
    gsize size = (gsize)frame->size;
    for (gsize pos = 0; pos < size; pos += fragment.size) {
        if (pos == 0)
            fragment.header[0] |= PARTITION_START;
        else
            fragment.header[0] &= (guint8)~PARTITION_START;
        fragment.data = frame->data + pos;
        fragment.size = payload_piece(size, pos, max_payload - fragment.header_size);
        g_array_append_val(out, fragment);
    }
    return TRUE;
}

static void vp8_retag(guint8 *payload, gsize size, gint picture_id, gint tl0_pic_idx)
{
    if (size < 5 || !(payload[0] & EXTENDED) || !(payload[1] & HAS_PICTURE_ID))
        return;
    payload[2] = (guint8)(LONG_PICTURE_ID | (picture_id >> 8 & 0x7f));
    payload[3] = (guint8)picture_id;
    if (payload[1] & HAS_TL0PICIDX)
        payload[4] = (guint8)tl0_pic_idx;
}

const PayloadFormat payload_vp8 = {
    .name = "VP8",
    .parse = vp8_parse,
    .append = vp8_append,
    .packetize = vp8_packetize,
    .retag = vp8_retag,
};
