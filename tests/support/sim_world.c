#include "support/sim_world.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define STEP_NS          NS_PER_MS
#define COLOUR_TOLERANCE 22
#define SIM_START_NS     (1000 * NS_PER_SEC)

typedef struct {
    SimWorld *world;
    SimPeer *peer;
    char *participant_id;
} Seat;

struct SimWorld {
    gboolean threaded;
    Config *config;
    Engine *engine;
    MemoryNetwork *network;
    Rooms *rooms;
    Room *room;
    GPtrArray *seats; /* of Seat */
    SimWorldStep step;
    gpointer step_user;
    gint64 now_ns; /* simulated */
};

/* --- life -------------------------------------------------------------------------------- */

static Config *make_config(const char *const *settings)
{
    static const char *const small[] = { "video.width=320", "video.height=180", "video.fps=15",
                                         "video.bitrate=400000", NULL };
    Config *config = config_new();
    /* Nothing of the user's own; made only if something is kept. */
    g_autofree char *state =
        g_strdup_printf("layout.state_dir=%s/tessera-test-%d", g_get_tmp_dir(), (int)getpid());
    const char *const own[] = { state, NULL };
    const char *const *lists[] = { small, own, settings };
    for (guint i = 0; i < G_N_ELEMENTS(lists); i++) {
        for (const char *const *setting = lists[i]; setting && *setting; setting++) {
            g_autoptr(GError) error = NULL;
            if (!config_set(config, *setting, &error))
                g_error("%s", error->message);
        }
    }
    g_autoptr(GError) error = NULL;
    if (!config_check(config, &error))
        g_error("%s", error->message);
    return config;
}

SimWorld *sim_world_new(const SimWorldOptions *options)
{
    g_autoptr(GError) error = NULL;
    SimWorld *world = g_new0(SimWorld, 1);
    log_set_level(LOG_WARNING);
    world->threaded = options->threaded;
    world->config = make_config(options->settings);
    world->now_ns = SIM_START_NS;
    if (world->threaded)
        thread_set_roles(THREAD_CONTROL);
    world->engine = world->threaded ? engine_new(world->config)
                                    : engine_new_simulated(world->config, world->now_ns);
    thread_assert_control();
    world->network = memory_network_new(world->engine, world->threaded, 7);
    engine_set_transports(world->engine, memory_network_factory(world->network));
    world->rooms = rooms_new(world->engine, world->config);
    world->seats = g_ptr_array_new();
    g_autofree char *layouts = g_build_filename(options->project_dir, "layouts", NULL);
    if (!rooms_load_layouts(world->rooms, layouts, &error))
        g_error("%s", error->message);
    world->room = rooms_open(world->rooms, "room", &error);
    if (!world->room)
        g_error("%s", error->message);
    return world;
}

static void seat_free(Seat *seat)
{
    sim_peer_free(seat->peer);
    g_free(seat->participant_id);
    g_free(seat);
}

/* The transports close on the net thread. */
static void wait_for_transports(SimWorld *world)
{
    gint64 until_ns = sim_world_now_ns(world) + 5 * NS_PER_SEC;
    do {
        sim_world_run(world, 50 * NS_PER_MS);
    } while (memory_network_transports(world->network) > 0 && sim_world_now_ns(world) < until_ns);
    g_assert_cmpuint(memory_network_transports(world->network), ==, 0);
}

void sim_world_free(SimWorld *world)
{
    thread_assert_control();
    world->step = NULL;
    while (world->seats->len > 0)
        sim_world_leave(world, ((Seat *)world->seats->pdata[world->seats->len - 1])->peer);
    rooms_free(world->rooms);
    wait_for_transports(world);
    memory_network_free(world->network);
    engine_free(world->engine);
    config_free(world->config);
    g_ptr_array_unref(world->seats);
    g_free(world);
}

/* --- people ------------------------------------------------------------------------------ */

