#include "room/rendition.h"

#include <libavutil/imgutils.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/transport.h"
#include "room/viewer.h"

#define KEYFRAME_GAP_NS      NS_PER_SEC
#define JOIN_KEYFRAME_GAP_NS (300 * NS_PER_MS)
/* What stands around a payload in a packet: header, extensions, RTX's two bytes. */
#define PACKET_OVERHEAD 64

/* A picture on its way to the encoder. */
typedef struct {
    AVFrame *canvas;
    guint8 *active_map; /* or NULL: everything may have changed */
    gint64 tick_ns;
    gint64 rtp_ns; /* since the mix began */
} Job;

struct Rendition {
    gint refs;   /* atomic */
    gint takers; /* atomic */
    Engine *engine;
    RenditionSpec spec;
    gsize map_size;
    Strand *strand;

    /* Own strand. */
    VideoEncoder *encoder;
    gint picture_id;
    gint tl0_pic_idx;
    gboolean failed;

    /* Net thread. */
    GPtrArray *viewers; /* of Viewer (a reference each) */

    pthread_mutex_t lock; /* guards everything below */
    Job *waiting;
    GPtrArray *spare_canvases; /* of AVFrame */
    gboolean keyframe_wanted, keyframe_for_join;
    gint64 last_keyframe_ns;
    RenditionStats stats;
};

static void canvas_free(gpointer data)
{
    AVFrame *frame = data;
    av_frame_free(&frame);
}

Rendition *rendition_new(Engine *engine, const RenditionSpec *spec)
{
    Rendition *rendition = g_new0(Rendition, 1);
    rendition->refs = 1;
    rendition->engine = engine;
    rendition->spec = *spec;
    rendition->map_size = (gsize)((spec->width + 15) / 16) * (gsize)((spec->height + 15) / 16);
    rendition->strand = strand_new(engine_strand_pool(engine));
    rendition->viewers = g_ptr_array_new_with_free_func((GDestroyNotify)viewer_unref);
    rendition->spare_canvases = g_ptr_array_new_with_free_func(canvas_free);
    rendition->last_keyframe_ns = G_MININT64 / 2;
    pthread_mutex_init(&rendition->lock, NULL);
    return rendition;
}

Rendition *rendition_ref(Rendition *rendition)
{
    g_atomic_int_inc(&rendition->refs);
    return rendition;
}

static void job_free(Job *job)
{
    if (!job)
        return;
    av_frame_free(&job->canvas);
    g_free(job->active_map);
    g_free(job);
}

void rendition_unref(Rendition *rendition)
{
    if (!rendition || !g_atomic_int_dec_and_test(&rendition->refs))
        return;
    video_encoder_free(rendition->encoder);
    job_free(rendition->waiting);
    g_ptr_array_unref(rendition->viewers);
    g_ptr_array_unref(rendition->spare_canvases);
    strand_unref(rendition->strand);
    pthread_mutex_destroy(&rendition->lock);
    g_free(rendition);
}

const RenditionSpec *rendition_spec(const Rendition *rendition)
{
    return &rendition->spec;
}

/* --- who takes it ------------------------------------------------------------------------ */

void rendition_add_viewer(Rendition *rendition, Viewer *viewer)
{
    g_ptr_array_add(rendition->viewers, viewer_ref(viewer));
    g_atomic_int_inc(&rendition->takers);
    rendition_request_keyframe(rendition, TRUE);
}

void rendition_remove_viewer(Rendition *rendition, Viewer *viewer)
{
    if (g_ptr_array_remove(rendition->viewers, viewer))
        g_atomic_int_add(&rendition->takers, -1);
}

gboolean rendition_has_takers(Rendition *rendition)
{
    return g_atomic_int_get(&rendition->takers) > 0;
}

void rendition_request_keyframe(Rendition *rendition, gboolean joining)
{
    pthread_mutex_lock(&rendition->lock);
    rendition->keyframe_wanted = TRUE;
    rendition->keyframe_for_join |= joining;
    pthread_mutex_unlock(&rendition->lock);
}

/* With the lock held. */
static gboolean keyframe_due(const Rendition *rendition, gint64 now_ns)
{
    gint64 gap_ns = rendition->keyframe_for_join ? JOIN_KEYFRAME_GAP_NS : KEYFRAME_GAP_NS;
    return rendition->keyframe_wanted && now_ns - rendition->last_keyframe_ns >= gap_ns;
}

gboolean rendition_keyframe_due(Rendition *rendition, gint64 now_ns)
{
    pthread_mutex_lock(&rendition->lock);
    gboolean due = keyframe_due(rendition, now_ns);
    pthread_mutex_unlock(&rendition->lock);
    return due;
}

