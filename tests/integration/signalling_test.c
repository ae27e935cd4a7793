#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "support/sim_offer.h"
#include "support/sim_world.h"

/* Offers at the wrong moment, connections that end and come back. */

static const SimPeerConfig ada_config = {
    .name = "Ada", .number = 1, .tone_hz = 512.5, .video = SIM_MOVING, .paint = { 82, 90, 240 }
};
static const SimPeerConfig bob_config = {
    .name = "Bob", .number = 2, .tone_hz = 837.5, .video = SIM_MOVING, .paint = { 145, 54, 34 }
};

static SimWorld *open_world(void)
{
    SimWorldOptions options = { .project_dir = PROJECT_DIR };
    return sim_world_new(&options);
}

typedef struct {
    guint answers, errors;
    gint code;
    char *text;
} Outcome;

static void on_outcome(const char *answer, const GError *error, gpointer user)
{
    Outcome *outcome = user;
    outcome->answers += answer != NULL;
    outcome->errors += answer == NULL;
    outcome->code = error ? error->code : 0;
    g_free(outcome->text);
    outcome->text = g_strdup(answer);
}

static Participant *join_by_hand(SimWorld *world)
{
    ParticipantOptions options = { .name = "Ada", .publish = TRUE, .view = TRUE, .visible = TRUE };
    thread_assert_control();
    return room_join(sim_world_room(world), &options, NULL);
}

static void offer(Participant *participant, Outcome *outcome)
{
    g_autofree char *text = sim_offer_text(1, TRUE, SIM_ONE_LAYER);
    thread_assert_control();
    participant_offer(participant, text, strlen(text), on_outcome, outcome);
}

static void test_offer_again_after_a_failure(void)
{
    SimWorld *world = open_world();
    MemoryPort *port = memory_port_new(sim_world_network(world), "sim00001");
    Participant *participant = join_by_hand(world);
    Outcome outcome = { 0 };
    memory_network_fail_next(sim_world_network(world), 1);
    offer(participant, &outcome);
    sim_world_run(world, 100 * NS_PER_MS);
    g_assert_cmpuint(outcome.errors, ==, 1);
    g_assert_cmpint(outcome.code, ==, TESSERA_ERROR_UNAVAILABLE);
    offer(participant, &outcome);
    sim_world_run(world, 300 * NS_PER_MS);
    g_assert_cmpuint(outcome.errors, ==, 1);
    g_assert_cmpuint(outcome.answers, ==, 1);
    g_assert_true(memory_port_connected(port));
    g_free(outcome.text);
    memory_port_free(port);
    sim_world_free(world);
}

static void test_second_offer_waits_its_turn(void)
{
    SimWorld *world = open_world();
    MemoryPort *port = memory_port_new(sim_world_network(world), "sim00001");
    Participant *participant = join_by_hand(world);
    Outcome first = { 0 }, second = { 0 };
    offer(participant, &first);
    offer(participant, &second);
    g_assert_cmpuint(second.errors, ==, 1);
    g_assert_cmpint(second.code, ==, TESSERA_ERROR_CONFLICT);
    sim_world_run(world, 100 * NS_PER_MS);
    g_assert_cmpuint(first.answers, ==, 1);
    g_assert_cmpuint(second.answers, ==, 0);
    g_free(first.text);
    memory_port_free(port);
    sim_world_free(world);
}

static void test_leaving_ends_the_offer(void)
{
    SimWorld *world = open_world();
    Participant *participant = join_by_hand(world);
    Outcome outcome = { 0 };
    offer(participant, &outcome);
    thread_assert_control();
    participant_leave(participant, "changed my mind");
    g_assert_cmpuint(outcome.errors, ==, 1);
    sim_world_run(world, 200 * NS_PER_MS);
    g_assert_cmpuint(outcome.errors + outcome.answers, ==, 1);
    g_assert_cmpuint(memory_network_transports(sim_world_network(world)), ==, 0);
    sim_world_free(world);
}

