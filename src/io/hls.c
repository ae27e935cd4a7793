#include "io/hls.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "io/hls_muxer.h"
#include "io/hls_playlist.h"
#include "io/packet_queue.h"

#define QUEUE_SPAN_US    (4 * G_USEC_PER_SEC)
#define QUEUE_BYTES      (8 * 1024 * 1024)
#define POLL_US          (G_USEC_PER_SEC / 4)
#define MIN_SEGMENT_US   (G_USEC_PER_SEC * 3 / 2)   /* a key frame after this much ends it */
#define ASK_SEGMENT_US   (G_USEC_PER_SEC * 21 / 10) /* after this a key frame is asked for */
#define MAX_SEGMENT_US   (G_USEC_PER_SEC * 34 / 10) /* after this it ends anyway */
#define TARGET_S         3                          /* MAX_SEGMENT_US, rounded */
#define MAX_SEGMENT_SIZE (8 * 1024 * 1024)
#define ASK_AGAIN_US     (G_USEC_PER_SEC / 2)

/*  sink_write() -> queue -> thread: muxer -> cut -> playlist -> hls_get()  */
typedef struct {
    Sink sink; /* first */

    /* Set before the thread starts, constant since. */
    AVCodecParameters *parameters[SINK_MAX_STREAMS];
    guint n_streams;
    gint video; /* index, or -1 */

    PacketQueue *queue;
    GThread *thread;

    /* The thread's; times count from the first packet (base_us). */
    HlsMuxer *muxer;
    gboolean began, waits_for_key;
    gint64 base_us, base_wall_us, last_us[HLS_MAX_STREAMS];
    gint64 segment_us; /* where the segment begins */
    gint64 end_us;     /* of what was written */
    gint64 asked_us;   /* for a key frame */

    /* Guarded by lock. */
    pthread_mutex_t lock;
    HlsPlaylist *playlist; /* NULL before the thread has made it */
    SinkStatus status;
    gboolean finishing;
} Hls;

static void set_state(Hls *hls, SinkState state, const GError *reason)
{
    pthread_mutex_lock(&hls->lock);
    gboolean changed = hls->status.state != state;
    hls->status.state = state;
    g_strlcpy(hls->status.error, reason ? reason->message : "", sizeof hls->status.error);
    pthread_mutex_unlock(&hls->lock);
    if (changed)
        sink_tell_changed(&hls->sink);
}

/* ---- segments ---- */

/** End the segment where the next one begins. FALSE: the muxer has failed. */
static gboolean cut(Hls *hls, gint64 next_us, GError **error)
{
    g_autoptr(GError) reason = NULL;
    GBytes *segment = hls_muxer_cut(hls->muxer, &reason);
    if (reason) {
        g_propagate_error(error, g_steal_pointer(&reason));
        return FALSE;
    }
    if (segment) {
        pthread_mutex_lock(&hls->lock);
        hls->status.bytes += g_bytes_get_size(segment);
        hls->status.duration_us = next_us;
        hls_playlist_add(hls->playlist, segment, next_us - hls->segment_us,
                         hls->base_wall_us + hls->segment_us);
        pthread_mutex_unlock(&hls->lock);
        set_state(hls, SINK_RUNNING, NULL);
    }
    hls->segment_us = next_us;
    return TRUE;
}

static void ask_for_keyframe(Hls *hls, gint64 time_us)
{
    if (time_us - hls->asked_us < ASK_AGAIN_US)
        return;
    hls->asked_us = time_us;
    sink_tell_want_keyframe(&hls->sink);
}

/** Whether a segment ends before this packet. One that finds no key frame in time ends without, and
 *  its pictures go on at the next one: every segment's first picture is a key frame. */
static gboolean is_cut(Hls *hls, gboolean is_video, gboolean is_key, gint64 time_us)
{
    gint64 length_us = time_us - hls->segment_us;
    gboolean clean = hls->video < 0 || (is_video && is_key);
    if (clean && length_us >= MIN_SEGMENT_US)
        return TRUE;
    if (hls->video >= 0 && length_us >= ASK_SEGMENT_US)
        ask_for_keyframe(hls, time_us);
    if (length_us < MAX_SEGMENT_US && hls_muxer_pending(hls->muxer) < MAX_SEGMENT_SIZE)
        return FALSE;
    hls->waits_for_key = hls->video >= 0;
    return TRUE;
}

