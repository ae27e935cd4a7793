#include "mixer/banner.h"

#include <math.h>

#include "mixer/logo.h"
#include "mixer/picture.h"
#include "mixer/text.h"

#define MAX_CHARS        300
#define MAX_TICKER_CHARS 2000
#define MAX_STRIP        8192 /* pixels of a ticker's text */
#define TEXT_SHARE       0.54 /* of the height */
#define NS               G_GINT64_CONSTANT(1000000000)

struct Banner {
    gboolean wanted;
    CompositorOverlay look; /* its text and image are held */
    VideoRect rect;
    gboolean is_bar; /* from edge to edge of the canvas */

    /* made from it */
    gboolean rendered;
    Overlay *ground;  /* of a ticker, or NULL */
    Overlay *drawing; /* all else, or the ticker's text; or NULL */
    VideoRect place;  /* of the drawing */
    int offset, loop; /* of a ticker: how far it has gone, pixels of a round */

    Under under;
    gboolean changed;
};

Banner *banner_new(void)
{
    return g_new0(Banner, 1);
}

static void banner_clear(Banner *banner)
{
    g_clear_pointer(&banner->ground, overlay_unref);
    g_clear_pointer(&banner->drawing, overlay_unref);
    banner->rendered = FALSE;
    image_unref((Image *)banner->look.image);
    g_free((char *)banner->look.text);
    banner->look = (CompositorOverlay){ 0 };
}

void banner_free(Banner *banner)
{
    if (!banner)
        return;
    banner_clear(banner);
    under_clear(&banner->under);
    g_free(banner);
}

static gboolean banner_same(const Banner *banner, const CompositorOverlay *look, VideoRect rect)
{
    const CompositorOverlay *now = &banner->look;
    return video_rect_equal(banner->rect, rect) && now->image == look->image &&
           now->opacity == look->opacity && g_strcmp0(now->text, look->text) == 0 &&
           now->scroll_px_per_s == look->scroll_px_per_s && now->align == look->align &&
           now->colour_rgb == look->colour_rgb && now->background_rgb == look->background_rgb &&
           now->background_alpha == look->background_alpha;
}

void banner_set(Banner *banner, const CompositorOverlay *look, VideoRect rect, int canvas_width)
{
    const gboolean wanted = look && !video_rect_is_empty(rect);
    if (wanted == banner->wanted && (!wanted || banner_same(banner, look, rect)))
        return;
    banner->changed = TRUE;
    banner->wanted = wanted;
    banner->rect = wanted ? rect : (VideoRect){ 0, 0, 0, 0 };
    Image *image = wanted && look->image ? image_ref((Image *)look->image) : NULL;
    char *text = wanted ? g_strdup(look->text) : NULL;
    banner_clear(banner);
    if (!wanted)
        return;
    banner->look = *look;
    banner->look.image = image;
    banner->look.text = text;
    banner->is_bar = rect.x == 0 && rect.width >= canvas_width;
}

static gboolean banner_scrolls(const Banner *banner)
{
    return !banner->look.image && banner->look.scroll_px_per_s > 0;
}

static void banner_render_image(Banner *banner)
{
    const Image *image = banner->look.image;
    const PictureFit fit =
        picture_fit(LAYOUT_FIT_CONTAIN, image_width(image), image_height(image), banner->rect);
    banner->place = fit.target;
    banner->drawing = logo_render(image, fit.target.width, fit.target.height, banner->look.opacity);
}

static void banner_paint_ground(const Banner *banner, cairo_t *cairo, int width, int height)
{
    if (banner->is_bar)
        cairo_rectangle(cairo, 0, 0, width, height);
    else
        overlay_rounded_rect(cairo, width, height, MIN(width, height) * 0.26);
    overlay_set_colour(cairo, banner->look.background_rgb, banner->look.background_alpha / 255.0);
    cairo_fill(cairo);
}

static double banner_text_px(const Banner *banner)
{
    return MAX(banner->rect.height * TEXT_SHARE, 4);
}

static int banner_even_up(double size)
{
    return (int)ceil(size / 2) * 2;
}

static double banner_aligned(LayoutAlign align, double room, double width)
{
    if (align == LAYOUT_ALIGN_START)
        return 0;
    return align == LAYOUT_ALIGN_END ? room - width : (room - width) / 2;
}

