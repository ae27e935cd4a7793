#include "codecs/bt709.h"

#include <string.h>

/* What is to be added, with 9 fraction bits, so that all fits into 16: Y' = Y + Y_CB Cb + Y_CR Cr,
 * and so on; Cb and Cr around zero. Both matrices keep grey. */
#define SHIFT 9
#define HALF  (1 << (SHIFT - 1))
#define Y_CB  51
#define Y_CR  98
#define CB_CB (-5)
#define CB_CR (-57)
#define CR_CB (-37)
#define CR_CR (-9)

#define BLOCK 16 /* columns of chroma */

static inline gint16 weighed(gint16 cb, gint16 by_cb, gint16 cr, gint16 by_cr)
{
    gint16 sum = (gint16)((gint16)(cb * by_cb) + (gint16)(cr * by_cr) + HALF);
    return (gint16)(sum >> SHIFT);
}

static inline guint8 clamped(gint16 value)
{
    return (guint8)CLAMP(value, 0, 255);
}

/* A block of chroma, in place; luma gets what is to be added to the two columns over each. */
static void convert_chroma(guint8 *blue, guint8 *red, gint16 *luma)
{
    for (gint i = 0; i < BLOCK; i++) {
        gint16 cb = (gint16)(blue[i] - 128), cr = (gint16)(red[i] - 128);
        luma[2 * i] = luma[2 * i + 1] = weighed(cb, Y_CB, cr, Y_CR);
        blue[i] = clamped((gint16)(blue[i] + weighed(cb, CB_CB, cr, CB_CR)));
        red[i] = clamped((gint16)(red[i] + weighed(cb, CR_CB, cr, CR_CR)));
    }
}

static inline void convert_luma(const guint8 *from, guint8 *to, const gint16 *add, gsize n)
{
    guint8 luma[2 * BLOCK] = { 0 };
    memcpy(luma, from, n);
    for (gint i = 0; i < 2 * BLOCK; i++)
        luma[i] = clamped((gint16)(luma[i] + add[i]));
    memcpy(to, luma, n);
}

/* A row of chroma and the one or two of luma over it. */
typedef struct {
    const guint8 *y[2], *cb, *cr;
    guint8 *to_y[2], *to_cb, *to_cr;
    gboolean two;
} Rows;

/* n columns of luma from 2 * x on, at most a block. */
static inline void convert_block(const Rows *rows, gint x, gsize n)
{
    guint8 blue[BLOCK] = { 0 }, red[BLOCK] = { 0 };
    gint16 add[2 * BLOCK];
    memcpy(blue, rows->cb + x, (n + 1) / 2);
    memcpy(red, rows->cr + x, (n + 1) / 2);
    convert_chroma(blue, red, add);
    memcpy(rows->to_cb + x, blue, (n + 1) / 2);
    memcpy(rows->to_cr + x, red, (n + 1) / 2);
    convert_luma(rows->y[0] + 2 * x, rows->to_y[0] + 2 * x, add, n);
    if (rows->two)
        convert_luma(rows->y[1] + 2 * x, rows->to_y[1] + 2 * x, add, n);
}

static Rows rows_of(const AVFrame *picture, const AVFrame *out, gint row)
{
    const gint *stride = picture->linesize, *to_stride = out->linesize;
    const guint8 *y = picture->data[0] + 2 * row * stride[0];
    guint8 *to_y = out->data[0] + 2 * row * to_stride[0];
    return (Rows){ .y = { y, y + stride[0] },
                   .cb = picture->data[1] + row * stride[1],
                   .cr = picture->data[2] + row * stride[2],
                   .to_y = { to_y, to_y + to_stride[0] },
                   .to_cb = out->data[1] + row * to_stride[1],
                   .to_cr = out->data[2] + row * to_stride[2],
                   .two = 2 * row + 1 < picture->height };
}

void bt709_to_bt601(const AVFrame *picture, AVFrame *out)
{
    for (gint row = 0; 2 * row < picture->height; row++) {
        const Rows rows = rows_of(picture, out, row);
        gint x = 0;
        /* A size that the compiler knows becomes vectors. */
        for (; 2 * (x + BLOCK) <= picture->width; x += BLOCK)
            convert_block(&rows, x, 2 * BLOCK);
        if (2 * x < picture->width)
            convert_block(&rows, x, (gsize)(picture->width - 2 * x));
    }
}
