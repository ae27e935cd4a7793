#pragma once

#include <jansson.h>

#include "room/room.h"
#include "support/sim_peer.h"

/* A server without sockets and the people at it: configuration, engine, rooms, a network in memory
 * and simulated participants, moved together. In simulated time a second costs some milliseconds;
 * with threads it costs a second. The calling thread is the control thread. */

typedef struct SimWorld SimWorld;

typedef struct {
    const char *project_dir; /* PROJECT_DIR */
    gboolean threaded;
    const char *const *settings; /* "section.key=value", NULL-ended; or NULL */
} SimWorldOptions;

/** The canvas is 320x180@15 at 400 kbit/s unless `settings` say otherwise; the room is "room".
 *  Aborts if a setting is wrong. */
SimWorld *sim_world_new(const SimWorldOptions *options);
/** Everybody leaves; everything ends. */
void sim_world_free(SimWorld *world);

/** Somebody joins the room and offers (transfer none). The answer comes while the world runs. */
SimPeer *sim_world_join(SimWorld *world, const SimPeerConfig *config);
void sim_world_leave(SimWorld *world, SimPeer *peer);
/** The same peer offers again, as after a change of its tracks or a lost connection. */
void sim_world_offer_again(SimWorld *world, SimPeer *peer);
Participant *sim_world_participant(SimWorld *world, const SimPeer *peer);

void sim_world_run(SimWorld *world, gint64 duration_ns);
gint64 sim_world_now_ns(SimWorld *world);

/** Called once in every millisecond of sim_world_run(); NULL: nothing. */
typedef void (*SimWorldStep)(SimWorld *world, gint64 now_ns, gpointer user);
void sim_world_set_step(SimWorld *world, SimWorldStep step, gpointer user);

Rooms *sim_world_rooms(SimWorld *world);
Room *sim_world_room(SimWorld *world);
Engine *sim_world_engine(SimWorld *world);
MemoryNetwork *sim_world_network(SimWorld *world);

/** (transfer full) room_graph(), room_stats(): the world runs until they are there. */
json_t *sim_world_graph(SimWorld *world);
json_t *sim_world_stats(SimWorld *world);

/** A number inside JSON by a path like "mixer.own_voices" or "scenes.0.renditions.0.encoded".
 *  Aborts where there is none. */
gdouble sim_json_number(const json_t *json, const char *path);
/** The same of the graph, or of one participant's statistics. */
gdouble sim_world_graph_number(SimWorld *world, const char *path);
gdouble sim_world_peer_number(SimWorld *world, const SimPeer *peer, const char *path);

/** Where a participant's tile stands. FALSE: it has none. */
gboolean sim_world_tile(SimWorld *world, const SimPeer *peer, VideoRect *rect);

/** Checks that look at a part of `watcher`'s newest picture, inside `shown`'s tile: the middle. */
SimColour sim_world_colour(SimWorld *world, SimPeer *watcher, const SimPeer *shown);
/** TRUE if the middle of the tile has that colour, as far as encoders keep it. */
gboolean sim_world_shows(SimWorld *world, SimPeer *watcher, const SimPeer *shown, SimPaint paint);