static void test_nonsense_is_refused(void)
{
    static const char *const texts[] = { "", "v=0", "hello", "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n" };
    SimWorld *world = open_world();
    MemoryPort *port = memory_port_new(sim_world_network(world), "sim00001");
    Participant *participant = join_by_hand(world);
    Outcome outcome = { 0 };
    thread_assert_control();
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        participant_offer(participant, texts[i], strlen(texts[i]), on_outcome, &outcome);
        sim_world_run(world, 20 * NS_PER_MS);
        g_assert_cmpuint(outcome.errors, ==, i + 1);
    }
    offer(participant, &outcome);
    sim_world_run(world, 100 * NS_PER_MS);
    g_assert_cmpuint(outcome.answers, ==, 1);
    g_free(outcome.text);
    memory_port_free(port);
    sim_world_free(world);
}

/* A renegotiation changes nothing that is seen or heard. */
static void test_renegotiation_is_not_noticed(void)
{
    SimWorld *world = open_world();
    SimPeer *ada = sim_world_join(world, &ada_config);
    SimPeer *bob = sim_world_join(world, &bob_config);
    sim_world_run(world, 2 * NS_PER_SEC);
    gint64 from_ns = sim_world_now_ns(world);
    sim_ear_mark(sim_peer_ear(ada));
    for (guint i = 0; i < 5; i++) {
        sim_world_offer_again(world, ada);
        sim_world_run(world, 500 * NS_PER_MS);
    }
    gint64 to_ns = sim_world_now_ns(world);
    SimEarStats heard;
    sim_ear_stats(sim_peer_ear(ada), &heard);
    g_assert_cmpuint(heard.missing, ==, 0);
    SimTone at_bob = sim_ear_watch_tone(sim_peer_ear(bob), 512.5, from_ns, to_ns);
    SimTone at_ada = sim_ear_watch_tone(sim_peer_ear(ada), 837.5, from_ns, to_ns);
    g_assert_cmpfloat(at_bob.worst_dip_db, >, -1);
    g_assert_cmpfloat(at_ada.worst_dip_db, >, -1);
    g_assert_cmpfloat(MAX(at_bob.worst_step_rad, at_ada.worst_step_rad), <, 0.1);
    SimCadence seen = sim_eye_cadence(sim_peer_eye(ada), from_ns, to_ns);
    g_assert_cmpuint(seen.longest_step, <=, 6001);
    g_assert_true(sim_world_shows(world, bob, ada, sim_red));
    sim_world_free(world);
}

static void test_failed_connection_is_replaced(void)
{
    SimWorld *world = open_world();
    SimPeer *ada = sim_world_join(world, &ada_config);
    SimPeer *bob = sim_world_join(world, &bob_config);
    sim_world_run(world, 2 * NS_PER_SEC);
    memory_port_set_state(sim_peer_port(ada), TRANSPORT_FAILED);
    sim_world_run(world, NS_PER_SEC);
    g_assert_false(memory_port_connected(sim_peer_port(ada)));
    sim_world_offer_again(world, ada);
    sim_world_run(world, 2 * NS_PER_SEC);
    gint64 now_ns = sim_world_now_ns(world);
    g_assert_true(memory_port_connected(sim_peer_port(ada)));
    g_assert_cmpuint(memory_network_transports(sim_world_network(world)), ==, 2);
    g_assert_cmpfloat(sim_ear_tone_db(sim_peer_ear(bob), 512.5, now_ns - NS_PER_SEC, now_ns), >,
                      -23);
    g_assert_true(sim_world_shows(world, bob, ada, sim_red));
    sim_world_free(world);
}

