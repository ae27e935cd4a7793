#include <string.h>

#include "base/bytes.h"
#include "codecs/h264_nal.h"
#include "codecs/payload_util.h"

/* RFC 6184, packetization modes 0 and 1: single NAL units, STAP-A and FU-A. Frames are Annex B
 * byte streams with start codes of four bytes. */

#define STAP_A   24
#define FU_A     28
#define FU_START 0x80
#define FU_END   0x40
#define FU_SIZE  2 /* FU indicator and FU header */

static const guint8 start_code[] = { 0, 0, 0, 1 };

/* --- Reading --------------------------------------------------------------------------------- */

/* What a NAL unit, or the first fragment of one, says; `body` follows its header byte. */
static void note_nal(PayloadInfo *info, guint8 type, guint8 ref_idc, const guint8 *body, gsize size)
{
    gboolean slice = type >= H264_SLICE && type <= H264_IDR;
    /* first_mb_in_slice is Exp-Golomb, so zero is a leading 1 bit. */
    if (!slice || (size > 0 && body[0] & 0x80))
        info->start = TRUE;
    info->keyframe = info->keyframe || type == H264_SPS || type == H264_IDR;
    if (slice && ref_idc == 0)
        info->non_reference = TRUE;
}

static gboolean is_single(guint8 type)
{
    return type >= 1 && type <= 23;
}

/* Section 5.7.1 */
static gboolean parse_stap(const guint8 *payload, gsize size, PayloadInfo *info)
{
    ByteReader reader = byte_reader(payload + 1, size - 1);
    while (byte_reader_left(&reader) > 0) {
        gsize nal_size = byte_reader_u16(&reader);
        const guint8 *nal = byte_reader_bytes(&reader, nal_size);
        if (!nal || nal_size == 0 || !is_single(nal_type(nal[0])))
            return FALSE;
        note_nal(info, nal_type(nal[0]), nal_ref_idc(nal[0]), nal + 1, nal_size - 1);
    }
    return size > 1 && !reader.failed;
}

static gboolean h264_parse(const guint8 *payload, gsize size, PayloadInfo *info)
{
    payload_info_init(info);
    if (size < 2 || payload[0] & 0x80)
        return FALSE;
    guint8 type = nal_type(payload[0]), ref_idc = nal_ref_idc(payload[0]);
    if (is_single(type)) {
        note_nal(info, type, ref_idc, payload + 1, size - 1);
    } else if (type == STAP_A) {
        return parse_stap(payload, size, info);
    } else if (type == FU_A) {
        info->header_size = FU_SIZE;
        guint8 fragmented = nal_type(payload[1]);
        if (size <= FU_SIZE || !is_single(fragmented))
            return FALSE;
        info->non_reference = fragmented <= H264_IDR && ref_idc == 0;
        if (payload[1] & FU_START)
            note_nal(info, fragmented, ref_idc, payload + FU_SIZE, size - FU_SIZE);
    } else {
        return FALSE;
    }
    return TRUE;
}

static gboolean append_nal(GByteArray *frame, const guint8 *nal, gsize size)
{
    return payload_append_bytes(frame, start_code, sizeof start_code) &&
           payload_append_bytes(frame, nal, size);
}

static gboolean append_stap(GByteArray *frame, const guint8 *payload, gsize size)
{
    ByteReader reader = byte_reader(payload + 1, size - 1);
    while (byte_reader_left(&reader) > 0) {
        gsize nal_size = byte_reader_u16(&reader);
        const guint8 *nal = byte_reader_bytes(&reader, nal_size);
        if (!nal || !append_nal(frame, nal, nal_size))
            return FALSE;
    }
    return TRUE;
}

/* Section 5.8 */
static gboolean append_fragment(GByteArray *frame, const guint8 *payload, gsize size, gsize *open)
{
    gboolean start = (payload[1] & FU_START) != 0;
    if (start != (*open == 0))
        return FALSE;
    guint8 header = (guint8)((payload[0] & 0xe0) | nal_type(payload[1]));
    if (start && !append_nal(frame, &header, 1))
        return FALSE;
    *open = payload[1] & FU_END ? 0 : 1;
    return payload_append_bytes(frame, payload + FU_SIZE, size - FU_SIZE);
}

