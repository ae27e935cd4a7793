#include "io/rtmp_play.h"

#include <libavcodec/avcodec.h>

#include "base/clock.h"
#include "io/flv_writer.h"
#include "io/packet_queue.h"
#include "io/rtmp_connection.h"

/* What a player that cannot follow may be behind, besides what its socket holds. */
#define MAX_SPAN_US 3000000
#define MAX_BYTES   (8 * 1024 * 1024)
/* Each key frame costs all who take the same rendition: whoever pauses and goes on all the time
 * gets one now and then, or that which comes anyway. */
#define ASK_NS      (2 * NS_PER_SEC)
#define NO_STREAM   G_MAXUINT
#define NOT_STARTED G_MININT64

struct RtmpPlay {
    gint refs; /* atomic */
    RtmpConnection *connection;
    PacketQueue *queue;
    gint waking; /* atomic: the connection has been told already */

    /* Guarded by lock. */
    pthread_mutex_t lock;
    Sink *sink; /* NULL: freed */
    SinkStatus status;
    FlvWriter *writer;  /* NULL: not started; then the rtmp thread's */
    guint video, audio; /* the sink's numbers of its streams */
    gboolean finishing;

    /* The rtmp thread's. */
    AVPacket *packet;
    GByteArray *body;
    gboolean begun;      /* metadata and headers are sent */
    gboolean header_due; /* the parameter sets are others than the last header told */
    gboolean wants_key;  /* pictures begin at a key frame */
    gboolean ask_due;    /* it has not been asked for yet */
    gint64 asked_ns;     /* the last time; 0: never */
    gboolean was_paused;
    gint64 start_us; /* of the first packet, or NOT_STARTED */
};

typedef struct {
    Sink sink;
    RtmpPlay *play;
} RtmpPlaySink;

RtmpPlay *rtmp_play_ref(RtmpPlay *play)
{
    g_atomic_int_inc(&play->refs);
    return play;
}

void rtmp_play_unref(RtmpPlay *play)
{
    if (!play || !g_atomic_int_dec_and_test(&play->refs))
        return;
    rtmp_connection_unref(play->connection);
    packet_queue_free(play->queue);
    flv_writer_free(play->writer);
    av_packet_free(&play->packet);
    g_byte_array_unref(play->body);
    pthread_mutex_destroy(&play->lock);
    g_free(play);
}

/* (transfer full) The sink, if somebody still holds it. */
static Sink *play_take_sink(RtmpPlay *play)
{
    Sink *sink = NULL;
    pthread_mutex_lock(&play->lock);
    gint refs = play->sink ? g_atomic_int_get(&play->sink->refs) : 0;
    while (refs > 0 && !g_atomic_int_compare_and_exchange(&play->sink->refs, refs, refs + 1))
        refs = g_atomic_int_get(&play->sink->refs);
    if (refs > 0)
        sink = play->sink;
    pthread_mutex_unlock(&play->lock);
    return sink;
}

static void play_set_state(RtmpPlay *play, SinkState state, const char *error)
{
    pthread_mutex_lock(&play->lock);
    SinkState before = play->status.state;
    gboolean over = before == SINK_FINISHED || before == SINK_FAILED ||
                    (before == SINK_FINISHING && state == SINK_RUNNING);
    gboolean changed = before != state && !over;
    if (changed) {
        play->status.state = state;
        g_strlcpy(play->status.error, error ? error : "", sizeof play->status.error);
    }
    pthread_mutex_unlock(&play->lock);
    g_autoptr(Sink) sink = changed ? play_take_sink(play) : NULL;
    if (sink)
        sink_tell_changed(sink);
}

static void play_begin_at_key(RtmpPlay *play)
{
    play->wants_key = play->ask_due = play->video != NO_STREAM;
}

static void play_ask_for_key(RtmpPlay *play)
{
    gint64 now_ns = clock_now_ns();
    if (!play->wants_key || !play->ask_due || (play->asked_ns && now_ns - play->asked_ns < ASK_NS))
        return;
    g_autoptr(Sink) sink = play_take_sink(play);
    play->ask_due = FALSE;
    play->asked_ns = now_ns;
    if (sink)
        sink_tell_want_keyframe(sink);
}

