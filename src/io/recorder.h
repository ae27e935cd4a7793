#pragma once

#include <glib.h>

#include "io/recorder_clock.h"
#include "io/recorder_file.h"
#include "io/sink.h"

/* A recording: a sink that writes a file, or several in turn, on a thread of its own. It begins at
 * a key frame with 0, leaves out its pauses, and ends as plain files that seek. A full disk, or a
 * limit, ends it as SINK_FAILED with what was recorded kept. */

typedef struct {
    const char *directory; /* is made with the first file */
    const char *name;      /* made by the server, see recording_base_valid() */
    RecorderFormat format;
    guint split_seconds; /* a new file NAME-001, NAME-002 ... at the next key frame; 0: one file */
    guint64 split_bytes; /* likewise */
    guint64 max_bytes;   /* of all its files; 0: any */
    guint64 min_free_bytes; /* to be left free on the disk */
    RecorderClock *clock;   /* is told when each piece begins (a reference is taken), or NULL */
} RecorderOptions;

/** TESSERA_ERROR_INVALID: the name. The last reference must not be dropped inside an event. */
Sink *recorder_new(const RecorderOptions *options, const SinkEvents *events, GError **error);

/** (transfer full) Of char: the names of the files that are whole. Any thread. */
GPtrArray *recorder_files(Sink *sink);
