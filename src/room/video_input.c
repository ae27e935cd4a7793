#include "room/video_input.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/log.h"

/* Frames that may wait for the decoder: more, and it cannot keep up. */
#define MAX_PENDING 24
/* Higher than any pictures: the largest that the sender has. */
#define AS_SENT_PX  (G_MAXINT / 2)
#define NOTHING_NEW G_MININT64

struct VideoInput {
    gint refs;          /* atomic */
    gint wanted_px;     /* atomic: the largest of `wants`; 0: nobody shows it */
    gint promoted;      /* atomic flag */
    gint pending;       /* atomic: frames on their way to the decoder */
    gint need_keyframe; /* atomic flag */
    Engine *engine;
    Strand *strand;
    PictureRing *ring;
    SourceTap *tap; /* or NULL */
    SourceTapPart part;

    /* Net thread. */
    gboolean skip_to_keyframe;
    guint stream; /* counts streams */

    /* The strand. */
    const CodecType *codec;
    guint decoder_stream;
    VideoDecoder *decoder;
    AVFrame *picture;

    pthread_mutex_t lock; /* guards everything below */
    GArray *wants;        /* of gint: the heights that scenes ask for */
    VideoInputStats stats;
    gint64 lateness_ns, latest_ns; /* latest_ns: NOTHING_NEW or since it was taken */
};

typedef struct {
    VideoInput *input;
    const CodecType *codec;
    guint stream;
    AVPacket *packet;
    guint8 rotation;
    gint64 due_ns;
} DecodeTask;

VideoInput *video_input_new(Engine *engine)
{
    VideoInput *input = g_new0(VideoInput, 1);
    input->refs = 1;
    input->engine = engine;
    input->strand = strand_new(engine_strand_pool(engine));
    input->ring = picture_ring_new();
    input->latest_ns = NOTHING_NEW;
    input->wants = g_array_new(FALSE, FALSE, sizeof(gint));
    input->picture = av_frame_alloc();
    pthread_mutex_init(&input->lock, NULL);
    return input;
}

VideoInput *video_input_ref(VideoInput *input)
{
    g_atomic_int_inc(&input->refs);
    return input;
}

void video_input_unref(VideoInput *input)
{
    if (!input || !g_atomic_int_dec_and_test(&input->refs))
        return;
    video_decoder_free(input->decoder);
    av_frame_free(&input->picture);
    picture_ring_free(input->ring);
    source_tap_unref(input->tap);
    strand_unref(input->strand);
    g_array_unref(input->wants);
    pthread_mutex_destroy(&input->lock);
    g_free(input);
}

void video_input_set_tap(VideoInput *input, SourceTap *tap, SourceTapPart part)
{
    input->tap = source_tap_ref(tap);
    input->part = part;
}

static void decode_task_free(gpointer data)
{
    DecodeTask *task = data;
    g_atomic_int_add(&task->input->pending, -1);
    av_packet_free(&task->packet);
    video_input_unref(task->input);
    g_free(task);
}

/* A decoder of the right codec; a source may change its codec at a key frame. Another layer gets
 * one of its own: its size is no change of size that the decoder would have to put up with. */
static gboolean ensure_decoder(VideoInput *input, const CodecType *codec, guint stream)
{
    if (input->decoder && input->codec == codec && input->decoder_stream == stream)
        return TRUE;
    g_autoptr(GError) error = NULL;
    gint64 max_pixels = config_int(engine_config(input->engine), "video.max_input_pixels");
    VideoDecoderConfig config = { .max_width = 4096, .max_height = 4096, .max_pixels = max_pixels };
    g_clear_pointer(&input->decoder, video_decoder_free);
    input->codec = codec;
    input->decoder_stream = stream;
    input->decoder = video_decoder_new(codec, &config, &error);
    if (!input->decoder)
        log_limited(LOG_WARNING, "video", "%s cannot be decoded: %s", codec->name, error->message);
    return input->decoder != NULL;
}

/* What the later ones of the pictures need, as those that had to be sent again: lateness counts at
 * once, its end is believed after some seconds. */
static void note_picture(VideoInput *input, gint64 late_ns, gint64 cpu_ns)
{
    pthread_mutex_lock(&input->lock);
    input->stats.decoded++;
    input->stats.width = input->picture->width;
    input->stats.height = input->picture->height;
    input->stats.decode_cpu_ns += cpu_ns;
    input->lateness_ns += (late_ns - input->lateness_ns) / (late_ns > input->lateness_ns ? 8 : 64);
    input->latest_ns = MAX(input->latest_ns, late_ns);
    pthread_mutex_unlock(&input->lock);
}

static void note_error(VideoInput *input)
{
    pthread_mutex_lock(&input->lock);
    input->stats.errors++;
    pthread_mutex_unlock(&input->lock);
    g_atomic_int_set(&input->need_keyframe, 1);
}

static void decode(gpointer data)
{
    DecodeTask *task = data;
    VideoInput *input = task->input;
    thread_assert_strand();
    if (!ensure_decoder(input, task->codec, task->stream)) {
        note_error(input);
        return;
    }
    gint64 cpu_ns = clock_thread_cpu_ns();
    DecodeResult result = video_decoder_decode(input->decoder, task->packet, input->picture);
    if (result == DECODE_ERROR) {
        note_error(input);
    } else if (result == DECODE_FRAME) {
        gint64 now_ns = engine_now_ns(input->engine);
        note_picture(input, now_ns - task->due_ns, clock_thread_cpu_ns() - cpu_ns);
        picture_ring_push(input->ring, input->picture, task->rotation, task->due_ns, now_ns);
        av_frame_unref(input->picture);
    }
}

