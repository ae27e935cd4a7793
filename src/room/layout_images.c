#include "room/layout_images.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "mixer/image_scan.h"

#define MAX_NAME      64
#define IDLE_BYTES    (64u << 20) /* of pixels of images that nothing shows */
#define PIXEL_BYTES   (1u << 30)  /* of pixels of all */
#define TIDY_INTERVAL 10          /* seconds */

/* A file as it was last seen. */
typedef struct {
    gint64 mtime_ns, size;
    ImageHeader header; /* type NULL: it is no image */
    Image *image;       /* decoded, or NULL */
    gboolean damaged;   /* it cannot be decoded */
    guint64 shown;      /* when it was last asked for, on LayoutImages.asked */
    guint64 seen;       /* when it was last there, on LayoutImages.lists */
} ImageFile;

struct LayoutImages {
    const Config *config;
    char *directory;
    GHashTable *files; /* name -> ImageFile */
    guint64 asked, lists;
    guint tidy_timer; /* while there is more than IDLE_BYTES, or 0 */
};

static void image_file_free(gpointer data)
{
    ImageFile *file = data;
    image_unref(file->image);
    g_free(file);
}

LayoutImages *layout_images_new(const Config *config, const char *directory)
{
    LayoutImages *images = g_new0(LayoutImages, 1);
    images->config = config;
    images->directory = g_strdup(directory);
    images->files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, image_file_free);
    return images;
}

void layout_images_free(LayoutImages *images)
{
    if (!images)
        return;
    if (images->tidy_timer)
        g_source_remove(images->tidy_timer);
    g_hash_table_unref(images->files);
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

/* --- files ------------------------------------------------------------------------------- */

static gboolean read_at(gpointer user, gsize offset, guint8 *into, gsize size)
{
    const int *descriptor = user;
    return pread(*descriptor, into, size, (off_t)offset) == (gssize)size;
}

static void read_header(const char *path, ImageHeader *header)
{
    int descriptor = g_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    if (descriptor < 0)
        return;
    image_read_header(read_at, &descriptor, header);
    close(descriptor);
}

/* (transfer none) What is known of this image; its header is read if the file is another than
 * before. NULL: there is none. */
static ImageFile *find_file(LayoutImages *images, const char *name)
{
    g_autofree char *path = name_valid(name) ? path_of(images, name) : NULL;
    GStatBuf status;
    if (!path || g_stat(path, &status) != 0 || !S_ISREG(status.st_mode)) {
        g_hash_table_remove(images->files, name);
        return NULL;
    }
    gint64 mtime_ns = status.st_mtim.tv_sec * NS_PER_SEC + status.st_mtim.tv_nsec;
    ImageFile *file = g_hash_table_lookup(images->files, name);
    if (!file || file->mtime_ns != mtime_ns || file->size != (gint64)status.st_size) {
        file = g_new0(ImageFile, 1);
        file->mtime_ns = mtime_ns;
        file->size = (gint64)status.st_size;
        if (status.st_size <= IMAGE_MAX_BYTES)
            read_header(path, &file->header);
        g_hash_table_replace(images->files, g_strdup(name), file);
    }
    file->seen = images->lists;
    return file->header.type ? file : NULL;
}

static GBytes *read_file(const LayoutImages *images, const char *name)
{
    g_autofree char *path = path_of(images, name);
    char *data = NULL;
    gsize size = 0;
    return g_file_get_contents(path, &data, &size, NULL) ? g_bytes_new_take(data, size) : NULL;
}

GBytes *layout_images_file(LayoutImages *images, const char *name, const char **type)
{
    const ImageFile *file = find_file(images, name);
    if (!file)
        return NULL;
    *type = file->header.type;
    return read_file(images, name);
}

/* --- pixels ------------------------------------------------------------------------------ */

/* YUVA420P. */
static guint64 pixel_bytes(const ImageFile *file)
{
    return (guint64)file->header.width * (guint64)file->header.height * 5 / 2;
}

/* Bytes of what is decoded, or only of what nothing shows; *oldest: of these the one that was shown
 * last long ago. */
static guint64 count_pixels(LayoutImages *images, gboolean idle, ImageFile **oldest)
{
    guint64 bytes = 0;
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init(&iter, images->files);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        ImageFile *file = value;
        if (!file->image || (idle && image_is_shared(file->image)))
            continue;
        bytes += pixel_bytes(file);
        if (oldest && (!*oldest || file->shown < (*oldest)->shown))
            *oldest = file;
    }
    return bytes;
}

/* Let go of pixels that nothing shows, until at most so many bytes are left. */
static void keep_idle(LayoutImages *images, guint64 bytes)
{
    ImageFile *oldest = NULL;
    while (count_pixels(images, TRUE, &oldest) > bytes) {
        g_clear_pointer(&oldest->image, image_unref);
        oldest = NULL;
    }
}

