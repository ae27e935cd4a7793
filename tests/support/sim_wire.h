#pragma once

#include "rtp/rtp.h"

/* Whether the numbers of a stream of VP8 pictures go on as they should on the wire, whatever is
 * sent in it: sequence numbers, timestamps, picture ids, TL0PICIDX. For lines that keep the order;
 * what is sent again is none of it. */

typedef struct {
    guint64 packets, frames, keyframes;
    guint64 upper_frames; /* that nothing refers to */
    guint64 holes;        /* runs of sequence numbers that are missing */
    guint64 lame_holes;   /* of these: what comes next is no key frame */
    /* Without a hole before them, frames whose ... */
    guint64 picture_jumps; /* picture id is not one more than the one before */
    guint64 tl0_jumps;     /* TL0PICIDX is not one more in the lower layer, the same in the upper */
    guint64 torn;          /* packets disagree, or do not end before the next frame begins */
    /* With and without: */
    guint64 backwards; /* frames whose timestamp does not rise */
    guint64 untagged;  /* packets without a picture id of 15 bits and a TL0PICIDX */
} SimWireStats;

typedef struct {
    SimWireStats stats;
    gboolean started, hole, ended;
    guint16 seq;
    guint32 timestamp;
    gint picture_id, tl0_pic_idx;
} SimWire;

/** One that was not sent before; padding has no payload. A zeroed SimWire is a new one. */
void sim_wire_packet(SimWire *wire, const RtpPacket *packet);