static Seat *find_seat(SimWorld *world, const SimPeer *peer)
{
    for (guint i = 0; i < world->seats->len; i++) {
        Seat *seat = world->seats->pdata[i];
        if (seat->peer == peer)
            return seat;
    }
    return NULL;
}

static void on_answer(const char *answer, const GError *error, gpointer user)
{
    SimWorld *world = ((Seat *)user)->world;
    /* The seat is gone if its participant left before. */
    for (guint i = 0; i < world->seats->len; i++) {
        if (world->seats->pdata[i] != user)
            continue;
        if (!answer)
            g_error("the offer failed: %s", error->message);
        sim_peer_accept_answer(((Seat *)user)->peer, answer);
    }
}

SimPeer *sim_world_join(SimWorld *world, const SimPeerConfig *config)
{
    g_autoptr(GError) error = NULL;
    ParticipantOptions options = { .name = config->name,
                                   .publish = !config->view_only,
                                   .view = !config->publish_only,
                                   .visible = !config->view_only };
    thread_assert_control();
    Seat *seat = g_new0(Seat, 1);
    seat->world = world;
    seat->peer = sim_peer_new(world->network, config, sim_world_now_ns(world));
    g_ptr_array_add(world->seats, seat);
    Participant *participant = room_join(world->room, &options, &error);
    if (!participant)
        g_error("%s", error->message);
    seat->participant_id = g_strdup(participant_id(participant));
    g_autofree char *offer = sim_peer_offer(seat->peer);
    participant_offer(participant, offer, strlen(offer), on_answer, seat);
    return seat->peer;
}

Participant *sim_world_participant(SimWorld *world, const SimPeer *peer)
{
    thread_assert_control();
    return room_find(world->room, find_seat(world, peer)->participant_id);
}

void sim_world_offer_again(SimWorld *world, SimPeer *peer)
{
    g_autofree char *offer = sim_peer_offer(peer);
    thread_assert_control();
    participant_offer(sim_world_participant(world, peer), offer, strlen(offer), on_answer,
                      find_seat(world, peer));
}

void sim_world_leave(SimWorld *world, SimPeer *peer)
{
    Seat *seat = find_seat(world, peer);
    thread_assert_control();
    Participant *participant = room_find(world->room, seat->participant_id);
    g_ptr_array_remove(world->seats, seat);
    if (participant)
        participant_leave(participant, "left");
    seat_free(seat);
}

/* --- time -------------------------------------------------------------------------------- */

gint64 sim_world_now_ns(SimWorld *world)
{
    return world->threaded ? clock_now_ns() : world->now_ns;
}

static void step_people(SimWorld *world, gint64 now_ns)
{
    for (guint i = 0; i < world->seats->len; i++)
        sim_peer_tick(((Seat *)world->seats->pdata[i])->peer, now_ns);
    if (world->step)
        world->step(world, now_ns, world->step_user);
}

static void run_threaded(SimWorld *world, gint64 duration_ns)
{
    gint64 until_ns = clock_now_ns() + duration_ns;
    while (clock_now_ns() < until_ns) {
        while (g_main_context_iteration(NULL, FALSE))
            ;
        step_people(world, clock_now_ns());
        g_usleep(STEP_NS / 1000);
    }
}

void sim_world_run(SimWorld *world, gint64 duration_ns)
{
    if (world->threaded) {
        run_threaded(world, duration_ns);
        return;
    }
    gint64 until_ns = world->now_ns + duration_ns;
    while (world->now_ns < until_ns) {
        step_people(world, world->now_ns);
        memory_network_post_delivery(world->network);
        world->now_ns += STEP_NS;
        engine_simulate(world->engine, world->now_ns);
    }
}

void sim_world_set_step(SimWorld *world, SimWorldStep step, gpointer user)
{
    world->step = step;
    world->step_user = user;
}

Rooms *sim_world_rooms(SimWorld *world)
{
    return world->rooms;
}

