#include "io/broadcaster.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "io/broadcaster_output.h"
#include "io/broadcaster_retry.h"
#include "io/packet_queue.h"

#define DEFAULT_TIMEOUT_MS 10000
#define QUEUE_SPAN_US      (2 * G_USEC_PER_SEC)
#define QUEUE_BYTES        (4 * 1024 * 1024)
#define POLL_US            (G_USEC_PER_SEC / 20)
#define ASK_AGAIN_NS       NS_PER_SEC
#define FINISH_NS          (1500 * NS_PER_MS)

/*  sink_write() -> queue -> thread: resolve, check, connect -> output (RTMP, SRT)
 *                             ^ retry decides when ------------------/ lost          */
typedef struct {
    Sink sink; /* first */

    /* Set before the thread starts, constant since. */
    MediaUrl *url;
    char *shown;
    MediaUrlPolicy *policy;
    char *ca_file;
    guint timeout_ms;
    const BroadcasterOutput *type;
    AVCodecParameters *parameters[SINK_MAX_STREAMS];
    guint n_streams;
    gint video; /* index, or -1 */

    PacketQueue *queue;
    GCancellable *cancellable; /* of what cannot ask is_interrupted() */
    GThread *thread;

    /* The thread's. */
    gpointer output;
    BroadcasterRetry retry;
    gboolean began; /* a packet went out over this connection */
    gint64 base_us, last_us[BROADCASTER_MAX_STREAMS];
    gint64 asked_ns; /* for a key frame */
    gint64 duration_before_us;
    guint64 bytes_before;

    /* Guarded by lock. */
    pthread_mutex_t lock;
    pthread_cond_t wake; /* finish_due_ns was set */
    SinkStatus status;
    gint64 finish_due_ns; /* 0: goes on */
} Broadcaster;

/* ---- state ---- */

static gboolean is_finishing(Broadcaster *broadcaster)
{
    pthread_mutex_lock(&broadcaster->lock);
    gboolean finishing = broadcaster->finish_due_ns != 0;
    pthread_mutex_unlock(&broadcaster->lock);
    return finishing;
}

static int is_interrupted(void *opaque)
{
    Broadcaster *broadcaster = opaque;
    pthread_mutex_lock(&broadcaster->lock);
    gint64 due_ns = broadcaster->finish_due_ns;
    pthread_mutex_unlock(&broadcaster->lock);
    return due_ns && clock_now_ns() >= due_ns;
}

static void set_state(Broadcaster *broadcaster, SinkState state, const GError *reason)
{
    pthread_mutex_lock(&broadcaster->lock);
    SinkStatus *status = &broadcaster->status;
    gboolean changed = status->state != state;
    status->state = state;
    g_strlcpy(status->error, reason ? reason->message : "", sizeof status->error);
    pthread_mutex_unlock(&broadcaster->lock);
    if (!changed)
        return;
    log_limited(LOG_INFO, "broadcast", "%s: %s%s%s", broadcaster->shown, sink_state_name(state),
                reason ? ": " : "", reason ? reason->message : "");
    sink_tell_changed(&broadcaster->sink);
}

/* ---- connecting ---- */

static gboolean codecs_fit(Broadcaster *broadcaster, GError **error)
{
    gboolean fits = broadcaster->n_streams <= BROADCASTER_MAX_STREAMS;
    for (guint i = 0; i < broadcaster->n_streams; i++) {
        const AVCodecParameters *parameters = broadcaster->parameters[i];
        if (parameters->codec_id == AV_CODEC_ID_H264)
            fits = fits && parameters->extradata_size > 0;
        else if (parameters->codec_id == AV_CODEC_ID_AAC)
            fits = fits && parameters->extradata_size > 0;
        else
            fits = FALSE;
    }
    if (!fits)
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNSUPPORTED,
                    "A broadcast takes one H.264 and one AAC stream with their headers, nothing "
                    "else.");
    return fits;
}

static gboolean open_output(Broadcaster *broadcaster, GError **error)
{
    GList *addresses =
        media_url_resolve(broadcaster->url, broadcaster->policy, broadcaster->cancellable, error);
    if (!addresses)
        return FALSE;
    BroadcasterTarget target = {
        .url = broadcaster->url,
        .addresses = addresses,
        .ca_file = broadcaster->ca_file,
        .timeout_ms = broadcaster->timeout_ms,
        .interrupt = { is_interrupted, broadcaster },
    };
    BroadcasterStreams streams = { .n = broadcaster->n_streams };
    for (guint i = 0; i < streams.n; i++)
        streams.parameters[i] = broadcaster->parameters[i];
    broadcaster->output = broadcaster->type->open(&target, &streams, error);
    g_list_free_full(addresses, g_object_unref);
    return broadcaster->output != NULL;
}

