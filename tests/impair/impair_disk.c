#include <glib.h>
#include <unistd.h>

/* A disk that hangs: while there is a file of the name that TESSERA_IMPAIR_DISK says, whoever reads
 * or writes waits. Threads of the server come here instead of to libc. */

#define LOOK_AGAIN_US 20000

ssize_t __real_pread(int fd, void *data, size_t size, off_t offset);
ssize_t __real_pwrite(int fd, const void *data, size_t size, off_t offset);
int __real_fsync(int fd);
int __real_fdatasync(int fd);
ssize_t __wrap_pread(int fd, void *data, size_t size, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t offset);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);

static void hang(void)
{
    const char *sign = g_getenv("TESSERA_IMPAIR_DISK");
    while (sign && access(sign, F_OK) == 0)
        g_usleep(LOOK_AGAIN_US);
}

ssize_t __wrap_pread(int fd, void *data, size_t size, off_t offset)
{
    hang();
    return __real_pread(fd, data, size, offset);
}

ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t offset)
{
    hang();
    return __real_pwrite(fd, data, size, offset);
}

int __wrap_fsync(int fd)
{
    hang();
    return __real_fsync(fd);
}

int __wrap_fdatasync(int fd)
{
    hang();
    return __real_fdatasync(fd);
}