/** Time from 0, and rising. FALSE: the packet is to be left out. */
static gboolean rebase(Hls *hls, guint stream, AVPacket *packet)
{
    gboolean is_video = (gint)stream == hls->video;
    if (packet->dts == AV_NOPTS_VALUE)
        packet->dts = packet->pts;
    if (packet->dts == AV_NOPTS_VALUE)
        return FALSE;
    if (!hls->began) {
        if (hls->video >= 0 && !(is_video && (packet->flags & AV_PKT_FLAG_KEY)))
            return FALSE;
        hls->began = TRUE;
        hls->base_us = packet->dts;
        hls->base_wall_us = clock_wall_ns(clock_now_ns()) / NS_PER_US;
        hls->last_us[0] = hls->last_us[1] = -1;
    }
    packet->dts -= hls->base_us;
    packet->pts = packet->pts == AV_NOPTS_VALUE ? packet->dts : packet->pts - hls->base_us;
    packet->pts = MAX(packet->pts, packet->dts);
    gint64 step_us = packet->dts - hls->last_us[stream];
    if (step_us <= 0)
        return FALSE;
    /* A fragment's last picture has to know how long it lasts: as long as the one before it. */
    if (packet->duration <= 0 && hls->last_us[stream] >= 0)
        packet->duration = MIN(step_us, G_USEC_PER_SEC);
    hls->last_us[stream] = packet->dts;
    return TRUE;
}

static void count(Hls *hls, gboolean taken)
{
    pthread_mutex_lock(&hls->lock);
    hls->status.packets += taken;
    hls->status.dropped += !taken;
    pthread_mutex_unlock(&hls->lock);
}

static gboolean take_packet(Hls *hls, guint stream, AVPacket *packet, GError **error)
{
    gboolean is_video = (gint)stream == hls->video;
    gboolean is_key = (packet->flags & AV_PKT_FLAG_KEY) != 0;
    if (!rebase(hls, stream, packet))
        return TRUE;
    if (is_cut(hls, is_video, is_key, packet->dts) && !cut(hls, packet->dts, error))
        return FALSE;
    if (is_video && is_key)
        hls->waits_for_key = FALSE;
    if (is_video && hls->waits_for_key) {
        count(hls, FALSE);
        return TRUE;
    }
    hls->end_us = MAX(hls->end_us, packet->dts + MAX(packet->duration, 0));
    if (!hls_muxer_write(hls->muxer, stream, packet, error))
        return FALSE;
    count(hls, TRUE);
    return TRUE;
}

/* ---- the thread ---- */

static gboolean set_up(Hls *hls, GError **error)
{
    hls->muxer =
        hls_muxer_new((const AVCodecParameters *const *)hls->parameters, hls->n_streams, error);
    if (!hls->muxer)
        return FALSE;
    /* Numbers that no earlier presentation of this room had: caches keep segments by name. */
    guint64 first = (guint64)(clock_wall_ns(clock_now_ns()) / NS_PER_SEC);
    pthread_mutex_lock(&hls->lock);
    hls->playlist = hls_playlist_new(TARGET_S, first, hls_muxer_init(hls->muxer));
    pthread_mutex_unlock(&hls->lock);
    return TRUE;
}

static gboolean take_packets(Hls *hls, GError **error)
{
    AVPacket *packet = av_packet_alloc();
    gboolean good = TRUE;
    guint stream = 0;
    while (good) {
        if (packet_queue_pop(hls->queue, packet, &stream, POLL_US))
            good = take_packet(hls, stream, packet, error);
        else if (packet_queue_is_closed(hls->queue))
            break;
    }
    av_packet_free(&packet);
    return good && (!hls->began || cut(hls, hls->end_us, error));
}

static gpointer hls_run(gpointer data)
{
    Hls *hls = data;
    g_autoptr(GError) reason = NULL;
    gboolean good = set_up(hls, &reason);
    if (good && hls->video >= 0)
        sink_tell_want_keyframe(&hls->sink);
    good = good && take_packets(hls, &reason);
    packet_queue_close(hls->queue);
    pthread_mutex_lock(&hls->lock);
    if (hls->playlist)
        hls_playlist_end(hls->playlist);
    pthread_mutex_unlock(&hls->lock);
    if (!good)
        log_limited(LOG_WARNING, "hls", "%s", reason->message);
    set_state(hls, good ? SINK_FINISHED : SINK_FAILED, reason);
    return NULL;
}

