#pragma once

#include <glib.h>
#include <libavcodec/codec_par.h>
#include <libavcodec/packet.h>

/* Something that takes encoded packets out of a room: a recording, a broadcast, HLS, an RTMP
 * player. A sink has a bounded queue and does its work (files, connections) on threads of its own:
 * whoever hands it packets never waits. Counted; all functions: any thread.
 *
 *   new (recorder_new() ...) -> sink_start() once -> sink_write() ... -> sink_finish() -> FINISHED
 */

typedef struct Sink Sink;

typedef enum {
    SINK_STARTING,  /* opens its file, connects; packets are kept or dropped meanwhile */
    SINK_RUNNING,   /* packets reach their end */
    SINK_PAUSED,    /* a recording that waits */
    SINK_RETRYING,  /* lost its destination, tries again */
    SINK_FINISHING, /* writes its end */
    SINK_FINISHED,  /* all is written */
    SINK_FAILED,    /* gave up: `error` says why; what was written before is kept */
} SinkState;

/** "starting", "running", "paused", "retrying", "finishing", "finished", "failed". */
const char *sink_state_name(SinkState state);

/** One stream of packets, as libavformat's muxers take it: codec id, sizes, rates, extradata
 * (H.264: SPS and PPS as Annex B or avcC; AAC: AudioSpecificConfig; Opus: OpusHead; VP8, VP9:
 * none). */
typedef struct {
    const AVCodecParameters *parameters;
    const char *name; /* whose isolated track it is, or NULL: of the mix */
} SinkStream;

#define SINK_MAX_STREAMS 34

typedef struct {
    SinkState state;
    char error[256];        /* one sentence, or ""; no key, token or password in it */
    guint64 packets, bytes; /* that reached their end */
    guint64 dropped;        /* packets left out because the sink could not follow */
    guint reconnects;
    gint64 duration_us; /* of what was written, pauses not counted */
} SinkStatus;

/** Called on the sink's own threads, under no lock. `user` is freed with user_free when the sink
 * is, so it must be something counted or otherwise safe. */
typedef struct {
    void (*changed)(Sink *sink, gpointer user);       /* the status has another state */
    void (*want_keyframe)(Sink *sink, gpointer user); /* the video streams are to begin anew */
    gpointer user;
    GDestroyNotify user_free;
} SinkEvents;

/** What each kind of sink implements. `pause` may be NULL; `start` too, where packets say what they
 *  are (track_recorder.h). */
typedef struct {
    const char *kind; /* "recording", "broadcast", "hls", "rtmp" */
    void (*start)(Sink *sink, const SinkStream *streams, guint n);
    void (*write)(Sink *sink, guint stream, const AVPacket *packet);
    void (*pause)(Sink *sink, gboolean paused);
    void (*finish)(Sink *sink);
    void (*status)(Sink *sink, SinkStatus *status);
    void (*free)(Sink *sink); /* ends its threads; may take as long as sink_finish() would */
} SinkType;

/** The first member of every sink. */
struct Sink {
    const SinkType *type;
    gint refs; /* atomic */
    SinkEvents events;
    char *failure; /* atomic, set once: of sink_fail() */
};

/** For those who implement one: one reference, the caller's. */
void sink_init(Sink *sink, const SinkType *type, const SinkEvents *events);
void sink_tell_changed(Sink *sink);
void sink_tell_want_keyframe(Sink *sink);

Sink *sink_ref(Sink *sink);
void sink_unref(Sink *sink);

/** What will come (copied), once, before the first packet; at most SINK_MAX_STREAMS, at most one
 *  unnamed video and one unnamed audio stream. */
void sink_start(Sink *sink, const SinkStream *streams, guint n);

/** One packet (a reference of its data is taken). pts, dts and duration: microseconds since the mix
 *  began, rising in each stream; AV_PKT_FLAG_KEY set on key frames. Never blocks: a sink that
 * cannot follow drops, from one key frame to the next. */
void sink_write(Sink *sink, guint stream, const AVPacket *packet);

/** Paused packets are left out, and the time goes on without a gap; it continues at the next key
 *  frame. FALSE: this kind cannot. */
gboolean sink_pause(Sink *sink, gboolean paused);

/** Write the end and stop; FINISHED or FAILED follows. */
void sink_finish(Sink *sink);

/** As sink_finish(), for who cannot go on: no packet will come, and `reason`, one sentence, is what
 *  it fails with. What was written before is kept; one that has ended already stays as it is. */
void sink_fail(Sink *sink, const char *reason);

/** (transfer none) The reason of sink_fail(), or NULL. */
const char *sink_failure(Sink *sink);
void sink_status(Sink *sink, SinkStatus *status);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sink, sink_unref)
