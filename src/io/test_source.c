#include "io/test_source.h"

#include <libavutil/buffer.h>
#include <libavutil/imgutils.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"

#define RATE_HZ 48000
#define BALLS   3
#define NOTE_NS (250 * NS_PER_MS)
/* Everyone plays in turn, a quarter of this each, overlapping. */
#define PHRASE_NS  (8 * NS_PER_SEC)
#define PLAYING_NS (3 * NS_PER_SEC)
#define LOUDNESS   0.12

typedef struct {
    double r, g, b;
} Colour;

struct TestSource {
    guint number;
    int width, height;
    AVBufferPool *pool;
    guint8 y_ramp[2], u_ramp[2], v_ramp[2]; /* the two ends of the gradient */
};

/* A calm colour for each source, and a darker one to fade to. */
static const Colour colours[] = {
    { 0.36, 0.47, 0.92 }, { 0.95, 0.55, 0.38 }, { 0.24, 0.70, 0.60 },
    { 0.72, 0.45, 0.86 }, { 0.93, 0.72, 0.30 }, { 0.87, 0.36, 0.50 }
};

/* A pentatonic scale: whatever sounds together sounds well. */
static const double notes_hz[] = { 261.63, 293.66, 329.63, 392.00, 440.00, 523.25 };

static guint8 clip_to_byte(double value)
{
    return (guint8)CLAMP(value + 0.5, 0.0, 255.0);
}

/* BT.601, studio range. */
static void to_yuv(Colour c, guint8 *y, guint8 *u, guint8 *v)
{
    *y = clip_to_byte(16 + 65.481 * c.r + 128.553 * c.g + 24.966 * c.b);
    *u = clip_to_byte(128 - 37.797 * c.r - 74.203 * c.g + 112.0 * c.b);
    *v = clip_to_byte(128 + 112.0 * c.r - 93.786 * c.g - 18.214 * c.b);
}

TestSource *test_source_new(guint number, int width, int height)
{
    TestSource *source = g_new0(TestSource, 1);
    Colour light = colours[number % G_N_ELEMENTS(colours)];
    Colour dark = { light.r * 0.35, light.g * 0.35, light.b * 0.45 };
    source->number = number;
    source->width = width;
    source->height = height;
    source->pool = av_buffer_pool_init(
        (size_t)av_image_get_buffer_size(AV_PIX_FMT_YUV420P, width, height, 32) + 64, NULL);
    to_yuv(light, &source->y_ramp[0], &source->u_ramp[0], &source->v_ramp[0]);
    to_yuv(dark, &source->y_ramp[1], &source->u_ramp[1], &source->v_ramp[1]);
    return source;
}

void test_source_free(TestSource *source)
{
    if (!source)
        return;
    av_buffer_pool_uninit(&source->pool);
    g_free(source);
}

/* --- pictures ---------------------------------------------------------------------------- */

static AVFrame *new_frame(TestSource *source)
{
    AVFrame *frame = av_frame_alloc();
    frame->format = AV_PIX_FMT_YUV420P;
    frame->width = source->width;
    frame->height = source->height;
    frame->buf[0] = av_buffer_pool_get(source->pool);
    if (!frame->buf[0]) {
        av_frame_free(&frame);
        return NULL;
    }
    av_image_fill_arrays(frame->data, frame->linesize, frame->buf[0]->data, AV_PIX_FMT_YUV420P,
                         source->width, source->height, 32);
    return frame;
}

/* A diagonal gradient between the two colours that wanders with time: 0..255 along x + y. */
static void fill_plane(guint8 *data, int stride, int width, int height, const guint8 ramp[2],
                       guint phase)
{
    guint8 *line = g_alloca((gsize)width + (gsize)height);
    for (int i = 0; i < width + height; i++) {
        guint position = ((guint)(i * 512) / (guint)(width + height) + phase) & 511;
        guint mix = position < 256 ? position : 511 - position;
        line[i] = (guint8)((ramp[0] * (255 - mix) + ramp[1] * mix) / 255);
    }
    for (int row = 0; row < height; row++)
        memcpy(data + row * stride, line + row, (size_t)width);
}

static void draw_disc(AVFrame *frame, int cx, int cy, int radius)
{
    for (int dy = -radius; dy <= radius; dy++) {
        int half = (int)sqrt((double)(radius * radius - dy * dy));
        int y = cy + dy, left = MAX(cx - half, 0), right = MIN(cx + half, frame->width - 1);
        if (y < 0 || y >= frame->height || left > right)
            continue;
        guint8 *line = frame->data[0] + y * frame->linesize[0];
        for (int x = left; x <= right; x++)
            line[x] = (guint8)MIN(line[x] + 42, 235);
    }
}

static double triangle(double t)
{
    double fraction = t - floor(t);
    return fraction < 0.5 ? 2 * fraction : 2 - 2 * fraction;
}

AVFrame *test_source_picture(TestSource *source, gint64 time_ns)
{
    AVFrame *frame = new_frame(source);
    if (!frame)
        return NULL;
    double t = (double)time_ns / NS_PER_SEC + source->number * 3.7;
    guint phase = (guint)(t * 40) & 511;
    int w = source->width, h = source->height;
    fill_plane(frame->data[0], frame->linesize[0], w, h, source->y_ramp, phase);
    fill_plane(frame->data[1], frame->linesize[1], w / 2, h / 2, source->u_ramp, phase);
    fill_plane(frame->data[2], frame->linesize[2], w / 2, h / 2, source->v_ramp, phase);
    for (int i = 0; i < BALLS; i++) {
        int radius = h / (7 + 2 * i);
        double x = triangle(t * (0.11 + 0.03 * i) + 0.31 * i);
        double y = triangle(t * (0.17 - 0.02 * i) + 0.57 * i);
        draw_disc(frame, radius + (int)(x * (w - 2 * radius)), radius + (int)(y * (h - 2 * radius)),
                  radius);
    }
    return frame;
}

/* --- sound ------------------------------------------------------------------------------- */

/* The note that sounds in this quarter of a second: a walk over the scale that repeats. */
static double note_at(const TestSource *source, gint64 index)
{
    guint step = (guint)(index * 7 + source->number * 5 + (index / 4) * 3);
    double octave = source->number % 2 ? 0.5 : 1.0;
    return notes_hz[step % G_N_ELEMENTS(notes_hz)] * octave;
}

gboolean test_source_sound(TestSource *source, gint64 time_ns, float *out, guint samples)
{
    gint64 turn_ns = (gint64)source->number * (PHRASE_NS / 4);
    gint64 in_phrase_ns = (time_ns + PHRASE_NS - turn_ns % PHRASE_NS) % PHRASE_NS;
    if (in_phrase_ns >= PLAYING_NS)
        return FALSE;
    float pan = 0.35f + 0.3f * (float)(source->number % 2);
    for (guint i = 0; i < samples; i++) {
        gint64 now_ns = time_ns + (gint64)i * NS_PER_SEC / RATE_HZ;
        double in_note = (double)(now_ns % NOTE_NS) / NS_PER_SEC;
        double angle = 2 * G_PI * note_at(source, now_ns / NOTE_NS) * in_note;
        double shape = MIN(in_note / 0.008, 1.0) * exp(-in_note * 9);
        double tail = MIN((0.25 - in_note) / 0.01, 1.0);
        float value = (float)(LOUDNESS * shape * tail * (sin(angle) + 0.3 * sin(2 * angle)));
        out[2 * i] = value * (1 - pan) * 2;
        out[2 * i + 1] = value * pan * 2;
    }
    return TRUE;
}
