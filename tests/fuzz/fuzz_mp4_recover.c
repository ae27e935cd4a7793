/* A recording that somebody left behind: whatever it holds, making it whole neither crashes nor
 * hangs, and done twice gives the same. */
#include <glib.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/mp4_finalize.h"
#include "io/mp4_index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_index(const Mp4Index *index, guint64 size)
{
    g_assert_cmpuint(index->end, <=, size);
    for (guint i = 0; i < index->tracks->len; i++) {
        const Mp4Track *track = index->tracks->pdata[i];
        g_assert_cmpuint(track->sizes->len, ==, track->samples * 4);
        g_assert_cmpuint(track->sync->len, <=, track->samples);
        for (guint c = 0; c < track->chunks->len; c++)
            g_assert_cmpuint(g_array_index(track->chunks, Mp4Chunk, c).offset, <=, size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stat info;
    int fd = memfd_create("part", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) {
        close(fd);
        return 0;
    }
    g_autoptr(Mp4Index) index = mp4_index_read(fd, NULL);
    if (index)
        check_index(index, size);
    gint64 duration_us = mp4_finalize(fd, NULL);
    if (duration_us > 0) {
        g_assert_true(index != NULL);
        g_assert_cmpint(fstat(fd, &info), ==, 0);
        g_assert_cmpuint((guint64)info.st_size, >, index->end);
        g_assert_cmpint(mp4_finalize(fd, NULL), ==, duration_us);
    }
    close(fd);
    return 0;
}