static void test_interruption_heals(void)
{
    SimWorld *world = open_world();
    SimPeer *ada = sim_world_join(world, &ada_config);
    SimPeer *bob = sim_world_join(world, &bob_config);
    sim_world_run(world, 2 * NS_PER_SEC);
    memory_port_set_state(sim_peer_port(ada), TRANSPORT_DISCONNECTED);
    sim_world_run(world, 3 * NS_PER_SEC);
    memory_port_set_state(sim_peer_port(ada), TRANSPORT_CONNECTED);
    sim_world_run(world, 3 * NS_PER_SEC);
    gint64 now_ns = sim_world_now_ns(world);
    g_assert_cmpfloat(sim_ear_tone_db(sim_peer_ear(bob), 512.5, now_ns - NS_PER_SEC, now_ns), >,
                      -23);
    g_assert_true(sim_world_shows(world, bob, ada, sim_red));
    g_assert_true(sim_world_shows(world, ada, bob, sim_green));
    sim_world_free(world);
}

/* Another camera, another microphone: their streams have numbers that no offer told. What is still
 * sent again of the old ones disturbs nobody. */
static void stale_retransmissions(SimWorld *world, gint64 now_ns, gpointer user)
{
    static const guint8 payload[] = { 0x10, 0, 0, 0, 0 };
    (void)world;
    if (now_ns / NS_PER_MS % 40 == 0)
        sim_peer_send_rtx(user, 100, payload, sizeof payload, now_ns);
}

static void test_new_streams_take_over(void)
{
    SimWorld *world = open_world();
    SimPeer *ada = sim_world_join(world, &ada_config);
    SimPeer *bob = sim_world_join(world, &bob_config);
    sim_world_run(world, 2 * NS_PER_SEC);
    sim_peer_change_ssrcs(ada);
    sim_peer_set_paint(ada, sim_blue);
    sim_world_set_step(world, stale_retransmissions, ada);
    sim_world_run(world, 2 * NS_PER_SEC);
    gdouble before = sim_world_peer_number(world, ada, "received.camera.decoded");
    sim_world_run(world, 2 * NS_PER_SEC);
    gdouble after = sim_world_peer_number(world, ada, "received.camera.decoded");
    gint64 now_ns = sim_world_now_ns(world);
    SimTone tone = sim_ear_watch_tone(sim_peer_ear(bob), 512.5, now_ns - 2 * NS_PER_SEC, now_ns);
    g_test_message("%.0f pictures in 2 s; tone %.1f dB", after - before, tone.level_db);
    g_assert_cmpfloat(after - before, >=, 29);
    g_assert_cmpfloat(tone.level_db, >, -23);
    g_assert_cmpfloat(tone.worst_dip_db, >, -1);
    g_assert_true(sim_world_shows(world, bob, ada, sim_blue));
    sim_world_free(world);
}

/* Nobody looked, so nothing was decoded; the first who looks sees everybody at once. */
static void test_first_viewer_of_a_publisher(void)
{
    SimWorld *world = open_world();
    SimPeerConfig config = ada_config;
    SimPeerConfig viewer = { .name = "Viewer", .number = 3, .view_only = TRUE };
    config.publish_only = TRUE;
    SimPeer *ada = sim_world_join(world, &config);
    sim_world_run(world, 3 * NS_PER_SEC);
    g_assert_cmpfloat(sim_world_peer_number(world, ada, "received.camera.decoded"), ==, 0);
    SimPeer *watcher = sim_world_join(world, &viewer);
    sim_world_run(world, NS_PER_SEC);
    gint64 now_ns = sim_world_now_ns(world);
    g_assert_true(sim_world_shows(world, watcher, ada, sim_red));
    g_assert_cmpfloat(
        sim_ear_tone_db(sim_peer_ear(watcher), 512.5, now_ns - 500 * NS_PER_MS, now_ns), >, -23);
    sim_world_leave(world, watcher);
    sim_world_run(world, NS_PER_SEC);
    gdouble before = sim_world_peer_number(world, ada, "received.camera.decoded");
    sim_world_run(world, NS_PER_SEC);
    g_assert_cmpfloat(sim_world_peer_number(world, ada, "received.camera.decoded"), ==, before);
    sim_world_free(world);
}

