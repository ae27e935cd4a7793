#include <string.h>

#include "codecs/av1_obu.h"
#include "codecs/payload_util.h"

/* RTP payload format for AV1 (AOMedia, version 1.0). A payload is an aggregation header and OBU
 * elements, the first and last of which may be fragments. Frames are temporal units in which every
 * OBU has its size, without temporal delimiters. */

#define CONTINUES_FIRST 0x80 /* Z */
#define CONTINUED_LAST  0x40 /* Y */
#define NEW_SEQUENCE    0x08 /* N */
#define MAX_ELEMENTS    3    /* what the element count of the header can tell */

/* --- Reading --------------------------------------------------------------------------------- */

typedef struct {
    const guint8 *data;
    gsize size;
    gsize pos;
    guint declared; /* elements, 0: each has a length */
    guint index;
    const guint8 *element;
    gsize element_size;
    gboolean last;
    gboolean failed;
} ElementIterator;

static gboolean element_next(ElementIterator *elements)
{
    gsize left = elements->size - elements->pos;
    if (left == 0 || elements->failed || elements->last) {
        elements->failed = elements->failed || (elements->last && left > 0) ||
                           (elements->declared > 0 && elements->index != elements->declared);
        return FALSE;
    }
    gsize length = 0, size = left;
    if (++elements->index != elements->declared) {
        length = leb128_read(elements->data + elements->pos, left, &size);
        elements->failed = length == 0 || size > left - length;
    }
    elements->failed = elements->failed || size == 0;
    if (elements->failed)
        return FALSE;
    elements->element = elements->data + elements->pos + length;
    elements->element_size = size;
    elements->pos += length + size;
    elements->last = elements->declared ? elements->index == elements->declared
                                        : elements->pos == elements->size;
    return TRUE;
}

static ElementIterator element_iterator(const guint8 *payload, gsize size)
{
    return (ElementIterator){
        .data = payload, .size = size, .pos = 1, .declared = payload[0] >> 4 & 3
    };
}

static gboolean av1_parse(const guint8 *payload, gsize size, PayloadInfo *info)
{
    payload_info_init(info);
    if (size < 2 || (payload[0] & CONTINUES_FIRST && payload[0] & NEW_SEQUENCE))
        return FALSE;
    info->header_size = 1;
    info->start = !(payload[0] & CONTINUES_FIRST);
    info->keyframe = (payload[0] & NEW_SEQUENCE) != 0;
    ElementIterator elements = element_iterator(payload, size);
    while (element_next(&elements)) {
        const guint8 *obu = elements.element;
        if (elements.index == 1 && info->start && elements.element_size > 1 &&
            obu[0] & OBU_EXTENSION) {
            info->temporal_id = obu[1] >> 5;
            info->spatial_id = obu[1] >> 3 & 3;
        }
    }
    return !elements.failed;
}

/* The last `size` bytes of the frame are a whole OBU: give it its size, or take it away if it is
 * none that a decoder needs. */
static gboolean close_obu(GByteArray *frame, gsize size)
{
    gsize at = frame->len - size;
    guint8 header = frame->data[at];
    gsize header_size = obu_header_size(header);
    guint8 type = obu_type(header);
    if (header & OBU_FORBIDDEN || size < header_size)
        return FALSE;
    if (type == OBU_TEMPORAL_DELIMITER || type == OBU_TILE_LIST || type == OBU_PADDING) {
        g_byte_array_set_size(frame, (guint)at);
        return TRUE;
    }
    if (header & OBU_HAS_SIZE) {
        gsize told = 0;
        gsize length = leb128_read(frame->data + at + header_size, size - header_size, &told);
        return length > 0 && told == size - header_size - length;
    }
    guint8 field[8];
    gsize payload = size - header_size;
    gsize length = leb128_write(field, payload);
    if (!payload_append_bytes(frame, field, length)) /* makes room */
        return FALSE;
    guint8 *obu = frame->data + at;
    obu[0] |= OBU_HAS_SIZE;
    memmove(obu + header_size + length, obu + header_size, payload);
    memcpy(obu + header_size, field, length);
    return TRUE;
}

static gboolean append_elements(GByteArray *frame, const guint8 *payload, gsize size, gsize *open)
{
    ElementIterator elements = element_iterator(payload, size);
    if (((payload[0] & CONTINUES_FIRST) != 0) != (*open > 0))
        return FALSE;
    while (element_next(&elements)) {
        if (!payload_append_bytes(frame, elements.element, elements.element_size))
            return FALSE;
        *open += elements.element_size;
        if (elements.last && payload[0] & CONTINUED_LAST)
            break;
        if (!close_obu(frame, *open))
            return FALSE;
        *open = 0;
    }
    return !elements.failed;
}

