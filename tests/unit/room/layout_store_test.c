#include "room/layout_store.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/log.h"

#define MINE "{\"name\": \"mine\", \"regions\": [{\"fill\": \"rest\"}]}"

typedef struct {
    char *shipped, *state;
    Config *config;
    LayoutStore *store;
    guint changes;
} Fixture;

static void write_file(const char *directory, const char *file, const char *text)
{
    g_autofree char *path = g_build_filename(directory, file, NULL);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void on_changed(const char *name, gpointer user)
{
    (void)name;
    ((Fixture *)user)->changes++;
}

static LayoutStore *open_store(Fixture *fixture) ON_CONTROL_THREAD;
static LayoutStore *open_store(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    LayoutStore *store = layout_store_new(fixture->config, fixture->shipped, &error);
    g_assert_no_error(error);
    layout_store_watch(store, on_changed, fixture);
    return store;
}

static void set_up(Fixture *fixture, gconstpointer data)
{
    (void)data;
    thread_set_roles(THREAD_ALL);
    thread_assert_control();
    log_set_level(LOG_ERROR);
    fixture->shipped = g_dir_make_tmp("tessera-layouts-XXXXXX", NULL);
    fixture->state = g_dir_make_tmp("tessera-state-XXXXXX", NULL);
    fixture->config = config_new();
    g_autofree char *setting = g_strdup_printf("layout.state_dir=%s", fixture->state);
    g_assert_true(config_set(fixture->config, setting, NULL));
    g_assert_true(config_set(fixture->config, "layout.max_documents=3", NULL));
    write_file(fixture->shipped, "grid.json",
               "{\"name\": \"grid\", \"description\": \"All.\", \"regions\": [{\"fill\": "
               "\"rest\"}]}");
    write_file(fixture->shipped, "schema.json", "{}");
    fixture->store = open_store(fixture);
}

static void remove_directory(char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        char *entry = g_build_filename(path, name, NULL);
        if (g_file_test(entry, G_FILE_TEST_IS_DIR)) {
            remove_directory(entry);
        } else {
            g_unlink(entry);
            g_free(entry);
        }
    }
    if (dir)
        g_dir_close(dir);
    g_rmdir(path);
    g_free(path);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
    (void)data;
    thread_assert_control();
    layout_store_free(fixture->store);
    config_free(fixture->config);
    remove_directory(fixture->shipped);
    remove_directory(fixture->state);
}

static gboolean put(Fixture *fixture, const char *name, const char *json, gboolean *made,
                    GError **error)
{
    thread_assert_control();
    return layout_store_put(fixture->store, name, json, strlen(json), made, error);
}

