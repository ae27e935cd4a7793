#include "base/clock.h"
#include "support/sim_world.h"

/* What three people see and hear of each other. */

static const SimPeerConfig people[] = {
    { .name = "Ada", .number = 1, .tone_hz = 512.5, .video = SIM_MOVING, .paint = { 82, 90, 240 } },
    { .name = "Bob", .number = 2, .tone_hz = 837.5, .video = SIM_MOVING, .paint = { 145, 54, 34 } },
    { .name = "Eve",
      .number = 3,
      .tone_hz = 1312.5,
      .video = SIM_MOVING,
      .paint = { 41, 240, 110 } },
};

#define PEOPLE G_N_ELEMENTS(people)

typedef struct {
    SimWorld *world;
    SimPeer *peers[PEOPLE];
} Meeting;

static Meeting meet(void)
{
    SimWorldOptions options = { .project_dir = PROJECT_DIR };
    Meeting meeting = { .world = sim_world_new(&options) };
    for (guint i = 0; i < PEOPLE; i++)
        meeting.peers[i] = sim_world_join(meeting.world, &people[i]);
    return meeting;
}

static void test_everybody_is_heard_but_oneself(void)
{
    Meeting meeting = meet();
    sim_world_run(meeting.world, 4 * NS_PER_SEC);
    gint64 now_ns = sim_world_now_ns(meeting.world);
    for (guint i = 0; i < PEOPLE; i++) {
        const SimEar *ear = sim_peer_ear(meeting.peers[i]);
        gdouble own = sim_ear_tone_db(ear, people[i].tone_hz, now_ns - 2 * NS_PER_SEC, now_ns);
        for (guint j = 0; j < PEOPLE; j++) {
            gdouble level =
                sim_ear_tone_db(ear, people[j].tone_hz, now_ns - 2 * NS_PER_SEC, now_ns);
            g_test_message("%s hears %s at %.1f dB", people[i].name, people[j].name, level);
            if (j == i)
                continue;
            g_assert_cmpfloat(level, >, -23); /* sent at -20 */
            g_assert_cmpfloat(level, <, -17);
            g_assert_cmpfloat(own, <, level - 30);
        }
    }
    sim_world_free(meeting.world);
}

static void test_sound_has_no_seam(void)
{
    Meeting meeting = meet();
    sim_world_run(meeting.world, 2 * NS_PER_SEC);
    gint64 from_ns = sim_world_now_ns(meeting.world);
    sim_ear_mark(sim_peer_ear(meeting.peers[0]));
    sim_world_run(meeting.world, 4 * NS_PER_SEC);
    gint64 to_ns = sim_world_now_ns(meeting.world);
    SimTone tone = sim_ear_watch_tone(sim_peer_ear(meeting.peers[0]), 837.5, from_ns, to_ns);
    SimEarStats stats;
    sim_ear_stats(sim_peer_ear(meeting.peers[0]), &stats);
    g_test_message("dip %.2f dB, step %.3f rad", tone.worst_dip_db, tone.worst_step_rad);
    g_assert_cmpuint(tone.windows, >=, 48);
    g_assert_cmpfloat(tone.worst_dip_db, >, -1);
    g_assert_cmpfloat(tone.worst_step_rad, <, 0.1);
    g_assert_cmpuint(stats.missing, ==, 0);
    g_assert_cmpuint(stats.bad_steps, ==, 0);
    sim_world_free(meeting.world);
}

static void test_everybody_is_seen_in_the_own_tile(void)
{
    Meeting meeting = meet();
    sim_world_run(meeting.world, 3 * NS_PER_SEC);
    for (guint i = 0; i < PEOPLE; i++) {
        for (guint j = 0; j < PEOPLE; j++) {
            SimColour seen = sim_world_colour(meeting.world, meeting.peers[i], meeting.peers[j]);
            g_test_message("%s sees %s as %d %d %d", people[i].name, people[j].name, seen.y, seen.u,
                           seen.v);
            g_assert_true(sim_world_shows(meeting.world, meeting.peers[i], meeting.peers[j],
                                          people[j].paint));
        }
    }
    sim_world_free(meeting.world);
}

