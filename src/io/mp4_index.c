#include "io/mp4_index.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/error.h"
#include "io/mp4_box.h"

#define MAX_MOOV_BYTES (1u << 20)
#define MAX_MOOF_BYTES (16u << 20)
#define MAX_TRACKS     64
#define MAX_SAMPLES    (1u << 27)
#define MAX_DTS        (G_GUINT64_CONSTANT(1) << 60)

/* ISO 14496-12 8.8.7 and 8.8.8: the flags of tfhd and trun. */
#define TFHD_BASE_OFFSET     0x000001
#define TFHD_DESCRIPTION     0x000002
#define TFHD_DURATION        0x000008
#define TFHD_SIZE            0x000010
#define TFHD_FLAGS           0x000020
#define TFHD_BASE_IS_MOOF    0x020000
#define TRUN_DATA_OFFSET     0x000001
#define TRUN_FIRST_FLAGS     0x000004
#define TRUN_DURATION        0x000100
#define TRUN_SIZE            0x000200
#define TRUN_FLAGS           0x000400
#define TRUN_OFFSET          0x000800
#define SAMPLE_IS_NOT_A_SYNC 0x00010000

typedef struct {
    guint32 type;
    guint64 at, size; /* of the whole box in the file */
    guint header;     /* bytes of size and type */
} FileBox;

/** One moof and the mdat behind it. */
typedef struct {
    Mp4Index *index;
    guint64 moof_at, data_at, data_end;
    guint64 claimed; /* bytes of samples */
    gboolean commit; /* the second pass, when all of it is known to be sound */
} Fragment;

/** What the samples of a track fragment have in common. */
typedef struct {
    Mp4Track *track;
    guint32 duration, size, flags;
    guint64 dts, previous_dts;
    guint64 samples; /* of the track, before this one */
} Traf;

static gboolean read_at(int fd, guint64 offset, guint8 *out, gsize size)
{
    gsize done = 0;
    while (done < size) {
        gssize n = pread(fd, out + done, size - done, (off_t)(offset + done));
        if (n <= 0)
            return FALSE;
        done += (gsize)n;
    }
    return TRUE;
}

/** The box at `at`, whole and inside the file, or FALSE. */
static gboolean file_box(int fd, guint64 at, guint64 file_size, FileBox *box)
{
    guint8 head[16];
    if (at >= file_size || file_size - at < 8 || !read_at(fd, at, head, 8))
        return FALSE;
    ByteReader reader = byte_reader(head, sizeof head);
    guint64 size = byte_reader_u32(&reader);
    *box = (FileBox){ byte_reader_u32(&reader), at, size, 8 };
    if (size == 1) {
        if (file_size - at < 16 || !read_at(fd, at + 8, head + 8, 8))
            return FALSE;
        box->size = byte_reader_u64(&reader);
        box->header = 16;
    }
    return box->size >= box->header && box->size <= file_size - at;
}

/** Read a box's payload, or NULL. */
static GByteArray *box_payload(int fd, const FileBox *box, guint max_bytes)
{
    guint64 size = box->size - box->header;
    if (size > max_bytes)
        return NULL;
    g_autoptr(GByteArray) bytes = g_byte_array_sized_new((guint)size);
    g_byte_array_set_size(bytes, (guint)size);
    if (size > 0 && !read_at(fd, box->at + box->header, bytes->data, size))
        return NULL;
    return g_steal_pointer(&bytes);
}

static gboolean find_box(ByteReader reader, guint32 wanted, ByteReader *inside)
{
    guint32 type;
    while (mp4_next_box(&reader, &type, inside)) {
        if (type == wanted)
            return TRUE;
    }
    return FALSE;
}

static void track_free(Mp4Track *track)
{
    g_byte_array_unref(track->sizes);
    g_array_unref(track->durations);
    g_array_unref(track->offsets);
    g_array_unref(track->sync);
    g_array_unref(track->chunks);
    g_free(track);
}

static Mp4Track *track_new(guint32 id, guint32 timescale)
{
    Mp4Track *track = g_new0(Mp4Track, 1);
    track->id = id;
    track->timescale = timescale;
    track->sizes = g_byte_array_new();
    track->durations = g_array_new(FALSE, FALSE, sizeof(Mp4Run));
    track->offsets = g_array_new(FALSE, FALSE, sizeof(Mp4Run));
    track->sync = g_array_new(FALSE, FALSE, sizeof(guint32));
    track->chunks = g_array_new(FALSE, FALSE, sizeof(Mp4Chunk));
    return track;
}

