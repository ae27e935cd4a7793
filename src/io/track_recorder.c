#include "io/track_recorder.h"

#include <libavcodec/avcodec.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "io/recorder_parameters.h"
#include "io/recorder_thread.h"
#include "io/track_parameters.h"

#define QUEUE_BYTES (32u << 20)
#define ASK_NS      NS_PER_SEC           /* for a key frame again */
#define TOGETHER_US 1500000              /* so long a file waits for all that belongs into it */
#define PATIENCE_US (3 * G_USEC_PER_SEC) /* then the recording's clock is taken to be ours */
#define SILENT_US   (3 * G_USEC_PER_SEC) /* what did not come for so long is not expected */
#define MAX_HELD    4096
#define HELD_BYTES  (64u << 20)
#define MAX_PARTS   100 /* a sender that changes its formats all the time gets no more files */
#define NEVER       (G_MININT64 / 2)

typedef struct {
    AVPacket *packet;
    guint stream;
} Held;

/*  thread: -> held, until its time and its file are known -> file  */
typedef struct {
    RecorderThread base;

    /* Set before the thread starts. */
    guint64 min_free_bytes;
    RecorderClock *clock;
    gboolean has_sound;

    /* Of the thread. */
    GQueue held; /* of Held */
    gsize held_bytes;
    guint64 left_out;                      /* of them */
    TrackFile *present;                    /* what becomes of the file that is written */
    AVBufferRef *come[TRACK_STREAMS];      /* what the packets in it carry; NULL: not in it */
    AVBufferRef *described[TRACK_STREAMS]; /* what a file said of it last */
    gint index[TRACK_STREAMS];             /* the stream's number in the file */
    gint64 last_us[TRACK_STREAMS];         /* dts of the newest packet that was written */
    gboolean wants_key;                    /* pictures before the next one are useless */
    AVBufferRef *refused;                  /* no file holds this, as was said already */
    guint parts, pauses_seen;
    guint64 packets;
    gint64 end_us;
} TrackRecorder;

/* --- state ------------------------------------------------------------------------------- */

static void ask_for_keyframe(TrackRecorder *recorder)
{
    gint64 now_ns = clock_now_ns();
    if (now_ns - recorder->base.asked_ns >= ASK_NS)
        recorder_thread_ask_keyframe(&recorder->base, now_ns);
}

static void note_progress(TrackRecorder *recorder)
{
    RecorderThread *base = &recorder->base;
    guint64 bytes = base->closed_bytes + (base->file ? recorder_file_bytes(base->file) : 0);
    pthread_mutex_lock(&base->lock);
    base->status.packets = recorder->packets;
    base->status.dropped = recorder->left_out;
    base->status.bytes = bytes;
    base->status.duration_us = recorder->end_us;
    pthread_mutex_unlock(&base->lock);
}

/* --- files ------------------------------------------------------------------------------- */

static void track_file_free(gpointer data)
{
    TrackFile *file = data;
    g_free(file->name);
    g_free(file);
}

static void finish_file(TrackRecorder *recorder)
{
    gint64 length_us = recorder_thread_close(&recorder->base, &recorder->base.file);
    for (guint i = 0; i < TRACK_STREAMS; i++)
        av_buffer_unref(&recorder->come[i]);
    TrackFile *present = g_steal_pointer(&recorder->present);
    if (length_us > 0)
        recorder_thread_add_file(&recorder->base, g_steal_pointer(&present));
    if (present)
        track_file_free(present);
}

/** (transfer full) What the file says of this stream, or NULL: this packet cannot begin it. */
static AVCodecParameters *describe(TrackRecorder *recorder, const Held *held)
{
    g_autoptr(GError) error = NULL;
    const AVBufferRef *come = held->packet->opaque_ref;
    const AVBufferRef *before = recorder->described[held->stream];
    AVCodecParameters *parameters = avcodec_parameters_alloc();
    if (!parameters ||
        avcodec_parameters_copy(
            parameters, track_parameters_of(!held->packet->data && before ? before : come)) < 0) {
        avcodec_parameters_free(&parameters);
        return NULL;
    }
    recorder_learn_parameters(parameters, held->packet);
    if (recorder_format_check(RECORDER_MKV, parameters, &error) &&
        !track_parameters_need_more(parameters))
        return parameters;
    if (error && !track_parameters_go_on(recorder->refused, come)) {
        log_warning("recorder", "A track of %s is left out: %s", recorder->base.name,
                    error->message);
        av_buffer_replace(&recorder->refused, come);
    }
    avcodec_parameters_free(&parameters);
    return NULL;
}

