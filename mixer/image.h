#pragma once

#include <glib.h>
#include <libavutil/frame.h>

/* Still pictures: logos and backgrounds that users hand in (PNG or JPEG), and pictures of the
 * canvas for those who ask. Counted and immutable: any thread. */

typedef struct Image Image;

#define IMAGE_MAX_BYTES  (8u << 20)
#define IMAGE_MAX_SIDE   4096
#define IMAGE_MAX_PIXELS (4096 * 2304)

/** Decode a PNG or JPEG. Its size is read and checked before anything is decoded. Errors:
 *  TESSERA_ERROR_TOO_LARGE, _UNSUPPORTED (neither PNG nor JPEG), _INVALID (damaged). */
Image *image_decode(const guint8 *data, gsize size, GError **error);

Image *image_ref(Image *image);
void image_unref(Image *image);
/** TRUE while somebody beside the caller holds it. Where only the caller can hand it on, FALSE
 * stays so. */
gboolean image_is_shared(const Image *image);

int image_width(const Image *image);
int image_height(const Image *image);
/** (transfer none) YUVA420P, BT.601, limited range, as all canvases. */
const AVFrame *image_frame(const Image *image);

/** TRUE if nothing shows through it. */
gboolean image_is_opaque(const Image *image);
/** A number that no other image of this process has or had. */
guint64 image_serial(const Image *image);

typedef enum { IMAGE_PNG, IMAGE_JPEG } ImageFormat;

/** (transfer full) A YUV420P picture (BT.601, limited range) as a file, or NULL with an error. */
GBytes *image_encode(const AVFrame *frame, ImageFormat format, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Image, image_unref)