static Mp4Track *find_track(const Mp4Index *index, guint32 id)
{
    for (guint i = 0; i < index->tracks->len; i++) {
        Mp4Track *track = index->tracks->pdata[i];
        if (track->id == id)
            return track;
    }
    return NULL;
}

/** Skip version, flags and the two times of tkhd and mdhd, and read the number behind them. */
static guint32 number_after_times(ByteReader *reader)
{
    guint8 version = byte_reader_u8(reader);
    byte_reader_bytes(reader, 3 + (version == 1 ? 16 : 8));
    return byte_reader_u32(reader);
}

static gboolean read_trak(Mp4Index *index, ByteReader trak)
{
    ByteReader tkhd, mdia, mdhd;
    if (!find_box(trak, MP4_TYPE('t', 'k', 'h', 'd'), &tkhd) ||
        !find_box(trak, MP4_TYPE('m', 'd', 'i', 'a'), &mdia) ||
        !find_box(mdia, MP4_TYPE('m', 'd', 'h', 'd'), &mdhd))
        return FALSE;
    guint32 id = number_after_times(&tkhd);
    guint32 timescale = number_after_times(&mdhd);
    if (tkhd.failed || mdhd.failed || timescale == 0 || index->tracks->len >= MAX_TRACKS ||
        find_track(index, id))
        return FALSE;
    g_ptr_array_add(index->tracks, track_new(id, timescale));
    return TRUE;
}

static void read_trex(const Mp4Index *index, ByteReader trex)
{
    byte_reader_u32(&trex);
    Mp4Track *track = find_track(index, byte_reader_u32(&trex));
    byte_reader_u32(&trex);
    if (!track)
        return;
    track->default_duration = byte_reader_u32(&trex);
    track->default_size = byte_reader_u32(&trex);
    track->default_flags = byte_reader_u32(&trex);
}

static gboolean read_moov(Mp4Index *index)
{
    ByteReader moov = byte_reader(index->moov->data, index->moov->len);
    ByteReader all = moov, inside, mvex;
    guint32 type;
    while (mp4_next_box(&all, &type, &inside)) {
        if (type == MP4_TYPE('t', 'r', 'a', 'k') && !read_trak(index, inside))
            return FALSE;
    }
    if (!find_box(moov, MP4_TYPE('m', 'v', 'e', 'x'), &mvex))
        return FALSE;
    while (mp4_next_box(&mvex, &type, &inside)) {
        if (type == MP4_TYPE('t', 'r', 'e', 'x'))
            read_trex(index, inside);
    }
    return index->tracks->len > 0;
}

static void run_append(GArray *runs, guint32 value)
{
    Mp4Run *last = runs->len ? &g_array_index(runs, Mp4Run, runs->len - 1) : NULL;
    Mp4Run fresh = { 1, value };
    if (last && last->value == value)
        last->count++;
    else
        g_array_append_val(runs, fresh);
}

static void add_sample(Traf *traf, guint32 size, guint32 offset, guint32 flags)
{
    Mp4Track *track = traf->track;
    if (track->samples == 0) {
        track->first_dts = traf->dts;
        track->first_offset = offset;
    } else {
        run_append(track->durations, (guint32)(traf->dts - track->last_dts));
    }
    track->last_dts = traf->dts;
    track->samples++;
    mp4_put_u32(track->sizes, size);
    run_append(track->offsets, offset);
    if (!(flags & SAMPLE_IS_NOT_A_SYNC))
        g_array_append_val(track->sync, track->samples);
}

