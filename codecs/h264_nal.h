#pragma once

#include <glib.h>

/* NAL units of H.264 (ITU-T H.264 section 7.4.1 and annex B). */

enum {
    H264_SLICE = 1,
    H264_IDR = 5,
    H264_SEI = 6,
    H264_SPS = 7,
    H264_PPS = 8,
    H264_AUD = 9,
    H264_END_SEQUENCE = 10,
    H264_END_STREAM = 11,
    H264_FILLER = 12,
};

static inline guint8 nal_type(guint8 header)
{
    return header & 0x1f;
}

static inline guint8 nal_ref_idc(guint8 header)
{
    return header >> 5 & 3;
}

/** A walk over the NAL units of an Annex B byte stream. Start zero-initialised but for data and
 *  size. */
typedef struct {
    const guint8 *data;
    gsize size;
    gsize pos;
    const guint8 *nal; /* the present one, without start code and trailing zeros */
    gsize nal_size;
} NalIterator;

/** Go to the next NAL unit; FALSE at the end. Bytes before the first start code are skipped. */
gboolean nal_iterator_next(NalIterator *iterator);
