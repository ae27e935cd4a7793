#pragma once

#include <jansson.h>

#include "base/thread.h"
#include "config.h"
#include "room/engine.h"
#include "room/layout_store.h"

/* Rooms and the people in them, as the control thread sees them: what src/api/ works with. Media
 * runs elsewhere (graph.h); nothing here blocks. All functions: control thread. Errors are
 * TESSERA_ERROR_*. */

typedef struct Rooms Rooms;
typedef struct Room Room;
typedef struct Participant Participant;

/* --- the registry ------------------------------------------------------------------------ */

/** `engine` and `config` must outlive it. */
Rooms *rooms_new(Engine *engine, const Config *config) ON_CONTROL_THREAD;
void rooms_free(Rooms *rooms) ON_CONTROL_THREAD;

/** Read the layouts, from this directory and layout.state_dir; once, before the first room. Errors
 *  also if layout.default is not among them. */
gboolean rooms_load_layouts(Rooms *rooms, const char *directory, GError **error) ON_CONTROL_THREAD;

/** (transfer none) */
LayoutStore *rooms_layouts(Rooms *rooms);

/** TRUE for [A-Za-z0-9_-]{1,64}. */
gboolean room_id_valid(const char *id);

/** The room, or NULL. */
Room *rooms_find(Rooms *rooms, const char *id) ON_CONTROL_THREAD;

/** The room, made if it does not exist. Errors: INVALID (id), NOT_FOUND (room.auto_create is off),
 *  UNAVAILABLE (room.max_rooms, draining). */
Room *rooms_open(Rooms *rooms, const char *id, GError **error) ON_CONTROL_THREAD;

/** Make a room on purpose, also where room.auto_create is off. id NULL: one is made up. Errors:
 *  INVALID, CONFLICT (it exists), UNAVAILABLE. */
Room *rooms_create(Rooms *rooms, const char *id, GError **error) ON_CONTROL_THREAD;

/** (transfer full) Array of what room_to_json() makes. */
json_t *rooms_to_json(Rooms *rooms) ON_CONTROL_THREAD;
guint rooms_count(Rooms *rooms) ON_CONTROL_THREAD;

/** Stop taking joins and offers; everyone gets the event ROOM_EVENT_DRAINING. */
void rooms_drain(Rooms *rooms) ON_CONTROL_THREAD;
gboolean rooms_draining(Rooms *rooms) ON_CONTROL_THREAD;

/** How many participants all rooms have. */
guint rooms_participants(Rooms *rooms) ON_CONTROL_THREAD;

/* --- one room ---------------------------------------------------------------------------- */

const char *room_id(const Room *room);

/** (transfer full)
 * {"id","created","layout":name,"locked","max_participants","background":"#..."|null,
 *  "ducking","video":{width,height,fps},"speaker":id|null,"scenes":count,"participants":[...]} */
json_t *room_to_json(Room *room) ON_CONTROL_THREAD;

/** Changes whenever what somebody decided about the room or its people does, for ETags: not with
 *  "speaker", "speaking", "state" and "scenes". */
guint64 room_version(const Room *room) ON_CONTROL_THREAD;

/** JSON merge patch (RFC 7396) of the members "layout" (name or document), "locked",
 *  "max_participants", "background" ("#rrggbb" or null: the layout's), "video":{"width","height"}
 * (the canvas), "ducking". All or nothing. INVALID names the member and the remedy. */
gboolean room_patch(Room *room, json_t *patch, GError **error) ON_CONTROL_THREAD;

/** Everyone is sent away with this reason, and the room is gone. */
void room_close(Room *room, const char *reason) ON_CONTROL_THREAD;

/** Calls back once, later, on the control thread, with what the media threads say (transfer none).
 *  room_graph: the picture of DESIGN section 2 from the live objects: {"inputs":[],"mixer":{},
 *  "scenes":[{...,"renditions":[]}]}. room_stats: counters of each participant
 *  (transport, received streams, jitter, viewer) and of the mix. */
typedef void (*RoomJsonReady)(json_t *json, gpointer user);
void room_graph(Room *room, RoomJsonReady ready, gpointer user) ON_CONTROL_THREAD;
void room_stats(Room *room, RoomJsonReady ready, gpointer user) ON_CONTROL_THREAD;

