#pragma once

#include "room/room_outputs_private.h"

/* Who was there, and which layout, while a room was recorded: the sidecar of a recording,
 * NAME.json beside its files, written anew within a second of each change (after 500 events within
 * a second for each 500) and at the end; another recording's is never replaced. Control thread; the
 * writing is done by the engine's disk pool. */

/** Begins with those who are here. */
RecordingLog *recording_log_new(RoomOutput *output) ON_CONTROL_THREAD;

/** What waits to be written is written. */
void recording_log_free(RecordingLog *log) ON_CONTROL_THREAD;

/** Something happened; "pause", "resume", "end" or "layout". After 10,000 events "truncated" is the
 * last but "end". */
void recording_log_note(RecordingLog *log, const char *event) ON_CONTROL_THREAD;

/** An event of the room: whoever came, left or changed the name. */
void recording_log_room_event(RecordingLog *log, RoomEventType type, const Participant *participant,
                              const json_t *data) ON_CONTROL_THREAD;

/** The files are others than before: write it now, or soon, as is said above. */
void recording_log_write(RecordingLog *log) ON_CONTROL_THREAD;
void recording_log_write_soon(RecordingLog *log) ON_CONTROL_THREAD;

/** TRUE while it is being written, or is to be. */
gboolean recording_log_is_busy(const RecordingLog *log);

/** (transfer full) [{"time": seconds of the recording, "wall": seconds since 1970, "event", ...}]
 */
json_t *recording_log_timeline(const RecordingLog *log);