typedef struct {
    guint count[ROOM_EVENT_BROADCAST + 1];
    gboolean speaking;
} Events;

static void count_event(Room *room, RoomEventType type, Participant *participant, json_t *data,
                        gpointer user)
{
    Events *events = user;
    (void)room, (void)participant;
    events->count[type]++;
    if (type == ROOM_EVENT_SPEAKING)
        events->speaking = json_is_true(json_object_get(data, "speaking"));
}

static void test_events_tell_what_happens(void)
{
    SimWorld *world = open_world();
    Events events = { 0 };
    thread_assert_control();
    room_listen(sim_world_room(world), count_event, &events);
    SimPeer *ada = sim_world_join(world, &ada_config);
    sim_world_run(world, 2 * NS_PER_SEC);
    g_assert_cmpuint(events.count[ROOM_EVENT_JOINED], ==, 1);
    g_assert_cmpuint(events.count[ROOM_EVENT_LAYOUT], ==, 1);
    g_assert_cmpuint(events.count[ROOM_EVENT_STATE], >=, 1);
    g_assert_cmpuint(events.count[ROOM_EVENT_UPDATED], >=, 1); /* it began to send */
    g_assert_cmpuint(events.count[ROOM_EVENT_SPEAKING], ==, 1);
    g_assert_true(events.speaking);
    sim_peer_set_talking(ada, FALSE);
    sim_world_run(world, 2 * NS_PER_SEC);
    g_assert_cmpuint(events.count[ROOM_EVENT_SPEAKING], ==, 2);
    g_assert_false(events.speaking);
    sim_world_leave(world, ada);
    g_assert_cmpuint(events.count[ROOM_EVENT_LEFT], ==, 1);
    g_assert_cmpuint(events.count[ROOM_EVENT_LAYOUT], ==, 2);
    sim_world_free(world);
    g_assert_cmpuint(events.count[ROOM_EVENT_CLOSED], ==, 1);
}

typedef struct {
    Participant *participant;
    guint calls;
} LeavingUser;

/* As WHIP does: without an answer its participant goes. */
static void leave_without_answer(const char *answer, const GError *error, gpointer user)
{
    LeavingUser *leaving = user;
    thread_assert_control();
    (void)answer;
    g_assert_nonnull(error);
    leaving->calls++;
    participant_leave(leaving->participant, "failed");
}

static void test_failed_offer_leaves_once(void)
{
    SimWorld *world = open_world();
    LeavingUser leaving = { join_by_hand(world), 0 };
    g_autofree char *text = sim_offer_text(1, TRUE, SIM_ONE_LAYER);
    thread_assert_control();
    participant_offer(leaving.participant, text, strlen(text), leave_without_answer, &leaving);
    participant_leave(leaving.participant, "removed");
    g_assert_cmpuint(leaving.calls, ==, 1);
    sim_world_run(world, 100 * NS_PER_MS);
    sim_world_free(world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/signalling/offer_again_after_a_failure", test_offer_again_after_a_failure);
    g_test_add_func("/signalling/second_offer_waits", test_second_offer_waits_its_turn);
    g_test_add_func("/signalling/leaving_ends_the_offer", test_leaving_ends_the_offer);
    g_test_add_func("/signalling/failed_offer_leaves_once", test_failed_offer_leaves_once);
    g_test_add_func("/signalling/nonsense_is_refused", test_nonsense_is_refused);
    g_test_add_func("/signalling/renegotiation", test_renegotiation_is_not_noticed);
    g_test_add_func("/signalling/failed_connection", test_failed_connection_is_replaced);
    g_test_add_func("/signalling/interruption", test_interruption_heals);
    g_test_add_func("/signalling/new_streams", test_new_streams_take_over);
    g_test_add_func("/signalling/first_viewer", test_first_viewer_of_a_publisher);
    g_test_add_func("/signalling/events", test_events_tell_what_happens);
    return g_test_run();
}
