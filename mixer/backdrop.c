#include "mixer/backdrop.h"

#include "mixer/logo.h"

struct Backdrop {
    int width, height;
    guint32 rgb;
    Image *image;   /* or NULL */
    Canvas *scaled; /* the image as it is on the canvas, above the colour */
};

Backdrop *backdrop_new(int width, int height, guint32 rgb)
{
    Backdrop *backdrop = g_new0(Backdrop, 1);
    backdrop->width = width;
    backdrop->height = height;
    backdrop->rgb = rgb;
    return backdrop;
}

void backdrop_free(Backdrop *backdrop)
{
    if (!backdrop)
        return;
    canvas_free(backdrop->scaled);
    image_unref(backdrop->image);
    g_free(backdrop);
}

static void backdrop_scale_opaque(Backdrop *backdrop, VideoRect all)
{
    g_autoptr(PictureScaler) scaler = picture_scaler_new();
    g_autoptr(PictureScratch) scratch = picture_scratch_new();
    const PicturePlace place = { .place = all, .fit = LAYOUT_FIT_COVER };
    picture_draw(scaler, scratch, image_frame(backdrop->image), &place, backdrop->scaled);
}

/* It stands out over two sides of the canvas as far as its shape asks for. */
static void backdrop_scale_alpha(Backdrop *backdrop, VideoRect all)
{
    const gint64 width = image_width(backdrop->image), height = image_height(backdrop->image);
    const gint64 wide = MAX(all.width, all.height * width / height);
    const gint64 high = MAX(all.height, all.width * height / width);
    /* Never more than a stripe of an image that is all length. */
    const int drawn_width = (int)MIN((wide + 1) & ~1, 4 * all.width);
    const int drawn_height = (int)MIN((high + 1) & ~1, 4 * all.height);
    g_autoptr(Overlay) overlay = logo_render(backdrop->image, drawn_width, drawn_height, 255);
    canvas_blend(backdrop->scaled, overlay, -((drawn_width - all.width) / 2 & ~1),
                 -((drawn_height - all.height) / 2 & ~1), all);
}

gboolean backdrop_set(Backdrop *backdrop, guint32 rgb, Image *image)
{
    if (backdrop->rgb == rgb && backdrop->image == image)
        return FALSE;
    Image *old = backdrop->image;
    backdrop->rgb = rgb;
    backdrop->image = image ? image_ref(image) : NULL;
    image_unref(old);
    g_clear_pointer(&backdrop->scaled, canvas_free);
    if (!image)
        return TRUE;
    const VideoRect all = { 0, 0, backdrop->width, backdrop->height };
    backdrop->scaled = canvas_new(backdrop->width, backdrop->height);
    canvas_fill(backdrop->scaled, all, yuv_from_rgb(rgb));
    if (image_is_opaque(image))
        backdrop_scale_opaque(backdrop, all);
    else
        backdrop_scale_alpha(backdrop, all);
    return TRUE;
}

void backdrop_draw(const Backdrop *backdrop, Canvas *canvas, VideoRect rect)
{
    if (backdrop->scaled)
        canvas_copy(canvas, rect, backdrop->scaled->frame);
    else
        canvas_fill(canvas, rect, yuv_from_rgb(backdrop->rgb));
}
