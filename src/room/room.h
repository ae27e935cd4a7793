#pragma once

#include <jansson.h>

#include "base/thread.h"
#include "config.h"
#include "room/engine.h"

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

/** Read the default layout from a directory of layout documents; once, before the first room. */
gboolean rooms_load_layout(Rooms *rooms, const char *directory, GError **error) ON_CONTROL_THREAD;

/** TRUE for [A-Za-z0-9_-]{1,64}. */
gboolean room_id_valid(const char *id);

/** The room, or NULL. */
Room *rooms_find(Rooms *rooms, const char *id) ON_CONTROL_THREAD;

/** The room, made if it does not exist. Errors: INVALID (id), NOT_FOUND (room.auto_create is off),
 *  UNAVAILABLE (room.max_rooms, draining). */
Room *rooms_open(Rooms *rooms, const char *id, GError **error) ON_CONTROL_THREAD;

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

/** (transfer full) {"id","created","layout","participants":[...],"video":{width,height,fps}} */
json_t *room_to_json(Room *room) ON_CONTROL_THREAD;

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
    ROOM_EVENT_JOINED,   /* data: participant_to_json() */
    ROOM_EVENT_UPDATED,  /* data: participant_to_json() */
    ROOM_EVENT_LEFT,     /* data: {"id","name","reason"}; the participant is gone after this */
    ROOM_EVENT_SPEAKING, /* data: {"id","speaking":bool} */
    ROOM_EVENT_LAYOUT,   /* data: {"layout","tiles":[{"id","x","y","width","height"}]} pixels */
    ROOM_EVENT_STATE,    /* data: {"id","state":"connecting|connected|disconnected|failed"} */
    ROOM_EVENT_DRAINING, /* data: {} : the server is going away */
    ROOM_EVENT_CLOSED,   /* data: {"reason"}: the room is gone after this */
} RoomEventType;

/** "joined", "updated", "left", "speaking", "layout", "state", "draining", "closed". */
const char *room_event_name(RoomEventType type);

/** participant: whom it is about, or NULL. data (transfer none). A listener may leave or unlisten,
 *  but not close the room. */
typedef void (*RoomListener)(Room *room, RoomEventType type, Participant *participant, json_t *data,
                             gpointer user);

guint room_listen(Room *room, RoomListener listener, gpointer user) ON_CONTROL_THREAD;
void room_unlisten(Room *room, guint id) ON_CONTROL_THREAD;

/** (transfer full) The newest data of ROOM_EVENT_LAYOUT. */
json_t *room_layout_json(Room *room) ON_CONTROL_THREAD;

/* --- one participant --------------------------------------------------------------------- */

typedef struct {
    const char *name;   /* UTF-8, 1..64 characters after trimming; NULL or "": "Guest" */
    const char *client; /* "web", "whip", "whep", ... shown in the API */
    gboolean publish;   /* may send */
    gboolean view;      /* receives the mix */
    gboolean visible;   /* has a tile and is listed as a participant (a WHEP viewer has none) */
    gboolean want_answer_only; /* candidates all in the answer, no trickle from us */
} ParticipantOptions;

/** Errors: INVALID (name), UNAVAILABLE (full, draining). The participant belongs to the room. */
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

/** (transfer full) {"id","name","client","state","joined","publish","view","audio":{"sending",
 *  "muted"},"video":{"sending","muted"},"screen":{"sending"},"speaking"} */
json_t *participant_to_json(Participant *participant) ON_CONTROL_THREAD;

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
