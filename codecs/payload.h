#pragma once

#include <glib.h>
#include <libavcodec/packet.h>

/* RTP payload formats: how one codec's frames are cut into RTP payloads and put together again.
 * Pure: no clock, no sequence numbers, no allocation that an outsider controls. */

/** What one RTP payload says about its frame. */
typedef struct {
    gboolean start;         /* the first payload of a frame (as far as the format can tell) */
    gboolean end;           /* the last one (the RTP marker bit may say it too) */
    gboolean keyframe;      /* starts a key frame; only meaningful where `start` is TRUE */
    gboolean non_reference; /* no later frame needs this one */
    gboolean layer_sync;    /* a temporal layer may be entered here */
    gint picture_id;        /* 15 bits, or -1 where absent */
    gint picture_id_bits;   /* 7 or 15; 0 where absent */
    gint tl0_pic_idx;       /* 8 bits, or -1 */
    gint temporal_id;       /* 0 where absent */
    gint spatial_id;        /* 0 where absent */
    gsize header_size;      /* payload descriptor: bytes before the codec's data */
} PayloadInfo;

/** The largest frame that is put together, in bytes. */
#define PAYLOAD_MAX_FRAME (2u << 20)

/** One piece of a frame: `header` (written by the packetizer) followed by `size` bytes of the
 *  packet's data. Several NAL units of H.264 may share one payload as one fragment each with
 *  `continues` set on all but the last. */
typedef struct {
    guint8 header[16];
    guint8 header_size;
    gboolean continues; /* the next fragment goes into the same RTP payload */
    const guint8 *data; /* (transfer none) into the AVPacket */
    gsize size;
} PayloadFragment;

/** What the packetizer writes into the descriptor, where the format has a place for it. */
typedef struct {
    gint picture_id;  /* 15 bits; -1: leave out */
    gint tl0_pic_idx; /* -1: leave out */
    gint temporal_id;
    gboolean layer_sync;
    gboolean non_reference;
    gint temporal_layers; /* as the encoder was configured; VP9 tells them only from 2 on */
} PayloadTags;

typedef struct {
    const char *name;

    /** Read the payload descriptor. FALSE: malformed, drop the packet. */
    gboolean (*parse)(const guint8 *payload, gsize size, PayloadInfo *info);

    /** Append the payload's codec data to a frame that is being put together, in sequence order
     *  (adding start codes, joining fragments). FALSE: malformed, or the frame would be larger
     *  than PAYLOAD_MAX_FRAME. Until finish() the array is the format's own: H.264 and AV1 keep
     *  the state of an open fragment at its end. */
    gboolean (*append)(GByteArray *frame, const guint8 *payload, gsize size,
                       const PayloadInfo *info);

    /** Called once after the last append: FALSE if the frame is not whole (an open fragment).
     *  May rewrite the frame. NULL: nothing to do. */
    gboolean (*finish)(GByteArray *frame);

    /** Cut a frame into payloads of at most max_payload bytes each (descriptor included),
     *  appended to `out` (a GArray of PayloadFragment). FALSE: the frame is malformed. */
    gboolean (*packetize)(const AVPacket *frame, const PayloadTags *tags, gsize max_payload,
                          GArray *out);

    /** Write another picture id and TL0PICIDX into a payload that packetize made, where it has
     *  them. NULL: the format has none. */
    void (*retag)(guint8 *payload, gsize size, gint picture_id, gint tl0_pic_idx);
} PayloadFormat;

extern const PayloadFormat payload_opus, payload_vp8, payload_vp9, payload_h264, payload_av1;
