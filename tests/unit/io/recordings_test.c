#include "io/recordings.h"

#include <sys/stat.h>

#include "base/error.h"
#include "unit/io/recorder_support.h"

static void put(const char *directory, const char *name, const char *contents)
{
    g_autofree char *path = in_scratch(directory, name);
    g_assert_true(g_file_set_contents(path, contents, -1, NULL));
}

static void test_names(void)
{
    const char *const good[] = { "a.mp4", "Room_1-2026-11-21.webm", "x-001.mkv", "x.json" };
    const char *const bad[] = { "",       ".mp4",       "../a.mp4", "a/b.mp4",
                                "a.txt",  "a.mp4/",     "a b.mp4",  "a\n.mp4",
                                ".a.mp4", "a.mp4.part", "\xc3.mp4", "/a.mp4" };
    for (guint i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_true(recording_name_valid(good[i]));
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(recording_name_valid(bad[i]));
    g_autofree char *longest = g_strnfill(80, 'a'), *longer = g_strnfill(81, 'a');
    g_assert_true(recording_base_valid(longest));
    g_assert_false(recording_base_valid(longer));
}

static void assert_not_found(const char *directory, const char *name)
{
    g_autoptr(GError) error = NULL;
    struct stat info;
    g_assert_cmpint(recordings_open(directory, name, &info, &error), ==, -1);
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND);
}

/** Nothing but a plain file of the directory is opened. */
static void test_open(void)
{
    char *directory = scratch_new();
    g_autofree char *link_path = in_scratch(directory, "link.mp4");
    g_autofree char *pipe_path = in_scratch(directory, "pipe.mp4");
    g_autofree char *folder_path = in_scratch(directory, "folder.mp4");
    struct stat info;
    put(directory, "take.mp4", "12345");
    g_assert_cmpint(symlink("/etc/passwd", link_path), ==, 0);
    g_assert_cmpint(mkfifo(pipe_path, 0600), ==, 0);
    g_assert_cmpint(g_mkdir(folder_path, 0700), ==, 0);
    int fd = recordings_open(directory, "take.mp4", &info, NULL);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(info.st_size, ==, 5);
    close(fd);
    assert_not_found(directory, "link.mp4");
    assert_not_found(directory, "pipe.mp4");
    assert_not_found(directory, "folder.mp4");
    assert_not_found(directory, "none.mp4");
    assert_not_found(directory, "../take.mp4");
    assert_not_found(directory, "");
    g_rmdir(folder_path);
    scratch_free(directory);
}

/** What was noted before the file got its name. */
static void publish(const char *directory, const char *name, const char *text, gint64 duration_us,
                    gboolean recovered)
{
    g_autofree char *part = g_strconcat(name, ".part", NULL);
    g_autofree char *from = in_scratch(directory, part);
    g_autofree char *to = in_scratch(directory, name);
    put(directory, part, text);
    recordings_note(directory, name, duration_us, recovered);
    g_autoptr(GPtrArray) list = recordings_list(directory, NULL);
    for (guint i = 0; i < list->len; i++)
        g_assert_cmpstr(((const Recording *)list->pdata[i])->name, !=, name);
    g_assert_cmpint(g_rename(from, to), ==, 0);
}

/** What was noted is told as long as it is the same file. */
static void test_list(void)
{
    char *directory = scratch_new();
    put(directory, "a.webm", "not really");
    put(directory, "c.mp4.part", "still written");
    put(directory, "b.json", "{}");
    publish(directory, "b.mp4", "not really", 90 * G_USEC_PER_SEC, TRUE);
    g_autoptr(GPtrArray) list = recordings_list(directory, NULL);
    g_assert_cmpuint(list->len, ==, 2);
    const Recording *first = list->pdata[0], *second = list->pdata[1];
    g_assert_cmpstr(first->name, ==, "a.webm");
    g_assert_cmpint(first->duration_us, ==, -1);
    g_assert_cmpstr(second->name, ==, "b.mp4");
    g_assert_cmpint(second->duration_us, ==, 90 * G_USEC_PER_SEC);
    g_assert_cmpuint(second->bytes, ==, 10);
    g_assert_true(second->recovered);
    gint64 now_s = g_get_real_time() / G_USEC_PER_SEC;
    g_assert_cmpint(ABS(now_s - 90 - second->created_s), <, 60);

    put(directory, "b.mp4", "another file");
    g_autoptr(GPtrArray) again = recordings_list(directory, NULL);
    g_assert_cmpint(((const Recording *)again->pdata[1])->duration_us, ==, -1);
    scratch_free(directory);
}

static void test_delete(void)
{
    g_autoptr(GError) error = NULL;
    char *directory = scratch_new();
    publish(directory, "take.mp4", "12345", 1, FALSE);
    g_assert_true(recordings_delete(directory, "take.mp4", &error));
    g_assert_no_error(error);
    g_assert_false(recordings_delete(directory, "take.mp4", &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND);
    g_assert_cmpint(g_rmdir(directory), ==, 0); /* nothing of it is left */
    g_free(directory);
}

/* The first sidecar of a recording replaces none of another one; later ones replace it. */
static void test_sidecar(void)
{
    g_autoptr(GError) error = NULL;
    char *directory = scratch_new();
    g_autofree char *path = in_scratch(directory, "take.json"), *text = NULL;
    g_assert_true(recordings_put_sidecar(directory, "take", "1", FALSE, &error));
    g_assert_no_error(error);
    g_assert_false(recordings_put_sidecar(directory, "take", "2", FALSE, &error));
    g_assert_error(error, TESSERA_ERROR, TESSERA_ERROR_CONFLICT);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "1");
    g_free(g_steal_pointer(&text));
    g_assert_true(recordings_put_sidecar(directory, "take", "3", TRUE, NULL));
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "3");
    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_cmpint(g_rmdir(directory), ==, 0); /* nothing else is left */
    g_free(directory);
}

/* Nothing was recorded yet, or the disk is away. */
static void test_no_directory(void)
{
    static const struct {
        const char *directory;
        gint code;
    } cases[] = { { "/nonexistent", TESSERA_ERROR_NOT_FOUND },
                  { "/etc/passwd", TESSERA_ERROR_UNAVAILABLE } };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        struct stat info;
        g_assert_null(recordings_list(cases[i].directory, &error));
        g_assert_error(error, TESSERA_ERROR, cases[i].code);
        g_clear_error(&error);
        g_assert_cmpint(recordings_open(cases[i].directory, "a.mp4", &info, &error), ==, -1);
        g_assert_error(error, TESSERA_ERROR, cases[i].code);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    av_log_set_level(AV_LOG_QUIET);
    g_test_add_func("/io/recordings/names", test_names);
    g_test_add_func("/io/recordings/open", test_open);
    g_test_add_func("/io/recordings/list", test_list);
    g_test_add_func("/io/recordings/delete", test_delete);
    g_test_add_func("/io/recordings/sidecar", test_sidecar);
    g_test_add_func("/io/recordings/no-directory", test_no_directory);
    return g_test_run();
}