static void test_pictures_keep_their_cadence(void)
{
    Meeting meeting = meet();
    sim_world_run(meeting.world, 2 * NS_PER_SEC);
    gint64 from_ns = sim_world_now_ns(meeting.world);
    sim_world_run(meeting.world, 4 * NS_PER_SEC);
    SimCadence cadence =
        sim_eye_cadence(sim_peer_eye(meeting.peers[1]), from_ns, sim_world_now_ns(meeting.world));
    g_assert_cmpuint(cadence.frames, >=, 59);
    g_assert_cmpuint(cadence.longest_step, <=, 6001); /* 90000 / 15, rounded */
    g_assert_cmpint(cadence.longest_gap_ns, <, 75 * NS_PER_MS);
    g_assert_cmpuint(cadence.backwards, ==, 0);
    g_assert_cmpuint(cadence.keyframes, ==, 0);
    sim_world_free(meeting.world);
}

/* The mean difference of brightness between two pictures inside a rectangle. */
static gdouble difference(const AVFrame *a, const AVFrame *b, VideoRect rect)
{
    gint64 sum = 0;
    for (gint y = rect.y; y < rect.y + rect.height; y++) {
        for (gint x = rect.x; x < rect.x + rect.width; x++)
            sum += ABS(a->data[0][y * a->linesize[0] + x] - b->data[0][y * b->linesize[0] + x]);
    }
    return (gdouble)sum / (rect.width * rect.height);
}

static void update(Meeting *meeting, guint who, gint audio_muted, gint video_muted)
{
    ParticipantUpdate change = { .audio_muted = audio_muted, .video_muted = video_muted };
    thread_assert_control();
    g_assert_true(participant_update(sim_world_participant(meeting->world, meeting->peers[who]),
                                     &change, NULL));
    sim_world_run(meeting->world, NS_PER_SEC);
}

static void test_mute_sign_appears_beside_the_name(void)
{
    Meeting meeting = meet();
    VideoRect tile;
    sim_world_run(meeting.world, 3 * NS_PER_SEC);
    AVFrame *before = av_frame_clone(sim_eye_picture(sim_peer_eye(meeting.peers[0])));
    g_assert_true(sim_world_tile(meeting.world, meeting.peers[1], &tile));
    update(&meeting, 1, 1, -1);
    VideoRect name = { tile.x, tile.y + tile.height * 3 / 4, tile.width / 2, tile.height / 4 };
    VideoRect middle = { tile.x + tile.width / 4, tile.y + tile.height / 3, tile.width / 2,
                         tile.height / 3 };
    const AVFrame *after = sim_eye_picture(sim_peer_eye(meeting.peers[0]));
    gdouble at_name = difference(before, after, name),
            at_middle = difference(before, after, middle);
    g_test_message("changed by %.2f at the name, %.2f in the middle", at_name, at_middle);
    g_assert_cmpfloat(at_name, >, 2);
    g_assert_cmpfloat(at_middle, <, 2);
    av_frame_free(&before);
    sim_world_free(meeting.world);
}

static void test_camera_off_shows_no_picture(void)
{
    Meeting meeting = meet();
    sim_world_run(meeting.world, 3 * NS_PER_SEC);
    g_assert_true(sim_world_shows(meeting.world, meeting.peers[0], meeting.peers[1], sim_green));
    update(&meeting, 1, -1, 1);
    VideoRect tile;
    g_assert_true(sim_world_tile(meeting.world, meeting.peers[1], &tile));
    VideoRect corner = { tile.x + tile.width / 6, tile.y + tile.height / 4, 12, 12 };
    SimColour seen = sim_eye_colour(sim_peer_eye(meeting.peers[0]), &corner);
    g_assert_cmpint(ABS(seen.u - sim_green.u) + ABS(seen.v - sim_green.v), >, 40);
    g_assert_true(sim_world_shows(meeting.world, meeting.peers[0], meeting.peers[2], sim_blue));
    update(&meeting, 1, -1, 0);
    g_assert_true(sim_world_shows(meeting.world, meeting.peers[0], meeting.peers[1], sim_green));
    sim_world_free(meeting.world);
}

