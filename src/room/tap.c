#include "room/tap.h"

#include <libavcodec/avcodec.h>
#include <libavutil/mem.h>
#include <pthread.h>
#include <string.h>

#include "codecs/aac_encoder.h"
#include "codecs/h264_nal.h"

#define VIDEO_STREAM 0

struct Tap {
    gint refs; /* atomic: the owner's, the graph's and each rendition's */
    Engine *engine;
    Graph *graph;
    TapSpec spec;
    Sink *sink;
    guint audio_stream;

    pthread_mutex_t lock; /* guards everything below */
    gboolean starting, started, closed;
    Rendition *rendition; /* whose packets are taken; NULL: sound only */
    Rendition *next;      /* taken from its first key frame on, or NULL */
    gint64 last_us;       /* of the video that was written */
};

static void let_go_of_sink(gpointer sink)
{
    (void)sink; /* the mailbox frees it */
}

static void tap_unref(gpointer data)
{
    Tap *tap = data;
    if (!g_atomic_int_dec_and_test(&tap->refs))
        return;
    rendition_unref(tap->rendition);
    rendition_unref(tap->next);
    /* The last one waits for the sink's thread: nothing for a strand or the audio thread. */
    mailbox_post(engine_control_mailbox(tap->engine), let_go_of_sink, tap->sink,
                 (GDestroyNotify)sink_unref);
    pthread_mutex_destroy(&tap->lock);
    g_free(tap);
}

static Tap *tap_ref(Tap *tap)
{
    g_atomic_int_inc(&tap->refs);
    return tap;
}

/* --- what the streams are ---------------------------------------------------------------- */

static void set_extradata(AVCodecParameters *parameters, const guint8 *data, gsize size)
{
    parameters->extradata = av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!parameters->extradata)
        return;
    memcpy(parameters->extradata, data, size);
    parameters->extradata_size = (int)size;
}

/* SPS and PPS as they stand in front of a key frame. */
static void set_h264_extradata(AVCodecParameters *parameters, const AVPacket *packet)
{
    static const guint8 start_code[] = { 0, 0, 0, 1 };
    g_autoptr(GByteArray) extradata = g_byte_array_new();
    NalIterator nals = { .data = packet->data, .size = (gsize)packet->size };
    while (nal_iterator_next(&nals)) {
        guint8 type = nal_type(nals.nal[0]);
        if (type != H264_SPS && type != H264_PPS)
            continue;
        g_byte_array_append(extradata, start_code, sizeof start_code);
        g_byte_array_append(extradata, nals.nal, (guint)nals.nal_size);
        if (type == H264_SPS && nals.nal_size > 3) {
            parameters->profile = nals.nal[1];
            parameters->level = nals.nal[3];
        }
    }
    set_extradata(parameters, extradata->data, extradata->len);
}

static AVCodecParameters *video_parameters(const Tap *tap, const AVPacket *packet)
{
    AVCodecParameters *parameters = avcodec_parameters_alloc();
    parameters->codec_type = AVMEDIA_TYPE_VIDEO;
    parameters->codec_id = tap->spec.video->id;
    parameters->width = tap->spec.width;
    parameters->height = tap->spec.height;
    parameters->format = AV_PIX_FMT_YUV420P;
    parameters->bit_rate = tap->spec.bitrate_bps;
    if (parameters->codec_id == AV_CODEC_ID_H264)
        set_h264_extradata(parameters, packet);
    return parameters;
}

static AVCodecParameters *aac_parameters(const Tap *tap, GError **error)
{
    g_autoptr(AacEncoder) aac = aac_encoder_new(tap->spec.audio_bitrate_bps, error);
    if (!aac)
        return NULL;
    AVCodecParameters *parameters = avcodec_parameters_alloc();
    aac_encoder_parameters(aac, parameters);
    return parameters;
}

static AVCodecParameters *opus_parameters(const Tap *tap)
{
    AVCodecParameters *parameters = avcodec_parameters_alloc();
    codec_opus_parameters(parameters);
    parameters->bit_rate = tap->spec.audio_bitrate_bps;
    return parameters;
}

/* NULL without an error: there is to be no sound. */
static AVCodecParameters *audio_parameters(const Tap *tap, GError **error)
{
    if (tap->spec.audio == GRAPH_TAP_NONE)
        return NULL;
    return tap->spec.audio == GRAPH_TAP_AAC ? aac_parameters(tap, error) : opus_parameters(tap);
}

static void fail_sink(Tap *tap, const char *what, const GError *reason)
{
    g_autofree char *sentence = g_strdup_printf("%s cannot be encoded: %s.", what, reason->message);
    sink_fail(tap->sink, sentence);
}

/* packet: the first key frame, or NULL: sound only. FALSE: the sink has failed. */
static gboolean start_sink(Tap *tap, const AVPacket *packet)
{
    SinkStream streams[2] = { 0 };
    g_autoptr(GError) error = NULL;
    guint n = 0;
    AVCodecParameters *audio = audio_parameters(tap, &error);
    if (error) {
        fail_sink(tap, "The sound", error);
        return FALSE;
    }
    AVCodecParameters *video = packet ? video_parameters(tap, packet) : NULL;
    if (video)
        streams[n++].parameters = video;
    if (audio)
        streams[n++].parameters = audio;
    sink_start(tap->sink, streams, n);
    avcodec_parameters_free(&video);
    avcodec_parameters_free(&audio);
    return TRUE;
}

/* --- packets ----------------------------------------------------------------------------- */

/* TRUE if this packet is to be written: it is of the rendition that is taken, or the first key
 * frame of the one that is to come. *left: the rendition that is taken no more. */
