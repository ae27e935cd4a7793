#pragma once

#include "base/thread.h"
#include "io/media_source.h"
#include "mixer/audio_mixer.h"
#include "room/engine.h"
#include "room/video_input.h"

/* What comes by other doors than WebRTC (RTMP publishers, files, URLs) on its way into the mix:
 *
 *   MediaEvents (the source's thread) -> own strands: decoders -> sound: resampled to the mix's
 * clock, pulled by the audio thread; pictures: a VideoInput, each due when its sound is mixed
 *
 * One mapping from the sender's clock to the mix's for both, so that they stay in step: the least
 * delay seen over some seconds, a buffer of some 100 ms, a slope of at most 500 ppm that the sound
 * follows by resampling (never by jumps), and a new beginning when the sender's times jump.
 * Counted. */

typedef struct Feed Feed;

/** `video` is where the pictures go (a reference is taken). */
Feed *feed_new(Engine *engine, VideoInput *video);
Feed *feed_ref(Feed *feed);
void feed_unref(Feed *feed);

/** The source's side: call these with feed_ref() as `user` and feed_unref() as its free function.
 */
extern const MediaEvents feed_events;

/** What it brings, for those who record it (transfer none). Any thread. */
SourceTap *feed_tap(Feed *feed);

/** AudioPullFunc for the mixer: one tick of sound. */
AudioPull feed_pull(gpointer feed, gint64 now_ns, float *out);

/** On the control thread, once: the source has ended (error: one sentence, or NULL). And whenever
 *  sound or pictures begin or cease to come: bits (1 << SOURCE_AUDIO), (1 << SOURCE_CAMERA) of
 *  ingress.h. No call follows feed_close(). */
typedef struct {
    void (*active)(guint sources, gpointer user);
    void (*ended)(const GError *error, gpointer user);
} FeedOwner;

void feed_set_owner(Feed *feed, const FeedOwner *owner, gpointer user) ON_CONTROL_THREAD;

/** What still comes is thrown away. */
void feed_close(Feed *feed) ON_CONTROL_THREAD;

typedef struct {
    char video_codec[16], audio_codec[16]; /* names, or "" */
    gint width, height;
    guint64 audio_packets, video_packets, pictures, damaged, late_pictures, rebased;
    gint64 delay_ns;   /* from arrival to the mix */
    double drift_ppm;  /* of the sender's clock */
    guint64 underruns; /* ticks without enough sound while it came */
} FeedStats;

/** Any thread. */
void feed_stats(Feed *feed, FeedStats *stats);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Feed, feed_unref)
