#include "io/recorder_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

#define SYNC_NS        (3 * NS_PER_SEC)
#define FILE_MODE      0640
#define DIRECTORY_MODE 0750
#define MAX_CREATIONS  20 /* of one file */

struct RecorderDisk {
    int directory_fd, fd;
    char *name, *part;
    guint64 size, reserved;
    gint64 synced_ns;
    gboolean dirty;
};

static gboolean is_disk_full(int error_number)
{
    return error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG;
}

static void set_disk_error(GError **error, const RecorderDisk *disk, int error_number)
{
    if (is_disk_full(error_number))
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                    "The disk is full: the recording %s ended here, and what was recorded is kept.",
                    disk->name);
    else
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                    "The recording %s cannot be written: %s.", disk->name,
                    g_strerror(error_number));
}

static int open_path(const char *directory)
{
    return open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int recorder_disk_directory(const char *directory, GError **error)
{
    int fd = open_path(directory);
    gboolean missing = fd < 0 && errno == ENOENT;
    if (missing && g_mkdir_with_parents(directory, DIRECTORY_MODE) == 0)
        fd = open_path(directory);
    if (fd < 0)
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                    "The recordings' directory %s (record.dir) cannot be %s: %s.", directory,
                    missing ? "made" : "opened", g_strerror(errno));
    return fd;
}

/* fd: transfer full */
static RecorderDisk *disk_new(int directory_fd, const char *name)
{
    RecorderDisk *disk = g_new0(RecorderDisk, 1);
    disk->directory_fd = directory_fd;
    disk->fd = -1;
    disk->name = g_strdup(name);
    disk->part = g_strconcat(name, ".part", NULL);
    return disk;
}

