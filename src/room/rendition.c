#include "room/rendition.h"

#include <libavutil/imgutils.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "mixer/picture.h"
#include "net/transport.h"
#include "room/activity_map.h"
#include "room/keyframe_share.h"
#include "room/rendition_rate.h"
#include "room/viewer.h"

#define TAP_KEYFRAME_GAP_NS (2 * NS_PER_SEC)
/* What stands around a payload in a packet: header, extensions, RTX's two bytes. */
#define PACKET_OVERHEAD 64
#define RATE_GAP_NS     NS_PER_SEC
#define REST_NS         (10 * NS_PER_SEC)

/* A picture on its way to the encoder. */
typedef struct {
    AVFrame *canvas;
    guint8 *active_map; /* or NULL: everything may have changed */
    gint64 tick_ns;
    gint64 rtp_ns; /* since the mix began */
} Job;

typedef struct {
    RenditionTap tap;
    RenditionFailed failed;
    gpointer user;
    GDestroyNotify user_free;
} Tap;

struct Rendition {
    gint refs;        /* atomic */
    gint takers;      /* atomic: viewers */
    gint taps_in_use; /* atomic */
    gint target_bps;  /* atomic: what the encoder is to keep to */
    Engine *engine;
    RenditionSpec spec;
    gsize map_size;
    Strand *strand;

    /* Own strand. */
    VideoEncoder *encoder;
    gint picture_id;
    gint tl0_pic_idx;
    gint encoder_bps;
    GError *failure; /* why there is no encoder, or NULL */

    /* The scene's strand. */
    gint64 next_frame;     /* number since the mix began */
    gint64 taken_ns;       /* when somebody took it last; 0: it rests */
    PictureScaler *scaler; /* NULL: the canvas has our size */
    PictureScratch *scratch;

    /* Net thread. */
    GPtrArray *viewers; /* of Viewer (a reference each) */
    gint64 next_rate_ns;

    pthread_mutex_t lock; /* guards everything below */
    Job *waiting;
    GPtrArray *spare_canvases; /* of AVFrame */
    KeyframeShare keyframes;
    GPtrArray *taps; /* of Tap (counted boxes): those who take packets */
    RenditionStats stats;
};

static void tap_clear(gpointer data)
{
    Tap *tap = data;
    if (tap->user_free)
        tap->user_free(tap->user);
}

static void tap_unref(gpointer tap)
{
    g_atomic_rc_box_release_full(tap, tap_clear);
}

static void spare_free(gpointer data)
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
    rendition->spare_canvases = g_ptr_array_new_with_free_func(spare_free);
    rendition->taps = g_ptr_array_new_with_free_func(tap_unref);
    keyframe_share_init(&rendition->keyframes);
    rendition->target_bps = spec->bitrate_bps;
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
    g_clear_error(&rendition->failure);
    job_free(rendition->waiting);
    g_ptr_array_unref(rendition->viewers);
    g_ptr_array_unref(rendition->spare_canvases);
    g_ptr_array_unref(rendition->taps);
    picture_scaler_free(rendition->scaler);
    picture_scratch_free(rendition->scratch);
    strand_unref(rendition->strand);
    pthread_mutex_destroy(&rendition->lock);
    g_free(rendition);
}

const RenditionSpec *rendition_spec(const Rendition *rendition)
{
    return &rendition->spec;
}

/* --- who takes it ------------------------------------------------------------------------ */

void rendition_add_viewer(Rendition *rendition, Viewer *viewer, gboolean urgent)
{
    g_ptr_array_add(rendition->viewers, viewer_ref(viewer));
    g_atomic_int_inc(&rendition->takers);
    rendition_request_keyframe(rendition, urgent);
}

void rendition_remove_viewer(Rendition *rendition, Viewer *viewer)
{
    if (g_ptr_array_remove(rendition->viewers, viewer))
        g_atomic_int_add(&rendition->takers, -1);
}

gboolean rendition_has_takers(Rendition *rendition)
{
    return g_atomic_int_get(&rendition->takers) > 0 || rendition_wants_cadence(rendition);
}

gboolean rendition_wants_cadence(Rendition *rendition)
{
    return g_atomic_int_get(&rendition->taps_in_use) > 0;
}