static char *next_name(TrackRecorder *recorder)
{
    const char *suffix = recorder_format_suffix(RECORDER_MKV);
    recorder->parts++;
    return recorder->parts == 1
               ? g_strconcat(recorder->base.name, suffix, NULL)
               : g_strdup_printf("%s-%03u%s", recorder->base.name, recorder->parts, suffix);
}

/** What the file that is begun holds from here on. */
static void open_file(TrackRecorder *recorder, const SinkStream *streams, guint n)
{
    finish_file(recorder);
    if (recorder->base.failure)
        return;
    recorder->present = g_new0(TrackFile, 1);
    recorder->present->name = next_name(recorder);
    recorder->present->start_us = -1;
    RecorderFileOptions options = { .directory = recorder->base.directory,
                                    .name = recorder->present->name,
                                    .format = RECORDER_MKV,
                                    .streams = streams,
                                    .n = n,
                                    .min_free_bytes = recorder->min_free_bytes };
    recorder->base.file = recorder_file_new(&options, &recorder->base.failure);
    recorder->wants_key = TRUE;
}

/** Begin a file with what the first packets of its streams (NULL: not in it) say. needed: without
 *  this stream (-1: any) there is no new file. */
static void begin_file(TrackRecorder *recorder, const Held *const *firsts, gint needed)
{
    static const char *const names[] = { "sound", "pictures" };
    SinkStream streams[TRACK_STREAMS];
    AVCodecParameters *parameters[TRACK_STREAMS] = { NULL };
    guint n = 0;
    for (guint i = 0; i < TRACK_STREAMS; i++) {
        parameters[i] = firsts[i] ? describe(recorder, firsts[i]) : NULL;
        if (parameters[i])
            streams[n++] = (SinkStream){ parameters[i], names[i] };
    }
    gboolean begins = n > 0 && (needed < 0 || parameters[needed]);
    if (begins)
        open_file(recorder, streams, n);
    n = 0;
    for (guint i = 0; i < TRACK_STREAMS; i++) {
        if (begins && parameters[i]) {
            recorder->index[i] = (gint)n++;
            av_buffer_replace(&recorder->come[i], firsts[i]->packet->opaque_ref);
            av_buffer_unref(&recorder->described[i]);
            recorder->described[i] = track_parameters_new(parameters[i]);
        }
        avcodec_parameters_free(&parameters[i]);
    }
}

/* --- packets ----------------------------------------------------------------------------- */

static void held_free(gpointer data)
{
    Held *held = data;
    av_packet_free(&held->packet);
    g_free(held);
}

static gboolean is_key(const Held *held)
{
    return held->stream == TRACK_SOUND || held->packet->flags & AV_PKT_FLAG_KEY;
}

static guint pauses_of(const Held *held)
{
    return recorder_thread_pauses_of(held->packet);
}

/** The recording's clock for this packet; where nobody has started it for long, it starts here. */
static gboolean find_time(TrackRecorder *recorder, const Held *held, gboolean last, gint64 *mix_us,
                          gint64 *at_us)
{
    guint pauses = pauses_of(held);
    if (recorder_clock_find(recorder->clock, pauses, mix_us, at_us))
        return TRUE;
    const Held *newest = g_queue_peek_tail(&recorder->held);
    if (!last && newest->packet->dts - held->packet->dts < PATIENCE_US)
        return FALSE;
    recorder_clock_open(recorder->clock, pauses, held->packet->dts, recorder->end_us);
    return recorder_clock_find(recorder->clock, pauses, mix_us, at_us);
}

/** Whether a file can begin: all that belongs into it is there, or has been waited for. */
static gboolean find_firsts(TrackRecorder *recorder, gboolean last, const Held **firsts)
{
    const Held *oldest = g_queue_peek_head(&recorder->held);
    const Held *newest = g_queue_peek_tail(&recorder->held);
    for (const GList *link = recorder->held.head; link; link = link->next) {
        const Held *held = link->data;
        if (!firsts[held->stream] && is_key(held))
            firsts[held->stream] = held;
    }
    gboolean pictures = firsts[TRACK_PICTURES] != NULL;
    gboolean sound = firsts[TRACK_SOUND] != NULL || !recorder->has_sound;
    if (!pictures)
        ask_for_keyframe(recorder);
    return (pictures && sound) || last || newest->packet->dts - oldest->packet->dts >= TOGETHER_US;
}

