#pragma once

#include "mixer/layout.h"
#include "room/graph.h"
#include "room/peer.h"
#include "room/room.h"

/* What room.c, rooms.c, participant.c and room_layout.c share. Control thread. */

struct Rooms {
    Engine *engine;
    const Config *config;
    GHashTable *by_id; /* char * -> Room (owned) */
    Layout *layout;    /* of new rooms */
    gboolean draining;
};

struct Room {
    Rooms *rooms;
    char *id;
    gint64 created_ns;
    Graph *graph;
    GPtrArray *participants; /* of Participant (owned), in the order of joining */
    GArray *listeners;       /* of Listener */
    guint next_listener, next_participant;
    guint empty_timer; /* GSource id, 0: none */
    gboolean keep;     /* stays although nobody is in it (the demo) */
    json_t *layout_json;
};

/* An offer that waits for its answer. */
typedef struct {
    ParticipantAnswer done; /* NULL: nothing waits */
    gpointer user;
    gboolean ours;          /* what is waited for is an offer of ours */
    SdpSession *offer;      /* NULL: the answer is an SDP fragment */
    Negotiated *negotiated; /* for writing the answer; the peer has one of its own */
} PendingAnswer;

struct Participant {
    Room *room;
    char *id, *session, *name, *client;
    gboolean publish, view, visible;
    gboolean leaving; /* who is told of it must not make it leave again */
    gint64 joined_ns;
    TransportState state;
    guint active_sources; /* bits (1 << SourceKind) */
    gboolean audio_muted, video_muted, speaking;

    IngressSinks sinks; /* a reference each */
    GraphLeg *leg;
    Peer *peer;             /* NULL before the first offer */
    Negotiated *negotiated; /* what the newest answer said */
    SdpSession *own_offer;  /* that waits for the peer's answer, or NULL */
    char *fingerprint, *ice_ufrag, *mid;
    guint detach_timer, fail_timer;
    PendingAnswer pending;
    guint64 sdp_version;
};

void room_emit(Room *room, RoomEventType type, Participant *participant,
               json_t *data) ON_CONTROL_THREAD; /* data: (transfer full) */

/** Place everybody anew and tell the scene and the listeners. */
void room_update_layout(Room *room) ON_CONTROL_THREAD;

Room *room_new(Rooms *rooms, const char *id) ON_CONTROL_THREAD;

/** The room goes some time after the last one left. */
void room_watch_empty(Room *room) ON_CONTROL_THREAD;

/** Take a participant out of the list and free it (no event). */
void room_forget(Room *room, Participant *participant) ON_CONTROL_THREAD;

Participant *participant_new(Room *room, const ParticipantOptions *options,
                             GError **error) ON_CONTROL_THREAD;
void participant_free(gpointer participant) ON_CONTROL_THREAD;

/** Ends what waits for an answer with this error (transfer full). */
void participant_fail_offer(Participant *participant, GError *error) ON_CONTROL_THREAD;

/** Our side is known (or failed): the answer that waits goes out. */
void participant_local_ready(Participant *participant, const PeerLocal *local,
                             const GError *error) ON_CONTROL_THREAD;

/** "new", "connecting", ... */
const char *participant_state_name(TransportState state);

/** Events of the participant's connection. */
extern const PeerEvents participant_peer_events;

/** The connection failed or its signalling is gone: leave unless it comes back in time. */
void participant_watch(Participant *participant, guint *timer, gboolean gone,
                       const char *reason) ON_CONTROL_THREAD;
