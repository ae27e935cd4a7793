#pragma once

#include <glib.h>

#include "io/sink.h"

/* One file of a recording. MP4 is written in fragments of about a second, each with one write, and
 * becomes a plain MP4 at its end (mp4_finalize); WebM and Matroska in clusters of a second, with an
 * index at the end. After a crash recorder_recover() does what was not done. One thread at a time.
 */

typedef enum { RECORDER_MP4, RECORDER_WEBM, RECORDER_MKV } RecorderFormat;

typedef struct RecorderFile RecorderFile;

typedef struct {
    const char *directory, *name; /* name with its ending, see recorder_format_suffix() */
    RecorderFormat format;
    const SinkStream *streams;
    guint n;
    guint64 max_bytes; /* 0: any size */
    guint64 min_free_bytes;
} RecorderFileOptions;

/** ".mp4", ".webm", ".mkv". */
const char *recorder_format_suffix(RecorderFormat format);

/** Whether the format holds such a stream. FALSE: *error says which and what to do. */
gboolean recorder_format_check(RecorderFormat format, const AVCodecParameters *parameters,
                               GError **error);

RecorderFile *recorder_file_new(const RecorderFileOptions *options, GError **error);

/** Without recorder_file_finish() it stays as NAME.part. */
void recorder_file_free(RecorderFile *file);

/** The packet's times in microseconds of this file (changed in place). FALSE: the disk or a limit
 *  stops it; recorder_file_finish() still makes a whole file of what came before. */
gboolean recorder_file_write(RecorderFile *file, guint stream, AVPacket *packet, GError **error);

/** Let what was written so far reach the file. */
gboolean recorder_file_flush(RecorderFile *file, GError **error);

/** Every few seconds: let it reach the disk. */
void recorder_file_sync(RecorderFile *file, gint64 now_ns);

/** Bytes in the file so far. */
guint64 recorder_file_bytes(const RecorderFile *file);

/** Write the ending and give the file its name. Returns its length in microseconds, 0 if nothing
 * was in it and it was removed, -1 on errors (NAME.part stays). */
gint64 recorder_file_finish(RecorderFile *file, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(RecorderFile, recorder_file_free)
