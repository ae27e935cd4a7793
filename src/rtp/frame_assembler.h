#pragma once

#include "base/thread.h"
#include "codecs/payload.h"

/* Puts the packets of one incoming video stream together into frames, in decode order, and never
 * lets a frame out whose references are missing. A new SSRC is a new assembler. Limits: 64 frames,
 * 2048 packets, 4 MiB. Net thread; driven by now_ns. */

typedef struct FrameAssembler FrameAssembler;

typedef struct {
    guint8 *data; /* (transfer none) valid during the callback */
    gsize size;
    guint32 rtp_timestamp;
    gboolean keyframe;
    guint8 rotation; /* quarter turns, from the newest video-orientation seen */
    gint64 first_arrival_ns, last_arrival_ns;
} AssembledFrame;

/** The callbacks must not free the assembler or give it packets. */
typedef struct {
    /** A whole frame whose references were all delivered. */
    void (*frame)(const AssembledFrame *frame, gpointer user);
    /** The stream cannot go on without a key frame (rate limited by the caller). */
    void (*need_keyframe)(gpointer user);
} FrameAssemblerEvents;

/** `format` and `events` must outlive the assembler. */
FrameAssembler *frame_assembler_new(const PayloadFormat *format, const FrameAssemblerEvents *events,
                                    gpointer user);
void frame_assembler_free(FrameAssembler *assembler);

/** A packet came, in any order; duplicates are ignored. A payload of size 0 (padding) fills its
 *  place in the sequence. */
void frame_assembler_packet(FrameAssembler *assembler, guint16 seq, guint32 rtp_timestamp,
                            gboolean marker, const guint8 *payload, gsize size, gint64 arrival_ns);

/** Newest rotation, applied to frames from here on. */
void frame_assembler_set_rotation(FrameAssembler *assembler, guint8 rotation);

/** Time passes: a hole in frames that no other frame needs is skipped after 50 ms; any other hole
 *  that is older than max_wait_ns is given up (need_keyframe, skip to the next key frame); also
 *  need_keyframe again after 1 s without one. Call every 10-20 ms. */
void frame_assembler_tick(FrameAssembler *assembler, gint64 now_ns, gint64 max_wait_ns);

/** The oldest sequence number that is still wanted (for nack_tracker_forget_before). FALSE:
 *  nothing was received yet. */
gboolean frame_assembler_oldest_wanted(const FrameAssembler *assembler, guint16 *seq);

typedef struct {
    guint64 frames, keyframes, dropped_frames, malformed_packets;
    guint64 late_packets, duplicate_packets;
    guint buffered_packets;
    gsize buffered_bytes;
    gboolean waiting_for_keyframe;
} FrameAssemblerStats;

void frame_assembler_stats(const FrameAssembler *assembler, FrameAssemblerStats *stats);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FrameAssembler, frame_assembler_free)
