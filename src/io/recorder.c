#include "io/recorder.h"

#include <libavcodec/avcodec.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "io/packet_queue.h"
#include "io/recorder_parameters.h"
#include "io/recorder_timeline.h"
#include "io/recordings.h"

#define QUEUE_US    (10 * G_USEC_PER_SEC)
#define QUEUE_BYTES (64u << 20)
#define IDLE_US     500000
#define ASK_NS      NS_PER_SEC       /* for a key frame again */
#define BURST_NS    (5 * NS_PER_SEC) /* without drops: the next one is told again */
#define GRACE_US    1000000          /* for what belongs in front of a split but comes late */
#define SPLIT_US    20000            /* a key frame that is this early is the one */

/*  sink_write -> queue | thread: -> timeline -> file (-> next file) -> ending  */
typedef struct {
    Sink base;

    /* Set before the thread starts. */
    char *directory, *name;
    RecorderOptions options;
    SinkStream streams[SINK_MAX_STREAMS];
    gboolean is_video[SINK_MAX_STREAMS];
    guint n;
    PacketQueue *queue;

    /* Guarded by lock. */
    pthread_mutex_t lock;
    pthread_t thread;
    gboolean threaded, ended; /* ended: before it began */
    SinkStatus status;
    gboolean paused;
    guint epoch; /* one more after each pause */
    GPtrArray *files;

    /* Of the thread. */
    RecorderTimeline *timeline;
    RecorderFile *file, *previous; /* previous: takes what belongs in front of the split */
    char *file_name, *previous_name;
    gint64 file_us, previous_us; /* where they begin in the recording */
    gboolean in_file[SINK_MAX_STREAMS];
    guint parts;
    guint64 closed_bytes;
    guint epoch_seen, epoch_asked;
    gboolean split_asked, in_burst;
    guint64 dropped_seen;
    gint64 asked_ns, burst_ns;
    GError *failure;
} Recorder;

static void set_state(Recorder *recorder, SinkState state)
{
    pthread_mutex_lock(&recorder->lock);
    gboolean changed = recorder->status.state != state;
    recorder->status.state = state;
    pthread_mutex_unlock(&recorder->lock);
    if (changed)
        sink_tell_changed(&recorder->base);
}

static void fail(Recorder *recorder, GError *error)
{
    if (recorder->failure)
        g_error_free(error);
    else
        recorder->failure = error;
}

static void ask_for_keyframe(Recorder *recorder, gint64 now_ns)
{
    recorder->asked_ns = now_ns;
    sink_tell_want_keyframe(&recorder->base);
}

/** Give a file its ending and its name. */
static void finish_file(Recorder *recorder, RecorderFile **file, char **name)
{
    GError *error = NULL;
    if (!*file)
        return;
    gint64 duration_us = recorder_file_finish(*file, &error);
    recorder->closed_bytes += recorder_file_bytes(*file);
    g_clear_pointer(file, recorder_file_free);
    g_autofree char *finished = g_steal_pointer(name);
    if (duration_us < 0)
        fail(recorder, error);
    if (duration_us <= 0)
        return;
    pthread_mutex_lock(&recorder->lock);
    g_ptr_array_add(recorder->files, g_steal_pointer(&finished));
    pthread_mutex_unlock(&recorder->lock);
}

static gboolean is_split(const Recorder *recorder)
{
    return recorder->options.split_seconds > 0 || recorder->options.split_bytes > 0;
}

static guint64 bytes_so_far(const Recorder *recorder)
{
    return recorder->closed_bytes + (recorder->file ? recorder_file_bytes(recorder->file) : 0) +
           (recorder->previous ? recorder_file_bytes(recorder->previous) : 0);
}

/** What of the quota is left for the next file; 0: there is no quota. */
static guint64 bytes_left(const Recorder *recorder)
{
    guint64 max = recorder->options.max_bytes, used = bytes_so_far(recorder);
    if (max == 0)
        return 0;
    return max > used ? max - used : 1;
}

/** Begin a file at this time; the one before it waits for what comes late. */
static void begin_file(Recorder *recorder, gint64 start_us)
{
    const char *suffix = recorder_format_suffix(recorder->options.format);
    finish_file(recorder, &recorder->previous, &recorder->previous_name);
    recorder->previous = g_steal_pointer(&recorder->file);
    recorder->previous_name = g_steal_pointer(&recorder->file_name);
    recorder->previous_us = recorder->file_us;
    recorder->parts++;
    recorder->file_name =
        is_split(recorder) ? g_strdup_printf("%s-%03u%s", recorder->name, recorder->parts, suffix)
                           : g_strconcat(recorder->name, suffix, NULL);
    recorder->file_us = start_us;
    recorder->split_asked = FALSE;
    memset(recorder->in_file, 0, sizeof recorder->in_file);
    RecorderFileOptions options = { .directory = recorder->directory,
                                    .name = recorder->file_name,
                                    .format = recorder->options.format,
                                    .streams = recorder->streams,
                                    .n = recorder->n,
                                    .max_bytes = bytes_left(recorder),
                                    .min_free_bytes = recorder->options.min_free_bytes };
    recorder->file = recorder_file_new(&options, recorder->failure ? NULL : &recorder->failure);
}

