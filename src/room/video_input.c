#include "room/video_input.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/log.h"

/* Frames that may wait for the decoder: more, and it cannot keep up. */
#define MAX_PENDING 24

struct VideoInput {
    gint refs;          /* atomic */
    gint wanted;        /* atomic: scenes that show it */
    gint pending;       /* atomic: frames on their way to the decoder */
    gint need_keyframe; /* atomic flag */
    Engine *engine;
    Strand *strand;
    PictureRing *ring;

    /* Net thread. */
    gboolean skip_to_keyframe;

    /* The strand. */
    const CodecType *codec;
    VideoDecoder *decoder;
    AVFrame *picture;

    pthread_mutex_t lock; /* guards everything below */
    VideoInputStats stats;
    gint64 lateness_ns;
};

typedef struct {
    VideoInput *input;
    const CodecType *codec;
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
    strand_unref(input->strand);
    pthread_mutex_destroy(&input->lock);
    g_free(input);
}

static void decode_task_free(gpointer data)
{
    DecodeTask *task = data;
    g_atomic_int_add(&task->input->pending, -1);
    av_packet_free(&task->packet);
    video_input_unref(task->input);
    g_free(task);
}

/* A decoder of the right codec; a source may change its codec at a key frame. */
static gboolean ensure_decoder(VideoInput *input, const CodecType *codec)
{
    if (input->decoder && input->codec == codec)
        return TRUE;
    g_autoptr(GError) error = NULL;
    gint64 max_pixels = config_int(engine_config(input->engine), "video.max_input_pixels");
    VideoDecoderConfig config = { .max_width = 4096, .max_height = 4096, .max_pixels = max_pixels };
    g_clear_pointer(&input->decoder, video_decoder_free);
    input->codec = codec;
    input->decoder = video_decoder_new(codec, &config, &error);
    if (!input->decoder)
        log_limited(LOG_WARNING, "video", "%s cannot be decoded: %s", codec->name, error->message);
    return input->decoder != NULL;
}

static void note_picture(VideoInput *input, gint64 late_ns, gint64 cpu_ns)
{
    pthread_mutex_lock(&input->lock);
    input->stats.decoded++;
    input->stats.width = input->picture->width;
    input->stats.height = input->picture->height;
    input->stats.decode_cpu_ns += cpu_ns;
    input->lateness_ns += (late_ns - input->lateness_ns) / 16;
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
    if (!ensure_decoder(input, task->codec)) {
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
    gboolean wanted = g_atomic_int_get(&input->wanted) > 0;
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
    *task = (DecodeTask){ video_input_ref(input), codec, packet, frame->rotation, due_ns };
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

void video_input_want(VideoInput *input, gboolean wanted)
{
    gint before = g_atomic_int_add(&input->wanted, wanted ? 1 : -1);
    if (wanted && before == 0)
        g_atomic_int_set(&input->need_keyframe, 1);
}

gboolean video_input_wanted(VideoInput *input)
{
    return g_atomic_int_get(&input->wanted) > 0;
}

gboolean video_input_take_need_keyframe(VideoInput *input)
{
    return g_atomic_int_get(&input->wanted) > 0 &&
           g_atomic_int_compare_and_exchange(&input->need_keyframe, 1, 0);
}

gint64 video_input_lateness_ns(VideoInput *input)
{
    pthread_mutex_lock(&input->lock);
    gint64 lateness_ns = input->lateness_ns;
    pthread_mutex_unlock(&input->lock);
    return lateness_ns;
}

void video_input_stats(VideoInput *input, VideoInputStats *stats)
{
    pthread_mutex_lock(&input->lock);
    *stats = input->stats;
    pthread_mutex_unlock(&input->lock);
}
