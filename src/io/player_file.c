#include "io/player_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libavutil/error.h>
#include <libavutil/mem.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define BUFFER_SIZE 65536
#define MAX_NAME    255

struct PlayerFile {
    int fd;
    gint64 size, position;
    PlayerGuard *guard;
    AVIOContext *io;
};

gboolean player_file_check_name(const char *name, GError **error)
{
    if (name && *name && *name != '.' && !strchr(name, '/') && strlen(name) <= MAX_NAME &&
        g_utf8_validate(name, -1, NULL))
        return TRUE;
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                "a file is named as it stands in the media directory, such as \"intro.mp4\": no "
                "folders, and no dot at its beginning");
    return FALSE;
}

static int read_some(void *opaque, guint8 *buffer, int size)
{
    PlayerFile *file = opaque;
    file->guard->bytes_left -= size;
    if (player_guard_over(file->guard))
        return AVERROR_EXIT;
    ssize_t n = pread(file->fd, buffer, (size_t)size, file->position);
    if (n < 0)
        return AVERROR(errno);
    file->position += n;
    return n == 0 ? AVERROR_EOF : (int)n;
}

static int64_t seek_to(void *opaque, int64_t offset, int whence)
{
    PlayerFile *file = opaque;
    if (player_guard_over(file->guard))
        return AVERROR_EXIT;
    whence &= ~AVSEEK_FORCE;
    if (whence == AVSEEK_SIZE)
        return file->size;
    gint64 base = whence == SEEK_CUR ? file->position : whence == SEEK_END ? file->size : 0;
    if (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END)
        return AVERROR(EINVAL);
    if (offset < -base || offset > G_MAXINT64 - base)
        return AVERROR(EINVAL);
    return file->position = base + offset;
}

static gboolean open_regular(PlayerFile *file, const char *directory, const char *name)
{
    struct stat status;
    int folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return FALSE;
    file->fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    close(folder);
    if (file->fd < 0 || fstat(file->fd, &status) != 0 || !S_ISREG(status.st_mode))
        return FALSE;
    file->size = status.st_size;
    return TRUE;
}

static gboolean make_io(PlayerFile *file)
{
    guint8 *buffer = av_malloc(BUFFER_SIZE);
    if (buffer)
        file->io = avio_alloc_context(buffer, BUFFER_SIZE, 0, file, read_some, NULL, seek_to);
    if (!file->io)
        av_free(buffer);
    return file->io != NULL;
}

PlayerFile *player_file_open(const char *directory, const char *name, PlayerGuard *guard,
                             GError **error)
{
    if (!player_file_check_name(name, error))
        return NULL;
    g_autoptr(PlayerFile) file = g_new0(PlayerFile, 1);
    file->fd = -1;
    file->guard = guard;
    if (open_regular(file, directory, name) && make_io(file))
        return g_steal_pointer(&file);
    g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_NOT_FOUND,
                "there is no readable file \"%s\" in the media directory; put it there, or choose "
                "one that is",
                name);
    return NULL;
}

void player_file_close(PlayerFile *file)
{
    if (!file)
        return;
    if (file->io) {
        av_freep(&file->io->buffer);
        avio_context_free(&file->io);
    }
    if (file->fd >= 0)
        close(file->fd);
    g_free(file);
}

AVIOContext *player_file_io(PlayerFile *file)
{
    return file->io;
}

GBytes *player_file_read_all(PlayerFile *file, gsize max_bytes)
{
    if (file->size <= 0 || (guint64)file->size > max_bytes)
        return NULL;
    gsize size = (gsize)file->size, got = 0;
    g_autofree guint8 *data = g_malloc(size);
    while (got < size) {
        ssize_t n = pread(file->fd, data + got, size - got, (off_t)got);
        if (n <= 0)
            return NULL;
        got += (gsize)n;
    }
    return g_bytes_new_take(g_steal_pointer(&data), size);
}
