#include "io/recorder_thread.h"

#include <libavcodec/packet.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "io/recordings.h"

#define QUEUE_US (10 * G_USEC_PER_SEC)
#define IDLE_US  500000
#define BURST_NS (5 * NS_PER_SEC) /* without drops: the next one is told again */

/* --- state ------------------------------------------------------------------------------- */

void recorder_thread_set_state(RecorderThread *thread, SinkState state)
{
    pthread_mutex_lock(&thread->lock);
    gboolean changed = thread->status.state != state;
    thread->status.state = state;
    pthread_mutex_unlock(&thread->lock);
    if (changed)
        sink_tell_changed(&thread->sink);
}

static void fail_locked(RecorderThread *thread, const char *reason)
{
    g_strlcpy(thread->status.error, reason, sizeof thread->status.error);
    thread->status.state = SINK_FAILED;
}

void recorder_thread_fail(RecorderThread *thread, const char *reason)
{
    pthread_mutex_lock(&thread->lock);
    fail_locked(thread, reason);
    pthread_mutex_unlock(&thread->lock);
    sink_tell_changed(&thread->sink);
}

void recorder_thread_status(Sink *sink, SinkStatus *status)
{
    RecorderThread *thread = (RecorderThread *)sink;
    pthread_mutex_lock(&thread->lock);
    *status = thread->status;
    pthread_mutex_unlock(&thread->lock);
    status->dropped += packet_queue_dropped(thread->queue);
}

void recorder_thread_ask_keyframe(RecorderThread *thread, gint64 now_ns)
{
    thread->asked_ns = now_ns;
    sink_tell_want_keyframe(&thread->sink);
}

/* --- files ------------------------------------------------------------------------------- */

gint64 recorder_thread_close(RecorderThread *thread, RecorderFile **file)
{
    GError *error = NULL;
    if (!*file)
        return 0;
    gint64 length_us = recorder_file_finish(*file, &error);
    thread->closed_bytes += recorder_file_bytes(*file);
    g_clear_pointer(file, recorder_file_free);
    if (error && thread->failure)
        g_error_free(error);
    else if (error)
        thread->failure = error;
    return length_us;
}

void recorder_thread_add_file(RecorderThread *thread, gpointer file)
{
    pthread_mutex_lock(&thread->lock);
    g_ptr_array_add(thread->files, file);
    pthread_mutex_unlock(&thread->lock);
}

GPtrArray *recorder_thread_files(RecorderThread *thread, GCopyFunc copy)
{
    pthread_mutex_lock(&thread->lock);
    GPtrArray *files = g_ptr_array_copy(thread->files, copy, NULL);
    pthread_mutex_unlock(&thread->lock);
    return files;
}

/* --- the thread -------------------------------------------------------------------------- */

/** After a burst of drops the pictures are to go on soon; it is told once. */
static void watch_drops(RecorderThread *thread, gint64 now_ns)
{
    guint64 dropped = packet_queue_dropped(thread->queue);
    if (dropped != thread->dropped_seen) {
        if (!thread->in_burst) {
            log_warning("recorder",
                        "The disk is too slow for the recording %s: packets are left out.",
                        thread->name);
            recorder_thread_ask_keyframe(thread, now_ns);
        }
        thread->in_burst = TRUE;
        thread->burst_ns = now_ns;
        thread->dropped_seen = dropped;
    } else if (now_ns - thread->burst_ns > BURST_NS) {
        thread->in_burst = FALSE;
    }
}

static void look_around(RecorderThread *thread, gint64 now_ns)
{
    pthread_mutex_lock(&thread->lock);
    gboolean paused = thread->paused;
    pthread_mutex_unlock(&thread->lock);
    if (paused)
        recorder_thread_set_state(thread, SINK_PAUSED);
    else if (thread->file)
        recorder_thread_set_state(thread, SINK_RUNNING);
    if (thread->work->look_around)
        thread->work->look_around(thread, now_ns);
    watch_drops(thread, now_ns);
    if (thread->file)
        recorder_file_sync(thread->file, now_ns);
}

static void end_recording(RecorderThread *thread)
{
    packet_queue_close(thread->queue);
    recorder_thread_set_state(thread, SINK_FINISHING);
    thread->work->end(thread);
    if (!thread->failure) {
        recorder_thread_set_state(thread, SINK_FINISHED);
        return;
    }
    log_warning("recorder", "%s", thread->failure->message);
    recorder_thread_fail(thread, thread->failure->message);
}