/** A new file for this packet, and for the other stream as it was, if it still comes. */
static void go_on_in_new_file(TrackRecorder *recorder, const Held *held)
{
    guint other = held->stream == TRACK_SOUND ? TRACK_PICTURES : TRACK_SOUND;
    const Held *firsts[TRACK_STREAMS] = { NULL };
    firsts[held->stream] = held;
    if (recorder->parts >= MAX_PARTS) {
        g_set_error(&recorder->base.failure, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                    "The track %s ends: its sender changed the format %d times.",
                    recorder->base.name, MAX_PARTS);
        return;
    }
    for (const GList *link = recorder->held.head; link; link = link->next) {
        const Held *waiting = link->data;
        if (waiting->stream == other && is_key(waiting) && !firsts[other])
            firsts[other] = waiting;
    }
    Held kept = { NULL, other };
    gboolean comes = recorder->come[other] &&
                     recorder->last_us[other] > recorder->last_us[held->stream] - SILENT_US &&
                     recorder->last_us[other] > recorder->end_us - SILENT_US;
    if (comes && !firsts[other] && (kept.packet = av_packet_alloc())) {
        /* Without a packet it is described as it was. */
        kept.packet->opaque_ref = av_buffer_ref(recorder->come[other]);
        firsts[other] = &kept;
    }
    begin_file(recorder, firsts, (gint)held->stream);
    av_packet_free(&kept.packet);
}

/** TRUE if the packet has a place in the file that is open. */
static gboolean has_place(TrackRecorder *recorder, const Held *held)
{
    if (recorder->base.file &&
        track_parameters_go_on(recorder->come[held->stream], held->packet->opaque_ref))
        return TRUE;
    if (recorder->refused && track_parameters_go_on(recorder->refused, held->packet->opaque_ref))
        return FALSE;
    if (!is_key(held)) {
        ask_for_keyframe(recorder);
        return FALSE;
    }
    go_on_in_new_file(recorder, held);
    return recorder->base.file &&
           track_parameters_go_on(recorder->come[held->stream], held->packet->opaque_ref);
}

static gboolean is_useless(TrackRecorder *recorder, const Held *held, gint64 at_us, gint64 begin_us)
{
    guint stream = held->stream;
    if (at_us < begin_us || at_us <= recorder->last_us[stream])
        return TRUE;
    if (stream == TRACK_PICTURES && recorder->wants_key && !is_key(held)) {
        ask_for_keyframe(recorder);
        return TRUE;
    }
    return FALSE;
}

/** Put a packet into the recording's time and into its file. */
static void write_held(TrackRecorder *recorder, const Held *held, gint64 mix_us, gint64 begin_us)
{
    AVPacket *packet = held->packet;
    gint64 at_us = packet->dts - mix_us + begin_us;
    guint stream = held->stream;
    if (pauses_of(held) != recorder->pauses_seen) {
        recorder->pauses_seen = pauses_of(held);
        recorder->wants_key = TRUE;
    }
    if (!has_place(recorder, held) || is_useless(recorder, held, at_us, begin_us))
        return;
    packet->pts += at_us - packet->dts;
    packet->dts = at_us;
    gint64 end_us = at_us + packet->duration;
    recorder->last_us[stream] = at_us;
    recorder->end_us = MAX(recorder->end_us, end_us);
    if (stream == TRACK_PICTURES)
        recorder->wants_key = FALSE;
    if (recorder->present->start_us < 0 || at_us < recorder->present->start_us)
        recorder->present->start_us = at_us;
    recorder->present->end_us = MAX(recorder->present->end_us, end_us);
    recorder->packets += recorder_file_write(recorder->base.file, (guint)recorder->index[stream],
                                             packet, &recorder->base.failure);
    note_progress(recorder);
}

/** Write what can be written. last: nothing follows, so nothing is waited for. */
static void drain(TrackRecorder *recorder, gboolean last)
{
    gint64 mix_us, at_us;
    while (recorder->held.head && !recorder->base.failure) {
        const Held *firsts[TRACK_STREAMS] = { NULL };
        Held *held = g_queue_peek_head(&recorder->held);
        if (!find_time(recorder, held, last, &mix_us, &at_us))
            return;
        if (!recorder->base.file && recorder->parts == 0) {
            if (!find_firsts(recorder, last, firsts))
                return;
            begin_file(recorder, firsts, -1);
        }
        recorder->held_bytes -= (gsize)held->packet->size;
        g_queue_pop_head(&recorder->held);
        if (!recorder->base.failure)
            write_held(recorder, held, mix_us, at_us);
        held_free(held);
    }
}