void rendition_add_tap(Rendition *rendition, RenditionTap tap, RenditionFailed failed,
                       gpointer user, GDestroyNotify user_free)
{
    Tap *added = g_atomic_rc_box_new0(Tap);
    *added = (Tap){ tap, failed, user, user_free };
    pthread_mutex_lock(&rendition->lock);
    g_ptr_array_add(rendition->taps, added);
    g_atomic_int_inc(&rendition->taps_in_use);
    pthread_mutex_unlock(&rendition->lock);
    rendition_request_keyframe(rendition, TRUE);
}

void rendition_remove_tap(Rendition *rendition, gconstpointer user)
{
    Tap *removed = NULL;
    pthread_mutex_lock(&rendition->lock);
    for (guint i = 0; i < rendition->taps->len && !removed; i++) {
        Tap *tap = rendition->taps->pdata[i];
        if (tap->user != user)
            continue;
        removed = g_atomic_rc_box_acquire(tap);
        g_ptr_array_remove_index(rendition->taps, i);
        g_atomic_int_add(&rendition->taps_in_use, -1);
    }
    pthread_mutex_unlock(&rendition->lock);
    if (removed)
        tap_unref(removed);
}

void rendition_price(Rendition *rendition, gboolean taking, gint *full_bps, gint *base_bps)
{
    const RenditionSpec *spec = &rendition->spec;
    gint64 price_bps = spec->bitrate_bps;
    guint viewers = rendition->viewers->len + !taking;
    RenditionRate rate = { spec->bitrate_bps, spec->last };
    if (!rendition_wants_cadence(rendition))
        price_bps = rendition_rate_floor(&rate, viewers);
    *full_bps = (gint)price_bps;
    *base_bps =
        (gint)(spec->temporal_layers > 1 ? price_bps * RENDITION_BASE_PCT / 100 : price_bps);
}

void rendition_request_keyframe(Rendition *rendition, gboolean urgent)
{
    pthread_mutex_lock(&rendition->lock);
    keyframe_share_want(&rendition->keyframes, urgent);
    pthread_mutex_unlock(&rendition->lock);
}

/* With the lock held. */
static gboolean keyframe_due(const Rendition *rendition, gint64 now_ns)
{
    const KeyframeShare *keyframes = &rendition->keyframes;
    return keyframe_share_due(keyframes, now_ns) ||
           (rendition->taps->len > 0 && now_ns - keyframes->last_ns >= TAP_KEYFRAME_GAP_NS);
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
    if (due)
        keyframe_share_made(&rendition->keyframes, now_ns);
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

/* What the viewers' lines carry decides the rate, but not while others take it too. */
ON_NET_THREAD static void follow_viewers(Rendition *rendition, gint64 now_ns)
{
    const GPtrArray *viewers = rendition->viewers;
    if (now_ns < rendition->next_rate_ns)
        return;
    rendition->next_rate_ns = now_ns + RATE_GAP_NS;
    g_autofree gint *budgets = g_new(gint, viewers->len + 1);
    for (guint i = 0; i < viewers->len; i++)
        budgets[i] = viewer_video_budget(viewers->pdata[i]);
    gint now_bps = g_atomic_int_get(&rendition->target_bps);
    gint bps = rendition->spec.bitrate_bps;
    RenditionRate rate = { bps, rendition->spec.last };
    if (!rendition_wants_cadence(rendition))
        bps = rendition_rate(&rate, budgets, viewers->len);
    if (ABS(bps - now_bps) * 10 >= now_bps || bps == rendition->spec.bitrate_bps)
        g_atomic_int_set(&rendition->target_bps, bps);
}

static void deliver(gpointer data)
{
    Delivery *delivery = data;
    Rendition *rendition = delivery->rendition;
    thread_assert_net();
    gint64 now_ns = engine_now_ns(rendition->engine);
    follow_viewers(rendition, now_ns);
    for (guint i = 0; i < rendition->viewers->len; i++)
        viewer_send_video(rendition->viewers->pdata[i], rendition, &delivery->frame, now_ns);
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
                          .non_reference = info->non_reference,
                          .temporal_layers = rendition->spec.temporal_layers };
}

