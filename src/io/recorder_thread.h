#pragma once

#include <glib.h>
#include <pthread.h>

#include "io/packet_queue.h"
#include "io/recorder_file.h"
#include "io/sink.h"

/* What a recording of any kind is made of: a sink whose packets go through a bounded queue to a
 * thread of its own, which alone touches the disk. For recorder.c and track_recorder.c, which have
 * it as their first member.
 *
 *   sink_write -> recorder_thread_push() -> queue | thread: -> take() ... -> end()  */

typedef struct RecorderThread RecorderThread;

/** On the thread. `look_around` may be NULL. */
typedef struct {
    void (*begin)(RecorderThread *thread);
    /** A packet; what it is, is the callee's to move away. */
    void (*take)(RecorderThread *thread, guint stream, AVPacket *packet);
    /** After each packet, and now and then without: what is due beside. */
    void (*look_around)(RecorderThread *thread, gint64 now_ns);
    /** Nothing follows: give the files their endings. */
    void (*end)(RecorderThread *thread);
} RecorderWork;

struct RecorderThread {
    Sink sink;

    /* Set before the thread starts. */
    const RecorderWork *work;
    char *directory, *name;
    PacketQueue *queue;

    /* Guarded by lock. */
    pthread_mutex_t lock;
    pthread_t thread;
    gboolean running, finishing;
    SinkStatus status;
    gboolean paused;
    guint pauses;     /* that have ended */
    GPtrArray *files; /* that are whole */

    /* Of the thread. */
    RecorderFile *file; /* that is written, or NULL */
    guint64 closed_bytes;
    gint64 asked_ns; /* for a key frame, the last time */
    GError *failure; /* ends it */
    guint64 dropped_seen;
    gint64 burst_ns; /* of drops */
    gboolean in_burst;
};

/** INVALID where the name is none. file_free: of what recorder_thread_add_file() takes. */
gboolean recorder_thread_init(RecorderThread *thread, const SinkType *type,
                              const SinkEvents *events, const RecorderWork *work,
                              const char *directory, const char *name, gsize queue_bytes,
                              GDestroyNotify file_free, GError **error);

/** Ends the thread, and frees what recorder_thread_init() made. */
void recorder_thread_clear(RecorderThread *thread);

/* --- any thread ---------------------------------------------------------------------------- */

/** Once, or again and again; FALSE: it has ended, or failed for want of a thread. */
gboolean recorder_thread_start(RecorderThread *thread);

/** A reference of the packet into the queue, unless it is paused. */
void recorder_thread_push(RecorderThread *thread, guint stream, gboolean video,
                          const AVPacket *packet);

/** Of a packet that was pushed: how many pauses had ended before it. */
guint recorder_thread_pauses_of(const AVPacket *packet);

void recorder_thread_pause(Sink *sink, gboolean paused);

/** No more packets. TRUE: the thread never began, and never will. */
gboolean recorder_thread_finish(RecorderThread *thread);

void recorder_thread_fail(RecorderThread *thread, const char *reason);
void recorder_thread_set_state(RecorderThread *thread, SinkState state);
void recorder_thread_status(Sink *sink, SinkStatus *status);

/** (transfer full) A copy of the files that are whole. */
GPtrArray *recorder_thread_files(RecorderThread *thread, GCopyFunc copy);

/* --- its own thread ------------------------------------------------------------------------ */

void recorder_thread_ask_keyframe(RecorderThread *thread, gint64 now_ns);

/** Give a file its ending and its name, and free it; NULL is allowed. Its length; 0: nothing is in
 *  it; -1: `failure` says why. */
gint64 recorder_thread_close(RecorderThread *thread, RecorderFile **file);

/** (transfer full) One more file is whole. */
void recorder_thread_add_file(RecorderThread *thread, gpointer file);