/* ---- sending ---- */

static void ask_for_keyframe(Broadcaster *broadcaster, gint64 now_ns)
{
    if (broadcaster->began || broadcaster->video < 0 ||
        now_ns - broadcaster->asked_ns < ASK_AGAIN_NS)
        return;
    broadcaster->asked_ns = now_ns;
    sink_tell_want_keyframe(&broadcaster->sink);
}

/** Whether this packet may begin the stream: a key frame, or any sound where no picture comes. */
static gboolean may_begin(const Broadcaster *broadcaster, guint stream, const AVPacket *packet)
{
    if (broadcaster->video < 0)
        return TRUE;
    return (gint)stream == broadcaster->video && (packet->flags & AV_PKT_FLAG_KEY);
}

/** Times from 0, and rising. FALSE: the packet is to be left out. */
static gboolean rebase(Broadcaster *broadcaster, guint stream, AVPacket *packet)
{
    if (packet->dts == AV_NOPTS_VALUE)
        packet->dts = packet->pts;
    if (packet->dts == AV_NOPTS_VALUE)
        return FALSE;
    if (!broadcaster->began) {
        if (!may_begin(broadcaster, stream, packet))
            return FALSE;
        broadcaster->began = TRUE;
        broadcaster->base_us = packet->dts;
        for (guint i = 0; i < BROADCASTER_MAX_STREAMS; i++)
            broadcaster->last_us[i] = -1;
    }
    packet->dts -= broadcaster->base_us;
    packet->pts = packet->pts == AV_NOPTS_VALUE ? packet->dts : packet->pts - broadcaster->base_us;
    if (packet->dts <= broadcaster->last_us[stream])
        return FALSE;
    broadcaster->last_us[stream] = packet->dts;
    packet->pts = MAX(packet->pts, packet->dts);
    return TRUE;
}

static void count(Broadcaster *broadcaster, gint64 time_us)
{
    guint64 bytes = broadcaster->bytes_before + broadcaster->type->bytes(broadcaster->output);
    pthread_mutex_lock(&broadcaster->lock);
    SinkStatus *status = &broadcaster->status;
    status->packets++;
    status->bytes = bytes;
    status->duration_us = MAX(status->duration_us, broadcaster->duration_before_us + time_us);
    pthread_mutex_unlock(&broadcaster->lock);
}

static gboolean send_packet(Broadcaster *broadcaster, guint stream, AVPacket *packet,
                            GError **error)
{
    if (!rebase(broadcaster, stream, packet))
        return TRUE;
    gint64 end_us = packet->dts + MAX(packet->duration, 0);
    if (!broadcaster->type->write(broadcaster->output, stream, packet, error))
        return FALSE;
    count(broadcaster, end_us);
    broadcaster_retry_flows(&broadcaster->retry, clock_now_ns());
    return TRUE;
}

/** Until the connection is lost (FALSE) or the queue is closed and empty. */
static gboolean send_packets(Broadcaster *broadcaster, GError **error)
{
    AVPacket *packet = av_packet_alloc();
    gboolean alive = TRUE;
    for (;;) {
        guint stream = 0;
        ask_for_keyframe(broadcaster, clock_now_ns());
        gboolean popped = packet_queue_pop(broadcaster->queue, packet, &stream, POLL_US);
        if (popped)
            alive = send_packet(broadcaster, stream, packet, error);
        alive = alive && broadcaster->type->poll(broadcaster->output, error);
        if (!alive || (!popped && is_finishing(broadcaster)))
            break;
    }
    av_packet_free(&packet);
    return alive;
}

static void begin_connection(Broadcaster *broadcaster)
{
    packet_queue_flush(broadcaster->queue);
    broadcaster->began = FALSE;
    broadcaster->asked_ns = G_MININT64 / 2;
    pthread_mutex_lock(&broadcaster->lock);
    broadcaster->bytes_before = broadcaster->status.bytes;
    broadcaster->duration_before_us = broadcaster->status.duration_us;
    if (broadcaster->status.packets)
        broadcaster->status.reconnects++;
    pthread_mutex_unlock(&broadcaster->lock);
    broadcaster_retry_up(&broadcaster->retry, clock_now_ns());
    set_state(broadcaster, SINK_RUNNING, NULL);
}

