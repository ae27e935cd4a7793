#include "io/mp4_finalize.h"

#include <errno.h>
#include <unistd.h>

#include "base/error.h"
#include "io/mp4_box.h"
#include "io/mp4_index.h"
#include "io/mp4_moov.h"

static gboolean write_at(int fd, guint64 offset, const GByteArray *bytes)
{
    gsize done = 0;
    while (done < bytes->len) {
        gssize n = pwrite(fd, bytes->data + done, bytes->len - done, (off_t)(offset + done));
        if (n < 0 && errno != EINTR)
            return FALSE;
        done += (gsize)MAX(n, 0);
    }
    return TRUE;
}

/** A 64-bit mdat header over the reserved bytes: everything up to `end` is media data. */
static gboolean write_mdat_header(int fd, guint64 at, guint64 end)
{
    g_autoptr(GByteArray) header = g_byte_array_new();
    mp4_put_u32(header, 1);
    mp4_put_u32(header, MP4_TYPE('m', 'd', 'a', 't'));
    mp4_put_u64(header, end - at);
    return write_at(fd, at, header);
}

/** The end is on the disk before the beginning says that it is there. */
static gboolean write_ending(int fd, const Mp4Index *index, const GByteArray *moov)
{
    return write_at(fd, index->end, moov) && ftruncate(fd, (off_t)(index->end + moov->len)) == 0 &&
           fsync(fd) == 0 && write_mdat_header(fd, index->reserved_at, index->end) &&
           fsync(fd) == 0;
}

gint64 mp4_finalize(int fd, GError **error)
{
    g_autoptr(Mp4Index) index = mp4_index_read(fd, error);
    if (!index)
        return -1;
    gint64 duration_us = mp4_moov_duration_us(index);
    if (duration_us == 0)
        return 0;
    g_autoptr(GByteArray) moov = mp4_moov_write(index);
    if (!moov) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "The description of its tracks is damaged.");
        return -1;
    }
    if (!write_ending(fd, index, moov)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_UNAVAILABLE,
                    "Its end cannot be written (%s): make room on the disk and start the server "
                    "again.",
                    g_strerror(errno));
        return -1;
    }
    return duration_us;
}