/* --- own strand: to the taps ------------------------------------------------------------- */

static GPtrArray *current_taps(Rendition *rendition)
{
    GPtrArray *taps = g_ptr_array_new_with_free_func(tap_unref);
    pthread_mutex_lock(&rendition->lock);
    for (guint i = 0; i < rendition->taps->len; i++)
        g_ptr_array_add(taps, g_atomic_rc_box_acquire(rendition->taps->pdata[i]));
    pthread_mutex_unlock(&rendition->lock);
    return taps;
}

static void tap_packet(Rendition *rendition, AVPacket *packet, gint64 rtp_ns)
{
    if (!rendition_wants_cadence(rendition))
        return;
    g_autoptr(GPtrArray) taps = current_taps(rendition);
    packet->pts = packet->dts = rtp_ns / 1000;
    packet->duration = G_USEC_PER_SEC / rendition->spec.fps;
    for (guint i = 0; i < taps->len; i++) {
        const Tap *tap = taps->pdata[i];
        tap->tap(rendition, packet, tap->user);
    }
}

static void send_packet(Rendition *rendition, const AVPacket *packet, const VideoEncodeInfo *info,
                        const Job *job)
{
    g_autoptr(GArray) fragments = g_array_new(FALSE, FALSE, sizeof(PayloadFragment));
    PayloadTags tags = next_tags(rendition, info);
    if (!rendition->spec.codec->payload->packetize(
            packet, &tags, TRANSPORT_MAX_RTP - PACKET_OVERHEAD, fragments)) {
        if (info->keyframe)
            rendition_request_keyframe(rendition, TRUE);
        return;
    }
    Delivery *delivery = g_new0(Delivery, 1);
    delivery->rendition = rendition_ref(rendition);
    delivery->frame = (RenditionFrame){ .payloads = join_fragments(fragments),
                                        .rtp_timestamp = (guint32)(job->rtp_ns / 100 * 9 / 1000),
                                        .captured_ns = job->tick_ns,
                                        .keyframe = info->keyframe,
                                        .non_reference = info->non_reference,
                                        .picture_id = tags.picture_id,
                                        .tl0_pic_idx = tags.tl0_pic_idx };
    mailbox_post(engine_net_mailbox(rendition->engine), deliver, delivery, delivery_free);
}

/* It follows its viewers while it lives. */
static void set_rate(Rendition *rendition)
{
    gint bps = g_atomic_int_get(&rendition->target_bps);
    if (bps != rendition->encoder_bps)
        video_encoder_set_rate(rendition->encoder, bps, rendition->spec.fps);
    rendition->encoder_bps = bps;
}

static void make_encoder(Rendition *rendition)
{
    const RenditionSpec *spec = &rendition->spec;
    rendition->encoder_bps = g_atomic_int_get(&rendition->target_bps);
    VideoEncoderConfig config = { .width = spec->width,
                                  .height = spec->height,
                                  .fps = spec->fps,
                                  .bitrate_bps = rendition->encoder_bps,
                                  .temporal_layers = spec->temporal_layers };
    rendition->encoder = video_encoder_new(spec->codec, &config, &rendition->failure);
    if (rendition->failure)
        log_limited(LOG_ERROR, "video", "the %s encoder for %dx%d cannot start: %s",
                    spec->codec->name, spec->width, spec->height, rendition->failure->message);
}