/** One sample of a trun. FALSE: it cannot be. */
static gboolean read_sample(Fragment *fragment, Traf *traf, ByteReader *trun, guint32 what,
                            const guint32 *first_flags)
{
    guint32 duration = what & TRUN_DURATION ? byte_reader_u32(trun) : traf->duration;
    guint32 size = what & TRUN_SIZE ? byte_reader_u32(trun) : traf->size;
    guint32 flags = what & TRUN_FLAGS ? byte_reader_u32(trun) : traf->flags;
    guint32 offset = what & TRUN_OFFSET ? byte_reader_u32(trun) : 0;
    gboolean first = traf->samples == 0;
    fragment->claimed += size;
    traf->samples++;
    if (trun->failed || size == 0 || offset > G_MAXINT32 || traf->samples > MAX_SAMPLES ||
        fragment->claimed > fragment->data_end - fragment->data_at)
        return FALSE;
    if (!first && (traf->dts < traf->previous_dts || traf->dts - traf->previous_dts > G_MAXUINT32))
        return FALSE;
    if (fragment->commit) {
        add_sample(traf, size, offset, first_flags ? *first_flags : flags);
        traf->track->last_duration = duration;
    }
    traf->previous_dts = traf->dts;
    traf->dts += duration;
    return TRUE;
}

static gboolean read_trun(Fragment *fragment, Traf *traf, ByteReader trun)
{
    guint32 what = byte_reader_u32(&trun) & 0xffffff;
    guint32 count = byte_reader_u32(&trun);
    gint32 data_offset = what & TRUN_DATA_OFFSET ? (gint32)byte_reader_u32(&trun) : -1;
    guint32 first_flags = what & TRUN_FIRST_FLAGS ? byte_reader_u32(&trun) : 0;
    guint64 at = fragment->moof_at + (guint64)MAX(data_offset, 0);
    guint64 claimed_before = fragment->claimed;
    if (trun.failed || data_offset < 0 || at < fragment->data_at || at > fragment->data_end)
        return FALSE;
    for (guint32 i = 0; i < count; i++) {
        const guint32 *flags = i == 0 && what & TRUN_FIRST_FLAGS ? &first_flags : NULL;
        if (!read_sample(fragment, traf, &trun, what, flags))
            return FALSE;
    }
    if (fragment->claimed - claimed_before > fragment->data_end - at)
        return FALSE;
    Mp4Chunk chunk = { at, count };
    if (fragment->commit && count > 0)
        g_array_append_val(traf->track->chunks, chunk);
    return TRUE;
}

static gboolean read_tfhd(const Mp4Index *index, ByteReader tfhd, Traf *traf)
{
    guint32 what = byte_reader_u32(&tfhd) & 0xffffff;
    Mp4Track *track = find_track(index, byte_reader_u32(&tfhd));
    if (!track || what & TFHD_BASE_OFFSET || !(what & TFHD_BASE_IS_MOOF))
        return FALSE;
    if (what & TFHD_DESCRIPTION)
        byte_reader_u32(&tfhd);
    traf->track = track;
    traf->duration = what & TFHD_DURATION ? byte_reader_u32(&tfhd) : track->default_duration;
    traf->size = what & TFHD_SIZE ? byte_reader_u32(&tfhd) : track->default_size;
    traf->flags = what & TFHD_FLAGS ? byte_reader_u32(&tfhd) : track->default_flags;
    traf->samples = track->samples;
    traf->previous_dts = track->last_dts;
    return !tfhd.failed;
}

static gboolean read_traf(Fragment *fragment, ByteReader reader)
{
    Traf traf = { 0 };
    ByteReader tfhd, tfdt, inside;
    guint32 type;
    if (!find_box(reader, MP4_TYPE('t', 'f', 'h', 'd'), &tfhd) ||
        !read_tfhd(fragment->index, tfhd, &traf) ||
        !find_box(reader, MP4_TYPE('t', 'f', 'd', 't'), &tfdt))
        return FALSE;
    gboolean wide = byte_reader_u32(&tfdt) >> 24 == 1;
    traf.dts = wide ? byte_reader_u64(&tfdt) : byte_reader_u32(&tfdt);
    if (tfdt.failed || traf.dts > MAX_DTS)
        return FALSE;
    while (mp4_next_box(&reader, &type, &inside)) {
        if (type == MP4_TYPE('t', 'r', 'u', 'n') && !read_trun(fragment, &traf, inside))
            return FALSE;
    }
    return TRUE;
}

/** Each track comes once in a fragment: twice could undo the checks of the first pass. */
static gboolean tracks_differ(ByteReader moof)
{
    guint32 type, ids[MAX_TRACKS];
    guint n = 0;
    ByteReader traf, tfhd;
    while (mp4_next_box(&moof, &type, &traf)) {
        if (type != MP4_TYPE('t', 'r', 'a', 'f') ||
            !find_box(traf, MP4_TYPE('t', 'f', 'h', 'd'), &tfhd))
            continue;
        byte_reader_u32(&tfhd);
        guint32 id = byte_reader_u32(&tfhd);
        for (guint i = 0; i < n; i++) {
            if (ids[i] == id)
                return FALSE;
        }
        if (n == MAX_TRACKS)
            return FALSE;
        ids[n++] = id;
    }
    return TRUE;
}

