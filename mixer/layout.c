#include "mixer/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "mixer/layout_document.h"

#define MAX_NAME 64
#define MAX_SIDE 1920

Layout *layout_ref(Layout *layout)
{
    g_atomic_ref_count_inc(&layout->refs);
    return layout;
}

void layout_unref(Layout *layout)
{
    if (!layout || !g_atomic_ref_count_dec(&layout->refs))
        return;
    g_ptr_array_unref(layout->arrays);
    g_ptr_array_unref(layout->images);
    g_string_chunk_free(layout->strings);
    g_free(layout->json);
    g_free(layout);
}

/* The file's bytes, at most one more than a layout may have. */
static GByteArray *layout_read(const char *path, GError **error)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) < 0 || !S_ISREG(info.st_mode)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND,
                    "%s: cannot be read (%s): check the path and its permissions", path,
                    fd < 0 ? g_strerror(errno) : "it is no file");
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    g_autoptr(GByteArray) bytes = g_byte_array_sized_new(LAYOUT_MAX_SIZE + 1);
    g_byte_array_set_size(bytes, LAYOUT_MAX_SIZE + 1);
    gsize filled = 0;
    ssize_t got = 1;
    while (got > 0 && filled < bytes->len) {
        got = read(fd, bytes->data + filled, bytes->len - filled);
        filled += got > 0 ? (gsize)got : 0;
    }
    close(fd);
    g_byte_array_set_size(bytes, (guint)filled);
    return g_steal_pointer(&bytes);
}

Layout *layout_load(const char *path, GError **error)
{
    g_autoptr(GByteArray) bytes = layout_read(path, error);
    if (!bytes)
        return NULL;
    Layout *layout = layout_parse((const char *)bytes->data, bytes->len, error);
    if (!layout)
        g_prefix_error(error, "%s: ", path);
    return layout;
}

const char *layout_name(const Layout *layout)
{
    return layout->name;
}

const char *layout_description(const Layout *layout)
{
    return layout->description;
}

const char *layout_json(const Layout *layout)
{
    return layout->json;
}

gboolean layout_name_reserved(const char *name)
{
    static const char *const reserved[] = { "schema", "room", "-", NULL };
    return g_strv_contains(reserved, name);
}

gboolean layout_name_valid(const char *name)
{
    const gsize length = strnlen(name, MAX_NAME + 1);
    gboolean good = length >= 1 && length <= MAX_NAME && !layout_name_reserved(name);
    for (gsize i = 0; good && i < length; i++)
        good = g_ascii_isalnum(name[i]) || strchr("_-+", name[i]);
    return good;
}

void layout_canvas(const Layout *layout, int room_width, int room_height, int *width, int *height)
{
    const LayoutAspect shape =
        layout->aspect.width ? layout->aspect : (LayoutAspect){ room_width, room_height };
    const int longer = MAX(shape.width, shape.height), shorter = MIN(shape.width, shape.height);
    /* Two sides in the ratio longer:shorter, the shorter as the room's, the longer at most 1920. */
    const int side = MIN(room_width, room_height);
    const int across = (int)MIN((gint64)side * longer / shorter, MAX_SIDE);
    const int beside = (int)MIN((gint64)MAX_SIDE * shorter / longer, side);
    *width = MAX(shape.width >= shape.height ? across : beside, 2) & ~1;
    *height = MAX(shape.width >= shape.height ? beside : across, 2) & ~1;
}

static gboolean layout_variant_applies(const LayoutVariant *variant, guint people, guint screens)
{
    return people >= variant->min_people && people <= variant->max_people &&
           !(variant->needs_screen && screens == 0) && !(variant->needs_no_screen && screens > 0);
}

const LayoutVariant *layout_variant_of(const Layout *layout, const LayoutSource *sources, guint n)
{
    guint screens = 0;
    for (guint i = 0; i < n; i++)
        screens += sources[i].is_screen ? 1 : 0;
    for (guint i = 0; i < layout->n_variants; i++) {
        if (layout_variant_applies(&layout->variants[i], n - screens, screens))
            return &layout->variants[i];
    }
    return NULL;
}

const char *layout_delegate(const Layout *layout, const LayoutSource *sources, guint n)
{
    const LayoutVariant *variant = layout_variant_of(layout, sources, n);
    return variant ? variant->use : NULL;
}

void layout_each_image(const Layout *layout, LayoutImageFunc func, gpointer user)
{
    for (guint i = 0; i < layout->images->len; i++)
        func(g_ptr_array_index(layout->images, i), user);
}