Room *sim_world_room(SimWorld *world)
{
    return world->room;
}

Engine *sim_world_engine(SimWorld *world)
{
    return world->engine;
}

MemoryNetwork *sim_world_network(SimWorld *world)
{
    return world->network;
}

/* --- what the server says of itself ------------------------------------------------------ */

static void keep_json(json_t *json, gpointer user)
{
    *(json_t **)user = json_incref(json);
}

static void wait_for_json(SimWorld *world, json_t **json)
{
    while (!*json)
        sim_world_run(world, STEP_NS);
}

json_t *sim_world_graph(SimWorld *world)
{
    json_t *json = NULL;
    thread_assert_control();
    room_graph(world->room, keep_json, &json);
    wait_for_json(world, &json);
    return json;
}

json_t *sim_world_stats(SimWorld *world)
{
    json_t *json = NULL;
    thread_assert_control();
    room_stats(world->room, keep_json, &json);
    wait_for_json(world, &json);
    return json;
}

static const json_t *json_step(const json_t *json, const char *name)
{
    return json_is_array(json) ? json_array_get(json, (gsize)atoi(name))
                               : json_object_get(json, name);
}

gdouble sim_json_number(const json_t *json, const char *path)
{
    g_auto(GStrv) names = g_strsplit(path, ".", -1);
    for (guint i = 0; names[i] && json; i++)
        json = json_step(json, names[i]);
    if (!json_is_number(json))
        g_error("there is no number %s", path);
    return json_number_value(json);
}

gdouble sim_world_graph_number(SimWorld *world, const char *path)
{
    json_t *graph = sim_world_graph(world);
    gdouble number = sim_json_number(graph, path);
    json_decref(graph);
    return number;
}

gdouble sim_world_peer_number(SimWorld *world, const SimPeer *peer, const char *path)
{
    json_t *stats = sim_world_stats(world);
    const json_t *people = json_object_get(stats, "participants");
    const json_t *one = json_object_get(people, find_seat(world, peer)->participant_id);
    gdouble number = sim_json_number(one, path);
    json_decref(stats);
    return number;
}

/* --- looking at tiles -------------------------------------------------------------------- */

static gint member(const json_t *tile, const char *name)
{
    return (gint)json_integer_value(json_object_get(tile, name));
}

gboolean sim_world_tile(SimWorld *world, const SimPeer *peer, VideoRect *rect)
{
    const char *id = find_seat(world, peer)->participant_id;
    thread_assert_control();
    json_t *layout = room_layout_json(world->room);
    const json_t *tiles = json_object_get(layout, "tiles");
    gboolean found = FALSE;
    for (gsize i = 0; i < json_array_size(tiles) && !found; i++) {
        const json_t *tile = json_array_get(tiles, i);
        found = g_strcmp0(json_string_value(json_object_get(tile, "id")), id) == 0;
        *rect = (VideoRect){ member(tile, "x"), member(tile, "y"), member(tile, "width"),
                             member(tile, "height") };
    }
    json_decref(layout);
    return found;
}

SimColour sim_world_colour(SimWorld *world, SimPeer *watcher, const SimPeer *shown)
{
    VideoRect tile;
    if (!sim_world_tile(world, shown, &tile))
        g_error("%s has no tile", sim_peer_config(shown)->name);
    VideoRect middle = { tile.x + tile.width / 2 - 8, tile.y + tile.height / 2 - 8, 16, 16 };
    return sim_eye_colour(sim_peer_eye(watcher), &middle);
}

gboolean sim_world_shows(SimWorld *world, SimPeer *watcher, const SimPeer *shown, SimPaint paint)
{
    SimColour seen = sim_world_colour(world, watcher, shown);
    return ABS(seen.y - paint.y) <= COLOUR_TOLERANCE && ABS(seen.u - paint.u) <= COLOUR_TOLERANCE &&
           ABS(seen.v - paint.v) <= COLOUR_TOLERANCE;
}
