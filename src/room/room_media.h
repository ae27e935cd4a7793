#pragma once

#include "io/media_source.h"
#include "io/sink.h"
#include "room/room.h"

/* What comes into a room by other doors than WebRTC, and what goes out of it to files and other
 * servers. All functions: control thread. Errors are TESSERA_ERROR_*, one sentence. */

/* --- in: publishers ---------------------------------------------------------------------- */

typedef struct {
    const char *name, *role; /* as for participants */
    const char *client;      /* "rtmp", "file", "url", "pattern", "image" */
    gboolean overrides_lock;
    /** The room lets go of it (kicked, room closed, taken over): stop sending. Control thread,
     * once; not after room_end_feed(). */
    void (*gone)(const char *reason, gpointer user);
    gpointer user;
} RoomFeedOptions;

/** A participant whose media come by MediaEvents: *events, and *events_user (transfer full;
 * counted, to be freed with *events_free when the source's thread is done). Errors: those of
 * room_join(). */
Participant *room_join_feed(Room *room, const RoomFeedOptions *options, const MediaEvents **events,
                            gpointer *events_user, GDestroyNotify *events_free,
                            GError **error) ON_CONTROL_THREAD;

/** The source ended by itself: the participant leaves with this reason. */
void room_end_feed(Participant *participant, const char *reason) ON_CONTROL_THREAD;

/* --- in: files, URLs, pictures and test patterns ----------------------------------------- */

/** Exactly one of "file" (a name in source.media_dir), "url", "pattern" (0..), "image" (a name of
 * the layout store's images); and "name", "role", "loop", "paused", "volume". The participant that
 * it becomes, whose id is the source's id. INVALID, UNSUPPORTED, FORBIDDEN (address), UNAVAILABLE
 * (source.max). */
Participant *room_add_source(Room *room, json_t *options, GError **error) ON_CONTROL_THREAD;

/** (transfer full) {"id","name","kind","url"
 * (redacted)|"file"|...,"state","error","position","duration",
 *  "loop","paused","reconnects","live","seekable"}; seconds. NULL: this participant is no source.
 */
json_t *room_source_to_json(Participant *participant) ON_CONTROL_THREAD;
/** (transfer full) Array of them. */
json_t *room_sources_json(Room *room) ON_CONTROL_THREAD;

/** Merge patch of "paused", "loop", "position" (seconds: seek), "volume". */
gboolean room_source_patch(Participant *participant, json_t *patch,
                           GError **error) ON_CONTROL_THREAD;

/* --- out --------------------------------------------------------------------------------- */

typedef struct RoomOutput RoomOutput;
typedef enum { ROOM_RECORDING, ROOM_BROADCAST } RoomOutputKind;

/** {"layout"? (name or document), "format"? "mp4" (default), "webm", "mkv", "video"? false: sound
 * only, "hears"? as of a participant, "split_seconds"?, "split_bytes"?}. Belongs to the room.
 * INVALID, NOT_FOUND (layout), UNAVAILABLE (record.max, room.max_scenes, the disk is full). */
RoomOutput *room_start_recording(Room *room, json_t *options, GError **error) ON_CONTROL_THREAD;

/** {"url", "layout"?, "video"?, "audio"? (false: without; not both), "hears"?}. INVALID,
 * UNSUPPORTED, FORBIDDEN (address), UNAVAILABLE (broadcast.max). */
RoomOutput *room_start_broadcast(Room *room, json_t *options, GError **error) ON_CONTROL_THREAD;

/** Makes the sink with the room's events, e.g. rtmp_request_accept_play(); NULL: it is gone
 * already. */
typedef Sink *(*RoomSinkMake)(const SinkEvents *events, gpointer user);

/** Give a player (an RTMP play sink, which `make` makes at once) the room in this layout (NULL: the
 * room's own). Ends with the room, or when the sink does. FALSE with UNAVAILABLE; nothing was made
 * then. */
gboolean room_play(Room *room, Layout *layout, RoomSinkMake make, gpointer user,
                   GError **error) ON_CONTROL_THREAD;

/** A file of the room's live HLS presentation in this layout (NULL: the room's own), which begins
 * with the first request and ends half a minute after the last. (transfer full), or NULL with
 * UNAVAILABLE (not yet: ask again in a second; or too many) or NOT_FOUND. */
GBytes *room_hls(Room *room, Layout *layout, const char *file, const char **content_type,
                 guint *cache_seconds, GError **error) ON_CONTROL_THREAD;

RoomOutput *room_find_output(Room *room, RoomOutputKind kind, const char *id) ON_CONTROL_THREAD;

/** (transfer full) {"id","state","error","created","duration"
 * (seconds),"packets","bytes","dropped", "reconnects","layout","paused","hears" and
 * "format","files":[{"name","bytes"}] | "url" (redacted),"video","audio"}. */
json_t *room_output_to_json(RoomOutput *output) ON_CONTROL_THREAD;
/** (transfer full) What happened during a recording: recording_log_timeline(). */
json_t *room_recording_timeline(RoomOutput *output) ON_CONTROL_THREAD;

/** (transfer full) Array: those that run, and the last ones that ended. */
json_t *room_outputs_json(Room *room, RoomOutputKind kind) ON_CONTROL_THREAD;

/** Merge patch of "paused" (recordings) and "layout". CONFLICT: it has ended, or has no picture
 * whose layout could be changed. */
gboolean room_output_patch(RoomOutput *output, json_t *patch, GError **error) ON_CONTROL_THREAD;

/** Finish it; it stays listed with its end. */
void room_output_stop(RoomOutput *output) ON_CONTROL_THREAD;

/** How many recordings and broadcasts of all rooms have not written their end yet: for the drain.
 */
guint rooms_outputs_running(Rooms *rooms) ON_CONTROL_THREAD;

/** (transfer full) The names, without an ending, of the recordings among them. */
GPtrArray *rooms_recordings_unfinished(Rooms *rooms) ON_CONTROL_THREAD;

/** Finish all recordings and broadcasts of all rooms; players and HLS go on while there is a room.
 */
void rooms_finish_outputs(Rooms *rooms) ON_CONTROL_THREAD;

/** What the outputs of one kind came to, of all rooms since the start. */
typedef struct {
    const char *kind;            /* "recording", "broadcast", "rtmp" (players), "hls" */
    guint states[SINK_FINISHED]; /* how many there are now, by SinkState; ended ones are left out */
    guint64 started, failed, bytes, dropped /* packets */, reconnects;
} RoomOutputTotals;

#define ROOM_OUTPUT_TOTALS 4

/** totals: one for each kind. */
void rooms_output_totals(Rooms *rooms, RoomOutputTotals *totals) ON_CONTROL_THREAD;

/** (transfer full) Where recordings are kept. */
char *rooms_recording_dir(const Config *config);

/** (transfer full) As room_outputs_json(): those recordings of a closed room that still write their
 *  end, or have written it lately. */
json_t *rooms_closed_recordings_json(Rooms *rooms, const char *room_id) ON_CONTROL_THREAD;

/** (transfer full) What the names of this room's recordings begin with, and of no other room's; it
 *  need not be there any more. */
char *room_recording_prefix(const char *room_id);