/* A bar fills its rectangle, a chip is as wide as its text. */
static void banner_render_text(Banner *banner)
{
    const VideoRect rect = banner->rect;
    g_autofree char *clean = text_clean(banner->look.text, MAX_CHARS);
    const double px = banner_text_px(banner);
    const double padding = banner->look.background_alpha ? px * 0.62 : 0;
    if ((!*clean && !banner->is_bar) || rect.width < 2 * padding + 2)
        return;
    TextLine line = text_line_begin(clean, px);
    text_line_limit(&line, rect.width - 2 * padding);
    const TextExtents text = text_line_extents(&line, FALSE);
    const int chip = MIN(banner_even_up(text.width + 2 * padding), rect.width);
    const int width = banner->is_bar ? rect.width : chip;
    const int x = (int)banner_aligned(banner->look.align, rect.width, width) & ~1;
    banner->place = (VideoRect){ rect.x + x, rect.y, width, rect.height };
    cairo_t *cairo = overlay_canvas_new(width, rect.height);
    banner_paint_ground(banner, cairo, width, rect.height);
    const double at = padding + banner_aligned(banner->look.align, width - 2 * padding, text.width);
    text_line_draw(&line, cairo, at - text.x, (rect.height - text.height) / 2 - text.y,
                   banner->look.colour_rgb);
    text_line_end(&line);
    banner->drawing = overlay_from_cairo(cairo);
}

static void banner_render_ticker(Banner *banner)
{
    const VideoRect rect = banner->rect;
    if (banner->look.background_alpha) {
        cairo_t *cairo = overlay_canvas_new(rect.width, rect.height);
        banner_paint_ground(banner, cairo, rect.width, rect.height);
        banner->ground = overlay_from_cairo(cairo);
    }
    g_autofree char *clean = text_clean(banner->look.text, MAX_TICKER_CHARS);
    if (!*clean)
        return;
    TextLine line = text_line_begin(clean, banner_text_px(banner));
    text_line_limit(&line, MAX_STRIP - 4);
    const TextExtents text = text_line_extents(&line, FALSE);
    const int width = CLAMP(banner_even_up(text.width + 2), 2, MAX_STRIP);
    cairo_t *cairo = overlay_canvas_new(width, rect.height);
    text_line_draw(&line, cairo, 1 - text.x, (rect.height - text.height) / 2 - text.y,
                   banner->look.colour_rgb);
    text_line_end(&line);
    banner->drawing = overlay_from_cairo(cairo);
    banner->loop = MAX(width + 2 * rect.height, rect.width + rect.height);
    banner->loop += banner->loop & 1;
}

static void banner_render(Banner *banner)
{
    if (banner->look.image)
        banner_render_image(banner);
    else if (banner_scrolls(banner))
        banner_render_ticker(banner);
    else
        banner_render_text(banner);
    banner->rendered = TRUE;
}

void banner_tick(Banner *banner, gint64 now_ns)
{
    if (!banner->wanted)
        return;
    if (!banner->rendered)
        banner_render(banner);
    if (!banner_scrolls(banner) || !banner->drawing)
        return;
    const int speed = banner->look.scroll_px_per_s;
    const gint64 round_ns = MAX((gint64)banner->loop * NS / speed, 1);
    const int offset = (int)(MAX(now_ns, 0) % round_ns * speed / NS) & ~1;
    if (offset != banner->offset)
        banner->changed = TRUE;
    banner->offset = offset;
}

gboolean banner_is_changed(const Banner *banner)
{
    return banner->changed;
}

gboolean banner_overlaps(const Banner *banner, VideoRect rect)
{
    return (banner->wanted && video_rect_overlap(banner->rect, rect)) ||
           (!video_rect_is_empty(banner->under.rect) &&
            video_rect_overlap(banner->under.rect, rect));
}

gboolean banner_overlaps_banner(const Banner *banner, const Banner *other)
{
    return (other->wanted && banner_overlaps(banner, other->rect)) ||
           (!video_rect_is_empty(other->under.rect) && banner_overlaps(banner, other->under.rect));
}

void banner_remove(Banner *banner, Canvas *canvas)
{
    under_restore(&banner->under, canvas);
    if (banner->changed)
        canvas_mark(canvas, banner->under.rect);
    under_drop(&banner->under);
}

static void banner_draw_ticker(const Banner *banner, Canvas *canvas)
{
    const VideoRect rect = banner->rect;
    const int inset = banner->is_bar ? 0 : MIN(rect.height / 4 & ~1, rect.width / 4 & ~1);
    const VideoRect clip = { rect.x + inset, rect.y, rect.width - 2 * inset, rect.height };
    if (banner->ground)
        canvas_blend(canvas, banner->ground, rect.x, rect.y, rect);
    for (int x = -banner->offset; banner->drawing && x < rect.width; x += banner->loop)
        canvas_blend(canvas, banner->drawing, rect.x + x, rect.y, clip);
}

void banner_draw(Banner *banner, Canvas *canvas)
{
    if (banner->wanted) {
        under_save(&banner->under, canvas, banner->rect);
        if (banner_scrolls(banner))
            banner_draw_ticker(banner, canvas);
        else if (banner->drawing)
            canvas_blend(canvas, banner->drawing, banner->place.x, banner->place.y, banner->rect);
        if (banner->changed)
            canvas_mark(canvas, banner->rect);
    }
    banner->changed = FALSE;
}