/** Whether the file is long enough, or large enough. */
static gboolean split_is_due(const Recorder *recorder, gint64 dts)
{
    gint64 length_us = (gint64)recorder->options.split_seconds * G_USEC_PER_SEC;
    guint64 bytes = recorder->options.split_bytes;
    return (length_us > 0 && dts - recorder->file_us >= length_us - SPLIT_US) ||
           (bytes > 0 && recorder_file_bytes(recorder->file) >= bytes);
}

static void split_if_due(Recorder *recorder, guint stream, const AVPacket *packet, gboolean key)
{
    if (!recorder_timeline_leads(recorder->timeline, stream) ||
        !split_is_due(recorder, packet->dts))
        return;
    if (key) {
        begin_file(recorder, packet->dts);
    } else if (!recorder->split_asked) {
        recorder->split_asked = TRUE;
        ask_for_keyframe(recorder, clock_now_ns());
    }
}

/** The file before a split is over when everybody is past it, or late. */
static void close_previous(Recorder *recorder, gint64 dts)
{
    gboolean all = TRUE;
    for (guint i = 0; i < recorder->n; i++)
        all &= recorder->in_file[i];
    if (recorder->previous && (all || dts >= recorder->file_us + GRACE_US))
        finish_file(recorder, &recorder->previous, &recorder->previous_name);
}

static void count_packet(Recorder *recorder)
{
    pthread_mutex_lock(&recorder->lock);
    recorder->status.packets++;
    recorder->status.bytes = bytes_so_far(recorder);
    recorder->status.duration_us = recorder_timeline_end(recorder->timeline);
    pthread_mutex_unlock(&recorder->lock);
}

/** A packet in the recording's time, into the file where it belongs. */
static void write_packet(Recorder *recorder, guint stream, AVPacket *packet)
{
    gint64 dts = packet->dts;
    gboolean key = !recorder->is_video[stream] || packet->flags & AV_PKT_FLAG_KEY;
    if (!recorder->file)
        begin_file(recorder, 0);
    else
        split_if_due(recorder, stream, packet, key);
    if (dts >= recorder->file_us && key)
        recorder->in_file[stream] = TRUE;
    gboolean late = !recorder->in_file[stream];
    RecorderFile *file = late ? recorder->previous : recorder->file;
    gint64 start_us = late ? recorder->previous_us : recorder->file_us;
    if (recorder->failure || !file)
        return;
    packet->pts -= start_us;
    packet->dts -= start_us;
    if (recorder_file_write(file, stream, packet, &recorder->failure))
        count_packet(recorder);
    close_previous(recorder, dts);
}

/** Where this piece begins, so do those that are recorded beside it. */
static void tell_clock(const Recorder *recorder)
{
    gint64 mix_us, at_us;
    if (recorder->options.clock && recorder_timeline_piece(recorder->timeline, &mix_us, &at_us))
        recorder_clock_open(recorder->options.clock, recorder->epoch_seen, mix_us, at_us);
}

static void take_packet(Recorder *recorder, guint stream, AVPacket *packet)
{
    guint epoch = (guint)packet->pos;
    gboolean waited = recorder_timeline_waits(recorder->timeline) || epoch != recorder->epoch_seen;
    if (epoch != recorder->epoch_seen) {
        recorder->epoch_seen = epoch;
        recorder_timeline_hold(recorder->timeline);
    }
    recorder_learn_parameters((AVCodecParameters *)recorder->streams[stream].parameters, packet);
    recorder_timeline_put(recorder->timeline, stream, packet);
    if (waited)
        tell_clock(recorder);
    while (!recorder->failure && recorder_timeline_take(recorder->timeline, packet, &stream))
        write_packet(recorder, stream, packet);
}

/** After a burst of drops the pictures are to go on soon; it is told once. */
static void watch_drops(Recorder *recorder, gint64 now_ns)
{
    guint64 dropped = packet_queue_dropped(recorder->queue);
    if (dropped != recorder->dropped_seen) {
        if (!recorder->in_burst) {
            log_warning("recorder",
                        "The disk is too slow for the recording %s: pictures are left out.",
                        recorder->name);
            ask_for_keyframe(recorder, now_ns);
        }
        recorder->in_burst = TRUE;
        recorder->burst_ns = now_ns;
        recorder->dropped_seen = dropped;
    } else if (now_ns - recorder->burst_ns > BURST_NS) {
        recorder->in_burst = FALSE;
    }
}

