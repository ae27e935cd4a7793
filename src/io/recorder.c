#include "io/recorder.h"

#include <libavcodec/avcodec.h>

#include "base/clock.h"
#include "base/error.h"
#include "io/recorder_parameters.h"
#include "io/recorder_thread.h"
#include "io/recorder_timeline.h"

#define QUEUE_BYTES (64u << 20)
#define ASK_NS      NS_PER_SEC /* for a key frame again */
#define GRACE_US    1000000    /* for what belongs in front of a split but comes late */
#define SPLIT_US    20000      /* a key frame that is this early is the one */

/*  thread: -> timeline -> file (-> next file) -> ending  */
typedef struct {
    RecorderThread base;

    /* Set before the thread starts. */
    RecorderOptions options;
    SinkStream streams[SINK_MAX_STREAMS];
    gboolean is_video[SINK_MAX_STREAMS];
    guint n;

    /* Of the thread. */
    RecorderTimeline *timeline;
    RecorderFile *previous; /* takes what belongs in front of the split */
    char *file_name, *previous_name;
    gint64 file_us, previous_us; /* where they begin in the recording */
    gboolean in_file[SINK_MAX_STREAMS];
    guint parts;
    guint pauses_seen, pauses_asked;
    gboolean split_asked;
} Recorder;

/** Give a file its ending and its name. */
static void finish_file(Recorder *recorder, RecorderFile **file, char **name)
{
    g_autofree char *finished = g_steal_pointer(name);
    if (recorder_thread_close(&recorder->base, file) > 0)
        recorder_thread_add_file(&recorder->base, g_steal_pointer(&finished));
}

static gboolean is_split(const Recorder *recorder)
{
    return recorder->options.split_seconds > 0 || recorder->options.split_bytes > 0;
}

static guint64 bytes_so_far(const Recorder *recorder)
{
    const RecorderThread *base = &recorder->base;
    return base->closed_bytes + (base->file ? recorder_file_bytes(base->file) : 0) +
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
    RecorderThread *base = &recorder->base;
    const char *suffix = recorder_format_suffix(recorder->options.format);
    finish_file(recorder, &recorder->previous, &recorder->previous_name);
    recorder->previous = g_steal_pointer(&base->file);
    recorder->previous_name = g_steal_pointer(&recorder->file_name);
    recorder->previous_us = recorder->file_us;
    recorder->parts++;
    recorder->file_name = is_split(recorder)
                              ? g_strdup_printf("%s-%03u%s", base->name, recorder->parts, suffix)
                              : g_strconcat(base->name, suffix, NULL);
    recorder->file_us = start_us;
    recorder->split_asked = FALSE;
    memset(recorder->in_file, 0, sizeof recorder->in_file);
    RecorderFileOptions options = { .directory = base->directory,
                                    .name = recorder->file_name,
                                    .format = recorder->options.format,
                                    .streams = recorder->streams,
                                    .n = recorder->n,
                                    .max_bytes = bytes_left(recorder),
                                    .min_free_bytes = recorder->options.min_free_bytes };
    base->file = recorder_file_new(&options, base->failure ? NULL : &base->failure);
}

/** Whether the file is long enough, or large enough. */
static gboolean split_is_due(const Recorder *recorder, gint64 dts)
{
    gint64 length_us = (gint64)recorder->options.split_seconds * G_USEC_PER_SEC;
    guint64 bytes = recorder->options.split_bytes;
    return (length_us > 0 && dts - recorder->file_us >= length_us - SPLIT_US) ||
           (bytes > 0 && recorder_file_bytes(recorder->base.file) >= bytes);
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
        recorder_thread_ask_keyframe(&recorder->base, clock_now_ns());
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
    RecorderThread *base = &recorder->base;
    pthread_mutex_lock(&base->lock);
    base->status.packets++;
    base->status.bytes = bytes_so_far(recorder);
    base->status.duration_us = recorder_timeline_end(recorder->timeline);
    pthread_mutex_unlock(&base->lock);
}

/** A packet in the recording's time, into the file where it belongs. */
static void write_packet(Recorder *recorder, guint stream, AVPacket *packet)
{
    RecorderThread *base = &recorder->base;
    gint64 dts = packet->dts;
    gboolean key = !recorder->is_video[stream] || packet->flags & AV_PKT_FLAG_KEY;
    if (!base->file)
        begin_file(recorder, 0);
    else
        split_if_due(recorder, stream, packet, key);
    if (dts >= recorder->file_us && key)
        recorder->in_file[stream] = TRUE;
    gboolean late = !recorder->in_file[stream];
    RecorderFile *file = late ? recorder->previous : base->file;
    gint64 start_us = late ? recorder->previous_us : recorder->file_us;
    if (base->failure || !file)
        return;
    packet->pts -= start_us;
    packet->dts -= start_us;
    if (recorder_file_write(file, stream, packet, &base->failure))
        count_packet(recorder);
    close_previous(recorder, dts);
}

