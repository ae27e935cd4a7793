#include <string.h>

#include "base/bytes.h"
#include "codecs/payload_util.h"

/* RFC 9628. Read: flexible and non-flexible mode. Written: non-flexible, one spatial layer. */

#define HAS_PICTURE_ID  0x80 /* I */
#define INTER_PREDICTED 0x40 /* P */
#define HAS_LAYERS      0x20 /* L */
#define FLEXIBLE        0x10 /* F */
#define FRAME_START     0x08 /* B */
#define FRAME_END       0x04 /* E */
#define HAS_STRUCTURE   0x02 /* V */
#define LONG_PICTURE_ID 0x80 /* M */
#define SWITCHING_UP    0x10 /* U */
#define MAX_REFERENCES  3

static void read_layers(ByteReader *reader, gboolean flexible, PayloadInfo *info)
{
    guint8 layers = byte_reader_u8(reader);
    info->temporal_id = layers >> 5;
    info->layer_sync = (layers & SWITCHING_UP) != 0;
    info->spatial_id = layers >> 1 & 7;
    if (!flexible)
        info->tl0_pic_idx = byte_reader_u8(reader);
}

static void skip_references(ByteReader *reader)
{
    guint references = 0;
    while (byte_reader_u8(reader) & 1) {
        if (++references == MAX_REFERENCES) {
            reader->failed = TRUE;
            return;
        }
    }
}

/* Section 4.2.1: the scalability structure. */
static void skip_structure(ByteReader *reader)
{
    guint8 first = byte_reader_u8(reader);
    guint spatial_layers = (first >> 5) + 1u;
    if (first & 0x10)
        byte_reader_bytes(reader, spatial_layers * 4);
    guint pictures = first & 0x08 ? byte_reader_u8(reader) : 0;
    for (guint i = 0; i < pictures && !reader->failed; i++)
        byte_reader_bytes(reader, byte_reader_u8(reader) >> 2 & 3);
}

static gboolean vp9_parse(const guint8 *payload, gsize size, PayloadInfo *info)
{
    ByteReader reader = byte_reader(payload, size);
    payload_info_init(info);
    guint8 first = byte_reader_u8(&reader);
    if (first & HAS_PICTURE_ID) {
        info->picture_id = byte_reader_u8(&reader);
        info->picture_id_bits = 7;
        if (info->picture_id & LONG_PICTURE_ID) {
            info->picture_id = (info->picture_id & 0x7f) << 8 | byte_reader_u8(&reader);
            info->picture_id_bits = 15;
        }
    }
    if (first & HAS_LAYERS)
        read_layers(&reader, (first & FLEXIBLE) != 0, info);
    if ((first & FLEXIBLE) && (first & INTER_PREDICTED))
        skip_references(&reader);
    if (first & HAS_STRUCTURE)
        skip_structure(&reader);
    info->header_size = reader.pos;
    info->start = (first & FRAME_START) && info->spatial_id == 0;
    /* E ends a layer's frame, which need not be the picture's last: then only the marker tells. */
    info->end = (first & FRAME_END) && !(first & HAS_LAYERS);
    info->keyframe = info->start && !(first & INTER_PREDICTED);
    return byte_reader_left(&reader) > 0;
}

static gboolean vp9_append(GByteArray *frame, const guint8 *payload, gsize size,
                           const PayloadInfo *info)
{
    return info->header_size < size &&
           payload_append_bytes(frame, payload + info->header_size, size - info->header_size);
}

/* Section 4.2.1: how the pictures between two base layer pictures refer to each other, as the
 * patterns of vpx_encoder.c do: {TID, U, R, P_DIFF...}. A receiver of a non-flexible stream with
 * temporal layers cannot tell its references without it. */
static void write_structure(ByteWriter *writer, gint temporal_layers)
{
    static const guint8 two[] = { 0x08, 2, 0x04, 2, 0x34, 1 };
    static const guint8 three[] = { 0x08, 4, 0x04, 4, 0x54, 1, 0x34, 2, 0x48, 1, 3 };
    if (temporal_layers == 2)
        byte_writer_bytes(writer, two, sizeof two);
    else
        byte_writer_bytes(writer, three, sizeof three);
}

static void write_descriptor(const PayloadTags *tags, gboolean keyframe, gboolean first,
                             PayloadFragment *fragment)
{
    gboolean layers = tags->temporal_layers > 1 && tags->tl0_pic_idx >= 0;
    gboolean structure = layers && keyframe && first;
    ByteWriter writer = byte_writer(fragment->header, sizeof fragment->header);
    byte_writer_u8(&writer, (guint8)((tags->picture_id >= 0 ? HAS_PICTURE_ID : 0) |
                                     (keyframe ? 0 : INTER_PREDICTED) | (layers ? HAS_LAYERS : 0) |
                                     (first ? FRAME_START : 0) | (structure ? HAS_STRUCTURE : 0)));
    if (tags->picture_id >= 0)
        byte_writer_u16(&writer, (guint16)(0x8000 | (tags->picture_id & 0x7fff)));
    if (layers) {
        byte_writer_u8(&writer, (guint8)((tags->temporal_id & 7) << 5 |
                                         (tags->layer_sync ? SWITCHING_UP : 0)));
        byte_writer_u8(&writer, (guint8)tags->tl0_pic_idx);
    }
    if (structure)
        write_structure(&writer, tags->temporal_layers);
    fragment->header_size = (guint8)writer.pos;
}

static gboolean vp9_packetize(const AVPacket *frame, const PayloadTags *tags, gsize max_payload,
                              GArray *out)
{
    gboolean keyframe = (frame->flags & AV_PKT_FLAG_KEY) != 0;
    if (frame->size <= 0 || max_payload <= sizeof((PayloadFragment *)NULL)->header)
        return FALSE;
    gsize size = (gsize)frame->size;
    gsize step = 0, room = 0;
    for (gsize pos = 0; pos < size; pos += step) {
        PayloadFragment fragment = { .data = frame->data + pos };
        write_descriptor(tags, keyframe, pos == 0, &fragment);
        if (pos == 0) /* the first descriptor is the longest */
            room = max_payload - fragment.header_size;
        step = payload_piece(size, pos, room);
        fragment.size = step;
        if (pos + step == size)
            fragment.header[0] |= FRAME_END;
        g_array_append_val(out, fragment);
    }
    return TRUE;
}

static void vp9_retag(guint8 *payload, gsize size, gint picture_id, gint tl0_pic_idx)
{
    if (size < 6 || !(payload[0] & HAS_PICTURE_ID))
        return;
    payload[1] = (guint8)(LONG_PICTURE_ID | (picture_id >> 8 & 0x7f));
    payload[2] = (guint8)picture_id;
    if (payload[0] & HAS_LAYERS)
        payload[4] = (guint8)tl0_pic_idx;
}

const PayloadFormat payload_vp9 = {
    .name = "VP9",
    .parse = vp9_parse,
    .append = vp9_append,
    .packetize = vp9_packetize,
    .retag = vp9_retag,
};
