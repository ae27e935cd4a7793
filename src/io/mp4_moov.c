#include "io/mp4_moov.h"

#include "base/bytes.h"
#include "io/mp4_box.h"

/* Of the whole file: fine enough for an edit list to keep sound and picture in step. */
#define MOVIE_TIMESCALE 90000
#define MAX_DEPTH       6

typedef struct {
    const Mp4Index *index;
    const Mp4Track *track; /* whose trak is being written */
    GByteArray *out;
    guint depth;
} MoovWriter;

/** Where the first sample is shown, on the zero that all tracks share. */
static guint64 track_start(const Mp4Track *track)
{
    return track->first_dts + track->first_offset;
}

static guint64 rescale(guint64 value, guint32 from, guint32 to)
{
    return (guint64)(((unsigned __int128)value * to + from / 2) / from);
}

/** How long the track's samples are shown, in its own timescale. */
static guint64 media_duration(const Mp4Track *track)
{
    return mp4_track_end(track) - track->first_dts;
}

static guint64 movie_end(const Mp4Track *track)
{
    return rescale(mp4_track_end(track) + track->first_offset, track->timescale, MOVIE_TIMESCALE);
}

static guint64 movie_duration(const Mp4Index *index)
{
    guint64 duration = 0;
    for (guint i = 0; i < index->tracks->len; i++) {
        const Mp4Track *track = index->tracks->pdata[i];
        if (track->samples)
            duration = MAX(duration, movie_end(track));
    }
    return duration;
}

gint64 mp4_moov_duration_us(const Mp4Index *index)
{
    return (gint64)rescale(movie_duration(index), MOVIE_TIMESCALE, G_USEC_PER_SEC);
}

/** The two times in front of mvhd, tkhd and mdhd, as version 1 has them. */
static void copy_times(GByteArray *out, ByteReader *reader, guint8 version)
{
    guint bytes = version == 1 ? 8 : 4;
    mp4_put_u64(out, byte_reader_uint(reader, bytes));
    mp4_put_u64(out, byte_reader_uint(reader, bytes));
}

static void copy_rest(GByteArray *out, ByteReader *reader)
{
    gsize left = byte_reader_left(reader);
    if (left > 0)
        g_byte_array_append(out, byte_reader_bytes(reader, left), (guint)left);
}

/** mvhd and mdhd: their times, timescale and duration as version 1, the rest as it was. */
static gboolean write_header(GByteArray *out, guint32 type, ByteReader box, guint32 timescale,
                             guint64 duration)
{
    guint8 version = byte_reader_u8(&box);
    guint at = mp4_box_begin(out, type);
    mp4_put(out, 1, 1);
    mp4_put(out, byte_reader_u24(&box), 3);
    copy_times(out, &box, version);
    byte_reader_u32(&box);
    byte_reader_uint(&box, version == 1 ? 8 : 4);
    mp4_put_u32(out, timescale);
    mp4_put_u64(out, duration);
    copy_rest(out, &box);
    mp4_box_end(out, at);
    return !box.failed;
}

/** Show nothing until the track's first sample is due, then all of it (8.6.6). */
static void write_edits(GByteArray *out, const Mp4Track *track)
{
    guint64 start = rescale(track_start(track), track->timescale, MOVIE_TIMESCALE);
    guint edts = mp4_box_begin(out, MP4_TYPE('e', 'd', 't', 's'));
    guint elst = mp4_full_box_begin(out, MP4_TYPE('e', 'l', 's', 't'), 1);
    mp4_put_u32(out, start > 0 ? 2 : 1);
    if (start > 0) {
        mp4_put_u64(out, start);
        mp4_put_u64(out, G_MAXUINT64);
        mp4_put_u32(out, 1 << 16);
    }
    mp4_put_u64(out, movie_end(track) - start);
    mp4_put_u64(out, track->first_offset);
    mp4_put_u32(out, 1 << 16);
    mp4_box_end(out, elst);
    mp4_box_end(out, edts);
}