static gboolean read_moof(Fragment *fragment, ByteReader moof)
{
    ByteReader inside;
    guint32 type;
    fragment->claimed = 0;
    while (mp4_next_box(&moof, &type, &inside)) {
        if (type == MP4_TYPE('t', 'r', 'a', 'f') && !read_traf(fragment, inside))
            return FALSE;
    }
    return TRUE;
}

/** Take in the fragment at index->end. FALSE: it is not there, not whole, or not sound. */
static gboolean read_fragment(Mp4Index *index, int fd, guint64 file_size)
{
    FileBox moof, mdat;
    if (!file_box(fd, index->end, file_size, &moof) || moof.type != MP4_TYPE('m', 'o', 'o', 'f') ||
        !file_box(fd, moof.at + moof.size, file_size, &mdat) ||
        mdat.type != MP4_TYPE('m', 'd', 'a', 't'))
        return FALSE;
    g_autoptr(GByteArray) bytes = box_payload(fd, &moof, MAX_MOOF_BYTES);
    if (!bytes)
        return FALSE;
    Fragment fragment = { .index = index,
                          .moof_at = moof.at,
                          .data_at = mdat.at + mdat.header,
                          .data_end = mdat.at + mdat.size };
    ByteReader reader = byte_reader(bytes->data, bytes->len);
    if (!tracks_differ(reader) || !read_moof(&fragment, reader))
        return FALSE;
    fragment.commit = TRUE;
    if (!read_moof(&fragment, reader))
        return FALSE;
    index->end = mdat.at + mdat.size;
    index->fragments++;
    return TRUE;
}

/** ftyp, the 16 reserved bytes (or what they become: an mdat with a 64-bit size), moov. */
static gboolean read_head(Mp4Index *index, int fd, guint64 file_size)
{
    FileBox ftyp, moov;
    guint8 head[16];
    if (!file_box(fd, 0, file_size, &ftyp) || ftyp.type != MP4_TYPE('f', 't', 'y', 'p') ||
        ftyp.size > file_size - 16 || !read_at(fd, ftyp.size, head, sizeof head))
        return FALSE;
    ByteReader reader = byte_reader(head, sizeof head);
    guint32 size = byte_reader_u32(&reader);
    guint32 type = byte_reader_u32(&reader);
    gboolean is_free = size == 16 && type == MP4_TYPE('f', 'r', 'e', 'e');
    gboolean is_mdat = size == 1 && type == MP4_TYPE('m', 'd', 'a', 't');
    if ((!is_free && !is_mdat) || !file_box(fd, ftyp.size + 16, file_size, &moov) ||
        moov.type != MP4_TYPE('m', 'o', 'o', 'v'))
        return FALSE;
    index->reserved_at = ftyp.size;
    index->end = moov.at + moov.size;
    index->moov = box_payload(fd, &moov, MAX_MOOV_BYTES);
    return index->moov && read_moov(index);
}

Mp4Index *mp4_index_read(int fd, GError **error)
{
    struct stat info;
    g_autoptr(Mp4Index) index = g_new0(Mp4Index, 1);
    index->tracks = g_ptr_array_new_with_free_func((GDestroyNotify)track_free);
    guint64 size = fstat(fd, &info) == 0 ? (guint64)info.st_size : 0;
    if (size < 16 || !read_head(index, fd, size)) {
        g_set_error(error, TESSERA_ERROR, TESSERA_ERROR_INVALID,
                    "It is not the beginning of an MP4 that this server wrote.");
        return NULL;
    }
    while (read_fragment(index, fd, size))
        continue;
    return g_steal_pointer(&index);
}

void mp4_index_free(Mp4Index *index)
{
    if (!index)
        return;
    if (index->moov)
        g_byte_array_unref(index->moov);
    g_ptr_array_unref(index->tracks);
    g_free(index);
}

guint64 mp4_track_end(const Mp4Track *track)
{
    return track->samples ? track->last_dts + track->last_duration : 0;
}