static gboolean av1_append(GByteArray *frame, const guint8 *payload, gsize size,
                           const PayloadInfo *info)
{
    (void)info;
    if (size < 2)
        return FALSE;
    gsize open = payload_take_state(frame);
    gboolean good = append_elements(frame, payload, size, &open);
    payload_put_state(frame, open);
    return good;
}

static gboolean av1_finish(GByteArray *frame)
{
    return payload_take_state(frame) == 0 && frame->len > 0;
}

/* --- Writing --------------------------------------------------------------------------------- */

typedef struct {
    ObuIterator obus;
    gboolean more;     /* there is a present OBU */
    gboolean begun;    /* its header was written */
    const guint8 *pos; /* its payload that is still to be written */
    gsize left;
} Cutter;

static void cutter_next(Cutter *cutter)
{
    cutter->more = FALSE;
    cutter->begun = FALSE;
    while (!cutter->more && obu_iterator_next(&cutter->obus)) {
        guint8 type = obu_type(cutter->obus.obu[0]);
        cutter->more =
            type != OBU_TEMPORAL_DELIMITER && type != OBU_TILE_LIST && type != OBU_PADDING;
    }
    cutter->pos = cutter->obus.payload;
    cutter->left = cutter->obus.payload_size;
}

/* Bytes of the present OBU that are still to be written; elements carry no size field. */
static gsize cutter_left(const Cutter *cutter)
{
    return cutter->left + (cutter->begun ? 0 : obu_header_size(cutter->obus.obu[0]));
}

/* Take at most `room` bytes of the present OBU as one element into the fragment. */
static void cutter_take(Cutter *cutter, gsize room, gboolean with_length, PayloadFragment *fragment)
{
    gsize size = MIN(room, cutter_left(cutter));
    if (with_length)
        fragment->header_size +=
            (guint8)leb128_write(fragment->header + fragment->header_size, size);
    if (!cutter->begun) {
        gsize header = obu_header_size(cutter->obus.obu[0]);
        guint8 *out = fragment->header + fragment->header_size;
        memcpy(out, cutter->obus.obu, header);
        out[0] &= (guint8)~OBU_HAS_SIZE;
        fragment->header_size += (guint8)header;
        size -= header;
        cutter->begun = TRUE;
    }
    fragment->data = cutter->pos;
    fragment->size = size;
    cutter->pos += size;
    cutter->left -= size;
}

static gsize leb128_size(gsize value)
{
    guint8 scratch[8];
    return leb128_write(scratch, value);
}

/* One payload: whole OBUs with their lengths while another fits behind them, then one without,
 * which may be cut. */
static void write_payload(Cutter *cutter, gsize max_payload, guint8 flags, GArray *out)
{
    guint first = out->len;
    gsize room = max_payload - 1;
    guint8 header = flags | (cutter->begun ? CONTINUES_FIRST : 0);
    guint elements = 0;
    gboolean last = FALSE;
    while (!last) {
        PayloadFragment fragment = { .header_size = elements == 0, .continues = TRUE };
        Cutter ahead = *cutter;
        gsize left = cutter_left(cutter);
        gsize whole = left + leb128_size(left);
        cutter_next(&ahead);
        last = ++elements == MAX_ELEMENTS || !ahead.more || whole + 2 > room;
        cutter_take(cutter, room, !last, &fragment);
        room -= last ? 0 : whole;
        g_array_append_val(out, fragment);
        if (cutter->left == 0)
            cutter_next(cutter);
    }
    g_array_index(out, PayloadFragment, out->len - 1).continues = FALSE;
    if (cutter->begun)
        header |= CONTINUED_LAST;
    g_array_index(out, PayloadFragment, first).header[0] = (guint8)(header | elements << 4);
}

static gboolean starts_sequence(const AVPacket *frame)
{
    ObuIterator obus = { .data = frame->data, .size = (gsize)frame->size };
    gboolean found = FALSE;
    while (!found && obu_iterator_next(&obus))
        found = obu_type(obus.obu[0]) == OBU_SEQUENCE_HEADER;
    return found;
}

static gboolean av1_packetize(const AVPacket *frame, const PayloadTags *tags, gsize max_payload,
                              GArray *out)
{
    (void)tags;
    if (frame->size <= 0 || max_payload < sizeof((PayloadFragment *)NULL)->header)
        return FALSE;
    Cutter cutter = { .obus = { .data = frame->data, .size = (gsize)frame->size } };
    guint8 flags = starts_sequence(frame) ? NEW_SEQUENCE : 0;
    guint before = out->len;
    cutter_next(&cutter);
    while (cutter.more) {
        write_payload(&cutter, max_payload, flags, out);
        flags = 0;
    }
    return out->len > before && !cutter.obus.failed;
}

const PayloadFormat payload_av1 = {
    .name = "AV1",
    .parse = av1_parse,
    .append = av1_append,
    .finish = av1_finish,
    .packetize = av1_packetize,
};