static void *record(void *user)
{
    RecorderThread *thread = user;
    AVPacket *packet = av_packet_alloc();
    gboolean more = packet != NULL;
    guint stream;
    thread->work->begin(thread);
    while (more && !thread->failure) {
        gboolean closed = packet_queue_is_closed(thread->queue);
        if (packet_queue_pop(thread->queue, packet, &stream, IDLE_US))
            thread->work->take(thread, stream, packet);
        else if (closed)
            more = FALSE;
        else if (thread->file)
            recorder_file_flush(thread->file, &thread->failure);
        if (more && !thread->failure)
            look_around(thread, clock_now_ns());
    }
    end_recording(thread);
    av_packet_free(&packet);
    return NULL;
}

/* --- the sink ---------------------------------------------------------------------------- */

gboolean recorder_thread_start(RecorderThread *thread)
{
    pthread_mutex_lock(&thread->lock);
    gboolean begins = !thread->running && !thread->finishing;
    if (begins)
        thread->running = pthread_create(&thread->thread, NULL, record, thread) == 0;
    gboolean running = thread->running;
    gboolean fails = begins && !running;
    if (fails)
        fail_locked(thread, "The recording cannot start: the system has no more threads.");
    thread->finishing |= fails;
    pthread_mutex_unlock(&thread->lock);
    if (fails)
        sink_tell_changed(&thread->sink);
    return running;
}

void recorder_thread_push(RecorderThread *thread, guint stream, gboolean video,
                          const AVPacket *packet)
{
    pthread_mutex_lock(&thread->lock);
    gboolean paused = thread->paused;
    guint pauses = thread->pauses;
    pthread_mutex_unlock(&thread->lock);
    AVPacket *copy =
        paused || packet_queue_is_closed(thread->queue) ? NULL : av_packet_clone(packet);
    if (!copy)
        return;
    /* Which piece between two pauses it belongs to travels where a file position would be. */
    copy->pos = pauses;
    packet_queue_push(thread->queue, stream, video, copy);
    av_packet_free(&copy);
}

guint recorder_thread_pauses_of(const AVPacket *packet)
{
    return (guint)packet->pos;
}

void recorder_thread_pause(Sink *sink, gboolean paused)
{
    RecorderThread *thread = (RecorderThread *)sink;
    pthread_mutex_lock(&thread->lock);
    if (thread->paused && !paused)
        thread->pauses++;
    thread->paused = paused;
    pthread_mutex_unlock(&thread->lock);
    packet_queue_wake(thread->queue);
}

gboolean recorder_thread_finish(RecorderThread *thread)
{
    pthread_mutex_lock(&thread->lock);
    thread->finishing = TRUE;
    gboolean idle = !thread->running && thread->status.state != SINK_FAILED;
    pthread_mutex_unlock(&thread->lock);
    packet_queue_close(thread->queue);
    return idle;
}

gboolean recorder_thread_init(RecorderThread *thread, const SinkType *type,
                              const SinkEvents *events, const RecorderWork *work,
                              const char *directory, const char *name, gsize queue_bytes,
                              GDestroyNotify file_free, GError **error)
{
    if (!recording_base_valid(name)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "A recording's name has letters, digits, '-', '_' and '.' only.");
        return FALSE;
    }
    sink_init(&thread->sink, type, events);
    thread->work = work;
    thread->directory = g_strdup(directory);
    thread->name = g_strdup(name);
    thread->queue = packet_queue_new(QUEUE_US, queue_bytes);
    thread->files = g_ptr_array_new_with_free_func(file_free);
    pthread_mutex_init(&thread->lock, NULL);
    return TRUE;
}

void recorder_thread_clear(RecorderThread *thread)
{
    packet_queue_close(thread->queue);
    if (thread->running)
        pthread_join(thread->thread, NULL);
    recorder_file_free(thread->file);
    packet_queue_free(thread->queue);
    pthread_mutex_destroy(&thread->lock);
    g_ptr_array_unref(thread->files);
    g_clear_error(&thread->failure);
    g_free(thread->directory);
    g_free(thread->name);
}