static gboolean make_place(LayoutImages *images, const char *name, const ImageFile *file)
{
    guint64 bytes = pixel_bytes(file);
    keep_idle(images, IDLE_BYTES - MIN(bytes, IDLE_BYTES));
    if (count_pixels(images, FALSE, NULL) + bytes <= PIXEL_BYTES)
        return TRUE;
    log_limited(LOG_WARNING, "layout",
                "the image %s is not shown: others that are shown take %u MiB; make them smaller",
                name, PIXEL_BYTES >> 20);
    return FALSE;
}

/* (transfer full) */
static Image *decode_file(const LayoutImages *images, const char *name)
{
    g_autoptr(GBytes) file = read_file(images, name);
    g_autoptr(GError) error = NULL;
    gsize size = 0;
    const guint8 *data = file ? g_bytes_get_data(file, &size) : NULL;
    Image *image = data ? image_decode(data, size, &error) : NULL;
    if (error)
        log_limited(LOG_WARNING, "layout", "the image %s: %s", name, error->message);
    return image;
}

/* Where nobody asks for images, those of scenes that ended go too. */
static gboolean tidy(gpointer data)
{
    LayoutImages *images = data;
    thread_assert_control();
    keep_idle(images, IDLE_BYTES);
    if (count_pixels(images, FALSE, NULL) > IDLE_BYTES)
        return G_SOURCE_CONTINUE;
    images->tidy_timer = 0;
    return G_SOURCE_REMOVE;
}

Image *layout_images_get(LayoutImages *images, const char *name)
{
    ImageFile *file = find_file(images, name);
    if (!file)
        return NULL;
    file->shown = ++images->asked;
    if (file->image || file->damaged || !make_place(images, name, file))
        return file->image;
    file->image = decode_file(images, name);
    file->damaged = !file->image;
    if (!images->tidy_timer && count_pixels(images, FALSE, NULL) > IDLE_BYTES)
        images->tidy_timer = g_timeout_add_seconds(TIDY_INTERVAL, tidy, images);
    return file->image;
}

/* --- adding and deleting ----------------------------------------------------------------- */

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

static gboolean read_bytes(gpointer user, gsize offset, guint8 *into, gsize size)
{
    gsize length = 0;
    const guint8 *data = g_bytes_get_data(user, &length);
    if (offset > length || size > length - offset)
        return FALSE;
    memcpy(into, data + offset, size);
    return TRUE;
}

/* All of it, as it will be before it is shown. */
static gboolean is_image(GBytes *file, GError **error)
{
    gsize size = 0;
    ImageHeader header;
    const guint8 *data = g_bytes_get_data(file, &size);
    g_autoptr(Image) image = image_decode(data, size, error);
    if (!image || image_read_header(read_bytes, file, &header))
        return image != NULL;
    g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                        "too much stands before the image's size: save it once more");
    return FALSE;
}

gboolean layout_images_put(LayoutImages *images, const char *name, GBytes *file, gboolean *made,
                           GError **error)
{
    if (!name_valid(name)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "An image's name has 1 to %d letters, digits, \"_\" or \"-\".", MAX_NAME);
        return FALSE;
    }
    if (!may_add(images, name, g_bytes_get_size(file), error) || !is_image(file, error))
        return FALSE;
    g_autofree char *path = path_of(images, name);
    *made = !g_file_test(path, G_FILE_TEST_EXISTS);
    if (!keep(images, name, file, error))
        return FALSE;
    g_hash_table_remove(images->files, name);
    return TRUE;
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
    g_hash_table_remove(images->files, name);
    return TRUE;
}

/* --- the list ---------------------------------------------------------------------------- */

json_t *layout_images_describe(LayoutImages *images, const char *name)
{
    const ImageFile *file = find_file(images, name);
    if (!file)
        return NULL;
    return json_pack("{s:s, s:s, s:i, s:i, s:I}", "name", name, "type", file->header.type, "width",
                     file->header.width, "height", file->header.height, "bytes",
                     (json_int_t)file->size);
}

static gboolean has_gone(gpointer name, gpointer value, gpointer user)
{
    const ImageFile *file = value;
    const LayoutImages *images = user;
    (void)name;
    return file->seen != images->lists;
}

json_t *layout_images_to_json(LayoutImages *images)
{
    json_t *list = json_array();
    g_autoptr(GPtrArray) names = list_names(images);
    images->lists++;
    for (guint i = 0; i < names->len; i++) {
        json_t *image = layout_images_describe(images, names->pdata[i]);
        if (image)
            json_array_append_new(list, image);
    }
    g_hash_table_foreach_remove(images->files, has_gone, images);
    return list;
}