/* --- The rtmp thread's side --- */

static void play_send(RtmpPlay *play, RtmpSession *session, MediaKind kind, gint64 time_us)
{
    gint64 ms = flv_writer_ms(time_us) - flv_writer_ms(play->start_us);
    if (!rtmp_session_send_media(session, kind, (guint32)ms, play->body))
        return;
    pthread_mutex_lock(&play->lock);
    play->status.packets++;
    play->status.bytes += play->body->len;
    play->status.duration_us = time_us - play->start_us;
    pthread_mutex_unlock(&play->lock);
}

static void play_send_header(RtmpPlay *play, RtmpSession *session, MediaKind kind, guint32 ms)
{
    g_byte_array_set_size(play->body, 0);
    if (kind == MEDIA_VIDEO ? flv_writer_video_header(play->writer, play->body)
                            : flv_writer_audio_header(play->writer, play->body))
        rtmp_session_send_media(session, kind, ms, play->body);
}

static void play_begin(RtmpPlay *play, RtmpSession *session)
{
    play->begun = TRUE;
    g_byte_array_set_size(play->body, 0);
    flv_writer_metadata(play->writer, play->body);
    rtmp_session_send_metadata(session, play->body);
    play_send_header(play, session, MEDIA_VIDEO, 0);
    play_send_header(play, session, MEDIA_AUDIO, 0);
    play_set_state(play, SINK_RUNNING, NULL);
    play_begin_at_key(play);
}

static void play_send_packet(RtmpPlay *play, RtmpSession *session, MediaKind kind)
{
    const AVPacket *packet = play->packet;
    gboolean is_key = (packet->flags & AV_PKT_FLAG_KEY) != 0;
    if (kind == MEDIA_VIDEO && flv_writer_video_changes(play->writer, packet))
        play->header_due = TRUE;
    if (play->wants_key && (kind != MEDIA_VIDEO || !is_key))
        return;
    if (play->start_us == NOT_STARTED)
        play->start_us = packet->dts;
    if (packet->dts < play->start_us)
        return;
    if (play->header_due)
        play_send_header(play, session, MEDIA_VIDEO,
                         (guint32)(flv_writer_ms(packet->dts) - flv_writer_ms(play->start_us)));
    play->header_due = FALSE;
    g_byte_array_set_size(play->body, 0);
    gboolean written = kind == MEDIA_VIDEO ? flv_writer_video(play->writer, packet, play->body)
                                           : flv_writer_audio(play->writer, packet, play->body);
    if (!written)
        return;
    play->wants_key = FALSE;
    play_send(play, session, kind, packet->dts);
}

/* Who pauses misses what goes by, and goes on at a key frame. */
static gboolean play_follow_pause(RtmpPlay *play, const RtmpSession *session)
{
    gboolean paused = rtmp_session_is_paused(session);
    if (paused)
        packet_queue_flush(play->queue);
    else if (play->was_paused)
        play_begin_at_key(play);
    play->was_paused = paused;
    return paused;
}

void rtmp_play_pump(RtmpPlay *play, RtmpSession *session, gsize max)
{
    guint stream;
    g_atomic_int_set(&play->waking, FALSE);
    pthread_mutex_lock(&play->lock);
    gboolean started = play->writer != NULL, finishing = play->finishing;
    pthread_mutex_unlock(&play->lock);
    if (started && !play->begun && !rtmp_session_is_closed(session))
        play_begin(play, session);
    gboolean paused = play_follow_pause(play, session);
    gboolean empty = !started || paused;
    if (!empty)
        play_ask_for_key(play);
    while (!empty && rtmp_session_output(session)->len < max) {
        empty = !packet_queue_pop(play->queue, play->packet, &stream, 0);
        if (!empty)
            play_send_packet(play, session, stream == play->video ? MEDIA_VIDEO : MEDIA_AUDIO);
        av_packet_unref(play->packet);
    }
    if (finishing && empty) {
        g_autoptr(Sink) sink = play_take_sink(play);
        rtmp_session_end(session, sink ? sink_failure(sink) : NULL);
    }
}

