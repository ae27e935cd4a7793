#pragma once

#include "io/media_source.h"

/* Where a moment of a sender's clock stands on the mix's:
 *
 *   mix time = sender's time + offset,   offset = least delay of the last 10 s + buffer
 *
 * The same offset for sound and pictures, so they stay in step. The network only ever adds delay,
 * so the least delay is the distance between the two clocks; the buffer (200 ms in the beginning,
 * then 100 to 400 ms) is as long as what comes later than that. The offset follows by a slope of
 * at most 500 ppm, which is what clocks drift, and ten times that only where it is more than 20 ms
 * off because the network changed. It jumps in the first two seconds, when a packet was too late
 * anyway, or when it is more than 300 ms off.
 *
 * Where the sender's times go back, or ahead of the mix's by more than a second, both kinds begin
 * anew; what still comes with the old times is stale. Pure. */

#define FEED_CLOCK_SECONDS 32 /* that are remembered; the least delay is that of ten */

typedef struct {
    gint64 second; /* of the mix's clock; 0: never used */
    gint64 least_ns, most_ns;
    guint packets;
} FeedClockSecond;

typedef struct {
    gboolean known;
    gint64 time_ns, arrival_ns;
    guint generation;
} FeedClockLine;

typedef struct {
    gboolean started;
    guint generation; /* counts the beginnings */
    guint jumps;      /* of the offset, the beginnings not counted */
    gint64 began_ns, advanced_ns;
    gint64 least_ns;          /* delay, 10 s */
    gint64 buffer_ns;         /* that is wanted */
    gdouble offset_ns, slope; /* the slope is a slow mean */
    FeedClockLine lines[2];   /* by MediaKind */
    FeedClockSecond seconds[FEED_CLOCK_SECONDS];
} FeedClock; /* starts zero-initialised */

typedef enum {
    FEED_CLOCK_GOES_ON,
    FEED_CLOCK_BEGINS, /* everything that was placed before is void */
    FEED_CLOCK_STALE,  /* of before the last beginning: drop it */
} FeedClockResult;

/** A packet of this kind came; time_ns: its dts. */
FeedClockResult feed_clock_packet(FeedClock *clock, MediaKind kind, gint64 time_ns,
                                  gint64 arrival_ns);

/** Something was ready only `late_ns` after it was due. */
void feed_clock_late(FeedClock *clock, gint64 late_ns, gint64 now_ns);

/** Let the offset follow; every 20 ms or so. */
void feed_clock_advance(FeedClock *clock, gint64 now_ns);

/** When what was captured at time_ns is mixed. 0 before the first packet. */
gint64 feed_clock_due(const FeedClock *clock, gint64 time_ns);

/** What is mixed now: the other way round. */
gint64 feed_clock_playing(const FeedClock *clock, gint64 now_ns);

/** From arrival to the mix, without what the network adds. */
gint64 feed_clock_delay_ns(const FeedClock *clock);

/** How much faster the sender's clock runs than ours. */
gdouble feed_clock_drift_ppm(const FeedClock *clock);