static void test_shipped(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    (void)data;
    thread_assert_control();
    g_assert_nonnull(layout_store_get(fixture->store, "grid", &error));
    g_assert_null(layout_store_get(fixture->store, "gird", &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND);
    g_assert_nonnull(strstr(error->message, "grid"));
    g_clear_error(&error);
    g_assert_false(layout_store_delete(fixture->store, "grid", &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_CONFLICT);
}

static void test_put_keep_and_delete(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    gboolean made = FALSE;
    (void)data;
    thread_assert_control();
    g_assert_true(put(fixture, "mine", MINE, &made, &error));
    g_assert_true(made);
    g_assert_cmpuint(fixture->changes, ==, 1);
    g_autofree char *etag = layout_store_etag(fixture->store, "mine");
    g_assert_true(put(fixture, "mine",
                      "{\"name\": \"mine\", \"regions\": [{\"fill\": \"speaker\"}]}", &made,
                      &error));
    g_assert_false(made);
    g_autofree char *other = layout_store_etag(fixture->store, "mine");
    g_assert_cmpstr(etag, !=, other);

    /* It is there after a restart. */
    layout_store_free(fixture->store);
    fixture->store = open_store(fixture);
    g_assert_nonnull(layout_store_get(fixture->store, "mine", NULL));
    json_t *list = layout_store_to_json(fixture->store);
    g_assert_cmpuint(json_array_size(list), ==, 2);
    g_assert_cmpstr(json_string_value(json_object_get(json_array_get(list, 0), "origin")), ==,
                    "shipped");
    g_assert_cmpstr(json_string_value(json_object_get(json_array_get(list, 1), "origin")), ==,
                    "user");
    json_decref(list);

    g_assert_true(layout_store_delete(fixture->store, "mine", &error));
    g_assert_null(layout_store_get(fixture->store, "mine", NULL));
}

static void test_user_stands_before_shipped(Fixture *fixture, gconstpointer data)
{
    gboolean made = FALSE;
    (void)data;
    thread_assert_control();
    Layout *shipped = layout_ref(layout_store_get(fixture->store, "grid", NULL));
    g_assert_true(put(fixture, "grid", "{\"name\": \"grid\", \"regions\": [{\"fill\": \"rest\"}]}",
                      &made, NULL));
    g_assert_true(layout_store_get(fixture->store, "grid", NULL) != shipped);
    g_assert_true(layout_store_delete(fixture->store, "grid", NULL));
    g_assert_true(layout_store_get(fixture->store, "grid", NULL) == shipped);
    layout_unref(shipped);
}

static const char *const reserved[] = { "schema", "room", "-" };

static char *document(const char *name)
{
    return g_strdup_printf("{\"name\": \"%s\", \"regions\": [{\"fill\": \"rest\"}]}", name);
}

/* Files of names that nobody could choose are as if they were not there. */
static void test_reserved_files(Fixture *fixture, gconstpointer data)
{
    (void)data;
    thread_assert_control();
    for (guint i = 0; i < G_N_ELEMENTS(reserved); i++) {
        g_autofree char *json = document(reserved[i]);
        g_autofree char *file = g_strconcat(reserved[i], ".json", NULL);
        write_file(fixture->state, file, json);
    }
    layout_store_free(fixture->store);
    fixture->store = open_store(fixture);
    for (guint i = 0; i < G_N_ELEMENTS(reserved); i++)
        g_assert_null(layout_store_get(fixture->store, reserved[i], NULL));
    json_t *list = layout_store_to_json(fixture->store);
    g_assert_cmpuint(json_array_size(list), ==, 1);
    json_decref(list);
    g_autoptr(GError) error = NULL;
    write_file(fixture->shipped, "room.json", "{}");
    g_assert_null(layout_store_new(fixture->config, fixture->shipped, &error));
    g_assert_nonnull(strstr(error->message, "room.json: \"room\" is reserved"));
}

static void test_refusals(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    gboolean made = FALSE;
    (void)data;
    thread_assert_control();
    g_assert_false(put(fixture, "yours", MINE, &made, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
    g_clear_error(&error);
    g_assert_false(put(fixture, "mine", "{\"name\": \"mine\"}", &made, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
    g_clear_error(&error);
    for (guint i = 0; i < G_N_ELEMENTS(reserved); i++) {
        g_autofree char *json = document(reserved[i]);
        g_assert_false(put(fixture, reserved[i], json, &made, &error));
        g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
        g_assert_nonnull(strstr(error->message, "is reserved: choose another name"));
        g_clear_error(&error);
    }
    for (guint i = 0; i < 3; i++) {
        g_autofree char *name = g_strdup_printf("l%u", i);
        g_autofree char *json = document(name);
        g_assert_true(put(fixture, name, json, &made, NULL));
    }
    g_assert_false(put(fixture, "mine", MINE, &made, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE);
}

/* A file that somebody drops into the directory, wrong at first. */
static void test_wrong_file_is_left_out(Fixture *fixture, gconstpointer data)
{
    (void)data;
    thread_assert_control();
    write_file(fixture->state, "broken.json", "{\"name\": \"broken\", ");
    write_file(fixture->state, "mine.json", MINE);
    layout_store_free(fixture->store);
    fixture->store = open_store(fixture);
    g_assert_null(layout_store_get(fixture->store, "broken", NULL));
    g_assert_nonnull(layout_store_get(fixture->store, "mine", NULL));
    write_file(fixture->shipped, "bad.json", "[]");
    g_autoptr(GError) error = NULL;
    g_assert_null(layout_store_new(fixture->config, fixture->shipped, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID);
    g_assert_nonnull(strstr(error->message, "bad.json"));
}

/* (transfer full) A grey PNG. */
static GBytes *make_png(int width, int height)
{
    g_autoptr(GError) error = NULL;
    AVFrame *frame = av_frame_alloc();
    frame->format = AV_PIX_FMT_YUV420P;
    frame->width = width;
    frame->height = height;
    g_assert_cmpint(av_frame_get_buffer(frame, 0), ==, 0);
    for (int p = 0; p < 3; p++)
        memset(frame->data[p], 128, (gsize)frame->linesize[p] * (gsize)(p ? height / 2 : height));
    GBytes *png = image_encode(frame, IMAGE_PNG, &error);
    av_frame_free(&frame);
    g_assert_no_error(error);
    return png;
}

static void test_images(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    gboolean made = FALSE;
    const char *type = NULL;
    (void)data;
    thread_assert_control();
    g_autoptr(GBytes) png = make_png(64, 32);
    g_autoptr(GBytes) rubbish = g_bytes_new_static("GIF89a", 6);

    g_assert_true(layout_store_put_image(fixture->store, "logo", png, &made, &error));
    g_assert_true(made);
    Image *image = layout_store_image(fixture->store, "logo");
    g_assert_cmpint(image_width(image), ==, 64);
    g_autoptr(GBytes) file = layout_store_image_file(fixture->store, "logo", &type);
    g_assert_true(g_bytes_equal(file, png));
    g_assert_cmpstr(type, ==, "image/png");
    json_t *list = layout_store_images_json(fixture->store);
    g_assert_cmpuint(json_array_size(list), ==, 1);
    json_decref(list);
    g_assert_false(layout_store_put_image(fixture->store, "other", rubbish, &made, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_UNSUPPORTED);
    g_clear_error(&error);
    g_assert_false(layout_store_put_image(fixture->store, "../logo", png, &made, &error));
    g_clear_error(&error);
    g_assert_null(layout_store_image_file(fixture->store, "../grid.json", &type));
    g_assert_true(layout_store_delete_image(fixture->store, "logo", &error));
    g_assert_false(layout_store_delete_image(fixture->store, "logo", &error));
}

/* Put an image's bytes where the server finds them, as its user might. */
static char *drop_image(const Fixture *fixture, const char *name, GBytes *png, gsize size)
{
    g_autofree char *directory = g_build_filename(fixture->state, "images", NULL);
    char *path = g_build_filename(directory, name, NULL);
    g_mkdir_with_parents(directory, 0750);
    g_assert_true(g_file_set_contents(path, g_bytes_get_data(png, NULL), (gssize)size, NULL));
    return path;
}

static int listed_width(Fixture *fixture)
{
    thread_assert_control();
    json_t *list = layout_store_images_json(fixture->store);
    int width = (int)json_integer_value(json_object_get(json_array_get(list, 0), "width"));
    json_decref(list);
    return width;
}

/* Of an image that is listed or handed out the header is read, once. */
static void test_images_are_not_read(Fixture *fixture, gconstpointer data)
{
    const char *type = NULL;
    struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
    (void)data;
    thread_assert_control();
    g_autoptr(GBytes) png = make_png(64, 32);
    g_autofree char *path = drop_image(fixture, "cut", png, 40); /* no pixels */
    g_assert_cmpint(utimensat(AT_FDCWD, path, times, 0), ==, 0);
    g_assert_cmpint(listed_width(fixture), ==, 64);
    g_autoptr(GBytes) file = layout_store_image_file(fixture->store, "cut", &type);
    g_assert_cmpuint(g_bytes_get_size(file), ==, 40);
    g_assert_cmpstr(type, ==, "image/png");
    g_assert_null(layout_store_image(fixture->store, "cut"));

    g_autoptr(GBytes) other = make_png(96, 32);
    g_free(drop_image(fixture, "cut", other, 40));
    g_assert_cmpint(utimensat(AT_FDCWD, path, times, 0), ==, 0);
    g_assert_cmpint(listed_width(fixture), ==, 64); /* known by its time and size */
    times[1].tv_sec = 2;
    g_assert_cmpint(utimensat(AT_FDCWD, path, times, 0), ==, 0);
    g_assert_cmpint(listed_width(fixture), ==, 96);
    g_unlink(path);
    g_assert_cmpint(listed_width(fixture), ==, 0);
}

static guint64 show(Fixture *fixture, const char *name)
{
    thread_assert_control();
    Image *image = layout_store_image(fixture->store, name);
    g_assert_nonnull(image);
    return image_serial(image);
}

/* Pixels take 23 MiB each: two that nothing shows stay, and whatever is shown. */
static void test_pixels_are_let_go(Fixture *fixture, gconstpointer data)
{
    static const char *const names[] = { "a", "b", "c", "d" };
    (void)data;
    thread_assert_control();
    g_autoptr(GBytes) png = make_png(4096, 2304);
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        g_free(drop_image(fixture, names[i], png, g_bytes_get_size(png)));
    g_autoptr(Image) shown = image_ref(layout_store_image(fixture->store, "a"));
    guint64 b = show(fixture, "b"), c = show(fixture, "c");
    g_assert_cmpuint(show(fixture, "b"), ==, b);
    guint64 d = show(fixture, "d"); /* c has not been shown for longest */
    g_assert_cmpuint(show(fixture, "a"), ==, image_serial(shown));
    g_assert_cmpuint(show(fixture, "b"), ==, b);
    g_assert_cmpuint(show(fixture, "d"), ==, d);
    g_assert_cmpuint(show(fixture, "c"), !=, c);
}

static void test_preview(Fixture *fixture, gconstpointer data)
{
    (void)data;
    thread_assert_control();
    Layout *grid = layout_store_get(fixture->store, "grid", NULL);
    json_t *json = layout_store_preview(fixture->store, grid, 5, 2);
    g_assert_cmpuint(json_array_size(json_object_get(json, "tiles")), ==, 7);
    g_assert_cmpint(json_integer_value(json_object_get(json_object_get(json, "canvas"), "width")),
                    ==, 1280);
    json_decref(json);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)
    ADD("/layout-store/shipped", test_shipped);
    ADD("/layout-store/put", test_put_keep_and_delete);
    ADD("/layout-store/user-first", test_user_stands_before_shipped);
    ADD("/layout-store/refusals", test_refusals);
    ADD("/layout-store/reserved-files", test_reserved_files);
    ADD("/layout-store/wrong-file", test_wrong_file_is_left_out);
    ADD("/layout-store/images", test_images);
    ADD("/layout-store/images-are-not-read", test_images_are_not_read);
    ADD("/layout-store/pixels-are-let-go", test_pixels_are_let_go);
    ADD("/layout-store/preview", test_preview);
    return g_test_run();
}
