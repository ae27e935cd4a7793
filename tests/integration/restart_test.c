#include <string.h>

#include "base/clock.h"
#include "support/sim_world.h"

/* ICE restarts, as /ws does them (a new offer) and as WHIP and WHEP do (a fragment by PATCH): the
 * streams go on as if nothing had been, and nobody else notices. That the keys and the DTLS
 * association stay too is tested in unit/net/webrtc_test.c. */

#define FRAME_TICKS (90000 / 15)

typedef struct {
    SimWorld *world;
    SimPeer *ada, *bob, *cyd; /* who sends, who restarts, who watches */
    guint restarts;
    char *ufrag; /* the server's newest */
} Meeting;

typedef struct {
    SimPeer *peer;
    gint64 from_ns;
    SimEyeStats eye;
} Watch;

static Meeting meet(void)
{
    SimWorldOptions options = { .project_dir = PROJECT_DIR };
    SimLinkConfig line = { .rate_bps = 5000000, .delay_ns = 20 * NS_PER_MS };
    SimPeerConfig ada = {
        .name = "Ada", .number = 1, .tone_hz = 500, .video = SIM_MOVING, .up = line, .down = line
    };
    SimPeerConfig bob = { .name = "Bob", .number = 2, .view_only = TRUE, .up = line, .down = line };
    SimPeerConfig cyd = bob;
    cyd.name = "Cyd";
    cyd.number = 3;
    Meeting meeting = { .world = sim_world_new(&options) };
    meeting.ada = sim_world_join(meeting.world, &ada);
    meeting.bob = sim_world_join(meeting.world, &bob);
    meeting.cyd = sim_world_join(meeting.world, &cyd);
    sim_world_run(meeting.world, 8 * NS_PER_SEC);
    return meeting;
}

static void part(Meeting *meeting)
{
    sim_world_free(meeting->world);
    g_free(meeting->ufrag);
}

/* --- restarting -------------------------------------------------------------------------- */

/* What the memory network takes for the same client. */
static char *next_ufrag(Meeting *meeting, const SimPeer *peer)
{
    g_autofree char *first = sim_offer_ufrag(sim_peer_config(peer)->number);
    return g_strdup_printf("%s+%u", first, ++meeting->restarts);
}

static void keep_answer(const char *answer, const GError *error, gpointer user)
{
    g_assert_no_error(error);
    *(char **)user = g_strdup(answer);
}

static void assert_new_ufrag(Meeting *meeting, const char *answer)
{
    const char *line = strstr(answer, "a=ice-ufrag:");
    g_assert_nonnull(line);
    g_autofree char *ufrag = g_strndup(line, strcspn(line, "\r\n"));
    g_assert_cmpstr(ufrag, !=, "a=ice-ufrag:srv1");
    g_assert_cmpstr(ufrag, !=, meeting->ufrag);
    g_free(meeting->ufrag);
    meeting->ufrag = g_steal_pointer(&ufrag);
}

static void restart_by_offer(Meeting *meeting, SimPeer *peer)
{
    g_autofree char *ufrag = next_ufrag(meeting, peer), *answer = NULL;
    g_autofree char *offer = sim_peer_offer(peer);
    g_auto(GStrv) parts = g_strsplit(offer, "a=ice-ufrag:", 2);
    g_autofree char *again =
        g_strconcat(parts[0], "a=ice-ufrag:", ufrag, strpbrk(parts[1], "\r\n"), NULL);
    thread_assert_control();
    SimAnswer before, after;
    participant_offer(sim_world_participant(meeting->world, peer), again, strlen(again),
                      keep_answer, &answer);
    sim_world_run(meeting->world, 20 * NS_PER_MS);
    g_assert_nonnull(answer);
    assert_new_ufrag(meeting, answer);
    sim_answer_read(answer, &after);
    before = *sim_peer_answer(peer);
    g_assert_cmpuint(after.video.ssrc, ==, before.video.ssrc);
    g_assert_cmpuint(after.audio.ssrc, ==, before.audio.ssrc);
    g_assert_cmpuint(after.video.rtx_ssrc, ==, before.video.rtx_ssrc);
    g_assert_cmpuint(after.video.payload_type, ==, before.video.payload_type);
}

static void restart_by_patch(Meeting *meeting, SimPeer *peer)
{
    g_autofree char *ufrag = next_ufrag(meeting, peer), *answer = NULL;
    g_autofree char *fragment = g_strdup_printf("a=ice-ufrag:%s\r\n"
                                                "a=ice-pwd:0123456789abcdef01234567\r\n",
                                                ufrag);
    thread_assert_control();
    participant_ice_fragment(sim_world_participant(meeting->world, peer), fragment,
                             strlen(fragment), keep_answer, &answer);
    sim_world_run(meeting->world, 20 * NS_PER_MS);
    g_assert_nonnull(answer);
    assert_new_ufrag(meeting, answer);
}

/* --- what is noticed of it --------------------------------------------------------------- */

static Watch begin_watch(const Meeting *meeting, SimPeer *peer)
{
    Watch watch = { .peer = peer, .from_ns = sim_world_now_ns(meeting->world) };
    sim_eye_stats(sim_peer_eye(peer), &watch.eye);
    sim_ear_mark(sim_peer_ear(peer));
    return watch;
}

