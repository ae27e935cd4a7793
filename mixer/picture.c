#include "mixer/picture.h"

#include <libyuv.h>
#include <string.h>

#include "mixer/scale_ops.h"

/*  frame --turn--> crop of it --halve while above 2:1--> bilinear --> canvas
 *                         +---- libyuv: 1, 3/4, 1/2, 1/4, 2 -----------^    */

#define MAX_SIDE 16384
#define ROW_PAD  64

/* One plane of a picture, or a part of it. */
typedef struct {
    guint8 *data;
    int stride, width, height;
} Plane;

typedef struct {
    guint8 *data;
    gsize size;
} Block;

struct PictureScratch {
    Block row;     /* one blended row */
    Block half[2]; /* halved planes, written in turn */
    Block turned;  /* a rotated picture */
};

struct PictureScaler {
    ScaleTable *table[2]; /* luma, chroma */
};

static guint8 *block_reserve(Block *block, gsize size)
{
    if (block->size < size) {
        g_free(block->data);
        block->data = g_malloc0(size);
        block->size = size;
    }
    return block->data;
}

PictureScratch *picture_scratch_new(void)
{
    return g_new0(PictureScratch, 1);
}

void picture_scratch_free(PictureScratch *scratch)
{
    if (!scratch)
        return;
    g_free(scratch->row.data);
    g_free(scratch->half[0].data);
    g_free(scratch->half[1].data);
    g_free(scratch->turned.data);
    g_free(scratch);
}

PictureScaler *picture_scaler_new(void)
{
    return g_new0(PictureScaler, 1);
}

void picture_scaler_free(PictureScaler *scaler)
{
    if (!scaler)
        return;
    scale_table_free(scaler->table[0]);
    scale_table_free(scaler->table[1]);
    g_free(scaler);
}

gboolean picture_is_drawable(const AVFrame *frame)
{
    return frame && (frame->format == AV_PIX_FMT_YUV420P || frame->format == AV_PIX_FMT_YUVJ420P) &&
           frame->width > 0 && frame->width <= MAX_SIDE && frame->height > 0 &&
           frame->height <= MAX_SIDE && frame->data[0] && frame->data[1] && frame->data[2];
}

/* A source length that scales to `target` by exactly numerator/denominator in luma and chroma, or
 * 0. */
static int picture_exact_source(int target, int numerator, int denominator)
{
    if (target / 2 * denominator % numerator != 0)
        return 0;
    return target / 2 * denominator / numerator * 2;
}

static void picture_snap(VideoRect *crop, VideoRect place)
{
    static const int ratios[][2] = { { 1, 1 }, { 3, 4 }, { 1, 2 }, { 1, 4 } };
    for (guint i = 0; i < G_N_ELEMENTS(ratios); i++) {
        const int width = picture_exact_source(place.width, ratios[i][0], ratios[i][1]);
        const int height = picture_exact_source(place.height, ratios[i][0], ratios[i][1]);
        if (width > 0 && height > 0 && width <= crop->width && height <= crop->height &&
            width * 20 >= crop->width * 19 && height * 20 >= crop->height * 19) {
            crop->width = width;
            crop->height = height;
            return;
        }
    }
}

static PictureFit picture_fit_cover(int width, int height, VideoRect place)
{
    VideoRect crop = { 0, 0, width, height };
    if ((gint64)width * place.height > (gint64)height * place.width)
        crop.width =
            (int)(((gint64)height * place.width / place.height + 1) & ~G_GINT64_CONSTANT(1));
    else
        crop.height =
            (int)(((gint64)width * place.height / place.width + 1) & ~G_GINT64_CONSTANT(1));
    crop.width = CLAMP(crop.width, 1, width);
    crop.height = CLAMP(crop.height, 1, height);
    picture_snap(&crop, place);
    crop.x = ((width - crop.width) / 2) & ~1;
    crop.y = ((height - crop.height) / 2) & ~1;
    return (PictureFit){ crop, place };
}

