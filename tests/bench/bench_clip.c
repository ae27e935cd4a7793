/* A synthetic webcam as YUV4MPEG on standard output: a textured room, a head that moves and turns,
 * a mouth, an arm, exposure drift and sensor noise. Costs encoders and decoders what a real
 * camera does, and is the same on every machine.
 *   bench_clip NUMBER FRAMES [WIDTH HEIGHT] */

#include <glib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define NOISE_SIGMA 1.6
#define NOISE_SIZE  (1 << 16)
#define FPS         30

typedef struct {
    int number, width, height;
    GRand *rand;
    float *room; /* luma of the empty room */
    float *skin; /* texture of head and arm, as large as the picture */
    gint8 noise[NOISE_SIZE];
    guint8 *luma, *chroma[2];
} Clip;

/* Where everything is in one frame. */
typedef struct {
    double head_x, head_y, head_w, head_h, turn, mouth, arm, exposure;
} Pose;

static double gauss(GRand *rand)
{
    double sum = 0;
    for (int i = 0; i < 12; i++)
        sum += g_rand_double(rand);
    return sum - 6;
}

static double smooth(double t)
{
    return t * t * (3 - 2 * t);
}

/* Value noise of some octaves around zero, amplitude about 1. */
static float *make_texture(Clip *clip, int first_cell, int octaves)
{
    float *texture = g_new0(float, clip->width * clip->height);
    double amplitude = 1;
    for (int cell = first_cell; octaves > 0 && cell > 1; octaves--, cell /= 2, amplitude *= 0.6) {
        const int columns = clip->width / cell + 2, rows = clip->height / cell + 2;
        g_autofree double *grid = g_new(double, columns *rows);
        for (int i = 0; i < columns * rows; i++)
            grid[i] = g_rand_double_range(clip->rand, -1, 1);
        for (int y = 0; y < clip->height; y++) {
            for (int x = 0; x < clip->width; x++) {
                const double *p = grid + y / cell * columns + x / cell;
                const double u = smooth((double)(x % cell) / cell);
                const double v = smooth((double)(y % cell) / cell);
                const double top = p[0] + (p[1] - p[0]) * u;
                const double low = p[columns] + (p[columns + 1] - p[columns]) * u;
                texture[y * clip->width + x] += (float)(amplitude * (top + (low - top) * v));
            }
        }
    }
    return texture;
}

static Clip *clip_new(int number, int width, int height)
{
    Clip *clip = g_new0(Clip, 1);
    clip->number = number;
    clip->width = width;
    clip->height = height;
    clip->rand = g_rand_new_with_seed((guint32)(1000 + number));
    clip->room = make_texture(clip, width / 5, 6);
    clip->skin = make_texture(clip, width / 16, 4);
    for (int i = 0; i < NOISE_SIZE; i++)
        clip->noise[i] = (gint8)lrint(CLAMP(gauss(clip->rand) * NOISE_SIGMA, -8, 8));
    clip->luma = g_malloc((gsize)width * (gsize)height);
    for (int plane = 0; plane < 2; plane++)
        clip->chroma[plane] = g_malloc((gsize)(width / 2) * (gsize)(height / 2));
    return clip;
}

static void clip_free(Clip *clip)
{
    g_rand_free(clip->rand);
    g_free(clip->room);
    g_free(clip->skin);
    g_free(clip->luma);
    g_free(clip->chroma[0]);
    g_free(clip->chroma[1]);
    g_free(clip);
}

static Pose pose_at(const Clip *clip, double t)
{
    const double phase = clip->number * 0.7;
    const double h = clip->height;
    return (Pose){
        .head_x = clip->width * (0.5 + 0.05 * sin(0.9 * t + phase) + 0.02 * sin(2.3 * t)),
        .head_y = h * (0.42 + 0.02 * sin(1.3 * t + phase)),
        .head_w = h * 0.19,
        .head_h = h * 0.27,
        .turn = 0.25 * sin(0.7 * t + phase) + 0.06 * sin(3.1 * t),
        .mouth = 0.5 + 0.5 * sin(9 * t + phase) * sin(1.7 * t),
        .arm = 0.9 + 0.6 * sin(1.1 * t + phase),
        .exposure = 1 + 0.03 * sin(0.4 * t + phase),
    };
}

