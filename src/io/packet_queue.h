#pragma once

#include <glib.h>
#include <libavcodec/packet.h>

/* The bounded queue of packets in front of a sink's thread: bounded in time and in bytes. When it
 * is full, pictures are dropped from here to the next key frame (of each video stream by itself),
 * never in the middle; sound goes last. Any thread may push; one thread pops. */

typedef struct PacketQueue PacketQueue;

/** max_span_us: between the oldest and the newest dts. */
PacketQueue *packet_queue_new(gint64 max_span_us, gsize max_bytes);
void packet_queue_free(PacketQueue *queue);

/** A reference of the packet's data is taken. is_video: its stream has key frames. Returns FALSE if
 *  it, or others before it, had to be dropped. */
gboolean packet_queue_push(PacketQueue *queue, guint stream, gboolean is_video,
                           const AVPacket *packet);

/** Wait at most timeout_us for the oldest packet; *packet (its references moved into a packet that
 * the caller made with av_packet_alloc()) and *stream. FALSE: time is over, or closed and empty. */
gboolean packet_queue_pop(PacketQueue *queue, AVPacket *packet, guint *stream, gint64 timeout_us);

/** Nothing is taken any more; whoever waits wakes up; what is inside can still be popped. */
void packet_queue_close(PacketQueue *queue);
gboolean packet_queue_is_closed(PacketQueue *queue);

/** Wake whoever waits in pop, which returns FALSE. */
void packet_queue_wake(PacketQueue *queue);

/** Forget what waits, up to the next key frame of each video stream. */
void packet_queue_flush(PacketQueue *queue);

guint64 packet_queue_dropped(PacketQueue *queue);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(PacketQueue, packet_queue_free)
