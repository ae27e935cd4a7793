#pragma once

#include <glib.h>

#include "io/recorder_clock.h"
#include "io/sink.h"

/* One person's own track of a recording: a sink that writes what was sent as it was sent, into
 * Matroska, which holds every codec. sink_start() is not called: each packet says what it is
 * (track_parameters.h), and where sound or pictures join in, or go on in another codec, a new file
 * begins; a track that would have more than a hundred fails. All times count from the beginning of
 * the recording, so that files laid side by side line up; pauses are left out. Pictures begin at a
 * key frame, which is asked for. No file at all is an end like any other. */

enum { TRACK_SOUND, TRACK_PICTURES, TRACK_STREAMS };

typedef struct {
    const char *directory; /* is made with the first file */
    const char *name;      /* of its files, without an ending; see recording_base_valid() */
    guint64 min_free_bytes;
    RecorderClock *clock; /* a reference is taken */
    gboolean has_sound;   /* its pictures wait a moment for it */
    guint pauses;         /* of the recording, so far */
    gboolean paused;
} TrackRecorderOptions;

/** TESSERA_ERROR_INVALID: the name. */
Sink *track_recorder_new(const TrackRecorderOptions *options, const SinkEvents *events,
                         GError **error);

typedef struct {
    char *name;
    gint64 start_us, end_us; /* of what is in it, in the recording's time */
} TrackFile;

/** (transfer full) Of TrackFile: those that are whole. Any thread. */
GPtrArray *track_recorder_files(Sink *sink);