static gboolean write_tkhd(GByteArray *out, ByteReader box, const Mp4Track *track)
{
    guint8 version = byte_reader_u8(&box);
    guint at = mp4_box_begin(out, MP4_TYPE('t', 'k', 'h', 'd'));
    mp4_put(out, 1, 1);
    mp4_put(out, byte_reader_u24(&box), 3);
    copy_times(out, &box, version);
    mp4_put_u32(out, byte_reader_u32(&box));
    mp4_put_u32(out, byte_reader_u32(&box));
    byte_reader_uint(&box, version == 1 ? 8 : 4);
    mp4_put_u64(out, movie_end(track));
    copy_rest(out, &box);
    mp4_box_end(out, at);
    write_edits(out, track);
    return !box.failed;
}

static void write_runs(GByteArray *out, const GArray *runs, const Mp4Run *last)
{
    for (guint i = 0; i < runs->len; i++) {
        const Mp4Run *run = &g_array_index(runs, Mp4Run, i);
        mp4_put_u32(out, run->count);
        mp4_put_u32(out, run->value);
    }
    if (last) {
        mp4_put_u32(out, last->count);
        mp4_put_u32(out, last->value);
    }
}

static void write_stts(GByteArray *out, const Mp4Track *track)
{
    const Mp4Run last = { 1, track->last_duration };
    guint at = mp4_full_box_begin(out, MP4_TYPE('s', 't', 't', 's'), 0);
    mp4_put_u32(out, track->durations->len + 1);
    write_runs(out, track->durations, &last);
    mp4_box_end(out, at);
}

static void write_ctts(GByteArray *out, const Mp4Track *track)
{
    if (track->offsets->len == 1 && track->first_offset == 0)
        return;
    guint at = mp4_full_box_begin(out, MP4_TYPE('c', 't', 't', 's'), 0);
    mp4_put_u32(out, track->offsets->len);
    write_runs(out, track->offsets, NULL);
    mp4_box_end(out, at);
}

static void write_stss(GByteArray *out, const Mp4Track *track)
{
    if (track->sync->len == track->samples)
        return;
    guint at = mp4_full_box_begin(out, MP4_TYPE('s', 't', 's', 's'), 0);
    mp4_put_u32(out, track->sync->len);
    for (guint i = 0; i < track->sync->len; i++)
        mp4_put_u32(out, g_array_index(track->sync, guint32, i));
    mp4_box_end(out, at);
}

static void write_stsz(GByteArray *out, const Mp4Track *track)
{
    guint at = mp4_full_box_begin(out, MP4_TYPE('s', 't', 's', 'z'), 0);
    mp4_put_u32(out, 0);
    mp4_put_u32(out, track->samples);
    g_byte_array_append(out, track->sizes->data, track->sizes->len);
    mp4_box_end(out, at);
}

static void write_stsc(GByteArray *out, const Mp4Track *track)
{
    guint at = mp4_full_box_begin(out, MP4_TYPE('s', 't', 's', 'c'), 0);
    guint count_at = out->len;
    guint32 entries = 0, before = 0;
    mp4_put_u32(out, 0);
    for (guint i = 0; i < track->chunks->len; i++) {
        guint32 samples = g_array_index(track->chunks, Mp4Chunk, i).samples;
        if (samples == before)
            continue;
        mp4_put_u32(out, i + 1);
        mp4_put_u32(out, samples);
        mp4_put_u32(out, 1);
        before = samples;
        entries++;
    }
    mp4_patch_u32(out, count_at, entries);
    mp4_box_end(out, at);
}

static void write_chunk_offsets(GByteArray *out, const Mp4Track *track, guint64 end)
{
    gboolean wide = end > G_MAXUINT32;
    guint32 type = wide ? MP4_TYPE('c', 'o', '6', '4') : MP4_TYPE('s', 't', 'c', 'o');
    guint at = mp4_full_box_begin(out, type, 0);
    mp4_put_u32(out, track->chunks->len);
    for (guint i = 0; i < track->chunks->len; i++)
        mp4_put(out, g_array_index(track->chunks, Mp4Chunk, i).offset, wide ? 8 : 4);
    mp4_box_end(out, at);
}

static void copy_box(GByteArray *out, guint32 type, ByteReader box)
{
    guint at = mp4_box_begin(out, type);
    copy_rest(out, &box);
    mp4_box_end(out, at);
}

