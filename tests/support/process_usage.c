#include "support/process_usage.h"

#include <malloc.h>

/* Of ASan and TSan; absent elsewhere. */
extern gsize __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

gsize process_heap_bytes(void)
{
    if (__sanitizer_get_current_allocated_bytes)
        return __sanitizer_get_current_allocated_bytes();
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static guint count_entries(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    guint n = 0;
    if (!dir)
        g_error("%s cannot be read", path);
    while (g_dir_read_name(dir))
        n++;
    g_dir_close(dir);
    return n;
}

guint process_threads(void)
{
    return count_entries("/proc/self/task");
}

guint process_open_files(void)
{
    return count_entries("/proc/self/fd") - 1; /* the directory itself */
}