/** One connection from its beginning to its end; *error tells why it ended. */
static void connect_and_send(Broadcaster *broadcaster, GError **error)
{
    if (!open_output(broadcaster, error))
        return;
    begin_connection(broadcaster);
    gboolean alive = send_packets(broadcaster, error);
    if (is_finishing(broadcaster))
        set_state(broadcaster, SINK_FINISHING, NULL);
    broadcaster->type->close(broadcaster->output, alive);
    broadcaster->output = NULL;
}

/* ---- trying again ---- */

static BroadcasterFailure classify(const GError *reason)
{
    if (reason->domain != TESSERA_ERROR)
        return BROADCASTER_LOST;
    switch (reason->code) {
    case TESSERA_ERROR_UNAUTHORIZED:
        return BROADCASTER_REFUSED;
    case TESSERA_ERROR_FORBIDDEN:
    case TESSERA_ERROR_INVALID:
    case TESSERA_ERROR_UNSUPPORTED:
        return BROADCASTER_HOPELESS;
    default:
        return BROADCASTER_LOST;
    }
}

/** Wait before the next attempt. FALSE: there is none. */
static gboolean wait_to_retry(Broadcaster *broadcaster, const GError *reason)
{
    gint64 delay_ns =
        broadcaster_retry_down(&broadcaster->retry, classify(reason), g_random_double());
    if (delay_ns == BROADCASTER_GIVE_UP)
        return FALSE;
    set_state(broadcaster, SINK_RETRYING, reason);
    gint64 due_ns = clock_now_ns() + delay_ns;
    struct timespec due = { due_ns / NS_PER_SEC, due_ns % NS_PER_SEC };
    int waited = 0;
    pthread_mutex_lock(&broadcaster->lock);
    while (!broadcaster->finish_due_ns && waited == 0)
        waited = pthread_cond_timedwait(&broadcaster->wake, &broadcaster->lock, &due);
    pthread_mutex_unlock(&broadcaster->lock);
    return TRUE;
}

static gpointer broadcaster_run(gpointer data)
{
    Broadcaster *broadcaster = data;
    g_autoptr(GError) reason = NULL;
    gboolean goes_on = codecs_fit(broadcaster, &reason);
    while (goes_on && !is_finishing(broadcaster)) {
        g_clear_error(&reason);
        connect_and_send(broadcaster, &reason);
        goes_on = !is_finishing(broadcaster) && wait_to_retry(broadcaster, reason);
    }
    packet_queue_close(broadcaster->queue);
    gboolean finished = is_finishing(broadcaster);
    set_state(broadcaster, finished ? SINK_FINISHED : SINK_FAILED, finished ? NULL : reason);
    return NULL;
}

/* ---- the sink ---- */

/* Under the lock; the state is told behind it. TRUE: it has begun, or need not any more. */
static gboolean start_thread(Broadcaster *broadcaster)
{
    if (broadcaster->finish_due_ns)
        return TRUE;
    broadcaster->thread = g_thread_try_new("broadcast", broadcaster_run, broadcaster, NULL);
    if (broadcaster->thread)
        return TRUE;
    SinkStatus *status = &broadcaster->status;
    status->state = SINK_FAILED;
    g_strlcpy(status->error, "The broadcast cannot start: the system has no more threads.",
              sizeof status->error);
    return FALSE;
}

static void broadcaster_start(Sink *sink, const SinkStream *streams, guint n)
{
    Broadcaster *broadcaster = (Broadcaster *)sink;
    g_return_if_fail(!broadcaster->n_streams);
    for (guint i = 0; i < n; i++) {
        broadcaster->parameters[i] = avcodec_parameters_alloc();
        avcodec_parameters_copy(broadcaster->parameters[i], streams[i].parameters);
        if (streams[i].parameters->codec_type == AVMEDIA_TYPE_VIDEO)
            broadcaster->video = (gint)i;
    }
    broadcaster->n_streams = n;
    pthread_mutex_lock(&broadcaster->lock);
    gboolean started = start_thread(broadcaster);
    pthread_mutex_unlock(&broadcaster->lock);
    if (started)
        return;
    packet_queue_close(broadcaster->queue);
    sink_tell_changed(sink);
}

static void broadcaster_write(Sink *sink, guint stream, const AVPacket *packet)
{
    Broadcaster *broadcaster = (Broadcaster *)sink;
    if (stream < broadcaster->n_streams && stream < BROADCASTER_MAX_STREAMS)
        packet_queue_push(broadcaster->queue, stream, (gint)stream == broadcaster->video, packet);
}