/** What is due beside packets: the state, key frames, syncing. */
static void look_around(Recorder *recorder, gint64 now_ns)
{
    pthread_mutex_lock(&recorder->lock);
    gboolean paused = recorder->paused;
    guint epoch = recorder->epoch;
    pthread_mutex_unlock(&recorder->lock);
    gboolean waits = recorder_timeline_waits(recorder->timeline);
    gboolean resumed = epoch != recorder->epoch_asked;
    recorder->epoch_asked = epoch;
    if (paused)
        set_state(recorder, SINK_PAUSED);
    else if (recorder->file)
        set_state(recorder, SINK_RUNNING);
    if (!paused && (resumed || (waits && now_ns - recorder->asked_ns > ASK_NS)))
        ask_for_keyframe(recorder, now_ns);
    watch_drops(recorder, now_ns);
    if (recorder->file)
        recorder_file_sync(recorder->file, now_ns);
}

static void flush_file(Recorder *recorder)
{
    if (recorder->file && !recorder->failure)
        recorder_file_flush(recorder->file, &recorder->failure);
}

static void end_recording(Recorder *recorder)
{
    packet_queue_close(recorder->queue);
    set_state(recorder, SINK_FINISHING);
    finish_file(recorder, &recorder->previous, &recorder->previous_name);
    finish_file(recorder, &recorder->file, &recorder->file_name);
    pthread_mutex_lock(&recorder->lock);
    if (recorder->files->len == 0 && !recorder->failure)
        g_set_error(&recorder->failure, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                    "The recording %s is empty: neither a picture nor a sound came.",
                    recorder->name);
    if (recorder->failure)
        g_strlcpy(recorder->status.error, recorder->failure->message,
                  sizeof recorder->status.error);
    recorder->status.bytes = recorder->closed_bytes;
    pthread_mutex_unlock(&recorder->lock);
    if (recorder->failure)
        log_warning("recorder", "%s", recorder->failure->message);
    set_state(recorder, recorder->failure ? SINK_FAILED : SINK_FINISHED);
}

static void *record(void *user)
{
    Recorder *recorder = user;
    AVPacket *packet = av_packet_alloc();
    gboolean more = packet != NULL;
    guint stream;
    ask_for_keyframe(recorder, clock_now_ns());
    while (more && !recorder->failure) {
        gboolean closed = packet_queue_is_closed(recorder->queue);
        if (packet_queue_pop(recorder->queue, packet, &stream, IDLE_US))
            take_packet(recorder, stream, packet);
        else if (closed)
            more = FALSE;
        else
            flush_file(recorder);
        if (more && !recorder->failure)
            look_around(recorder, clock_now_ns());
    }
    end_recording(recorder);
    av_packet_free(&packet);
    return NULL;
}

/** Copy what will come. FALSE: the format cannot hold it. */
static gboolean copy_streams(Recorder *recorder, const SinkStream *streams, guint n, GError **error)
{
    for (guint i = 0; i < n; i++) {
        AVCodecParameters *copy = avcodec_parameters_alloc();
        recorder->streams[i] = (SinkStream){ copy, g_strdup(streams[i].name) };
        recorder->is_video[i] = streams[i].parameters->codec_type == AVMEDIA_TYPE_VIDEO;
        recorder->n = i + 1;
        if (!copy || avcodec_parameters_copy(copy, streams[i].parameters) < 0 ||
            !recorder_format_check(recorder->options.format, copy, error))
            return FALSE;
    }
    return TRUE;
}

static gint mixed_video(const Recorder *recorder)
{
    for (guint i = 0; i < recorder->n; i++) {
        if (recorder->is_video[i] && !recorder->streams[i].name)
            return (gint)i;
    }
    return -1;
}

static void fail_without_thread(Recorder *recorder, const char *reason)
{
    pthread_mutex_lock(&recorder->lock);
    g_strlcpy(recorder->status.error, reason, sizeof recorder->status.error);
    pthread_mutex_unlock(&recorder->lock);
    set_state(recorder, SINK_FAILED);
}

static void recorder_start(Sink *sink, const SinkStream *streams, guint n)
{
    Recorder *recorder = (Recorder *)sink;
    g_return_if_fail(recorder->n == 0);
    copy_streams(recorder, streams, n, &recorder->failure);
    recorder->timeline =
        recorder_timeline_new(recorder->is_video, recorder->n, mixed_video(recorder));
    pthread_mutex_lock(&recorder->lock);
    gboolean ended = recorder->ended;
    recorder->threaded = !ended && pthread_create(&recorder->thread, NULL, record, recorder) == 0;
    gboolean threaded = recorder->threaded;
    pthread_mutex_unlock(&recorder->lock);
    if (!threaded && !ended)
        fail_without_thread(recorder,
                            "The recording cannot start: the system has no more threads.");
}

