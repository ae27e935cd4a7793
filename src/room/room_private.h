#pragma once

#include "mixer/layout.h"
#include "room/graph.h"
#include "room/peer.h"
#include "room/room.h"
#include "room/room_media.h"
#include "room/room_views.h"

/* What the files about rooms and the people in them share. Control thread. */

typedef struct {
    guint id;
    const Participant *self; /* of VIEW events only those about this one; NULL: all */
    RoomListener listener;
    gpointer user;
} RoomListenerEntry;

struct Rooms {
    Engine *engine;
    const Config *config;
    GHashTable *by_id; /* char * -> Room (owned) */
    LayoutStore *layouts;
    Layout *default_layout; /* layout.default as it was last seen */
    GArray *listeners;      /* of RoomListenerEntry */
    guint next_listener;
    gboolean draining;
    guint next_recording; /* of all rooms: a room that is made again repeats no name */
    GPtrArray *ending;    /* of RoomOutput: of rooms that are gone, until all is written */
    RoomOutputTotals output_totals[ROOM_OUTPUT_TOTALS]; /* without those that rooms still list */
};

struct Room {
    Rooms *rooms;
    char *id;
    gint64 created_ns;
    Graph *graph;
    GPtrArray *participants; /* of Participant (owned), in the order of joining */
    GArray *listeners;       /* of RoomListenerEntry */
    guint next_listener, next_participant;
    guint leavings;    /* how many participants have gone */
    guint empty_timer; /* GSource id, 0: none */
    gboolean keep;     /* stays although nobody is in it (the demo) */

    /* Settings. */
    gint width, height; /* of the canvas, where a layout names no other shape */
    gint64 background;  /* 0xRRGGBB, or -1: the layout's */
    gboolean locked, ducking;
    guint max_participants;
    guint64 version;

    char *speaker; /* who has the floor, or NULL */
    guint64 next_spoken, next_pinned;

    RoomViews *views;
    View *own_view;       /* the room's layout */
    GPtrArray *snapshots; /* of Snapshot (owned) */
    GPtrArray *outputs;   /* of RoomOutput (owned): recordings, broadcasts, players */
    guint next_output;
    GPtrArray *mixes; /* of RoomMix: of outputs that are not to hear everybody */
};

/* An offer that waits for its answer. */
typedef struct {
    ParticipantAnswer done; /* NULL: nothing waits */
    gpointer user;
    gboolean ours;          /* what is waited for is an offer of ours */
    SdpSession *offer;      /* NULL: the answer is an SDP fragment */
    Negotiated *negotiated; /* for writing the answer; the peer has one of its own */
} PendingAnswer;

/* What a participant has whose media do not come by WebRTC (room_feeds.h). */
typedef struct RoomFeed RoomFeed;

struct Participant {
    Room *room;
    guint number; /* the n-th that ever joined */
    char *id, *session, *name, *client;
    gboolean publish, view, visible;
    gboolean sounds;  /* it has a place in the mix */
    gboolean leaving; /* who is told of it must not make it leave again */
    gint64 joined_ns;
    TransportState state;
    guint active_sources;
    ViewerQuality quality; /* what its line lets it have */ /* bits (1 << SourceKind) */
    gboolean audio_muted, video_muted, speaking;
    guint64 spoken; /* the higher, the later it had the floor; 0: never */
    guint64 version;

    /* What was decided about it. */
    char *role; /* or NULL */
    gint order;
    guint64 pinned; /* the lower, the earlier; 0: not pinned */
    gboolean hidden, hold, muted, video_off;
    double volume_db;
    json_t *hears;   /* {"include"|"exclude": [...]}, or NULL: everybody */
    char *hears_key; /* of the sub-mix that it hears, or NULL */

    IngressSinks sinks; /* a reference each */
    SourceTap *tap;     /* what it sends, for recordings; NULL: nothing that comes encoded */
    GraphLeg *leg;
    View *watches;                /* NULL: it receives nothing */
    const CodecType *video_codec; /* of what it receives, or NULL: no video */
    RoomFeed *feed;               /* instead of a peer, or NULL */
    Peer *peer;                   /* NULL before the first offer */
    Negotiated *negotiated;       /* what the newest answer said */
    SdpSession *own_offer;        /* that waits for the peer's answer, or NULL */
    char *fingerprint, *ice_ufrag, *mid;
    guint detach_timer, fail_timer;
    PendingAnswer pending;
    guint64 sdp_version;
};

void room_emit(Room *room, RoomEventType type, Participant *participant,
               json_t *data) ON_CONTROL_THREAD; /* data: (transfer full) */

/** The members of the room changed. */
void room_touch(Room *room) ON_CONTROL_THREAD;

/** The room's own scene (transfer none). */
Scene *room_own_scene(Room *room) ON_CONTROL_THREAD;

/** Who hears whom: after somebody came, left, or was told to hear others (room_hearing.c). */
void room_update_hearing(Room *room) ON_CONTROL_THREAD;

/** How loud this participant is, after it was muted, put on hold or turned up. */
void participant_update_gain(Participant *participant) ON_CONTROL_THREAD;

/** Something about it is different: everybody is told. */
void participant_note_update(Participant *participant) ON_CONTROL_THREAD;

/** Its view's scene changed: it gets that one's rendition. */
void participant_follow_view(Participant *participant) ON_CONTROL_THREAD;

/** (transfer full) The name as it is shown, or NULL with an error. */
char *participant_clean_name(const char *name, GError **error);

/** Its id, if its own tiles are to be left out of what it sees; else NULL. */
const char *participant_left_out(const Participant *participant, gboolean without_self);

/** It cannot have the floor any more (muted, on hold, gone). */
void room_take_floor(Room *room, const Participant *participant) ON_CONTROL_THREAD;

/** Somebody is about to choose what to see: scenes that are only kept for further snapshots make
 *  way. room_views_update() is to follow. */
void room_release_snapshots(Room *room) ON_CONTROL_THREAD;

/** The room closes: recordings and broadcasts write their end. */
void room_close_outputs(Room *room) ON_CONTROL_THREAD;
void room_ending_free(gpointer data);

/** The room closes: whoever waits for a picture gets an error. */
void room_drop_snapshots(Room *room) ON_CONTROL_THREAD;

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