/* Between opening and locking somebody else may have removed the file, or given it its name. */
static gboolean is_in_place(const RecorderDisk *disk)
{
    struct stat opened, named;
    return fstat(disk->fd, &opened) == 0 &&
           fstatat(disk->directory_fd, disk->part, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

static gboolean disk_open(RecorderDisk *disk, GError **error)
{
    disk->fd = openat(disk->directory_fd, disk->part, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (disk->fd < 0) {
        set_disk_error(error, disk, errno);
        return FALSE;
    }
    if (flock(disk->fd, LOCK_EX | LOCK_NB) < 0 || !is_in_place(disk)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_CONFLICT,
                    "The recording %s is still being written.", disk->name);
        return FALSE;
    }
    return TRUE;
}

static gboolean wait_for_lock(int fd)
{
    int result = flock(fd, LOCK_EX);
    while (result < 0 && errno == EINTR)
        result = flock(fd, LOCK_EX);
    return result == 0;
}

/* Before it is locked, recorder_recover() may lock a new file, find it empty and remove it: then
 * there is another one. */
static gboolean disk_create(RecorderDisk *disk, GError **error)
{
    for (guint i = 0; i < MAX_CREATIONS; i++) {
        disk->fd = openat(disk->directory_fd, disk->part,
                          O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
        if (disk->fd < 0 || !wait_for_lock(disk->fd)) {
            set_disk_error(error, disk, errno);
            return FALSE;
        }
        if (is_in_place(disk))
            return TRUE;
        close(disk->fd);
        disk->fd = -1;
    }
    set_disk_error(error, disk, EAGAIN);
    return FALSE;
}

RecorderDisk *recorder_disk_new(const char *directory, const char *name, GError **error)
{
    int directory_fd = recorder_disk_directory(directory, error);
    if (directory_fd < 0)
        return NULL;
    g_autoptr(RecorderDisk) disk = disk_new(directory_fd, name);
    if (faccessat(disk->directory_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_CONFLICT,
                    "There is already a recording %s: choose another name.", name);
        return NULL;
    }
    if (!disk_create(disk, error))
        return NULL;
    return g_steal_pointer(&disk);
}

RecorderDisk *recorder_disk_open(const char *directory, const char *name, GError **error)
{
    struct stat info;
    int directory_fd = recorder_disk_directory(directory, error);
    if (directory_fd < 0)
        return NULL;
    g_autoptr(RecorderDisk) disk = disk_new(directory_fd, name);
    if (!disk_open(disk, error))
        return NULL;
    if (fstat(disk->fd, &info) < 0 || !S_ISREG(info.st_mode)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID, "%s is not a file.", disk->part);
        return NULL;
    }
    disk->size = (guint64)info.st_size;
    return g_steal_pointer(&disk);
}

void recorder_disk_free(RecorderDisk *disk)
{
    if (!disk)
        return;
    if (disk->fd >= 0)
        close(disk->fd);
    if (disk->directory_fd >= 0)
        close(disk->directory_fd);
    g_free(disk->name);
    g_free(disk->part);
    g_free(disk);
}

int recorder_disk_fd(const RecorderDisk *disk)
{
    return disk->fd;
}

static gboolean has_free(RecorderDisk *disk, guint64 min_free, GError **error)
{
    struct statvfs info;
    if (min_free == 0 || fstatvfs(disk->fd, &info) < 0)
        return TRUE;
    if ((guint64)info.f_bavail * info.f_frsize >= min_free)
        return TRUE;
    g_autofree char *wanted = g_format_size(min_free);
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                "Less than %s are free on the disk: the recording %s ended here, and what was "
                "recorded is kept.",
                wanted, disk->name);
    return FALSE;
}

gboolean recorder_disk_reserve(RecorderDisk *disk, guint64 end, guint64 min_free, GError **error)
{
    if (!has_free(disk, min_free, error))
        return FALSE;
    guint64 from = MAX(disk->reserved, disk->size);
    if (end <= from)
        return TRUE;
    if (fallocate(disk->fd, FALLOC_FL_KEEP_SIZE, (off_t)from, (off_t)(end - from)) == 0) {
        disk->reserved = end;
        return TRUE;
    }
    /* A file system that cannot reserve tells when it is written to. */
    if (!is_disk_full(errno))
        return TRUE;
    set_disk_error(error, disk, errno);
    return FALSE;
}

gboolean recorder_disk_write(RecorderDisk *disk, guint64 offset, const guint8 *data, gsize size,
                             GError **error)
{
    gsize done = 0;
    while (done < size) {
        gssize n = pwrite(disk->fd, data + done, size - done, (off_t)(offset + done));
        if (n == 0 || (n < 0 && errno != EINTR)) {
            set_disk_error(error, disk, n == 0 ? EIO : errno);
            /* Room for the ending, even where none could be reserved. */
            if (ftruncate(disk->fd, (off_t)disk->size) < 0)
                return FALSE;
            disk->reserved = disk->size;
            return FALSE;
        }
        done += (gsize)MAX(n, 0);
    }
    disk->size = MAX(disk->size, offset + size);
    disk->dirty = TRUE;
    return TRUE;
}

void recorder_disk_sync(RecorderDisk *disk, gint64 now_ns)
{
    if (!disk->dirty || now_ns - disk->synced_ns < SYNC_NS)
        return;
    fdatasync(disk->fd);
    disk->dirty = FALSE;
    disk->synced_ns = now_ns;
}

gboolean recorder_disk_publish(RecorderDisk *disk, GError **error)
{
    struct stat info;
    /* To its own length: this gives back what was reserved behind it. */
    gboolean whole = fstat(disk->fd, &info) == 0 && ftruncate(disk->fd, info.st_size) == 0 &&
                     fsync(disk->fd) == 0 &&
                     renameat2(disk->directory_fd, disk->part, disk->directory_fd, disk->name,
                               RENAME_NOREPLACE) == 0;
    if (!whole) {
        set_disk_error(error, disk, errno);
        return FALSE;
    }
    fsync(disk->directory_fd);
    return TRUE;
}

void recorder_disk_discard(RecorderDisk *disk)
{
    unlinkat(disk->directory_fd, disk->part, 0);
}

static gboolean write_all(int fd, const char *text)
{
    gsize size = strlen(text), done = 0;
    while (done < size) {
        gssize n = write(fd, text + done, size - done);
        if (n == 0)
            errno = EIO;
        if (n == 0 || (n < 0 && errno != EINTR))
            return FALSE;
        done += (gsize)MAX(n, 0);
    }
    return fsync(fd) == 0;
}

/* Some file systems rename, but cannot refuse to replace. */
static gboolean rename_new(int directory_fd, const char *from, const char *to)
{
    if (renameat2(directory_fd, from, directory_fd, to, RENAME_NOREPLACE) == 0)
        return TRUE;
    if (errno != EINVAL && errno != ENOSYS)
        return FALSE;
    gboolean taken = faccessat(directory_fd, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    if (taken)
        errno = EEXIST;
    return !taken && renameat(directory_fd, from, directory_fd, to) == 0;
}

gboolean recorder_disk_put(int directory_fd, const char *name, const char *text, gboolean replace,
                           GError **error)
{
    g_autofree char *temporary = g_strdup_printf(".%s.tmp", name);
    int fd = openat(directory_fd, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                    FILE_MODE);
    gboolean whole = fd >= 0 && write_all(fd, text) &&
                     (replace ? renameat(directory_fd, temporary, directory_fd, name) == 0
                              : rename_new(directory_fd, temporary, name));
    int failure = errno;
    if (fd >= 0)
        close(fd);
    if (whole) {
        fsync(directory_fd);
        return TRUE;
    }
    unlinkat(directory_fd, temporary, 0);
    g_set_error(error, TESSERA_ERROR,
                failure == EEXIST ? TESSERA_ERROR_CONFLICT : TESSERA_ERROR_UNAVAILABLE,
                "%s cannot be written: %s.", name, g_strerror(failure));
    return FALSE;
}