void rtmp_play_ended(RtmpPlay *play, const char *error)
{
    packet_queue_close(play->queue);
    packet_queue_flush(play->queue);
    play_set_state(play, error ? SINK_FAILED : SINK_FINISHED, error);
}

/* --- The sink's side --- */

static RtmpPlay *play_of(Sink *sink)
{
    return ((RtmpPlaySink *)sink)->play;
}

static void play_wake(RtmpPlay *play)
{
    if (g_atomic_int_compare_and_exchange(&play->waking, FALSE, TRUE))
        rtmp_connection_wake(play->connection);
}

static void play_start(Sink *sink, const SinkStream *streams, guint n)
{
    RtmpPlay *play = play_of(sink);
    const AVCodecParameters *video = NULL, *audio = NULL;
    g_autoptr(GError) error = NULL;
    pthread_mutex_lock(&play->lock);
    for (guint i = 0; i < n; i++) {
        const AVCodecParameters *parameters = streams[i].parameters;
        if (!video && parameters->codec_type == AVMEDIA_TYPE_VIDEO) {
            video = parameters;
            play->video = i;
        } else if (!audio && parameters->codec_type == AVMEDIA_TYPE_AUDIO) {
            audio = parameters;
            play->audio = i;
        }
    }
    if (!play->writer)
        play->writer = flv_writer_new(video, audio, &error);
    pthread_mutex_unlock(&play->lock);
    if (error) {
        play_set_state(play, SINK_FAILED, error->message);
        rtmp_connection_end(play->connection);
    }
    play_wake(play);
}

static void play_write(Sink *sink, guint stream, const AVPacket *packet)
{
    RtmpPlay *play = play_of(sink);
    if (stream != play->video && stream != play->audio)
        return;
    packet_queue_push(play->queue, stream, stream == play->video, packet);
    play_wake(play);
}

static void play_finish(Sink *sink)
{
    RtmpPlay *play = play_of(sink);
    play_set_state(play, SINK_FINISHING, NULL);
    pthread_mutex_lock(&play->lock);
    play->finishing = TRUE;
    pthread_mutex_unlock(&play->lock);
    packet_queue_close(play->queue);
    play_wake(play);
}

static void play_status(Sink *sink, SinkStatus *status)
{
    RtmpPlay *play = play_of(sink);
    pthread_mutex_lock(&play->lock);
    *status = play->status;
    pthread_mutex_unlock(&play->lock);
    status->dropped = packet_queue_dropped(play->queue);
}

guint64 rtmp_play_dropped(RtmpPlay *play)
{
    return packet_queue_dropped(play->queue);
}

static void play_free(Sink *sink)
{
    RtmpPlay *play = play_of(sink);
    pthread_mutex_lock(&play->lock);
    play->sink = NULL;
    play->finishing = TRUE;
    pthread_mutex_unlock(&play->lock);
    packet_queue_close(play->queue);
    play_wake(play);
    rtmp_play_unref(play);
    g_free(sink);
}

static const SinkType play_type = {
    .kind = "rtmp",
    .start = play_start,
    .write = play_write,
    .finish = play_finish,
    .status = play_status,
    .free = play_free,
};

Sink *rtmp_play_new(RtmpConnection *connection, const SinkEvents *events, RtmpPlay **out)
{
    RtmpPlay *play = g_new0(RtmpPlay, 1);
    RtmpPlaySink *sink = g_new0(RtmpPlaySink, 1);
    play->refs = 1;
    play->connection = rtmp_connection_ref(connection);
    play->queue = packet_queue_new(MAX_SPAN_US, MAX_BYTES);
    play->video = play->audio = NO_STREAM;
    play->packet = av_packet_alloc();
    play->body = g_byte_array_new();
    play->start_us = NOT_STARTED;
    play->sink = &sink->sink;
    pthread_mutex_init(&play->lock, NULL);
    sink->play = rtmp_play_ref(play);
    sink_init(&sink->sink, &play_type, events);
    *out = play;
    return &sink->sink;
}