static void recorder_write(Sink *sink, guint stream, const AVPacket *packet)
{
    Recorder *recorder = (Recorder *)sink;
    pthread_mutex_lock(&recorder->lock);
    gboolean paused = recorder->paused;
    guint epoch = recorder->epoch;
    pthread_mutex_unlock(&recorder->lock);
    if (paused || stream >= recorder->n || packet_queue_is_closed(recorder->queue))
        return;
    AVPacket *copy = av_packet_clone(packet);
    if (!copy)
        return;
    /* Which piece between two pauses it belongs to travels where a file position would be. */
    copy->pos = epoch;
    packet_queue_push(recorder->queue, stream, recorder->is_video[stream], copy);
    av_packet_free(&copy);
}

static void recorder_pause(Sink *sink, gboolean paused)
{
    Recorder *recorder = (Recorder *)sink;
    pthread_mutex_lock(&recorder->lock);
    if (recorder->paused && !paused)
        recorder->epoch++;
    recorder->paused = paused;
    pthread_mutex_unlock(&recorder->lock);
    packet_queue_wake(recorder->queue);
}

static void recorder_finish(Sink *sink)
{
    Recorder *recorder = (Recorder *)sink;
    pthread_mutex_lock(&recorder->lock);
    gboolean begun = recorder->threaded;
    recorder->ended = !begun;
    gboolean failed = recorder->status.state == SINK_FAILED;
    pthread_mutex_unlock(&recorder->lock);
    packet_queue_close(recorder->queue);
    if (!begun && !failed)
        fail_without_thread(recorder, "The recording ended before it had begun.");
}

static void recorder_status(Sink *sink, SinkStatus *status)
{
    Recorder *recorder = (Recorder *)sink;
    pthread_mutex_lock(&recorder->lock);
    *status = recorder->status;
    pthread_mutex_unlock(&recorder->lock);
    status->dropped = packet_queue_dropped(recorder->queue);
}

static void recorder_free(Sink *sink)
{
    Recorder *recorder = (Recorder *)sink;
    packet_queue_close(recorder->queue);
    if (recorder->threaded)
        pthread_join(recorder->thread, NULL);
    for (guint i = 0; i < recorder->n; i++) {
        AVCodecParameters *parameters = (AVCodecParameters *)recorder->streams[i].parameters;
        avcodec_parameters_free(&parameters);
        g_free((char *)recorder->streams[i].name);
    }
    recorder_timeline_free(recorder->timeline);
    packet_queue_free(recorder->queue);
    pthread_mutex_destroy(&recorder->lock);
    g_ptr_array_unref(recorder->files);
    g_clear_error(&recorder->failure);
    recorder_clock_unref(recorder->options.clock);
    g_free(recorder->file_name);
    g_free(recorder->previous_name);
    g_free(recorder->directory);
    g_free(recorder->name);
    g_free(recorder);
}

GPtrArray *recorder_files(Sink *sink)
{
    Recorder *recorder = (Recorder *)sink;
    GPtrArray *files = g_ptr_array_new_with_free_func(g_free);
    pthread_mutex_lock(&recorder->lock);
    for (guint i = 0; i < recorder->files->len; i++)
        g_ptr_array_add(files, g_strdup(recorder->files->pdata[i]));
    pthread_mutex_unlock(&recorder->lock);
    return files;
}

static const SinkType recorder_type = {
    .kind = "recording",
    .start = recorder_start,
    .write = recorder_write,
    .pause = recorder_pause,
    .finish = recorder_finish,
    .status = recorder_status,
    .free = recorder_free,
};

Sink *recorder_new(const RecorderOptions *options, const SinkEvents *events, GError **error)
{
    if (!recording_base_valid(options->name)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "A recording's name has letters, digits, '-', '_' and '.' only.");
        return NULL;
    }
    Recorder *recorder = g_new0(Recorder, 1);
    sink_init(&recorder->base, &recorder_type, events);
    recorder->options = *options;
    if (options->clock)
        recorder_clock_ref(options->clock);
    recorder->directory = g_strdup(options->directory);
    recorder->name = g_strdup(options->name);
    recorder->queue = packet_queue_new(QUEUE_US, QUEUE_BYTES);
    recorder->files = g_ptr_array_new_with_free_func(g_free);
    pthread_mutex_init(&recorder->lock, NULL);
    return &recorder->base;
}