/* ---- the sink ---- */

/* Under the lock; the state is told behind it. TRUE: it has begun, or need not any more. */
static gboolean start_thread(Hls *hls)
{
    if (hls->finishing)
        return TRUE;
    hls->thread = g_thread_try_new("hls", hls_run, hls, NULL);
    if (hls->thread)
        return TRUE;
    hls->status.state = SINK_FAILED;
    g_strlcpy(hls->status.error, "HLS cannot start: the system has no more threads.",
              sizeof hls->status.error);
    return FALSE;
}

static void hls_start(Sink *sink, const SinkStream *streams, guint n)
{
    Hls *hls = (Hls *)sink;
    g_return_if_fail(!hls->n_streams);
    for (guint i = 0; i < n; i++) {
        hls->parameters[i] = avcodec_parameters_alloc();
        avcodec_parameters_copy(hls->parameters[i], streams[i].parameters);
        if (streams[i].parameters->codec_type == AVMEDIA_TYPE_VIDEO)
            hls->video = (gint)i;
    }
    hls->n_streams = n;
    pthread_mutex_lock(&hls->lock);
    gboolean started = start_thread(hls);
    pthread_mutex_unlock(&hls->lock);
    if (started)
        return;
    packet_queue_close(hls->queue);
    sink_tell_changed(sink);
}

static void hls_write(Sink *sink, guint stream, const AVPacket *packet)
{
    Hls *hls = (Hls *)sink;
    if (stream < hls->n_streams && stream < HLS_MAX_STREAMS)
        packet_queue_push(hls->queue, stream, (gint)stream == hls->video, packet);
}

/* TRUE if it has never begun, and so ends here. */
static gboolean hls_close(Hls *hls)
{
    pthread_mutex_lock(&hls->lock);
    gboolean ends =
        !hls->thread && hls->status.state != SINK_FINISHED && hls->status.state != SINK_FAILED;
    hls->finishing = TRUE;
    if (ends)
        hls->status.state = SINK_FINISHED;
    pthread_mutex_unlock(&hls->lock);
    packet_queue_close(hls->queue);
    return ends;
}

static void hls_finish(Sink *sink)
{
    if (hls_close((Hls *)sink))
        sink_tell_changed(sink);
}

static void hls_status(Sink *sink, SinkStatus *status)
{
    Hls *hls = (Hls *)sink;
    pthread_mutex_lock(&hls->lock);
    *status = hls->status;
    pthread_mutex_unlock(&hls->lock);
    status->dropped += packet_queue_dropped(hls->queue);
}

static void hls_free(Sink *sink)
{
    Hls *hls = (Hls *)sink;
    hls_close(hls);
    g_clear_pointer(&hls->thread, g_thread_join);
    for (guint i = 0; i < hls->n_streams; i++)
        avcodec_parameters_free(&hls->parameters[i]);
    hls_muxer_free(hls->muxer);
    hls_playlist_free(hls->playlist);
    packet_queue_free(hls->queue);
    pthread_mutex_destroy(&hls->lock);
    g_free(hls);
}

static const SinkType hls_type = {
    .kind = "hls",
    .start = hls_start,
    .write = hls_write,
    .finish = hls_finish,
    .status = hls_status,
    .free = hls_free,
};

Sink *hls_new(const SinkEvents *events)
{
    Hls *hls = g_new0(Hls, 1);
    sink_init(&hls->sink, &hls_type, events);
    hls->video = -1;
    hls->asked_us = G_MININT64 / 2;
    hls->queue = packet_queue_new(QUEUE_SPAN_US, QUEUE_BYTES);
    pthread_mutex_init(&hls->lock, NULL);
    return &hls->sink;
}

GBytes *hls_get(Sink *sink, const char *file, const char **content_type, guint *cache_seconds)
{
    Hls *hls = (Hls *)sink;
    GBytes *bytes = NULL;
    pthread_mutex_lock(&hls->lock);
    if (hls->playlist)
        bytes = hls_playlist_get(hls->playlist, file, content_type, cache_seconds);
    pthread_mutex_unlock(&hls->lock);
    return bytes;
}