static PictureFit picture_fit_contain(int width, int height, VideoRect place)
{
    VideoRect target = place;
    if ((gint64)width * place.height > (gint64)height * place.width)
        target.height = (int)((gint64)place.width * height / width + 1) & ~1;
    else
        target.width = (int)((gint64)place.height * width / height + 1) & ~1;
    target.width = CLAMP(target.width, 2, place.width);
    target.height = CLAMP(target.height, 2, place.height);
    /* Hairlines beside a picture look like a fault: so little distortion does not show. */
    if (target.width * 33 >= place.width * 32 && target.height * 33 >= place.height * 32)
        target = place;
    target.x += ((place.width - target.width) / 2) & ~1;
    target.y += ((place.height - target.height) / 2) & ~1;
    return (PictureFit){ { 0, 0, width, height }, target };
}

PictureFit picture_fit(LayoutFit fit, int source_width, int source_height, VideoRect place)
{
    if (fit == LAYOUT_FIT_COVER)
        return picture_fit_cover(source_width, source_height, place);
    if (fit == LAYOUT_FIT_CONTAIN)
        return picture_fit_contain(source_width, source_height, place);
    return (PictureFit){ { 0, 0, source_width, source_height }, place };
}

/* libyuv has kernels of its own for these. */
static gboolean plane_ratio_is_special(const Plane *from, const Plane *to)
{
    static const int ratios[][2] = { { 1, 1 }, { 3, 4 }, { 1, 2 }, { 1, 4 }, { 2, 1 } };
    for (guint i = 0; i < G_N_ELEMENTS(ratios); i++) {
        if (from->width * ratios[i][0] == to->width * ratios[i][1] &&
            from->height * ratios[i][0] == to->height * ratios[i][1])
            return TRUE;
    }
    return FALSE;
}

/* Bilinear reads two pixels of each axis: what is further apart than that must shrink first. */
static Plane plane_halve(PictureScratch *scratch, Plane from, const Plane *to)
{
    for (guint turn = 0; from.width > 2 * to->width || from.height > 2 * to->height; turn ^= 1) {
        Plane half = from;
        if (from.width > 2 * to->width)
            half.width = from.width / 2;
        if (from.height > 2 * to->height)
            half.height = from.height / 2;
        half.stride = half.width;
        half.data = block_reserve(&scratch->half[turn], (gsize)half.width * half.height + ROW_PAD);
        /* An odd last row or column is left out: only at exactly 2:1 libyuv is fast. */
        const int width = half.width < from.width ? half.width * 2 : from.width;
        const int height = half.height < from.height ? half.height * 2 : from.height;
        ScalePlane(from.data, from.stride, width, height, half.data, half.stride, half.width,
                   half.height, kFilterBox);
        from = half;
    }
    return from;
}

static const ScaleTable *plane_table(ScaleTable **table, int source, int target)
{
    if (!*table || scale_table_source(*table) != source || scale_table_target(*table) != target) {
        scale_table_free(*table);
        *table = scale_table_new(source, target);
    }
    return *table;
}

static void plane_scale_bilinear(ScaleTable **cached, PictureScratch *scratch, const Plane *from,
                                 const Plane *to)
{
    const ScaleOps *ops = scale_ops_best();
    const ScaleTable *table = plane_table(cached, from->width, to->width);
    guint8 *blended = block_reserve(&scratch->row, (gsize)from->width + ROW_PAD);
    guint8 *out = to->data;
    for (int y = 0; y < to->height; y++, out += to->stride) {
        const ScalePoint point = scale_point(y, from->height, to->height);
        const guint8 *above = from->data + (gsize)point.at * from->stride;
        const guint8 *below = point.weight ? above + from->stride : above;
        if (point.weight == 0 && from->width >= SCALE_ROW_MIN) {
            ops->columns(out, above, table);
        } else {
            ops->rows(blended, above, below, point.weight, (gsize)from->width);
            ops->columns(out, blended, table);
        }
    }
}