static gboolean take_keyframe_request(Rendition *rendition, gint64 now_ns)
{
    pthread_mutex_lock(&rendition->lock);
    gboolean due = keyframe_due(rendition, now_ns);
    if (due) {
        rendition->keyframe_wanted = rendition->keyframe_for_join = FALSE;
        rendition->last_keyframe_ns = now_ns;
    }
    pthread_mutex_unlock(&rendition->lock);
    return due;
}

/* --- net thread: to the viewers ---------------------------------------------------------- */

typedef struct {
    Rendition *rendition;
    RenditionFrame frame;
} Delivery;

static void delivery_free(gpointer data)
{
    Delivery *delivery = data;
    g_ptr_array_unref(delivery->frame.payloads);
    rendition_unref(delivery->rendition);
    g_free(delivery);
}

static void deliver(gpointer data)
{
    Delivery *delivery = data;
    thread_assert_net();
    GPtrArray *viewers = delivery->rendition->viewers;
    gint64 now_ns = engine_now_ns(delivery->rendition->engine);
    for (guint i = 0; i < viewers->len; i++)
        viewer_send_video(viewers->pdata[i], &delivery->frame, now_ns);
}

/* --- own strand: the encoder ------------------------------------------------------------- */

/* The fragments of the packetizer as one GBytes per RTP payload. */
static GPtrArray *join_fragments(const GArray *fragments)
{
    GPtrArray *payloads = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    GByteArray *open = NULL;
    for (guint i = 0; i < fragments->len; i++) {
        const PayloadFragment *fragment = &g_array_index(fragments, PayloadFragment, i);
        if (!open)
            open = g_byte_array_sized_new((guint)(fragment->header_size + fragment->size));
        g_byte_array_append(open, fragment->header, fragment->header_size);
        g_byte_array_append(open, fragment->data, (guint)fragment->size);
        if (!fragment->continues)
            g_ptr_array_add(payloads, g_byte_array_free_to_bytes(g_steal_pointer(&open)));
    }
    if (open)
        g_byte_array_unref(open);
    return payloads;
}

static PayloadTags next_tags(Rendition *rendition, const VideoEncodeInfo *info)
{
    rendition->picture_id = (rendition->picture_id + 1) & 0x7fff;
    if (info->temporal_id == 0)
        rendition->tl0_pic_idx = (rendition->tl0_pic_idx + 1) & 0xff;
    return (PayloadTags){ .picture_id = rendition->picture_id,
                          .tl0_pic_idx = rendition->tl0_pic_idx,
                          .temporal_id = info->temporal_id,
                          .layer_sync = info->layer_sync,
                          .non_reference = info->non_reference };
}

static void send_packet(Rendition *rendition, const AVPacket *packet, const VideoEncodeInfo *info,
                        const Job *job)
{
    g_autoptr(GArray) fragments = g_array_new(FALSE, FALSE, sizeof(PayloadFragment));
    PayloadTags tags = next_tags(rendition, info);
    if (!rendition->spec.codec->payload->packetize(packet, &tags,
                                                   TRANSPORT_MAX_RTP - PACKET_OVERHEAD, fragments))
        return;
    Delivery *delivery = g_new0(Delivery, 1);
    delivery->rendition = rendition_ref(rendition);
    delivery->frame = (RenditionFrame){ .payloads = join_fragments(fragments),
                                        .rtp_timestamp = (guint32)(job->rtp_ns / 100 * 9 / 1000),
                                        .captured_ns = job->tick_ns,
                                        .keyframe = info->keyframe };
    mailbox_post(engine_net_mailbox(rendition->engine), deliver, delivery, delivery_free);
}

static gboolean ensure_encoder(Rendition *rendition)
{
    if (rendition->encoder || rendition->failed)
        return rendition->encoder != NULL;
    g_autoptr(GError) error = NULL;
    const RenditionSpec *spec = &rendition->spec;
    VideoEncoderConfig config = { .width = spec->width,
                                  .height = spec->height,
                                  .fps = spec->fps,
                                  .bitrate_bps = spec->bitrate_bps,
                                  .temporal_layers = 1 };
    rendition->encoder = video_encoder_new(spec->codec, &config, &error);
    rendition->failed = !rendition->encoder;
    if (rendition->failed)
        log_error("video", "the %s encoder for %dx%d cannot start: %s", spec->codec->name,
                  spec->width, spec->height, error->message);
    return !rendition->failed;
}

static void note_encoded(Rendition *rendition, const AVPacket *packet, gboolean keyframe,
                         gint64 cpu_ns)
{
    pthread_mutex_lock(&rendition->lock);
    rendition->stats.encoded++;
    rendition->stats.keyframes += keyframe;
    rendition->stats.bytes += (guint64)packet->size;
    rendition->stats.encode_cpu_ns += cpu_ns;
    pthread_mutex_unlock(&rendition->lock);
}