typedef enum {
    ROOM_EVENT_JOINED,    /* data: participant_to_json() */
    ROOM_EVENT_UPDATED,   /* data: participant_to_json() */
    ROOM_EVENT_LEFT,      /* data: {"id","name","reason"}; the participant is gone after this */
    ROOM_EVENT_SPEAKING,  /* data: {"id","speaking":bool} */
    ROOM_EVENT_LAYOUT,    /* data: room_layout_json(): the room's own layout */
    ROOM_EVENT_STATE,     /* data: {"id","state":"connecting|connected|disconnected|failed"} */
    ROOM_EVENT_DRAINING,  /* data: {} : the server is going away */
    ROOM_EVENT_CLOSED,    /* data: {"reason"}: the room is gone after this */
    ROOM_EVENT_OPENED,    /* data: room_to_json(): the room is new (only for rooms_listen()) */
    ROOM_EVENT_SETTINGS,  /* data: room_to_json() without "participants" */
    ROOM_EVENT_SPEAKER,   /* data: {"id": the active speaker, or null} */
    ROOM_EVENT_VIEW,      /* data: participant_view_json(): what this participant sees changed */
    ROOM_EVENT_RECORDING, /* data: room_output_to_json(): one began, changed its state, ended */
    ROOM_EVENT_BROADCAST, /* likewise */
} RoomEventType;

/** "joined", "updated", "left", "speaking", "layout", "state", "draining", "closed", "opened",
 * "room", "speaker", "view", "recording", "broadcast". */
const char *room_event_name(RoomEventType type);

/** participant: whom it is about, or NULL. data (transfer none). A listener may make participants
 *  leave or unlisten, but not close the room; new participants and snapshots have to wait until the
 *  event is over. */
typedef void (*RoomListener)(Room *room, RoomEventType type, Participant *participant, json_t *data,
                             gpointer user);

guint room_listen(Room *room, RoomListener listener, gpointer user) ON_CONTROL_THREAD;
/** The same for one participant's client: of the VIEW events it gets only its own. */
guint room_listen_as(Room *room, const Participant *self, RoomListener listener,
                     gpointer user) ON_CONTROL_THREAD;
void room_unlisten(Room *room, guint id) ON_CONTROL_THREAD;

/** The same for the events of all rooms, for as long as there are rooms. */
void rooms_listen(Rooms *rooms, RoomListener listener, gpointer user) ON_CONTROL_THREAD;

/* --- layouts ----------------------------------------------------------------------------- */

/** (transfer full) What layout_plan_json() makes of the room's own layout. */
json_t *room_layout_json(Room *room) ON_CONTROL_THREAD;

/** (transfer full) The name of the room's layout, or its document if it was given inline. */
json_t *room_layout_choice(Room *room) ON_CONTROL_THREAD;

/** "\"...\"": changes with the choice (transfer full). */
char *room_layout_etag(Room *room) ON_CONTROL_THREAD;

/** A layout named or written out: a JSON string is a name of the store, an object a document.
 *  (transfer full), or NULL with INVALID or NOT_FOUND. */
Layout *rooms_layout_from_json(Rooms *rooms, json_t *choice, GError **error) ON_CONTROL_THREAD;

/** The room's own layout from now on (a reference is taken). Never fails. */
void room_set_layout(Room *room, Layout *layout) ON_CONTROL_THREAD;

/** (transfer full) What this layout would make of the people who are here: layout_plan_json(). */
json_t *room_dry_run(Room *room, Layout *layout) ON_CONTROL_THREAD;

/** Calls back once, later: the picture (transfer none) that whoever takes this layout sees, or NULL
 *  with an error: UNAVAILABLE (room.max_scenes), INTERNAL. layout NULL: the room's own. Works with
 *  nobody watching; the same picture is handed out for a second. */
typedef void (*RoomSnapshotReady)(GBytes *file, const GError *error, gpointer user);
void room_snapshot(Room *room, Layout *layout, ImageFormat format, RoomSnapshotReady ready,
                   gpointer user) ON_CONTROL_THREAD;

/* --- one participant --------------------------------------------------------------------- */

typedef struct {
    const char *name;   /* UTF-8, 1..64 characters after trimming; NULL or "": "Guest" */
    const char *client; /* "web", "whip", "whep", ... shown in the API */
    gboolean publish;   /* may send */
    gboolean view;      /* receives the mix */
    gboolean visible;   /* has a tile and is listed as a participant (a WHEP viewer has none) */
    gboolean want_answer_only; /* candidates all in the answer, no trickle from us */
    const char *role;          /* [A-Za-z0-9_-]{1,32}, or NULL */
    Layout *layout;            /* its own from the beginning (a reference is taken), or NULL */
    gboolean without_self;     /* see participant_set_view() */
    gboolean overrides_lock;   /* may come into a locked room */
} ParticipantOptions;

/** TRUE for [A-Za-z0-9_-]{1,32}. */
gboolean participant_role_valid(const char *role);

/** Errors: INVALID (name, role), FORBIDDEN (locked), UNAVAILABLE (full, draining, room.max_scenes).
 *  The participant belongs to the room. */
Participant *room_join(Room *room, const ParticipantOptions *options,
                       GError **error) ON_CONTROL_THREAD;

Participant *room_find(Room *room, const char *participant_id) ON_CONTROL_THREAD;