static void plane_scale(ScaleTable **cached, PictureScratch *scratch, Plane from, const Plane *to)
{
    if (!plane_ratio_is_special(&from, to))
        from = plane_halve(scratch, from, to);
    if (plane_ratio_is_special(&from, to))
        ScalePlane(from.data, from.stride, from.width, from.height, to->data, to->stride, to->width,
                   to->height, kFilterBox);
    else
        plane_scale_bilinear(cached, scratch, &from, to);
}

static void picture_planes(const AVFrame *frame, Plane planes[3])
{
    for (int i = 0; i < 3; i++) {
        planes[i].data = frame->data[i];
        planes[i].stride = frame->linesize[i];
        planes[i].width = i ? (frame->width + 1) / 2 : frame->width;
        planes[i].height = i ? (frame->height + 1) / 2 : frame->height;
    }
}

static void picture_turn(PictureScratch *scratch, Plane planes[3], int quarter_turns)
{
    Plane turned[3];
    gsize size = 0;
    for (int i = 0; i < 3; i++) {
        turned[i].width = quarter_turns & 1 ? planes[i].height : planes[i].width;
        turned[i].height = quarter_turns & 1 ? planes[i].width : planes[i].height;
        turned[i].stride = turned[i].width;
        size += (gsize)turned[i].width * turned[i].height;
    }
    guint8 *data = block_reserve(&scratch->turned, size + ROW_PAD);
    for (int i = 0; i < 3; i++) {
        turned[i].data = data;
        data += (gsize)turned[i].width * turned[i].height;
    }
    I420Rotate(planes[0].data, planes[0].stride, planes[1].data, planes[1].stride, planes[2].data,
               planes[2].stride, turned[0].data, turned[0].stride, turned[1].data, turned[1].stride,
               turned[2].data, turned[2].stride, planes[0].width, planes[0].height,
               (enum RotationMode)(quarter_turns * 90));
    memcpy(planes, turned, sizeof turned);
}

/* The part of a plane that a rectangle of the picture means. */
static Plane picture_part(const Plane *plane, VideoRect rect, int shift)
{
    const int round = shift;
    Plane part = *plane;
    part.data += (gsize)(rect.y >> shift) * plane->stride + (rect.x >> shift);
    part.width = (rect.width + round) >> shift;
    part.height = (rect.height + round) >> shift;
    return part;
}

static void picture_letterbox(Canvas *canvas, const PicturePlace *place, VideoRect target)
{
    const VideoRect whole = place->place;
    const int right = target.x + target.width, bottom = target.y + target.height;
    const VideoRect bars[] = {
        { whole.x, whole.y, whole.width, target.y - whole.y },
        { whole.x, bottom, whole.width, whole.y + whole.height - bottom },
        { whole.x, target.y, target.x - whole.x, target.height },
        { right, target.y, whole.x + whole.width - right, target.height },
    };
    for (guint i = 0; i < G_N_ELEMENTS(bars); i++) {
        if (!video_rect_is_empty(bars[i]))
            canvas_fill(canvas, bars[i], place->letterbox);
    }
}

void picture_draw(PictureScaler *scaler, PictureScratch *scratch, const AVFrame *frame,
                  const PicturePlace *place, Canvas *canvas)
{
    Plane source[3], target[3];
    picture_planes(frame, source);
    if (place->rotation & 3)
        picture_turn(scratch, source, place->rotation & 3);
    picture_planes(canvas->frame, target);

    const PictureFit fit = picture_fit(place->fit, source[0].width, source[0].height, place->place);
    picture_letterbox(canvas, place, fit.target);
    for (int i = 0; i < 3; i++) {
        const int shift = i ? 1 : 0;
        const Plane to = picture_part(&target[i], fit.target, shift);
        plane_scale(&scaler->table[shift], scratch, picture_part(&source[i], fit.crop, shift), &to);
    }
}
