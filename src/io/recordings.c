#include "io/recordings.h"

#include <errno.h>
#include <fcntl.h>
#include <libavformat/avformat.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "io/recorder_disk.h"

#define MAX_BASE  80
#define MAX_NAME  100
#define MAX_NOTES 256 /* bytes */

static const char *const media_suffixes[] = { ".mp4", ".webm", ".mkv" };

void recording_free(Recording *recording)
{
    if (!recording)
        return;
    g_free(recording->name);
    g_free(recording);
}

static gboolean is_plain(const char *name, gsize max_length)
{
    gsize length = strlen(name);
    if (length == 0 || length > max_length || name[0] == '.')
        return FALSE;
    for (gsize i = 0; i < length; i++) {
        if (!g_ascii_isalnum(name[i]) && !strchr("-_.", name[i]))
            return FALSE;
    }
    return TRUE;
}

gboolean recording_base_valid(const char *base)
{
    return is_plain(base, MAX_BASE);
}

static gboolean is_media(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(media_suffixes); i++) {
        if (g_str_has_suffix(name, media_suffixes[i]))
            return TRUE;
    }
    return FALSE;
}

gboolean recording_name_valid(const char *name)
{
    return is_plain(name, MAX_NAME) && (is_media(name) || g_str_has_suffix(name, ".json"));
}

static int open_directory(const char *directory, GError **error)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) /* it is made with the first recording */
        g_set_error_literal(error, TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND,
                            "There is no such recording.");
    else if (fd < 0)
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                    "The recordings' directory %s cannot be opened: %s.", directory,
                    g_strerror(errno));
    return fd;
}

static int open_file(int directory_fd, const char *name, struct stat *info)
{
    /* Not blocking: it might be a pipe, until fstat() says that it is none. */
    int fd = openat(directory_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, info) == 0 && S_ISREG(info->st_mode))
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

int recordings_open(const char *directory, const char *name, struct stat *info, GError **error)
{
    int directory_fd = open_directory(directory, error);
    if (directory_fd < 0)
        return -1;
    int fd = recording_name_valid(name) ? open_file(directory_fd, name, info) : -1;
    close(directory_fd);
    if (fd < 0)
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND, "There is no such recording.");
    return fd;
}

gboolean recordings_put_sidecar(const char *directory, const char *base, const char *text,
                                gboolean replace, GError **error)
{
    g_autofree char *name = g_strconcat(base, ".json", NULL);
    int directory_fd = recorder_disk_directory(directory, error);
    if (directory_fd < 0)
        return FALSE;
    gboolean done = recorder_disk_put(directory_fd, name, text, replace, error);
    close(directory_fd);
    return done;
}

static char *note_name(const char *name)
{
    return g_strdup_printf(".%s.info", name);
}

void recordings_note(const char *directory, const char *name, gint64 duration_us,
                     gboolean recovered)
{
    struct stat info;
    int directory_fd = open_directory(directory, NULL);
    if (directory_fd < 0)
        return;
    g_autofree char *part = g_strconcat(name, ".part", NULL);
    if (fstatat(directory_fd, part, &info, AT_SYMLINK_NOFOLLOW) == 0) {
        g_autofree char *note = note_name(name);
        g_autofree char *text = g_strdup_printf(
            "1 %" G_GUINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %d\n",
            (guint64)info.st_size, duration_us,
            (gint64)info.st_mtime - MAX(duration_us, 0) / G_USEC_PER_SEC, !!recovered);
        /* Only the listing is slower without it. */
        recorder_disk_put(directory_fd, note, text, TRUE, NULL);
    }
    close(directory_fd);
}

/** What was noted of this very file. FALSE: nothing. */
static gboolean read_note(int directory_fd, Recording *recording)
{
    struct stat info;
    char text[MAX_NOTES];
    guint64 bytes = 0;
    gint64 duration_us = 0, created_s = 0;
    int recovered = 0;
    g_autofree char *name = note_name(recording->name);
    int fd = open_file(directory_fd, name, &info);
    if (fd < 0)
        return FALSE;
    gssize n = read(fd, text, sizeof text - 1);
    close(fd);
    text[MAX(n, 0)] = '\0';
    if (sscanf(text, "1 %" G_GUINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %d", &bytes,
               &duration_us, &created_s, &recovered) != 4 ||
        bytes != recording->bytes)
        return FALSE;
    recording->duration_us = duration_us;
    recording->created_s = created_s;
    recording->recovered = recovered != 0;
    return TRUE;
}

/** The length that the file itself tells, or -1. */
static gint64 read_duration(int fd, const char *name)
{
    char path[64];
    AVFormatContext *demuxer = NULL;
    const AVInputFormat *format =
        av_find_input_format(g_str_has_suffix(name, ".mp4") ? "mov" : "matroska");
    (void)g_snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (avformat_open_input(&demuxer, path, format, NULL) < 0)
        return -1;
    gint64 duration_us = demuxer->duration != AV_NOPTS_VALUE ? demuxer->duration : -1;
    avformat_close_input(&demuxer);
    return duration_us;
}

static Recording *read_recording(int directory_fd, const char *name)
{
    struct stat info;
    int fd = open_file(directory_fd, name, &info);
    if (fd < 0)
        return NULL;
    Recording *recording = g_new0(Recording, 1);
    recording->name = g_strdup(name);
    recording->bytes = (guint64)info.st_size;
    recording->created_s = (gint64)info.st_mtime;
    if (!read_note(directory_fd, recording))
        recording->duration_us = read_duration(fd, name);
    close(fd);
    return recording;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
    const Recording *const *first = a, *const *second = b;
    return strcmp((*first)->name, (*second)->name);
}

GPtrArray *recordings_list(const char *directory, GError **error)
{
    int directory_fd = open_directory(directory, error);
    if (directory_fd < 0)
        return NULL;
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)recording_free);
    g_autoptr(GDir) names = g_dir_open(directory, 0, NULL);
    const char *name;
    while (names && (name = g_dir_read_name(names))) {
        Recording *recording = NULL;
        if (recording_name_valid(name) && is_media(name))
            recording = read_recording(directory_fd, name);
        if (recording)
            g_ptr_array_add(list, recording);
    }
    close(directory_fd);
    g_ptr_array_sort(list, compare_names);
    return g_steal_pointer(&list);
}

gboolean recordings_delete(const char *directory, const char *name, GError **error)
{
    int directory_fd = open_directory(directory, error);
    if (directory_fd < 0)
        return FALSE;
    gboolean removed = recording_name_valid(name) && unlinkat(directory_fd, name, 0) == 0;
    g_autofree char *note = note_name(name);
    if (removed)
        unlinkat(directory_fd, note, 0);
    close(directory_fd);
    if (!removed)
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND, "There is no such recording.");
    return removed;
}
