#include "room/layout_images.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "mixer/image_scan.h"

#define MAX_NAME 64

/* A file as it was last decoded. */
typedef struct {
    Image *image; /* NULL: it is wrong */
    gint64 mtime_ns, size;
} Decoded;

struct LayoutImages {
    const Config *config;
    char *directory;
    GHashTable *decoded; /* name -> Decoded: those that layouts show */
};

static void decoded_free(gpointer data)
{
    Decoded *decoded = data;
    image_unref(decoded->image);
    g_free(decoded);
}

LayoutImages *layout_images_new(const Config *config, const char *directory)
{
    LayoutImages *images = g_new0(LayoutImages, 1);
    images->config = config;
    images->directory = g_strdup(directory);
    images->decoded = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, decoded_free);
    return images;
}

void layout_images_free(LayoutImages *images)
{
    if (!images)
        return;
    g_hash_table_unref(images->decoded);
    g_free(images->directory);
    g_free(images);
}

/* The name is a file name: nothing that leads elsewhere. */
static gboolean name_valid(const char *name)
{
    gsize length = strlen(name);
    for (gsize i = 0; i < length; i++) {
        if (!g_ascii_isalnum(name[i]) && name[i] != '_' && name[i] != '-')
            return FALSE;
    }
    return length >= 1 && length <= MAX_NAME;
}

static char *path_of(const LayoutImages *images, const char *name)
{
    return g_build_filename(images->directory, name, NULL);
}

GBytes *layout_images_file(LayoutImages *images, const char *name)
{
    char *data = NULL;
    gsize size = 0;
    if (!name_valid(name))
        return NULL;
    g_autofree char *path = path_of(images, name);
    GStatBuf status;
    if (g_stat(path, &status) != 0 || status.st_size > IMAGE_MAX_BYTES ||
        !g_file_get_contents(path, &data, &size, NULL))
        return NULL;
    return g_bytes_new_take(data, size);
}

/* (transfer full) */
static Image *decode_file(LayoutImages *images, const char *name)
{
    g_autoptr(GBytes) file = layout_images_file(images, name);
    g_autoptr(GError) error = NULL;
    gsize size = 0;
    const guint8 *data = file ? g_bytes_get_data(file, &size) : NULL;
    Image *image = data ? image_decode(data, size, &error) : NULL;
    if (error)
        log_limited(LOG_WARNING, "layout", "the image %s: %s", name, error->message);
    return image;
}

Image *layout_images_get(LayoutImages *images, const char *name)
{
    g_autofree char *path = name_valid(name) ? path_of(images, name) : NULL;
    GStatBuf status;
    if (!path || g_stat(path, &status) != 0) {
        g_hash_table_remove(images->decoded, name);
        return NULL;
    }
    gint64 mtime_ns = status.st_mtim.tv_sec * NS_PER_SEC + status.st_mtim.tv_nsec;
    Decoded *known = g_hash_table_lookup(images->decoded, name);
    if (known && known->mtime_ns == mtime_ns && known->size == (gint64)status.st_size)
        return known->image;
    known = g_new(Decoded, 1);
    *known = (Decoded){ decode_file(images, name), mtime_ns, (gint64)status.st_size };
    g_hash_table_replace(images->decoded, g_strdup(name), known);
    return known->image;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static GPtrArray *list_names(const LayoutImages *images)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    GDir *dir = g_dir_open(images->directory, 0, NULL);
    const char *file;
    while (dir && (file = g_dir_read_name(dir))) {
        if (name_valid(file))
            g_ptr_array_add(names, g_strdup(file));
    }
    if (dir)
        g_dir_close(dir);
    g_ptr_array_sort(names, compare_names);
    return names;
}

static gboolean may_add(LayoutImages *images, const char *name, gsize size, GError **error)
{
    g_autoptr(GPtrArray) names = list_names(images);
    gint64 limit = config_int(images->config, "layout.max_images");
    gint64 max_bytes = config_int(images->config, "layout.max_image_bytes");
    g_autofree char *path = path_of(images, name);
    if ((gint64)size > max_bytes) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_TOO_LARGE,
                    "The image has more than %d bytes (layout.max_image_bytes): make it smaller.",
                    (int)max_bytes);
        return FALSE;
    }
    if (names->len >= limit && !g_file_test(path, G_FILE_TEST_EXISTS)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                    "There are %d images already (layout.max_images): delete one first.",
                    (int)limit);
        return FALSE;
    }
    return TRUE;
}

static gboolean keep(const LayoutImages *images, const char *name, GBytes *file, GError **error)
{
    gsize size = 0;
    const char *data = g_bytes_get_data(file, &size);
    g_autofree char *path = path_of(images, name);
    g_autoptr(GError) problem = NULL;
    if (g_mkdir_with_parents(images->directory, 0750) == 0 &&
        g_file_set_contents(path, data, (gssize)size, &problem))
        return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INTERNAL, "The image cannot be kept in %s: %s",
                path, problem ? problem->message : g_strerror(errno));
    return FALSE;
}

gboolean layout_images_put(LayoutImages *images, const char *name, GBytes *file, gboolean *made,
                           GError **error)
{
    gsize size = 0;
    const guint8 *data = g_bytes_get_data(file, &size);
    if (!name_valid(name)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "An image's name has 1 to %d letters, digits, \"_\" or \"-\".", MAX_NAME);
        return FALSE;
    }
    if (!may_add(images, name, size, error))
        return FALSE;
    g_autoptr(Image) image = image_decode(data, size, error);
    if (!image)
        return FALSE;
    g_autofree char *path = path_of(images, name);
    *made = !g_file_test(path, G_FILE_TEST_EXISTS);
    return keep(images, name, file, error);
}

gboolean layout_images_delete(LayoutImages *images, const char *name, GError **error)
{
    g_autofree char *path = name_valid(name) ? path_of(images, name) : NULL;
    if (!path || !g_file_test(path, G_FILE_TEST_EXISTS)) {
        g_autofree char *asked = g_utf8_make_valid(name, (gssize)MIN(strlen(name), MAX_NAME));
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND, "There is no image \"%s\".",
                    asked);
        return FALSE;
    }
    if (g_unlink(path) != 0) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INTERNAL, "%s cannot be deleted: %s.", path,
                    g_strerror(errno));
        return FALSE;
    }
    g_hash_table_remove(images->decoded, name);
    return TRUE;
}

/* (transfer full) What the header says, without decoding; NULL: it is no image. */
static json_t *describe(LayoutImages *images, const char *name)
{
    g_autoptr(GBytes) file = layout_images_file(images, name);
    ImageScan scan = { 0 };
    gsize size = 0;
    const guint8 *data = file ? g_bytes_get_data(file, &size) : NULL;
    if (!data || !image_scan(data, size, &scan, NULL))
        return NULL;
    g_byte_array_unref(scan.file);
    return json_pack("{s:s, s:s, s:i, s:i, s:I}", "name", name, "type",
                     scan.kind == IMAGE_SCAN_PNG ? "image/png" : "image/jpeg", "width", scan.width,
                     "height", scan.height, "bytes", (json_int_t)size);
}

json_t *layout_images_to_json(LayoutImages *images)
{
    json_t *list = json_array();
    g_autoptr(GPtrArray) names = list_names(images);
    for (guint i = 0; i < names->len; i++) {
        json_t *image = describe(images, names->pdata[i]);
        if (image)
            json_array_append_new(list, image);
    }
    return list;
}