static gboolean h264_append(GByteArray *frame, const guint8 *payload, gsize size,
                            const PayloadInfo *info)
{
    (void)info;
    if (size < 2)
        return FALSE;
    gsize open = payload_take_state(frame);
    guint8 type = nal_type(payload[0]);
    gboolean good = FALSE;
    if (type == FU_A)
        good = size > FU_SIZE && append_fragment(frame, payload, size, &open);
    else if (open == 0 && type == STAP_A)
        good = append_stap(frame, payload, size);
    else if (open == 0 && is_single(type))
        good = append_nal(frame, payload, size);
    payload_put_state(frame, open);
    return good;
}

static gboolean h264_finish(GByteArray *frame)
{
    return payload_take_state(frame) == 0 && frame->len > 0;
}

/* --- Writing --------------------------------------------------------------------------------- */

/* Delimiters and padding say nothing that RTP does not. */
static gboolean is_sent(guint8 type)
{
    return type != H264_AUD && type != H264_FILLER && type != H264_END_SEQUENCE &&
           type != H264_END_STREAM;
}

static gboolean next_sent(NalIterator *nals)
{
    while (nal_iterator_next(nals))
        if (is_sent(nal_type(nals->nal[0])))
            return TRUE;
    return FALSE;
}

static void write_fragments(const guint8 *nal, gsize size, gsize max_payload, GArray *out)
{
    gsize step = 0;
    for (gsize pos = 1; pos < size; pos += step) {
        step = payload_piece(size - 1, pos - 1, max_payload - FU_SIZE);
        PayloadFragment fragment = { .header_size = FU_SIZE, .data = nal + pos, .size = step };
        fragment.header[0] = (guint8)((nal[0] & 0xe0) | FU_A);
        fragment.header[1] = (guint8)(nal_type(nal[0]) | (pos == 1 ? FU_START : 0) |
                                      (pos + step == size ? FU_END : 0));
        g_array_append_val(out, fragment);
    }
}

/* A payload that is still open for more small NAL units: fragments [first, out->len). */
typedef struct {
    guint first;
    gsize size; /* as a STAP-A */
} Aggregate;

static void aggregate_add(Aggregate *aggregate, const guint8 *nal, gsize size, GArray *out)
{
    PayloadFragment fragment = { .data = nal, .size = size };
    guint8 *header = fragment.header;
    if (aggregate->first == out->len) {
        *header++ = STAP_A;
        aggregate->size = 1;
    } else {
        g_array_index(out, PayloadFragment, out->len - 1).continues = TRUE;
    }
    *header++ = (guint8)(size >> 8);
    *header++ = (guint8)size;
    fragment.header_size = (guint8)(header - fragment.header);
    aggregate->size += 2 + size;
    g_array_append_val(out, fragment);
    guint8 *stap = &g_array_index(out, PayloadFragment, aggregate->first).header[0];
    *stap = (guint8)(MAX(*stap & 0x60, nal[0] & 0x60) | STAP_A);
}

/* A single NAL unit needs no STAP-A around it. */
static void aggregate_close(Aggregate *aggregate, GArray *out)
{
    if (out->len == aggregate->first + 1)
        g_array_index(out, PayloadFragment, aggregate->first).header_size = 0;
    aggregate->first = out->len;
    aggregate->size = 0;
}

static gboolean h264_packetize(const AVPacket *frame, const PayloadTags *tags, gsize max_payload,
                               GArray *out)
{
    (void)tags;
    if (frame->size <= 0 || max_payload <= FU_SIZE)
        return FALSE;
    NalIterator nals = { .data = frame->data, .size = (gsize)frame->size };
    Aggregate aggregate = { .first = out->len };
    guint before = out->len;
    while (next_sent(&nals)) {
        gsize with_nal = MAX(aggregate.size, 1) + 2 + nals.nal_size;
        if (aggregate.size > 0 && with_nal > max_payload)
            aggregate_close(&aggregate, out);
        if (nals.nal_size > max_payload) {
            write_fragments(nals.nal, nals.nal_size, max_payload, out);
            aggregate.first = out->len;
        } else {
            aggregate_add(&aggregate, nals.nal, nals.nal_size, out);
        }
    }
    aggregate_close(&aggregate, out);
    return out->len > before;
}

const PayloadFormat payload_h264 = {
    .name = "H264",
    .parse = h264_parse,
    .append = h264_append,
    .finish = h264_finish,
    .packetize = h264_packetize,
};