/* Distance from a point to the segment (0,0)-(dx,dy), as a share of `radius`. */
static double arm_distance(double x, double y, double dx, double dy, double radius)
{
    const double along = CLAMP((x * dx + y * dy) / (dx * dx + dy * dy), 0, 1);
    return hypot(x - along * dx, y - along * dy) / radius;
}

static float texel(const Clip *clip, const float *texture, double x, double y)
{
    const int column = ((int)floor(x) % clip->width + clip->width) % clip->width;
    const int row = ((int)floor(y) % clip->height + clip->height) % clip->height;
    return texture[row * clip->width + column];
}

/* Brightness at one point, and whether it is skin. */
static double shade(const Clip *clip, const Pose *pose, int x, int y, gboolean *skin)
{
    const double h = clip->height;
    const double px = x - pose->head_x, py = y - pose->head_y;
    const double rx = px * cos(pose->turn) + py * sin(pose->turn);
    const double ry = py * cos(pose->turn) - px * sin(pose->turn);
    const double head = hypot(rx / pose->head_w, ry / pose->head_h);
    const double mouth =
        hypot(rx / (h * 0.06), (ry - h * 0.13) / (h * 0.006 + h * 0.025 * pose->mouth));
    const double eye = hypot((fabs(rx) - h * 0.075) / (h * 0.028), (ry + h * 0.05) / (h * 0.014));
    const double body = hypot(px / (h * 0.42), (y - h * 1.02) / (h * 0.38));
    const double ax = x - (pose->head_x + h * 0.36), ay = y - h * 0.95;
    const double arm =
        arm_distance(ax, ay, h * 0.5 * cos(pose->arm), -h * 0.5 * sin(pose->arm), h * 0.05);
    *skin = head < 1 || arm < 1;
    if (arm < 1)
        return 150 - 30 * arm + 12 * texel(clip, clip->skin, ax, ay);
    if (mouth < 1 || eye < 1)
        return 55;
    if (head < 1)
        return 165 - 45 * head * head + 14 * texel(clip, clip->skin, rx + h, ry + h);
    if (body < 1)
        return 80 + 18 * texel(clip, clip->skin, px + h, y);
    return 110 + 38 * clip->room[y * clip->width + x];
}

static void draw(Clip *clip, int frame)
{
    const Pose pose = pose_at(clip, (double)frame / FPS);
    for (int y = 0; y < clip->height; y++) {
        const gint8 *noise =
            clip->noise + g_rand_int_range(clip->rand, 0, NOISE_SIZE - clip->width);
        for (int x = 0; x < clip->width; x++) {
            gboolean skin = FALSE;
            const double value = shade(clip, &pose, x, y, &skin) * pose.exposure + noise[x];
            clip->luma[y * clip->width + x] = (guint8)CLAMP(value, 16, 235);
            if ((x | y) & 1)
                continue;
            const int at = y / 2 * (clip->width / 2) + x / 2;
            clip->chroma[0][at] = (guint8)(skin ? 112 : 124 + clip->number % 9 + noise[x] / 2);
            clip->chroma[1][at] = (guint8)(skin ? 150 : 130 - clip->number % 7 + noise[x] / 2);
        }
    }
}

int main(int argc, char **argv)
{
    const int number = argc > 1 ? atoi(argv[1]) : 1;
    const int frames = argc > 2 ? atoi(argv[2]) : 300;
    const int width = argc > 3 ? atoi(argv[3]) : 640;
    const int height = argc > 4 ? atoi(argv[4]) : 360;
    if (width < 64 || height < 64 || width % 2 || height % 2) {
        fprintf(stderr, "bench_clip: the size must be even and at least 64x64\n");
        return 2;
    }
    Clip *clip = clip_new(number, width, height);
    const gsize size = (gsize)width * (gsize)height;
    printf("YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C420jpeg\n", width, height, FPS);
    for (int frame = 0; frame < frames; frame++) {
        draw(clip, frame);
        printf("FRAME\n");
        if (fwrite(clip->luma, 1, size, stdout) != size ||
            fwrite(clip->chroma[0], 1, size / 4, stdout) != size / 4 ||
            fwrite(clip->chroma[1], 1, size / 4, stdout) != size / 4)
            return 1;
    }
    clip_free(clip);
    return 0;
}