/** Where this piece begins, so do those that are recorded beside it. */
static void tell_clock(const Recorder *recorder)
{
    gint64 mix_us, at_us;
    if (recorder->options.clock && recorder_timeline_piece(recorder->timeline, &mix_us, &at_us))
        recorder_clock_open(recorder->options.clock, recorder->pauses_seen, mix_us, at_us);
}

static void take(RecorderThread *base, guint stream, AVPacket *packet)
{
    Recorder *recorder = (Recorder *)base;
    guint pauses = recorder_thread_pauses_of(packet);
    gboolean waited =
        recorder_timeline_waits(recorder->timeline) || pauses != recorder->pauses_seen;
    if (pauses != recorder->pauses_seen) {
        recorder->pauses_seen = pauses;
        recorder_timeline_hold(recorder->timeline);
    }
    recorder_learn_parameters((AVCodecParameters *)recorder->streams[stream].parameters, packet);
    recorder_timeline_put(recorder->timeline, stream, packet);
    if (waited)
        tell_clock(recorder);
    while (!base->failure && recorder_timeline_take(recorder->timeline, packet, &stream))
        write_packet(recorder, stream, packet);
}

/** Key frames: the first one, and one after each pause. */
static void look_around(RecorderThread *base, gint64 now_ns)
{
    Recorder *recorder = (Recorder *)base;
    pthread_mutex_lock(&base->lock);
    gboolean paused = base->paused;
    guint pauses = base->pauses;
    pthread_mutex_unlock(&base->lock);
    gboolean waits = recorder_timeline_waits(recorder->timeline);
    gboolean resumed = pauses != recorder->pauses_asked;
    recorder->pauses_asked = pauses;
    if (!paused && (resumed || (waits && now_ns - base->asked_ns > ASK_NS)))
        recorder_thread_ask_keyframe(base, now_ns);
}

static void begin(RecorderThread *base)
{
    recorder_thread_ask_keyframe(base, clock_now_ns());
}

static void end(RecorderThread *base)
{
    Recorder *recorder = (Recorder *)base;
    finish_file(recorder, &recorder->previous, &recorder->previous_name);
    finish_file(recorder, &base->file, &recorder->file_name);
    pthread_mutex_lock(&base->lock);
    if (base->files->len == 0 && !base->failure)
        g_set_error(&base->failure, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                    "The recording %s is empty: neither a picture nor a sound came.", base->name);
    base->status.bytes = base->closed_bytes;
    pthread_mutex_unlock(&base->lock);
}

static const RecorderWork recorder_work = { begin, take, look_around, end };

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

static void recorder_start(Sink *sink, const SinkStream *streams, guint n)
{
    Recorder *recorder = (Recorder *)sink;
    g_return_if_fail(recorder->n == 0);
    copy_streams(recorder, streams, n, &recorder->base.failure);
    recorder->timeline =
        recorder_timeline_new(recorder->is_video, recorder->n, mixed_video(recorder));
    recorder_thread_start(&recorder->base);
}

static void recorder_write(Sink *sink, guint stream, const AVPacket *packet)
{
    Recorder *recorder = (Recorder *)sink;
    if (stream < recorder->n)
        recorder_thread_push(&recorder->base, stream, recorder->is_video[stream], packet);
}

static void recorder_finish(Sink *sink)
{
    RecorderThread *base = (RecorderThread *)sink;
    if (recorder_thread_finish(base))
        recorder_thread_fail(base, "The recording ended before it had begun.");
}

static void recorder_free(Sink *sink)
{
    Recorder *recorder = (Recorder *)sink;
    recorder_thread_clear(&recorder->base);
    for (guint i = 0; i < recorder->n; i++) {
        AVCodecParameters *parameters = (AVCodecParameters *)recorder->streams[i].parameters;
        avcodec_parameters_free(&parameters);
        g_free((char *)recorder->streams[i].name);
    }
    recorder_timeline_free(recorder->timeline);
    recorder_clock_unref(recorder->options.clock);
    g_free(recorder->file_name);
    g_free(recorder->previous_name);
    g_free(recorder);
}

static gpointer copy_name(gconstpointer name, gpointer data)
{
    (void)data;
    return g_strdup(name);
}

GPtrArray *recorder_files(Sink *sink)
{
    return recorder_thread_files((RecorderThread *)sink, copy_name);
}

static const SinkType recorder_type = {
    .kind = "recording",
    .start = recorder_start,
    .write = recorder_write,
    .pause = recorder_thread_pause,
    .finish = recorder_finish,
    .status = recorder_thread_status,
    .free = recorder_free,
};

Sink *recorder_new(const RecorderOptions *options, const SinkEvents *events, GError **error)
{
    Recorder *recorder = g_new0(Recorder, 1);
    if (!recorder_thread_init(&recorder->base, &recorder_type, events, &recorder_work,
                              options->directory, options->name, QUEUE_BYTES, g_free, error)) {
        g_free(recorder);
        return NULL;
    }
    recorder->options = *options;
    if (options->clock)
        recorder_clock_ref(options->clock);
    return &recorder->base.sink;
}