static void test_first_picture_within_a_second(void)
{
    Meeting meeting = meet();
    sim_world_run(meeting.world, 3 * NS_PER_SEC);
    gint64 offered_ns = sim_world_now_ns(meeting.world);
    SimPeerConfig late = {
        .name = "Zoe", .number = 9, .tone_hz = 1900, .video = SIM_MOVING, .paint = { 210, 16, 146 }
    };
    SimPeer *zoe = sim_world_join(meeting.world, &late);
    sim_world_run(meeting.world, 2 * NS_PER_SEC);
    const GArray *frames = sim_eye_frames(sim_peer_eye(zoe));
    g_assert_cmpuint(frames->len, >, 10);
    gint64 waited_ns = g_array_index(frames, SimFrame, 0).arrival_ns - offered_ns;
    g_test_message("first picture after %d ms", (int)(waited_ns / NS_PER_MS));
    g_assert_cmpint(waited_ns, <=, NS_PER_SEC);
    for (guint i = 0; i < PEOPLE; i++) {
        g_assert_true(sim_world_shows(meeting.world, zoe, meeting.peers[i], people[i].paint));
        g_assert_true(sim_world_shows(meeting.world, meeting.peers[i], zoe, late.paint));
    }
    sim_world_free(meeting.world);
}

static void test_leaving_changes_nothing_for_the_others(void)
{
    Meeting meeting = meet();
    sim_world_run(meeting.world, 2 * NS_PER_SEC);
    gint64 from_ns = sim_world_now_ns(meeting.world);
    sim_world_run(meeting.world, NS_PER_SEC);
    sim_world_leave(meeting.world, meeting.peers[2]);
    sim_world_run(meeting.world, 2 * NS_PER_SEC);
    gint64 to_ns = sim_world_now_ns(meeting.world);
    SimTone tone = sim_ear_watch_tone(sim_peer_ear(meeting.peers[0]), 837.5, from_ns, to_ns);
    SimCadence cadence = sim_eye_cadence(sim_peer_eye(meeting.peers[0]), from_ns, to_ns);
    g_assert_cmpfloat(tone.worst_dip_db, >, -1.5);
    g_assert_cmpfloat(tone.worst_step_rad, <, 0.15);
    g_assert_cmpuint(cadence.longest_step, <=, 6001);
    gdouble gone =
        sim_ear_tone_db(sim_peer_ear(meeting.peers[0]), 1312.5, to_ns - NS_PER_SEC, to_ns);
    g_assert_cmpfloat(gone, <, -60);
    g_assert_true(sim_world_shows(meeting.world, meeting.peers[0], meeting.peers[1], sim_green));
    sim_world_free(meeting.world);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/conversation/heard", test_everybody_is_heard_but_oneself);
    g_test_add_func("/conversation/seamless", test_sound_has_no_seam);
    g_test_add_func("/conversation/seen", test_everybody_is_seen_in_the_own_tile);
    g_test_add_func("/conversation/cadence", test_pictures_keep_their_cadence);
    g_test_add_func("/conversation/mute_sign", test_mute_sign_appears_beside_the_name);
    g_test_add_func("/conversation/camera_off", test_camera_off_shows_no_picture);
    g_test_add_func("/conversation/first_picture", test_first_picture_within_a_second);
    g_test_add_func("/conversation/leave", test_leaving_changes_nothing_for_the_others);
    return g_test_run();
}
