#include "support/sim_camera.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "codecs/codec.h"

#define SYLLABLE_SAMPLES (8 * AUDIO_TICK_SAMPLES)

const SimPaint sim_red = { 82, 90, 240 }, sim_green = { 145, 54, 34 }, sim_blue = { 41, 240, 110 };

static void fill_plane(AVFrame *picture, gint plane, gint width, gint height, guint8 value)
{
    for (gint y = 0; y < height; y++)
        memset(picture->data[plane] + y * picture->linesize[plane], value, (gsize)width);
}

static void draw_bar(AVFrame *picture, gint64 media_ns)
{
    gint width = MAX(picture->width / 8, 2);
    gint x = (gint)(media_ns / (NS_PER_MS * 10) % MAX(picture->width - width, 1));
    for (gint y = 0; y < picture->height / 4; y++)
        memset(picture->data[0] + y * picture->linesize[0] + x, 235, (gsize)width);
}

#define SQUARE     16
#define BUSY_TURNS 8 /* in so many pictures each square changes once */

static void draw_squares(AVFrame *picture, gint64 media_ns)
{
    guint32 number = (guint32)(media_ns / SIM_STEP_NS);
    for (gint y = 0; y < picture->height; y++) {
        guint8 *row = picture->data[0] + (gsize)y * (gsize)picture->linesize[0];
        for (gint x = 0; x < picture->width; x += SQUARE) {
            guint32 square = (guint32)(y / SQUARE * 131 + x / SQUARE);
            guint32 turn = (number + square * 5) / BUSY_TURNS;
            guint32 mixed = (square * 2654435761u) ^ (turn * 2246822519u);
            guint8 luma = (guint8)(16 + (mixed >> 16 ^ mixed >> 7) % 220);
            memset(row + x, luma, (gsize)MIN(SQUARE, picture->width - x));
        }
    }
}

/* Times are rounded down, so that the middle of a picture's time tells its number. */
static guint8 step_luma(gint64 media_ns)
{
    gint64 number = (media_ns + SIM_STEP_NS / 2) / SIM_STEP_NS;
    return (guint8)SIM_STEP_LUMA(number % SIM_STEPS_COUNT);
}

AVFrame *sim_camera_picture(SimVideo kind, SimPaint paint, gint width, gint height, gint64 media_ns)
{
    AVFrame *picture = av_frame_alloc();
    picture->format = AV_PIX_FMT_YUV420P;
    picture->width = width;
    picture->height = height;
    if (av_frame_get_buffer(picture, 32) < 0)
        g_error("out of memory");
    if (kind == SIM_FLASH)
        paint = (SimPaint){ media_ns % NS_PER_SEC < SIM_FLASH_NS ? 235 : 16, 128, 128 };
    else if (kind == SIM_STEPS)
        paint = (SimPaint){ step_luma(media_ns), 128, 128 };
    fill_plane(picture, 0, width, height, paint.y);
    fill_plane(picture, 1, (width + 1) / 2, (height + 1) / 2, paint.u);
    fill_plane(picture, 2, (width + 1) / 2, (height + 1) / 2, paint.v);
    if (kind == SIM_MOVING)
        draw_bar(picture, media_ns);
    else if (kind == SIM_BUSY)
        draw_squares(picture, media_ns);
    return picture;
}

void sim_microphone(float *out, gint64 sample, gdouble hz, gdouble amplitude, gboolean beeps)
{
    for (gint i = 0; i < AUDIO_TICK_SAMPLES; i++) {
        gint64 at = sample + i;
        gboolean sounds = !beeps || at % AUDIO_RATE_HZ < AUDIO_RATE_HZ * SIM_FLASH_NS / NS_PER_SEC;
        gdouble angle = fmod(2 * G_PI * hz / AUDIO_RATE_HZ * (gdouble)at, 2 * G_PI);
        out[2 * i] = out[2 * i + 1] = sounds ? (float)(amplitude * sin(angle)) : 0;
    }
}

void sim_speech(float *samples, gint64 sample)
{
    for (gint i = 0; i < AUDIO_TICK_SAMPLES; i++) {
        gboolean pause = (sample + i) % SYLLABLE_SAMPLES >= SYLLABLE_SAMPLES * 85 / 100;
        samples[2 * i] *= pause ? 0.02f : 1;
        samples[2 * i + 1] *= pause ? 0.02f : 1;
    }
}