static void encode_job(Rendition *rendition, const Job *job)
{
    g_autoptr(GError) error = NULL;
    VideoEncodeInfo info = { 0 };
    VideoEncodeHints hints = { .force_keyframe = take_keyframe_request(rendition, job->tick_ns) };
    hints.active_map = hints.force_keyframe ? NULL : job->active_map;
    AVPacket *packet = av_packet_alloc();
    gint64 cpu_ns = clock_thread_cpu_ns();
    gint64 pts = job->rtp_ns / 100 * 9 / 1000;
    if (video_encoder_encode(rendition->encoder, job->canvas, pts, &hints, packet, &info, &error)) {
        note_encoded(rendition, packet, info.keyframe, clock_thread_cpu_ns() - cpu_ns);
        send_packet(rendition, packet, &info, job);
    } else if (error) {
        log_limited(LOG_WARNING, "video", "a picture could not be encoded: %s", error->message);
    }
    /* Those who wait for it see nothing before, and so cannot ask again. */
    if (hints.force_keyframe && !info.keyframe)
        rendition_request_keyframe(rendition, TRUE);
    av_packet_free(&packet);
}

static void encode_waiting(gpointer data)
{
    Rendition *rendition = data;
    thread_assert_strand();
    pthread_mutex_lock(&rendition->lock);
    Job *job = g_steal_pointer(&rendition->waiting);
    pthread_mutex_unlock(&rendition->lock);
    if (!job)
        return;
    if (ensure_encoder(rendition))
        encode_job(rendition, job);
    pthread_mutex_lock(&rendition->lock);
    if (rendition->spare_canvases->len < 2)
        g_ptr_array_add(rendition->spare_canvases, g_steal_pointer(&job->canvas));
    pthread_mutex_unlock(&rendition->lock);
    job_free(job);
}

/* --- the scene's strand ------------------------------------------------------------------ */

static AVFrame *take_canvas(Rendition *rendition)
{
    AVFrame *frame = NULL;
    pthread_mutex_lock(&rendition->lock);
    if (rendition->spare_canvases->len > 0)
        frame = g_ptr_array_steal_index_fast(rendition->spare_canvases,
                                             rendition->spare_canvases->len - 1);
    pthread_mutex_unlock(&rendition->lock);
    if (frame)
        return frame;
    frame = av_frame_alloc();
    frame->format = AV_PIX_FMT_YUV420P;
    frame->width = rendition->spec.width;
    frame->height = rendition->spec.height;
    if (av_frame_get_buffer(frame, 32) < 0)
        av_frame_free(&frame);
    return frame;
}

/* What changed in a picture that was never encoded has still changed for the encoder. */
static void merge_map(Job *job, const Job *replaced, gsize size)
{
    if (!job->active_map || !replaced->active_map) {
        g_clear_pointer(&job->active_map, g_free);
        return;
    }
    for (gsize i = 0; i < size; i++)
        job->active_map[i] |= replaced->active_map[i];
}

void rendition_encode(Rendition *rendition, const AVFrame *canvas, const guint8 *active_map,
                      gint64 tick_ns, gint64 mix_epoch_ns)
{
    AVFrame *copy = take_canvas(rendition);
    if (!copy)
        return;
    av_image_copy(copy->data, copy->linesize, (const uint8_t **)canvas->data, canvas->linesize,
                  AV_PIX_FMT_YUV420P, canvas->width, canvas->height);
    Job *job = g_new0(Job, 1);
    *job = (Job){ .canvas = copy,
                  .active_map = active_map ? g_memdup2(active_map, rendition->map_size) : NULL,
                  .tick_ns = tick_ns,
                  .rtp_ns = tick_ns - mix_epoch_ns };
    pthread_mutex_lock(&rendition->lock);
    Job *replaced = g_steal_pointer(&rendition->waiting);
    if (replaced) {
        merge_map(job, replaced, rendition->map_size);
        rendition->stats.replaced++;
    }
    rendition->waiting = job;
    pthread_mutex_unlock(&rendition->lock);
    job_free(replaced);
    strand_post(rendition->strand, encode_waiting, rendition_ref(rendition),
                (GDestroyNotify)rendition_unref);
}

void rendition_stats(Rendition *rendition, RenditionStats *stats)
{
    pthread_mutex_lock(&rendition->lock);
    *stats = rendition->stats;
    pthread_mutex_unlock(&rendition->lock);
    stats->viewers = (guint)g_atomic_int_get(&rendition->takers);
}