/* Whether this frame is to be decoded: somebody wants it, and nothing before it is missing. */
static gboolean admit(VideoInput *input, const AssembledFrame *frame)
{
    gboolean wanted = video_input_wanted(input);
    gboolean full = g_atomic_int_get(&input->pending) >= MAX_PENDING;
    gboolean pass = wanted && !full && (!input->skip_to_keyframe || frame->keyframe);
    pthread_mutex_lock(&input->lock);
    input->stats.dropped += wanted && !pass;
    input->stats.skipped_unwanted += !wanted;
    pthread_mutex_unlock(&input->lock);
    if (pass) {
        input->skip_to_keyframe = FALSE;
    } else if (!input->skip_to_keyframe || wanted) {
        input->skip_to_keyframe = TRUE;
        if (wanted)
            g_atomic_int_set(&input->need_keyframe, 1);
    }
    return pass;
}

void video_input_frame(VideoInput *input, const CodecType *codec, const AssembledFrame *frame,
                       gint64 due_ns)
{
    if (input->tap)
        source_tap_frame(input->tap, input->part, codec, frame, due_ns);
    if (!admit(input, frame))
        return;
    AVPacket *packet = av_packet_alloc();
    if (!packet || av_new_packet(packet, (int)frame->size) < 0) {
        av_packet_free(&packet);
        return;
    }
    memcpy(packet->data, frame->data, frame->size);
    if (frame->keyframe)
        packet->flags |= AV_PKT_FLAG_KEY;
    DecodeTask *task = g_new(DecodeTask, 1);
    *task = (DecodeTask){ .input = video_input_ref(input),
                          .codec = codec,
                          .stream = input->stream,
                          .packet = packet,
                          .rotation = frame->rotation,
                          .due_ns = due_ns };
    g_atomic_int_inc(&input->pending);
    strand_post(input->strand, decode, task, decode_task_free);
}

void video_input_picture(VideoInput *input, const AVFrame *picture, gint64 due_ns, gint64 now_ns)
{
    pthread_mutex_lock(&input->lock);
    input->stats.decoded++;
    input->stats.width = picture->width;
    input->stats.height = picture->height;
    pthread_mutex_unlock(&input->lock);
    picture_ring_push(input->ring, picture, 0, due_ns, now_ns);
}

PictureRing *video_input_ring(VideoInput *input)
{
    return input->ring;
}

void video_input_restart(VideoInput *input, const char *rid)
{
    input->stream++;
    input->skip_to_keyframe = TRUE;
    pthread_mutex_lock(&input->lock);
    g_strlcpy(input->stats.rid, rid, sizeof input->stats.rid);
    pthread_mutex_unlock(&input->lock);
}

/* The lock is held. */
static void update_wanted(VideoInput *input)
{
    gint largest = 0;
    for (guint i = 0; i < input->wants->len; i++)
        largest = MAX(largest, g_array_index(input->wants, gint, i));
    g_atomic_int_set(&input->wanted_px, largest);
}

void video_input_want(VideoInput *input, gint height_px)
{
    height_px = MAX(height_px, 1);
    pthread_mutex_lock(&input->lock);
    if (input->wants->len == 0) {
        g_atomic_int_set(&input->need_keyframe, 1);
        g_atomic_int_set(&input->promoted, 1);
    }
    g_array_append_val(input->wants, height_px);
    update_wanted(input);
    pthread_mutex_unlock(&input->lock);
}

void video_input_unwant(VideoInput *input, gint height_px)
{
    height_px = MAX(height_px, 1);
    pthread_mutex_lock(&input->lock);
    for (guint i = 0; i < input->wants->len; i++) {
        if (g_array_index(input->wants, gint, i) != height_px)
            continue;
        g_array_remove_index_fast(input->wants, i);
        break;
    }
    update_wanted(input);
    pthread_mutex_unlock(&input->lock);
}

gboolean video_input_wanted(VideoInput *input)
{
    return g_atomic_int_get(&input->wanted_px) > 0;
}

gint video_input_wanted_px(VideoInput *input)
{
    return g_atomic_int_get(&input->wanted_px);
}

gint video_input_received_px(VideoInput *input)
{
    gboolean recorded = input->tap && source_tap_is_taken(input->tap, input->part);
    return recorded ? AS_SENT_PX : video_input_wanted_px(input);
}

gboolean video_input_take_promoted(VideoInput *input)
{
    return video_input_wanted(input) && g_atomic_int_compare_and_exchange(&input->promoted, 1, 0);
}

gboolean video_input_take_need_keyframe(VideoInput *input)
{
    if (input->tap && source_tap_take_want_keyframe(input->tap, input->part))
        return TRUE;
    return video_input_wanted(input) &&
           g_atomic_int_compare_and_exchange(&input->need_keyframe, 1, 0);
}

gint64 video_input_lateness_ns(VideoInput *input)
{
    pthread_mutex_lock(&input->lock);
    gint64 lateness_ns = input->lateness_ns;
    pthread_mutex_unlock(&input->lock);
    return lateness_ns;
}

gboolean video_input_take_latest_ns(VideoInput *input, gint64 *late_ns)
{
    pthread_mutex_lock(&input->lock);
    *late_ns = input->latest_ns;
    input->latest_ns = NOTHING_NEW;
    pthread_mutex_unlock(&input->lock);
    return *late_ns != NOTHING_NEW;
}

void video_input_stats(VideoInput *input, VideoInputStats *stats)
{
    pthread_mutex_lock(&input->lock);
    *stats = input->stats;
    pthread_mutex_unlock(&input->lock);
}