/** The participant whose participant_session() this is, or NULL: for those who come back. */
Participant *room_resume(Room *room, const char *session) ON_CONTROL_THREAD;

const char *participant_id(const Participant *participant);
Room *participant_room(const Participant *participant);

/** FALSE: a viewer without a place in the room, of whom the others are not told. */
gboolean participant_visible(const Participant *participant);

/** 128 random bits in hex: the right to act as this participant (WHIP resource, resume). */
const char *participant_session(const Participant *participant);

/** (transfer full)
 * {"id","name","client","state","joined","publish","view","visible","audio":{"sending",
 *  "muted"},"video":{"sending","muted"},"screen":{"sending"},"speaking",
 *  "quality":"full"|"reduced"|"sound"|null,"role":text|null,"order","pinned","hidden","hold","muted","video_off","volume","hears":{"include"|"exclude":[...]}|null,
 *  "layout":name|null,"without_self"}. audio.muted and video.muted are what the participant says of
 *  itself; muted and video_off what was decided about it. */
json_t *participant_to_json(Participant *participant) ON_CONTROL_THREAD;
guint64 participant_version(const Participant *participant) ON_CONTROL_THREAD;

/** JSON merge patch of the members "name", "role" (or null), "order" (-1000..1000; the lower stands
 *  first), "pinned", "hidden" (no tile, is heard), "hold" (neither seen nor heard, and sees and
 * hears nothing of the room), "muted", "video_off", "volume" (dB, -60..12), "hears" (null:
 * everybody;
 *  {"include":[...]} or {"exclude":[...]} of participant ids or "role:NAME"), "layout" (name,
 * document, or null: the room's), "without_self". All or nothing. Errors: INVALID names the member
 * and the remedy; NOT_FOUND (layout); UNAVAILABLE (room.max_scenes). */
gboolean participant_patch(Participant *participant, json_t *patch,
                           GError **error) ON_CONTROL_THREAD;

/** What this participant sees: its own layout (NULL: the room's; a reference is taken), and whether
 *  its own tile is left out. Without renegotiation. UNAVAILABLE if the room composes
 *  room.max_scenes different pictures already. */
gboolean participant_set_view(Participant *participant, Layout *layout, gboolean without_self,
                              GError **error) ON_CONTROL_THREAD;

/** (transfer full) layout_plan_json() of what it sees, with "choice": name|null, "without_self",
 * and "fallback": true if the room's picture is shown because room.max_scenes is reached. */
json_t *participant_view_json(Participant *participant) ON_CONTROL_THREAD;

/** Gone at once; ROOM_EVENT_LEFT with this reason. */
void participant_leave(Participant *participant, const char *reason) ON_CONTROL_THREAD;

/** The signalling connection broke (TRUE) or is back (FALSE). A detached participant leaves after
 *  room.rejoin_seconds. */
void participant_set_detached(Participant *participant, gboolean detached) ON_CONTROL_THREAD;

/** Called once: answer (transfer none), or NULL with an error. */
typedef void (*ParticipantAnswer)(const char *answer_sdp, const GError *error, gpointer user);

/** An SDP offer: the first one connects; a later one renegotiates (screen share, ICE restart), and
 *  one with another DTLS fingerprint replaces the connection. The answer comes later on this
 *  thread; if the participant leaves first, with an error. */
void participant_offer(Participant *participant, const char *sdp, gsize size,
                       ParticipantAnswer answer, gpointer user) ON_CONTROL_THREAD;

/** The other way round: we offer (one audio and two video sections), once, before any offer of the
 *  peer. Calls back with the offer like participant_offer() with its answer. */
void participant_make_offer(Participant *participant, ParticipantAnswer offer,
                            gpointer user) ON_CONTROL_THREAD;

/** The peer's answer to that offer. */
gboolean participant_accept_answer(Participant *participant, const char *sdp, gsize size,
                                   GError **error) ON_CONTROL_THREAD;

/** An ICE candidate of the peer ("candidate:..."); "" or NULL: the end of candidates. */
gboolean participant_add_candidate(Participant *participant, const char *candidate,
                                   GError **error) ON_CONTROL_THREAD;

/** WHIP/WHEP ICE restart (RFC 9725 section 4.3): new credentials of the peer in an SDP fragment;
 *  the answer is our SDP fragment (RFC 8840). Without new credentials in the fragment only its
 *  candidates are added and the answer is "". */
void participant_ice_fragment(Participant *participant, const char *fragment, gsize size,
                              ParticipantAnswer answer, gpointer user) ON_CONTROL_THREAD;

typedef struct {
    gint audio_muted, video_muted; /* 0, 1, or -1: unchanged */
    const char *name;              /* or NULL: unchanged */
} ParticipantUpdate;

/** What the participant says of itself (mute signs, name). */
gboolean participant_update(Participant *participant, const ParticipantUpdate *update,
                            GError **error) ON_CONTROL_THREAD;