static void tell_failure(Rendition *rendition)
{
    g_autoptr(GPtrArray) taps = current_taps(rendition);
    for (guint i = 0; i < taps->len; i++) {
        const Tap *tap = taps->pdata[i];
        tap->failed(rendition, rendition->failure, tap->user);
    }
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
    set_rate(rendition);
    AVPacket *packet = av_packet_alloc();
    gint64 cpu_ns = clock_thread_cpu_ns();
    gint64 pts = job->rtp_ns / 100 * 9 / 1000;
    if (video_encoder_encode(rendition->encoder, job->canvas, pts, &hints, packet, &info, &error)) {
        note_encoded(rendition, packet, info.keyframe, clock_thread_cpu_ns() - cpu_ns);
        send_packet(rendition, packet, &info, job);
        tap_packet(rendition, packet, job->rtp_ns);
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
    if (!rendition->encoder && !rendition->failure)
        make_encoder(rendition);
    if (rendition->encoder)
        encode_job(rendition, job);
    else
        tell_failure(rendition);
    pthread_mutex_lock(&rendition->lock);
    if (rendition->spare_canvases->len < 2)
        g_ptr_array_add(rendition->spare_canvases, g_steal_pointer(&job->canvas));
    pthread_mutex_unlock(&rendition->lock);
    job_free(job);
}

static void give_up_encoder(gpointer data)
{
    Rendition *rendition = data;
    thread_assert_strand();
    if (rendition_has_takers(rendition))
        return;
    g_clear_pointer(&rendition->encoder, video_encoder_free);
    g_clear_error(&rendition->failure);
    pthread_mutex_lock(&rendition->lock);
    g_ptr_array_set_size(rendition->spare_canvases, 0);
    pthread_mutex_unlock(&rendition->lock);
}

/* --- the scene's strand ------------------------------------------------------------------ */

gboolean rendition_is_due(Rendition *rendition, gint64 tick_ns, gint64 mix_epoch_ns)
{
    /* Half a tick of the scene is within what rounding may take. */
    gint64 frame = ((tick_ns - mix_epoch_ns) * rendition->spec.fps + NS_PER_MS) / NS_PER_SEC;
    rendition->taken_ns = tick_ns;
    if (frame < rendition->next_frame)
        return FALSE;
    rendition->next_frame = frame + 1;
    return TRUE;
}

void rendition_rest(Rendition *rendition, gint64 now_ns)
{
    if (!rendition->taken_ns || now_ns - rendition->taken_ns < REST_NS)
        return;
    rendition->taken_ns = 0;
    strand_post(rendition->strand, give_up_encoder, rendition_ref(rendition),
                (GDestroyNotify)rendition_unref);
}

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

/* The whole canvas, with borders if the shapes differ. */
static void scale_canvas(Rendition *rendition, const AVFrame *canvas, AVFrame *copy)
{
    if (!rendition->scaler) {
        rendition->scaler = picture_scaler_new();
        rendition->scratch = picture_scratch_new();
    }
    Canvas target = { .frame = copy, .width = copy->width, .height = copy->height };
    PicturePlace place = { .place = { 0, 0, copy->width, copy->height },
                           .fit = LAYOUT_FIT_CONTAIN,
                           .letterbox = yuv_from_rgb(0) };
    picture_draw(rendition->scaler, rendition->scratch, canvas, &place, &target);
}

/* (transfer full) The map of the canvas as that of the copy, or NULL: everything may have changed.
 */
static guint8 *copy_map(const Rendition *rendition, const AVFrame *canvas, const AVFrame *copy,
                        const guint8 *active_map)
{
    if (!active_map)
        return NULL;
    if (canvas->width == copy->width && canvas->height == copy->height)
        return g_memdup2(active_map, rendition->map_size);
    /* With borders, blocks have no simple place. */
    if (ABS(canvas->width * copy->height - copy->width * canvas->height) > 2 * canvas->width)
        return NULL;
    guint8 *map = g_malloc(rendition->map_size);
    activity_map_scale(active_map, canvas->width, canvas->height, map, copy->width, copy->height);
    return map;
}

void rendition_encode(Rendition *rendition, const AVFrame *canvas, const guint8 *active_map,
                      gint64 tick_ns, gint64 mix_epoch_ns)
{
    AVFrame *copy = take_canvas(rendition);
    if (!copy)
        return;
    if (canvas->width != copy->width || canvas->height != copy->height) {
        scale_canvas(rendition, canvas, copy);
    } else {
        av_image_copy(copy->data, copy->linesize, (const uint8_t **)canvas->data, canvas->linesize,
                      AV_PIX_FMT_YUV420P, canvas->width, canvas->height);
    }
    Job *job = g_new0(Job, 1);
    *job = (Job){ .canvas = copy,
                  .active_map = copy_map(rendition, canvas, copy, active_map),
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
    stats->target_bps = g_atomic_int_get(&rendition->target_bps);
    stats->viewers = (guint)g_atomic_int_get(&rendition->takers);
    stats->taps = (guint)g_atomic_int_get(&rendition->taps_in_use);
}
