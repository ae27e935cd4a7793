#include "room/generated_source.h"

#include <libavutil/imgutils.h>

#include "base/clock.h"
#include "io/test_source.h"

#define WIDTH    640
#define HEIGHT   360
#define FPS      30
#define STILL_NS (500 * NS_PER_MS) /* between two times that a still picture is handed out */
#define BLACK    16

struct GeneratedSource {
    gint refs; /* atomic */
    Engine *engine;
    TestSource *pattern; /* or NULL: */
    AVFrame *still;
    VideoInput *video;
    Strand *strand;
    gint64 epoch_ns;
    gint stopped, paused; /* atomic */

    /* The strand. */
    gint64 next_frame;
};

GeneratedSource *generated_source_ref(GeneratedSource *source)
{
    g_atomic_int_inc(&source->refs);
    return source;
}

void generated_source_unref(GeneratedSource *source)
{
    if (!source || !g_atomic_int_dec_and_test(&source->refs))
        return;
    test_source_free(source->pattern);
    av_frame_free(&source->still);
    video_input_unref(source->video);
    strand_unref(source->strand);
    g_free(source);
}

static void unref_source(gpointer source)
{
    generated_source_unref(source);
}

/* --- sound ------------------------------------------------------------------------------- */

AudioPull generated_source_pull(gpointer user, gint64 now_ns, float *out)
{
    GeneratedSource *source = user;
    gboolean sounds =
        source->pattern && !g_atomic_int_get(&source->paused) &&
        test_source_sound(source->pattern, now_ns - source->epoch_ns, out, MIXER_TICK_SAMPLES);
    return sounds ? AUDIO_PULL_SOUND : AUDIO_PULL_SILENT;
}

/* --- pictures ---------------------------------------------------------------------------- */

static gint64 frame_time_ns(const GeneratedSource *source)
{
    gint64 n = source->next_frame;
    return source->epoch_ns + (source->pattern ? n * NS_PER_SEC / FPS : n * STILL_NS);
}

static gint64 frame_at(const GeneratedSource *source, gint64 now_ns)
{
    gint64 since_ns = now_ns - source->epoch_ns;
    return source->pattern ? since_ns * FPS / NS_PER_SEC : since_ns / STILL_NS;
}

static void draw(GeneratedSource *source, gint64 due_ns, gint64 now_ns)
{
    AVFrame *picture = source->pattern
                           ? test_source_picture(source->pattern, due_ns - source->epoch_ns)
                           : av_frame_clone(source->still);
    if (picture)
        video_input_picture(source->video, picture, due_ns, now_ns);
    av_frame_free(&picture);
}

static void draw_task(gpointer data)
{
    GeneratedSource *source = data;
    thread_assert_strand();
    if (g_atomic_int_get(&source->stopped))
        return;
    gint64 now_ns = engine_now_ns(source->engine);
    if (video_input_wanted(source->video) && !g_atomic_int_get(&source->paused))
        draw(source, frame_time_ns(source), now_ns);
    source->next_frame = MAX(source->next_frame + 1, frame_at(source, now_ns));
    strand_post_at(source->strand, frame_time_ns(source), draw_task, generated_source_ref(source),
                   unref_source);
}

/* --- life -------------------------------------------------------------------------------- */

static GeneratedSource *start(Engine *engine, VideoInput *video, TestSource *pattern,
                              AVFrame *still)
{
    GeneratedSource *source = g_new0(GeneratedSource, 1);
    source->refs = 1;
    source->engine = engine;
    source->pattern = pattern;
    source->still = still;
    source->video = video_input_ref(video);
    source->strand = strand_new(engine_strand_pool(engine));
    source->epoch_ns = engine_now_ns(engine);
    strand_post(source->strand, draw_task, generated_source_ref(source), unref_source);
    return source;
}

GeneratedSource *generated_source_new_pattern(Engine *engine, VideoInput *video, guint number)
{
    return start(engine, video, test_source_new(number, WIDTH, HEIGHT), NULL);
}

static guint8 over_black(guint8 value, guint8 black, guint8 opacity)
{
    return (guint8)(black + ((value - black) * opacity + 127) / 255);
}

static void put_on_black(AVFrame *to, const AVFrame *from)
{
    for (gint plane = 0; plane < 3; plane++) {
        gint shift = plane ? 1 : 0;
        for (gint y = 0; y < to->height >> shift; y++) {
            guint8 *out = to->data[plane] + y * to->linesize[plane];
            const guint8 *in = from->data[plane] + y * from->linesize[plane];
            const guint8 *opacity = from->data[3] + (y << shift) * from->linesize[3];
            for (gint x = 0; x < to->width >> shift; x++)
                out[x] = over_black(in[x], plane ? 128 : BLACK, opacity[x << shift]);
        }
    }
}

/* (transfer full) Even sides, no transparency. */
static AVFrame *flatten(const AVFrame *picture)
{
    AVFrame *flat = av_frame_alloc();
    if (!flat)
        return NULL;
    flat->format = AV_PIX_FMT_YUV420P;
    flat->width = MAX(picture->width & ~1, 2);
    flat->height = MAX(picture->height & ~1, 2);
    if (picture->width < 2 || picture->height < 2 || av_frame_get_buffer(flat, 0) < 0) {
        av_frame_free(&flat);
        return NULL;
    }
    flat->color_range = picture->color_range;
    flat->colorspace = picture->colorspace;
    if (picture->format == AV_PIX_FMT_YUVA420P)
        put_on_black(flat, picture);
    else
        av_image_copy(flat->data, flat->linesize, (const guint8 **)picture->data, picture->linesize,
                      AV_PIX_FMT_YUV420P, flat->width, flat->height);
    return flat;
}

GeneratedSource *generated_source_new_still(Engine *engine, VideoInput *video,
                                            const AVFrame *picture)
{
    AVFrame *still = flatten(picture);
    return still ? start(engine, video, NULL, still) : NULL;
}

void generated_source_pause(GeneratedSource *source, gboolean paused)
{
    g_atomic_int_set(&source->paused, paused);
}

void generated_source_stop(GeneratedSource *source)
{
    g_atomic_int_set(&source->stopped, 1);
}
