#pragma once

#include <libavutil/frame.h>

#include "mixer/canvas.h"
#include "mixer/layout.h"

/* One source picture scaled straight into its place on the canvas: turned, cropped or letterboxed
 * as the fit says. */

/** Working memory, shared by all tiles of a compositor; grows to the largest picture seen. */
typedef struct PictureScratch PictureScratch;

PictureScratch *picture_scratch_new(void);
void picture_scratch_free(PictureScratch *scratch);

/** What is computed once per pair of sizes: one for each tile. */
typedef struct PictureScaler PictureScaler;

PictureScaler *picture_scaler_new(void);
void picture_scaler_free(PictureScaler *scaler);

typedef struct {
    VideoRect place; /* even, inside the canvas */
    LayoutFit fit;
    guint8 rotation;     /* quarter turns clockwise */
    YuvColour letterbox; /* beside a contained picture */
} PicturePlace;

/** TRUE if the frame can be drawn: YUV420P with sides of 1..16384. */
gboolean picture_is_drawable(const AVFrame *frame);

void picture_draw(PictureScaler *scaler, PictureScratch *scratch, const AVFrame *frame,
                  const PicturePlace *place, Canvas *canvas);

/** Which part of a source goes to which part of its place. Pure. */
typedef struct {
    VideoRect crop;   /* of the source; even corner */
    VideoRect target; /* of the canvas; even */
} PictureFit;

/** A covering picture is cropped by up to 5 % more than its shape asks for where that makes its
 *  scale 1, 3/4, 1/2 or 1/4: sharper, and several times cheaper. */
PictureFit picture_fit(LayoutFit fit, int source_width, int source_height, VideoRect place);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(PictureScratch, picture_scratch_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PictureScaler, picture_scaler_free)