/* Every packet of sound and every picture came in its turn: no number is missing, no time jumps,
 * and no key frame was needed. */
static void assert_undisturbed(const Meeting *meeting, const Watch *watch)
{
    SimEyeStats eye;
    SimEarStats ear;
    gint64 now_ns = sim_world_now_ns(meeting->world);
    SimCadence cadence = sim_eye_cadence(sim_peer_eye(watch->peer), watch->from_ns, now_ns);
    sim_eye_stats(sim_peer_eye(watch->peer), &eye);
    sim_ear_stats(sim_peer_ear(watch->peer), &ear);
    g_test_message("%s: %u pictures, %u key frames, longest gap %d ms, longest step %u ticks",
                   sim_peer_config(watch->peer)->name, cadence.frames, cadence.keyframes,
                   (gint)(cadence.longest_gap_ns / NS_PER_MS), cadence.longest_step);
    g_assert_cmpuint(cadence.frames, >=, 44);
    g_assert_cmpuint(cadence.keyframes, ==, 0);
    g_assert_cmpuint(cadence.backwards, ==, 0);
    g_assert_cmpuint(cadence.longest_step, <=, FRAME_TICKS + 2);
    g_assert_cmpuint(eye.nacks, ==, watch->eye.nacks);
    g_assert_cmpuint(eye.plis, ==, watch->eye.plis);
    g_assert_cmpuint(eye.decode_errors, ==, watch->eye.decode_errors);
    g_assert_cmpuint(ear.packets, >=, 148);
    g_assert_cmpuint(ear.missing, ==, 0);
    g_assert_cmpuint(ear.bad_steps, ==, 0);
}

typedef void (*Restart)(Meeting *meeting, SimPeer *peer);

static void check_viewer(Restart restart)
{
    Meeting meeting = meet();
    for (guint round = 0; round < 3; round++) {
        Watch bob = begin_watch(&meeting, meeting.bob), cyd = begin_watch(&meeting, meeting.cyd);
        restart(&meeting, meeting.bob);
        sim_world_run(meeting.world, 3 * NS_PER_SEC);
        assert_undisturbed(&meeting, &bob);
        assert_undisturbed(&meeting, &cyd);
    }
    part(&meeting);
}

static void test_viewer_by_offer(void)
{
    check_viewer(restart_by_offer);
}

static void test_viewer_by_patch(void)
{
    check_viewer(restart_by_patch);
}

/* Who sends is asked for no key frame, and is seen without a break. */
static void test_sender(void)
{
    static const Restart restarts[] = { restart_by_offer, restart_by_patch };
    Meeting meeting = meet();
    for (guint i = 0; i < G_N_ELEMENTS(restarts); i++) {
        SimPeerStats before, after;
        Watch ada = begin_watch(&meeting, meeting.ada), cyd = begin_watch(&meeting, meeting.cyd);
        sim_peer_stats(meeting.ada, &before);
        restarts[i](&meeting, meeting.ada);
        sim_world_run(meeting.world, 3 * NS_PER_SEC);
        sim_peer_stats(meeting.ada, &after);
        g_assert_cmpuint(after.plis, ==, before.plis);
        g_assert_cmpuint(after.nacked, ==, before.nacked);
        assert_undisturbed(&meeting, &ada);
        assert_undisturbed(&meeting, &cyd);
    }
    part(&meeting);
}

/* A network that was away for two seconds before the restart: one key frame brings the picture
 * back. */
static void test_after_a_break(void)
{
    static const Restart restarts[] = { restart_by_offer, restart_by_patch };
    SimLinkConfig line = { .rate_bps = 5000000, .delay_ns = 20 * NS_PER_MS }, cut = { .loss = 1 };
    for (guint i = 0; i < G_N_ELEMENTS(restarts); i++) {
        Meeting meeting = meet();
        sim_peer_set_links(meeting.bob, &cut, &cut);
        sim_world_run(meeting.world, 2 * NS_PER_SEC);
        sim_peer_set_links(meeting.bob, &line, &line);
        gint64 from_ns = sim_world_now_ns(meeting.world);
        restarts[i](&meeting, meeting.bob);
        sim_world_run(meeting.world, 4 * NS_PER_SEC);
        gint64 now_ns = sim_world_now_ns(meeting.world);
        SimCadence bob = sim_eye_cadence(sim_peer_eye(meeting.bob), from_ns, now_ns);
        SimCadence cyd = sim_eye_cadence(sim_peer_eye(meeting.cyd), from_ns, now_ns);
        g_test_message("%u key frames, pictures again within %d ms", bob.keyframes,
                       (gint)(bob.longest_gap_ns / NS_PER_MS));
        g_assert_cmpuint(bob.keyframes, ==, 1);
        g_assert_cmpuint(bob.backwards, ==, 0);
        g_assert_cmpint(bob.longest_gap_ns, <, NS_PER_SEC);
        g_assert_cmpuint(cyd.keyframes, <=, 1); /* it is the same picture */
        g_assert_cmpuint(cyd.longest_step, <=, FRAME_TICKS + 2);
        part(&meeting);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/restart/viewer_by_offer", test_viewer_by_offer);
    g_test_add_func("/restart/viewer_by_patch", test_viewer_by_patch);
    g_test_add_func("/restart/sender", test_sender);
    g_test_add_func("/restart/after_a_break", test_after_a_break);
    return g_test_run();
}