static gboolean write_stbl(const MoovWriter *writer, ByteReader box)
{
    guint32 type;
    ByteReader inside;
    gboolean described = FALSE;
    guint at = mp4_box_begin(writer->out, MP4_TYPE('s', 't', 'b', 'l'));
    while (!described && mp4_next_box(&box, &type, &inside)) {
        described = type == MP4_TYPE('s', 't', 's', 'd');
        if (described)
            copy_box(writer->out, type, inside);
    }
    write_stts(writer->out, writer->track);
    write_ctts(writer->out, writer->track);
    write_stss(writer->out, writer->track);
    write_stsc(writer->out, writer->track);
    write_stsz(writer->out, writer->track);
    write_chunk_offsets(writer->out, writer->track, writer->index->end);
    mp4_box_end(writer->out, at);
    return described;
}

/** The track whose tkhd is in this trak. */
static const Mp4Track *track_of(const Mp4Index *index, ByteReader trak)
{
    guint32 type, id;
    ByteReader inside;
    while (mp4_next_box(&trak, &type, &inside)) {
        if (type != MP4_TYPE('t', 'k', 'h', 'd'))
            continue;
        guint8 version = byte_reader_u8(&inside);
        byte_reader_bytes(&inside, 3 + (version == 1 ? 16 : 8));
        id = byte_reader_u32(&inside);
        for (guint i = 0; i < index->tracks->len; i++) {
            const Mp4Track *track = index->tracks->pdata[i];
            if (track->id == id)
                return track;
        }
    }
    return NULL;
}

static gboolean write_inside(MoovWriter *writer, ByteReader container);

static gboolean write_container(MoovWriter *writer, guint32 type, ByteReader box)
{
    if (writer->depth >= MAX_DEPTH)
        return FALSE;
    guint at = mp4_box_begin(writer->out, type);
    writer->depth++;
    gboolean whole = write_inside(writer, box);
    writer->depth--;
    mp4_box_end(writer->out, at);
    return whole;
}

static gboolean write_trak(MoovWriter *writer, ByteReader box)
{
    writer->track = track_of(writer->index, box);
    if (!writer->track || writer->track->samples == 0)
        return TRUE;
    gboolean whole = write_container(writer, MP4_TYPE('t', 'r', 'a', 'k'), box);
    writer->track = NULL;
    return whole;
}

/** What of a track's boxes is written anew. FALSE: damaged. */
static gboolean write_track_box(MoovWriter *writer, guint32 type, ByteReader box)
{
    const Mp4Track *track = writer->track;
    switch (type) {
    case MP4_TYPE('t', 'k', 'h', 'd'):
        return write_tkhd(writer->out, box, track);
    case MP4_TYPE('m', 'd', 'h', 'd'):
        return write_header(writer->out, type, box, track->timescale, media_duration(track));
    case MP4_TYPE('e', 'd', 't', 's'):
        return TRUE;
    case MP4_TYPE('m', 'd', 'i', 'a'):
    case MP4_TYPE('m', 'i', 'n', 'f'):
        return write_container(writer, type, box);
    case MP4_TYPE('s', 't', 'b', 'l'):
        return write_stbl(writer, box);
    default:
        copy_box(writer->out, type, box);
        return TRUE;
    }
}

static gboolean write_inside(MoovWriter *writer, ByteReader container)
{
    guint32 type;
    ByteReader box;
    gboolean whole = TRUE;
    while (whole && mp4_next_box(&container, &type, &box)) {
        if (writer->track)
            whole = write_track_box(writer, type, box);
        else if (type == MP4_TYPE('m', 'v', 'h', 'd'))
            whole = write_header(writer->out, type, box, MOVIE_TIMESCALE,
                                 movie_duration(writer->index));
        else if (type == MP4_TYPE('t', 'r', 'a', 'k'))
            whole = write_trak(writer, box);
        else if (type != MP4_TYPE('m', 'v', 'e', 'x'))
            copy_box(writer->out, type, box);
    }
    return whole;
}

GByteArray *mp4_moov_write(const Mp4Index *index)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    MoovWriter writer = { .index = index, .out = out };
    ByteReader moov = byte_reader(index->moov->data, index->moov->len);
    if (!write_container(&writer, MP4_TYPE('m', 'o', 'o', 'v'), moov))
        return NULL;
    return g_steal_pointer(&out);
}
