#pragma once

#include "room/room_outputs_private.h"

/* The isolated tracks of one recording: for everybody whose media come encoded one track_recorder
 * for sound and camera, one for the screen. Who comes later, or comes back, gets some more; they
 * line up by the recording's clock. Control thread. */

/** Of those who are here. */
RoomTracks *room_tracks_new(RoomOutput *output) ON_CONTROL_THREAD;

/** What is still written is written to its end by the sinks, which others hold. */
void room_tracks_free(RoomTracks *tracks) ON_CONTROL_THREAD;

/** Somebody is here whose media may be known only now. */
void room_tracks_join(RoomTracks *tracks, Participant *participant) ON_CONTROL_THREAD;
void room_tracks_leave(RoomTracks *tracks, const char *participant_id) ON_CONTROL_THREAD;

void room_tracks_pause(RoomTracks *tracks, gboolean paused) ON_CONTROL_THREAD;

/** Write the ends; nobody is taken any more. */
void room_tracks_finish(RoomTracks *tracks) ON_CONTROL_THREAD;

/** How many have not written their end. */
guint room_tracks_running(const RoomTracks *tracks);

/** Add what they wrote, and with_error the first error. */
void room_tracks_add_status(const RoomTracks *tracks, SinkStatus *status, gboolean with_error);

/** Those that have ended, as by a full disk, take nothing from their senders any more; of them no
 *  more is kept than what they came to. */
void room_tracks_let_go(RoomTracks *tracks) ON_CONTROL_THREAD;

/** (transfer full) [{"participant","name","part":"person"|"screen","state","error","bytes",
 *  "dropped"}]: those that have written something, or still may. */
json_t *room_tracks_json(const RoomTracks *tracks);

/** Append {"name","participant","part","start","duration"} of all their files. */
void room_tracks_add_files(const RoomTracks *tracks, json_t *files);
