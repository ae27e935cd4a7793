#pragma once

#include <glib.h>

/* Reads the fragments of an MP4 that was written by recorder_file, and collects for each track what
 * the sample tables of a plain MP4 need (ISO 14496-12 8.6, 8.7). The file may end anywhere, and may
 * hold anything: nothing is believed before it was checked. */

/** `count` samples in turn with the same value. */
typedef struct {
    guint32 count;
    guint32 value;
} Mp4Run;

typedef struct {
    guint64 offset; /* in the file */
    guint32 samples;
} Mp4Chunk;

typedef struct {
    guint32 id, timescale;
    guint64 first_dts, last_dts;
    guint32 last_duration;
    guint32 first_offset; /* composition offset of the first sample */
    guint32 samples;
    GByteArray *sizes; /* big-endian guint32 each */
    GArray *durations; /* Mp4Run; the last sample's is in last_duration */
    GArray *offsets;   /* Mp4Run: composition offsets */
    GArray *sync;      /* guint32: numbers of the key frames, from 1 */
    GArray *chunks;    /* Mp4Chunk */

    /* From trex. */
    guint32 default_duration, default_size, default_flags;
} Mp4Track;

typedef struct {
    GByteArray *moov;    /* the first one, the payload without its header */
    guint64 reserved_at; /* the 16 bytes in front of it that become the header of mdat */
    guint64 end;         /* where the last whole fragment ends */
    guint64 fragments;
    GPtrArray *tracks; /* Mp4Track */
} Mp4Index;

/** Read the file (from its start; its position is not used). NULL if it is none of ours or damaged
 *  before the first fragment: TESSERA_ERROR_INVALID. */
Mp4Index *mp4_index_read(int fd, GError **error);
void mp4_index_free(Mp4Index *index);

/** The end of the track, from the zero that all tracks share, in its own timescale. */
guint64 mp4_track_end(const Mp4Track *track);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Mp4Index, mp4_index_free)