/* TRUE if it has never begun, and so ends here. */
static gboolean broadcaster_close(Broadcaster *broadcaster)
{
    pthread_mutex_lock(&broadcaster->lock);
    SinkState *state = &broadcaster->status.state;
    gboolean ends = !broadcaster->thread && *state != SINK_FINISHED && *state != SINK_FAILED;
    if (!broadcaster->finish_due_ns)
        broadcaster->finish_due_ns = clock_now_ns() + (*state == SINK_RUNNING ? FINISH_NS : 0);
    if (ends)
        *state = SINK_FINISHED;
    pthread_cond_broadcast(&broadcaster->wake);
    pthread_mutex_unlock(&broadcaster->lock);
    g_cancellable_cancel(broadcaster->cancellable);
    packet_queue_close(broadcaster->queue);
    return ends;
}

static void broadcaster_finish(Sink *sink)
{
    if (broadcaster_close((Broadcaster *)sink))
        sink_tell_changed(sink);
}

static void broadcaster_status(Sink *sink, SinkStatus *status)
{
    Broadcaster *broadcaster = (Broadcaster *)sink;
    pthread_mutex_lock(&broadcaster->lock);
    *status = broadcaster->status;
    pthread_mutex_unlock(&broadcaster->lock);
    status->dropped = packet_queue_dropped(broadcaster->queue);
}

static void broadcaster_free(Sink *sink)
{
    Broadcaster *broadcaster = (Broadcaster *)sink;
    broadcaster_close(broadcaster);
    g_clear_pointer(&broadcaster->thread, g_thread_join);
    for (guint i = 0; i < broadcaster->n_streams; i++)
        avcodec_parameters_free(&broadcaster->parameters[i]);
    packet_queue_free(broadcaster->queue);
    g_object_unref(broadcaster->cancellable);
    media_url_policy_unref(broadcaster->policy);
    media_url_free(broadcaster->url);
    pthread_mutex_destroy(&broadcaster->lock);
    pthread_cond_destroy(&broadcaster->wake);
    g_free(broadcaster->ca_file);
    g_free(broadcaster->shown);
    g_free(broadcaster);
}

static const SinkType broadcaster_type = {
    .kind = "broadcast",
    .start = broadcaster_start,
    .write = broadcaster_write,
    .finish = broadcaster_finish,
    .status = broadcaster_status,
    .free = broadcaster_free,
};

static gboolean check_url(const MediaUrl *url, const BroadcasterOptions *options, GError **error)
{
    g_autofree char *app = NULL, *name = NULL;
    if (url->user) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNSUPPORTED,
                    "A broadcast's address cannot carry a user name and a password; use a stream "
                    "key.");
        return FALSE;
    }
    if (g_str_has_prefix(url->scheme, "rtmp") && !media_url_split_rtmp(url, &app, &name, error))
        return FALSE;
    return media_url_check_literal(url, options->policy, error);
}

static void init_wake(pthread_cond_t *wake)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(wake, &attributes);
    pthread_condattr_destroy(&attributes);
}

Sink *broadcaster_new(const char *text, const BroadcasterOptions *given, const SinkEvents *events,
                      GError **error)
{
    static const BroadcasterOptions usual = { 0 };
    const BroadcasterOptions *options = given ? given : &usual;
    g_autoptr(MediaUrl) url = media_url_parse(text, MEDIA_URL_PUSH, error);
    if (!url || !check_url(url, options, error))
        return NULL;
    Broadcaster *broadcaster = g_new0(Broadcaster, 1);
    sink_init(&broadcaster->sink, &broadcaster_type, events);
    broadcaster->url = g_steal_pointer(&url);
    broadcaster->shown = media_url_redact(text);
    broadcaster->policy = media_url_policy_ref(options->policy);
    broadcaster->ca_file = g_strdup(options->ca_file);
    broadcaster->timeout_ms = options->timeout_ms ? options->timeout_ms : DEFAULT_TIMEOUT_MS;
    broadcaster->retry.keep_trying = options->keep_trying;
    broadcaster->type =
        strcmp(broadcaster->url->scheme, "srt") ? &broadcaster_rtmp : &broadcaster_srt;
    broadcaster->video = -1;
    broadcaster->queue = packet_queue_new(QUEUE_SPAN_US, QUEUE_BYTES);
    broadcaster->cancellable = g_cancellable_new();
    pthread_mutex_init(&broadcaster->lock, NULL);
    init_wake(&broadcaster->wake);
    return &broadcaster->sink;
}

const char *broadcaster_shown_url(Sink *sink)
{
    return ((Broadcaster *)sink)->shown;
}