static gboolean accept_packet(Tap *tap, Rendition *rendition, const AVPacket *packet,
                              Rendition **left, gboolean *starts)
{
    gboolean key = (packet->flags & AV_PKT_FLAG_KEY) != 0;
    pthread_mutex_lock(&tap->lock);
    if (rendition == tap->next && key) {
        *left = tap->rendition;
        tap->rendition = g_steal_pointer(&tap->next);
    }
    *starts = !tap->starting && key;
    gboolean good = !tap->closed && rendition == tap->rendition && (tap->started || *starts) &&
                    packet->pts > tap->last_us;
    if (good) {
        tap->last_us = packet->pts;
        tap->starting = TRUE;
    }
    pthread_mutex_unlock(&tap->lock);
    return good;
}

static void mark_started(Tap *tap)
{
    pthread_mutex_lock(&tap->lock);
    tap->started = TRUE;
    pthread_mutex_unlock(&tap->lock);
}

static gboolean is_started(Tap *tap)
{
    pthread_mutex_lock(&tap->lock);
    gboolean started = tap->started && !tap->closed;
    pthread_mutex_unlock(&tap->lock);
    return started;
}

static gboolean takes(Tap *tap, const Rendition *rendition)
{
    pthread_mutex_lock(&tap->lock);
    gboolean taken = !tap->closed && (rendition == tap->rendition || rendition == tap->next);
    pthread_mutex_unlock(&tap->lock);
    return taken;
}

static void on_no_video(Rendition *rendition, const GError *reason, gpointer user)
{
    Tap *tap = user;
    if (takes(tap, rendition))
        fail_sink(tap, "The pictures", reason);
}

static void on_video(Rendition *rendition, const AVPacket *packet, gpointer user)
{
    Tap *tap = user;
    Rendition *left = NULL;
    gboolean starts = FALSE;
    if (accept_packet(tap, rendition, packet, &left, &starts)) {
        if (starts && start_sink(tap, packet))
            mark_started(tap);
        if (is_started(tap))
            sink_write(tap->sink, VIDEO_STREAM, packet);
    }
    if (left) {
        rendition_remove_tap(left, tap);
        rendition_unref(left);
    }
}

static void on_audio(const AVPacket *packet, gpointer user)
{
    Tap *tap = user;
    if (is_started(tap))
        sink_write(tap->sink, tap->audio_stream, packet);
}

/* --- the control thread ------------------------------------------------------------------ */

static Rendition *rendition_in(const Tap *tap, Scene *scene)
{
    return scene_rendition_sized(scene, tap->spec.video, tap->spec.width, tap->spec.height,
                                 tap->spec.bitrate_bps);
}

Tap *tap_new(Engine *engine, Graph *graph, Scene *scene, const TapSpec *spec, Sink *sink)
{
    Tap *tap = g_new0(Tap, 1);
    tap->refs = 1;
    tap->engine = engine;
    tap->graph = graph;
    tap->spec = *spec;
    tap->sink = sink_ref(sink);
    tap->last_us = -1;
    tap->audio_stream = spec->video ? VIDEO_STREAM + 1 : 0;
    pthread_mutex_init(&tap->lock, NULL);
    if (spec->video) {
        tap->rendition = rendition_in(tap, scene);
        rendition_add_tap(tap->rendition, on_video, on_no_video, tap_ref(tap), tap_unref);
    } else {
        tap->starting = TRUE;
        tap->started = start_sink(tap, NULL);
    }
    if (spec->audio != GRAPH_TAP_NONE)
        graph_add_tap(graph, spec->mix, spec->audio, on_audio, tap_ref(tap), tap_unref);
    return tap;
}

void tap_follow(Tap *tap, Scene *scene)
{
    Rendition *given_up = NULL;
    gboolean is_new = FALSE;
    if (!tap->spec.video)
        return;
    g_autoptr(Rendition) wanted = rendition_in(tap, scene);
    pthread_mutex_lock(&tap->lock);
    if (wanted == tap->rendition) {
        given_up = g_steal_pointer(&tap->next);
    } else if (wanted != tap->next) {
        given_up = tap->next;
        tap->next = rendition_ref(wanted);
        is_new = TRUE;
    }
    pthread_mutex_unlock(&tap->lock);
    if (given_up)
        rendition_remove_tap(given_up, tap);
    rendition_unref(given_up);
    if (is_new)
        rendition_add_tap(wanted, on_video, on_no_video, tap_ref(tap), tap_unref);
}

void tap_want_keyframe(Tap *tap)
{
    pthread_mutex_lock(&tap->lock);
    Rendition *rendition = tap->rendition ? rendition_ref(tap->rendition) : NULL;
    pthread_mutex_unlock(&tap->lock);
    if (rendition)
        rendition_request_keyframe(rendition, TRUE);
    rendition_unref(rendition);
}

void tap_close(Tap *tap)
{
    Rendition *taken[2];
    if (!tap)
        return;
    pthread_mutex_lock(&tap->lock);
    tap->closed = TRUE;
    taken[0] = g_steal_pointer(&tap->rendition);
    taken[1] = g_steal_pointer(&tap->next);
    pthread_mutex_unlock(&tap->lock);
    for (guint i = 0; i < G_N_ELEMENTS(taken); i++) {
        if (taken[i])
            rendition_remove_tap(taken[i], tap);
        rendition_unref(taken[i]);
    }
    if (tap->spec.audio != GRAPH_TAP_NONE)
        graph_remove_tap(tap->graph, tap);
    tap_unref(tap);
}
