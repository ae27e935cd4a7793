#pragma once

#include "room/engine.h"
#include "room/room.h"
#include "support/media_file.h"

/* A whole server in memory whose senders play clips: config, engine, one room, transports in
 * memory. For benchmarks: simulated (as fast as the machine goes, one thread) or in real time with
 * the server's own threads. */

typedef struct FedRoom FedRoom;

/** One participant. */
typedef struct {
    const char *name;
    const MediaFile *audio, *video;  /* what it sends (transfer none), or NULL */
    const MediaFile *smaller[2];     /* further layers of `video`, the smallest first; or NULL */
    guint8 level_dbov;               /* what it says of its loudness (RFC 6464) */
    gint64 offset_ns;                /* where in the clips it begins */
    gboolean view_audio, view_video; /* what it takes of the mix */
    gboolean visible;
} FedPeer;

/** `settings` are "section.key=value", NULL-ended; without layout.dir it is ./layouts. */
FedRoom *fed_room_new(gboolean simulated, const char *const *settings, GError **error);
void fed_room_free(FedRoom *fed);

/** Join, and connect. */
gboolean fed_room_add(FedRoom *fed, const FedPeer *peer, GError **error);

/** From now on the clips are played, over and over. */
void fed_room_play(FedRoom *fed);

/** Let this much time pass, simulated or real. */
void fed_room_run(FedRoom *fed, gint64 duration_ns);

typedef struct {
    guint64 fed_packets;            /* from the senders */
    guint64 packets, bytes, frames; /* to all viewers; frames: of video */
    EngineStats engine;
    guint64 scene_ticks, scene_late, scene_skipped, encoded, replaced;
    guint64 decoded, decode_dropped;
    gint64 audio_cpu_ns, decode_cpu_ns, compose_cpu_ns, encode_cpu_ns;
    guint64 concealed;
} FedRoomStats;

void fed_room_stats(FedRoom *fed, FedRoomStats *stats);
Engine *fed_room_engine(FedRoom *fed);
Room *fed_room_room(FedRoom *fed);
Rooms *fed_room_rooms(FedRoom *fed);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FedRoom, fed_room_free)