static void leave_out_oldest(TrackRecorder *recorder)
{
    Held *held = g_queue_pop_head(&recorder->held);
    recorder->held_bytes -= (gsize)held->packet->size;
    recorder->left_out++;
    held_free(held);
}

static void take(RecorderThread *base, guint stream, AVPacket *packet)
{
    TrackRecorder *recorder = (TrackRecorder *)base;
    Held *held = g_new(Held, 1);
    *held = (Held){ av_packet_alloc(), stream };
    av_packet_move_ref(held->packet, packet);
    recorder->held_bytes += (gsize)held->packet->size;
    g_queue_push_tail(&recorder->held, held);
    while (recorder->held.length > MAX_HELD || recorder->held_bytes > HELD_BYTES)
        leave_out_oldest(recorder);
    drain(recorder, FALSE);
}

/* --- the sink ---------------------------------------------------------------------------- */

static void begin(RecorderThread *base)
{
    (void)base; /* the first packet is there already, and says what is missing */
}

static void end(RecorderThread *base)
{
    TrackRecorder *recorder = (TrackRecorder *)base;
    if (!base->failure)
        drain(recorder, TRUE);
    finish_file(recorder);
    note_progress(recorder);
}

static const RecorderWork track_work = { .begin = begin, .take = take, .end = end };

/* The first packet starts the thread. */
static void track_write(Sink *sink, guint stream, const AVPacket *packet)
{
    RecorderThread *base = (RecorderThread *)sink;
    g_return_if_fail(stream < TRACK_STREAMS && packet->opaque_ref);
    if (recorder_thread_start(base))
        recorder_thread_push(base, stream, stream == TRACK_PICTURES, packet);
}

static void track_finish(Sink *sink)
{
    RecorderThread *base = (RecorderThread *)sink;
    if (recorder_thread_finish(base))
        recorder_thread_set_state(base, SINK_FINISHED);
}

static void track_free(Sink *sink)
{
    TrackRecorder *recorder = (TrackRecorder *)sink;
    recorder_thread_clear(&recorder->base);
    g_clear_pointer(&recorder->present, track_file_free);
    g_queue_clear_full(&recorder->held, held_free);
    for (guint i = 0; i < TRACK_STREAMS; i++) {
        av_buffer_unref(&recorder->come[i]);
        av_buffer_unref(&recorder->described[i]);
    }
    av_buffer_unref(&recorder->refused);
    recorder_clock_unref(recorder->clock);
    g_free(recorder);
}

static gpointer copy_file(gconstpointer data, gpointer user)
{
    const TrackFile *file = data;
    TrackFile *copy = g_new(TrackFile, 1);
    (void)user;
    *copy = (TrackFile){ g_strdup(file->name), file->start_us, file->end_us };
    return copy;
}

GPtrArray *track_recorder_files(Sink *sink)
{
    return recorder_thread_files((RecorderThread *)sink, copy_file);
}

static const SinkType track_type = {
    .kind = "recording",
    .write = track_write,
    .pause = recorder_thread_pause,
    .finish = track_finish,
    .status = recorder_thread_status,
    .free = track_free,
};

Sink *track_recorder_new(const TrackRecorderOptions *options, const SinkEvents *events,
                         GError **error)
{
    TrackRecorder *recorder = g_new0(TrackRecorder, 1);
    if (!recorder_thread_init(&recorder->base, &track_type, events, &track_work, options->directory,
                              options->name, QUEUE_BYTES, track_file_free, error)) {
        g_free(recorder);
        return NULL;
    }
    recorder->min_free_bytes = options->min_free_bytes;
    recorder->clock = recorder_clock_ref(options->clock);
    recorder->has_sound = options->has_sound;
    recorder->base.pauses = recorder->pauses_seen = options->pauses;
    recorder->base.paused = options->paused;
    recorder->base.asked_ns = NEVER;
    recorder->last_us[TRACK_SOUND] = recorder->last_us[TRACK_PICTURES] = NEVER;
    g_queue_init(&recorder->held);
    return &recorder->base.sink;
}
