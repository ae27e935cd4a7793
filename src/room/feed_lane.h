#pragma once

#include "codecs/media_decoder.h"
#include "io/media_source.h"
#include "room/engine.h"

/* One kind of a feed's packets on their way to its decoder, on a strand of its own:
 *
 *   any thread: packets -> bounded queue -> strand: decoder -> pictures or sound
 *
 * When the decoder cannot keep up, everything that waits is dropped up to the next key frame.
 * Pictures that nobody wants are not decoded: what has come since their last key frame is kept
 * (bounded), and decoded as fast as it goes when somebody does. */

typedef struct FeedLane FeedLane;

typedef enum {
    FEED_IN_TIME,  /* each was decoded when it was ready */
    FEED_BEHIND,   /* late, if it is, because nobody wanted those before it when they came */
    FEED_SKIMMING, /* likewise, and the next one is decoded at once */
} FeedPace;

/** What the lane asks of its feed, and what it tells it, on the strand. */
typedef struct {
    /** A task holds the feed, and so the lane. */
    gpointer (*ref)(gpointer user);
    void (*unref)(gpointer user);
    /** When this packet is to be decoded; at once: any time that is past. */
    gint64 (*ready)(const AVPacket *packet, gint64 arrival_ns, gpointer user);
    /** FALSE: nobody wants pictures now. */
    gboolean (*wanted)(gpointer user);
    void (*sound)(float *samples, guint n, gint64 time_ns, gpointer user);
    /** duration_ns: how long it is shown, if the packet says so. */
    void (*picture)(AVFrame *picture, gint64 time_ns, gint64 duration_ns, FeedPace pace,
                    gpointer user);
} FeedLaneEvents;

/** events: (transfer none, for as long as the lane is there) */
FeedLane *feed_lane_new(Engine *engine, MediaKind kind, const FeedLaneEvents *events,
                        gpointer user);
void feed_lane_free(FeedLane *lane);

/** All of these: any thread. */
void feed_lane_stream(FeedLane *lane, const AVCodecParameters *parameters);
/** packet: (transfer full), pts and dts in microseconds. */
void feed_lane_packet(FeedLane *lane, AVPacket *packet, gint64 arrival_ns);
/** Nothing follows: what the decoder still holds comes out. */
void feed_lane_drain(FeedLane *lane);
/** Pictures are wanted from now on: begin with those kept, before the next one comes. */
void feed_lane_wake(FeedLane *lane);
/** What waits and what still comes is dropped; what is being decoded is not waited for. */
void feed_lane_close(FeedLane *lane);

typedef struct {
    char codec[16];
    guint64 packets, damaged, dropped;
} FeedLaneStats;

void feed_lane_stats(FeedLane *lane, FeedLaneStats *stats);
